/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_PIECE = 64 * 1024 };

static enum err read_all(int fd, const char *path, struct buffer *out, struct error *e)
{
	for (;;) {
		size_t room = out->limit - out->len;
		size_t want = room < FILE_PIECE ? room : FILE_PIECE;
		uint8_t past;
		uint8_t *to = want ? buffer_reserve(out, want) : &past;
		ssize_t n;

		if (!to)
			return error_set(e, out->error, "%s: reading", path);
		/* At the limit one octet more tells whether the file ends here. */
		n = read(fd, to, want ? want : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_sys(e, errno, "%s: reading", path);
		if (n == 0)
			return E_OK;
		if (!want)
			return error_set(e, E_LIMIT, "%s: larger than %zu octets", path,
					 out->limit);
		buffer_grow(out, (size_t)n);
	}
}

enum err file_read(const char *path, struct buffer *out, struct stat *ret_stat, struct error *e)
{
	/* Non-blocking, so that a FIFO in the file's place does not stop the program. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum err err;

	if (fd < 0)
		return error_set_sys(e, errno, "%s", path);
	if (fstat(fd, &st) < 0)
		err = error_set_sys(e, errno, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err = error_set(e, E_TYPE, "%s: not a regular file", path);
	else
		err = read_all(fd, path, out, e);
	close(fd);
	if (!err && ret_stat)
		*ret_stat = st;
	return err;
}

static enum err write_all(int fd, const char *path, struct view v, struct error *e)
{
	while (v.len) {
		ssize_t n = write(fd, v.data, v.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_sys(e, errno, "%s: writing", path);
		v = VIEW(v.data + n, v.len - (size_t)n);
	}
	return E_OK;
}

/* A rename is on the disk when its directory is. */
static enum err sync_directory(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_MAX] = ".";
	enum err err = E_OK;
	int fd;

	if (slash) {
		size_t len = slash == path ? 1 : (size_t)(slash - path);

		memcpy(directory, path, len);
		directory[len] = 0;
	}
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set_sys(e, errno, "%s", directory);
	/* Some file systems have no fsync for directories, and say so. */
	if (fsync(fd) < 0 && errno != EINVAL)
		err = error_set_sys(e, errno, "%s: bringing it to the disk", directory);
	close(fd);
	return err;
}

enum err file_replace(const char *path, struct view contents, mode_t mode, struct error *e)
{
	char temporary[PATH_MAX];
	int len = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	enum err err;
	int fd;

	if (len < 0 || (size_t)len >= sizeof temporary)
		return error_set_sys(e, ENAMETOOLONG, "%.100s", path);
	/* Made with mode 0600, before anything is in it. */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return error_set_sys(e, errno, "%s: making a file beside it", path);
	err = write_all(fd, path, contents, e);
	if (!err && fchmod(fd, mode) < 0)
		err = error_set_sys(e, errno, "%s: setting its mode", path);
	if (!err && fsync(fd) < 0)
		err = error_set_sys(e, errno, "%s: bringing it to the disk", path);
	if (close(fd) < 0 && !err)
		err = error_set_sys(e, errno, "%s: closing", path);
	if (!err && rename(temporary, path) < 0)
		err = error_set_sys(e, errno, "%s: taking its place", path);
	if (err) {
		unlink(temporary);
		return err;
	}
	return sync_directory(path, e);
}
