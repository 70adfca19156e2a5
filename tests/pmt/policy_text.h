/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policies out of strings, for the tests of what is made of them. */
#ifndef COPSEC_TESTS_PMT_POLICY_TEXT_H
#define COPSEC_TESTS_PMT_POLICY_TEXT_H

#include "pmt/language/policy_file.h"
#include "tests/suite.h"

#include <stdio.h>
#include <unistd.h>

#define POLICY(body) "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"acme\">" body "</policy>"
/* Keys of nodes; what is in them does not matter. */
#define KEY1 "sha256:0000000000000000000000000000000000000000000000000000000000000001"
#define KEY2 "sha256:0000000000000000000000000000000000000000000000000000000000000002"

/* Of a key that nobody has any more. */
#define CERTIFICATE \
	"MIIBYDCCAQWgAwIBAgIQag4rwb9pmNU4XtGVfmNHDTAKBggqhkjOPQQDAjAQMQ4wDAYDVQ" \
	"QDDAVkb29yczAgFw0wMDAxMDEwMDAwMDBaGA85OTk5MTIzMTIzNTk1OVowEDEOMAwGA1UE" \
	"AwwFZG9vcnMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATQPvYdoIXMI1hcsWK70YegvP" \
	"TLj3Mf9QdIO7kwHJWC3heKmrUoubJ4kmT2/W3uHk+5nIFInXKAy3bblAOqhjvGoz8wPTAM" \
	"BgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDAdBgNVHQ4EFgQUACYZbtcL5cst/TwxSV" \
	"xGKVeM6i8wCgYIKoZIzj0EAwIDSQAwRgIhAIZD59uMPf98VyXel5achx7ECJ0QNpIwxdTZ" \
	"XShae2hPAiEAoF672IhzWnxXTI92X+m7CNOQhTHO5nIsGZoC/c1hCPc="

/* Reads a text as the file p.xml in a folder of its own. Findings stay in the file. */
static inline void policy_text_read(struct policy_file *f, struct view text)
{
	char folder[] = "/tmp/copsec-policy-XXXXXX", path[64];
	struct error e;
	FILE *out;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	snprintf(path, sizeof path, "p.xml");
	out = fopen(path, "we");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(text.data, 1, text.len, out), text.len);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(policy_file_read(f, path, &e), E_OK);
	unlink(path);
	rmdir(folder);
}

/* The same of a policy that must be right. */
static inline void policy_text_good(struct policy_file *f, const char *text)
{
	policy_text_read(f, view_of_string(text));
	if (f->diagnostics.errors) {
		struct buffer out;

		buffer_init(&out, 1 << 20);
		diagnostics_print(&f->diagnostics, &out);
		ck_abort_msg("%s", buffer_string(&out));
	}
}

#endif
