/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/cops/answer.h"

#include "common/cops/cops.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Error of a CC or DEC, Reason of a DRQ, GPERR of a RPT. */
struct answer {
	enum err code;
	uint16_t error, reason, gperr;
};

static const struct answer answers[] = {
	{E_UNKNOWN, COPS_ERROR_UNKNOWN_OBJECT, COPS_REASON_UNKNOWN_OBJECT,
		PR_GPERR_UNKNOWN_COPS_PR_OBJECT},
	{E_PADDING, COPS_ERROR_BAD_FORMAT, COPS_REASON_MALFORMED_DECISION,
		PR_GPERR_INVALID_OBJECT_PAD},
	{E_MISSING, COPS_ERROR_OBJECT_MISSING, COPS_REASON_MALFORMED_DECISION,
		PR_GPERR_MALFORMED_DECISION},
	{E_UNSUPPORTED, COPS_ERROR_UNSUPPORTED_CLIENT_TYPE, COPS_REASON_UNSUPPORTED_DECISION,
		PR_GPERR_UNKNOWN_PIB_DATA},
	{E_DENIED, COPS_ERROR_AUTH_FAILURE, COPS_REASON_PDP_DIRECTIVE, PR_GPERR_UNKNOWN_ERROR},
	{E_UNTRUSTED, COPS_ERROR_AUTH_FAILURE, COPS_REASON_PDP_DIRECTIVE, PR_GPERR_UNKNOWN_ERROR},
	{E_MEMORY, COPS_ERROR_UNABLE, COPS_REASON_RESOURCES, PR_GPERR_AVAIL_MEM_EXHAUSTED},
	{E_LIMIT, COPS_ERROR_UNABLE, COPS_REASON_RESOURCES, PR_GPERR_AVAIL_MEM_EXHAUSTED},
	{E_TIMEOUT, COPS_ERROR_COMMUNICATION, COPS_REASON_TIMEOUT, PR_GPERR_UNKNOWN_ERROR},
	{E_CLOSED, COPS_ERROR_SHUTTING_DOWN, COPS_REASON_MANAGEMENT, PR_GPERR_UNKNOWN_ERROR},
};

static const struct answer answer_of_peer = {E_SYNTAX, COPS_ERROR_BAD_FORMAT,
	COPS_REASON_MALFORMED_DECISION, PR_GPERR_MALFORMED_DECISION};
static const struct answer answer_of_ours = {
	E_BUG, COPS_ERROR_UNSPECIFIED, COPS_REASON_UNSPECIFIED, PR_GPERR_UNKNOWN_ERROR};

static const struct answer *find(enum err code)
{
	for (size_t i = 0; i < COUNT(answers); i++)
		if (answers[i].code == code)
			return &answers[i];
	return err_category(code) == ERR_CAT_PEER ? &answer_of_peer : &answer_of_ours;
}

static const struct answer *answer(const struct cops_fault *fault, uint16_t *ret_sub_code)
{
	*ret_sub_code = 0;
	if (fault->error.code != E_UNKNOWN)
		return find(fault->error.code);
	/* Unknown is an object or, where none is to blame, an op-code. */
	if (!fault->of_object)
		return &answer_of_peer;
	*ret_sub_code = COPS_SUB_CODE(fault->c_num, fault->c_type);
	return find(E_UNKNOWN);
}

void cops_fault_error(const struct cops_fault *fault, uint16_t *ret_code, uint16_t *ret_sub_code)
{
	*ret_code = answer(fault, ret_sub_code)->error;
}

void cops_fault_reason(const struct cops_fault *fault, uint16_t *ret_code, uint16_t *ret_sub_code)
{
	*ret_code = answer(fault, ret_sub_code)->reason;
}

uint16_t cops_gperr(enum err code)
{
	return find(code)->gperr;
}
