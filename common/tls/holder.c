/* holder.c - the contract is in holder.h. */
#include "common/tls/holder.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "common/base/utf8.h"

struct holder {
	struct buf *out;
	size_t count;
};

/* UTF-8 without any of the controls: C0, DEL, C1. */
static bool plain(struct span text)
{
	uint32_t c;

	while (text.n > 0)
		if (!utf8_take(&text, &c) || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	return true;
}

static bool ascii_only(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] >= 0x80)
			return false;
	return true;
}

static struct span span_of_asn1(const ASN1_STRING *text)
{
	int n = ASN1_STRING_length(text);

	return (struct span){ ASN1_STRING_get0_data(text), n > 0 ? (size_t)n : 0 };
}

static void name_put(struct holder *h, const char *kind, struct span name)
{
	if (h->count == TLS_HOLDER_NAMES || name.n == 0 || name.n > TLS_HOLDER_NAME || !plain(name))
		return;
	buf_put_text(h->out, kind);
	buf_put_byte(h->out, ':');
	buf_put(h->out, name);
	buf_put_byte(h->out, '\n');
	h->count++;
}

static void other_put(struct holder *h, const OTHERNAME *name)
{
	int nid = OBJ_obj2nid(name->type_id);

	if (name->value == NULL || name->value->type != V_ASN1_UTF8STRING)
		return;
	if (nid == NID_ms_upn)
		name_put(h, "upn", span_of_asn1(name->value->value.utf8string));
	else if (nid == NID_id_on_SmtpUTF8Mailbox)	/* RFC 9598 3 */
		name_put(h, "email", span_of_asn1(name->value->value.utf8string));
}

static void alternatives_put(struct holder *h, X509 *cert)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(list, i);

		if (one->type == GEN_OTHERNAME) {
			other_put(h, one->d.otherName);
		} else if (one->type == GEN_EMAIL) {
			struct span name = span_of_asn1(one->d.rfc822Name);

			/* RFC 5280 4.2.1.6: an IA5String. */
			if (ascii_only(name))
				name_put(h, "email", name);
		}
	}
	GENERAL_NAMES_free(list);
}

/* The last one: names go from the widest to the closest. */
static void common_name_put(struct holder *h, X509 *cert)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1, last = -1, n;
	unsigned char *text = NULL;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (n > 0)
		name_put(h, "cn", (struct span){ text, (size_t)n });
	OPENSSL_free(text);
}

void tls_holder_names(X509 *cert, struct buf *out)
{
	struct holder h = { out, 0 };

	alternatives_put(&h, cert);
	common_name_put(&h, cert);
	ERR_clear_error();
}
