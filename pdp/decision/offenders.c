/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/offenders.h"

#include <string.h>

static void identify(const struct endpoint *address, const struct pin *key, uint8_t who[PIN_SIZE])
{
	const uint8_t *octets;
	size_t len;

	memset(who, 0, PIN_SIZE);
	if (key) {
		memcpy(who, key->sha256, PIN_SIZE);
		return;
	}
	octets = endpoint_address(address, &len);
	memcpy(who + PIN_SIZE - len, octets, len);
}

static struct offender *find(struct offenders *o, const uint8_t who[PIN_SIZE])
{
	for (size_t i = 0; i < o->count; i++)
		if (memcmp(o->list[i].who, who, PIN_SIZE) == 0)
			return &o->list[i];
	return NULL;
}

static struct offender *place(struct offenders *o)
{
	struct offender *oldest = &o->list[0];

	if (o->count < OFFENDERS_MAX)
		return &o->list[o->count++];
	for (size_t i = 1; i < o->count; i++)
		if (o->list[i].heard < oldest->heard)
			oldest = &o->list[i];
	return oldest;
}

bool offenders_note(struct offenders *o, const struct offence_limit *limit,
	const struct endpoint *address, const struct pin *key, uint64_t now)
{
	uint8_t who[PIN_SIZE];
	struct offender *f;

	if (!limit->offences)
		return false;
	identify(address, key, who);
	f = find(o, who);
	if (!f) {
		f = place(o);
		*f = (struct offender){.since = now};
		memcpy(f->who, who, PIN_SIZE);
	}
	if (now - f->since >= limit->window) {
		f->since = now;
		f->offences = 0;
		f->waits = false;
	}
	f->heard = now;
	f->offences++;
	if (f->waits || f->offences < limit->offences)
		return false;
	f->waits = true;
	f->since = now;
	return true;
}

bool offenders_must_wait(struct offenders *o, const struct offence_limit *limit,
	const struct endpoint *address, const struct pin *key, uint64_t now)
{
	uint8_t who[PIN_SIZE];
	struct offender *f;

	if (!limit->offences)
		return false;
	identify(address, key, who);
	f = find(o, who);
	return f && f->waits && now - f->since < limit->window;
}
