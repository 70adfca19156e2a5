/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node says of itself, and then again: as pepd says it, and spoiled. */
#include <string.h>

#include "common/cops/pr.h"
#include "pep/enforce/request_update.h"
#include "tests/fuzz/seeds/seeds.h"

static const struct capability_algorithms algorithms = {.count = 1,
	.list = {{copsecAlgorithmUse_esp, copsecAlgorithmType_encryption, 20, 256}}};

static void put_two(const struct seeds *s, struct view first, struct view second, const char *name)
{
	struct buffer out;

	buffer_init(&out, SEED_MAX);
	buffer_put_u16(&out, (uint16_t)first.len);
	buffer_put_view(&out, first);
	buffer_put_view(&out, second);
	seed_write(s, "request-state", buffer_view(&out), "%s", name);
	buffer_fini(&out);
}

/* A remove (an empty EPD) of what never was. */
static void put_unknown_remove(struct buffer *out)
{
	prid_put(out, &(struct prid){pib_class(PIB_frwkRoleCombo), 99});
	pr_put(out, PR_EPD, VIEW_NONE);
}

void make_requests(const struct seeds *s)
{
	static struct node_interfaces interfaces = {.count = 2,
		.list = {{2, "eth0"}, {3, "eth1"}}};
	const struct request_input input = {.pdp_name = view_of_string("pdp"),
		.description = "seed", .interfaces = &interfaces, .algorithms = &algorithms};
	struct request_update update = {0};
	struct buffer full, difference, spoiled;
	struct error e;

	buffer_init(&full, SEED_MAX);
	buffer_init(&difference, SEED_MAX);
	buffer_init(&spoiled, SEED_MAX);
	REQUIRE(request_update_put(&update, &input, 1, 0, &full, &e) == E_OK);
	/* One goes, another comes. */
	interfaces.list[1] = (struct node_interface){4, "eth2"};
	REQUIRE(request_update_put(&update, &input, 2, 1, &difference, &e) == E_OK);
	request_update_fini(&update);
	put_two(s, buffer_view(&full), buffer_view(&full), "good-full-state-twice");
	put_two(s, buffer_view(&full), buffer_view(&difference), "good-difference");
	put_two(s, buffer_view(&full), VIEW_NONE, "good-nothing-new");
	put_two(s, buffer_view(&difference), buffer_view(&full), "bad-difference-first");
	buffer_put_view(&spoiled, buffer_view(&difference));
	put_unknown_remove(&spoiled);
	put_two(s, buffer_view(&full), buffer_view(&spoiled), "bad-unknown-remove");
	buffer_reset(&spoiled);
	buffer_put(&spoiled, difference.data, difference.len - 5);
	put_two(s, buffer_view(&full), buffer_view(&spoiled), "bad-cut");
	buffer_fini(&full);
	buffer_fini(&difference);
	buffer_fini(&spoiled);
}
