/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one client of a control socket says and is told, without the socket: octets go in, lines are
 * handled one at a time, replies come out. The next line waits until the reply to the one before
 * has gone.
 *
 *	control_exchange_room()     how many octets it takes now; 0: none
 *	control_exchange_receive()  they came
 *	control_exchange_step()     handles what can be handled
 *	control_exchange_output()   what is to be sent; control_exchange_sent() says how much has gone
 *
 * The server (control_server.c) puts a socket around it. A value inside its owner.
 */
#ifndef COPSEC_COMMON_SERVICE_CONTROL_EXCHANGE_H
#define COPSEC_COMMON_SERVICE_CONTROL_EXCHANGE_H

#include "common/service/control.h"
#include "common/service/refusals.h"

enum exchange_state {
	EXCHANGE_READING, /* waits for a line */
	EXCHANGE_PENDING, /* its request cannot be answered yet; the line stays where it is */
	EXCHANGE_WRITING, /* waits until the reply has gone */
	EXCHANGE_ENDING,  /* the same, and then it ends too */
	EXCHANGE_DEAD,
};

struct control_exchange {
	enum exchange_state state;
	struct refusals *refused; /* of lines that no command ever sees; may be NULL */
	struct buffer in;
	struct buffer out;
	size_t sent; /* octets of it */
};

void control_exchange_init(struct control_exchange *x);
void control_exchange_fini(struct control_exchange *x);

/* Whether it wants octets. */
bool control_exchange_reads(const struct control_exchange *x);
size_t control_exchange_room(const struct control_exchange *x);
/* Where that many octets go; NULL when memory is out, and then it is dead. */
uint8_t *control_exchange_reserve(struct control_exchange *x, size_t count);
void control_exchange_receive(struct control_exchange *x, size_t count);
/* It reads, but has no room: what it holds is no line, and never will be. Refuses it. */
void control_exchange_overflow(struct control_exchange *x);

/* Handles one line, if there is one and the last reply has gone. False: nothing more to do. */
bool control_exchange_step(struct control_exchange *x, const struct control_command *commands,
			   void *context);
/* The pending request is handled again by the next step; false if there is none. */
bool control_exchange_retry(struct control_exchange *x);
/* Its last reply. */
void control_exchange_refuse(struct control_exchange *x, const struct error *e);

struct view control_exchange_output(const struct control_exchange *x);
void control_exchange_sent(struct control_exchange *x, size_t count);

#endif
