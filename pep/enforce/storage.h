/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the last good state survives a reboot: one run of octets that is replaced whole.
 *
 * A new state is first prepared, which can fail (no space, no disk), and put in the old one's place
 * when the kernel enforces it, which hardly can. At every moment the old octets or the new ones are
 * there, never a mixture and never none. The interface lets tests fail each step.
 */
#ifndef COPSEC_PEP_ENFORCE_STORAGE_H
#define COPSEC_PEP_ENFORCE_STORAGE_H

#include "common/base/bytes.h"

struct storage {
	void *context;
	/* Appends what was committed last, and when (seconds since 1970); E_NOT_FOUND: never. */
	enum err (*load)(void *context, struct buffer *out, uint64_t *ret_when, struct error *e);
	enum err (*prepare)(void *context, struct view octets, struct error *e);
	/* Only after prepare(). */
	enum err (*commit)(void *context, struct error *e);
	void (*abandon)(void *context);
};

/*
 * In a directory: file "state", and "state.new" while it is prepared. The directory is opened once,
 * so its path is not looked up again after privileges are gone. Mode 0600, on the disk (fsync of
 * file and directory) before anything says so.
 */
struct directory_storage {
	int directory;
};
enum err directory_storage_init(struct directory_storage *d, const char *path,
                                struct error *e) MUST_USE;
void directory_storage_fini(struct directory_storage *d);
struct storage directory_storage(struct directory_storage *d);

#endif
