/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/message.h"

#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* --- The grammar of each op-code (RFC 2748 section 3, RFC 3084 section 3) --- */

/* C-Types as a set. */
#define T(type) (1u << (type))
#define T_IP (T(COPS_IPV4) | T(COPS_IPV6))
#define T_DATA                                                                                     \
	(T(COPS_DECISION_STATELESS) | T(COPS_DECISION_REPLACEMENT) | T(COPS_DECISION_CLIENT) |     \
		T(COPS_DECISION_NAMED))

enum { MANY = UINT16_MAX };

struct part {
	uint8_t c_num;
	uint8_t c_types;
	uint16_t least, most;
};

/* Parts in order; the whole of them so and so often. */
struct group {
	const struct part *parts;
	size_t count;
	uint16_t least, most;
	bool instead; /* stands only where the group before it is absent */
};

#define GROUP(parts, least, most)                                                                  \
	{                                                                                          \
		parts, COUNT(parts), least, most, false                                            \
	}
#define INSTEAD(parts, least, most)                                                                \
	{                                                                                          \
		parts, COUNT(parts), least, most, true                                             \
	}

static const struct part req_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_IN_INT, T_IP, 0, 1},
	{COPS_OUT_INT, T_IP, 0, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, MANY},
};
static const struct part lpdp_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 0, 1},
	{COPS_LPDP_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_LPDP_DECISION, T_DATA, 0, 4},
};
static const struct part req_pr_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_NAMED), 0, MANY},
};
static const struct part handle_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
};
static const struct part optional_handle_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 0, 1},
};
static const struct part error_parts[] = {
	{COPS_ERROR, T(COPS_ONLY), 1, 1},
};
static const struct part decision_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_DECISION, T_DATA, 0, 4},
};
static const struct part decision_pr_parts[] = {
	{COPS_CONTEXT, T(COPS_ONLY), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_FLAGS), 1, 1},
	{COPS_DECISION, T(COPS_DECISION_NAMED), 0, 1},
};
static const struct part rpt_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REPORT_TYPE, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, 1},
};
static const struct part rpt_pr_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REPORT_TYPE, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_NAMED), 0, MANY},
};
static const struct part drq_parts[] = {
	{COPS_HANDLE, T(COPS_ONLY), 1, 1},
	{COPS_REASON, T(COPS_ONLY), 1, 1},
};
static const struct part opn_parts[] = {
	{COPS_PEPID, T(COPS_ONLY), 1, 1},
	{COPS_CLIENT_SI, T(COPS_SI_SIGNALED) | T(COPS_SI_NAMED), 0, 1},
	{COPS_LAST_PDP, T_IP, 0, 1},
};
static const struct part cat_parts[] = {
	{COPS_KA_TIMER, T(COPS_ONLY), 1, 1},
	{COPS_ACCT_TIMER, T(COPS_ONLY), 0, 1},
};
static const struct part cc_parts[] = {
	{COPS_ERROR, T(COPS_ONLY), 1, 1},
	{COPS_PDP_REDIRECT, T_IP, 0, 1},
};

static const struct group req_groups[] = {GROUP(req_parts, 1, 1), GROUP(lpdp_parts, 0, MANY)};
static const struct group req_pr_groups[] = {GROUP(req_pr_parts, 1, 1)};
static const struct group dec_groups[] = {
	GROUP(handle_parts, 1, 1), GROUP(error_parts, 0, 1), INSTEAD(decision_parts, 1, MANY)};
/* RFC 3084 section 3.2 permits a DEC without any decision. */
static const struct group dec_pr_groups[] = {
	GROUP(handle_parts, 1, 1), GROUP(error_parts, 0, 1), INSTEAD(decision_pr_parts, 0, MANY)};
static const struct group rpt_groups[] = {GROUP(rpt_parts, 1, 1)};
static const struct group rpt_pr_groups[] = {GROUP(rpt_pr_parts, 1, 1)};
static const struct group drq_groups[] = {GROUP(drq_parts, 1, 1)};
static const struct group sync_groups[] = {GROUP(optional_handle_parts, 0, 1)};
static const struct group opn_groups[] = {GROUP(opn_parts, 1, 1)};
static const struct group cat_groups[] = {GROUP(cat_parts, 1, 1)};
static const struct group cc_groups[] = {GROUP(cc_parts, 1, 1)};

enum {
	BY_PEP = 1,
	BY_PDP = 2,
	SOLICITED = 4,   /* may carry the flag */
	OF_CLIENT = 8,   /* client-type 0 is an error */
	OF_CONNECTION = 32, /* any other is */
	NEGOTIATES = 16, /* may carry Integrity-TLS, then with client-type 0 */
	PROFILES = COPS_PR + 1,
};

static const struct op {
	unsigned traits;
	struct {
		const struct group *groups;
		size_t count;
	} grammar[PROFILES];
} ops[] = {
#define SAME(groups)                                                                               \
	{                                                                                          \
		{groups, COUNT(groups)},                                                           \
		{                                                                                  \
			groups, COUNT(groups)                                                      \
		}                                                                                  \
	}
#define NARROWED(groups, pr)                                                                       \
	{                                                                                          \
		{groups, COUNT(groups)},                                                           \
		{                                                                                  \
			pr, COUNT(pr)                                                              \
		}                                                                                  \
	}
	[COPS_REQ] = {BY_PEP | OF_CLIENT, NARROWED(req_groups, req_pr_groups)},
	[COPS_DEC] = {BY_PDP | OF_CLIENT | SOLICITED, NARROWED(dec_groups, dec_pr_groups)},
	[COPS_RPT] = {BY_PEP | OF_CLIENT | SOLICITED, NARROWED(rpt_groups, rpt_pr_groups)},
	[COPS_DRQ] = {BY_PEP | OF_CLIENT, SAME(drq_groups)},
	[COPS_SSQ] = {BY_PDP | OF_CLIENT, SAME(sync_groups)},
	[COPS_OPN] = {BY_PEP | NEGOTIATES, SAME(opn_groups)},
	[COPS_CAT] = {BY_PDP | NEGOTIATES, SAME(cat_groups)},
	[COPS_CC] = {BY_PEP | BY_PDP, SAME(cc_groups)},
	[COPS_KA] = {BY_PEP | BY_PDP | OF_CONNECTION, {{NULL, 0}, {NULL, 0}}},
	[COPS_SSC] = {BY_PEP | OF_CLIENT, SAME(sync_groups)},
};

static unsigned traits(uint8_t op)
{
	return op < COUNT(ops) ? ops[op].traits : 0;
}

bool cops_sent_by_pep(uint8_t op)
{
	return traits(op) & BY_PEP;
}

bool cops_sent_by_pdp(uint8_t op)
{
	return traits(op) & BY_PDP;
}

bool cops_may_be_solicited(uint8_t op)
{
	return traits(op) & SOLICITED;
}

/* --- Checking --- */

static bool is_part(const struct cops_object *o, const struct part *p)
{
	return o->c_num == p->c_num && o->c_type < 8 && p->c_types & T(o->c_type);
}

static bool has_part(const struct cops_message *m, const struct part *p)
{
	for (size_t i = 0; i < m->count; i++)
		if (is_part(&m->objects[i], p))
			return true;
	return false;
}

static enum err lacks(const struct cops_message *m, const struct part *p, struct cops_fault *fault)
{
	bool misplaced = has_part(m, p);

	fault->of_object = true;
	fault->c_num = p->c_num;
	fault->c_type = 0;
	return error_set(&fault->error, misplaced ? E_UNEXPECTED : E_MISSING, "%s: %s is %s",
		cops_op_name(m->op), cops_c_num_name(p->c_num),
		misplaced ? "in the wrong place" : "missing");
}

/* Passes over one occurrence of the group; *ret_present tells whether there was one. */
static enum err match_group(const struct cops_message *m, const struct group *g, size_t *at,
	bool *ret_present, struct cops_fault *fault)
{
	size_t begin = *at;

	for (size_t i = 0; i < g->count; i++) {
		const struct part *p = &g->parts[i];
		size_t n = 0;

		while (*at < m->count && n < p->most && is_part(&m->objects[*at], p)) {
			++*at;
			n++;
		}
		if (n >= p->least)
			continue;
		if (*at != begin || g->least)
			return lacks(m, p, fault);
		*ret_present = false;
		return E_OK;
	}
	*ret_present = *at != begin;
	return E_OK;
}

static enum err match_groups(const struct cops_message *m, const struct group *groups, size_t count,
	size_t *at, struct cops_fault *fault)
{
	bool present = false;

	for (size_t i = 0; i < count; i++) {
		struct group g = groups[i];

		if (g.instead && present)
			continue;
		for (size_t n = 0; n < g.most; n++) {
			g.least = n < groups[i].least;
			if (match_group(m, &g, at, &present, fault))
				return fault->error.code;
			if (!present) {
				present = n > 0;
				break;
			}
		}
	}
	return E_OK;
}

static enum err refuse_object(
	const struct cops_message *m, const struct cops_object *o, struct cops_fault *fault)
{
	fault->of_object = true;
	fault->c_num = o->c_num;
	fault->c_type = o->c_type;
	return error_set(&fault->error, E_UNEXPECTED, "%s: %s has no place here",
		cops_op_name(m->op), cops_object_row(o->c_num, o->c_type)->name);
}

enum err cops_check(
	const struct cops_message *m, enum cops_profile profile, struct cops_fault *fault)
{
	const struct op *op = &ops[m->op];
	size_t at = 0;

	*fault = (struct cops_fault){0};
	if (op->traits & OF_CLIENT && m->client_type == COPS_CLIENT_CONNECTION)
		return error_set(
			&fault->error, E_UNEXPECTED, "%s with client-type 0", cops_op_name(m->op));
	if (op->traits & OF_CONNECTION && m->client_type != COPS_CLIENT_CONNECTION)
		return error_set(&fault->error, E_UNEXPECTED, "%s with client-type 0x%04x",
			cops_op_name(m->op), (unsigned)m->client_type);
	if (match_groups(m, op->grammar[profile].groups, op->grammar[profile].count, &at, fault))
		return fault->error.code;
	if (at < m->count && m->objects[at].c_num == COPS_INTEGRITY) {
		/* RFC 4261 section 4.1: the TLS form negotiates, and nothing else. */
		if (m->objects[at].c_type == COPS_INTEGRITY_TLS &&
			(!(op->traits & NEGOTIATES) || m->client_type != COPS_CLIENT_CONNECTION))
			return refuse_object(m, &m->objects[at], fault);
		at++;
	}
	if (at < m->count)
		return refuse_object(m, &m->objects[at], fault);
	return E_OK;
}

static enum err check_context(const struct cops_message *m, uint16_t r_type, struct error *e)
{
	if (r_type & COPS_R_CONFIGURATION)
		return E_OK;
	return error_set(e, E_RANGE, "%s: Context R-Type 0x%04x is not configuration",
		cops_op_name(m->op), (unsigned)r_type);
}

static enum err check_decisions(
	const struct cops_message *m, uint16_t *ret_gperr, uint16_t *ret_sub_code, struct error *e)
{
	struct cops_decision d;
	size_t at = 0, count = 0;
	bool state = false;

	while (cops_next_decision(m, &at, &d)) {
		count++;
		if (check_context(m, d.r_type, e))
			return e->code;
		if (d.flags & COPS_REQUEST_STATE)
			state = true;
		if (d.named.len &&
			(d.command == COPS_NULL_DECISION || d.flags & COPS_REQUEST_STATE))
			return error_set(
				e, E_UNEXPECTED, "DEC: data in a NULL or Request-State decision");
		if (pr_check(d.command == COPS_REMOVE ? PR_IN_REMOVE : PR_IN_INSTALL, d.named,
			    ret_gperr, ret_sub_code, e))
			return e->code;
	}
	if (state && count > 1)
		return error_set(e, E_UNEXPECTED, "DEC: a Request-State decision among others");
	return E_OK;
}

static enum err check_named(const struct cops_message *m, enum pr_place place, uint16_t *ret_gperr,
	uint16_t *ret_sub_code, struct error *e)
{
	struct view run;
	size_t at = 0;

	while (cops_next_named(m, &at, &run))
		if (pr_check(place, run, ret_gperr, ret_sub_code, e))
			return e->code;
	return E_OK;
}

enum err cops_check_data(
	const struct cops_message *m, uint16_t *ret_gperr, uint16_t *ret_sub_code, struct error *e)
{
	uint16_t gperr = PR_GPERR_MALFORMED_DECISION, sub_code = 0;
	enum err code = E_OK;

	if (m->op == COPS_DEC) {
		code = check_decisions(m, &gperr, &sub_code, e);
	} else if (m->op == COPS_REQ) {
		code = check_context(m, cops_find(m, COPS_CONTEXT)->context.r_type, e);
		if (!code)
			code = check_named(m, PR_IN_REQUEST, &gperr, &sub_code, e);
	} else if (m->op == COPS_RPT) {
		bool accounting = cops_find(m, COPS_REPORT_TYPE)->report.type == COPS_ACCOUNTING;

		code = check_named(
			m, accounting ? PR_IN_ACCOUNTING : PR_IN_REPORT, &gperr, &sub_code, e);
	}
	if (code) {
		*ret_gperr = gperr;
		*ret_sub_code = sub_code;
	}
	return code;
}
