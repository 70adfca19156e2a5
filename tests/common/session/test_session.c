/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "common/session/status.h"
#include "tests/common/cops/octets.h"
#include "tests/common/session/play.h"
#include "tests/suite.h"

START_TEST(a_life_of_a_session)
{
	struct pair p;
	struct play play;
	struct pdp_transaction t = {0};
	struct view prid = octets_of_hex("0008010106022b06000403010008010106022b0600040301");
	uint32_t number;

	begin(&p, &play);
	ck_assert_uint_eq(play.decision, 1);
	ck_assert_uint_eq(play.pdp.decision, 1);
	ck_assert_uint_eq(play.pep_seen[SESSION_SECURE], 1);

	/* An unsolicited decision with data. */
	t.installs = &prid;
	t.install_count = 1;
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert_uint_eq(number, 2);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 install\n> RPT 4950 solicited Success\n");
	ck_assert_uint_eq(play.pdp.decision, 2);

	/* A failure of later, then accounting. */
	ok(pep_session_tell(p.pep, play.handle, COPS_FAILURE, NULL, 0, p.now));
	pair_run(&p);
	ck_assert_uint_eq(play.pdp.decision, 0);
	ck_assert_uint_eq(play.pdp.report, COPS_FAILURE);
	ok(pep_session_tell(p.pep, play.handle, COPS_ACCOUNTING, &prid, 1, p.now));
	ck_assert_int_eq(
		pep_session_tell(p.pep, play.handle, COPS_SUCCESS, NULL, 0, p.now), E_RANGE);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> RPT 4950 Failure\n> RPT 4950 Accounting\n");

	/* Another request on the same handle. */
	ok(pep_session_update(p.pep, play.handle, &prid, 1, p.now));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> REQ 4950\n< DEC 4950 solicited null\n"
					 "> RPT 4950 solicited Success\n");

	ok(pep_session_delete(p.pep, play.handle, COPS_REASON_MANAGEMENT));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> DRQ 4950 2/0000\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_DELETED);
	ck_assert_uint_eq(play.pdp.code, COPS_REASON_MANAGEMENT);

	session_close(p.pep, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> CC 4950 11/0000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_CLOSED);
	ck_assert_int_eq(play.pdp.kind, SESSION_CLIENT_CLOSED);
	ck_assert(session_is_closed(p.pep));
	ck_assert_int_eq(pep_session_open(p.pep, CT, NULL, p.now), E_CLOSED);
	octets_free(prid);
	pair_fini(&p);
}
END_TEST

/* Cut anywhere and joined anyhow, the same is said. */
START_TEST(octets_in_pieces_of_every_size)
{
	for (size_t cut = 1; cut < 80; cut++) {
		struct pair p;
		struct play play;

		set_up(&p, &play);
		p.cut = cut;
		pair_start(&p, PAIR_BOTH);
		ok(pep_session_open(p.pep, CT, NULL, p.now));
		pair_run(&p);
		ck_assert_str_eq(pair_trace(&p), LIFE);
		ck_assert(!session_in_message(p.pep) && !session_in_message(p.pdp));
		pair_fini(&p);
	}
}
END_TEST

START_TEST(messages_joined_in_one_delivery)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	pair_say_hex(&p, REQ REQ "1009000000000008"
				 "1009000000000008" REQ);
	ck_assert_str_eq(pair_trace(&p),
		"< DEC 4950 solicited null\n< DEC 4950 solicited null\n< KA\n< KA\n"
		"< DEC 4950 solicited null\n");
	pair_fini(&p);
}
END_TEST

START_TEST(a_message_in_part_is_known_as_such)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	pair_say_hex(&p, "10014950");
	ck_assert(session_in_message(p.pdp));
	pair_say_hex(&p, "00000018" HANDLE CONTEXT);
	ck_assert(!session_in_message(p.pdp));
	ck_assert_uint_eq(play.requests, 1);
	pair_fini(&p);
}
END_TEST

/* --- Security --- */

START_TEST(a_pdp_refuses_who_does_not_ask_for_tls)
{
	static const struct {
		const char *why, *hex, *trace;
	} cases[] = {
		{"a client-type at once", OPN, "< CC 15/1002\n"},
		{"something else at once", "1009000000000008", "< CC 15/1002\n"},
		{"HMAC instead",
			"100600000000003400140b01706570312e6578616d706c6500000000001810010000000100"
			"00000a"
			"fafa6f899a2dab4a944f4293",
			"< CC 15/1002\n"},
		{"an Integrity that nobody knows",
			"1006000000000018"
			"00080b0170657000"
			"0008100300000001",
			"< CC 13/1003\n"},
		{"the object without its flag",
			"1006000000000018"
			"00080b0170657000"
			"0008100200000000",
			"< CC 15/1002\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		set_up(&p, &play);
		pair_start(&p, PAIR_PDP);
		pair_say_hex(&p, cases[i].hex);
		trace = pair_trace(&p);
		ck_assert_msg(!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
		ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_pdp_may_begin_with_tls_itself)
{
	struct pair p;
	struct play play;

	/* RFC 4261 section 5.2: OPN(0) without the object, CAT(0) with it. */
	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, "100600000000001000080b0170657000");
	ck_assert_str_eq(pair_trace(&p), "< CAT tls\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_START_TLS);
	pair_fini(&p);
}
END_TEST

START_TEST(a_plain_pdp_says_that_it_wants_no_security)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	p.pdp_config.security = SESSION_PLAIN;
	pair_start(&p, PAIR_BOTH);
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n< CC 15/1000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	ck_assert_uint_eq(play.pep_seen[SESSION_CLIENT_CLOSED], 1);
	pair_fini(&p);
}
END_TEST

START_TEST(a_pep_refuses_to_go_on_without_tls)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_say_hex(&p, "100700000000001000080a010000001e");
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n> CC 15/1002\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_DENIED);
	pair_fini(&p);
}
END_TEST

/* What a man in the middle puts before the handshake must not be taken as said inside it. */
START_TEST(octets_in_clear_during_the_handshake_end_it)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PEP);
	pair_say_hex(&p, "100700000000001800080a010000001e0008100200000001" CAT_30);
	ck_assert_str_eq(pair_trace(&p), "> OPN tls\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_DENIED);
	pair_fini(&p);

	set_up(&p, &play);
	p.hold_tls = true;
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, "100600000000001800080b01706570000008100200000001" OPN);
	ck_assert_str_eq(pair_trace(&p), "< CAT tls\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	pair_fini(&p);
}
END_TEST

START_TEST(a_second_negotiation_is_refused)
{
	struct pair p;
	struct play play;

	begin(&p, &play);
	session_free(p.pep);
	p.pep = NULL;
	pair_say_hex(&p, "100600000000001800080b01706570000008100200000001");
	ck_assert_str_eq(pair_trace(&p), "< CC 3/0000\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	pair_fini(&p);
}
END_TEST

START_TEST(who_does_not_open_in_time_is_closed)
{
	struct pair p;
	struct play play;

	/* Neither before TLS, nor during, nor after it. */
	for (int stage = 0; stage < 3; stage++) {
		set_up(&p, &play);
		p.hold_tls = stage < 2;
		pair_start(&p, PAIR_PDP);
		if (stage > 0)
			pair_say_hex(&p, "100600000000001800080b01706570000008100200000001");
		pair_pass(&p, 29 * 1000);
		ck_assert(!session_is_closed(p.pdp));
		pair_pass(&p, 1000);
		ck_assert(session_is_closed(p.pdp));
		ck_assert_int_eq(play.pdp.error.code, E_TIMEOUT);
		pair_fini(&p);
	}
	/* And a PEP does not wait for ever for CAT or handshake. */
	for (int stage = 0; stage < 2; stage++) {
		set_up(&p, &play);
		p.hold_tls = true;
		pair_start(&p, PAIR_PEP);
		if (stage > 0)
			pair_say_hex(&p, "100700000000001800080a010000001e0008100200000001");
		pair_pass(&p, 30 * 1000);
		ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
		ck_assert_int_eq(play.pep.error.code, E_TIMEOUT);
		ck_assert_str_eq(
			pair_trace(&p), stage ? "> OPN tls\n" : "> OPN tls\n> CC 9/0000\n");
		pair_fini(&p);
	}
}
END_TEST

/* --- Client-types --- */

START_TEST(several_client_types_on_one_connection)
{
	struct pair p;
	struct play play;

	begin(&p, &play);
	ok(pep_session_open(p.pep, COPS_CLIENT_PUBLISHING, NULL, p.now));
	ck_assert_int_eq(pep_session_open(p.pep, COPS_CLIENT_PUBLISHING, NULL, p.now), E_DUPLICATE);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p),
		"> OPN 4953\n< CAT 4953\n> REQ 4953\n"
		"< DEC 4953 solicited null\n> RPT 4953 solicited Success\n");
	/* One is refused, the others go on. */
	play.refuse = true;
	ok(pep_session_open(p.pep, COPS_CLIENT_VISITED, NULL, p.now));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> OPN 4952\n< CC 4952 6/0000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLIENT_CLOSED);
	ck_assert_uint_eq(play.pep.client_type, COPS_CLIENT_VISITED);
	ck_assert_uint_eq(play.pep.code, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE);

	/* One is closed by the PDP; its states go with it. */
	session_close(p.pdp, COPS_CLIENT_PUBLISHING, COPS_ERROR_SHUTTING_DOWN);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< CC 4953 11/0000\n");
	ck_assert_int_eq(pep_session_update(p.pep, play.handle, NULL, 0, p.now), E_NOT_FOUND);
	ck_assert(!session_is_closed(p.pep));

	/* A PDP that goes says so to each. */
	session_close(p.pdp, COPS_CLIENT_CONNECTION, COPS_ERROR_SHUTTING_DOWN);
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< CC 4950 11/0000\n");
	pair_fini(&p);
}
END_TEST

START_TEST(a_closed_client_type_takes_its_states_along)
{
	struct pair p;
	struct play play;
	uint32_t number, state;

	begin_pdp(&p, &play);
	pair_say_hex(&p, REQ);
	state = play.state;
	pair_say_hex(&p, "1008495000000010"
			 "00080801000b0000");
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, state, &number), E_NOT_FOUND);
	/* The same handle is another state now. */
	pair_say_hex(&p, OPN REQ);
	ck_assert(!play.pdp.again);
	ck_assert_uint_ne(play.state, state);
	/* And a connection with nothing open is not kept for ever, whatever it says. */
	pair_pass(&p, 25 * 1000);
	pair_say_hex(&p, "1008495000000010"
			 "00080801000b0000");
	pair_pass(&p, 20 * 1000);
	pair_say_hex(&p, "1009000000000008");
	pair_pass(&p, 9 * 1000);
	ck_assert(!session_is_closed(p.pdp));
	pair_pass(&p, 1000);
	ck_assert(session_is_closed(p.pdp));
	pair_fini(&p);
}
END_TEST

START_TEST(a_redirection_is_told)
{
	struct view cc = octets_of_hex("100849500000001c00080801000c0000000c0d01c000020900000cd8");
	struct pair p;
	struct play play;
	struct session_event e;

	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	ck_assert_uint_eq(session_receive(p.pep, cc, p.now), cc.len);
	ck_assert(session_next_event(p.pep, &e));
	ck_assert_int_eq(e.kind, SESSION_CLIENT_CLOSED);
	ck_assert_uint_eq(e.code, COPS_ERROR_REDIRECT);
	ck_assert_ptr_nonnull(e.redirect);
	ck_assert_mem_eq(e.redirect->server.address, "\xc0\x00\x02\x09", 4);
	ck_assert_uint_eq(e.redirect->server.port, 3288);
	ck_assert(!session_next_event(p.pep, &e));
	octets_free(cc);
	pair_fini(&p);
}
END_TEST

START_TEST(a_client_open_without_answer_is_given_up)
{
	struct pair p;
	struct play play;

	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_pass(&p, 30 * 1000);
	ck_assert_str_eq(pair_trace(&p), "> OPN 4950\n> CC 4950 9/0000\n");
	ck_assert_int_eq(play.pep.kind, SESSION_CLIENT_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_TIMEOUT);
	pair_fini(&p);
}
END_TEST

/* --- Keep-alive --- */

START_TEST(keep_alive_over_ten_hours)
{
	struct pair p;
	struct play play;
	const char *trace;
	unsigned count = 0;
	uint64_t last, least = UINT64_MAX, greatest = 0;

	begin(&p, &play);
	last = p.now;
	while (p.now < last + 36000 * 1000) {
		uint64_t before = p.now;

		pair_pass(&p, session_deadline(p.pep) - p.now);
		trace = pair_trace(&p);
		/* > KA, < KA and no answer to the echo. */
		ck_assert_str_eq(trace, "> KA\n< KA\n");
		count++;
		if (p.now - before < least)
			least = p.now - before;
		if (p.now - before > greatest)
			greatest = p.now - before;
	}
	/* Between a quarter and three quarters of 30 s, and evenly so. */
	ck_assert_uint_ge(least, 7500);
	ck_assert_uint_lt(least, 7700);
	ck_assert_uint_le(greatest, 22500);
	ck_assert_uint_gt(greatest, 22300);
	ck_assert_uint_gt(count, 2200);
	ck_assert_uint_lt(count, 2600);
	ck_assert_uint_eq(play.pep_seen[SESSION_ODD] + play.pdp_seen[SESSION_ODD], 0);
	pair_fini(&p);
}
END_TEST

START_TEST(silence_ends_both)
{
	struct pair p;
	struct play play;

	begin(&p, &play);
	p.deaf = true;
	pair_pass(&p, 29999);
	ck_assert(!session_is_closed(p.pep) && !session_is_closed(p.pdp));
	pair_pass(&p, 1);
	ck_assert_int_eq(play.pep.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pep.error.code, E_TIMEOUT);
	ck_assert_int_eq(play.pdp.kind, SESSION_CLOSED);
	ck_assert_int_eq(play.pdp.error.code, E_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(pair_trace(&p), "> CC 4950 9/0000\n"));
	pair_fini(&p);
}
END_TEST

START_TEST(the_least_timer_counts_and_zero_is_none)
{
	struct pair p;
	struct play play;

	/* 30 s from one client-type, 8 s from another, none from a third. */
	begin_pep(&p, &play);
	ok(pep_session_open(p.pep, COPS_CLIENT_VISITED, NULL, p.now));
	ok(pep_session_open(p.pep, COPS_CLIENT_PUBLISHING, NULL, p.now));
	pair_say_hex(&p, "100749520000001000080a0100000008"
			 "100749530000001000080a0100000000");
	pair_trace(&p);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t wait = session_deadline(p.pep) - p.now;

		ck_assert_uint_ge(wait, 2000);
		ck_assert_uint_le(wait, 6000);
		pair_pass(&p, wait);
		pair_say_hex(&p, "1009000000000008");
		ck_assert_str_eq(pair_trace(&p), "> KA\n");
		/* Two requests are answered by nobody. */
		if (i == 2)
			break;
	}
	/* Without the strict one, the other again. */
	session_close(p.pep, COPS_CLIENT_VISITED, COPS_ERROR_UNSPECIFIED);
	pair_pass(&p, 9000);
	ck_assert(!session_is_closed(p.pep));
	pair_fini(&p);

	set_up(&p, &play);
	p.pdp_config.ka_seconds = 0;
	pair_start(&p, PAIR_BOTH);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_run(&p);
	ck_assert_uint_eq(session_deadline(p.pep), SESSION_NEVER);
	ck_assert_uint_eq(session_deadline(p.pdp), SESSION_NEVER);
	pair_fini(&p);
}
END_TEST

START_TEST(any_traffic_is_life)
{
	struct pair p;
	struct play play;

	/* The PDP never echoes, but decides. */
	begin_pep(&p, &play);
	pair_say_hex(&p, DEC_NULL_SOLICITED);
	for (unsigned i = 0; i < 100; i++) {
		pair_pass(&p, 20 * 1000);
		pair_say_hex(&p, DEC_NULL);
	}
	ck_assert(!session_is_closed(p.pep));
	/* An octet of a long message will do. */
	pair_pass(&p, 20 * 1000);
	pair_say_hex(&p, "10");
	pair_pass(&p, 20 * 1000);
	ck_assert(!session_is_closed(p.pep));
	pair_pass(&p, 10 * 1000);
	ck_assert(session_is_closed(p.pep));
	pair_fini(&p);
}
END_TEST

/* --- Requests, decisions, reports --- */

START_TEST(one_request_outstanding_on_a_handle)
{
	struct pair p;
	struct play play;

	begin_pep(&p, &play);
	ck_assert_int_eq(pep_session_update(p.pep, play.handle, NULL, 0, p.now), E_AGAIN);
	pair_say_hex(&p, DEC_NULL_SOLICITED);
	ck_assert(play.pep.solicited);
	ok(pep_session_update(p.pep, play.handle, NULL, 0, p.now));
	/* An unsolicited decision that crosses the request does not answer it. */
	pair_say_hex(&p, DEC_NULL);
	ck_assert(!play.pep.solicited);
	ck_assert_int_eq(pep_session_update(p.pep, play.handle, NULL, 0, p.now), E_AGAIN);
	pair_say_hex(&p, DEC_NULL_SOLICITED);
	ok(pep_session_update(p.pep, play.handle, NULL, 0, p.now));
	pair_fini(&p);
}
END_TEST

START_TEST(each_request_has_one_solicited_decision)
{
	struct pair p;
	struct play play;
	uint32_t number;

	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ REQ);
	ck_assert_uint_eq(play.requests, 2);
	ck_assert(play.pdp.again);
	for (unsigned i = 1; i <= 3; i++) {
		ok(pdp_session_decide_null(p.pdp, play.state, &number));
		ck_assert_uint_eq(number, i);
	}
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 solicited null\n< DEC 4950 solicited null\n"
					 "< DEC 4950 null\n");
	ck_assert_int_eq(
		pdp_session_decide_error(p.pdp, play.state, COPS_ERROR_UNABLE, 0), E_UNEXPECTED);
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, play.state + 1, &number), E_NOT_FOUND);
	pair_fini(&p);
}
END_TEST

START_TEST(reports_go_out_once_and_in_order)
{
	struct pair p;
	struct play play;

	begin_pep(&p, &play);
	play.owe = true;
	pair_say_hex(&p, DEC_NULL_SOLICITED DEC_NULL DEC_NULL);
	ck_assert_uint_eq(play.decisions, 3);
	ck_assert_int_eq(pep_session_report(p.pep, 2, COPS_SUCCESS, NULL, 0), E_UNEXPECTED);
	ck_assert_int_eq(pep_session_report(p.pep, 1, COPS_ACCOUNTING, NULL, 0), E_RANGE);
	ok(pep_session_report(p.pep, 1, COPS_SUCCESS, NULL, 0));
	ck_assert_int_eq(pep_session_report(p.pep, 1, COPS_SUCCESS, NULL, 0), E_NOT_FOUND);
	ok(pep_session_report(p.pep, 2, COPS_FAILURE, NULL, 0));
	ok(pep_session_report(p.pep, 3, COPS_SUCCESS, NULL, 0));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p),
		"> RPT 4950 solicited Success\n> RPT 4950 solicited Failure\n"
		"> RPT 4950 solicited Success\n");
	pair_fini(&p);
}
END_TEST

START_TEST(request_states_at_the_wish_of_the_pdp)
{
	struct pair p;
	struct play play;
	uint32_t number, second;

	begin(&p, &play);
	play.owe = true;
	ok(pdp_session_decide_state(p.pdp, play.state, COPS_INSTALL, &number));
	pair_run(&p);
	ok(pep_session_report(p.pep, play.decision, COPS_SUCCESS, NULL, 0));
	ok(pep_session_request(p.pep, CT, NULL, 0, p.now, &second));
	ck_assert_uint_ne(second, play.handle);
	pair_run(&p);
	ok(pep_session_report(p.pep, play.decision, COPS_SUCCESS, NULL, 0));
	pair_run(&p);
	pair_trace(&p);
	ok(pdp_session_decide_state(p.pdp, play.state, COPS_REMOVE, &number));
	pair_run(&p);
	ok(pep_session_report(p.pep, play.decision, COPS_SUCCESS, NULL, 0));
	ok(pep_session_delete(p.pep, second, COPS_REASON_PDP_DIRECTIVE));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 remove-state\n> RPT 4950 solicited Success\n"
					 "> DRQ 4950 8/0000\n");
	pair_fini(&p);
}
END_TEST

START_TEST(synchronization)
{
	struct pair p;
	struct play play;

	begin(&p, &play);
	ok(pdp_session_synchronize(p.pdp, CT, 0));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p),
		"< SSQ 4950\n> REQ 4950\n> SSC 4950\n< DEC 4950 solicited null\n"
		"> RPT 4950 solicited Success\n");
	ck_assert_uint_eq(play.pdp_seen[SESSION_SYNCHRONIZED], 1);
	ok(pdp_session_synchronize(p.pdp, CT, play.state));
	pair_run(&p);
	ck_assert_uint_eq(play.pdp_seen[SESSION_SYNCHRONIZED], 2);
	ck_assert_int_eq(pdp_session_synchronize(p.pdp, CT, 77), E_NOT_FOUND);
	pair_fini(&p);

	/* A handle that the PEP does not have: deleted at once, reason 10. */
	begin_pep(&p, &play);
	pair_say_hex(&p, "1005495000000010"
			 "00080101000000ff");
	ck_assert_str_eq(pair_trace(&p), "> DRQ 4950 10/0000\n");
	pair_fini(&p);
}
END_TEST

START_TEST(a_request_without_decision_is_given_up)
{
	struct pair p;
	struct play play;
	uint32_t next;

	begin_pep(&p, &play);
	for (unsigned i = 0; i < 3; i++) {
		pair_pass(&p, 9 * 1000);
		pair_say_hex(&p, "1009000000000008");
	}
	pair_pass(&p, 3 * 1000);
	ck_assert_ptr_nonnull(strstr(pair_trace(&p), "> DRQ 4950 5/0000\n"));
	ck_assert_int_eq(play.pep.kind, SESSION_STATE_LOST);
	ck_assert_uint_eq(play.pep.state, 1);
	/* With a new handle. */
	ok(pep_session_request(p.pep, CT, NULL, 0, p.now, &next));
	ck_assert_uint_eq(next, 2);
	pair_fini(&p);
}
END_TEST

START_TEST(an_error_instead_of_a_decision)
{
	struct pair p;
	struct play play;

	/* No report; a state that never had a decision goes. */
	begin_pep(&p, &play);
	pair_say_hex(&p, "1102495000000018" HANDLE "0008080100040000");
	ck_assert_str_eq(pair_trace(&p), "> DRQ 4950 1/0000\n");
	ck_assert_uint_eq(play.pep_seen[SESSION_DENIED], 1);
	ck_assert_uint_eq(play.pep_seen[SESSION_STATE_LOST], 1);
	pair_fini(&p);

	/* One that had stays. */
	begin_pep(&p, &play);
	pair_say_hex(&p, DEC_NULL_SOLICITED);
	ok(pep_session_update(p.pep, play.handle, NULL, 0, p.now));
	pair_trace(&p);
	pair_say_hex(&p, "1102495000000018" HANDLE "0008080100040000");
	ck_assert_uint_eq(play.pep.code, COPS_ERROR_UNABLE);
	ck_assert_uint_eq(play.pep_seen[SESSION_STATE_LOST], 0);
	ok(pep_session_update(p.pep, play.handle, NULL, 0, p.now));
	pair_fini(&p);

	/* From the other side. */
	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ);
	ok(pdp_session_decide_error(p.pdp, play.state, COPS_ERROR_CLIENT_INFO_MISSING, 0));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 solicited 5/0000\n");
	ck_assert_int_eq(
		pdp_session_decide_error(p.pdp, play.state, COPS_ERROR_UNABLE, 0), E_NOT_FOUND);
	pair_fini(&p);
}
END_TEST

/* Publishing: a bundle in one request of many Named ClientSIs. */
START_TEST(a_request_of_megabytes)
{
	struct pair p;
	struct play play;
	struct buffer bindings;
	struct view pieces[2];
	static const uint8_t oid[] = {0x06, 0x03, 0x2b, 0x06, 0x01};
	static uint8_t epd[1000];
	uint32_t handle;

	begin(&p, &play);
	buffer_init(&bindings, 8 << 20);
	for (unsigned i = 0; i < 4000; i++) {
		pr_put(&bindings, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(&bindings, PR_EPD, VIEW(epd, i % sizeof epd));
	}
	pieces[0] = pieces[1] = buffer_view(&bindings);
	ok(pep_session_request(p.pep, CT, pieces, 2, p.now, &handle));
	ck_assert(session_congested(p.pep));
	ck_assert_int_eq(pep_session_request(p.pep, CT, NULL, 0, p.now, &handle), E_LIMIT);
	p.cut = 100000;
	pair_run(&p);
	ck_assert_uint_eq(play.requests, 2);
	ck_assert(!session_congested(p.pep));
	buffer_fini(&bindings);
	pair_fini(&p);
}
END_TEST

/* --- What a PEP answers to what is malformed --- */

START_TEST(malformed_decisions)
{
	static const struct {
		const char *why, *hex, *trace;
		enum session_event_kind kind;
		uint16_t code;
	} cases[] = {
		{"unknown object", "1002495000000018" HANDLE "0008140100000000",
			"> DRQ 4950 13/1401\n", SESSION_STATE_LOST, 13},
		{"an object overruns", "1002495000000018" HANDLE "0009020100080000",
			"> DRQ 4950 12/0000\n", SESSION_STATE_LOST, 12},
		{"no flags", "1002495000000018" HANDLE CONTEXT, "> DRQ 4950 12/0000\n",
			SESSION_STATE_LOST, 12},
		{"Stateless Data, which COPS-PR does not have",
			"1002495000000024" HANDLE CONTEXT INSTALL "00040602",
			"> DRQ 4950 12/0000\n", SESSION_STATE_LOST, 12},
		{"command 3", "1002495000000020" HANDLE CONTEXT "0008060100030000",
			"> DRQ 4950 12/0000\n", SESSION_STATE_LOST, 12},
		{"no handle", "1002495000000018" CONTEXT INSTALL, "> CC 4950 7/0000\n",
			SESSION_CLIENT_CLOSED, 7},
		{"a handle of another",
			"1002495000000020"
			"0008010100000007" CONTEXT INSTALL,
			"> DRQ 4950 1/0000\n", SESSION_ODD, 0},
		{"unknown COPS-PR object",
			"100249500000002c" HANDLE CONTEXT INSTALL "000c0605"
			"0008070100000000",
			"> RPT 4950 solicited Failure GPERR 10/0701\n", SESSION_REFUSED, 10},
		{"padding of a COPS-PR object",
			"1002495000000030" HANDLE CONTEXT INSTALL "00100605"
			"0009030142010200"
			"00000001",
			"> RPT 4950 solicited Failure GPERR 8/0000\n", SESSION_REFUSED, 8},
		{"an EPD in a Remove",
			"100249500000002c" HANDLE CONTEXT REMOVE "000c0605"
			"0007030142010200",
			"> RPT 4950 solicited Failure GPERR 11/0000\n", SESSION_REFUSED, 11},
		{"a prefix in an Install",
			"100249500000002c" HANDLE CONTEXT INSTALL "000c0605"
			"0008020106022b06",
			"> RPT 4950 solicited Failure GPERR 11/0000\n", SESSION_REFUSED, 11},
		{"data with NULL",
			"100249500000002c" HANDLE CONTEXT "0008060100000000"
			"000c0605"
			"0008020106022b06",
			"> RPT 4950 solicited Failure GPERR 11/0000\n", SESSION_REFUSED, 11},
		{"Request-State among others",
			"1002495000000030" HANDLE CONTEXT "0008060100010002" CONTEXT INSTALL,
			"> RPT 4950 solicited Failure GPERR 11/0000\n", SESSION_REFUSED, 11},
		{"a context that is no configuration",
			"1002495000000020" HANDLE "0008020100010000" INSTALL,
			"> RPT 4950 solicited Failure GPERR 11/0000\n", SESSION_REFUSED, 11},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		begin_pep(&p, &play);
		pair_say_hex(&p, DEC_NULL_SOLICITED);
		pair_trace(&p);
		pair_say_hex(&p, cases[i].hex);
		trace = pair_trace(&p);
		ck_assert_msg(!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
		ck_assert_msg(play.pep.kind == cases[i].kind && play.pep.code == cases[i].code,
			"%s: event %d code %u", cases[i].why, (int)play.pep.kind, play.pep.code);
		ck_assert_uint_eq(play.decisions, 1);
		ck_assert(!session_is_closed(p.pep));
		pair_fini(&p);
	}
}
END_TEST

START_TEST(what_else_a_pep_does_not_take)
{
	static const struct {
		const char *why, *hex, *trace;
		bool closed;
	} cases[] = {
		{"version", "2009000000000008", "> CC 4950 3/0000\n", true},
		{"op-code", "100c000000000008", "> CC 4950 3/0000\n", true},
		{"length", "1009000000000006", "> CC 4950 3/0000\n", true},
		{"a request from a PDP", REQ, "> CC 4950 3/0000\n", true},
		{"a message above the limit", "10054950fffffffc" HANDLE, "", false},
		{"CAT without timer", "1007495000000008", "> CC 4950 7/0000\n", false},
		{"CAT with an unknown object",
			"1007495000000010"
			"0008140200000000",
			"> CC 4950 13/1402\n", false},
		{"SSQ with two handles", "1005495000000018" HANDLE HANDLE, "> CC 4950 3/0000\n",
			false},
		{"CC without reason", "1008495000000008", "> CC 4950 7/0000\n", false},
		{"KA with an object", "1009000000000010" HANDLE, "> CC 4950 3/0000\n", true},
		{"connection closed",
			"1008000000000010"
			"00080801000b0000",
			"", true},
		{"CAT for a client-type that was not asked for", "100749510000001000080a010000001e",
			"", false},
		{"CAT again", CAT_30, "", false},
		{"CC for a client-type that is not open",
			"1008495100000010"
			"00080801000b0000",
			"", false},
		{"DEC for a client-type that is not open",
			"1102495100000020" HANDLE CONTEXT INSTALL, "", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		begin_pep(&p, &play);
		pair_say_hex(&p, cases[i].hex);
		trace = pair_trace(&p);
		ck_assert_msg(!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
		ck_assert_msg(session_is_closed(p.pep) == cases[i].closed, "%s", cases[i].why);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_decision_above_the_limit_is_refused_by_name)
{
	struct pair p;
	struct play play;
	struct buffer b;

	set_up(&p, &play);
	p.pep_config.security = SESSION_PLAIN;
	p.pep_config.limits.message = 1000;
	pair_start(&p, PAIR_PEP);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_say_hex(&p, CAT_30 DEC_NULL_SOLICITED);
	pair_trace(&p);
	/* 4096 octets, in pieces; the next message is understood. */
	p.cut = 100;
	buffer_init(&b, 10000);
	buffer_put(&b, "\x10\x02\x49\x50\0\0\x10\0\0\x08\1\1\0\0\0\1", 16);
	buffer_put_zeros(&b, 4080);
	buffer_put(&b, "\x10\x05\x49\x50\0\0\0\x10\0\x08\1\1\0\0\0\x09", 16);
	pair_say(&p, &b);
	ck_assert_str_eq(pair_trace(&p), "> RPT 4950 solicited Failure GPERR 4/0000\n"
					 "> DRQ 4950 10/0000\n");
	ck_assert_uint_eq(play.pep_seen[SESSION_REFUSED], 1);
	pair_fini(&p);
}
END_TEST

/* A failure that the session reports itself waits for the reports before it. */
START_TEST(own_reports_keep_the_order)
{
	struct pair p;
	struct play play;

	begin_pep(&p, &play);
	play.owe = true;
	pair_say_hex(&p, DEC_NULL_SOLICITED "100249500000002c" HANDLE CONTEXT INSTALL "000c0605"
					    "0008070100000000" DEC_NULL);
	ck_assert_str_eq(pair_trace(&p), "");
	ck_assert_int_eq(pep_session_report(p.pep, 3, COPS_SUCCESS, NULL, 0), E_UNEXPECTED);
	ok(pep_session_report(p.pep, 1, COPS_SUCCESS, NULL, 0));
	ok(pep_session_report(p.pep, 3, COPS_SUCCESS, NULL, 0));
	pair_run(&p);
	ck_assert_str_eq(pair_trace(&p), "> RPT 4950 solicited Success\n"
					 "> RPT 4950 solicited Failure GPERR 10/0701\n"
					 "> RPT 4950 solicited Success\n");
	pair_fini(&p);
}
END_TEST

/* --- What a PDP answers to what is malformed --- */

START_TEST(what_a_pdp_does_not_take)
{
	static const struct {
		const char *why, *hex, *trace;
		enum session_event_kind kind;
	} cases[] = {
		{"version", "2009000000000008", "< CC 4950 3/0000\n", SESSION_CLOSED},
		{"op-code", "1000000000000008", "< CC 4950 3/0000\n", SESSION_CLOSED},
		{"length", "1009000000000006", "< CC 4950 3/0000\n", SESSION_CLOSED},
		{"a decision from a PEP", DEC_NULL, "< CC 4950 3/0000\n", SESSION_CLOSED},
		{"OPN without PEPID", "1006495100000008", "< CC 4951 7/0000\n",
			SESSION_CLIENT_CLOSED},
		{"OPN with an unknown object",
			"1006495100000010"
			"0008ff0100000000",
			"< CC 4951 13/ff01\n", SESSION_CLIENT_CLOSED},
		{"OPN for security", "100600000000001800080b01706570000008100200000001",
			"< CC 15/1000\n", SESSION_CLOSED},
		{"REQ with an unknown object", "1001495000000020" HANDLE CONTEXT "0008150300000000",
			"< DEC 4950 solicited 13/1503\n", SESSION_REFUSED},
		{"REQ without context", "1001495000000010" HANDLE, "< DEC 4950 solicited 7/0000\n",
			SESSION_REFUSED},
		{"REQ with IN-Int", "1001495000000024" HANDLE CONTEXT "000c0301c000020100000001",
			"< DEC 4950 solicited 3/0000\n", SESSION_REFUSED},
		{"REQ with a context that is no configuration",
			"1001495000000018" HANDLE "0008020100010000",
			"< DEC 4950 solicited 3/0000\n", SESSION_REFUSED},
		{"REQ with half a binding",
			"1001495000000024" HANDLE CONTEXT "000c0902"
			"0008010106022b06",
			"< DEC 4950 solicited 3/0000\n", SESSION_REFUSED},
		{"REQ with an unknown COPS-PR object",
			"1001495000000024" HANDLE CONTEXT "000c0902"
			"0008090106022b06",
			"< DEC 4950 solicited 3/0000\n", SESSION_REFUSED},
		{"REQ without handle", "1001495000000010" CONTEXT, "< CC 4950 7/0000\n",
			SESSION_CLIENT_CLOSED},
		{"REQ above the limit", "100149507fffffff" HANDLE, "< CC 4950 3/0000\n",
			SESSION_CLOSED},
		{"REQ for a client-type that is not open", "1001495100000018" HANDLE CONTEXT,
			"< CC 4951 6/0000\n", SESSION_ODD},
		{"Report-Type in the wrong half", "1103495000000018" HANDLE "00080c0100000001",
			"< CC 4950 3/0000\n", SESSION_CLIENT_CLOSED},
		{"DRQ without reason", "1004495000000010" HANDLE, "< CC 4950 7/0000\n",
			SESSION_CLIENT_CLOSED},
		{"connection closed",
			"1008000000000010"
			"00080801000b0000",
			"", SESSION_CLOSED},
		{"client-type closed",
			"1008495000000010"
			"00080801000b0000",
			"", SESSION_CLIENT_CLOSED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		begin_pdp(&p, &play);
		pair_say_hex(&p, cases[i].hex);
		trace = pair_trace(&p);
		ck_assert_msg(!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
		ck_assert_msg(play.pdp.kind == cases[i].kind, "%s: event %d", cases[i].why,
			(int)play.pdp.kind);
		ck_assert_msg(session_is_closed(p.pdp) == (cases[i].kind == SESSION_CLOSED), "%s",
			cases[i].why);
		ck_assert_uint_eq(play.requests, 0);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_request_above_the_limit_is_answered)
{
	struct pair p;
	struct play play;
	struct buffer b;

	set_up(&p, &play);
	p.pdp_config.security = SESSION_PLAIN;
	p.pdp_config.limits.message = 1000;
	pair_start(&p, PAIR_PDP);
	pair_say_hex(&p, OPN);
	pair_trace(&p);
	buffer_init(&b, 10000);
	buffer_put(&b, "\x10\x01\x49\x50\0\0\x10\0\0\x08\1\1\0\0\0\1", 16);
	buffer_put_zeros(&b, 4080);
	buffer_put(&b, "\x10\x09\0\0\0\0\0\x08", 8);
	pair_say(&p, &b);
	ck_assert_str_eq(pair_trace(&p), "< DEC 4950 solicited 4/0000\n< KA\n");
	pair_fini(&p);
}
END_TEST

/* --- What is tolerated, and told once --- */

START_TEST(oddities_of_a_pdp)
{
	static const struct {
		const char *why, *hex, *trace;
		enum session_oddity odd;
	} cases[] = {
		{"KA that nobody asked for", "1009000000000008", "", SESSION_ODD_KEEP_ALIVE},
		{"solicited decision without request", DEC_NULL_SOLICITED,
			"> RPT 4950 solicited Success\n", SESSION_ODD_SOLICITED},
		{"solicited SSQ",
			"1105495000000010"
			"0008010100000009",
			"> DRQ 4950 10/0000\n", SESSION_ODD_SOLICITED},
		{"unknown handle of three octets",
			"100249500000002000070101"
			"61626300" CONTEXT INSTALL,
			"> DRQ 4950 1/0000\n", SESSION_ODD_UNKNOWN_HANDLE},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		begin_pep(&p, &play);
		pair_say_hex(&p, DEC_NULL_SOLICITED);
		pair_trace(&p);
		for (unsigned n = 1; n <= 3; n++) {
			pair_say_hex(&p, cases[i].hex);
			trace = pair_trace(&p);
			ck_assert_msg(
				!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
			ck_assert_uint_eq(session_counters(p.pep)->odd[cases[i].odd], n);
			ck_assert_uint_eq(play.pep_seen[SESSION_ODD], 1);
		}
		ck_assert(!session_is_closed(p.pep));
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_report_without_its_flag)
{
	struct pair p;
	struct play play;
	uint32_t number;

	begin_pdp(&p, &play);
	pair_say_hex(&p, REQ);
	/* A failure of its own is possible, so it answers nothing as long as the peer is good. */
	pair_say_hex(&p, RPT_FAILURE);
	ck_assert_uint_eq(play.pdp.decision, 0);
	/* Success never is. */
	pair_say_hex(&p, RPT_SUCCESS);
	ck_assert_uint_eq(play.pdp.decision, 1);
	ck_assert_uint_eq(play.pdp_seen[SESSION_ODD], 1);
	/* Now that we know this peer, neither is its failure. */
	ok(pdp_session_decide_null(p.pdp, play.state, &number));
	pair_say_hex(&p, RPT_FAILURE);
	ck_assert_uint_eq(play.pdp.decision, number);
	/* Nothing is left to answer. */
	pair_say_hex(&p, RPT_SUCCESS);
	ck_assert_uint_eq(play.pdp.decision, 0);
	pair_fini(&p);
}
END_TEST

START_TEST(oddities_of_a_pep)
{
	static const struct {
		const char *why, *hex, *trace;
		enum session_oddity odd;
	} cases[] = {
		{"KA with a client-type", "1009495000000008", "< KA\n", SESSION_ODD_CLIENT_TYPE},
		{"report for an unknown handle",
			"1103495000000018"
			"0008010100000009"
			"00080c0100010000",
			"", SESSION_ODD_UNKNOWN_HANDLE},
		{"solicited report that answers nothing",
			"1103495000000018" HANDLE "00080c0100010000", "", SESSION_ODD_SOLICITED},
		{"SSC that nobody asked for", "100a495000000008", "", SESSION_ODD_UNEXPECTED},
		{"solicited KA", "1109000000000008", "< KA\n", SESSION_ODD_SOLICITED},
		{"CC for a client-type that is not open",
			"1008495100000010"
			"00080801000b0000",
			"", SESSION_ODD_UNKNOWN_CLIENT},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		const char *trace;

		begin_pdp(&p, &play);
		pair_say_hex(&p, REQ "1103495000000018" HANDLE "00080c0100010000");
		pair_trace(&p);
		for (unsigned n = 1; n <= 3; n++) {
			pair_say_hex(&p, cases[i].hex);
			trace = pair_trace(&p);
			ck_assert_msg(
				!strcmp(trace, cases[i].trace), "%s: %s", cases[i].why, trace);
			ck_assert_uint_eq(session_counters(p.pdp)->odd[cases[i].odd], n);
			ck_assert_uint_eq(play.pdp_seen[SESSION_ODD], 1);
		}
		ck_assert(!session_is_closed(p.pdp));
		pair_fini(&p);
	}
}
END_TEST

START_TEST(a_deletion_of_what_is_gone_is_passed_over)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	pair_say_hex(&p, "1004495000000018" HANDLE "0008050100020000");
	ck_assert_str_eq(pair_trace(&p), "");
	ck_assert_uint_eq(play.pdp_seen[SESSION_DELETED] + play.pdp_seen[SESSION_ODD], 0);
	pair_fini(&p);
}
END_TEST

/* --- Limits --- */

START_TEST(request_states_are_limited)
{
	struct pair p;
	struct play play;
	uint32_t handle;

	set_up(&p, &play);
	p.pep_config.limits.states = 3;
	p.pdp_config.limits.states = 2;
	pair_start(&p, PAIR_BOTH);
	ok(pep_session_open(p.pep, CT, NULL, p.now));
	pair_run(&p);
	ok(pep_session_request(p.pep, CT, NULL, 0, p.now, &handle));
	pair_run(&p);
	pair_trace(&p);
	ok(pep_session_request(p.pep, CT, NULL, 0, p.now, &handle));
	ck_assert_int_eq(pep_session_request(p.pep, CT, NULL, 0, p.now, &handle), E_LIMIT);
	pair_run(&p);
	ck_assert_str_eq(
		pair_trace(&p), "> REQ 4950\n< DEC 4950 solicited 4/0000\n> DRQ 4950 1/0000\n");
	pair_fini(&p);
}
END_TEST

START_TEST(requests_without_decision_are_limited)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ REQ REQ REQ);
	ck_assert_str_eq(pair_trace(&p), "");
	pair_say_hex(&p, REQ);
	ck_assert_str_eq(pair_trace(&p), "< CC 4950 4/0000\n");
	ck_assert_int_eq(play.pdp.kind, SESSION_CLIENT_CLOSED);
	pair_fini(&p);
}
END_TEST

START_TEST(client_types_are_limited)
{
	struct pair p;
	struct play play;
	char opn[] = OPN;

	begin_pdp(&p, &play);
	for (unsigned i = 1; i < SESSION_CLIENT_TYPES_MAX + 1; i++) {
		opn[7] = (char)('0' + i);
		pair_say_hex(&p, opn);
		ck_assert_ptr_nonnull(strstr(pair_trace(&p),
			i < SESSION_CLIENT_TYPES_MAX ? "< CAT 495" : "< CC 4958 4/0000\n"));
	}
	pair_fini(&p);
}
END_TEST

START_TEST(decisions_without_report_are_limited)
{
	struct pair p;
	struct play play;
	uint32_t number;

	begin_pep(&p, &play);
	play.owe = true;
	for (unsigned i = 0; i < SESSION_UNREPORTED_MAX; i++)
		pair_say_hex(&p, DEC_NULL);
	ck_assert(!session_is_closed(p.pep));
	pair_say_hex(&p, DEC_NULL);
	ck_assert_int_eq(play.pep.error.code, E_LIMIT);
	pair_fini(&p);

	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ);
	for (unsigned i = 0; i < SESSION_UNREPORTED_MAX; i++)
		ok(pdp_session_decide_null(p.pdp, play.state, &number));
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, play.state, &number), E_LIMIT);
	pair_fini(&p);
}
END_TEST

/* A peer that asks and never reads cannot make us hold more than so much. */
START_TEST(answers_that_nobody_takes_are_limited)
{
	struct pair p;
	struct play play;
	struct view ka = octets_of_hex("1009000000000008");
	unsigned n = 0;

	begin_pdp(&p, &play);
	while (!session_is_closed(p.pdp) && n < 100000) {
		struct session_event e;

		session_receive(p.pdp, ka, p.now);
		while (session_next_event(p.pdp, &e))
			ck_assert_int_eq(e.error.code, E_LIMIT);
		n++;
	}
	ck_assert_uint_eq(n, 64 * 1024 / 8 + 1);
	octets_free(ka);
	pair_fini(&p);
}
END_TEST

START_TEST(a_slow_link_that_moves_is_alive)
{
	struct pair p;
	struct play play;
	struct buffer bindings;
	struct view piece;
	static const uint8_t oid[] = {0x06, 0x03, 0x2b, 0x06, 0x01};
	static uint8_t epd[60000];
	struct pdp_transaction t = {.installs = &piece, .install_count = 1};
	uint32_t number;

	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ);
	buffer_init(&bindings, 8 << 20);
	for (unsigned i = 0; i < 60; i++) {
		pr_put(&bindings, PR_PRID, VIEW(oid, sizeof oid));
		pr_put(&bindings, PR_EPD, VIEW(epd, sizeof epd));
	}
	piece = buffer_view(&bindings);
	ok(pdp_session_decide(p.pdp, play.state, &t, &number));
	ck_assert(session_congested(p.pdp));
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, play.state, &number), E_LIMIT);
	for (unsigned i = 0; i < 20; i++) {
		p.now += 20 * 1000;
		session_sent(p.pdp, 100 * 1000);
		session_tick(p.pdp, p.now);
		ck_assert(!session_is_closed(p.pdp));
	}
	/* Once it does not move, it is not. */
	p.now += 30 * 1000;
	session_tick(p.pdp, p.now);
	ck_assert(session_is_closed(p.pdp));
	buffer_fini(&bindings);
	pair_fini(&p);
}
END_TEST

/* What may be asked for is done, what comes too late is not. */
static void try_pep(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;
	enum err code = E_OK;

	if (e->kind == SESSION_OPENED)
		code = pep_session_request(p->pep, e->client_type, NULL, 0, p->now, &play->handle);
	else if (e->kind == SESSION_DECISION)
		code = pep_session_report(p->pep, e->decision, COPS_SUCCESS, NULL, 0);
	else if (e->kind == SESSION_SYNCHRONIZE)
		code = pep_session_synchronized(p->pep, e->client_type, e->state);
	else
		play->pep_seen[e->kind]++;
	ck_assert(code == E_OK || code == E_CLOSED || code == E_NOT_FOUND);
}

static void try_pdp(struct pair *p, const struct session_event *e)
{
	struct play *play = p->user;
	enum err code = E_OK;
	uint32_t number;

	if (e->kind == SESSION_OPENING)
		code = pdp_session_accept(p->pdp, e->client_type);
	else if (e->kind == SESSION_REQUEST)
		code = pdp_session_decide_null(p->pdp, e->state, &number);
	else
		play->pdp_seen[e->kind]++;
	ck_assert(code == E_OK || code == E_CLOSED || code == E_NOT_FOUND);
}

static uint32_t messages_out(const struct session *s)
{
	return session_counters_total(session_counters(s), SESSION_COUNT_MESSAGES_OUT);
}

/* Messages of both sides, whole or with a bit turned, in every stage of either end: nothing that
 * is answered breaks the grammar, and no sanitizer has anything to say. */
START_TEST(anything_in_any_order)
{
	static const char *const words[] = {
		CAT_30,
		OPN,
		REQ,
		REQ,
		DEC_NULL,
		DEC_NULL_SOLICITED,
		RPT_SUCCESS,
		RPT_FAILURE,
		"1009000000000008",
		"1005495000000008",
		"100a495000000008",
		"1004495000000018" HANDLE "0008050100020000",
		"1008495000000010"
		"00080801000b0000",
		"100700000000001800080a010000001e0008100200000001",
		"100600000000001800080b01706570000008100200000001",
		"100249500000002c" HANDLE CONTEXT INSTALL "000c0605"
		"0008070100000000",
	};
	const uint64_t first = 0x5e551045;
	uint64_t seed = first;
	unsigned decisions = 0, requests = 0;

	printf("seed %llx\n", (unsigned long long)first);
	for (unsigned n = 0; n < 3000; n++) {
		struct pair p;
		struct play play;

		set_up(&p, &play);
		p.on_pep = try_pep;
		p.on_pdp = try_pdp;
		p.cut = chance(&seed) % 60;
		if (chance(&seed) % 4) {
			p.pep_config.security = SESSION_PLAIN;
			p.pdp_config.security = SESSION_PLAIN;
		}
		pair_start(&p, n % 2 ? PAIR_PEP : PAIR_PDP);
		if (p.pep)
			ok(pep_session_open(p.pep, CT, NULL, p.now));
		if (chance(&seed) % 2)
			pair_say_hex(&p, p.pep ? CAT_30 : OPN);
		for (uint32_t k = chance(&seed) % 12; k; k--) {
			struct view word = octets_of_hex(
				words[chance(&seed) % (sizeof words / sizeof words[0])]);
			struct buffer b;

			buffer_init(&b, 1000);
			buffer_put_view(&b, word);
			if (chance(&seed) % 3 == 0)
				b.data[chance(&seed) % b.len] ^= (uint8_t)(1u << chance(&seed) % 8);
			octets_free(word);
			pair_say(&p, &b);
			pair_pass(&p, chance(&seed) % 10000);
		}
		decisions += p.pep && messages_out(p.pep) > 3;
		requests += p.pdp && messages_out(p.pdp) > 3;
		pair_fini(&p);
	}
	/* It is no test of refusals only. */
	ck_assert_uint_gt(decisions, 50);
	ck_assert_uint_gt(requests, 50);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("session");
	TCase *c = tcase_create("session");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_life_of_a_session);
	tcase_add_test(c, octets_in_pieces_of_every_size);
	tcase_add_test(c, messages_joined_in_one_delivery);
	tcase_add_test(c, a_message_in_part_is_known_as_such);
	tcase_add_test(c, a_pdp_refuses_who_does_not_ask_for_tls);
	tcase_add_test(c, a_pdp_may_begin_with_tls_itself);
	tcase_add_test(c, a_plain_pdp_says_that_it_wants_no_security);
	tcase_add_test(c, a_pep_refuses_to_go_on_without_tls);
	tcase_add_test(c, octets_in_clear_during_the_handshake_end_it);
	tcase_add_test(c, a_second_negotiation_is_refused);
	tcase_add_test(c, who_does_not_open_in_time_is_closed);
	tcase_add_test(c, several_client_types_on_one_connection);
	tcase_add_test(c, a_closed_client_type_takes_its_states_along);
	tcase_add_test(c, a_redirection_is_told);
	tcase_add_test(c, a_client_open_without_answer_is_given_up);
	tcase_add_test(c, keep_alive_over_ten_hours);
	tcase_add_test(c, silence_ends_both);
	tcase_add_test(c, the_least_timer_counts_and_zero_is_none);
	tcase_add_test(c, any_traffic_is_life);
	tcase_add_test(c, one_request_outstanding_on_a_handle);
	tcase_add_test(c, each_request_has_one_solicited_decision);
	tcase_add_test(c, reports_go_out_once_and_in_order);
	tcase_add_test(c, request_states_at_the_wish_of_the_pdp);
	tcase_add_test(c, synchronization);
	tcase_add_test(c, a_request_without_decision_is_given_up);
	tcase_add_test(c, an_error_instead_of_a_decision);
	tcase_add_test(c, a_request_of_megabytes);
	tcase_add_test(c, malformed_decisions);
	tcase_add_test(c, what_else_a_pep_does_not_take);
	tcase_add_test(c, a_decision_above_the_limit_is_refused_by_name);
	tcase_add_test(c, own_reports_keep_the_order);
	tcase_add_test(c, what_a_pdp_does_not_take);
	tcase_add_test(c, a_request_above_the_limit_is_answered);
	tcase_add_test(c, oddities_of_a_pdp);
	tcase_add_test(c, a_report_without_its_flag);
	tcase_add_test(c, oddities_of_a_pep);
	tcase_add_test(c, a_deletion_of_what_is_gone_is_passed_over);
	tcase_add_test(c, request_states_are_limited);
	tcase_add_test(c, requests_without_decision_are_limited);
	tcase_add_test(c, client_types_are_limited);
	tcase_add_test(c, decisions_without_report_are_limited);
	tcase_add_test(c, answers_that_nobody_takes_are_limited);
	tcase_add_test(c, a_slow_link_that_moves_is_alive);
	tcase_add_test(c, anything_in_any_order);
	suite_add_tcase(s, c);
	return suite_main(s);
}
