/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Client-types, keep-alives, requests, decisions and reports, as they should be. */
#include "tests/common/cops/octets.h"
#include "tests/common/session/play.h"
#include "tests/suite.h"

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

int main(void)
{
	Suite *s = suite_create("session: exchange");
	TCase *c = tcase_create("exchange");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, several_client_types_on_one_connection);
	tcase_add_test(c, a_closed_client_type_takes_its_states_along);
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
	suite_add_tcase(s, c);
	return suite_main(s);
}
