/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/internal.h"

#include <stdlib.h>
#include <string.h>

void in_force_fini(struct in_force *f)
{
	f->state = state_free(f->state);
	f->store = pri_store_free(f->store);
	f->plan = plan_free(f->plan);
	f->lacking = (struct error){0};
}

enum err enforcement_new(struct kernel *kernel, uint32_t mark_mask,
                         const struct network_list *pdps, struct enforcement **ret,
                         struct error *e)
{
	struct enforcement *n;
	struct marks marks;
	enum err err = marks_from_mask(mark_mask, &marks, e);

	if (err)
		return err;
	if (pdps->count > PLAN_ENDPOINTS_MAX)
		return error_set(e, E_RANGE, "%zu ways to PDPs, %d at most", pdps->count,
		                 PLAN_ENDPOINTS_MAX);
	n = calloc(1, sizeof *n);
	if (!n)
		return error_set(e, E_MEMORY, "no memory for the enforcer");
	n->floors = floors_new();
	if (!n->floors) {
		free(n);
		return error_set(e, E_MEMORY, "no memory for the enforcer");
	}
	n->kernel = kernel;
	n->mark_mask = mark_mask;
	for (size_t i = 0; i < pdps->count; i++) {
		struct plan_endpoint *to = &n->endpoints[n->endpoint_count++];
		size_t len;
		const uint8_t *address = endpoint_address(&pdps->items[i].base, &len);

		to->family = len == 4 ? FLOW_IPV4 : FLOW_IPV6;
		memcpy(to->address, address, len);
		to->prefix_len = pdps->items[i].prefix_len;
		to->port = endpoint_port(&pdps->items[i].base);
	}
	*ret = n;
	return E_OK;
}

struct enforcement *enforcement_free(struct enforcement *n)
{
	if (!n)
		return NULL;
	in_force_fini(&n->now);
	in_force_fini(&n->other);
	floors_free(n->floors);
	request_update_fini(&n->told);
	free(n);
	return NULL;
}

void enforcement_identify(struct enforcement *n, const struct enforcement_identity *identity)
{
	n->identity = *identity;
	n->confirm.window = identity->confirm_window;
}

bool enforcement_set_interfaces(struct enforcement *n, const struct node_interfaces *list)
{
	if (interfaces_equal(&n->interfaces, list))
		return false;
	n->interfaces = *list;
	return true;
}

const char *enforcement_pdp_error(const struct enforcement *n)
{
	return n->pdp_error;
}

struct view enforcement_index(const struct enforcement *n)
{
	return n->now.state ? n->now.state->home.index_envelope.objects : VIEW_NONE;
}

uint64_t enforcement_serial(const struct enforcement *n)
{
	return n->now.state ? n->now.state->home.index.serial : 0;
}

static struct request_input request_input(const struct enforcement *n)
{
	return (struct request_input){
		.state = n->now.state,
		.pdp_name = view_of_string(n->pdp_name),
		.description = n->identity.description,
		.interfaces = &n->interfaces,
		.algorithms = n->identity.algorithms,
	};
}

enum err enforcement_request(struct enforcement *n, uint32_t id, uint32_t after,
                             struct buffer *out, struct error *e)
{
	struct request_input input = request_input(n);

	return request_update_put(&n->told, &input, id, after, out, e);
}

bool enforcement_request_due(const struct enforcement *n)
{
	struct request_input input = request_input(n);

	return request_update_due(&n->told, &input);
}

const struct node_interfaces *enforcement_interfaces(const struct enforcement *n)
{
	return &n->interfaces;
}

const struct plan *enforcement_plan(const struct enforcement *n)
{
	return n->now.plan;
}

void enforcement_print_plan(const struct enforcement *n, struct buffer *out)
{
	if (n->now.plan)
		plan_print(n->now.plan, out);
}
