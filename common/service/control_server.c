/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/control.h"

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

enum client_state {
	CLIENT_READING, /* waits for a line */
	CLIENT_PENDING, /* its request cannot be answered yet; the line stays where it is */
	CLIENT_WRITING, /* waits until the reply has gone */
	CLIENT_ENDING,  /* the same, and then it goes too */
	CLIENT_DEAD,
};

struct client {
	struct client *next;
	struct control_server *server;
	enum client_state state;
	int fd;
	ev_io io;
	struct buffer in;
	struct buffer out;
	size_t sent; /* octets of it */
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
	buffer_fini(&c->in);
	buffer_fini(&c->out);
	free(c);
}

/* The one place that decides what a client waits for. */
static void client_watch(struct client *c)
{
	/* A client that waits is read too, to see whether it is still there. */
	int wanted = c->state == CLIENT_READING || c->state == CLIENT_PENDING ? EV_READ : EV_WRITE;

	if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == wanted)
		return;
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->fd, wanted);
	ev_io_start(c->server->loop, &c->io);
}

json_t *control_text(struct view text)
{
	json_t *value = json_stringn(text.len ? (const char *)text.data : "", text.len);
	char *copy;

	if (value)
		return value;
	copy = malloc(text.len + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)(text.data[i] < 0x80 ? text.data[i] : '?');
	value = json_stringn(copy, text.len);
	free(copy);
	return value;
}

/* Takes the reply; what cannot be said becomes an error that can. */
static void client_reply(struct client *c, json_t *reply)
{
	static const char too_large[] =
		"{\"error\":{\"code\":\"limit reached\",\"text\":\"the reply is too large\"}}\n";
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	if (text && strlen(text) < CONTROL_REPLY_MAX) {
		buffer_put(&c->out, text, strlen(text));
		buffer_put_u8(&c->out, '\n');
	} else {
		buffer_put(&c->out, too_large, sizeof too_large - 1);
	}
	free(text);
	json_decref(reply);
	if (c->state == CLIENT_READING)
		c->state = CLIENT_WRITING;
	if (c->out.error)
		c->state = CLIENT_DEAD;
}

static void client_error(struct client *c, const struct error *e)
{
	json_t *reply = json_pack("{s:{s:s,s:o}}", "error", "code", err_text(e->code), "text",
				  control_text(view_of_string(e->text)));

	client_reply(c, reply);
}

static enum err unknown_command(const struct control_command *commands, const char *name,
				struct error *e)
{
	size_t used;

	error_set(e, E_UNKNOWN, "there is no command '%.40s'; commands are", name);
	for (; commands->name; commands++) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof e->text - used, " %s%s", commands->name,
			 commands[1].name ? "," : "");
	}
	return E_UNKNOWN;
}

static enum err handle(struct control_server *s, const char *line, size_t len, json_t **ret_result,
		       struct error *e)
{
	const struct control_command *command = s->commands;
	json_error_t where;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	const char *name;
	enum err err;

	if (!request)
		return error_set(e, E_SYNTAX, "the request is not JSON: %s", where.text);
	name = json_string_value(json_object_get(request, "command"));
	if (!name) {
		json_decref(request);
		return error_set(e, E_MISSING, "the request is not an object with a `command`");
	}
	while (command->name && strcmp(command->name, name) != 0)
		command++;
	err = command->name ? command->handle(s->context, request, ret_result, e)
			    : unknown_command(s->commands, name, e);
	json_decref(request);
	return err;
}

/* Handles one line, if there is one and the last reply has gone. False: nothing more to do. */
static bool client_step(struct client *c)
{
	char *end = c->in.len ? memchr(c->in.data, '\n', c->in.len) : NULL;
	json_t *result = NULL;
	struct error e;
	enum err err;
	size_t len;

	if (c->state != CLIENT_READING || !end)
		return false;
	len = (size_t)((uint8_t *)end - c->in.data);
	err = handle(c->server, (char *)c->in.data, len, &result, &e);
	if (err == E_AGAIN) {
		c->state = CLIENT_PENDING;
		return false;
	}
	if (err)
		client_error(c, &e);
	else
		client_reply(c, json_pack("{s:o}", "result", result ? result : json_true()));
	buffer_consume(&c->in, len + 1);
	return true;
}

static void client_read(struct client *c)
{
	struct error e;
	uint8_t *to;
	ssize_t n;

	if (c->in.len == CONTROL_LINE_MAX) {
		error_set(&e, E_LIMIT, "a request is at most %d octets", CONTROL_LINE_MAX);
		client_error(c, &e);
		c->state = CLIENT_ENDING;
		return;
	}
	n = CONTROL_LINE_MAX - (ssize_t)c->in.len;
	n = n < READ_PIECE ? n : READ_PIECE;
	to = buffer_reserve(&c->in, (size_t)n);
	n = to ? recv(c->fd, to, (size_t)n, 0) : 0;
	if (n > 0)
		buffer_grow(&c->in, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->state = CLIENT_DEAD;
}

static void client_write(struct client *c)
{
	ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		c->state = CLIENT_DEAD;
	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent < c->out.len || c->state == CLIENT_DEAD)
		return;
	buffer_fini(&c->out);
	c->sent = 0;
	c->state = c->state == CLIENT_ENDING ? CLIENT_DEAD : CLIENT_READING;
}

static void server_destroy(struct control_server *s);

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *c = io->data;
	struct control_server *s = c->server;

	(void)loop;
	if (events & EV_WRITE)
		client_write(c);
	if ((events & EV_READ) && (c->state == CLIENT_READING || c->state == CLIENT_PENDING))
		client_read(c);
	s->in_callback = true;
	while (!s->freed && client_step(c))
		if (c->state == CLIENT_WRITING)
			client_write(c);
	s->in_callback = false;
	if (s->freed)
		server_destroy(s);
	else if (c->state == CLIENT_DEAD)
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
	buffer_init(&c->in, CONTROL_LINE_MAX);
	buffer_init(&c->out, CONTROL_REPLY_MAX + 1024);
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
	client_error(c, &e);
	c->state = CLIENT_ENDING;
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
		if (c->state != CLIENT_PENDING)
			continue;
		c->state = CLIENT_READING;
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
