/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/publishing/standing.h"

#include <string.h>

#include "common/cops/pr.h"

static const char *const words[STANDINGS_END] = {
	[STANDING_IN_FORCE] = "in force",
	[STANDING_FAILED] = "failed",
	[STANDING_BEHIND] = "behind",
	[STANDING_CONNECTED] = "connected",
	[STANDING_SILENT] = "silent",
	[STANDING_AWAY] = "away",
	[STANDING_NEVER_SEEN] = "never seen",
};

const char *publishing_standing_word(enum publishing_standing standing)
{
	return (unsigned)standing < STANDINGS_END && words[standing] ? words[standing] : "";
}

bool node_standing_equal(const struct node_standing *a, const struct node_standing *b)
{
	return view_equal(a->node, b->node) && a->standing == b->standing &&
	       a->serial == b->serial && a->since == b->since && a->reported == b->reported &&
	       a->tries == b->tries && view_equal(a->reason, b->reason);
}

static struct view cut(struct view text, size_t most)
{
	return VIEW(text.data, text.len < most ? text.len : most);
}

enum err publishing_state_put(
	const struct publishing_state *state, struct buffer *out, struct error *error)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecPublicationState, 1);
	pri_set_octets(&pri, copsecPublicationStateTenant, cut(state->tenant, PUBLISHING_NAME_MAX));
	pri_set_u64(&pri, copsecPublicationStateSerial, state->serial);
	pri_set_u64(&pri, copsecPublicationStateTried, state->tried);
	pri_set_u32(&pri, copsecPublicationStateShare, state->share);
	pri_set_octets(&pri, copsecPublicationStateRoles, state->roles);
	pri_set_octets(&pri, copsecPublicationStatePublisher,
		state->has_publisher ? VIEW(state->publisher.sha256, PIN_SIZE) : VIEW_NONE);
	pri_set_u64(&pri, copsecPublicationStatePublished, state->published);
	pri_set_u32(&pri, copsecPublicationStateNodes, state->nodes);
	return pri_put(out, &pri, error);
}

enum err node_standing_put(const struct node_standing *node, uint32_t instance, struct buffer *out,
	struct error *error)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecNodeStanding, instance);
	pri_set_octets(&pri, copsecNodeStandingNode, cut(node->node, PUBLISHING_NAME_MAX));
	pri_set_i32(&pri, copsecNodeStandingStanding, (int32_t)node->standing);
	pri_set_u64(&pri, copsecNodeStandingSerial, node->serial);
	pri_set_u64(&pri, copsecNodeStandingSince, node->since);
	pri_set_u64(&pri, copsecNodeStandingReported, node->reported);
	pri_set_bool(&pri, copsecNodeStandingTries, node->tries);
	pri_set_octets(&pri, copsecNodeStandingReason, cut(node->reason, PUBLISHING_REASON_MAX));
	return pri_put(out, &pri, error);
}

static struct publishing_state read_state(const struct pri *pri)
{
	struct view publisher = pri_octets(pri, copsecPublicationStatePublisher);
	struct publishing_state state = {
		.tenant = pri_octets(pri, copsecPublicationStateTenant),
		.serial = pri_u64(pri, copsecPublicationStateSerial),
		.tried = pri_u64(pri, copsecPublicationStateTried),
		.share = pri_u32(pri, copsecPublicationStateShare),
		.roles = pri_octets(pri, copsecPublicationStateRoles),
		.has_publisher = publisher.len == PIN_SIZE,
		.published = pri_u64(pri, copsecPublicationStatePublished),
		.nodes = pri_u32(pri, copsecPublicationStateNodes),
	};

	if (state.has_publisher)
		memcpy(state.publisher.sha256, publisher.data, PIN_SIZE);
	return state;
}

static enum err read_node(const struct pri *pri, struct node_standing *ret, struct error *error)
{
	*ret = (struct node_standing){
		.node = pri_octets(pri, copsecNodeStandingNode),
		.standing = (enum publishing_standing)pri_i32(pri, copsecNodeStandingStanding),
		.serial = pri_u64(pri, copsecNodeStandingSerial),
		.since = pri_u64(pri, copsecNodeStandingSince),
		.reported = pri_u64(pri, copsecNodeStandingReported),
		.tries = pri_bool(pri, copsecNodeStandingTries),
		.reason = pri_octets(pri, copsecNodeStandingReason),
	};
	if (!pri_has(pri, copsecNodeStandingStanding) || !ret->node.len)
		return error_set(error, E_MISSING, "standing: without its node");
	return E_OK;
}

enum err publishing_next(struct cursor *run, struct publishing_item *ret_item, struct error *error)
{
	struct pr_object prid_object, epd_object;
	struct pib_fault fault;
	struct prid prid;
	enum err result;

	ret_item->kind = PUBLISHING_END;
	if (!cursor_left(run))
		return E_OK;
	if (pr_next(run, &prid_object) || prid_object.s_num != PR_PRID ||
		pr_next(run, &epd_object) || epd_object.s_num != PR_EPD)
		return error_set(error, E_PROTOCOL, "what is installed is no PRIDs and EPDs");
	result = prid_decode(prid_object.contents, &prid, &fault, error);
	if (!result)
		result = epd_decode(&prid, epd_object.contents, &ret_item->pri, &fault, error);
	if (result)
		return result;
	ret_item->instance = prid.instance;
	switch (prid.class->id) {
	case PIB_copsecPublicationState:
		ret_item->kind = PUBLISHING_STATE;
		ret_item->state = read_state(&ret_item->pri);
		return E_OK;
	case PIB_copsecNodeStanding:
		ret_item->kind = PUBLISHING_NODE;
		return read_node(&ret_item->pri, &ret_item->node, error);
	default:
		ret_item->kind = PUBLISHING_OTHER;
		return E_OK;
	}
}
