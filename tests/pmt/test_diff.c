/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The changes that are told are those that there are: random flows, judged by reading the rules of
 * both policies one after the other, are in a change of their place if and only if the verdicts
 * differ, and in the one from this verdict to that.
 */
#include "pmt/reasoning/diff.h"

#include <stdio.h>
#include <string.h>

#include "pmt/compiler/compile.h"
#include "tests/pmt/policy_text.h"

enum { FLOWS = 20000, SEED = 61123 };

#define HEAD                                                                                       \
	"<role name='a'/><role name='b'/><role name='lan'/><role name='wan'/>"                     \
	"<node name='n' roles='a' key='" KEY1 "'/><node name='g' roles='b' key='" KEY2             \
	"'><interface name='l' roles='lan'/><interface name='w' roles='wan'/></node>"              \
	"<protection name='p'/><protection name='q' demand='preferred'/>"                          \
	"<protection name='r'><esp encryption='aes128gcm16'/></protection>"

static const char before_text[] = POLICY(HEAD
	"<rules for='a'><protect with='p' both='yes' to='10.0.0.0/28' service='ssh'/>"
	"<allow out='yes' to='10.0.0.8-10.0.0.40' service='tcp'/><deny in='yes' from='10.0.0.4'/>"
	"<allow in='yes' service='http ssh'/></rules>"
	"<rules for='b'><allow forward='yes' in-role='lan' out-role='wan' service='udp'/></rules>");
static const char after_text[] =
	POLICY(HEAD "<rules for='a'><protect with='r' both='yes' to='10.0.0.0/29' service='ssh'/>"
		    "<protect with='q' out='yes' to='10.0.0.8/29' service='ssh'/>"
		    "<allow out='yes' to='10.0.0.4-10.0.0.20' service='tcp'/>"
		    "<allow in='yes' service='ssh dns' rate='10/minute'/></rules>"
		    "<rules for='b'><allow forward='yes' in-role='lan' service='udp'/>"
		    "<deny forward='yes'/></rules>");

struct side {
	struct policy_file file;
	struct buffer octets;
	struct reading reading;
};

static void side_init(struct side *s, const char *text)
{
	const struct compile_terms terms = {.serial = 1, .not_before = 0, .not_after = 1000};
	struct compile_summary summary;
	struct error e = {0};

	policy_text_good(&s->file, text);
	buffer_init(&s->octets, BUNDLE_MAX);
	ck_assert_msg(compile_policy(&s->file.model, &terms, &s->octets, &summary, &e) == E_OK,
		"%s", e.text);
	ck_assert_int_eq(reading_init(&s->reading, buffer_view(&s->octets), &e), E_OK);
}

static void side_fini(struct side *s)
{
	reading_fini(&s->reading);
	buffer_fini(&s->octets);
	policy_file_fini(&s->file);
}

static struct flow random_flow(enum flow_direction direction, size_t roles)
{
	static const uint16_t ports[] = {22, 80, 53, 81, 0, 65535};
	static const uint8_t protocols[] = {6, 17, 6, 47};
	struct flow f = {.direction = direction, .family = FLOW_IPV4};

	f.source[0] = f.destination[0] = 10;
	f.source[3] = (uint8_t)(random() % 44);
	f.destination[3] = (uint8_t)(random() % 44);
	f.protocol = protocols[random() % 4];
	if (f.protocol != 47) {
		f.source_port = ports[random() % 6];
		f.destination_port = ports[random() % 6];
	}
	if (direction == FLOW_FORWARD) {
		f.in_role = (uint16_t)(1 + (size_t)random() % roles);
		f.out_role = (uint16_t)(1 + (size_t)random() % roles);
	}
	return f;
}

static struct policy_verdict judge(
	struct side *s, const char *set, const struct flow *flow, const struct policy_roles *roles)
{
	const struct reading_set *rules = reading_find(&s->reading, set);

	return policy_verdict_of(rules ? policy_evaluate(rules->policy, flow, roles) : NULL);
}

static size_t changes_with(const struct diff_place *place, const struct flow *flow,
	const struct policy_verdict *was, const struct policy_verdict *is)
{
	size_t found = 0;

	for (size_t i = 0; i < place->change_count; i++) {
		const struct diff_change *c = &place->changes[i];

		ck_assert(!c->more_boxes);
		for (size_t b = 0; b < c->box_count; b++)
			if (flow_match_contains(&c->boxes[b], flow)) {
				ck_assert(policy_verdict_equal(&c->before, was));
				ck_assert(policy_verdict_equal(&c->after, is));
				found++;
			}
	}
	return found;
}

START_TEST(every_change_and_no_other)
{
	size_t changed = 0, same = 0;
	struct side before, after;
	struct error e = {0};
	struct diff d;

	side_init(&before, before_text);
	side_init(&after, after_text);
	ck_assert_msg(diff_find(&d, &before.reading, &after.reading, &e) == E_OK, "%s", e.text);
	ck_assert_uint_eq(d.place_count, 3);
	srandom(SEED);
	printf("seed %d\n", SEED);
	for (size_t p = 0; p < d.place_count; p++)
		for (int n = 0; n < FLOWS; n++) {
			const struct diff_place *place = &d.places[p];
			const struct flow f = random_flow(place->direction, d.roles.count);
			struct policy_verdict was = judge(&before, place->before, &f, &d.roles),
					      is = judge(&after, place->after, &f, &d.roles);
			bool differ = !policy_verdict_equal(&was, &is);

			/* gw's interfaces are lan and wan; n's are no place of transit. */
			if (place->direction == FLOW_FORWARD &&
				(strcmp(d.roles.names[f.in_role - 1], "a") == 0 ||
					strcmp(d.roles.names[f.out_role - 1], "a") == 0))
				differ = false;
			ck_assert_uint_eq(changes_with(place, &f, &was, &is), differ);
			changed += differ;
			same += !differ;
		}
	ck_assert_uint_gt(changed, FLOWS / 20);
	ck_assert_uint_gt(same, FLOWS / 20);
	diff_fini(&d);
	side_fini(&after);
	side_fini(&before);
}
END_TEST

/* From what to what, and whether that widens: the protections are those of the two texts. */
START_TEST(what_widens)
{
	static const struct {
		const char *before, *after;
		bool widens;
	} steps[] = {{"deny", "p", true}, {"deny", "allow", true}, {"p", "q", true},
		{"p", "allow", true}, {"q", "p", false}, {"p", "deny", false},
		{"allow", "q", false}, {"p", "r", true}, {"r", "p", true}, {"p", "p", false},
		{"p", "both", true}, {"both", "p", false}};
	char rule[2][64], text[2][4096];
	const char *words[] = {steps[_i].before, steps[_i].after};
	struct side side[2];
	struct error e = {0};
	struct diff d;

	for (int i = 0; i < 2; i++) {
		if (strlen(words[i]) < 3 || strcmp(words[i], "both") == 0)
			snprintf(
				rule[i], sizeof rule[i], "<protect with='%s' in='yes'/>", words[i]);
		else
			snprintf(rule[i], sizeof rule[i], "<%s in='yes'/>", words[i]);
		snprintf(text[i], sizeof text[i],
			POLICY(HEAD "<protection name='both'><esp encryption='aes256gcm16'/>"
				    "<esp encryption='aes128gcm16'/></protection>"
				    "<rules for='a'>%s</rules>"),
			rule[i]);
		side_init(&side[i], text[i]);
	}
	ck_assert_int_eq(diff_find(&d, &side[0].reading, &side[1].reading, &e), E_OK);
	ck_assert_uint_eq(d.changes, strcmp(words[0], words[1]) != 0);
	ck_assert_uint_eq(d.widening, steps[_i].widens);
	diff_fini(&d);
	side_fini(&side[0]);
	side_fini(&side[1]);
}
END_TEST

/* In which manner flows pass, from what to what. */
START_TEST(what_manners_change)
{
	static const struct {
		const char *before, *after;
		size_t changes;
		enum diff_effect effect;
	} steps[] = {
		{"allow rate='10/minute'", "allow", 1, DIFF_WIDENS},
		{"allow", "allow rate='10/minute'", 1, DIFF_TIGHTENS},
		{"allow rate='10/minute'", "allow rate='11/minute'", 1, DIFF_WIDENS},
		{"allow rate='10/minute'", "allow rate='10/second'", 1, DIFF_WIDENS},
		{"allow rate='10/minute' burst='2'", "allow rate='10/minute' burst='3'", 1,
			DIFF_WIDENS},
		{"allow rate='60/minute' burst='2'", "allow rate='1/second' burst='2'", 0, 0},
		{"allow rate='10/minute'", "allow rate='10/minute' burst='10'", 0, 0},
		{"allow rate='60/minute'", "allow rate='2/second'", 1, DIFF_CHANGES},
		{"allow rate='10/minute'", "allow rate='10/minute' rate-for='source'", 1,
			DIFF_WIDENS},
		{"allow rate='10/minute' rate-for='source'", "allow rate='10/minute'", 1,
			DIFF_TIGHTENS},
		{"allow rate='10/minute' rate-for='source'",
			"allow rate='10/minute' rate-for='destination'", 1, DIFF_CHANGES},
		{"allow connections='5'", "allow", 1, DIFF_WIDENS},
		{"allow connections='5'", "allow connections='6'", 1, DIFF_WIDENS},
		{"allow connections='6'", "allow connections='5'", 1, DIFF_TIGHTENS},
		{"allow connections='5'", "allow rate='5/day'", 1, DIFF_CHANGES},
		{"allow stateful='no'", "allow", 1, DIFF_WIDENS},
		{"allow", "allow stateful='no'", 1, DIFF_TIGHTENS},
		{"allow stateful='no' rate='1/day'", "allow rate='1/day' connections='1'", 1,
			DIFF_CHANGES},
		{"allow", "allow log='yes'", 1, DIFF_LOGS},
		{"allow log='yes'", "allow", 1, DIFF_LOGS},
		{"deny log='yes'", "deny", 1, DIFF_LOGS},
		{"allow log='yes'", "deny", 1, DIFF_TIGHTENS},
		{"allow rate='10/minute' log='yes'", "allow", 1, DIFF_WIDENS},
		{"allow rate='10/minute'", "protect with='p'", 1, DIFF_CHANGES},
		{"allow", "protect with='p' rate='10/minute'", 1, DIFF_TIGHTENS},
		{"protect with='p'", "allow rate='10/minute'", 1, DIFF_WIDENS},
	};
	char text[2][4096];
	const char *words[] = {steps[_i].before, steps[_i].after};
	struct side side[2];
	struct error e = {0};
	struct diff d;

	for (int i = 0; i < 2; i++) {
		snprintf(text[i], sizeof text[i], POLICY(HEAD "<rules for='a'><%s in='yes'/></rules>"),
			words[i]);
		side_init(&side[i], text[i]);
	}
	ck_assert_int_eq(diff_find(&d, &side[0].reading, &side[1].reading, &e), E_OK);
	ck_assert_uint_eq(d.changes, steps[_i].changes);
	if (d.changes) {
		ck_assert_int_eq(d.places[0].changes[0].effect, steps[_i].effect);
		ck_assert_uint_eq(d.widening, steps[_i].effect == DIFF_WIDENS ||
						      steps[_i].effect == DIFF_CHANGES);
	}
	diff_fini(&d);
	side_fini(&side[0]);
	side_fini(&side[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pmt/diff");
	TCase *t = tcase_create("diff");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_change_and_no_other);
	tcase_add_loop_test(t, what_widens, 0, 12);
	tcase_add_loop_test(t, what_manners_change, 0, 26);
	suite_add_tcase(s, t);
	return suite_main(s);
}
