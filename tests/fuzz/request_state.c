/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two requests of a node, one after the other: two octets length of the first run of S-objects, the
 * run, and the second one.
 *
 * Reaches: request_state_change (full state, increments, removes, what is refused),
 * pri_store_check_request, capabilities_next_support, capabilities_next_limit,
 * capabilities_next_roles, capabilities_device, capabilities_algorithms.
 */
#include "pib/framework/request_state.h"

#include "pib/framework/capabilities.h"
#include "pib/store/check.h"
#include "tests/fuzz/fuzz.h"

enum { OCTETS_MAX = 8 << 20 };

/* What a PDP reads of any state that it accepted. */
static void look(const struct pri_store *s)
{
	struct pri_cursor c = pri_store_class(s, PIB_frwkPrcSupport);
	struct capability_algorithms algorithms;
	struct capability_support support;
	struct capability_roles roles;
	char text[ERROR_TEXT_SIZE];

	while (capabilities_next_support(&c, &support))
		for (unsigned n = 1; n <= support.class->attribute_count; n++)
			(void)capabilities_has(&support, n);
	c = pri_store_class(s, PIB_frwkCompLimits);
	while (capabilities_next_limit(&c, text))
		fuzz_require_printable(view_of_string(text));
	c = pri_store_class(s, PIB_frwkRoleCombo);
	while (capabilities_next_roles(&c, &roles))
		REQUIRE(roles.roles.len <= 255);
	(void)capabilities_device(s);
	capabilities_algorithms(s, &algorithms);
	REQUIRE(algorithms.count <= CAPABILITY_ALGORITHMS_MAX);
}

static void octets_of(const struct pri_store *s, struct buffer *out)
{
	buffer_init(out, OCTETS_MAX);
	if (s)
		pri_store_put(s, out);
}

static struct pri_store *ask(const struct pri_store *before, struct view run)
{
	struct pri_store *after = NULL;
	struct pri_failures failures;
	struct buffer was, is;
	bool incremental = false;
	struct error e;
	enum err err;

	octets_of(before, &was);
	pri_failures_init(&failures);
	err = request_state_change(before, &run, 1, &after, &incremental, &failures, &e);
	for (size_t i = 0; i < failures.count; i++)
		fuzz_require_printable(view_of_string(failures.list[i].text));
	if (err) {
		fuzz_require_sentence(err, &e);
		REQUIRE(failures.count != 0 && !after);
	} else {
		REQUIRE(before || !incremental);
		REQUIRE(pri_store_count(after) <= REQUEST_STATE_ROWS_MAX);
		pri_failures_init(&failures);
		REQUIRE(pri_store_check_request(after, &failures, &e) == E_OK);
		look(after);
	}
	/* The state before is as it was, whatever came of it. */
	octets_of(before, &is);
	REQUIRE(view_equal(buffer_view(&was), buffer_view(&is)));
	buffer_fini(&was);
	buffer_fini(&is);
	return after;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pri_store *first, *second;
	struct view one, two;
	size_t len;

	fuzz_accepted = false;
	if (size < 2)
		return 0;
	len = (size_t)data[0] << 8 | data[1];
	if (len > size - 2)
		len = size - 2;
	one = fuzz_copy(VIEW(data + 2, len));
	two = fuzz_copy(VIEW(data + 2 + len, size - 2 - len));
	first = ask(NULL, one);
	second = first ? ask(first, two) : NULL;
	fuzz_accepted = second != NULL;
	/* They share what did not change; either may go first. */
	pri_store_free(first);
	pri_store_free(second);
	fuzz_free(one);
	fuzz_free(two);
	return 0;
}
