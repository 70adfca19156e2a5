/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pepd: puts the signed policy of its node into the kernel, and keeps it there. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include "common/service/completion.h"
#include "common/service/control.h"
#include "common/service/options.h"
#include "pep/kernel/kernel.h"
#include "pep/process/children.h"
#include "pep/process/supervisor.h"

#define ABOUT                                                                                      \
	"Gets the signed policy of this node from its decision point over COPS-PR, verifies it,\n" \
	"and enforces it by the kernel's packet filter and IPsec policies."

enum { OPTION_SAMPLE = 256, OPTION_CLEAR, OPTION_EARLY, OPTION_COMPLETION };

enum { CALL_MS = 2000 };

static const struct option_row rows[] = {
	{'c', "config", "FILE", "read settings from FILE instead of " PEP_SETTINGS_PATH},
	{'f', "foreground", NULL, "stay in the foreground and log to stderr"},
	{'n', "check", NULL, "check the settings and exit"},
	{OPTION_SAMPLE, "sample", NULL, "print a settings file with every setting explained"},
	{OPTION_EARLY, "early", NULL, "put the stored policy in force, and exit: before the network is up"},
	{OPTION_CLEAR, "clear", NULL, "take all that pepd enforces out of the kernel: opens the node"},
	{'V', "version", NULL, "print the version"},
	{OPTION_COMPLETION, "completion", "SHELL", "print completion for bash or zsh, and exit"},
	{'h', "help", NULL, "print this help"},
	{0},
};

static void log_to_syslog(void *context, const struct log_record *record)
{
	static const int priorities[LOG_LEVEL_COUNT] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_NOTICE] = LOG_NOTICE,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	(void)context;
	syslog(priorities[record->level], "%s: %s%s%s", record->module, record->sentence,
	       record->fields[0] ? " " : "", record->fields);
}

static char *program_text(const char *name)
{
	return (char *)(uintptr_t)name;
}

static struct log *open_log(bool to_syslog, const char *levels)
{
	struct log *log = log_new(LOG_LEVEL_NOTICE, to_syslog ? log_to_syslog : log_to_stderr,
	                          program_text("pepd"));
	struct error e;

	if (to_syslog)
		openlog("pepd", LOG_PID, LOG_DAEMON);
	/* The settings were checked, levels included. */
	if (log && log_configure(log, levels, &e))
		fprintf(stderr, "pepd: %s\n", e.text);
	return log;
}

/* Loads the settings or says why not. */
static bool load(const char *path, struct pep_settings *ret)
{
	struct buffer messages;
	bool loaded;

	buffer_init(&messages, SETTINGS_FILE_MAX);
	loaded = !pep_settings_load(path, ret, &messages);
	if (!loaded)
		fputs(buffer_string(&messages), stderr);
	buffer_fini(&messages);
	return loaded;
}

static int run_child(char **argv)
{
	enum ipc_role role = child_role(argv[2]);
	struct pep_settings settings;
	char name[16];
	struct log *log;
	int status;

	if (role == IPC_ROLES || !load(argv[3], &settings))
		return EXIT_FAILURE;
	snprintf(name, sizeof name, "pepd-%s", child_role_name(role));
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	log = open_log(!strcmp(argv[4], CHILD_SYSLOG), settings.log);
	status = role == IPC_NET ? net_process(&settings, log) : enforce_process(&settings, log);
	log_free(log);
	pep_settings_fini(&settings);
	return status;
}

/* The first process, which waits until the daemon behind it is ready or has failed. */
static int wait_for_daemon(int ready)
{
	char byte;
	ssize_t got;

	do
		got = read(ready, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		return EXIT_SUCCESS;
	fputs("pepd: could not start; the system log says why\n", stderr);
	return EXIT_FAILURE;
}

/* Nothing of a terminal is left behind. */
static bool leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool left = null >= 0 && setsid() >= 0 && !chdir("/");

	for (int fd = STDIN_FILENO; left && fd <= STDERR_FILENO; fd++)
		left = dup2(null, fd) == fd;
	return left;
}

static void say_ready(void *context)
{
	int *ready = context;

	if (*ready >= 0 && write(*ready, "r", 1) == 1)
		close(*ready);
	*ready = -1;
}

static int run_daemon(const char *path, bool foreground)
{
	struct supervisor_config config = {.program = "pepd", .syslog = !foreground};
	struct pep_settings settings;
	char absolute[PATH_MAX];
	int ready = -1, pipes[2], status;

	if (!realpath(path, absolute)) {
		fprintf(stderr, "pepd: %s: %s\n", path, strerror(errno));
		return EXIT_BAD_INPUT;
	}
	if (!load(absolute, &settings))
		return EXIT_BAD_INPUT;
	if (!foreground) {
		pid_t pid;

		if (pipe2(pipes, O_CLOEXEC) || (pid = fork()) < 0) {
			perror("pepd");
			pep_settings_fini(&settings);
			return EXIT_FAILURE;
		}
		if (pid) {
			close(pipes[1]);
			pep_settings_fini(&settings);
			return wait_for_daemon(pipes[0]);
		}
		close(pipes[0]);
		ready = pipes[1];
		if (!leave_terminal())
			return EXIT_FAILURE;
	}
	config.settings = absolute;
	config.ready = say_ready;
	config.context = &ready;
	config.log = open_log(config.syslog, settings.log);
	pep_settings_fini(&settings);
	status = supervise(&config);
	log_free(config.log);
	return status;
}

static int early(const char *path)
{
	struct pep_settings settings;
	struct log *log;
	int status;

	if (!load(path, &settings))
		return EXIT_BAD_INPUT;
	log = open_log(false, settings.log);
	status = enforce_early(&settings, log);
	log_free(log);
	pep_settings_fini(&settings);
	return status;
}

/* Explicit, and only while nobody would put it back at once. */
static int clear(const char *path)
{
	json_t *request = json_pack("{s:s}", "command", "status"), *answer = NULL;
	struct pep_settings settings;
	struct kernel *kernel = NULL;
	struct error e;
	enum err err;

	if (!load(path, &settings)) {
		json_decref(request);
		return EXIT_BAD_INPUT;
	}
	if (!control_call(settings.control, request, CALL_MS, &answer, &e)) {
		err = error_set(&e, E_CONFLICT, "pepd is running; end it first");
	} else {
		err = kernel_open(&kernel, &e);
		if (!err)
			err = kernel_remove(kernel, &e);
	}
	if (err)
		fprintf(stderr, "pepd: %s\n", e.text);
	json_decref(request);
	json_decref(answer);
	kernel_free(kernel);
	pep_settings_fini(&settings);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print(struct buffer *text)
{
	int status = fputs(buffer_string(text), stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

	buffer_fini(text);
	return status;
}

static int check(const char *path)
{
	struct pep_settings settings;

	if (!load(path, &settings))
		return EXIT_BAD_INPUT;
	pep_settings_fini(&settings);
	return EXIT_SUCCESS;
}

static int completion(const char *shell)
{
	const struct completion c = {.program = "pepd", .options = rows};

	return completion_answer(&c, shell);
}

int main(int argc, char **argv)
{
	const char *path = PEP_SETTINGS_PATH;
	bool foreground = false, check_only = false, clear_only = false, early_only = false;
	struct options o;
	struct buffer text;
	int id;

	if (argc == CHILD_ARGUMENTS && !strcmp(argv[1], CHILD_OPTION))
		return run_child(argv);
	buffer_init(&text, SETTINGS_FILE_MAX);
	options_begin(&o, rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 'c':
			path = o.value;
			break;
		case 'f':
			foreground = true;
			break;
		case 'n':
			check_only = true;
			break;
		case OPTION_SAMPLE:
			settings_sample(&pep_settings_schema, &text);
			return print(&text);
		case OPTION_CLEAR:
			clear_only = true;
			break;
		case OPTION_EARLY:
			early_only = true;
			break;
		case 'V':
			puts("pepd (Copsec) " COPSEC_VERSION);
			return EXIT_SUCCESS;
		case OPTION_COMPLETION:
			return completion(o.value);
		case 'h':
			options_help("pepd", "[OPTION...]", ABOUT, rows, NULL, &text);
			return print(&text);
		default:
			fprintf(stderr, "pepd: %s\n", o.message);
			return EXIT_BAD_USAGE;
		}
	}
	if (o.argc) {
		fprintf(stderr, "pepd: unexpected argument '%s'\n", o.argv[0]);
		return EXIT_BAD_USAGE;
	}
	if (check_only)
		return check(path);
	if (early_only)
		return early(path);
	return clear_only ? clear(path) : run_daemon(path, foreground);
}
