/* body.c - the contract is in body.h. */
#include "dkim/body.h"

#include <errno.h>
#include <string.h>

int dkim_body_init(struct dkim_body *b, enum dkim_canon canon, uint64_t limit)
{
	*b = (struct dkim_body){ .canon = canon, .limit = limit };
	b->hash = EVP_MD_CTX_new();
	return b->hash != NULL && EVP_DigestInit_ex(b->hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

void dkim_body_clear(struct dkim_body *b)
{
	EVP_MD_CTX_free(b->hash);
	b->hash = NULL;
}

/* --- canonical bytes ------------------------------------------------------- */

static void hash_held(struct dkim_body *b)
{
	if (b->held_n > 0 && EVP_DigestUpdate(b->hash, b->held, b->held_n) != 1)
		b->failed = true;
	b->held_n = 0;
}

static void put(struct dkim_body *b, struct span bytes)
{
	uint64_t left = b->limit > b->length ? b->limit - b->length : 0;

	b->length += bytes.n;
	if (bytes.n > left)
		bytes.n = (size_t)left;	/* RFC 6376 3.4.5: the body is cut there */
	if (bytes.n > sizeof(b->held) - b->held_n)
		hash_held(b);
	if (bytes.n > sizeof(b->held)) {
		if (EVP_DigestUpdate(b->hash, bytes.p, bytes.n) != 1)
			b->failed = true;
	} else if (bytes.n > 0) {
		memcpy(b->held + b->held_n, bytes.p, bytes.n);
		b->held_n += bytes.n;
	}
}

/* What was held back, for something follows. */
static void put_pending(struct dkim_body *b)
{
	for (; b->ends > 0; b->ends--)
		put(b, span_of("\r\n"));
	if (b->space)
		put(b, span_of(" "));
	b->space = false;
}

/* --- lines ----------------------------------------------------------------- */

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* RFC 6376 3.4.4: white space is one SP, and nothing at the end of a line. */
static void relaxed_text(struct dkim_body *b, struct span text)
{
	while (text.n > 0) {
		size_t n = 0;

		while (n < text.n && !is_space(text.p[n]))
			n++;
		if (n > 0) {
			put_pending(b);
			put(b, span_take(&text, n));
			continue;
		}
		span_take(&text, 1);
		b->space = true;
	}
}

void dkim_body_text(struct dkim_body *b, struct span text)
{
	if (text.n == 0)
		return;
	if (b->canon == DKIM_RELAXED) {
		relaxed_text(b, text);
		return;
	}
	put_pending(b);
	put(b, text);
}

void dkim_body_line(struct dkim_body *b)
{
	b->ends++;
	b->space = false;
}

/* Empty lines at the end do not count; the last line has its end. Of an empty body nothing is
 * left in the relaxed form, one line end in the simple one (RFC 6376 3.4.3). */
bool dkim_body_end(struct dkim_body *b)
{
	unsigned n = 0;

	if (b->length > 0 || b->canon == DKIM_SIMPLE)
		put(b, span_of("\r\n"));
	hash_held(b);
	return !b->failed && EVP_DigestFinal_ex(b->hash, b->digest, &n) == 1 && n == DKIM_HASH;
}
