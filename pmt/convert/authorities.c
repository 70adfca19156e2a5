/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <string.h>

#include "pib/set/delegation.h"

static const struct assigned_authority *find_authority(
	const struct assignment *a, const struct assigned_authority *wanted)
{
	for (size_t i = 0; i < a->authority_count; i++)
		if (a->authorities[i].authority == wanted->authority &&
			view_equal(a->authorities[i].name, wanted->name) &&
			view_equal(a->authorities[i].trust, wanted->trust))
			return &a->authorities[i];
	return NULL;
}

/* Whom one node admits, all do: the language has no word for anything else. */
static enum err put_admitted(struct converter *c)
{
	const struct assignment *first = c->bundle->assignment_count ? &c->nodes[0] : NULL;
	size_t admitted = 0;

	for (size_t i = 0; first && i < first->authority_count; i++) {
		const struct assigned_authority *a = &first->authorities[i];
		char hex[2 * NODE_KEY + 1];

		if (a->authority != AUTHORITY_OPERATOR && a->authority != AUTHORITY_VISITED)
			continue;
		admitted++;
		buffer_put_text(c->out, "  <admit authority=\"%s\"", authority_name(a->authority));
		if (!convert_text_equal(a->name, "*")) {
			buffer_put_text(c->out, " tenant=\"");
			convert_put_text(c->out, a->name);
			buffer_put_u8(c->out, '"');
		}
		if (a->trust.len == NODE_KEY) {
			hex_encode(hex, a->trust);
			buffer_put_text(c->out, " trust=\"sha256:%s\"", hex);
		}
		buffer_put_text(c->out, "/>\n");
		for (size_t n = 1; n < c->bundle->assignment_count; n++)
			if (!find_authority(&c->nodes[n], a))
				return error_set(c->e, E_UNSUPPORTED,
					"the nodes do not all admit the same authorities");
	}
	for (size_t n = 1; n < c->bundle->assignment_count; n++) {
		size_t own = 0;

		for (size_t i = 0; i < c->nodes[n].authority_count; i++)
			own += c->nodes[n].authorities[i].authority == AUTHORITY_OPERATOR ||
			       c->nodes[n].authorities[i].authority == AUTHORITY_VISITED;
		if (own != admitted)
			return error_set(c->e, E_UNSUPPORTED,
				"the nodes do not all admit the same authorities");
	}
	return E_OK;
}

/* --- delegations --- */

static void put_view(struct buffer *out, const char *name, struct view value)
{
	if (!value.len)
		return;
	buffer_put_text(out, " %s=\"", name);
	convert_put_text(out, value);
	buffer_put_u8(out, '"');
}

static void put_number(struct buffer *out, const char *name, uint32_t n, const char *unit)
{
	if (n)
		buffer_put_text(out, " %s=\"%u%s\"", name, n, unit);
}

static void put_base64(struct buffer *out, struct view v)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < v.len; i += 3) {
		const size_t left = v.len - i < 3 ? v.len - i : 3;
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < left ? v.data[i + k] : 0u);
		for (size_t k = 0; k < 4; k++)
			buffer_put_u8(out,
				k > left ? '=' : (uint8_t)letters[bits >> (18 - 6 * k) & 63]);
	}
}

static void put_prefix(struct buffer *out, const struct inet_prefix *p)
{
	convert_put_prefix(out, p->type, p->address, p->length);
}

static void put_responder(struct buffer *out, const struct delegation *d)
{
	static const char *const severities[] = {"", "notice", "warning", "critical"};
	static const char *const actions[] = {"", "isolate", "block", "tell"};

	for (size_t i = 0; i < d->never_count; i++) {
		const struct never_touch *n = &d->never[i];

		buffer_put_text(out, "    <never");
		if (n->kind == NEVER_ADDRESSES) {
			buffer_put_text(out, " addresses=\"");
			put_prefix(out, &n->prefix);
			buffer_put_u8(out, '"');
		} else {
			put_view(out, n->kind == NEVER_NODE ? "node" : "role", n->name);
		}
		buffer_put_text(out, "/>\n");
	}
	for (size_t i = 0; i < d->sensor_count; i++) {
		buffer_put_text(out, "    <sensor");
		put_view(out, "role", d->sensors[i].role);
		put_view(out, "kind", d->sensors[i].alert);
		put_number(out, "least", d->sensors[i].least, "");
		buffer_put_text(out, "/>\n");
	}
	for (size_t i = 0; i < d->response_count; i++) {
		const struct response *r = &d->responses[i];

		buffer_put_text(out, "    <response");
		put_view(out, "name", r->name);
		buffer_put_text(out, " action=\"%s\" severity=\"%s\"", actions[r->action],
			severities[r->severity]);
		put_view(out, "kind", r->alert);
		put_view(out, "sensor", r->sensor_role);
		put_number(out, "least", r->sensors, "");
		put_number(out, "within", r->within, "s");
		put_number(out, "for", r->duration, "s");
		if (r->roles.len) {
			buffer_put_text(out, " roles=\"");
			for (size_t k = 0; k < r->roles.len; k++)
				buffer_put_u8(out,
					r->roles.data[k] == '+' ? ' ' : r->roles.data[k]);
			buffer_put_u8(out, '"');
		}
		buffer_put_text(out, "/>\n");
	}
}

static void put_directory(struct buffer *out, const struct delegation *d)
{
	static const char *const kinds[] = {
		"", "group", "peer", "answer", "sa-keys", "binding"};
	static const char *const conditions[] = {"", "current", "known"};

	for (size_t i = 0; i < d->grant_count; i++) {
		const char *between = " addresses=\"";

		buffer_put_text(out, "    <grant");
		put_view(out, kinds[d->grants[i].kind], d->grants[i].name);
		put_number(out, "most", d->grants[i].most, "");
		for (size_t k = 0; k < d->prefix_count; k++) {
			if (d->prefixes[k].grant != i + 1)
				continue;
			buffer_put_text(out, "%s", between);
			put_prefix(out, &d->prefixes[k].prefix);
			between = " ";
		}
		buffer_put_text(out, "%s/>\n", *between == ' ' && between[1] ? "" : "\"");
	}
	for (size_t i = 0; i < d->admission_count; i++) {
		const struct admission *a = &d->admissions[i];

		buffer_put_text(out, "    <admission");
		put_view(out, "group", d->grants[a->grant - 1].name);
		put_view(out, "role", a->role);
		buffer_put_text(out, " condition=\"%s\" grace=\"%us\"/>\n",
			conditions[a->condition], a->grace);
	}
}

static bool lists(const struct assignment *a, const struct delegation *d)
{
	const struct assigned_authority wanted = {.authority = d->authority, .name = d->name};

	return find_authority(a, &wanted);
}

static bool has_role(const struct assignment *a, const char *role)
{
	struct view combination = a->roles;

	for (size_t i = 0; i <= a->interface_count; i++) {
		struct buffer text;
		bool has;

		buffer_init(&text, 4096);
		buffer_put_view(&text, combination);
		has = combination_has(buffer_string(&text), role);
		buffer_fini(&text);
		if (has)
			return true;
		if (i < a->interface_count)
			combination = a->interfaces[i].roles;
	}
	return false;
}

/* Do all nodes with the role list it, and some does? */
static bool is_for_role(const struct converter *c, const struct delegation *d, const char *role)
{
	bool some = false;

	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		const bool has = has_role(&c->nodes[i], role);

		if (has && !lists(&c->nodes[i], d))
			return false;
		some = some || has;
	}
	return some;
}

static size_t count_listed(const struct converter *c, const struct delegation *d)
{
	size_t count = 0;

	for (size_t i = 0; i < c->bundle->assignment_count; i++)
		count += lists(&c->nodes[i], d);
	return count;
}

/* The roles of just the nodes that list it: nothing if all do, one that nobody has if none does. */
static enum err put_delegated(
	struct converter *c, const struct delegation *d, const char **roles)
{
	const size_t listed = count_listed(c, d);
	const char *between = " for=\"";

	if (listed == c->bundle->assignment_count)
		return E_OK;
	if (!listed) {
		put_view(c->out, "for", view_of_string(c->spare_role));
		return E_OK;
	}
	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		bool has = !lists(&c->nodes[i], d);

		for (size_t n = 0; roles[n] && !has; n++)
			has = has_role(&c->nodes[i], roles[n]) && is_for_role(c, d, roles[n]);
		if (!has)
			return error_set(c->e, E_UNSUPPORTED,
				"the delegation \"%.*s\" is for nodes that no roles have in common",
				(int)d->name.len, (const char *)d->name.data);
	}
	for (size_t n = 0; roles[n]; n++)
		if (is_for_role(c, d, roles[n])) {
			buffer_put_text(c->out, "%s%s", between, roles[n]);
			between = " ";
		}
	buffer_put_u8(c->out, '"');
	return E_OK;
}

static enum err put_delegation(struct converter *c, size_t which, const char **roles)
{
	struct delegation d;
	enum err code = bundle_delegation(c->bundle, which, &c->arena, &d, c->e);

	if (!code && d.identity_count)
		code = error_set(c->e, E_UNSUPPORTED,
			"the delegation \"%.*s\" has identities of peers, for which there is no word",
			(int)d.name.len, (const char *)d.name.data);
	if (code)
		return code;
	buffer_put_text(c->out, "  <delegation authority=\"%s\"", authority_name(d.authority));
	put_view(c->out, "name", d.name);
	code = put_delegated(c, &d, roles);
	if (code)
		return code;
	buffer_put_text(c->out, " valid=\"%llus\"",
		(unsigned long long)(d.not_after - d.not_before));
	put_number(c->out, "longest", d.longest_duration, "s");
	put_number(c->out, "most-nodes", d.most_nodes, "");
	put_number(c->out, "most-rules", d.most_rules, "");
	buffer_put_text(c->out, "%s certificate=\"", d.may_isolate ? " isolate=\"yes\"" : "");
	put_base64(c->out, d.certificate);
	buffer_put_text(c->out, "\">\n");
	put_responder(c->out, &d);
	put_directory(c->out, &d);
	buffer_put_text(c->out, "  </delegation>\n");
	return E_OK;
}

/* --- names --- */

static bool is_declared(const struct converter *c, struct view name)
{
	for (size_t i = 0; i < c->declared.count; i++)
		if (convert_text_equal(name, c->declared.items[i].name))
			return true;
	return false;
}

static void declare(struct converter *c, const char *element, struct view name)
{
	struct buffer text;

	if (!name.len || is_declared(c, name) || c->declared.count == CONDITIONS_MAX)
		return;
	buffer_init(&text, 4096);
	buffer_put_view(&text, name);
	c->declared.items[c->declared.count++].name = convert_keep(c, &text);
	buffer_fini(&text);
	buffer_put_text(c->out, "  <%s", element);
	put_view(c->out, "name", name);
	buffer_put_text(c->out, "/>\n");
}

/* Each role of a combination. */
static void declare_roles(struct converter *c, struct view combination)
{
	while (combination.len) {
		const uint8_t *end = memchr(combination.data, '+', combination.len);
		const size_t len = end ? (size_t)(end - combination.data) : combination.len;

		declare(c, "role", VIEW(combination.data, len));
		combination = VIEW(combination.data + len + (end != NULL),
			combination.len - len - (end != NULL));
	}
}

static void know(struct converter *c, struct view name)
{
	struct buffer text;

	if (is_declared(c, name) || c->declared.count == CONDITIONS_MAX)
		return;
	buffer_init(&text, 4096);
	buffer_put_view(&text, name);
	c->declared.items[c->declared.count++].name = convert_keep(c, &text);
	buffer_fini(&text);
}

/* A role that no node has, under a name that is free. */
static void declare_spare(struct converter *c)
{
	struct buffer name;

	buffer_init(&name, NAME_LENGTH_MAX + 1);
	buffer_put_text(&name, "nobody");
	for (unsigned n = 2; is_declared(c, buffer_view(&name)); n++) {
		buffer_reset(&name);
		buffer_put_text(&name, "nobody-%u", n);
	}
	c->spare_role = convert_keep(c, &name);
	buffer_fini(&name);
	declare(c, "role", view_of_string(c->spare_role));
}

enum err convert_put_names(struct converter *c, const char **roles)
{
	bool for_nobody = false;

	if (!c->bundle->delegation_count)
		return E_OK;
	for (size_t i = 0; roles[i]; i++)
		know(c, view_of_string(roles[i]));
	for (size_t i = 0; i < c->rule_count; i++) {
		know(c, view_of_string(c->rules[i].in_role));
		know(c, view_of_string(c->rules[i].out_role));
	}
	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		know(c, c->nodes[i].node);
		for (size_t k = 0; k < c->nodes[i].ward_count; k++)
			know(c, c->nodes[i].wards[k].node);
	}
	for (size_t i = 0; i < c->groups.count; i++)
		know(c, view_of_string(c->groups.items[i].name));
	for (size_t i = 0; i < c->bundle->delegation_count; i++) {
		struct delegation d;
		enum err code = bundle_delegation(c->bundle, i, &c->arena, &d, c->e);

		if (code)
			return code;
		for (size_t k = 0; k < d.never_count; k++)
			declare(c, d.never[k].kind == NEVER_NODE ? "node" : "role", d.never[k].name);
		for (size_t k = 0; k < d.sensor_count; k++)
			declare_roles(c, d.sensors[k].role);
		for (size_t k = 0; k < d.response_count; k++)
			declare_roles(c, d.responses[k].roles);
		for (size_t k = 0; k < d.admission_count; k++)
			declare_roles(c, d.admissions[k].role);
		for (size_t k = 0; k < d.grant_count; k++)
			if (d.grants[k].kind == GRANT_GROUP &&
				!convert_text_equal(d.grants[k].name, "*"))
				declare(c, "group", d.grants[k].name);
		for_nobody = for_nobody || count_listed(c, &d) == 0;
	}
	if (for_nobody)
		declare_spare(c);
	return E_OK;
}

enum err convert_put_authorities(struct converter *c, const char **roles)
{
	enum err code = put_admitted(c);

	for (size_t i = 0; i < c->bundle->delegation_count && !code; i++)
		code = put_delegation(c, i, roles);
	return code;
}
