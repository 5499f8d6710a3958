/* sign.c - signatures made: the contract is in dkim.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base64.h"
#include "dkim/body.h"
#include "dkim/header.h"
#include "dkim/intake.h"

enum { LINE_COLUMNS = 76, SIGNATURE_BYTES = 1024, FIELD_MAX = 128 * 1024, INSTANCES = 100 };

struct dkim_signer {
	struct dkim_intake in;
	struct dkim_body body;
	bool ended;		/* body.digest is there */
};

/* What is signed (RFC 6376 5.4.1): all fields of these names that are there; with one more of
 * those where a second would mislead, so that none can be added. */
static const struct row {
	const char *name;
	enum { EACH, ONE_MORE, ALWAYS_ONE_MORE } how;
} rows[] = {
	{ "From", ALWAYS_ONE_MORE },
	{ "Sender", EACH },
	{ "Reply-To", ONE_MORE },
	{ "To", ONE_MORE },
	{ "Cc", ONE_MORE },
	{ "Subject", ONE_MORE },
	{ "Date", ONE_MORE },
	{ "Message-ID", ONE_MORE },
	{ "In-Reply-To", EACH },
	{ "References", EACH },
	{ "MIME-Version", ONE_MORE },
	{ "Content-Type", ONE_MORE },
	{ "Content-Transfer-Encoding", ONE_MORE },
	{ "Content-ID", EACH },
	{ "Content-Description", EACH },
	{ "Resent-Date", EACH },
	{ "Resent-From", EACH },
	{ "Resent-Sender", EACH },
	{ "Resent-To", EACH },
	{ "Resent-Cc", EACH },
	{ "Resent-Message-ID", EACH },
	{ "List-Id", EACH },
	{ "List-Help", EACH },
	{ "List-Unsubscribe", EACH },
	{ "List-Unsubscribe-Post", EACH },	/* RFC 8058 4 asks for it */
	{ "List-Subscribe", EACH },
	{ "List-Post", EACH },
	{ "List-Owner", EACH },
	{ "List-Archive", EACH },
	{ "Auto-Submitted", EACH },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* --- the message ----------------------------------------------------------- */

static int on_header(void *arg)
{
	(void)arg;
	return 0;
}

static void on_text(void *arg, struct span text)
{
	struct dkim_signer *s = arg;

	dkim_body_text(&s->body, text);
}

static void on_line(void *arg)
{
	struct dkim_signer *s = arg;

	dkim_body_line(&s->body);
}

int dkim_signer_new(struct dkim_signer **out, struct error *err)
{
	static const struct dkim_intake_calls calls = { on_header, on_text, on_line };
	struct dkim_signer *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory to sign a message");
	dkim_intake_init(&s->in, &calls, s);
	if (dkim_body_init(&s->body, DKIM_RELAXED, DKIM_WHOLE) != 0) {
		dkim_signer_free(s);
		return error_set(err, -ENOMEM, "no memory to sign a message");
	}
	*out = s;
	return 0;
}

void dkim_signer_free(struct dkim_signer *s)
{
	if (s == NULL)
		return;
	dkim_intake_clear(&s->in);
	dkim_body_clear(&s->body);
	free(s);
}

int dkim_signer_feed(struct dkim_signer *s, struct span piece)
{
	return dkim_intake_feed(&s->in, piece);
}

/* --- the field ------------------------------------------------------------- */

struct writing {
	struct buf *out;
	size_t column;
	size_t names;		/* that h= has so far */
};

/* Text that stays together; a fold in front where the line would be too long. */
static void put_piece(struct writing *w, const char *text)
{
	size_t n = strlen(text);

	if (w->column + n > LINE_COLUMNS) {
		buf_put_text(w->out, "\r\n\t");
		w->column = 8;
	}
	buf_put_text(w->out, text);
	w->column += n;
}

/* Base64 may be folded anywhere. */
static void put_base64(struct writing *w, struct span bytes)
{
	struct buf text;
	struct span left;

	buf_init(&text, 2 * SIGNATURE_BYTES);
	base64_encode(&text, bytes);
	w->out->failed |= text.failed;
	for (left = buf_span(&text); left.n > 0;) {
		if (w->column >= LINE_COLUMNS) {
			buf_put_text(w->out, "\r\n\t");
			w->column = 8;
		}
		struct span part = span_take(&left, LINE_COLUMNS - w->column);

		buf_put(w->out, part);
		w->column += part.n;
	}
	buf_clear(&text);
}

static void put_tag(struct writing *w, const char *name, const char *value)
{
	char text[DKIM_NAME_MAX + 16];

	buf_put_byte(w->out, ' ');
	w->column++;
	snprintf(text, sizeof(text), "%s=%s;", name, value);
	put_piece(w, text);
}

static void put_name(struct writing *w, const char *name)
{
	char text[40];

	snprintf(text, sizeof(text), "%s%s", w->names++ > 0 ? ":" : "", name);
	put_piece(w, text);
}

/* All fields of the row that are there, from the lowest up; of what nobody has so many of, the lowest. */
static void put_row(struct writing *w, const struct row *row, const struct dkim_fields *fields, struct buf *data)
{
	const struct dkim_field *field;
	size_t at = fields->count, count = 0;

	while (count < INSTANCES && (field = dkim_fields_above(fields, span_of(row->name), &at)) != NULL) {
		dkim_field_put(DKIM_RELAXED, field->raw, data);
		put_name(w, row->name);
		count++;
	}
	if (count < INSTANCES && (row->how == ALWAYS_ONE_MORE || (row->how == ONE_MORE && count > 0)))
		put_name(w, row->name);
}

/* The field up to "b=", and what it signs in front of itself. */
static void put_field(const struct dkim_signer *s, const struct dkim_key *k, const struct dkim_fields *fields, int64_t now_s,
		      struct writing *w, struct buf *data)
{
	char time[24];

	buf_put_text(w->out, "DKIM-Signature:");
	w->column = 15;
	put_tag(w, "v", "1");
	put_tag(w, "a", k->algorithm == DKIM_RSA_SHA256 ? "rsa-sha256" : "ed25519-sha256");
	put_tag(w, "c", "relaxed/relaxed");
	put_tag(w, "d", k->domain);
	put_tag(w, "s", k->selector);
	snprintf(time, sizeof(time), "%lld", (long long)now_s);
	put_tag(w, "t", time);
	buf_put_text(w->out, "\r\n\th=");
	w->column = 10;
	for (unsigned i = 0; i < ROWS; i++)
		put_row(w, &rows[i], fields, data);
	buf_put_text(w->out, ";\r\n\tbh=");
	w->column = 11;
	put_base64(w, (struct span){ s->body.digest, DKIM_HASH });
	buf_put_text(w->out, ";\r\n\tb=");
	w->column = 10;
}

/* --- the signature --------------------------------------------------------- */

bool dkim_hash(struct span bytes, uint8_t out[DKIM_HASH])
{
	return EVP_Digest(bytes.p, bytes.n, out, NULL, EVP_sha256(), NULL) == 1;
}

/* RFC 8463 3: Ed25519 signs the hash as if it were the message. */
static bool sign(const struct dkim_key *k, struct span data, uint8_t out[SIGNATURE_BYTES], size_t *n)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[DKIM_HASH];
	bool rsa = k->algorithm == DKIM_RSA_SHA256, done = false;

	*n = SIGNATURE_BYTES;
	if (context != NULL && dkim_hash(data, hash) &&
	    EVP_DigestSignInit(context, NULL, rsa ? EVP_sha256() : NULL, NULL, k->pkey) == 1)
		done = EVP_DigestSign(context, out, n, rsa ? data.p : hash, rsa ? data.n : DKIM_HASH) == 1;
	EVP_MD_CTX_free(context);
	return done;
}

/* RFC 6376 3.7: the fields, then this one without its signature and its last line end. */
static int sign_one(const struct dkim_signer *s, const struct dkim_key *k, const struct dkim_fields *fields, int64_t now_s,
		    struct buf *out, struct error *err)
{
	uint8_t signature[SIGNATURE_BYTES];
	size_t start = out->n, n;
	struct writing w = { .out = out };
	struct buf data;
	int rc = 0;

	buf_init(&data, DKIM_HEADER_MAX + FIELD_MAX);
	put_field(s, k, fields, now_s, &w, &data);
	if (!out->failed)
		dkim_field_put(DKIM_RELAXED, (struct span){ out->p + start, out->n - start }, &data);
	if (out->failed || data.failed)
		rc = error_set(err, -ENOMEM, "no memory for a signature");
	else if (!sign(k, (struct span){ data.p, data.n - 2 }, signature, &n))
		rc = error_set(err, -EIO, "the key %s of %s can't sign", k->selector, k->domain);
	else
		put_base64(&w, (struct span){ signature, n });
	buf_put_text(out, "\r\n");
	buf_clear(&data);
	return rc == 0 && out->failed ? error_set(err, -ENOMEM, "no memory for a signature") : rc;
}

static int end_message(struct dkim_signer *s, struct error *err)
{
	int rc = s->ended ? 0 : dkim_intake_end(&s->in);

	if (rc == 0 && !s->ended && !dkim_body_end(&s->body))
		rc = -EIO;
	s->ended = true;
	return rc == 0 ? 0 : error_set(err, rc, "the message can't be signed");
}

/* A first line that goes on would go on our field, once that stands in front of it. */
static bool starts_with_field(struct span header)
{
	return header.n > 0 && header.p[0] != ' ' && header.p[0] != '\t';
}

int dkim_signer_finish(struct dkim_signer *s, const struct dkim_key *const *keys, size_t count, int64_t now_s,
		       struct buf *out, struct error *err)
{
	struct dkim_fields fields = { .all = NULL };
	size_t start = out->n, at;
	int rc = end_message(s, err);

	if (rc == 0 && (rc = dkim_fields_read(&fields, buf_span(&s->in.header), DKIM_HEADER_MAX)) != 0)
		error_set(err, rc, "no memory to sign a message");
	at = fields.count;
	if (rc == 0 && dkim_fields_above(&fields, span_of("From"), &at) == NULL)	/* RFC 6376 5.4 */
		rc = error_set(err, -EINVAL, "the message has no From, which every signature needs");
	if (rc == 0 && !starts_with_field(buf_span(&s->in.header)))
		rc = error_set(err, -EINVAL, "the header begins with white space, not with a field");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = sign_one(s, keys[i], &fields, now_s, out, err);
	dkim_fields_clear(&fields);
	if (rc != 0)
		out->n = start;
	return rc;
}
