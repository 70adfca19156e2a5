/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has a policy: what a decision point on this machine says of its nodes over its control
 * socket, as pdpctl(8) asks it.
 */
#ifndef COPSEC_PMT_COMMANDS_STANDING_H
#define COPSEC_PMT_COMMANDS_STANDING_H

#include <jansson.h>

#include "common/base/bytes.h"

#define STANDING_CONTROL_PATH "/run/copsec/pdpd.sock"

/* {"serial": ..., "nodes": [{"node", "standing", "serial", "since", "reason"}, ...]}; a new
 * reference. */
enum err standing_ask(const char *socket, json_t **ret, struct error *e) MUST_USE;

/* Who has it, who failed and why, who is behind, who is away: a line for each of these, and one
 * more for each node that failed. */
void standing_print(const json_t *answer);

/*
 * Waits until each node that is connected has reported this serial, or a newer one, or has refused
 * it. Shows a bar on a terminal, else a line for each node as it reports, both on stderr.
 * E_TIMEOUT; *ret is the last answer, a new reference, also then.
 */
enum err standing_wait(const char *socket, uint64_t serial, uint64_t timeout_ms, json_t **ret,
	struct error *e) MUST_USE;

/* Has any node refused it? */
bool standing_any_failed(const json_t *answer);

#endif
