/* dns_verb.c - dns records DOMAIN [--json | --zone] | dns check DOMAIN [--json] [--port25 HOST | --no-port25] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/dns_judge.h"
#include "admin/json.h"
#include "admin/sheet.h"
#include "admin/verbs.h"

enum { OUTPUT = 4 << 20 };

/* One of many whose port 25 is always up: it says whether ours may go out. */
#define PORT25_HOST "gmail-smtp-in.l.google.com"

struct line {
	const char *domain;
	bool json, zone, no_port25;
	const char *port25;
};

/* --- records --------------------------------------------------------------- */

static int write_records(const struct dns_site *d, const struct line *l, struct error *err)
{
	struct dns_plan *plan = calloc(1, sizeof(*plan));
	struct buf out;
	int rc = plan != NULL ? dns_plan_make(plan, d, err) : error_set(err, -ENOMEM, "no memory");

	buf_init(&out, OUTPUT);
	if (rc == 0 && l->json)
		dns_plan_write_json(plan, &out);
	else if (rc == 0 && l->zone)
		dns_plan_write_zone(plan, d, &out);
	else if (rc == 0)
		dns_plan_write(plan, d, &out);
	if (plan != NULL)
		dns_plan_clear(plan);
	free(plan);
	if (rc == 0)
		return verb_print(&out);
	buf_clear(&out);
	return verb_failed(err);
}

static int dns_records(const struct site *s, const struct line *l)
{
	struct dns_site *d = calloc(1, sizeof(*d));
	struct error err = { .words = "no memory" };
	int rc;

	if (d == NULL || dns_site_read(d, s, l->domain, &err) != 0)
		rc = verb_failed(&err);
	else
		rc = write_records(d, l, &err);
	free(d);
	return rc;
}

/* --- check ----------------------------------------------------------------- */

static const char *const states[] = { [DNS_FINDING_GOOD] = "good", [DNS_FINDING_ADVICE] = "advice", [DNS_FINDING_WRONG] = "wrong" };

static void put_json(const struct dns_judge *j, struct buf *out)
{
	json_open(out, NULL, '[');
	for (size_t i = 0; i < j->count; i++) {
		const struct dns_finding *f = &j->findings[i];

		json_open(out, NULL, '{');
		json_text(out, "topic", f->topic);
		json_text(out, "state", states[f->state]);
		json_text(out, "words", f->words);
		json_text(out, "todo", f->todo);
		json_close(out, '}');
	}
	json_close(out, ']');
	buf_put_text(out, "\n");
}

static size_t count_wrong(const struct dns_judge *j)
{
	size_t count = 0;

	for (size_t i = 0; i < j->count; i++)
		count += j->findings[i].state == DNS_FINDING_WRONG;
	return count;
}

static void put_text(const struct dns_judge *j, struct buf *out)
{
	for (size_t i = 0; i < j->count; i++) {
		const struct dns_finding *f = &j->findings[i];
		char label[40];

		snprintf(label, sizeof(label), "%-7s %s", f->state == DNS_FINDING_WRONG ? "WRONG" : states[f->state], f->topic);
		sheet_put(out, 0, label, span_of(f->words));
		if (*f->todo != '\0')
			sheet_printf(out, 0, "", "-> %s", f->todo);
	}
	if (count_wrong(j) == 0)
		buf_printf(out, "Nothing is wrong with %s.\n", j->site->domain);
	else
		buf_printf(out, "%zu thing%s wrong with %s; what stands behind -> mends it.\n", count_wrong(j),
			   count_wrong(j) == 1 ? " is" : "s are", j->site->domain);
}

static int judge(struct dns_judge *j, const struct line *l)
{
	struct buf out;
	int rc;

	dns_judge_all(j);
	if (!l->no_port25)
		dns_judge_port25(j, l->port25);
	buf_init(&out, OUTPUT);
	if (l->json)
		put_json(j, &out);
	else
		put_text(j, &out);
	rc = verb_print(&out);
	return rc == VERB_DONE && count_wrong(j) > 0 ? VERB_FAILED : rc;
}

static int dns_check(const struct site *s, const struct line *l)
{
	struct dns_site *d = calloc(1, sizeof(*d));
	struct dns_judge *j = calloc(1, sizeof(*j));
	struct error err = { .words = "no memory" };
	int rc;

	if (d == NULL || j == NULL || dns_site_read(d, s, l->domain, &err) != 0 || lookup_open(&j->look, s, &err) != 0) {
		rc = verb_failed(&err);
	} else {
		j->site = d;
		rc = judge(j, l);
		lookup_close(j->look);
	}
	free(d);
	free(j);
	return rc;
}

/* --- the verb -------------------------------------------------------------- */

/* VERB_DONE, or what verb_usage has returned. */
static int read_line(struct line *l, bool records, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			l->json = true;
		else if (records && strcmp(argv[i], "--zone") == 0)
			l->zone = true;
		else if (!records && strcmp(argv[i], "--no-port25") == 0)
			l->no_port25 = true;
		else if (!records && strcmp(argv[i], "--port25") == 0 && i + 1 < argc)
			l->port25 = argv[++i];
		else if (argv[i][0] == '-' || l->domain != NULL)
			return verb_usage(argv[0], "dns %s: what is %s for?", argv[1], argv[i]);
		else
			l->domain = argv[i];
	}
	if (l->domain == NULL)
		return verb_usage(argv[0], "dns %s needs a domain", argv[1]);
	return l->json && l->zone ? verb_usage(argv[0], "--json and --zone exclude each other") : VERB_DONE;
}

int dns_run(const struct site *s, int argc, char **argv)
{
	struct line l = { .port25 = PORT25_HOST };
	bool records = argc > 1 && strcmp(argv[1], "records") == 0;
	struct error err;
	int rc;

	if (!records && (argc < 2 || strcmp(argv[1], "check") != 0))
		return verb_usage(argv[0], "dns needs records or check");
	rc = read_line(&l, records, argc, argv);
	if (rc != VERB_DONE)
		return rc;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	return records ? dns_records(s, &l) : dns_check(s, &l);
}
