/*
 * config.h - read etc/NAME.conf: one parser, one table of keys (keys.h).
 *
 * Shape   `Key value`, one a line; `#` comments; "..." quotes with \" and \\;
 *         keys without regard to case; an indented key belongs to the Listen
 *         above it. One struct config is one file, immutable once parsed: a
 *         process that must act on a new text parses it into a new one.
 * Units   Times are milliseconds, sizes bytes, booleans 0 and 1.
 * Errors  All of them, not only the first, go to the caller's function with file,
 *         line and what is allowed.
 * Source  CONTRACT: Configuration. Pure: text in, values out; who reads the file
 *         is the caller's business.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/config/keys.h"

/* Which file; also the bits of a row's `files`. */
enum config_file {
	CONFIG_YUBIN = 1,
	CONFIG_SMTPD = 2,
	CONFIG_POP3D = 4,
	CONFIG_IMAPD = 8,
	CONFIG_AUTHD = 16,
	CONFIG_STORAGED = 32,
	CONFIG_DELIVERD = 64
};

enum config_type {
	CONFIG_TYPE_BOOL,
	CONFIG_TYPE_NUMBER,	/* decimal or 0x */
	CONFIG_TYPE_SIZE,	/* 64k, 50M, 2G */
	CONFIG_TYPE_TIME,	/* 30s, 5m, 12h, 5d */
	CONFIG_TYPE_WORD,	/* one of those in most */
	CONFIG_TYPE_TEXT,
	CONFIG_TYPE_FILE,	/* a path, relative to etc/ */
	CONFIG_TYPE_NETWORKS,	/* ADDRESS[/BITS] ..., separated by spaces or commas */
	CONFIG_TYPE_LISTEN
};

/* When a changed value takes effect. */
enum config_effect {
	CONFIG_EFFECT_RELOAD,	/* at once on `yubin reload` */
	CONFIG_EFFECT_SESSIONS,	/* for sessions that begin after it */
	CONFIG_EFFECT_RESTART	/* new processes are started on `yubin reload` */
};

enum {
	CONFIG_PER_LISTEN = 1,	/* may stand indented under a Listen */
	CONFIG_REPEAT = 2	/* may be given several times; the values make a list */
};

#define CONFIG_ID(id, ...) CONFIG_##id,
enum config_key { CONFIG_KEYS(CONFIG_ID) CONFIG_KEY_COUNT };
#undef CONFIG_ID

struct config_row {
	const char *name;
	unsigned files;		/* bits of enum config_file */
	enum config_type type;
	const char *fallback;
	const char *least, *most;
	enum config_effect effect;
	unsigned flags;
	const char *help;
};

extern const struct config_row config_rows[CONFIG_KEY_COUNT];

enum config_mode {
	CONFIG_MODE_PLAIN,	/* never TLS */
	CONFIG_MODE_EXPLICIT,	/* STARTTLS, STLS */
	CONFIG_MODE_IMPLICIT	/* TLS from the first byte */
};

enum config_service {
	CONFIG_SERVICE_NONE,	/* pop3d, imapd */
	CONFIG_SERVICE_MX,
	CONFIG_SERVICE_SUBMISSION,
	CONFIG_SERVICE_LMTP	/* RFC 2033 */
};

/* Users log in there. */
static inline bool config_takes_logins(enum config_service s)
{
	return s == CONFIG_SERVICE_NONE || s == CONFIG_SERVICE_SUBMISSION;
}

struct config_listen {
	char text[80];		/* as written: "127.0.0.1:993", "unix:/run/yubin/lmtp" */
	char host[46];		/* inet_pton's form; "" for *: IPv4 and IPv6, and for a path */
	uint16_t port;
	enum config_mode mode;
	enum config_service service;
	unsigned line;		/* in its file */
};

struct config;			/* opaque; one parsed file */
struct config_scope;		/* opaque; the file's own level, or one Listen */

enum config_severity { CONFIG_SAY_WARNING, CONFIG_SAY_ERROR };

/* Told of each error and warning; line 0: the file as a whole. */
typedef void (*config_say)(void *arg, enum config_severity severity, const char *file, unsigned line,
			   const char *words);

/* Gives the caller the parsed text in *out. file_name ("etc/imapd.conf") stands in
 * the messages. Returns 0; -EINVAL with *out NULL if an error was said; -ENOMEM. */
int config_parse(struct config **out, enum config_file which, struct span text, const char *file_name,
		 config_say say, void *arg);
void config_free(struct config *c);

/* Lends, as long as c lives. */
const struct config_scope *config_top(const struct config *c);
size_t config_listen_count(const struct config *c);
const struct config_listen *config_listen(const struct config *c, size_t i);
const struct config_scope *config_listen_scope(const struct config *c, size_t i);
/* No key stands under the Listen: its scope is the file's. */
bool config_listen_is_bare(const struct config *c, size_t i);

/* Of `Listen unix:PATH`: its path; "" for an address and a port. */
const char *config_listen_path(const struct config_listen *l);

/* Both can't be bound at once: the same port, and one address covers the other. */
bool config_listen_overlap(const struct config_listen *a, const struct config_listen *b);

/* Values: the Listen's own, else the file's, else the row's default.
 * _is_set tells whether one of the first two gave it. A type that does not fit
 * the key is our own mistake (assert). What is set nowhere and has no default is
 * 0, false, "" (never NULL), and has no items. */
bool config_is_set(const struct config_scope *s, enum config_key key);
/* It stands in s itself and not above: under this Listen, or at the file's own level. */
bool config_is_own(const struct config_scope *s, enum config_key key);
unsigned config_line(const struct config_scope *s, enum config_key key);	/* 0: not set */
bool config_bool(const struct config_scope *s, enum config_key key);
int64_t config_number(const struct config_scope *s, enum config_key key);	/* number, size, time */
const char *config_text(const struct config_scope *s, enum config_key key);	/* text, word, file */
/* Repeated keys: the i-th value, or NULL behind the last. */
const char *config_item(const struct config_scope *s, enum config_key key, size_t i);
unsigned config_item_line(const struct config_scope *s, enum config_key key, size_t i);	/* 0: there is none */

/* The i-th value as it was written, of any type but Listen; not set: the row's default
 * (""  if it has none) as the first. NULL behind the last. */
const char *config_written(const struct config_scope *s, enum config_key key, size_t i);

/* What differs by daemon is here, not in keys.h: IdleTime, LineLimit, User, and
 * RequireTLS by service. */
int64_t config_idle_ms(const struct config_scope *s, enum config_file which);
size_t config_line_limit(const struct config_scope *s, enum config_file which);
const char *config_user(const struct config_scope *s, enum config_file which);
bool config_require_tls(const struct config_scope *s, enum config_file which, enum config_service service);

/* address (inet_pton's form, IPv4-mapped IPv6 counts as IPv4) lies in one of the
 * networks of the key. */
bool config_in_networks(const struct config_scope *s, enum config_key key, const char *address);

/* "smtpd" for CONFIG_SMTPD and so on; and back (0 if there is no such file). */
const char *config_file_name(enum config_file which);
unsigned config_file_of(const char *daemon);

/* A size as a person writes it: 0, 500k, 50M, 2G. False: it is none. */
bool config_size(struct span text, uint64_t *bytes);

/* What may stand behind a key: "a number from 0 to 63, decimal or 0x". */
void config_write_allowed(const struct config_row *row, struct buf *out);

/* The commented file that `yubin init` writes: every key of `which` with its help
 * and default, commented out, behind the lines of head. */
void config_write_commented(enum config_file which, const char *head, struct buf *out);

#endif
