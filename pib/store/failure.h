/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with single PRIs, in the terms of a COPS-PR report (RFC 3084 §4.5): which PRI,
 * which CPERR, which attribute as the sub-code, and a sentence for people.
 *
 * RFC 3084 §3.3 wants as many errors as possible in one report, so a check goes on after the first
 * one and appends here. The list is a value of the caller's; it has a limit, and what goes beyond
 * it is counted. Nothing in it points anywhere.
 */
#ifndef COPSEC_PIB_STORE_FAILURE_H
#define COPSEC_PIB_STORE_FAILURE_H

#include "pib/schema/pri.h"

enum {
	PRI_FAILURES_MAX = 32,     /* kept; further ones are only counted */
	PRI_FAILURE_PRID_MAX = 64, /* octets of BER; no class of ours has a longer PRID */
};

struct pri_failure {
	struct pib_fault fault; /* kind and attribute: pib_fault_object() makes the CPERR of it */
	uint8_t prid_len;       /* 0: the PRID itself could not be read, so no CPERR can be sent */
	uint8_t prid[PRI_FAILURE_PRID_MAX]; /* contents of the ErrorPRID object */
	char text[ERROR_TEXT_SIZE];
};

struct pri_failures {
	size_t count;
	size_t omitted; /* found beyond PRI_FAILURES_MAX */
	struct pri_failure list[PRI_FAILURES_MAX];
};

void pri_failures_init(struct pri_failures *f);
/* The contents of the failing PRID object; longer than PRI_FAILURE_PRID_MAX they are left out. */
void pri_failures_add(struct pri_failures *f, struct pib_fault fault, struct view prid,
	const char *format, ...) PRINTF_LIKE(4, 5);
/* The same for a PRI that we have no octets of. */
void pri_failures_add_prid(struct pri_failures *f, struct pib_fault fault, const struct prid *prid,
	const char *format, ...) PRINTF_LIKE(4, 5);

#endif
