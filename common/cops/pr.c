/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/pr.h"

#include <stddef.h>

#include "common/cops/answer.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct cops_name gperr_names[] = {
	{PR_GPERR_AVAIL_MEM_LOW, "availMemLow"},
	{PR_GPERR_AVAIL_MEM_EXHAUSTED, "availMemExhausted"},
	{PR_GPERR_UNKNOWN_ASN1_TAG, "unknownASN.1Tag"},
	{PR_GPERR_MAX_MSG_SIZE_EXCEEDED, "maxMsgSizeExceeded"},
	{PR_GPERR_UNKNOWN_ERROR, "unknownError"},
	{PR_GPERR_MAX_REQUEST_STATES_OPEN, "maxRequestStatesOpen"},
	{PR_GPERR_INVALID_ASN1_LENGTH, "invalidASN.1Length"},
	{PR_GPERR_INVALID_OBJECT_PAD, "invalidObjectPad"},
	{PR_GPERR_UNKNOWN_PIB_DATA, "unknownPIBData"},
	{PR_GPERR_UNKNOWN_COPS_PR_OBJECT, "unknownCOPSPRObject"},
	{PR_GPERR_MALFORMED_DECISION, "malformedDecision"},
	{0, NULL},
};

static const struct cops_name cperr_names[] = {
	{PR_CPERR_PRI_SPACE_EXHAUSTED, "priSpaceExhausted"},
	{PR_CPERR_PRI_INSTANCE_INVALID, "priInstanceInvalid"},
	{PR_CPERR_ATTR_VALUE_INVALID, "attrValueInvalid"},
	{PR_CPERR_ATTR_VALUE_SUP_LIMITED, "attrValueSupLimited"},
	{PR_CPERR_ATTR_ENUM_SUP_LIMITED, "attrEnumSupLimited"},
	{PR_CPERR_ATTR_MAX_LENGTH_EXCEEDED, "attrMaxLengthExceeded"},
	{PR_CPERR_ATTR_REFERENCE_UNKNOWN, "attrReferenceUnknown"},
	{PR_CPERR_PRI_NOTIFY_ONLY, "priNotifyOnly"},
	{PR_CPERR_UNKNOWN_PRC, "unknownPrc"},
	{PR_CPERR_TOO_FEW_ATTRS, "tooFewAttrs"},
	{PR_CPERR_INVALID_ATTR_TYPE, "invalidAttrType"},
	{PR_CPERR_DELETED_IN_REF, "deletedInRef"},
	{PR_CPERR_PRI_SPECIFIC_ERROR, "priSpecificError"},
	{0, NULL},
};

/* Fields as X(kind, member, name, least, greatest, names). */
#define FIELD(kind, member, name, least, greatest, names)                                          \
	{                                                                                          \
		kind, offsetof(struct pr_object, member), name, least, greatest, names             \
	}

static const struct cops_field oid_fields[] = {
	FIELD(COPS_OID, contents, "oid", 0, 0, NULL),
};
static const struct cops_field epd_fields[] = {
	FIELD(COPS_OCTETS, contents, "values", 0, 0, NULL),
};
static const struct cops_field gperr_fields[] = {
	FIELD(COPS_U16, code, "code", 1, UINT16_MAX, gperr_names),
	FIELD(COPS_U16, sub_code, "sub-code", 0, 0, NULL),
};
static const struct cops_field cperr_fields[] = {
	FIELD(COPS_U16, code, "code", 1, UINT16_MAX, cperr_names),
	FIELD(COPS_U16, sub_code, "sub-code", 0, 0, NULL),
};

#define ROW(num, name, least, greatest, fields)                                                    \
	{                                                                                          \
		num, PR_BER, least, greatest, name, fields, COUNT(fields)                          \
	}

static const struct cops_row rows[] = {
	ROW(PR_PRID, "PRID", 3, PR_OID_MAX, oid_fields),
	ROW(PR_PPRID, "PPRID", 3, PR_OID_MAX, oid_fields),
	ROW(PR_EPD, "EPD", 0, PR_CONTENTS_MAX, epd_fields),
	ROW(PR_GPERR, "GPERR", 4, 4, gperr_fields),
	ROW(PR_CPERR, "CPERR", 4, 4, cperr_fields),
	ROW(PR_ERROR_PRID, "ErrorPRID", 3, PR_OID_MAX, oid_fields),
};

const char *pr_gperr_name(uint16_t code)
{
	return cops_name(gperr_names, code);
}

const char *pr_cperr_name(uint16_t code)
{
	return cops_name(cperr_names, code);
}

const char *pr_s_num_name(uint8_t s_num)
{
	const struct cops_row *row = cops_row_find(rows, COUNT(rows), s_num, PR_BER);

	return row ? row->name : NULL;
}

static enum err take_object(struct cursor *c, struct pr_object *o, struct error *e)
{
	size_t start = c->at;
	size_t len = cursor_u16(c);
	const struct cops_row *row;
	size_t padding;

	o->s_num = cursor_u8(c);
	o->s_type = cursor_u8(c);
	if (c->error)
		return error_set(e, c->error, "object header is cut off");
	if (len < PR_HEADER)
		return error_set(e, E_LENGTH, "object length %zu is less than its header", len);
	row = cops_row_find(rows, COUNT(rows), o->s_num, o->s_type);
	if (!row)
		return error_set(e, E_UNKNOWN, "unknown object S-Num %u S-Type %u",
			(unsigned)o->s_num, (unsigned)o->s_type);
	o->contents = cursor_take(c, len - PR_HEADER);
	if (c->error)
		return error_set(
			e, c->error, "%s: length %zu overruns what holds it", row->name, len);
	padding = (4 - len % 4) % 4;
	if (cursor_left(c))
		cursor_zeros(c, padding);
	if (c->error)
		return error_set(e, c->error, "%s: %s", row->name, err_text(c->error));
	o->raw = VIEW(c->data + start, c->at - start);
	return cops_row_decode(row, o->contents, o, e);
}

static enum err next_object(struct cursor *run, struct pr_object *ret, struct error *e)
{
	struct cursor c = *run;
	struct pr_object o = {0};

	if (run->error)
		return error_set(e, run->error, "%s", err_text(run->error));
	if (take_object(&c, &o, e)) {
		cursor_fail(run, e->code);
		return e->code;
	}
	*run = c;
	*ret = o;
	return E_OK;
}

enum err pr_next(struct cursor *run, struct pr_object *ret)
{
	struct error e;

	return next_object(run, ret, &e);
}

void pr_fault(const struct cursor *run, uint16_t *ret_code, uint16_t *ret_sub_code)
{
	*ret_sub_code = 0;
	*ret_code = cops_gperr(run->error);
	if (run->error == E_UNKNOWN && run->len - run->at >= PR_HEADER)
		*ret_sub_code = (uint16_t)(run->data[run->at + 2] << 8 | run->data[run->at + 3]);
}

static void put(struct buffer *out, enum pr_s_num s_num, const struct pr_object *o)
{
	const struct cops_row *row = cops_row_find(rows, COUNT(rows), (uint8_t)s_num, PR_BER);

	if (row)
		cops_row_encode(row, o, out);
	else if (!out->error)
		out->error = E_BUG;
}

void pr_put(struct buffer *out, enum pr_s_num s_num, struct view contents)
{
	put(out, s_num, &(struct pr_object){.contents = contents});
}

void pr_put_error(struct buffer *out, enum pr_s_num s_num, uint16_t code, uint16_t sub_code)
{
	put(out, s_num, &(struct pr_object){.code = code, .sub_code = sub_code});
}

/* Bit n: S-Num n. Bit 0: the beginning of the run, or, as a successor, its end. */
#define BIT(s_num) (1u << (s_num))

enum { S_NUMS = PR_ERROR_PRID + 1 };

/* What may follow what. An empty row: never legal here, and so nothing may follow. */
static const struct {
	const char *name;
	uint8_t after[S_NUMS];
} grammar[] = {
	[PR_IN_INSTALL] = {"Install decision", {[0] = BIT(PR_PRID) | BIT(0),
						       [PR_PRID] = BIT(PR_EPD),
						       [PR_EPD] = BIT(PR_PRID) | BIT(0)}},
	[PR_IN_REMOVE] = {"Remove decision",
		{[0] = BIT(PR_PRID) | BIT(PR_PPRID) | BIT(0),
			[PR_PRID] = BIT(PR_PRID) | BIT(PR_PPRID) | BIT(0),
			[PR_PPRID] = BIT(PR_PRID) | BIT(PR_PPRID) | BIT(0)}},
	[PR_IN_REQUEST] = {"request", {[0] = BIT(PR_PRID) | BIT(0),
					      [PR_PRID] = BIT(PR_EPD),
					      [PR_EPD] = BIT(PR_PRID) | BIT(0)}},
	/* RFC 3084 5.3.1 knows bindings only behind an error; a report of success carries
	 * the instances that prove it. */
	[PR_IN_REPORT] = {"report",
		{[0] = BIT(PR_GPERR) | BIT(PR_PRID) | BIT(PR_ERROR_PRID) | BIT(0),
			[PR_GPERR] = BIT(PR_PRID) | BIT(PR_ERROR_PRID) | BIT(0),
			[PR_ERROR_PRID] = BIT(PR_CPERR),
			[PR_CPERR] = BIT(PR_PRID) | BIT(PR_ERROR_PRID) | BIT(0),
			[PR_PRID] = BIT(PR_EPD),
			[PR_EPD] = BIT(PR_PRID) | BIT(PR_ERROR_PRID) | BIT(0)}},
	[PR_IN_ACCOUNTING] = {"accounting report", {[0] = BIT(PR_PRID) | BIT(0),
							   [PR_PRID] = BIT(PR_EPD),
							   [PR_EPD] = BIT(PR_PRID) | BIT(0)}},
};

enum err pr_check(enum pr_place place, struct view run, uint16_t *ret_code, uint16_t *ret_sub_code,
	struct error *e)
{
	struct cursor c = cursor_over(run);
	struct pr_object o;
	uint8_t last = 0;

	while (cursor_left(&c)) {
		if (next_object(&c, &o, e)) {
			error_prefix(e, "%s, octet %zu", grammar[place].name, c.at);
			pr_fault(&c, ret_code, ret_sub_code);
			return e->code;
		}
		if (!(grammar[place].after[last] & BIT(o.s_num))) {
			*ret_code = PR_GPERR_MALFORMED_DECISION;
			*ret_sub_code = 0;
			return error_set(e, E_UNEXPECTED, "%s, octet %zu: %s cannot stand %s%s",
				grammar[place].name, c.at - o.raw.len, pr_s_num_name(o.s_num),
				last ? "behind " : "first", last ? pr_s_num_name(last) : "");
		}
		last = o.s_num;
	}
	if (!(grammar[place].after[last] & BIT(0))) {
		*ret_code = PR_GPERR_MALFORMED_DECISION;
		*ret_sub_code = 0;
		return error_set(e, E_MISSING, "%s: nothing follows the last %s",
			grammar[place].name, pr_s_num_name(last));
	}
	return E_OK;
}

size_t pr_cut(struct view run, size_t room)
{
	struct cursor c = cursor_over(run);
	struct pr_object o;
	size_t cut = 0;

	if (run.len <= room)
		return run.len;
	while (cursor_left(&c)) {
		size_t start = c.at;

		if (pr_next(&c, &o))
			return 0;
		if (o.s_num != PR_EPD && o.s_num != PR_CPERR)
			cut = start;
		/* The next place to cut lies behind this object, and so too far. */
		if (c.at > room)
			return cut;
	}
	return 0;
}

void pr_print(struct view run, const char *indent, struct buffer *out)
{
	struct cursor c = cursor_over(run);
	struct pr_object o;
	struct error e;

	while (cursor_left(&c)) {
		buffer_put_text(out, "%s", indent);
		if (next_object(&c, &o, &e)) {
			buffer_put_text(out, "malformed: %s\n", e.text);
			return;
		}
		cops_row_print(cops_row_find(rows, COUNT(rows), o.s_num, o.s_type), &o, out);
		buffer_put_u8(out, '\n');
	}
}
