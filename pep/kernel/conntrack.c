/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PIECE_OCTETS = 64 * 1024, /* the kernel's own pieces are not longer */
	REQUEST_OCTETS = 512,     /* one cut: header, tuple, id, mark */
	TUPLE_OCTETS_MAX = 256,
	TABLE_SIZE = 64, /* beyond all attributes that are looked at */
	EVENTS_BUFFER = 4 * 1024 * 1024,
};

struct conntrack {
	int dump, change;
	uint32_t sequence; /* of the dump */
	uint32_t mask;
	struct buffer requests; /* of one piece */
	uint32_t requested;
	uint8_t piece[PIECE_OCTETS];
};

/* ---- What the kernel tells ---- */

struct tuple {
	struct view source;
	uint8_t protocol;
	uint16_t source_port, destination_port;
	uint8_t icmp_type, icmp_code;
};

/* Nothing for an attribute that is not there. */
static struct view payload(const struct nlattr *attribute)
{
	if (!attribute)
		return VIEW_NONE;
	return VIEW(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

static uint16_t port_of(const struct nlattr *attribute)
{
	struct view v = payload(attribute);

	return (uint16_t)(v.len == 2 ? v.data[0] << 8 | v.data[1] : 0);
}

static uint8_t octet_of(const struct nlattr *attribute)
{
	struct view v = payload(attribute);

	return v.len == 1 ? v.data[0] : 0;
}

/* The attributes of a nest by their numbers; what is beyond the table is nothing of ours. */
struct table {
	const struct nlattr *at[TABLE_SIZE];
};

static int put_in_table(const struct nlattr *a, void *context)
{
	struct table *t = context;

	if (mnl_attr_get_type(a) < TABLE_SIZE)
		t->at[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static struct table nest_of(const struct nlattr *nest)
{
	struct table t = {{NULL}};

	if (nest)
		(void)mnl_attr_parse_nested(nest, put_in_table, &t);
	return t;
}

static struct tuple read_tuple(const struct nlattr *nest)
{
	const struct table parts = nest_of(nest), ip = nest_of(parts.at[CTA_TUPLE_IP]),
			   protocol = nest_of(parts.at[CTA_TUPLE_PROTO]);
	const struct nlattr *six = ip.at[CTA_IP_V6_SRC], *type = protocol.at[CTA_PROTO_ICMPV6_TYPE];

	return (struct tuple){
		.source = payload(six ? six : ip.at[CTA_IP_V4_SRC]),
		.protocol = octet_of(protocol.at[CTA_PROTO_NUM]),
		.source_port = port_of(protocol.at[CTA_PROTO_SRC_PORT]),
		.destination_port = port_of(protocol.at[CTA_PROTO_DST_PORT]),
		.icmp_type = octet_of(type ? type : protocol.at[CTA_PROTO_ICMP_TYPE]),
		.icmp_code = octet_of(type ? protocol.at[CTA_PROTO_ICMPV6_CODE]
					   : protocol.at[CTA_PROTO_ICMP_CODE]),
	};
}

static uint32_t number_of(const struct nlattr *attribute)
{
	struct view v = payload(attribute);
	uint32_t value = 0;

	if (v.len == sizeof value)
		memcpy(&value, v.data, sizeof value);
	return ntohl(value);
}

enum err connection_decode(const struct nlmsghdr *message, struct connection *ret,
	struct view *ret_tuple, uint32_t *ret_id)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	const struct nlattr *original, *reply;
	struct connection c = {.mark = 0};
	struct table parts = {{NULL}};
	struct tuple from, back;
	size_t width;

	if (mnl_nlmsg_get_payload_len(message) < sizeof *head ||
		mnl_attr_parse(message, sizeof *head, put_in_table, &parts) < 0)
		return E_PROTOCOL;
	original = parts.at[CTA_TUPLE_ORIG];
	reply = parts.at[CTA_TUPLE_REPLY];
	if (!original || !reply || mnl_attr_get_len(original) > TUPLE_OCTETS_MAX)
		return E_PROTOCOL;
	c.mark = number_of(parts.at[CTA_MARK]);
	*ret_id = number_of(parts.at[CTA_ID]);
	from = read_tuple(original);
	back = read_tuple(reply);
	width = head->nfgen_family == AF_INET ? 4 : 16;
	if ((head->nfgen_family != AF_INET && head->nfgen_family != AF_INET6) ||
		from.source.len != width || back.source.len != width)
		return E_PROTOCOL;
	c.flow.family = width == 4 ? FLOW_IPV4 : FLOW_IPV6;
	memcpy(c.flow.source, from.source.data, width);
	memcpy(c.flow.destination, back.source.data, width);
	c.flow.protocol = from.protocol;
	c.flow.source_port = from.source_port;
	c.flow.destination_port = back.source_port;
	c.flow.icmp_type = from.icmp_type;
	c.flow.icmp_code = from.icmp_code;
	*ret = c;
	*ret_tuple = VIEW((const uint8_t *)original, mnl_attr_get_len(original));
	return E_OK;
}

/* ---- What is asked of it ---- */

static struct nlmsghdr *begin_message(
	char *room, uint16_t type, uint16_t flags, uint8_t family, uint32_t sequence)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	struct nfgenmsg *head;

	m->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	m->nlmsg_seq = sequence;
	head = mnl_nlmsg_put_extra_header(m, sizeof *head);
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	head->res_id = 0;
	return m;
}

static void put_tuple(struct nlmsghdr *m, struct view tuple)
{
	/* As it came, nests and all. */
	memcpy(mnl_nlmsg_get_payload_tail(m), tuple.data, tuple.len);
	m->nlmsg_len += ((uint32_t)tuple.len + 3) & ~3U;
}

static void request(struct conntrack *c, const struct connection *connection, struct view tuple,
	uint32_t id, enum conntrack_verdict verdict, uint32_t mark)
{
	char room[REQUEST_OCTETS] = {0};
	uint8_t family = connection->flow.family == FLOW_IPV4 ? AF_INET : AF_INET6;
	uint16_t type = verdict == CONNTRACK_CUT ? IPCTNL_MSG_CT_DELETE : IPCTNL_MSG_CT_NEW;
	struct nlmsghdr *m = begin_message(room, type, NLM_F_ACK, family, ++c->requested);

	put_tuple(m, tuple);
	if (verdict == CONNTRACK_CUT) {
		mnl_attr_put_u32(m, CTA_ID, htonl(id));
	} else {
		mnl_attr_put_u32(m, CTA_MARK, htonl(mark & c->mask));
		mnl_attr_put_u32(m, CTA_MARK_MASK, htonl(c->mask));
	}
	buffer_put_view(&c->requests, VIEW((const uint8_t *)m, m->nlmsg_len));
}

/* The answers to one piece's requests; one that was gone already is as good as cut. */
static enum err read_answers(struct conntrack *c, struct error *error)
{
	enum err err = E_OK;
	uint32_t last = 0;
	uint8_t answers[8192];

	while (last != c->requested) {
		ssize_t got = recv(c->change, answers, sizeof answers, 0);
		const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)answers;
		int left = (int)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set_sys(error, errno, "the kernel does not say what was cut");
		for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(m);

			if (m->nlmsg_type != NLMSG_ERROR ||
				mnl_nlmsg_get_payload_len(m) < sizeof *answer)
				continue;
			last = m->nlmsg_seq;
			if (answer->error && answer->error != -ENOENT && !err)
				err = error_set_sys(error, -answer->error, "a connection cannot be cut");
		}
	}
	return err;
}

static enum err send_requests(struct conntrack *c, struct error *error)
{
	enum err err = c->requests.error;

	if (err)
		return error_set(error, err, "no memory to cut connections");
	if (!c->requests.len)
		return E_OK;
	while (send(c->change, c->requests.data, c->requests.len, 0) < 0)
		if (errno != EINTR)
			return error_set_sys(error, errno, "connections cannot be cut");
	return read_answers(c, error);
}

/* ---- Reading ---- */

static enum err open_socket(int flags, int *ret, struct error *error)
{
	const int room = EVENTS_BUFFER;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_NETFILTER);

	if (fd < 0)
		return error_set_sys(error, errno, "cannot open a netlink socket for connections");
	/* More than the default if we may; what is lost is said anyway. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	*ret = fd;
	return E_OK;
}

enum err conntrack_open(struct conntrack **ret, struct error *error)
{
	struct conntrack *c = calloc(1, sizeof *c);
	enum err err;

	if (!c)
		return error_set(error, E_MEMORY, "no memory to read connections");
	c->dump = c->change = -1;
	buffer_init(&c->requests, PIECE_OCTETS * 16);
	err = open_socket(SOCK_NONBLOCK, &c->dump, error);
	if (!err)
		err = open_socket(0, &c->change, error);
	if (err)
		conntrack_free(c);
	else
		*ret = c;
	return err;
}

struct conntrack *conntrack_free(struct conntrack *c)
{
	if (!c)
		return NULL;
	if (c->dump >= 0)
		close(c->dump);
	if (c->change >= 0)
		close(c->change);
	buffer_fini(&c->requests);
	free(c);
	return NULL;
}

int conntrack_descriptor(const struct conntrack *c)
{
	return c->dump;
}

enum err conntrack_begin(struct conntrack *c, uint32_t bits, uint32_t mask, struct error *error)
{
	char room[REQUEST_OCTETS] = {0};
	struct nlmsghdr *m;
	int fd = -1;
	enum err err;

	/* A dump under way ends with its socket. */
	err = open_socket(SOCK_NONBLOCK, &fd, error);
	if (err)
		return err;
	close(c->dump);
	c->dump = fd;
	c->mask = mask;
	m = begin_message(room, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC, ++c->sequence);
	mnl_attr_put_u32(m, CTA_MARK, htonl(bits));
	mnl_attr_put_u32(m, CTA_MARK_MASK, htonl(bits));
	if (send(c->dump, m, m->nlmsg_len, 0) < 0)
		return error_set_sys(error, errno, "cannot ask for the connections");
	return E_OK;
}

static void take(struct conntrack *c, const struct nlmsghdr *m, conntrack_judge *judge,
	void *context, struct conntrack_reading *reading)
{
	struct connection connection;
	enum conntrack_verdict verdict;
	struct view tuple;
	uint32_t id, mark = 0;

	if (connection_decode(m, &connection, &tuple, &id))
		return;
	reading->seen++;
	verdict = judge(context, &connection, &mark);
	if (verdict == CONNTRACK_KEEP)
		return;
	*(verdict == CONNTRACK_CUT ? &reading->cut : &reading->marked) += 1;
	request(c, &connection, tuple, id, verdict, mark);
}

static enum err read_message(struct conntrack *c, const struct nlmsghdr *m,
	conntrack_judge *judge, void *context, struct conntrack_reading *reading,
	struct error *error)
{
	int code = 0;

	if (m->nlmsg_seq != c->sequence)
		return E_OK;
	reading->lost |= m->nlmsg_flags & NLM_F_DUMP_INTR;
	if (m->nlmsg_type != NLMSG_DONE && m->nlmsg_type != NLMSG_ERROR) {
		take(c, m, judge, context, reading);
		return E_OK;
	}
	reading->done = true;
	if (mnl_nlmsg_get_payload_len(m) >= sizeof code)
		memcpy(&code, mnl_nlmsg_get_payload(m), sizeof code);
	return code < 0 ? error_set_sys(error, -code, "the kernel does not tell its connections")
			: E_OK;
}

enum err conntrack_read(struct conntrack *c, conntrack_judge *judge, void *context,
	struct conntrack_reading *reading, struct error *error)
{
	ssize_t got = recv(c->dump, c->piece, sizeof c->piece, MSG_TRUNC);
	const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)c->piece;
	struct error why;
	enum err err = E_OK;
	int left = (int)got;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return E_OK;
	if (got < 0 && errno == ENOBUFS) {
		reading->lost = true;
		return E_OK;
	}
	if (got < 0)
		return error_set_sys(error, errno, "cannot read the connections");
	if ((size_t)got > sizeof c->piece) {
		reading->lost = true;
		left = sizeof c->piece;
	}
	buffer_reset(&c->requests);
	c->requested = 0;
	for (; mnl_nlmsg_ok(m, left) && !err; m = mnl_nlmsg_next(m, &left))
		err = read_message(c, m, judge, context, reading, error);
	if (send_requests(c, &why) && !err) {
		*error = why;
		err = why.code;
	}
	return err;
}
