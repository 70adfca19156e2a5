/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include "common/service/control.h"
#include "pep/enforce/listing.h"
#include "pep/enforce/zones.h"

enum err enforcement_policy(const struct enforcement *n, const char *set, uint64_t now_utc,
                            json_t **ret, struct error *e)
{
	const struct state *s = n->now.state;
	struct zones *zones = zones_new(ZONES_FOLDER, LOCAL_ZONE);
	const struct policy_clock clock = zones_clock(zones);
	const struct listing_terms terms = {
		.now_utc = later(now_utc, n->ended),
		.moment = {.utc = (int64_t)now_utc, .clock = &clock},
		.set = set,
	};
	json_t *sets = NULL;
	enum err err = zones ? listing_of_sets(s, &terms, &sets, e)
	                     : error_set(e, E_MEMORY, "no memory for time zones");

	zones_free(zones);
	if (err)
		return err;
	*ret = json_pack("{s:o, s:I, s:I, s:o}", "tenant",
	                 control_text(s ? s->home.index.tenant : VIEW_NONE), "index",
	                 (json_int_t)enforcement_serial(n), "since", (json_int_t)n->since, "sets",
	                 sets);
	return *ret ? E_OK : error_set(e, E_MEMORY, "no memory for the policy");
}
