/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run of requests goes to the kernel, and its answer is read. Inside of pep/kernel.
 */
#ifndef COPSEC_PEP_KERNEL_EXCHANGE_H
#define COPSEC_PEP_KERNEL_EXCHANGE_H

#include "pep/kernel/messages.h"

enum {
	DUMPS_MAX = 5, /* when the kernel's state changes under our reading */
	LOOKS_MAX = 3, /* when an answer is lost */
};

struct exchange {
	struct kernel_transport transport;
	uint32_t sequence;     /* of the next message */
	struct buffer replies; /* to the last run */
};

void exchange_init(struct exchange *x, const struct kernel_transport *transport);
void exchange_fini(struct exchange *x);

/* Begins a run. */
void exchange_begin(const struct exchange *x, struct requests *r);
/* Sends the run and reads the answer to its message `last`. A lost answer is no error here: then it
 * neither acknowledges nor refuses. */
enum err exchange_run(struct exchange *x, enum kernel_bus bus, struct requests *r, uint32_t last,
	struct answer *ret, struct error *error) MUST_USE;
/* The same for the first so many octets. */
enum err exchange_part(struct exchange *x, enum kernel_bus bus, struct requests *r, size_t octets,
	uint32_t last, struct answer *ret, struct error *error) MUST_USE;
/* Asks; `each` sees what it is told, `restart` (may be NULL) is called before each try, for what
 * changes meanwhile is asked for again. E_NOT_FOUND: there is no such thing. `what` is for the
 * error. */
enum err exchange_ask(struct exchange *x, enum kernel_bus bus, void write(struct requests *r),
	void restart(void *context), each_fn *each, void *context, const char *what,
	struct error *error) MUST_USE;

#endif
