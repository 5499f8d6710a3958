/* local_queue.c - the contract is in local_queue.h. */
#include "tests/conformance/local_queue.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"

struct folders local_folders;
int64_t local_ahead_s;

static struct buf lines;

/* --- the clock and the log --------------------------------------------------------- */

uint64_t clock_mono_ms(void)
{
	return uv_hrtime() / 1000000 + 1000000000000 + (uint64_t)local_ahead_s * 1000;
}

int64_t clock_real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((int64_t)t.tv_sec + local_ahead_s) * 1000 + t.tv_nsec / 1000000;
}

int64_t local_now_s(void)
{
	return clock_real_ms() / 1000;
}

void clock_log_text(char out[CLOCK_TEXT], int64_t real_ms)
{
	snprintf(out, CLOCK_TEXT, "%lld", (long long)real_ms);
}

static void keep_line(void *arg, const char *line)
{
	(void)arg;
	buf_put_text(&lines, line);
	buf_put_byte(&lines, '\n');
}

unsigned local_logged(const char *text)
{
	unsigned n = 0;

	buf_put_byte(&lines, 0);
	lines.n--;
	for (const char *at = (char *)lines.p; (at = strstr(at, text)) != NULL; at += strlen(text))
		n++;
	return n;
}

/* --- a store -------------------------------------------------------------------------- */

static const struct conformance_driver driver = { .name = "queue",
						  .arg = &local_folders,
						  .open = folders_driver_open,
						  .close = folders_driver_close,
						  .token = folders_driver_token,
						  .queue = true };

struct conf local_conf = { .driver = &driver };

int local_queue_setup(void **state)
{
	(void)state;
	local_ahead_s = 0;
	buf_clear(&lines);
	buf_init(&lines, 64 * 1024 * 1024);
	log_to_function(keep_line, NULL);
	if (sodium_init() < 0)
		return -1;
	folders_init(&local_folders);
	uv_loop_init(&local_conf.loop);
	local_conf.s = folders_open(&local_folders, &local_conf.loop);
	return 0;
}

int local_queue_teardown(void **state)
{
	(void)state;
	folders_close(&local_conf.loop, local_conf.s);
	uv_run(&local_conf.loop, UV_RUN_DEFAULT);
	uv_loop_close(&local_conf.loop);
	folders_remove(&local_folders);
	buf_clear(&lines);
	return 0;
}

void local_again(void)
{
	conf_reopen(&local_conf);
}

void local_lost(void)
{
	folders_close(&local_conf.loop, local_conf.s);
	folders_wipe_index(&local_folders);
	local_conf.s = folders_open(&local_folders, &local_conf.loop);
}

void local_tick(void)
{
	uint64_t until = uv_hrtime() + 1100 * (uint64_t)1000000;

	while (uv_hrtime() < until)
		conf_idle(&local_conf);
}

/* --- for administrators --------------------------------------------------------------- */

static const char *state_text(enum queue_state state)
{
	return state == QUEUE_WAITING  ? "waiting"
	       : state == QUEUE_LEASED ? "leased"
	       : state == QUEUE_HELD   ? "held"
				       : "aside";
}

static void put_shown(struct buf *out, const struct queue_shown_recipient *r)
{
	buf_printf(out, " %u:%.*s", r->number, (int)r->to.address.n, (const char *)r->to.address.p);
	buf_printf(out, "<%.*s", (int)r->to.sender.n, (const char *)r->to.sender.p);
	buf_printf(out, ",%s,%u,%" PRId64, state_text(r->state), r->attempts, r->next_s);
	if (r->bounce)
		buf_put_text(out, ",bounce");
	if (r->noticed)
		buf_put_text(out, ",noticed");
	if (r->domain_until_s > 0)
		buf_printf(out, ",until=%" PRId64 "(%.*s)", r->domain_until_s, (int)r->domain_words.n,
			   (const char *)r->domain_words.p);
	if (r->route.n > 0)
		buf_printf(out, ",route=%.*s", (int)r->route.n, (const char *)r->route.p);
	if (r->words.n > 0)
		buf_printf(out, ",%.*s %.*s %.*s", (int)r->host.n, (const char *)r->host.p, (int)r->status.n,
			   (const char *)r->status.p, (int)r->words.n, (const char *)r->words.p);
}

static void put_entry(void *arg, const struct queue_shown *e)
{
	struct buf *out = arg;

	buf_printf(out, "%s", e->envelope.id);
	if (e->aside != NULL)
		buf_printf(out, " aside(%s)", e->aside);
	for (size_t i = 0; i < e->count; i++)
		put_shown(out, &e->recipients[i]);
	buf_put_byte(out, '\n');
}

const char *local_list(const struct queue_filter *f)
{
	static struct buf out;
	struct queue_cursor at = { .end = false };

	buf_clear(&out);
	buf_init(&out, 64 * 1024 * 1024);
	while (!at.end)
		assert_int_equal(queue_admin_list(local_conf.s, f, &at, 7, put_entry, &out), STORE_OK);
	buf_put_byte(&out, 0);
	return (char *)out.p;
}

const char *local_all(void)
{
	return local_list(&(struct queue_filter){ .states = 0 });
}

size_t local_act(const struct queue_filter *f, enum queue_action action, const char *route)
{
	struct queue_acted done = { .entries = 0 };
	struct queue_cursor at = { .end = false };

	while (!at.end)
		assert_int_equal(queue_admin_act(local_conf.s, f, action, span_of(route), &at, &done),
				 STORE_OK);
	conf_idle(&local_conf);
	return done.recipients;
}

size_t local_act_id(const char *id, enum queue_action action)
{
	return local_act(&(struct queue_filter){ .id = span_of(id) }, action, NULL);
}

/* --- what there is ----------------------------------------------------------------------- */

unsigned long local_figure(const char *key)
{
	unsigned long value = 0;
	struct buf out;
	const char *at;

	buf_init(&out, 4096);
	local_status(local_conf.s, &out);
	buf_put_byte(&out, 0);
	at = strstr((char *)out.p, key);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(key), " %lu", &value), 1);
	buf_clear(&out);
	return value;
}

bool local_file(const char *name)
{
	return faccessat(local_folders.options.queue_fd, name, F_OK, 0) == 0;
}

void local_write(const char *name, const char *text)
{
	int fd = openat(local_folders.options.queue_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void local_remove(const char *name)
{
	assert_int_equal(unlinkat(local_folders.options.queue_fd, name, 0), 0);
}
