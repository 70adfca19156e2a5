/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/kernel.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SEND_OCTETS_MAX = 1 << 29,    /* one batch is one datagram */
	RECEIVE_OCTETS_MAX = 1 << 24, /* answers that wait for us */
	PIECE_OCTETS = 1 << 16,
	INTERRUPTIONS_MAX = 100,
};

struct sockets {
	int fd[KERNEL_BUSES];
	int events[KERNEL_BUSES]; /* -1: nobody listens */
};

/* Does a piece of the replies answer the message `last` for good? */
static bool answers(const uint8_t *data, size_t len, uint32_t last)
{
	while (len >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr header;
		size_t step;

		memcpy(&header, data, sizeof header);
		if (header.nlmsg_seq == last &&
			(header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE))
			return true;
		step = NLMSG_ALIGN(header.nlmsg_len);
		if (header.nlmsg_len < sizeof header || step > len)
			return false;
		data += step;
		len -= step;
	}
	return false;
}

static enum err receive_piece(int fd, struct buffer *replies, size_t *ret_len, struct error *error)
{
	struct sockaddr_nl from;
	struct iovec part;
	struct msghdr header = {
		.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
	ssize_t len;

	for (int i = 0; i < INTERRUPTIONS_MAX; i++) {
		part.iov_len = PIECE_OCTETS;
		part.iov_base = buffer_reserve(replies, part.iov_len);
		if (!part.iov_base)
			return error_set(error, E_LIMIT,
				"the kernel's answer is longer than %zu octets", replies->limit);
		/* The kernel works in our call of send: what is not there now will not come. */
		len = recvmsg(fd, &header, MSG_DONTWAIT);
		if (len >= 0 && from.nl_pid != 0)
			continue; /* not from the kernel */
		if (len >= 0 && (header.msg_flags & MSG_TRUNC))
			return error_set(error, E_PROTOCOL, "an answer of the kernel was cut");
		if (len >= 0) {
			*ret_len = (size_t)len;
			return E_OK;
		}
		if (errno == EAGAIN)
			return error_set(error, E_TIMEOUT, "the kernel did not answer");
		if (errno != EINTR)
			return error_set_sys(error, errno, "cannot read the kernel's answer");
	}
	return error_set(
		error, E_TIMEOUT, "interrupted too often while reading the kernel's answer");
}

static void forget_old_answers(int fd)
{
	char octets[64];

	while (recv(fd, octets, sizeof octets, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == ENOBUFS)
		;
}

static enum err exchange(void *context, enum kernel_bus bus, struct view request, uint32_t last,
	struct buffer *replies, struct error *error)
{
	struct sockets *s = context;
	const struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	ssize_t sent;

	forget_old_answers(s->fd[bus]);
	do {
		sent = sendto(s->fd[bus], request.data, request.len, 0,
			(const struct sockaddr *)&to, sizeof to);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return error_set_sys(
			error, errno, "cannot send %zu octets to the kernel", request.len);
	for (;;) {
		size_t len = 0;
		size_t before = replies->len;
		enum err err = receive_piece(s->fd[bus], replies, &len, error);

		if (err)
			return err;
		buffer_grow(replies, len);
		if (answers(replies->data + before, len, last))
			return E_OK;
	}
}

static void close_sockets(void *context)
{
	struct sockets *s = context;

	for (int bus = 0; bus < KERNEL_BUSES; bus++) {
		if (s->fd[bus] >= 0)
			close(s->fd[bus]);
		if (s->events[bus] >= 0)
			close(s->events[bus]);
	}
	free(s);
}

static enum err open_socket(int protocol, int *ret, struct error *error)
{
	const struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	const int on = 1, send = SEND_OCTETS_MAX, receive = RECEIVE_OCTETS_MAX;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return error_set_sys(error, errno, "cannot open a netlink socket");
	if (bind(fd, (const struct sockaddr *)&any, sizeof any) != 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) != 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive) != 0) {
		error_set_sys(error, errno, "cannot prepare a netlink socket");
		close(fd);
		return E_SYSTEM;
	}
	*ret = fd;
	return E_OK;
}

static const int protocols[KERNEL_BUSES] = {
	[KERNEL_XFRM] = NETLINK_XFRM, [KERNEL_NFT] = NETLINK_NETFILTER};

static enum err listen_for_events(void *context, int ret_fd[KERNEL_BUSES], struct error *error)
{
	static const int groups[KERNEL_BUSES] = {
		[KERNEL_XFRM] = XFRMNLGRP_POLICY, [KERNEL_NFT] = NFNLGRP_NFTABLES};
	struct sockets *s = context;

	for (int bus = 0; bus < KERNEL_BUSES; bus++) {
		enum err err = s->events[bus] < 0
				       ? open_socket(protocols[bus], &s->events[bus], error)
				       : E_OK;

		if (err)
			return err;
		if (setsockopt(s->events[bus], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[bus],
			    sizeof groups[bus]) != 0)
			return error_set_sys(error, errno, "cannot listen to the kernel's changes");
		ret_fd[bus] = s->events[bus];
	}
	return E_OK;
}

static enum err hear(void *context, enum kernel_bus bus, struct buffer *events, bool *ret_lost,
	struct error *error)
{
	struct sockets *s = context;
	bool lost = false;
	enum err err = E_OK;

	while (!err) {
		size_t len = 0;

		err = receive_piece(s->events[bus], events, &len, error);
		if (!err)
			buffer_grow(events, len);
		else if (err == E_SYSTEM && error->sys == ENOBUFS)
			lost = true;
		if (err == E_SYSTEM && error->sys == ENOBUFS)
			err = E_OK;
	}
	*ret_lost = lost;
	return err == E_TIMEOUT ? E_OK : err;
}

static enum err port_of(int fd, uint32_t *ret, struct error *error)
{
	struct sockaddr_nl ours;
	socklen_t len = sizeof ours;

	if (getsockname(fd, (struct sockaddr *)&ours, &len) != 0)
		return error_set_sys(error, errno, "cannot name a netlink socket");
	*ret = ours.nl_pid;
	return E_OK;
}

enum err kernel_sockets(struct kernel_transport *ret, struct error *error)
{
	struct sockets *s = calloc(1, sizeof *s);
	struct kernel_transport transport = {.context = s,
		.exchange = exchange,
		.listen = listen_for_events,
		.hear = hear,
		.close = close_sockets};
	enum err err = E_OK;

	if (!s)
		return error_set(error, E_MEMORY, "no memory for the netlink sockets");
	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		s->fd[bus] = s->events[bus] = -1;
	for (int bus = 0; bus < KERNEL_BUSES && !err; bus++) {
		err = open_socket(protocols[bus], &s->fd[bus], error);
		if (!err)
			err = port_of(s->fd[bus], &transport.port[bus], error);
	}
	if (err) {
		close_sockets(s);
		return err;
	}
	*ret = transport;
	return E_OK;
}

enum err kernel_open(struct kernel **ret, struct error *error)
{
	struct kernel_transport transport;
	struct kernel *kernel;
	enum err err = kernel_sockets(&transport, error);

	if (err)
		return err;
	kernel = kernel_new(&transport);
	if (!kernel) {
		close_sockets(transport.context);
		return error_set(error, E_MEMORY, "no memory for the netlink sockets");
	}
	*ret = kernel;
	return E_OK;
}
