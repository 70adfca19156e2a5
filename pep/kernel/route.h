/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * By which interface the kernel would reach an address: one question, one answer, over a netlink
 * socket of its own.
 */
#ifndef COPSEC_PEP_KERNEL_ROUTE_H
#define COPSEC_PEP_KERNEL_ROUTE_H

#include "pib/flow/flow.h"

struct route;

enum err route_open(struct route **ret, struct error *error) MUST_USE;
struct route *route_free(struct route *r); /* takes NULL, returns NULL */

/* Its index; 0 where there is no way, or the kernel does not say. */
unsigned route_interface(struct route *r, enum flow_family family, const uint8_t address[16]);

#endif
