/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/nft.h"

/* The library's headers come first: the kernel's then leave out what they share. */
#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>

enum {
	ELEMENTS_PER_MESSAGE =
		200, /* of at most some 250 octets: a nested attribute ends at 64 KiB */
	LOG_PER_SECOND = 10,
	LOG_BURST = 10,
	PRIORITY_MANGLE = -150,
	PRIORITY_FILTER = 0,
	MSS_OFFSET = 2, /* in the TCP option */
	MSS_LENGTH = 2,
	COMMENT_SIZE = 100,
	/* How `nft list` shows keys: its numbers for data types and byte orders. */
	TYPE_NFPROTO = 2,
	TYPE_INTEGER = 4,
	TYPE_IPADDR = 7,
	TYPE_IP6ADDR = 8,
	TYPE_INET_PROTOCOL = 12,
	TYPE_INET_SERVICE = 13,
	TYPE_ICMP_TYPE = 14,
	TYPE_TCP_FLAG = 15,
	TYPE_MARK = 19,
	TYPE_IFINDEX = 20,
	TYPE_CT_STATE = 26,
	TYPE_CT_DIR = 27,
	TYPE_DSCP = 36,
	TYPE_FIB_ADDR = 38,
	TYPE_IFNAME = 41,
	ORDER_HOST = 1,
	ORDER_NETWORK = 2,
};

/* One batch while it is written. */
struct batch {
	struct requests *r;
	uint32_t set_id; /* of the last set */
};

/* ---- Keys become expressions ---- */

enum loader { LOAD_META, LOAD_PAYLOAD, LOAD_CT, LOAD_FIB, LOAD_XFRM };

static const struct key_source {
	enum loader loader;
	uint32_t what;   /* meta or ct key, payload base, fib result, xfrm direction */
	uint32_t offset; /* in the payload */
	uint32_t type;   /* for nft */
} sources[PLAN_KEY_COUNT] = {
	[PLAN_KEY_FAMILY] = {LOAD_META, NFT_META_NFPROTO, 0, TYPE_NFPROTO},
	[PLAN_KEY_PROTOCOL] = {LOAD_META, NFT_META_L4PROTO, 0, TYPE_INET_PROTOCOL},
	[PLAN_KEY_SOURCE4] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 12, TYPE_IPADDR},
	[PLAN_KEY_DESTINATION4] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 16, TYPE_IPADDR},
	[PLAN_KEY_SOURCE6] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 8, TYPE_IP6ADDR},
	[PLAN_KEY_DESTINATION6] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 24, TYPE_IP6ADDR},
	[PLAN_KEY_SOURCE_PORT] = {LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 0, TYPE_INET_SERVICE},
	[PLAN_KEY_DESTINATION_PORT] = {LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 2,
		TYPE_INET_SERVICE},
	[PLAN_KEY_ICMP_TYPE] = {LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 0, TYPE_ICMP_TYPE},
	[PLAN_KEY_ICMP_CODE] = {LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 1, TYPE_INTEGER},
	[PLAN_KEY_DSCP4] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 1, TYPE_DSCP},
	[PLAN_KEY_DSCP6] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 0, TYPE_DSCP},
	[PLAN_KEY_LABEL] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 1, TYPE_INTEGER},
	[PLAN_KEY_TCP_FLAGS] = {LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, 13, TYPE_TCP_FLAG},
	[PLAN_KEY_IN_INDEX] = {LOAD_META, NFT_META_IIF, 0, TYPE_IFINDEX},
	[PLAN_KEY_OUT_INDEX] = {LOAD_META, NFT_META_OIF, 0, TYPE_IFINDEX},
	[PLAN_KEY_IN_NAME] = {LOAD_META, NFT_META_IIFNAME, 0, TYPE_IFNAME},
	[PLAN_KEY_OUT_NAME] = {LOAD_META, NFT_META_OIFNAME, 0, TYPE_IFNAME},
	[PLAN_KEY_MARK] = {LOAD_META, NFT_META_MARK, 0, TYPE_MARK},
	[PLAN_KEY_CT_MARK] = {LOAD_CT, NFT_CT_MARK, 0, TYPE_MARK},
	[PLAN_KEY_CT_STATE] = {LOAD_CT, NFT_CT_STATE, 0, TYPE_CT_STATE},
	[PLAN_KEY_CT_DIRECTION] = {LOAD_CT, NFT_CT_DIRECTION, 0, TYPE_CT_DIR},
	[PLAN_KEY_FIB_TYPE] = {LOAD_FIB, NFT_FIB_RESULT_ADDRTYPE, 0, TYPE_FIB_ADDR},
	[PLAN_KEY_FIB_OUT_NAME] = {LOAD_FIB, NFT_FIB_RESULT_OIFNAME, 0, TYPE_IFNAME},
	[PLAN_KEY_IPSEC_IN] = {LOAD_XFRM, XFRM_POLICY_IN, 0, TYPE_INTEGER},
	[PLAN_KEY_IPSEC_OUT] = {LOAD_XFRM, XFRM_POLICY_OUT, 0, TYPE_INTEGER},
};

/* An expression of the rule, ready to be filled; NULL when memory is exhausted. */
static struct nftnl_expr *expression(struct batch *b, struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (e)
		nftnl_rule_add_expr(rule, e);
	else
		b->r->error = E_MEMORY;
	return e;
}

static void put_bitwise(struct batch *b, struct nftnl_rule *rule, uint32_t width, const void *mask,
	const void * xor)
{
	struct nftnl_expr *e = expression(b, rule, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, width);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, width);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, width);
}

static void put_load(struct batch *b, struct nftnl_rule *rule, enum plan_key key)
{
	const struct key_source *s = &sources[key];
	static const char *const names[] = {[LOAD_META] = "meta",
		[LOAD_PAYLOAD] = "payload",
		[LOAD_CT] = "ct",
		[LOAD_FIB] = "fib",
		[LOAD_XFRM] = "xfrm"};
	struct nftnl_expr *e = expression(b, rule, names[s->loader]);

	if (!e)
		return;
	switch (s->loader) {
	case LOAD_META:
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, s->what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
		break;
	case LOAD_PAYLOAD:
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, s->what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, s->offset);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, plan_key_forms[key].width);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
		break;
	case LOAD_CT:
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, s->what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
		break;
	case LOAD_FIB:
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, s->what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
		break;
	case LOAD_XFRM:
		nftnl_expr_set_u32(e, NFTNL_EXPR_XFRM_KEY, NFT_XFRM_KEY_REQID);
		nftnl_expr_set_u8(e, NFTNL_EXPR_XFRM_DIR, (uint8_t)s->what);
		nftnl_expr_set_u32(e, NFTNL_EXPR_XFRM_SPNUM, 0);
		nftnl_expr_set_u32(e, NFTNL_EXPR_XFRM_DREG, NFT_REG_1);
		break;
	}
}

static void put_masked_load(struct batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	static const uint8_t none[sizeof s->mask];

	put_load(b, rule, s->key);
	if (s->masked)
		put_bitwise(b, rule, plan_key_forms[s->key].width, s->mask, none);
}

static void put_match(struct batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	uint32_t width = plan_key_forms[s->key].width;
	bool range = memcmp(&s->low, &s->high, sizeof s->low) != 0;
	struct nftnl_expr *e;

	put_masked_load(b, rule, s);
	e = expression(b, rule, range ? "range" : "cmp");
	if (!e)
		return;
	if (range) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
		nftnl_expr_set_u32(
			e, NFTNL_EXPR_RANGE_OP, s->negate ? NFT_RANGE_NEQ : NFT_RANGE_EQ);
		nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, s->low.octets, width);
		nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, s->high.octets, width);
		return;
	}
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, s->negate ? NFT_CMP_NEQ : NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, s->low.octets, width);
}

/* ---- Maps ---- */

static uint32_t verdict_number(enum plan_step_kind kind)
{
	switch (kind) {
	case PLAN_ACCEPT:
		return NF_ACCEPT;
	case PLAN_JUMP:
		return (uint32_t)NFT_JUMP;
	case PLAN_GOTO:
		return (uint32_t)NFT_GOTO;
	default:
		return NF_DROP;
	}
}

/* Adds one to a number of `width` octets in network order; false if it was the last. */
static bool value_next(struct plan_value *v, size_t width)
{
	for (size_t i = width; i-- > 0;)
		if (++v->octets[i] != 0)
			return true;
	return false;
}

static void put_element(struct batch *b, struct nftnl_set *set, uint32_t width,
	const struct plan_value *key, const struct plan_element *element)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key->octets, width);
	if (element) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, verdict_number(element->verdict));
		if (element->chain)
			nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, element->chain->name);
	} else {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	}
	nftnl_set_elem_add(set, e);
}

static struct nftnl_set *new_set(struct batch *b, const char *name)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set) {
		b->r->error = E_MEMORY;
		return NULL;
	}
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_str(set, NFTNL_SET_TABLE, PLAN_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, name);
	nftnl_set_set_u32(set, NFTNL_SET_ID, b->set_id);
	return set;
}

static struct nlmsghdr *next_message(struct batch *b, uint16_t type, uint16_t flags)
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);

	return room ? nftnl_nlmsg_build_hdr(room, type, NFPROTO_INET, flags, sequence) : NULL;
}

/* Sends the elements that the set has collected, and begins another. */
static struct nftnl_set *flush_elements(
	struct batch *b, struct nftnl_set *set, const char *name, const struct plan_rule *cause)
{
	struct nlmsghdr *message = next_message(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);

	if (message) {
		nftnl_set_elems_nlmsg_build_payload(message, set);
		requests_add(b->r, message, (struct origin){.rule = cause});
	}
	nftnl_set_free(set);
	return new_set(b, name);
}

static void put_elements(
	struct batch *b, const struct plan_step *s, const char *name, const struct plan_rule *cause)
{
	uint32_t width = plan_key_forms[s->key].width;
	struct nftnl_set *set = new_set(b, name);
	struct plan_value zero = {{0}};
	size_t pending = 0;

	if (set && s->interval && memcmp(&s->elements[0].low, &zero, width) != 0)
		put_element(b, set, width, &zero, NULL); /* what is before the first */
	for (size_t i = 0; i < s->element_count && set; i++) {
		const struct plan_element *e = &s->elements[i];
		struct plan_value after = e->high;

		put_element(b, set, width, &e->low, e);
		if (s->interval && value_next(&after, width))
			put_element(b, set, width, &after, NULL);
		if (++pending < ELEMENTS_PER_MESSAGE && i + 1 < s->element_count)
			continue;
		set = flush_elements(b, set, name, cause);
		pending = 0;
	}
	if (set)
		nftnl_set_free(set);
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

/* The map comes before the rule that looks into it, for then nothing may be added any more. It has
 * its chain's name, for no chain has two: to bind an anonymous map, the kernel would go through all
 * that is in the batch so far. */
static void put_map(
	struct batch *b, const struct plan_step *s, const char *name, const struct plan_rule *cause)
{
	struct nftnl_set *set;
	struct nlmsghdr *message;

	b->set_id++;
	set = new_set(b, name);
	if (!set)
		return;
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS,
		NFT_SET_CONSTANT | NFT_SET_MAP | (s->interval ? NFT_SET_INTERVAL : 0u));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, sources[s->key].type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, plan_key_forms[s->key].width);
	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
	if (!s->interval)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, (uint32_t)s->element_count);
	describe_key(set, s->key);
	message = next_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	if (message) {
		nftnl_set_nlmsg_build_payload(message, set);
		requests_add(b->r, message, (struct origin){.rule = cause});
	}
	nftnl_set_free(set);
	put_elements(b, s, name, cause);
}

static void put_lookup(
	struct batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *name)
{
	struct nftnl_expr *e;

	put_masked_load(b, rule, s);
	e = expression(b, rule, "lookup");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, b->set_id);
}

/* ---- The other steps ---- */

static void put_mark(struct batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	bool packet = s->kind == PLAN_MARK;
	struct nftnl_expr *e;

	put_load(b, rule, packet ? PLAN_KEY_MARK : PLAN_KEY_CT_MARK);
	put_bitwise(b, rule, sizeof s->keep, &s->keep, &s->set);
	e = expression(b, rule, packet ? "meta" : "ct");
	if (!e)
		return;
	nftnl_expr_set_u32(e, packet ? NFTNL_EXPR_META_KEY : NFTNL_EXPR_CT_KEY,
		packet ? NFT_META_MARK : NFT_CT_MARK);
	nftnl_expr_set_u32(e, packet ? NFTNL_EXPR_META_SREG : NFTNL_EXPR_CT_SREG, NFT_REG_1);
}

static void put_counter(struct batch *b, struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = expression(b, rule, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

static void put_log(struct batch *b, struct nftnl_rule *rule, const char *prefix)
{
	struct nftnl_expr *e = expression(b, rule, "limit");

	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, LOG_PER_SECOND);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, LOG_BURST);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	e = expression(b, rule, "log");
	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
}

static void put_clamp(struct batch *b, struct nftnl_rule *rule)
{
	struct nftnl_expr *e = expression(b, rule, "rt");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	e = expression(b, rule, "byteorder");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, MSS_LENGTH);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, MSS_LENGTH);
	e = expression(b, rule, "exthdr");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, MSS_OFFSET);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, MSS_LENGTH);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
}

static void put_verdict(struct batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	struct nftnl_expr *e = expression(b, rule, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict_number(s->kind));
	if (s->kind == PLAN_JUMP || s->kind == PLAN_GOTO)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, s->chain->name);
}

static void put_step(
	struct batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *map)
{
	switch (s->kind) {
	case PLAN_MATCH:
		put_match(b, rule, s);
		break;
	case PLAN_MAP:
		put_lookup(b, rule, s, map);
		break;
	case PLAN_MARK:
	case PLAN_CT_MARK:
		put_mark(b, rule, s);
		break;
	case PLAN_COUNT:
		put_counter(b, rule, s->counter->name);
		break;
	case PLAN_LOG:
		put_log(b, rule, s->text);
		break;
	case PLAN_CLAMP:
		put_clamp(b, rule);
		break;
	case PLAN_ACCEPT:
	case PLAN_DROP:
	case PLAN_JUMP:
	case PLAN_GOTO:
		put_verdict(b, rule, s);
		break;
	case PLAN_STEP_KINDS:
		break;
	}
}

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

static void put_rule(
	struct batch *b, const struct plan_chain *chain, const struct plan_rule *source)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *message;

	if (!rule) {
		b->r->error = E_MEMORY;
		return;
	}
	for (size_t i = 0; i < source->step_count; i++) {
		if (source->steps[i].kind == PLAN_MAP)
			put_map(b, &source->steps[i], chain->name, source);
		put_step(b, rule, &source->steps[i], chain->name);
	}
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, PLAN_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain->name);
	describe_rule(rule, &source->cause);
	message = next_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	if (message) {
		nftnl_rule_nlmsg_build_payload(message, rule);
		requests_add(b->r, message, (struct origin){.rule = source});
	}
	nftnl_rule_free(rule);
}

static void put_chain(struct batch *b, const struct plan_chain *source)
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
	};
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *message;

	if (!chain) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, PLAN_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, source->name);
	if (source->hook) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hooks[source->hook].hook);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, hooks[source->hook].type);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, hooks[source->hook].priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, hooks[source->hook].policy);
	}
	message = next_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	if (message) {
		nftnl_chain_nlmsg_build_payload(message, chain);
		requests_add(b->r, message, (struct origin){.chain = source});
	}
	nftnl_chain_free(chain);
}

static void put_counter_object(struct batch *b, const struct plan_counter *source)
{
	struct nftnl_obj *object = nftnl_obj_alloc();
	struct nlmsghdr *message;

	if (!object) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_obj_set_str(object, NFTNL_OBJ_TABLE, PLAN_TABLE);
	nftnl_obj_set_str(object, NFTNL_OBJ_NAME, source->name);
	nftnl_obj_set_u32(object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_PKTS, 0);
	nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_BYTES, 0);
	message = next_message(b, NFT_MSG_NEWOBJ, NLM_F_CREATE);
	if (message) {
		nftnl_obj_nlmsg_build_payload(message, object);
		requests_add(b->r, message, (struct origin){.counter = source});
	}
	nftnl_obj_free(object);
}

static const char comment_prefix[] = "plan ";

static void put_table(struct batch *b, uint16_t type, const struct plan *plan)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *message;

	if (!table) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, PLAN_TABLE);
	if (plan) {
		struct nftnl_udata_buf *text = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
		char comment[32];

		if (text) {
			snprintf(comment, sizeof comment, "%s%s", comment_prefix, plan->id);
			nftnl_udata_put_strz(text, NFTNL_UDATA_TABLE_COMMENT, comment);
			nftnl_table_set_data(table, NFTNL_TABLE_USERDATA,
				nftnl_udata_buf_data(text), nftnl_udata_buf_len(text));
			nftnl_udata_buf_free(text);
		} else {
			b->r->error = E_MEMORY;
		}
	}
	message = next_message(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	if (message) {
		nftnl_table_nlmsg_build_payload(message, table);
		requests_add(b->r, message, (struct origin){0});
	}
	nftnl_table_free(table);
}

static void put_border(struct batch *b, struct nlmsghdr *build(char *room, uint32_t sequence))
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);

	if (room)
		requests_add(b->r, build(room, sequence), (struct origin){0});
}

void nft_replace(struct requests *r, const struct plan *plan, bool commit)
{
	struct batch b = {.r = r};

	put_border(&b, nftnl_batch_begin);
	/* Deleting what is not there fails, so it is made sure of first. */
	put_table(&b, NFT_MSG_NEWTABLE, NULL);
	put_table(&b, NFT_MSG_DELTABLE, NULL);
	if (plan) {
		put_table(&b, NFT_MSG_NEWTABLE, plan);
		for (const struct plan_counter *c = plan->counters; c && !r->error; c = c->next)
			put_counter_object(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next)
			put_chain(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next)
			for (const struct plan_rule *rule = c->rules; rule && !r->error;
				rule = rule->next)
				put_rule(&b, c, rule);
	}
	requests_acknowledge_last(r);
	if (commit)
		put_border(&b, nftnl_batch_end);
}

/* ---- Reading back ---- */

void nft_get_table(struct requests *r)
{
	struct batch b = {.r = r};
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *message;

	if (!table) {
		r->error = E_MEMORY;
		return;
	}
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, PLAN_TABLE);
	message = next_message(&b, NFT_MSG_GETTABLE, NLM_F_ACK);
	if (message) {
		nftnl_table_nlmsg_build_payload(message, table);
		requests_add(r, message, (struct origin){0});
	}
	nftnl_table_free(table);
}

static bool is_nft(const struct nlmsghdr *message, unsigned type)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       mnl_nlmsg_get_payload_len(message) >= sizeof(struct nfgenmsg);
}

static int read_comment(const struct nftnl_udata *attr, void *context)
{
	char *id = context;
	const char *text = nftnl_udata_get(attr);
	size_t len = strlen(comment_prefix);

	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT &&
		nftnl_udata_len(attr) == len + 17 && memcmp(text, comment_prefix, len) == 0 &&
		text[len + 16] == '\0')
		memcpy(id, text + len, 17);
	return 0;
}

enum err nft_read_table(const struct nlmsghdr *message, char ret_plan_id[17])
{
	struct nftnl_table *table;
	const void *comment;
	uint32_t len = 0;
	char id[17] = "";

	if (!is_nft(message, NFT_MSG_NEWTABLE))
		return E_NOT_FOUND;
	table = nftnl_table_alloc();
	if (!table)
		return E_MEMORY;
	if (nftnl_table_nlmsg_parse(message, table) < 0) {
		nftnl_table_free(table);
		return E_PROTOCOL;
	}
	comment = nftnl_table_get_data(table, NFTNL_TABLE_USERDATA, &len);
	if (comment)
		nftnl_udata_parse(comment, len, read_comment, id);
	nftnl_table_free(table);
	memcpy(ret_plan_id, id, sizeof id);
	return E_OK;
}

void nft_dump_counters(struct requests *r)
{
	struct batch b = {.r = r};
	struct nftnl_obj *object = nftnl_obj_alloc();
	struct nlmsghdr *message;

	if (!object) {
		r->error = E_MEMORY;
		return;
	}
	nftnl_obj_set_str(object, NFTNL_OBJ_TABLE, PLAN_TABLE);
	nftnl_obj_set_u32(object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	message = next_message(&b, NFT_MSG_GETOBJ, NLM_F_DUMP);
	if (message) {
		nftnl_obj_nlmsg_build_payload(message, object);
		requests_add(r, message, (struct origin){0});
	}
	nftnl_obj_free(object);
}

struct counter_attributes {
	const char *table, *name;
	uint32_t type;
	struct nft_counter counter;
};

static int read_counter_data(const struct nlattr *attr, void *context)
{
	struct nft_counter *c = context;
	uint64_t value;

	if (mnl_attr_get_payload_len(attr) != sizeof value)
		return MNL_CB_OK;
	memcpy(&value, mnl_attr_get_payload(attr), sizeof value);
	if (mnl_attr_get_type(attr) == NFTA_COUNTER_PACKETS)
		c->packets = be64toh(value);
	else if (mnl_attr_get_type(attr) == NFTA_COUNTER_BYTES)
		c->octets = be64toh(value);
	return MNL_CB_OK;
}

static int read_object(const struct nlattr *attr, void *context)
{
	struct counter_attributes *found = context;
	uint16_t type = mnl_attr_get_type(attr);

	if ((type == NFTA_OBJ_TABLE || type == NFTA_OBJ_NAME) &&
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		*(type == NFTA_OBJ_TABLE ? &found->table : &found->name) = mnl_attr_get_str(attr);
	else if (type == NFTA_OBJ_TYPE && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		found->type = ntohl(mnl_attr_get_u32(attr));
	else if (type == NFTA_OBJ_DATA)
		mnl_attr_parse_nested(attr, read_counter_data, &found->counter);
	return MNL_CB_OK;
}

enum err nft_read_counter(const struct nlmsghdr *message, struct nft_counter *ret)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	struct counter_attributes found = {0};

	if (!is_nft(message, NFT_MSG_NEWOBJ) || header->nfgen_family != NFPROTO_INET ||
		mnl_attr_parse(message, sizeof *header, read_object, &found) < 0)
		return E_NOT_FOUND;
	if (!found.table || !found.name || strcmp(found.table, PLAN_TABLE) != 0 ||
		found.type != NFT_OBJECT_COUNTER)
		return E_NOT_FOUND;
	*ret = found.counter;
	ret->name = found.name;
	return E_OK;
}
