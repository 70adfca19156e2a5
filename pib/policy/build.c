/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pib/policy/model.h"
#include "pib/schema/subcode.h"

/* A policy of 10,000 rules takes about 6 MiB; this is against those that grow without end. */
enum { ARENA_MAX = 1 << 29 };

static enum err note(
	struct build *b, const struct pri *pri, struct pib_fault fault, const char *text)
{
	struct prid prid = {pri->class, pri->instance};
	enum err err = pib_fault_err(fault.kind);
	char place[PRID_TEXT_SIZE];

	prid_format(&prid, place);
	pri_failures_add_prid(b->failures, fault, &prid, "%s: %s", place, text);
	if (!b->err) {
		b->err = err;
		error_set(b->error, err, "%s: %s", place, text);
	}
	return err;
}

enum err refuse(struct build *b, const struct pri *pri, unsigned attribute,
	enum pib_fault_kind kind, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return note(b, pri, (struct pib_fault){.kind = kind, .attribute = (uint8_t)attribute},
		text);
}

enum err refuse_own(struct build *b, const struct pri *pri, unsigned attribute,
	const char *install_error, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	return note(b, pri, pib_install_fault(pri->class, install_error, attribute), text);
}

enum err build_no_memory(struct build *b)
{
	b->err = error_set(b->error, E_MEMORY, "no memory for the policy");
	return E_MEMORY;
}

enum err build_text(struct build *b, const struct pri *pri, unsigned attribute, const char **ret)
{
	struct view text = pri_octets(pri, attribute);
	struct view copy;

	if (text.len && memchr(text.data, 0, text.len))
		return refuse(b, pri, attribute, PIB_FAULT_VALUE, "the text has a NUL in it");
	copy = arena_copy(&b->policy->arena, text.len ? text : VIEW("", 0));
	if (!copy.data)
		return build_no_memory(b);
	*ret = (const char *)copy.data;
	return E_OK;
}

enum err build_name(struct build *b, const char *what, uint32_t number, const char **ret)
{
	char name[48];
	char *copy;

	snprintf(name, sizeof name, "%s-%u", what, (unsigned)number);
	copy = arena_strdup(&b->policy->arena, name);
	if (!copy)
		return build_no_memory(b);
	*ret = copy;
	return E_OK;
}

enum err build_follow(struct build *b, const struct pri *from, unsigned attribute,
	enum pib_class_id class, uint32_t instance, struct pri *ret)
{
	if (pri_store_get(b->store, class, instance, ret))
		return E_OK;
	return refuse(b, from, attribute, PIB_FAULT_REFERENCE, "there is no %s.%u",
		pib_class(class)->name, (unsigned)instance);
}

bool build_extension(
	const struct build *b, const struct pri *base, enum pib_class_id class, struct pri *ret)
{
	return pri_store_get(b->store, class, base->instance, ret);
}

enum err build_octets(struct build *b, struct view v, struct view *ret)
{
	*ret = VIEW_NONE;
	if (v.len == 0)
		return E_OK;
	*ret = arena_copy(&b->policy->arena, v);
	return ret->data ? E_OK : build_no_memory(b);
}

enum err build_secret(struct build *b, struct view v, struct view *ret)
{
	struct policy_secret *secret;
	enum err err;

	*ret = VIEW_NONE;
	if (v.len == 0)
		return E_OK;
	secret = arena_calloc(&b->policy->arena, 1, sizeof *secret);
	if (!secret)
		return build_no_memory(b);
	err = build_octets(b, v, &secret->octets);
	if (err)
		return err;
	secret->next = b->policy->secrets;
	b->policy->secrets = secret;
	*ret = secret->octets;
	return E_OK;
}

enum err build_strategy(
	struct build *b, const struct pri *pri, unsigned attribute, enum policy_strategy *ret)
{
	uint32_t strategy;

	if (model_of_pib(MODEL_EXECUTION_STRATEGY, (uint32_t)pri_i32(pri, attribute), &strategy))
		return refuse(b, pri, attribute, PIB_FAULT_VALUE, "no such strategy");
	*ret = (enum policy_strategy)strategy;
	return E_OK;
}

static int compare_tagged(const void *a, const void *b)
{
	const struct tagged *x = a;
	const struct tagged *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->instance < y->instance ? -1 : x->instance > y->instance;
}

/* All rows of a class: how many, and those of them that decode. */
enum err build_collect(struct build *b, enum pib_class_id class, unsigned tag, unsigned order,
	struct tag_list *ret)
{
	struct pri_cursor c = pri_store_class(b->store, class);
	struct tagged *items;
	struct pri_row row;
	size_t count = 0;
	size_t at = 0;

	while (pri_store_next(&c, &row))
		count++;
	items = arena_calloc(&b->policy->arena, count + 1, sizeof *items);
	if (!items)
		return build_no_memory(b);
	c = pri_store_class(b->store, class);
	while (at < count && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct error error;
		struct pri pri;

		if (pri_row_decode(&row, &pri, &fault, &error)) {
			pri_failures_add(b->failures, fault, row.prid_contents, "%s", error.text);
			if (!b->err) {
				b->err = error.code;
				*b->error = error;
			}
			return error.code;
		}
		items[at++] = (struct tagged){
			.tag = tag ? pri_u32(&pri, tag) : 0,
			.order = order ? pri_u32(&pri, order) : 0,
			.instance = pri.instance,
		};
	}
	qsort(items, at, sizeof *items, compare_tagged);
	*ret = (struct tag_list){items, at};
	return E_OK;
}

struct tag_list build_tag_list(const struct tag_list *all, uint32_t tag)
{
	size_t low = 0;
	size_t high = all->count;
	size_t end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->items[middle].tag < tag)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all->count && all->items[end].tag == tag; end++)
		;
	return (struct tag_list){all->items + low, end - low};
}

static const struct collection {
	enum pib_class_id class;
	unsigned tag;
	unsigned order;
	size_t list;
} collections[] = {
#define SET(class, tag, order, list)                                                               \
	{                                                                                          \
		PIB_##class, class##tag, order, offsetof(struct build, list)                       \
	}
	SET(ipSecSelectorSet, SelectorSetId, ipSecSelectorSetOrder, selector_sets),
	SET(ipSecActionSet, ActionSetId, ipSecActionSetOrder, action_sets),
	SET(ipSecProposalSet, ProposalSetId, ipSecProposalSetOrder, proposal_sets),
	SET(ipSecEspTransformSet, TransformSetId, ipSecEspTransformSetOrder, esp_sets),
	SET(ipSecAhTransformSet, TransformSetId, ipSecAhTransformSetOrder, ah_sets),
	SET(ipSecCompTransformSet, TransformSetId, ipSecCompTransformSetOrder, ipcomp_sets),
	SET(ipSecIkeProposalSet, ProposalSetId, ipSecIkeProposalSetOrder, ike_sets),
	SET(ipSecIkeActionSet, ActionSetId, ipSecIkeActionSetOrder, ike_action_sets),
	SET(ipSecCredentialSet, SetId, 0, credential_sets),
	SET(ipSecCredentialFields, SetId, 0, credential_fields),
	SET(ipSecIpsoFilterSet, FilterSetId, ipSecIpsoFilterSetOrder, ipso_sets),
	SET(ipSecRuleTimePeriodSet, RuleTimePeriodSetId, 0, period_sets),
#undef SET
};

/* Classes that say which flows are meant and what is done with them. Read as 0, as many readers
 * would, a NULL means any port here, no direction there: a policy that says more than was said. */
static const enum pib_class_id said_in_full[] = {
	PIB_ipSecRule,
	PIB_ipSecSelectorSet,
	PIB_ipSecSelector,
	PIB_ipSecAddress,
	PIB_ipSecL4Port,
	PIB_ipSecActionSet,
	PIB_ipSecStaticAction,
	PIB_ipSecNegotiationAction,
};

/* What is wrong is noted, and the policy refused at the end (RFC 3084 §4.3: NULL is an error where
 * there is no default). */
static void refuse_nulls(struct build *b, enum pib_class_id class)
{
	struct pri_cursor c = pri_store_class(b->store, class);
	struct pib_fault fault;
	struct error error;
	struct pri_row row;
	struct pri pri;

	while (pri_store_next(&c, &row)) {
		if (pri_row_decode(&row, &pri, &fault, &error))
			continue;
		for (unsigned n = 1; n <= pri.class->attribute_count; n++)
			if (pri.values[n - 1].state == PRI_NULL)
				refuse(b, &pri, n, PIB_FAULT_VALUE, "%s is NULL and has no default",
					pri.class->attributes[n - 1].name);
	}
}

enum err policy_new(const struct pri_store *store, struct policy **ret,
	struct pri_failures *failures, struct error *error)
{
	return policy_new_filled(store, NULL, ret, failures, error);
}

enum err policy_new_filled(const struct pri_store *store, const struct policy_filling *filling,
	struct policy **ret, struct pri_failures *failures, struct error *error)
{
	struct build b = {
		.store = store, .filling = filling, .failures = failures, .error = error};
	enum err err = E_OK;

	b.policy = calloc(1, sizeof *b.policy);
	if (!b.policy)
		return error_set(error, E_MEMORY, "no memory for the policy");
	arena_init(&b.policy->arena, ARENA_MAX);
	for (size_t i = 0; i < sizeof said_in_full / sizeof *said_in_full; i++)
		refuse_nulls(&b, said_in_full[i]);
	err = build_needs(&b);
	for (size_t i = 0; i < sizeof collections / sizeof *collections && !err; i++)
		err = build_collect(&b, collections[i].class, collections[i].tag,
			collections[i].order,
			(struct tag_list *)(void *)((char *)&b + collections[i].list));
	if (!err)
		err = policy_build_names(&b);
	if (!err)
		err = build_groups(&b);
	if (!err)
		err = policy_build_protections(&b);
	if (!err)
		err = build_offers(&b);
	if (!err)
		err = policy_build_rules(&b);
	b.policy->needs = b.needs;
	b.policy->need_count = b.need_count;
	if (b.err) {
		policy_free(b.policy);
		return b.err;
	}
	*ret = b.policy;
	return E_OK;
}

struct policy *policy_free(struct policy *policy)
{
	if (policy) {
		for (const struct policy_secret *s = policy->secrets; s; s = s->next)
			explicit_bzero((void *)(uintptr_t)s->octets.data, s->octets.len);
		arena_fini(&policy->arena);
		free(policy);
	}
	return NULL;
}
