/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/trace/message.h"

#include <string.h>

#include "common/cops/message.h"
#include "pib/schema/print.h"
#include "pib/schema/subcode.h"

enum { PRI_TEXT_MAX = 1 << 20 };

/* Every line of `text` behind `indent`. */
static void put_indented(struct buffer *out, const char *indent, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		buffer_put_text(out, "%s%.*s\n", indent, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* ---- COPS-PR objects ---- */

/* What the objects of a run are about, until the next PRID. */
struct subject {
	struct prid prid;
	bool known;
	bool in_error; /* an ErrorPRID named it */
};

static void print_raw(const struct pr_object *o, struct buffer *out)
{
	pr_print(o->raw, "    ", out);
}

static void print_prid(const struct pr_object *o, struct subject *s, struct buffer *out)
{
	char text[PRID_TEXT_SIZE];
	struct pib_fault fault;
	struct error e;

	s->in_error = o->s_num == PR_ERROR_PRID;
	s->known = !prid_decode(o->contents, &s->prid, &fault, &e);
	if (!s->known) {
		print_raw(o, out);
		return;
	}
	prid_format(&s->prid, text);
	buffer_put_text(out, "    %s %s\n", pr_s_num_name(o->s_num), text);
}

static void print_prefix(const struct pr_object *o, struct buffer *out)
{
	const struct pib_class *class;
	struct pib_fault fault;
	struct error e;
	struct oid oid;

	class = prid_decode_oid(o->contents, &oid, &fault, &e) ? NULL : pib_class_by_row(&oid);
	if (class)
		buffer_put_text(out, "    PPRID %s (all of them)\n", class->name);
	else
		print_raw(o, out);
}

static void print_epd(const struct pr_object *o, const struct subject *s, struct buffer *out)
{
	struct pib_fault fault;
	struct buffer text;
	const char *values;
	struct error e;
	struct pri pri;

	if (!s->known) {
		print_raw(o, out);
		return;
	}
	if (epd_decode(&s->prid, o->contents, &pri, &fault, &e)) {
		print_raw(o, out);
		buffer_put_text(out, "      cannot be read: %s\n", e.text);
		return;
	}
	buffer_init(&text, PRI_TEXT_MAX);
	pri_print(&text, &pri);
	/* Its first line is the PRID, which stands there. */
	values = strchr(buffer_string(&text), '\n');
	if (values)
		put_indented(out, "    ", values + 1);
	if (pri.extra)
		buffer_put_text(out, "      more attributes than the class has\n");
	buffer_fini(&text);
}

static void print_cperr(const struct pr_object *o, const struct subject *s, struct buffer *out)
{
	const char *what = NULL;

	if (s->known && s->in_error)
		what = pib_subcode_name(s->prid.class, o->code, o->sub_code);
	if (what)
		buffer_put_text(out, "    CPERR %s(%u)%s%s\n", pr_cperr_name(o->code),
			(unsigned)o->code,
			o->code == PR_CPERR_PRI_SPECIFIC_ERROR ? ": " : " in ", what);
	else
		print_raw(o, out);
}

static void print_run(struct view run, struct buffer *out)
{
	struct cursor c = cursor_over(run);
	struct subject subject = {.known = false};
	struct pr_object o;

	while (cursor_left(&c)) {
		size_t at = c.at;

		if (pr_next(&c, &o)) {
			pr_print(VIEW(run.data + at, run.len - at), "    ", out);
			return;
		}
		if (o.s_num == PR_PRID || o.s_num == PR_ERROR_PRID)
			print_prid(&o, &subject, out);
		else if (o.s_num == PR_PPRID)
			print_prefix(&o, out);
		else if (o.s_num == PR_EPD)
			print_epd(&o, &subject, out);
		else if (o.s_num == PR_CPERR)
			print_cperr(&o, &subject, out);
		else
			print_raw(&o, out);
	}
}

/* ---- COPS objects ---- */

static void print_header(const struct cops_message *m, size_t length, struct buffer *out)
{
	const char *client = cops_client_type_name(m->client_type);

	buffer_put_text(out, "%s client-type 0x%04x", cops_op_name(m->op), (unsigned)m->client_type);
	if (client)
		buffer_put_text(out, " (%s)", client);
	buffer_put_text(out, " length %zu%s\n", length,
		m->flags & COPS_FLAG_SOLICITED ? " solicited" : "");
}

static void print_object(const struct cops_object *o, struct buffer *out)
{
	const struct cops_row *row = cops_object_row(o->c_num, o->c_type);

	buffer_put_text(out, "  ");
	cops_row_print(row, o, out);
	buffer_put_u8(out, '\n');
	if (row->count && row->fields[0].kind == COPS_OBJECTS)
		print_run(o->octets, out);
}

void trace_print_message(struct view octets, size_t length, struct buffer *out)
{
	struct cops_message m = {0};
	struct cops_fault fault;
	struct arena arena;

	if (octets.len < COPS_HEADER) {
		buffer_put_text(out, "%zu octets of a message\n", octets.len);
		return;
	}
	arena_init(&arena, COPS_ARENA_LIMIT);
	if (octets.len < length || cops_decode(octets, &arena, &m, &fault)) {
		m.op = octets.data[1];
		m.flags = octets.data[0] & 0x0f;
		m.client_type = (uint16_t)(octets.data[2] << 8 | octets.data[3]);
		print_header(&m, length, out);
		if (octets.len < length)
			buffer_put_text(out, "  %zu octets of it were not kept\n",
				length - octets.len);
		else
			buffer_put_text(out, "  malformed at octet %zu: %s\n", fault.offset,
				fault.error.text);
	} else {
		print_header(&m, length, out);
		for (size_t i = 0; i < m.count; i++)
			print_object(&m.objects[i], out);
		if (cops_check(&m, COPS_PR, &fault))
			buffer_put_text(out, "  against the grammar: %s\n", fault.error.text);
	}
	arena_fini(&arena);
}
