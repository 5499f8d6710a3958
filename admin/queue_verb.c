/* queue_verb.c - queue list | show | flush | hold | release | delete | bounce | route */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/queue_parts.h"
#include "admin/queue_reader.h"
#include "admin/verbs.h"
#include "common/base/clock.h"
#include "common/config/scope.h"

enum { SHOW_MAX = 32 << 20 };

/* --- asking the server ---------------------------------------------------------- */

/* All pages. */
static int ask_pages(const struct site *s, struct queue_order *o, struct queue_reader *r,
		     struct queue_acted *done, struct error *err)
{
	struct buf question;
	int more = 1;

	buf_init(&question, QUEUE_ORDER_MAX);
	while (more > 0) {
		char *text = NULL;

		buf_reset(&question);
		queue_order_write(&question, o);
		buf_put_byte(&question, '\0');
		if (question.failed)
			more = error_set(err, -E2BIG, "what is asked for is too long");
		else
			more = site_order(s, (const char *)question.p, &text, err);
		if (more == 0)
			more = queue_reader_take(r, span_of(text), o, done, err);
		else if (more > 0)
			more = -EIO;
		free(text);
	}
	buf_clear(&question);
	return more;
}

static int ask(const struct site *s, struct queue_order *o, queue_show show, void *arg,
	       struct queue_acted *done, struct error *err)
{
	struct queue_reader *r;
	int rc = queue_reader_new(&r, show, arg, err);

	if (rc == 0)
		rc = ask_pages(s, o, r, done, err);
	queue_reader_free(r);
	return rc;
}

int queue_list(const struct site *s, const struct queue_filter *f, queue_show show, void *arg,
	       struct error *err)
{
	struct queue_order o = { .what = QUEUE_ORDER_LIST, .filter = *f };

	return ask(s, &o, show, arg, NULL, err);
}

int queue_change(const struct site *s, struct queue_order *o, struct queue_acted *done, struct error *err)
{
	o->after[0] = '\0';
	o->from = 0;
	return ask(s, o, NULL, NULL, done, err);
}

/* --- list, show ------------------------------------------------------------------- */

/* A list of objects, printed as they come. */
struct json_out {
	struct buf b;
	size_t count;
	bool broken;
};

static void json_entry(void *arg, const struct queue_shown *e)
{
	struct json_out *j = arg;

	fputs(j->count++ > 0 ? ",\n" : "\n", stdout);
	buf_reset(&j->b);
	queue_json_entry(&j->b, e);
	if (j->b.failed || fwrite(j->b.p, 1, j->b.n, stdout) != j->b.n)
		j->broken = true;
}

/* Each id in turn, or all that fits. */
static int walk(const struct site *s, const struct queue_line *l, queue_show show, void *arg,
		struct error *err)
{
	struct queue_filter f = l->filter;
	int rc = 0;

	if (l->id_count == 0)
		return queue_list(s, &f, show, arg, err);
	for (int i = 0; i < l->id_count && rc == 0; i++) {
		f.id = span_of(l->ids[i]);
		rc = queue_list(s, &f, show, arg, err);
	}
	return rc;
}

static int list_json(const struct site *s, const struct queue_line *l)
{
	struct json_out j = { .count = 0 };
	struct error err;
	int rc;

	buf_init(&j.b, SHOW_MAX);
	fputs("[", stdout);
	rc = walk(s, l, json_entry, &j, &err);
	fputs(j.count > 0 ? "\n]\n" : "]\n", stdout);
	buf_clear(&j.b);
	if (rc < 0)
		return verb_failed(&err);
	if (!j.broken && fflush(stdout) == 0)
		return VERB_DONE;
	error_set(&err, -EIO, "can't write to the standard output");
	return verb_failed(&err);
}

static int run_list(const struct site *s, const struct queue_line *l)
{
	struct queue_text *t;
	struct error err;
	int rc;

	if (l->json)
		return list_json(s, l);
	rc = queue_text_new(&t, clock_real_ms() / 1000, &err);
	if (rc == 0)
		rc = walk(s, l, queue_text_entry, t, &err);
	if (rc == 0 && !queue_text_end(t))
		rc = error_set(&err, -EIO, "can't write to the standard output");
	queue_text_free(t);
	return rc == 0 ? VERB_DONE : verb_failed(&err);
}

struct show {
	struct buf b;
	bool json, found;
	int64_t now_s;
};

static void show_entry(void *arg, const struct queue_shown *e)
{
	struct show *show = arg;

	show->found = true;
	if (show->json)
		queue_json_entry(&show->b, e);
	else
		queue_text_show(&show->b, e, show->now_s);
}

static int run_show(const struct site *s, const struct queue_line *l)
{
	struct show show = { .json = l->json, .now_s = clock_real_ms() / 1000 };
	int rc = 0, code = VERB_DONE;
	struct error err;

	if (l->id_count == 0)
		return verb_usage(l->verb, "queue show needs the id of a message; see: yubin queue list");
	buf_init(&show.b, SHOW_MAX);
	if (l->json)
		buf_put_byte(&show.b, '[');
	for (int i = 0; i < l->id_count && rc == 0; i++) {
		struct queue_filter f = l->filter;

		show.found = false;
		f.id = span_of(l->ids[i]);
		if (i > 0 && !l->json)
			buf_put_byte(&show.b, '\n');
		rc = queue_list(s, &f, show_entry, &show, &err);
		if (rc < 0 || show.found)
			continue;
		fprintf(stderr, "yubin: there is no %s in the queue\n", l->ids[i]);
		code = VERB_FAILED;
	}
	if (l->json)
		buf_put_text(&show.b, "]\n");
	if (rc < 0) {
		buf_clear(&show.b);
		return verb_failed(&err);
	}
	return verb_print(&show.b) == VERB_DONE ? code : VERB_FAILED;
}

/* --- the command line ---------------------------------------------------------------- */

/* Options with a word behind them; false: none of these. */
static bool take_value(struct queue_line *l, const char *option, const char *value, const char **wrong)
{
	int64_t ms;

	if (strcmp(option, "--from") == 0)
		l->filter.sender = span_of(value);
	else if (strcmp(option, "--to") == 0)
		l->filter.recipient = span_of(value);
	else if (strcmp(option, "--domain") == 0)
		l->filter.domain = span_of(value);
	else if (strcmp(option, "--account") == 0)
		l->filter.account = span_of(value);
	else if (strcmp(option, "--older-than") != 0)
		return false;
	else if (config_value_number(CONFIG_TYPE_TIME, span_of(value), &ms) && ms >= 1000)
		l->filter.older_s = ms / 1000;
	else
		*wrong = "--older-than needs a time: 30m, 2h, 5d";
	if (*value == '\0')
		*wrong = "an option has an empty value";
	l->filtered = true;
	return true;
}

static bool take_switch(struct queue_line *l, const char *option)
{
	static const struct {
		const char *option;
		unsigned states;
	} states[] = { { "--held", QUEUE_HELD },
		       { "--aside", QUEUE_ASIDE },
		       { "--waiting", QUEUE_WAITING | QUEUE_LEASED } };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(option, states[i].option) == 0) {
			l->filter.states |= states[i].states;
			return l->filtered = true;
		}
	if (strcmp(option, "--all") == 0)
		return l->all = true;
	if (strcmp(option, "--json") == 0)
		return l->json = true;
	return false;
}

/* An id of the queue: it goes into an order as it is. */
static bool is_id(const char *word)
{
	size_t n = strlen(word);

	return n > 0 && n < STORE_ID_MAX &&
	       strspn(word, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

/* Reads what stands behind the member's name; an exit code, or -1: it is good. */
static int read_line(struct queue_line *l, char **words)
{
	const char *wrong = NULL;

	l->ids = words;
	for (char **at = words; *at != NULL; at++) {
		if ((*at)[0] != '-') {
			if (!is_id(*at))
				return verb_usage(l->verb, "%s is no id of a message", *at);
			l->ids[l->id_count++] = *at;
		} else if (!take_switch(l, *at)) {
			if (at[1] == NULL || !take_value(l, at[0], at[1], &wrong))
				return verb_usage(l->verb, "unknown option, or no value behind it: %s", *at);
			at++;
		}
		if (wrong != NULL)
			return verb_usage(l->verb, "%s", wrong);
	}
	return -1;
}

static const struct {
	const char *name;
	enum queue_action action;
} changes[] = {
	{ "flush", QUEUE_ACT_FLUSH },   { "hold", QUEUE_ACT_HOLD },     { "release", QUEUE_ACT_RELEASE },
	{ "delete", QUEUE_ACT_DELETE }, { "bounce", QUEUE_ACT_BOUNCE }, { "route", QUEUE_ACT_ROUTE },
};
enum { CHANGES = sizeof(changes) / sizeof(changes[0]) };

/* HOST:PORT; brackets around an IPv6 address. */
static bool is_route(const char *word)
{
	const char *colon = strrchr(word, ':');
	struct span host = { (const uint8_t *)word, colon != NULL ? (size_t)(colon - word) : 0 };
	uint64_t port;

	return host.n > 0 && strlen(word) < QUEUE_DOMAIN_MAX && strpbrk(word, " \t\r\n,") == NULL &&
	       (span_find(host, ':') < 0 || (host.p[0] == '[' && host.p[host.n - 1] == ']')) &&
	       span_number(span_of(colon + 1), 65535, &port) && port > 0;
}

static int run_change(const struct site *s, struct queue_line *l, enum queue_action action, char **words)
{
	int code;

	if (action == QUEUE_ACT_ROUTE) {
		if (*words == NULL || (strcmp(*words, "none") != 0 && !is_route(*words)))
			return verb_usage(l->verb, "queue route needs HOST:PORT, or none");
		l->route = strcmp(*words, "none") != 0 ? *words : "";
		words++;
	}
	code = read_line(l, words);
	if (code >= 0)
		return code;
	if (l->json)
		return verb_usage(l->verb, "--json goes with list and show");
	if (l->id_count == 0 && !l->filtered && !l->all)
		return verb_usage(l->verb, "say which messages: ids, filters, or --all");
	return queue_change_run(s, l, action);
}

int queue_run(const struct site *s, int argc, char **argv)
{
	struct queue_line l = { .verb = argv[0], .route = "" };
	const char *member = argc > 1 ? argv[1] : "";
	struct error err;
	int code;

	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	for (size_t i = 0; i < CHANGES; i++)
		if (strcmp(member, changes[i].name) == 0)
			return run_change(s, &l, changes[i].action, argv + 2);
	if (strcmp(member, "list") != 0 && strcmp(member, "show") != 0)
		return verb_usage(argv[0], "what about the queue? list, show, flush, hold, ...");
	code = read_line(&l, argv + 2);
	if (code >= 0)
		return code;
	return strcmp(member, "list") == 0 ? run_list(s, &l) : run_show(s, &l);
}
