/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From one compilation to the next: what is the same stays the same to the octet, a small change is
 * a small delta, and the numbers that a set inherits do not change what it means.
 */
#include "pmt/compiler/compile.h"

#include <string.h>

#include "common/crypto/cms.h"
#include "pib/policy/policy.h"
#include "pib/store/store.h"
#include "pmt/compiler/changes.h"
#include "pmt/compiler/numbering.h"
#include "pmt/compiler/previous.h"
#include "tests/pmt/policy_text.h"

/* --- Orders --- */

static const struct {
	const char *why;
	uint32_t before[8], after[8];
	size_t count;
} orders[] = {
	{"fresh ones are spread", {0, 0, 0}, {64, 128, 192}, 3},
	{"there is room in between", {64, 0, 128}, {64, 96, 128}, 3},
	{"at the beginning", {0, 0, 63}, {21, 42, 63}, 3},
	{"at the end", {10, 0, 0}, {10, 74, 138}, 3},
	{"the end is near", {65533, 0, 0}, {65533, 65534, 65535}, 3},
	{"one neighbour moves to make room", {5, 6, 0, 7, 20}, {5, 6, 6, 7, 20}, 5},
	{"none at the very end", {1, 65534, 65535, 0}, {1, 21845, 43690, 65535}, 4},
	{"nothing to do", {3, 4, 5}, {3, 4, 5}, 3},
};

START_TEST(orders_leave_room_and_move_few)
{
	uint32_t found[8];
	size_t count = orders[_i].count, moved = 0;

	memcpy(found, orders[_i].before, sizeof found);
	numbering_orders(found, count);
	for (size_t i = 0; i < count; i++) {
		ck_assert_msg(found[i] > (i ? found[i - 1] : 0) && found[i] <= ORDER_LAST,
			"%s: %u at %zu", orders[_i].why, found[i], i);
		moved += orders[_i].before[i] && orders[_i].before[i] != found[i];
	}
	if (strstr(orders[_i].why, "neighbour") || strstr(orders[_i].why, "very end"))
		ck_assert_uint_le(moved, 2);
	else
		ck_assert_mem_eq(found, orders[_i].after, count * sizeof *found);
}
END_TEST

START_TEST(orders_are_never_exhausted)
{
	enum { COUNT = 32768, STEP = 64 };
	static uint32_t all[COUNT];
	size_t moved = 0;

	memset(all, 0, sizeof all);
	numbering_orders(all, COUNT / 2);
	/* Always at the same place, until there are as many as there may be. */
	for (size_t count = COUNT / 2; count < COUNT; count += STEP) {
		const size_t at = 100;
		uint32_t before[COUNT];

		memmove(all + at + STEP, all + at, (count - at) * sizeof *all);
		memset(all + at, 0, STEP * sizeof *all);
		memcpy(before, all, sizeof before);
		numbering_orders(all, count + STEP);
		for (size_t i = 1; i < count + STEP; i++) {
			if (all[i - 1] >= all[i])
				ck_abort_msg("%u, then %u", all[i - 1], all[i]);
			moved += before[i] && before[i] != all[i];
		}
		ck_assert_uint_le(all[count + STEP - 1], ORDER_LAST);
	}
	printf("orders: %zu moved for %d added in one place\n", moved, COUNT / 2);
}
END_TEST

/* --- policies that change --- */

enum { RULES_MAX = 1100, RULE_TEXT = 400, EDITS = 25, POLICIES = 2 };

struct sketch {
	char rules[RULES_MAX][RULE_TEXT]; /* of the role a */
	size_t rule_count;
	unsigned named; /* names given so far */
	unsigned hosts; /* nodes with the role b */
	bool log;       /* in the rules of b */
	char protection[8];
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define PICK(state, list) ((list)[random_next(state) % (sizeof(list) / sizeof *(list))])

/* An @ in a rule is the protection that may be renamed. */
static void put_rule(struct buffer *text, const char *rule, const char *protection)
{
	for (; *rule; rule++)
		if (*rule == '@')
			buffer_put_text(text, "%s", protection);
		else
			buffer_put_u8(text, (uint8_t)*rule);
}

static void write_policy(const struct sketch *s, struct buffer *text)
{
	buffer_reset(text);
	buffer_put_text(text,
		"<policy xmlns='urn:copsec:policy:1' tenant='t'><role name='a'/><role name='b'/>"
		"<node name='alice' key='%s' roles='a' address='192.0.2.1 2001:db8::1'/>",
		KEY1);
	for (unsigned i = 0; i < s->hosts; i++)
		buffer_put_text(text,
			"<node name='b%u' roles='b' address='198.51.100.%u' key='sha256:%064x'/>",
			i, i + 1, i + 16);
	buffer_put_text(text,
		"<service name='s1' tcp='20-30 443' udp='53-60'/><service name='s2' icmp='3 8/0' "
		"icmpv6='128'/><protection name='%s'/><protection name='q' demand='preferred'>"
		"<esp encryption='aes128' integrity='sha256'/><esp esn='no'/></protection>"
		"<rules for='a'>",
		s->protection);
	for (size_t i = 0; i < s->rule_count; i++)
		put_rule(text, s->rules[i], s->protection);
	buffer_put_text(text,
		"</rules><rules for='b'><allow name='b-ssh' in='yes' from='a' service='ssh'%s/>"
		"</rules></policy>",
		s->log ? " log='yes'" : "");
}

static void write_rule(uint64_t *state, char rule[RULE_TEXT], unsigned name)
{
	static const char *const verdicts[] = {
		"allow", "deny", "protect with='@'", "protect with='q'"};
	static const char *const directions[] = {"in='yes'", "out='yes'", "in='yes' out='yes'",
		"both='yes'", "forward='yes'", "in='yes' forward='yes'"};
	static const char *const peers[] = {"any", "b", "192.0.2.0/24", "192.0.2.7",
		"192.0.2.5-192.0.2.9", "2001:db8::/32", "192.0.2.0/25 2001:db8:1::/48", "::/0"};
	static const char *const services[] = {
		"any", "ssh", "dns", "https ssh", "ping", "icmp", "s1", "s2 ssh", "udp dns"};
	const char *who = random_next(state) % 2 ? "from" : "to";

	snprintf(rule, RULE_TEXT, "<%s name='r%u' %s %s='%s' service='%s'/>", PICK(state, verdicts),
		name, PICK(state, directions), who, PICK(state, peers), PICK(state, services));
}

static void insert_rule(struct sketch *s, size_t at, const char *rule)
{
	memmove(s->rules[at + 1], s->rules[at], (s->rule_count - at) * RULE_TEXT);
	memmove(s->rules[at], rule, RULE_TEXT);
	s->rule_count++;
}

static void remove_rule(struct sketch *s, size_t at)
{
	memmove(s->rules[at], s->rules[at + 1], (--s->rule_count - at) * RULE_TEXT);
}

static void random_edit(uint64_t *state, struct sketch *s)
{
	size_t at = random_next(state) % s->rule_count, to = random_next(state) % s->rule_count;
	char rule[RULE_TEXT];
	char *name;

	switch (random_next(state) % 7) {
	case 0:
		write_rule(state, rule, s->named++);
		insert_rule(s, at, rule);
		break;
	case 1:
		if (s->rule_count > 3)
			remove_rule(s, at);
		break;
	case 2:
		name = strstr(s->rules[at], "name='r");
		write_rule(state, s->rules[at], (unsigned)atoi(name + 7));
		break;
	case 3:
		memcpy(rule, s->rules[at], RULE_TEXT);
		remove_rule(s, at);
		insert_rule(s, to, rule);
		break;
	case 4:
		s->hosts = 1 + (unsigned)(random_next(state) % 5);
		break;
	case 5:
		name = strstr(s->rules[at], "name='r");
		memcpy(rule, s->rules[at], RULE_TEXT);
		snprintf(s->rules[at] + (name + 7 - s->rules[at]),
			RULE_TEXT - (size_t)(name + 7 - s->rules[at]), "%u%s", s->named++,
			strchr(rule + (name + 7 - s->rules[at]), '\''));
		break;
	default:
		snprintf(s->protection, sizeof s->protection, "p%u",
			(unsigned)(random_next(state) % 3));
	}
}

/* --- compilations --- */

struct compiled {
	struct policy_file file;
	struct buffer octets;
	struct arena arena;
	struct bundle bundle;
};

static void compile(struct compiled *c, const struct sketch *s, const struct compiled *previous,
	uint64_t serial, uint64_t now)
{
	const struct compile_terms terms = {.serial = serial,
		.not_before = now,
		.not_after = now + 1000,
		.previous = previous ? &previous->bundle : NULL};
	struct compile_summary summary;
	struct buffer text;
	struct error e;
	enum err code;

	buffer_init(&text, 1 << 20);
	write_policy(s, &text);
	policy_text_good(&c->file, buffer_string(&text));
	buffer_fini(&text);
	buffer_init(&c->octets, BUNDLE_MAX);
	arena_init(&c->arena, BUNDLE_MAX);
	code = compile_policy(&c->file.model, &terms, &c->octets, &summary, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
	code = bundle_read(buffer_view(&c->octets), &c->arena, &c->bundle, &e);
	ck_assert_msg(code == E_OK, "%s", code ? e.text : "");
}

static void compiled_fini(struct compiled *c)
{
	arena_fini(&c->arena);
	buffer_fini(&c->octets);
	policy_file_fini(&c->file);
}

static size_t find_set(const struct compiled *c, const char *name)
{
	struct manifest m;
	struct error e;

	for (size_t i = 0; i < c->bundle.set_count; i++) {
		ck_assert_int_eq(bundle_manifest(&c->bundle, i, &m, &e), E_OK);
		if (view_equal(m.name, view_of_string(name)))
			return i;
	}
	ck_abort_msg("no set %s", name);
}

static struct policy *policy_of(const struct compiled *c, const char *name)
{
	struct pri_store *store;
	struct pri_failures failures;
	struct policy *policy;
	struct error e;

	pri_failures_init(&failures);
	ck_assert_int_eq(
		pri_store_build(&c->bundle.sets[find_set(c, name)].rows, 1, &store, &failures, &e),
		E_OK);
	ck_assert_int_eq(policy_new(store, &policy, &failures, &e), E_OK);
	pri_store_free(store);
	return policy;
}

/* The very same function of flows, by rules with the same names and protections. */
static void check_same_meaning(const struct compiled *a, const struct compiled *b, const char *name)
{
	static const char *const names[] = {"a", "b"};
	const struct policy_roles roles = {names, 2};
	struct policy *x = policy_of(a, name), *y = policy_of(b, name);
	struct flow_manager *m = flow_manager_new(FLOW_NODES_DEFAULT);
	struct error e;

	ck_assert_uint_eq(x->rule_count, y->rule_count);
	for (size_t i = 0; i < x->rule_count; i++) {
		const struct policy_rule *p = &x->rules[i], *q = &y->rules[i];

		ck_assert_str_eq(p->name, q->name);
		ck_assert_int_eq(p->action, q->action);
		ck_assert_int_eq(p->log, q->log);
		ck_assert(!p->protection == !q->protection);
		if (p->protection)
			ck_assert(policy_protection_equal(p->protection, q->protection));
	}
	for (int d = FLOW_IN; d <= FLOW_FORWARD; d++) {
		flow_ref one, two;

		ck_assert_int_eq(
			policy_diagram(x, (enum flow_direction)d, &roles, m, &one, &e), E_OK);
		ck_assert_int_eq(
			policy_diagram(y, (enum flow_direction)d, &roles, m, &two, &e), E_OK);
		ck_assert_uint_eq(one, two);
	}
	flow_manager_free(m);
	policy_free(x);
	policy_free(y);
}

/* A rule that is written as before has the InstanceId of before. */
static void check_kept(const struct sketch *old, const struct compiled *was,
	const struct sketch *new, const struct compiled *is)
{
	struct policy *x = policy_of(was, "a"), *y = policy_of(is, "a");

	for (size_t i = 0; i < x->rule_count; i++)
		for (size_t k = 0; k < y->rule_count; k++) {
			const struct policy_rule *p = &x->rules[i], *q = &y->rules[k];
			const char *before = NULL, *now = NULL;
			char wanted[32];

			if (strcmp(p->name, q->name) != 0 || p->direction != q->direction ||
				p->forward != q->forward)
				continue;
			snprintf(wanted, sizeof wanted, "name='%s'", p->name);
			for (size_t n = 0; n < old->rule_count && !before; n++)
				before = strstr(old->rules[n], wanted) ? old->rules[n] : NULL;
			for (size_t n = 0; n < new->rule_count && !now; n++)
				now = strstr(new->rules[n], wanted) ? new->rules[n] : NULL;
			if (strcmp(before, now) == 0)
				ck_assert_uint_eq(p->instance, q->instance);
		}
	policy_free(x);
	policy_free(y);
}

static struct set_change change_of(
	const struct compiled *c, const struct compiled *previous, const char *name)
{
	struct changes changes;
	struct arena arena;
	struct set_change found = {0};
	struct error e;

	arena_init(&arena, BUNDLE_MAX);
	ck_assert_int_eq(changes_find(&c->bundle, &previous->bundle, &arena, &changes, &e), E_OK);
	for (size_t i = 0; i < changes.set_count; i++)
		if (view_equal(changes.sets[i].name, view_of_string(name)))
			found = changes.sets[i];
	arena_fini(&arena);
	return found;
}

static size_t delta(const struct compiled *c, const struct compiled *previous, const char *name)
{
	struct set_change change = change_of(c, previous, name);

	return change.added + change.changed + change.removed;
}

START_TEST(random_edits_keep_numbers_and_meaning)
{
	/* What one edit can cost at most: a rule for in, out or forward, of the widest services. */
	enum { MOST = 60 };
	uint64_t state = 0x2545f4914f6cdd1du + (uint64_t)_i * 7919;
	static struct sketch s, before;
	size_t total = 0;

	memset(&s, 0, sizeof s);
	s.hosts = 2;
	snprintf(s.protection, sizeof s.protection, "p");
	while (s.rule_count < 30)
		write_rule(&state, s.rules[s.rule_count++], s.named++);
	for (int p = 0; p < POLICIES; p++) {
		struct compiled last, next, again, fresh;

		compile(&last, &s, NULL, 1, 5000);
		for (uint64_t n = 2; n < EDITS; n++) {
			before = s;
			random_edit(&state, &s);
			compile(&next, &s, &last, n, 5000 + n);
			compile(&again, &s, &last, n, 5000 + n);
			compile(&fresh, &s, NULL, n, 5000 + n);
			ck_assert(
				view_equal(buffer_view(&next.octets), buffer_view(&again.octets)));
			check_same_meaning(&next, &fresh, "a");
			check_same_meaning(&next, &fresh, "b");
			check_kept(&before, &last, &s, &next);
			ck_assert_msg(delta(&next, &last, "a") <= MOST, "seed %d, edit %d.%u: %zu",
				_i, p, (unsigned)n, delta(&next, &last, "a"));
			total += delta(&next, &last, "a");
			compiled_fini(&again);
			compiled_fini(&fresh);
			compiled_fini(&last);
			last = next;
		}
		compiled_fini(&last);
	}
	printf("seed %d: %zu PRIs for %d edits\n", _i, total, POLICIES * (EDITS - 2));
}
END_TEST

/* --- one edit of a thousand rules --- */

static void thousand(struct sketch *s)
{
	memset(s, 0, sizeof *s);
	s->hosts = 3;
	snprintf(s->protection, sizeof s->protection, "p");
	for (unsigned i = 0; i < 1000; i++)
		snprintf(s->rules[s->rule_count++], RULE_TEXT,
			i % 3 == 0 ? "<protect with='@' name='r%u' out='yes' to='b'"
				     " service='s%u'/>"
				   : "<allow name='r%u' in='yes' from='10.%u.1.0/24 b'"
				     " service='ssh'/>",
			i, i % 3 == 0 ? i % 2 + 1 : i % 250);
}

static void edit_service(struct sketch *s)
{
	snprintf(s->rules[500], RULE_TEXT,
		"<allow name='r500' in='yes' from='10.0.1.0/24 b' service='snmp'/>");
}

static void edit_addresses(struct sketch *s)
{
	snprintf(s->rules[500], RULE_TEXT,
		"<allow name='r500' in='yes' from='10.9.9.0/24 b' service='ssh'/>");
}

static void edit_verdict(struct sketch *s)
{
	memcpy(s->rules[500], "<deny  ", 7);
}

static void edit_name(struct sketch *s)
{
	memcpy(strstr(s->rules[500], "r500"), "x500", 4);
}

static void move_to_top(struct sketch *s)
{
	char rule[RULE_TEXT];

	memcpy(rule, s->rules[700], RULE_TEXT);
	remove_rule(s, 700);
	insert_rule(s, 0, rule);
}

static void move_to_end(struct sketch *s)
{
	char rule[RULE_TEXT];

	memcpy(rule, s->rules[0], RULE_TEXT);
	remove_rule(s, 0);
	insert_rule(s, s->rule_count, rule);
}

static void add_rule(struct sketch *s)
{
	char rule[RULE_TEXT];

	snprintf(rule, sizeof rule,
		"<allow name='new' in='yes' from='10.9.9.0/24' service='snmp'/>");
	insert_rule(s, 1, rule);
}

static void drop_rule(struct sketch *s)
{
	remove_rule(s, 3);
}

static void add_host(struct sketch *s)
{
	s->hosts++;
}

static void rename_protection(struct sketch *s)
{
	snprintf(s->protection, sizeof s->protection, "best");
}

static void nothing(struct sketch *s)
{
	(void)s;
}

static const struct {
	const char *what;
	void (*edit)(struct sketch *);
	size_t most;
} edits[] = {
	{"nothing", nothing, 0},
	{"service of a rule", edit_service, 12},
	{"addresses of a rule", edit_addresses, 12},
	{"verdict of a rule", edit_verdict, 12},
	{"name of a rule", edit_name, 1},
	{"a rule to the top", move_to_top, 1},
	{"a rule to the end", move_to_end, 1},
	{"a rule more", add_rule, 8},
	{"a rule less", drop_rule, 8},
	/* A third of the rules name b alone, the others with one of 250 networks each. */
	{"a host more", add_host, 251},
	{"another name of a protection", rename_protection, 1},
};

START_TEST(a_small_change_is_a_small_delta)
{
	static struct sketch s;
	struct compiled last, next, fresh;

	thousand(&s);
	compile(&last, &s, NULL, 1, 5000);
	edits[_i].edit(&s);
	compile(&next, &s, &last, 2, 5001);
	compile(&fresh, &s, NULL, 2, 5001);
	check_same_meaning(&next, &fresh, "a");
	ck_assert_msg(delta(&next, &last, "a") <= edits[_i].most, "%s: %zu PRIs", edits[_i].what,
		delta(&next, &last, "a"));
	compiled_fini(&last);
	compiled_fini(&next);
	compiled_fini(&fresh);
}
END_TEST

START_TEST(the_top_has_room_for_ever)
{
	static struct sketch s;
	struct compiled last, next;
	size_t total = 0;

	thousand(&s);
	compile(&last, &s, NULL, 1, 5000);
	for (uint64_t n = 2; n < 14; n++) {
		move_to_top(&s);
		compile(&next, &s, &last, n, 5000);
		total += delta(&next, &last, "a");
		compiled_fini(&last);
		last = next;
	}
	compiled_fini(&last);
	ck_assert_uint_le(total, 5 * 12);
}
END_TEST

/* --- documents --- */

static struct view content_of(struct view cms)
{
	struct view content;
	struct error e;

	ck_assert_int_eq(cms_content(cms, &content, &e), E_OK);
	return content;
}

START_TEST(documents_of_what_is_the_same_are_the_same)
{
	static struct sketch s;
	struct compiled last, next;
	struct manifest m;
	struct set_index index;
	struct error e;
	size_t a, b;

	memset(&s, 0, sizeof s);
	s.hosts = 2;
	snprintf(s.protection, sizeof s.protection, "p");
	snprintf(s.rules[s.rule_count++], RULE_TEXT, "<allow name='r' out='yes'/>");
	compile(&last, &s, NULL, 7, 5000);
	s.log = true; /* of b alone */
	compile(&next, &s, &last, 8, 5100);

	a = find_set(&next, "a");
	ck_assert(view_equal(content_of(next.bundle.sets[a].cms),
		content_of(last.bundle.sets[find_set(&last, "a")].cms)));
	ck_assert_int_eq(change_of(&next, &last, "a").change, CHANGE_NONE);
	b = find_set(&next, "b");
	ck_assert_int_eq(bundle_manifest(&next.bundle, b, &m, &e), E_OK);
	ck_assert_uint_eq(m.serial, 8);
	ck_assert_uint_eq(m.not_before, 5100);
	ck_assert_int_eq(change_of(&next, &last, "b").change, CHANGE_CONTENT);
	ck_assert_int_eq(bundle_index(&next.bundle, &next.arena, &index, &e), E_OK);
	ck_assert_uint_eq(index.serial, 8);
	ck_assert_uint_eq(set_index_find(&index, view_of_string("a"))->serial, 7);
	ck_assert_uint_eq(set_index_find(&index, view_of_string("b"))->serial, 8);
	for (size_t i = 0; i < next.bundle.assignment_count; i++)
		ck_assert(view_equal(next.bundle.assignments[i], last.bundle.assignments[i]));
	compiled_fini(&next);

	/* More than half of the time is gone: under a new serial. */
	compile(&next, &s, &last, 8, 5501);
	ck_assert_int_eq(bundle_manifest(&next.bundle, find_set(&next, "a"), &m, &e), E_OK);
	ck_assert_uint_eq(m.serial, 8);
	ck_assert_uint_eq(m.not_after, 6501);
	ck_assert_int_eq(change_of(&next, &last, "a").change, CHANGE_RENEWED);
	compiled_fini(&next);
	/* It would be valid for longer than is asked for. */
	compile(&next, &s, &last, 8, 4999);
	ck_assert_int_eq(bundle_manifest(&next.bundle, find_set(&next, "a"), &m, &e), E_OK);
	ck_assert_uint_eq(m.serial, 8);
	compiled_fini(&next);
	compiled_fini(&last);
}
END_TEST

static const struct {
	uint64_t had_from, had_to, from, to;
	bool stays;
} times[] = {
	{100, 200, 100, 200, true},
	{100, 200, 150, 250, true},
	{100, 200, 151, 251, false}, /* less than half is left */
	{100, 200, 201, 202, false}, /* nothing is left */
	{100, 200, 99, 200, false},  /* it would begin too late */
	{100, 200, 100, 199, false}, /* it would end too late */
	{100, 200, 100, 301, true},
	{100, 200, 100, 302, false},
};

START_TEST(time_of_validity_stays_while_it_fits)
{
	const struct manifest m = {
		.not_before = times[_i].had_from, .not_after = times[_i].had_to};

	ck_assert(previous_is_valid(&m, times[_i].from, times[_i].to) == times[_i].stays);
}
END_TEST

START_TEST(numbers_of_sets_stay)
{
	static const char format[] =
		"<policy xmlns='urn:copsec:policy:1' tenant='t'><role name='a'/><role name='b'/>"
		"<role name='c'/>%s</policy>";
	static const struct {
		const char *nodes;
		struct {
			const char *name;
			uint32_t number;
		} sets[2];
	} steps[] = {
		{"<node name='n' key='" KEY1 "' roles='b'/><node name='m' key='" KEY2
		 "' roles='c'/>",
			{{"b", 0}, {"c", 1}}},
		{"<node name='n' key='" KEY1 "' roles='a'/><node name='m' key='" KEY2
		 "' roles='c'/>",
			{{"a", 2}, {"c", 1}}},
		{"<node name='n' key='" KEY1 "' roles='a'/><node name='m' key='" KEY2
		 "' roles='b'/>",
			{{"a", 2}, {"b", 0}}},
	};
	struct compiled all[3];

	for (size_t i = 0; i < 3; i++) {
		const struct compile_terms terms = {.serial = i + 1,
			.not_after = 1000,
			.previous = i ? &all[i - 1].bundle : NULL};
		struct compile_summary summary;
		struct buffer text;
		struct error e;

		buffer_init(&text, 1 << 16);
		buffer_put_text(&text, format, steps[i].nodes);
		policy_text_good(&all[i].file, buffer_string(&text));
		buffer_fini(&text);
		buffer_init(&all[i].octets, BUNDLE_MAX);
		arena_init(&all[i].arena, BUNDLE_MAX);
		ck_assert_int_eq(
			compile_policy(&all[i].file.model, &terms, &all[i].octets, &summary, &e),
			E_OK);
		ck_assert_int_eq(
			bundle_read(buffer_view(&all[i].octets), &all[i].arena, &all[i].bundle, &e),
			E_OK);
		for (size_t k = 0; k < 2; k++)
			ck_assert_uint_eq(
				all[i].bundle.sets[find_set(&all[i], steps[i].sets[k].name)].block,
				block_of(AUTHORITY_HOME, steps[i].sets[k].number));
	}
	for (size_t i = 0; i < 3; i++)
		compiled_fini(&all[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pmt-previous");
	TCase *numbers = tcase_create("orders"), *random = tcase_create("random"),
	      *large = tcase_create("large"), *documents = tcase_create("documents");

	tcase_add_loop_test(
		numbers, orders_leave_room_and_move_few, 0, sizeof orders / sizeof *orders);
	tcase_add_test(numbers, orders_are_never_exhausted);
	tcase_add_loop_test(random, random_edits_keep_numbers_and_meaning, 0, 3);
	tcase_add_loop_test(
		large, a_small_change_is_a_small_delta, 0, sizeof edits / sizeof *edits);
	tcase_add_test(large, the_top_has_room_for_ever);
	tcase_add_test(documents, documents_of_what_is_the_same_are_the_same);
	tcase_add_loop_test(documents, time_of_validity_stays_while_it_fits, 0,
		sizeof times / sizeof *times);
	tcase_add_test(documents, numbers_of_sets_stay);
	for (size_t i = 0; i < 4; i++) {
		TCase *all[] = {numbers, random, large, documents};

		tcase_set_timeout(all[i], 240);
		suite_add_tcase(suite, all[i]);
	}
	return suite_main(suite);
}
