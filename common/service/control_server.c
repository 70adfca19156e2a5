/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/control_exchange.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_PIECE = 4096, BACKLOG = 16 };

struct client {
	struct client *next;
	struct control_server *server;
	struct control_exchange exchange;
	int fd;
	ev_io io;
};

struct control_server {
	struct ev_loop *loop;
	const struct control_command *commands;
	void *context;
	uid_t owner;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	dev_t device; /* of the socket file, to remove no one else's */
	ino_t inode;
	int fd;
	ev_io io;
	struct client *clients;
	unsigned count;
	struct refusals refused; /* lines and clients */
	bool in_callback; /* the server dies when the callback is over, not before */
	bool freed;
};

/* ---- clients ---- */

static void client_free(struct client *c)
{
	struct client **at = &c->server->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->count--;
	ev_io_stop(c->server->loop, &c->io);
	close(c->fd);
	control_exchange_fini(&c->exchange);
	free(c);
}

/* The one place that decides what a client waits for. */
static void client_watch(struct client *c)
{
	/* A client that waits is read too, to see whether it is still there. */
	int wanted = control_exchange_reads(&c->exchange) ? EV_READ : EV_WRITE;

	if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == wanted)
		return;
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->fd, wanted);
	ev_io_start(c->server->loop, &c->io);
}

static void client_read(struct client *c)
{
	size_t room = control_exchange_room(&c->exchange);
	uint8_t *to;
	ssize_t n;

	if (!room) {
		control_exchange_overflow(&c->exchange);
		return;
	}
	room = room < READ_PIECE ? room : READ_PIECE;
	to = control_exchange_reserve(&c->exchange, room);
	n = to ? recv(c->fd, to, room, 0) : 0;
	if (n > 0)
		control_exchange_receive(&c->exchange, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->exchange.state = EXCHANGE_DEAD;
}

static void client_write(struct client *c)
{
	struct view out = control_exchange_output(&c->exchange);
	ssize_t n = send(c->fd, out.data, out.len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->exchange.state = EXCHANGE_DEAD;
	if (n > 0)
		control_exchange_sent(&c->exchange, (size_t)n);
}

static void server_destroy(struct control_server *s);

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *c = io->data;
	struct control_server *s = c->server;

	(void)loop;
	if (events & EV_WRITE)
		client_write(c);
	if ((events & EV_READ) && control_exchange_reads(&c->exchange))
		client_read(c);
	s->in_callback = true;
	while (!s->freed && control_exchange_step(&c->exchange, s->commands, s->context))
		client_write(c);
	s->in_callback = false;
	if (s->freed)
		server_destroy(s);
	else if (c->exchange.state == EXCHANGE_DEAD)
		client_free(c);
	else
		client_watch(c);
}

/* ---- the server ---- */

static bool may_connect(const struct control_server *s, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid() || peer.uid == s->owner);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct control_server *s = io->data;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
	struct error e;

	(void)loop;
	(void)events;
	if (!c) {
		if (fd >= 0)
			close(fd);
		return;
	}
	c->server = s;
	c->fd = fd;
	c->next = s->clients;
	s->clients = c;
	s->count++;
	control_exchange_init(&c->exchange);
	c->exchange.refused = &s->refused;
	ev_init(&c->io, on_client);
	c->io.data = c;
	if (!may_connect(s, fd))
		error_set(&e, E_DENIED, "only root and the daemon's owner may use this socket");
	else if (s->count > CONTROL_CLIENTS_MAX)
		error_set(&e, E_LIMIT, "%d clients are connected, which is the most",
			  CONTROL_CLIENTS_MAX);
	else {
		client_watch(c);
		return;
	}
	/* Said at once if it can be; nobody waits for it. */
	control_exchange_refuse(&c->exchange, &e);
	client_write(c);
	client_free(c);
}

/* Is somebody serving at this address? */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = fd >= 0 &&
		     (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
		      errno != ECONNREFUSED);

	if (fd >= 0)
		close(fd);
	return alive;
}

static enum err server_bind(struct control_server *s, struct error *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	strcpy(address.sun_path, s->path);
	/* The file gets this mode, so that it is never open to others, not even for a moment. */
	if (fchmod(s->fd, 0600) < 0)
		return error_set_sys(e, errno, "%s: setting its mode", s->path);
	if (lstat(s->path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return error_set(e, E_CONFLICT, "%s is there and is not a socket", s->path);
		if (is_alive(&address))
			return error_set(e, E_CONFLICT, "%s: another daemon is serving there",
					 s->path);
		if (unlink(s->path) < 0)
			return error_set_sys(e, errno, "%s: removing a dead daemon's socket",
					     s->path);
	}
	if (bind(s->fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return error_set_sys(e, errno, "%s", s->path);
	if (lstat(s->path, &st) < 0)
		return error_set_sys(e, errno, "%s", s->path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (s->owner != (uid_t)-1 && lchown(s->path, s->owner, (gid_t)-1) < 0)
		return error_set_sys(e, errno, "%s: giving it to user %u", s->path, s->owner);
	if (listen(s->fd, BACKLOG) < 0)
		return error_set_sys(e, errno, "%s: listening", s->path);
	return E_OK;
}

static void server_destroy(struct control_server *s)
{
	struct stat st;

	while (s->clients)
		client_free(s->clients);
	ev_io_stop(s->loop, &s->io);
	if (s->fd >= 0)
		close(s->fd);
	if (s->inode && lstat(s->path, &st) == 0 && st.st_dev == s->device &&
	    st.st_ino == s->inode)
		unlink(s->path);
	free(s);
}

enum err control_server_new(struct ev_loop *loop, const char *path, uid_t owner,
			    const struct control_command *commands, void *context,
			    struct control_server **ret_server, struct error *e)
{
	struct control_server *s;
	enum err err;

	if (strlen(path) >= sizeof s->path)
		return error_set(e, E_LENGTH, "%.80s...: a socket's path has at most %zu octets",
				 path, sizeof s->path - 1);
	s = calloc(1, sizeof *s);
	if (!s)
		return error_set(e, E_MEMORY, "out of memory for a control socket");
	s->loop = loop;
	s->commands = commands;
	s->context = context;
	s->owner = owner;
	strcpy(s->path, path);
	ev_init(&s->io, on_connection);
	s->io.data = s;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = s->fd < 0 ? error_set_sys(e, errno, "%s", path) : server_bind(s, e);
	if (err) {
		server_destroy(s);
		return err;
	}
	ev_io_set(&s->io, s->fd, EV_READ);
	ev_io_start(loop, &s->io);
	*ret_server = s;
	return E_OK;
}

void control_server_retry(struct control_server *s)
{
	for (struct client *c = s->clients; c; c = c->next) {
		if (!control_exchange_retry(&c->exchange))
			continue;
		/* From the loop: whoever calls this may be in the middle of something. */
		ev_feed_event(s->loop, &c->io, EV_CUSTOM);
	}
}

void control_server_free(struct control_server *s)
{
	if (!s)
		return;
	s->freed = true;
	if (!s->in_callback)
		server_destroy(s);
}

const struct refusals *control_server_refusals(const struct control_server *s)
{
	return &s->refused;
}
