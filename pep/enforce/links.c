/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/process.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SETTLE_MS = 100, /* interfaces rarely change one event at a time */
	LINKS_MS = 1000, /* at least between two looks at them */
	LINK_EVENTS_MAX = 1024, /* at once; the rest in the next turn of the loop */
};

void links_look(struct process *p)
{
	struct node_interfaces *list = malloc(sizeof *list);
	struct error e;

	if (!list || interfaces_read(list, &e)) {
		if (list)
			log_warning(p->log, MODULE, "interfaces are not known", log_err(&e));
	} else if (enforcement_set_interfaces(p->enforcement, list)) {
		log_info(p->log, MODULE, "interfaces", log_u64("count", list->count));
		tell_changes(p);
	}
	free(list);
}

static void on_links_settled(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;

	(void)revents;
	p->links_read = ev_now(loop);
	links_look(p);
}

static void on_links_changed(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct process *p = w->data;
	double wait = p->links_read + LINKS_MS / 1000.0 - ev_now(loop);
	uint8_t message[8192];
	ssize_t got;
	int events = 0;

	(void)revents;
	/* Only that something happened matters, so a full buffer (ENOBUFS) says enough too. */
	do
		got = recv(p->links, message, sizeof message, MSG_DONTWAIT);
	while (++events < LINK_EVENTS_MAX &&
	       (got > 0 || (got < 0 && (errno == EINTR || errno == ENOBUFS))));
	if (!ev_is_active(&p->links_settled)) {
		/* One that changes is told at once; those that keep changing, now and then. */
		ev_timer_set(&p->links_settled,
		             wait > SETTLE_MS / 1000.0 ? wait : SETTLE_MS / 1000.0, 0);
		ev_timer_start(loop, &p->links_settled);
	}
}

enum err links_watch(struct process *p, struct error *e)
{
	struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	p->links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (p->links < 0 || bind(p->links, (struct sockaddr *)&all, sizeof all))
		return error_set_sys(e, errno, "cannot watch the interfaces");
	ev_io_set(&p->links_changed, p->links, EV_READ);
	ev_io_start(p->loop, &p->links_changed);
	return E_OK;
}

void links_init(struct process *p)
{
	p->links = -1;
	ev_init(&p->links_changed, on_links_changed);
	ev_init(&p->links_settled, on_links_settled);
	p->links_changed.data = p;
	p->links_settled.data = p;
}

void links_fini(struct process *p)
{
	ev_io_stop(p->loop, &p->links_changed);
	ev_timer_stop(p->loop, &p->links_settled);
	if (p->links >= 0)
		close(p->links);
}
