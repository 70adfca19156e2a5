/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects inside Named Decision Data and Named ClientSI (RFC 3084 section 4).
 *
 * They come as runs: header (length without padding, S-Num, S-Type), contents, zeros up to a
 * multiple of four. pr_next() walks such a run; what it returns borrows from the run. The
 * contents of PRID, PPRID and ErrorPRID are checked to be one OBJECT IDENTIFIER and nothing
 * else; what stands inside it, and inside an EPD, is for those who know the classes.
 */
#ifndef COPSEC_COMMON_COPS_PR_H
#define COPSEC_COMMON_COPS_PR_H

#include "common/base/cursor.h"
#include "common/cops/row.h"

enum pr_s_num {
	PR_PRID = 1,
	PR_PPRID = 2,
	PR_EPD = 3,
	PR_GPERR = 4,
	PR_CPERR = 5,
	PR_ERROR_PRID = 6,
};

enum { PR_BER = 1 }; /* S-Type */

enum {
	PR_HEADER = 4,
	/* 128 sub-identifiers of five octets, tag and long length. */
	PR_OID_MAX = 128 * 5 + 4,
	/* An object must fit into a COPS object, whose 16-bit length counts two headers; with
	 * the padding, a multiple of four. */
	PR_CONTENTS_MAX = 65532 - 4 - PR_HEADER,
};

enum pr_gperr {
	PR_GPERR_AVAIL_MEM_LOW = 1,
	PR_GPERR_AVAIL_MEM_EXHAUSTED = 2,
	PR_GPERR_UNKNOWN_ASN1_TAG = 3, /* sub-code: the tag */
	PR_GPERR_MAX_MSG_SIZE_EXCEEDED = 4,
	PR_GPERR_UNKNOWN_ERROR = 5,
	PR_GPERR_MAX_REQUEST_STATES_OPEN = 6,
	PR_GPERR_INVALID_ASN1_LENGTH = 7,
	PR_GPERR_INVALID_OBJECT_PAD = 8,
	PR_GPERR_UNKNOWN_PIB_DATA = 9,
	PR_GPERR_UNKNOWN_COPS_PR_OBJECT = 10, /* sub-code: S-Num, S-Type */
	PR_GPERR_MALFORMED_DECISION = 11,
};

enum pr_cperr {
	PR_CPERR_PRI_SPACE_EXHAUSTED = 1,
	PR_CPERR_PRI_INSTANCE_INVALID = 2,
	PR_CPERR_ATTR_VALUE_INVALID = 3, /* 3 to 7: sub-code is the attribute's number */
	PR_CPERR_ATTR_VALUE_SUP_LIMITED = 4,
	PR_CPERR_ATTR_ENUM_SUP_LIMITED = 5,
	PR_CPERR_ATTR_MAX_LENGTH_EXCEEDED = 6,
	PR_CPERR_ATTR_REFERENCE_UNKNOWN = 7,
	PR_CPERR_PRI_NOTIFY_ONLY = 8,
	PR_CPERR_UNKNOWN_PRC = 9,
	PR_CPERR_TOO_FEW_ATTRS = 10,
	PR_CPERR_INVALID_ATTR_TYPE = 11,
	PR_CPERR_DELETED_IN_REF = 12,
	PR_CPERR_PRI_SPECIFIC_ERROR = 13, /* sub-code: the class's own code */
};

struct pr_object {
	uint8_t s_num, s_type;
	uint16_t code, sub_code; /* of GPERR and CPERR */
	struct view contents;    /* without header and padding */
	struct view raw;         /* all of it, as received */
};

/*
 * The next object of a run; ask cursor_left() first whether there is one. A last object whose
 * padding is left out is accepted. Fails E_TRUNCATED or E_LENGTH (header or row), E_UNKNOWN
 * (S-Num or S-Type), E_PADDING (not zeros), E_SYNTAX or E_RANGE (contents); then the cursor has
 * failed, stands before the object, and pr_fault() knows what to tell the peer.
 */
enum err pr_next(struct cursor *run, struct pr_object *ret) MUST_USE;
/* GPERR code and sub-code for the failure of a run. */
void pr_fault(const struct cursor *run, uint16_t *ret_code, uint16_t *ret_sub_code);

/* Appends an object with header and padding. The buffer fails E_LIMIT above PR_CONTENTS_MAX. */
void pr_put(struct buffer *out, enum pr_s_num s_num, struct view contents);
void pr_put_error(struct buffer *out, enum pr_s_num s_num, uint16_t code, uint16_t sub_code);

/* Where a run stands decides which objects it may hold, and in which order. */
enum pr_place {
	PR_IN_INSTALL,    /* *(PRID EPD) */
	PR_IN_REMOVE,     /* *(PRID | PPRID) */
	PR_IN_REQUEST,    /* *(PRID EPD) */
	PR_IN_REPORT,     /* [GPERR] *(PRID EPD) *(ErrorPRID CPERR *(PRID EPD)) */
	PR_IN_ACCOUNTING, /* *(PRID EPD) */
};
/* Splits the whole run and checks its grammar. On failure E_UNEXPECTED or E_MISSING besides those
 * of pr_next(), and what to tell the peer. */
enum err pr_check(enum pr_place place, struct view run, uint16_t *ret_code, uint16_t *ret_sub_code,
	struct error *e) MUST_USE;

/*
 * How many octets from the start of a run fit into `room` when it may be cut only where a binding
 * or an error report is complete, that is before anything but an EPD or a CPERR. Zero if not even
 * the first fits or the run is malformed.
 */
size_t pr_cut(struct view run, size_t room);

/* One line an object: name and contents, codes by name, OIDs dotted, octets in hexadecimal;
 * each line behind `indent`. Stops with a remark where the run is malformed. */
void pr_print(struct view run, const char *indent, struct buffer *out);

const char *pr_gperr_name(uint16_t code);
const char *pr_cperr_name(uint16_t code);
const char *pr_s_num_name(uint8_t s_num);

#endif
