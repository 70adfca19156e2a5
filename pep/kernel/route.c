/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct route {
	int fd;
	uint32_t sequence;
};

enum err route_open(struct route **ret, struct error *error)
{
	struct route *r = calloc(1, sizeof *r);

	if (!r)
		return error_set(error, E_MEMORY, "no memory to ask for routes");
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (r->fd < 0) {
		free(r);
		return error_set_sys(error, errno, "cannot open a netlink socket for routes");
	}
	*ret = r;
	return E_OK;
}

struct route *route_free(struct route *r)
{
	if (r)
		close(r->fd);
	free(r);
	return NULL;
}

/* Asks, and waits for what answers just that. */
static bool ask(struct route *r, const struct nlmsghdr *question, uint8_t *answer, size_t size)
{
	if (send(r->fd, question, question->nlmsg_len, 0) < 0)
		return false;
	for (;;) {
		ssize_t got = recv(r->fd, answer, size, 0);
		const struct nlmsghdr *m = (const struct nlmsghdr *)(const void *)answer;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		if (!mnl_nlmsg_ok(m, (int)got) || m->nlmsg_seq != question->nlmsg_seq)
			continue;
		return m->nlmsg_type == RTM_NEWROUTE;
	}
}

static int look_at(const struct nlattr *a, void *context)
{
	unsigned *index = context;

	if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_get_payload_len(a) == sizeof *index)
		*index = mnl_attr_get_u32(a);
	return MNL_CB_OK;
}

unsigned route_interface(struct route *r, enum flow_family family, const uint8_t address[16])
{
	char room[128] = {0};
	uint8_t answer[8192];
	size_t width = family == FLOW_IPV4 ? 4 : 16;
	struct nlmsghdr *m = mnl_nlmsg_put_header(room);
	unsigned index = 0;
	struct rtmsg *head;

	m->nlmsg_type = RTM_GETROUTE;
	m->nlmsg_flags = NLM_F_REQUEST;
	m->nlmsg_seq = ++r->sequence;
	head = mnl_nlmsg_put_extra_header(m, sizeof *head);
	head->rtm_family = family == FLOW_IPV4 ? AF_INET : AF_INET6;
	head->rtm_dst_len = (uint8_t)(8 * width);
	mnl_attr_put(m, RTA_DST, width, address);
	if (!ask(r, m, answer, sizeof answer) ||
		mnl_attr_parse((const struct nlmsghdr *)(const void *)answer, sizeof *head, look_at,
			&index) < 0)
		return 0;
	return index;
}
