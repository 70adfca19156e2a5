/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/convert.h"

#include <stdlib.h>
#include <string.h>

#include "pib/policy/algorithms.h"
#include "pib/policy/policy.h"
#include "pib/store/store.h"
#include "pmt/language/model.h"

enum {
	CONVERT_ARENA = 1 << 30,
	TEXT_MAX = 64 << 20,
	WORDS_MAX = 4 << 20,
	SERVICES_MAX = 65536,
	PROTECTIONS_MAX = 4096,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMP = 1,
	PROTOCOL_ICMPV6 = 58
};

/* A member of a group or of a list, by the tag that binds them. */
struct member {
	uint32_t tag, order;
	const char *text;  /* of an address or a port */
	uint32_t selector; /* of a selector set */
};

struct members {
	struct member *list;
	size_t count;
};

/* A rule of the policy, as all sets together have it. */
struct rule {
	const char *name;
	bool in, out, both; /* judged at interfaces */
	bool forward, forward_both;
	bool log;
	enum policy_action action;
	const char *protection, *via; /* NULL: none */
	const char *in_role, *out_role;
	const char *from, *to, *service; /* "": any */
	bool *sets;                      /* that have it */
	size_t before;                   /* rules that must stand before it and do not yet */
	bool written;
};

struct named_text {
	const char *name, *text;
};

struct converter {
	const struct bundle *bundle;
	struct arena arena;
	struct rule *rules;
	size_t rule_count;
	size_t *follows; /* pairs: a rule, and one that a set has directly behind it */
	size_t follow_count, follow_capacity;
	struct named_text services[SERVICES_MAX], protections[PROTECTIONS_MAX];
	size_t service_count, protection_count;
	const char **set_names;
	bool *serves_interfaces, *serves_nodes; /* by set */
	struct assignment *nodes;
	enum stale_rule stale;
	struct buffer *out;
	struct error *e;
};

/* What is read of one set. */
struct set_reader {
	struct converter *c;
	size_t which;
	struct pri_store *store;
	struct policy *policy;
	struct members addresses, ports, selectors;
};

static enum err no_memory(struct converter *c)
{
	return error_set(c->e, E_MEMORY, "out of memory");
}

static const char *keep(struct converter *c, struct buffer *text)
{
	const char *kept = arena_strdup(&c->arena, buffer_string(text));

	buffer_reset(text);
	return kept ? kept : "";
}

/* --- groups and lists --- */

static int by_tag(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

typedef void read_member_fn(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text);

static void read_address(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	struct address_range a = {.family = FAMILY_IPV4};
	const struct view min = pri_octets(pri, ipSecAddressAddrMin),
			  max = pri_octets(pri, ipSecAddressAddrMax);

	if (pri_i32(pri, ipSecAddressAddressType) == ipSecAddressAddressType_ipv6)
		a.family = FAMILY_IPV6;
	a.prefix_length = (uint8_t)pri_u32(pri, ipSecAddressAddrPrefixLength);
	memcpy(a.min, min.data, min.len < 16 ? min.len : 16);
	memcpy(a.max, max.data, max.len < 16 ? max.len : 16);
	m->tag = pri_u32(pri, ipSecAddressGroupId);
	m->order = pri->instance;
	print_address(&a, text);
	m->text = keep(c, text);
}

static void read_port(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	const uint32_t min = pri_u32(pri, ipSecL4PortPortMin),
		       max = pri_u32(pri, ipSecL4PortPortMax);

	m->tag = pri_u32(pri, ipSecL4PortGroupId);
	m->order = min;
	buffer_put_text(text, "%u", min);
	if (max != min)
		buffer_put_text(text, "-%u", max);
	m->text = keep(c, text);
}

static void read_selector(
	struct converter *c, const struct pri *pri, struct member *m, struct buffer *text)
{
	struct prid prid = {0};

	(void)c;
	(void)text;
	m->tag = pri_u32(pri, ipSecSelectorSetSelectorSetId);
	m->order = pri_u32(pri, ipSecSelectorSetOrder);
	if (pri_prid(pri, ipSecSelectorSetSelectorId, &prid))
		m->selector = prid.instance;
}

static enum err read_members(
	struct set_reader *s, enum pib_class_id class, read_member_fn *read, struct members *ret)
{
	struct converter *c = s->c;
	struct pri_cursor cursor = pri_store_class(s->store, class);
	struct pri_row row;
	struct buffer text;
	size_t count = 0;

	while (pri_store_next(&cursor, &row))
		count++;
	ret->list = arena_calloc(&c->arena, count + 1, sizeof *ret->list);
	if (!ret->list)
		return no_memory(c);
	buffer_init(&text, 4096);
	cursor = pri_store_class(s->store, class);
	while (pri_store_next(&cursor, &row)) {
		struct pib_fault fault;
		struct pri pri;
		enum err code = pri_row_decode(&row, &pri, &fault, c->e);

		if (code) {
			buffer_fini(&text);
			return code;
		}
		read(c, &pri, &ret->list[ret->count++], &text);
	}
	buffer_fini(&text);
	qsort(ret->list, ret->count, sizeof *ret->list, by_tag);
	return E_OK;
}

/* The first with the tag; the others follow it. */
static size_t first_of(const struct members *m, uint32_t tag)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (m->list[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Their texts with blanks between; tag 0 is any, "". */
static const char *words_of(struct set_reader *s, const struct members *m, uint32_t tag)
{
	struct buffer text;
	const char *kept;

	buffer_init(&text, WORDS_MAX);
	for (size_t i = first_of(m, tag); tag && i < m->count && m->list[i].tag == tag; i++)
		buffer_put_text(&text, "%s%s", text.len ? " " : "", m->list[i].text);
	/* Of any, a second group is made of the two whole families. */
	if (strcmp(buffer_string(&text), "0.0.0.0/0 ::/0") == 0)
		buffer_reset(&text);
	kept = keep(s->c, &text);
	buffer_fini(&text);
	return kept;
}

/* --- rules --- */

static enum err refuse(struct set_reader *s, const char *rule, const char *what)
{
	return error_set(s->c->e, E_UNSUPPORTED, "the set \"%s\", rule \"%s\": %s",
		s->c->set_names[s->which], rule, what);
}

struct traffic_words {
	struct buffer tcp, udp, icmp, icmpv6, protocol;
	bool any;
};

static struct buffer *words_for(struct traffic_words *w, uint32_t protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		return &w->tcp;
	case PROTOCOL_UDP:
		return &w->udp;
	case PROTOCOL_ICMP:
		return &w->icmp;
	case PROTOCOL_ICMPV6:
		return &w->icmpv6;
	default:
		return &w->protocol;
	}
}

static enum err add_traffic(
	struct set_reader *s, const char *rule, const struct pri *selector, struct traffic_words *w)
{
	const uint32_t protocol = pri_u32(selector, ipSecSelectorProtocol);
	const struct prid extension_of = {pib_class(PIB_copsecSelector), selector->instance};
	struct buffer *words = words_for(w, protocol);
	int32_t type = -1, icmp_code = -1;
	struct pri extension;
	struct pri_row row;
	struct pib_fault fault;

	if (pri_u32(selector, ipSecSelectorSrcPortGroupId) ||
		pri_i32(selector, ipSecSelectorDscp) != -1 ||
		pri_i32(selector, ipSecSelectorFlowLabel) != -1)
		return refuse(s, rule, "source ports, DSCP and flow labels have no word here");
	if (pri_store_find(s->store, &extension_of, &row) &&
		!pri_row_decode(&row, &extension, &fault, s->c->e)) {
		type = pri_i32(&extension, copsecSelectorIcmpType);
		icmp_code = pri_i32(&extension, copsecSelectorIcmpCode);
	}
	if (words->len)
		buffer_put_u8(words, ' ');
	if (protocol == PROTOCOL_ANY)
		w->any = true;
	else if (protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP)
		buffer_put_text(words, "%s",
			pri_u32(selector, ipSecSelectorDstPortGroupId)
				? words_of(s, &s->ports,
					  pri_u32(selector, ipSecSelectorDstPortGroupId))
				: "any");
	else if (pri_u32(selector, ipSecSelectorDstPortGroupId))
		return refuse(
			s, rule, "ports of other protocols than TCP and UDP have no word here");
	else if (protocol != PROTOCOL_ICMP && protocol != PROTOCOL_ICMPV6)
		buffer_put_text(words, "%u", protocol);
	else if (type < 0)
		buffer_put_text(words, "any");
	else if (icmp_code < 0)
		buffer_put_text(words, "%d", (int)type);
	else
		buffer_put_text(words, "%d/%d", (int)type, (int)icmp_code);
	return E_OK;
}

static void put_words(struct buffer *out, const char *name, struct buffer *words)
{
	if (words->len)
		buffer_put_text(
			out, "%s%s=\"%s\"", out->len ? " " : "", name, buffer_string(words));
}

/* The name of the service with this definition; a new one if there is none. */
static enum err name_service(struct converter *c, const char *definition, const char **ret)
{
	const char *known = model_known_service(definition);
	struct buffer name;

	for (size_t i = 0; i < c->service_count && !known; i++)
		if (strcmp(c->services[i].text, definition) == 0)
			known = c->services[i].name;
	if (known) {
		*ret = known;
		return E_OK;
	}
	if (c->service_count == SERVICES_MAX)
		return error_set(c->e, E_LIMIT, "more than %d services", SERVICES_MAX);
	buffer_init(&name, 64);
	buffer_put_text(&name, "service-%zu", c->service_count + 1);
	*ret = keep(c, &name);
	buffer_fini(&name);
	c->services[c->service_count++] =
		(struct named_text){*ret, arena_strdup(&c->arena, definition)};
	return E_OK;
}

static enum err finish_traffic(struct converter *c, struct traffic_words *w, const char **ret)
{
	struct buffer definition;
	enum err code = E_OK;

	*ret = "";
	buffer_init(&definition, TEXT_MAX);
	put_words(&definition, "tcp", &w->tcp);
	put_words(&definition, "udp", &w->udp);
	put_words(&definition, "icmp", &w->icmp);
	put_words(&definition, "icmpv6", &w->icmpv6);
	put_words(&definition, "protocol", &w->protocol);
	if (!w->any)
		code = name_service(c, buffer_string(&definition), ret);
	buffer_fini(&definition);
	return code;
}

/* From, to and service out of the selectors; all of a rule have the same addresses. */
static enum err read_selectors(struct set_reader *s, uint32_t instance, struct rule *rule)
{
	struct traffic_words w = {0};
	const struct prid prid = {pib_class(PIB_ipSecRule), instance};
	struct buffer *const all[] = {&w.tcp, &w.udp, &w.icmp, &w.icmpv6, &w.protocol};
	struct pri_row row;
	struct pib_fault fault;
	struct pri pri, selector;
	uint32_t tag;
	enum err code;

	for (size_t i = 0; i < 5; i++)
		buffer_init(all[i], WORDS_MAX);
	if (!pri_store_find(s->store, &prid, &row))
		return refuse(s, rule->name, "it has no row");
	code = pri_row_decode(&row, &pri, &fault, s->c->e);
	tag = code ? 0 : pri_u32(&pri, ipSecRuleIpSecSelectorSetId);
	for (size_t i = first_of(&s->selectors, tag);
		!code && i < s->selectors.count && s->selectors.list[i].tag == tag; i++) {
		const struct prid at = {
			pib_class(PIB_ipSecSelector), s->selectors.list[i].selector};
		const char *from, *to;

		if (!pri_store_find(s->store, &at, &row))
			code = refuse(s, rule->name, "a selector is missing");
		if (!code)
			code = pri_row_decode(&row, &selector, &fault, s->c->e);
		if (code)
			break;
		from = words_of(
			s, &s->addresses, pri_u32(&selector, ipSecSelectorSrcAddressGroupId));
		to = words_of(s, &s->addresses, pri_u32(&selector, ipSecSelectorDstAddressGroupId));
		if (rule->from && (strcmp(rule->from, from) != 0 || strcmp(rule->to, to) != 0))
			code = refuse(s, rule->name, "its selectors have different addresses");
		rule->from = from;
		rule->to = to;
		if (!code)
			code = add_traffic(s, rule->name, &selector, &w);
	}
	if (!code && !rule->from)
		code = refuse(s, rule->name, "it has no selector");
	if (!code)
		code = finish_traffic(s->c, &w, &rule->service);
	for (size_t i = 0; i < 5; i++)
		buffer_fini(all[i]);
	return code;
}

/* --- protections --- */

static void put_algorithm(struct buffer *out, const char *name, const struct algorithm *a)
{
	if (a)
		buffer_put_text(out, " %s=\"%s\"", name, a->name);
}

static bool put_esp(struct buffer *out, const struct policy_esp *esp)
{
	const struct algorithm *cipher =
		algorithm_of(ALGORITHM_ENCRYPTION, esp->encryption, esp->key_length);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, esp->integrity, 0);
	const struct algorithm *group = algorithm_of(ALGORITHM_GROUP, esp->group, 0);

	if (!cipher || !group || (!integrity && esp->integrity))
		return false;
	buffer_put_text(out, "    <esp");
	put_algorithm(out, "encryption", cipher);
	put_algorithm(out, "integrity", integrity);
	put_algorithm(out, "group", group);
	buffer_put_text(out, " esn=\"%s\" lifetime=\"%us\"%s/>\n", esp->esn ? "yes" : "no",
		esp->lifetime_seconds,
		cipher->old || group->old || (integrity && integrity->old) ? " old=\"yes\"" : "");
	return true;
}

static bool put_ike(
	struct buffer *out, const struct policy_ike *ike, const struct policy_ike_proposal *p)
{
	static const char *const words[] = {
		[POLICY_RAW_KEY] = "key",
		[POLICY_CERTIFICATE] = "certificate",
		[POLICY_PRESHARED_KEY] = "secret",
	};
	const struct algorithm *cipher =
		algorithm_of(ALGORITHM_ENCRYPTION, p->encryption, p->key_length);
	const struct algorithm *integrity = algorithm_of(ALGORITHM_INTEGRITY, p->integrity, 0);
	const struct algorithm *prf = algorithm_of_prf(p->prf);
	const struct algorithm *group = algorithm_of(ALGORITHM_GROUP, p->group, 0);

	if (!cipher || !prf || !group || (!integrity && p->integrity))
		return false;
	buffer_put_text(out, "    <ike");
	put_algorithm(out, "encryption", cipher);
	put_algorithm(out, "integrity", integrity);
	put_algorithm(out, "prf", prf);
	put_algorithm(out, "group", group);
	buffer_put_text(out, " authentication=\"%s\" lifetime=\"%us\"%s/>\n",
		words[ike->authentication], p->lifetime_seconds,
		cipher->old || prf->old || group->old || (integrity && integrity->old)
			? " old=\"yes\""
			: "");
	return true;
}

/* One proposal of ESP alone, and one key exchange by IKEv2: that is what a <protection> says. */
static bool put_protection(struct buffer *out, const struct policy_protection *p)
{
	bool known = p->proposal_count == 1 && p->proposals->ah_count == 0 &&
		     p->proposals->ipcomp_count == 0 && p->ike_count == 1 && p->ike->version == 2 &&
		     p->ike->authentication != POLICY_NOBODY;

	if (!known)
		return false;

	buffer_put_text(out, "mode=\"%s\" demand=\"%s\">\n",
		p->mode == POLICY_TUNNEL ? "tunnel" : "transport",
		p->demand == POLICY_PREFERRED ? "preferred" : "required");
	for (size_t i = 0; known && i < p->ike->proposal_count; i++)
		known = put_ike(out, p->ike, &p->ike->proposals[i]);
	for (size_t i = 0; known && i < p->proposals->esp_count; i++)
		known = put_esp(out, &p->proposals->esp[i]);
	return known;
}

/* The same name must mean the same in all sets, but for the other end of a tunnel. */
static enum err add_protection(
	struct set_reader *s, const char *rule, const struct policy_protection *p)
{
	struct converter *c = s->c;
	struct buffer text;
	const char *kept;

	buffer_init(&text, 1 << 20);
	if (!put_protection(&text, p)) {
		buffer_fini(&text);
		return refuse(s, rule, "its protection says more than <protection> can");
	}
	kept = keep(c, &text);
	buffer_fini(&text);
	for (size_t i = 0; i < c->protection_count; i++)
		if (strcmp(c->protections[i].name, p->name) == 0)
			return strcmp(c->protections[i].text, kept) == 0
				       ? E_OK
				       : refuse(s, rule, "two protections have one name");
	if (c->protection_count == PROTECTIONS_MAX)
		return error_set(c->e, E_LIMIT, "more than %d protections", PROTECTIONS_MAX);
	c->protections[c->protection_count++] =
		(struct named_text){arena_strdup(&c->arena, p->name), kept};
	return E_OK;
}

static enum err read_action(
	struct set_reader *s, const struct policy_rule *compiled, struct rule *rule)
{
	const struct policy_protection *p = compiled->protection;
	struct address_range via = {0};
	struct buffer text;

	rule->action = compiled->action;
	if (!p)
		return E_OK;
	rule->protection = arena_strdup(&s->c->arena, p->name);
	if (p->mode == POLICY_TUNNEL) {
		via.family = p->endpoint.family == FLOW_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
		via.prefix_length = p->endpoint.family == FLOW_IPV6 ? 128 : 32;
		memcpy(via.min, p->endpoint.octets, 16);
		memcpy(via.max, p->endpoint.octets, 16);
		buffer_init(&text, 64);
		print_address(&via, &text);
		rule->via = keep(s->c, &text);
		buffer_fini(&text);
	}
	return add_protection(s, rule->name, p);
}

/* --- a set --- */

static void set_direction(const struct policy_rule *compiled, struct rule *rule)
{
	const bool both = compiled->direction == POLICY_BOTH_DIRECTIONS;

	if (compiled->forward) {
		rule->forward = true;
		rule->forward_both = both;
	} else if (both) {
		rule->both = true;
	} else {
		rule->in = rule->in || compiled->direction == POLICY_IN;
		rule->out = rule->out || compiled->direction == POLICY_OUT;
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct rule *find_rule(struct converter *c, const char *name)
{
	for (size_t i = c->rule_count; i > 0; i--)
		if (strcmp(c->rules[i - 1].name, name) == 0)
			return &c->rules[i - 1];
	return NULL;
}

static enum err follow(struct converter *c, size_t first, size_t second)
{
	if (c->follow_count == c->follow_capacity) {
		size_t capacity = c->follow_capacity ? 2 * c->follow_capacity : 1024;
		size_t *more = realloc(c->follows, 2 * capacity * sizeof *more);

		if (!more)
			return no_memory(c);
		c->follows = more;
		c->follow_capacity = capacity;
	}
	c->follows[2 * c->follow_count] = first;
	c->follows[2 * c->follow_count + 1] = second;
	c->follow_count++;
	return E_OK;
}

static enum err add_rule(
	struct set_reader *s, const struct policy_rule *compiled, struct rule **ret)
{
	struct converter *c = s->c;
	struct rule read = {.name = arena_strdup(&c->arena, compiled->name),
		.log = compiled->log,
		.in_role = arena_strdup(&c->arena, compiled->in_role),
		.out_role = arena_strdup(&c->arena, compiled->out_role)};
	struct rule *rule;
	enum err code;

	if (!read.name || !read.in_role || !read.out_role)
		return no_memory(c);
	if (!compiled->stateful || compiled->auto_start || compiled->log_action != compiled->log)
		return refuse(s, read.name, "it has no state, or starts or logs negotiations");
	if (compiled->step_count != 1 || compiled->schedule || compiled->offer ||
		compiled->shadow || compiled->ipso_count ||
		(compiled->action == POLICY_PROTECT && !compiled->protection))
		return refuse(s, read.name, "it says more than a rule of the language can");
	code = read_selectors(s, compiled->instance, &read);
	if (!code)
		code = read_action(s, compiled, &read);
	if (code)
		return code;
	rule = find_rule(c, read.name);
	if (!rule && c->rule_count == CONVERT_RULES_MAX)
		return error_set(c->e, E_LIMIT, "more than %d rules", CONVERT_RULES_MAX);
	if (!rule) {
		rule = &c->rules[c->rule_count++];
		*rule = read;
		rule->sets = arena_calloc(&c->arena, c->bundle->set_count + 1, sizeof *rule->sets);
		if (!rule->sets)
			return no_memory(c);
	} else if (!same_text(rule->from, read.from) || !same_text(rule->to, read.to) ||
		   !same_text(rule->service, read.service) || rule->action != read.action ||
		   !same_text(rule->protection, read.protection) ||
		   !same_text(rule->via, read.via) || rule->log != read.log) {
		return refuse(s, read.name, "another rule has the same name");
	}
	if (compiled->forward) {
		rule->in_role = read.in_role;
		rule->out_role = read.out_role;
	}
	set_direction(compiled, rule);
	*ret = rule;
	return E_OK;
}

static enum err read_rules(struct set_reader *s)
{
	struct converter *c = s->c;
	struct rule *before = NULL, *rule;
	enum err code = E_OK;

	for (size_t i = 0; i < s->policy->rule_count && !code; i++) {
		code = add_rule(s, &s->policy->rules[i], &rule);
		if (code || rule == before)
			continue;
		if (rule->sets[s->which])
			return refuse(s, rule->name, "it stands in two places");
		rule->sets[s->which] = true;
		if (before)
			code = follow(c, (size_t)(before - c->rules), (size_t)(rule - c->rules));
		before = rule;
	}
	return code;
}

static enum err read_set(struct converter *c, size_t which)
{
	struct set_reader s = {.c = c, .which = which};
	struct pri_failures failures;
	struct manifest m;
	struct buffer name;
	enum err code = bundle_manifest(c->bundle, which, &m, c->e);

	if (code)
		return code;
	buffer_init(&name, 4096);
	buffer_put_view(&name, m.name);
	c->set_names[which] = keep(c, &name);
	buffer_fini(&name);
	c->stale = m.stale_rule;
	pri_failures_init(&failures);
	code = pri_store_build(&c->bundle->sets[which].rows, 1, &s.store, &failures, c->e);
	if (!code)
		code = policy_new(s.store, &s.policy, &failures, c->e);
	if (!code)
		code = read_members(&s, PIB_ipSecAddress, read_address, &s.addresses);
	if (!code)
		code = read_members(&s, PIB_ipSecL4Port, read_port, &s.ports);
	if (!code)
		code = read_members(&s, PIB_ipSecSelectorSet, read_selector, &s.selectors);
	if (!code)
		code = read_rules(&s);
	policy_free(s.policy);
	pri_store_free(s.store);
	return code;
}

/* --- roles --- */

static bool text_equal(struct view v, const char *text)
{
	return view_equal(v, view_of_string(text));
}

/* Does the set serve interfaces, or nodes as a whole? */
static bool serves(const struct converter *c, size_t set, bool forward)
{
	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		const struct assignment *a = &c->nodes[i];

		if (forward && text_equal(a->roles, c->set_names[set]))
			return true;
		for (size_t k = 0; !forward && k < a->interface_count; k++)
			if (text_equal(a->interfaces[k].roles, c->set_names[set]))
				return true;
	}
	return false;
}

/* Would the set have the rule, were it written for one of the set's roles? */
static bool concerns(const struct converter *c, const struct rule *rule, size_t set)
{
	return ((rule->in || rule->out || rule->both) && c->serves_interfaces[set]) ||
	       (rule->forward && c->serves_nodes[set]);
}

/* A role is the rule's if all sets with it that the rule concerns have the rule, and some does. */
static bool is_for(const struct converter *c, const struct rule *rule, const char *role)
{
	bool some = false;

	for (size_t i = 0; i < c->bundle->set_count; i++) {
		if (!combination_has(c->set_names[i], role))
			continue;
		if (concerns(c, rule, i) && !rule->sets[i])
			return false;
		some = some || rule->sets[i];
	}
	return some;
}

/* All roles, each once, in the order of the sets. */
static const char **list_roles(struct converter *c)
{
	size_t count = 0, most = 1;
	const char **roles;

	for (size_t i = 0; i < c->bundle->assignment_count; i++) {
		most += c->nodes[i].roles.len / 2 + 1;
		for (size_t k = 0; k < c->nodes[i].interface_count; k++)
			most += c->nodes[i].interfaces[k].roles.len / 2 + 1;
	}
	roles = arena_calloc(&c->arena, most + 1, sizeof *roles);
	for (size_t i = 0; roles && i < c->bundle->assignment_count; i++)
		for (size_t k = 0; k <= c->nodes[i].interface_count; k++) {
			struct view rest =
				k ? c->nodes[i].interfaces[k - 1].roles : c->nodes[i].roles;

			while (rest.len) {
				const uint8_t *end = memchr(rest.data, '+', rest.len);
				const size_t len = end ? (size_t)(end - rest.data) : rest.len;
				const char *role =
					(const char *)arena_copy(&c->arena, VIEW(rest.data, len))
						.data;
				bool known = !role;

				for (size_t n = 0; n < count && !known; n++)
					known = strcmp(roles[n], role) == 0;
				if (!known)
					roles[count++] = role;
				rest = VIEW(rest.data + len + (end != NULL),
					rest.len - len - (end != NULL));
			}
		}
	return roles;
}

/* Every set that has the rule must have one of its roles, or no policy says this. */
static enum err rule_roles(
	struct converter *c, const struct rule *rule, const char **roles, struct buffer *out)
{
	bool covered = true;

	for (size_t n = 0; roles[n]; n++)
		if (is_for(c, rule, roles[n]))
			buffer_put_text(out, "%s%s", out->len ? " " : "", roles[n]);
	for (size_t i = 0; i < c->bundle->set_count && covered; i++) {
		bool has = !rule->sets[i];

		for (size_t n = 0; roles[n] && !has; n++)
			has = combination_has(c->set_names[i], roles[n]) &&
			      is_for(c, rule, roles[n]);
		covered = has;
	}
	return covered ? E_OK
		       : error_set(c->e, E_UNSUPPORTED,
				 "the rule \"%s\" stands in sets that no roles have in common",
				 rule->name);
}

/* --- writing --- */

static void put_text(struct buffer *out, struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (strchr("&<\"", text.data[i]) || text.data[i] < 0x20)
			buffer_put_text(out, "&#%u;", text.data[i]);
		else
			buffer_put_u8(out, text.data[i]);
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

static void put_node(struct converter *c, const struct assignment *a)
{
	struct buffer *out = c->out;
	const bool plain = a->interface_count == 1 && text_equal(a->interfaces[0].name, "*") &&
			   view_equal(a->interfaces[0].roles, a->roles);

	buffer_put_text(out, "  <node name=\"");
	put_text(out, a->node);
	buffer_put_text(out, "\" roles=\"");
	put_roles(out, a->roles);
	buffer_put_u8(out, '"');
	put_pin(out, "key", VIEW(a->node_key, NODE_KEY));
	put_pin(out, "report", a->report_key);
	if (plain) {
		buffer_put_text(out, "/>\n");
		return;
	}
	buffer_put_text(out, ">\n");
	for (size_t i = 0; i < a->interface_count; i++) {
		buffer_put_text(out, "    <interface name=\"");
		put_text(out, a->interfaces[i].name);
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

static void put_rule(struct buffer *out, const struct rule *rule)
{
	static const char *const words[] = {
		[POLICY_DISCARD] = "deny", [POLICY_PROTECT] = "protect", [POLICY_BYPASS] = "allow"};

	buffer_put_text(out, "    <%s", words[rule->action]);
	put_attribute(out, "name", rule->name);
	put_attribute(out, "with", rule->protection);
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
	put_attribute(out, "log", rule->log ? "yes" : NULL);
	buffer_put_text(out, "/>\n");
}

/* The first rule that all sets let stand next; NULL if they do not agree. */
static struct rule *next_rule(struct converter *c, size_t *from)
{
	while (*from < c->rule_count && c->rules[*from].written)
		(*from)++;
	for (size_t i = *from; i < c->rule_count; i++)
		if (!c->rules[i].written && c->rules[i].before == 0)
			return &c->rules[i];
	return NULL;
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

static enum err put_rules(struct converter *c)
{
	const char **roles = list_roles(c);
	struct buffer now, open;
	size_t from = 0;
	enum err code = roles ? E_OK : no_memory(c);

	buffer_init(&now, 1 << 20);
	buffer_init(&open, 1 << 20);
	if (c->follow_count)
		qsort(c->follows, c->follow_count, 2 * sizeof *c->follows, by_first);
	for (size_t i = 0; i < c->follow_count; i++)
		c->rules[c->follows[2 * i + 1]].before++;
	for (size_t n = 0; n < c->rule_count && !code; n++) {
		struct rule *rule = next_rule(c, &from);

		if (!rule) {
			code = error_set(c->e, E_UNSUPPORTED,
				"the sets have their rules in orders that contradict each other");
			break;
		}
		buffer_reset(&now);
		code = rule_roles(c, rule, roles, &now);
		if (code)
			break;
		if (n == 0 || strcmp(buffer_string(&now), buffer_string(&open)) != 0) {
			buffer_put_text(c->out, "%s\n  <rules for=\"%s\">\n",
				n ? "  </rules>\n" : "", buffer_string(&now));
			buffer_reset(&open);
			buffer_put_text(&open, "%s", buffer_string(&now));
		}
		put_rule(c->out, rule);
		rule->written = true;
		release(c, (size_t)(rule - c->rules));
	}
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

static enum err put_policy(struct converter *c, const struct set_index *index)
{
	static const char *const stale[] = {[STALE_KEEP] = "keep",
		[STALE_TIGHTEN] = "tighten",
		[STALE_QUARANTINE] = "quarantine"};
	const char **roles = list_roles(c);

	if (!roles)
		return no_memory(c);
	buffer_put_text(c->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
				"<policy xmlns=\"urn:copsec:policy:1\" tenant=\"");
	put_text(c->out, index->tenant);
	buffer_put_text(c->out, "\" stale=\"%s\">\n", stale[c->stale]);
	for (size_t i = 0; roles[i]; i++)
		buffer_put_text(c->out, "  <role name=\"%s\"/>\n", roles[i]);
	put_other_roles(c, roles);
	for (size_t i = 0; i < c->bundle->assignment_count; i++)
		put_node(c, &c->nodes[i]);
	for (size_t i = 0; i < c->service_count; i++)
		buffer_put_text(c->out, "  <service name=\"%s\" %s/>\n", c->services[i].name,
			c->services[i].text);
	for (size_t i = 0; i < c->protection_count; i++)
		buffer_put_text(c->out, "  <protection name=\"%s\" %s  </protection>\n",
			c->protections[i].name, c->protections[i].text);
	return E_OK;
}

static enum err convert_with(struct converter *c)
{
	const struct bundle *b = c->bundle;
	struct set_index index;
	enum err code = bundle_index(b, &c->arena, &index, c->e);

	c->stale = STALE_KEEP;
	c->rules = arena_calloc(&c->arena, CONVERT_RULES_MAX, sizeof *c->rules);
	c->set_names = arena_calloc(&c->arena, b->set_count + 1, sizeof *c->set_names);
	c->nodes = arena_calloc(&c->arena, b->assignment_count + 1, sizeof *c->nodes);
	c->serves_interfaces = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	c->serves_nodes = arena_calloc(&c->arena, b->set_count + 1, sizeof(bool));
	if (!code && (!c->rules || !c->set_names || !c->nodes || !c->serves_interfaces ||
			     !c->serves_nodes))
		code = no_memory(c);
	for (size_t i = 0; i < b->assignment_count && !code; i++)
		code = bundle_assignment(b, i, &c->arena, &c->nodes[i], c->e);
	for (size_t i = 0; i < b->set_count && !code; i++)
		code = read_set(c, i);
	for (size_t i = 0; i < b->set_count && !code; i++) {
		c->serves_interfaces[i] = serves(c, i, false);
		c->serves_nodes[i] = serves(c, i, true);
	}
	if (!code)
		code = put_policy(c, &index);
	if (!code)
		code = put_rules(c);
	buffer_put_text(c->out, "</policy>\n");
	return code ? code : c->out->error ? error_set(c->e, c->out->error, "out of memory") : E_OK;
}

enum err convert(const struct bundle *b, struct buffer *out, struct error *e)
{
	struct converter *c = calloc(1, sizeof *c);
	enum err code;

	if (!c)
		return error_set(e, E_MEMORY, "out of memory");
	c->bundle = b;
	c->out = out;
	c->e = e;
	arena_init(&c->arena, CONVERT_ARENA);
	code = convert_with(c);
	arena_fini(&c->arena);
	free(c->follows);
	free(c);
	return code;
}
