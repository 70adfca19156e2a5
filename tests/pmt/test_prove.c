/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statements about random small networks, against trying every flow: what is said to hold holds for
 * each of them, and what is said not to hold does not for the flow that is given.
 */
#include "pmt/reasoning/prove.h"

#include <stdio.h>
#include <string.h>

#include "pmt/compiler/compile.h"
#include "tests/pmt/policy_text.h"

enum { NETWORKS = 150, SEED = 6006, HOSTS = 8, TEXT_MAX = 16384 };

/* Addresses 10.0.0.0 to 10.0.0.7: 1 is alice's, 2 and 3 are bob's, 4 is gw's. */
static const char head[] =
	"<policy xmlns='urn:copsec:policy:1' tenant='t'><role name='a'/><role name='b'/>"
	"<role name='g'/><role name='lan'/><role name='wan'/>"
	"<node name='alice' roles='a' address='10.0.0.1' key='" KEY1 "'/>"
	"<node name='bob' roles='b' address='10.0.0.2 10.0.0.3' key='" KEY2 "'/>"
	"<node name='gw' roles='g' "
	"key='sha256:0000000000000000000000000000000000000000000000000000000000000003'>"
	"<interface name='l' roles='lan' address='10.0.0.4'/>"
	"<interface name='w' roles='wan' address='10.0.0.4'/></node>"
	"<service name='one' tcp='1'/><service name='two' tcp='2-3'/>"
	"<protection name='strong'><ike group='ecp384'/><esp group='ecp384'/></protection>"
	"<protection name='soft' demand='preferred'/>"
	"<protection name='weak'><esp encryption='aes128gcm16'/></protection>";

static unsigned pick(unsigned count)
{
	return (unsigned)random() % count;
}

static void put_peers(struct buffer *b, const char *name)
{
	unsigned first = pick(HOSTS), last = first + pick(HOSTS - first);

	if (pick(3))
		buffer_put_text(b, " %s='10.0.0.%u-10.0.0.%u'", name, first, last);
}

static void put_service(struct buffer *b)
{
	static const char *const services[] = {"", " service='one'", " service='two'"};

	buffer_put_text(b, "%s", services[pick(3)]);
}

static void put_rules(struct buffer *b, const char *role, bool forward)
{
	static const char *const verdicts[] = {"allow", "deny", "protect with='strong'",
		"protect with='soft'", "protect with='weak'"};
	static const char *const ways[] = {"in", "out", "both"};

	buffer_put_text(b, "<rules for='%s'>", role);
	for (unsigned i = pick(4) + 1; i; i--) {
		buffer_put_text(
			b, "<%s %s='yes'", verdicts[pick(5)], forward ? "forward" : ways[pick(3)]);
		if (forward && pick(2))
			buffer_put_text(b, " in-role='%s'", pick(2) ? "lan" : "wan");
		put_peers(b, "from");
		put_peers(b, "to");
		put_service(b);
		buffer_put_text(b, "/>");
	}
	buffer_put_text(b, "</rules>");
}

static void put_statement(struct buffer *b)
{
	static const char *const bounds[] = {"deny", "protect", "protect strong", "protect weak"};
	static const char *const ways[] = {"", " in='yes'", " out='yes'", " forward='yes'"};

	buffer_put_text(b, "<prove at-least='%s'%s", bounds[pick(4)], ways[pick(4)]);
	put_peers(b, "from");
	put_peers(b, "to");
	put_peers(b, pick(2) ? "except-from" : "except-to");
	put_service(b);
	buffer_put_text(b, "/>");
}

/* --- by trying --- */

static bool listed(const struct address_list *list, const struct flow *flow, const uint8_t *octets)
{
	for (size_t i = 0; i < list->count; i++) {
		uint8_t first[16], last[16];

		address_bounds(&list->items[i], first, last);
		if (flow->family == FLOW_IPV4 && memcmp(octets, first, 4) >= 0 &&
			memcmp(octets, last, 4) <= 0)
			return true;
	}
	return list->any;
}

static bool meant(const struct model_proof *s, const struct flow *f)
{
	bool traffic = false;

	for (size_t i = 0; i < s->traffic.count; i++) {
		const struct traffic *t = &s->traffic.items[i];

		traffic = traffic || t->protocol == PROTOCOL_ANY ||
			  (f->protocol == 6 && f->destination_port >= t->ports[0].min &&
				  f->destination_port <= t->ports[0].max);
	}
	return traffic && listed(&s->from, f, f->source) && listed(&s->to, f, f->destination) &&
	       !listed(&s->except_from, f, f->source) && !listed(&s->except_to, f, f->destination);
}

/* What the ISP says of every role, if it says anything. */
static struct reading *floor_reading;

/* Less than the statement demands? The protections are those of the head, and the ISP demands none:
 * it lets pass or forbids. */
static bool weak(const struct model_proof *s, struct reading *reading, const char *set,
	const struct flow *flow, enum flow_direction direction)
{
	const struct reading_set *rules = reading_find(reading, set);
	struct flow f = *flow;
	const struct policy_rule *rule;

	f.direction = direction;
	if (floor_reading) {
		rule = policy_evaluate(
			reading_find(floor_reading, "*")->policy, &f, &reading->roles);
		if (!rule || rule->action == POLICY_DISCARD)
			return false;
	}
	rule = policy_evaluate(rules->policy, &f, &reading->roles);
	if (!rule || rule->action == POLICY_DISCARD)
		return false;
	if (rule->action == POLICY_BYPASS || s->bound == VERDICT_DENY)
		return true;
	if (strcmp(rule->protection->name, "soft") == 0)
		return true;
	return s->protection && strcmp(s->protection->name, "strong") == 0 &&
	       strcmp(rule->protection->name, "weak") == 0;
}

/* The last octet; of an address elsewhere, one that nobody has. */
static unsigned place_of(const struct flow *flow, const uint8_t *octets)
{
	static const uint8_t network[] = {10, 0, 0};

	return flow->family == FLOW_IPV4 && memcmp(octets, network, sizeof network) == 0 ? octets[3]
											 : 255;
}

/* The sets at the address; their number. */
static size_t sets_at(unsigned address, const char *sets[2])
{
	static const char *const at[HOSTS][2] = {{NULL}, {"a"}, {"b"}, {"b"}, {"lan", "wan"}};
	size_t count = 0;

	while (count < 2 && address < HOSTS && at[address][count]) {
		sets[count] = at[address][count];
		count++;
	}
	return count;
}

static bool any_weak(const struct model_proof *s, struct reading *reading, const struct flow *f,
	unsigned address, enum flow_direction direction)
{
	const char *sets[2];
	size_t count = sets_at(address, sets);

	for (size_t i = 0; i < count; i++)
		if (weak(s, reading, sets[i], f, direction))
			return true;
	return false;
}

static bool violates(const struct model_proof *s, struct reading *reading, const struct flow *flow)
{
	const unsigned from = place_of(flow, flow->source), to = place_of(flow, flow->destination);
	const char *sets[2];
	const bool from_node = sets_at(from, sets) > 0, to_node = sets_at(to, sets) > 0;
	struct flow f = *flow;

	if (!meant(s, flow))
		return false;
	if (s->in && to_node && any_weak(s, reading, flow, to, FLOW_IN) &&
		(!from_node || any_weak(s, reading, flow, from, FLOW_OUT)))
		return true;
	if (s->out && from_node && !to_node && any_weak(s, reading, flow, from, FLOW_OUT))
		return true;
	for (unsigned way = 0; s->forward && !from_node && !to_node && way < 4; way++) {
		f.in_role = reading_role(reading, way & 1 ? "lan" : "wan");
		f.out_role = reading_role(reading, way & 2 ? "lan" : "wan");
		if (weak(s, reading, "g", &f, FLOW_FORWARD))
			return true;
	}
	return false;
}

static bool any_violates(const struct model_proof *s, struct reading *reading)
{
	struct flow f = {.family = FLOW_IPV4, .protocol = 6};

	f.source[0] = f.destination[0] = 10;
	for (unsigned n = 0; n < HOSTS * HOSTS * 4; n++) {
		f.source[3] = (uint8_t)(n % HOSTS);
		f.destination[3] = (uint8_t)(n / HOSTS % HOSTS);
		f.destination_port = (uint16_t)(1 + n / HOSTS / HOSTS);
		if (violates(s, reading, &f))
			return true;
	}
	return false;
}

/* Wherever it lies: elsewhere the addresses are nobody's. */
static void check_example(
	const struct model_proof *s, struct reading *reading, const struct proof *proof)
{
	ck_assert_msg(violates(s, reading, &proof->flow), "the example is none");
	ck_assert_uint_ge(proof->step_count, 1);
	for (size_t i = 0; i < proof->step_count; i++)
		ck_assert_ptr_nonnull(proof->path[i].rule);
}

static void put_floor(struct buffer *b)
{
	static const char *const ways[] = {"in", "out", "forward"};

	buffer_put_text(b, "<policy xmlns='urn:copsec:policy:1' tenant='t' authority='operator'>"
			   "<service name='one' tcp='1'/><service name='two' tcp='2-3'/>"
			   "<rules for='*'>");
	for (unsigned i = pick(3) + 1; i; i--) {
		buffer_put_text(b, "<deny %s='yes'", ways[pick(3)]);
		put_peers(b, pick(2) ? "from" : "to");
		put_service(b);
		buffer_put_text(b, "/>");
	}
	for (unsigned i = 0; i < 3; i++)
		buffer_put_text(b, "<allow %s='yes'/>", ways[i]);
	buffer_put_text(b, "</rules></policy>");
}

static void read_policy(
	const char *text, struct policy_file *file, struct buffer *octets, struct reading *reading)
{
	const struct compile_terms terms = {.serial = 1, .not_after = 1000};
	struct compile_summary summary;
	struct error e = {0};

	policy_text_good(file, text);
	buffer_init(octets, BUNDLE_MAX);
	ck_assert_msg(
		compile_policy(&file->model, &terms, octets, &summary, &e) == E_OK, "%s", e.text);
	ck_assert_int_eq(reading_init(reading, buffer_view(octets), &e), E_OK);
}

/* Alone, and beneath the ISP. */
START_TEST(what_is_proved_is_true)
{
	size_t held = 0, failed = 0;

	srandom(SEED);
	printf("seed %d\n", SEED);
	for (int n = 0; n < NETWORKS; n++) {
		struct buffer text, octets, floor_text, floor_octets;
		struct prover *prover;
		struct policy_file file, floor_file;
		struct reading reading, of_floor;
		struct error e = {0};

		buffer_init(&text, TEXT_MAX);
		buffer_put_text(&text, "%s", head);
		put_rules(&text, "a", false);
		put_rules(&text, "b", false);
		put_rules(&text, "lan wan", false);
		put_rules(&text, "g", true);
		/* So that both are compiled whatever else is. */
		buffer_put_text(&text, "<rules for='a b'><protect with='strong' out='yes' "
				       "to='192.0.2.1'/><protect with='weak' out='yes' "
				       "to='192.0.2.2'/></rules><tests>");
		for (int i = 0; i < 8; i++)
			put_statement(&text);
		buffer_put_text(&text, "</tests></policy>");
		read_policy(buffer_string(&text), &file, &octets, &reading);
		ck_assert_int_eq(prover_new(&file.model, &reading, &prover, &e), E_OK);
		if (_i) {
			buffer_init(&floor_text, TEXT_MAX);
			put_floor(&floor_text);
			read_policy(
				buffer_string(&floor_text), &floor_file, &floor_octets, &of_floor);
			ck_assert_int_eq(prover_add(prover, &of_floor, "operator", &e), E_OK);
			floor_reading = &of_floor;
		}
		for (size_t i = 0; i < file.model.proof_count; i++) {
			const struct model_proof *s = &file.model.proofs[i];
			struct proof proof;

			ck_assert_msg(prover_prove(prover, s, &proof, &e) == E_OK, "%s", e.text);
			if (proof.holds)
				ck_assert_msg(
					!any_violates(s, &reading), "%s", buffer_string(&text));
			else
				check_example(s, &reading, &proof);
			held += proof.holds;
			failed += !proof.holds;
		}
		prover_free(prover);
		reading_fini(&reading);
		policy_file_fini(&file);
		buffer_fini(&octets);
		buffer_fini(&text);
		if (_i) {
			reading_fini(&of_floor);
			policy_file_fini(&floor_file);
			buffer_fini(&floor_octets);
			buffer_fini(&floor_text);
		}
	}
	ck_assert_uint_gt(held, NETWORKS);
	ck_assert_uint_gt(failed, NETWORKS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmt/prove");
	TCase *t = tcase_create("prove");

	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, what_is_proved_is_true, 0, 2);
	suite_add_tcase(s, t);
	return suite_main(s);
}
