/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/expressions.h"

/* The library's headers come first: the kernel's then leave out what they share. */
#include <netinet/tcp.h>
#include <stdio.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/xfrm.h>
#include <string.h>

enum {
	LOG_PER_SECOND = 10,
	LOG_BURST = 10,
	MSS_OFFSET = 2, /* in the TCP option */
	MSS_LENGTH = 2,
	/* How `nft list` shows keys: its numbers for data types. */
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
	TYPE_UID = 24,
	TYPE_CT_STATE = 26,
	TYPE_CT_DIR = 27,
	TYPE_DSCP = 36,
	TYPE_FIB_ADDR = 38,
	TYPE_IFNAME = 41,
	ORDER_HOST = 1,
};

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
	[PLAN_KEY_SOURCE6_NETWORK] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 8, TYPE_INTEGER},
	[PLAN_KEY_DESTINATION6_NETWORK] = {LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, 24,
		TYPE_INTEGER},
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
	[PLAN_KEY_SOCKET_USER] = {LOAD_META, NFT_META_SKUID, 0, TYPE_UID},
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
static struct nftnl_expr *expression(struct nft_batch *b, struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (e)
		nftnl_rule_add_expr(rule, e);
	else
		b->r->error = E_MEMORY;
	return e;
}

static void put_bitwise(struct nft_batch *b, struct nftnl_rule *rule, uint32_t width,
	const void *mask, const void * xor)
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

static void put_load(struct nft_batch *b, struct nftnl_rule *rule, enum plan_key key)
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

static void put_masked_load(struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	static const uint8_t none[sizeof s->mask];

	put_load(b, rule, s->key);
	if (s->masked)
		put_bitwise(b, rule, plan_key_forms[s->key].width, s->mask, none);
}

static void put_match(struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s)
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

uint32_t expressions_verdict(enum plan_step_kind kind)
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

uint32_t expressions_key_type(enum plan_key key)
{
	return sources[key].type;
}

static void put_lookup(
	struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *name)
{
	struct nftnl_expr *e;

	put_masked_load(b, rule, s);
	e = expression(b, rule, "lookup");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, name);
}

static void put_mark(struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s)
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

static void put_counter(struct nft_batch *b, struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = expression(b, rule, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

static void set_rate(struct nftnl_expr *e, uint32_t limit, uint32_t seconds, uint32_t burst)
{
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, limit);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, seconds);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

/* A limit for all stands in the rule, one for each value of a key in the elements of a set. */
static void put_limit(
	struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *set)
{
	bool rate = s->kind == PLAN_RATE;
	struct nftnl_expr *limit = nftnl_expr_alloc(rate ? "limit" : "connlimit"), *e;

	if (!limit) {
		b->r->error = E_MEMORY;
		return;
	}
	if (rate)
		set_rate(limit, s->limit, s->seconds, s->burst);
	else
		nftnl_expr_set_u32(limit, NFTNL_EXPR_CONNLIMIT_COUNT, s->limit);
	if (!s->keyed) {
		nftnl_rule_add_expr(rule, limit);
		return;
	}
	put_load(b, rule, s->key);
	e = expression(b, rule, "dynset");
	if (!e) {
		nftnl_expr_free(limit);
		return;
	}
	nftnl_expr_set_u32(
		e, NFTNL_EXPR_DYNSET_OP, rate ? NFT_DYNSET_OP_UPDATE : NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, limit, 0);
}

static void put_reject(struct nft_batch *b, struct nftnl_rule *rule, enum plan_answer answer)
{
	bool reset = answer == PLAN_RESET;
	struct nftnl_expr *e = expression(b, rule, "reject");

	if (!e)
		return;
	nftnl_expr_set_u32(
		e, NFTNL_EXPR_REJECT_TYPE, reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, reset ? 0 : NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
}

static void put_log(struct nft_batch *b, struct nftnl_rule *rule, const char *prefix)
{
	struct nftnl_expr *e = expression(b, rule, "limit");

	if (!e)
		return;
	set_rate(e, LOG_PER_SECOND, 1, LOG_BURST);
	e = expression(b, rule, "log");
	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
}

static void put_clamp(struct nft_batch *b, struct nftnl_rule *rule)
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

static void put_verdict(struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s)
{
	struct nftnl_expr *e = expression(b, rule, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, expressions_verdict(s->kind));
	if (s->kind == PLAN_JUMP || s->kind == PLAN_GOTO)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, s->chain->name);
}

void expressions_put(
	struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *set)
{
	switch (s->kind) {
	case PLAN_MATCH:
		put_match(b, rule, s);
		break;
	case PLAN_MAP:
		put_lookup(b, rule, s, set);
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
	case PLAN_RATE:
	case PLAN_CONNECTIONS:
		put_limit(b, rule, s, set);
		break;
	case PLAN_REJECT:
		put_reject(b, rule, s->answer);
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
