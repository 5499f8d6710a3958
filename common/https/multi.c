/* multi.c - the contract is in multi.h. */
#include "common/https/multi.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct multi {
	uv_timer_t timer;
	CURLM *curl;
	multi_done done;
	void *arg;
	bool freed;
};

/* Apart from libcurl's socket: libuv holds it a turn longer. */
struct watch {
	uv_poll_t poll;
	struct multi *multi;
	curl_socket_t fd;
};

/* Those that have ended may be freed by each other's callbacks: one at a time. */
static void tell_ended(struct multi *m)
{
	CURLMsg *message;
	int left;

	while (!m->freed && (message = curl_multi_info_read(m->curl, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			m->done(m->arg, message->easy_handle, message->data.result);
}

static void act(struct multi *m, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(m->curl, fd, events, &running);
	tell_ended(m);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int bits = status < 0 ? CURL_CSELECT_ERR : 0;

	if ((events & UV_READABLE) != 0)
		bits |= CURL_CSELECT_IN;
	if ((events & UV_WRITABLE) != 0)
		bits |= CURL_CSELECT_OUT;
	act(w->multi, w->fd, bits);
}

/* libcurl's wish; 0: from the next turn on. */
static int set_timer(CURLM *curl, long wait_ms, void *arg)
{
	struct multi *m = arg;

	(void)curl;
	if (wait_ms < 0)
		uv_timer_stop(&m->timer);
	else
		uv_timer_start(&m->timer, on_timer, (uint64_t)wait_ms, 0);
	return 0;
}

static void on_watch_closed(uv_handle_t *h)
{
	free(h->data);
}

static struct watch *watch_new(struct multi *m, curl_socket_t fd)
{
	struct watch *w = malloc(sizeof(*w));

	if (w == NULL)
		return NULL;
	w->multi = m;
	w->fd = fd;
	if (uv_poll_init(m->timer.loop, &w->poll, fd) < 0) {
		free(w);
		return NULL;
	}
	w->poll.data = w;
	curl_multi_assign(m->curl, fd, w);
	return w;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *own)
{
	struct multi *m = arg;
	struct watch *w = own;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) { /* before libcurl closes it */
		if (w != NULL)
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		curl_multi_assign(m->curl, fd, NULL);
		return 0;
	}
	if (w == NULL)
		w = watch_new(m, fd);
	if (w == NULL)
		return -1;
	if (what != CURL_POLL_OUT)
		events |= UV_READABLE;
	if (what != CURL_POLL_IN)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_poll);
}

int multi_new(struct multi **out, uv_loop_t *loop, multi_done done, void *arg, struct error *err)
{
	struct multi *m = calloc(1, sizeof(*m));
	CURLM *curl = m != NULL ? curl_multi_init() : NULL;

	*out = NULL;
	if (curl == NULL) {
		free(m);
		return error_set(err, -ENOMEM, "no memory for HTTPS");
	}
	*m = (struct multi){ .curl = curl, .done = done, .arg = arg };
	uv_timer_init(loop, &m->timer);
	m->timer.data = m;
	curl_multi_setopt(curl, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(curl, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(curl, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(curl, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(curl, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*out = m;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	m->freed = true;
	curl_multi_cleanup(m->curl);
	m->curl = NULL;
	uv_close((uv_handle_t *)&m->timer, on_closed);
}

int multi_add(struct multi *m, CURL *easy)
{
	return curl_multi_add_handle(m->curl, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void multi_remove(struct multi *m, CURL *easy)
{
	curl_multi_remove_handle(m->curl, easy);
}
