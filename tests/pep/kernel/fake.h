/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kernel for tests: an SPD that it keeps entry by entry, and an nftables table that it keeps
 * object by object, behind the transport's interface. It can misbehave at the n-th request.
 */
#ifndef COPSEC_TESTS_PEP_KERNEL_FAKE_H
#define COPSEC_TESTS_PEP_KERNEL_FAKE_H

#include "pep/kernel/kernel.h"

enum misbehaviour {
	BEHAVE,
	REFUSE,      /* EPERM, with words */
	LOSE,        /* the request never arrives */
	LOSE_ANSWER, /* it takes effect, the answer is lost */
	ANSWER_TWICE,
	REFUSE_FROM,  /* all from the n-th on */
	TOUCH_BEFORE, /* somebody else changes a table of his before it */
};

struct fake;

struct fake *fake_new(void);
void fake_free(struct fake *fake);
struct kernel_transport fake_transport(struct fake *fake);
/* The n-th request from now, the first is 1. */
void fake_misbehave(struct fake *fake, enum misbehaviour how, size_t n);
/* Of a batch: refuses the message with this place in it. */
void fake_refuse_message(struct fake *fake, size_t place);
size_t fake_requests(const struct fake *fake);
/* In the batches that it took since fake_misbehave(). */
size_t fake_messages(const struct fake *fake);
/* Somebody else changes a table of his. */
void fake_touch(struct fake *fake);
/* The same for a table of this name, and whoever listens is told; `port` says who it was. */
enum { FAKE_PORT = 7 }; /* ours */
void fake_tell(struct fake *fake, const char *table, uint32_t port);
/* Somebody has flushed the SPD. */
void fake_flush_spd(struct fake *fake);
/* What was to be told is too much to be told. */
void fake_lose_events(struct fake *fake);
/* Every counter counts one packet. */
void fake_count(struct fake *fake);
uint64_t fake_counted(const struct fake *fake, const char *name);
/* All that it holds, as text: equal texts are equal states. */
void fake_print(const struct fake *fake, struct buffer *out);
struct nlmsghdr;
/* Adds an SA to the SAD, as the kernel would tell it. */
void fake_add_sa(struct fake *fake, const struct nlmsghdr *sa);
/* Adds foreign SPD entries, each like ours in all but one thing, which nobody may touch. */
void fake_add_foreign(struct fake *fake);

#endif
