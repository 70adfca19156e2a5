/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "pib/plan/build.h"

enum {
	CONTENT_OCTETS = 10, /* of a digest; as text 16 letters and digits */
	CONTENT_CHARACTERS = CONTENT_OCTETS * 8 / 5,
};

struct naming {
	struct writer *w;
	struct plan_chain **chains; /* by number */
	struct sha256 digest;
	struct buffer text; /* of the chain at hand */
	enum err error;
};

/* Five bits a character: names are in every message that leads to a chain. */
static void content_text(const uint8_t digest[SHA256_SIZE], char text[CONTENT_CHARACTERS + 1])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (unsigned i = 0; i < CONTENT_CHARACTERS; i++) {
		unsigned bit = 5 * i, at = bit / 8;
		unsigned two = (unsigned)digest[at] << 8 | digest[at + 1];

		text[i] = alphabet[two >> (11 - bit % 8) & 31];
	}
	text[CONTENT_CHARACTERS] = '\0';
}

static void put_octets(struct naming *n, const void *octets, size_t len)
{
	buffer_put(&n->text, octets, len);
}

static void put_number(struct naming *n, size_t number)
{
	put_octets(n, &(uint64_t){number}, sizeof(uint64_t));
}

static void put_name(struct naming *n, const char *name)
{
	put_octets(n, name, strlen(name) + 1);
}

static void put_target(struct naming *n, const struct plan_chain *chain)
{
	put_name(n, chain ? chain->name : "");
}

static void put_map(struct naming *n, const struct plan_step *s)
{
	uint8_t width = plan_key_forms[s->key].width;

	put_number(n, s->element_count);
	for (size_t i = 0; i < s->element_count; i++) {
		const struct plan_element *e = &s->elements[i];

		put_octets(n, e->low.octets, width);
		put_octets(n, e->high.octets, width);
		put_octets(n, &e->verdict, sizeof e->verdict);
		put_target(n, e->chain);
	}
}

/* All that the kernel is told. What a name leads to has its name already. */
static void put_step(struct naming *n, const struct plan_step *s)
{
	put_octets(n, &s->kind, sizeof s->kind);
	switch (s->kind) {
	case PLAN_MATCH:
	case PLAN_MAP:
		put_octets(n, &s->key, sizeof s->key);
		put_octets(n, &s->masked, sizeof s->masked);
		put_octets(n, &s->negate, sizeof s->negate);
		put_octets(n, s->mask, sizeof s->mask);
		if (s->kind == PLAN_MAP) {
			put_map(n, s);
			break;
		}
		put_octets(n, &s->low, sizeof s->low);
		put_octets(n, &s->high, sizeof s->high);
		break;
	case PLAN_MARK:
	case PLAN_CT_MARK:
		put_octets(n, &s->keep, sizeof s->keep);
		put_octets(n, &s->set, sizeof s->set);
		break;
	case PLAN_COUNT:
		put_name(n, s->counter->name);
		break;
	case PLAN_LOG:
		put_name(n, s->text);
		break;
	case PLAN_RATE:
	case PLAN_CONNECTIONS:
		put_octets(n, &s->keyed, sizeof s->keyed);
		put_octets(n, &s->key, sizeof s->key);
		put_number(n, s->limit);
		put_number(n, s->seconds);
		put_number(n, s->burst);
		break;
	case PLAN_REJECT:
		put_octets(n, &s->answer, sizeof s->answer);
		break;
	case PLAN_JUMP:
	case PLAN_GOTO:
		put_target(n, s->chain);
		break;
	case PLAN_CLAMP:
	case PLAN_ACCEPT:
	case PLAN_DROP:
	case PLAN_STEP_KINDS:
		break;
	}
}

static void take_digest(struct naming *n, uint8_t ret[SHA256_SIZE])
{
	enum err err = n->text.error;

	sha256_put_view(&n->digest, buffer_view(&n->text));
	if (!err)
		err = sha256_final(&n->digest, ret);
	if (err && !n->error)
		n->error = err;
	if (n->error)
		memset(ret, 0, SHA256_SIZE);
	buffer_reset(&n->text);
}

static void name_by_content(struct naming *n, struct plan_chain *chain)
{
	uint8_t digest[SHA256_SIZE];
	char content[CONTENT_CHARACTERS + 1];

	put_number(n, chain->hook);
	for (const struct plan_rule *r = chain->rules; r; r = r->next) {
		put_number(n, r->step_count);
		put_name(n, r->cause.prid.class ? r->cause.name : "");
		for (size_t i = 0; i < r->step_count; i++)
			put_step(n, &r->steps[i]);
	}
	take_digest(n, digest);
	content_text(digest, content);
	chain->content = writer_text(n->w, "%s.%s", chain->name, content);
	if (chain->hook == PLAN_HOOK_NONE)
		chain->name = chain->content = writer_unique_chain(n->w, chain->content);
	writer_index_chain(n->w, chain);
}

/* Those first that it leads to; no path is longer than the kernel lets chains lead on (16). */
static void name_from(struct naming *n, struct plan_chain *chain)
{
	if (chain->content)
		return;
	for (const struct plan_rule *r = chain->rules; r; r = r->next) {
		for (size_t i = 0; i < r->step_count; i++) {
			const struct plan_step *s = &r->steps[i];

			if (s->kind == PLAN_JUMP || s->kind == PLAN_GOTO)
				name_from(n, n->chains[s->chain->number]);
			for (size_t j = 0; s->kind == PLAN_MAP && j < s->element_count; j++)
				if (s->elements[j].chain)
					name_from(n, n->chains[s->elements[j].chain->number]);
		}
	}
	name_by_content(n, chain);
}

/* What no packet comes to is no part of the plan. */
static void keep_reached(struct plan *plan)
{
	struct plan_chain *all = plan->chains, **place = &plan->chains;

	plan->chain_count = plan->rule_count = 0;
	for (struct plan_chain *c = all; c; c = c->next) {
		if (!c->content)
			continue;
		c->number = plan->chain_count++;
		for (const struct plan_rule *r = c->rules; r; r = r->next)
			plan->rule_count++;
		*place = c;
		place = &c->next;
	}
	*place = NULL;
}

static void name_plan(struct naming *n)
{
	struct plan *plan = n->w->plan;
	uint8_t digest[SHA256_SIZE];
	uint64_t id = 0;

	for (size_t i = 0; i < plan->spd_count; i++)
		plan_print_spd(&plan->spd[i], &n->text);
	for (const struct plan_counter *c = plan->counters; c; c = c->next) {
		put_name(n, c->name);
		put_name(n, c->cause.name);
		put_number(n, c->cause.prid.instance);
	}
	for (const struct plan_chain *c = plan->chains; c; c = c->next)
		if (c->hook)
			put_name(n, c->content);
	take_digest(n, digest);
	for (unsigned i = 0; i < sizeof id; i++)
		id = id << 8 | digest[i];
	snprintf(plan->id, sizeof plan->id, "%016llx", (unsigned long long)id);
}

enum err build_names(struct build *b)
{
	struct plan *plan = b->plan;
	struct naming n = {.w = &b->w};

	n.chains = calloc(plan->chain_count + 1, sizeof(struct plan_chain *));
	if (!n.chains)
		return E_MEMORY;
	sha256_init(&n.digest);
	buffer_init(&n.text, PRINT_MAX);
	writer_expect_chains(&b->w, plan->chain_count);
	for (struct plan_chain *c = plan->chains; c; c = c->next)
		n.chains[c->number] = c;
	for (struct plan_chain *c = plan->chains; c; c = c->next)
		if (c->hook)
			name_from(&n, c);
	if (!b->w.error) {
		keep_reached(plan);
		name_plan(&n);
	}
	buffer_fini(&n.text);
	sha256_fini(&n.digest);
	free(n.chains);
	return n.error ? n.error : b->w.error;
}
