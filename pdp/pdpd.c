/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/crypto/key.h"
#include "common/service/completion.h"
#include "common/service/notify.h"
#include "common/service/options.h"
#include "pdp/control.h"

#define ABOUT "Policy Decision Point: serves signed IPsec and firewall policy over COPS-PR."

enum { OPTION_SAMPLE = 256, OPTION_COMPLETION };

static const struct option_row rows[] = {
	{'c', "config", "FILE", "settings file, instead of /etc/copsec/pdpd.conf"},
	{'n', "check", NULL, "check the settings file, key and trust, and exit"},
	{OPTION_SAMPLE, "sample", NULL, "print a settings file with every setting, and exit"},
	{OPTION_COMPLETION, "completion", "SHELL", "print completion for bash or zsh, and exit"},
	{'h', "help", NULL, "print this and exit"},
	{'V', "version", NULL, "print the version and exit"},
	{0},
};

struct daemon {
	char program[8]; /* for the log */
	struct ev_loop *loop;
	struct log *log;
	struct pdp_settings settings;
	struct key *key;
	struct trust *trust;
	struct integrity_keys *integrity_keys;
	struct store *store;
	struct server *server;
	struct control_server *control;
	struct ev_signal terminate, interrupt;
};

static void on_changed(void *context)
{
	struct daemon *d = context;

	/* While it starts there is no control server yet. */
	if (d->control)
		control_server_retry(d->control);
}

static void on_stop(struct ev_loop *loop, struct ev_signal *signal, int revents)
{
	struct daemon *d = signal->data;
	struct error error;

	(void)revents;
	log_notice(d->log, "main", "stopping");
	if (service_notify("STOPPING=1", &error))
		log_warning(d->log, "main", "service manager not told", log_err(&error));
	ev_signal_stop(loop, &d->terminate);
	ev_signal_stop(loop, &d->interrupt);
	control_server_free(d->control);
	d->control = NULL;
	/* The loop ends by itself once the last connection is closed. */
	server_stop(d->server);
}

static void watch_signal(struct daemon *d, struct ev_signal *watcher, int signal)
{
	ev_signal_init(watcher, on_stop, signal);
	watcher->data = d;
	ev_signal_start(d->loop, watcher);
}

/* Every wrong line is said. */
static enum err load_integrity_keys(struct daemon *d, struct error *error)
{
	struct buffer messages;
	enum err result;

	buffer_init(&messages, 1 << 16);
	result = integrity_keys_load(
		d->settings.integrity_keys, INTEGRITY_PDP, &d->integrity_keys, &messages);
	if (result) {
		fputs(buffer_string(&messages), stderr);
		error_set(error, result, "integrity-keys: the file cannot be used");
	}
	buffer_fini(&messages);
	return result;
}

/* What the settings name and a person can get wrong. */
static enum err load_keys(struct daemon *d, struct error *error)
{
	if (key_load(d->settings.key, NULL, &d->key, error)) {
		error_prefix(error, "key");
		return error->code;
	}
	if (trust_load(d->settings.trust, d->settings.threshold, &d->trust, error)) {
		error_prefix(error, "trust");
		return error->code;
	}
	return d->settings.integrity_keys[0] ? load_integrity_keys(d, error) : E_OK;
}

static enum err open_store(struct daemon *d, struct error *error)
{
	char path[4096];

	if (mkdir(d->settings.state_directory, 0700) && errno != EEXIST)
		return error_set_sys(
			error, errno, "state-directory: %s", d->settings.state_directory);
	if (snprintf(path, sizeof path, "%s/pdpd.db", d->settings.state_directory) >=
		(int)sizeof path)
		return error_set(error, E_LENGTH, "state-directory: the path is too long");
	return store_open(path, &d->store, error);
}

static enum err start(struct daemon *d, struct error *error)
{
	struct server_parts parts;
	enum err result;

	d->log = log_new(LOG_LEVEL_NOTICE, log_to_stderr, d->program);
	d->loop = ev_loop_new(EVFLAG_AUTO);
	if (!d->log || !d->loop)
		return error_set(error, E_MEMORY, "out of memory");
	result = log_configure(d->log, d->settings.log, error);
	if (!result)
		result = load_keys(d, error);
	if (!result)
		result = open_store(d, error);
	if (result)
		return result;

	parts = (struct server_parts){
		.loop = d->loop,
		.log = d->log,
		.settings = &d->settings,
		.key = d->key,
		.trust = d->trust,
		.integrity_keys = d->integrity_keys,
		.store = d->store,
		.changed = on_changed,
		.context = d,
	};
	result = server_new(&parts, &d->server, error);
	if (result)
		return result;
	result = control_server_new(d->loop, d->settings.control, (uid_t)-1, pdp_control_commands,
		d->server, &d->control, error);
	if (result) {
		error_prefix(error, "control");
		return result;
	}
	watch_signal(d, &d->terminate, SIGTERM);
	watch_signal(d, &d->interrupt, SIGINT);
	return E_OK;
}

static void release(struct daemon *d)
{
	control_server_free(d->control);
	server_free(d->server);
	store_close(d->store);
	trust_free(d->trust);
	integrity_keys_free(d->integrity_keys);
	key_free(d->key);
	log_free(d->log);
	if (d->loop)
		ev_loop_destroy(d->loop);
}

static int failed(const struct error *error)
{
	fprintf(stderr, "pdpd: %s\n", error->text);
	return EXIT_BAD_INPUT;
}

static void tell_ready(struct daemon *d)
{
	const struct pin pin = key_pin(d->key);
	struct error error;

	log_notice(d->log, "main", "ready", log_str("name", d->settings.name),
		log_pin("key", &pin), log_u64("serial", server_serial(d->server)));
	if (service_notify("READY=1", &error))
		log_warning(d->log, "main", "service manager not told", log_err(&error));
}

static int serve(const struct pdp_settings *settings)
{
	struct daemon d = {.program = "pdpd", .settings = *settings};
	struct error error;
	int status = EXIT_SUCCESS;

	signal(SIGPIPE, SIG_IGN);
	if (start(&d, &error)) {
		status = failed(&error);
	} else {
		tell_ready(&d);
		ev_run(d.loop, 0);
	}
	release(&d);
	return status;
}

static int check(const struct pdp_settings *settings)
{
	struct daemon d = {.settings = *settings};
	struct error error;
	int status = load_keys(&d, &error) ? failed(&error) : EXIT_SUCCESS;

	release(&d);
	return status;
}

static void print(struct buffer *text, FILE *to)
{
	fputs(buffer_string(text), to);
	buffer_fini(text);
}

static int completion(const char *shell)
{
	const struct completion c = {.program = "pdpd", .options = rows};

	return completion_answer(&c, shell);
}

int main(int argc, char **argv)
{
	const char *path = "/etc/copsec/pdpd.conf";
	struct pdp_settings settings;
	bool check_only = false;
	struct buffer text;
	struct options o;
	enum err result;
	int id, status;

	buffer_init(&text, 1 << 20);
	options_begin(&o, rows, argc, argv);
	while ((id = options_next(&o)) != OPTIONS_END) {
		switch (id) {
		case 'c':
			path = o.value;
			break;
		case 'n':
			check_only = true;
			break;
		case OPTION_SAMPLE:
			settings_sample(&pdp_settings_schema, &text);
			print(&text, stdout);
			return EXIT_SUCCESS;
		case OPTION_COMPLETION:
			return completion(o.value);
		case 'h':
			options_help("pdpd", "[OPTION...]", ABOUT, rows, NULL, &text);
			print(&text, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("pdpd (Copsec) " COPSEC_VERSION);
			return EXIT_SUCCESS;
		default:
			fprintf(stderr, "pdpd: %s; see pdpd --help\n", o.message);
			return EXIT_BAD_USAGE;
		}
	}
	if (o.argc) {
		fprintf(stderr, "pdpd: unexpected argument '%s'\n", o.argv[0]);
		return EXIT_BAD_USAGE;
	}
	result = pdp_settings_load(path, &settings, &text);
	if (result) {
		print(&text, stderr);
		if (result == E_SYSTEM)
			fputs("pdpd: \"pdpd --sample\" prints a settings file to begin with\n",
				stderr);
		return EXIT_BAD_INPUT;
	}
	buffer_fini(&text);
	status = check_only ? check(&settings) : serve(&settings);
	settings_fini(&pdp_settings_schema, &settings);
	return status;
}
