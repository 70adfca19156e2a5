/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/publishing/order.h"

#include "common/cops/pr.h"
#include "pib/framework/roles.h"

/* What belongs to which action. */
static const struct {
	const char *name;
	bool bundle, conditional, serial, chooses;
} actions[] = {
	[PUBLISHING_PUBLISH] = {"publish", .bundle = true, .conditional = true},
	[PUBLISHING_TRY] = {"try", .bundle = true, .conditional = true, .chooses = true},
	[PUBLISHING_PROMOTE] = {"promote", .conditional = true, .serial = true},
	[PUBLISHING_FOLLOW] = {.name = "follow"},
	[PUBLISHING_FETCH] = {.name = "fetch"},
};

enum err publishing_order_put(
	const struct publishing_order *order, struct buffer *out, struct error *error)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecPublication, 1);
	pri_set_i32(&pri, copsecPublicationAction, (int32_t)order->action);
	if (actions[order->action].serial)
		pri_set_u64(&pri, copsecPublicationSerial, order->serial);
	if (actions[order->action].conditional)
		pri_set_u64(&pri, copsecPublicationBase, order->base);
	if (actions[order->action].chooses && order->share)
		pri_set_u32(&pri, copsecPublicationShare, order->share);
	else if (actions[order->action].chooses)
		pri_set_octets(&pri, copsecPublicationRoles, order->roles);
	return pri_put(out, &pri, error);
}

static enum err check_choice(const struct publishing_order *order, struct error *error)
{
	if (!role_combination_valid(order->roles))
		return error_set(error, E_SYNTAX, "publication: the roles are none");
	if ((order->share == 0) == (order->roles.len == 0))
		return error_set(error, E_RANGE,
			"publication: either a share of the nodes tries it or roles");
	return E_OK;
}

static enum err read_order(
	const struct pri *pri, struct publishing_order *ret_order, struct error *error)
{
	*ret_order = (struct publishing_order){
		.action = (enum publishing_action)pri_i32(pri, copsecPublicationAction),
		.on_condition = true,
		.base = pri_u64(pri, copsecPublicationBase),
		.serial = pri_u64(pri, copsecPublicationSerial),
		.share = pri_u32(pri, copsecPublicationShare),
		.roles = pri_octets(pri, copsecPublicationRoles),
	};
	if (!pri_has(pri, copsecPublicationAction))
		return error_set(error, E_MISSING, "publication: no action");
	return actions[ret_order->action].chooses ? check_choice(ret_order, error) : E_OK;
}

enum err publishing_order_take(
	struct view *objects, struct publishing_order *ret_order, struct error *error)
{
	struct cursor run = cursor_over(*objects);
	struct pr_object prid_object, epd_object;
	struct pib_fault fault;
	struct prid prid;
	struct pri pri;
	enum err result;

	if (pr_next(&run, &prid_object) || prid_object.s_num != PR_PRID ||
		prid_decode(prid_object.contents, &prid, &fault, error) ||
		prid.class->id != PIB_copsecPublication) {
		*ret_order = (struct publishing_order){.action = PUBLISHING_PUBLISH};
		return E_OK;
	}
	if (pr_next(&run, &epd_object) || epd_object.s_num != PR_EPD)
		return error_set(error, E_TRUNCATED, "publication: without its values");
	result = epd_decode(&prid, epd_object.contents, &pri, &fault, error);
	if (!result)
		result = read_order(&pri, ret_order, error);
	if (result)
		return result;
	*objects = cursor_rest(&run);
	if (objects->len && !actions[ret_order->action].bundle)
		return error_set(error, E_UNEXPECTED, "publication: nothing follows to %s",
			actions[ret_order->action].name);
	if (!objects->len && actions[ret_order->action].bundle)
		return error_set(error, E_MISSING, "publication: no bundle to %s",
			actions[ret_order->action].name);
	return E_OK;
}
