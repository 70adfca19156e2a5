/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/srv.h"

#include <string.h>
#include <strings.h>

#include "common/base/cursor.h"

/* RFC 1035 sections 3.2, 3.3.1 and 4.1, RFC 2782. */
enum {
	TYPE_CNAME = 5,
	TYPE_SRV = 33,
	CLASS_IN = 1,
	LABEL_MAX = 63,
	NAME_MAX_LEN = 253, /* in text */
	RECORDS_MAX = 512,  /* of an answer section */
	ALIASES_MAX = 8,    /* CNAMEs in a row */
};

/* ---- Names ---- */

static bool is_host_octet(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

bool srv_is_domain(const char *name)
{
	size_t label = 0, len = strlen(name);

	if (len > NAME_MAX_LEN)
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '.' ? !label : !is_host_octet((uint8_t)*p))
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > LABEL_MAX)
			return false;
	}
	return label > 0;
}

/* A label behind those that are there; false: no host's name, or too long. */
static bool put_label(char name[SRV_NAME_SIZE], struct view label)
{
	size_t at = strlen(name);

	if (at + label.len + 1 > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < label.len; i++)
		if (!is_host_octet(label.data[i]))
			return false;
	if (at)
		name[at++] = '.';
	memcpy(name + at, label.data, label.len);
	name[at + label.len] = 0;
	return true;
}

/*
 * The name at the cursor, which goes behind it; "" is the root. *ret_host false: a name, but none
 * that a host can have. Compression leads backwards only, each time further, so it ends.
 */
static void take_name(struct cursor *c, char name[SRV_NAME_SIZE], bool *ret_host)
{
	struct cursor at = *c;
	size_t limit = c->at, octets = 0;
	bool jumped = false;

	name[0] = 0;
	*ret_host = true;
	for (;;) {
		uint8_t len = cursor_u8(&at);
		struct view label;

		if (at.error)
			break;
		if (len >= 0xc0) {
			size_t to = (size_t)(len & 0x3f) << 8 | cursor_u8(&at);

			if (!jumped)
				*c = at;
			jumped = true;
			if (!at.error && to >= limit)
				cursor_fail(&at, E_RANGE);
			limit = at.at = to;
			continue;
		}
		octets += len + 1u;
		if (len > LABEL_MAX || octets > NAME_MAX_LEN + 2)
			cursor_fail(&at, E_RANGE);
		if (at.error || !len)
			break;
		label = cursor_take(&at, len);
		*ret_host = *ret_host && label.len && put_label(name, label);
	}
	if (!jumped)
		*c = at;
	else if (at.error)
		cursor_fail(c, at.error);
}

static bool same_name(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

/* ---- Records ---- */

struct record {
	char owner[SRV_NAME_SIZE];
	uint16_t type, class;
	uint32_t ttl;
	uint16_t priority, weight, port; /* SRV */
	char target[SRV_NAME_SIZE];      /* SRV, CNAME */
	bool is_host;                    /* the target */
};

static void take_record(struct cursor *c, struct record *r)
{
	size_t end;
	bool owner;

	take_name(c, r->owner, &owner);
	r->type = cursor_u16(c);
	r->class = cursor_u16(c);
	r->ttl = cursor_u32(c);
	/* RFC 2181 section 8: the highest bit makes it 0. */
	if (r->ttl > INT32_MAX)
		r->ttl = 0;
	end = cursor_u16(c);
	if (!c->error && end > cursor_left(c))
		cursor_fail(c, E_TRUNCATED);
	if (c->error)
		return;
	end += c->at;
	if (!owner)
		r->type = 0;
	if (r->type == TYPE_SRV) {
		r->priority = cursor_u16(c);
		r->weight = cursor_u16(c);
		r->port = cursor_u16(c);
	}
	if (r->type == TYPE_SRV || r->type == TYPE_CNAME)
		take_name(c, r->target, &r->is_host);
	else
		(void)cursor_take(c, end - c->at);
	if (!c->error && c->at != end)
		cursor_fail(c, E_LENGTH);
}

/* The beginning of the answer section, behind the questions; *ret_count: how many records it has. */
static struct cursor take_header(struct view message, uint16_t *ret_count)
{
	struct cursor c = cursor_over(message);
	char name[SRV_NAME_SIZE];
	uint16_t flags, questions;
	bool host;

	(void)cursor_u16(&c);
	flags = cursor_u16(&c);
	questions = cursor_u16(&c);
	*ret_count = cursor_u16(&c);
	(void)cursor_take(&c, 4);
	if (!c.error && (!(flags & 0x8000) || questions > 1 || *ret_count > RECORDS_MAX))
		cursor_fail(&c, E_RANGE);
	if (!c.error && questions) {
		take_name(&c, name, &host);
		(void)cursor_take(&c, 4);
	}
	return c;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void add_target(struct srv_answer *answer, const struct record *r)
{
	if (!r->is_host || answer->count == SRV_TARGETS_MAX) {
		answer->passed_over++;
		return;
	}
	answer->list[answer->count] = (struct srv_target){
		.priority = r->priority, .weight = r->weight, .port = r->port};
	memcpy(answer->list[answer->count++].name, r->target, SRV_NAME_SIZE);
}

/* One walk over the answers: the SRV records of `name`, and where a CNAME leads from it. */
static enum err walk(struct cursor c, uint16_t count, const char *name, struct srv_answer *answer,
	char alias[SRV_NAME_SIZE], size_t *ret_records)
{
	*ret_records = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct record r = {0};

		take_record(&c, &r);
		if (c.error)
			return c.error;
		if (r.class != CLASS_IN || !same_name(r.owner, name))
			continue;
		if (r.type == TYPE_CNAME && r.is_host)
			memcpy(alias, r.target, SRV_NAME_SIZE);
		if (r.type == TYPE_CNAME || r.type == TYPE_SRV)
			answer->ttl = lesser(answer->ttl, r.ttl);
		if (r.type != TYPE_SRV)
			continue;
		++*ret_records;
		if (r.target[0] || !r.is_host)
			add_target(answer, &r);
	}
	return E_OK;
}

enum err srv_decode(
	struct view message, const char *name, struct srv_answer *ret, struct error *e)
{
	struct srv_answer answer = {.ttl = UINT32_MAX};
	char owner[SRV_NAME_SIZE], alias[SRV_NAME_SIZE];
	uint16_t count;
	struct cursor c = take_header(message, &count);
	size_t records = 0;

	if (c.error)
		return error_set(e, c.error, "a DNS answer cannot be read: %s", err_text(c.error));
	strncpy(owner, name, sizeof owner - 1);
	owner[sizeof owner - 1] = 0;
	for (unsigned i = 0; i <= ALIASES_MAX; i++) {
		enum err err;

		alias[0] = 0;
		err = walk(c, count, owner, &answer, alias, &records);
		if (err)
			return error_set(e, err, "a DNS answer cannot be read: %s", err_text(err));
		if (records || !alias[0])
			break;
		memcpy(owner, alias, sizeof owner);
	}
	if (!records)
		return error_set(e, E_NOT_FOUND, "no SRV record of %s", name);
	*ret = answer;
	return E_OK;
}

/* ---- Order ---- */

static void swap(struct srv_target *a, struct srv_target *b)
{
	struct srv_target t = *a;

	*a = *b;
	*b = t;
}

static void sort_by_priority(struct srv_answer *answer)
{
	for (size_t i = 1; i < answer->count; i++)
		for (size_t j = i; j && answer->list[j - 1].priority > answer->list[j].priority; j--)
			swap(&answer->list[j - 1], &answer->list[j]);
}

/* RFC 2782, "Weight": the first whose running sum reaches the drawn number; those of weight 0 stand
 * first, so they have the chance that the RFC calls very small. */
static size_t draw(struct srv_target *list, size_t count, uint32_t random)
{
	uint32_t sum = 0, drawn, running = 0;
	size_t zeros = 0;

	for (size_t i = 0; i < count; i++) {
		sum += list[i].weight;
		if (!list[i].weight)
			swap(&list[zeros++], &list[i]);
	}
	drawn = random % (sum + 1);
	for (size_t i = 0; i < count; i++) {
		running += list[i].weight;
		if (running >= drawn)
			return i;
	}
	return 0;
}

void srv_order(struct srv_answer *answer, uint32_t (*random)(void *user), void *user)
{
	sort_by_priority(answer);
	for (size_t first = 0; first < answer->count;) {
		size_t end = first;

		while (end < answer->count &&
			answer->list[end].priority == answer->list[first].priority)
			end++;
		for (; first < end; first++) {
			size_t chosen = draw(&answer->list[first], end - first, random(user));

			swap(&answer->list[first], &answer->list[first + chosen]);
		}
	}
}

uint32_t srv_life(uint32_t ttl)
{
	if (ttl < SRV_LIFE_LEAST)
		return SRV_LIFE_LEAST;
	return lesser(ttl, SRV_LIFE_MOST);
}
