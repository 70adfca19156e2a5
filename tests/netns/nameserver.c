/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DNS server for namespaces: nameserver ADDRESS RECORDS. The file has a record a line, and is read
 * again at every question: owner, ttl, then A or AAAA and an address, CNAME and a name, or SRV with
 * priority, weight, port and a name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/service/notify.h"
#include "tests/pep/net/dns.h"
#include "tests/require.h"

enum { RECORDS_MAX = 64, WORD_MAX = 128 };

struct line {
	char owner[WORD_MAX], data[WORD_MAX];
};

struct nameserver {
	struct dns dns; /* first: it is what its sockets know */
	const char *path;
	struct line lines[RECORDS_MAX];
	struct dns_record records[RECORDS_MAX];
	struct ev_check check;
};

static uint16_t type_of(const char *word)
{
	static const struct {
		const char *name;
		uint16_t type;
	} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"CNAME", DNS_CNAME}, {"SRV", DNS_SRV}};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (!strcmp(types[i].name, word))
			return types[i].type;
	require_fail("a type of record", __FILE__, __LINE__);
}

static bool read_record(FILE *f, struct line *line, struct dns_record *r)
{
	unsigned ttl, priority = 0, weight = 0, port = 0;
	char type[8];

	if (fscanf(f, "%127s %u %7s", line->owner, &ttl, type) != 3)
		return false;
	if (type_of(type) == DNS_SRV)
		REQUIRE(fscanf(f, "%u %u %u", &priority, &weight, &port) == 3);
	REQUIRE(fscanf(f, "%127s", line->data) == 1);
	*r = (struct dns_record){line->owner, type_of(type), ttl, line->data, (uint16_t)priority,
		(uint16_t)weight, (uint16_t)port};
	return true;
}

/* Before every question. */
static void on_check(struct ev_loop *loop, struct ev_check *w, int revents)
{
	struct nameserver *n = w->data;
	FILE *f = fopen(n->path, "re");

	(void)loop;
	(void)revents;
	n->dns.count = 0;
	while (f && n->dns.count < RECORDS_MAX &&
		read_record(f, &n->lines[n->dns.count], &n->records[n->dns.count]))
		n->dns.count++;
	if (f)
		fclose(f);
}

int main(int argc, char **argv)
{
	struct ev_loop *loop = ev_loop_new(0);
	static struct nameserver n;
	struct endpoint at;
	struct error e;

	REQUIRE(argc == 3 && loop);
	REQUIRE(!endpoint_parse(argv[1], 53, &at, &e));
	dns_init(&n.dns, loop, &at);
	n.dns.records = n.records;
	n.path = argv[2];
	ev_check_init(&n.check, on_check);
	ev_set_priority(&n.check, EV_MAXPRI);
	n.check.data = &n;
	ev_check_start(loop, &n.check);
	REQUIRE(!service_notify("READY=1", &e));
	ev_run(loop, 0);
	return 0;
}
