/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/zones.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "pib/policy/zone.h"

enum { ZONES_OCTETS_MAX = 16 * 1024 * 1024 };

struct known {
	char name[PERIOD_ZONE_MAX + 1]; /* "": the node's own */
	bool there;
	struct zone zone;
};

struct zones {
	struct arena arena;
	const char *folder, *local;
	struct known known[ZONES_MAX];
	size_t count;
};

struct zones *zones_new(const char *folder, const char *local)
{
	struct zones *z = calloc(1, sizeof *z);

	if (!z)
		return NULL;
	arena_init(&z->arena, ZONES_OCTETS_MAX);
	z->folder = folder;
	z->local = local;
	return z;
}

struct zones *zones_free(struct zones *z)
{
	if (!z)
		return NULL;
	arena_fini(&z->arena);
	free(z);
	return NULL;
}

/* Neither a step upwards nor anything that no zone has in its name. */
static bool is_name(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789+-_/";

	return name[0] != '/' && name[strspn(name, allowed)] == '\0';
}

static enum err read_zone(struct zones *z, const char *path, struct zone *ret, struct error *e)
{
	struct buffer octets;
	enum err err;

	buffer_init(&octets, ZONE_FILE_MAX);
	err = file_read(path, &octets, NULL, e);
	if (!err)
		err = zone_parse(buffer_view(&octets), &z->arena, ret, e);
	buffer_fini(&octets);
	return err;
}

static const struct known *find(struct zones *z, const char *name)
{
	struct known *k;
	char path[PATH_MAX];
	struct error e = {0};

	for (size_t i = 0; i < z->count; i++)
		if (strcmp(z->known[i].name, name) == 0)
			return &z->known[i];
	if (z->count == ZONES_MAX || strlen(name) > PERIOD_ZONE_MAX || !is_name(name))
		return NULL;
	k = &z->known[z->count++];
	snprintf(k->name, sizeof k->name, "%s", name);
	snprintf(path, sizeof path, "%s/%s", z->folder, name);
	k->there = read_zone(z, name[0] ? path : z->local, &k->zone, &e) == E_OK ||
	           (!name[0] && e.sys == ENOENT);
	return k;
}

static bool offset(
	void *context, const char *zone, int64_t utc, int32_t *ret_ahead, int64_t *ret_until)
{
	const struct known *k = find(context, zone);

	if (!k || !k->there)
		return false;
	zone_offset(&k->zone, utc, ret_ahead, ret_until);
	return true;
}

struct policy_clock zones_clock(struct zones *z)
{
	return (struct policy_clock){offset, z};
}
