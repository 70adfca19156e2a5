/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What survives a reboot: the last good state, the serial floors, and the PDP that it was in sync
 * with, each a run of octets that is replaced whole.
 *
 * New octets are first prepared, which can fail (no space, no disk), and put in the old ones' place
 * when the kernel enforces the policy, which hardly can. At every moment the old octets or the new
 * ones are there, never a mixture and never none. The interface lets tests fail each step.
 */
#ifndef COPSEC_PEP_ENFORCE_STORAGE_H
#define COPSEC_PEP_ENFORCE_STORAGE_H

#include "common/base/bytes.h"

enum stored {
	STORED_STATE,
	STORED_FLOORS,
	STORED_PDP,
	STORED_PREVIOUS, /* the state before it, while the new one is on trial (confirm.h) */
	STORED_TRIAL,    /* trial.h; outlasts a process, not a power failure */
	STORED_KINDS
};

struct storage {
	void *context;
	/* Appends what was committed last, and when (seconds since 1970); E_NOT_FOUND: never. */
	enum err (*load)(void *context, enum stored what, struct buffer *out, uint64_t *ret_when,
	                 struct error *e);
	enum err (*prepare)(void *context, enum stored what, struct view octets, struct error *e);
	/* Only after prepare(). On failure the old octets are there. */
	enum err (*commit)(void *context, enum stored what, struct error *e);
	/* What was committed is on the disk. */
	enum err (*sync)(void *context, struct error *e);
	/* The committed state becomes the previous one too. */
	enum err (*keep)(void *context, struct error *e);
	/* It is not there any more, if it ever was. */
	void (*forget)(void *context, enum stored what);
	/* Of all that was prepared. */
	void (*abandon)(void *context);
};

/*
 * In a directory: files "state", "floors" and "pdp", and "state.new" and so on while they are
 * prepared; "previous" and "trial" while a policy is on trial. The directory is opened once, so its
 * path is not looked up again after privileges are gone. Mode 0600.
 */
struct directory_storage {
	int directory;
};
enum err directory_storage_init(struct directory_storage *d, const char *path,
                                struct error *e) MUST_USE;
void directory_storage_fini(struct directory_storage *d);
struct storage directory_storage(struct directory_storage *d);

#endif
