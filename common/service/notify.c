/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum err service_notify(const char *state, struct error *e)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;
	enum err err = E_OK;
	int fd;

	if (!path || !*path)
		return E_OK;
	len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof to.sun_path)
		return error_set(e, E_SYNTAX, "$NOTIFY_SOCKET is '%.100s'", path);
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_sys(e, errno, "a socket to the service manager");
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		err = error_set_sys(e, errno, "telling the service manager at %s", path);
	close(fd);
	return err;
}
