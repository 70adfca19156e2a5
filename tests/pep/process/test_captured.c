/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Somebody has taken over the net process of pepd: it says whatever it likes to enforce and to the
 * supervisor. Nothing comes of it but that there are no updates: kernel and disk stay as they were
 * to the octet, no process breaks in another way than ending in order, and whatever enforce signs for
 * it, a PDP that served a newer policy does not take the node for one that has it.
 *
 * The enforce process is the real one, in a child of this program and in a network namespace; this
 * program is its supervisor and its net. For the supervisor it is the other way round: that one is
 * real, starts this program as its children, and one of them is the captured one.
 */
#include "tests/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "pdp/decision/compliance.h"
#include "pep/kernel/kernel.h"
#include "pep/process/children.h"
#include "pep/process/supervisor.h"
#include "tests/pib/set/world.h"

enum {
	BIG = 1 << 26,
	SKIP = 77,
	PATIENCE_MS = 60000,
	FAR_FUTURE = 2000000000,
	SERIAL = 20,        /* in force */
	NEWER = 21,         /* what the PDP has served since, and net has kept for itself */
	WORDS = 64,         /* of a random record */
	RANDOM_RECORDS = 100,
	RANDOM_RUNS = 60,
	SUPERVISOR_FD_PARKED = 100,
};

struct node {
	struct world *w;
	char directory[64], settings[96];
	struct key *node_key, *report_key;
	struct kernel *kernel;
	struct buffer policy, stored, floors;
	char plan[17];

	pid_t enforce;
	int supervisor, net; /* our ends */
	uint32_t barrier;
	unsigned ended, reports, signed_reports;
};

static uint64_t seed;

static uint32_t random_u32(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 32);
}

/* ---- The node ---- */

static void path_of(const struct node *n, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s/%s", n->directory, name);
}

static void write_text(const struct node *n, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	path_of(n, name, path, sizeof path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void read_stored(const struct node *n, const char *name, struct buffer *out)
{
	uint8_t octets[65536];
	char path[128];
	size_t got;
	FILE *f;

	path_of(n, name, path, sizeof path);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	buffer_reset(out);
	while ((got = fread(octets, 1, sizeof octets, f)))
		buffer_put_view(out, VIEW(octets, got));
	fclose(f);
}

static void write_settings(struct node *n)
{
	char text[2048], path[128];
	struct buffer pem;
	struct error e;

	snprintf(text, sizeof text,
	         "name = gw1\npdp = 127.0.0.1:9\n"
	         "pdp-key = sha256:%064d\nkey = %s/node.key\ntrust = %s/trust.pem\n"
	         "report-key = %s/report.key\ntrust-threshold = %d\nstate-directory = %s/state\n"
	         "control = %s/control\nlog = error\n",
	         0, n->directory, n->directory, n->directory, THRESHOLD, n->directory, n->directory);
	write_text(n, "pepd.conf", text);
	path_of(n, "pepd.conf", n->settings, sizeof n->settings);
	buffer_init(&pem, BIG);
	for (int i = 0; i < TRUSTED; i++)
		ck_assert_int_eq(key_certificate_pem(n->w->keys[i], &pem, &e), E_OK);
	write_text(n, "trust.pem", buffer_string(&pem));
	buffer_fini(&pem);
	path_of(n, "node.key", path, sizeof path);
	ck_assert_int_eq(key_save(n->node_key, path, NULL, &e), E_OK);
	path_of(n, "report.key", path, sizeof path);
	ck_assert_int_eq(key_save(n->report_key, path, NULL, &e), E_OK);
	path_of(n, "state", path, sizeof path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void make_policy(struct node *n)
{
	struct pin pin = key_pin(n->node_key);
	struct world *w = n->w;

	for (int i = 0; i < SETS; i++) {
		w->rows[i]->count = 0;
		w->manifests[i].not_after = FAR_FUTURE;
		w->manifests[i].not_before = 0;
	}
	w->index.serial = SERIAL;
	w->index.not_before = 0;
	w->index.not_after = FAR_FUTURE;
	memcpy(w->assignments[GW1].node_key, pin.sha256, NODE_KEY);
	w->set_documents[HOST].sent = false;
	w->assignment_documents[ALICE].sent = false;
	world_roots(w);
	world_sign(w);
	world_node(w, &n->policy);
}

static void plan_id(const struct node *n, char ret[17])
{
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT, .node_roles = ""};
	struct kernel_status status;
	struct plan *closed;
	struct error e;

	ck_assert_int_eq(plan_bootstrap(&input, &closed, &e), E_OK);
	ck_assert_msg(!kernel_status(n->kernel, closed, &status, &e), "%s", e.text);
	snprintf(ret, 17, "%s", status.table ? status.plan_id : "");
	plan_free(closed);
}

static void node_init(struct node *n)
{
	struct error e;

	memset(n, 0, sizeof *n);
	n->w = world_new();
	n->supervisor = n->net = -1;
	snprintf(n->directory, sizeof n->directory, "/tmp/copsec-captured-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(n->directory));
	ck_assert_int_eq(chmod(n->directory, 0711), 0);
	ck_assert_int_eq(key_generate("gw1", &n->node_key, &e), E_OK);
	ck_assert_int_eq(key_generate("gw1 report", &n->report_key, &e), E_OK);
	buffer_init(&n->policy, BIG);
	buffer_init(&n->stored, BIG);
	buffer_init(&n->floors, BIG);
	ck_assert_msg(!kernel_open(&n->kernel, &e), "%s", e.text);
	write_settings(n);
	make_policy(n);
}

static void node_fini(struct node *n)
{
	char command[128];
	struct error e;

	ck_assert_msg(!kernel_remove(n->kernel, &e), "%s", e.text);
	kernel_free(n->kernel);
	key_free(n->node_key);
	key_free(n->report_key);
	buffer_fini(&n->policy);
	buffer_fini(&n->stored);
	buffer_fini(&n->floors);
	world_free(n->w);
	snprintf(command, sizeof command, "rm -rf %s", n->directory);
	ck_assert_int_eq(system(command), 0);
}

/* ---- Records, as a captured process sends them: without our encoder ---- */

static bool send_octets(int to, const void *octets, size_t len, int fd)
{
	struct iovec iov = {.iov_base = NULL, .iov_len = len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof fd)];
	} control = {.space = {0}};

	memcpy(&iov.iov_base, &octets, sizeof octets);
	if (fd >= 0) {
		struct cmsghdr *c;

		header.msg_control = control.space;
		header.msg_controllen = sizeof control.space;
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	return sendmsg(to, &header, MSG_NOSIGNAL) >= 0;
}

/* What its octets are in a record of `len`; the type in front. */
static void fill(uint8_t *record, size_t len, uint32_t type, uint32_t (*word)(void))
{
	struct buffer b;

	buffer_init(&b, BIG);
	buffer_put_u32(&b, type);
	while (b.len < len)
		buffer_put_u32(&b, word());
	memcpy(record, b.data, len);
	buffer_fini(&b);
}

static uint32_t one(void) { return 1; }

/* Most words are small, or next to a power of two: where the limits are. */
static uint32_t likely(void)
{
	uint32_t r = random_u32();

	switch (r % 4) {
	case 0:
		return r >> 29;
	case 1:
		return (1U << (r >> 27)) + (r >> 2) % 3 - 1;
	case 2:
		return UINT32_MAX - (r >> 30);
	default:
		return r;
	}
}

static bool send_message(int to, const struct message *m)
{
	struct buffer b;
	bool sent;

	buffer_init(&b, BIG);
	ck_assert_int_eq(message_encode(m, &b), E_OK);
	sent = send_octets(to, b.data, b.len, -1);
	buffer_fini(&b);
	return sent;
}

/* ---- enforce ---- */

static void no_log(void *context, const struct log_record *record)
{
	(void)context;
	(void)record;
}

static int run_enforce(const char *path)
{
	struct log *log = log_new(LOG_LEVEL_ERROR, no_log, NULL);
	struct pep_settings settings;
	struct buffer messages;

	buffer_init(&messages, BIG);
	if (pep_settings_load(path, &settings, &messages)) {
		fputs(buffer_string(&messages), stderr);
		return 99;
	}
	buffer_fini(&messages);
	return enforce_process(&settings, log);
}

static bool receive(int from, uint8_t *record, size_t *ret_len)
{
	struct pollfd waiting = {.fd = from, .events = POLLIN};
	ssize_t got;

	ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "enforce neither answers nor ends");
	got = recv(from, record, MESSAGE_RECORD_MAX, 0);
	*ret_len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static void start_enforce(struct node *n)
{
	static uint8_t record[MESSAGE_RECORD_MAX];
	int pair[2], net[2];
	const uint32_t peer = MESSAGE_PEER;
	uint8_t octets[4] = {0, 0, 0, (uint8_t)peer};
	size_t len;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	n->enforce = fork();
	ck_assert_int_ge(n->enforce, 0);
	if (!n->enforce) {
		int ours = fcntl(pair[1], F_DUPFD, SUPERVISOR_FD_PARKED);

		close_range(3, SUPERVISOR_FD_PARKED - 1, 0);
		dup2(ours, CHILD_SUPERVISOR_FD);
		close(ours);
		_exit(run_enforce(n->settings));
	}
	close(pair[1]);
	n->supervisor = pair[0];
	ck_assert_msg(receive(n->supervisor, record, &len), "enforce does not start");
	ck_assert_uint_eq(len, 4);
	ck_assert_uint_eq(record[3], MESSAGE_READY);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, net), 0);
	ck_assert(send_octets(n->supervisor, octets, sizeof octets, net[1]));
	close(net[1]);
	n->net = net[0];
}

/* In order, by its own decision: not by a signal, and not by a sanitizer. */
static void bury_enforce(struct node *n, int expected)
{
	int status;

	ck_assert_int_eq(waitpid(n->enforce, &status, 0), n->enforce);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "enforce ended with %#x",
	              (unsigned)status);
	close(n->supervisor);
	close(n->net);
	n->supervisor = n->net = -1;
}

/* ---- What a PDP makes of its reports ---- */

static struct store *store;
static struct compliance_table *table;
static char store_path[96];

static void judge_report(struct node *n, const struct message *m, uint32_t number,
                         const struct session_binding *session)
{
	struct publication_node node = {
		.name = "gw1", .has_report_key = true, .report_key = key_pin(n->report_key)};
	const struct report_origin origin = {number, *session};
	const struct store_report *said = NULL;
	struct cops_message message;
	struct cops_fault fault;
	struct buffer octets;
	struct cops_run run;
	struct arena arena;
	struct error e;
	size_t begun;

	n->reports++;
	buffer_init(&octets, BIG);
	arena_init(&arena, COPS_ARENA_LIMIT);
	begun = cops_begin(&octets, COPS_RPT, COPS_FLAG_SOLICITED, COPS_CLIENT_PROVISIONING);
	cops_put_handle(&octets, view_of_string("H"));
	cops_put_report_type(&octets,
	                     m->kind == REPORT_SUCCESS ? COPS_SUCCESS : COPS_FAILURE);
	cops_run_begin(&run, &octets, COPS_IN_CLIENT_SI);
	cops_run_add(&run, m->data);
	cops_run_end(&run);
	cops_end(&octets, begun);
	ck_assert_msg(!cops_decode(buffer_view(&octets), &arena, &message, &fault), "%s",
	              fault.error.text);
	if (!compliance_report(table, &node, &message, &origin, 100, &said, &e) && said->success) {
		n->signed_reports++;
		ck_assert_msg(said->serial == SERIAL, "a report for serial %lu, %d is in force",
		              (unsigned long)said->serial, SERIAL);
	}
	buffer_fini(&octets);
	arena_fini(&arena);
}

/* ---- Attacks ---- */

/* The origin that the last DECISION_BEGIN claimed. */
static uint32_t claimed_number;
static struct session_binding claimed_session;

/* Whether enforce is still there when it has read all that was sent to it. */
static bool lives(struct node *n)
{
	static uint8_t record[MESSAGE_RECORD_MAX];
	struct message ask = {.type = MESSAGE_REQUEST_WANTED, .id = ++n->barrier};
	struct message m;
	struct error e;
	size_t len;

	if (!send_message(n->net, &ask))
		return false;
	while (receive(n->net, record, &len)) {
		ck_assert_msg(!message_decode(VIEW(record, len), IPC_ENFORCE, IPC_NET, &m, &e), "%s",
		              e.text);
		if (m.type == MESSAGE_REPORT)
			judge_report(n, &m, claimed_number, &claimed_session);
		if (m.type == MESSAGE_REQUEST_COMMIT && m.id == n->barrier)
			return true;
	}
	return false;
}

static void check_untouched(struct node *n, const char *what)
{
	struct buffer now;
	char plan[17];

	plan_id(n, plan);
	ck_assert_msg(!strcmp(plan, n->plan), "%s: the kernel holds another plan", what);
	buffer_init(&now, BIG);
	read_stored(n, "state/state", &now);
	ck_assert_msg(view_equal(buffer_view(&now), buffer_view(&n->stored)), "%s: state", what);
	read_stored(n, "state/floors", &now);
	ck_assert_msg(view_equal(buffer_view(&now), buffer_view(&n->floors)), "%s: floors", what);
	buffer_fini(&now);
}

/* After an attack: enforce is there, or there again. */
static void survive(struct node *n, const char *what)
{
	if (!lives(n)) {
		n->ended++;
		bury_enforce(n, EXIT_FAILURE);
		check_untouched(n, what);
		start_enforce(n);
		/* What the supervisor would do too: the policy of before, without asking anybody. */
		ck_assert_msg(lives(n), "%s: enforce is gone for good", what);
	}
}

static void attack(struct node *n, const uint8_t *record, size_t len, int fd)
{
	char what[64];

	snprintf(what, sizeof what, "type %u, %zu octets", len >= 4 ? record[3] : 0, len);
	(void)send_octets(n->net, record, len, fd);
	survive(n, what);
}

static uint32_t pieces_of(struct view octets)
{
	return octets.len ? (uint32_t)((octets.len - 1) / MESSAGE_PIECE_MAX + 1) : 0;
}

static void send_pieces(struct node *n, uint32_t kind, struct view octets)
{
	struct message piece = {.type = MESSAGE_DECISION_PIECE, .id = 7, .kind = kind};

	while (octets.len) {
		size_t part = octets.len < MESSAGE_PIECE_MAX ? octets.len : MESSAGE_PIECE_MAX;

		piece.data = VIEW(octets.data, part);
		(void)send_message(n->net, &piece);
		octets = VIEW(octets.data + part, octets.len - part);
	}
}

static void send_decision(struct node *n, struct view removes, struct view installs,
                          uint32_t number)
{
	struct message begin = {.type = MESSAGE_DECISION_BEGIN, .id = 7, .number = number};
	struct message commit = {.type = MESSAGE_DECISION_COMMIT, .id = 7};

	claimed_number = number;
	memset(&claimed_session, 9, sizeof claimed_session);
	begin.data = VIEW(claimed_session.octets, BINDING_SIZE);
	begin.total = (uint32_t)(removes.len + installs.len);
	begin.pieces = pieces_of(removes) + pieces_of(installs);
	(void)send_message(n->net, &begin);
	send_pieces(n, PIECE_REMOVE, removes);
	send_pieces(n, PIECE_INSTALL, installs);
	(void)send_message(n->net, &commit);
}

/* The names of all that is in force, as a full state removes them. */
static void put_names(struct view policy, struct buffer *out)
{
	struct cursor c = cursor_over(policy);
	struct pr_object prid, epd;

	while (cursor_left(&c)) {
		ck_assert_int_eq(pr_next(&c, &prid), E_OK);
		ck_assert_int_eq(pr_next(&c, &epd), E_OK);
		buffer_put_view(out, prid.raw);
	}
}

/* serial 20 in force, and known to the octet */
static void begin(struct node *n)
{
	struct error e;

	node_init(n);
	snprintf(store_path, sizeof store_path, "%s/pdp.db", n->directory);
	ck_assert_int_eq(store_open(store_path, &store, &e), E_OK);
	ck_assert_int_eq(compliance_table_new(store, &table, &e), E_OK);
	start_enforce(n);
	send_decision(n, VIEW_NONE, buffer_view(&n->policy), 1);
	ck_assert(lives(n));
	ck_assert_uint_eq(n->reports, 1);
	ck_assert_uint_eq(n->signed_reports, 1);
	read_stored(n, "state/state", &n->stored);
	read_stored(n, "state/floors", &n->floors);
	plan_id(n, n->plan);
	ck_assert_str_ne(n->plan, "");
}

static void end(struct node *n)
{
	check_untouched(n, "at the end");
	ck_assert(send_message(n->supervisor, &(struct message){.type = MESSAGE_SHUTDOWN}));
	bury_enforce(n, EXIT_SUCCESS);
	check_untouched(n, "after the end");
	compliance_table_free(table);
	store_close(store);
	node_fini(n);
}

START_TEST(no_record_of_any_type_or_length_changes_anything)
{
	static uint8_t record[MESSAGE_RECORD_MAX + 64];
	static const size_t lengths[] = {1, 3, 4, 5, 8, 12, 16, 20, 24, 56,
		MESSAGE_PIECE_MAX, MESSAGE_RECORD_MAX - 1, MESSAGE_RECORD_MAX, MESSAGE_RECORD_MAX + 1};
	struct node n;

	begin(&n);
	for (uint32_t type = 0; type <= MESSAGE_TYPE_END; type++)
		for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
			fill(record, lengths[i], type, type % 2 ? likely : one);
			attack(&n, record, lengths[i], -1);
		}
	fill(record, 4, UINT32_MAX, one);
	attack(&n, record, 4, -1);
	/* A descriptor where none belongs. */
	for (uint32_t type = 1; type < MESSAGE_TYPE_END; type++) {
		fill(record, 8, type, one);
		attack(&n, record, type == MESSAGE_REQUEST_WANTED ? 8 : 4, STDERR_FILENO);
	}
	ck_assert_uint_gt(n.ended, 100);
	end(&n);
}
END_TEST

START_TEST(nor_do_random_records)
{
	static uint8_t record[4 * WORDS];
	struct node n;

	begin(&n);
	for (int i = 0; i < RANDOM_RECORDS; i++) {
		size_t len = 4 + random_u32() % (sizeof record - 4);

		fill(record, len, random_u32() % MESSAGE_TYPE_END, likely);
		attack(&n, record, len, -1);
	}
	ck_assert_uint_gt(n.ended, 10);
	end(&n);
}
END_TEST

/* In the right form, but not what anybody signed. */
START_TEST(nor_do_decisions_that_nobody_signed)
{
	struct buffer forged;
	struct node n;

	begin(&n);
	buffer_init(&forged, BIG);
	for (int i = 0; i < RANDOM_RUNS; i++) {
		buffer_reset(&forged);
		buffer_put_view(&forged, buffer_view(&n.policy));
		/* One octet of it, or its end. */
		if (i % 2)
			forged.data[random_u32() % forged.len] ^= (uint8_t)(1U << random_u32() % 8);
		else
			forged.len = random_u32() % forged.len;
		send_decision(&n, i % 5 ? VIEW_NONE : buffer_view(&forged),
		              i % 5 ? buffer_view(&forged) : VIEW_NONE, random_u32() | 1);
		survive(&n, "a spoiled decision");
		check_untouched(&n, "a spoiled decision");
	}
	buffer_reset(&forged);
	put_names(buffer_view(&n.policy), &forged);
	send_decision(&n, buffer_view(&forged), VIEW_NONE, 3);
	survive(&n, "all removed");
	check_untouched(&n, "all removed");
	buffer_fini(&forged);
	end(&n);
}
END_TEST

/* What was signed once: an older policy, and that of another node. */
START_TEST(nor_do_decisions_that_were_signed_for_something_else)
{
	struct buffer names, other;
	struct node n;

	begin(&n);
	buffer_init(&names, BIG);
	buffer_init(&other, BIG);
	put_names(buffer_view(&n.policy), &names);
	n.w->index.serial = SERIAL - 1;
	n.w->assignments[GW1].least_index_serial = 1;
	world_sign(n.w);
	world_node(n.w, &other);
	send_decision(&n, buffer_view(&names), buffer_view(&other), 4);
	survive(&n, "an older policy");
	check_untouched(&n, "an older policy");

	buffer_reset(&other);
	n.w->index.serial = NEWER;
	n.w->assignment_documents[GW1].sent = false;
	n.w->assignment_documents[ALICE].sent = true;
	n.w->set_documents[HOST].sent = true;
	world_sign(n.w);
	world_node(n.w, &other);
	send_decision(&n, buffer_view(&names), buffer_view(&other), 5);
	survive(&n, "another node's policy");
	check_untouched(&n, "another node's policy");
	buffer_fini(&names);
	buffer_fini(&other);
	end(&n);
}
END_TEST

/* The PDP has served a newer policy, which net keeps for itself. It has enforce answer NULL decisions
 * instead, for the number and session of the one that it kept: what is signed says what is in force. */
START_TEST(a_node_that_is_kept_from_the_newest_policy_is_not_compliant)
{
	struct node n;

	begin(&n);
	for (uint32_t number = 1; number < 20; number++) {
		unsigned before = n.signed_reports;

		send_decision(&n, VIEW_NONE, VIEW_NONE, number);
		survive(&n, "a NULL decision");
		/* judge_report() has demanded serial 20. */
		ck_assert_uint_eq(n.signed_reports, before + 1);
	}
	end(&n);
}
END_TEST

/* ---- The supervisor ---- */

/* Of the captured net: what it says after READY. The next ones behave. */
#define CAPTURED "COPSEC_CAPTURED"

/* What the captured one says before it does so, and the next one when it is there. */
static const char is_captured = 'c', is_next = 'n';

static int captured_net(const char *settings)
{
	unsigned type = 0, length = 0, descriptor = 0;
	uint8_t record[8192], ready[4] = {0, 0, 0, MESSAGE_READY};
	const char *which = getenv(CAPTURED);
	char marker[160], words[160];
	bool first;
	int to;

	snprintf(marker, sizeof marker, "%s.captured", settings);
	snprintf(words, sizeof words, "%s.words", settings);
	first = !mkdir(marker, 0700);
	to = open(words, O_WRONLY);
	(void)send_octets(CHILD_SUPERVISOR_FD, ready, sizeof ready, -1);
	if (write(to, first ? &is_captured : &is_next, 1) != 1)
		return EXIT_FAILURE;
	if (first && which && sscanf(which, "%u %u %u", &type, &length, &descriptor) == 3) {
		seed = type;
		fill(record, length, type, likely);
		(void)send_octets(CHILD_SUPERVISOR_FD, record, length, descriptor ? to : -1);
	}
	/* Until told to end. */
	return poll(&(struct pollfd){CHILD_SUPERVISOR_FD, POLLIN, 0}, 1, PATIENCE_MS) != 1;
}

static void wait_for_word(int words, char wanted)
{
	struct pollfd waiting = {.fd = words, .events = POLLIN};
	char said = 0;

	while (said != wanted) {
		ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "no net");
		ck_assert_int_eq(read(words, &said, 1), 1);
	}
}

START_TEST(the_supervisor_starts_another_net_and_nothing_else_happens)
{
	static const struct {
		unsigned type, length, descriptor;
		bool tolerated;
	} said[] = {
		{0, 4, 0, false}, {0, 1, 0, false}, {MESSAGE_READY, 3, 0, false},
		{MESSAGE_READY, 8, 0, false}, {MESSAGE_READY, 4, 1, false},
		{MESSAGE_READY, 4, 0, true}, /* is ready already */
		{0, 0, 0, true},             /* as if it had closed its end; it can only be killed then */
		{MESSAGE_PEER, 4, 0, false}, {MESSAGE_PEER, 4, 1, false},
		{MESSAGE_SHUTDOWN, 4, 0, false}, {MESSAGE_DECISION_BEGIN, 52, 0, false},
		{MESSAGE_REPORT, 12, 0, false}, {MESSAGE_TYPE_END, 4, 0, false}, {255, 8000, 0, false},
	};
	struct node n;
	pid_t supervisor;
	int status, words;
	char path[128];

	begin(&n);
	ck_assert(send_message(n.supervisor, &(struct message){.type = MESSAGE_SHUTDOWN}));
	bury_enforce(&n, EXIT_SUCCESS);
	path_of(&n, "pepd.conf.words", path, sizeof path);
	ck_assert_int_eq(mkfifo(path, 0666), 0);
	words = open(path, O_RDWR);
	ck_assert_int_ge(words, 0);
	for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
		struct supervisor_config config = {.program = "captured", .settings = n.settings};
		char which[64];

		snprintf(which, sizeof which, "%u %u %u", said[i].type, said[i].length,
		         said[i].descriptor);
		setenv(CAPTURED, which, 1);
		supervisor = fork();
		ck_assert_int_ge(supervisor, 0);
		if (!supervisor) {
			config.log = log_new(LOG_LEVEL_ERROR, no_log, NULL);
			_exit(supervise(&config));
		}
		wait_for_word(words, is_captured);
		if (!said[i].tolerated)
			wait_for_word(words, is_next);
		check_untouched(&n, which);
		ck_assert_int_eq(kill(supervisor, SIGTERM), 0);
		ck_assert_int_eq(waitpid(supervisor, &status, 0), supervisor);
		ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%s: supervisor: %#x", which,
		              (unsigned)status);
		check_untouched(&n, which);
		path_of(&n, "pepd.conf.captured", path, sizeof path);
		ck_assert_int_eq(rmdir(path), 0);
	}
	close(words);
	compliance_table_free(table);
	store_close(store);
	node_fini(&n);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("pep/process/captured");
	TCase *t = tcase_create("enforce");
	TCase *supervisor = tcase_create("supervisor");

	if (argc == CHILD_ARGUMENTS && !strcmp(argv[1], CHILD_OPTION))
		_exit(child_role(argv[2]) == IPC_NET ? captured_net(argv[3]) : run_enforce(argv[3]));
	if (unshare(CLONE_NEWNET)) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return SKIP;
	}
	seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 20261123;
	printf("seed %llu\n", (unsigned long long)seed);
	tcase_set_timeout(t, 240);
	tcase_add_test(t, no_record_of_any_type_or_length_changes_anything);
	tcase_add_test(t, nor_do_random_records);
	tcase_add_test(t, nor_do_decisions_that_nobody_signed);
	tcase_add_test(t, nor_do_decisions_that_were_signed_for_something_else);
	tcase_add_test(t, a_node_that_is_kept_from_the_newest_policy_is_not_compliant);
	suite_add_tcase(suite, t);
	tcase_set_timeout(supervisor, 240);
	tcase_add_test(supervisor, the_supervisor_starts_another_net_and_nothing_else_happens);
	suite_add_tcase(suite, supervisor);
	return suite_main(suite);
}
