/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ipc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cursor.h"

enum {
	RECORDS_PER_TURN = 64, /* so that a talkative peer does not starve the timers */
	QUEUE_HEADER = 8,      /* length of the record, descriptor + 1 */
};

struct channel {
	struct ev_loop *loop;
	int fd;
	enum ipc_role self, peer;
	const struct channel_events *events;
	void *context;
	struct ev_io reading, writing;
	struct buffer queue;
	size_t sent; /* octets at the queue's start that are sent already */
	bool paused;
	bool *freed; /* set while a callback runs */
	uint8_t record[MESSAGE_RECORD_MAX];
};

enum err channel_pair(int ret[2], struct error *e)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return error_set_sys(e, errno, "cannot make a socket pair");
	ret[0] = fds[0];
	ret[1] = fds[1];
	return E_OK;
}

static struct cursor unsent(const struct channel *c)
{
	struct cursor at = cursor_over(buffer_view(&c->queue));

	(void)cursor_take(&at, c->sent);
	return at;
}

static void forget_queue(struct channel *c)
{
	c->sent = 0;
	buffer_reset(&c->queue);
}

static void close_queued_descriptors(struct channel *c)
{
	struct cursor at = unsent(c);

	while (cursor_left(&at)) {
		uint32_t length = cursor_u32(&at);
		uint32_t fd = cursor_u32(&at);

		(void)cursor_take(&at, length);
		if (fd)
			close((int)fd - 1);
	}
	forget_queue(c);
}

static void stop(struct channel *c)
{
	ev_io_stop(c->loop, &c->reading);
	ev_io_stop(c->loop, &c->writing);
	close_queued_descriptors(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

struct channel *channel_free(struct channel *c)
{
	if (!c)
		return NULL;
	stop(c);
	buffer_fini(&c->queue);
	if (c->freed)
		*c->freed = true;
	free(c);
	return NULL;
}

static void fail(struct channel *c, const struct error *e)
{
	stop(c);
	c->events->closed(c->context, c, e);
}

/* E_AGAIN: the socket is full. */
static enum err send_record(struct channel *c, struct view record, int fd, struct error *e)
{
	struct iovec iov = {.iov_len = record.len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof fd)];
	} control = {.space = {0}};
	ssize_t sent;

	/* iov_base is not const, though sendmsg() only reads. */
	memcpy(&iov.iov_base, &record.data, sizeof iov.iov_base);
	if (fd >= 0) {
		struct cmsghdr *c0;

		header.msg_control = control.space;
		header.msg_controllen = sizeof control.space;
		c0 = CMSG_FIRSTHDR(&header);
		c0->cmsg_level = SOL_SOCKET;
		c0->cmsg_type = SCM_RIGHTS;
		c0->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c0), &fd, sizeof fd);
	}
	do
		sent = sendmsg(c->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return E_OK;
	if (errno == EAGAIN || errno == ENOBUFS)
		return E_AGAIN;
	if (errno == EPIPE || errno == ECONNRESET)
		return error_set(e, E_CLOSED, "the other process has gone");
	return error_set_sys(e, errno, "cannot send to the other process");
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct channel *c = w->data;
	struct error e;

	(void)events;
	while (c->sent < c->queue.len) {
		struct cursor at = unsent(c);
		uint32_t length = cursor_u32(&at);
		uint32_t fd = cursor_u32(&at);
		enum err err = send_record(c, cursor_take(&at, length), (int)fd - 1, &e);

		if (err == E_AGAIN)
			return;
		if (err) {
			fail(c, &e);
			return;
		}
		if (fd)
			close((int)fd - 1);
		c->sent += QUEUE_HEADER + length;
	}
	forget_queue(c);
	ev_io_stop(loop, w);
	if (c->events->drained)
		c->events->drained(c->context, c);
}

enum err channel_send(struct channel *c, const struct message *m, int fd, struct error *e)
{
	size_t before;
	int copy = -1;
	enum err err;

	if (c->fd < 0)
		return error_set(e, E_CLOSED, "the other process has gone");
	if (c->sent > c->queue.len / 2) {
		buffer_consume(&c->queue, c->sent);
		c->sent = 0;
	}
	before = c->queue.len;
	buffer_put_zeros(&c->queue, QUEUE_HEADER);
	err = c->queue.error ? c->queue.error : message_encode(m, &c->queue);
	if (err) {
		c->queue.len = before;
		c->queue.error = E_OK;
		return error_set(e, err, "cannot queue %s of %zu octets behind %zu",
		                 message_name(m->type), m->data.len, before);
	}
	if (!before) {
		struct view record = buffer_view(&c->queue);

		record.data += QUEUE_HEADER;
		record.len -= QUEUE_HEADER;
		err = send_record(c, record, fd, e);
		if (err != E_AGAIN) {
			forget_queue(c);
			return err;
		}
	}
	if (fd >= 0) {
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0) {
			c->queue.len = before;
			return error_set_sys(e, errno, "cannot duplicate a descriptor");
		}
	}
	buffer_patch_u32(&c->queue, before, (uint32_t)(c->queue.len - before - QUEUE_HEADER));
	buffer_patch_u32(&c->queue, before + 4, (uint32_t)(copy + 1));
	ev_io_start(c->loop, &c->writing);
	return E_OK;
}

size_t channel_queued(const struct channel *c)
{
	return c->queue.len - c->sent;
}

/* Takes the descriptors out of a header: the first one is returned, any other closed and counted. */
static int take_descriptors(struct msghdr *header, size_t *ret_count)
{
	int first = -1;
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof first;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (count++)
				close(fd);
			else
				first = fd;
		}
	}
	*ret_count = count;
	return first;
}

/* One record. E_AGAIN if there is none. */
static enum err receive(struct channel *c, struct message *ret, int *ret_fd, struct error *e)
{
	struct iovec iov = {.iov_base = c->record, .iov_len = sizeof c->record};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr header = {.msg_iov = &iov,
	                        .msg_iovlen = 1,
	                        .msg_control = control.space,
	                        .msg_controllen = sizeof control.space};
	struct message m;
	size_t descriptors;
	ssize_t got;
	int fd;
	enum err err;

	do
		got = recvmsg(c->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return E_AGAIN;
	if (got < 0 && errno != ECONNRESET)
		return error_set_sys(e, errno, "cannot receive from the other process");
	if (got <= 0)
		return error_set(e, E_CLOSED, "the other process has gone");

	fd = take_descriptors(&header, &descriptors);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		err = error_set(e, E_LENGTH, "a record is longer than any may be");
	else
		err = message_decode(VIEW(c->record, (size_t)got), c->peer, c->self, &m, e);
	if (!err && descriptors != (message_has_descriptor(m.type) ? 1U : 0U))
		err = error_set(e, E_UNEXPECTED, "%s with %zu descriptors", message_name(m.type),
		                descriptors);
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	*ret = m;
	*ret_fd = fd;
	return E_OK;
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct channel *c = w->data;
	bool freed = false;
	struct message m;
	struct error e;
	int fd = -1;

	(void)loop;
	(void)events;
	c->freed = &freed;
	for (int i = 0; i < RECORDS_PER_TURN && c->fd >= 0 && !c->paused; i++) {
		enum err err = receive(c, &m, &fd, &e);

		if (err == E_AGAIN)
			break;
		if (err)
			fail(c, &e);
		else
			c->events->message(c->context, c, &m, fd);
		if (freed)
			return;
	}
	c->freed = NULL;
}

void channel_pause(struct channel *c, bool pause)
{
	c->paused = pause;
	if (c->fd < 0)
		return;
	if (pause)
		ev_io_stop(c->loop, &c->reading);
	else
		ev_io_start(c->loop, &c->reading);
}

enum err channel_new(struct ev_loop *loop, int fd, enum ipc_role self, enum ipc_role peer,
                     size_t queue_limit, const struct channel_events *events, void *context,
                     struct channel **ret, struct error *e)
{
	struct channel *c = calloc(1, sizeof *c);
	int flags = fcntl(fd, F_GETFL);

	if (!c)
		return error_set(e, E_MEMORY, "no memory for a channel");
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC)) {
		free(c);
		return error_set_sys(e, errno, "descriptor %d is no channel", fd);
	}
	c->loop = loop;
	c->fd = fd;
	c->self = self;
	c->peer = peer;
	c->events = events;
	c->context = context;
	buffer_init(&c->queue, queue_limit);
	ev_io_init(&c->reading, on_readable, fd, EV_READ);
	ev_io_init(&c->writing, on_writable, fd, EV_WRITE);
	c->reading.data = c;
	c->writing.data = c;
	ev_io_start(loop, &c->reading);
	*ret = c;
	return E_OK;
}
