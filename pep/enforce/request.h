/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a REQ says of this node (RFC 3318 section 2.3): what is in force
 * (frwkPibIncarnation with the serial of the index, copsecPolicySet for each set), what the node is
 * and how much it takes (frwkDeviceId), which classes and attributes it supports and with which
 * limits (frwkPrcSupport, frwkCompLimits), what its interfaces can do (frwkCapabilitySet,
 * ipSecIfCaps, copsecAlgorithm) and which role combinations they have (frwkRoleCombo, frwkIfRoleCombo; the node's
 * own combination is a frwkRoleCombo without interface).
 */
#ifndef COPSEC_PEP_ENFORCE_REQUEST_H
#define COPSEC_PEP_ENFORCE_REQUEST_H

#include "pep/enforce/interfaces.h"
#include "pib/framework/capabilities.h"
#include "pib/set/state.h"

struct request_input {
	const struct state *state;      /* NULL: nothing is in force */
	struct view pdp_name;           /* who installed it; may be empty */
	const char *description;        /* of node and software */
	const struct node_interfaces *interfaces;
	const struct capability_algorithms *algorithms; /* NULL: not known */
};

/* Append PRID and EPD objects: frwkPibIncarnation, which says whether the rest is all of it, and the
 * rest. Of one node, the same PRI has the same instance in all requests. */
enum err request_put_incarnation(const struct request_input *input, bool full_state,
                                 struct buffer *out, struct error *e) MUST_USE;
enum err request_put_state(const struct request_input *input, struct buffer *out,
                           struct error *e) MUST_USE;

/* The combination of one interface by the assignment in force; empty without one. */
struct view request_interface_roles(const struct state *state, const char *interface);

#endif
