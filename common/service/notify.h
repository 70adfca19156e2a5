/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sd_notify(3)'s datagram, without libsystemd: tells the service manager `READY=1`, `RELOADING=1`,
 * `STOPPING=1`, `STATUS=...`. It is also how tests wait for a daemon without sleeping.
 */
#ifndef COPSEC_COMMON_SERVICE_NOTIFY_H
#define COPSEC_COMMON_SERVICE_NOTIFY_H

#include "common/base/error.h"

/* `state` may have several lines. E_OK without doing anything if $NOTIFY_SOCKET is not set. */
enum err service_notify(const char *state, struct error *e) MUST_USE;

#endif
