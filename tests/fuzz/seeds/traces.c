/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is traced: messages with a row of every class, a session in pieces, and captures of one. */
#include <string.h>

#include "common/cops/message.h"
#include "tests/fuzz/seeds/seeds.h"

static const struct view handle = {(const uint8_t *)"\0\0\0\1", 4};

/* ---- Messages ---- */

static void put_run(struct buffer *out, enum cops_carrier carrier, struct view whole)
{
	struct cops_run run;

	cops_run_begin(&run, out, carrier);
	cops_run_add(&run, whole);
	cops_run_end(&run);
}

static void put_decision(struct buffer *out, struct view installs)
{
	size_t begun = cops_begin(out, COPS_DEC, COPS_FLAG_SOLICITED, COPS_CLIENT_PROVISIONING);

	cops_put_handle(out, handle);
	put_run(out, COPS_IN_INSTALL, installs);
	cops_end(out, begun);
}

static void put_failure(struct buffer *out, const struct prid *prid)
{
	size_t begun = cops_begin(out, COPS_RPT, COPS_FLAG_SOLICITED, COPS_CLIENT_PROVISIONING);
	struct buffer name, run;

	buffer_init(&name, SEED_MAX);
	buffer_init(&run, SEED_MAX);
	prid_put(&name, prid);
	/* The same OBJECT IDENTIFIER as an ErrorPRID. */
	pr_put(&run, PR_ERROR_PRID,
		VIEW(name.data + PR_HEADER, (size_t)(name.data[0] << 8 | name.data[1]) - PR_HEADER));
	pr_put_error(&run, PR_CPERR, PR_CPERR_ATTR_VALUE_INVALID, 2);
	cops_put_handle(out, handle);
	cops_put_report_type(out, COPS_FAILURE);
	put_run(out, COPS_IN_CLIENT_SI, buffer_view(&run));
	cops_end(out, begun);
	buffer_fini(&run);
	buffer_fini(&name);
}

static void write_message(const struct seeds *s, const char *quality, const char *op,
	const char *name, uint16_t missing, struct view message)
{
	struct buffer out;

	buffer_init(&out, SEED_MAX);
	buffer_put_u16(&out, missing);
	buffer_put_view(&out, message);
	seed_write(s, "trace-message", buffer_view(&out), "%s-%s-%s", quality, op, name);
	buffer_fini(&out);
}

static void make_class(const struct seeds *s, const struct pib_class *class)
{
	struct buffer rows, out;
	struct error e;
	struct pri pri;

	buffer_init(&rows, SEED_MAX);
	buffer_init(&out, SEED_MAX);
	for (int greatest = 0; greatest < 2; greatest++) {
		seed_row(class, greatest, &pri);
		REQUIRE(pri_put(&rows, &pri, &e) == E_OK);
	}
	put_decision(&out, buffer_view(&rows));
	write_message(s, "good", "DEC", class->name, 0, buffer_view(&out));
	if (class->id == PIB_ipSecRule)
		write_message(s, "bad", "cut-DEC", class->name, 3, VIEW(out.data, out.len - 3));
	buffer_reset(&out);
	put_failure(&out, &(struct prid){class, pri.instance});
	write_message(s, "good", "RPT", class->name, 0, buffer_view(&out));
	buffer_fini(&rows);
	buffer_fini(&out);
}

/* ---- What a connection carries ---- */

static void put_pep(struct buffer *out)
{
	size_t begun = cops_begin(out, COPS_OPN, 0, COPS_CLIENT_PROVISIONING);

	cops_put_pepid(out, view_of_string("pep1.example"));
	cops_end(out, begun);
	begun = cops_begin(out, COPS_REQ, 0, COPS_CLIENT_PROVISIONING);
	cops_put_handle(out, handle);
	cops_put_context(out, COPS_R_CONFIGURATION, 0);
	cops_end(out, begun);
	cops_end(out, cops_begin(out, COPS_KA, 0, COPS_CLIENT_CONNECTION));
	put_failure(out, &(struct prid){pib_class(PIB_ipSecRule), 7});
}

static void put_pdp(struct buffer *out)
{
	size_t begun = cops_begin(out, COPS_CAT, 0, COPS_CLIENT_PROVISIONING);
	struct buffer row;
	struct error e;
	struct pri pri;

	cops_put_ka_timer(out, 30);
	cops_end(out, begun);
	buffer_init(&row, SEED_MAX);
	seed_row(pib_class(PIB_ipSecRule), true, &pri);
	REQUIRE(pri_put(&row, &pri, &e) == E_OK);
	put_decision(out, buffer_view(&row));
	buffer_fini(&row);
	cops_end(out, cops_begin(out, COPS_KA, 0, COPS_CLIENT_CONNECTION));
}

/* ---- Pieces of a stream ---- */

struct piece {
	uint16_t at, len;
};

static void write_flows(const struct seeds *s, const char *name, uint32_t first,
	const struct piece *pieces, size_t count)
{
	struct buffer stream, out;

	buffer_init(&stream, SEED_MAX);
	buffer_init(&out, SEED_MAX);
	put_pep(&stream);
	buffer_put_u8(&out, 0);
	buffer_put_u32(&out, first);
	buffer_put_u16(&out, (uint16_t)stream.len);
	buffer_put_view(&out, buffer_view(&stream));
	for (size_t i = 0; i < count; i++) {
		/* Now of one end, now of the other. */
		buffer_put_u8(&out, i & 1 ? 8 : 0);
		buffer_put_u16(&out, pieces[i].at);
		buffer_put_u16(&out, pieces[i].len);
	}
	seed_write(s, "trace-flows", buffer_view(&out), "%s", name);
	buffer_fini(&stream);
	buffer_fini(&out);
}

static void make_flows(const struct seeds *s)
{
	static const struct piece whole[] = {{0, 60000}, {0, 60000}};
	static const struct piece halves[] = {{0, 30}, {0, 9}, {30, 60000}, {9, 60000}};
	static const struct piece turned[] = {{30, 60000}, {9, 60000}, {9, 21}, {0, 9}, {0, 9}};
	static const struct piece twice[] = {{0, 40}, {0, 40}, {20, 60}, {0, 90}, {10, 60000},
		{10, 60000}};
	static const struct piece hole[] = {{0, 30}, {0, 30}, {31, 60000}, {31, 60000}};

#define PIECES(p) p, sizeof(p) / sizeof *(p)
	write_flows(s, "good-whole", 1, PIECES(whole));
	write_flows(s, "good-halves", 1, PIECES(halves));
	write_flows(s, "good-turned", 1, PIECES(turned));
	write_flows(s, "good-twice", 1, PIECES(twice));
	write_flows(s, "good-over-the-end-of-the-numbers", UINT32_MAX - 20, PIECES(turned));
	write_flows(s, "bad-hole", 1, PIECES(hole));
#undef PIECES
}

/* ---- Captures: one end's octets in two packets, then the other's ---- */

enum { IPV4_HEADER = 20, IPV6_HEADER = 40, TCP_HEADER = 20, TCP_SYN = 2, TCP_ACK = 16 };

struct link {
	const char *name;
	uint32_t type;
	const char *header;
	size_t len;
	bool ipv6;
};

static const struct link links[] = {
	{"ethernet", 1, "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00", 14, false},
	{"vlan", 1, "\2\0\0\0\0\1\2\0\0\0\0\2\x81\x00\0\1\x86\xdd", 18, true},
	{"cooked", 113, "\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\x00", 16, false},
	{"cooked-2", 276, "\x86\xdd\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0", 20, true},
	{"loopback", 0, "\2\0\0\0", 4, false},
	{"raw", 101, "", 0, true},
	{"ipv4", 228, "", 0, false},
};

static void put_ip(struct buffer *out, bool ipv6, bool back, size_t len)
{
	if (ipv6) {
		buffer_put_u32(out, 0x60000000);
		buffer_put_u16(out, (uint16_t)len);
		buffer_put(out, "\x06\x40", 2);
		for (int i = 0; i < 2; i++) {
			buffer_put(out, "\x20\x01\x0d\xb8", 4);
			buffer_put_zeros(out, 11);
			buffer_put_u8(out, (uint8_t)(1 + (back ^ i)));
		}
	} else {
		buffer_put(out, "\x45\0", 2);
		buffer_put_u16(out, (uint16_t)(IPV4_HEADER + len));
		buffer_put(out, "\0\0\0\0\x40\x06\0\0", 8);
		for (int i = 0; i < 2; i++) {
			buffer_put(out, "\xc0\0\2", 3);
			buffer_put_u8(out, (uint8_t)(1 + (back ^ i)));
		}
	}
}

/* A file's numbers are in the order of whoever wrote it. */
static void put_u32_le(struct buffer *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		buffer_put_u8(out, (uint8_t)(v >> 8 * i));
}

static void put_packet(struct buffer *out, const struct link *link, bool back, uint32_t sequence,
	uint8_t flags, struct view payload)
{
	size_t len = TCP_HEADER + payload.len;
	size_t all = link->len + (link->ipv6 ? IPV6_HEADER : IPV4_HEADER) + len;

	put_u32_le(out, 1700000000);
	put_u32_le(out, 0);
	put_u32_le(out, (uint32_t)all);
	put_u32_le(out, (uint32_t)all);
	buffer_put(out, link->header, link->len);
	put_ip(out, link->ipv6, back, len);
	buffer_put_u16(out, back ? COPS_PORT : 40000);
	buffer_put_u16(out, back ? 40000 : COPS_PORT);
	buffer_put_u32(out, sequence);
	buffer_put_u32(out, 0);
	buffer_put_u8(out, TCP_HEADER / 4 << 4);
	buffer_put_u8(out, flags);
	buffer_put_zeros(out, 6);
	buffer_put_view(out, payload);
}

static void begin_capture(struct buffer *out, const struct link *link)
{
	buffer_init(out, SEED_MAX);
	put_u32_le(out, 0xa1b2c3d4);
	put_u32_le(out, 0x00040002);
	put_u32_le(out, 0);
	put_u32_le(out, 0);
	put_u32_le(out, 262144);
	put_u32_le(out, link->type);
}

static void make_capture(const struct seeds *s, const struct link *link)
{
	struct buffer out, octets;

	begin_capture(&out, link);
	for (int back = 0; back < 2; back++) {
		buffer_init(&octets, SEED_MAX);
		if (back)
			put_pdp(&octets);
		else
			put_pep(&octets);
		put_packet(&out, link, back, 99, TCP_SYN, VIEW_NONE);
		put_packet(&out, link, back, 110, TCP_ACK, VIEW(octets.data + 10, octets.len - 10));
		put_packet(&out, link, back, 100, TCP_ACK, VIEW(octets.data, 10));
		buffer_fini(&octets);
	}
	seed_write(s, "trace-capture", buffer_view(&out), "good-%s", link->name);
	seed_write(s, "trace-capture", VIEW(out.data, out.len - 1), "bad-cut-%s", link->name);
	buffer_fini(&out);
}

static void make_tls_capture(const struct seeds *s)
{
	struct buffer out;

	begin_capture(&out, &links[0]);
	put_packet(&out, &links[0], false, 99, TCP_SYN, VIEW_NONE);
	put_packet(&out, &links[0], false, 100, TCP_ACK, VIEW("\x16\x03\x01\x00\x05hello", 10));
	seed_write(s, "trace-capture", buffer_view(&out), "bad-TLS");
	buffer_fini(&out);
}

void make_traces(const struct seeds *s)
{
	struct buffer garbage;

	for (int id = 0; id < PIB_CLASS_COUNT; id++)
		make_class(s, pib_class((enum pib_class_id)id));
	buffer_init(&garbage, SEED_MAX);
	buffer_put_zeros(&garbage, 24);
	write_message(s, "bad", "zeros", "24", 0, buffer_view(&garbage));
	buffer_fini(&garbage);
	make_flows(s);
	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		make_capture(s, &links[i]);
	make_tls_capture(s);
}
