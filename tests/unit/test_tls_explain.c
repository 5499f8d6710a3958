/* test_tls_explain.c - each row of the catalogue, provoked by a client, and its words.
 * link: tests/unit/tls_peer.o tests/unit/tls_papers.o common/tls common/base */
#include "tests/unit/unit.h"

#include "tests/unit/tls_peer.h"

#include <openssl/pem.h>
#include <time.h>

#include "common/tls/cause_row.h"

static struct peer_pair ecdsa, rsa;
static bool provoked[256];	/* numbers of causes that some client here had */

/* What a port is. */
struct port {
	const char *profile;
	int forbidden, level;		/* -1: the profile's */
	bool with_rsa;
	enum tls_verify verify;
	struct span crl;
	const char *alpn;
};

static struct tls_context *context(const struct port *port)
{
	struct tls_pair pairs[] = { { "server.pem", "server.key", ecdsa.certificate, ecdsa.key },
				    { "rsa.pem", "rsa.key", rsa.certificate, rsa.key } };
	struct tls_material m = { .pairs = pairs,
				  .pair_count = port->with_rsa ? 2 : 1,
				  .listen = "127.0.0.1:993",
				  .client_ca = peer_ca().certificate,
				  .client_crl = port->crl,
				  .alpn = port->alpn };
	struct tls_context *c;
	struct tls_policy p;
	struct error err;

	assert_true(tls_policy_profile(&p, port->profile != NULL ? port->profile : "intermediate"));
	p.forbidden = port->forbidden >= 0 ? (unsigned)port->forbidden : p.forbidden;
	p.level = port->level >= 0 ? (unsigned)port->level : p.level;
	p.verify = port->verify;
	if (tls_context_new(&c, &p, &m, NULL, NULL, &err) < 0)
		fail_msg("%s", err.words);
	return c;
}

static const struct port common = { NULL, -1, -1, true, TLS_VERIFY_NO, { NULL, 0 }, NULL };

static void carry(struct tls_peer *p, struct peer_pair own)
{
	BIO *certificate = BIO_new_mem_buf(own.certificate.p, (int)own.certificate.n);
	BIO *key = BIO_new_mem_buf(own.key.p, (int)own.key.n);
	X509 *cert = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	EVP_PKEY *pair = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	assert_int_equal(SSL_CTX_use_certificate(p->ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->ctx, pair), 1);
	X509_free(cert);
	EVP_PKEY_free(pair);
	BIO_free(certificate);
	BIO_free(key);
}

/* "TLS failed: (NUMBER, 'TEXT') WORDS", the number being that of the text. */
static void check_line(const char *line, const char *reason, const char *words)
{
	unsigned long number, code = 0;
	char want[1024];

	assert_int_equal(sscanf(line, "TLS failed: (%lu, ", &number), 1);
	if (reason == NULL) {
		snprintf(want, sizeof(want), "TLS failed: (0, 'none') %s", words);
	} else {
		assert_int_equal(sscanf(line, "TLS failed: (%*u, 'error:%lX:", &code), 1);
		assert_int_equal(number, code);
		snprintf(want, sizeof(want), "TLS failed: (%lu, 'error:%08lX:SSL routines::%s') %s", number, number,
			 reason, words);
	}
	assert_string_equal(line, want);
}

/* The cause has that name, and the line those words. */
static void check_cause(struct tls_peer *p, enum tls_cut cut, const char *name, const char *reason,
			const char *words)
{
	unsigned number = tls_session_cause(p->session, cut);

	provoked[number] = true;
	check_line(tls_peer_failure(p, cut), reason, words);
	assert_string_equal(tls_cause_at(number)->name, name);
}

/* --- what a client offers --------------------------------------------------- */

static void test_offers(void **state)
{
	static const struct {
		const char *why;
		struct port port;
		int lowest, highest;
		const char *ciphers, *groups, *algorithms;
		const char *name, *reason, *words;
	} rows[] = {
		{ "the example of CONTRACT", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_VERSION, TLS1_VERSION,
		  "ALL", NULL, NULL, "version-too-old", "unsupported protocol",
		  "the client offers TLS 1.0 at most, this port takes TLS 1.2 and up; update the client or see "
		  "SecureLayOption in imapd.conf" },
		{ "TLS 1.3 alone", { "modern", -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_VERSION, TLS1_2_VERSION,
		  "ALL", NULL, NULL, "version-too-old", "unsupported protocol",
		  "the client offers TLS 1.2 at most, this port takes TLS 1.3 alone; update the client or see "
		  "SecureLayOption in imapd.conf" },
		{ "a client that is too new", { NULL, 47, -1, true, 0, { NULL, 0 }, NULL }, TLS1_3_VERSION,
		  TLS1_3_VERSION, "ALL", NULL, NULL, "version-too-new", "unsupported protocol",
		  "the client offers TLS 1.3 alone, this port takes TLS 1.2 alone; allow a newer version: see "
		  "SecureLayOption in imapd.conf" },
		{ "the level is in the way", { NULL, 3, 1, true, 0, { NULL, 0 }, NULL }, TLS1_VERSION, TLS1_1_VERSION,
		  "ALL", NULL, NULL, "level-bars-version", "unsupported protocol",
		  "the client offers TLS 1.1 at most; that works at SecureLevel 0 only, and this port has 1; update the "
		  "client or see SecureLevel in imapd.conf" },
		{ "static RSA", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_2_VERSION, TLS1_2_VERSION,
		  "AES128-GCM-SHA256", NULL, NULL, "no-common-cipher", "no shared cipher",
		  "the client offers ciphers without ECDHE only; update it or see TlsProfile and CipherList in imapd.conf "
		  "(epost takes static RSA)" },
		{ "CBC", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_2_VERSION, TLS1_2_VERSION,
		  "ECDHE-RSA-AES128-SHA", NULL, NULL, "no-common-cipher", "no shared cipher",
		  "the client offers CBC ciphers only; update it or see TlsProfile and CipherList in imapd.conf "
		  "(exchange2015 takes CBC)" },
		{ "a client for RSA, a port without", { NULL, -1, -1, false, 0, { NULL, 0 }, NULL }, TLS1_2_VERSION,
		  TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", NULL, NULL, "no-rsa-certificate", "no shared cipher",
		  "the client takes RSA certificates only and this port has none; add one with Certificate and PrivateKey "
		  "in imapd.conf" },
		{ "any other cipher", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_2_VERSION, TLS1_2_VERSION,
		  "ECDHE-RSA-AES128-CCM:DHE-RSA-AES128-CCM:ECDHE-ECDSA-AES128-CCM", NULL, NULL, "no-common-cipher",
		  "no shared cipher",
		  "client and port have no cipher in common; update the client or see TlsProfile and CipherList in "
		  "imapd.conf" },
		{ "groups, TLS 1.2", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_2_VERSION, TLS1_2_VERSION,
		  "ECDHE-RSA-AES256-GCM-SHA384", "X448:secp224r1", NULL, "no-common-group", "no shared cipher",
		  "the client offers x448, secp224r1, none of them in Groups; update it or see Groups in imapd.conf" },
		{ "groups, TLS 1.3", { NULL, -1, -1, true, 0, { NULL, 0 }, NULL }, TLS1_3_VERSION, TLS1_3_VERSION,
		  "ALL", "X448:ffdhe3072", NULL, "no-common-group", "no suitable key share",
		  "the client offers x448, group 257, none of them in Groups; update it or see Groups in imapd.conf" },
		{ "signatures", { NULL, -1, -1, false, 0, { NULL, 0 }, NULL }, TLS1_3_VERSION, TLS1_3_VERSION, "ALL",
		  NULL, "rsa_pss_rsae_sha256", "no-common-signature", "no suitable signature algorithm",
		  "the client can't check a signature of our certificate's kind at SecureLevel 2; add a certificate of "
		  "the other kind (RSA, P-256) in imapd.conf" },
		{ "a fallback", { NULL, 3, 0, true, 0, { NULL, 0 }, NULL }, TLS1_1_VERSION, TLS1_1_VERSION, "ALL", NULL,
		  "fallback", "fallback", "inappropriate fallback",
		  "the client falls back to TLS 1.1 at most after a better try failed, though this port takes TLS 1.0 and "
		  "up; something between us breaks its first try" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port port = rows[i].port;
		struct tls_context *c;
		struct tls_peer p;

		unit_case(rows[i].why, i);
		if (port.level == 0)
			port.profile = "exchange2015";
		c = context(&port);
		tls_peer_init(&p);
		SSL_CTX_set_min_proto_version(p.ctx, rows[i].lowest);
		SSL_CTX_set_max_proto_version(p.ctx, rows[i].highest);
		SSL_CTX_set_cipher_list(p.ctx, rows[i].ciphers);
		SSL_CTX_set_security_level(p.ctx, 0);
		if (rows[i].groups != NULL)
			assert_int_equal(SSL_CTX_set1_groups_list(p.ctx, rows[i].groups), 1);
		if (rows[i].algorithms != NULL && strcmp(rows[i].algorithms, "fallback") == 0)
			SSL_CTX_set_mode(p.ctx, SSL_MODE_SEND_FALLBACK_SCSV);
		else if (rows[i].algorithms != NULL)
			assert_int_equal(SSL_CTX_set1_sigalgs_list(p.ctx, rows[i].algorithms), 1);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
		check_cause(&p, TLS_CUT_NO, rows[i].name, rows[i].reason, rows[i].words);
		/* That the peer then hangs up changes nothing. */
		check_cause(&p, TLS_CUT_EOF, rows[i].name, rows[i].reason, rows[i].words);
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

static void test_foreign_alpn(void **state)
{
	struct port port = common;
	struct tls_context *c;
	struct tls_peer p;

	(void)state;
	port.alpn = "imap";
	c = context(&port);
	tls_peer_init(&p);
	SSL_CTX_set_alpn_protos(p.ctx, (const uint8_t *)"\10http/1.1", 9);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
	check_cause(&p, TLS_CUT_NO, "foreign-alpn", "no application protocol",
		   "the client asks for other protocols than imap (ALPN); it wants another service");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* --- certificates of the client --------------------------------------------- */

static void test_client_certificates(void **state)
{
	struct peer_pair good = peer_client("Alice"), stranger = peer_own("P-256", "SHA256", "Mallory", -1, 10);
	struct peer_pair ca = peer_ca(), late = peer_signed("P-256", "SHA256", "Late", ca, -10, -1);
	struct peer_pair weak = peer_signed("RSA-1024", "SHA256", "Weak", ca, -1, 10);
	struct span revoked = peer_crl(ca, &good, 1);
	struct span stale = peer_crl(peer_authority("Another", NULL, -1, 10), NULL, 0);
	const struct {
		const char *why;
		const struct peer_pair *own;
		struct span crl;
		const char *name, *reason, *words;
	} rows[] = {
		{ "none", NULL, { NULL, 0 }, "client-cert-missing", "peer did not return a certificate",
		  "the client sent no certificate and this port asks for one; install one in the client or see "
		  "VerifyClient in imapd.conf" },
		{ "unknown", &stranger, { NULL, 0 }, "client-cert-unknown-ca", "certificate verify failed",
		  "the client's certificate is not from an authority in ClientCA (self-signed certificate); see ClientCA "
		  "in imapd.conf" },
		{ "expired", &late, { NULL, 0 }, "client-cert-expired", "certificate verify failed",
		  "the client's certificate is expired; give the client a new one" },
		{ "revoked", &good, revoked, "client-cert-revoked", "certificate verify failed",
		  "the client's certificate is revoked (ClientCRL); give the client a new one" },
		{ "no list of its authority", &good, stale, "client-crl-stale", "certificate verify failed",
		  "the client's certificate can't be checked for revocation (unable to get certificate CRL); see ClientCRL "
		  "in imapd.conf" },
		{ "weak", &weak, { NULL, 0 }, "client-cert-bad", "certificate verify failed",
		  "the client's certificate does not verify (EE certificate key too weak); see ClientCA and SecureLevel "
		  "in imapd.conf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port port = common;
		struct tls_context *c;
		struct tls_peer p;

		unit_case(rows[i].why, i);
		port.verify = TLS_VERIFY_REQUIRE;
		port.crl = rows[i].crl;
		c = context(&port);
		tls_peer_init(&p);
		if (rows[i].own != NULL)
			carry(&p, *rows[i].own);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
		check_cause(&p, TLS_CUT_NO, rows[i].name, rows[i].reason, rows[i].words);
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

/* --- the client does not like us -------------------------------------------- */

/* Carries the first flight of each side, so that the client's answer is due. */
static void half_way(struct tls_peer *p, struct tls_context *c, int version)
{
	uint8_t text[16384];
	struct span in;

	tls_peer_init(p);
	SSL_CTX_set_max_proto_version(p->ctx, version);
	tls_peer_connect(p, c, "mail.example.org");
	SSL_do_handshake(p->ssl);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p->ssl), text, sizeof(text)) };
	assert_int_equal(tls_session_feed(p->session, &in), TLS_MORE);
	assert_true(tls_session_out(p->session).n > 0);
}

static void test_alerts(void **state)
{
	static const struct {
		uint8_t number;
		const char *name, *reason, *words;
	} rows[] = {
		{ SSL_AD_UNKNOWN_CA, "client-distrusts-us", "tlsv1 alert unknown ca",
		  "the client does not know the authority that signed our certificate; import the site's ca.pem there, "
		  "or use a certificate of a public authority" },
		{ SSL_AD_BAD_CERTIFICATE, "client-distrusts-us", "sslv3 alert bad certificate",
		  "the client refuses our certificate; does it know the authority, and is the name it connects to "
		  "(mail.example.org) in the certificate?" },
		{ SSL_AD_CERTIFICATE_UNKNOWN, "client-distrusts-us", "sslv3 alert certificate unknown",
		  "the client refuses our certificate; does it know the authority, and is the name it connects to "
		  "(mail.example.org) in the certificate?" },
		{ SSL_AD_CERTIFICATE_REVOKED, "our-certificate-revoked", "sslv3 alert certificate revoked",
		  "the client says that our certificate is revoked; get a new one" },
		{ SSL_AD_UNSUPPORTED_CERTIFICATE, "our-certificate-unsupported", "sslv3 alert unsupported certificate",
		  "the client can't use a certificate of this kind or purpose; try one with an RSA key" },
		{ SSL_AD_HANDSHAKE_FAILURE, "choice-refused-by-client", "sslv3 alert handshake failure",
		  "the client can't go on with what we chose; update it or see TlsProfile in imapd.conf" },
		{ SSL_AD_PROTOCOL_VERSION, "version-refused-by-client", "tlsv1 alert protocol version",
		  "the client does not take the version we chose, this port takes TLS 1.2 and up; update the client or "
		  "see SecureLayOption in imapd.conf" },
		{ SSL_AD_INSUFFICIENT_SECURITY, "too-weak-for-client", "tlsv1 alert insufficient security",
		  "the client asks for stronger ciphers or keys than this port has; see TlsProfile in imapd.conf" },
		{ SSL_AD_DECRYPT_ERROR, "our-signature-bad", "tlsv1 alert decrypt error",
		  "the client could not verify our signature; certificate and key may be damaged, or bytes were changed "
		  "on the way" },
		{ SSL_AD_ACCESS_DENIED, "denied-by-client", "tlsv1 alert access denied", "the client refuses us by its own rules" },
		{ SSL_AD_BAD_RECORD_MAC, "damaged", "sslv3 alert bad record mac",
		  "the client says that bytes were changed on the way, or one end has a fault" },
		{ SSL_AD_INTERNAL_ERROR, "alert-from-client", "tlsv1 alert internal error",
		  "the client broke off with the alert internal error (80); its own log may tell why" },
		{ SSL_AD_UNRECOGNIZED_NAME, "name-refused-by-client", "tlsv1 unrecognized name",
		  "the client takes no server for the name mail.example.org" },
		{ SSL_AD_USER_CANCELLED, "cancelled-by-client", "tlsv1 alert user cancelled",
		  "the client's user cancelled" },
		{ SSL_AD_CLOSE_NOTIFY, "closed-by-client", NULL, "the client broke the handshake off (close_notify)" },
	};
	struct tls_context *c = context(&common);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t alert[] = { 21, 3, 3, 0, 2, rows[i].number == 0 ? 1 : 2, rows[i].number };
		struct span in = { alert, sizeof(alert) };
		struct tls_peer p;

		unit_case(rows[i].name, i);
		half_way(&p, c, TLS1_2_VERSION);
		assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
		check_cause(&p, TLS_CUT_NO, rows[i].name, rows[i].reason, rows[i].words);
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* A client that checks, and does not have our CA. */
static void test_distrust(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls_context *c = context(&common);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tls_peer p;

		tls_peer_init(&p);
		SSL_CTX_set_max_proto_version(p.ctx, versions[i]);
		SSL_CTX_set_verify(p.ctx, SSL_VERIFY_PEER, NULL);
		assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
		assert_non_null(strstr(tls_peer_failure(&p, TLS_CUT_EOF),
				       "alert unknown ca') the client does not know the authority"));
		tls_peer_clear(&p);
	}
	tls_context_drop(c);
}

/* --- no TLS at all, and clients that go ------------------------------------- */

static void test_bytes(void **state)
{
	static const struct {
		const char *why, *bytes;
		size_t n;
		enum tls_cut cut;
		const char *name, *reason, *words;
	} rows[] = {
		{ "a web browser", "GET / HTTP/1.1\r\n", 16, TLS_CUT_NO, "http-on-mail-port", "http request",
		  "the client speaks HTTP; this is a mail port" },
		{ "a proxy's client", "CONNECT a:25 HTTP/1.1\r\n", 23, TLS_CUT_NO, "http-on-mail-port", "https proxy request",
		  "the client takes us for a web proxy; this is a mail port" },
		{ "plain IMAP", "a1 CAPABILITY\r\n", 15, TLS_CUT_NO, "plain-text-on-tls-port", "wrong version number",
		  "the client sent plain text (\"a1 CAPAB\") where TLS begins; set its connection security to SSL/TLS, or "
		  "to STARTTLS at the port for it" },
		{ "a short line", "QUIT\r\n", 6, TLS_CUT_EOF, "plain-text-on-tls-port", "wrong version number",
		  "the client sent plain text (\"QUIT\\r\\n\") where TLS begins; set its connection security to SSL/TLS, or "
		  "to STARTTLS at the port for it" },
		{ "other bytes", "\x00\x01\x02\xff\xfe", 5, TLS_CUT_NO, "not-tls", "wrong version number",
		  "the client sent bytes that are not TLS (\"\\x00\\x01\\x02\\xff\\xfe\")" },
		{ "a record, then what is none and begins like SSL 2.0",
		  "\x16\x03\x03\x00\x01\x02\xef\x51\x68\x20\x5f", 11, TLS_CUT_NO, "not-tls", "wrong version number",
		  "the client sent bytes that are not TLS (\"\\x16\\x03\\x03\\x00\\x01\\x02\\xefQ\")" },
		{ "no byte, gone", "", 0, TLS_CUT_EOF, "probe-or-scan", NULL,
		  "the client closed the connection without a byte; a port scan or a health check" },
		{ "no byte, time", "", 0, TLS_CUT_TIME, "handshake-timeout", NULL,
		  "the client sent nothing in HandshakeTime; one that waits for a greeting needs SSL/TLS set as its "
		  "connection security, or the port for STARTTLS" },
		{ "too little plain text", "a1\r\n", 4, TLS_CUT_TIME, "plain-text-on-tls-port", NULL,
		  "the client sent plain text (\"a1\\r\\n\") where TLS begins; set its connection security to SSL/TLS, or to "
		  "STARTTLS at the port for it" },
		{ "a hello with nothing in it", "\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, TLS_CUT_NO, "alert-from-us",
		  "length too short",
		  "the client does not keep to TLS; we told it decode error (50); the text before tells where" },
		{ "half a hello, gone", "\x16\x03\x01\x02\x00\x01", 6, TLS_CUT_EOF, "closed-in-hello", NULL,
		  "the client closed the connection within its ClientHello" },
		{ "half a hello, time", "\x16\x03\x01\x02\x00\x01", 6, TLS_CUT_TIME, "handshake-timeout", NULL,
		  "the client sent no whole ClientHello in HandshakeTime; the way between us may lose large packets" },
	};
	struct tls_context *c = context(&common);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= rows[i].n; cut++) {
			struct span a = { (const uint8_t *)rows[i].bytes, cut }, b = { a.p + cut, rows[i].n - cut };
			enum tls_status want = rows[i].reason != NULL ? TLS_FAILED : TLS_MORE;
			struct tls_peer p;

			unit_case(rows[i].why, cut);
			tls_peer_init(&p);
			tls_peer_connect(&p, c, NULL);
			tls_session_feed(p.session, &a);
			assert_int_equal(tls_session_feed(p.session, &b), want);
			/* Cut at 5 to 7 bytes, OpenSSL sees the fault before the rest has come. */
			if (cut < 5 || cut >= 8 || cut == rows[i].n || want == TLS_MORE)
				check_cause(&p, rows[i].cut, rows[i].name, rows[i].reason, rows[i].words);
			tls_peer_clear(&p);
		}
	}
	tls_context_drop(c);
}

static void test_gone_half_way(void **state)
{
	struct tls_context *c = context(&common);
	struct tls_peer p;

	(void)state;
	half_way(&p, c, TLS1_3_VERSION);
	check_cause(&p, TLS_CUT_EOF, "closed-after-server-hello", NULL,
		   "the client closed the connection after our ServerHello, without a word; most often it does not know "
		   "the authority of our certificate, or the name it connects to (mail.example.org) is not in it");
	check_cause(&p, TLS_CUT_TIME, "handshake-timeout", NULL,
		   "the client did not finish the handshake in HandshakeTime; it may be asking its user about our "
		   "certificate");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* Under a mask with a hole we choose a version that it does not have: its alert comes in a record of another version. */
static void test_alert_of_another_version(void **state)
{
	const uint8_t alert[] = { 21, 3, 1, 0, 2, 2, SSL_AD_PROTOCOL_VERSION };
	struct span in = { alert, sizeof(alert) };
	struct tls_context *c = context(&common);
	struct tls_peer p;

	(void)state;
	half_way(&p, c, TLS1_2_VERSION);
	assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
	check_cause(&p, TLS_CUT_NO, "version-refused-by-client", "wrong version number",
		    "the client does not take the version we chose, this port takes TLS 1.2 and up; update the client or "
		    "see SecureLayOption in imapd.conf");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* A client that begins with a group that we do not take, and does not like to be asked for another. */
static void test_gone_after_retry(void **state)
{
	struct tls_context *c = context(&common);
	struct tls_peer p;
	uint8_t text[16384];
	struct span in;

	(void)state;
	tls_peer_init(&p);
	SSL_CTX_set1_groups_list(p.ctx, "X448:P-256");
	tls_peer_connect(&p, c, NULL);
	SSL_do_handshake(p.ssl);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p.ssl), text, sizeof(text)) };
	assert_int_equal(tls_session_feed(p.session, &in), TLS_MORE);
	check_cause(&p, TLS_CUT_EOF, "closed-after-retry", NULL,
		    "the client closed the connection when it was asked for another group than it had begun with; "
		    "update it or see Groups in imapd.conf");
	tls_peer_run(&p, 65536);
	assert_int_equal(tls_session_status(p.session), TLS_UP);
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* Where our certificate has ended, that is the reason, whatever the client calls it. */
static void test_ours_expired(void **state)
{
	static const uint8_t alerts[] = { SSL_AD_BAD_CERTIFICATE, SSL_AD_CERTIFICATE_UNKNOWN,
					  SSL_AD_CERTIFICATE_EXPIRED };
	struct peer_pair good = ecdsa;
	struct port port = common;
	struct tls_context *c;
	struct tls_peer p;
	char words[300], day[16];
	time_t yesterday = time(NULL) - 86400;
	struct tm end;

	(void)state;
	ecdsa = peer_signed("P-256", "SHA256", "mail.example.org", peer_ca(), -10, -1);
	port.with_rsa = false;
	c = context(&port);
	strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&yesterday, &end));
	snprintf(words, sizeof(words),
		 "our certificate ended on %s, and the client refuses it; renew it: see Certificate in imapd.conf", day);
	for (size_t i = 0; i < sizeof(alerts); i++) {
		const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, alerts[i] };
		struct span in = { alert, sizeof(alert) };

		unit_case("alert", alerts[i]);
		half_way(&p, c, TLS1_2_VERSION);
		assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
		provoked[tls_session_cause(p.session, TLS_CUT_NO)] = true;
		assert_non_null(strstr(tls_peer_failure(&p, TLS_CUT_NO), words));
		tls_peer_clear(&p);
	}
	half_way(&p, c, TLS1_3_VERSION);
	snprintf(words, sizeof(words),
		 "our certificate ended on %s, and the client closed the connection when it saw it; renew it: see "
		 "Certificate in imapd.conf",
		 day);
	check_cause(&p, TLS_CUT_EOF, "our-certificate-expired", NULL, words);
	tls_peer_clear(&p);
	tls_context_drop(c);
	ecdsa = good;
}

/* It is good, but the client says that it is not. */
static void test_clock_wrong(void **state)
{
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, SSL_AD_CERTIFICATE_EXPIRED };
	struct span in = { alert, sizeof(alert) };
	struct tls_context *c = context(&common);
	struct tls_peer p;
	const char *line;

	(void)state;
	half_way(&p, c, TLS1_2_VERSION);
	assert_int_equal(tls_session_feed(p.session, &in), TLS_FAILED);
	line = tls_peer_failure(&p, TLS_CUT_NO);
	provoked[tls_session_cause(p.session, TLS_CUT_NO)] = true;
	assert_non_null(strstr(line, "the client says that our certificate is expired, but it is good until 20"));
	assert_non_null(strstr(line, "; set the client's clock right, or renew the certificates behind ours"));
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* A ClientHello with versions of the test's choice, instead of those of OpenSSL's client. */
static void hello_with(struct tls_peer *p, struct tls_context *c, const uint8_t versions[4])
{
	static const uint8_t found[] = { 0x00, 0x2b, 0x00, 0x05, 0x04, 0x03, 0x04, 0x03, 0x03 };
	uint8_t text[16384], *at;
	struct span in;

	tls_peer_init(p);
	tls_peer_connect(p, c, NULL);
	SSL_set_min_proto_version(p->ssl, TLS1_2_VERSION);
	SSL_do_handshake(p->ssl);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p->ssl), text, sizeof(text)) };
	at = memmem(text, in.n, found, sizeof(found));
	assert_non_null(at);
	memcpy(at + 5, versions, 4);
	tls_session_feed(p->session, &in);
}

static void test_versions_listed(void **state)
{
	static const struct {
		const char *why;
		int forbidden;
		uint8_t versions[4];
		const char *name, *words;
	} rows[] = {
		{ "one above, one below", 47, { 3, 4, 3, 2 }, "no-common-version",
		  "the client offers TLS 1.1 and TLS 1.3, this port takes TLS 1.2 alone: none in common; leave no hole "
		  "between versions: see SecureLayOption in imapd.conf" },
		{ "of a time to come", -1, { 3, 5, 3, 6 }, "version-too-new",
		  "the client offers no version that is known here, this port takes TLS 1.2 and up; allow a newer "
		  "version: see SecureLayOption in imapd.conf" },
		{ "both below", -1, { 3, 2, 3, 1 }, "version-too-old",
		  "the client offers TLS 1.0 and TLS 1.1, this port takes TLS 1.2 and up; update the client or see "
		  "SecureLayOption in imapd.conf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct port port = common;
		struct tls_context *c;
		struct tls_peer p;

		unit_case(rows[i].why, i);
		port.forbidden = rows[i].forbidden;
		c = context(&port);
		hello_with(&p, c, rows[i].versions);
		assert_int_equal(tls_session_status(p.session), TLS_FAILED);
		check_cause(&p, TLS_CUT_NO, rows[i].name, "unsupported protocol", rows[i].words);
		tls_peer_clear(&p);
		tls_context_drop(c);
	}
}

/* A record that was changed on the way. */
static void test_damage(void **state)
{
	struct tls_context *c = context(&common);
	uint8_t text[4096];
	struct tls_peer p;
	struct span in;

	(void)state;
	tls_peer_init(&p);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	SSL_write(p.ssl, "secret", 6);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p.ssl), text, sizeof(text)) };
	text[10] ^= 1;
	tls_session_feed(p.session, &in);
	assert_int_equal(tls_session_read(p.session, text, sizeof(text)), 0);
	check_cause(&p, TLS_CUT_NO, "damaged", "decryption failed or bad record mac",
		    "bytes were changed on the way, or one end has a fault");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* --- what is seen by the first bytes ------------------------------------------ */

static void test_without_a_session(void **state)
{
	static const struct {
		const char *name, *first, *line;
	} rows[] = {
		{ "plain-text-on-tls-port", "EHLO a\r\n",
		  "TLS failed: (0, 'none') the client sent plain text (\"EHLO a\\r\\n\") where TLS begins; set its "
		  "connection security to SSL/TLS, or to STARTTLS at the port for it" },
		{ "tls-on-clear-port", "\x16\x03\x01",
		  "TLS failed: (0, 'none') the client begins TLS at once, but this port begins in clear; set its "
		  "connection security to STARTTLS, or give it the port for SSL/TLS" },
		{ "silent-on-tls-port", "",
		  "TLS failed: (0, 'none') the client sent nothing in SilenceTime where TLS begins; one that waits for a "
		  "greeting needs SSL/TLS set as its connection security, or the port for STARTTLS" },
		{ "http-on-mail-port", "GET / HT",
		  "TLS failed: (0, 'none') the client speaks HTTP; this is a mail port" },
		/* Blanks that only a session could fill stay empty. */
		{ "foreign-alpn", "",
		  "TLS failed: (0, 'none') the client asks for other protocols than  (ALPN); it wants another service" },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t number = tls_cause_find(span_of(rows[i].name));

		unit_case(rows[i].name, i);
		assert_true(number < tls_cause_count());
		provoked[number] = true;
		tls_cause_failure_text((unsigned)number, span_of(rows[i].first), "imapd", text, sizeof(text));
		assert_string_equal(text, rows[i].line);
	}
	assert_int_equal(tls_cause_find(span_of("no-such-cause")), tls_cause_count());
}

/* A small buffer cuts the line and nothing else. */
static void test_small_room(void **state)
{
	struct tls_context *c = context(&common);
	struct tls_peer p;
	char text[32];

	(void)state;
	half_way(&p, c, TLS1_3_VERSION);
	memset(text, 'x', sizeof(text));
	tls_session_failure_text(p.session, TLS_CUT_EOF, "imapd", text, 20);
	assert_string_equal(text, "TLS failed: (0, 'no");
	assert_int_equal(text[20], 'x');
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* A port with RSA alone, and clients that can't do with it. */
static void test_rsa_alone(void **state)
{
	struct peer_pair good = ecdsa;
	struct port port = common;
	struct tls_context *c;
	struct tls_peer p;

	(void)state;
	ecdsa = rsa;
	port.with_rsa = false;
	c = context(&port);
	tls_peer_init(&p);
	SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(p.ctx, "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
	check_cause(&p, TLS_CUT_NO, "no-ecdsa-certificate", "no shared cipher",
		    "the client takes ECDSA certificates only and this port has none; add one with Certificate and "
		    "PrivateKey in imapd.conf");
	SSL_CTX_set_cipher_list(p.ctx, "ECDHE-RSA-AES256-GCM-SHA384");
	SSL_CTX_set1_sigalgs_list(p.ctx, "RSA+SHA1");
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_FAILED);
	check_cause(&p, TLS_CUT_NO, "no-common-signature", "no shared signature algorithms",
		    "client and port have no signature algorithm in common at SecureLevel 2; update the client or see "
		    "SecureLevel in imapd.conf");
	tls_peer_clear(&p);
	tls_context_drop(c);
	ecdsa = good;
}

/* RFC 5246 7.2.2: TLS 1.2 has it, no port allows it. */
static void test_renegotiation(void **state)
{
	struct tls_context *c = context(&common);
	uint8_t text[4096];
	struct tls_peer p;
	struct span in;

	(void)state;
	tls_peer_init(&p);
	SSL_CTX_set_max_proto_version(p.ctx, TLS1_2_VERSION);
	assert_int_equal(tls_peer_try(&p, c, NULL), TLS_UP);
	SSL_renegotiate(p.ssl);
	SSL_do_handshake(p.ssl);
	in = (struct span){ text, (size_t)BIO_read(SSL_get_wbio(p.ssl), text, sizeof(text)) };
	tls_session_feed(p.session, &in);
	assert_int_equal(tls_session_read(p.session, text, sizeof(text)), 0);
	check_cause(&p, TLS_CUT_NO, "renegotiation", NULL,
		    "the client tried to renegotiate, which no port allows; nothing is lost but that connection: a client "
		    "that needs it is out of date");
	tls_peer_clear(&p);
	tls_context_drop(c);
}

/* Whoever adds a row shows here how it comes about. */
static void test_every_row(void **state)
{
	static const struct {
		const char *why;
		int reason;
		enum cause_when when;
	} elsewhere[] = {
		{ "OpenSSL 3.0 has other reasons for it", SSL_R_NO_SUITABLE_GROUPS, WHEN_ALWAYS },
		{ "OpenSSL 3.0 has other reasons for it", SSL_R_NO_SHARED_GROUPS, WHEN_ALWAYS },
		{ "a client of OpenSSL's does not do it", SSL_R_WRONG_SIGNATURE_TYPE, WHEN_ALWAYS },
		{ "test_tls_session: asks without end", CAUSE_ANY, WHEN_TROUBLE },
		{ "what has no other row", CAUSE_ANY, WHEN_ALWAYS },
	};

	(void)state;
	/* Those of our own deliveries: test_tls_outbound_causes. */
	for (size_t i = 0; i < tls_cause_outbound(); i++) {
		const struct cause_row *row = tls_cause_row(i);
		bool shown = provoked[i];

		unit_case(row->cause.name, i);
		for (size_t j = 0; j < sizeof(elsewhere) / sizeof(elsewhere[0]); j++)
			shown |= row->reason == elsewhere[j].reason && row->when == elsewhere[j].when;
		assert_true(shown);
		assert_true(strspn(row->cause.name, "abcdefghijklmnopqrstuvwxyz-") == strlen(row->cause.name));
		assert_non_null(strstr("client server either nobody", row->cause.who));
		assert_true(row->cause.words[0] != '\0');
		assert_non_null(row->cause.advice);
	}
}

int main(void)
{
	static const char *const hosts[] = { "mail.example.org", NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),		    cmocka_unit_test(test_versions_listed),
		cmocka_unit_test(test_rsa_alone),	    cmocka_unit_test(test_foreign_alpn),
		cmocka_unit_test(test_client_certificates), cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_distrust),	    cmocka_unit_test(test_ours_expired),
		cmocka_unit_test(test_clock_wrong),	    cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_gone_half_way),	    cmocka_unit_test(test_gone_after_retry),
		cmocka_unit_test(test_alert_of_another_version),
		cmocka_unit_test(test_damage),		    cmocka_unit_test(test_renegotiation),
		cmocka_unit_test(test_without_a_session),   cmocka_unit_test(test_small_room),
		cmocka_unit_test(test_every_row),
	};

	ecdsa = peer_server(0, hosts);
	rsa = peer_server(1, hosts);
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "tls explain");
}
