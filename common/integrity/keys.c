/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/integrity/keys.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/file.h"

#define ANY "any"

static const struct {
	const char *name;
	enum integrity_algorithm algorithm;
} algorithms[] = {
	{"hmac-sha256-96", INTEGRITY_HMAC_SHA256_96},
	{"hmac-md5-96", INTEGRITY_HMAC_MD5_96},
};

enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0], MESSAGES_MAX = 100 };

const char *integrity_algorithm_name(enum integrity_algorithm a)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].algorithm == a)
			return algorithms[i].name;
	return "unknown";
}

/* ---- one line ---- */

static enum err read_id(const char *word, struct integrity_key *key, struct error *e)
{
	unsigned long long value;
	char *end;

	value = strtoull(word, &end, 10);
	if (*end || word[0] < '0' || word[0] > '9' || value > UINT32_MAX)
		return error_set(e, E_RANGE, "'%s' is no key id: a number up to %u", word, UINT32_MAX);
	key->id = (uint32_t)value;
	return E_OK;
}

static enum err read_algorithm(const char *word, struct integrity_key *key, struct error *e)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		if (strcmp(algorithms[i].name, word) == 0) {
			key->algorithm = algorithms[i].algorithm;
			return E_OK;
		}
	}
	return error_set(e, E_UNKNOWN, "'%s' is no algorithm: %s or %s", word, algorithms[0].name,
			 algorithms[1].name);
}

static enum err read_time(const char *word, uint64_t open, uint64_t *ret, struct error *e)
{
	struct tm tm = {0};
	const char *end;
	time_t when;

	if (strcmp(word, "-") == 0) {
		*ret = open;
		return E_OK;
	}
	end = strptime(word, "%Y-%m-%dT%H:%M:%SZ", &tm);
	when = end && !*end ? timegm(&tm) : -1;
	if (when < 0)
		return error_set(e, E_SYNTAX, "'%s' is no time: 2027-01-31T00:00:00Z, or -", word);
	*ret = (uint64_t)when;
	return E_OK;
}

static enum err read_secret(const char *word, struct integrity_key *key, struct error *e)
{
	size_t len = strlen(word) / 2;

	/* What stands there is not repeated: this goes to a log. */
	if (len < INTEGRITY_SECRET_MIN || len > INTEGRITY_SECRET_MAX ||
	    !hex_decode(key->secret, len, word))
		return error_set(e, E_SYNTAX, "the secret has %d to %d octets, in hexadecimal",
				 INTEGRITY_SECRET_MIN, INTEGRITY_SECRET_MAX);
	key->secret_len = len;
	return E_OK;
}

static enum err read_peer(const char *word, enum integrity_end end, struct integrity_key *key,
			  struct error *e)
{
	size_t len = strlen(word);

	if (len > INTEGRITY_PEER_MAX)
		return error_set(e, E_LENGTH, "a peer's name has at most %d octets",
				 INTEGRITY_PEER_MAX);
	/* With one key for all, every node could speak as every other. */
	if (end == INTEGRITY_PDP && strcmp(word, ANY) == 0)
		return error_set(e, E_DENIED, "at a PDP a key is shared with one PEP, not with any");
	key->peer = strdup(word);
	return key->peer ? E_OK : error_set(e, E_MEMORY, "out of memory");
}

/* The words of a line, in place; how many there are, one more than `most` if there are too many. */
static size_t split(char *line, char **words, size_t most)
{
	char *save = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " \t\r", &save); word; word = strtok_r(NULL, " \t\r", &save)) {
		if (count == most)
			return most + 1;
		words[count++] = word;
	}
	return count;
}

enum { ID, PEER, ALGORITHM, FROM, UNTIL, SECRET, WORDS };

static enum err read_key(char *words[WORDS], enum integrity_end end, struct integrity_key *key,
			 struct error *e)
{
	enum err err = read_id(words[ID], key, e);

	if (!err)
		err = read_algorithm(words[ALGORITHM], key, e);
	if (!err)
		err = read_time(words[FROM], 0, &key->from, e);
	if (!err)
		err = read_time(words[UNTIL], UINT64_MAX, &key->until, e);
	if (!err && key->from >= key->until)
		err = error_set(e, E_RANGE, "the key ends before it begins");
	if (!err)
		err = read_secret(words[SECRET], key, e);
	if (!err)
		err = read_peer(words[PEER], end, key, e);
	return err;
}

/* ---- a file ---- */

static void wipe(struct integrity_key *key)
{
	free(key->peer);
	explicit_bzero(key, sizeof *key);
}

void integrity_keys_free(struct integrity_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		wipe(&k->items[i]);
	free(k->items);
	free(k);
}

static int compare(const void *left, const void *right)
{
	const struct integrity_key *a = left, *b = right;
	int peers = strcmp(a->peer, b->peer);

	return peers ? peers : a->id < b->id ? -1 : a->id > b->id;
}

/* Grown by hand: what realloc() leaves behind would not be wiped. */
static struct integrity_key *add(struct integrity_keys *k, size_t *room)
{
	if (k->count == *room) {
		size_t more = *room ? *room * 2 : 16;
		struct integrity_key *items = calloc(more, sizeof *items);

		if (!items)
			return NULL;
		if (k->count)
			memcpy(items, k->items, k->count * sizeof *items);
		if (k->items)
			explicit_bzero(k->items, k->count * sizeof *items);
		free(k->items);
		k->items = items;
		*room = more;
	}
	return &k->items[k->count];
}

struct reading {
	const char *path;
	enum integrity_end end;
	struct integrity_keys *keys;
	size_t room;
	struct buffer *messages;
	unsigned wrong;
	size_t line;
};

static void complain(struct reading *r, const struct error *e)
{
	if (r->wrong++ < MESSAGES_MAX)
		buffer_put_text(r->messages, "%s:%zu: error: %s\n", r->path, r->line, e->text);
}

/* A message that quotes one would send it to somebody's terminal. */
static bool has_control(const char *line)
{
	for (; *line; line++)
		if (((unsigned char)*line < ' ' && *line != '\t' && *line != '\r') || *line == 0x7f)
			return true;
	return false;
}

static void read_line(struct reading *r, char *line)
{
	char *words[WORDS];
	bool control = has_control(line);
	size_t count = split(line, words, WORDS);
	struct integrity_key *key;
	struct error e;

	if (count == 0 || words[0][0] == '#')
		return;
	if (control) {
		error_set(&e, E_SYNTAX, "a control character");
		complain(r, &e);
		return;
	}
	if (count != WORDS) {
		error_set(&e, E_SYNTAX, "a key is: id, peer, algorithm, from, until, secret");
		complain(r, &e);
		return;
	}
	key = r->keys->count < INTEGRITY_KEYS_MAX ? add(r->keys, &r->room) : NULL;
	if (!key) {
		error_set(&e, E_LIMIT, "no room for more than %zu keys", r->keys->count);
		complain(r, &e);
	} else if (read_key(words, r->end, key, &e)) {
		complain(r, &e);
		wipe(key);
	} else {
		r->keys->count++;
	}
}

static void check_twice(struct reading *r)
{
	const struct integrity_keys *k = r->keys;
	struct error e;

	r->line = 0;
	for (size_t i = 1; i < k->count; i++) {
		if (compare(&k->items[i - 1], &k->items[i]) != 0)
			continue;
		error_set(&e, E_DUPLICATE, "key %u of peer %s is there twice", k->items[i].id,
			  k->items[i].peer);
		complain(r, &e);
	}
}

enum err integrity_keys_parse(const char *path, struct view text, enum integrity_end end,
			      struct integrity_keys **ret_keys, struct buffer *messages)
{
	struct reading r = {.path = path, .end = end, .messages = messages};
	char *copy = malloc(text.len + 1), *next = copy;

	r.keys = calloc(1, sizeof *r.keys);
	if (!copy || !r.keys) {
		free(copy);
		free(r.keys);
		return E_MEMORY;
	}
	if (text.len)
		memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	for (char *line; (line = strsep(&next, "\n"));) {
		r.line++;
		read_line(&r, line);
	}
	if (r.keys->count > 1)
		qsort(r.keys->items, r.keys->count, sizeof *r.keys->items, compare);
	check_twice(&r);
	explicit_bzero(copy, text.len);
	free(copy);
	if (r.wrong) {
		integrity_keys_free(r.keys);
		return E_SYNTAX;
	}
	*ret_keys = r.keys;
	return E_OK;
}

enum err integrity_keys_load(const char *path, enum integrity_end end,
			     struct integrity_keys **ret_keys, struct buffer *messages)
{
	struct buffer text;
	struct error e;
	struct stat st;
	enum err err;

	buffer_init(&text, INTEGRITY_FILE_MAX);
	err = file_read(path, &text, &st, &e);
	if (!err && (st.st_mode & (S_IRWXO | S_IWGRP)))
		err = error_set(&e, E_DENIED, "%s: mode %04o lets others at the keys; chmod 600 it",
				path, (unsigned)(st.st_mode & 07777));
	if (err)
		buffer_put_text(messages, "%s\n", e.text);
	else
		err = integrity_keys_parse(path, buffer_view(&text), end, ret_keys, messages);
	buffer_fini_secret(&text);
	return err;
}

/* ---- asking ---- */

static bool is_valid(const struct integrity_key *key, uint64_t utc)
{
	return key->from <= utc && utc < key->until;
}

/* The first key of a peer, and how many there are. */
static struct integrity_key *range(const struct integrity_keys *k, struct view peer, size_t *ret_count)
{
	size_t low = 0, high = k->count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view_compare(view_of_string(k->items[middle].peer), peer) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < k->count && view_equal(view_of_string(k->items[end].peer), peer);)
		end++;
	*ret_count = end - low;
	return &k->items[low];
}

/* Those of the peer itself, or of any if it has none of its own. */
static struct integrity_key *keys_of(const struct integrity_keys *k, struct view peer,
				     size_t *ret_count)
{
	struct integrity_key *own = range(k, peer, ret_count);

	return *ret_count ? own : range(k, view_of_string(ANY), ret_count);
}

struct integrity_key *integrity_keys_find(const struct integrity_keys *k, struct view peer,
					  uint32_t id, uint64_t utc)
{
	size_t count;
	struct integrity_key *keys = keys_of(k, peer, &count);

	for (size_t i = 0; i < count; i++)
		if (keys[i].id == id && is_valid(&keys[i], utc))
			return &keys[i];
	return NULL;
}

/* Whether who sends with `now` goes over to `next`: past the middle of their overlap. */
static bool is_due(const struct integrity_key *now, const struct integrity_key *next, uint64_t utc)
{
	uint64_t from = now->from > next->from ? now->from : next->from;

	if (now->until == UINT64_MAX)
		return next->until == UINT64_MAX && next->from > now->from;
	return utc >= from + (now->until - from) / 2;
}

/* Of two keys, which ends later; of two that end together, which begins later. */
static bool is_later(const struct integrity_key *a, const struct integrity_key *b)
{
	return a->until != b->until ? a->until > b->until : a->from > b->from;
}

struct integrity_key *integrity_keys_current(const struct integrity_keys *k, struct view peer,
					     uint64_t utc)
{
	size_t count;
	struct integrity_key *keys = keys_of(k, peer, &count), *now = NULL;

	for (size_t i = 0; i < count; i++)
		if (is_valid(&keys[i], utc) && (!now || is_later(now, &keys[i])))
			now = &keys[i];
	for (;;) {
		struct integrity_key *next = NULL;

		for (size_t i = 0; now && i < count; i++)
			if (is_valid(&keys[i], utc) && is_later(&keys[i], now) &&
			    (!next || is_later(next, &keys[i])))
				next = &keys[i];
		if (!next || !is_due(now, next, utc))
			return now;
		now = next;
	}
}
