/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Octets that the program has from malloc(), and the most it had. The linker leads its calls here
 * (--wrap in CMakeLists.txt); what libraries of the system take is not seen. */
#ifndef COPSEC_TESTS_BENCH_HEAP_H
#define COPSEC_TESTS_BENCH_HEAP_H

#include <stddef.h>

size_t heap_now(void);
/* Since the last heap_peak_reset(). */
size_t heap_peak(void);
void heap_peak_reset(void);

#endif
