/* dkim_verb.c - dkim new DOMAIN | list [DOMAIN] [--json] | rotate DOMAIN [--now] | check FILE [--json] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "admin/account_parts.h"
#include "admin/dkim_parts.h"
#include "admin/json.h"
#include "admin/verbs.h"
#include "common/base/clock.h"

enum { OUTPUT = 4 << 20, DAY_S = 86400, KEEP_DAYS = 7, FORGET_DAYS = 30 };

/* --- words ----------------------------------------------------------------- */

/* "2026-11-22" */
static void date_text(char out[16], int64_t at_s)
{
	time_t t = (time_t)at_s;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	strftime(out, 16, "%Y-%m-%d", &tm);
}

/* The records of all keys in a state, each name alone on its line. */
static int put_records(const struct keyring *k, enum dkim_state state, struct buf *out, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < k->count && rc == 0; i++) {
		char name[KEYRING_NAME_MAX];

		if (k->entries[i].state != state)
			continue;
		keyring_name(k, i, name);
		buf_printf(out, "  %s  TXT\n    ", name);
		rc = keyring_record(k, i, out, err);
		buf_put_text(out, "\n");
	}
	return rc;
}

static int must_be_ours(const struct site *s, const char *domain, struct error *err)
{
	char name[ACCOUNTS_DOMAIN_MAX];
	struct account_folder f;
	int rc = account_open(s, &f, err);

	if (rc == 0)
		rc = accounts_domain(domain, name, err);
	if (rc == 0 && !accounts_has_domain(f.accounts, name))
		rc = error_set(err, -ENOENT, "the domain %s is not there: yubin domain add %s", name, name);
	account_close(&f);
	return rc;
}

static void tell_running(const struct site *s)
{
	if (site_running(s, NULL))
		printf("The running server takes the keys by itself (WatchTime in yubin.conf), or at: yubin reload\n");
}

/* --- new ------------------------------------------------------------------- */

static int dkim_new(const struct site *s, const struct dkim_line *l)
{
	struct error err;
	struct keyring k;
	struct buf out;
	bool made;

	buf_init(&out, OUTPUT);
	if (must_be_ours(s, l->word, &err) != 0 || keyring_first(s, l->word, &made, &err) != 0 ||
	    keyring_read(&k, s, l->word, &err) != 0)
		return verb_failed(&err);
	if (!made) {
		error_set(&err, -EEXIST, "%s has keys already: yubin dkim rotate %s makes new ones", k.domain, l->word);
		return verb_failed(&err);
	}
	buf_printf(&out, "Made keys that sign the mail of %s. Publish these records in the DNS:\n", k.domain);
	if (put_records(&k, DKIM_ACTIVE, &out, &err) != 0) {
		buf_clear(&out);
		return verb_failed(&err);
	}
	if (verb_print(&out) != VERB_DONE)
		return VERB_FAILED;
	tell_running(s);
	return VERB_DONE;
}

/* --- list ------------------------------------------------------------------ */

static const char *const algorithms[] = { [DKIM_RSA_SHA256] = "rsa", [DKIM_ED25519_SHA256] = "ed25519" };
static const char *const states[] = { [DKIM_ACTIVE] = "active", [DKIM_NEXT] = "next", [DKIM_OLD] = "old" };

struct listing {
	struct buf out;
	bool json;
	const char *only;	/* a domain as DNS has it; NULL: all */
};

static int put_json(struct listing *l, const struct keyring *k, size_t i, struct error *err)
{
	char name[KEYRING_NAME_MAX], date[16];
	struct buf record;
	int rc;

	buf_init(&record, 16384);
	rc = keyring_record(k, i, &record, err);
	keyring_name(k, i, name);
	date_text(date, k->entries[i].created_s);
	json_open(&l->out, NULL, '{');
	json_text(&l->out, "domain", k->domain);
	json_text(&l->out, "selector", k->entries[i].selector);
	json_text(&l->out, "algorithm", algorithms[k->entries[i].algorithm]);
	json_text(&l->out, "state", states[k->entries[i].state]);
	json_text(&l->out, "created", date);
	json_text(&l->out, "name", name);
	json_span(&l->out, "record", buf_span(&record));
	json_close(&l->out, '}');
	buf_clear(&record);
	return rc;
}

static int list_one(void *arg, const struct keyring *k, struct error *err)
{
	struct listing *l = arg;
	int rc = 0;

	if (l->only != NULL && strcmp(l->only, k->domain) != 0)
		return 0;
	for (size_t i = 0; i < k->count && rc == 0; i++) {
		char date[16];

		if (l->json) {
			rc = put_json(l, k, i, err);
			continue;
		}
		if (l->out.n == 0)
			buf_printf(&l->out, "%-30s %-14s %-8s %-7s %s\n", "DOMAIN", "SELECTOR", "KIND", "STATE", "MADE");
		date_text(date, k->entries[i].created_s);
		buf_printf(&l->out, "%-30s %-14s %-8s %-7s %s\n", k->domain, k->entries[i].selector,
			   algorithms[k->entries[i].algorithm], states[k->entries[i].state], date);
	}
	return rc;
}

static int dkim_list(const struct site *s, const struct dkim_line *line)
{
	struct listing l = { .json = line->json };
	char only[DNS_NAME_MAX];
	struct error err;

	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	if (line->word != NULL && !dns_name(span_of(line->word), only))
		return verb_usage("dkim", "%s is no domain", line->word);
	l.only = line->word != NULL ? only : NULL;
	buf_init(&l.out, OUTPUT);
	if (l.json)
		json_open(&l.out, NULL, '[');
	if (keyring_walk(s, list_one, &l, &err) != 0) {
		buf_clear(&l.out);
		return verb_failed(&err);
	}
	if (l.json) {
		json_close(&l.out, ']');
		buf_put_text(&l.out, "\n");
	}
	return verb_print(&l.out);
}

/* --- rotate ---------------------------------------------------------------- */

/* All next keys are in the DNS as they should be; else says which are not. */
static bool are_published(const struct keyring *k, struct lookup *look)
{
	bool all = true;

	for (size_t i = 0; i < k->count; i++) {
		char name[KEYRING_NAME_MAX], words[DKIM_WORDS];

		if (k->entries[i].state != DKIM_NEXT)
			continue;
		keyring_name(k, i, name);
		if (dkim_is_published(k, i, look, words))
			continue;
		fprintf(stderr, "yubin: %s: %s\n", name, words);
		all = false;
	}
	return all;
}

/* The next keys sign from now on; those before rest, and are forgotten after some weeks. */
static void turn(struct keyring *k, int64_t now_s)
{
	for (size_t i = k->count; i > 0; i--) {
		struct dkim_entry *e = &k->entries[i - 1];

		if (e->state == DKIM_OLD && e->created_s < now_s - (int64_t)FORGET_DAYS * DAY_S)
			keyring_drop(k, i - 1);
		else if (e->state == DKIM_ACTIVE)
			e->state = DKIM_OLD;
		else if (e->state == DKIM_NEXT)
			e->state = DKIM_ACTIVE;
	}
}

static void tell_turned(const struct keyring *k, int64_t now_s)
{
	char date[16];

	date_text(date, now_s + (int64_t)KEEP_DAYS * DAY_S);
	printf("The new keys of %s sign from now on. Leave the records of the old ones in the DNS until %s, for mail that is still "
	       "under way, then take them out:\n", k->domain, date);
	for (size_t i = 0; i < k->count; i++) {
		char name[KEYRING_NAME_MAX];

		keyring_name(k, i, name);
		if (k->entries[i].state == DKIM_OLD)
			printf("  %s\n", name);
	}
}

static int begin_rotation(struct keyring *k, const char *domain, int64_t now_s, struct error *err)
{
	struct buf out;
	int rc;

	for (size_t i = 0; i < k->count && k->count + 2 > DKIM_KEYS; i += k->entries[i].state != DKIM_OLD)
		if (k->entries[i].state == DKIM_OLD)
			keyring_drop(k, i);
	rc = keyring_make(k, DKIM_NEXT, now_s, err);
	if (rc == 0)
		rc = keyring_write(k, err);
	buf_init(&out, OUTPUT);
	buf_printf(&out, "Made the next keys of %s; the ones before sign until these are published. Put them into the DNS:\n", k->domain);
	if (rc == 0)
		rc = put_records(k, DKIM_NEXT, &out, err);
	buf_printf(&out, "Then again: yubin dkim rotate %s\n", domain);
	if (rc == 0)
		return verb_print(&out) == VERB_DONE ? 0 : error_set(err, -EIO, "the records could not be shown");
	buf_clear(&out);
	return rc;
}

static int end_rotation(struct keyring *k, int64_t now_s, struct error *err)
{
	int rc;

	turn(k, now_s);
	rc = keyring_write(k, err);
	if (rc == 0) {
		keyring_sweep(k);
		tell_turned(k, now_s);
	}
	return rc;
}

static int check_published(const struct site *s, const struct keyring *k, const char *domain, struct error *err)
{
	struct lookup *look;
	int rc = lookup_open(&look, s, err);

	if (rc == 0 && !are_published(k, look))
		rc = error_set(err, -EAGAIN, "the next keys of %s are not all published yet; nothing was changed (--now does not look)", domain);
	lookup_close(look);
	return rc;
}

static int dkim_rotate(const struct site *s, const struct dkim_line *l)
{
	int64_t now_s = clock_real_ms() / 1000;
	struct error err;
	struct keyring k;
	int lock, rc;
	bool turned = false;

	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	lock = keyring_lock(s, &err);
	if (lock < 0)
		return verb_failed(&err);
	rc = keyring_read(&k, s, l->word, &err);
	if (rc == 0 && k.count == 0)
		rc = error_set(&err, -ENOENT, "%s has no keys: yubin dkim new %s", l->word, l->word);
	else if (rc == 0 && !keyring_has(&k, DKIM_NEXT))
		rc = begin_rotation(&k, l->word, now_s, &err);
	else if (rc == 0 && (l->now || (rc = check_published(s, &k, l->word, &err)) == 0))
		turned = (rc = end_rotation(&k, now_s, &err)) == 0;
	close(lock);
	if (turned)
		tell_running(s);
	return rc != 0 ? verb_failed(&err) : VERB_DONE;
}

/* --- the verb -------------------------------------------------------------- */

static const struct member {
	const char *name;
	int least;
	bool json, now;
	int (*run)(const struct site *s, const struct dkim_line *l);
} members[] = {
	{ "new", 1, false, false, dkim_new },
	{ "list", 0, true, false, dkim_list },
	{ "rotate", 1, false, true, dkim_rotate },
	{ "check", 1, true, false, dkim_check },
};

static int run_member(const struct site *s, const struct member *m, int argc, char **argv)
{
	struct dkim_line l = { .word = NULL };

	for (int i = 2; i < argc; i++) {
		if (m->json && strcmp(argv[i], "--json") == 0)
			l.json = true;
		else if (m->now && strcmp(argv[i], "--now") == 0)
			l.now = true;
		else if (argv[i][0] == '-' && argv[i][1] != '\0')
			return verb_usage(argv[0], "dkim %s knows no option %s", m->name, argv[i]);
		else if (l.word != NULL)
			return verb_usage(argv[0], "dkim %s: what is %s for?", m->name, argv[i]);
		else
			l.word = argv[i];
	}
	if (l.word == NULL && m->least > 0)
		return verb_usage(argv[0], "dkim %s needs more than that", m->name);
	return m->run(s, &l);
}

int dkim_run(const struct site *s, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(argv[1], members[i].name) == 0)
			return run_member(s, &members[i], argc, argv);
	return verb_usage(argv[0], "dkim needs new, list, rotate or check");
}
