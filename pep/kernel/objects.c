/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/objects.h"

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* libnftnl has the same functions for each kind, under names and types of its own. */
#define FUNCTIONS(kind, structure, payload)                                                        \
	static void *kind##_alloc(void)                                                            \
	{                                                                                          \
		return structure##_alloc();                                                        \
	}                                                                                          \
	static void kind##_free(void *object)                                                      \
	{                                                                                          \
		structure##_free(object);                                                          \
	}                                                                                          \
	static void kind##_name(void *object, uint16_t attribute, const char *text)                \
	{                                                                                          \
		structure##_set_str(object, attribute, text);                                      \
	}                                                                                          \
	static void kind##_build(struct nlmsghdr *message, void *object)                           \
	{                                                                                          \
		payload(message, object);                                                          \
	}

FUNCTIONS(table, nftnl_table, nftnl_table_nlmsg_build_payload)
FUNCTIONS(chain, nftnl_chain, nftnl_chain_nlmsg_build_payload)
FUNCTIONS(rule, nftnl_rule, nftnl_rule_nlmsg_build_payload)
FUNCTIONS(map, nftnl_set, nftnl_set_nlmsg_build_payload)
FUNCTIONS(elements, nftnl_set, nftnl_set_elems_nlmsg_build_payload)
FUNCTIONS(counter, nftnl_obj, nftnl_obj_nlmsg_build_payload)

#define FORM(kind) kind##_alloc, kind##_free, kind##_name, kind##_build

enum { NO_ATTRIBUTE = 0xffff };

static const struct object_form {
	void *(*alloc)(void);
	void (*release)(void *object);
	void (*set_text)(void *object, uint16_t attribute, const char *text);
	void (*build)(struct nlmsghdr *message, void *object);
	uint16_t table, name; /* attributes */
	uint16_t come, go, get;
} forms[OBJECT_KINDS] = {
	[OBJECT_TABLE] = {FORM(table), NFTNL_TABLE_NAME, NO_ATTRIBUTE, NFT_MSG_NEWTABLE,
		NFT_MSG_DELTABLE, NFT_MSG_GETTABLE},
	[OBJECT_CHAIN] = {FORM(chain), NFTNL_CHAIN_TABLE, NFTNL_CHAIN_NAME, NFT_MSG_NEWCHAIN,
		NFT_MSG_DELCHAIN, NFT_MSG_GETCHAIN},
	[OBJECT_RULE] = {FORM(rule), NFTNL_RULE_TABLE, NFTNL_RULE_CHAIN, NFT_MSG_NEWRULE,
		NFT_MSG_DELRULE, NFT_MSG_GETRULE},
	[OBJECT_MAP] = {FORM(map), NFTNL_SET_TABLE, NFTNL_SET_NAME, NFT_MSG_NEWSET, NFT_MSG_DELSET,
		NFT_MSG_GETSET},
	[OBJECT_ELEMENTS] = {FORM(elements), NFTNL_SET_TABLE, NFTNL_SET_NAME, NFT_MSG_NEWSETELEM,
		NFT_MSG_DELSETELEM, NFT_MSG_GETSETELEM},
	[OBJECT_COUNTER] = {FORM(counter), NFTNL_OBJ_TABLE, NFTNL_OBJ_NAME, NFT_MSG_NEWOBJ,
		NFT_MSG_DELOBJ, NFT_MSG_GETOBJ},
};

void *object_new(struct nft_batch *b, enum object_kind kind, const char *name)
{
	const struct object_form *form = &forms[kind];
	void *object = form->alloc();

	if (!object) {
		b->r->error = E_MEMORY;
		return NULL;
	}
	form->set_text(object, form->table, b->table);
	if (name && form->name != NO_ATTRIBUTE)
		form->set_text(object, form->name, name);
	return object;
}

struct nlmsghdr *object_message(struct nft_batch *b, uint16_t type, uint16_t flags)
{
	uint32_t sequence;
	char *room = requests_next(b->r, &sequence);

	return room ? nftnl_nlmsg_build_hdr(room, type, NFPROTO_INET, flags, sequence) : NULL;
}

void object_send(struct nft_batch *b, enum object_kind kind, enum object_verb verb, void *object,
	uint16_t flags, struct origin origin)
{
	const struct object_form *form = &forms[kind];
	uint16_t type = verb == OBJECT_COME ? form->come : verb == OBJECT_GO ? form->go : form->get;
	struct nlmsghdr *message;

	if (!object)
		return;
	if (verb == OBJECT_COME)
		flags |= NLM_F_CREATE;
	message = object_message(b, type, flags);
	if (message) {
		form->build(message, object);
		requests_add(b->r, message, origin);
	}
	form->release(object);
}

void object_take(struct nft_batch *b, enum object_kind kind, const char *name, struct origin origin)
{
	object_send(b, kind, OBJECT_GO, object_new(b, kind, name), 0, origin);
}
