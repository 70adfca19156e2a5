/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/difference.h"

#include <stdlib.h>
#include <string.h>

/* What one plan has and the other has not. */
struct surplus {
	const struct plan *of, *other;
	const struct plan_chain **chains; /* base chains that say something else first */
	size_t base_count, chain_count, chain_capacity;
	const struct plan_counter **counters;
	size_t counter_count;
	bool *seen; /* chains, by number */
	enum err error;
};

static void add_chain(struct surplus *s, const struct plan_chain *chain)
{
	if (s->chain_count == s->chain_capacity) {
		size_t capacity = s->chain_capacity ? 2 * s->chain_capacity : 64;
		const struct plan_chain **chains =
			reallocarray(s->chains, capacity, sizeof *chains);

		if (!chains) {
			s->error = E_MEMORY;
			return;
		}
		s->chains = chains;
		s->chain_capacity = capacity;
	}
	s->chains[s->chain_count++] = chain;
}

/* A chain that both have leads to nothing that the other has not. */
static void reach(struct surplus *s, const struct plan_chain *chain)
{
	if (!chain || s->seen[chain->number])
		return;
	s->seen[chain->number] = true;
	if (!plan_find_chain(s->other, chain->name))
		add_chain(s, chain);
}

static void reach_from(struct surplus *s, const struct plan_chain *chain)
{
	for (const struct plan_rule *r = chain->rules; r; r = r->next) {
		for (size_t i = 0; i < r->step_count; i++) {
			const struct plan_step *step = &r->steps[i];

			if (step->kind == PLAN_JUMP || step->kind == PLAN_GOTO)
				reach(s, step->chain);
			for (size_t j = 0; step->kind == PLAN_MAP && j < step->element_count; j++)
				reach(s, step->elements[j].chain);
		}
	}
}

static void surplus_fini(struct surplus *s)
{
	free(s->chains);
	free(s->counters);
	free(s->seen);
}

/* Base chains alone. */
static enum err base_surplus_init(
	struct surplus *s, const struct plan *of, const struct plan *other)
{
	*s = (struct surplus){.of = of, .other = other};
	for (const struct plan_chain *c = of->chains; c; c = c->next) {
		const struct plan_chain *beside = c->hook ? plan_find_chain(other, c->name) : NULL;

		if (!c->hook || (beside && strcmp(beside->content, c->content) == 0))
			continue;
		if (beside && beside->hook != c->hook)
			return E_UNSUPPORTED;
		add_chain(s, c);
	}
	s->base_count = s->chain_count;
	return s->error;
}

static enum err surplus_init(struct surplus *s, const struct plan *of, const struct plan *other)
{
	enum err err = base_surplus_init(s, of, other);

	s->seen = calloc(of->chain_count + 1, sizeof *s->seen);
	s->counters = calloc(of->counter_count + 1, sizeof *s->counters);
	if (err || !s->seen || !s->counters)
		return err ? err : E_MEMORY;
	for (size_t i = 0; i < s->chain_count && !s->error; i++)
		reach_from(s, s->chains[i]);
	for (const struct plan_counter *c = of->counters; c; c = c->next)
		if (!plan_find_counter(other, c->name))
			s->counters[s->counter_count++] = c;
	return s->error;
}

/* Is it a base chain that the other plan has too? */
static bool stays(const struct surplus *s, size_t i)
{
	return i < s->base_count && plan_find_chain(s->other, s->chains[i]->name);
}

static void put_label(struct nft_batch *b, const struct plan *plan, uint32_t settled)
{
	nft_take_label(b);
	nft_put_label(b, plan, settled);
}

enum err nft_prepare(
	struct requests *r, const struct plan *old, const struct plan *new, uint32_t generation)
{
	struct surplus come;
	enum err err = surplus_init(&come, new, old);
	struct nft_batch b;

	if (!err) {
		nft_begin(&b, r, generation);
		for (size_t i = 0; i < come.counter_count; i++)
			nft_put_counter(&b, come.counters[i]);
		for (size_t i = 0; i < come.chain_count; i++)
			if (!stays(&come, i))
				nft_put_chain(&b, come.chains[i]);
		for (size_t i = 0; i < come.chain_count; i++)
			nft_put_sets(&b, come.chains[i]);
		for (size_t i = come.base_count; i < come.chain_count; i++)
			nft_put_rules(&b, come.chains[i]);
		put_label(&b, old, 0);
		nft_end(&b);
	}
	surplus_fini(&come);
	return err;
}

enum err nft_switch(
	struct requests *r, const struct plan *old, const struct plan *new, uint32_t generation)
{
	struct surplus come = {0}, gone = {0};
	enum err err = base_surplus_init(&come, new, old);
	struct nft_batch b;

	if (!err)
		err = base_surplus_init(&gone, old, new);
	if (!err) {
		nft_begin(&b, r, generation);
		for (size_t i = 0; i < gone.base_count; i++)
			nft_take_rules(&b, gone.chains[i]);
		for (size_t i = 0; i < come.base_count; i++)
			nft_put_rules(&b, come.chains[i]);
		put_label(&b, new, 0);
		nft_end(&b);
	}
	surplus_fini(&come);
	surplus_fini(&gone);
	return err;
}

static void take_surplus(struct nft_batch *b, const struct surplus *gone)
{
	/* Those of base chains have gone at the switch, or if it did not come, were never there. */
	for (size_t i = gone->base_count; i < gone->chain_count; i++)
		nft_take_rules(b, gone->chains[i]);
	for (size_t i = 0; i < gone->chain_count; i++)
		nft_take_sets(b, gone->chains[i]);
	for (size_t i = 0; i < gone->chain_count; i++)
		if (!stays(gone, i))
			nft_take_chain(b, gone->chains[i]);
	for (size_t i = 0; i < gone->counter_count; i++)
		nft_take_counter(b, gone->counters[i]);
}

enum err nft_leftovers(struct requests *r, const struct plan *surplus, const struct plan *held,
	uint32_t generation)
{
	struct surplus gone = {0};
	enum err err = surplus ? surplus_init(&gone, surplus, held) : E_OK;
	struct nft_batch b;

	if (!err) {
		nft_begin(&b, r, generation);
		take_surplus(&b, &gone);
		put_label(&b, held, nft_generation_after(generation));
		nft_end(&b);
	}
	surplus_fini(&gone);
	return err;
}
