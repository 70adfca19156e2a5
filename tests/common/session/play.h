/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pair (pair.h) whose ends behave: the PEP asks when it is opened, reports and synchronizes; the
 * PDP accepts and decides NULL. Tests switch off what they want to do themselves, and read what
 * was seen.
 */
#ifndef COPSEC_TESTS_COMMON_SESSION_PLAY_H
#define COPSEC_TESTS_COMMON_SESSION_PLAY_H

#include "tests/common/session/pair.h"

enum { CT = COPS_CLIENT_PROVISIONING };

/* What both ends do by themselves in a test, and what they have seen. */
struct play {
	bool keep_quiet; /* the PDP decides only when the test says so */
	bool owe;        /* the PEP reports only when the test says so */
	bool refuse;     /* the PDP refuses every client-type */
	uint32_t handle, decision, state;
	unsigned decisions, reports, requests, opened;
	struct session_event pep; /* the last of each */
	struct session_event pdp;
	unsigned pep_seen[SESSION_CLOSED + 1], pdp_seen[SESSION_CLOSED + 1];
};

void ok(enum err code);
void set_up(struct pair *p, struct play *play);

#define LIFE                                                                                       \
	"> OPN tls\n< CAT tls\n> OPN 4950\n< CAT 4950\n> REQ 4950\n"                               \
	"< DEC 4950 solicited null\n> RPT 4950 solicited Success\n"

/* Both ends up to the first report, over TLS. */
void begin(struct pair *p, struct play *play);

/* The PEP alone, without TLS, up to its request; the test speaks for the PDP. */
void begin_pep(struct pair *p, struct play *play);
/* The PDP alone, without TLS, up to an accepted client; the test speaks for the PEP. */
void begin_pdp(struct pair *p, struct play *play);

/* Messages in hexadecimal. */
#define CAT_30 "100749500000001000080a010000001e"
#define HANDLE "0008010100000001"
#define CONTEXT "0008020100080000"
#define INSTALL "0008060100010000"
#define REMOVE "0008060100020000"
#define DEC_NULL "1002495000000020" HANDLE CONTEXT "0008060100000000"
#define DEC_NULL_SOLICITED "1102495000000020" HANDLE CONTEXT "0008060100000000"
#define OPN "100649500000001c00140b01706570312e6578616d706c6500000000"
#define REQ "1001495000000018" HANDLE CONTEXT
#define OPN_TLS "100600000000001800080b01706570000008100200000001"
#define CAT_TLS "100700000000001800080a010000001e0008100200000001"
#define KA "1009000000000008"
#define SSQ "1005495000000008"
#define SSC "100a495000000008"
#define RPT_SUCCESS "1003495000000018" HANDLE "00080c0100010000"
#define RPT_FAILURE "1003495000000018" HANDLE "00080c0100020000"
#define RPT_SOLICITED "1103495000000018" HANDLE "00080c0100010000"
#define DRQ "1004495000000018" HANDLE "0008050100020000"
#define CC_SHUTTING_DOWN                                                                           \
	"1008495000000010"                                                                         \
	"00080801000b0000"

#endif
