/* account_password.c - where a new password comes from, and what is kept of it. */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "admin/account_parts.h"
#include "admin/secret.h"
#include "auth/accounts_app.h"
#include "auth/accounts_hash.h"
#include "common/config/config.h"
#include "common/config/file.h"
#include "sasl/prepare.h"

enum { SHORT = 8, CONF_MAX = 1 << 20 };

enum keys_for { KEYS_FOR_ACCOUNT, KEYS_FOR_APP };

_Static_assert(sizeof(((struct account_password *)0)->hash) >= crypto_pwhash_STRBYTES, "room for the hash");

/* --- from a descriptor ----------------------------------------------------- */

/* One line without its end. -EINTR: a signal came first. */
static int read_line(int fd, char text[ACCOUNTS_PASSWORD_MAX + 1], struct error *err)
{
	size_t n = 0;
	char c = '\0';

	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got < 0)
			return error_system(err, errno, "can't read the password");
		if (got == 0 || c == '\n')
			break;
		if (c == '\0')
			return error_set(err, -EINVAL, "a password holds no NUL");
		if (n == ACCOUNTS_PASSWORD_MAX)
			return error_set(err, -EINVAL, "a password has %d bytes at most",
					 ACCOUNTS_PASSWORD_MAX);
		text[n++] = c;
	}
	if (n > 0 && c == '\n' && text[n - 1] == '\r')
		n--;
	text[n] = '\0';
	return 0;
}

/* --- from a person --------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { CAUGHT = sizeof(caught) / sizeof(caught[0]) };

/* With a terminal that shows nothing; it does again whatever ends the typing. */
static int type_line(const char *prompt, char text[ACCOUNTS_PASSWORD_MAX + 1], struct error *err)
{
	struct sigaction catch = { .sa_handler = on_signal }, before[CAUGHT];
	struct termios shown, hidden;
	int code;

	if (tcgetattr(STDIN_FILENO, &shown) < 0)
		return error_system(err, errno, "can't ask for the password");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	interrupted = 0;
	for (size_t i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &catch, &before[i]);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);	/* before the prompt: what is typed at it counts */
	fprintf(stderr, "%s: ", prompt);
	code = read_line(STDIN_FILENO, text, err);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	for (size_t i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &before[i], NULL);
	if (interrupted == 0)
		return code;
	raise(interrupted); /* as if it had not been caught */
	return error_set(err, -EINTR, "no password was typed");
}

static int type_twice(char text[ACCOUNTS_PASSWORD_MAX + 1], struct error *err)
{
	char again[ACCOUNTS_PASSWORD_MAX + 1];
	int code;

	if (!isatty(STDIN_FILENO))
		return error_set(err, -ENOTTY,
				 "no terminal to ask for the password: use --password-stdin or --generate");
	code = type_line("Password", text, err);
	if (code == 0 && *text != '\0')
		code = type_line("Again", again, err);
	if (code == 0 && *text != '\0' && strcmp(text, again) != 0)
		code = error_set(err, -EINVAL, "the two are not the same: nothing was changed");
	sodium_memzero(again, sizeof(again));
	return code;
}

/* --- what is kept ---------------------------------------------------------- */

static void on_say(void *arg, enum config_severity severity, const char *file, unsigned line,
		   const char *words)
{
	(void)arg;
	if (severity == CONFIG_SAY_ERROR)
		fprintf(stderr, "yubin: error: %s:%u: %s\n", file, line, words);
}

/* etc/authd.conf; without the file all defaults. */
static int read_settings(struct config **out, const struct site *s, struct error *err)
{
	char path[PATHS_MAX];
	struct buf text;
	int code;

	buf_init(&text, CONF_MAX);
	code = file_read(paths_file(&s->paths, PATHS_ETC, "authd.conf", path), &text, NULL, err);
	if (code == 0 || code == -ENOENT) {
		code = config_parse(out, CONFIG_AUTHD, buf_span(&text), path, on_say, NULL);
		if (code < 0)
			error_set(err, code, "how to hash passwords stands in %s, which can't be used", path);
	}
	buf_clear(&text);
	return code;
}

/* Salt and iterations that a new password has to have, or NULL: what suits. */
static const struct scram_keys *shared_keys(const struct account *now, enum scram_hash h, bool with_own)
{
	const struct scram_keys *apps = now != NULL ? accounts_app_keys(now, h) : NULL;

	return apps != NULL || now == NULL || !with_own ? apps : now->scram[h];
}

static void salt_keys(struct scram_keys *k, const struct scram_keys *shared, const struct config_scope *top)
{
	if (shared != NULL) {
		*k = *shared;
		return;
	}
	k->iterations = (uint32_t)config_number(top, CONFIG_SCRAM_ITERATIONS);
	k->salt_n = SCRAM_SALT_NEW;
	randombytes_buf(k->salt, k->salt_n);
}

/* Takes iterations' time. whose: account or app password. */
static int make_keys(struct account_password *p, const struct config_scope *top, const struct account *now,
		     enum keys_for whose, struct error *err)
{
	unsigned hashes = scram_hashes_listed(config_text(top, CONFIG_SCRAM_KEYS));
	struct buf text;
	bool good = true;

	buf_init(&text, 8 * ACCOUNTS_PASSWORD_MAX);
	sasl_prepare(&text, span_of(p->text));
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++) {
		struct scram_keys *k = &p->scram[h];

		if ((hashes & 1u << h) == 0)
			continue;
		salt_keys(k, shared_keys(now, h, whose == KEYS_FOR_APP), top);
		good &= scram_keys_make(k, h, buf_span(&text));
	}
	good &= !text.failed;
	buf_wipe(&text);
	return good ? 0 : error_set(err, -ENOMEM, "no memory to make keys for SCRAM");
}

int account_password_keys(struct account_password *p, const struct site *s, const struct account *now,
			  struct error *err)
{
	struct config *c;
	int code = read_settings(&c, s, err);

	if (code < 0)
		return code;
	code = make_keys(p, config_top(c), now, KEYS_FOR_APP, err);
	config_free(c);
	return code;
}

static int hash(struct account_password *p, const struct site *s, const struct account *now, struct error *err)
{
	const struct config_scope *top;
	struct config *c;
	struct buf text;
	int code = read_settings(&c, s, err);

	if (code < 0)
		return code;
	top = config_top(c);
	buf_init(&text, 8 * ACCOUNTS_PASSWORD_MAX);
	sasl_prepare(&text, span_of(p->text));
	if (text.failed ||
	    crypto_pwhash_str(p->hash, (const char *)text.p, text.n, (unsigned long long)config_number(top, CONFIG_HASH_PASSES),
			      (size_t)config_number(top, CONFIG_HASH_MEMORY)) != 0)
		code =
		    error_set(err, -ENOMEM, "no memory to hash the password: see HashMemory in authd.conf");
	else
		code = make_keys(p, top, now, KEYS_FOR_ACCOUNT, err);
	buf_wipe(&text);
	config_free(c);
	return code;
}

void account_password_lend(const struct account_password *p, struct account *a)
{
	a->password = p->hash;
	for (enum scram_hash h = 0; h < SCRAM_HASHES; h++)
		a->scram[h] = p->scram[h].iterations > 0 ? &p->scram[h] : NULL;
}

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((uint8_t)*text & 0xc0) != 0x80;
	return n;
}

/* "-": the first line of stdin, for a word of a command shows in ps. */
static int take_hash(struct account_password *p, const char *hash, struct error *err)
{
	int code = strcmp(hash, "-") == 0 ? read_line(STDIN_FILENO, p->text, err) : 0;

	if (code < 0)
		return code;
	return accounts_hash_take(strcmp(hash, "-") == 0 ? p->text : hash, p->hash, err);
}

int account_password_new(struct account_password *p, const struct site *s, const struct account_line *l,
			 const struct account *now, struct error *err)
{
	int code = 0;

	memset(p, 0, sizeof(*p));
	if (l->hash != NULL)	/* of a password that nobody here knows: there are no keys */
		return take_hash(p, l->hash, err) < 0 ? error_context(err, "%s", l->words[0]) : 0;
	if (sodium_init() < 0)
		return error_set(err, -EIO, "libsodium can't be used");
	if (l->generate)
		secret_make(p->text);
	else if (l->from_stdin)
		code = read_line(STDIN_FILENO, p->text, err);
	else
		code = type_twice(p->text, err);
	if (code < 0)
		return code;
	if (*p->text == '\0')
		return error_set(err, -EINVAL, "the password is empty: nothing was changed");
	if (characters(p->text) < SHORT)
		verb_warn("the password is short: eight characters or more take longer to guess");
	return hash(p, s, now, err);
}

int account_password_show(const struct account_password *p, const struct account_line *l)
{
	struct buf b;

	if (!l->generate)
		return VERB_DONE;
	buf_init(&b, sizeof(p->text) + 1);
	buf_printf(&b, "%s\n", p->text);
	return verb_print(&b);
}

void account_password_wipe(struct account_password *p)
{
	sodium_memzero(p, sizeof(*p));
}
