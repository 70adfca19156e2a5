/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/file.h"
#include "pmt/commands/command.h"

/* One line from the terminal, without its end. */
static enum err read_line(int fd, struct buffer *line, struct error *e)
{
	uint8_t c;

	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_sys(e, errno, "cannot read the passphrase");
		if (n == 0 || c == '\n')
			return line->error ? error_set(e, line->error, "the passphrase is too long")
					   : E_OK;
		buffer_put_u8(line, c);
	}
}

static enum err ask_once(
	int fd, const char *prompt, const char *path, struct buffer *line, struct error *e)
{
	struct termios before, silent;
	enum err code;

	if (tcgetattr(fd, &before) < 0)
		return error_set_sys(e, errno, "cannot ask for a passphrase");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	dprintf(fd, "%s %s: ", prompt, path);
	if (tcsetattr(fd, TCSAFLUSH, &silent) < 0)
		return error_set_sys(e, errno, "cannot ask for a passphrase");
	code = read_line(fd, line, e);
	tcsetattr(fd, TCSAFLUSH, &before);
	return code;
}

static enum err ask_terminal(const struct passphrase_source *source, const char *path,
	struct buffer *secret, struct error *e)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct buffer again;
	enum err code;

	if (fd < 0)
		return error_set_sys(
			e, errno, "%s needs a passphrase and there is no terminal to ask on", path);
	buffer_init(&again, KEY_PASSPHRASE_MAX);
	code = ask_once(fd, "Passphrase of", path, secret, e);
	if (!code && source->twice && secret->len == 0)
		code = error_set(e, E_MISSING, "an empty passphrase is none; see --no-passphrase");
	if (!code && source->twice)
		code = ask_once(fd, "Again, the passphrase of", path, &again, e);
	if (!code && source->twice && !view_equal(buffer_view(secret), buffer_view(&again)))
		code = error_set(e, E_MISMATCH, "the two passphrases differ");
	buffer_fini_secret(&again);
	close(fd);
	return code;
}

enum err passphrase_ask(void *context, const char *path, struct buffer *secret, struct error *e)
{
	const struct passphrase_source *source = context;
	struct buffer file;
	struct view line;
	const uint8_t *end;
	enum err code;

	if (!source->file)
		return ask_terminal(source, path, secret, e);
	buffer_init(&file, KEY_PASSPHRASE_MAX + 1);
	code = file_read(source->file, &file, NULL, e);
	line = buffer_view(&file);
	end = line.len ? memchr(line.data, '\n', line.len) : NULL;
	if (end)
		line.len = (size_t)(end - line.data);
	if (!code && line.len == 0)
		code = error_set(e, E_MISSING, "%s: no passphrase in its first line", source->file);
	if (!code)
		buffer_put_view(secret, line);
	buffer_fini_secret(&file);
	return code;
}
