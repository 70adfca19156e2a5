/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a publisher wants of a decision point: copsecPublication, which stands first in a request of
 * client-type 0x4953, before the objects of a bundle if the action has one.
 */
#ifndef COPSEC_PIB_PUBLISHING_ORDER_H
#define COPSEC_PIB_PUBLISHING_ORDER_H

#include "pib/schema/pri.h"

struct publishing_order {
	enum publishing_action {
		PUBLISHING_PUBLISH = copsecPublicationAction_publish,
		PUBLISHING_TRY = copsecPublicationAction_try,
		PUBLISHING_PROMOTE = copsecPublicationAction_promote,
		PUBLISHING_FOLLOW = copsecPublicationAction_follow,
		PUBLISHING_FETCH = copsecPublicationAction_fetch,
	} action;
	bool on_condition; /* that `base` is the newest publication there */
	uint64_t base;
	uint64_t serial; /* to promote */
	uint32_t share;  /* of the nodes that try, in percent; 0: `roles` say which */
	struct view roles;
};

/* Appends it; what has no meaning for the action is left out. */
enum err publishing_order_put(
	const struct publishing_order *order, struct buffer *out, struct error *error) MUST_USE;

/*
 * Takes it off the objects of a request, in which `roles` then borrows. Objects that begin
 * otherwise are a bundle to publish on no condition. E_RANGE, E_SYNTAX and the like for a wrong
 * one, E_UNEXPECTED for a bundle where the action has none, E_MISSING for none where it has one.
 */
enum err publishing_order_take(
	struct view *objects, struct publishing_order *ret_order, struct error *error) MUST_USE;

#endif
