/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/nft.h"

/* The library's headers come first: the kernel's then leave out what they share. */
#include <arpa/inet.h>

#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <inttypes.h>
#include <stdio.h>

#include "pep/kernel/expressions.h"
#include "pep/kernel/objects.h"

enum {
	PRIORITY_MANGLE = -150,
	PRIORITY_FILTER = 0,
	PRIORITY_GUARD = 10,
	COMMENT_SIZE = 100,
};

/* ---- Table, counters, chains, rules ---- */

/* Policy rules show their name in `nft list`; a diagram's thousands of nodes would only get longer.
 */
static void describe_rule(struct nftnl_rule *rule, const struct plan_cause *cause)
{
	struct nftnl_udata_buf *text;
	char name[COMMENT_SIZE];

	if (!cause->prid.class)
		return;
	text = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	if (!text)
		return;
	snprintf(name, sizeof name, "%s", cause->name);
	nftnl_udata_put_strz(text, NFTNL_UDATA_RULE_COMMENT, name);
	nftnl_rule_set_data(
		rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(text), nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
}

static void put_rule(struct nft_batch *b, const struct plan_chain *chain,
	const struct plan_rule *source, size_t number)
{
	struct nftnl_rule *rule = object_new(b, OBJECT_RULE, chain->name);
	char set[NFT_SET_NAME_SIZE];

	if (!rule)
		return;
	for (size_t i = 0; i < source->step_count; i++) {
		if (nft_has_set(&source->steps[i]))
			nft_set_name(chain, number, i, set);
		expressions_put(b, rule, &source->steps[i], set);
	}
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	describe_rule(rule, &source->cause);
	object_send(
		b, OBJECT_RULE, OBJECT_COME, rule, NLM_F_APPEND, (struct origin){.rule = source});
}

void nft_put_rules(struct nft_batch *b, const struct plan_chain *chain)
{
	size_t number = 0;

	for (const struct plan_rule *r = chain->rules; r && !b->r->error; r = r->next)
		put_rule(b, chain, r, number++);
}

void nft_take_rules(struct nft_batch *b, const struct plan_chain *chain)
{
	if (chain->rules)
		object_take(b, OBJECT_RULE, chain->name, (struct origin){.chain = chain});
}

void nft_put_chain(struct nft_batch *b, const struct plan_chain *source)
{
	static const struct {
		uint32_t hook;
		const char *type;
		int32_t priority;
		uint32_t policy;
	} hooks[PLAN_HOOK_COUNT] = {
		[PLAN_HOOK_PREROUTING] = {NF_INET_PRE_ROUTING, "filter", PRIORITY_MANGLE,
			NF_ACCEPT},
		[PLAN_HOOK_OUTPUT_ROUTE] = {NF_INET_LOCAL_OUT, "route", PRIORITY_MANGLE, NF_ACCEPT},
		[PLAN_HOOK_INPUT] = {NF_INET_LOCAL_IN, "filter", PRIORITY_FILTER, NF_DROP},
		[PLAN_HOOK_OUTPUT] = {NF_INET_LOCAL_OUT, "filter", PRIORITY_FILTER, NF_DROP},
		[PLAN_HOOK_FORWARD] = {NF_INET_FORWARD, "filter", PRIORITY_FILTER, NF_DROP},
		[PLAN_HOOK_GUARD_INPUT] = {NF_INET_LOCAL_IN, "filter", PRIORITY_GUARD, NF_DROP},
		[PLAN_HOOK_GUARD_OUTPUT] = {NF_INET_LOCAL_OUT, "filter", PRIORITY_GUARD, NF_DROP},
		[PLAN_HOOK_GUARD_FORWARD] = {NF_INET_FORWARD, "filter", PRIORITY_GUARD, NF_DROP},
	};
	struct nftnl_chain *chain = object_new(b, OBJECT_CHAIN, source->name);

	if (chain && source->hook) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hooks[source->hook].hook);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, hooks[source->hook].type);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, hooks[source->hook].priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, hooks[source->hook].policy);
	}
	object_send(b, OBJECT_CHAIN, OBJECT_COME, chain, 0, (struct origin){.chain = source});
}

void nft_take_chain(struct nft_batch *b, const struct plan_chain *source)
{
	object_take(b, OBJECT_CHAIN, source->name, (struct origin){.chain = source});
}

/* The kernel tells objects apart by type and name. */
static struct nftnl_obj *new_counter(struct nft_batch *b, const char *name)
{
	struct nftnl_obj *object = object_new(b, OBJECT_COUNTER, name);

	if (object)
		nftnl_obj_set_u32(object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	return object;
}

void nft_put_counter(struct nft_batch *b, const struct plan_counter *source)
{
	struct nftnl_obj *object = new_counter(b, source->name);

	if (object) {
		nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_PKTS, 0);
		nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_BYTES, 0);
	}
	object_send(b, OBJECT_COUNTER, OBJECT_COME, object, 0, (struct origin){.counter = source});
}

void nft_take_counter(struct nft_batch *b, const struct plan_counter *source)
{
	object_send(b, OBJECT_COUNTER, OBJECT_GO, new_counter(b, source->name), 0,
		(struct origin){.counter = source});
}

/* A chain that nothing leads to says in its comment which plan the table was made from: the table's
 * own comment cannot be changed. */
void nft_put_label(struct nft_batch *b, const struct plan *plan, uint32_t settled)
{
	struct nftnl_udata_buf *user_data = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nftnl_chain *chain = object_new(b, OBJECT_CHAIN, NFT_LABEL);
	char text[NFT_LABEL_SIZE];

	if (!user_data)
		b->r->error = E_MEMORY;
	if (user_data && chain) {
		snprintf(text, sizeof text, "%s %08" PRIx32, plan->id, settled);
		nftnl_udata_put_strz(user_data, NFTNL_UDATA_CHAIN_COMMENT, text);
		nftnl_chain_set_data(chain, NFTNL_CHAIN_USERDATA, nftnl_udata_buf_data(user_data),
			nftnl_udata_buf_len(user_data));
	}
	object_send(b, OBJECT_CHAIN, OBJECT_COME, chain, 0, (struct origin){0});
	if (user_data)
		nftnl_udata_buf_free(user_data);
}

void nft_take_label(struct nft_batch *b)
{
	object_take(b, OBJECT_CHAIN, NFT_LABEL, (struct origin){0});
}

static void put_border(struct nft_batch *b, struct nlmsghdr *build(char *room, uint32_t sequence),
	uint32_t generation)
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);
	struct nlmsghdr *message;

	if (!room)
		return;
	message = build(room, sequence);
	if (generation != NFT_ANY_GENERATION)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(generation));
	requests_add(b->r, message, (struct origin){0});
}

void nft_begin(struct nft_batch *b, struct requests *r, uint32_t generation)
{
	*b = (struct nft_batch){.r = r, .table = PLAN_TABLE};
	put_border(b, nftnl_batch_begin, generation);
}

void nft_end(struct nft_batch *b)
{
	requests_acknowledge_last(b->r);
	put_border(b, nftnl_batch_end, NFT_ANY_GENERATION);
}

static void put_table(struct nft_batch *b, enum object_verb verb, bool owned)
{
	struct nftnl_table *table = object_new(b, OBJECT_TABLE, NULL);

	if (table && owned)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	object_send(b, OBJECT_TABLE, verb, table, 0, (struct origin){0});
}

void nft_replace(struct requests *r, const struct plan *plan, uint32_t generation)
{
	struct nft_batch b;

	nft_begin(&b, r, generation);
	b.table = plan ? plan->table : PLAN_TABLE;
	/* Deleting what is not there fails, so it is made sure of first. */
	put_table(&b, OBJECT_COME, plan && plan->owned);
	put_table(&b, OBJECT_GO, false);
	if (plan) {
		put_table(&b, OBJECT_COME, plan->owned);
		for (const struct plan_counter *c = plan->counters; c && !r->error; c = c->next)
			nft_put_counter(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next)
			nft_put_chain(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next) {
			nft_put_sets(&b, c);
			nft_put_rules(&b, c);
		}
		if (!plan->owned)
			nft_put_label(&b, plan, 0);
	}
	nft_end(&b);
}
