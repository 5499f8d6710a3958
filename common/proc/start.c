/* start.c - the contract is in start.h. */
#include "common/proc/start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/frame.h"

enum {
	WAIT_MS = 30000, /* for the next message */
	MESSAGES = 1024  /* that wait: ports, peers, ticket keys */
};

void start_init(struct start *s)
{
	*s = (struct start){ .log_fd = -1 };
	s->last = &s->first;
}

void start_message_free(struct start_message *m)
{
	if (m == NULL)
		return;
	ipc_close_all(m->fds, m->m.fd_count);
	if (m->body != NULL)
		explicit_bzero(m->body, m->m.body.n); /* it may have held keys */
	free(m->body);
	free(m);
}

struct start_message *start_next(struct start *s)
{
	struct start_message *m = s->first;

	if (m == NULL)
		return NULL;
	s->first = m->next;
	if (s->first == NULL)
		s->last = &s->first;
	s->count--;
	return m;
}

void start_clear(struct start *s)
{
	struct start_message *m;

	while ((m = start_next(s)) != NULL)
		start_message_free(m);
}

static int take_hello(struct start *s, struct start_message *m, struct error *err)
{
	int code = control_hello_read(m->m.body, &s->hello, err);

	if (code < 0)
		return code;
	if (m->m.fd_count != s->hello.folders + 1)
		return error_set(err, -EPROTO, "yubind announces %u folders and sends %zu descriptors",
				 s->hello.folders, m->m.fd_count);
	s->log_fd = m->fds[0];
	memcpy(s->folders, m->fds + 1, s->hello.folders * sizeof(s->folders[0]));
	m->m.fd_count = 0;
	return 0;
}

static int take_settings(struct start *s, const struct start_message *m, enum config_file which,
			 struct error *err)
{
	struct settings *fresh;
	int code;

	if (m->m.fd_count != 1)
		return error_set(err, -EPROTO, "settings without a descriptor");
	code = settings_read(&fresh, m->fds[0], which, err);
	if (code < 0)
		return code;
	settings_drop(s->settings);
	s->settings = fresh;
	return 0;
}

/* Uses m or keeps it. */
static int take(struct start *s, struct start_message *m, enum config_file which, struct error *err)
{
	int code;

	if (s->log_fd < 0 && m->m.type != CONTROL_HELLO)
		code = error_set(err, -EPROTO, "yubind sends message %u before its hello", m->m.type);
	else if (s->log_fd < 0)
		code = take_hello(s, m, err);
	else if (m->m.type == CONTROL_SETTINGS)
		code = take_settings(s, m, which, err);
	else if (s->count == MESSAGES)
		code =
		    error_set(err, -EPROTO, "yubind sends more than %d messages before the start", MESSAGES);
	else {
		*s->last = m;
		s->last = &m->next;
		s->count++;
		return 0;
	}
	start_message_free(m);
	return code;
}

static int receive(struct start_message **out, int fd, struct error *err)
{
	struct start_message *m = calloc(1, sizeof(*m));
	int code;

	*out = NULL;
	if (m == NULL)
		return error_set(err, -ENOMEM, "no memory to start");
	code = ipc_receive_now(fd, WAIT_MS, &m->m, &m->body, m->fds, err);
	if (code < 0) {
		free(m);
		error_context(err, "waiting for yubind");
		return code;
	}
	*out = m;
	return 0;
}

int start_receive(struct start *s, int control_fd, enum config_file which, struct error *err)
{
	struct start_message *m = NULL;
	int code;

	for (;;) {
		code = receive(&m, control_fd, err);
		if (m == NULL)
			return code;
		if (m->m.type == CONTROL_GO)
			break;
		code = take(s, m, which, err);
		if (code != 0)
			return code;
	}
	start_message_free(m);
	if (s->settings == NULL)
		return error_set(err, -EPROTO, "yubind says go before it has sent the settings");
	return 0;
}
