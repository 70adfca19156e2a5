/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/groups.h"

#include <stdlib.h>
#include <string.h>

#include "pib/set/delegation.h"
#include "pib/store/store.h"

static enum err no_memory(struct error *e)
{
	return error_set(e, E_MEMORY, "out of memory");
}

/* --- who may be put in --- */

static enum err add_permissions(struct reading *r, const struct delegation *d, struct error *e)
{
	struct reading_permission *all = arena_calloc(
		&r->arena, r->permission_count + d->prefix_count + 1, sizeof *all);

	if (!all)
		return no_memory(e);
	if (r->permission_count)
		memcpy(all, r->permissions, r->permission_count * sizeof *all);
	r->permissions = all;
	for (size_t i = 0; i < d->prefix_count; i++) {
		const struct grant *grant = &d->grants[d->prefixes[i].grant - 1];
		const struct inet_prefix *p = &d->prefixes[i].prefix;
		struct reading_permission *one = &all[r->permission_count];

		if (grant->kind != GRANT_GROUP)
			continue;
		one->group = (const char *)arena_copy(&r->arena, grant->name).data;
		if (!one->group)
			return no_memory(e);
		one->addresses.family = p->type == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
		one->addresses.prefix_length = (uint8_t)p->length;
		memcpy(one->addresses.min, p->address.data, p->address.len);
		memcpy(one->addresses.max, p->address.data, p->address.len);
		r->permission_count++;
	}
	return E_OK;
}

enum err groups_permitted(struct reading *r, const struct bundle *bundle, struct error *e)
{
	enum err code = E_OK;

	for (size_t i = 0; i < bundle->delegation_count && !code; i++) {
		struct delegation d;

		code = bundle_delegation(bundle, i, &r->arena, &d, e);
		if (!code)
			code = add_permissions(r, &d, e);
	}
	return code;
}

static bool is_permitted(const struct reading_permission *p, const char *group)
{
	return strcmp(p->group, "*") == 0 || strcmp(p->group, group) == 0;
}

/* --- which selectors name groups --- */

/* The group with this tag, if somebody may be put into it; else NULL. */
static const char *group_of(const struct reading *r, const struct policy *policy, uint32_t tag)
{
	for (size_t i = 0; tag && i < policy->group_count; i++) {
		const struct policy_group *group = &policy->groups[i];

		for (size_t k = 0; group->tag == tag && group->authority == POLICY_BY_DIRECTORY &&
				   k < r->permission_count;
			k++)
			if (is_permitted(&r->permissions[k], group->name))
				return group->name;
	}
	return NULL;
}

/* Calls `take` for each selector of each rule. */
typedef void use_fn(void *context, const struct group_use *use);

static enum err each_use(const struct reading *r, const struct reading_set *set, use_fn *take,
	void *context, struct error *e)
{
	struct pri_cursor c = pri_store_class(set->store, PIB_ipSecSelectorSet);
	uint32_t *tags = calloc(set->policy->rule_count + 1, sizeof *tags);
	struct pri_row row;
	enum err code = tags ? E_OK : no_memory(e);

	for (size_t i = 0; !code && i < set->policy->rule_count; i++) {
		struct pri rule;

		if (pri_store_get(
			    set->store, PIB_ipSecRule, set->policy->rules[i].instance, &rule))
			tags[i] = pri_u32(&rule, ipSecRuleIpSecSelectorSetId);
	}
	while (!code && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct pri entry, selector;
		struct prid prid;
		struct group_use use = {0};

		code = pri_row_decode(&row, &entry, &fault, e);
		if (code)
			break;
		if (!pri_prid(&entry, ipSecSelectorSetSelectorId, &prid) ||
			!pri_store_get(set->store, PIB_ipSecSelector, prid.instance, &selector))
			continue;
		use.source = group_of(
			r, set->policy, pri_u32(&selector, ipSecSelectorSrcAddressGroupId));
		use.destination = group_of(
			r, set->policy, pri_u32(&selector, ipSecSelectorDstAddressGroupId));
		if (!use.source && !use.destination)
			continue;
		for (use.rule = 0; use.rule < set->policy->rule_count; use.rule++)
			if (tags[use.rule] == pri_u32(&entry, ipSecSelectorSetSelectorSetId))
				take(context, &use);
	}
	free(tags);
	return code;
}

static void count_use(void *context, const struct group_use *use)
{
	(void)use;
	++*(size_t *)context;
}

static void keep_use(void *context, const struct group_use *use)
{
	struct reading_set *set = context;

	set->uses[set->use_count++] = *use;
}

enum err groups_uses(struct reading *r, struct reading_set *set, struct error *e)
{
	size_t count = 0;
	enum err code;

	if (set->policy->group_count == 0)
		return E_OK;
	code = each_use(r, set, count_use, &count, e);
	if (code)
		return code;
	set->uses = arena_calloc(&r->arena, count + 1, sizeof *set->uses);
	return set->uses ? each_use(r, set, keep_use, set, e) : no_memory(e);
}

/* --- filled --- */

struct filling {
	const struct reading *r;
	const struct reading_set *set;
	const struct circumstances *when;
	uint32_t next; /* free InstanceIds and TagIds, from the end of the block */
	struct buffer rows;
	struct error *e;
};

static const struct policy_group *find_group(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->group_count; i++)
		if (strcmp(policy->groups[i].name, name) == 0)
			return &policy->groups[i];
	return NULL;
}

static enum err put_member(struct filling *f, uint32_t tag, const struct address_range *a)
{
	const size_t octets = a->family == FAMILY_IPV6 ? 16 : 4;
	struct pri pri;

	pri_init(&pri, PIB_ipSecAddress, f->next);
	pri_set_u32(&pri, ipSecAddressPrid, f->next--);
	pri_set_i32(&pri, ipSecAddressAddressType,
		a->family == FAMILY_IPV6 ? ipSecAddressAddressType_ipv6
					 : ipSecAddressAddressType_ipv4);
	pri_set_u32(&pri, ipSecAddressAddrPrefixLength, a->prefix_length);
	pri_set_octets(&pri, ipSecAddressAddrMin, VIEW(a->min, octets));
	pri_set_octets(&pri, ipSecAddressAddrMax, VIEW(a->max, octets));
	pri_set_u32(&pri, ipSecAddressGroupId, tag);
	return pri_put(&f->rows, &pri, f->e);
}

/* What home names, under the tag of the filled group. */
static enum err copy_members(struct filling *f, uint32_t from, uint32_t to)
{
	struct pri_cursor c = pri_store_class(f->set->store, PIB_ipSecAddress);
	struct pri_row row;
	enum err code = E_OK;

	while (!code && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct pri pri;

		code = pri_row_decode(&row, &pri, &fault, f->e);
		if (code || pri_u32(&pri, ipSecAddressGroupId) != from)
			continue;
		pri.instance = f->next;
		pri_set_u32(&pri, ipSecAddressPrid, f->next--);
		pri_set_u32(&pri, ipSecAddressGroupId, to);
		code = pri_put(&f->rows, &pri, f->e);
	}
	return code;
}

static enum err fill_group(struct filling *f, const struct condition *c, uint32_t tag)
{
	const struct policy_group *group = find_group(f->set->policy, c->name);
	enum err code = copy_members(f, group->tag, tag);

	for (size_t i = 0; c->members && i < c->members->count && !code; i++)
		code = put_member(f, tag, &c->members->items[i]);
	for (size_t i = 0; !c->members && i < f->r->permission_count && !code; i++)
		if (is_permitted(&f->r->permissions[i], c->name))
			code = put_member(f, tag, &f->r->permissions[i].addresses);
	return code;
}

/* The selector names the filled group where it named the other. */
static void rename_group(
	struct filling *f, struct pri *selector, unsigned attribute, bool source, uint32_t first_tag)
{
	const uint32_t was = pri_u32(selector, attribute);

	for (size_t i = 0; was && i < f->when->count; i++) {
		const struct condition *c = &f->when->on[i];
		const struct policy_group *group =
			c->kind == CONDITION_MEMBERS ? find_group(f->set->policy, c->name) : NULL;

		if (group && group->tag == was && (source ? c->source : c->destination))
			pri_set_u32(selector, attribute, first_tag - (uint32_t)i);
	}
}

static enum err put_rows(struct filling *f, uint32_t first_tag)
{
	struct pri_cursor c = pri_store_all(f->set->store);
	struct pri_row row;
	enum err code = E_OK;

	while (!code && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct pri pri;

		if (row.prid.class->id != PIB_ipSecSelector) {
			buffer_put_view(&f->rows, row.objects);
			continue;
		}
		code = pri_row_decode(&row, &pri, &fault, f->e);
		if (code)
			break;
		rename_group(f, &pri, ipSecSelectorSrcAddressGroupId, true, first_tag);
		rename_group(f, &pri, ipSecSelectorDstAddressGroupId, false, first_tag);
		code = pri_put(&f->rows, &pri, f->e);
	}
	return code;
}

enum err groups_fill(struct reading *r, const struct reading_set *set,
	const struct circumstances *when, struct policy **ret, struct error *e)
{
	struct filling f = {.r = r, .set = set, .when = when, .e = e};
	const uint32_t first_tag = block_last(block_with(set->policy->groups[0].tag));
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct view rows;
	enum err code;

	f.next = first_tag;
	buffer_init(&f.rows, PRI_STORE_MAX_OCTETS);
	code = put_rows(&f, first_tag);
	for (size_t i = 0; i < when->count && !code; i++)
		if (when->on[i].kind == CONDITION_MEMBERS)
			code = fill_group(&f, &when->on[i], first_tag - (uint32_t)i);
	pri_failures_init(&failures);
	rows = buffer_view(&f.rows);
	if (!code && f.rows.error)
		code = no_memory(e);
	if (!code)
		code = pri_store_build(&rows, 1, &store, &failures, e);
	if (!code)
		code = policy_new(store, ret, &failures, e);
	pri_store_free(store);
	buffer_fini(&f.rows);
	return code;
}
