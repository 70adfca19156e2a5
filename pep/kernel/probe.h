/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this kernel can do of IPsec: algorithms in ESP and AH, and of ESP extended sequence numbers
 * and tunnel mode. Each is tried with an SA between two addresses of
 * documentation (RFC 5737), which no packet has and no SPD entry names, and which is deleted at
 * once. Asking otherwise is no use: modules are loaded when they are needed.
 */
#ifndef COPSEC_PEP_KERNEL_PROBE_H
#define COPSEC_PEP_KERNEL_PROBE_H

#include "pep/kernel/kernel.h"
#include "pib/framework/capabilities.h"

/* Takes the transport. None at all: this kernel has no ESP. E_SYSTEM: it cannot be asked. */
enum err kernel_probe(const struct kernel_transport *transport,
	struct capability_algorithms *ret_algorithms, struct error *error) MUST_USE;

#endif
