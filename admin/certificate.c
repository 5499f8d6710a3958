/* certificate.c - the contract is in certificate.h. */
#include "admin/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/escape.h"
#include "common/config/file.h"
#include "common/tls/text.h"

static void take_time(char out[32], const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	*out = '\0';
	if (ASN1_TIME_to_tm(t, &tm) == 1)
		strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* "a.example", "anna@a.example", or an IP address. */
static bool name_text(const GENERAL_NAME *g, char *out, size_t size)
{
	const uint8_t *p;
	int n;

	if (g->type != GEN_DNS && g->type != GEN_EMAIL && g->type != GEN_IPADD)
		return false;
	p = ASN1_STRING_get0_data(g->d.ia5);
	n = ASN1_STRING_length(g->d.ia5);
	if (g->type != GEN_IPADD)
		escape_text(out, size, (struct span){ p, (size_t)n });
	else if ((n != 4 && n != 16) ||
		 inet_ntop(n == 4 ? AF_INET : AF_INET6, p, out, (socklen_t)size) == NULL)
		return false;
	return true;
}

static void take_names(struct certificate *c, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		char name[256];

		if (!name_text(sk_GENERAL_NAME_value(names, i), name, sizeof(name)) ||
		    used + strlen(name) + 2 > sizeof(c->names))
			continue;
		used += (size_t)snprintf(c->names + used, sizeof(c->names) - used, "%s%s",
					 used > 0 ? " " : "", name);
	}
	GENERAL_NAMES_free(names);
}

static void take_serial(struct certificate *c, X509 *x)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;

	if (hex == NULL || !tls_revoke_serial(hex, c->serial))
		c->serial[0] = '\0';
	OPENSSL_free(hex);
	BN_free(number);
}

static void take_all(struct certificate *c, X509 *x)
{
	*c = (struct certificate){ .days_left = 0 };
	tls_subject_text(x, c->subject, sizeof(c->subject));
	tls_dn_text(X509_get_issuer_name(x), c->issuer, sizeof(c->issuer));
	take_names(c, x);
	if (X509_get0_pubkey(x) != NULL)
		tls_key_text(X509_get0_pubkey(x), c->key, sizeof(c->key));
	tls_print_text(c->fingerprint, x);
	take_serial(c, x);
	take_time(c->starts, X509_get0_notBefore(x));
	take_time(c->ends, X509_get0_notAfter(x));
	c->days_left = tls_days_left(X509_get0_notAfter(x));
}

int certificate_read(struct certificate *c, const char *path, struct error *err)
{
	struct buf text;
	X509 *x = NULL;
	BIO *in;
	int rc;

	buf_init(&text, 1 << 20);
	rc = file_read(path, &text, NULL, err);
	if (rc == 0) {
		in = BIO_new_mem_buf(text.p, (int)text.n);
		x = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
		BIO_free(in);
		if (x == NULL)
			rc = error_set(err, -EINVAL, "%s holds no certificate", path);
		else
			take_all(c, x);
	}
	X509_free(x);
	buf_clear(&text);
	return rc;
}

void certificate_judge(struct certificate *c, const struct tls_revocations *lists)
{
	c->revoked = tls_revoke_find(lists, c->issuer, c->serial, &c->entry);
}

void certificate_write(const struct certificate *c, const char *path, struct buf *out)
{
	buf_printf(out, "%s\n  subject      %s\n  issuer       %s\n", path, c->subject, c->issuer);
	if (*c->names != '\0')
		buf_printf(out, "  names        %s\n", c->names);
	buf_printf(out, "  key          %s\n  valid        %s to %s (%d days left)\n  fingerprint  %s\n"
			"  serial       %s\n",
		   c->key, c->starts, c->ends, c->days_left, c->fingerprint, c->serial);
	if (c->revoked)
		buf_printf(out, "  revoked      %s, %s\n", c->entry.when, c->entry.reason);
}

static void put_json(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\":\"", name);
	escape_json(out, span_of(value));
	buf_put_text(out, "\",");
}

static void put_json_names(const struct certificate *c, struct buf *out)
{
	struct span in = span_of(c->names);
	const char *between = "";

	buf_put_text(out, "\"names\":[");
	while (in.n > 0) {
		buf_printf(out, "%s\"", between);
		escape_json(out, span_take_until(&in, ' '));
		buf_put_byte(out, '"');
		between = ",";
	}
	buf_put_text(out, "],");
}

void certificate_write_json(const struct certificate *c, const char *path, struct buf *out)
{
	buf_put_byte(out, '{');
	put_json(out, "file", path);
	put_json(out, "subject", c->subject);
	put_json(out, "issuer", c->issuer);
	put_json_names(c, out);
	put_json(out, "key", c->key);
	put_json(out, "starts", c->starts);
	put_json(out, "ends", c->ends);
	put_json(out, "fingerprint", c->fingerprint);
	put_json(out, "serial", c->serial);
	put_json(out, "revoked_at", c->revoked ? c->entry.when : "");
	put_json(out, "reason", c->revoked ? c->entry.reason : "");
	buf_printf(out, "\"revoked\":%s,\"days_left\":%d}", c->revoked ? "true" : "false", c->days_left);
}
