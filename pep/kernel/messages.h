/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Netlink messages in the order in which the kernel gets them, and its answers to them.
 *
 * A run of requests owns its octets. Each message has a sequence number of its own and an origin:
 * the object of the plan that it is there for, so that an answer leads back to a rule. The first
 * failure sticks in requests.error; a poisoned run is never sent.
 */
#ifndef COPSEC_PEP_KERNEL_MESSAGES_H
#define COPSEC_PEP_KERNEL_MESSAGES_H

#include "pep/kernel/kernel.h"

struct nlmsghdr;

enum {
	REQUEST_OCTETS_MAX = 1 << 29, /* of a run: 100,000 rules take some 60 MiB */
	REPLY_OCTETS_MAX = 1 << 28,   /* 400,000 SPD entries in one dump */
	MESSAGE_OCTETS_MAX = 1 << 17, /* room for one message while it is built */
};

/* At most one is not NULL; none: the table, or the batch itself. */
struct origin {
	const struct plan_spd *spd;
	const struct plan_rule *rule;
	const struct plan_chain *chain;
	const struct plan_counter *counter;
};

struct requests {
	struct buffer octets;
	uint32_t first; /* sequence number of the first message */
	struct origin *origins;
	size_t count;
	size_t capacity;
	size_t last; /* offset of the last message */
	enum err error;
};

void requests_init(struct requests *r, uint32_t first);
void requests_fini(struct requests *r);
/* Room for the next message and its sequence number; NULL when the run has failed. */
char *requests_next(struct requests *r, uint32_t *ret_sequence);
/* The message that was built there is complete. */
void requests_add(struct requests *r, const struct nlmsghdr *message, struct origin origin);
/* Asks for an acknowledgement of the last message and gives its number. */
uint32_t requests_acknowledge_last(struct requests *r);
/* Numbers them anew, to be sent again. */
void requests_renumber(struct requests *r, uint32_t first);

/* The kernel's answer to one run. */
struct answer {
	bool acknowledged; /* the last message was */
	int error;         /* errno of the first refusal, 0 if there was none */
	uint32_t sequence; /* which message it refused */
	const char *text;  /* its words, NULL if none; in the replies */
	size_t text_len;
};

/* Looks the acknowledgements and errors of the replies through. E_PROTOCOL: cut or malformed. */
enum err answer_read(struct view replies, uint32_t last, struct answer *ret) MUST_USE;
/* Fills fault and error for a refusal; `what` begins the sentence. */
enum err answer_refused(const struct answer *answer, const struct requests *r, const char *what,
	struct kernel_fault *fault, struct error *error);

/* Calls `each` for every message in the replies that is neither an acknowledgement nor the end of a
 * dump. `ret_interrupted`: the kernel's state changed in between. */
typedef enum err each_fn(const struct nlmsghdr *message, void *context);
enum err replies_each(
	struct view replies, each_fn *each, void *context, bool *ret_interrupted) MUST_USE;

#endif
