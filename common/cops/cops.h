/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * COPS in numbers: op-codes, objects and their codes (RFC 2748 section 2.2, RFC 4261 section 4).
 *
 * A struct cops_object is one object, decoded or to be encoded; the C-Num and C-Type say which
 * member of the union holds. Views in it borrow, from the message it was decoded from or from the
 * caller.
 */
#ifndef COPSEC_COMMON_COPS_COPS_H
#define COPSEC_COMMON_COPS_COPS_H

#include "common/cops/row.h"

enum {
	COPS_VERSION = 1,
	COPS_PORT = 3288,
	COPS_HEADER = 8, /* octets of the common header */
	COPS_OBJECT_HEADER = 4,
	/* The 16-bit length counts the header; kept a multiple of four, for every reader's sake. */
	COPS_CONTENTS_MAX = 65532 - COPS_OBJECT_HEADER,
	COPS_HANDLE_MAX = 256,
	COPS_PEPID_MAX = 255, /* characters, without the NUL */
	COPS_FLAG_SOLICITED = 0x1,
};

enum cops_client_type {
	COPS_CLIENT_CONNECTION = 0, /* negotiation of security, keep-alive */
	COPS_CLIENT_PROVISIONING = 0x4950,
	COPS_CLIENT_QUESTIONS = 0x4951,
	COPS_CLIENT_VISITED = 0x4952,
	COPS_CLIENT_PUBLISHING = 0x4953,
};

enum cops_op {
	COPS_REQ = 1,
	COPS_DEC = 2,
	COPS_RPT = 3,
	COPS_DRQ = 4,
	COPS_SSQ = 5,
	COPS_OPN = 6,
	COPS_CAT = 7,
	COPS_CC = 8,
	COPS_KA = 9,
	COPS_SSC = 10,
};

enum cops_c_num {
	COPS_HANDLE = 1,
	COPS_CONTEXT = 2,
	COPS_IN_INT = 3,
	COPS_OUT_INT = 4,
	COPS_REASON = 5,
	COPS_DECISION = 6,
	COPS_LPDP_DECISION = 7,
	COPS_ERROR = 8,
	COPS_CLIENT_SI = 9,
	COPS_KA_TIMER = 10,
	COPS_PEPID = 11,
	COPS_REPORT_TYPE = 12,
	COPS_PDP_REDIRECT = 13,
	COPS_LAST_PDP = 14,
	COPS_ACCT_TIMER = 15,
	COPS_INTEGRITY = 16,
};

enum cops_c_type {
	COPS_ONLY = 1, /* of objects with a single type */
	COPS_IPV4 = 1,
	COPS_IPV6 = 2,
	COPS_DECISION_FLAGS = 1,
	COPS_DECISION_STATELESS = 2,
	COPS_DECISION_REPLACEMENT = 3,
	COPS_DECISION_CLIENT = 4,
	COPS_DECISION_NAMED = 5,
	COPS_SI_SIGNALED = 1,
	COPS_SI_NAMED = 2,
	COPS_INTEGRITY_HMAC = 1,
	COPS_INTEGRITY_TLS = 2,
};

enum cops_r_type {
	COPS_R_INCOMING = 0x01,
	COPS_R_RESOURCE = 0x02,
	COPS_R_OUTGOING = 0x04,
	COPS_R_CONFIGURATION = 0x08,
};

enum cops_command {
	COPS_NULL_DECISION = 0,
	COPS_INSTALL = 1,
	COPS_REMOVE = 2,
};

enum cops_decision_flag {
	COPS_TRIGGER_ERROR = 0x01,
	COPS_REQUEST_STATE = 0x02, /* RFC 3084 section 3.2 */
};

enum cops_report_type {
	COPS_SUCCESS = 1,
	COPS_FAILURE = 2,
	COPS_ACCOUNTING = 3,
};

enum cops_reason_code {
	COPS_REASON_UNSPECIFIED = 1,
	COPS_REASON_MANAGEMENT = 2,
	COPS_REASON_PREEMPTED = 3,
	COPS_REASON_TEAR = 4,
	COPS_REASON_TIMEOUT = 5,
	COPS_REASON_ROUTE_CHANGE = 6,
	COPS_REASON_RESOURCES = 7,
	COPS_REASON_PDP_DIRECTIVE = 8,
	COPS_REASON_UNSUPPORTED_DECISION = 9,
	COPS_REASON_SYNC_HANDLE_UNKNOWN = 10,
	COPS_REASON_TRANSIENT_HANDLE = 11,
	COPS_REASON_MALFORMED_DECISION = 12,
	COPS_REASON_UNKNOWN_OBJECT = 13, /* sub-code: C-Num, C-Type */
};

enum cops_error_code {
	COPS_ERROR_BAD_HANDLE = 1,
	COPS_ERROR_INVALID_HANDLE = 2,
	COPS_ERROR_BAD_FORMAT = 3,
	COPS_ERROR_UNABLE = 4,
	COPS_ERROR_CLIENT_INFO_MISSING = 5,
	COPS_ERROR_UNSUPPORTED_CLIENT_TYPE = 6,
	COPS_ERROR_OBJECT_MISSING = 7,
	COPS_ERROR_CLIENT_FAILURE = 8,
	COPS_ERROR_COMMUNICATION = 9,
	COPS_ERROR_UNSPECIFIED = 10,
	COPS_ERROR_SHUTTING_DOWN = 11,
	COPS_ERROR_REDIRECT = 12,
	COPS_ERROR_UNKNOWN_OBJECT = 13, /* sub-code: C-Num, C-Type */
	COPS_ERROR_AUTH_FAILURE = 14,
	COPS_ERROR_AUTH_REQUIRED = 15, /* sub-code: 16, wanted C-Type of Integrity, or 0 */
};

enum cops_integrity_tls_flag { COPS_START_TLS = 0x0001 };

/* The two halves of a sub-code (RFC 2748 "octet 2" and "octet 3"). */
#define COPS_SUB_CODE(c_num, c_type) ((uint16_t)((c_num) << 8 | (c_type)))

struct cops_object {
	uint8_t c_num, c_type;
	union {
		struct view octets; /* Handle, data of a decision, ClientSI */
		struct view pepid;  /* without NUL and padding */
		struct {
			uint16_t r_type, m_type;
		} context;
		struct {
			uint8_t address[16]; /* IPv4: the first four */
			uint32_t ifindex;
		} interface;
		struct {
			uint16_t command, flags;
		} decision;
		struct {
			uint16_t code, sub_code;
		} error; /* Reason and Error */
		struct {
			uint16_t seconds;
		} timer;
		struct {
			uint16_t type;
		} report;
		struct {
			uint8_t address[16];
			uint16_t port;
		} server; /* PDPRedirAddr and LastPDPAddr */
		struct {
			uint32_t key_id, sequence;
			struct view digest;
		} integrity;
		struct {
			uint16_t flags;
		} integrity_tls;
	};
};

/* The row of an object, NULL if it is unknown. */
const struct cops_row *cops_object_row(uint8_t c_num, uint8_t c_type);
/* All rows, for tests and for those who print tables. */
const struct cops_row *cops_object_rows(size_t *ret_count);

const char *cops_op_name(uint8_t op);
const char *cops_c_num_name(uint8_t c_num);
const char *cops_report_name(uint16_t type);
const char *cops_reason_name(uint16_t code);
const char *cops_error_name(uint16_t code);
const char *cops_client_type_name(uint16_t client_type); /* NULL if it has none */

#endif
