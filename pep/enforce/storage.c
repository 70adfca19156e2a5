/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *current, *next, *what;
} files[STORED_KINDS] = {
	[STORED_STATE] = {"state", "state.new", "state"},
	[STORED_FLOORS] = {"floors", "floors.new", "serial floors"},
	[STORED_PDP] = {"pdp", "pdp.new", "PDP in sync"},
	[STORED_PREVIOUS] = {"previous", "previous.new", "previous state"},
	[STORED_TRIAL] = {"trial", "trial.new", "trial"},
};

enum err directory_storage_init(struct directory_storage *d, const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_set_sys(e, errno, "cannot open the state directory %s", path);
	d->directory = fd;
	return E_OK;
}

void directory_storage_fini(struct directory_storage *d)
{
	if (d->directory >= 0)
		close(d->directory);
	d->directory = -1;
}

static enum err load(void *context, enum stored which, struct buffer *out, uint64_t *ret_when,
                     struct error *e)
{
	struct directory_storage *d = context;
	int fd = openat(d->directory, files[which].current, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t before = out->len;
	struct stat st;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return error_set(e, E_NOT_FOUND, "no %s was ever stored", files[which].what);
	if (fd < 0 || fstat(fd, &st)) {
		enum err err = error_set_sys(e, errno, "cannot open the stored %s",
		                             files[which].what);

		if (fd >= 0)
			close(fd);
		return err;
	}
	for (;;) {
		uint8_t *room = buffer_reserve(out, 65536);

		got = room ? read(fd, room, 65536) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		buffer_grow(out, (size_t)got);
	}
	if (got < 0)
		error_set_sys(e, errno, "cannot read the stored %s", files[which].what);
	close(fd);
	if (got < 0 || out->error) {
		out->len = before;
		return got < 0 ? E_SYSTEM : error_set(e, out->error, "the stored %s: too long",
		                                        files[which].what);
	}
	*ret_when = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return E_OK;
}

static enum err write_all(int fd, enum stored which, struct view octets, struct error *e)
{
	while (octets.len) {
		ssize_t put = write(fd, octets.data, octets.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_set_sys(e, errno, "cannot write the new %s", files[which].what);
		octets.data += put;
		octets.len -= (size_t)put;
	}
	/* A trial ends with the power; no decision waits for the disk on its account. */
	if (which != STORED_TRIAL && fsync(fd))
		return error_set_sys(e, errno, "cannot bring the new %s to the disk",
		                     files[which].what);
	return E_OK;
}

static enum err prepare(void *context, enum stored which, struct view octets, struct error *e)
{
	struct directory_storage *d = context;
	const char *next = files[which].next, *what = files[which].what;
	enum err err;
	int fd;

	if (unlinkat(d->directory, next, 0) && errno != ENOENT)
		return error_set_sys(e, errno, "cannot remove an unfinished %s", next);
	fd = openat(d->directory, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set_sys(e, errno, "cannot create the new %s", what);
	err = write_all(fd, which, octets, e);
	if (close(fd) && !err)
		err = error_set_sys(e, errno, "cannot write the new %s", what);
	if (err)
		(void)unlinkat(d->directory, next, 0);
	return err;
}

static enum err commit(void *context, enum stored which, struct error *e)
{
	struct directory_storage *d = context;

	if (renameat(d->directory, files[which].next, d->directory, files[which].current))
		return error_set_sys(e, errno, "cannot put the new %s in place", files[which].what);
	return E_OK;
}

static enum err sync_directory(void *context, struct error *e)
{
	struct directory_storage *d = context;

	if (fsync(d->directory))
		return error_set_sys(e, errno, "cannot bring the state directory to the disk");
	return E_OK;
}

/* A second name for the same octets: they are never written to again. */
static enum err keep(void *context, struct error *e)
{
	const char *state = files[STORED_STATE].current, *next = files[STORED_PREVIOUS].next;
	struct directory_storage *d = context;

	if ((unlinkat(d->directory, next, 0) && errno != ENOENT) ||
	    linkat(d->directory, state, d->directory, next, 0) ||
	    renameat(d->directory, next, d->directory, files[STORED_PREVIOUS].current))
		return error_set_sys(e, errno, "cannot keep the state before");
	return E_OK;
}

static void forget(void *context, enum stored which)
{
	struct directory_storage *d = context;

	(void)unlinkat(d->directory, files[which].current, 0);
}

static void abandon(void *context)
{
	struct directory_storage *d = context;

	for (size_t i = 0; i < STORED_KINDS; i++)
		(void)unlinkat(d->directory, files[i].next, 0);
}

struct storage directory_storage(struct directory_storage *d)
{
	return (struct storage){d, load, prepare, commit, sync_directory, keep, forget, abandon};
}
