/*
 * account_parts.h - what the files account_*.c share.
 */
#ifndef ADMIN_ACCOUNT_PARTS_H
#define ADMIN_ACCOUNT_PARTS_H

#include "admin/account.h"
#include "auth/accounts.h"

/* What stands behind "account add". */
struct account_line {
	const char *verb;	/* "account" */
	int count;		/* words that are no options */
	char **words;
	bool json, from_stdin, generate;
	bool keep, no_keep, none;	/* of account forward */
	const char *scope, *expires;	/* of account app add; NULL: not given */
	const char *hash;		/* of account add and passwd; NULL: not given */
	const char *session;		/* of account kick; NULL: not given */
};

/* One of a family's members: "add" of account. */
struct account_member {
	const char *name;	/* one word, or two: "cert add" */
	unsigned options;	/* enum account_option */
	int least, most;	/* words */
	int (*run)(const struct site *s, const struct account_line *l);
};

enum account_option { ACCOUNT_JSON = 1, ACCOUNT_PASSWORD = 2, ACCOUNT_FORWARD = 4, ACCOUNT_APP = 8, ACCOUNT_KICK = 16 };

/* Finds the member that argv names, reads its options and runs it. argv is put in order. */
int account_family(const struct site *s, int argc, char **argv, const struct account_member *members,
		   size_t count);

/* The folder accounts/ and everything in it, warnings on stderr. */
struct account_folder {
	int fd;			/* -1: none */
	struct accounts_owner owner;
	struct accounts *accounts;
	int lock;		/* -1: none */
};
int account_open(const struct site *s, struct account_folder *f, struct error *err);
/* The same for who will write back what is read here: until account_close no other command does. */
int account_open_to_change(const struct site *s, struct account_folder *f, struct error *err);
void account_close(struct account_folder *f);

/* The account as it is now, lent from f. */
int account_find(const struct account_folder *f, const char *word, struct account *out, struct error *err);

/* The same with room for one app password and one certificate more. */
struct account_holder {
	struct account account;
	struct account_app apps[ACCOUNTS_APPS_MAX + 1];
	struct account_certificate certificates[ACCOUNTS_CERTIFICATES_MAX + 1];
};
int account_with_room(struct account_holder *h, const struct account_folder *f, const char *word, struct error *err);

/* The change is made: tells the server, and on a terminal the person. */
int account_changed(const struct site *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The address is among the alias's targets. */
bool account_alias_names(const struct alias *alias, const char *address);

/* "name":"value", JSON; behind a comma unless it is the first. */
void account_json(struct buf *b, const char *name, const char *value);
/* "name":[...] */
void account_json_list(struct buf *b, const char *name, const char *const *values, size_t count);

/* --- account_forward.c */

/* A target in a domain of ours that is nobody yet is allowed, and worth a word. */
void account_warn_of_target(const struct accounts *all, const char *word);
/* How many of the targets are on other servers. */
size_t account_elsewhere(const struct accounts *all, const char *const *targets, size_t count);
/* account forward ADDRESS TARGET... | --none */
int account_forward(const struct site *s, const struct account_line *l);

/* --- account_quota.c */

enum { ACCOUNT_QUOTA_TEXT = 32 };
/* "2G", "none", or that nothing was said. */
const char *account_quota_text(const struct account *a, char room[ACCOUNT_QUOTA_TEXT]);
/* account quota ADDRESS [SIZE | none | default] */
int account_quota_run(const struct site *s, const struct account_line *l);

/* --- account_password.c */

/* A new password, from where the line says: stdin, made up, or typed twice. */
struct account_password {
	char text[ACCOUNTS_PASSWORD_MAX + 1];
	char hash[128];		/* Argon2id, with the parameters of etc/authd.conf */
	struct scram_keys scram[SCRAM_HASHES];	/* those that ScramKeys lists */
};
/* now: the account as it is, whose app passwords' salt is kept; NULL: a new one. */
int account_password_new(struct account_password *p, const struct site *s, const struct account_line *l,
			 const struct account *now, struct error *err);
/* Keys for p's text alone, with the salt that the account's keys have, if it has any. */
int account_password_keys(struct account_password *p, const struct site *s, const struct account *now,
			  struct error *err);
/* With --generate: writes it on stdout, alone. */
int account_password_show(const struct account_password *p, const struct account_line *l);
/* Puts hash and keys into a, lent. */
void account_password_lend(const struct account_password *p, struct account *a);
void account_password_wipe(struct account_password *p);

#endif
