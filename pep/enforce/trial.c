/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/trial.h"

#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/digest.h"

#define MAGIC "COPSECT1"

void trial_put(const struct trial *t, struct buffer *out)
{
	uint8_t digest[SHA256_SIZE];
	size_t begin = out->len;

	buffer_put(out, MAGIC, strlen(MAGIC));
	buffer_put_u8(out, (uint8_t)t->phase);
	buffer_put_u64(out, t->deadline);
	buffer_put(out, t->boot, sizeof t->boot);
	buffer_put(out, t->new, sizeof t->new);
	buffer_put(out, t->previous, sizeof t->previous);
	if (!out->error && sha256_of(VIEW(out->data + begin, out->len - begin), digest))
		out->error = E_MEMORY;
	buffer_put(out, digest, sizeof digest);
}

static void take(struct cursor *c, uint8_t *to, size_t len)
{
	struct view v = cursor_take(c, len);

	if (!c->error)
		memcpy(to, v.data, len);
}

enum err trial_read(struct view file, struct trial *ret, struct error *e)
{
	struct cursor c = cursor_over(file);
	struct view magic = cursor_take(&c, strlen(MAGIC));
	struct trial t = {.phase = (enum confirm_phase)cursor_u8(&c)};
	uint8_t digest[SHA256_SIZE], said[SHA256_SIZE];

	t.deadline = cursor_u64(&c);
	take(&c, t.boot, sizeof t.boot);
	take(&c, t.new, sizeof t.new);
	take(&c, t.previous, sizeof t.previous);
	take(&c, said, sizeof said);
	if (c.error || cursor_left(&c) || !view_equal(magic, view_of_string(MAGIC)) ||
		t.phase >= CONFIRM_PHASES)
		return error_set(e, E_SYNTAX, "the file of the trial is not one");
	if (sha256_of(VIEW(file.data, file.len - sizeof digest), digest))
		return error_set(e, E_MEMORY, "no memory for a digest");
	if (memcmp(digest, said, sizeof digest) != 0)
		return error_set(e, E_MISMATCH, "the file of the trial is damaged");
	*ret = t;
	return E_OK;
}
