/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A node that gets decisions, one after the other. Each begins with an octet of options and one that
 * says what befalls the kernel (plan_kernel.h; 0: nothing); then pieces, each behind an octet that says its
 * kind (even install, odd remove, 0xff the end) and two octets of length. Installs are signed here
 * (resign.h), with the roots of the rows that the node will then have.
 *
 * Reaches: decision_read, enforcement_decide, state_verify_node, plan_build,
 * enforcement_repair, enforcement_restore, enforcement_status, enforcement_request.
 */
#include "common/cops/pr.h"
#include "pep/enforce/enforcement.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan_kernel.h"
#include "tests/fuzz/resign.h"

enum {
	KEEP_ROOTS = 1,
	KEEP_NODE = 2,
	NOT_SIGNED = 4,
	RESTART = 8,
	PIECES_MAX = 16,
	OCTETS_MAX = 16 << 20,
	NOW = 1800000000,
};

struct node {
	struct kernel *kernel;
	struct enforcement *n;
	struct pri_store *rows; /* that it has, as we know it */
	struct buffer stored[STORED_KINDS], prepared[STORED_KINDS];
	bool has;
};

static enum err load(void *context, enum stored what, struct buffer *out, uint64_t *ret_when,
	struct error *e)
{
	struct node *t = context;

	if (!t->has)
		return error_set(e, E_NOT_FOUND, "nothing is stored");
	buffer_put_view(out, buffer_view(&t->stored[what]));
	*ret_when = NOW - 5;
	return E_OK;
}

static enum err prepare(void *context, enum stored what, struct view octets, struct error *e)
{
	struct node *t = context;

	(void)e;
	buffer_reset(&t->prepared[what]);
	buffer_put_view(&t->prepared[what], octets);
	return E_OK;
}

static enum err commit(void *context, enum stored what, struct error *e)
{
	struct node *t = context;

	(void)e;
	buffer_reset(&t->stored[what]);
	buffer_put_view(&t->stored[what], buffer_view(&t->prepared[what]));
	t->has = true;
	return E_OK;
}

static enum err sync_all(void *context, struct error *e)
{
	(void)context;
	(void)e;
	return E_OK;
}

static enum err keep(void *context, struct error *e)
{
	struct node *t = context;

	(void)e;
	buffer_reset(&t->stored[STORED_PREVIOUS]);
	buffer_put_view(&t->stored[STORED_PREVIOUS], buffer_view(&t->stored[STORED_STATE]));
	return E_OK;
}

static void forget(void *context, enum stored what)
{
	struct node *t = context;

	buffer_reset(&t->stored[what]);
}

static void abandon(void *context)
{
	struct node *t = context;

	for (size_t i = 0; i < STORED_KINDS; i++)
		buffer_reset(&t->prepared[i]);
}

static void boot(struct node *t)
{
	static const struct node_interfaces interfaces = {
		.count = 2, .list = {{2, "eth0"}, {3, "eth1"}}};
	const struct resigner *r = resigner();
	struct enforcement_identity identity = {.pepid = "gw1",
		.node_key = key_pin(r->key),
		.tenant = "",
		.description = "fuzzer",
		.trust = r->trust,
		.report_key = r->key,
		.storage = {t, load, prepare, commit, sync_all, keep, forget, abandon}};
	struct network pdp;
	struct network_list pdps = {&pdp, 1};
	struct error e;

	REQUIRE(network_parse("2001:db8::53", 3288, &pdp, &e) == E_OK);
	REQUIRE(enforcement_new(t->kernel, 0x01ff0000, &pdps, &t->n, &e) == E_OK);
	REQUIRE(enforcement_close(t->n, &e) == E_OK);
	enforcement_identify(t->n, &identity);
	enforcement_set_interfaces(t->n, &interfaces);
}

static void halt(struct node *t)
{
	t->n = enforcement_free(t->n);
}

static void snapshot(const struct node *t, struct buffer *out)
{
	buffer_init(out, OCTETS_MAX);
	buffer_put_text(out, "%s\n", plan_kernel_holds(t->kernel));
	for (size_t i = 0; i < STORED_KINDS; i++)
		buffer_put_view(out, buffer_view(&t->stored[i]));
}

/* What the node says of itself at any time. */
static void look(struct node *t)
{
	uint16_t code, sub_code;
	struct buffer out;
	json_t *status = enforcement_status(t->n, NOW), *rules = NULL;
	struct error e;

	buffer_init(&out, OCTETS_MAX);
	REQUIRE(status && json_is_object(status));
	json_decref(status);
	REQUIRE(enforcement_rules(t->n, &rules, &e) == E_OK);
	json_decref(rules);
	REQUIRE(enforcement_request(t->n, 1, 0, &out, &e) == E_OK);
	REQUIRE(pr_check(PR_IN_REQUEST, buffer_view(&out), &code, &sub_code, &e) == E_OK);
	buffer_fini(&out);
}

/* All or nothing, and a report that says which. */
static bool decide(struct node *t, const struct transfer_piece *pieces, size_t count,
	enum mishap mishap)
{
	const struct decision_origin origin = {1, {{0}}};
	struct buffer before, after, report;
	uint64_t serial = enforcement_serial(t->n);
	uint16_t code, sub_code;
	struct error e = {0}, grammar;
	enum err err;

	buffer_init(&report, OCTETS_MAX);
	snapshot(t, &before);
	plan_kernel_befall(t->kernel, mishap);
	err = enforcement_decide(t->n, &origin, pieces, count, NOW, &report, &e);
	if (!enforcement_settled(t->n))
		fuzz_either(enforcement_settle(t->n, &grammar));
	plan_kernel_befall(t->kernel, NO_MISHAP);
	fuzz_accepted = !err;
	REQUIRE(report.len <= MESSAGE_PIECE_MAX);
	REQUIRE(pr_check(PR_IN_REPORT, buffer_view(&report), &code, &sub_code, &grammar) == E_OK);
	if (err) {
		fuzz_require_sentence(err, &e);
		REQUIRE(report.len > PR_HEADER &&
			(report.data[2] == PR_GPERR || report.data[2] == PR_ERROR_PRID));
		REQUIRE(enforcement_serial(t->n) == serial);
	}
	if (enforcement_needs_repair(t->n))
		REQUIRE(enforcement_repair(t->n, NOW, &e) == E_OK);
	REQUIRE(!enforcement_needs_repair(t->n));
	snapshot(t, &after);
	if (err)
		REQUIRE(view_equal(buffer_view(&before), buffer_view(&after)));
	else
		REQUIRE(enforcement_serial(t->n) >= serial);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	return !err;
}

/* The daemon goes and comes back: what was in force is in force. */
static void restart(struct node *t)
{
	uint64_t serial = enforcement_serial(t->n);
	struct buffer before, after;
	struct error e;
	enum err err;

	snapshot(t, &before);
	halt(t);
	boot(t);
	err = enforcement_restore(t->n, NOW, &e);
	REQUIRE(err == (t->has ? E_OK : E_NOT_FOUND));
	REQUIRE(enforcement_serial(t->n) == serial);
	snapshot(t, &after);
	REQUIRE(view_equal(buffer_view(&before), buffer_view(&after)));
	buffer_fini(&before);
	buffer_fini(&after);
}

struct said {
	uint8_t options;
	enum mishap mishap;
	struct view installs[PIECES_MAX], removes[PIECES_MAX];
	size_t install_count, remove_count;
};

static struct said read_decision(struct cursor *input)
{
	struct said s = {.options = cursor_u8(input)};
	uint8_t kind;

	s.mishap = (enum mishap)(cursor_u8(input) % MISHAPS);
	while (cursor_left(input) && s.install_count + s.remove_count < PIECES_MAX &&
		(kind = cursor_u8(input)) != 0xff) {
		struct view piece = fuzz_take(input, cursor_u16(input));

		if (kind % 2)
			s.removes[s.remove_count++] = piece;
		else
			s.installs[s.install_count++] = piece;
	}
	return s;
}

/* The rows after these changes; NULL if there is something wrong with them. */
static struct pri_store *rows_after(
	const struct pri_store *rows, const struct said *s, const struct view *installs)
{
	struct pri_change change = {s->removes, s->remove_count, installs, s->install_count};
	struct pri_failures failures;
	struct pri_store *after;
	struct error e;

	pri_failures_init(&failures);
	return pri_store_change(rows, &change, &after, &failures, &e) ? NULL : after;
}

static void next_decision(struct node *t, struct cursor *input)
{
	struct resigner r = *resigner();
	struct said s = read_decision(input);
	struct pri_store *rows = rows_after(t->rows, &s, s.installs);
	struct transfer_piece pieces[PIECES_MAX];
	struct view installs[PIECES_MAX];
	struct buffer octets[PIECES_MAX];
	uint64_t serial;
	size_t count = 0;

	r.keep_node = s.options & KEEP_NODE;
	for (; count < s.remove_count; count++)
		pieces[count] = (struct transfer_piece){PIECE_REMOVE, s.removes[count]};
	for (size_t i = 0; i < s.install_count; i++) {
		buffer_init(&octets[i], OCTETS_MAX);
		if (s.options & NOT_SIGNED)
			buffer_put_view(&octets[i], s.installs[i]);
		else
			resign(&r, s.options & KEEP_ROOTS ? NULL : rows, s.installs[i],
				&octets[i]);
		installs[i] = buffer_view(&octets[i]);
		pieces[count++] = (struct transfer_piece){PIECE_INSTALL, installs[i]};
	}
	pri_store_free(rows);
	serial = enforcement_serial(t->n);
	/* Under one serial there is one content; what comes besides is of the framework. */
	if (decide(t, pieces, count, s.mishap) && enforcement_serial(t->n) != serial) {
		rows = rows_after(t->rows, &s, installs);
		REQUIRE(rows != NULL);
		pri_store_free(t->rows);
		t->rows = rows;
	}
	for (size_t i = 0; i < s.install_count; i++)
		buffer_fini(&octets[i]);
	if ((s.options & RESTART) && t->has)
		restart(t);
}

/* A node that has no policy yet. Making one costs more than most inputs do, so the last one serves
 * again if nothing has come into force there. */
static struct node *fresh_node(void)
{
	static struct node t;
	struct pri_failures failures;
	struct error e;

	if (t.n && !t.has)
		return &t;
	if (t.n) {
		halt(&t);
		pri_store_free(t.rows);
		kernel_free(t.kernel);
		t.has = false;
	}
	t.kernel = plan_kernel_new();
	REQUIRE(pri_store_build(NULL, 0, &t.rows, &failures, &e) == E_OK);
	for (size_t i = 0; i < STORED_KINDS; i++) {
		buffer_init(&t.stored[i], OCTETS_MAX);
		buffer_init(&t.prepared[i], OCTETS_MAX);
	}
	boot(&t);
	return &t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	struct node *t = fresh_node();

	while (cursor_left(&input))
		next_decision(t, &input);
	look(t);
	for (size_t i = 0; i < STORED_KINDS; i++) {
		buffer_fini(&t->stored[i]);
		buffer_fini(&t->prepared[i]);
	}
	return 0;
}
