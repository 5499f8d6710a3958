/* trace_verb.c - trace MESSAGE-ID|QUEUE-ID|ADDRESS [--json] [--since TIME] */
#include <errno.h>
#include <string.h>

#include "admin/log_source.h"
#include "admin/queue_parts.h"
#include "admin/trace_parts.h"
#include "admin/verbs.h"
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/config/scope.h"

enum { OUTPUT = 256 << 20 };

/* --- the log ------------------------------------------------------------------------ */

static int read_log(const struct site *s, struct trace_book *b, struct error *err)
{
	for (enum trace_pass pass = TRACE_FIND; pass <= TRACE_MEET; pass++) {
		struct log_source *log;
		struct span line;
		int rc = log_source_open(&log, s, err);

		if (rc < 0)
			return rc;
		while (log_source_next(log, &line))
			trace_book_take(b, pass, line);
		log_source_close(log);
	}
	return 0;
}

/* --- the queue ----------------------------------------------------------------------- */

struct waiting {
	struct trace_book *book;
	struct trace_message *message;
	int64_t now_s;
};

static void note_recipient(struct waiting *w, const struct queue_shown_recipient *r)
{
	char to[QUEUE_WORDS];
	struct trace_state *state;
	struct buf words;

	state = trace_book_state(w->book, w->message, span_of(escape_text(to, sizeof(to), r->to.address)));
	if (state == NULL)
		return;
	buf_init(&words, QUEUE_WORDS);
	queue_words_state(&words, r, w->now_s);
	if (r->attempts > 0)
		buf_printf(&words, ", tried %u time%s", (unsigned)r->attempts, r->attempts == 1 ? "" : "s");
	state->waits = true;
	state->waits_words = trace_book_copy(w->book, buf_span(&words));
	buf_clear(&words);
}

static void on_entry(void *arg, const struct queue_shown *e)
{
	struct waiting *w = arg;

	for (size_t i = 0; i < e->count; i++)
		note_recipient(w, &e->recipients[i]);
}

/* What of it all waits still. */
static int ask_queue(const struct site *s, struct trace_book *b, enum trace_queue *queue, struct error *err)
{
	struct waiting w = { .book = b, .now_s = clock_real_ms() / 1000 };
	int rc = 0;

	*queue = TRACE_QUEUE_ASKED;
	for (size_t i = 0; i < trace_book_count(b) && rc == 0; i++) {
		struct queue_filter f = { .id = { NULL, 0 } };

		w.message = trace_book_at(b, i);
		f.id = span_of(w.message->id);
		rc = queue_list(s, &f, on_entry, &w, err);
	}
	if (rc == -ESRCH || rc == -EAGAIN) {
		*queue = TRACE_QUEUE_AWAY;
		return 0;
	}
	return rc;
}

/* --- the command line ------------------------------------------------------------------ */

struct trace_options {
	const char *query;
	int64_t since_s; /* since 1970; 0: all */
	bool json;
};

/* An exit code, or -1: it is good. */
static int read_options(struct trace_options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int64_t ms;

		if (strcmp(argv[i], "--json") == 0) {
			o->json = true;
		} else if (strcmp(argv[i], "--since") == 0) {
			if (i + 1 == argc || !config_value_number(CONFIG_TYPE_TIME, span_of(argv[++i]), &ms))
				return verb_usage(argv[0], "--since needs a time: 30m, 2h, 5d");
			o->since_s = (clock_real_ms() - ms) / 1000;
		} else if (argv[i][0] == '-' && argv[i][1] != '\0') {
			return verb_usage(argv[0], "unknown option %s", argv[i]);
		} else if (o->query != NULL) {
			return verb_usage(argv[0], "one message-id, id or address at a time");
		} else {
			o->query = argv[i];
		}
	}
	if (o->query == NULL || *o->query == '\0')
		return verb_usage(argv[0], "trace what? a message-id, an id of the queue, or an address");
	return -1;
}

static void warn_incomplete(const struct trace_book *b)
{
	char words[200];

	if (trace_book_left_out(b) > 0) {
		snprintf(words, sizeof(words), "%zu older messages are left out; narrow it with --since",
			 trace_book_left_out(b));
		verb_warn(words);
	}
	if (trace_book_full(b))
		verb_warn("there is more in the log than could be kept; narrow it with --since");
}

static int trace(const struct site *s, const struct trace_options *o, struct trace_book *b, struct error *err)
{
	enum trace_queue queue = TRACE_QUEUE_AWAY;
	struct buf out;
	int rc = read_log(s, b, err);

	if (rc == 0)
		rc = ask_queue(s, b, &queue, err);
	if (rc < 0)
		return rc;
	if (trace_book_count(b) == 0 && trace_book_strays(b) == NULL && !o->json)
		return error_set(err, -ENOENT, "the log knows nothing of %s", o->query);
	buf_init(&out, OUTPUT);
	if (o->json)
		trace_json_write(&out, b, queue);
	else
		trace_text_write(&out, b, queue);
	warn_incomplete(b);
	return verb_print(&out) == VERB_DONE ? 0 : error_set(err, -EIO, "the output is lost");
}

int trace_run(const struct site *s, int argc, char **argv)
{
	struct trace_options o = { .query = NULL };
	struct trace_book *b;
	struct error err;
	int code = read_options(&o, argc, argv);

	if (code >= 0)
		return code;
	if (site_must_exist(s, &err) != 0 || trace_book_new(&b, o.query, o.since_s, &err) != 0)
		return verb_failed(&err);
	code = trace(s, &o, b, &err) == 0 ? VERB_DONE : verb_failed(&err);
	trace_book_free(b);
	return code;
}
