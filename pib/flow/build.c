/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a first-match list to its diagram, field by field.
 *
 * The work is done on sets: ordered lists of the matches that are still possible. At a field, the
 * borders of their intervals cut the domain into pieces; each piece leaves a smaller set, which
 * becomes the piece's child by the same method at the next field. Equal sets are worked on once.
 * Three things keep sets small, and none changes the function:
 *   - a set ends with the first match that accepts everything from here on;
 *   - a match is left out if an earlier one of the set wants the same of the remaining fields;
 *   - of matches that want the same and have the same number, all are replaced by the first, so
 *     that a rule cut into several pieces makes no new sets.
 * Who asks which rules are needed wants to know the second match of another number too: then
 * "first" and "earlier one" above mean the first two of different numbers. Values are replaced by
 * their rank among the borders of their field beforehand.
 */
#include "pib/flow/diagram.h"

#include <stdlib.h>
#include <string.h>

#include "pib/flow/lists.h"
#include "pib/flow/nodes.h"

/* Ranks; the second is not included. */
struct span {
	uint32_t first;
	uint32_t end;
};

struct spans {
	uint32_t at; /* in build.spans */
	uint32_t count;
};

struct border_list {
	struct flow_value *starts; /* ascending; of rank 0, 1, ... */
	size_t count;
	uint32_t *last_codes; /* what an edge that ends before the next border keeps */
};

/* A set that has its diagram. */
struct done {
	uint32_t at; /* in build.sets */
	uint32_t count;
	flow_ref result;
	uint8_t field;
};

struct build {
	struct flow_manager *m;
	const struct flow_match *matches;
	size_t count;
	struct error *error;
	struct border_list borders[FLOW_FIELDS];
	struct span *spans;
	size_t span_count;
	size_t span_capacity;
	struct spans *wants[FLOW_FIELDS]; /* by match; count 0 = any */
	uint32_t *mask;                   /* by match: bit of each field that it narrows */
	/* By match, for the fields from the index on: the first match that wants the same, and the
	 * first that wants the same and has the same number. */
	uint32_t *same[FLOW_FIELDS + 1];
	uint32_t *twin[FLOW_FIELDS + 1];
	uint32_t *stamp;   /* by match: the last set it stood for */
	uint32_t *stamped; /* by match: the number that stands there, UINT32_MAX: two of them */
	uint32_t stamps;
	flow_map_fn *action_of; /* NULL: only the first match counts */
	void *context;
	uint32_t *sets;
	size_t set_len;
	size_t set_capacity;
	struct done *done;
	size_t done_count;
	size_t done_capacity;
	struct flow_table table;
};

static enum err no_memory(const struct build *b)
{
	return error_set(b->error, E_MEMORY, "no memory for the diagram of %zu matches", b->count);
}

static int compare_values(const void *a, const void *b)
{
	const struct flow_value *x = a;
	const struct flow_value *y = b;

	return flow_value_compare(*x, *y);
}

/* All values of the field where some match begins or has just ended. */
static enum err collect_borders(struct build *b, enum flow_field field)
{
	struct border_list *borders = &b->borders[field];
	struct flow_value last = flow_field_last(field);
	size_t capacity = 0;
	size_t need = 1;
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++)
		need += 2 * b->matches[i].field[field].count;
	borders->starts = flow_grow(NULL, &capacity, need, sizeof *borders->starts);
	if (!borders->starts)
		return no_memory(b);
	borders->starts[borders->count++] = FLOW_VALUE(0);
	for (size_t i = 0; i < b->count; i++) {
		struct flow_intervals a = b->matches[i].field[field];

		for (size_t j = 0; j < a.count; j++) {
			borders->starts[borders->count++] = a.list[j].low;
			if (flow_value_compare(a.list[j].high, last) < 0)
				borders->starts[borders->count++] = flow_value_next(a.list[j].high);
		}
	}
	qsort(borders->starts, borders->count, sizeof *borders->starts, compare_values);
	for (size_t i = 1; i < borders->count; i++)
		if (flow_value_compare(borders->starts[i], borders->starts[kept]) != 0)
			borders->starts[++kept] = borders->starts[i];
	borders->count = kept + 1;

	borders->last_codes = calloc(borders->count, sizeof *borders->last_codes);
	if (!borders->last_codes)
		return no_memory(b);
	for (size_t i = 0; i < borders->count; i++) {
		struct flow_value v =
			i + 1 < borders->count ? flow_value_previous(borders->starts[i + 1]) : last;
		enum err err = flow_encode(b->m, field, v, &borders->last_codes[i], b->error);

		if (err)
			return err;
	}
	return E_OK;
}

/* The number of borders up to and including v, less one: the rank of the piece that v is in. */
static uint32_t rank_of(const struct border_list *borders, struct flow_value v)
{
	size_t low = 0;
	size_t high = borders->count - 1;

	while (low < high) {
		size_t middle = low + (high - low + 1) / 2;

		if (flow_value_compare(borders->starts[middle], v) <= 0)
			low = middle;
		else
			high = middle - 1;
	}
	return (uint32_t)low;
}

static enum err rank_match(struct build *b, size_t match, enum flow_field field)
{
	const struct border_list *borders = &b->borders[field];
	struct flow_intervals a = b->matches[match].field[field];
	struct span *spans;
	size_t first = b->span_count;

	if (a.count == 0)
		return E_OK;
	if (a.count > UINT32_MAX - b->span_count)
		return flow_limit(b->m, "intervals", b->error);
	spans = flow_grow(b->spans, &b->span_capacity, first + a.count, sizeof *spans);
	if (!spans)
		return no_memory(b);
	b->spans = spans;
	for (size_t i = 0; i < a.count; i++) {
		struct span span = {
			rank_of(borders, a.list[i].low), rank_of(borders, a.list[i].high) + 1};

		/* Neighbours are joined: how a list is cut must not matter. */
		if (b->span_count > first && b->spans[b->span_count - 1].end == span.first)
			b->spans[b->span_count - 1].end = span.end;
		else
			b->spans[b->span_count++] = span;
	}
	if (b->span_count == first + 1 && b->spans[first].first == 0 &&
		b->spans[first].end == borders->count) {
		b->span_count = first;
		return E_OK;
	}
	b->wants[field][match] = (struct spans){(uint32_t)first, (uint32_t)(b->span_count - first)};
	b->mask[match] |= 1u << field;
	return E_OK;
}

static bool same_spans(const struct build *b, struct spans x, struct spans y)
{
	return x.count == y.count && (x.count == 0 || !memcmp(&b->spans[x.at], &b->spans[y.at],
							      x.count * sizeof *b->spans));
}

/* Two matches are the same from a field on if they are from the next on and want the same here. */
static bool same_from(const struct build *b, size_t x, size_t y, unsigned field, bool number)
{
	uint32_t *const *later = number ? b->twin : b->same;

	return later[field + 1][x] == later[field + 1][y] &&
	       same_spans(b, b->wants[field][x], b->wants[field][y]);
}

static uint64_t hash_from(const struct build *b, size_t match, unsigned field, bool number)
{
	struct spans wants = b->wants[field][match];
	uint64_t hash =
		flow_hash(3, number ? b->twin[field + 1][match] : b->same[field + 1][match]);

	for (uint32_t i = 0; i < wants.count; i++)
		hash = flow_hash(hash,
			(uint64_t)b->spans[wants.at + i].first << 32 | b->spans[wants.at + i].end);
	return hash;
}

/* Fills same[field] or twin[field] from those of the next field. */
static void find_same(
	struct build *b, unsigned field, bool number, uint32_t *slots, size_t capacity)
{
	uint32_t *first = number ? b->twin[field] : b->same[field];

	memset(slots, 0, capacity * sizeof *slots);
	for (size_t i = 0; i < b->count; i++) {
		size_t at = hash_from(b, i, field, number) & (capacity - 1);

		while (slots[at] && !same_from(b, i, slots[at] - 1, field, number))
			at = (at + 1) & (capacity - 1);
		if (!slots[at])
			slots[at] = (uint32_t)i + 1;
		first[i] = slots[at] - 1;
	}
}

/* Beyond the last field all want the same, and twins have the same number. */
static void find_same_numbers(struct build *b, uint32_t *slots, size_t capacity)
{
	memset(slots, 0, capacity * sizeof *slots);
	for (size_t i = 0; i < b->count; i++) {
		uint32_t number = b->matches[i].number;
		size_t at = flow_hash(4, number) & (capacity - 1);

		while (slots[at] && b->matches[slots[at] - 1].number != number)
			at = (at + 1) & (capacity - 1);
		if (!slots[at])
			slots[at] = (uint32_t)i + 1;
		b->twin[FLOW_FIELDS][i] = slots[at] - 1;
		b->same[FLOW_FIELDS][i] = 0;
	}
}

static enum err prepare(struct build *b)
{
	size_t capacity = 16;
	uint32_t *slots;
	enum err err = E_OK;

	b->mask = calloc(b->count, sizeof *b->mask);
	b->stamp = calloc(b->count, sizeof *b->stamp);
	b->stamped = calloc(b->count, sizeof *b->stamped);
	if (!b->mask || !b->stamp || !b->stamped)
		return no_memory(b);
	for (unsigned field = 0; field <= FLOW_FIELDS; field++) {
		if (field < FLOW_FIELDS)
			b->wants[field] = calloc(b->count, sizeof *b->wants[field]);
		b->same[field] = calloc(b->count, sizeof *b->same[field]);
		b->twin[field] = calloc(b->count, sizeof *b->twin[field]);
		if ((field < FLOW_FIELDS && !b->wants[field]) || !b->same[field] || !b->twin[field])
			return no_memory(b);
	}
	for (enum flow_field field = 0; field < FLOW_FIELDS && !err; field++) {
		err = collect_borders(b, field);
		for (size_t i = 0; i < b->count && !err; i++)
			err = rank_match(b, i, field);
	}
	if (err)
		return err;
	while (capacity < 2 * b->count)
		capacity *= 2;
	slots = calloc(capacity, sizeof *slots);
	if (!slots)
		return no_memory(b);
	find_same_numbers(b, slots, capacity);
	for (unsigned field = FLOW_FIELDS; field-- > 0;) {
		find_same(b, field, false, slots, capacity);
		find_same(b, field, true, slots, capacity);
	}
	free(slots);
	return E_OK;
}

static uint64_t hash_set(unsigned field, const uint32_t *set, size_t count)
{
	uint64_t hash = flow_hash(field, count);

	for (size_t i = 0; i < count; i++)
		hash = flow_hash(hash, set[i]);
	return hash;
}

static uint64_t hash_done(const void *context, uint32_t place)
{
	const struct build *b = context;

	return hash_set(b->done[place].field, &b->sets[b->done[place].at], b->done[place].count);
}

static struct done *find_done(struct build *b, unsigned field, const uint32_t *set, size_t count)
{
	size_t at;

	if (!b->table.capacity)
		return NULL;
	at = hash_set(field, set, count) & (b->table.capacity - 1);
	for (; b->table.slots[at]; at = (at + 1) & (b->table.capacity - 1)) {
		struct done *done = &b->done[b->table.slots[at] - 1];

		if (done->field == field && done->count == count &&
			!memcmp(&b->sets[done->at], set, count * sizeof *set))
			return done;
	}
	return NULL;
}

static enum err remember(
	struct build *b, unsigned field, size_t set_at, size_t count, flow_ref result)
{
	struct done *done;
	size_t at;

	done = flow_grow(b->done, &b->done_capacity, b->done_count + 1, sizeof *done);
	if (!done)
		return no_memory(b);
	b->done = done;
	if (flow_hash_reserve(&b->table, hash_done, b))
		return no_memory(b);
	b->done[b->done_count] =
		(struct done){(uint32_t)set_at, (uint32_t)count, result, (uint8_t)field};
	at = hash_done(b, (uint32_t)b->done_count) & (b->table.capacity - 1);
	while (b->table.slots[at])
		at = (at + 1) & (b->table.capacity - 1);
	b->table.slots[at] = (uint32_t)++b->done_count;
	return E_OK;
}

static enum err put_in_set(struct build *b, uint32_t match)
{
	uint32_t *sets;

	if (b->set_len >= b->m->node_limit * WORK_PER_NODE)
		return flow_limit(b->m, "sets of rules", b->error);
	sets = flow_grow(b->sets, &b->set_capacity, b->set_len + 1, sizeof *sets);
	if (!sets)
		return no_memory(b);
	b->sets = sets;
	b->sets[b->set_len++] = match;
	return E_OK;
}

/* Where an interval of a match of the set begins or ends: rank, then the match's place in the set,
 * then 1 for a beginning, in one number that sorts so. */
typedef uint64_t event;

static event make_event(uint32_t rank, size_t place, bool begins)
{
	return (uint64_t)rank << 32 | (uint64_t)place << 1 | begins;
}

static int compare_events(const void *a, const void *b)
{
	event x = *(const event *)a;
	event y = *(const event *)b;

	return x < y ? -1 : x > y;
}

struct sweep {
	event *events;
	size_t event_count;
	uint64_t *live; /* a bit for each place in the set */
	size_t words;
};

static void sweep_fini(struct sweep *s)
{
	free(s->events);
	free(s->live);
}

static enum err sweep_init(
	struct sweep *s, const struct build *b, unsigned field, size_t set_at, size_t count)
{
	size_t events = 0;

	*s = (struct sweep){.words = (count + 63) / 64};
	for (size_t i = 0; i < count; i++)
		events += 2 * (size_t)b->wants[field][b->sets[set_at + i]].count;
	s->events = calloc(events, sizeof *s->events);
	s->live = calloc(s->words, sizeof *s->live);
	if (!s->events || !s->live)
		return no_memory(b);
	for (size_t i = 0; i < count; i++) {
		struct spans wants = b->wants[field][b->sets[set_at + i]];

		if (wants.count == 0)
			s->live[i / 64] |= (uint64_t)1 << i % 64;
		for (uint32_t j = 0; j < wants.count; j++) {
			struct span span = b->spans[wants.at + j];

			s->events[s->event_count++] = make_event(span.first, i, true);
			s->events[s->event_count++] = make_event(span.end, i, false);
		}
	}
	qsort(s->events, s->event_count, sizeof *s->events, compare_events);
	return E_OK;
}

/* Is a match, in a set for the fields from this one on, hidden by those before it? */
static bool is_hidden(struct build *b, unsigned field, uint32_t match)
{
	uint32_t same = b->same[field][match];
	uint32_t number = b->matches[match].number;

	if (b->stamp[same] != b->stamps) {
		b->stamp[same] = b->stamps;
		b->stamped[same] = number;
		return false;
	}
	if (!b->action_of || b->stamped[same] == UINT32_MAX || b->stamped[same] == number)
		return true;
	b->stamped[same] = UINT32_MAX;
	return false;
}

/* Adds a match to the set at the end of build.sets unless it is hidden. `*complete` counts those
 * that nothing can escape; enough of them end the set. */
static enum err admit(struct build *b, unsigned field, uint32_t match, unsigned *complete)
{
	if (is_hidden(b, field, match))
		return E_OK;
	if (!(b->mask[match] & ~0u << field))
		++*complete;
	return put_in_set(b, b->twin[field][match]);
}

static bool is_full(const struct build *b, unsigned complete)
{
	return complete == (b->action_of ? 2u : 1u);
}

/* Appends what is alive to build.sets, for the fields from this one on. */
static enum err extract(
	struct build *b, const struct sweep *s, unsigned field, size_t set_at, size_t *ret_count)
{
	size_t from = b->set_len;
	unsigned complete = 0;

	b->stamps++;
	for (size_t word = 0; word < s->words && !is_full(b, complete); word++) {
		uint64_t bits = s->live[word];

		for (; bits && !is_full(b, complete); bits &= bits - 1) {
			size_t place = word * 64 + (size_t)__builtin_ctzll(bits);
			enum err err = admit(b, field, b->sets[set_at + place], &complete);

			if (err)
				return err;
		}
	}
	*ret_count = b->set_len - from;
	return E_OK;
}

/* The number for flows that all matches of the set want. */
static uint32_t leaf_number(const struct build *b, const uint32_t *set, size_t count)
{
	uint32_t number = count > 0 ? b->matches[set[0]].number : 0;
	uint32_t next = count > 1 ? b->matches[set[1]].number : 0;

	if (b->action_of && b->action_of(b->context, number) == b->action_of(b->context, next))
		return 0;
	return number;
}

/* The diagram of the set at the end of build.sets, which it takes off or keeps as remembered. The
 * recursion is as deep as there are fields. */
static enum err build_set(struct build *b, unsigned from, size_t count, flow_ref *ret)
{
	size_t set_at = b->set_len - count;
	size_t mark = flow_node_begin(b->m);
	struct sweep s = {0};
	const struct done *done;
	uint32_t narrowed = 0;
	unsigned field;
	size_t at = 0;
	enum err err;

	for (size_t i = 0; i < count; i++)
		narrowed |= b->mask[b->sets[set_at + i]];
	narrowed &= ~0u << from;
	if (!narrowed) {
		*ret = FLOW_LEAF(leaf_number(b, &b->sets[set_at], count));
		b->set_len = set_at;
		return E_OK;
	}
	field = (unsigned)__builtin_ctz(narrowed);
	done = find_done(b, field, &b->sets[set_at], count);
	if (done) {
		*ret = done->result;
		b->set_len = set_at;
		return E_OK;
	}
	err = sweep_init(&s, b, field, set_at, count);
	/* Each turn handles the piece before the next event, then all events there. */
	for (uint32_t rank = 0; !err && rank < b->borders[field].count;) {
		uint32_t end = (uint32_t)b->borders[field].count;
		flow_ref child;
		size_t left;

		for (; at < s.event_count && s.events[at] >> 32 == rank; at++) {
			size_t place = (s.events[at] & UINT32_MAX) >> 1;

			s.live[place / 64] ^= (uint64_t)1 << place % 64;
		}
		if (at < s.event_count)
			end = (uint32_t)(s.events[at] >> 32);
		err = extract(b, &s, field + 1, set_at, &left);
		if (!err)
			err = build_set(b, field + 1, left, &child);
		if (!err)
			err = flow_node_push(
				b->m, mark, b->borders[field].last_codes[end - 1], child, b->error);
		rank = end;
	}
	sweep_fini(&s);
	if (!err)
		err = flow_node_end(b->m, mark, (enum flow_field)field, ret, b->error);
	if (!err)
		err = remember(b, field, set_at, count, *ret);
	if (err)
		b->m->stack_len = mark;
	return err;
}

static void build_fini(struct build *b)
{
	for (unsigned field = 0; field <= FLOW_FIELDS; field++) {
		if (field < FLOW_FIELDS) {
			free(b->borders[field].starts);
			free(b->borders[field].last_codes);
			free(b->wants[field]);
		}
		free(b->same[field]);
		free(b->twin[field]);
	}
	free(b->spans);
	free(b->mask);
	free(b->stamp);
	free(b->stamped);
	free(b->sets);
	free(b->done);
	free(b->table.slots);
}

static enum err check_matches(const struct build *b)
{
	/* An event has 31 bits for the place of a match in its set. */
	if (b->count > FLOW_NUMBER_MAX)
		return error_set(b->error, E_LIMIT, "%zu matches are too many", b->count);
	for (size_t i = 0; i < b->count; i++) {
		enum err err = flow_match_check(&b->matches[i], b->error);

		if (err) {
			error_prefix(b->error, "match %zu", i + 1);
			return err;
		}
		if (b->matches[i].number > FLOW_NUMBER_MAX)
			return error_set(b->error, E_RANGE, "match %zu: number %u is too great",
				i + 1, (unsigned)b->matches[i].number);
	}
	return E_OK;
}

static enum err build(struct build *b, flow_ref *ret)
{
	flow_ref result = FLOW_NOTHING;
	enum err err = check_matches(b);

	if (!err && b->count > 0) {
		unsigned complete = 0;

		err = prepare(b);
		b->stamps++;
		for (size_t i = 0; i < b->count && !err && !is_full(b, complete); i++)
			err = admit(b, 0, (uint32_t)i, &complete);
		if (!err)
			err = build_set(b, 0, b->set_len, &result);
	}
	build_fini(b);
	if (!err)
		*ret = result;
	return err;
}

enum err flow_build(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_ref *ret, struct error *error)
{
	struct build b = {.m = m, .matches = matches, .count = count, .error = error};

	return build(&b, ret);
}

enum err flow_build_needed(struct flow_manager *m, const struct flow_match *matches, size_t count,
	flow_map_fn *action_of, void *context, flow_ref *ret, struct error *error)
{
	struct build b = {.m = m,
		.matches = matches,
		.count = count,
		.error = error,
		.action_of = action_of,
		.context = context};

	return build(&b, ret);
}
