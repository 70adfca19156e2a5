/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pep/net/dns.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cursor.h"
#include "tests/require.h"

enum { MESSAGE_MAX = 65535, UDP_MAX = 512, NAME_AT = 12 };

/* ---- Messages ---- */

static void put_name(struct buffer *b, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		buffer_put_u8(b, (uint8_t)len);
		buffer_put(b, name, len);
		name += len + (name[len] != 0);
	}
	buffer_put_u8(b, 0);
}

static void take_name(struct cursor *c, char name[256])
{
	size_t at = 0;

	for (uint8_t len; (len = cursor_u8(c)) && !c->error && at + len + 1 < 255;) {
		struct view label = cursor_take(c, len);

		if (at)
			name[at++] = '.';
		memcpy(name + at, label.data, label.len);
		at += label.len;
	}
	name[at] = 0;
}

static void put_u16_at(struct buffer *b, size_t at, size_t value)
{
	b->data[at] = (uint8_t)(value >> 8);
	b->data[at + 1] = (uint8_t)value;
}

static void put_data(struct buffer *b, const struct dns_record *r)
{
	uint8_t address[16];

	switch (r->type) {
	case DNS_A:
		REQUIRE(inet_pton(AF_INET, r->data, address) == 1);
		buffer_put(b, address, 4);
		break;
	case DNS_AAAA:
		REQUIRE(inet_pton(AF_INET6, r->data, address) == 1);
		buffer_put(b, address, 16);
		break;
	case DNS_SRV:
		buffer_put_u16(b, r->priority);
		buffer_put_u16(b, r->weight);
		buffer_put_u16(b, r->port);
		put_name(b, r->data);
		break;
	default:
		put_name(b, r->data);
		break;
	}
}

static void put_record(struct buffer *b, const struct dns_record *r, const char *asked,
	enum dns_manner manner)
{
	size_t length_at;

	if (manner == DNS_OTHER_NAME)
		put_name(b, "other.example");
	else if (manner == DNS_LOOP || manner == DNS_FORWARD)
		buffer_put_u16(b, (uint16_t)(0xc000 | (b->len + (manner == DNS_FORWARD ? 2 : 0))));
	else if (!strcasecmp(r->owner, asked))
		buffer_put_u16(b, 0xc000 | NAME_AT);
	else
		put_name(b, r->owner);
	buffer_put_u16(b, r->type);
	buffer_put_u16(b, 1);
	buffer_put_u32(b, r->ttl);
	length_at = b->len;
	buffer_put_u16(b, 0);
	put_data(b, r);
	put_u16_at(b, length_at, b->len - length_at - 2 + (manner == DNS_LENGTH));
}

/* Aliases first, as resolvers give them; returns how many records. */
static unsigned put_records(struct dns *d, struct buffer *b, const char *name, uint16_t type,
	enum dns_manner manner)
{
	const char *owner = name;
	unsigned count = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->records[i].type != DNS_CNAME || strcasecmp(d->records[i].owner, owner))
			continue;
		put_record(b, &d->records[i], name, manner);
		owner = d->records[i].data;
		count++;
	}
	for (size_t i = 0; i < d->count; i++) {
		if (d->records[i].type != type || strcasecmp(d->records[i].owner, owner))
			continue;
		put_record(b, &d->records[i], name, manner);
		count++;
	}
	return count;
}

static bool knows(const struct dns *d, const char *name)
{
	for (size_t i = 0; i < d->count; i++)
		if (!strcasecmp(d->records[i].owner, name))
			return true;
	return false;
}

bool dns_answer(struct dns *d, struct view question, bool tcp, struct buffer *out)
{
	struct cursor c = cursor_over(question);
	uint16_t id = cursor_u16(&c), type;
	enum dns_manner manner;
	size_t begin = out->len;
	unsigned count;
	char name[256];

	(void)cursor_take(&c, NAME_AT - 2);
	take_name(&c, name);
	type = cursor_u16(&c);
	(void)cursor_u16(&c);
	if (c.error)
		return false;
	d->questions++;
	d->by_tcp += tcp;
	manner = type == DNS_SRV ? d->manner : DNS_RIGHT;
	if (d->failing_host && !strcasecmp(d->failing_host, name))
		manner = DNS_SERVFAIL;
	if (manner == DNS_SILENT)
		return false;
	buffer_put_u16(out, id);
	buffer_put_u16(out, manner == DNS_NO_ANSWER_BIT ? 0x0100 : 0x8180);
	buffer_put_u16(out, 1);
	buffer_put_zeros(out, 6);
	buffer_put(out, question.data + NAME_AT, c.at - NAME_AT);
	count = manner == DNS_SERVFAIL ? 0 : put_records(d, out, name, type, manner);
	put_u16_at(out, begin + 6, count);
	if (manner == DNS_SERVFAIL)
		out->data[begin + 3] |= 2;
	else if (!count && !knows(d, name))
		out->data[begin + 3] |= 3;
	if (manner == DNS_CUT)
		out->len -= 3;
	if (!tcp && (manner == DNS_TRUNCATED || out->len - begin > UDP_MAX)) {
		out->data[begin + 2] |= 2;
		put_u16_at(out, begin + 6, 0);
		out->len = begin + c.at;
	}
	return true;
}

/* ---- Sockets ---- */

static void on_udp(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct dns *d = w->data;
	uint8_t octets[MESSAGE_MAX];
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	ssize_t n = recvfrom(w->fd, octets, sizeof octets, 0, (void *)&from, &len);
	struct buffer out;

	(void)loop;
	(void)revents;
	buffer_init(&out, MESSAGE_MAX);
	if (n > 0 && dns_answer(d, VIEW(octets, (size_t)n), false, &out))
		REQUIRE(sendto(w->fd, out.data, out.len, 0, (void *)&from, len) > 0);
	buffer_fini(&out);
}

/* One question a connection, which comes in one piece over loopback. */
static void on_peer(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct dns *d = w->data;
	uint8_t octets[MESSAGE_MAX];
	ssize_t n = recv(w->fd, octets, sizeof octets, 0);
	struct buffer out;

	(void)revents;
	if (n < 2) {
		ev_io_stop(loop, w);
		close(w->fd);
		return;
	}
	buffer_init(&out, MESSAGE_MAX + 2);
	buffer_put_u16(&out, 0);
	if (dns_answer(d, VIEW(octets + 2, (size_t)n - 2), true, &out)) {
		put_u16_at(&out, 0, out.len - 2);
		REQUIRE(send(w->fd, out.data, out.len, 0) > 0);
	}
	buffer_fini(&out);
}

static void on_tcp(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct dns *d = w->data;
	int fd = accept(w->fd, NULL, NULL);

	(void)revents;
	REQUIRE(fd >= 0);
	if (ev_is_active(&d->peer)) {
		ev_io_stop(loop, &d->peer);
		close(d->peer.fd);
	}
	ev_io_set(&d->peer, fd, EV_READ);
	ev_io_start(loop, &d->peer);
}

static void watch(struct dns *d, struct ev_io *w, int type, void (*callback)(struct ev_loop *,
	struct ev_io *, int))
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	int fd = socket(endpoint_family(&d->at), type | SOCK_CLOEXEC, 0), on = 1;

	REQUIRE(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	REQUIRE(!bind(fd, &d->at.address.any, endpoint_len(&d->at)));
	REQUIRE(!getsockname(fd, (void *)&address, &len));
	REQUIRE(!endpoint_from_sockaddr((void *)&address, len, &d->at));
	REQUIRE(type == SOCK_DGRAM || !listen(fd, 8));
	ev_io_init(w, callback, fd, EV_READ);
	w->data = d;
	ev_io_start(d->loop, w);
}

void dns_init(struct dns *d, struct ev_loop *loop, const struct endpoint *at)
{
	*d = (struct dns){.loop = loop, .at = *at};
	ev_init(&d->peer, on_peer);
	d->peer.data = d;
	/* TCP first: who has the port there has it free for UDP as well, but for a rare chance. */
	watch(d, &d->tcp, SOCK_STREAM, on_tcp);
	watch(d, &d->udp, SOCK_DGRAM, on_udp);
}

void dns_fini(struct dns *d)
{
	if (ev_is_active(&d->peer)) {
		ev_io_stop(d->loop, &d->peer);
		close(d->peer.fd);
	}
	ev_io_stop(d->loop, &d->udp);
	ev_io_stop(d->loop, &d->tcp);
	close(d->udp.fd);
	close(d->tcp.fd);
}
