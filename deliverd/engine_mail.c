/* engine_mail.c - a transaction: what is said (RFC 5321 3.3), and what is answered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "deliverd/engine_state.h"
#include "storage/store.h"

enum { DOMAINS_MAX = 16 };	/* that are told apart for LIMITS RCPTDOMAINMAX */

/* --- it begins -------------------------------------------------------------- */

static struct span domain_of(struct span address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	span_take(&address, at);
	return address;
}

/* RFC 9422 4.3: the address is in one of the first `max` domains. */
static bool domain_fits(struct span address, unsigned max, struct span domains[], size_t *n)
{
	struct span domain = domain_of(address);

	for (size_t i = 0; i < *n; i++)
		if (span_equal_nocase(domain, domains[i]))
			return true;
	if (max > 0 && (*n >= max || *n >= DOMAINS_MAX))
		return false;
	if (*n < DOMAINS_MAX)
		domains[(*n)++] = domain;
	return true;
}

/* RFC 9422 4.2: what is over a limit is not sent, and told as later. */
static void skip_over_limits(const struct client_offers *o, struct transaction *t)
{
	struct span domains[DOMAINS_MAX];
	size_t said = 0, n = 0;

	for (size_t i = 0; i < t->mail.count; i++) {
		bool fits = (o->rcpt_max == 0 || said < o->rcpt_max) &&
			    (o->rcpt_domain_max == 0 ||
			     domain_fits(t->mail.rcpts[i].address, o->rcpt_domain_max, domains, &n));

		t->fates[i] = fits ? FATE_OPEN : FATE_SKIPPED;
		said += fits;
	}
	if (said == t->mail.count)
		return;
	reply_made(&t->reply, CLIENT_AT_RCPT, "4.5.3", "the server takes no more recipients in one transaction");
	client_tell(t, FATE_SKIPPED);
}

/* The next recipient from i on whose command is sent. */
static size_t next_rcpt(const struct transaction *t, size_t i)
{
	while (i < t->mail.count && (t->fates[i] & FATE_SKIPPED) != 0)
		i++;
	return i;
}

static int fates_new(struct transaction *t, size_t count, struct error *err)
{
	uint8_t *fates = t->fates;

	if (count <= t->fates_room)
		return 0;
	fates = realloc(fates, count);
	if (fates == NULL)
		return error_set(err, -ENOMEM, "no memory for %zu recipients", count);
	t->fates = fates;
	t->fates_room = count;
	return 0;
}

/* Without PIPELINING each chunk would wait for an answer (RFC 3030 4.2): DATA is quicker. */
static bool may_chunk(const struct smtp_client *e)
{
	return e->offers.chunking && e->offers.pipelining && !e->config.lmtp;
}

bool smtp_client_takes_binary(const struct smtp_client *e)
{
	return e->offers.binary && may_chunk(e);
}

int smtp_client_begin(struct smtp_client *e, const struct client_mail *mail, struct error *err)
{
	struct transaction *before = client_first(e), *t = before->open ? client_second(e) : before;
	int r = client_may_begin(e) ? client_check_mail(e, mail, err) :
				      error_set(err, -EINVAL, "a message can't begin now");

	if (r == 0)
		r = fates_new(t, mail->count, err);
	if (r < 0)
		return r;
	t->open = true;
	t->mail = *mail;
	t->said_rcpt = t->heard_rcpt = t->taken = t->chunks = t->ends = t->tell_at = t->tell_end = 0;
	t->await_rset = t->await_mail = t->await_data = t->refused = t->lost = t->maybe = false;
	/* RFC 3030 2: behind a chunk that failed only RSET is sure; it may be known too late */
	t->say = e->need_rset || (before->open && before != t && before->bdat) ? SAY_RSET : SAY_MAIL;
	t->bdat = may_chunk(e);
	e->need_rset = false;
	e->begun++;
	skip_over_limits(&e->offers, t);
	t->said_rcpt = t->heard_rcpt = next_rcpt(t, 0);
	return 0;
}

/* --- what is said ----------------------------------------------------------- */

static void say_mail(struct smtp_client *e, const struct client_mail *m)
{
	const struct client_offers *o = &e->offers;

	buf_put_text(&e->out, "MAIL FROM:<");
	buf_put(&e->out, m->sender);
	buf_put_byte(&e->out, '>');
	if (o->size && m->size > 0)
		buf_printf(&e->out, " SIZE=%llu", (unsigned long long)m->size);	/* RFC 1870 6.1 */
	if (m->binary)
		buf_put_text(&e->out, " BODY=BINARYMIME");	/* RFC 3030 3 */
	else if (m->eightbit)
		buf_put_text(&e->out, " BODY=8BITMIME");	/* RFC 6152 2 */
	if (m->utf8)
		buf_put_text(&e->out, " SMTPUTF8");	/* RFC 6531 3.4 */
	if (m->require_tls)
		buf_put_text(&e->out, " REQUIRETLS");	/* RFC 8689 2 */
	if (o->dsn && m->ret != 0)
		buf_put_text(&e->out, m->ret == 'F' ? " RET=FULL" : " RET=HDRS");	/* RFC 3461 4.3 */
	if (o->dsn && m->envid.n > 0) {
		buf_put_text(&e->out, " ENVID=");	/* RFC 3461 4.4 */
		buf_put(&e->out, m->envid);
	}
	buf_put_text(&e->out, "\r\n");
}

/* RFC 3461 4.1 */
static void say_notify(struct buf *out, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {
		{ STORE_NOTIFY_SUCCESS, "SUCCESS" },
		{ STORE_NOTIFY_FAILURE, "FAILURE" },
		{ STORE_NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";

	if ((notify & STORE_NOTIFY_NEVER) != 0)
		buf_put_text(out, " NOTIFY=NEVER");
	for (size_t i = 0; i < 3 && (notify & STORE_NOTIFY_NEVER) == 0; i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		buf_put_text(out, before);
		buf_put_text(out, words[i].word);
		before = ",";
	}
}

static void say_rcpt(struct smtp_client *e, const struct client_rcpt *r)
{
	buf_put_text(&e->out, "RCPT TO:<");
	buf_put(&e->out, r->address);
	buf_put_byte(&e->out, '>');
	if (e->offers.dsn) {
		say_notify(&e->out, r->notify);
		if (r->orcpt.n > 0) {
			buf_put_text(&e->out, " ORCPT=");	/* RFC 3461 4.2 */
			buf_put(&e->out, r->orcpt);
		}
	}
	buf_put_text(&e->out, "\r\n");
}

static bool say_one(struct smtp_client *e, struct transaction *t)
{
	switch (t->say) {
	case SAY_RSET:
		buf_put_text(&e->out, "RSET\r\n");
		t->await_rset = true;
		t->say = SAY_MAIL;
		return true;
	case SAY_MAIL:
		say_mail(e, &t->mail);
		t->await_mail = true;
		t->say = SAY_RCPT;
		return true;
	case SAY_RCPT:
		say_rcpt(e, &t->mail.rcpts[t->said_rcpt]);
		t->said_rcpt = next_rcpt(t, t->said_rcpt + 1);
		if (t->said_rcpt >= t->mail.count)
			t->say = t->bdat ? SAY_WAIT : SAY_DATA;
		return true;
	case SAY_DATA:
		buf_put_text(&e->out, "DATA\r\n");
		t->await_data = true;
		t->say = SAY_WAIT;
		return true;
	default:
		return false;
	}
}

/* RFC 2920 3.1: all in one go where that is offered, up to DATA; else one by one. */
void client_say_mail(struct smtp_client *e)
{
	struct transaction *t = client_first(e);

	do {
		if (t->open && t->say == SAY_NOTHING)
			t = client_second(e);
	} while (t->open && e->out.n < OUT_MARK && (e->offers.pipelining || !client_mail_awaits(t)) && say_one(e, t));
}

/* --- what is answered ------------------------------------------------------- */

void client_tell(struct transaction *t, unsigned fates)
{
	t->tell_at = 0;
	t->tell_end = t->mail.count;
	t->tell = fates;
}

static void tell_one(struct transaction *t, size_t i)
{
	t->tell_at = i;
	t->tell_end = i + 1;
	t->tell = FATE_ANY;
}

bool client_mail_awaits(const struct transaction *t)
{
	return t->await_rset || t->await_mail || t->heard_rcpt < t->said_rcpt || t->await_data || t->chunks > 0 ||
	       t->ends > 0;
}

bool client_mail_over(const struct transaction *t)
{
	return t->open && !t->lost && t->say == SAY_NOTHING && !client_mail_awaits(t);
}

enum client_step client_mail_step(const struct transaction *t)
{
	if (!t->open)
		return CLIENT_AT_REST;
	return t->await_rset		     ? CLIENT_AT_RSET :
	       t->await_mail		     ? CLIENT_AT_MAIL :
	       t->heard_rcpt < t->said_rcpt  ? CLIENT_AT_RCPT :
	       t->await_data || t->chunks > 0 ? CLIENT_AT_DATA :
	       t->ends > 0		     ? CLIENT_AT_END :
					       CLIENT_AT_REST;
}

static void rset_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	t->await_rset = false;
	if (kind != 2)
		client_fail_reply(e, CLIENT_AT_RSET, FAIL_CUT);
}

/* Nobody can have it any more: those of `fates` hear why. */
static void refuse(struct smtp_client *e, struct transaction *t, enum client_step step, unsigned fates)
{
	if (t->refused)
		return;
	t->refused = true;
	if (t->say <= SAY_RCPT)
		t->say = SAY_NOTHING;
	reply_fill(&e->reader, step, &t->reply);
	client_tell(t, fates);
}

static void mail_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	t->await_mail = false;
	if (kind != 2)
		refuse(e, t, CLIENT_AT_MAIL, FATE_ANY);
}

static void rcpt_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	size_t i = t->heard_rcpt;

	t->heard_rcpt = next_rcpt(t, i + 1);
	if (t->refused)
		return;
	if (kind == 2) {
		t->fates[i] = FATE_TAKEN;
		t->taken++;
		return;
	}
	reply_fill(&e->reader, CLIENT_AT_RCPT, &t->reply);
	tell_one(t, i);
}

/* The server waits for a message that nobody is to have (RFC 2920 3.1): an empty one. By RFC
 * 2033 4.2 that is answered by as many replies as recipients were taken: none. */
static void say_lone_dot(struct smtp_client *e, struct transaction *t)
{
	if (e->config.lmtp) {
		client_failf(e, CLIENT_AT_DATA, "4.5.0", FAIL_CUT, "the server wants a message without a recipient");
		return;
	}
	buf_put_text(&e->out, ".\r\n");
	t->refused = true;
	t->ends = 1;
	t->say = SAY_NOTHING;
}

static void data_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	t->await_data = false;
	if (kind != 3) {
		bool had_mail = !t->refused;

		refuse(e, t, CLIENT_AT_DATA, FATE_TAKEN);
		t->say = SAY_NOTHING;
		e->need_rset |= had_mail;
	} else if (t->refused || t->taken == 0) {
		say_lone_dot(e, t);
	} else {
		t->say = SAY_BODY;
		client_body_start(e);
	}
}

/* It came to nothing; the server may not know. */
static void give_up(struct smtp_client *e, struct transaction *t)
{
	t->say = SAY_NOTHING;
	e->need_rset = true;
}

static void chunk_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	t->chunks--;
	if (kind == 2)
		return;
	refuse(e, t, CLIENT_AT_DATA, FATE_TAKEN);
	give_up(e, t);		/* RFC 3030 2 */
	e->body_asked = false;
}

static void end_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	size_t i = 0;

	t->ends--;
	if (t->refused)
		return;
	e->need_rset |= kind != 2 && t->bdat;	/* RFC 3030 2 */
	reply_fill(&e->reader, CLIENT_AT_END, &t->reply);
	if (!e->config.lmtp) {
		client_tell(t, FATE_TAKEN);
		return;
	}
	while (t->fates[i] != FATE_TAKEN)	/* RFC 2033 4.2: in the order in which they were taken */
		i++;
	tell_one(t, i);
}

/* The server spoke while it was not asked. In the midst of DATA it may say why it goes away;
 * but where the message ends is then not known to both alike: the connection is cut. */
static void rest_heard(struct smtp_client *e, struct transaction *t, unsigned kind)
{
	struct client_reply why;

	reply_fill(&e->reader, CLIENT_AT_REST, &why);
	if (t->open && t->say == SAY_BODY && !t->bdat && kind >= 4) {
		refuse(e, t, CLIENT_AT_END, FATE_TAKEN);
		client_fail(e, &why, FAIL_CUT);
	} else {
		client_failf(e, CLIENT_AT_REST, "4.5.0", FAIL_CUT, "a reply to nothing that was said: %.400s", why.words);
	}
}

/* An answer of another kind than the step has: the server answers something else. */
static bool out_of_step(struct smtp_client *e, enum client_step step, unsigned kind)
{
	bool wants_3 = step == CLIENT_AT_DATA && client_first(e)->chunks == 0;
	struct client_reply why;

	if (step == CLIENT_AT_REST || (kind != 3 && kind != 2) || (kind == 3) == wants_3)
		return false;
	reply_fill(&e->reader, step, &why);
	client_failf(e, step, "4.5.0", FAIL_CUT, "a reply to something else: %.400s", why.words);
	return true;
}

/* No recipient was taken, and there is none left to be asked for. */
static bool none_left(const struct transaction *t)
{
	return t->said_rcpt >= t->mail.count && t->heard_rcpt >= t->said_rcpt && t->taken == 0;
}

/* Before DATA is said, and where BDAT is used, the replies to RCPT decide how it goes on. */
static void turn(struct smtp_client *e, struct transaction *t)
{
	bool undecided = t->say == SAY_DATA || (t->say == SAY_WAIT && !t->await_data);

	if (undecided && t->refused) {
		t->say = SAY_NOTHING;
	} else if (undecided && none_left(t)) {
		give_up(e, t);
	} else if (t->say == SAY_WAIT && undecided && t->heard_rcpt >= t->mail.count) {
		t->say = SAY_BODY;
		client_body_start(e);
	}
}

void client_mail_heard(struct smtp_client *e)
{
	static void (*const hear[])(struct smtp_client *, struct transaction *, unsigned) = {
		[CLIENT_AT_RSET] = rset_heard, [CLIENT_AT_MAIL] = mail_heard, [CLIENT_AT_RCPT] = rcpt_heard,
		[CLIENT_AT_DATA] = data_heard, [CLIENT_AT_END] = end_heard,   [CLIENT_AT_REST] = rest_heard,
	};
	struct transaction *t = client_first(e);
	enum client_step step = client_mail_step(t);
	unsigned kind = e->reader.code / 100;

	if (out_of_step(e, step, kind))
		return;
	if (t->chunks > 0 && step == CLIENT_AT_DATA)
		chunk_heard(e, t, kind);
	else
		hear[step](e, t, kind);
	turn(e, t);
}
