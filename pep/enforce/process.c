/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/process/children.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/digest.h"
#include "pep/enforce/process.h"
#include "pep/kernel/probe.h"
#include "pep/process/confine.h"
#include "pep/process/privilege.h"
#include "pib/framework/esp_needs.h"

void process_stop(struct process *p, int status)
{
	p->status = status;
	ev_break(p->loop, EVBREAK_ALL);
}

/* Where the settings say where it lies, it is root's; otherwise it is in the state directory, ours. */
static enum err load_report_key(struct process *p, bool as_root, struct error *e)
{
	struct buffer path;
	enum err err;

	if (as_root != (p->settings->report_key[0] != '\0'))
		return E_OK;
	buffer_init(&path, 8192);
	pep_settings_report_key(p->settings, &path);
	err = path.error;
	if (err)
		error_set(e, err, "no memory for a path");
	else if (!access(buffer_string(&path), F_OK) || errno != ENOENT)
		err = key_load(buffer_string(&path), NULL, &p->report_key, e);
	else if (!(err = key_generate(p->settings->name, &p->report_key, e)) &&
	         !(err = key_save(p->report_key, buffer_string(&path), NULL, e)))
		log_notice(p->log, MODULE, "report key made", log_str("file", buffer_string(&path)));
	buffer_fini(&path);
	return err;
}

static enum err node_key_pin(const struct process *p, struct pin *ret, struct error *e)
{
	struct key *key;
	enum err err = key_load(p->settings->key, NULL, &key, e);

	if (err)
		return err;
	/* Only the digest is wanted here: the key is net's. */
	*ret = key_pin(key);
	key_free(key);
	return E_OK;
}

static void describe(struct process *p)
{
	struct utsname u;

	if (uname(&u))
		snprintf(p->description, sizeof p->description, "copsec pepd %s", COPSEC_VERSION);
	else
		snprintf(p->description, sizeof p->description, "copsec pepd %s, %s %.64s %.32s",
		         COPSEC_VERSION, u.sysname, u.release, u.machine);
}

/* A kernel that cannot be asked is not taken for one that can do nothing. */
static void probe(struct process *p)
{
	struct kernel_transport transport;
	struct buffer names;
	struct error e;

	if (kernel_sockets(&transport, &e) || kernel_probe(&transport, &p->algorithms, &e)) {
		log_warning(p->log, MODULE, "not known which algorithms the kernel has",
		            log_err(&e));
		return;
	}
	p->probed = true;
	buffer_init(&names, 1024);
	esp_needs_names(&p->algorithms, copsecAlgorithmUse_esp, copsecAlgorithmType_encryption,
	                &names);
	log_notice(p->log, MODULE, "algorithms of the kernel for ESP",
	           log_str("encryption", buffer_string(&names)));
	buffer_fini(&names);
}

void process_event(struct process *p, enum event_kind kind, uint64_t decision, const char *text)
{
	events_add(p->events, &(struct event){.kind = kind, .decision = decision, .text = text,
	                                      .index = enforcement_serial(p->enforcement)});
}

/* Who waits for it is told. There is no control server early, and none before it is made. */
static void on_event(void *context)
{
	struct process *p = context;

	if (p->control)
		control_server_retry(p->control);
}

static void on_cut(void *context, uint64_t count)
{
	struct process *p = context;

	events_add(p->events, &(struct event){.kind = EVENT_CUT, .count = count,
	                                      .index = enforcement_serial(p->enforcement)});
}

/* A stored policy that is not in force is no reason to end for pepd, which waits for another. */
static enum err restore(struct process *p, struct error *e)
{
	enum err err = enforcement_restore(p->enforcement, now_utc(), e);

	if (err != E_NOT_FOUND)
		process_event(p, err ? EVENT_NOT_REPAIRED : EVENT_RESTORED, 0, err ? e->text : NULL);
	if (!err)
		log_notice(p->log, MODULE, "last good policy in force",
		           log_u64("index", enforcement_serial(p->enforcement)));
	else if (err == E_NOT_FOUND)
		log_notice(p->log, MODULE, "no policy yet, the node is closed");
	else
		log_error(p->log, MODULE, "the stored policy is not in force, the node is closed",
		          log_err(e));
	if (p->early && err && err != E_NOT_FOUND)
		return err;
	return E_OK;
}

/* Those of the settings, and where others may be found. */
static struct network_list ways_to_pdps(
	const struct pep_settings *settings, struct network ways[PLAN_ENDPOINTS_MAX])
{
	struct network_list list = {ways, 0};

	for (size_t i = 0; i < settings->pdps.count; i++)
		ways[list.count++] = network_of(&settings->pdps.items[i]);
	for (size_t i = 0; i < settings->pdp_networks.count; i++)
		ways[list.count++] = settings->pdp_networks.items[i];
	return list;
}

/* Which boot of the kernel this is; if nobody says, one that never was. */
static void read_boot(uint8_t ret[TRIAL_BOOT])
{
	struct buffer text;
	struct error e;
	uint8_t digest[SHA256_SIZE];

	buffer_init(&text, 256);
	if (file_read("/proc/sys/kernel/random/boot_id", &text, NULL, &e) ||
	    sha256_of(buffer_view(&text), digest))
		arc4random_buf(ret, TRIAL_BOOT);
	else
		memcpy(ret, digest, TRIAL_BOOT);
	buffer_fini(&text);
}

static enum err prepare(struct process *p, struct error *e)
{
	struct enforcement_identity identity = {
		.pepid = p->settings->name,
		.tenant = p->settings->tenant,
		.description = p->description,
	};
	struct network ways[PLAN_ENDPOINTS_MAX];
	struct network_list pdps = ways_to_pdps(p->settings, ways);
	enum err err = kernel_open(&p->kernel, e);
	uint8_t boot[TRIAL_BOOT];

	read_boot(boot);
	if (!err)
		err = enforcement_new(p->kernel, p->settings->mark_mask, &pdps, &p->enforcement,
		                      e);
	/* Before anything is read that could be missing or wrong. */
	if (!err)
		err = upkeep_listen(p, e);
	if (!err)
		err = enforcement_close(p->enforcement, e);
	if (!err && !p->early)
		err = messages_listen(p, e);
	if (!err)
		err = trust_load(p->settings->trust, p->settings->trust_threshold, &p->trust, e);
	if (!err)
		err = node_key_pin(p, &identity.node_key, e);
	if (!err && !p->early)
		err = control_server_new(p->loop, p->settings->control, (uid_t)-1, process_commands, p,
		                         &p->control, e);
	if (!err)
		err = load_report_key(p, true, e);
	if (!err)
		err = privilege_drop(IPC_ENFORCE,
		                     privilege_user(IPC_ENFORCE, p->settings->enforce_user), e);
	if (!err)
		err = directory_storage_init(&p->directory, p->settings->state_directory, e);
	if (!err)
		err = load_report_key(p, false, e);
	if (!err)
		err = confine(IPC_ENFORCE, p->settings, p->log, e);
	if (err)
		return err;
	describe(p);
	probe(p);
	identity.algorithms = p->probed ? &p->algorithms : NULL;
	identity.accept_lacking = p->settings->accept_lacking;
	identity.confirm_window = p->settings->confirm_time;
	identity.started = now_boot();
	memcpy(identity.boot, boot, sizeof boot);
	identity.trust = p->trust;
	identity.report_key = p->report_key;
	identity.storage = directory_storage(&p->directory);
	enforcement_identify(p->enforcement, &identity);
	err = links_watch(p, e);
	if (err)
		return err;
	links_look(p);
	err = restore(p, e);
	read_in_sync(p);
	upkeep_confirm(p, false);
	upkeep_watch(p);
	if (!err && !p->early)
		err = channel_send(p->supervisor, &(struct message){.type = MESSAGE_READY}, -1, e);
	return err;
}

static void on_trace_wanted(void *context, bool wanted)
{
	tell_trace(context, wanted);
}

static int run(const struct pep_settings *settings, struct log *log, bool early)
{
	struct process p = {
		.settings = settings,
		.log = log,
		.early = early,
		.directory = {-1},
		.status = EXIT_FAILURE,
	};
	struct error e = {0};

	p.loop = ev_loop_new(EVFLAG_AUTO);
	if (!p.loop)
		return EXIT_FAILURE;
	transfer_init(&p.decision);
	pdps_init(&p.pdps, settings->pdps.count ? &settings->pdps.items[0] : NULL, now_utc());
	links_init(&p);
	upkeep_init(&p);
	p.trace = trace_live_new(on_trace_wanted, &p);
	p.events = events_new(on_event, &p);
	p.connections = connections_new(p.loop, log, on_cut, &p);
	if (!p.trace || !p.events || !p.connections)
		log_error(log, MODULE, "cannot start: out of memory");
	else if (prepare(&p, &e))
		log_error(log, MODULE, "cannot start", log_err(&e));
	else if (early)
		p.status = EXIT_SUCCESS;
	else
		ev_run(p.loop, 0);
	channel_free(p.net);
	channel_free(p.supervisor);
	control_server_free(p.control);
	pdps_fini(&p.pdps);
	trace_live_free(p.trace);
	connections_free(p.connections);
	events_free(p.events);
	links_fini(&p);
	upkeep_fini(&p);
	transfer_fini(&p.decision);
	/* Leaves the kernel as it is. */
	enforcement_free(p.enforcement);
	kernel_free(p.kernel);
	directory_storage_fini(&p.directory);
	key_free(p.report_key);
	trust_free(p.trust);
	ev_loop_destroy(p.loop);
	return p.status;
}

int enforce_process(const struct pep_settings *settings, struct log *log)
{
	return run(settings, log, false);
}

int enforce_early(const struct pep_settings *settings, struct log *log)
{
	return run(settings, log, true);
}
