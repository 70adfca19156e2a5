/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The network interfaces of this node, by the kernel's word: index and name. A value that is read
 * anew whenever the kernel says that something changed; loopback is left out, for no role judges it.
 */
#ifndef COPSEC_PEP_ENFORCE_INTERFACES_H
#define COPSEC_PEP_ENFORCE_INTERFACES_H

#include <net/if.h>
#include <stdbool.h>

#include "common/base/error.h"

enum { INTERFACES_MAX = 1024 };

struct node_interface {
	unsigned index;
	char name[IF_NAMESIZE];
};

struct node_interfaces {
	size_t count;
	size_t omitted; /* beyond INTERFACES_MAX */
	struct node_interface list[INTERFACES_MAX]; /* by index */
};

/* Of the network namespace of the calling thread. */
enum err interfaces_read(struct node_interfaces *ret, struct error *e) MUST_USE;
bool interfaces_equal(const struct node_interfaces *a, const struct node_interfaces *b);
/* NULL if there is none. */
const struct node_interface *interfaces_find(const struct node_interfaces *i, unsigned index);

#endif
