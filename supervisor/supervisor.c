/* supervisor.c - the contract is in supervisor.h: what outlives all jobs. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/config/order.h"
#include "common/ipc/ipc.h"
#include "common/ipc/wire.h"
#include "supervisor/child.h"
#include "supervisor/job.h"
#include "supervisor/orders.h"
#include "supervisor/slots.h"
#include "supervisor/stop.h"
#include "supervisor/watch.h"

enum { LOG_LOOK_MS = 2000, TICKET_LEAST_MS = 30000 };

void supervisor_changed(struct supervisor *s)
{
	job_step(s);
	slots_run(s);
	orders_answered(s);
	stop_step(s);
}

void supervisor_say(struct supervisor *s, const char *kind, const char *words)
{
	struct buf body;

	if (s->report_fd < 0)
		return;
	buf_init(&body, 4096);
	wire_put_text(&body, kind);
	wire_put_text(&body, words);
	ipc_send_now(s->report_fd, ORDER_SAY, 0, buf_span(&body), NULL, 0, NULL);
	buf_clear(&body);
}

void supervisor_report(struct supervisor *s, unsigned code, const char *text)
{
	struct buf body;

	if (s->report_fd < 0)
		return;
	buf_init(&body, 4096);
	wire_put_u8(&body, (uint8_t)code);
	wire_put_text(&body, text);
	ipc_send_now(s->report_fd, ORDER_STARTED, 0, buf_span(&body), NULL, 0, NULL);
	buf_clear(&body);
	close(s->report_fd);
	s->report_fd = -1;
}

/* --- timers ---------------------------------------------------------------- */

static void on_look(uv_timer_t *t)
{
	struct supervisor *s = t->data;

	logfile_look(s->log);
}

/* The longest TicketLifetime of any port: the keys are for all. */
static int64_t ticket_lifetime_ms(const struct setup *setup)
{
	int64_t longest = 0;

	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		const struct config *c = setup_of(setup, d)->config;

		for (size_t i = 0; i < config_listen_count(c); i++) {
			int64_t ms = config_number(config_listen_scope(c, i), CONFIG_TICKET_LIFETIME);

			longest = ms > longest ? ms : longest;
		}
	}
	return longest;
}

static void rotate(struct supervisor *s)
{
	tls_tickets_rotate(&s->tickets, clock_real_ms() / 1000);
	for (struct child *c = s->children; c != NULL; c = c->next)
		talk_tickets(c);
}

static void on_rotate(uv_timer_t *t)
{
	rotate(t->data);
}

void supervisor_rotate_tickets(struct supervisor *s)
{
	rotate(s);
	log_info("ticket keys rotated by order");
	if (uv_is_active((uv_handle_t *)&s->ticket_timer) != 0)
		uv_timer_again(&s->ticket_timer);
}

void supervisor_time_tickets(struct supervisor *s)
{
	uint64_t half_ms = (uint64_t)ticket_lifetime_ms(s->setup) / 2;

	if (half_ms < TICKET_LEAST_MS)
		half_ms = TICKET_LEAST_MS;
	if (uv_timer_get_repeat(&s->ticket_timer) != half_ms)
		uv_timer_start(&s->ticket_timer, on_rotate, half_ms, half_ms);
}

/* --- signals --------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
	struct supervisor *s = handle->data;

	switch (number) {
	case SIGCHLD:
		children_reap(s);
		break;
	case SIGHUP:
		logfile_look(s->log);
		if (s->job == NULL && s->stop == STOP_NOT)
			job_reload(s, NULL);
		else
			log_warn("reload not begun: another one is in hand");
		break;
	default:
		stop_begin(s);
		break;
	}
}

static void watch_signals(struct supervisor *s)
{
	static const int numbers[SUPERVISOR_SIGNALS] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < SUPERVISOR_SIGNALS; i++) {
		uv_signal_init(&s->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
}

/* --- its life -------------------------------------------------------------- */

static void on_line(void *arg, const char *line)
{
	struct supervisor *s = arg;

	logfile_write(s->log, span_of(line));
}

static int open_log(struct supervisor *s, struct error *err)
{
	char path[PATHS_MAX];
	int rc;

	paths_file(&s->paths, PATHS_LOG, PATHS_LOG_FILE, path);
	rc = logfile_open(&s->log, s->paths.own ? path : NULL, s->foreground ? STDERR_FILENO : -1, err);
	if (rc == 0)
		log_to_function(on_line, s);
	return rc;
}

static int open_ids(struct supervisor *s, struct error *err)
{
	struct error warning;
	int rc = blocks_open(&s->ids, s->paths.ids, &warning, err);

	if (rc == 0 && warning.code != 0)
		log_warn("%s", warning.words);
	return rc;
}

int supervisor_open(struct supervisor *s, struct setup *setup, struct error *err)
{
	int rc = uv_loop_init(&s->loop);

	if (rc != 0)
		return error_set(err, rc, "can't make an event loop: %s", uv_strerror(rc));
	s->started_ms = clock_mono_ms();
	s->setup = setup_hold(setup);
	uv_timer_init(&s->loop, &s->restart_timer);
	uv_timer_init(&s->loop, &s->log_timer);
	uv_timer_init(&s->loop, &s->lines_timer);
	uv_timer_init(&s->loop, &s->ticket_timer);
	s->restart_timer.data = s->log_timer.data = s->lines_timer.data = s->ticket_timer.data = s;
	watch_signals(s);
	randombytes_buf(s->key, sizeof(s->key));
	tls_tickets_rotate(&s->tickets, clock_real_ms() / 1000);
	rc = open_log(s, err);
	if (rc == 0)
		rc = open_ids(s, err);
	if (rc == 0)
		rc = orders_open(s, err);
	if (rc == 0)
		rc = watch_open(s, err);
	if (rc == 0)
		uv_timer_start(&s->log_timer, on_look, LOG_LOOK_MS, LOG_LOOK_MS);
	return rc;
}

void supervisor_run(struct supervisor *s)
{
	if (!s->root)
		log_warn(
		    "not started by root: all daemons run as one user and are apart by their sandbox alone");
	if (s->files_max < SUPERVISOR_FILES)
		log_warn("open files limited now=%u wanted=%u", s->files_max, SUPERVISOR_FILES);
	job_start(s, s->setup);
	uv_run(&s->loop, UV_RUN_DEFAULT);
}

void supervisor_close(struct supervisor *s)
{
	log_info("stopped");
	orders_close(s);
	watch_close(s);
	for (unsigned i = 0; i < SUPERVISOR_SIGNALS; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	uv_close((uv_handle_t *)&s->restart_timer, NULL);
	uv_close((uv_handle_t *)&s->log_timer, NULL);
	uv_close((uv_handle_t *)&s->lines_timer, NULL);
	uv_close((uv_handle_t *)&s->ticket_timer, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		setup_drop(s->groups[d].setup);
	setup_drop(s->setup);
	sockets_free(s->sockets);
	blocks_close(s->ids);
	explicit_bzero(s->key, sizeof(s->key));
	explicit_bzero(&s->tickets, sizeof(s->tickets));
	log_to_function(NULL, NULL);
	logfile_close(s->log);
}
