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

#include "common/base/cursor.h"

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
	TYPE_UID = 24,
	TYPE_CT_STATE = 26,
	TYPE_CT_DIR = 27,
	TYPE_DSCP = 36,
	TYPE_FIB_ADDR = 38,
	TYPE_IFNAME = 41,
	ORDER_HOST = 1,
	ORDER_NETWORK = 2,
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
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, verdict_number(element->verdict));
		if (element->chain)
			nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, element->chain->name);
	} else {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	}
	nftnl_set_elem_add(set, e);
}

static struct nftnl_set *new_set(struct nft_batch *b, const char *name)
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

static struct nlmsghdr *next_message(struct nft_batch *b, uint16_t type, uint16_t flags)
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);

	return room ? nftnl_nlmsg_build_hdr(room, type, NFPROTO_INET, flags, sequence) : NULL;
}

/* Sends the elements that the set has collected, and begins another. */
static void flush_elements(struct nft_elements *run)
{
	struct nft_batch *b = run->batch;
	struct nlmsghdr *message;

	if (run->set && run->pending > 0) {
		message = next_message(b, run->take ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
			run->take ? 0 : NLM_F_CREATE);
		if (message) {
			nftnl_set_elems_nlmsg_build_payload(message, run->set);
			requests_add(b->r, message, (struct origin){.rule = run->cause});
		}
	}
	if (run->set)
		nftnl_set_free(run->set);
	run->set = NULL;
	run->pending = 0;
}

static struct nftnl_set *pending_set(struct nft_elements *run)
{
	if (run->pending == ELEMENTS_PER_MESSAGE)
		flush_elements(run);
	if (!run->set)
		run->set = new_set(run->batch, run->map);
	run->pending++;
	return run->set;
}

void nft_elements_begin(struct nft_elements *run, struct nft_batch *b, const char *map,
	const struct plan_step *s, const struct plan_rule *cause, bool take)
{
	*run = (struct nft_elements){
		.batch = b, .map = map, .shape = s, .cause = cause, .take = take};
}

void nft_elements_border(struct nft_elements *run)
{
	static const struct plan_value zero;
	struct nftnl_set *set = pending_set(run);

	if (set)
		put_element(run->batch, set, plan_key_forms[run->shape->key].width, &zero, NULL);
}

void nft_elements_put(struct nft_elements *run, const struct plan_element *e)
{
	uint32_t width = plan_key_forms[run->shape->key].width;
	struct nftnl_set *set = pending_set(run);
	struct plan_value after = e->high;

	if (!set)
		return;
	put_element(run->batch, set, width, &e->low, e);
	if (run->shape->interval && value_next(&after, width))
		put_element(run->batch, set, width, &after, NULL);
}

void nft_elements_end(struct nft_elements *run)
{
	flush_elements(run);
}

bool nft_map_has_border(const struct plan_step *s)
{
	static const struct plan_value zero;

	return s->interval && memcmp(&s->elements[0].low, &zero, sizeof zero) != 0;
}

size_t nft_map_places(const struct plan_step *s)
{
	size_t places = 64;

	if (s->interval)
		return SIZE_MAX;
	while (places < s->element_count + s->element_count / 4 + 16)
		places *= 2;
	return places;
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

void nft_put_map(struct nft_batch *b, const struct plan_step *s, const char *name,
	const struct plan_rule *cause)
{
	struct nft_elements run;
	struct nftnl_set *set;
	struct nlmsghdr *message;

	b->set_id++;
	set = new_set(b, name);
	if (!set)
		return;
	nftnl_set_set_u32(
		set, NFTNL_SET_FLAGS, NFT_SET_MAP | (s->interval ? NFT_SET_INTERVAL : 0u));
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, sources[s->key].type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, plan_key_forms[s->key].width);
	nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
	if (!s->interval)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, (uint32_t)nft_map_places(s));
	describe_key(set, s->key);
	message = next_message(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	if (message) {
		nftnl_set_nlmsg_build_payload(message, set);
		requests_add(b->r, message, (struct origin){.rule = cause});
	}
	nftnl_set_free(set);
	nft_elements_begin(&run, b, name, s, cause, false);
	if (nft_map_has_border(s))
		nft_elements_border(&run);
	for (size_t i = 0; i < s->element_count; i++)
		nft_elements_put(&run, &s->elements[i]);
	nft_elements_end(&run);
}

void nft_take_map(struct nft_batch *b, const char *name, const struct plan_rule *cause)
{
	struct nftnl_set *set = new_set(b, name);
	struct nlmsghdr *message;

	if (!set)
		return;
	nftnl_set_unset(set, NFTNL_SET_ID);
	message = next_message(b, NFT_MSG_DELSET, 0);
	if (message) {
		nftnl_set_nlmsg_build_payload(message, set);
		requests_add(b->r, message, (struct origin){.rule = cause});
	}
	nftnl_set_free(set);
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

/* ---- The other steps ---- */

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

static void put_log(struct nft_batch *b, struct nftnl_rule *rule, const char *prefix)
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
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict_number(s->kind));
	if (s->kind == PLAN_JUMP || s->kind == PLAN_GOTO)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, s->chain->name);
}

static void put_step(
	struct nft_batch *b, struct nftnl_rule *rule, const struct plan_step *s, const char *map)
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

void nft_put_rule(
	struct nft_batch *b, const struct plan_chain *chain, const struct plan_rule *source)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *message;

	if (!rule) {
		b->r->error = E_MEMORY;
		return;
	}
	for (size_t i = 0; i < source->step_count; i++)
		put_step(b, rule, &source->steps[i], chain->name);
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

void nft_take_rules(struct nft_batch *b, const struct plan_chain *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *message;

	if (!rule) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, PLAN_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain->name);
	message = next_message(b, NFT_MSG_DELRULE, 0);
	if (message) {
		nftnl_rule_nlmsg_build_payload(message, rule);
		requests_add(b->r, message, (struct origin){.chain = chain});
	}
	nftnl_rule_free(rule);
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

void nft_take_chain(struct nft_batch *b, const struct plan_chain *source)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *message;

	if (!chain) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, PLAN_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, source->name);
	message = next_message(b, NFT_MSG_DELCHAIN, 0);
	if (message) {
		nftnl_chain_nlmsg_build_payload(message, chain);
		requests_add(b->r, message, (struct origin){.chain = source});
	}
	nftnl_chain_free(chain);
}

static void change_counter(
	struct nft_batch *b, const struct plan_counter *source, uint16_t type, uint16_t flags)
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
	if (type == NFT_MSG_NEWOBJ) {
		nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_PKTS, 0);
		nftnl_obj_set_u64(object, NFTNL_OBJ_CTR_BYTES, 0);
	}
	message = next_message(b, type, flags);
	if (message) {
		nftnl_obj_nlmsg_build_payload(message, object);
		requests_add(b->r, message, (struct origin){.counter = source});
	}
	nftnl_obj_free(object);
}

void nft_put_counter(struct nft_batch *b, const struct plan_counter *source)
{
	change_counter(b, source, NFT_MSG_NEWOBJ, NLM_F_CREATE);
}

void nft_take_counter(struct nft_batch *b, const struct plan_counter *source)
{
	change_counter(b, source, NFT_MSG_DELOBJ, 0);
}

static void put_table(struct nft_batch *b, uint16_t type)
{
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *message;

	if (!table) {
		b->r->error = E_MEMORY;
		return;
	}
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, PLAN_TABLE);
	message = next_message(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
	if (message) {
		nftnl_table_nlmsg_build_payload(message, table);
		requests_add(b->r, message, (struct origin){0});
	}
	nftnl_table_free(table);
}

/* A chain that nothing leads to says in its comment which plan the table was made from: the table's
 * own comment cannot be changed. */
static const struct plan_chain label = {.name = "plan"};

static struct nftnl_chain *new_label(struct nft_batch *b)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain) {
		b->r->error = E_MEMORY;
		return NULL;
	}
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, PLAN_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, label.name);
	return chain;
}

static void put_label(struct nft_batch *b, const struct plan *plan)
{
	struct nftnl_udata_buf *text = nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);
	struct nftnl_chain *chain = new_label(b);
	struct nlmsghdr *message;

	if (text && chain) {
		nftnl_udata_put_strz(text, NFTNL_UDATA_CHAIN_COMMENT, plan->id);
		nftnl_chain_set_data(chain, NFTNL_CHAIN_USERDATA, nftnl_udata_buf_data(text),
			nftnl_udata_buf_len(text));
		message = next_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
		if (message) {
			nftnl_chain_nlmsg_build_payload(message, chain);
			requests_add(b->r, message, (struct origin){0});
		}
	} else {
		b->r->error = E_MEMORY;
	}
	if (text)
		nftnl_udata_buf_free(text);
	if (chain)
		nftnl_chain_free(chain);
}

void nft_relabel(struct nft_batch *b, const struct plan *plan)
{
	nft_take_chain(b, &label);
	put_label(b, plan);
}

static void put_border(struct nft_batch *b, struct nlmsghdr *build(char *room, uint32_t sequence),
	const uint32_t *generation)
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);
	struct nlmsghdr *message;

	if (!room)
		return;
	message = build(room, sequence);
	if (generation)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
	requests_add(b->r, message, (struct origin){0});
}

void nft_begin(struct nft_batch *b, struct requests *r, const uint32_t *generation)
{
	*b = (struct nft_batch){.r = r};
	put_border(b, nftnl_batch_begin, generation);
}

void nft_end(struct nft_batch *b)
{
	requests_acknowledge_last(b->r);
	put_border(b, nftnl_batch_end, NULL);
}

void nft_replace(struct requests *r, const struct plan *plan)
{
	struct nft_batch b;

	nft_begin(&b, r, NULL);
	/* Deleting what is not there fails, so it is made sure of first. */
	put_table(&b, NFT_MSG_NEWTABLE);
	put_table(&b, NFT_MSG_DELTABLE);
	if (plan) {
		put_table(&b, NFT_MSG_NEWTABLE);
		for (const struct plan_counter *c = plan->counters; c && !r->error; c = c->next)
			nft_put_counter(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next)
			nft_put_chain(&b, c);
		for (const struct plan_chain *c = plan->chains; c && !r->error; c = c->next) {
			const struct plan_rule *rule;
			const struct plan_step *map = nft_map_of(c, &rule);

			if (map)
				nft_put_map(&b, map, c->name, rule);
			for (rule = c->rules; rule && !r->error; rule = rule->next)
				nft_put_rule(&b, c, rule);
		}
		put_label(&b, plan);
	}
	nft_end(&b);
}

const struct plan_step *nft_map_of(
	const struct plan_chain *chain, const struct plan_rule **ret_rule)
{
	for (const struct plan_rule *rule = chain->rules; rule; rule = rule->next) {
		for (size_t i = 0; i < rule->step_count; i++) {
			if (rule->steps[i].kind == PLAN_MAP) {
				*ret_rule = rule;
				return &rule->steps[i];
			}
		}
	}
	return NULL;
}

/* ---- Reading back ---- */

void nft_get_generation(struct requests *r)
{
	struct nft_batch b = {.r = r};
	struct nlmsghdr *message = next_message(&b, NFT_MSG_GETGEN, NLM_F_ACK);

	if (message)
		requests_add(r, message, (struct origin){0});
}

void nft_get_label(struct requests *r)
{
	struct nft_batch b = {.r = r};
	struct nftnl_chain *chain = new_label(&b);
	struct nlmsghdr *message;

	if (!chain)
		return;
	message = next_message(&b, NFT_MSG_GETCHAIN, NLM_F_ACK);
	if (message) {
		nftnl_chain_nlmsg_build_payload(message, chain);
		requests_add(r, message, (struct origin){0});
	}
	nftnl_chain_free(chain);
}

void nft_get_table(struct requests *r)
{
	struct nft_batch b = {.r = r};
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

static int read_generation(const struct nlattr *attr, void *context)
{
	uint32_t *generation = context;

	if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
		*generation = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

enum err nft_read_generation(const struct nlmsghdr *message, uint32_t *ret)
{
	uint32_t generation = 0;

	if (!is_nft(message, NFT_MSG_NEWGEN))
		return E_NOT_FOUND;
	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), read_generation, &generation) < 0)
		return E_PROTOCOL;
	*ret = generation;
	return E_OK;
}

/*
 * The plan's id out of a chain's comment. User data are what whoever may make chains put there, and
 * nftnl_udata_parse() believes the lengths in them.
 */
static void read_plan_id(struct view user_data, char id[17])
{
	struct cursor c = cursor_over(user_data);

	while (!c.error && cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		uint8_t len = cursor_u8(&c);
		struct view text = cursor_take(&c, len);
		uint8_t number[8];

		if (type == NFTNL_UDATA_CHAIN_COMMENT && text.len == 17 && text.data[16] == '\0' &&
			hex_decode(number, sizeof number, (const char *)text.data))
			memcpy(id, text.data, 17);
	}
}

static int find_user_data(const struct nlattr *attr, void *context)
{
	if (mnl_attr_get_type(attr) == NFTA_CHAIN_USERDATA)
		*(struct view *)context =
			VIEW(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	return MNL_CB_OK;
}

/* Without nftnl_chain_nlmsg_parse(), which takes it on trust that names end. */
enum err nft_read_label(const struct nlmsghdr *message, char ret_plan_id[17])
{
	struct view user_data = VIEW_NONE;
	char id[17] = "";

	if (!is_nft(message, NFT_MSG_NEWCHAIN))
		return E_NOT_FOUND;
	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), find_user_data, &user_data) < 0)
		return E_PROTOCOL;
	read_plan_id(user_data, id);
	memcpy(ret_plan_id, id, sizeof id);
	return E_OK;
}

void nft_dump_counters(struct requests *r)
{
	struct nft_batch b = {.r = r};
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
