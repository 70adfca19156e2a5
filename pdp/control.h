/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pdpctl may ask of pdpd: the table of control commands; their context is a struct server. */
#ifndef COPSEC_PDP_CONTROL_H
#define COPSEC_PDP_CONTROL_H

#include "common/service/control.h"
#include "pdp/decision/server.h"

extern const struct control_command pdp_control_commands[];

#endif
