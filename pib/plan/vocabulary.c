/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/plan/vocabulary.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct plan_key_form plan_key_forms[PLAN_KEY_COUNT] = {
	[PLAN_KEY_FAMILY] = {"meta nfproto", 1, false, false},
	[PLAN_KEY_PROTOCOL] = {"meta l4proto", 1, false, false},
	[PLAN_KEY_SOURCE4] = {"ip saddr", 4, false, false},
	[PLAN_KEY_DESTINATION4] = {"ip daddr", 4, false, false},
	[PLAN_KEY_SOURCE6] = {"ip6 saddr", 16, false, false},
	[PLAN_KEY_DESTINATION6] = {"ip6 daddr", 16, false, false},
	[PLAN_KEY_SOURCE6_NETWORK] = {"ip6 saddr & ffff:ffff:ffff:ffff::", 8, false, false},
	[PLAN_KEY_DESTINATION6_NETWORK] = {"ip6 daddr & ffff:ffff:ffff:ffff::", 8, false, false},
	[PLAN_KEY_SOURCE_PORT] = {"th sport", 2, false, false},
	[PLAN_KEY_DESTINATION_PORT] = {"th dport", 2, false, false},
	[PLAN_KEY_ICMP_TYPE] = {"icmp type", 1, false, false},
	[PLAN_KEY_ICMP_CODE] = {"icmp code", 1, false, false},
	[PLAN_KEY_DSCP4] = {"ip dscp", 1, false, false},  /* in its upper 6 bits */
	[PLAN_KEY_DSCP6] = {"ip6 dscp", 2, false, false}, /* in the middle */
	[PLAN_KEY_LABEL] = {"ip6 flowlabel", 3, false, false},
	[PLAN_KEY_TCP_FLAGS] = {"tcp flags", 1, false, false},
	[PLAN_KEY_IN_INDEX] = {"iif", 4, true, false},
	[PLAN_KEY_OUT_INDEX] = {"oif", 4, true, false},
	[PLAN_KEY_IN_NAME] = {"iifname", 16, false, true},
	[PLAN_KEY_OUT_NAME] = {"oifname", 16, false, true},
	[PLAN_KEY_SOCKET_USER] = {"meta skuid", 4, true, false},
	[PLAN_KEY_MARK] = {"meta mark", 4, true, false},
	[PLAN_KEY_CT_MARK] = {"ct mark", 4, true, false},
	[PLAN_KEY_CT_STATE] = {"ct state", 4, true, false},
	[PLAN_KEY_CT_DIRECTION] = {"ct direction", 1, false, false},
	[PLAN_KEY_FIB_TYPE] = {"fib daddr type", 4, true, false},
	[PLAN_KEY_FIB_OUT_NAME] = {"fib daddr oifname", 16, false, true},
	[PLAN_KEY_IPSEC_IN] = {"ipsec in reqid", 4, true, false},
	[PLAN_KEY_IPSEC_OUT] = {"ipsec out reqid", 4, true, false},
};

void writer_init(struct writer *w, struct plan *plan)
{
	*w = (struct writer){.plan = plan};
}

static void *take(struct writer *w, size_t count, size_t size)
{
	void *p = w->error ? NULL : arena_calloc(&w->plan->arena, count, size);

	if (!p && !w->error)
		w->error = E_MEMORY;
	return p;
}

char *writer_text(struct writer *w, const char *format, ...)
{
	static char none[1];
	char text[512];
	va_list list;
	char *copy;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	copy = w->error ? NULL : arena_strdup(&w->plan->arena, text);
	if (copy)
		return copy;
	w->error = E_MEMORY;
	return none;
}

const char *writer_name(struct writer *w, const char *prefix, const char *text)
{
	/* Room is left for the number that makes a name unique. */
	char name[PLAN_NAME_SIZE - 12];
	size_t len;

	snprintf(name, sizeof name, "%s%s", prefix, text);
	len = strlen(name);
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '+')
			name[i] = '/'; /* the roles of a combination */
		else if (!isalnum((unsigned char)name[i]) && !strchr("/-_.", name[i]))
			name[i] = '_';
	}
	return writer_text(w, "%s", name);
}

/* ---- Finding by name ---- */

static size_t index_place(const struct plan_index *x, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t at;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	for (at = (size_t)(hash ^ hash >> 32) & (x->size - 1);
		x->places[at] && strcmp(*x->places[at], name) != 0;)
		at = (at + 1) & (x->size - 1);
	return at;
}

static const void *index_find(const struct plan_index *x, const char *name)
{
	return x->size ? x->places[index_place(x, name)] : NULL;
}

/* Room for twice as many. */
static void index_grow(struct writer *w, struct plan_index *x, size_t count)
{
	struct plan_index bigger = {.size = 64, .count = x->count};

	while (bigger.size < 4 * count)
		bigger.size *= 2;
	bigger.places = take(w, bigger.size, sizeof *bigger.places);
	if (!bigger.places)
		return;
	for (size_t i = 0; i < x->size; i++)
		if (x->places[i])
			bigger.places[index_place(&bigger, *x->places[i])] = x->places[i];
	*x = bigger;
}

static void index_add(struct writer *w, struct plan_index *x, const char *const *thing)
{
	if (2 * x->count >= x->size)
		index_grow(w, x, x->count);
	if (w->error)
		return;
	x->places[index_place(x, *thing)] = thing;
	x->count++;
}

/* The kernel would take a second object of one name for a change of the first. */
static const char *unique_name(struct writer *w, const struct plan_index *x, const char *name)
{
	const char *unique = name;

	for (size_t n = x->count; !w->error && index_find(x, unique); n++)
		unique = writer_text(w, "%s.%zu", name, n);
	return unique;
}

const struct plan_chain *plan_find_chain(const struct plan *plan, const char *name)
{
	return index_find(&plan->chains_by_name, name);
}

const struct plan_counter *plan_find_counter(const struct plan *plan, const char *name)
{
	return index_find(&plan->counters_by_name, name);
}

/* ---- Counters and chains ---- */

struct plan_counter *writer_counter(
	struct writer *w, const char *name, const char *roles, const struct plan_cause *cause)
{
	struct plan_counter *counter = take(w, 1, sizeof *counter);

	if (!counter)
		return &w->spare_counter;
	*counter = (struct plan_counter){.name = unique_name(w, &w->plan->counters_by_name, name),
		.roles = roles,
		.cause = *cause,
		.number = w->plan->counter_count++};
	if (w->last_counter)
		w->last_counter->next = counter;
	else
		w->plan->counters = counter;
	w->last_counter = counter;
	index_add(w, &w->plan->counters_by_name, &counter->name);
	return counter;
}

void writer_conflict(struct writer *w, const char *roles, const struct plan_cause *cause)
{
	struct plan_conflict *conflict = take(w, 1, sizeof *conflict);

	for (const struct plan_conflict *c = w->plan->conflicts; c; c = c->next)
		if (!strcmp(c->cause.name, cause->name))
			return;
	if (!conflict)
		return;
	*conflict = (struct plan_conflict){*cause, writer_text(w, "%s", roles), w->plan->conflicts};
	w->plan->conflicts = conflict;
}

struct plan_chain *writer_chain(struct writer *w, enum plan_hook hook, const char *name)
{
	struct plan_chain *chain = take(w, 1, sizeof *chain);

	if (!chain)
		return &w->spare_chain;
	*chain = (struct plan_chain){.name = name, .hook = hook, .number = w->plan->chain_count++};
	if (w->last_chain)
		w->last_chain->next = chain;
	else
		w->plan->chains = chain;
	w->last_chain = chain;
	return chain;
}

const char *writer_unique_chain(struct writer *w, const char *name)
{
	return unique_name(w, &w->plan->chains_by_name, name);
}

void writer_expect_chains(struct writer *w, size_t count)
{
	index_grow(w, &w->plan->chains_by_name, count / 2 + 1);
}

void writer_index_chain(struct writer *w, const struct plan_chain *chain)
{
	index_add(w, &w->plan->chains_by_name, &chain->name);
}

struct plan_value plan_number(enum plan_key key, uint32_t value)
{
	const struct plan_key_form *form = &plan_key_forms[key];
	struct plan_value v = {{0}};

	if (form->host_order) {
		memcpy(v.octets, &value, sizeof value);
		return v;
	}
	for (size_t i = 0; i < form->width; i++)
		v.octets[i] = (uint8_t)(value >> 8 * (form->width - 1u - i));
	return v;
}

struct plan_value plan_name(const char *name)
{
	struct plan_value v = {{0}};

	memcpy(v.octets, name, strnlen(name, sizeof v.octets - 1));
	return v;
}

static struct plan_step *step(struct writer *w, enum plan_step_kind kind)
{
	if (w->step_count == WRITER_STEPS_MAX) {
		w->error = E_BUG;
		w->step_count = 0;
	}
	w->steps[w->step_count] = (struct plan_step){.kind = kind};
	return &w->steps[w->step_count++];
}

static void put_mask(struct plan_step *s, enum plan_key key, uint32_t mask)
{
	struct plan_value v;

	if (mask == 0)
		return;
	v = plan_number(key, mask);
	s->masked = true;
	memcpy(s->mask, v.octets, sizeof s->mask);
}

void step_value(struct writer *w, enum plan_key key, uint32_t mask, struct plan_value low,
	struct plan_value high)
{
	struct plan_step *s = step(w, PLAN_MATCH);

	s->key = key;
	s->low = low;
	s->high = high;
	put_mask(s, key, mask);
}

void step_range(struct writer *w, enum plan_key key, uint32_t low, uint32_t high)
{
	step_value(w, key, 0, plan_number(key, low), plan_number(key, high));
}

void step_is(struct writer *w, enum plan_key key, uint32_t value)
{
	step_range(w, key, value, value);
}

void step_is_not(struct writer *w, enum plan_key key, uint32_t value)
{
	step_is(w, key, value);
	w->steps[w->step_count - 1].negate = true;
}

void step_masked(struct writer *w, enum plan_key key, uint32_t mask, uint32_t value)
{
	step_value(w, key, mask, plan_number(key, value), plan_number(key, value));
}

void step_masked_not(struct writer *w, enum plan_key key, uint32_t mask, uint32_t value)
{
	step_masked(w, key, mask, value);
	w->steps[w->step_count - 1].negate = true;
}

void step_map(struct writer *w, enum plan_key key, uint32_t mask,
	const struct plan_element *elements, size_t count)
{
	struct plan_step *s = step(w, PLAN_MAP);
	struct plan_element *copy = take(w, count, sizeof *copy);

	s->key = key;
	put_mask(s, key, mask);
	if (!copy)
		return;
	memcpy(copy, elements, count * sizeof *copy);
	for (size_t i = 0; i < count; i++)
		if (memcmp(&copy[i].low, &copy[i].high, sizeof copy[i].low) != 0)
			s->interval = true;
	s->elements = copy;
	s->element_count = count;
}

void step_mark(struct writer *w, uint32_t keep, uint32_t set)
{
	struct plan_step *s = step(w, PLAN_MARK);

	s->keep = keep;
	s->set = set;
}

void step_ct_mark(struct writer *w, uint32_t keep, uint32_t set)
{
	step_mark(w, keep, set);
	w->steps[w->step_count - 1].kind = PLAN_CT_MARK;
}

void step_count(struct writer *w, const struct plan_counter *counter)
{
	step(w, PLAN_COUNT)->counter = counter;
}

void step_log(struct writer *w, const char *prefix)
{
	step(w, PLAN_LOG)->text = prefix;
}

void step_clamp(struct writer *w)
{
	step(w, PLAN_CLAMP);
}

static struct plan_step *step_limit(
	struct writer *w, enum plan_step_kind kind, enum plan_key key, uint32_t limit)
{
	struct plan_step *s = step(w, kind);

	s->key = key;
	s->keyed = key != PLAN_KEY_COUNT;
	s->limit = limit;
	return s;
}

void step_rate(
	struct writer *w, enum plan_key key, uint32_t limit, uint32_t seconds, uint32_t burst)
{
	struct plan_step *s = step_limit(w, PLAN_RATE, key, limit);

	s->seconds = seconds;
	s->burst = burst;
}

void step_connections(struct writer *w, enum plan_key key, uint32_t limit)
{
	step_limit(w, PLAN_CONNECTIONS, key, limit);
}

void step_reject(struct writer *w, enum plan_answer answer)
{
	step(w, PLAN_REJECT)->answer = answer;
}

void step_accept(struct writer *w)
{
	step(w, PLAN_ACCEPT);
}

void step_drop(struct writer *w)
{
	step(w, PLAN_DROP);
}

void step_jump(struct writer *w, const struct plan_chain *chain)
{
	step(w, PLAN_JUMP)->chain = chain;
}

void step_goto(struct writer *w, const struct plan_chain *chain)
{
	step(w, PLAN_GOTO)->chain = chain;
}

void writer_rule(struct writer *w, struct plan_chain *chain, const struct plan_cause *cause)
{
	struct plan_rule *rule = take(w, 1, sizeof *rule);
	struct plan_step *steps = take(w, w->step_count, sizeof *steps);

	if (rule && steps) {
		memcpy(steps, w->steps, w->step_count * sizeof *steps);
		*rule = (struct plan_rule){
			.steps = steps, .step_count = w->step_count, .cause = *cause};
		if (chain->last)
			chain->last->next = rule;
		else
			chain->rules = rule;
		chain->last = rule;
		w->plan->rule_count++;
	}
	w->step_count = 0;
}
