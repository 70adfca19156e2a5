/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

enum {
	/* The beginning of an oversized message that is kept: enough for header and handle. */
	HEAD = COPS_HEADER + COPS_OBJECT_HEADER + COPS_HANDLE_MAX,
};

void stream_release(struct session *s)
{
	arena_reset(&s->arena);
	s->message = (struct cops_message){0};
	if (s->stream.taken) {
		buffer_fini(&s->stream.in);
		s->stream.taken = false;
	}
}

/* How many octets must be there before the next look at them is worth while. */
static enum err wanted(const struct session *s, struct view octets, size_t *ret_wanted)
{
	size_t len;
	enum err code = cops_frame(octets, s->limits.message, &len);

	if (code == E_LIMIT)
		*ret_wanted = len < HEAD ? len : HEAD;
	else
		*ret_wanted = len ? len : COPS_HEADER;
	return code;
}

static void give_out(
	struct session *s, enum err code, struct view octets, size_t want, struct view *ret_message)
{
	size_t len;

	if (code == E_LIMIT) {
		/* Only E_LIMIT comes back, with the length. */
		code = cops_frame(octets, s->limits.message, &len);
		s->stream.since = 0;
		s->stream.skip = (uint32_t)(len - want);
	}
	s->stream.seen++;
	*ret_message = VIEW(octets.data, want);
	if (s->tap)
		s->tap(s->tapper, false, *ret_message);
}

static enum err take(struct session *s, struct view *rest, struct view *ret_message)
{
	struct stream *stream = &s->stream;
	size_t want, part;
	enum err code;

	if (stream->skip) {
		part = rest->len < stream->skip ? rest->len : stream->skip;
		stream->skip -= (uint32_t)part;
		*rest = VIEW(rest->data + part, rest->len - part);
	}
	if (!rest->len)
		return E_AGAIN;

	if (!stream->in.len) {
		code = wanted(s, *rest, &want);
		if (code && code != E_AGAIN && code != E_LIMIT)
			return code;
		if (code != E_AGAIN && rest->len >= want) {
			give_out(s, code, *rest, want, ret_message);
			*rest = VIEW(rest->data + want, rest->len - want);
			return code;
		}
	}
	/* Cut somewhere: gather, first the header, then what the header announces. */
	do {
		code = wanted(s, buffer_view(&stream->in), &want);
		if (code && code != E_AGAIN && code != E_LIMIT)
			return code;
		if (code != E_AGAIN && stream->in.len >= want) {
			give_out(s, code, buffer_view(&stream->in), want, ret_message);
			stream->taken = true;
			return code;
		}
		part = want - stream->in.len < rest->len ? want - stream->in.len : rest->len;
		buffer_put(&stream->in, rest->data, part);
		if (stream->in.error)
			return stream->in.error;
		*rest = VIEW(rest->data + part, rest->len - part);
	} while (part);
	return E_AGAIN;
}

/* A message that is not whole makes progress by octets enough, and by being a new one. */
static void note_progress(struct session *s, size_t used)
{
	struct stream *stream = &s->stream;

	stream->progress += used;
	if (stream->progress < SESSION_PROGRESS && session_in_message(s) && stream->since)
		return;
	stream->progress = 0;
	stream->since = session_in_message(s) ? s->now : 0;
}

enum err stream_take(
	struct session *s, struct view octets, size_t *ret_used, struct view *ret_message)
{
	struct view rest = octets;
	enum err code = take(s, &rest, ret_message);

	*ret_used = octets.len - rest.len;
	note_progress(s, *ret_used);
	s->counters.octets_in += *ret_used;
	return code;
}

bool session_in_message(const struct session *s)
{
	return s->stream.skip || (s->stream.in.len && !s->stream.taken);
}
