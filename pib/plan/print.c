/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/plan.h"

#include <string.h>

struct word {
	uint32_t value;
	const char *text;
};

static const struct word ct_states[] = {
	{1, "invalid"}, {2, "established"}, {4, "related"}, {8, "new"}, {0, NULL}};
static const struct word ct_directions[] = {{0, "original"}, {1, "reply"}, {0, NULL}};
static const struct word families[] = {{2, "ipv4"}, {10, "ipv6"}, {0, NULL}};
static const struct word fib_types[] = {{1, "unicast"}, {2, "local"}, {0, NULL}};
static const struct word tcp_flags[] = {
	{0x01, "fin"}, {0x02, "syn"}, {0x04, "rst"}, {0x10, "ack"}, {0, NULL}};

/* How the values of a key are written; what is not here is a decimal number. */
enum style { DECIMAL, HEX, WORDS, FLAGS, NAME, PROTOCOL, ADDRESS4, ADDRESS6 };

static const struct {
	enum style style;
	unsigned shift; /* the field is above so many bits; its mask is not worth printing */
	bool field;
	const struct word *words;
} key_styles[PLAN_KEY_COUNT] = {
	[PLAN_KEY_FAMILY] = {.style = WORDS, .words = families},
	[PLAN_KEY_PROTOCOL] = {.style = PROTOCOL},
	[PLAN_KEY_SOURCE4] = {.style = ADDRESS4},
	[PLAN_KEY_DESTINATION4] = {.style = ADDRESS4},
	[PLAN_KEY_SOURCE6] = {.style = ADDRESS6},
	[PLAN_KEY_DESTINATION6] = {.style = ADDRESS6},
	[PLAN_KEY_DSCP4] = {.shift = 2, .field = true},
	[PLAN_KEY_DSCP6] = {.shift = 6, .field = true},
	[PLAN_KEY_LABEL] = {.field = true},
	[PLAN_KEY_TCP_FLAGS] = {.style = FLAGS, .words = tcp_flags},
	[PLAN_KEY_IN_NAME] = {.style = NAME},
	[PLAN_KEY_OUT_NAME] = {.style = NAME},
	[PLAN_KEY_MARK] = {.style = HEX},
	[PLAN_KEY_CT_MARK] = {.style = HEX},
	[PLAN_KEY_CT_STATE] = {.style = FLAGS, .words = ct_states},
	[PLAN_KEY_CT_DIRECTION] = {.style = WORDS, .words = ct_directions},
	[PLAN_KEY_FIB_TYPE] = {.style = WORDS, .words = fib_types},
	[PLAN_KEY_FIB_OUT_NAME] = {.style = NAME},
};

static uint32_t number(enum plan_key key, const uint8_t *octets)
{
	const struct plan_key_form *form = &plan_key_forms[key];
	uint32_t value = 0;

	if (form->host_order) {
		memcpy(&value, octets, sizeof value);
		return value;
	}
	for (size_t i = 0; i < form->width && i < 4; i++)
		value = value << 8 | octets[i];
	return value;
}

static void put_words(struct buffer *out, const struct word *words, uint32_t value)
{
	for (; words->text; words++) {
		if (words->value == value) {
			buffer_put_text(out, "%s", words->text);
			return;
		}
	}
	buffer_put_text(out, "%u", value);
}

static void put_flags(struct buffer *out, const struct word *words, uint32_t value)
{
	const char *between = "";

	for (; words->text; words++) {
		if (value & words->value) {
			buffer_put_text(out, "%s%s", between, words->text);
			between = "|";
		}
		value &= ~words->value;
	}
	if (value || !*between)
		buffer_put_text(out, "%s0x%x", between, value);
}

static void put_number(struct buffer *out, enum plan_key key, uint32_t value)
{
	value >>= key_styles[key].shift;
	switch (key_styles[key].style) {
	case WORDS:
		put_words(out, key_styles[key].words, value);
		break;
	case FLAGS:
		put_flags(out, key_styles[key].words, value);
		break;
	case PROTOCOL:
		flow_print_protocol(out, (uint8_t)value);
		break;
	case HEX:
		buffer_put_text(out, "0x%08x", value);
		break;
	default:
		buffer_put_text(out, "%u", value);
		break;
	}
}

static void put_values(struct buffer *out, enum plan_key key, const struct plan_value *low,
	const struct plan_value *high)
{
	enum flow_family family = key_styles[key].style == ADDRESS4 ? FLOW_IPV4 : FLOW_IPV6;

	switch (key_styles[key].style) {
	case ADDRESS4:
	case ADDRESS6:
		flow_print_addresses(out, family, flow_range(family, low->octets, high->octets));
		break;
	case NAME:
		buffer_put_text(out, "\"%.15s\"", (const char *)low->octets);
		break;
	default:
		put_number(out, key, number(key, low->octets));
		if (memcmp(low, high, sizeof *low) != 0) {
			buffer_put_text(out, "-");
			put_number(out, key, number(key, high->octets));
		}
		break;
	}
}

static void put_match(struct buffer *out, const struct plan_step *s)
{
	uint32_t mask = number(s->key, s->mask);
	bool bit = s->masked && !s->negate && memcmp(s->mask, s->low.octets, sizeof s->mask) == 0;

	buffer_put_text(out, "%s ", plan_key_forms[s->key].text);
	if (s->masked && !key_styles[s->key].field && !(bit && key_styles[s->key].style == FLAGS)) {
		buffer_put_text(out, "& ");
		put_number(out, s->key, mask);
		buffer_put_text(out, " %s ", s->negate ? "!=" : "==");
	} else if (s->negate) {
		buffer_put_text(out, "!= ");
	}
	put_values(out, s->key, &s->low, &s->high);
}

static void put_verdict(
	struct buffer *out, enum plan_step_kind kind, const struct plan_chain *chain)
{
	static const char *const texts[PLAN_STEP_KINDS] = {[PLAN_ACCEPT] = "accept",
		[PLAN_DROP] = "drop",
		[PLAN_JUMP] = "jump ",
		[PLAN_GOTO] = "goto "};

	buffer_put_text(out, "%s%s", texts[kind], chain ? chain->name : "");
}

static void put_map(struct buffer *out, const struct plan_step *s)
{
	buffer_put_text(out, "%s ", plan_key_forms[s->key].text);
	if (s->masked && !key_styles[s->key].field) {
		buffer_put_text(out, "& ");
		put_number(out, s->key, number(s->key, s->mask));
		buffer_put_text(out, " ");
	}
	buffer_put_text(out, "vmap { ");
	for (size_t i = 0; i < s->element_count; i++) {
		const struct plan_element *e = &s->elements[i];

		buffer_put_text(out, "%s", i ? ", " : "");
		put_values(out, s->key, &e->low, &e->high);
		buffer_put_text(out, " : ");
		put_verdict(out, e->verdict, e->chain);
	}
	buffer_put_text(out, " }");
}

static void put_limit(struct buffer *out, const struct plan_step *s)
{
	if (s->keyed)
		buffer_put_text(out, "%s { %s ", s->kind == PLAN_RATE ? "update" : "add",
			plan_key_forms[s->key].text);
	if (s->kind == PLAN_CONNECTIONS)
		buffer_put_text(out, "ct count %u", s->limit);
	else
		buffer_put_text(out, "limit rate %u/%u seconds burst %u packets", s->limit,
			s->seconds, s->burst);
	if (s->keyed)
		buffer_put_text(out, " }");
}

static void put_step(struct buffer *out, const struct plan_step *s)
{
	switch (s->kind) {
	case PLAN_MATCH:
		put_match(out, s);
		break;
	case PLAN_MAP:
		put_map(out, s);
		break;
	case PLAN_MARK:
	case PLAN_CT_MARK: {
		const char *mark = s->kind == PLAN_MARK ? "meta mark" : "ct mark";

		buffer_put_text(out, "%s set %s & 0x%08x", mark, mark, s->keep);
		if (s->set)
			buffer_put_text(out, " | 0x%08x", s->set);
		break;
	}
	case PLAN_COUNT:
		buffer_put_text(out, "counter name \"%s\"", s->counter->name);
		break;
	case PLAN_LOG:
		buffer_put_text(out, "limit rate 10/second log prefix \"%s\"", s->text);
		break;
	case PLAN_CLAMP:
		buffer_put_text(out, "tcp option maxseg size set rt mtu");
		break;
	case PLAN_RATE:
	case PLAN_CONNECTIONS:
		put_limit(out, s);
		break;
	case PLAN_REJECT:
		buffer_put_text(out, "reject with %s",
			s->answer == PLAN_RESET ? "tcp reset" : "icmpx admin-prohibited");
		break;
	case PLAN_JUMP:
	case PLAN_GOTO:
	case PLAN_ACCEPT:
	case PLAN_DROP:
		put_verdict(out, s->kind, s->kind >= PLAN_JUMP ? s->chain : NULL);
		break;
	case PLAN_STEP_KINDS:
		break;
	}
}

void plan_print_rule(const struct plan_rule *rule, struct buffer *out)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		if (i)
			buffer_put_text(out, " ");
		put_step(out, &rule->steps[i]);
	}
}

static void put_address(struct buffer *out, enum flow_family family, const uint8_t *octets)
{
	flow_print_addresses(out, family, flow_range(family, octets, octets));
}

void plan_print_spd(const struct plan_spd *entry, struct buffer *out)
{
	static const char *const directions[] = {"in", "out", "fwd"};
	const char *any = entry->family == FLOW_IPV6 ? "::/0" : "0.0.0.0/0";

	buffer_put_text(out, "src %s dst %s dir %s priority %u mark 0x%x/0x%x", any, any,
		directions[entry->direction], entry->priority, entry->mark, entry->mask);
	if (entry->block) {
		buffer_put_text(out, " action block");
		return;
	}
	buffer_put_text(out, " tmpl");
	if (entry->tunnel) {
		buffer_put_text(out, " src ");
		put_address(out, entry->tunnel_family, entry->tunnel_source);
		buffer_put_text(out, " dst ");
		put_address(out, entry->tunnel_family, entry->tunnel_destination);
	}
	buffer_put_text(out, " proto esp reqid %u mode %s level %s", entry->reqid,
		entry->tunnel ? "tunnel" : "transport", entry->optional ? "use" : "required");
}

static void put_cause(struct buffer *out, const struct plan_cause *cause)
{
	if (cause->prid.class)
		buffer_put_text(out, "    # %s %u \"%s\"", cause->prid.class->name,
			cause->prid.instance, cause->name);
	else
		buffer_put_text(out, "    # %s", cause->name);
}

void plan_print(const struct plan *plan, struct buffer *out)
{
	static const char *const hooks[PLAN_HOOK_COUNT] = {
		[PLAN_HOOK_PREROUTING] =
			"type filter hook prerouting priority mangle; policy accept;",
		[PLAN_HOOK_OUTPUT_ROUTE] = "type route hook output priority mangle; policy accept;",
		[PLAN_HOOK_INPUT] = "type filter hook input priority filter; policy drop;",
		[PLAN_HOOK_OUTPUT] = "type filter hook output priority filter; policy drop;",
		[PLAN_HOOK_FORWARD] = "type filter hook forward priority filter; policy drop;",
		[PLAN_HOOK_GUARD_INPUT] = "type filter hook input priority 10; policy drop;",
		[PLAN_HOOK_GUARD_OUTPUT] = "type filter hook output priority 10; policy drop;",
		[PLAN_HOOK_GUARD_FORWARD] = "type filter hook forward priority 10; policy drop;",
	};

	for (size_t i = 0; i < plan->spd_count; i++) {
		plan_print_spd(&plan->spd[i], out);
		put_cause(out, &plan->spd[i].cause);
		buffer_put_text(out, "\n");
	}
	buffer_put_text(out, "table inet %s {\n", plan->table);
	if (plan->owned)
		buffer_put_text(out, "\tflags owner\n");
	for (const struct plan_counter *c = plan->counters; c; c = c->next) {
		buffer_put_text(out, "\tcounter %s { }", c->name);
		put_cause(out, &c->cause);
		buffer_put_text(out, "\n");
	}
	for (const struct plan_chain *c = plan->chains; c; c = c->next) {
		buffer_put_text(out, "\tchain %s {\n", c->name);
		if (c->hook)
			buffer_put_text(out, "\t\t%s\n", hooks[c->hook]);
		for (const struct plan_rule *r = c->rules; r; r = r->next) {
			buffer_put_text(out, "\t\t");
			plan_print_rule(r, out);
			put_cause(out, &r->cause);
			buffer_put_text(out, "\n");
		}
		buffer_put_text(out, "\t}\n");
	}
	buffer_put_text(out, "}\n");
}
