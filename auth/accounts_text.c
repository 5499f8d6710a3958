/* accounts_text.c - the contract is in accounts_text.h. */
#include "auth/accounts_text.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/accounts_app.h"
#include "auth/accounts_hash.h"
#include "common/base/clock.h"
#include "common/base/escape.h"

static const int64_t YEAR_10000_S = 253402300800; /* what no longer has four digits */

bool accounts_text_next(struct span *text, struct accounts_line *line)
{
	while (text->n > 0) {
		struct span all = span_trim(span_take_until(text, '\n'));

		if (all.n > 0 && all.p[all.n - 1] == '\r')
			all.n--;
		if (all.n == 0 || all.p[0] == '#')
			continue;
		line->key = span_take_until(&all, ' ');
		line->value = span_trim(all);
		return true;
	}
	return false;
}

void accounts_text_say(const struct accounts_text_warn *w, const char *format, ...)
{
	char words[480];
	va_list args;
	int used;

	if (w->warn == NULL)
		return;
	used = snprintf(words, sizeof(words), "%s: ", w->file);
	if (used < 0 || (size_t)used >= sizeof(words))
		return;
	va_start(args, format);
	vsnprintf(words + used, sizeof(words) - (size_t)used, format, args);
	va_end(args);
	w->warn(w->arg, words);
}

/* libsodium can verify against it: only then the parameters in it are believed. */
static bool password_usable(struct span value)
{
	char text[crypto_pwhash_STRBYTES];

	if (value.n >= sizeof(text) || !span_starts(value, crypto_pwhash_STRPREFIX))
		return false;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	return strlen(text) == value.n && crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_MIN,
									 crypto_pwhash_MEMLIMIT_MIN) >= 0;
}

static void take_password(const struct accounts_text_warn *w, struct span value,
			  struct accounts_text_account *out)
{
	if (value.n == 0 || password_usable(value) || accounts_hash_foreign(value))
		out->password = value;
	else
		accounts_text_say(w, "the password is no Argon2id string and none of crypt's that is taken: nobody can log in with it");
}

static void take_keys(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out,
		      enum scram_hash hash)
{
	if (!scram_keys_read(&out->scram[hash], hash, value))
		accounts_text_say(w, "the keys of %s are malformed: they log nobody in", scram_hash_name(hash));
}

static void take_sha_256(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	take_keys(w, value, out, SCRAM_SHA_256);
}

static void take_sha_1(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	take_keys(w, value, out, SCRAM_SHA_1);
}

static void take_state(const struct accounts_text_warn *w, struct span value,
		       struct accounts_text_account *out)
{
	char shown[80];

	out->enabled = span_is(value, "enabled");
	if (!out->enabled && !span_is(value, "disabled"))
		accounts_text_say(w, "state is enabled or disabled, not \"%s\": taken as disabled",
				  escape_text(shown, sizeof(shown), value));
}

static void take_created(const struct accounts_text_warn *w, struct span value,
			 struct accounts_text_account *out)
{
	if (!accounts_time_parse(value, &out->created_s))
		accounts_text_say(w, "created is a time like 2026-11-21T11:41:18Z");
}

static bool is_there(const struct accounts_text_account *out, const char *fingerprint)
{
	for (size_t i = 0; i < out->certificate_count; i++)
		if (strcmp(out->certificates[i].fingerprint, fingerprint) == 0)
			return true;
	return false;
}

/* `FINGERPRINT LABEL` */
static void take_certificate(const struct accounts_text_warn *w, struct span value,
			     struct accounts_text_account *out)
{
	struct accounts_text_certificate c;
	char shown[80];
	struct span fingerprint = span_take_until(&value, ' ');

	c.label = span_trim(value);
	if (!accounts_fingerprint(fingerprint, c.fingerprint)) {
		accounts_text_say(w, "\"%s\" is no SHA-256 fingerprint: that certificate logs nobody in",
				  escape_text(shown, sizeof(shown), fingerprint));
		return;
	}
	if (!accounts_label(c.label)) {
		accounts_text_say(w, "the label of the certificate %.16s... can't be shown", c.fingerprint);
		c.label = span_of("");
	}
	if (is_there(out, c.fingerprint))
		return;
	if (out->certificate_count == ACCOUNTS_CERTIFICATES_MAX)
		accounts_text_say(w, "more than %d certificates", ACCOUNTS_CERTIFICATES_MAX);
	else
		out->certificates[out->certificate_count++] = c;
}

static void take_forward(const struct accounts_text_warn *w, struct span value,
			 struct accounts_text_account *out)
{
	if (out->forward_count == ACCOUNTS_FORWARDS_MAX)
		accounts_text_say(w, "more than %d forwards", ACCOUNTS_FORWARDS_MAX);
	else
		out->forwards[out->forward_count++] = value;
}

static void take_forward_keep(const struct accounts_text_warn *w, struct span value,
			      struct accounts_text_account *out)
{
	char shown[80];

	out->forward_keep = !span_is(value, "no");
	if (out->forward_keep && !span_is(value, "yes"))
		accounts_text_say(w, "forward-keep is yes or no, not \"%s\": taken as yes",
				  escape_text(shown, sizeof(shown), value));
}

static void take_quota(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	char shown[80];

	if (span_is(value, "none"))
		out->quota = ACCOUNTS_QUOTA_NONE;
	else if (!span_number(value, ACCOUNTS_QUOTA_MAX, &out->quota) || out->quota == 0)
		accounts_text_say(w, "quota is a number of bytes or none, not \"%s\": what holds for all accounts is taken",
				  escape_text(shown, sizeof(shown), value));
}

static void take_app(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	struct account_app app;
	size_t i = 0;

	out->app_passed_over = true;
	if (!accounts_app_read(&app, value)) {
		accounts_text_say(w, "an app password is malformed: it logs nobody in");
		return;
	}
	while (i < out->app_count && strcmp(out->apps[i].name, app.name) != 0)
		i++;
	if (i < out->app_count || out->app_count == ACCOUNTS_APPS_MAX) {
		accounts_text_say(w, "the app password %s is there already, or is one too many: it logs nobody in", app.name);
		return;
	}
	out->app_passed_over = false;
	out->apps[out->app_count++] = app;
}

static void take_app_keys(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out,
			  enum scram_hash hash)
{
	if (out->app_count > 0 && !out->app_passed_over &&
	    !scram_keys_read(&out->apps[out->app_count - 1].scram[hash], hash, value))
		accounts_text_say(w, "an app password's keys of %s are malformed", scram_hash_name(hash));
}

static void take_app_sha_256(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	take_app_keys(w, value, out, SCRAM_SHA_256);
}

static void take_app_sha_1(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	take_app_keys(w, value, out, SCRAM_SHA_1);
}

/* Whatever else stands there forbids more, not less. */
static void take_app_only(const struct accounts_text_warn *w, struct span value, struct accounts_text_account *out)
{
	out->app_only = !span_is(value, "no");
	if (out->app_only && !span_is(value, "yes"))
		accounts_text_say(w, "app-only is yes or no: taken as yes");
}

static const struct {
	const char *key;
	void (*take)(const struct accounts_text_warn *w, struct span value,
		     struct accounts_text_account *out);
} account_lines[] = {
	{ "password", take_password },
	{ "scram-sha-256", take_sha_256 },
	{ "scram-sha-1", take_sha_1 },
	{ "state", take_state },
	{ "created", take_created },
	{ "certificate", take_certificate },
	{ "forward", take_forward },
	{ "forward-keep", take_forward_keep },
	{ "quota", take_quota },
	{ "app", take_app },
	{ "app-scram-sha-256", take_app_sha_256 },
	{ "app-scram-sha-1", take_app_sha_1 },
	{ "app-only", take_app_only },
};

void accounts_text_account(struct span text, const struct accounts_text_warn *w,
			   struct accounts_text_account *out)
{
	size_t rows = sizeof(account_lines) / sizeof(account_lines[0]);
	struct accounts_line line;
	char shown[80];

	*out = (struct accounts_text_account){ .enabled = true, .forward_keep = true };
	while (accounts_text_next(&text, &line)) {
		size_t i = 0;

		while (i < rows && !span_is(line.key, account_lines[i].key))
			i++;
		if (i < rows)
			account_lines[i].take(w, line.value, out);
		else
			accounts_text_say(w, "\"%s\" is not known here",
					  escape_text(shown, sizeof(shown), line.key));
	}
}

void accounts_text_put_keys(struct buf *b, enum scram_hash hash, const struct scram_keys *k)
{
	buf_printf(b, "%s ", scram_hash_name(hash));
	scram_keys_put(b, hash, k);
	buf_put_text(b, "\n");
}

void accounts_text_put_account(struct buf *b, const struct account *account)
{
	char created[ACCOUNTS_TIME];

	accounts_time_text(created, account->created_s);
	buf_printf(b, "password %s\nstate %s\ncreated %s\n", account->password,
		   account->enabled ? "enabled" : "disabled", created);
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
		if (account->scram[h] != NULL)
			accounts_text_put_keys(b, h, account->scram[h]);
	for (size_t i = 0; i < account->certificate_count; i++) {
		const struct account_certificate *c = &account->certificates[i];

		buf_printf(b, "certificate %s%s%s\n", c->fingerprint, *c->label != '\0' ? " " : "", c->label);
	}
	for (size_t i = 0; i < account->forward_count; i++)
		buf_printf(b, "forward %s\n", account->forwards[i]);
	if (account->forward_count > 0)
		buf_printf(b, "forward-keep %s\n", account->forward_keep ? "yes" : "no");
	if (account->quota == ACCOUNTS_QUOTA_NONE)
		buf_put_text(b, "quota none\n");
	else if (account->quota > 0)
		buf_printf(b, "quota %llu\n", (unsigned long long)account->quota);
	for (size_t i = 0; i < account->app_count; i++)
		accounts_app_put(b, &account->apps[i]);
	if (account->app_only)
		buf_put_text(b, "app-only yes\n");
}

void accounts_text_put_targets(struct buf *b, const char *key, const struct alias *alias)
{
	for (size_t i = 0; i < alias->target_count; i++)
		buf_printf(b, "%s %s\n", key, alias->targets[i]);
}

void accounts_time_text(char out[ACCOUNTS_TIME], int64_t real_s)
{
	time_t t = real_s > 0 && real_s < YEAR_10000_S ? (time_t)real_s : 0;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, ACCOUNTS_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, ACCOUNTS_TIME, "1970-01-01T00:00:00Z");
}

/* Takes digits digits and the byte behind them. */
static bool take_field(struct span *in, size_t digits, uint8_t behind, uint64_t max, uint64_t *out)
{
	struct span number = span_take(in, digits), end = span_take(in, 1);

	return number.n == digits && span_number(number, max, out) && end.n == 1 && end.p[0] == behind;
}

bool accounts_time_parse(struct span in, int64_t *real_s)
{
	uint64_t year, month, day, hour, minute, second;

	if (!take_field(&in, 4, '-', 9999, &year) || !take_field(&in, 2, '-', 12, &month) ||
	    !take_field(&in, 2, 'T', 31, &day) || !take_field(&in, 2, ':', 23, &hour) ||
	    !take_field(&in, 2, ':', 59, &minute) || !take_field(&in, 2, 'Z', 59, &second))
		return false;
	if (in.n > 0 || year < 1970 || month == 0 || day == 0)
		return false;
	*real_s = clock_days((int64_t)year, (unsigned)month, (unsigned)day) * 86400 +
		  (int64_t)(hour * 3600 + minute * 60 + second);
	return true;
}
