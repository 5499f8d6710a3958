/*
 * submitted.c - the header of a submitted message (RFC 6409 8): Bcc goes out of it, and whom it is
 * from must be who sends it.
 */
#include <string.h>

#include "common/base/escape.h"
#include "mime/address.h"
#include "mime/header.h"
#include "smtpd/state.h"

enum { AUTHORS_MAX = 50 };

/* The address of a mailbox in a list, as authd is asked. */
static void put_author(struct smtp_server *e, const struct mime_address *a)
{
	buf_put(&e->authors, a->local);
	buf_put_byte(&e->authors, '@');
	buf_put(&e->authors, a->domain);
	buf_put_byte(&e->authors, 0);
}

static bool is_address(const struct mime_address *a)
{
	return a->local.n > 0 && a->domain.n > 0 && a->local.n + a->domain.n + 1 < PATH_ADDRESS_MAX &&
	       span_find(a->local, 0) < 0 && span_find(a->domain, 0) < 0;
}

/* Appends the addresses in value. How many they are; -1: one is none, or memory. */
static int take_list(struct smtp_server *e, struct span value)
{
	struct mime_address_walk w;
	struct mime_address a;
	int count = 0;

	mime_address_walk_init(&w, value);
	while (count >= 0 && mime_address_next(&w, &a)) {
		if (a.kind != MIME_ADDRESS_MAILBOX)
			continue;
		if (!is_address(&a) || count == AUTHORS_MAX) {
			count = -1;
			break;
		}
		put_author(e, &a);
		count++;
	}
	if (w.text.failed || e->authors.failed)
		count = -1;
	mime_address_walk_clear(&w);
	return count;
}

/* RFC 5322 3.6.2: one From; a Sender, with one address, where it has several. */
static const char *find_authors(struct smtp_server *e, struct span header)
{
	struct mime_header_field from, sender;
	int count;

	if (mime_header_count(header, "From") != 1 || !mime_header_find(header, "From", &from))
		return "550 5.7.1 a message has one From line";
	count = take_list(e, from.value);
	if (count <= 0)
		return "550 5.7.1 the From line names nobody: From: Name <user@domain>";
	if (count == 1)
		return NULL;
	buf_reset(&e->authors);
	if (mime_header_count(header, "Sender") != 1 || !mime_header_find(header, "Sender", &sender) ||
	    take_list(e, sender.value) != 1)
		return "550 5.7.1 a message from several has a Sender line that names one of them";
	return NULL;
}

void smtp_submitted_header(struct smtp_server *e)
{
	static const struct span secret[] = { { (const uint8_t *)"Bcc", 3 }, { (const uint8_t *)"Resent-Bcc", 10 } };
	struct span header = buf_span(&e->held);

	e->from_fault = find_authors(e, header);
	mime_header_filter_not(header, secret, 2, &e->body);
}

void smtp_from_done(struct smtp_server *e, enum smtp_result result)
{
	const char *author = (const char *)e->authors.p + e->author;
	char shown[PATH_ADDRESS_MAX + 8];

	if (result == SMTP_DONE) {
		e->author += strlen(author) + 1;
	} else if (result == SMTP_WRONG) {
		smtp_note(e, "author refused from=<%s> reason=not-of-this-account",
			  escape_text(shown, sizeof(shown), span_of(author)));
		e->from_fault = "550 5.7.1 the address in the From line does not belong to the account that you are logged in with";
	} else {
		e->from_fault = "451 4.3.0 can't check the From line right now, try again later";
	}
}
