/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A decision point and its peers over loopback, all on one loop in this process. Nothing sleeps:
 * the loop runs until what is waited for has happened, and a guard ends the test if that takes too
 * long.
 */
#ifndef COPSEC_TESTS_PDP_FIXTURE_H
#define COPSEC_TESTS_PDP_FIXTURE_H

#include <check.h>
#include <ev.h>
#include <string.h>
#include <time.h>

#include "common/link/link.h"
#include "pdp/control.h"
#include "pib/publishing/order.h"
#include "tests/pdp/tenant.h"

enum { BIG = 1 << 26 }; /* octets, of whatever a test puts together */

/* A checked fixture; between the two calls there is all that follows. */
void fixture_set_up(void);
void fixture_tear_down(void);
extern struct ev_loop *loop;
extern struct tenant *tenant;
extern struct server *server;
extern struct pdp_settings settings; /* of the next server */
extern struct error failure;
extern unsigned changes; /* how often the server said that something did */
extern bool guard_fired;

/* Runs the loop until it holds. */
#define UNTIL(condition)                                                                           \
	do {                                                                                       \
		while (!(condition)) {                                                             \
			ev_run(loop, EVRUN_ONCE);                                                  \
			ck_assert_msg(!guard_fired, "waited in vain: %s", #condition);             \
		}                                                                                  \
	} while (0)

/* The fixture's has one; after server_free() another one goes on with its store. */
void start_server(void);

/* A node or a publisher. Set up what is above the empty line, then connect. */
struct client {
	const char *pepid;
	const struct key *key, *report_key;
	uint16_t client_type;
	uint64_t holds;                       /* what its request claims; 0: no claim */
	bool silent;                          /* does not report */
	bool refuses;                         /* reports failures */
	bool unsigned_only;                   /* reports without compliance */
	void (*says)(struct buffer *out);     /* further PRIs of its request */
	const struct publishing_order *order; /* of a publisher; NULL: a bundle alone */
	/* What a publisher is told but refusals; NULL: nothing is expected. */
	void (*hears)(void *context, struct view installs);
	void *context;

	struct net *net;
	struct link *link;
	struct session *session;
	/* what happened */
	bool opened, closed, ended;
	uint16_t close_code; /* CC of its client-type */
	struct error why;    /* of the end */
	unsigned decisions, nulls;
	uint32_t handle;        /* of its request state */
	uint32_t unreported;    /* the last decision, if it is silent */
	struct pri_store *rows; /* what it holds */
	uint64_t serial;        /* of that */
	size_t sets;
	unsigned deltas;
	struct buffer refusal;   /* copsecFailureText of the last decision */
	unsigned errors;         /* frwkError */
	struct endpoint sent_to; /* PDPRedirAddr */
	unsigned synchronizations;
	uint32_t synchronized_state; /* which the last of them was for; 0: all */
	bool warns; /* in a report of success */
};

struct client node_client(size_t which);
void connect_client(struct client *c);
void drop_client(struct client *c);
/* Asks (again). */
void client_request(struct client *c);
/* Reports, if it was silent. */
void client_report(struct client *c, uint32_t decision);

/* tenant->objects by a publisher that waits for the answer; why not is in `failure`. */
bool publish_objects(void);
/* All documents with this serial; it must be taken. */
void publish(uint64_t serial);

/* Control commands: any; of one node the word; "wait". */
enum err command(const char *name, json_t *request, json_t **ret_result);
const char *standing(const char *node);
bool converged(uint64_t serial);

#endif
