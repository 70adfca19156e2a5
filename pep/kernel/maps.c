/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/nft.h"

#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "pep/kernel/expressions.h"
#include "pep/kernel/objects.h"

enum {
	ELEMENTS_PER_MESSAGE =
		200, /* of at most some 250 octets: a nested attribute ends at 64 KiB */
	/* How `nft list` shows keys: its numbers for byte orders. */
	ORDER_HOST = 1,
	ORDER_NETWORK = 2,
	MILLISECONDS = 1000,
};

/* Adds one to a number of `width` octets in network order; false if it was the last. */
static bool value_next(struct plan_value *v, size_t width)
{
	for (size_t i = width; i-- > 0;)
		if (++v->octets[i] != 0)
			return true;
	return false;
}

static void put_element(struct nft_batch *b, struct nftnl_set *set, uint32_t width,
	const struct plan_value *key, const struct plan_element *element)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key->octets, width);
	if (element) {
		nftnl_set_elem_set_u32(
			e, NFTNL_SET_ELEM_VERDICT, expressions_verdict(element->verdict));
		if (element->chain)
			nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, element->chain->name);
	} else {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	}
	nftnl_set_elem_add(set, e);
}

static struct nftnl_set *new_set(struct nft_batch *b, enum object_kind kind, const char *name)
{
	struct nftnl_set *set = object_new(b, kind, name);

	if (!set)
		return NULL;
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_ID, b->set_id);
	return set;
}

/* Elements on their way into one map. */
struct run {
	struct nft_batch *batch;
	const char *map;
	const struct plan_rule *cause;
	struct nftnl_set *set; /* those not sent yet */
	size_t pending;
};

static void flush_elements(struct run *run)
{
	object_send(run->batch, OBJECT_ELEMENTS, OBJECT_COME, run->set, 0,
		(struct origin){.rule = run->cause});
	run->set = NULL;
	run->pending = 0;
}

static struct nftnl_set *pending_set(struct run *run)
{
	if (run->pending == ELEMENTS_PER_MESSAGE)
		flush_elements(run);
	if (!run->set)
		run->set = new_set(run->batch, OBJECT_ELEMENTS, run->map);
	run->pending++;
	return run->set;
}

static void put_elements(struct run *run, const struct plan_step *s)
{
	static const struct plan_value zero;
	uint32_t width = plan_key_forms[s->key].width;
	struct nftnl_set *set;

	/* Where a map with intervals does not begin at 0, it begins with the end of what is before.
	 */
	if (s->interval && memcmp(&s->elements[0].low, &zero, sizeof zero) != 0 &&
		(set = pending_set(run)))
		put_element(run->batch, set, width, &zero, NULL);
	for (size_t i = 0; i < s->element_count; i++) {
		const struct plan_element *e = &s->elements[i];
		struct plan_value after = e->high;

		set = pending_set(run);
		if (!set)
			return;
		put_element(run->batch, set, width, &e->low, e);
		if (s->interval && value_next(&after, width))
			put_element(run->batch, set, width, &after, NULL);
	}
	flush_elements(run);
}

static void describe_key(struct nftnl_set *set, enum plan_key key)
{
	struct nftnl_udata_buf *text = nftnl_udata_buf_alloc(64);

	if (!text)
		return; /* only how it is shown */
	nftnl_udata_put_u32(text, NFTNL_UDATA_SET_KEYBYTEORDER,
		plan_key_forms[key].host_order || plan_key_forms[key].name ? ORDER_HOST
									   : ORDER_NETWORK);
	nftnl_set_set_data(
		set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(text), nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
}

static void put_map(struct nft_batch *b, const char *name, const struct plan_rule *cause,
	const struct plan_step *s)
{
	struct nftnl_set *set = new_set(b, OBJECT_MAP, name);

	if (!set)
		return;
	nftnl_set_set_u32(
		set, NFTNL_SET_FLAGS, NFT_SET_MAP | (s->interval ? NFT_SET_INTERVAL : 0u));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, expressions_key_type(s->key));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, plan_key_forms[s->key].width);
	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
	/* That it will not grow lets the kernel choose the fastest kind. */
	if (!s->interval)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, (uint32_t)s->element_count);
	describe_key(set, s->key);
	object_send(b, OBJECT_MAP, OBJECT_COME, set, 0, (struct origin){.rule = cause});
	put_elements(&(struct run){.batch = b, .map = name, .cause = cause}, s);
}

/* A rate is forgotten when its bucket must be full again; connections when there are none. */
static void put_limit_set(struct nft_batch *b, const char *name, const struct plan_rule *cause,
	const struct plan_step *s)
{
	struct nftnl_set *set = new_set(b, OBJECT_MAP, name);
	bool rate = s->kind == PLAN_RATE;

	if (!set)
		return;
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_EVAL | (rate ? NFT_SET_TIMEOUT : 0u));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, expressions_key_type(s->key));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, plan_key_forms[s->key].width);
	nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, PLAN_SOURCES_MAX);
	if (rate)
		nftnl_set_set_u64(set, NFTNL_SET_TIMEOUT,
			((uint64_t)s->burst * s->seconds / s->limit + 1) * MILLISECONDS);
	describe_key(set, s->key);
	object_send(b, OBJECT_MAP, OBJECT_COME, set, 0, (struct origin){.rule = cause});
}

bool nft_has_set(const struct plan_step *step)
{
	return step->kind == PLAN_MAP || step->keyed;
}

void nft_set_name(
	const struct plan_chain *chain, size_t rule, size_t step, char ret[NFT_SET_NAME_SIZE])
{
	snprintf(ret, NFT_SET_NAME_SIZE, "%s.%zu.%zu", chain->content, rule, step);
}

void nft_put_sets(struct nft_batch *b, const struct plan_chain *chain)
{
	char name[NFT_SET_NAME_SIZE];
	size_t number = 0;

	for (const struct plan_rule *r = chain->rules; r; r = r->next, number++) {
		for (size_t i = 0; i < r->step_count; i++) {
			const struct plan_step *s = &r->steps[i];

			if (!nft_has_set(s))
				continue;
			nft_set_name(chain, number, i, name);
			b->set_id++;
			if (s->kind == PLAN_MAP)
				put_map(b, name, r, s);
			else
				put_limit_set(b, name, r, s);
		}
	}
}

void nft_take_sets(struct nft_batch *b, const struct plan_chain *chain)
{
	char name[NFT_SET_NAME_SIZE];
	size_t number = 0;

	for (const struct plan_rule *r = chain->rules; r; r = r->next, number++) {
		for (size_t i = 0; i < r->step_count; i++) {
			if (!nft_has_set(&r->steps[i]))
				continue;
			nft_set_name(chain, number, i, name);
			object_take(b, OBJECT_MAP, name, (struct origin){.rule = r});
		}
	}
}
