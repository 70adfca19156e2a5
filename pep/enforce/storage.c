/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char current[] = "state", next[] = "state.new";

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

static enum err load(void *context, struct buffer *out, uint64_t *ret_when, struct error *e)
{
	struct directory_storage *d = context;
	int fd = openat(d->directory, current, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t before = out->len;
	struct stat st;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return error_set(e, E_NOT_FOUND, "no state was ever stored");
	if (fd < 0 || fstat(fd, &st)) {
		enum err err = error_set_sys(e, errno, "cannot open the stored state");

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
		error_set_sys(e, errno, "cannot read the stored state");
	close(fd);
	if (got < 0 || out->error) {
		out->len = before;
		return got < 0 ? E_SYSTEM : error_set(e, out->error, "the stored state is too long");
	}
	*ret_when = st.st_mtime > 0 ? (uint64_t)st.st_mtime : 0;
	return E_OK;
}

static enum err write_all(int fd, struct view octets, struct error *e)
{
	while (octets.len) {
		ssize_t put = write(fd, octets.data, octets.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_set_sys(e, errno, "cannot write the new state");
		octets.data += put;
		octets.len -= (size_t)put;
	}
	if (fsync(fd))
		return error_set_sys(e, errno, "cannot bring the new state to the disk");
	return E_OK;
}

static enum err prepare(void *context, struct view octets, struct error *e)
{
	struct directory_storage *d = context;
	enum err err;
	int fd;

	if (unlinkat(d->directory, next, 0) && errno != ENOENT)
		return error_set_sys(e, errno, "cannot remove an unfinished state");
	fd = openat(d->directory, next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_set_sys(e, errno, "cannot create the new state");
	err = write_all(fd, octets, e);
	if (close(fd) && !err)
		err = error_set_sys(e, errno, "cannot write the new state");
	if (err)
		(void)unlinkat(d->directory, next, 0);
	return err;
}

static enum err commit(void *context, struct error *e)
{
	struct directory_storage *d = context;

	if (renameat(d->directory, next, d->directory, current))
		return error_set_sys(e, errno, "cannot put the new state in place");
	if (fsync(d->directory))
		return error_set_sys(e, errno, "cannot bring the state directory to the disk");
	return E_OK;
}

static void abandon(void *context)
{
	struct directory_storage *d = context;

	(void)unlinkat(d->directory, next, 0);
}

struct storage directory_storage(struct directory_storage *d)
{
	return (struct storage){d, load, prepare, commit, abandon};
}
