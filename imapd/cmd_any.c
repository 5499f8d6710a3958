/* cmd_any.c - CAPABILITY, NOOP, CHECK, LOGOUT, ID, ENABLE, NAMESPACE, STARTTLS, COMPRESS, IDLE. */
#include "imapd/session.h"

static const struct {
	const char *name;
	bool before;		/* shown before the login too */
	unsigned enables;	/* what ENABLE of it gives; 0: needs none */
} capabilities[] = {
	{ "IMAP4rev2", true, IMAP_REV2 },	/* RFC 9051 6.1.1: rev1 until it is enabled */
	{ "LITERAL+", true, 0 },	/* RFC 7888 */
	{ "ID", true, 0 },		/* RFC 2971 */
	{ "ENABLE", true, 0 },		/* RFC 5161 */
	{ "IDLE", true, 0 },		/* RFC 2177 */
	{ "NAMESPACE", false, 0 },	/* RFC 2342 */
	{ "CHILDREN", false, 0 },	/* RFC 3348 */
	{ "UNSELECT", false, 0 },	/* RFC 3691 */
	{ "UIDPLUS", false, 0 },	/* RFC 4315 */
	{ "MOVE", false, 0 },		/* RFC 6851 */
	{ "SPECIAL-USE", false, 0 },	/* RFC 6154 */
	{ "CREATE-SPECIAL-USE", false, 0 },	/* RFC 6154 3 */
	{ "LIST-EXTENDED", false, 0 },	/* RFC 5258 */
	{ "LIST-STATUS", false, 0 },	/* RFC 5819 */
	{ "NOTIFY", false, 0 },		/* RFC 5465 */
	{ "METADATA", false, IMAP_METADATA },	/* RFC 5464: of the server too */
	{ "QUOTA", false, 0 },		/* RFC 9208 */
	{ "QUOTA=RES-STORAGE", false, 0 },
	{ "QUOTA=RES-MESSAGE", false, 0 },
	{ "QUOTA=RES-MAILBOX", false, 0 },
	{ "XLIST", false, 0 },		/* what Outlook knew before RFC 6154 */
	{ "CONDSTORE", false, IMAP_CONDSTORE },	/* RFC 7162 3.1.1 */
	{ "QRESYNC", false, IMAP_QRESYNC | IMAP_CONDSTORE },	/* RFC 7162 3.2.3 */
	{ "STATUS=SIZE", false, 0 },	/* RFC 8438 */
	{ "OBJECTID", false, 0 },	/* RFC 8474 */
	{ "ESEARCH", false, 0 },	/* RFC 4731 */
	{ "SEARCHRES", false, 0 },	/* RFC 5182 */
	{ "SORT", false, 0 },		/* RFC 5256 */
	{ "SORT=DISPLAY", false, 0 },	/* RFC 5957 */
	{ "ESORT", false, 0 },		/* RFC 5267 */
	{ "THREAD=ORDEREDSUBJECT", false, 0 },	/* RFC 5256 */
	{ "THREAD=REFERENCES", false, 0 },
	{ "I18NLEVEL=1", false, 0 },	/* RFC 5255 4.2: i;unicode-casemap in SEARCH, SORT, THREAD */
	{ "WITHIN", false, 0 },		/* RFC 5032 */
	{ "SAVEDATE", false, 0 },	/* RFC 8514 */
	{ "UIDONLY", false, IMAP_UIDONLY },	/* RFC 9586 */
	{ "MULTIAPPEND", false, 0 },	/* RFC 3502 */
	{ "REPLACE", false, 0 },	/* RFC 8508 */
	{ "BINARY", false, 0 },		/* RFC 3516 */
	{ "PARTIAL", false, 0 },	/* RFC 9394 */
	{ "INPROGRESS", false, 0 },	/* RFC 9585 */
	{ "PREVIEW", false, 0 },	/* RFC 8970 */
	{ "COMPRESS=DEFLATE", false, 0 },	/* RFC 4978 */
	{ "UTF8=ACCEPT", false, IMAP_UTF8 },	/* RFC 6855 */
};

struct sasl_offer imap_offer(const struct imap_server *e)
{
	return (struct sasl_offer){ e->set.mechanisms, e->set.without_tls, e->secure, e->set.require_tls,
				    e->certificate, e->set.scram };
}

bool imap_may_login(const struct imap_server *e)
{
	struct sasl_offer offer = imap_offer(e);

	return sasl_offer_allows(&offer, span_of("LOGIN"));
}

void imap_put_capabilities(struct imap_server *e, struct buf *out)
{
	bool before = e->state == IMAP_NOT_AUTH;
	struct sasl_offer offer = imap_offer(e);
	struct span name;
	size_t n;

	buf_put_text(out, "IMAP4rev1");
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (!before || capabilities[i].before)
			buf_printf(out, " %s", capabilities[i].name);
	if (!before) {
		buf_printf(out, " APPENDLIMIT=%llu", (unsigned long long)e->set.message_limit);	/* RFC 7889 2 */
		return;
	}
	if (e->set.may_start_tls && !e->secure)
		buf_put_text(out, " STARTTLS");
	if (!imap_may_login(e))
		buf_put_text(out, " LOGINDISABLED");	/* RFC 3501 6.2.3 */
	for (n = 0; sasl_offer_mechanism(&offer, n, &name); n++) {
		buf_put_text(out, " AUTH=");
		buf_put(out, name);
	}
	if (n > 0)
		buf_put_text(out, " SASL-IR");	/* RFC 4959 */
}

enum imap_run imap_run_capability(struct imap_server *e)
{
	imap_text(e, "* CAPABILITY ");
	imap_put_capabilities(e, &e->out);
	imap_text(e, "\r\n");
	return imap_done(e, "OK CAPABILITY completed");
}

enum imap_run imap_run_noop(struct imap_server *e)
{
	return imap_done(e, "OK %s completed", e->command->name);
}

enum imap_run imap_run_logout(struct imap_server *e)
{
	imap_bye(e, "Logging out");
	return imap_done(e, "OK LOGOUT completed");
}

/* RFC 2971 3.1: a list of pairs, or NIL. It is read and forgotten. */
bool imap_parse_id(struct imap_server *e, struct imap_parse *p)
{
	struct span s;

	(void)e;
	if (imap_parse_try_word(p, "NIL"))
		return imap_parse_end(p);
	if (!imap_parse_byte(p, '('))
		return false;
	while (!imap_parse_try(p, ')')) {
		if (!imap_parse_string(p, &s) || !imap_parse_space(p) || !imap_parse_nstring(p, &s))
			return false;
		imap_parse_try(p, ' ');
	}
	return imap_parse_end(p);
}

enum imap_run imap_run_id(struct imap_server *e)
{
	imap_text(e, "* ID (\"name\" \"Yubin\" \"version\" \"" YUBIN_VERSION "\")\r\n");
	return imap_done(e, "OK ID completed");
}

/* By the order of the table above: bit i is its i-th name. */
struct enable {
	uint64_t named;
};

static uint64_t capability_bit(struct span name)
{
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (capabilities[i].enables != 0 && span_is_nocase(name, capabilities[i].name))
			return UINT64_C(1) << i;
	return 0;
}

bool imap_parse_enable(struct imap_server *e, struct imap_parse *p)
{
	struct enable *d = arena_alloc(e->arena, sizeof(*d));
	struct span name;

	e->data = d;
	if (d == NULL)
		return imap_parse_fail(p, "the command is too large");
	do {
		if (!imap_parse_atom(p, &name))
			return false;
		d->named |= capability_bit(name);
	} while (imap_parse_try(p, ' '));
	return imap_parse_end(p);
}

/* RFC 5161 3.1: unknown names, and those that need no enabling, are passed over. */
static enum imap_run enable(struct imap_server *e)
{
	struct enable *d = e->data;

	if (!imap_notify_metadata_on(e))
		d->named &= ~capability_bit(span_of("METADATA"));
	imap_text(e, "* ENABLED");
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if ((d->named >> i & 1) == 0 || (e->enabled & capabilities[i].enables) == capabilities[i].enables)
			continue;
		buf_printf(&e->out, " %s", capabilities[i].name);
	}
	imap_text(e, "\r\n");
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if ((d->named >> i & 1) == 0)
			continue;
		if ((capabilities[i].enables & IMAP_CONDSTORE) != 0)
			imap_know_condstore(e);
		e->enabled |= capabilities[i].enables;
	}
	return imap_done(e, "OK ENABLE completed");
}

enum imap_run imap_run_enable(struct imap_server *e)
{
	const struct enable *d = e->data;

	if ((d->named & capability_bit(span_of("METADATA"))) != 0 && (e->enabled & IMAP_METADATA) == 0)
		return imap_notify_metadata(e, enable);
	return enable(e);
}

enum imap_run imap_run_namespace(struct imap_server *e)
{
	imap_text(e, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return imap_done(e, "OK NAMESPACE completed");
}

enum imap_run imap_run_starttls(struct imap_server *e)
{
	if (e->secure)
		return imap_bad(e, "TLS is up already");
	if (!e->set.may_start_tls)
		return imap_bad(e, "STARTTLS is not offered here");
	e->start_tls = true;
	return imap_done(e, "OK Begin TLS now");
}

bool imap_parse_compress(struct imap_server *e, struct imap_parse *p)
{
	(void)e;
	if (!imap_parse_try_word(p, "DEFLATE"))
		return imap_parse_fail(p, "DEFLATE is the way that is known");
	return imap_parse_end(p);
}

/* RFC 4978 3: TLS never compresses here (common/tls/context.c). Behind the login only: no
 * password goes with what a stranger may have chosen. */
enum imap_run imap_run_compress(struct imap_server *e)
{
	if (e->compressed)
		return imap_bad(e, "[COMPRESSIONACTIVE] COMPRESS DEFLATE is on already");
	e->compress = true;
	return imap_done(e, "OK DEFLATE begins now");
}

/* RFC 2177 3: any line ends it, DONE with success. */
static enum imap_run idle_line(struct imap_server *e)
{
	e->idling = false;
	if (!span_is_nocase(e->line, "DONE"))
		return imap_bad(e, "IDLE ends with DONE");
	return imap_done(e, "OK IDLE completed");
}

static enum imap_run idle_begin(struct imap_server *e)
{
	imap_text(e, "+ idling\r\n");
	e->idling = true;
	return imap_wait_line(e, idle_line);
}

/* News that waits is told before the "+", in the same write: Thunderbird 153 does not
 * see what comes in the first millisecond behind it until the next mail. */
enum imap_run imap_run_idle(struct imap_server *e)
{
	bool news = e->dirty || (e->state == IMAP_SELECTED && e->sel.view.gone.n > 0);

	return news && imap_notify_selected(e) ? imap_sync_run(e, idle_begin) : idle_begin(e);
}
