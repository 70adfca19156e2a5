/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The enforcer in one process: octets of a decision in, report and kernel out. */
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>

#include "common/cops/pr.h"
#include "pep/enforce/enforcement.h"
#include "pib/plan/able.h"
#include "pib/plan/component_limits.h"
#include "pib/store/difference.h"
#include "pib/set/envelope.h"
#include "tests/pep/enforce/parts.h"
#include "tests/pib/set/voices.h"
#include "tests/pep/kernel/fake.h"

enum {
	LOOKS = 2, /* requests of kernel_status(), which change nothing */
	ADOPTS = 1 /* besides, when it sees what an earlier process left */
};
enum { BIG = 1 << 26, MASK = 0x01ff0000, RANDOM_SEED = 20260102, RANDOM_ROUNDS = 400 };

/* ---- A node ---- */

struct node {
	struct world *w;
	struct fake *fake;
	struct kernel *kernel;
	struct memory memory;
	struct key *report_key;
	struct enforcement *n;
	struct node_interfaces interfaces;
	const struct capability_algorithms *algorithms; /* of its kernel */
	bool accept_lacking;
	uint64_t confirm_window;
};

enum { PDP_PORT = 3288 };

/* What the closed node is to hold. */
static struct plan *closed_plan(void)
{
	struct plan_endpoint pdp = {.family = FLOW_IPV6, .prefix_len = 128, .port = PDP_PORT,
	                            .address = {0x20, 1, 0xd, 0xb8, [15] = 0x53}};
	struct plan_input input = {.mark_mask = MASK, .endpoints = &pdp, .endpoint_count = 1,
	                           .node_roles = ""};
	struct plan *plan;
	struct error e;

	ck_assert_msg(!plan_bootstrap(&input, &plan, &e), "%s", e.text);
	return plan;
}

/* What pepd does as soon as it has nothing else to do. */
static void settle(struct node *t)
{
	struct error e;

	if (!enforcement_settled(t->n))
		ck_assert_msg(!enforcement_settle(t->n, &e), "%s", e.text);
}

static void boot(struct node *t)
{
	struct network pdp;
	struct network_list pdps = {&pdp, 1};
	struct kernel_transport transport = fake_transport(t->fake);
	struct enforcement_identity identity = {
		.pepid = "gw1",
		.node_key = t->w->pin,
		.tenant = "",
		.description = "test",
		.trust = t->w->trust,
		.algorithms = t->algorithms,
		.accept_lacking = t->accept_lacking,
		.confirm_window = t->confirm_window,
		.report_key = t->report_key,
		.storage = memory_storage(&t->memory),
	};
	struct error e;

	ck_assert_int_eq(network_parse("2001:db8::53", PDP_PORT, &pdp, &e), E_OK);
	t->kernel = kernel_new(&transport);
	ck_assert_msg(!enforcement_new(t->kernel, MASK, &pdps, &t->n, &e), "%s", e.text);
	ck_assert_msg(!enforcement_close(t->n, &e), "%s", e.text);
	enforcement_identify(t->n, &identity);
	enforcement_set_interfaces(t->n, &t->interfaces);
	settle(t);
}

static void halt(struct node *t)
{
	t->n = enforcement_free(t->n);
	t->kernel = kernel_free(t->kernel);
}

static struct node *node_new(void)
{
	struct node *t = calloc(1, sizeof *t);
	struct error e;

	t->w = world_new();
	give_meaning(t->w);
	t->w->set_documents[HOST].sent = false;
	t->w->assignment_documents[ALICE].sent = false;
	t->fake = fake_new();
	memory_init(&t->memory);
	ck_assert_int_eq(key_generate("gw1 report", &t->report_key, &e), E_OK);
	t->interfaces.count = 1;
	t->interfaces.list[0] = (struct node_interface){2, "eth0"};
	boot(t);
	return t;
}

static void node_free(struct node *t)
{
	halt(t);
	world_free(t->w);
	fake_free(t->fake);
	memory_fini(&t->memory);
	key_free(t->report_key);
	free(t);
}

static void snapshot(struct node *t, struct buffer *out)
{
	settle(t);
	buffer_reset(out);
	fake_print(t->fake, out);
	buffer_put_view(out, buffer_view(&t->memory.current[STORED_STATE]));
}

static enum err decide_pieces(struct node *t, const struct transfer_piece *pieces, size_t count,
                              struct buffer *report, struct error *e)
{
	const struct decision_origin origin = {3, {{7}}};
	uint16_t code, sub_code;
	struct error grammar;
	enum err err;

	buffer_reset(report);
	*e = (struct error){0};
	err = enforcement_decide(t->n, &origin, pieces, count, NOW, report, e);
	ck_assert_msg(!pr_check(PR_IN_REPORT, buffer_view(report), &code, &sub_code, &grammar),
	              "%s", grammar.text);
	/* RFC 3084: a failure has a code. */
	if (err)
		ck_assert(report->len > 4 && (report->data[2] == PR_GPERR ||
		                              report->data[2] == PR_ERROR_PRID));
	return err;
}

/* One run of octets, which may come as what is removed. */
static enum err decide_run(struct node *t, uint32_t kind, struct view run, struct buffer *report,
                           struct error *e)
{
	struct transfer_piece piece = {kind, run};

	return decide_pieces(t, &piece, run.len ? 1 : 0, report, e);
}

/* A run that replaces all that there was. */
static enum err decide_full(struct node *t, struct view run, struct buffer *report,
                            struct error *e)
{
	struct buffer classes;
	enum err err;

	buffer_init(&classes, BIG);
	pri_store_put_all_classes(&classes);
	err = decide_pieces(t,
	                    (struct transfer_piece[]){{PIECE_REMOVE, buffer_view(&classes)},
	                                              {PIECE_INSTALL, run}},
	                    2, report, e);
	buffer_fini(&classes);
	return err;
}

static enum err decide(struct node *t, struct buffer *report, struct error *e)
{
	struct buffer run;
	enum err err;

	buffer_init(&run, BIG);
	world_node(t->w, &run);
	err = decide_full(t, buffer_view(&run), report, e);
	buffer_fini(&run);
	return err;
}

static void install(struct node *t)
{
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	world_roots(t->w);
	world_sign(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	settle(t);
	buffer_fini(&report);
}

/* ---- What the report says ---- */

static void check_compliance(struct node *t, struct view report, uint32_t decision)
{
	struct cursor c = cursor_over(report);
	struct pin pin = key_pin(t->report_key);
	struct pr_object name, values;
	struct compliance said;
	struct pib_fault fault;
	struct arena arena;
	struct view content;
	struct prid prid;
	struct pri pri;
	struct error e;

	ck_assert_int_eq(pr_next(&c, &name), E_OK);
	ck_assert_int_eq(pr_next(&c, &values), E_OK);
	ck_assert_uint_eq(cursor_left(&c), 0);
	ck_assert_int_eq(prid_decode(name.contents, &prid, &fault, &e), E_OK);
	ck_assert_int_eq(prid.class->id, PIB_copsecCompliance);
	ck_assert_int_eq(epd_decode(&prid, values.contents, &pri, &fault, &e), E_OK);
	ck_assert_msg(!cms_verify_pinned(pri_octets(&pri, copsecComplianceSigned), &pin, &content,
	                                 &e), "%s", e.text);
	arena_init(&arena, BIG);
	ck_assert_msg(!compliance_decode(content, &arena, &said, &e), "%s", e.text);
	ck_assert(view_equal(said.node, view_of_string("gw1")));
	ck_assert_uint_eq(said.decision, decision);
	ck_assert_mem_eq(said.session.octets, (uint8_t[BINDING_SIZE]){7}, BINDING_SIZE);
	ck_assert_uint_eq(said.index_serial, t->w->index.serial);
	ck_assert_uint_eq(said.set_count, 2);
	ck_assert(view_equal(said.sets[0].name, view_of_string("gateway")));
	ck_assert_mem_eq(said.sets[0].root, t->w->manifests[GATEWAY].root, SET_ROOT);
	ck_assert(view_equal(said.sets[1].name, view_of_string("lan")));
	arena_fini(&arena);
}

static void check_unsigned(struct view report, const char *why)
{
	struct cursor c = cursor_over(report);
	struct pr_object name, values;
	struct pib_fault fault;
	struct prid prid;
	struct pri pri;
	struct error e;

	ck_assert_int_eq(pr_next(&c, &name), E_OK);
	ck_assert_int_eq(pr_next(&c, &values), E_OK);
	ck_assert_uint_eq(cursor_left(&c), 0);
	ck_assert_int_eq(prid_decode(name.contents, &prid, &fault, &e), E_OK);
	ck_assert_int_eq(prid.class->id, PIB_copsecFailure);
	ck_assert_int_eq(epd_decode(&prid, values.contents, &pri, &fault, &e), E_OK);
	ck_assert(view_equal(pri_octets(&pri, copsecFailureText), view_of_string(why)));
}

START_TEST(the_node_is_closed_before_it_knows_anything)
{
	struct node *t = node_new();
	struct plan *closed = closed_plan();
	struct kernel_status status;
	struct error e;

	ck_assert_int_eq(kernel_status(t->kernel, closed, &status, &e), E_OK);
	ck_assert(status.table);
	ck_assert_str_eq(status.plan_id, closed->id);
	ck_assert(status.spd_as_planned);
	plan_free(closed);
	ck_assert_uint_eq(enforcement_serial(t->n), 0);
	ck_assert_int_eq(enforcement_restore(t->n, NOW, &e), E_NOT_FOUND);
	ck_assert(!enforcement_needs_repair(t->n));
	node_free(t);
}
END_TEST

START_TEST(a_good_decision_is_in_force_stored_and_reported)
{
	struct node *t = node_new();
	struct buffer before, after, report;
	struct error e;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	snapshot(t, &before);
	world_roots(t->w);
	world_sign(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	snapshot(t, &after);
	ck_assert(!view_equal(buffer_view(&before), buffer_view(&after)));
	ck_assert(t->memory.has[STORED_STATE]);
	ck_assert_uint_eq(enforcement_serial(t->n), 20);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(what_is_in_force_already_is_left_alone)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;
	size_t requests;

	buffer_init(&report, BIG);
	install(t);
	requests = fake_requests(t->fake);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	ck_assert_uint_le(fake_requests(t->fake) - requests, LOOKS);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(a_null_decision_is_answered)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	ck_assert_int_eq(decide_run(t, PIECE_INSTALL, VIEW_NONE, &report, &e), E_OK);
	ck_assert_uint_eq(report.len, 0);
	install(t);
	ck_assert_int_eq(decide_run(t, PIECE_INSTALL, VIEW_NONE, &report, &e), E_OK);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* ---- Hostile decisions ---- */

static void put_row(struct world *w, struct pri *pri)
{
	struct error e;

	ck_assert_msg(!pri_put(&w->more, pri, &e), "%s", e.text);
}

static void one_signer(struct world *w)
{
	w->index_document.signers = 1;
}

static void signed_by_nobody(struct world *w)
{
	w->set_documents[LAN].signers = 0;
}

static void signed_by_a_stranger(struct world *w)
{
	w->assignment_documents[GW1].signers = 8;
}

static void another_node(struct world *w)
{
	w->assignments[GW1].node_key[0] ^= 1;
}

static void another_name(struct world *w)
{
	w->assignments[GW1].node = view_of_string("gw2");
}

static void index_too_old(struct world *w)
{
	w->index.not_after = NOW - 1;
}

static void set_not_yet_valid(struct world *w)
{
	/* A new one: what is in force already is not judged by its time. */
	w->entries[LAN].serial = ++w->manifests[LAN].serial;
	w->manifests[LAN].not_before = NOW + 1;
}

static void below_the_least_index(struct world *w)
{
	w->assignments[GW1].least_index_serial = 1000;
}

static void set_missing(struct world *w)
{
	w->set_documents[LAN].sent = false;
}

static void index_missing_set(struct world *w)
{
	w->index.entry_count--;
}

static void assignment_missing(struct world *w)
{
	w->assignment_documents[GW1].sent = false;
}

static void row_changed(struct world *w)
{
	rows_get(w->rows[LAN], PIB_ipSecRule, block_of(AUTHORITY_HOME, LAN) + 1)->values
		[ipSecRuleOrder - 1].natural ^= 7;
}

static void row_dropped(struct world *w)
{
	rows_drop(w->rows[GATEWAY], PIB_copsecRule, block_of(AUTHORITY_HOME, GATEWAY) + 1);
}

static void row_outside(struct world *w)
{
	struct pri pri = *rows_get(w->rows[LAN], PIB_ipSecSelectorSet,
	                           block_of(AUTHORITY_HOME, LAN) + 1);

	pri.instance = block_of(AUTHORITY_HOME, 99) + 1;
	pri.values[0].natural = pri.instance;
	put_row(w, &pri);
}

static struct pri silent_incarnation(void)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkPibIncarnation, 2);
	for (unsigned a = frwkPibIncarnationName; a <= frwkPibIncarnationFullState; a++)
		pri_set_null(&pri, a);
	return pri;
}

static void inactive_context(struct world *w)
{
	struct pri pri = silent_incarnation();

	pri_set_bool(&pri, frwkPibIncarnationActive, false);
	put_row(w, &pri);
}

static void policy_that_ends_with_the_session(struct world *w)
{
	struct pri pri = silent_incarnation();

	pri_set_i32(&pri, frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireImmediate);
	put_row(w, &pri);
}

static void policy_that_ends_after_a_while(struct world *w)
{
	struct pri pri = silent_incarnation();

	pri_set_i32(&pri, frwkPibIncarnationLongevity, frwkPibIncarnationLongevity_expireOnTimeout);
	pri_set_u32(&pri, frwkPibIncarnationTtl, 60);
	put_row(w, &pri);
}

static void context_of_its_own(struct world *w)
{
	struct pri pri = silent_incarnation();

	pri_set_bool(&pri, frwkPibIncarnationInCtxtSet, false);
	put_row(w, &pri);
}

static void put_combination(struct world *w, uint32_t instance, const char *roles)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkRoleCombo, instance);
	pri_set_text(&pri, frwkRoleComboRoles, roles);
	pri_set_text(&pri, frwkRoleComboCapSetName, "");
	put_row(w, &pri);
}

static void put_interface(struct world *w, uint32_t instance, int32_t index)
{
	struct pri pri;

	pri_init(&pri, PIB_frwkIfRoleCombo, instance);
	pri_set_i32(&pri, frwkIfRoleComboIfIndex, index);
	put_row(w, &pri);
}

static void other_roles(struct world *w)
{
	put_combination(w, 1, "gateway");
	put_interface(w, 1, 2);
}

static void other_pattern(struct world *w)
{
	put_combination(w, 1, "*+gateway");
	put_interface(w, 1, 2);
}

static void roles_of_no_interface(struct world *w)
{
	put_combination(w, 1, "nowhere");
}

static void roles_in_disorder(struct world *w)
{
	put_combination(w, 1, "lan+gateway");
}

static void wildcard_in_the_middle(struct world *w)
{
	put_combination(w, 1, "gateway+*");
}

static void compliance_of_its_own(struct world *w)
{
	struct pri pri;

	pri_init(&pri, PIB_copsecCompliance, 1);
	pri_set_text(&pri, copsecComplianceSigned, "forged");
	put_row(w, &pri);
}

static void cut_short(struct world *w)
{
	buffer_put(&w->more, "\0\x0d\1\1", 4);
}

/* `late`: after signing, as a PDP or a man in the middle would. */
static const struct {
	const char *name;
	void (*spoil)(struct world *w);
	bool late;
	enum err err;      /* ERR_COUNT: any */
	uint8_t first;     /* S-Num at the beginning of the report */
} hostile[] = {
	{"too few signers", one_signer, false, E_UNTRUSTED, PR_ERROR_PRID},
	{"no signer", signed_by_nobody, false, E_UNTRUSTED, PR_ERROR_PRID},
	{"a strange signer", signed_by_a_stranger, false, E_UNTRUSTED, PR_ERROR_PRID},
	{"another node's key", another_node, false, ERR_COUNT, PR_ERROR_PRID},
	{"another node's name", another_name, false, ERR_COUNT, PR_ERROR_PRID},
	{"index past its time", index_too_old, false, E_EXPIRED, PR_ERROR_PRID},
	{"set before its time", set_not_yet_valid, false, E_EXPIRED, PR_ERROR_PRID},
	{"index below the least", below_the_least_index, false, E_STALE, PR_ERROR_PRID},
	{"set left out", set_missing, true, ERR_COUNT, 0},
	{"set not in the index", index_missing_set, false, ERR_COUNT, 0},
	{"assignment left out", assignment_missing, true, E_MISSING, 0},
	{"a row changed", row_changed, true, E_MISMATCH, PR_ERROR_PRID},
	{"a row left out", row_dropped, true, E_MISMATCH, PR_ERROR_PRID},
	{"a row outside the sets", row_outside, true, ERR_COUNT, PR_ERROR_PRID},
	{"the context switched off", inactive_context, true, E_UNSUPPORTED, PR_ERROR_PRID},
	{"an end with the session", policy_that_ends_with_the_session, true, E_UNSUPPORTED,
	 PR_ERROR_PRID},
	{"an end after a while", policy_that_ends_after_a_while, true, E_UNSUPPORTED, PR_ERROR_PRID},
	{"another context", context_of_its_own, true, E_UNSUPPORTED, PR_ERROR_PRID},
	{"roles that were not signed", other_roles, true, E_CONFLICT, PR_ERROR_PRID},
	{"a pattern of other roles", other_pattern, true, E_CONFLICT, PR_ERROR_PRID},
	{"roles of no interface", roles_of_no_interface, true, E_CONFLICT, PR_ERROR_PRID},
	{"roles in disorder", roles_in_disorder, true, E_RANGE, PR_ERROR_PRID},
	{"a wildcard that is not first", wildcard_in_the_middle, true, E_RANGE, PR_ERROR_PRID},
	{"a report", compliance_of_its_own, true, E_UNSUPPORTED, PR_ERROR_PRID},
	{"cut short", cut_short, true, ERR_COUNT, PR_GPERR},
};

static void refuse(struct node *t, int i)
{
	struct buffer before, after, report;
	struct error e;
	enum err err;
	uint64_t serial = enforcement_serial(t->n);

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	snapshot(t, &before);
	err = decide(t, &report, &e);
	ck_assert_msg(err && (hostile[i].err == ERR_COUNT || err == hostile[i].err),
	              "%s: %s: %s", hostile[i].name, err_text(err), e.text);
	if (hostile[i].first)
		ck_assert_msg(report.data[2] == hostile[i].first, "%s: S-Num %u", hostile[i].name,
		              report.data[2]);
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	ck_assert_uint_eq(enforcement_serial(t->n), serial);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
}

START_TEST(a_hostile_decision_changes_nothing)
{
	struct node *t = node_new();
	/* Even rounds on a closed node, odd ones over a policy in force. */
	int i = _i / 2;

	if (_i % 2) {
		install(t);
		t->w->index.serial++;
	}
	world_roots(t->w);
	if (!hostile[i].late)
		hostile[i].spoil(t->w);
	world_sign(t->w);
	if (hostile[i].late)
		hostile[i].spoil(t->w);
	refuse(t, i);
	node_free(t);
}
END_TEST

/* RFC 3318 section 2.1. */
START_TEST(what_the_pdp_says_of_roles_may_be_a_pattern)
{
	static const char *const of_lan[] = {"lan", "*", "*+lan"};
	struct node *t = node_new();
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	install(t);
	for (size_t i = 0; i < sizeof of_lan / sizeof *of_lan; i++) {
		buffer_reset(&t->w->more);
		put_combination(t->w, 1, of_lan[i]);
		put_interface(t->w, 1, 2);
		/* Without an interface: of the node itself, and of any interface. */
		put_combination(t->w, 2, "gateway");
		put_combination(t->w, 3, of_lan[i]);
		put_combination(t->w, 4, "");
		ck_assert_msg(!decide(t, &report, &e), "%s: %s", of_lan[i], e.text);
	}
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(no_serial_goes_backwards)
{
	struct node *t = node_new();
	struct buffer before, after, report;
	struct error e;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	t->w->assignments[GW1].least_index_serial = 1;
	install(t);
	snapshot(t, &before);
	t->w->index.serial = 19;
	world_sign(t->w);
	ck_assert_int_eq(decide(t, &report, &e), E_STALE);
	/* Nor after a restart, when only the disk remembers. */
	halt(t);
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, NOW, &e), "%s", e.text);
	ck_assert_int_eq(decide(t, &report, &e), E_STALE);
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(removing_a_row_of_a_signed_set_fails)
{
	struct node *t = node_new();
	struct prid prid = {pib_class(PIB_ipSecRule), block_of(AUTHORITY_HOME, LAN) + 1};
	struct buffer before, after, report, run;
	struct error e;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	buffer_init(&run, BIG);
	install(t);
	snapshot(t, &before);
	prid_put(&run, &prid);
	ck_assert_int_ne(decide_run(t, PIECE_REMOVE, buffer_view(&run), &report, &e), E_OK);
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	buffer_fini(&run);
	node_free(t);
}
END_TEST

/* RFC 3084 section 2.3: a warning, no error. */
START_TEST(removing_what_is_not_there_succeeds_with_a_warning)
{
	struct node *t = node_new();
	struct prid prid = {pib_class(PIB_ipSecRule), block_of(AUTHORITY_HOME, LAN) + 0xfffff};
	struct pr_object object = {0};
	struct buffer report, run;
	struct cursor c;
	uint16_t code, sub_code;
	struct error e;

	buffer_init(&report, BIG);
	buffer_init(&run, BIG);
	install(t);
	prid_put(&run, &prid);
	ck_assert_msg(!decide_run(t, PIECE_REMOVE, buffer_view(&run), &report, &e), "%s", e.text);
	/* Behind the signed report. */
	ck_assert_uint_eq(report.data[2], PR_PRID);
	ck_assert_msg(!pr_check(PR_IN_REPORT, buffer_view(&report), &code, &sub_code, &e), "%s",
	              e.text);
	c = cursor_over(buffer_view(&report));
	while (object.s_num != PR_ERROR_PRID)
		ck_assert_int_eq(pr_next(&c, &object), E_OK);
	ck_assert(view_equal(VIEW(object.raw.data + 4, object.raw.len - 4),
	                     VIEW(run.data + 4, run.len - 4)));
	ck_assert_int_eq(pr_next(&c, &object), E_OK);
	ck_assert_uint_eq(object.s_num, PR_CPERR);
	ck_assert_uint_eq(object.code, PR_CPERR_PRI_INSTANCE_INVALID);
	buffer_fini(&report);
	buffer_fini(&run);
	node_free(t);
}
END_TEST

/* ---- Kernel and disk that refuse ---- */

/* Another policy, so that there is something to add, to replace and to delete. */
static void next_policy(struct world *w)
{
	w->index.serial++;
	w->manifests[LAN].serial++;
	for (size_t i = 0; i < w->rows[LAN]->count; i++) {
		struct pri *pri = &w->rows[LAN]->list[i];

		if (pri->class->id == PIB_copsecNegotiationAction)
			pri_set_text(pri, copsecNegotiationActionName, "another");
		if (pri->class->id == PIB_copsecRule)
			pri_set_text(pri, copsecRuleName, "another");
	}
	world_roots(w);
	world_sign(w);
}

static void previous_policy(struct world *w)
{
	w->index.serial--;
	w->manifests[LAN].serial--;
	world_roots(w);
	world_sign(w);
}

/* What the kernel holds, without the disk. */
static void kernel_text(struct node *t, struct buffer *out)
{
	settle(t);
	buffer_reset(out);
	fake_print(t->fake, out);
}

static const enum misbehaviour misbehaviours[] = {REFUSE, LOSE, LOSE_ANSWER, ANSWER_TWICE,
                                                  REFUSE_FROM};

/* Whatever request goes wrong, and in whatever way: the old policy or the new one, whole, in the end
 * at least, and what is said of it is true. */
START_TEST(a_decision_is_in_force_whole_or_not_at_all)
{
	struct buffer old, new, now, report;
	struct node *t = node_new();
	unsigned failures = 0, repairs = 0;
	size_t requests;
	struct error e;

	buffer_init(&old, BIG);
	buffer_init(&new, BIG);
	buffer_init(&now, BIG);
	buffer_init(&report, BIG);
	install(t);
	kernel_text(t, &old);
	next_policy(t->w);
	requests = fake_requests(t->fake);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	requests = fake_requests(t->fake) - requests;
	kernel_text(t, &new);
	node_free(t);
	ck_assert(!view_equal(buffer_view(&old), buffer_view(&new)));

	for (size_t n = 1; n <= requests; n++) {
		enum err err;

		t = node_new();
		install(t);
		next_policy(t->w);
		fake_misbehave(t->fake, misbehaviours[_i], n);
		err = decide(t, &report, &e);
		if (err)
			ck_assert_uint_eq(t->memory.prepared[STORED_STATE].len, 0);
		if (enforcement_needs_repair(t->n)) {
			repairs++;
			if (misbehaviours[_i] == REFUSE_FROM) {
				ck_assert_int_ne(enforcement_repair(t->n, NOW, &e), E_OK);
				ck_assert(enforcement_needs_repair(t->n));
			}
			fake_misbehave(t->fake, BEHAVE, 0);
			ck_assert_msg(!enforcement_repair(t->n, NOW, &e), "%s", e.text);
			ck_assert(!enforcement_needs_repair(t->n));
		}
		fake_misbehave(t->fake, BEHAVE, 0);
		failures += err != E_OK;
		ck_assert_uint_eq(enforcement_serial(t->n), err ? 20 : 21);
		kernel_text(t, &now);
		ck_assert_msg(view_equal(buffer_view(&now), buffer_view(err ? &old : &new)),
		              "request %zu of %zu: %s", n, requests, err ? e.text : "success");
		ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
		node_free(t);
	}
	if (misbehaviours[_i] == REFUSE || misbehaviours[_i] == REFUSE_FROM)
		ck_assert_uint_gt(failures, 2);
	if (misbehaviours[_i] == REFUSE_FROM)
		ck_assert_uint_gt(repairs, 0);
	buffer_fini(&old);
	buffer_fini(&new);
	buffer_fini(&now);
	buffer_fini(&report);
}
END_TEST

START_TEST(without_a_disk_there_is_no_new_policy)
{
	struct node *t = node_new();
	struct buffer before, after, report;
	struct error e;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	install(t);
	next_policy(t->w);
	snapshot(t, &before);
	t->memory.prepare_fails = true;
	ck_assert_int_ne(decide(t, &report, &e), E_OK);
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	/* A reboot would bring the old policy: so the old policy is what is in force. */
	t->memory.prepare_fails = false;
	t->memory.commit_fails[STORED_STATE] = true;
	ck_assert_int_eq(decide(t, &report, &e), E_SYSTEM);
	ck_assert_str_eq(e.text, "the disk is gone");
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	ck_assert_uint_eq(enforcement_serial(t->n), 20);
	ck_assert(!enforcement_needs_repair(t->n));
	t->memory.commit_fails[STORED_STATE] = false;
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* Too late to go back: in force and said, but nobody signs for it until it is on the disk. */
START_TEST(what_may_not_survive_is_not_signed_for)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	install(t);
	next_policy(t->w);
	if (_i)
		t->memory.sync_fails = true;
	else
		t->memory.commit_fails[STORED_FLOORS] = true;
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	check_unsigned(buffer_view(&report), _i ? "the disk does not answer" : "the disk is gone");
	ck_assert_uint_eq(enforcement_serial(t->n), 21);
	ck_assert(enforcement_needs_repair(t->n));
	ck_assert_int_ne(enforcement_repair(t->n, NOW, &e), E_OK);
	t->memory.sync_fails = t->memory.commit_fails[STORED_FLOORS] = false;
	ck_assert_int_eq(enforcement_repair(t->n, NOW, &e), E_OK);
	ck_assert(!enforcement_needs_repair(t->n));
	ck_assert_msg(!decide_run(t, PIECE_INSTALL, VIEW_NONE, &report, &e), "%s", e.text);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(the_same_again_is_not_written_again)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;
	unsigned before;

	buffer_init(&report, BIG);
	install(t);
	before = t->memory.prepares;
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	check_compliance(t, buffer_view(&report), 3);
	ck_assert_uint_eq(t->memory.prepares, before);
	next_policy(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	ck_assert_uint_gt(t->memory.prepares, before);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* Whatever becomes of the stored policy: nothing older than what was accepted. */
START_TEST(without_its_stored_policy_a_node_takes_no_older_one)
{
	struct node *t = node_new();
	struct buffer old, report;
	struct error e;

	buffer_init(&old, BIG);
	buffer_init(&report, BIG);
	install(t);
	buffer_put_view(&old, buffer_view(&t->memory.current[STORED_STATE]));
	next_policy(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	halt(t);
	/* Unreadable, gone, or that of before. */
	if (_i == 0)
		t->memory.current[STORED_STATE].data[100] ^= 1;
	else if (_i == 1)
		t->memory.has[STORED_STATE] = false;
	buffer_reset(&report);
	if (_i == 2) {
		buffer_reset(&t->memory.current[STORED_STATE]);
		buffer_put_view(&t->memory.current[STORED_STATE], buffer_view(&old));
	}
	boot(t);
	ck_assert_int_ne(enforcement_restore(t->n, NOW, &e), E_OK);
	ck_assert_uint_eq(enforcement_serial(t->n), 0);
	previous_policy(t->w);
	ck_assert_int_eq(decide(t, &report, &e), E_STALE);
	next_policy(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	ck_assert_uint_eq(enforcement_serial(t->n), 21);
	buffer_fini(&old);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* They were damaged, and are made anew from what is in force. */
START_TEST(damaged_floors_are_said_and_made_anew)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;
	json_t *status;
	char *text;

	buffer_init(&report, BIG);
	install(t);
	halt(t);
	for (size_t at = 0; at < t->memory.current[STORED_FLOORS].len; at++) {
		t->memory.current[STORED_FLOORS].data[at] ^= 1;
		boot(t);
		ck_assert_msg(!enforcement_restore(t->n, NOW, &e), "%s", e.text);
		status = enforcement_status(t->n, NOW);
		text = json_dumps(json_object_get(status, "disorder"), 0);
		ck_assert_msg(strstr(text, "an older policy might come back unnoticed"),
		              "octet %zu: %s", at, text);
		free(text);
		json_decref(status);
		halt(t);
		t->memory.current[STORED_FLOORS].data[at] ^= 1;
	}
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, NOW, &e), "%s", e.text);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* ---- From one process to the next ---- */

/* ---- Past its time ---- */

enum { LASTS = 100, BOOTED = 5000 };

static bool tick(struct node *t, uint64_t now_utc, uint64_t since_boot)
{
	struct error e;
	bool changed;

	ck_assert_msg(!enforcement_tick(t->n, now_utc, since_boot, &changed, &e), "%s", e.text);
	return changed;
}

static struct node *node_for_a_while(enum stale_rule rule)
{
	struct node *t = node_new();

	for (size_t i = 0; i < SETS; i++) {
		t->w->manifests[i].not_after = NOW + LASTS;
		t->w->manifests[i].stale_rule = rule;
	}
	world_roots(t->w);
	world_sign(t->w);
	install(t);
	return t;
}

/* When time is over, by either clock; and what has ended stays so whatever the clocks say later. */
START_TEST(a_stale_rule_is_applied_in_its_moment)
{
	static const struct {
		enum stale_rule rule;
		int64_t utc;          /* of the second look, from NOW on */
		uint64_t since_boot;  /* the same, from BOOTED on */
		bool changes;
	} cases[] = {
		{STALE_KEEP, LASTS + 1, LASTS + 1, false},
		{STALE_TIGHTEN, LASTS, LASTS, false},
		{STALE_TIGHTEN, LASTS + 1, LASTS + 1, true},
		{STALE_QUARANTINE, LASTS, LASTS, false},
		{STALE_QUARANTINE, LASTS + 1, LASTS + 1, true},
		/* The clock is turned back: the time since the boot goes on. */
		{STALE_QUARANTINE, -1000, LASTS, false},
		{STALE_QUARANTINE, -1000, LASTS + 1, true},
		/* It jumps ahead: then it is over. */
		{STALE_QUARANTINE, 1000000, 1, true},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct node *t = node_for_a_while(cases[i].rule);
		struct buffer before, after;

		buffer_init(&before, BIG);
		buffer_init(&after, BIG);
		kernel_text(t, &before);
		ck_assert(!tick(t, NOW, BOOTED));
		ck_assert_msg(tick(t, (uint64_t)(NOW + cases[i].utc), BOOTED + cases[i].since_boot) ==
		                      cases[i].changes, "case %zu", i);
		kernel_text(t, &after);
		ck_assert_msg(view_equal(buffer_view(&before), buffer_view(&after)) != cases[i].changes,
		              "case %zu", i);
		/* Nothing of it comes back with an older time. */
		ck_assert(!tick(t, NOW - 5000, BOOTED + LASTS + 2) || !cases[i].changes);
		if (cases[i].changes) {
			kernel_text(t, &before);
			ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
		}
		buffer_fini(&before);
		buffer_fini(&after);
		node_free(t);
	}
}
END_TEST

START_TEST(a_reboot_brings_nothing_back_that_has_ended)
{
	struct node *t = node_for_a_while(STALE_QUARANTINE);
	struct buffer ended, rebooted;
	struct error e;

	buffer_init(&ended, BIG);
	buffer_init(&rebooted, BIG);
	ck_assert(!tick(t, NOW, BOOTED));
	ck_assert(tick(t, NOW + LASTS + 1, BOOTED + LASTS + 1));
	kernel_text(t, &ended);
	halt(t);
	fake_free(t->fake);
	t->fake = fake_new();
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, NOW + LASTS + 1, &e), "%s", e.text);
	kernel_text(t, &rebooted);
	ck_assert(view_equal(buffer_view(&ended), buffer_view(&rebooted)));
	buffer_fini(&ended);
	buffer_fini(&rebooted);
	node_free(t);
}
END_TEST

/* ---- On trial ---- */

enum { WINDOW = 60000 };

static struct enforcement_trial look(struct node *t, bool heard, uint64_t now)
{
	struct enforcement_trial trial;
	struct error e;

	ck_assert_msg(!enforcement_confirm(t->n, heard, now, NOW, &trial, &e), "%s", e.text);
	return trial;
}

/* Serial 20 in force and confirmed, then 21, on trial from 1000 on unless something forbids it. */
static struct node *node_on_trial(void change(struct world *w))
{
	struct node *t = node_new();

	halt(t);
	t->confirm_window = WINDOW;
	boot(t);
	install(t);
	ck_assert_uint_eq(look(t, false, 1).deadline, 0);
	next_policy(t->w);
	if (change) {
		change(t->w);
		world_roots(t->w);
		world_sign(t->w);
	}
	install(t);
	return t;
}

static void without_return(struct world *w)
{
	w->manifests[LAN].no_confirm = true;
}

START_TEST(what_says_so_is_never_on_trial)
{
	struct node *t = node_on_trial(without_return);
	struct enforcement_trial trial = look(t, false, 1000);

	ck_assert(!trial.ask && !trial.deadline);
	ck_assert(!look(t, false, 1000 + 2 * WINDOW).changed);
	ck_assert_uint_eq(enforcement_serial(t->n), t->w->index.serial);
	ck_assert(!t->memory.has[STORED_TRIAL] && !t->memory.has[STORED_PREVIOUS]);
	node_free(t);
}
END_TEST

START_TEST(an_unheard_policy_goes_and_returns)
{
	struct node *t = node_on_trial(NULL);
	uint64_t new = t->w->index.serial;
	struct enforcement_trial trial = look(t, false, 1000);
	struct buffer before, probed, after;

	buffer_init(&before, BIG);
	buffer_init(&probed, BIG);
	buffer_init(&after, BIG);
	kernel_text(t, &before);
	ck_assert(trial.ask && trial.deadline == 1000 + WINDOW);
	ck_assert(t->memory.has[STORED_TRIAL] && t->memory.has[STORED_PREVIOUS]);
	ck_assert(!look(t, false, 999 + WINDOW).changed);
	trial = look(t, false, 1000 + WINDOW);
	ck_assert(trial.changed && trial.deadline == 1000 + 2 * WINDOW);
	ck_assert_uint_lt(enforcement_serial(t->n), new);
	kernel_text(t, &probed);
	ck_assert(!view_equal(buffer_view(&probed), buffer_view(&before)));
	trial = look(t, false, 1000 + 2 * WINDOW);
	ck_assert(trial.changed && !trial.deadline && !trial.failed);
	ck_assert_uint_eq(enforcement_serial(t->n), new);
	kernel_text(t, &after);
	ck_assert(view_equal(buffer_view(&after), buffer_view(&before)));
	ck_assert(!t->memory.has[STORED_TRIAL] && !t->memory.has[STORED_PREVIOUS]);
	/* Once. */
	ck_assert(!look(t, false, 1000 + 9 * WINDOW).changed);
	buffer_fini(&before);
	buffer_fini(&probed);
	buffer_fini(&after);
	node_free(t);
}
END_TEST

START_TEST(a_policy_that_cut_its_node_off_is_not_taken_again)
{
	struct node *t = node_on_trial(NULL);
	uint64_t new = t->w->index.serial;
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	(void)look(t, false, 1000);
	(void)look(t, false, 1000 + WINDOW);
	ck_assert(look(t, true, 1001 + WINDOW).failed);
	ck_assert_uint_lt(enforcement_serial(t->n), new);
	ck_assert_int_eq(decide(t, &report, &e), E_DENIED);
	ck_assert_uint_lt(enforcement_serial(t->n), new);
	/* The same after a death, though the floors are those of the newer one. */
	halt(t);
	boot(t);
	ck_assert_int_eq(enforcement_restore(t->n, NOW, &e), E_OK);
	ck_assert_uint_lt(enforcement_serial(t->n), new);
	ck_assert_int_eq(decide(t, &report, &e), E_DENIED);
	/* The next one is. */
	next_policy(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	ck_assert_uint_gt(enforcement_serial(t->n), new);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(what_others_change_is_put_right_and_counted)
{
	struct node *t = node_new();
	struct buffer before, after;
	int fd[KERNEL_BUSES];
	struct error e;
	json_t *status;
	bool drift;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	ck_assert_msg(!enforcement_listen(t->n, fd, &e), "%s", e.text);
	install(t);
	snapshot(t, &before);
	fake_tell(t->fake, "theirs", 99);
	ck_assert(!enforcement_look(t->n, &drift, &e) && !drift);
	fake_tell(t->fake, "copsec", 99);
	fake_flush_spd(t->fake);
	ck_assert(!enforcement_look(t->n, &drift, &e) && drift);
	ck_assert(enforcement_needs_repair(t->n));
	ck_assert_msg(!enforcement_repair(t->n, NOW, &e), "%s", e.text);
	ck_assert(!enforcement_needs_repair(t->n));
	snapshot(t, &after);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	status = enforcement_status(t->n, NOW);
	ck_assert_int_eq(json_integer_value(json_object_get(status, "drifts")), 1);
	json_decref(status);
	buffer_fini(&before);
	buffer_fini(&after);
	node_free(t);
}
END_TEST

START_TEST(a_restart_leaves_the_kernel_alone)
{
	struct node *t = node_new();
	struct buffer report;
	struct error e;
	size_t requests;

	buffer_init(&report, BIG);
	install(t);
	requests = fake_requests(t->fake);
	halt(t);
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, NOW, &e), "%s", e.text);
	ck_assert_uint_le(fake_requests(t->fake) - requests, 2 * LOOKS + ADOPTS);
	ck_assert_uint_eq(enforcement_serial(t->n), 20);
	ck_assert_msg(!decide_run(t, PIECE_INSTALL, VIEW_NONE, &report, &e), "%s", e.text);
	check_compliance(t, buffer_view(&report), 3);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(after_a_reboot_the_last_good_policy_returns)
{
	struct node *t = node_new();
	struct buffer before, after;
	struct error e;

	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	install(t);
	snapshot(t, &before);
	halt(t);
	fake_free(t->fake);
	t->fake = fake_new();
	boot(t);
	/* Long past everything's time: only new policy is judged by that. */
	ck_assert_msg(!enforcement_restore(t->n, NOW * UINT64_C(2), &e), "%s", e.text);
	snapshot(t, &after);
	ck_assert_uint_eq(enforcement_serial(t->n), 20);
	ck_assert(view_equal(buffer_view(&before), buffer_view(&after)));
	buffer_fini(&before);
	buffer_fini(&after);
	node_free(t);
}
END_TEST

START_TEST(a_stored_policy_that_was_touched_leaves_the_node_closed)
{
	struct node *t = node_new();
	struct buffer closed, after;
	struct error e;
	size_t step;

	buffer_init(&closed, BIG);
	buffer_init(&after, BIG);
	fake_print(t->fake, &closed);
	install(t);
	step = t->memory.current[STORED_STATE].len / 23 + 1;
	for (size_t at = 0; at < t->memory.current[STORED_STATE].len; at += step) {
		halt(t);
		t->memory.current[STORED_STATE].data[at] ^= 0x10;
		boot(t);
		ck_assert_msg(enforcement_restore(t->n, NOW, &e), "octet %zu", at);
		kernel_text(t, &after);
		ck_assert_uint_eq(enforcement_serial(t->n), 0);
		ck_assert(view_equal(buffer_view(&closed), buffer_view(&after)));
		t->memory.current[STORED_STATE].data[at] ^= 0x10;
	}
	buffer_fini(&closed);
	buffer_fini(&after);
	node_free(t);
}
END_TEST

START_TEST(a_kernel_that_was_deaf_at_boot_is_tried_again)
{
	struct node *t = node_new();
	struct error e;

	install(t);
	halt(t);
	fake_free(t->fake);
	t->fake = fake_new();
	boot(t);
	fake_misbehave(t->fake, REFUSE_FROM, 1);
	ck_assert_int_ne(enforcement_restore(t->n, NOW, &e), E_OK);
	ck_assert(enforcement_needs_repair(t->n));
	fake_misbehave(t->fake, BEHAVE, 0);
	ck_assert_msg(!enforcement_repair(t->n, NOW, &e), "%s", e.text);
	ck_assert_uint_eq(enforcement_serial(t->n), 20);
	ck_assert(!enforcement_needs_repair(t->n));
	node_free(t);
}
END_TEST

/* ---- Whatever comes ---- */

static uint64_t random_state;

static size_t draw(size_t below)
{
	random_state = random_state * 6364136223846793005U + 1442695040888963407U;
	return (size_t)(random_state >> 33) % below;
}

START_TEST(random_damage_is_refused_or_harmless)
{
	struct node *t = node_new();
	struct buffer run, spoiled, before, after, report;
	struct error e;
	unsigned refusals = 0;

	random_state = RANDOM_SEED;
	buffer_init(&run, BIG);
	buffer_init(&spoiled, BIG);
	buffer_init(&before, BIG);
	buffer_init(&after, BIG);
	buffer_init(&report, BIG);
	install(t);
	snapshot(t, &before);
	next_policy(t->w);
	world_node(t->w, &run);
	for (int i = 0; i < RANDOM_ROUNDS; i++) {
		size_t len = draw(8) ? run.len : draw(run.len);

		buffer_reset(&spoiled);
		buffer_put(&spoiled, run.data, len);
		for (size_t k = draw(4) + 1; k && len; k--)
			spoiled.data[draw(len)] ^= (uint8_t)(1U << draw(8));
		if (draw(10) ? decide_full(t, buffer_view(&spoiled), &report, &e)
		             : decide_run(t, PIECE_REMOVE, buffer_view(&spoiled), &report, &e)) {
			refusals++;
			snapshot(t, &after);
			ck_assert_msg(view_equal(buffer_view(&before), buffer_view(&after)),
			              "round %d of seed %d", i, RANDOM_SEED);
		} else {
			/* The damage was outside of what is signed: whatever is in force is whole. */
			snapshot(t, &before);
			if (enforcement_serial(t->n) == 21)
				check_compliance(t, buffer_view(&report), 3);
		}
	}
	ck_assert_uint_gt(refusals, RANDOM_ROUNDS / 2);
	buffer_fini(&run);
	buffer_fini(&spoiled);
	buffer_fini(&before);
	buffer_fini(&after);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* ---- What the node says of itself ---- */

/* `ret_pri` is the instance of frwkPrcSupport for the class. */
static bool says_support(const struct pri_store *request, const struct pib_class *class,
                         struct pri *ret_pri)
{
	struct pri_cursor c = pri_store_class(request, PIB_frwkPrcSupport);
	struct pri_row row;

	while (pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct error e;

		ck_assert_int_eq(pri_row_decode(&row, ret_pri, &fault, &e), E_OK);
		if (oid_equal(pri_oid(ret_pri, frwkPrcSupportSupportedPrc), &class->row))
			return true;
	}
	return false;
}

static bool says_attribute(const struct pri *support, unsigned n)
{
	struct view bits = pri_octets(support, frwkPrcSupportSupportedAttrs);

	return (n - 1) / 8 < bits.len && bits.data[(n - 1) / 8] & 0x80U >> (n - 1) % 8;
}

/* As many as there are, each with a number as wide as its attribute (RFC 3318 section 5). */
static void check_limits(const struct pri_store *store)
{
	struct component_limit limit;
	uint32_t instance = 1;
	struct pri pri;

	for (size_t at = 0; component_limits_next(&at, &limit); instance++) {
		const struct pib_attribute *a =
			pib_attribute(pib_class(limit.class), limit.attribute);
		bool wide = a && a->syntax == PIB_UNSIGNED64;
		size_t width = limit.subtype == frwkCompLimitsSubType_none ||
		                               (a && a->syntax == PIB_OCTETS)
		                       ? 0 : wide ? 8 : 4;
		struct view guidance;

		ck_assert(pri_store_get(store, PIB_frwkCompLimits, instance, &pri));
		guidance = pri_octets(&pri, frwkCompLimitsGuidance);
		ck_assert_uint_eq(guidance.len, width);
		if (width)
			ck_assert_uint_eq(guidance.data[width - 1], limit.number & 0xff);
		ck_assert_uint_eq(pri_u32(&pri, frwkCompLimitsAttrPos), limit.attribute);
	}
	ck_assert(!pri_store_get(store, PIB_frwkCompLimits, instance, &pri));
	ck_assert(pri_store_get(store, PIB_frwkDeviceId, 1, &pri));
	ck_assert_uint_eq(pri_u32(&pri, frwkDeviceIdMaxMsg), MESSAGE_TOTAL_MAX);
}

START_TEST(a_request_says_what_is_in_force)
{
	struct node *t = node_new();
	struct buffer request;
	uint16_t code, sub_code;
	struct pri_failures failures;
	struct pri_store *store;
	struct view run;
	struct error e;
	struct pri pri;

	install(t);
	buffer_init(&request, BIG);
	ck_assert_msg(!enforcement_request(t->n, 1, 0, &request, &e), "%s", e.text);
	run = buffer_view(&request);
	ck_assert_msg(!pr_check(PR_IN_REQUEST, run, &code, &sub_code, &e), "%s", e.text);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &store, &failures, &e), "%s", e.text);
	ck_assert(pri_store_get(store, PIB_frwkPibIncarnation, 1, &pri));
	ck_assert(view_equal(pri_octets(&pri, frwkPibIncarnationId), view_of_string("20")));
	ck_assert(view_equal(pri_octets(&pri, frwkPibIncarnationName), view_of_string("pdp")));
	ck_assert(pri_bool(&pri, frwkPibIncarnationFullState));
	ck_assert(pri_store_get(store, PIB_frwkIfRoleCombo, 2, &pri));
	ck_assert_int_eq(pri_i32(&pri, frwkIfRoleComboIfIndex), 2);
	ck_assert(pri_store_get(store, PIB_frwkRoleCombo, 2, &pri));
	ck_assert(view_equal(pri_octets(&pri, frwkRoleComboRoles), view_of_string("lan")));
	ck_assert(pri_store_get(store, PIB_frwkRoleCombo, INT32_MAX, &pri));
	ck_assert(view_equal(pri_octets(&pri, frwkRoleComboRoles), view_of_string("gateway")));
	ck_assert(pri_store_get(store, PIB_copsecPolicySet,
	                        block_policy_set_instance(t->w->manifests[LAN].block), &pri));
	ck_assert_uint_eq(pri_u64(&pri, copsecPolicySetSerial), t->w->manifests[LAN].serial);
	ck_assert(view_equal(pri_octets(&pri, copsecPolicySetRoot),
	                     VIEW(t->w->manifests[LAN].root, SET_ROOT)));
	check_limits(store);
	/* Every class that a set may hold is said to be supported, and none that it may not. */
	for (unsigned id = 0; id < PIB_CLASS_COUNT; id++) {
		const struct pib_class *class = pib_class((enum pib_class_id)id);

		if (class->access == PIB_INSTALL && strcmp(class->module, "FRAMEWORK-PIB"))
			ck_assert_msg(says_support(store, class, &pri) ==
			                      (plan_supports(class->id) || envelope_is(class)),
			              "%s", class->name);
		for (unsigned n = 1; plan_supports(class->id) && n <= class->attribute_count; n++)
			ck_assert_int_eq(says_attribute(&pri, n),
			                 plan_supports_attribute(class->id, n));
	}
	pri_store_free(store);
	buffer_fini(&request);
	node_free(t);
}
END_TEST

static bool mentions(const json_t *status, const char *words)
{
	const json_t *list = json_object_get(status, "disorder"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (strstr(json_string_value(item), words))
			return true;
	return false;
}

static size_t count_rows(struct view run, enum pib_class_id class)
{
	struct cursor c = cursor_over(run);
	struct pr_object object;
	struct pib_fault fault;
	struct prid prid;
	struct error e;
	size_t n = 0;

	while (cursor_left(&c) && !pr_next(&c, &object))
		n += object.s_num == PR_PRID &&
		     !prid_decode(object.contents, &prid, &fault, &e) && prid.class->id == class;
	return n;
}

static const struct capability_algorithms poor = {.count = 1, .list =
	{{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 128}}};
static const struct capability_algorithms rich = {.count = 2, .list =
	{{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 128},
		{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 256}}};

static enum err decide_with(struct node *t, const struct capability_algorithms *algorithms,
                            bool accept_lacking, struct buffer *report, struct error *e)
{
	halt(t);
	t->algorithms = algorithms;
	t->accept_lacking = accept_lacking;
	boot(t);
	world_roots(t->w);
	world_sign(t->w);
	return decide(t, report, e);
}

START_TEST(what_the_kernel_cannot_do_is_refused)
{
	struct node *t = node_new();
	struct pr_object object;
	struct cursor run;
	struct pib_fault fault;
	struct buffer report, request;
	struct prid prid;
	json_t *status;
	struct error e;

	buffer_init(&report, BIG);
	buffer_init(&request, BIG);
	ck_assert_int_eq(decide_with(t, &poor, false, &report, &e), E_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(e.text, "this node's kernel has no ESP with aes256gcm16; it "
	                                     "has aes128gcm16"));
	ck_assert_uint_eq(enforcement_serial(t->n), 0);
	run = cursor_over(buffer_view(&report));
	ck_assert_int_eq(pr_next(&run, &object), E_OK);
	ck_assert_int_eq(object.s_num, PR_ERROR_PRID);
	ck_assert_int_eq(prid_decode(object.contents, &prid, &fault, &e), E_OK);
	ck_assert_int_eq(prid.class->id, PIB_copsecEspTransform);
	ck_assert_int_eq(pr_next(&run, &object), E_OK);
	ck_assert_uint_eq(object.code, PR_CPERR_ATTR_VALUE_SUP_LIMITED);
	ck_assert_uint_eq(object.sub_code, copsecEspTransformEncryption);

	/* Its PDP could have known. */
	ck_assert_int_eq(enforcement_request(t->n, 1, 0, &request, &e), E_OK);
	ck_assert_uint_eq(count_rows(buffer_view(&request), PIB_copsecAlgorithm), 1);

	/* Whoever wants it all the same is told what does not pass. */
	ck_assert_msg(!decide_with(t, &poor, true, &report, &e), "%s", e.text);
	status = enforcement_status(t->n, NOW);
	ck_assert(mentions(status, "this node's kernel has no ESP with aes256gcm16"));
	json_decref(status);
	/* It comes back after a reboot, whatever the kernel has lost. */
	halt(t);
	t->accept_lacking = false;
	boot(t);
	ck_assert_int_eq(enforcement_restore(t->n, NOW, &e), E_OK);
	ck_assert_uint_ne(enforcement_serial(t->n), 0);
	node_free(t);

	t = node_new();
	ck_assert_msg(!decide_with(t, &rich, false, &report, &e), "%s", e.text);
	status = enforcement_status(t->n, NOW);
	ck_assert(!mentions(status, "no ESP"));
	json_decref(status);
	node_free(t);
	buffer_fini(&report);
	buffer_fini(&request);
}
END_TEST

START_TEST(interfaces_tell_once_that_they_changed)
{
	struct node *t = node_new();

	ck_assert(!enforcement_set_interfaces(t->n, &t->interfaces));
	t->interfaces.list[t->interfaces.count++] = (struct node_interface){3, "eth1"};
	ck_assert(enforcement_set_interfaces(t->n, &t->interfaces));
	ck_assert(!enforcement_set_interfaces(t->n, &t->interfaces));
	node_free(t);
}
END_TEST

/* A name that is no UTF-8 must not keep the operator from seeing anything. */
START_TEST(status_survives_what_a_pdp_says)
{
	struct node *t = node_new();
	struct buffer run, report;
	json_t *status;
	struct error e;
	struct pri pri;

	buffer_init(&run, BIG);
	buffer_init(&report, BIG);
	install(t);
	pri_init(&pri, PIB_frwkPibIncarnation, 1);
	for (unsigned a = frwkPibIncarnationName; a <= frwkPibIncarnationFullState; a++)
		pri_set_null(&pri, a);
	pri_set_text(&pri, frwkPibIncarnationName, "pdp\xff\x1b[2J");
	ck_assert_int_eq(pri_put(&run, &pri, &e), E_OK);
	ck_assert_int_eq(decide_run(t, PIECE_INSTALL, buffer_view(&run), &report, &e), E_OK);
	status = enforcement_status(t->n, NOW);
	ck_assert_ptr_nonnull(status);
	ck_assert_str_eq(json_string_value(json_object_get(status, "pdp_name")), "pdp?\x1b[2J");
	json_decref(status);
	buffer_fini(&run);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* What it says of our request is shown, but as text. */
START_TEST(words_of_a_pdp_move_no_cursor)
{
	struct node *t = node_new();
	struct buffer run, report;
	json_t *status;
	struct error e;
	struct pri pri;

	buffer_init(&run, BIG);
	buffer_init(&report, BIG);
	install(t);
	pri_init(&pri, PIB_frwkError, 1);
	pri_set_u32(&pri, frwkErrorCode, 999);
	pri_set_u32(&pri, frwkErrorSubCode, 0);
	pri_set_row(&pri, frwkErrorPrc, PIB_frwkIfRoleCombo);
	pri_set_u32(&pri, frwkErrorInstance, 1);
	ck_assert_int_eq(pri_put(&run, &pri, &e), E_OK);
	pri_init(&pri, PIB_copsecFailure, 1);
	pri_set_oid(&pri, copsecFailureInstance, &oid_none);
	pri_set_text(&pri, copsecFailureText, "all is\x1b[2J \xc2\x9bwell");
	ck_assert_int_eq(pri_put(&run, &pri, &e), E_OK);
	ck_assert_msg(!decide_run(t, PIECE_INSTALL, buffer_view(&run), &report, &e), "%s", e.text);
	ck_assert_ptr_nonnull(strstr(enforcement_pdp_error(t->n), "request: unknown error"));
	ck_assert_ptr_nonnull(strstr(enforcement_pdp_error(t->n), ": all is?[2J ??well"));
	status = enforcement_status(t->n, NOW);
	ck_assert(mentions(status, "all is?[2J ??well"));
	json_decref(status);
	buffer_fini(&run);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

START_TEST(status_says_what_is_not_in_order)
{
	struct node *t = node_new();
	json_t *status = enforcement_status(t->n, NOW);
	struct buffer report;
	struct error e;

	ck_assert(mentions(status, "no policy is in force"));
	json_decref(status);
	install(t);
	status = enforcement_status(t->n, NOW);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "disorder")), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(status, "index")), 20);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "sets")), 2);
	json_decref(status);

	/* Somebody flushes the packet filter. */
	ck_assert_int_eq(kernel_remove(t->kernel, &e), E_OK);
	status = enforcement_status(t->n, NOW);
	ck_assert(mentions(status, "packet filter is gone"));
	json_decref(status);

	buffer_init(&report, BIG);
	next_policy(t->w);
	t->w->set_documents[LAN].sent = false;
	ck_assert_int_ne(decide(t, &report, &e), E_OK);
	status = enforcement_status(t->n, NOW + 5000);
	ck_assert(mentions(status, "refused"));
	ck_assert(mentions(status, "past its time"));
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(status, "decision"),
	                                                   "result")), "failure");
	json_decref(status);
	buffer_fini(&report);
	node_free(t);
}
END_TEST

/* Nothing but the time of day, in UTC: the rules for what leaves count in the morning only. */
static void give_times(struct world *w)
{
	const uint32_t block = block_of(AUTHORITY_HOME, LAN), tag = block + 50;
	static const unsigned ignored[] = {
		ipSecRuleTimePeriodTimePeriod, ipSecRuleTimePeriodMonthOfYearMask,
		ipSecRuleTimePeriodDayOfMonthMask, ipSecRuleTimePeriodDayOfWeekMask};
	struct pri *p = rows_add(w->rows[LAN], PIB_ipSecRuleTimePeriodSet, block + 1);

	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodSetId, tag);
	pri_set_u32(p, ipSecRuleTimePeriodSetRuleTimePeriodId, block + 1);
	p = rows_add(w->rows[LAN], PIB_ipSecRuleTimePeriod, block + 1);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		pri_set_null(p, ignored[i]);
	pri_set_text(p, ipSecRuleTimePeriodTimeOfDayMask, "T090000/T115959");
	pri_set_i32(p, ipSecRuleTimePeriodLocalOrUtcTime,
	            ipSecRuleTimePeriodLocalOrUtcTime_utcTime);
	p = rows_get(w->rows[LAN], PIB_ipSecRule, block + 2);
	pri_set_u32(p, ipSecRuleIpSecRuleTimePeriodGroupId, tag);
}

/* Whatever the clock does. NOW is eight in the morning. */
START_TEST(rules_count_at_their_times)
{
	enum { HOUR = 3600, NINE = NOW + HOUR, TWELVE = NOW + 4 * HOUR, STEPS = 200 };
	static const uint64_t edges[] = {NINE - 1, NINE, TWELVE - 1, TWELVE, NINE, NINE - 1, NOW};
	struct node *t = node_new();
	struct buffer off, on, now;
	char off_id[17];
	unsigned seed = 1;
	bool changed;
	struct error e;

	buffer_init(&off, BIG);
	buffer_init(&on, BIG);
	buffer_init(&now, BIG);
	give_times(t->w);
	install(t);
	snapshot(t, &off);
	memcpy(off_id, enforcement_plan(t->n)->id, sizeof off_id);
	ck_assert(enforcement_is_timed(t->n));
	ck_assert_int_eq(enforcement_tick(t->n, NINE, 10, &changed, &e), E_OK);
	ck_assert(changed);
	snapshot(t, &on);
	ck_assert(!view_equal(buffer_view(&off), buffer_view(&on)));
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t clock = i < sizeof edges / sizeof *edges
		                         ? edges[i]
		                         : NOW - HOUR + (uint64_t)rand_r(&seed) % (6 * HOUR);
		bool counts = clock >= NINE && clock < TWELVE;

		ck_assert_msg(!enforcement_tick(t->n, clock, 20 + i, &changed, &e), "%s", e.text);
		ck_assert_int_eq(strcmp(enforcement_plan(t->n)->id, off_id) != 0, counts);
		snapshot(t, &now);
		ck_assert(view_equal(buffer_view(&now), buffer_view(counts ? &on : &off)));
	}
	/* A restart at another time begins with what counts then. */
	halt(t);
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, TWELVE - 1, &e), "%s", e.text);
	ck_assert_str_ne(enforcement_plan(t->n)->id, off_id);
	buffer_fini(&off);
	buffer_fini(&on);
	buffer_fini(&now);
	node_free(t);
}
END_TEST

/* ---- What ends ---- */

/* A set of the operator's in force, without rules: it discards everything until NOW + 1000. */
static struct voices *install_operator(struct node *t)
{
	struct voices *g = voices_new(t->w);
	struct voice *one = &g->list[AUTHORITY_OPERATOR];
	struct pri *p;

	one->speaks = true;
	one->rows.count = 0;
	p = rows_add(&one->rows, PIB_ipSecL4Port, one->manifest.block + 1);
	pri_set_u32(p, ipSecL4PortGroupId, one->manifest.block + 9);
	voices_sign(g);
	voices_put(g);
	install(t);
	return g;
}

static bool says(const struct buffer *report, const char *text)
{
	return memmem(report->data, report->len, text, strlen(text)) != NULL;
}

static void plan_id(struct node *t, char id[17])
{
	strcpy(id, enforcement_plan(t->n)->id);
}

START_TEST(what_is_past_its_time_ends_and_does_not_come_back)
{
	enum { BOOT = 5000 };
	struct node *t = node_new();
	char before[17], with[17], after[17];
	struct voices *g;
	struct error e;
	bool changed;

	install(t);
	plan_id(t, before);
	t->w->index.serial++;
	t->w->assignments[GW1].serial++;
	g = install_operator(t);
	plan_id(t, with);
	ck_assert_str_ne(before, with);
	ck_assert(enforcement_is_timed(t->n));
	ck_assert_int_eq(enforcement_tick(t->n, NOW, BOOT, &changed, &e), E_OK);
	ck_assert(!changed);
	/* The clock is turned back, but the machine has been up for longer. */
	ck_assert_int_eq(enforcement_tick(t->n, NOW - 900, BOOT + 1000, &changed, &e), E_OK);
	ck_assert(!changed);
	ck_assert_int_eq(enforcement_tick(t->n, NOW - 900, BOOT + 1001, &changed, &e), E_OK);
	ck_assert(changed);
	settle(t);
	plan_id(t, after);
	ck_assert_str_eq(before, after);
	ck_assert(!enforcement_is_timed(t->n));
	/* Neither the clock nor the same decision again brings it back. */
	ck_assert_int_eq(enforcement_tick(t->n, NOW - 900, BOOT + 1002, &changed, &e), E_OK);
	ck_assert(!changed);
	install(t);
	plan_id(t, after);
	ck_assert_str_eq(before, after);
	voices_free(g);
	node_free(t);
}
END_TEST

START_TEST(the_clock_ends_it_too)
{
	struct node *t = node_new();
	struct voices *g = install_operator(t);
	struct error e;
	bool changed;

	ck_assert_int_eq(enforcement_tick(t->n, NOW + 1000, 1, &changed, &e), E_OK);
	ck_assert(!changed);
	ck_assert_int_eq(enforcement_tick(t->n, NOW + 1001, 2, &changed, &e), E_OK);
	ck_assert(changed);
	settle(t);
	voices_free(g);
	node_free(t);
}
END_TEST

/* A new node, and an operator of whom nothing is left. */
START_TEST(what_had_ended_before_it_came_is_a_warning)
{
	struct node *t = node_new();
	struct voices *g;
	struct voice *one;
	char alone[17], beside[17];
	struct buffer report;
	struct error e;

	buffer_init(&report, BIG);
	install(t);
	plan_id(t, alone);
	node_free(t);
	t = node_new();
	g = voices_new(t->w);
	one = &g->list[AUTHORITY_OPERATOR];
	one->speaks = true;
	one->manifest.not_after = NOW - 1;
	voices_sign(g);
	voices_put(g);
	world_roots(t->w);
	world_sign(t->w);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	plan_id(t, beside);
	ck_assert_str_eq(alone, beside);
	ck_assert(says(&report, "authority operator, serial 7, had ended before it came"));
	/* Once. */
	buffer_reset(&report);
	ck_assert_msg(!decide(t, &report, &e), "%s", e.text);
	ck_assert(!says(&report, "had ended"));
	buffer_fini(&report);
	voices_free(g);
	node_free(t);
}
END_TEST

START_TEST(another_authority_is_there_again_after_a_restart)
{
	struct node *t = node_new();
	struct voices *g = install_operator(t);
	char before[17], after[17];
	struct error e;

	plan_id(t, before);
	halt(t);
	boot(t);
	ck_assert_msg(!enforcement_restore(t->n, NOW, &e), "%s", e.text);
	plan_id(t, after);
	ck_assert_str_eq(before, after);
	/* What is served without it is refused. */
	buffer_reset(&t->w->more);
	t->w->index.serial++;
	{
		struct buffer report;

		buffer_init(&report, BIG);
		world_roots(t->w);
		world_sign(t->w);
		ck_assert_int_eq(decide(t, &report, &e), E_MISSING);
		buffer_fini(&report);
	}
	voices_free(g);
	node_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pep/enforce");
	TCase *t = tcase_create("enforcement");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_node_is_closed_before_it_knows_anything);
	tcase_add_test(t, a_good_decision_is_in_force_stored_and_reported);
	tcase_add_test(t, what_is_in_force_already_is_left_alone);
	tcase_add_test(t, a_null_decision_is_answered);
	tcase_add_loop_test(t, a_hostile_decision_changes_nothing, 0,
	                    2 * (int)(sizeof hostile / sizeof hostile[0]));
	tcase_add_test(t, what_the_pdp_says_of_roles_may_be_a_pattern);
	tcase_add_test(t, no_serial_goes_backwards);
	tcase_add_test(t, removing_a_row_of_a_signed_set_fails);
	tcase_add_test(t, removing_what_is_not_there_succeeds_with_a_warning);
	tcase_add_loop_test(t, a_decision_is_in_force_whole_or_not_at_all, 0,
	                    sizeof misbehaviours / sizeof misbehaviours[0]);
	tcase_add_test(t, without_a_disk_there_is_no_new_policy);
	tcase_add_loop_test(t, what_may_not_survive_is_not_signed_for, 0, 2);
	tcase_add_test(t, the_same_again_is_not_written_again);
	tcase_add_loop_test(t, without_its_stored_policy_a_node_takes_no_older_one, 0, 3);
	tcase_add_test(t, damaged_floors_are_said_and_made_anew);
	tcase_add_test(t, a_restart_leaves_the_kernel_alone);
	tcase_add_test(t, a_stale_rule_is_applied_in_its_moment);
	tcase_add_test(t, a_reboot_brings_nothing_back_that_has_ended);
	tcase_add_test(t, what_says_so_is_never_on_trial);
	tcase_add_test(t, an_unheard_policy_goes_and_returns);
	tcase_add_test(t, a_policy_that_cut_its_node_off_is_not_taken_again);
	tcase_add_test(t, what_others_change_is_put_right_and_counted);
	tcase_add_test(t, after_a_reboot_the_last_good_policy_returns);
	tcase_add_test(t, a_stored_policy_that_was_touched_leaves_the_node_closed);
	tcase_add_test(t, a_kernel_that_was_deaf_at_boot_is_tried_again);
	tcase_add_test(t, random_damage_is_refused_or_harmless);
	tcase_add_test(t, rules_count_at_their_times);
	tcase_add_test(t, a_request_says_what_is_in_force);
	tcase_add_test(t, what_the_kernel_cannot_do_is_refused);
	tcase_add_test(t, interfaces_tell_once_that_they_changed);
	tcase_add_test(t, status_says_what_is_not_in_order);
	tcase_add_test(t, status_survives_what_a_pdp_says);
	tcase_add_test(t, words_of_a_pdp_move_no_cursor);
	tcase_add_test(t, what_is_past_its_time_ends_and_does_not_come_back);
	tcase_add_test(t, the_clock_ends_it_too);
	tcase_add_test(t, what_had_ended_before_it_came_is_a_warning);
	tcase_add_test(t, another_authority_is_there_again_after_a_restart);
	suite_add_tcase(suite, t);
	return suite_main(suite);
}
