/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files: read with a limit, written so that a crash leaves the old one or the new one. */
#ifndef COPSEC_COMMON_BASE_FILE_H
#define COPSEC_COMMON_BASE_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "common/base/bytes.h"

/*
 * Appends the contents of a regular file; E_LIMIT if they do not fit into the buffer. What was
 * read before a failure may stay in the buffer. `ret_stat` (may be NULL) is of the file read.
 */
enum err file_read(const char *path, struct buffer *out, struct stat *ret_stat,
		   struct error *e) MUST_USE;
/*
 * Writes beside `path`, brings it to the disk, takes the old one's place, and brings that to the
 * disk too. The mode holds from the first octet on. On failure nothing is left behind.
 */
enum err file_replace(const char *path, struct view contents, mode_t mode,
		      struct error *e) MUST_USE;

#endif
