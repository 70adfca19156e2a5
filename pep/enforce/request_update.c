/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/request_update.h"

#include "common/cops/pr.h"
#include "pib/store/difference.h"

enum { RUN_MAX = 1 << 24 /* octets of all PRIs of a request */ };

void request_update_fini(struct request_update *u)
{
	u->said = pri_store_free(u->said);
	u->id = 0;
}

static enum err build(const struct request_input *input, struct buffer *run,
                      struct pri_store **ret, struct error *e)
{
	struct pri_failures failures;
	struct view all;
	enum err err = request_put_state(input, run, e);

	if (err)
		return err;
	all = buffer_view(run);
	pri_failures_init(&failures);
	return pri_store_build(&all, 1, ret, &failures, e);
}

/* An empty EPD means remove (RFC 3318 section 2.3.4), and only in a REQ. */
static void put_removes(struct view removes, struct buffer *out)
{
	struct cursor run = cursor_over(removes);
	struct pr_object name;

	while (cursor_left(&run) && !pr_next(&run, &name)) {
		pr_put(out, PR_PRID, name.contents);
		pr_put(out, PR_EPD, VIEW_NONE);
	}
}

static enum err put_difference(const struct pri_store *before, const struct pri_store *after,
                               struct buffer *out, struct error *e)
{
	struct buffer removes, installs;
	enum err err;

	buffer_init(&removes, RUN_MAX);
	buffer_init(&installs, RUN_MAX);
	err = pri_store_difference(before, after, &removes, &installs);
	if (!err) {
		put_removes(buffer_view(&removes), out);
		buffer_put_view(out, buffer_view(&installs));
	} else {
		error_set(e, err, "no room for what a request has to say");
	}
	buffer_fini(&removes);
	buffer_fini(&installs);
	return err;
}

enum err request_update_put(struct request_update *u, const struct request_input *input,
                            uint32_t id, uint32_t after, struct buffer *out, struct error *e)
{
	bool incremental = u->said && after && after == u->id;
	struct pri_store *now = NULL;
	size_t before = out->len;
	struct buffer run;
	enum err err;

	buffer_init(&run, RUN_MAX);
	err = build(input, &run, &now, e);
	if (!err)
		err = request_put_incarnation(input, !incremental, out, e);
	if (!err && incremental)
		err = put_difference(u->said, now, out, e);
	else if (!err)
		buffer_put_view(out, buffer_view(&run));
	if (!err && out->error)
		err = error_set(e, out->error, "no room for what a request has to say");
	buffer_fini(&run);
	if (err) {
		out->len = before;
		pri_store_free(now);
		return err;
	}
	pri_store_free(u->said);
	*u = (struct request_update){.id = id, .said = now, .incremental = incremental};
	return E_OK;
}

void request_update_refused(struct request_update *u)
{
	u->refused = u->incremental;
	/* Full state that could not be used is not sent again: it would be the same. */
	if (u->incremental)
		request_update_fini(u);
}

/* Does the run name anything but policy sets? */
static bool tells(struct view run)
{
	struct cursor c = cursor_over(run);
	struct pib_fault fault;
	struct pr_object o;
	struct error ignored;
	struct prid prid;

	while (cursor_left(&c) && !pr_next(&c, &o))
		if (o.s_num == PR_PRID && !prid_decode(o.contents, &prid, &fault, &ignored) &&
		    prid.class->id != PIB_copsecPolicySet)
			return true;
	return false;
}

bool request_update_due(const struct request_update *u, const struct request_input *input)
{
	struct buffer run, removes, installs;
	struct pri_store *now = NULL;
	struct error ignored;
	bool due = u->refused;

	if (due || !u->said)
		return due;
	buffer_init(&run, RUN_MAX);
	buffer_init(&removes, RUN_MAX);
	buffer_init(&installs, RUN_MAX);
	if (!build(input, &run, &now, &ignored) &&
	    !pri_store_difference(u->said, now, &removes, &installs))
		due = tells(buffer_view(&removes)) || tells(buffer_view(&installs));
	pri_store_free(now);
	buffer_fini(&run);
	buffer_fini(&removes);
	buffer_fini(&installs);
	return due;
}
