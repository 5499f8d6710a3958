/*
 * accounts_text.h - the lines of the files in accounts/, read and written. Pure.
 *
 * Form    `key value`, one a line; empty lines and lines that begin with # count for
 *         nothing. What is not understood is told to warn and passed over.
 */
#ifndef AUTH_ACCOUNTS_TEXT_H
#define AUTH_ACCOUNTS_TEXT_H

#include "auth/accounts.h"
#include "common/base/buf.h"

struct accounts_line {
	struct span key, value;	/* lent from the text; value trimmed, may be empty */
};

/* Takes the next line that says something off *text; false at the end. */
bool accounts_text_next(struct span *text, struct accounts_line *line);

struct accounts_text_warn {
	accounts_warn warn;	/* may be NULL */
	void *arg;
	const char *file;	/* "accounts/example.org/alice.account" */
};
void accounts_text_say(const struct accounts_text_warn *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct accounts_text_certificate {
	char fingerprint[ACCOUNTS_FINGERPRINT];
	struct span label;	/* lent from the text */
};

struct accounts_text_account {
	struct span password;	/* lent from the text; empty: there is none that can be used */
	struct scram_keys scram[SCRAM_HASHES];	/* without iterations: none */
	bool enabled;		/* false where the state is not understood */
	int64_t created_s;
	struct accounts_text_certificate certificates[ACCOUNTS_CERTIFICATES_MAX];	/* each once */
	size_t certificate_count;
	struct span forwards[ACCOUNTS_FORWARDS_MAX];	/* lent, not looked at */
	size_t forward_count;
	bool forward_keep;	/* true where nothing is said */
	uint64_t quota;		/* as struct account's */
	struct account_app apps[ACCOUNTS_APPS_MAX];	/* each name once */
	size_t app_count;
	bool app_only;
	bool app_passed_over;	/* the last one: its keys are, too */
};

/* Cannot fail: what is missing or broken leaves an account that nobody can log in to. */
void accounts_text_account(struct span text, const struct accounts_text_warn *w,
			   struct accounts_text_account *out);

/* A line of keys, as accounts_text_put_account writes it. */
void accounts_text_put_keys(struct buf *b, enum scram_hash hash, const struct scram_keys *k);
void accounts_text_put_account(struct buf *b, const struct account *account);
/* key: "to" in an alias's file, "catch-all" in a domain's. */
void accounts_text_put_targets(struct buf *b, const char *key, const struct alias *alias);

/* "2026-11-21T11:41:18Z" and back. */
enum { ACCOUNTS_TIME = 32 };
void accounts_time_text(char out[ACCOUNTS_TIME], int64_t real_s);
bool accounts_time_parse(struct span in, int64_t *real_s);

#endif
