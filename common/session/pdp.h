/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a PDP may wish of a session; session.h says how to drive one.
 *
 * OPENING must be answered by pdp_session_accept() or pdp_session_refuse(), at once or later; each
 * REQUEST by exactly one decision (the first that is sent after it), NULL if there is nothing to
 * say. Decisions are numbered; REPORT names the decision that it answers, in the order in which a
 * state's decisions were sent. What is malformed is answered by the session (DEC with Error, CC).
 *
 * All wishes fail E_CLOSED after the end and E_NOT_FOUND for a client-type or state that is not
 * there; a decision that answers no request fails E_LIMIT while congested.
 */
#ifndef COPSEC_COMMON_SESSION_PDP_H
#define COPSEC_COMMON_SESSION_PDP_H

#include "common/session/session.h"

enum err pdp_session_accept(struct session *s, uint16_t client_type) MUST_USE;
enum err pdp_session_refuse(struct session *s, uint16_t client_type, enum cops_error_code code,
	uint16_t sub_code) MUST_USE;
/* Answers a Client-Open or closes a client-type, with Error 12 and PDPRedirAddr; with
 * COPS_CLIENT_CONNECTION all of them, and that is the end (event CLOSED). */
enum err pdp_session_redirect(
	struct session *s, uint16_t client_type, const struct endpoint *to) MUST_USE;

/* One transaction: removes first. The pieces hold whole COPS-PR objects and whole bindings; they
 * are copied and spread over as many decisions of the one DEC as needed. */
struct pdp_transaction {
	const struct view *removes; /* PRID and PPRID */
	size_t remove_count;
	const struct view *installs; /* PRID and EPD */
	size_t install_count;
};
enum err pdp_session_decide(struct session *s, uint32_t state, const struct pdp_transaction *t,
	uint32_t *ret_decision) MUST_USE;
enum err pdp_session_decide_null(
	struct session *s, uint32_t state, uint32_t *ret_decision) MUST_USE;
/* Answers a request by an Error object; E_UNEXPECTED if none waits. A state that never had a
 * decision is gone. No report follows. */
enum err pdp_session_decide_error(
	struct session *s, uint32_t state, enum cops_error_code code, uint16_t sub_code) MUST_USE;
/* Request-State: COPS_INSTALL asks for another request state, COPS_REMOVE to delete this one. */
enum err pdp_session_decide_state(struct session *s, uint32_t state, enum cops_command command,
	uint32_t *ret_decision) MUST_USE;
/* SSQ; state 0: all of the client-type. */
enum err pdp_session_synchronize(struct session *s, uint16_t client_type, uint32_t state) MUST_USE;

#endif
