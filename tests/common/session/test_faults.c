/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is malformed, what is tolerated, and what is too much. */
#include <stdio.h>

#include "common/session/status.h"
#include "tests/common/cops/octets.h"
#include "tests/common/session/play.h"
#include "tests/suite.h"

static uint32_t limited(const struct session *s, enum session_limit limit)
{
	return session_counters(s)->limited[limit];
}

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
		{"KA with a client-type", "1009495000000008", "> CC 4950 3/0000\n", false},
		{"KA with a client-type that is not open", "1009495100000008",
			"> CC 4951 3/0000\n", false},
		{"KA with unknown flags", "1209000000000008", "> CC 4950 3/0000\n", true},
		{"DEC with unknown flags", "1502495000000020" HANDLE CONTEXT "0008060100000000",
			"> DRQ 4950 12/0000\n", false},
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
	ck_assert_uint_eq(limited(p.pep, SESSION_LIMIT_MESSAGE), 1);
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
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_MESSAGE), 1);
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

/* Each session begins with it, so it is told in each. */
START_TEST(a_pepid_without_nul_or_padding_is_read)
{
	static const struct {
		const char *why, *hex;
		enum session_oddity odd;
	} cases[] = {
		{"no NUL", "100649500000001800100b01706570312e6578616d706c65",
			SESSION_ODD_PEPID_NUL},
		{"padding behind", "100649500000001c00110b01706570312e6578616d706c6500000000",
			SESSION_ODD_PEPID_PADDING},
		{"as it should be", OPN, SESSION_ODDITIES},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;
		struct play play;
		bool odd = cases[i].odd != SESSION_ODDITIES;

		set_up(&p, &play);
		p.pdp_config.security = SESSION_PLAIN;
		pair_start(&p, PAIR_PDP);
		pair_say_hex(&p, cases[i].hex);
		ck_assert_str_eq(pair_trace(&p), "< CAT 4950\n");
		ck_assert_uint_eq(play.pdp_seen[SESSION_ODD], odd);
		if (odd)
			ck_assert_uint_eq(session_counters(p.pdp)->odd[cases[i].odd], 1);
		pair_fini(&p);
	}
}
END_TEST

START_TEST(what_only_the_user_sees_is_counted_too)
{
	struct pair p;
	struct play play;

	begin_pdp(&p, &play);
	for (unsigned n = 1; n <= 3; n++) {
		session_note(p.pdp, SESSION_ODD_INTEGER);
		pair_run(&p);
		ck_assert_uint_eq(session_counters(p.pdp)->odd[SESSION_ODD_INTEGER], n);
		ck_assert_uint_eq(play.pdp_seen[SESSION_ODD], 1);
	}
	pair_fini(&p);
}
END_TEST

START_TEST(oddities_of_a_pep)
{
	static const struct {
		const char *why, *hex, *trace;
		enum session_oddity odd;
	} cases[] = {
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
	ck_assert_uint_eq(limited(p.pep, SESSION_LIMIT_STATES), 1);
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_STATES), 1);
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
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_REQUESTS), 1);
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
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_CLIENT_TYPES), 1);
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
	ck_assert_uint_eq(limited(p.pep, SESSION_LIMIT_DECISIONS), 1);
	pair_fini(&p);

	begin_pdp(&p, &play);
	play.keep_quiet = true;
	pair_say_hex(&p, REQ);
	for (unsigned i = 0; i < SESSION_UNREPORTED_MAX; i++)
		ok(pdp_session_decide_null(p.pdp, play.state, &number));
	ck_assert_int_eq(pdp_session_decide_null(p.pdp, play.state, &number), E_LIMIT);
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_DECISIONS), 1);
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
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_ANSWERS), 1);
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
	ck_assert_uint_eq(limited(p.pdp, SESSION_LIMIT_OUTPUT), 1);
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
	Suite *s = suite_create("session: faults");
	TCase *c = tcase_create("faults");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, malformed_decisions);
	tcase_add_test(c, what_else_a_pep_does_not_take);
	tcase_add_test(c, a_decision_above_the_limit_is_refused_by_name);
	tcase_add_test(c, own_reports_keep_the_order);
	tcase_add_test(c, what_a_pdp_does_not_take);
	tcase_add_test(c, a_request_above_the_limit_is_answered);
	tcase_add_test(c, oddities_of_a_pdp);
	tcase_add_test(c, a_report_without_its_flag);
	tcase_add_test(c, a_pepid_without_nul_or_padding_is_read);
	tcase_add_test(c, what_only_the_user_sees_is_counted_too);
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
