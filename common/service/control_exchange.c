/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service/control_exchange.h"

#include <stdlib.h>
#include <string.h>

void control_exchange_init(struct control_exchange *x)
{
	*x = (struct control_exchange){0};
	buffer_init(&x->in, CONTROL_LINE_MAX);
	buffer_init(&x->out, CONTROL_REPLY_MAX + 1024);
}

void control_exchange_fini(struct control_exchange *x)
{
	buffer_fini(&x->in);
	buffer_fini(&x->out);
}

json_t *control_text(struct view text)
{
	json_t *value = json_stringn(text.len ? (const char *)text.data : "", text.len);
	char *copy;

	if (value)
		return value;
	copy = malloc(text.len + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)(text.data[i] < 0x80 ? text.data[i] : '?');
	value = json_stringn(copy, text.len);
	free(copy);
	return value;
}

/* Takes the reply; what cannot be said becomes an error that can. */
static void put_reply(struct control_exchange *x, json_t *reply)
{
	static const char too_large[] =
		"{\"error\":{\"code\":\"limit reached\",\"text\":\"the reply is too large\"}}\n";
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	if (text && strlen(text) < CONTROL_REPLY_MAX) {
		buffer_put(&x->out, text, strlen(text));
		buffer_put_u8(&x->out, '\n');
	} else {
		buffer_put(&x->out, too_large, sizeof too_large - 1);
	}
	free(text);
	json_decref(reply);
	x->state = x->out.error ? EXCHANGE_DEAD : EXCHANGE_WRITING;
}

static void put_error(struct control_exchange *x, const struct error *e)
{
	put_reply(x, json_pack("{s:{s:s,s:o}}", "error", "code", err_text(e->code), "text",
			       control_text(view_of_string(e->text))));
}

static void count(struct control_exchange *x, enum err why)
{
	if (x->refused)
		refusals_count(x->refused, why);
}

static enum err unknown_command(const struct control_command *commands, const char *name,
				struct error *e)
{
	size_t used;

	error_set(e, E_UNKNOWN, "there is no command '%.40s'; commands are", name);
	for (; commands->name; commands++) {
		used = strlen(e->text);
		snprintf(e->text + used, sizeof e->text - used, " %s%s", commands->name,
			 commands[1].name ? "," : "");
	}
	return E_UNKNOWN;
}

static enum err handle(struct control_exchange *x, const struct control_command *command,
		       void *context, const char *line, size_t len, json_t **ret_result,
		       struct error *e)
{
	const struct control_command *commands = command;
	json_error_t where;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	const char *name;
	enum err err;

	if (!request) {
		count(x, E_SYNTAX);
		return error_set(e, E_SYNTAX, "the request is not JSON: %s", where.text);
	}
	name = json_string_value(json_object_get(request, "command"));
	if (!name) {
		json_decref(request);
		count(x, E_MISSING);
		return error_set(e, E_MISSING, "the request is not an object with a `command`");
	}
	while (command->name && strcmp(command->name, name) != 0)
		command++;
	if (!command->name)
		count(x, E_UNKNOWN);
	err = command->name ? command->handle(context, request, ret_result, e)
			    : unknown_command(commands, name, e);
	json_decref(request);
	return err;
}

static const uint8_t *line_end(const struct control_exchange *x)
{
	return x->in.len ? memchr(x->in.data, '\n', x->in.len) : NULL;
}

bool control_exchange_step(struct control_exchange *x, const struct control_command *commands,
			   void *context)
{
	const uint8_t *end = line_end(x);
	json_t *result = NULL;
	struct error e;
	enum err err;
	size_t len;

	if (x->state != EXCHANGE_READING || !end)
		return false;
	len = (size_t)(end - x->in.data);
	err = handle(x, commands, context, (const char *)x->in.data, len, &result, &e);
	if (err == E_AGAIN) {
		x->state = EXCHANGE_PENDING;
		return false;
	}
	if (err)
		put_error(x, &e);
	else
		put_reply(x, json_pack("{s:o}", "result", result ? result : json_true()));
	buffer_consume(&x->in, len + 1);
	return true;
}

bool control_exchange_retry(struct control_exchange *x)
{
	if (x->state != EXCHANGE_PENDING)
		return false;
	x->state = EXCHANGE_READING;
	return true;
}

void control_exchange_refuse(struct control_exchange *x, const struct error *e)
{
	count(x, e->code);
	put_error(x, e);
	if (x->state == EXCHANGE_WRITING)
		x->state = EXCHANGE_ENDING;
}

bool control_exchange_reads(const struct control_exchange *x)
{
	return x->state == EXCHANGE_READING || x->state == EXCHANGE_PENDING;
}

size_t control_exchange_room(const struct control_exchange *x)
{
	return control_exchange_reads(x) ? CONTROL_LINE_MAX - x->in.len : 0;
}

uint8_t *control_exchange_reserve(struct control_exchange *x, size_t count)
{
	uint8_t *to = buffer_reserve(&x->in, count);

	if (!to)
		x->state = EXCHANGE_DEAD;
	return to;
}

void control_exchange_receive(struct control_exchange *x, size_t count)
{
	buffer_grow(&x->in, count);
}

void control_exchange_overflow(struct control_exchange *x)
{
	struct error e;

	error_set(&e, E_LIMIT, "a request is at most %d octets", CONTROL_LINE_MAX);
	control_exchange_refuse(x, &e);
}

struct view control_exchange_output(const struct control_exchange *x)
{
	return x->out.len ? VIEW(x->out.data + x->sent, x->out.len - x->sent) : VIEW_NONE;
}

void control_exchange_sent(struct control_exchange *x, size_t count)
{
	x->sent += count;
	if (x->sent < x->out.len || x->state == EXCHANGE_DEAD)
		return;
	buffer_fini(&x->out);
	x->sent = 0;
	x->state = x->state == EXCHANGE_ENDING ? EXCHANGE_DEAD : EXCHANGE_READING;
}
