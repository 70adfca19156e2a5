/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pep/kernel/fake_nft.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "tests/require.h"

enum { TEXT_MAX = 1 << 16 };

static void put_hex(struct buffer *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *octets = data;

	for (size_t i = 0; i < len; i++) {
		buffer_put_u8(out, (uint8_t)digits[octets[i] >> 4]);
		buffer_put_u8(out, (uint8_t)digits[octets[i] & 15]);
	}
}

/* ---- Objects ---- */

static void object_fini(struct fake_object *o)
{
	free(o->text);
	free(o->raw);
}

static void object_copy(struct fake_object *to, const struct fake_object *from)
{
	*to = *from;
	to->text = strdup(from->text);
	to->raw = malloc(from->raw_len + 1);
	REQUIRE(to->text && to->raw);
	if (from->raw_len)
		memcpy(to->raw, from->raw, from->raw_len);
}

void fake_table_copy(struct fake_table *to, const struct fake_table *from)
{
	*to = (struct fake_table){
		.there = from->there, .count = from->count, .capacity = from->count};
	to->objects = calloc(from->count + 1, sizeof *to->objects);
	REQUIRE(to->objects != NULL);
	for (size_t i = 0; i < from->count; i++)
		object_copy(&to->objects[i], &from->objects[i]);
}

void fake_table_fini(struct fake_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		object_fini(&t->objects[i]);
	free(t->objects);
	*t = (struct fake_table){0};
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0x811c9dc5u;

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 0x01000193u;
	return hash;
}

static void add(struct fake_table *t, const struct fake_object *o)
{
	if (t->count == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 64;
		t->objects = reallocarray(t->objects, t->capacity, sizeof *t->objects);
		REQUIRE(t->objects != NULL);
	}
	object_copy(&t->objects[t->count++], o);
}

static void take(struct fake_table *t, size_t at)
{
	object_fini(&t->objects[at]);
	memmove(&t->objects[at], &t->objects[at + 1], (--t->count - at) * sizeof *t->objects);
}

static uint32_t set_name(char *to, const char *from)
{
	REQUIRE(from != NULL);
	REQUIRE(strlen(from) < FAKE_NAME_SIZE);
	strcpy(to, from);
	return hash_of(from);
}

static bool is(const struct fake_object *o, enum fake_kind kind, uint32_t hash, const char *name)
{
	return o->kind == kind && o->hash == hash && strcmp(o->name, name) == 0;
}

static struct fake_object *find(const struct fake_table *t, enum fake_kind kind, const char *name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = 0; i < t->count; i++)
		if (is(&t->objects[i], kind, hash, name))
			return &t->objects[i];
	return NULL;
}

static size_t count_of(const struct fake_table *t, enum fake_kind kind, const char *name)
{
	uint32_t hash = hash_of(name);
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		count += is(&t->objects[i], kind, hash, name);
	return count;
}

static void take_all(struct fake_table *t, enum fake_kind kind, const char *name)
{
	uint32_t hash = hash_of(name);
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (is(&t->objects[i], kind, hash, name)) {
			object_fini(&t->objects[i]);
			continue;
		}
		if (kept != i)
			t->objects[kept] = t->objects[i];
		kept++;
	}
	t->count = kept;
}

static bool referred_to(const struct fake_table *t, enum fake_kind kind, const char *name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = 0; i < t->count; i++)
		for (size_t j = 0; j < t->objects[i].reference_count; j++)
			if (t->objects[i].references[j].kind == kind &&
				t->objects[i].references[j].hash == hash &&
				strcmp(t->objects[i].references[j].name, name) == 0)
				return true;
	return false;
}

static bool references_are_there(const struct fake_table *t, const struct fake_object *o)
{
	for (size_t i = 0; i < o->reference_count; i++)
		if (!find(t, o->references[i].kind, o->references[i].name))
			return false;
	return true;
}

static void refer(struct fake_object *o, enum fake_kind kind, const char *name)
{
	REQUIRE(o->reference_count < FAKE_REFERENCES);
	o->references[o->reference_count].kind = kind;
	o->references[o->reference_count].hash =
		set_name(o->references[o->reference_count].name, name);
	o->reference_count++;
}

/* ---- Chains, rules, counters ---- */

static int change_chain(struct fake_table *t, const struct nlmsghdr *message, bool come)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct fake_object o = {.kind = FAKE_CHAIN};
	static char text[TEXT_MAX];
	const uint8_t *comment;
	uint32_t len = 0;
	size_t at;
	int error = 0;

	REQUIRE(nftnl_chain_nlmsg_parse(message, chain) == 0);
	o.hash = set_name(o.name, nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	o.base = nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM);
	at = (size_t)nftnl_chain_snprintf(text, sizeof text, chain, NFTNL_OUTPUT_DEFAULT, 0);
	comment = nftnl_chain_get_data(chain, NFTNL_CHAIN_USERDATA, &len);
	/* Of which generation it is says nothing of the table. */
	for (uint32_t i = 0; i < len && comment[i] != ' '; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, " %02x", comment[i]);
	nftnl_chain_free(chain);
	o.text = text;
	o.raw = (uint8_t *)(uintptr_t)message;
	o.raw_len = message->nlmsg_len;
	if (come) {
		if (find(t, FAKE_CHAIN, o.name))
			return EEXIST;
		add(t, &o);
	} else if (!find(t, FAKE_CHAIN, o.name)) {
		error = ENOENT;
	} else if (count_of(t, FAKE_RULE, o.name) || referred_to(t, FAKE_CHAIN, o.name)) {
		error = EBUSY;
	} else {
		take_all(t, FAKE_CHAIN, o.name);
	}
	return error;
}

/* The library cannot read back the strings that it writes without their end, so expressions and
 * elements are read here. */
static const struct nlattr *at_or_none(const void *place, const void *end)
{
	ptrdiff_t left = (const uint8_t *)end - (const uint8_t *)place;

	return left > 0 && mnl_attr_ok(place, (int)left) ? place : NULL;
}

/* The first inside for NULL. */
static const struct nlattr *next_inside(const struct nlattr *nest, const struct nlattr *before)
{
	return at_or_none(before ? mnl_attr_next(before) : mnl_attr_get_payload(nest),
		(const uint8_t *)nest + nest->nla_len);
}

static const struct nlattr *inside(const struct nlattr *nest, unsigned type)
{
	const struct nlattr *attr = NULL;

	while (nest && (attr = next_inside(nest, attr)))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static const struct nlattr *of_message(const struct nlmsghdr *message, unsigned type)
{
	const void *end = mnl_nlmsg_get_payload_tail(message);
	const struct nlattr *attr =
		at_or_none(mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)), end);

	while (attr && mnl_attr_get_type(attr) != type)
		attr = at_or_none(mnl_attr_next(attr), end);
	return attr;
}

static const char *string_of(const struct nlattr *attr)
{
	static char text[FAKE_NAME_SIZE];
	size_t len;

	if (!attr)
		return NULL;
	len = mnl_attr_get_payload_len(attr);
	REQUIRE(len < sizeof text);
	memcpy(text, mnl_attr_get_payload(attr), len);
	text[len] = '\0';
	return text;
}

static void print_attributes(const struct nlattr *nest, struct buffer *out)
{
	const struct nlattr *attr = NULL;

	buffer_put_text(out, "{");
	while ((attr = next_inside(nest, attr))) {
		buffer_put_text(out, " %u:", mnl_attr_get_type(attr));
		if (attr->nla_type & NLA_F_NESTED) {
			print_attributes(attr, out);
			continue;
		}
		put_hex(out, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	}
	buffer_put_text(out, " }");
}

static void refer_expression(const struct nlattr *e, struct fake_object *o)
{
	char kind[FAKE_NAME_SIZE];
	const struct nlattr *data = inside(e, NFTA_EXPR_DATA);
	const struct nlattr *chain;

	set_name(kind, string_of(inside(e, NFTA_EXPR_NAME)));
	chain = inside(
		inside(inside(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT), NFTA_VERDICT_CHAIN);
	if (strcmp(kind, "lookup") == 0)
		refer(o, FAKE_MAP, string_of(inside(data, NFTA_LOOKUP_SET)));
	else if (strcmp(kind, "objref") == 0)
		refer(o, FAKE_COUNTER, string_of(inside(data, NFTA_OBJREF_IMM_NAME)));
	else if (strcmp(kind, "immediate") == 0 && chain)
		refer(o, FAKE_CHAIN, string_of(chain));
}

static int change_rule(struct fake_table *t, const struct nlmsghdr *message, bool come)
{
	const struct nlattr *list = of_message(message, NFTA_RULE_EXPRESSIONS);
	const struct nlattr *comment = of_message(message, NFTA_RULE_USERDATA);
	const struct nlattr *e = NULL;
	struct fake_object o = {.kind = FAKE_RULE,
		.raw = (uint8_t *)(uintptr_t)message,
		.raw_len = message->nlmsg_len};
	struct buffer text;
	int error = 0;

	o.hash = set_name(o.name, string_of(of_message(message, NFTA_RULE_CHAIN)));
	buffer_init(&text, TEXT_MAX);
	if (list) {
		print_attributes(list, &text);
		while ((e = next_inside(list, e)))
			refer_expression(e, &o);
	}
	if (comment)
		put_hex(&text, mnl_attr_get_payload(comment), mnl_attr_get_payload_len(comment));
	o.text = strdup(buffer_string(&text));
	buffer_fini(&text);
	if (!find(t, FAKE_CHAIN, o.name) || !references_are_there(t, &o))
		error = ENOENT;
	else if (come)
		add(t, &o);
	else
		take_all(t, FAKE_RULE, o.name);
	free(o.text);
	return error;
}

static int change_counter(struct fake_table *t, const struct nlmsghdr *message, bool come)
{
	struct nftnl_obj *object = nftnl_obj_alloc();
	struct fake_object o = {.kind = FAKE_COUNTER};
	static char text[] = "counter";

	REQUIRE(nftnl_obj_nlmsg_parse(message, object) == 0);
	o.hash = set_name(o.name, nftnl_obj_get_str(object, NFTNL_OBJ_NAME));
	nftnl_obj_free(object);
	o.text = text;
	o.raw = (uint8_t *)(uintptr_t)message;
	o.raw_len = message->nlmsg_len;
	if (come && find(t, FAKE_COUNTER, o.name))
		return EEXIST;
	if (come) {
		add(t, &o);
		return 0;
	}
	if (!find(t, FAKE_COUNTER, o.name))
		return ENOENT;
	if (referred_to(t, FAKE_COUNTER, o.name))
		return EBUSY;
	take_all(t, FAKE_COUNTER, o.name);
	return 0;
}

/* ---- Maps ---- */

static int change_map(struct fake_table *t, const struct nlmsghdr *message, bool come)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct fake_object o = {.kind = FAKE_MAP};
	char text[128];

	REQUIRE(nftnl_set_nlmsg_parse(message, set) == 0);
	o.hash = set_name(o.name, nftnl_set_get_str(set, NFTNL_SET_NAME));
	if (come) {
		o.size = nftnl_set_is_set(set, NFTNL_SET_DESC_SIZE)
				 ? nftnl_set_get_u32(set, NFTNL_SET_DESC_SIZE)
				 : 0;
		o.interval = nftnl_set_get_u32(set, NFTNL_SET_FLAGS) & NFT_SET_INTERVAL;
		snprintf(text, sizeof text, "map flags %x key %u length %u size %u",
			nftnl_set_get_u32(set, NFTNL_SET_FLAGS),
			nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE),
			nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN), o.size);
	}
	nftnl_set_free(set);
	o.text = text;
	o.raw = (uint8_t *)(uintptr_t)message;
	o.raw_len = message->nlmsg_len;
	if (come && find(t, FAKE_MAP, o.name))
		return EEXIST;
	if (come) {
		add(t, &o);
		return 0;
	}
	if (!find(t, FAKE_MAP, o.name))
		return ENOENT;
	if (referred_to(t, FAKE_MAP, o.name))
		return EBUSY;
	take_all(t, FAKE_ELEMENT, o.name);
	take_all(t, FAKE_MAP, o.name);
	return 0;
}

static void read_element(const struct nlattr *e, const char *map, struct fake_object *o)
{
	const struct nlattr *key = inside(inside(e, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	const struct nlattr *flags = inside(e, NFTA_SET_ELEM_FLAGS);
	const struct nlattr *verdict = inside(inside(e, NFTA_SET_ELEM_DATA), NFTA_DATA_VERDICT);
	const struct nlattr *chain = inside(verdict, NFTA_VERDICT_CHAIN);
	struct buffer text;

	o->hash = set_name(o->name, map);
	o->key_len = mnl_attr_get_payload_len(key);
	REQUIRE(o->key_len <= sizeof o->key);
	memcpy(o->key, mnl_attr_get_payload(key), o->key_len);
	o->end = flags && (ntohl(mnl_attr_get_u32(flags)) & NFT_SET_ELEM_INTERVAL_END);
	if (chain)
		refer(o, FAKE_CHAIN, string_of(chain));
	buffer_init(&text, TEXT_MAX);
	put_hex(&text, o->key, o->key_len);
	buffer_put_text(&text, " %s", o->end ? "end" : "");
	if (verdict)
		print_attributes(verdict, &text);
	o->text = strdup(buffer_string(&text));
	buffer_fini(&text);
}

static int change_element(
	struct fake_table *t, struct fake_object *map, const struct fake_object *o, bool come)
{
	size_t at = 0;

	while (at < t->count && (!is(&t->objects[at], FAKE_ELEMENT, o->hash, o->name) ||
					t->objects[at].end != o->end ||
					memcmp(t->objects[at].key, o->key, sizeof o->key) != 0))
		at++;
	if (!come) {
		if (at == t->count)
			return ENOENT;
		take(t, at);
		return 0;
	}
	if (at < t->count)
		return EEXIST;
	if (!references_are_there(t, o))
		return ENOENT;
	if (map->size && count_of(t, FAKE_ELEMENT, o->name) + 1 > map->size)
		return ENFILE;
	add(t, o);
	return 0;
}

static int change_elements(struct fake_table *t, const struct nlmsghdr *message, bool come)
{
	const struct nlattr *list = of_message(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *e = NULL;
	char name[FAKE_NAME_SIZE];
	int error = 0;

	set_name(name, string_of(of_message(message, NFTA_SET_ELEM_LIST_SET)));
	REQUIRE(list != NULL);
	while ((e = next_inside(list, e))) {
		struct fake_object o = {.kind = FAKE_ELEMENT};
		struct fake_object *map = find(t, FAKE_MAP, name);

		read_element(e, name, &o);
		if (!error)
			error = map ? change_element(t, map, &o, come) : ENOENT;
		free(o.text);
	}
	return error;
}

static int element_order(const void *a, const void *b)
{
	const struct fake_object *const *x = a, *const *y = b;
	int order = memcmp((*x)->key, (*y)->key, sizeof(*x)->key);

	return order ? order : (int)(*y)->end - (int)(*x)->end;
}

static void check_intervals(const struct fake_table *t, const char *map)
{
	const struct fake_object **list = calloc(t->count + 1, sizeof(struct fake_object *));
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->objects[i].kind == FAKE_ELEMENT && strcmp(t->objects[i].name, map) == 0)
			list[count++] = &t->objects[i];
	qsort(list, count, sizeof(struct fake_object *), element_order);
	for (size_t i = 1; i < count; i++)
		REQUIRE(list[i]->end != list[i - 1]->end); /* or else intervals overlap */
	free(list);
}

/* ---- The table ---- */

int fake_table_change(struct fake_table *t, const struct nlmsghdr *message)
{
	static const struct {
		unsigned come, go;
		int (*change)(struct fake_table *t, const struct nlmsghdr *message, bool come);
	} kinds[] = {
		{NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, change_chain},
		{NFT_MSG_NEWRULE, NFT_MSG_DELRULE, change_rule},
		{NFT_MSG_NEWOBJ, NFT_MSG_DELOBJ, change_counter},
		{NFT_MSG_NEWSET, NFT_MSG_DELSET, change_map},
		{NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, change_elements},
	};
	unsigned type = message->nlmsg_type & 0xff;

	if (message->nlmsg_type < NLMSG_MIN_TYPE ||
		message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0; /* a border of the batch */
	if (type == NFT_MSG_NEWTABLE) {
		t->there = true;
		return 0;
	}
	if (!t->there)
		return ENOENT;
	if (type == NFT_MSG_DELTABLE) {
		fake_table_fini(t);
		return 0;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (type == kinds[i].come || type == kinds[i].go)
			return kinds[i].change(t, message, type == kinds[i].come);
	REQUIRE(false && "such a message in a batch");
	return 0;
}

void fake_table_commit(const struct fake_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->objects[i].kind == FAKE_MAP && t->objects[i].interval)
			check_intervals(t, t->objects[i].name);
}

/* Both tables are mostly in the same order: *at is where the last one was. */
static bool holds(const struct fake_table *t, const struct fake_object *o, size_t *at)
{
	for (size_t n = 0; n < t->count; n++) {
		size_t i = (*at + n) % t->count;

		if (is(&t->objects[i], o->kind, o->hash, o->name) &&
			strcmp(t->objects[i].text, o->text) == 0) {
			*at = i + 1;
			return true;
		}
	}
	return false;
}

static bool of_base(const struct fake_table *t, const struct fake_object *o)
{
	const struct fake_object *chain =
		o->kind == FAKE_RULE ? find(t, FAKE_CHAIN, o->name) : NULL;

	return chain && chain->base;
}

void fake_table_check_change(
	const struct fake_table *before, const struct fake_table *after, bool may_go)
{
	bool gone = false, switched = false, made = false;
	size_t at = 0;

	for (size_t i = 0; i < before->count; i++) {
		const struct fake_object *o = &before->objects[i];

		if (holds(after, o, &at) || strcmp(o->name, "plan") == 0)
			continue;
		if (of_base(before, o))
			switched = true;
		else
			gone = true;
		REQUIRE(o->kind != FAKE_ELEMENT || !find(after, FAKE_MAP, o->name));
	}
	for (size_t i = 0; i < after->count; i++) {
		const struct fake_object *o = &after->objects[i];

		if (holds(before, o, &at))
			continue;
		made = made || o->kind == FAKE_MAP;
		REQUIRE(o->kind != FAKE_ELEMENT || !find(before, FAKE_MAP, o->name));
		REQUIRE(o->kind != FAKE_RULE || of_base(after, o) ||
			!find(before, FAKE_CHAIN, o->name));
	}
	REQUIRE(!gone || (may_go && !switched));
	REQUIRE(!made || !switched);
}

static int read_wanted(const struct nlattr *attr, void *context)
{
	const char **name = context;

	if (mnl_attr_get_type(attr) == 3) /* of a chain NFTA_CHAIN_NAME */
		*name = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

bool fake_table_answer(
	const struct fake_table *t, const struct nlmsghdr *request, struct buffer *out)
{
	const char *name = NULL;
	const struct fake_object *found;
	struct nlmsghdr header;
	size_t at = out->len;

	REQUIRE((request->nlmsg_type & 0xff) == NFT_MSG_GETCHAIN);
	mnl_attr_parse(request, sizeof(struct nfgenmsg), read_wanted, &name);
	REQUIRE(name != NULL);
	found = find(t, FAKE_CHAIN, name);
	if (!found)
		return false;
	buffer_put(out, found->raw, NLMSG_ALIGN(found->raw_len));
	memcpy(&header, out->data + at, sizeof header);
	header.nlmsg_seq = request->nlmsg_seq;
	memcpy(out->data + at, &header, sizeof header);
	return true;
}

static int line_order(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void fake_table_print(const struct fake_table *t, struct buffer *out)
{
	static const char *const kinds[] = {"chain", "rule", "map", "element", "counter"};
	char **lines = calloc(t->count + 1, sizeof *lines);

	for (size_t i = 0; i < t->count; i++) {
		const struct fake_object *o = &t->objects[i];
		size_t place = 0;

		for (size_t j = 0; o->kind == FAKE_RULE && j < i; j++)
			place += t->objects[j].kind == FAKE_RULE &&
				 strcmp(t->objects[j].name, o->name) == 0;
		REQUIRE(asprintf(&lines[i], "%s %s %zu: %s", kinds[o->kind], o->name, place,
				o->text) >= 0);
	}
	qsort(lines, t->count, sizeof *lines, line_order);
	buffer_put_text(out, "table %d\n", t->there);
	for (size_t i = 0; i < t->count; i++) {
		buffer_put_text(out, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
}
