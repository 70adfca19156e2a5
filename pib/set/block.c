/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/set/block.h"

const char *authority_name(enum authority a)
{
	static const char *const names[] = {
		[AUTHORITY_HOME] = "home",
		[AUTHORITY_OPERATOR] = "operator",
		[AUTHORITY_VISITED] = "visited",
		[AUTHORITY_RESPONDER] = "responder",
		[AUTHORITY_DIRECTORY] = "directory",
		[AUTHORITY_LOCAL] = "local",
	};

	return a >= AUTHORITY_HOME && a <= AUTHORITY_LOCAL ? names[a] : "unknown";
}
