/* account_cert.c - the contract is in account_cert.h. */
#include "admin/account_cert.h"

#include <errno.h>
#include <string.h>

#include "admin/certificate.h"

enum { OUTPUT = 256 << 20 }; /* bytes of the longest list */

/* --- add ------------------------------------------------------------------- */

/* A file is looked at once; what it is of no use for is said. */
static int read_file(const char *path, char out[ACCOUNTS_FINGERPRINT], struct error *err)
{
	struct certificate c;
	int code = certificate_read(&c, path, err);

	if (code == -ENOENT)
		return error_set(err, code,
				 "%s is no file, and no SHA-256 fingerprint either (64 hexadecimal digits)", path);
	if (code < 0)
		return code;
	if (!accounts_fingerprint(span_of(c.fingerprint), out))
		return error_set(err, -EINVAL, "%s: OpenSSL gives no SHA-256 fingerprint", path);
	if (c.days_left < 0)
		verb_warn("the certificate has expired: it logs nobody in");
	return 0;
}

static int read_print(const char *word, char out[ACCOUNTS_FINGERPRINT], struct error *err)
{
	return accounts_fingerprint(span_of(word), out) ? 0 : read_file(word, out, err);
}

static int check_label(const struct account_holder *h, const char *label, struct error *err)
{
	char fingerprint[ACCOUNTS_FINGERPRINT];

	if (!accounts_label(span_of(label)))
		return error_set(err, -EINVAL, "a label has %d bytes of UTF-8 at most, on one line, and no space at its ends",
				 ACCOUNTS_LABEL_MAX - 1);
	if (accounts_fingerprint(span_of(label), fingerprint))
		return error_set(err, -EINVAL, "a label can't be a fingerprint");
	for (size_t i = 0; *label != '\0' && i < h->account.certificate_count; i++)
		if (strcmp(h->certificates[i].label, label) == 0)
			return error_set(err, -EEXIST, "%s has another certificate called %s", h->account.address,
					 label);
	return 0;
}

static int check_new(const struct account_folder *f, const struct account_holder *h, const char *fingerprint,
		     struct error *err)
{
	const struct account *other = accounts_find_certificate(f->accounts, fingerprint);

	if (other != NULL && strcmp(other->address, h->account.address) == 0)
		return error_set(err, -EEXIST, "%s has this certificate already", other->address);
	if (other != NULL)
		return error_set(err, -EEXIST,
				 "this certificate is %s's: remove it there first (yubin account cert remove %s %s)",
				 other->address, other->address, fingerprint);
	if (h->account.certificate_count == ACCOUNTS_CERTIFICATES_MAX)
		return error_set(err, -ENOSPC, "%s has %d certificates, which is the most", h->account.address,
				 ACCOUNTS_CERTIFICATES_MAX);
	return 0;
}

int account_cert_add(const struct site *s, const struct account_line *l)
{
	const char *label = l->count > 2 ? l->words[2] : "";
	char fingerprint[ACCOUNTS_FINGERPRINT] = "";
	struct account_folder f;
	struct error err;
	struct account_holder h;
	int code = account_open_to_change(s, &f, &err);

	if (code == 0)
		code = account_with_room(&h, &f, l->words[0], &err);
	if (code == 0)
		code = read_print(l->words[1], fingerprint, &err);
	if (code == 0)
		code = check_new(&f, &h, fingerprint, &err);
	if (code == 0)
		code = check_label(&h, label, &err);
	if (code == 0) {
		h.certificates[h.account.certificate_count++] = (struct account_certificate){ fingerprint, label };
		code = accounts_put(f.fd, &f.owner, &h.account, &err);
	}
	account_close(&f);
	return code < 0 ? verb_failed(&err) : account_changed(s, "%s may log in by %s", l->words[0], fingerprint);
}

/* --- remove ---------------------------------------------------------------- */

/* The one that word means, by fingerprint or label; or -ENOENT, -EEXIST with words. */
static int pick(const struct account_holder *h, const char *word, size_t *at, struct error *err)
{
	char fingerprint[ACCOUNTS_FINGERPRINT];
	bool print = accounts_fingerprint(span_of(word), fingerprint);
	size_t found = 0;

	for (size_t i = 0; i < h->account.certificate_count; i++) {
		const struct account_certificate *c = &h->certificates[i];

		if (strcmp(print ? c->fingerprint : c->label, print ? fingerprint : word) != 0)
			continue;
		*at = i;
		found++;
	}
	if (found == 0 || *word == '\0')
		return error_set(err, -ENOENT, "%s has no certificate %s (see yubin account cert list)",
				 h->account.address, word);
	if (found > 1)
		return error_set(err, -EEXIST, "%s has %zu certificates called %s: name it by its fingerprint",
				 h->account.address, found, word);
	return 0;
}

int account_cert_remove(const struct site *s, const struct account_line *l)
{
	struct account_folder f;
	struct error err;
	struct account_holder h;
	size_t at = 0;
	int code = account_open_to_change(s, &f, &err);

	if (code == 0)
		code = account_with_room(&h, &f, l->words[0], &err);
	if (code == 0)
		code = pick(&h, l->words[1], &at, &err);
	if (code == 0) {
		h.account.certificate_count--;
		memmove(&h.certificates[at], &h.certificates[at + 1],
			(h.account.certificate_count - at) * sizeof(h.certificates[0]));
		code = accounts_put(f.fd, &f.owner, &h.account, &err);
	}
	account_close(&f);
	return code < 0 ? verb_failed(&err) : account_changed(s, "removed %s's certificate %s", l->words[0], l->words[1]);
}

/* --- list ------------------------------------------------------------------ */

static void put_text(struct buf *b, const struct account *a)
{
	for (size_t i = 0; i < a->certificate_count; i++)
		buf_printf(b, "%s  %s%s%s\n", a->address, a->certificates[i].fingerprint,
			   *a->certificates[i].label != '\0' ? "  " : "", a->certificates[i].label);
}

static void put_json(struct buf *b, const struct account *a)
{
	for (size_t i = 0; i < a->certificate_count; i++) {
		buf_put_text(b, b->n > 1 ? ",\n{" : "\n{");
		account_json(b, "address", a->address);
		account_json(b, "fingerprint", a->certificates[i].fingerprint);
		account_json(b, "label", a->certificates[i].label);
		buf_put_byte(b, '}');
	}
}

static void put_all(struct buf *b, const struct account_folder *f, const struct account *only,
		    void (*put)(struct buf *b, const struct account *a))
{
	for (size_t i = 0; i < accounts_count(f->accounts); i++) {
		const struct account *a = accounts_at(f->accounts, i);

		if (only == NULL || strcmp(only->address, a->address) == 0)
			put(b, a);
	}
}

int account_cert_list(const struct site *s, const struct account_line *l)
{
	struct account only = { .address = NULL };
	struct account_folder f;
	struct error err;
	struct buf b;
	int code = account_open(s, &f, &err);

	buf_init(&b, OUTPUT);
	if (code == 0 && l->count > 0)
		code = account_find(&f, l->words[0], &only, &err);
	if (code == 0) {
		buf_put_text(&b, l->json ? "[" : "");
		put_all(&b, &f, l->count > 0 ? &only : NULL, l->json ? put_json : put_text);
		buf_put_text(&b, l->json ? "\n]\n" : "");
	}
	account_close(&f);
	return code < 0 ? verb_failed(&err) : verb_print(&b);
}
