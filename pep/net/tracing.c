/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/trace/live.h"
#include "pep/ipc/contact.h"
#include "pep/net/internal.h"

/* Octets that may wait for enforce besides: a trace never keeps a decision waiting. */
enum { TRACE_QUEUE = 1024 * 1024 };

static bool send_pieces(struct process *p, struct view message)
{
	size_t kept = message.len < TRACE_MESSAGE_MAX ? message.len : TRACE_MESSAGE_MAX;

	for (size_t at = 0; at < kept;) {
		size_t len = kept - at < MESSAGE_PIECE_MAX ? kept - at : MESSAGE_PIECE_MAX;
		struct message piece = {
			.type = MESSAGE_TRACE_PIECE,
			.data = VIEW(message.data + at, len),
		};

		if (!tell(p, &piece))
			return false;
		at += len;
	}
	return true;
}

/* Before TLS encrypts and behind where it decrypts. */
static void on_message(void *tapper, bool out, struct view message)
{
	struct process *p = tapper;
	struct message m = {
		.type = MESSAGE_TRACE_BEGIN,
		.total = (uint32_t)message.len,
		.number = p->untraced,
		.kind = out ? TRACE_SENT : TRACE_RECEIVED,
	};
	struct buffer pdp;

	if (!p->traced)
		return;
	if (channel_queued(p->enforce) > TRACE_QUEUE) {
		p->untraced++;
		return;
	}
	buffer_init(&pdp, CONTACT_ENDPOINT_SIZE);
	contact_put_endpoint(&pdp, &p->connected_to);
	m.data = buffer_view(&pdp);
	if (tell(p, &m) && send_pieces(p, message))
		p->untraced = 0;
	buffer_fini(&pdp);
}

void tracing_attach(struct process *p)
{
	session_set_tap(p->session, on_message, p);
}

void tracing_want(struct process *p, bool wanted)
{
	p->traced = wanted;
	p->untraced = 0;
}
