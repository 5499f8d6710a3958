/* commands.c - what imapd knows, and when it may run. Sorted by name: the lookup is a binary search. */
#include <stddef.h>
#include <string.h>

#include "common/base/ascii.h"
#include "imapd/session.h"

#define ANY (IMAP_NOT_AUTH | IMAP_AUTH | IMAP_SELECTED)
#define IN (IMAP_AUTH | IMAP_SELECTED)

/* Commands run one after another, so that each is a barrier for what is pipelined behind it. */
static const struct imap_command commands[] = {
	/* name           parse                    run                    may run in      flags                   RFC */
	{ "APPEND",       imap_parse_append,       imap_run_append,       IN,             C_STREAM,               "RFC 3501 6.3.11" },
	{ "AUTHENTICATE", imap_parse_authenticate, imap_run_authenticate, IMAP_NOT_AUTH,  0,                      "RFC 3501 6.2.2" },
	{ "CAPABILITY",   imap_parse_nothing,      imap_run_capability,   ANY,            0,                      "RFC 3501 6.1.1" },
	{ "CHECK",        imap_parse_nothing,      imap_run_noop,         IMAP_SELECTED,  C_LOOK,                 "RFC 3501 6.4.1" },
	{ "CLOSE",        imap_parse_nothing,      imap_run_close,        IMAP_SELECTED,  0,                      "RFC 3501 6.4.2" },
	{ "COMPRESS",     imap_parse_compress,     imap_run_compress,     IN,             0,                      "RFC 4978 3" },
	{ "COPY",         imap_parse_copy,         imap_run_copy,         IMAP_SELECTED,  C_UID | C_NUMBERS,      "RFC 3501 6.4.7" },
	{ "CREATE",       imap_parse_create,       imap_run_create,       IN,             0,                      "RFC 3501 6.3.3" },
	{ "DELETE",       imap_parse_name,         imap_run_delete,       IN,             0,                      "RFC 3501 6.3.4" },
	{ "ENABLE",       imap_parse_enable,       imap_run_enable,       IN,             0,                      "RFC 5161 3.1" },
	{ "EXAMINE",      imap_parse_select,       imap_run_select,       IN,             0,                      "RFC 3501 6.3.2" },
	{ "EXPUNGE",      imap_parse_expunge,      imap_run_expunge,      IMAP_SELECTED,  C_UID | C_LOOK | C_TELLS, "RFC 3501 6.4.3" },
	{ "FETCH",        imap_parse_fetch,        imap_run_fetch,        IMAP_SELECTED,  C_UID | C_NO_EXPUNGE | C_NUMBERS, "RFC 3501 6.4.5" },
	{ "GETMETADATA",  imap_parse_getmetadata,  imap_run_getmetadata,  IN,             0,                      "RFC 5464 4.2" },
	{ "GETQUOTA",     imap_parse_getquota,     imap_run_getquota,     IN,             0,                      "RFC 9208 4.1.1" },
	{ "GETQUOTAROOT", imap_parse_getquotaroot, imap_run_getquotaroot, IN,             0,                      "RFC 9208 4.1.2" },
	{ "ID",           imap_parse_id,           imap_run_id,           ANY,            0,                      "RFC 2971 3.1" },
	{ "IDLE",         imap_parse_nothing,      imap_run_idle,         IN,             0,                      "RFC 2177 3" },
	{ "LIST",         imap_parse_list,         imap_run_list,         IN,             0,                      "RFC 3501 6.3.8" },
	{ "LOGIN",        imap_parse_login,        imap_run_login,        IMAP_NOT_AUTH,  C_SECRET,               "RFC 3501 6.2.3" },
	{ "LOGOUT",       imap_parse_nothing,      imap_run_logout,       ANY,            0,                      "RFC 3501 6.1.3" },
	{ "LSUB",         imap_parse_list,         imap_run_list,         IN,             0,                      "RFC 3501 6.3.9" },
	{ "MOVE",         imap_parse_copy,         imap_run_copy,         IMAP_SELECTED,  C_UID | C_LOOK | C_NUMBERS | C_TELLS, "RFC 6851 3.1" },
	{ "NAMESPACE",    imap_parse_nothing,      imap_run_namespace,    IN,             0,                      "RFC 2342 5" },
	{ "NOOP",         imap_parse_nothing,      imap_run_noop,         ANY,            C_LOOK,                 "RFC 3501 6.1.2" },
	{ "NOTIFY",       imap_parse_notify,       imap_run_notify,       IN,             C_LOOK | C_TELLS,       "RFC 5465 3.1" },
	{ "RENAME",       imap_parse_rename,       imap_run_rename,       IN,             0,                      "RFC 3501 6.3.5" },
	{ "REPLACE",      imap_parse_append,       imap_run_append,       IMAP_SELECTED,  C_STREAM | C_UID | C_NUMBERS, "RFC 8508 3" },
	{ "SEARCH",       imap_parse_search,       imap_run_search,       IMAP_SELECTED,  C_UID | C_NO_EXPUNGE | C_NUMBERS, "RFC 3501 6.4.4" },
	{ "SELECT",       imap_parse_select,       imap_run_select,       IN,             0,                      "RFC 3501 6.3.1" },
	{ "SETMETADATA",  imap_parse_setmetadata,  imap_run_setmetadata,  IN,             0,                      "RFC 5464 4.3" },
	{ "SETQUOTA",     imap_parse_setquota,     imap_run_setquota,     IN,             0,                      "RFC 9208 4.1.3" },
	{ "SORT",         imap_parse_sort,         imap_run_sort,         IMAP_SELECTED,  C_UID | C_NO_EXPUNGE | C_NUMBERS, "RFC 5256 3" },
	{ "STARTTLS",     imap_parse_nothing,      imap_run_starttls,     IMAP_NOT_AUTH,  0,                      "RFC 3501 6.2.1" },
	{ "STATUS",       imap_parse_status,       imap_run_status,       IN,             0,                      "RFC 3501 6.3.10" },
	{ "STORE",        imap_parse_store,        imap_run_store,        IMAP_SELECTED,  C_UID | C_NO_EXPUNGE | C_NUMBERS, "RFC 3501 6.4.6" },
	{ "SUBSCRIBE",    imap_parse_name,         imap_run_subscribe,    IN,             0,                      "RFC 3501 6.3.6" },
	{ "THREAD",       imap_parse_thread,       imap_run_thread,       IMAP_SELECTED,  C_UID | C_NO_EXPUNGE | C_NUMBERS, "RFC 5256 3" },
	{ "UNSELECT",     imap_parse_nothing,      imap_run_unselect,     IMAP_SELECTED,  0,                      "RFC 3691 2" },
	{ "UNSUBSCRIBE",  imap_parse_name,         imap_run_unsubscribe,  IN,             0,                      "RFC 3501 6.3.7" },
	{ "XLIST",        imap_parse_list,         imap_run_list,         IN,             0,                      "RFC 6154 2" },
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

const struct imap_command *imap_command_at(size_t i)
{
	return i < COMMANDS ? &commands[i] : NULL;
}

static int compare(struct span word, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < word.n && i < n; i++) {
		int d = ascii_upper(word.p[i]) - (uint8_t)name[i];

		if (d != 0)
			return d;
	}
	return word.n == n ? 0 : word.n < n ? -1 : 1;
}

static const struct imap_command *find(struct span word)
{
	size_t low = 0, high = COMMANDS;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int d = compare(word, commands[mid].name);

		if (d == 0)
			return &commands[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

bool imap_parse_nothing(struct imap_server *e, struct imap_parse *p)
{
	(void)e;
	return imap_parse_end(p);
}

/* One reply to something that did not become a command. The tag may be empty. */
static void refuse(struct imap_server *e, struct span tag, const char *words)
{
	e->tag = tag;
	if (tag.n == 0)
		e->tag = span_of("*");		/* RFC 3501 7.1.3 */
	imap_bad(e, words);
	buf_put(&e->out, e->tag);
	buf_put_byte(&e->out, ' ');
	buf_put(&e->out, buf_span(&e->final));
	buf_clear(&e->final);
	e->tag = (struct span){ NULL, 0 };
	e->command = NULL;
	e->data = NULL;
	arena_reset(e->arena);
}

/* Takes tag, UID and name off p; NULL with words in p->wrong if that is no command. The tag
 * is kept in the arena: a command may read further lines. */
static const struct imap_command *head(struct imap_server *e, struct imap_parse *p)
{
	const struct imap_command *c;
	struct span word;

	e->uid = false;
	e->tag = (struct span){ NULL, 0 };
	if (!imap_parse_tag(p, &word) || (p->in.n > 0 && p->in.p[0] != ' ')) {
		imap_parse_fail(p, "A command begins with a tag and a space");
		return NULL;
	}
	e->tag = arena_copy(e->arena, word);
	if (e->tag.p == NULL) {
		p->wrong = "No memory";
		return NULL;
	}
	if (!imap_parse_try(p, ' ') || !imap_parse_atom(p, &word)) {
		p->wrong = "A command is missing";
		return NULL;
	}
	e->uid = span_is_nocase(word, "UID");
	if (e->uid && (!imap_parse_space(p) || !imap_parse_atom(p, &word))) {
		p->wrong = "A command is missing behind UID";
		return NULL;
	}
	c = find(word);
	if (c == NULL || (e->uid && (c->flags & C_UID) == 0)) {
		imap_parse_fail(p, "No such command");
		return NULL;
	}
	return c;
}

static const char *state_words(const struct imap_server *e, const struct imap_command *c)
{
	if ((c->flags & C_NUMBERS) != 0 && !e->uid && (e->enabled & IMAP_UIDONLY) != 0)
		return "[UIDREQUIRED] Sequence numbers were given up with UIDONLY";	/* RFC 9586 3.2 */
	if ((c->states & e->state) != 0)
		return NULL;
	if (e->state == IMAP_NOT_AUTH)
		return "Log in first";
	return (c->states & IMAP_NOT_AUTH) != 0 ? "This session is logged in already" : "Select a mailbox first";
}

static void begin(struct imap_server *e, const struct imap_command *c)
{
	e->command = c;
	e->step = c->run;
	e->sync = (struct imap_sync){ .first = 0 };
	e->sel.own_modseq = e->sel.modseq;
	e->progress = (struct imap_progress){ .next_ms = e->now_ms + IMAP_PROGRESS_MS };
}

/* A reply to be given at once by a command that can't run. */
static enum imap_run give_final(struct imap_server *e)
{
	(void)e;
	return IMAP_RUN_DONE;
}

static void deny(struct imap_server *e, const struct imap_command *c, const char *reply)
{
	begin(e, c);
	e->step = give_final;
	if (span_starts(span_of(reply), "BAD "))
		imap_bad(e, reply + 4);
	else
		imap_done(e, "%s", reply);
}

static const char privacy_words[] = "NO [PRIVACYREQUIRED] This server takes passwords over TLS only: STARTTLS first";

static bool secret_too_early(const struct imap_server *e, const struct imap_command *c)
{
	return (c->flags & C_SECRET) != 0 && !imap_may_login(e);
}

void imap_command_begin(struct imap_server *e, struct span text)
{
	struct imap_parse p = { text, e->arena, NULL, imap_knows_utf8(e) };
	const struct imap_command *c = head(e, &p);
	const char *words = c != NULL ? state_words(e, c) : p.wrong;
	char why[200];

	if (words == NULL && secret_too_early(e, c)) {
		deny(e, c, privacy_words);
		return;
	}
	if (words != NULL) {
		refuse(e, e->tag, words);
		return;
	}
	e->command = c;
	if ((p.in.n > 0 && !imap_parse_space(&p)) || !c->parse(e, &p)) {
		const char *parts[] = { c->name, ": ", p.wrong != NULL ? p.wrong : "not understood" };
		size_t n = 0;

		for (size_t i = 0; i < 3; i++)
			for (const char *s = parts[i]; *s != '\0' && n < sizeof(why) - 1; s++)
				why[n++] = *s;
		why[n] = '\0';
		refuse(e, e->tag, why);
		return;
	}
	begin(e, c);
}

void imap_command_bad(struct imap_server *e, struct span text, const char *words)
{
	struct imap_parse p = { text, e->arena, NULL, imap_knows_utf8(e) };
	struct span tag;

	if (!imap_parse_tag(&p, &tag) || p.in.n == 0 || p.in.p[0] != ' ')
		tag.n = 0;
	refuse(e, arena_copy(e->arena, tag), words);
}

/* What skipped literals may cost a session. */
static uint64_t skip_bound(const struct imap_server *e)
{
	return e->state == IMAP_NOT_AUTH ? (uint64_t)IMAP_SHY_LIMIT * 8 : e->set.message_limit * 2;
}

void imap_skip_announced(struct imap_server *e)
{
	struct imap_literal l = imap_reader_literal(e->reader);

	if (l.sync)
		return;
	if (l.size > skip_bound(e))
		imap_bye(e, "[TOOBIG] A literal was announced that is larger than can be skipped");
	else
		imap_reader_refuse(e->reader, skip_bound(e));
}

static const char *literal_words(const struct imap_server *e, const struct imap_literal *l)
{
	size_t most = e->state == IMAP_NOT_AUTH ? IMAP_SHY_LIMIT : IMAP_LITERALS;

	if (l->size == UINT64_MAX)
		return "BAD The size of the literal is not a number, or too large a one";
	if (l->size > most || imap_reader_literals(e->reader) + l->size > most)
		return "NO [TOOBIG] The literal is too large for this command";
	return NULL;
}

/* RFC 7888 4: a refused literal without sync comes all the same, and is dropped. */
static void refuse_literal(struct imap_server *e, const struct imap_command *c, const char *reply)
{
	struct imap_literal l = imap_reader_literal(e->reader);

	if (!l.sync && l.size > skip_bound(e)) {
		imap_bye(e, "[TOOBIG] A literal was announced that is larger than can be skipped");
		return;
	}
	imap_reader_refuse(e->reader, skip_bound(e));
	deny(e, c, reply);
}

void imap_command_literal(struct imap_server *e, struct span text)
{
	struct imap_parse p = { text, e->arena, NULL, imap_knows_utf8(e) };
	struct imap_literal l = imap_reader_literal(e->reader);
	const struct imap_command *c = head(e, &p);
	const char *words = c != NULL ? state_words(e, c) : p.wrong;

	if (words != NULL) {
		if (!l.sync && l.size > skip_bound(e)) {
			imap_bye(e, "[TOOBIG] A literal was announced that is larger than can be skipped");
			return;
		}
		imap_reader_refuse(e->reader, skip_bound(e));
		refuse(e, e->tag, words);
		return;
	}
	if (secret_too_early(e, c)) {
		refuse_literal(e, c, privacy_words);
		return;
	}
	if ((c->flags & C_STREAM) != 0 && imap_parse_try(&p, ' ') && p.in.n > 0) {
		begin(e, c);
		imap_append_begin(e, &p);
		return;
	}
	words = literal_words(e, &l);
	if (words != NULL) {
		refuse_literal(e, c, words);
		return;
	}
	imap_reader_accept(e->reader);
	if (l.sync)
		imap_text(e, "+ Go ahead\r\n");
	arena_reset(e->arena);
}
