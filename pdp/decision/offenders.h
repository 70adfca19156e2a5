/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who sends what no honest peer sends, again and again, has to wait. An offender is a key once TLS
 * has proved it, and an address before: so nobody pays for what another node behind the same address
 * does in its own name.
 *
 * A connection that ends because of what its peer said is one offence. As many of them in a window
 * of time as the limit says, and the offender is turned away until it has waited that long. The
 * table has a fixed size; when it is full the one that was heard of longest ago is forgotten. Times
 * are in milliseconds, monotonic. A value.
 */
#ifndef COPSEC_PDP_DECISION_OFFENDERS_H
#define COPSEC_PDP_DECISION_OFFENDERS_H

#include "common/base/endpoint.h"
#include "common/base/pin.h"

enum { OFFENDERS_MAX = 1024 };

struct offender {
	uint8_t who[PIN_SIZE]; /* a pin, or an address behind zeros */
	uint32_t offences;     /* in this window; 0: the place is free */
	uint64_t since;        /* begin of the window, or of the wait */
	uint64_t heard;
	bool waits;
};

struct offenders {
	struct offender list[OFFENDERS_MAX];
	size_t count;
};

struct offence_limit {
	uint32_t offences; /* 0: no limit */
	uint64_t window;   /* and wait */
};

/* Returns true if it has to wait from now on. `key`: NULL before TLS. */
bool offenders_note(struct offenders *o, const struct offence_limit *limit,
	const struct endpoint *address, const struct pin *key, uint64_t now);
bool offenders_must_wait(struct offenders *o, const struct offence_limit *limit,
	const struct endpoint *address, const struct pin *key, uint64_t now);

#endif
