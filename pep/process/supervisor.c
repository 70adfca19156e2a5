/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/link/link.h"
#include "common/service/notify.h"
#include "common/session/backoff.h"
#include "pep/ipc/channel.h"
#include "pep/kernel/guard.h"
#include "pep/process/confine.h"
#include "pep/process/privilege.h"
#include "pep/settings.h"

#define MODULE "supervisor"

enum {
	READY_MS = 60000,   /* enforce may have a large policy to load */
	ENDING_MS = 10000,  /* then SIGKILL */
	LASTING_MS = 10000, /* a child that lived so long starts with no back-off again */
	RETRY_LEAST_MS = 200,
	RETRY_MOST_MS = 60000,
	QUEUE_LIMIT = 4096,
	/* Where descriptors wait for their numbers, beyond those. */
	DESCRIPTOR_PARKING = 16,
};

enum child_state {
	CHILD_ABSENT,
	CHILD_WAITING, /* for its back-off */
	CHILD_STARTING,
	CHILD_READY,
	CHILD_ENDING,
};

struct supervisor;

struct child {
	struct supervisor *of;
	enum ipc_role role;
	enum child_state state;
	pid_t pid;
	int pidfd;
	struct channel *channel;
	struct ev_io died;
	struct ev_timer timer; /* WAITING: start; STARTING, ENDING: enough */
	struct backoff backoff;
	uint64_t started;
	bool was_ready; /* ever */
};

enum purpose { RUN, RELOAD, STOP };

struct supervisor {
	const struct supervisor_config *config;
	struct pep_settings settings;
	struct ev_loop *loop;
	struct ev_signal term, interrupt, hup;
	struct child net, enforce;
	struct guard *guard; /* NULL: the kernel has none for us */
	enum purpose purpose;
	bool announced;
	int status;
};

static const char *const role_names[IPC_ROLES] = {
	[IPC_SUPERVISOR] = "supervisor",
	[IPC_NET] = "net",
	[IPC_ENFORCE] = "enforce",
};

const char *child_role_name(enum ipc_role role)
{
	return (unsigned)role < IPC_ROLES ? role_names[role] : "unknown";
}

enum ipc_role child_role(const char *name)
{
	for (enum ipc_role role = IPC_NET; role < IPC_ROLES; role++)
		if (!strcmp(name, role_names[role]))
			return role;
	return IPC_ROLES;
}

static void advance(struct supervisor *s);

/* ---- One child ---- */

static void arm(struct child *c, unsigned ms)
{
	ev_timer_stop(c->of->loop, &c->timer);
	ev_timer_set(&c->timer, ms / 1000.0, 0);
	ev_timer_start(c->of->loop, &c->timer);
}

static void end_child(struct child *c)
{
	struct message m = {.type = MESSAGE_SHUTDOWN};
	struct error e;

	if (c->state == CHILD_WAITING) {
		ev_timer_stop(c->of->loop, &c->timer);
		c->state = CHILD_ABSENT;
	}
	if (c->state != CHILD_STARTING && c->state != CHILD_READY)
		return;
	/* A child that cannot hear us is killed when the time is up. */
	if (channel_send(c->channel, &m, -1, &e))
		log_debug(c->of->config->log, MODULE, "cannot tell a child to end",
		            log_str("role", child_role_name(c->role)), log_err(&e));
	c->state = CHILD_ENDING;
	arm(c, ENDING_MS);
}

static void on_message(void *context, struct channel *channel, const struct message *m, int fd)
{
	struct child *c = context;

	(void)channel;
	(void)fd;
	if (m->type != MESSAGE_READY || c->state != CHILD_STARTING)
		return;
	ev_timer_stop(c->of->loop, &c->timer);
	c->state = CHILD_READY;
	c->was_ready = true;
	log_info(c->of->config->log, MODULE, "child is ready",
	         log_str("role", child_role_name(c->role)), log_i64("pid", c->pid));
	advance(c->of);
}

/* Its death is seen by its pidfd; what it says before is all that matters here. */
static void on_channel_closed(void *context, struct channel *channel, const struct error *e)
{
	struct child *c = context;

	(void)channel;
	if (e->code == E_CLOSED || c->state == CHILD_ABSENT)
		return;
	log_error(c->of->config->log, MODULE, "child says what it may not, and is killed",
	          log_str("role", child_role_name(c->role)), log_err(e));
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

static const struct channel_events events = {on_message, on_channel_closed, NULL};

static void log_death(const struct child *c, int status)
{
	struct log *log = c->of->config->log;

	if (c->state == CHILD_ENDING)
		log_info(log, MODULE, "child has ended",
		         log_str("role", child_role_name(c->role)));
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error(log, MODULE, "child made a system call that it may not make, and was killed",
		          log_str("role", child_role_name(c->role)));
	else if (WIFSIGNALED(status))
		log_error(log, MODULE, "child was killed",
		          log_str("role", child_role_name(c->role)),
		          log_i64("signal", WTERMSIG(status)));
	else
		log_error(log, MODULE, "child has failed",
		          log_str("role", child_role_name(c->role)),
		          log_i64("status", WEXITSTATUS(status)));
}

static void bury(struct child *c, int status)
{
	struct supervisor *s = c->of;
	bool unexpected = c->state != CHILD_ENDING;

	log_death(c, status);
	ev_io_stop(s->loop, &c->died);
	ev_timer_stop(s->loop, &c->timer);
	close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	c->channel = channel_free(c->channel);
	c->state = CHILD_ABSENT;
	if (unexpected && !c->was_ready && s->purpose == RUN) {
		s->status = EXIT_FAILURE;
		s->purpose = STOP;
	} else if (unexpected && s->purpose == RUN) {
		if (link_now() - c->started > LASTING_MS)
			backoff_reset(&c->backoff);
		c->state = CHILD_WAITING;
		arm(c, backoff_next(&c->backoff, arc4random()));
	}
	advance(s);
}

static void on_died(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct child *c = w->data;
	int status = 0;

	(void)loop;
	(void)revents;
	if (waitpid(c->pid, &status, WNOHANG) == c->pid)
		bury(c, status);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct child *c = w->data;

	(void)loop;
	(void)revents;
	if (c->state == CHILD_WAITING) {
		c->state = CHILD_ABSENT;
		advance(c->of);
		return;
	}
	log_error(c->of->config->log, MODULE, "child takes too long, and is killed",
	          log_str("role", child_role_name(c->role)));
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
}

static void child_init(struct child *c, struct supervisor *s, enum ipc_role role)
{
	*c = (struct child){.of = s, .role = role, .pidfd = -1};
	backoff_init(&c->backoff, RETRY_LEAST_MS, RETRY_MOST_MS);
	ev_init(&c->died, on_died);
	ev_init(&c->timer, on_timer);
	c->died.data = c;
	c->timer.data = c;
}

/* In the child, between fork and exec. */
static void become_child(const struct supervisor_config *config, enum ipc_role role,
                         int supervisor, int enforce)
{
	char program[64], option[] = CHILD_OPTION, name[16], settings[4096], sink[16];
	char *argv[] = {program, option, name, settings, sink, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Meant for all of pepd, as from a terminal or a service manager: we tell our children. */
	static const int for_supervisor[] = {SIGHUP, SIGINT, SIGTERM};
	sigset_t none;

	/* First out of the way, then to their numbers, where they lose close-on-exec. */
	supervisor = fcntl(supervisor, F_DUPFD_CLOEXEC, DESCRIPTOR_PARKING);
	if (enforce >= 0)
		enforce = fcntl(enforce, F_DUPFD_CLOEXEC, DESCRIPTOR_PARKING);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(supervisor, CHILD_SUPERVISOR_FD) < 0 ||
	    (enforce >= 0 && dup2(enforce, CHILD_ENFORCE_FD) < 0))
		_exit(EXIT_FAILURE);
	/* Whatever whoever started us left open is not for children. */
	if (close_range(enforce >= 0 ? CHILD_ENFORCE_FD + 1 : CHILD_SUPERVISOR_FD + 1, ~0U, 0))
		_exit(EXIT_FAILURE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < sizeof for_supervisor / sizeof for_supervisor[0]; i++)
		signal(for_supervisor[i], SIG_IGN);
	snprintf(program, sizeof program, "%s", config->program);
	snprintf(name, sizeof name, "%s", child_role_name(role));
	snprintf(settings, sizeof settings, "%s", config->settings);
	snprintf(sink, sizeof sink, "%s", config->syslog ? CHILD_SYSLOG : CHILD_STDERR);
	execv("/proc/self/exe", argv);
	_exit(EXIT_FAILURE);
}

static enum err spawn(struct child *c, int enforce, struct error *e)
{
	struct supervisor *s = c->of;
	int pair[2];
	enum err err = channel_pair(pair, e);

	if (err)
		return err;
	c->pid = fork();
	if (c->pid == 0)
		become_child(s->config, c->role, pair[1], enforce);
	close(pair[1]);
	if (c->pid > 0)
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pid < 0 || c->pidfd < 0) {
		err = error_set_sys(e, errno, "cannot start a child");
		goto fail;
	}
	err = channel_new(s->loop, pair[0], IPC_SUPERVISOR, c->role, QUEUE_LIMIT, &events, c,
	                  &c->channel, e);
	if (err)
		goto fail;
	(void)fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	ev_io_set(&c->died, c->pidfd, EV_READ);
	ev_io_start(s->loop, &c->died);
	c->state = CHILD_STARTING;
	c->started = link_now();
	arm(c, READY_MS);
	return E_OK;

fail:
	close(pair[0]);
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	c->pidfd = -1;
	return err;
}

static enum err start_net(struct supervisor *s, struct error *e)
{
	struct message m = {.type = MESSAGE_PEER};
	int pair[2];
	enum err err = channel_pair(pair, e);

	if (err)
		return err;
	err = channel_send(s->enforce.channel, &m, pair[1], e);
	if (!err)
		err = spawn(&s->net, pair[0], e);
	close(pair[0]);
	close(pair[1]);
	return err;
}

/* ---- All of them ---- */

static void announce(struct supervisor *s)
{
	struct error e;

	if (s->announced)
		return;
	s->announced = true;
	if (service_notify("READY=1", &e))
		log_warning(s->config->log, MODULE, "cannot tell the service manager", log_err(&e));
	if (s->config->ready)
		s->config->ready(s->config->context);
}

static void start(struct supervisor *s, struct child *c)
{
	struct error e;
	enum err err = c->role == IPC_NET ? start_net(s, &e) : spawn(c, -1, &e);

	if (!err)
		return;
	log_error(s->config->log, MODULE, "cannot start a child",
	          log_str("role", child_role_name(c->role)), log_err(&e));
	c->state = CHILD_WAITING;
	arm(c, backoff_next(&c->backoff, arc4random()));
}

/* Whatever happened: the next step towards what is wanted. */
static void advance(struct supervisor *s)
{
	if (s->purpose != RUN) {
		end_child(&s->net);
		if (s->net.state != CHILD_ABSENT)
			return;
		end_child(&s->enforce);
		if (s->enforce.state != CHILD_ABSENT)
			return;
		if (s->purpose == STOP) {
			ev_break(s->loop, EVBREAK_ALL);
			return;
		}
		s->purpose = RUN;
	}
	if (s->enforce.state == CHILD_ABSENT)
		start(s, &s->enforce);
	if (s->enforce.state != CHILD_READY)
		end_child(&s->net);
	else if (s->net.state == CHILD_ABSENT)
		start(s, &s->net);
	else if (s->net.state == CHILD_READY)
		announce(s);
}

static void on_stop(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	struct supervisor *s = w->data;

	(void)loop;
	(void)revents;
	if (s->purpose != STOP)
		log_notice(s->config->log, MODULE, "ending; the kernel keeps the policy");
	s->purpose = STOP;
	advance(s);
}

/* Nothing of what we do depends on it: without it, a packet may leave the node between a flush of the
 * packet filter by somebody else and its repair. */
static void keep_guard(struct supervisor *s, uint32_t mark_mask)
{
	struct error e;
	enum err err = s->guard ? guard_change(s->guard, mark_mask, &e)
	                        : guard_open(mark_mask, &s->guard, &e);

	if (err)
		log_warning(s->config->log, MODULE,
		            "no guard: if the packet filter is flushed, the node is open until it is back",
		            log_err(&e));
}

/* Our wall stands around these places, and nobody but root can make others. */
static bool stays_in_place(const struct pep_settings *a, const struct pep_settings *b)
{
	return !strcmp(a->state_directory, b->state_directory) && !strcmp(a->control, b->control);
}

static void on_hup(struct ev_loop *loop, struct ev_signal *w, int revents)
{
	struct supervisor *s = w->data;
	struct pep_settings settings;
	struct buffer messages;

	(void)loop;
	(void)revents;
	if (s->purpose != RUN)
		return;
	buffer_init(&messages, SETTINGS_FILE_MAX);
	if (pep_settings_load(s->config->settings, &settings, &messages)) {
		log_error(s->config->log, MODULE, "the settings are wrong, the old ones stay",
		          log_str("messages", buffer_string(&messages)));
	} else if (!stays_in_place(&settings, &s->settings)) {
		log_error(s->config->log, MODULE,
		          "state-directory and control change by a restart only, the old settings stay");
		pep_settings_fini(&settings);
	} else {
		log_notice(s->config->log, MODULE, "starting again with new settings");
		keep_guard(s, settings.mark_mask);
		pep_settings_fini(&s->settings);
		s->settings = settings;
		s->purpose = RELOAD;
		advance(s);
	}
	buffer_fini(&messages);
}

static void watch(struct supervisor *s, struct ev_signal *w, int number,
                  void (*callback)(struct ev_loop *, struct ev_signal *, int))
{
	ev_signal_init(w, callback, number);
	w->data = s;
	ev_signal_start(s->loop, w);
}

/* The state directory and the files in it become the owner's, if it is another one's: what was made
 * before enforce had a user of its own. Once it is its own, nothing in it is touched by us. */
static enum err give(const char *path, uid_t uid, gid_t gid, struct error *e)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	struct stat st;
	int fd, failed = 0;

	if (!directory)
		return error_set_sys(e, errno, "cannot open the state directory %s", path);
	fd = dirfd(directory);
	if (!fstat(fd, &st) && st.st_uid == uid) {
		closedir(directory);
		return E_OK;
	}
	while ((entry = readdir(directory)))
		if (!fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			failed |= fchownat(fd, entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW);
	if (failed || fchown(fd, uid, gid))
		error_set_sys(e, errno, "cannot give %s to user %u", path, (unsigned)uid);
	else
		*e = (struct error){0};
	closedir(directory);
	return e->code;
}

/* The directories of the settings, where they are missing; those who share /run or /var/lib make
 * them beforehand. */
static enum err make_directories(const struct pep_settings *s, struct error *e)
{
	const char *slash = strrchr(s->control, '/');
	const char *user = privilege_user(IPC_ENFORCE, s->enforce_user);
	char parent[4096] = "";
	enum err err;
	uid_t uid;
	gid_t gid;

	if (slash && slash != s->control)
		snprintf(parent, sizeof parent, "%.*s", (int)(slash - s->control), s->control);
	if (parent[0] && mkdir(parent, 0755) && errno != EEXIST)
		return error_set_sys(e, errno, "cannot make the directory of %s", s->control);
	if (mkdir(s->state_directory, 0700) && errno != EEXIST)
		return error_set_sys(e, errno, "cannot make the state directory %s",
		                     s->state_directory);
	if (!user[0])
		return E_OK;
	err = privilege_account(user, &uid, &gid, e);
	return err ? err : give(s->state_directory, uid, gid, e);
}

int supervise(const struct supervisor_config *config)
{
	struct supervisor s = {.config = config, .status = EXIT_SUCCESS};
	struct buffer messages;
	struct error e;
	enum err err;

	buffer_init(&messages, SETTINGS_FILE_MAX);
	if (pep_settings_load(config->settings, &s.settings, &messages)) {
		log_error(config->log, MODULE, "the settings are wrong",
		          log_str("messages", buffer_string(&messages)));
		buffer_fini(&messages);
		return EXIT_FAILURE;
	}
	buffer_fini(&messages);
	err = make_directories(&s.settings, &e);
	if (!err)
		keep_guard(&s, s.settings.mark_mask);
	if (!err)
		err = privilege_drop(IPC_SUPERVISOR, "", &e);
	if (!err)
		err = confine(IPC_SUPERVISOR, &s.settings, config->log, &e);
	s.loop = err ? NULL : ev_loop_new(EVFLAG_AUTO);
	if (!err && !s.loop)
		err = error_set(&e, E_MEMORY, "no memory for an event loop");
	if (err) {
		log_error(config->log, MODULE, "cannot start", log_err(&e));
		guard_close(s.guard);
		pep_settings_fini(&s.settings);
		return EXIT_FAILURE;
	}
	child_init(&s.net, &s, IPC_NET);
	child_init(&s.enforce, &s, IPC_ENFORCE);
	watch(&s, &s.term, SIGTERM, on_stop);
	watch(&s, &s.interrupt, SIGINT, on_stop);
	watch(&s, &s.hup, SIGHUP, on_hup);
	advance(&s);
	ev_run(s.loop, 0);
	ev_signal_stop(s.loop, &s.term);
	ev_signal_stop(s.loop, &s.interrupt);
	ev_signal_stop(s.loop, &s.hup);
	ev_loop_destroy(s.loop);
	guard_close(s.guard);
	pep_settings_fini(&s.settings);
	return s.status;
}
