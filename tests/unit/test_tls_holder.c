/* test_tls_holder.c - whom a client's certificate names, and which fingerprints are known.
 * link: common/tls common/base */
#include "tests/unit/unit.h"

#include <ctype.h>
#include <openssl/x509v3.h>

#include "common/tls/holder.h"
#include "common/tls/prints.h"

enum { EMAIL = 1, UPN, MAILBOX, DNS, UPN_IA5, CN, CN_BMP };	/* what a name is put in as */

#define LONG_320 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" \
		 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct name {
	int kind;		/* 0: no more */
	const char *text;
	size_t n;		/* 0: that of the text */
};

static void other_push(GENERAL_NAMES *list, int nid, int type, const struct name *name, size_t n)
{
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_STRING *text = ASN1_STRING_type_new(type);

	ASN1_STRING_set(text, name->text, (int)n);
	ASN1_TYPE_set(value, type, text);
	assert_int_equal(GENERAL_NAME_set0_othername(one, OBJ_nid2obj(nid), value), 1);
	sk_GENERAL_NAME_push(list, one);
}

static void plain_push(GENERAL_NAMES *list, int type, const struct name *name, size_t n)
{
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	ASN1_STRING_set(text, name->text, (int)n);
	GENERAL_NAME_set0_value(one, type, text);
	sk_GENERAL_NAME_push(list, one);
}

static void name_push(X509 *cert, GENERAL_NAMES *list, const struct name *name)
{
	size_t n = name->n > 0 ? name->n : strlen(name->text);
	ASN1_STRING *text;
	X509_NAME_ENTRY *entry = NULL;

	switch (name->kind) {
	case EMAIL:
		plain_push(list, GEN_EMAIL, name, n);
		break;
	case DNS:
		plain_push(list, GEN_DNS, name, n);
		break;
	case UPN:
		other_push(list, NID_ms_upn, V_ASN1_UTF8STRING, name, n);
		break;
	case UPN_IA5:
		other_push(list, NID_ms_upn, V_ASN1_IA5STRING, name, n);
		break;
	case MAILBOX:
		other_push(list, NID_id_on_SmtpUTF8Mailbox, V_ASN1_UTF8STRING, name, n);
		break;
	default:		/* by hand: OpenSSL's own way refuses what is broken */
		text = ASN1_STRING_type_new(name->kind == CN_BMP ? V_ASN1_BMPSTRING : V_ASN1_UTF8STRING);
		ASN1_STRING_set(text, name->text, (int)n);
		entry = X509_NAME_ENTRY_create_by_NID(&entry, NID_commonName, ASN1_STRING_type(text),
						      ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
		assert_non_null(entry);
		X509_NAME_add_entry(X509_get_subject_name(cert), entry, -1, 0);
		X509_NAME_ENTRY_free(entry);
		ASN1_STRING_free(text);
	}
}

static X509 *certificate(const struct name *names)
{
	X509 *cert = X509_new();
	GENERAL_NAMES *list = GENERAL_NAMES_new();

	for (; names->kind != 0; names++)
		name_push(cert, list, names);
	if (sk_GENERAL_NAME_num(list) > 0)
		assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, 0), 1);
	GENERAL_NAMES_free(list);
	return cert;
}

static void test_names(void **state)
{
	static const struct {
		const char *why;
		struct name names[20];
		const char *want;
	} rows[] = {
		{ "nothing", { { 0 } }, "" },
		{ "an address", { { EMAIL, "a@example.org", 0 } }, "email:a@example.org\n" },
		{ "a principal", { { UPN, "a@EXAMPLE.org", 0 } }, "upn:a@EXAMPLE.org\n" },
		{ "an address beyond ASCII", { { MAILBOX, "\xe9\x83\xb5@example.org", 0 } },
		  "email:\xe9\x83\xb5@example.org\n" },
		{ "a common name", { { CN, "Alice Doe", 0 } }, "cn:Alice Doe\n" },
		{ "all of them, in their order", { { CN, "Alice", 0 }, { UPN, "u@x", 0 }, { DNS, "x.org", 0 }, { EMAIL, "a@x", 0 } },
		  "upn:u@x\nemail:a@x\ncn:Alice\n" },
		{ "the last of two common names", { { CN, "People", 0 }, { CN, "Alice", 0 } }, "cn:Alice\n" },
		{ "another alphabet", { { CN_BMP, "\x90\xf5\x4f\xbf", 4 } }, "cn:\xe9\x83\xb5\xe4\xbe\xbf\n" },
		{ "a host's name alone", { { DNS, "x.org", 0 } }, "" },
		{ "NUL in an address", { { EMAIL, "a@example.org\0.evil", 19 } }, "" },
		{ "NUL in a principal", { { UPN, "a\0b", 3 }, { UPN, "b", 0 } }, "upn:b\n" },
		{ "NUL in a common name", { { CN, "a\0b", 3 } }, "" },
		{ "NUL in UTF-16", { { CN_BMP, "\0a\0\0", 4 } }, "" },
		{ "a line end", { { CN, "a\ncn:root", 0 } }, "" },
		{ "a line end in an address", { { EMAIL, "a@x\nupn:root", 0 } }, "" },
		{ "DEL", { { UPN, "a\x7f", 0 } }, "" },
		{ "a control beyond ASCII", { { UPN, "a\xc2\x85", 0 } }, "" },
		{ "the letter behind those", { { UPN, "a\xc2\xa0", 0 } }, "upn:a\xc2\xa0\n" },
		{ "no UTF-8", { { UPN, "a\xff", 0 }, { MAILBOX, "a\xc3", 0 }, { CN, "\xed\xa0\x80", 0 } }, "" },
		{ "an address that is no IA5", { { EMAIL, "\xc3\xa4@example.org", 0 } }, "" },
		{ "a principal of another type", { { UPN_IA5, "a@x", 0 } }, "" },
		{ "as long as may be", { { EMAIL, LONG_320, 0 } }, "email:" LONG_320 "\n" },
		{ "too long", { { EMAIL, LONG_320 "x", 0 } }, "" },
		{ "16 and no more",
		  { { EMAIL, "1", 0 }, { EMAIL, "2", 0 }, { EMAIL, "3", 0 }, { EMAIL, "4", 0 }, { EMAIL, "5", 0 },
		    { EMAIL, "6", 0 }, { EMAIL, "7", 0 }, { EMAIL, "8", 0 }, { EMAIL, "9", 0 }, { EMAIL, "10", 0 },
		    { EMAIL, "11", 0 }, { EMAIL, "12", 0 }, { EMAIL, "13", 0 }, { EMAIL, "14", 0 }, { EMAIL, "15", 0 },
		    { EMAIL, "16", 0 }, { EMAIL, "17", 0 }, { CN, "Alice", 0 } },
		  "email:1\nemail:2\nemail:3\nemail:4\nemail:5\nemail:6\nemail:7\nemail:8\nemail:9\nemail:10\n"
		  "email:11\nemail:12\nemail:13\nemail:14\nemail:15\nemail:16\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		X509 *cert = certificate(rows[i].names);
		struct buf out;

		unit_case(rows[i].why, i);
		buf_init(&out, TLS_HOLDER_TEXT);
		tls_holder_names(cert, &out);
		assert_false(out.failed);
		unit_is(out.p, out.n, rows[i].want);
		buf_clear(&out);
		X509_free(cert);
	}
}

static void hear(void *arg, const char *words)
{
	char *heard = arg;
	size_t n = strlen(heard);

	snprintf(heard + n, 512 - n, "%s\n", words);
}

/* In form: @ is the fingerprint of a certificate, ^ that in capitals, < its first half, #
 * another one. */
static void expand(char *out, size_t size, const char *form, const char *own)
{
	static const char other[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	size_t n = 0;

	for (; *form != '\0'; form++) {
		const char *piece = *form == '#' ? other : own;
		size_t length = *form == '<' ? 32 : 64;

		for (size_t i = 0; strchr("@^<#", *form) != NULL && i < length && n + 1 < size; i++)
			out[n++] = (char)(*form == '^' ? toupper((unsigned char)piece[i]) : piece[i]);
		if (strchr("@^<#", *form) == NULL && n + 1 < size)
			out[n++] = *form;
	}
	out[n] = '\0';
}

/* The list of fingerprints, in any case; what is none of them is named by its line. */
static void test_prints(void **state)
{
	static const struct name names[] = { { CN, "Alice", 0 }, { 0, NULL, 0 } };
	X509 *cert = certificate(names);
	uint8_t digest[EVP_MAX_MD_SIZE];
	char own[65], text[400], heard[512];
	unsigned n = 0;
	const struct {
		const char *why, *form;
		bool known;
		const char *warning;
	} rows[] = {
		{ "an empty list", "", false, "" },
		{ "alone", "@", true, "" },
		{ "with a line end", "@\n", true, "" },
		{ "in capitals", "^\n", true, "" },
		{ "first", "@\n#\n", true, "" },
		{ "last, behind empty lines", "\n#\n\n @ \n", true, "" },
		{ "another", "#\n", false, "" },
		{ "the half of it", "<\n#\n", false, "AllowSelfSigned: fingerprint 1 of the accounts" },
		{ "a digit too much", "#\n@a\n", false, "AllowSelfSigned: fingerprint 2 of the accounts" },
		{ "no hexadecimal", "<zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\n", false, "AllowSelfSigned: fingerprint 1 of the accounts" },
		{ "one bad line costs that line", "nothing\n@\n", true, "AllowSelfSigned: fingerprint 1 of the accounts" },
	};

	(void)state;
	/* A digest needs an encoding, and that a key and a signature. */
	EVP_PKEY *key = EVP_EC_gen("P-256");

	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	assert_int_equal(X509_digest(cert, EVP_sha256(), digest, &n), 1);
	for (unsigned i = 0; i < n; i++)
		snprintf(own + (size_t)2 * i, 3, "%02x", digest[i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_prints p;

		unit_case(rows[i].why, i);
		heard[0] = '\0';
		expand(text, sizeof(text), rows[i].form, own);
		assert_int_equal(tls_prints_load(&p, span_of(text), hear, heard, NULL), 0);
		assert_int_equal(tls_prints_hold(&p, cert), rows[i].known);
		assert_int_equal(strncmp(heard, rows[i].warning, strlen(rows[i].warning)), 0);
		assert_int_equal(heard[0] == '\0', rows[i].warning[0] == '\0');
		tls_prints_clear(&p);
		assert_false(tls_prints_hold(&p, cert));
	}
	X509_free(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_prints) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls holder");
}
