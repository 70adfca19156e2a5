/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a PEP may wish of its session; session.h says how to drive one.
 *
 * session_new() begins with the negotiation of TLS. pep_session_open() may be called at once: the
 * Client-Open goes out as soon as the connection is secure. After OPENED come requests; each
 * DECISION obliges the user to one pep_session_report(), in the order of the decisions of a
 * handle, NULL decisions included. What is malformed never gets that far: the session answers it
 * (RPT Failure, DRQ or CC) and says so by REFUSED, STATE_LOST or CLIENT_CLOSED.
 *
 * All wishes fail E_CLOSED after the end, E_LIMIT when a limit is reached, E_NOT_FOUND for a
 * client-type, handle or decision that is not there. Opening, requesting, updating and telling
 * also fail E_LIMIT while congested; answers do not.
 *
 * `named` are COPS-PR objects in any number of pieces, each of whole bindings; they are copied and
 * spread over as many Named ClientSIs as needed.
 */
#ifndef COPSEC_COMMON_SESSION_PEP_H
#define COPSEC_COMMON_SESSION_PEP_H

#include "common/session/session.h"

/* `last`: the PDP whose decisions are all in force, NULL if there is none; said as LastPDPAddr. */
enum err pep_session_open(struct session *s, uint16_t client_type, const struct endpoint *last,
	uint64_t now) MUST_USE;
/* A new request state. */
enum err pep_session_request(struct session *s, uint16_t client_type, const struct view *named,
	size_t count, uint64_t now, uint32_t *ret_handle) MUST_USE;
/* Another REQ on a state; E_AGAIN while the last one is not answered. */
enum err pep_session_update(struct session *s, uint32_t handle, const struct view *named,
	size_t count, uint64_t now) MUST_USE;
/* The one solicited report of a decision; E_UNEXPECTED while an earlier one of the same handle is
 * not reported. */
enum err pep_session_report(struct session *s, uint32_t decision, enum cops_report_type type,
	const struct view *named, size_t count) MUST_USE;
/* A later failure of what was installed, or accounting. Accounting fails E_DENIED where the PDP
 * wants none, and E_AGAIN before pep_session_accounting_due(). */
enum err pep_session_tell(struct session *s, uint32_t handle, enum cops_report_type type,
	const struct view *named, size_t count, uint64_t now) MUST_USE;
/* From when on the next accounting report of a client-type may go out: AcctTimer. SESSION_NEVER
 * where the PDP wants none or the client-type is not open. */
uint64_t pep_session_accounting_due(const struct session *s, uint16_t client_type);
/* DRQ; decisions of the state that are not reported yet need no report any more. */
enum err pep_session_delete(
	struct session *s, uint32_t handle, enum cops_reason_code reason) MUST_USE;
/* A keep-alive now; the answer to it is told as SESSION_ALIVE. */
enum err pep_session_ask_alive(struct session *s) MUST_USE;
/* SSC: all requests that SYNCHRONIZE asked for are sent. */
enum err pep_session_synchronized(
	struct session *s, uint16_t client_type, uint32_t handle) MUST_USE;

#endif
