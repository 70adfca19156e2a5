/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/confine.h"

#include <seccomp.h>
#include <stdlib.h>

#include "pep/process/allowed.h"
#include "pep/process/supervisor.h"

#define MODULE "confine"

enum {
	/* A binary search in place of a list: the filter runs at every system call. */
	SEARCH_TREE = 2,
};

static bool is_wanted(void)
{
#ifdef COPSEC_INSTRUMENTED
	return getenv("COPSEC_CONFINE") != NULL;
#else
	return true;
#endif
}

static int allow(scmp_filter_ctx filter, const struct allowed_call *call)
{
	const struct scmp_arg_cmp only = {
		.arg = call->argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = call->mask,
		.datum_b = call->value,
	};

	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, call->mask ? 1 : 0,
	                              call->mask ? &only : NULL);
}

/* What its children may, the supervisor must let pass. */
static bool is_for(const struct allowed_call *call, enum ipc_role role)
{
	return call->who & 1U << role || role == IPC_SUPERVISOR;
}

static enum err confine_calls(enum ipc_role role, struct error *e)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int failed = 0;

	if (!filter)
		return error_set(e, E_MEMORY, "no memory for the filter of system calls");
	failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, SEARCH_TREE);
	for (size_t i = 0; i < allowed_call_count && !failed; i++)
		if (is_for(&allowed_calls[i], role))
			failed = allow(filter, &allowed_calls[i]);
	if (!failed)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	return failed ? error_set_sys(e, -failed, "cannot load the filter of system calls") : E_OK;
}

enum err confine(enum ipc_role role, const struct pep_settings *settings, struct log *log,
                 struct error *e)
{
	enum err err = is_wanted() ? paths_confine(role, settings, e) : E_OK;

	if (err == E_UNSUPPORTED) {
		log_notice(log, MODULE, "goes on without a wall",
		           log_str("role", child_role_name(role)), log_err(e));
		err = E_OK;
	}
	if (!err && is_wanted())
		err = confine_calls(role, e);
	return err;
}
