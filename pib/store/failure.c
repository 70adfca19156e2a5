/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/store/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pri_failures_init(struct pri_failures *f)
{
	f->count = 0;
	f->omitted = 0;
}

static void add(struct pri_failures *f, struct pib_fault fault, struct view prid,
	const char *format, va_list ap) PRINTF_LIKE(4, 0);

static void add(struct pri_failures *f, struct pib_fault fault, struct view prid,
	const char *format, va_list ap)
{
	struct pri_failure *failure;

	if (f->count == PRI_FAILURES_MAX) {
		f->omitted++;
		return;
	}
	failure = &f->list[f->count++];
	*failure = (struct pri_failure){.fault = fault};
	if (prid.len && prid.len <= sizeof failure->prid) {
		memcpy(failure->prid, prid.data, prid.len);
		failure->prid_len = (uint8_t)prid.len;
	}
	vsnprintf(failure->text, sizeof failure->text, format, ap);
}

void pri_failures_add(
	struct pri_failures *f, struct pib_fault fault, struct view prid, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(f, fault, prid, format, ap);
	va_end(ap);
}

void pri_failures_add_prid(struct pri_failures *f, struct pib_fault fault, const struct prid *prid,
	const char *format, ...)
{
	struct buffer contents;
	struct oid oid;
	va_list ap;

	/* Tag 6 and a short length: a PRID of ours has far less than 128 octets. */
	buffer_init(&contents, PRI_FAILURE_PRID_MAX);
	prid_oid(prid, &oid);
	buffer_put_u16(&contents, 0x0600);
	oid_put(&contents, &oid);
	if (!contents.error)
		contents.data[1] = (uint8_t)(contents.len - 2);
	va_start(ap, format);
	add(f, fault, contents.error ? VIEW_NONE : buffer_view(&contents), format, ap);
	va_end(ap);
	buffer_fini(&contents);
}
