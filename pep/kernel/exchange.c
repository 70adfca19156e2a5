/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/exchange.h"

#include <errno.h>

void exchange_init(struct exchange *x, const struct kernel_transport *transport)
{
	*x = (struct exchange){.transport = *transport, .sequence = 1};
	buffer_init(&x->replies, REPLY_OCTETS_MAX);
}

void exchange_fini(struct exchange *x)
{
	if (x->transport.close)
		x->transport.close(x->transport.context);
	buffer_fini(&x->replies);
}

void exchange_begin(const struct exchange *x, struct requests *r)
{
	requests_init(r, x->sequence);
}

enum err exchange_part(struct exchange *x, enum kernel_bus bus, struct requests *r, size_t octets,
	uint32_t last, struct answer *ret, struct error *error)
{
	struct view request = {r->octets.data, octets};
	enum err err;

	if (r->error)
		return error_set(error, r->error, "a request to the kernel cannot be built: %s",
			err_text(r->error));
	x->sequence += (uint32_t)r->count;
	buffer_reset(&x->replies);
	err = x->transport.exchange(x->transport.context, bus, request, last, &x->replies, error);
	if (err && err != E_TIMEOUT)
		return err;
	err = answer_read(buffer_view(&x->replies), last, ret);
	if (err)
		return error_set(
			error, err, "the kernel's answer cannot be read: %s", err_text(err));
	return E_OK;
}

enum err exchange_run(struct exchange *x, enum kernel_bus bus, struct requests *r, uint32_t last,
	struct answer *ret, struct error *error)
{
	return exchange_part(x, bus, r, r->octets.len, last, ret, error);
}

static enum err ask_once(struct exchange *x, enum kernel_bus bus, void write(struct requests *r),
	each_fn *each, void *context, const char *what, struct error *error)
{
	struct requests r;
	struct answer answer;
	bool interrupted;
	enum err err;

	exchange_begin(x, &r);
	write(&r);
	err = exchange_run(x, bus, &r, r.first, &answer, error);
	requests_fini(&r);
	if (err)
		return err;
	if (answer.error == ENOENT)
		return E_NOT_FOUND;
	if (answer.error)
		return error_set_sys(error, answer.error, "%s cannot be read%s%.*s", what,
			answer.text ? ": " : "", (int)answer.text_len,
			answer.text ? answer.text : "");
	if (!answer.acknowledged)
		return error_set(
			error, E_TIMEOUT, "%s cannot be read: the kernel did not answer", what);
	err = replies_each(buffer_view(&x->replies), each, context, &interrupted);
	if (err)
		return error_set(error, err, "%s cannot be read: %s", what, err_text(err));
	return interrupted ? E_AGAIN : E_OK;
}

enum err exchange_ask(struct exchange *x, enum kernel_bus bus, void write(struct requests *r),
	void restart(void *context), each_fn *each, void *context, const char *what,
	struct error *error)
{
	enum err err = E_AGAIN;

	for (int i = 0; i < DUMPS_MAX && err == E_AGAIN; i++) {
		if (restart)
			restart(context);
		err = ask_once(x, bus, write, each, context, what, error);
	}
	if (err == E_AGAIN)
		error_set(error, E_AGAIN, "%s cannot be read: it keeps changing", what);
	return err;
}
