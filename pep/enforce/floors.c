/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/floors.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/crypto/digest.h"

enum kind { TENANT = 1, ASSIGNMENT, SET, INDEX, DELEGATION };

enum { AUTHORITY_SHIFT = 4, KIND_MASK = 15 };

static const uint8_t magic[8] = "COPSECF1";

struct floors *floors_new(void)
{
	return calloc(1, sizeof(struct floors));
}

static void forget(struct serial_floor *f)
{
	void *name;

	memcpy(&name, &f->name.data, sizeof name);
	free(name);
	*f = (struct serial_floor){0};
}

static void clear(struct floors *f)
{
	forget(&f->tenant);
	forget(&f->assignment);
	for (size_t i = 0; i < f->set_count; i++)
		forget(&f->sets[i]);
	for (size_t i = 0; i < f->voice_count; i++) {
		struct serial_floor name = {f->voices[i].name, 0};

		forget(&name);
	}
	*f = (struct floors){0};
}

struct floors *floors_free(struct floors *f)
{
	if (f)
		clear(f);
	free(f);
	return NULL;
}

static bool set_floor(struct serial_floor *f, struct view name, uint64_t serial)
{
	uint8_t *copy = malloc(name.len ? name.len : 1);

	if (!copy)
		return false;
	if (name.len)
		memcpy(copy, name.data, name.len);
	*f = (struct serial_floor){VIEW(copy, name.len), serial};
	return true;
}

static bool add(struct floors *f, enum kind kind, struct view name, uint64_t serial)
{
	struct serial_floor *at;

	if (kind == SET && f->set_count == FLOORS_SETS_MAX)
		return true;
	at = kind == TENANT ? &f->tenant : kind == ASSIGNMENT ? &f->assignment
	                                                      : &f->sets[f->set_count];
	if (at->name.data || !set_floor(at, name, serial))
		return false;
	f->set_count += kind == SET;
	return true;
}

static const struct serial_floor *find(const struct floors *f, struct view name)
{
	for (size_t i = 0; i < f->set_count; i++)
		if (view_equal(f->sets[i].name, name))
			return &f->sets[i];
	return NULL;
}

static uint64_t greater(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- Other authorities ---- */

/* Made if it is not there; NULL without memory, or room. */
static struct voice_floor *voice(struct floors *f, enum authority authority, struct view name)
{
	struct serial_floor copy;

	for (size_t i = 0; i < f->voice_count; i++)
		if (f->voices[i].authority == authority && view_equal(f->voices[i].name, name))
			return &f->voices[i];
	if (f->voice_count == FLOORS_VOICES_MAX || !set_floor(&copy, name, 0))
		return NULL;
	f->voices[f->voice_count] = (struct voice_floor){authority, copy.name, 0, 0};
	return &f->voices[f->voice_count++];
}

static bool raise_voice(struct floors *f, enum kind kind, enum authority authority, struct view name,
                  uint64_t serial)
{
	struct voice_floor *at = voice(f, authority, name);

	if (!at)
		return f->voice_count == FLOORS_VOICES_MAX;
	if (kind == INDEX)
		at->index = greater(at->index, serial);
	else
		at->delegation = greater(at->delegation, serial);
	return true;
}

static bool merge_voices(struct floors *to, const struct floors *from, const struct state *s)
{
	bool done = true;

	for (size_t i = 0; done && i < s->other_count; i++) {
		const struct state_voice *v = &s->others[i];

		to->time = greater(to->time, v->index.not_before);
		done = raise_voice(to, INDEX, v->authority, v->name, v->index.serial);
	}
	for (size_t i = 0; done && i < s->delegation_count; i++) {
		const struct delegation *d = &s->delegations[i].delegation;

		done = raise_voice(to, DELEGATION, d->authority, d->name, d->serial);
	}
	for (size_t i = 0; done && i < from->voice_count; i++) {
		const struct voice_floor *v = &from->voices[i];

		done = raise_voice(to, INDEX, v->authority, v->name, v->index) &&
		       raise_voice(to, DELEGATION, v->authority, v->name, v->delegation);
	}
	return done;
}

/* Sets in force come first, so that they are what the limit leaves. */
static bool merge(struct floors *to, const struct floors *from, const struct state *s)
{
	const struct assignment *a = &s->assignments[0].assignment;
	bool done = add(to, TENANT, s->home.index.tenant, 0) && add(to, ASSIGNMENT, a->node, a->serial);

	to->index = greater(from->index, s->home.index.serial);
	to->time = greater(from->time, s->home.index.not_before);
	if (view_equal(from->assignment.name, a->node))
		to->assignment.serial = greater(a->serial, from->assignment.serial);
	for (size_t i = 0; done && i < s->set_count; i++) {
		const struct manifest *m = &s->sets[i].manifest;
		const struct serial_floor *before = find(from, m->name);

		to->time = greater(to->time, m->not_before);
		if (m->authority != AUTHORITY_HOME)
			continue;
		done = add(to, SET, m->name, greater(m->serial, before ? before->serial : 0));
	}
	for (size_t i = 0; done && i < from->set_count; i++)
		if (!find(to, from->sets[i].name))
			done = add(to, SET, from->sets[i].name, from->sets[i].serial);
	return done && merge_voices(to, from, s);
}

enum err floors_merge(struct floors *to, const struct floors *from, const struct state *state,
                      struct error *e)
{
	return merge(to, from, state) ? E_OK
	                              : error_set(e, E_MEMORY, "no memory for the serial floors");
}

enum err floors_raise(struct floors *f, const struct state *state, struct error *e)
{
	struct floors *next = floors_new();
	struct floors before;

	if (!next || !merge(next, f, state)) {
		floors_free(next);
		return error_set(e, E_MEMORY, "no memory for the serial floors");
	}
	before = *f;
	*f = *next;
	*next = before;
	floors_free(next);
	return E_OK;
}

struct serial_floors floors_serials(const struct floors *f)
{
	return (struct serial_floors){
		.index = f->index,
		.voices = f->voices,
		.voice_count = f->voice_count,
		.assignments = &f->assignment,
		.assignment_count = f->assignment.name.data != NULL,
		.sets = f->sets,
		.set_count = f->set_count,
	};
}

static void put_entry(struct buffer *out, unsigned kind, const struct serial_floor *f)
{
	if (!f->name.data)
		return;
	buffer_put_u8(out, (uint8_t)kind);
	buffer_put_u8(out, (uint8_t)f->name.len);
	buffer_put_view(out, f->name);
	buffer_put_u64(out, f->serial);
}

void floors_put(const struct floors *f, struct buffer *out)
{
	size_t start = out->len;
	uint8_t digest[SHA256_SIZE];

	buffer_put(out, magic, sizeof magic);
	buffer_put_u64(out, f->index);
	buffer_put_u64(out, f->time);
	put_entry(out, TENANT, &f->tenant);
	put_entry(out, ASSIGNMENT, &f->assignment);
	for (size_t i = 0; i < f->set_count; i++)
		put_entry(out, SET, &f->sets[i]);
	for (size_t i = 0; i < f->voice_count; i++) {
		const struct voice_floor *v = &f->voices[i];
		unsigned authority = (unsigned)v->authority << AUTHORITY_SHIFT;

		put_entry(out, authority | INDEX, &(struct serial_floor){v->name, v->index});
		put_entry(out, authority | DELEGATION,
		          &(struct serial_floor){v->name, v->delegation});
	}
	if (!out->error && sha256_of(VIEW(out->data + start, out->len - start), digest))
		out->error = E_MEMORY;
	buffer_put(out, digest, sizeof digest);
}

static enum err read_entries(struct floors *f, struct cursor *c, struct error *e)
{
	while (cursor_left(c)) {
		uint8_t octet = cursor_u8(c), kind = octet & KIND_MASK;
		uint8_t authority = octet >> AUTHORITY_SHIFT;
		struct view name = cursor_take(c, cursor_u8(c));
		uint64_t serial = cursor_u64(c);

		if (c->error || kind < TENANT || kind > DELEGATION ||
		    (kind >= INDEX) != (authority > AUTHORITY_HOME) || authority > AUTHORITY_LOCAL)
			return error_set(e, E_SYNTAX, "serial floors: entry at octet %zu", c->at);
		if (!(kind < INDEX ? add(f, (enum kind)kind, name, serial)
		                   : raise_voice(f, (enum kind)kind, (enum authority)authority, name,
		                           serial)))
			return error_set(e, E_MEMORY, "no memory for the serial floors");
	}
	return E_OK;
}

enum err floors_read(struct floors *f, struct view file, struct error *e)
{
	struct cursor c = cursor_over(file);
	uint8_t digest[SHA256_SIZE];
	struct floors *next;
	enum err err;

	if (file.len < sizeof magic + 16 + SHA256_SIZE ||
	    !view_equal(cursor_take(&c, sizeof magic), VIEW(magic, sizeof magic)))
		return error_set(e, E_SYNTAX, "the serial floors are no such file");
	file.len -= SHA256_SIZE;
	if (sha256_of(file, digest))
		return error_set(e, E_MEMORY, "no memory for a digest");
	if (memcmp(digest, file.data + file.len, sizeof digest) != 0)
		return error_set(e, E_MISMATCH, "the serial floors are damaged");
	next = floors_new();
	if (!next)
		return error_set(e, E_MEMORY, "no memory for the serial floors");
	next->index = cursor_u64(&c);
	next->time = cursor_u64(&c);
	c = cursor_over(VIEW(file.data + sizeof magic + 16, file.len - sizeof magic - 16));
	err = read_entries(next, &c, e);
	if (!err) {
		clear(f);
		*f = *next;
		*next = (struct floors){0};
	}
	floors_free(next);
	return err;
}
