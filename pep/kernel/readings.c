/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/nft.h"

#include <endian.h>
#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <libnftnl/object.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "common/base/cursor.h"
#include "pep/kernel/objects.h"

void nft_get_generation(struct requests *r)
{
	struct nft_batch b = {.r = r, .table = PLAN_TABLE};
	struct nlmsghdr *message = object_message(&b, NFT_MSG_GETGEN, NLM_F_ACK);

	if (message)
		requests_add(r, message, (struct origin){0});
}

uint32_t nft_generation_after(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1;
}

static void get(struct requests *r, enum object_kind kind, const char *name)
{
	struct nft_batch b = {.r = r, .table = PLAN_TABLE};

	object_send(
		&b, kind, OBJECT_GET, object_new(&b, kind, name), NLM_F_ACK, (struct origin){0});
}

void nft_get_label(struct requests *r)
{
	get(r, OBJECT_CHAIN, NFT_LABEL);
}

void nft_get_table(struct requests *r)
{
	get(r, OBJECT_TABLE, NULL);
}

static bool is_nft(const struct nlmsghdr *message, unsigned type)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       mnl_nlmsg_get_payload_len(message) >= sizeof(struct nfgenmsg);
}

/* The first attribute of whatever is in a table is the table's name. */
static int read_table_name(const struct nlattr *attr, void *context)
{
	const char **name = context;

	if (mnl_attr_get_type(attr) == NFTA_TABLE_NAME &&
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		*name = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

bool nft_is_change_of_ours(const struct nlmsghdr *message)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);
	const char *name = NULL;

	if (!is_nft(message, message->nlmsg_type & 0xff) || is_nft(message, NFT_MSG_NEWGEN) ||
		header->nfgen_family != NFPROTO_INET ||
		mnl_attr_parse(message, sizeof *header, read_table_name, &name) < 0)
		return false;
	return name && strcmp(name, PLAN_TABLE) == 0;
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
 * What a chain's comment says, if it is one of ours. User data are what whoever may make chains put
 * there, and nftnl_udata_parse() believes the lengths in them.
 */
static void read_label(struct view user_data, struct nft_label *label)
{
	struct cursor c = cursor_over(user_data);

	while (!c.error && cursor_left(&c)) {
		uint8_t type = cursor_u8(&c);
		uint8_t len = cursor_u8(&c);
		struct view text = cursor_take(&c, len);
		uint8_t id[8], settled[4];
		char part[17] = "";

		if (type != NFTNL_UDATA_CHAIN_COMMENT || text.len != NFT_LABEL_SIZE ||
			text.data[16] != ' ' || text.data[NFT_LABEL_SIZE - 1] != '\0' ||
			!hex_decode(settled, sizeof settled, (const char *)text.data + 17))
			continue;
		memcpy(part, text.data, 16);
		if (!hex_decode(id, sizeof id, part))
			continue;
		memcpy(label->plan_id, part, sizeof part);
		label->settled = (uint32_t)settled[0] << 24 | (uint32_t)settled[1] << 16 |
				 (uint32_t)settled[2] << 8 | settled[3];
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
enum err nft_read_label(const struct nlmsghdr *message, struct nft_label *ret)
{
	struct view user_data = VIEW_NONE;
	struct nft_label label = {.plan_id = ""};

	if (!is_nft(message, NFT_MSG_NEWCHAIN))
		return E_NOT_FOUND;
	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), find_user_data, &user_data) < 0)
		return E_PROTOCOL;
	read_label(user_data, &label);
	*ret = label;
	return E_OK;
}

void nft_dump_counters(struct requests *r)
{
	struct nft_batch b = {.r = r, .table = PLAN_TABLE};
	struct nftnl_obj *object = object_new(&b, OBJECT_COUNTER, NULL);

	if (object)
		nftnl_obj_set_u32(object, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	object_send(&b, OBJECT_COUNTER, OBJECT_GET, object, NLM_F_DUMP, (struct origin){0});
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
