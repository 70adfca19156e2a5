/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A publisher's conversation with a decision point, over COPS and TLS (client-type 0x4953): orders
 * and their answers one after the other, while what is told of the nodes comes in beside them.
 * Every call runs an event loop of its own until it has what it is for, its time is up, or somebody
 * interrupts it (SIGINT, SIGTERM); nothing happens in between.
 */
#ifndef COPSEC_PMT_COMMANDS_CONVERSATION_H
#define COPSEC_PMT_COMMANDS_CONVERSATION_H

#include "common/service/options.h"
#include "pib/publishing/order.h"
#include "pmt/commands/command.h"
#include "pmt/commands/standing.h"

enum { CONVERSATION_TIMEOUT_MS = 60000, EXIT_INTERRUPTED = 130 };

/* Whom to speak to, and as whom: from options that commands share. */
struct conversation_terms {
	const char *pdp, *pin, *key;
	struct passphrase_source source;
	uint64_t timeout_ms; /* for every answer */
};
enum {
	OPTION_PDP = 1024,
	OPTION_PDP_PIN,
	OPTION_PDP_KEY = 'k',
	OPTION_PDP_PASSPHRASE_FILE = 1026,
	OPTION_PDP_TIMEOUT,
};
#define CONVERSATION_OPTIONS                                                                       \
	{OPTION_PDP, "pdp", "ADDRESS",                                                             \
		"of the decision point; port 3288, or as in [2001:db8::1]:3288"},                  \
		{OPTION_PDP_PIN, "pdp-pin", "PIN", "of the decision point's key"},                 \
		{OPTION_PDP_KEY, "key", "FILE", "the key of the publisher"},                       \
		{OPTION_PDP_PASSPHRASE_FILE, "passphrase-file", "FILE",                            \
			"take the key's passphrase from its first line"},                          \
	{                                                                                          \
		OPTION_PDP_TIMEOUT, "timeout", "TIME", "give up after this time; else 60s"         \
	}
/* Takes one of these options; false with the complaint printed. */
bool conversation_option(
	struct conversation_terms *terms, const char *name, int id, const char *value);
/* The option that is missing to speak to anybody; NULL if none is. */
const char *conversation_lacks(const struct conversation_terms *terms);

struct conversation;

/* Connects, and goes on until policy is taken from us. */
enum err conversation_begin(const struct conversation_terms *terms,
	struct conversation **ret_conversation, struct error *e) MUST_USE;
/* Takes leave, if there is somebody still. Takes NULL. */
void conversation_end(struct conversation *c);

/*
 * Gives an order, with the objects of a bundle if it has one, and waits for the answer; what it
 * installs is appended to `installs` (NULL: nothing is expected). E_DENIED with the reason if it is
 * refused. After any other failure but E_AGAIN the decision point is gone, or says nothing.
 */
enum err conversation_order(struct conversation *c, const struct publishing_order *order,
	struct view bundle, struct buffer *installs, struct error *e) MUST_USE;

/* Has the table filled, and kept up to date from then on; it is borrowed. */
enum err conversation_follow(
	struct conversation *c, struct standing_table *table, struct error *e) MUST_USE;

/* Until the table has changed or `until` (link_now()) has come: E_OK, E_TIMEOUT. Another failure if
 * the decision point is gone; E_AGAIN if somebody interrupts, as every other call. */
enum err conversation_wait(struct conversation *c, uint64_t until, struct error *e) MUST_USE;

/* After it was lost: connects again, as often as it takes, and follows again. E_CLOSED. */
enum err conversation_resume(struct conversation *c, uint64_t until, struct error *e) MUST_USE;

#endif
