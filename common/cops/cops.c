/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/cops.h"

#include <stddef.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct cops_name op_names[] = {
	{COPS_REQ, "REQ"},
	{COPS_DEC, "DEC"},
	{COPS_RPT, "RPT"},
	{COPS_DRQ, "DRQ"},
	{COPS_SSQ, "SSQ"},
	{COPS_OPN, "OPN"},
	{COPS_CAT, "CAT"},
	{COPS_CC, "CC"},
	{COPS_KA, "KA"},
	{COPS_SSC, "SSC"},
	{0, NULL},
};

static const struct cops_name c_num_names[] = {
	{COPS_HANDLE, "Handle"},
	{COPS_CONTEXT, "Context"},
	{COPS_IN_INT, "IN-Int"},
	{COPS_OUT_INT, "OUT-Int"},
	{COPS_REASON, "Reason"},
	{COPS_DECISION, "Decision"},
	{COPS_LPDP_DECISION, "LPDPDecision"},
	{COPS_ERROR, "Error"},
	{COPS_CLIENT_SI, "ClientSI"},
	{COPS_KA_TIMER, "KATimer"},
	{COPS_PEPID, "PEPID"},
	{COPS_REPORT_TYPE, "Report-Type"},
	{COPS_PDP_REDIRECT, "PDPRedirAddr"},
	{COPS_LAST_PDP, "LastPDPAddr"},
	{COPS_ACCT_TIMER, "AcctTimer"},
	{COPS_INTEGRITY, "Integrity"},
	{0, NULL},
};

static const struct cops_name client_type_names[] = {
	{COPS_CLIENT_CONNECTION, "connection"},
	{1, "RSVP"},
	{2, "diffServ"},
	{COPS_CLIENT_PROVISIONING, "provisioning"},
	{COPS_CLIENT_QUESTIONS, "questions"},
	{COPS_CLIENT_VISITED, "visited"},
	{COPS_CLIENT_PUBLISHING, "publishing"},
	{0, NULL},
};

static const struct cops_name r_type_names[] = {
	{COPS_R_INCOMING, "incoming"},
	{COPS_R_RESOURCE, "resource"},
	{COPS_R_OUTGOING, "outgoing"},
	{COPS_R_CONFIGURATION, "configuration"},
	{0, NULL},
};

static const struct cops_name command_names[] = {
	{COPS_NULL_DECISION, "NULL"},
	{COPS_INSTALL, "Install"},
	{COPS_REMOVE, "Remove"},
	{0, NULL},
};

static const struct cops_name decision_flag_names[] = {
	{COPS_TRIGGER_ERROR, "trigger-error"},
	{COPS_REQUEST_STATE, "request-state"},
	{0, NULL},
};

static const struct cops_name report_names[] = {
	{COPS_SUCCESS, "Success"},
	{COPS_FAILURE, "Failure"},
	{COPS_ACCOUNTING, "Accounting"},
	{0, NULL},
};

static const struct cops_name reason_names[] = {
	{COPS_REASON_UNSPECIFIED, "Unspecified"},
	{COPS_REASON_MANAGEMENT, "Management"},
	{COPS_REASON_PREEMPTED, "Preempted"},
	{COPS_REASON_TEAR, "Tear"},
	{COPS_REASON_TIMEOUT, "Timeout"},
	{COPS_REASON_ROUTE_CHANGE, "Route Change"},
	{COPS_REASON_RESOURCES, "Insufficient Resources"},
	{COPS_REASON_PDP_DIRECTIVE, "PDP's Directive"},
	{COPS_REASON_UNSUPPORTED_DECISION, "Unsupported decision"},
	{COPS_REASON_SYNC_HANDLE_UNKNOWN, "Synchronize Handle Unknown"},
	{COPS_REASON_TRANSIENT_HANDLE, "Transient Handle"},
	{COPS_REASON_MALFORMED_DECISION, "Malformed Decision"},
	{COPS_REASON_UNKNOWN_OBJECT, "Unknown COPS Object from PDP"},
	{0, NULL},
};

static const struct cops_name error_names[] = {
	{COPS_ERROR_BAD_HANDLE, "Bad handle"},
	{COPS_ERROR_INVALID_HANDLE, "Invalid handle reference"},
	{COPS_ERROR_BAD_FORMAT, "Bad message format"},
	{COPS_ERROR_UNABLE, "Unable to process"},
	{COPS_ERROR_CLIENT_INFO_MISSING, "Mandatory client-specific info missing"},
	{COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, "Unsupported client-type"},
	{COPS_ERROR_OBJECT_MISSING, "Mandatory COPS object missing"},
	{COPS_ERROR_CLIENT_FAILURE, "Client Failure"},
	{COPS_ERROR_COMMUNICATION, "Communication Failure"},
	{COPS_ERROR_UNSPECIFIED, "Unspecified"},
	{COPS_ERROR_SHUTTING_DOWN, "Shutting down"},
	{COPS_ERROR_REDIRECT, "Redirect to Preferred Server"},
	{COPS_ERROR_UNKNOWN_OBJECT, "Unknown COPS Object"},
	{COPS_ERROR_AUTH_FAILURE, "Authentication Failure"},
	{COPS_ERROR_AUTH_REQUIRED, "Authentication Required"},
	{0, NULL},
};

static const struct cops_name integrity_tls_names[] = {
	{COPS_START_TLS, "StartTLS"},
	{0, NULL},
};

/* The pictures are those of RFC 2748 sections 2.2.1 to 2.2.16 and RFC 4261 section 4.1. */

#define FIELD(kind, member, name, least, greatest, names)                                          \
	{                                                                                          \
		kind, offsetof(struct cops_object, member), name, least, greatest, names           \
	}
#define RESERVED                                                                                   \
	{                                                                                          \
		COPS_RESERVED16, 0, "reserved", 0, 0, NULL                                         \
	}

static const struct cops_field octets_fields[] = {
	FIELD(COPS_OCTETS, octets, "octets", 0, 0, NULL),
};
static const struct cops_field run_fields[] = {
	FIELD(COPS_OBJECTS, octets, "objects", 0, 0, NULL),
};
static const struct cops_field context_fields[] = {
	FIELD(COPS_FLAGS16, context.r_type, "r-type", 0, 0, r_type_names),
	FIELD(COPS_U16, context.m_type, "m-type", 0, 0, NULL),
};
static const struct cops_field interface4_fields[] = {
	FIELD(COPS_ADDRESS4, interface.address, "address", 0, 0, NULL),
	FIELD(COPS_U32, interface.ifindex, "ifindex", 0, 0, NULL),
};
static const struct cops_field interface6_fields[] = {
	FIELD(COPS_ADDRESS6, interface.address, "address", 0, 0, NULL),
	FIELD(COPS_U32, interface.ifindex, "ifindex", 0, 0, NULL),
};
static const struct cops_field reason_fields[] = {
	FIELD(COPS_U16, error.code, "code", 1, UINT16_MAX, reason_names),
	FIELD(COPS_U16, error.sub_code, "sub-code", 0, 0, NULL),
};
static const struct cops_field decision_fields[] = {
	FIELD(COPS_U16, decision.command, "command", COPS_NULL_DECISION, COPS_REMOVE,
		command_names),
	FIELD(COPS_FLAGS16, decision.flags, "flags", 0, 0, decision_flag_names),
};
static const struct cops_field error_fields[] = {
	FIELD(COPS_U16, error.code, "code", 1, UINT16_MAX, error_names),
	FIELD(COPS_U16, error.sub_code, "sub-code", 0, 0, NULL),
};
static const struct cops_field timer_fields[] = {
	RESERVED,
	FIELD(COPS_U16, timer.seconds, "seconds", 0, 0, NULL),
};
static const struct cops_field pepid_fields[] = {
	FIELD(COPS_TEXT, pepid, "pepid", 1, COPS_PEPID_MAX, NULL),
};
static const struct cops_field report_fields[] = {
	FIELD(COPS_U16, report.type, "type", COPS_SUCCESS, COPS_ACCOUNTING, report_names),
	RESERVED,
};
static const struct cops_field server4_fields[] = {
	FIELD(COPS_ADDRESS4, server.address, "address", 0, 0, NULL),
	RESERVED,
	FIELD(COPS_U16, server.port, "port", 0, 0, NULL),
};
static const struct cops_field server6_fields[] = {
	FIELD(COPS_ADDRESS6, server.address, "address", 0, 0, NULL),
	RESERVED,
	FIELD(COPS_U16, server.port, "port", 0, 0, NULL),
};
static const struct cops_field integrity_fields[] = {
	FIELD(COPS_U32, integrity.key_id, "key", 0, 0, NULL),
	FIELD(COPS_U32, integrity.sequence, "sequence", 0, 0, NULL),
	FIELD(COPS_OCTETS, integrity.digest, "digest", 0, 0, NULL),
};
static const struct cops_field integrity_tls_fields[] = {
	RESERVED,
	FIELD(COPS_FLAGS16, integrity_tls.flags, "flags", 0, 0, integrity_tls_names),
};

enum {
	ANY_MAX = UINT16_MAX - COPS_OBJECT_HEADER,
	DIGEST_MIN = 12, /* HMAC-MD5-96 */
	DIGEST_MAX = 64,
};

#define ROW(num, type, name, least, greatest, fields)                                              \
	{                                                                                          \
		num, type, least, greatest, name, fields, COUNT(fields)                            \
	}
#define DECISION_ROWS(num, name)                                                                   \
	ROW(num, COPS_DECISION_FLAGS, name ":Flags", 4, 4, decision_fields),                       \
		ROW(num, COPS_DECISION_STATELESS, name ":Stateless", 0, ANY_MAX, octets_fields),   \
		ROW(num, COPS_DECISION_REPLACEMENT, name ":Replacement", 0, ANY_MAX,               \
			octets_fields),                                                            \
		ROW(num, COPS_DECISION_CLIENT, name ":Client", 0, ANY_MAX, octets_fields),         \
		ROW(num, COPS_DECISION_NAMED, name ":Named", 0, ANY_MAX, run_fields)

static const struct cops_row rows[] = {
	ROW(COPS_HANDLE, COPS_ONLY, "Handle", 1, COPS_HANDLE_MAX, octets_fields),
	ROW(COPS_CONTEXT, COPS_ONLY, "Context", 4, 4, context_fields),
	ROW(COPS_IN_INT, COPS_IPV4, "IN-Int:IPv4", 8, 8, interface4_fields),
	ROW(COPS_IN_INT, COPS_IPV6, "IN-Int:IPv6", 20, 20, interface6_fields),
	ROW(COPS_OUT_INT, COPS_IPV4, "OUT-Int:IPv4", 8, 8, interface4_fields),
	ROW(COPS_OUT_INT, COPS_IPV6, "OUT-Int:IPv6", 20, 20, interface6_fields),
	ROW(COPS_REASON, COPS_ONLY, "Reason", 4, 4, reason_fields),
	DECISION_ROWS(COPS_DECISION, "Decision"),
	DECISION_ROWS(COPS_LPDP_DECISION, "LPDPDecision"),
	ROW(COPS_ERROR, COPS_ONLY, "Error", 4, 4, error_fields),
	ROW(COPS_CLIENT_SI, COPS_SI_SIGNALED, "ClientSI:Signaled", 0, ANY_MAX, octets_fields),
	ROW(COPS_CLIENT_SI, COPS_SI_NAMED, "ClientSI:Named", 0, ANY_MAX, run_fields),
	ROW(COPS_KA_TIMER, COPS_ONLY, "KATimer", 4, 4, timer_fields),
	ROW(COPS_PEPID, COPS_ONLY, "PEPID", 1, COPS_PEPID_MAX + 1, pepid_fields),
	ROW(COPS_REPORT_TYPE, COPS_ONLY, "Report-Type", 4, 4, report_fields),
	ROW(COPS_PDP_REDIRECT, COPS_IPV4, "PDPRedirAddr:IPv4", 8, 8, server4_fields),
	ROW(COPS_PDP_REDIRECT, COPS_IPV6, "PDPRedirAddr:IPv6", 20, 20, server6_fields),
	ROW(COPS_LAST_PDP, COPS_IPV4, "LastPDPAddr:IPv4", 8, 8, server4_fields),
	ROW(COPS_LAST_PDP, COPS_IPV6, "LastPDPAddr:IPv6", 20, 20, server6_fields),
	ROW(COPS_ACCT_TIMER, COPS_ONLY, "AcctTimer", 4, 4, timer_fields),
	ROW(COPS_INTEGRITY, COPS_INTEGRITY_HMAC, "Integrity", 8 + DIGEST_MIN, 8 + DIGEST_MAX,
		integrity_fields),
	ROW(COPS_INTEGRITY, COPS_INTEGRITY_TLS, "Integrity-TLS", 4, 4, integrity_tls_fields),
};

const struct cops_row *cops_object_row(uint8_t c_num, uint8_t c_type)
{
	return cops_row_find(rows, COUNT(rows), c_num, c_type);
}

const struct cops_row *cops_object_rows(size_t *ret_count)
{
	*ret_count = COUNT(rows);
	return rows;
}

const char *cops_op_name(uint8_t op)
{
	return cops_name(op_names, op);
}

const char *cops_c_num_name(uint8_t c_num)
{
	return cops_name(c_num_names, c_num);
}

const char *cops_report_name(uint16_t type)
{
	return cops_name(report_names, type);
}

const char *cops_reason_name(uint16_t code)
{
	return cops_name(reason_names, code);
}

const char *cops_error_name(uint16_t code)
{
	return cops_name(error_names, code);
}

const char *cops_client_type_name(uint16_t client_type)
{
	return cops_name(client_type_names, client_type);
}
