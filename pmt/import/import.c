/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/import/import.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_ITEMS = 64, IMPORT_ARENA = 512 << 20, TEXT_MAX = 4096, PROTECTIONS_MAX = 1 << 20 };

enum err import_init(struct import *im, struct diagnostics *d, struct error *e)
{
	*im = (struct import){.d = d};
	arena_init(&im->arena, IMPORT_ARENA);
	buffer_init(&im->protections, PROTECTIONS_MAX);
	im->items = arena_calloc(&im->arena, FIRST_ITEMS, sizeof *im->items);
	im->item_capacity = FIRST_ITEMS;
	return im->items ? E_OK : error_set(e, E_MEMORY, "out of memory");
}

void import_fini(struct import *im)
{
	buffer_fini(&im->protections);
	arena_fini(&im->arena);
}

static void *take(struct import *im, size_t count, size_t size)
{
	void *p = arena_calloc(&im->arena, count ? count : 1, size);

	im->no_memory = im->no_memory || !p;
	return p;
}

PRINTF_LIKE(2, 0)
static const char *format_text(struct import *im, const char *format, va_list ap)
{
	char text[TEXT_MAX];
	char *kept;

	vsnprintf(text, sizeof text, format, ap);
	kept = arena_strdup(&im->arena, text);
	im->no_memory = im->no_memory || !kept;
	return kept ? kept : "";
}

const char *import_text(struct import *im, const char *format, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, format);
	text = format_text(im, format, ap);
	va_end(ap);
	return text;
}

const char *import_word(const char *text, char out[IMPORT_WORD_SIZE])
{
	size_t i;

	for (i = 0; text[i] && i < IMPORT_WORD_SIZE - 1; i++)
		out[i] = (char)(text[i] < ' ' || text[i] == 0x7f ? '?' : text[i]);
	out[i] = '\0';
	return out;
}

/* --- chains and rules --- */

struct import_chain *import_chain_add(struct import *im, const char *name, struct place at)
{
	struct import_chain *chain = take(im, 1, sizeof *chain);

	if (!chain)
		return NULL;
	*chain = (struct import_chain){
		.name = import_text(im, "%s", name), .at = at, .family = FLOW_ANY_FAMILY};
	if (im->last)
		im->last->next = chain;
	else
		im->first = chain;
	im->last = chain;
	return chain;
}

struct import_chain *import_chain_find(const struct import *im, const char *name)
{
	for (struct import_chain *c = im->first; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

struct import_rule *import_rule_add(struct import *im, struct import_chain *chain, struct place at)
{
	struct import_rule *rule = take(im, 1, sizeof *rule);

	if (!rule)
		return NULL;
	rule->at = at;
	if (chain->last)
		chain->last->next = rule;
	else
		chain->first = rule;
	chain->last = rule;
	return rule;
}

void import_leave(struct import *im, struct import_rule *rule, const char *format, ...)
{
	va_list ap;

	if (rule->left)
		return;
	va_start(ap, format);
	rule->left = format_text(im, format, ap);
	va_end(ap);
}

/* What Linux allows, dev_valid_name(). */
static bool may_be_interface(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] == 0x7f || strchr("/:", name[i]))
			return false;
	return len > 0 && len < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

const char *import_interface(struct import *im, struct import_rule *rule, const char *name)
{
	for (size_t i = 0; i < im->interface_count; i++)
		if (strcmp(im->interfaces[i], name) == 0)
			return im->interfaces[i];
	if (!may_be_interface(name)) {
		import_leave(im, rule, "no interface can have this name");
		return NULL;
	}
	if (im->interface_count == IMPORT_INTERFACES_MAX) {
		import_leave(im, rule, "more than %d interfaces", IMPORT_INTERFACES_MAX);
		return NULL;
	}
	return im->interfaces[im->interface_count++] = import_text(im, "%s", name);
}

/* --- conditions --- */

void import_narrow(struct import *im, struct import_condition *when, enum flow_field field,
	const struct flow_interval *list, size_t count, bool negated)
{
	/* Nothing is at port 0, and a policy has no word for it. */
	struct flow_interval ports = {FLOW_VALUE(1), FLOW_VALUE(65535)};
	struct flow_interval *copy = take(im, count, sizeof *copy);
	struct flow_intervals now;
	enum err code = E_OK;

	if (!copy)
		return;
	if (count == 0) {
		when->impossible = when->impossible || !negated;
		return;
	}
	memcpy(copy, list, count * sizeof *copy);
	now = flow_intervals_join(field, copy, count);
	if (negated)
		code = flow_intervals_complement(&im->arena, field, now, &now);
	if (!code && field == FLOW_DESTINATION_PORT)
		code = flow_intervals_intersect(&im->arena, now,
			flow_intervals_join(field, &ports, 1),
			&now);
	if (!code)
		code = flow_intervals_intersect(
			&im->arena, when->match.field[field], now, &when->match.field[field]);
	when->impossible = when->impossible || code == E_NOT_FOUND;
	im->no_memory = im->no_memory || code == E_MEMORY;
}

void import_narrow_number(struct import *im, struct import_condition *when, enum flow_field field,
	uint64_t low, uint64_t high)
{
	const struct flow_interval one = {FLOW_VALUE(low), FLOW_VALUE(high)};

	import_narrow(im, when, field, &one, 1, false);
}

/* Both at once. */
static struct import_condition intersect(
	struct import *im, const struct import_condition *a, const struct import_condition *b)
{
	struct import_condition both = *a;

	both.impossible = a->impossible || b->impossible ||
			  (a->in && b->in && strcmp(a->in, b->in) != 0) ||
			  (a->out && b->out && strcmp(a->out, b->out) != 0);
	if (!both.in)
		both.in = b->in;
	if (!both.out)
		both.out = b->out;
	for (int f = 0; f < FLOW_FIELDS; f++) {
		const struct flow_intervals field = b->match.field[f];

		if (field.count)
			import_narrow(
				im, &both, (enum flow_field)f, field.list, field.count, false);
	}
	both.match.number = 1;
	if (!both.impossible) {
		enum err code = flow_match_complete(&im->arena, &both.match);

		both.impossible = code == E_NOT_FOUND;
		im->no_memory = im->no_memory || code == E_MEMORY;
	}
	return both;
}

static bool is_any(const struct import_condition *when)
{
	for (int f = 0; f < FLOW_FIELDS; f++)
		if (when->match.field[f].count)
			return false;
	return !when->in && !when->out && !when->impossible;
}

/* --- items --- */

struct import_item *import_item_add(struct import *im, enum import_kind kind, struct place at)
{
	struct import_item *item;

	if (im->item_count == im->item_capacity) {
		struct import_item *more = im->item_count < IMPORT_ITEMS_MAX
						   ? take(im, 2 * im->item_capacity, sizeof *more)
						   : NULL;

		im->no_memory = im->no_memory || !more;
		if (!more)
			return NULL;
		memcpy(more, im->items, im->item_count * sizeof *more);
		im->items = more;
		im->item_capacity *= 2;
	}
	item = &im->items[im->item_count++];
	*item = (struct import_item){.kind = kind, .at = at};
	return item;
}

PRINTF_LIKE(4, 0)
static void add_comment(
	struct import *im, struct place at, const char *before, const char *format, va_list ap)
{
	struct import_item *item = import_item_add(im, IMPORT_ITEM_COMMENT, at);

	if (item)
		item->text = import_text(im, "%s%s", before, format_text(im, format, ap));
}

void import_tell(struct import *im, struct place at, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_comment(im, at, "not taken over: ", format, ap);
	va_end(ap);
	if (im->item_count)
		report_warning(im->d, at, "%s", im->items[im->item_count - 1].text);
	im->left++;
}

static void tell_needless(struct import *im, struct import_rule *rule)
{
	struct import_item *item;

	if (rule->told)
		return;
	rule->told = true;
	im->needless++;
	item = import_item_add(im, IMPORT_ITEM_COMMENT, rule->at);
	if (item)
		item->text = import_text(im, "needs no rule: %s", rule->needless);
}

/* What it means that the rule is missing. */
static const char *consequence(const struct import_rule *rule)
{
	switch (rule->verdict) {
	case IMPORT_ACCEPT:
		return "; what it accepts is denied unless another rule allows it";
	case IMPORT_NOTHING:
		return "";
	default:
		return "; WITHOUT IT MORE MAY BE ALLOWED than before";
	}
}

static void tell_left(struct import *im, struct import_rule *rule)
{
	if (rule->told)
		return;
	rule->told = true;
	import_tell(im, rule->at, "%s%s", rule->left, consequence(rule));
}

static void leave_rest(struct import *im, struct import_rule *rule, const char *why)
{
	for (; rule; rule = rule->next) {
		import_leave(im, rule, "%s", why);
		tell_left(im, rule);
	}
}

/* --- from chains to items --- */

struct walk {
	const struct import_chain *base;
	unsigned depth;
	unsigned jumps; /* followed so far */
};

/* What the language has no word for; NULL: it can say this. */
static const char *unsaid(const struct flow_match *match)
{
	const struct flow_intervals protocols = match->field[FLOW_PROTOCOL];

	if (match->field[FLOW_SOURCE_PORT].count)
		return "the port that it comes from";
	if (match->field[FLOW_DSCP].count || match->field[FLOW_LABEL].count)
		return "DSCP or flow label";
	if (match->field[FLOW_ICMP_CODE].count > 1 ||
		(match->field[FLOW_ICMP_CODE].count == 1 &&
			flow_value_compare(match->field[FLOW_ICMP_CODE].list[0].low,
				match->field[FLOW_ICMP_CODE].list[0].high) != 0))
		return "several codes of ICMP";
	if (match->field[FLOW_DESTINATION_PORT].count == 0)
		return NULL;
	for (size_t i = 0; i < protocols.count; i++)
		for (uint64_t p = protocols.list[i].low.low; p <= protocols.list[i].high.low; p++)
			if (p != 6 && p != 17)
				return "ports of other protocols than TCP and UDP";
	return NULL;
}

static void put_verdict(struct import *im, const struct walk *w, bool accept, bool log,
	const struct import_condition *when, struct place at)
{
	const char *reason = unsaid(&when->match);
	struct import_item *item;

	if (reason) {
		import_tell(im, at, "%s%s", reason,
			accept ? "" : "; WITHOUT IT MORE MAY BE ALLOWED than before");
		return;
	}

	item = import_item_add(im, accept ? IMPORT_ITEM_ALLOW : IMPORT_ITEM_DENY, at);
	if (!item)
		return;
	item->direction = w->base->hook;
	item->when = *when;
	item->log = log;
}

static void walk_chain(struct import *im, struct walk *w, struct import_chain *chain,
	const struct import_condition *context);

static void follow(struct import *im, struct walk *w, struct import_rule *rule,
	const struct import_condition *when)
{
	struct import_chain *target = import_chain_find(im, rule->target);

	if (!target || target->base || w->depth == IMPORT_DEPTH_MAX ||
		w->jumps++ == IMPORT_JUMPS_MAX) {
		im->taken--;
		rule->told = false;
		import_leave(
			im, rule, "there is no chain \"%s\" that can be followed", rule->target);
		tell_left(im, rule);
		return;
	}
	w->depth++;
	walk_chain(im, w, target, when);
	w->depth--;
	/* Who comes back from a goto comes back to where nothing follows: the base chain's end. */
	if (rule->verdict == IMPORT_GOTO)
		put_verdict(im, w, w->base->accepts, false, when, rule->at);
}

static void judge_loopback(struct import *im, struct import_rule *rule)
{
	if (rule->verdict == IMPORT_ACCEPT)
		rule->needless = "the loopback interface is always open";
	else
		import_leave(im, rule, "the loopback interface is always open");
}

/* False: nothing of the chain behind this rule is reached in this context. */
static bool walk_rule(struct import *im, struct walk *w, struct import_rule *rule,
	const struct import_condition *context)
{
	struct import_condition when = intersect(im, context, &rule->when);
	const char *lo = when.in && strcmp(when.in, "lo") == 0 ? when.in : when.out;

	if (!rule->left && !rule->needless && lo && strcmp(lo, "lo") == 0)
		judge_loopback(im, rule);
	if (rule->left) {
		tell_left(im, rule);
		if (rule->verdict == IMPORT_RETURN || rule->verdict == IMPORT_GOTO)
			leave_rest(im, rule->next, "it stands behind one that is not taken over");
		return rule->verdict != IMPORT_RETURN && rule->verdict != IMPORT_GOTO;
	}
	if (rule->needless) {
		tell_needless(im, rule);
		return true;
	}
	if (!rule->told)
		im->taken++;
	rule->told = true;
	if (when.impossible)
		return true;
	switch (rule->verdict) {
	case IMPORT_ACCEPT:
	case IMPORT_DROP:
		put_verdict(im, w, rule->verdict == IMPORT_ACCEPT, rule->log, &when, rule->at);
		return !is_any(&rule->when);
	case IMPORT_RETURN:
		if (is_any(&rule->when))
			return false;
		if (w->depth == 0) {
			put_verdict(im, w, w->base->accepts, rule->log, &when, rule->at);
			return true;
		}
		leave_rest(im, rule->next, "it stands behind a return for some flows only");
		return false;
	case IMPORT_JUMP:
	case IMPORT_GOTO:
		follow(im, w, rule, &when);
		return rule->verdict == IMPORT_JUMP || !is_any(&rule->when);
	default:
		return true;
	}
}

static void walk_chain(struct import *im, struct walk *w, struct import_chain *chain,
	const struct import_condition *context)
{
	for (struct import_rule *rule = chain->first; rule && !im->no_memory; rule = rule->next)
		if (!walk_rule(im, w, rule, context))
			return;
}

/* Whether the flow of a hook passes another base chain first. Both would have to accept it. */
static const struct import_chain *chain_before(
	const struct import *im, const struct import_chain *chain)
{
	for (const struct import_chain *c = im->first; c != chain; c = c->next)
		if (c->base && c->hook == chain->hook &&
			(c->family == FLOW_ANY_FAMILY || chain->family == FLOW_ANY_FAMILY ||
				c->family == chain->family))
			return c;
	return NULL;
}

static void tell_unreached(struct import *im, struct import_chain *chain)
{
	for (struct import_rule *r = chain->first; r; r = r->next) {
		if (r->told)
			continue;
		if (!r->left) {
			import_leave(im, r, "nothing leads to it");
			r->verdict = IMPORT_NOTHING;
		}
		tell_left(im, r);
	}
}

void import_flatten(struct import *im)
{
	for (struct import_chain *chain = im->first; chain && !im->no_memory; chain = chain->next) {
		struct walk w = {.base = chain};
		struct import_condition all = {0};
		const struct import_chain *before;

		if (!chain->base)
			continue;
		before = chain_before(im, chain);
		if (before) {
			import_tell(im, chain->at,
				"the chain \"%s\" stands behind \"%s\" at the same hook%s",
				chain->name, before->name,
				"; WITHOUT IT MORE MAY BE ALLOWED than before");
			leave_rest(im, chain->first, "its chain is not taken over");
			continue;
		}
		if (chain->family != FLOW_ANY_FAMILY)
			import_narrow_number(im, &all, FLOW_FAMILY, chain->family, chain->family);
		walk_chain(im, &w, chain, &all);
		if (chain->accepts)
			put_verdict(im, &w, true, false, &all, chain->at);
	}
	for (struct import_chain *chain = im->first; chain && !im->no_memory; chain = chain->next)
		tell_unreached(im, chain);
}
