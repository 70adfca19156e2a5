/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long the kernel part of a change takes: a whole policy, then one rule at a time. The time of
 * the kernel itself for the very batch that was sent is taken in the same run, around the system
 * calls that carry it.
 *
 *   bench-apply [rules [changes [cpu]]]     as root; works in a network namespace of its own
 *
 * With `cpu` the time that we and the kernel for us have worked, which other work on the machine
 * disturbs less; what is waited for does not count then.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "pep/kernel/kernel.h"
#include "pib/policy/policy.h"
#include "tests/bench/shapes.h"

static clockid_t of_clock = CLOCK_MONOTONIC;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(of_clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench-apply: %s\n", what);
	exit(1);
}

/* ---- The kernel's own time ---- */

enum { BATCHES = 8 };

/* Since it was reset. */
struct stopwatch {
	struct kernel_transport real;
	double batch[BATCHES];
	size_t count;
	size_t octets; /* of all batches */
	double other;  /* questions and the SPD */
};

static void reset(struct stopwatch *w)
{
	w->count = w->octets = 0;
	w->other = 0;
}

static double batches(const struct stopwatch *w)
{
	double sum = 0;

	for (size_t i = 0; i < w->count; i++)
		sum += w->batch[i];
	return sum;
}

static enum err timed_exchange(void *context, enum kernel_bus bus, struct view request,
	uint32_t last, struct buffer *replies, struct error *error)
{
	enum { BATCH_BEGIN = 0x10 }; /* NFNL_MSG_BATCH_BEGIN */
	struct stopwatch *w = context;
	double start = seconds(), took;
	enum err err = w->real.exchange(w->real.context, bus, request, last, replies, error);
	uint16_t type;

	took = seconds() - start;
	memcpy(&type, request.data + 4, sizeof type);
	if (bus == KERNEL_NFT && type == BATCH_BEGIN && w->count < BATCHES) {
		w->batch[w->count++] = took;
		w->octets += request.len;
	} else {
		w->other += took;
	}
	return err;
}

static void timed_close(void *context)
{
	struct stopwatch *w = context;

	w->real.close(w->real.context);
}

/* ---- Policies ---- */

struct rules {
	struct arena arena;
	struct policy_rule *list;
	struct flow_match *matches;
	char (*names)[16];
	size_t count;
	uint32_t fresh;
};

static void make_rule(struct rules *rules, struct random *r, const struct shape *shape, size_t at)
{
	uint32_t number = (uint32_t)at + 1;

	memset(&rules->matches[at], 0, sizeof rules->matches[at]);
	rules->matches[at].number = number;
	shape->make(r, &rules->arena, &rules->matches[at]);
	if (flow_match_complete(&rules->arena, &rules->matches[at]))
		give_up("a rule of the shape cannot be completed");
	snprintf(rules->names[at], sizeof rules->names[at], "rule-%u", rules->fresh++);
	rules->list[at] = (struct policy_rule){.name = rules->names[at],
		.instance = number,
		.number = number,
		.order = number,
		.direction = random_below(r, 2) ? POLICY_IN : POLICY_OUT,
		.in_role = "",
		.out_role = "",
		.matches = &rules->matches[at],
		.match_count = 1,
		.action = random_below(r, 5) ? POLICY_BYPASS : POLICY_DISCARD,
		.initiator = POLICY_BOTH,
		.stateful = true};
}

static struct plan *build(const struct rules *rules, const struct plan *previous)
{
	static const struct plan_interface interface = {"*", "host"};
	const struct policy policy = {
		.roles = "host", .rules = rules->list, .rule_count = rules->count};
	const struct plan_policy set = {.roles = "host", .policy = &policy};
	struct plan_cause cause;
	struct plan *plan = NULL;
	struct error error;

	if (plan_build(&(struct plan_input){.mark_mask = MARK_MASK_DEFAULT,
			       .policies = &set,
			       .policy_count = 1,
			       .interfaces = &interface,
			       .interface_count = 1,
			       .node_roles = "",
			       .previous = previous},
		    &plan, &cause, &error))
		give_up(error.text);
	return plan;
}

/* ---- Figures ---- */

static int double_order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print_spread(const char *what, double *list, size_t count)
{
	qsort(list, count, sizeof *list, double_order);
	printf("  %-36s %9.3f %9.3f %9.3f\n", what, list[0], list[count / 2], list[count - 1]);
}

enum figure { BUILD, APPLY, PREPARE, SWITCH, OTHER, OWN, RATIO, TIMES, OCTETS, WAIT, DELETE, FIGURES };

static void run(const struct shape *shape, size_t count, size_t changes)
{
	static const char *const names[FIGURES] = {[BUILD] = "plan_build, ms",
		[APPLY] = "kernel_apply, ms",
		[PREPARE] = "  kernel: what is new, ms",
		[SWITCH] = "  kernel: the switch, ms",
		[OTHER] = "  kernel: generation and SPD, ms",
		[OWN] = "  our own, ms",
		[RATIO] = "apply / batches",
		[TIMES] = "apply / switch",
		[OCTETS] = "octets of the batches",
		[WAIT] = "settling: until all are through, ms",
		[DELETE] = "settling: deleting, ms"};
	struct stopwatch watch = {0};
	struct rules rules = {.count = count};
	struct random r = {1};
	struct kernel *kernel;
	struct kernel_fault fault;
	struct error error = {0};
	struct plan *plan;
	double *figures[FIGURES];
	double start, took, last;

	arena_init(&rules.arena, 1u << 30);
	rules.list = calloc(count, sizeof *rules.list);
	rules.matches = calloc(count, sizeof *rules.matches);
	rules.names = calloc(count, sizeof *rules.names);
	for (int i = 0; i < FIGURES; i++)
		figures[i] = calloc(changes, sizeof **figures);
	if (kernel_sockets(&watch.real, &error))
		give_up(error.text);
	kernel = kernel_new(&(struct kernel_transport){
		.context = &watch, .exchange = timed_exchange, .close = timed_close});
	if (!kernel || !rules.list || !rules.matches || !rules.names || !figures[FIGURES - 1])
		give_up("out of memory");
	for (size_t i = 0; i < count; i++)
		make_rule(&rules, &r, shape, i);
	start = seconds();
	plan = build(&rules, NULL);
	printf("%s, %zu rules: %zu chains, plan_build %.0f ms\n", shape->name, count,
		plan->chain_count, (seconds() - start) * 1e3);
	start = seconds();
	if (kernel_apply(kernel, plan, &fault, &error))
		give_up(error.text);
	took = seconds() - start;
	last = watch.batch[watch.count - 1];
	printf("  the whole: %.0f ms; kernel: the batch of %zu octets %.0f ms, its dry run %.0f ms;"
	       " (apply - dry run) / batch = %.2f\n",
		took * 1e3, watch.octets / watch.count, last * 1e3, (batches(&watch) - last) * 1e3,
		(took - batches(&watch) + last) / last);
	if (kernel_settle(kernel, &error))
		give_up(error.text);
	printf("  %zu changes of one rule %26s %9s %9s\n", changes, "least", "median", "most");
	for (size_t i = 0; i < changes; i++) {
		struct plan *next;

		make_rule(&rules, &r, shape, random_below(&r, (uint32_t)count));
		start = seconds();
		next = build(&rules, plan);
		figures[BUILD][i] = (seconds() - start) * 1e3;
		reset(&watch);
		start = seconds();
		if (kernel_apply(kernel, next, &fault, &error))
			give_up(error.text);
		took = seconds() - start;
		figures[APPLY][i] = took * 1e3;
		figures[PREPARE][i] = watch.batch[0] * 1e3;
		figures[SWITCH][i] = watch.batch[1] * 1e3;
		figures[OTHER][i] = watch.other * 1e3;
		figures[OWN][i] = (took - batches(&watch) - watch.other) * 1e3;
		figures[RATIO][i] = took / batches(&watch);
		figures[TIMES][i] = took / watch.batch[1];
		figures[OCTETS][i] = (double)watch.octets;
		reset(&watch);
		if (kernel_settle(kernel, &error))
			give_up(error.text);
		figures[WAIT][i] = watch.batch[0] * 1e3;
		figures[DELETE][i] = watch.batch[1] * 1e3;
		plan_free(plan);
		plan = next;
	}
	for (int i = 0; i < FIGURES; i++) {
		print_spread(names[i], figures[i], changes);
		free(figures[i]);
	}
	if (kernel_remove(kernel, &error))
		give_up(error.text);
	kernel_free(kernel);
	plan_free(plan);
	arena_fini(&rules.arena);
	free(rules.list);
	free(rules.matches);
	free(rules.names);
}

int main(int argc, char **argv)
{
	size_t rules = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	size_t changes = argc > 2 ? strtoul(argv[2], NULL, 10) : 50;
	struct rusage usage;

	if (argc > 3 && strcmp(argv[3], "cpu") == 0)
		of_clock = CLOCK_PROCESS_CPUTIME_ID;
	if (rules == 0 || changes == 0)
		give_up("usage: bench-apply [rules [changes [cpu]]]");
	if (unshare(CLONE_NEWNET))
		give_up("no network namespace (not root?)");
	for (const struct shape *shape = shapes; shape->name; shape++)
		if (strcmp(shape->name, "hostile") != 0)
			run(shape, rules, changes);
	getrusage(RUSAGE_SELF, &usage);
	printf("memory: %ld KiB at most\n", usage.ru_maxrss);
	return 0;
}
