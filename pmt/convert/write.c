/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/convert/converter.h"

#include <stdlib.h>
#include <string.h>

void convert_put_text(struct buffer *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr("&<\"", text.data[i]) || text.data[i] < 0x20)
			buffer_put_text(out, "&#%u;", text.data[i]);
		else
			buffer_put_u8(out, text.data[i]);
}

void convert_put_prefix(struct buffer *out, int type, struct view address, uint32_t length)
{
	struct address_range a = {
		.family = type == 2 ? FAMILY_IPV6 : FAMILY_IPV4, .prefix_length = (uint8_t)length};

	memcpy(a.min, address.data, address.len);
	memcpy(a.max, address.data, address.len);
	print_address(&a, out);
}

static void put_roles(struct buffer *out, struct view combination)
{
	for (size_t i = 0; i < combination.len; i++)
		buffer_put_u8(out, combination.data[i] == '+' ? ' ' : combination.data[i]);
}

static void put_pin(struct buffer *out, const char *name, struct view digest)
{
	char hex[2 * NODE_KEY + 1];

	if (digest.len != NODE_KEY)
		return;
	hex_encode(hex, digest);
	buffer_put_text(out, "\n        %s=\"sha256:%s\"", name, hex);
}

/* The element up to its roles, an attribute that a node without any has not. */
static void begin_node(struct buffer *out, struct view name, struct view roles)
{
	buffer_put_text(out, "  <node name=\"");
	convert_put_text(out, name);
	if (roles.len) {
		buffer_put_text(out, "\" roles=\"");
		put_roles(out, roles);
	}
	buffer_put_u8(out, '"');
}

/* With all of its addresses, which stand together; gives how many. */
static size_t put_ward(struct converter *c, const struct assignment *a, size_t first)
{
	const struct assigned_ward *ward = &a->wards[first];
	size_t count = 0;

	begin_node(c->out, ward->node, ward->roles);
	buffer_put_text(c->out, " guardian=\"");
	convert_put_text(c->out, a->node);
	buffer_put_text(c->out, "\" address=\"");
	do {
		buffer_put_text(c->out, "%s", count ? " " : "");
		convert_put_prefix(c->out, ward[count].address_type, ward[count].address,
			ward[count].prefix_length);
		count++;
	} while (first + count < a->ward_count && view_equal(ward[count].node, ward->node));
	buffer_put_text(c->out, "\"/>\n");
	return count;
}

static void put_node(struct converter *c, const struct assignment *a)
{
	struct buffer *out = c->out;
	const bool plain = a->interface_count == 1 && convert_text_equal(a->interfaces[0].name, "*") &&
			   view_equal(a->interfaces[0].roles, a->roles);

	begin_node(out, a->node, a->roles);
	put_pin(out, "key", VIEW(a->node_key, NODE_KEY));
	put_pin(out, "report", a->report_key);
	put_pin(out, "seal", a->seal_key);
	if (plain) {
		buffer_put_text(out, "/>\n");
		return;
	}
	buffer_put_text(out, ">\n");
	for (size_t i = 0; i < a->interface_count; i++) {
		buffer_put_text(out, "    <interface name=\"");
		convert_put_text(out, a->interfaces[i].name);
		buffer_put_text(out, "\" roles=\"");
		put_roles(out, a->interfaces[i].roles);
		buffer_put_text(out, "\"/>\n");
	}
	buffer_put_text(out, "  </node>\n");
}

static void put_attribute(struct buffer *out, const char *name, const char *value)
{
	if (value && *value)
		buffer_put_text(out, " %s=\"%s\"", name, value);
}

static void put_limits(struct buffer *out, const struct rule *rule)
{
	static const char *const scopes[] = {
		[POLICY_OF_SOURCE] = "source", [POLICY_OF_DESTINATION] = "destination"};

	if (rule->rate.count) {
		buffer_put_text(out, " rate=\"%u/%s\"", rule->rate.count,
			rate_unit(rule->rate.seconds));
		if (rule->rate.burst)
			buffer_put_text(out, " burst=\"%u\"", rule->rate.burst);
		if (rule->rate.scope != POLICY_OF_RULE)
			put_attribute(out, "rate-for", scopes[rule->rate.scope]);
	}
	if (rule->connections.count) {
		buffer_put_text(out, " connections=\"%u\"", rule->connections.count);
		if (rule->connections.scope != POLICY_OF_RULE)
			put_attribute(out, "connections-for", scopes[rule->connections.scope]);
	}
}

static void put_rule(struct buffer *out, const struct rule *rule)
{
	static const char *const words[] = {
		[POLICY_DISCARD] = "deny", [POLICY_PROTECT] = "protect", [POLICY_BYPASS] = "allow"};

	buffer_put_text(out, "    %s<%s", rule->offer ? "  " : "", words[rule->action]);
	put_attribute(out, "name", rule->name);
	put_attribute(out, "with", rule->protections);
	put_attribute(out, "via", rule->via);
	put_attribute(out, "in", rule->in ? "yes" : NULL);
	put_attribute(out, "out", rule->out ? "yes" : NULL);
	put_attribute(out, "forward", rule->forward ? "yes" : NULL);
	put_attribute(out, "both", rule->both || rule->forward_both ? "yes" : NULL);
	if (rule->forward) {
		put_attribute(out, "in-role", rule->in_role);
		put_attribute(out, "out-role", rule->out_role);
	}
	put_attribute(out, "from", rule->from);
	put_attribute(out, "to", rule->to);
	put_attribute(out, "service", rule->service);
	put_attribute(out, "dscp", rule->dscp);
	put_attribute(out, "when", rule->schedule);
	put_attribute(out, "log", rule->log ? "yes" : NULL);
	put_attribute(out, "shadow", rule->shadow ? "yes" : NULL);
	put_attribute(out, "stateful", rule->stateful ? NULL : "no");
	put_limits(out, rule);
	buffer_put_text(out, "/>\n");
}

/* The first rule that all sets let stand next, if it can be one of this offer; NULL if they do not
 * agree. */
static struct rule *next_rule(struct converter *c, size_t *from, const char *offer)
{
	struct rule *first = NULL;

	while (*from < c->rule_count && c->rules[*from].written)
		(*from)++;
	for (size_t i = *from; i < c->rule_count; i++) {
		struct rule *rule = &c->rules[i];

		if (rule->written || rule->before)
			continue;
		if (!offer || convert_same_text(rule->offer, offer))
			return rule;
		first = first ? first : rule;
	}
	return first;
}

/* The tags between the last rule, which stood in `before`, and one of this offer. */
static void put_offer(struct converter *c, const char *before, const char *offer)
{
	if (convert_same_text(before, offer))
		return;
	if (before)
		buffer_put_text(c->out, "    </offer>\n");
	for (size_t i = 0; offer && i < c->offers.count; i++)
		if (strcmp(c->offers.items[i].name, offer) == 0) {
			/* The second time it only goes on. */
			buffer_put_text(c->out, "    <offer name=\"%s\"%s>\n", offer,
				c->offers.items[i].text);
			c->offers.items[i].text = "";
		}
}

/* Pairs sorted by their first, so that those of one rule are together. */
static int by_first(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

static void release(struct converter *c, size_t which)
{
	size_t low = 0, high = c->follow_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (c->follows[2 * middle] < which)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < c->follow_count && c->follows[2 * low] == which; low++)
		c->rules[c->follows[2 * low + 1]].before--;
}

enum err convert_put_rules(struct converter *c)
{
	const char **roles = convert_list_roles(c);
	struct buffer now, open;
	const char *offer = NULL;
	size_t from = 0;
	enum err code = roles ? E_OK : convert_no_memory(c);

	buffer_init(&now, 1 << 20);
	buffer_init(&open, 1 << 20);
	if (c->follow_count)
		qsort(c->follows, c->follow_count, 2 * sizeof *c->follows, by_first);
	for (size_t i = 0; i < c->follow_count; i++)
		c->rules[c->follows[2 * i + 1]].before++;
	for (size_t n = 0; n < c->rule_count && !code; n++) {
		struct rule *rule = next_rule(c, &from, offer);

		if (!rule) {
			code = error_set(c->e, E_UNSUPPORTED,
				"the sets have their rules in orders that contradict each other");
			break;
		}
		buffer_reset(&now);
		code = convert_rule_roles(c, rule, roles, &now);
		if (code)
			break;
		if (n == 0 || strcmp(buffer_string(&now), buffer_string(&open)) != 0) {
			put_offer(c, offer, NULL);
			offer = NULL;
			buffer_put_text(c->out, "%s\n  <rules %s>\n",
				n ? "  </rules>\n" : "", buffer_string(&now));
			buffer_reset(&open);
			buffer_put_text(&open, "%s", buffer_string(&now));
		}
		put_offer(c, offer, rule->offer);
		offer = rule->offer;
		put_rule(c->out, rule);
		rule->written = true;
		release(c, (size_t)(rule - c->rules));
	}
	put_offer(c, offer, NULL);
	if (c->rule_count)
		buffer_put_text(c->out, "  </rules>\n");
	buffer_fini(&now);
	buffer_fini(&open);
	return code;
}

/* Roles that a rule names and no node has. */
static void put_other_roles(struct converter *c, const char **roles)
{
	for (size_t i = 0; i < 2 * c->rule_count; i++) {
		const struct rule *rule = &c->rules[i / 2];
		const char *role = i % 2 ? rule->out_role : rule->in_role;
		bool known = !*role;

		for (size_t n = 0; roles[n] && !known; n++)
			known = strcmp(roles[n], role) == 0;
		for (size_t k = 0; k < i && !known; k++)
			known = strcmp(k % 2 ? c->rules[k / 2].out_role : c->rules[k / 2].in_role,
					role) == 0;
		if (!known)
			buffer_put_text(c->out, "  <role name=\"%s\"/>\n", role);
	}
}

enum err convert_put_policy(struct converter *c)
{
	static const char *const stale[] = {[STALE_KEEP] = "keep",
		[STALE_TIGHTEN] = "tighten",
		[STALE_QUARANTINE] = "quarantine",
		[STALE_END] = "end"};
	const char **roles = convert_list_roles(c);

	if (!roles)
		return convert_no_memory(c);
	buffer_put_text(c->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				"<policy xmlns=\"urn:copsec:policy:1\" tenant=\"");
	convert_put_text(c->out, c->index.tenant);
	buffer_put_u8(c->out, '"');
	if (c->bundle->authority != AUTHORITY_HOME)
		put_attribute(c->out, "authority", authority_name(c->bundle->authority));
	buffer_put_text(c->out, " stale=\"%s\">\n", stale[c->stale]);
	for (size_t i = 0; roles[i]; i++)
		if (strcmp(roles[i], "*") != 0)
			buffer_put_text(c->out, "  <role name=\"%s\"/>\n", roles[i]);
	put_other_roles(c, roles);
	for (size_t i = 0; i < c->groups.count; i++)
		buffer_put_text(c->out, "  <group name=\"%s\"%s/>\n", c->groups.items[i].name,
			c->groups.items[i].text);
	if (convert_put_names(c, roles))
		return c->e->code;
	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		const struct assignment *a = &c->nodes[i];

		put_node(c, a);
		for (size_t k = 0; k < a->ward_count;)
			k += put_ward(c, a, k);
	}
	for (size_t i = 0; i < c->service_count; i++)
		buffer_put_text(c->out, "  <service name=\"%s\" %s/>\n", c->services[i].name,
			c->services[i].text);
	for (size_t i = 0; i < c->protection_count; i++)
		buffer_put_text(c->out, "  <protection name=\"%s\" %s  </protection>\n",
			c->protections[i].name, c->protections[i].text);
	for (size_t i = 0; i < c->schedules.count; i++)
		buffer_put_text(c->out, "  <schedule name=\"%s\"%s  </schedule>\n",
			c->schedules.items[i].name, c->schedules.items[i].text);
	return convert_put_authorities(c, roles);
}
