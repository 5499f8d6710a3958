/* test_conn_tls.c - TLS on a connection: wrong modes, refusals, what is counted, and certificates
 * that are no longer good.
 * link: tests/unit/conn_place.o tests/unit/certificate_kit.o tests/unit/tls_papers.o common/net common/proc common/ipc
 * link: common/tls common/config common/base */
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/net/server.h"
#include "tests/unit/conn_place.h"
#include "tests/unit/tls_peer.h"

enum { PLAIN, EXPLICIT, IMPLICIT };

/* A line of the log that ends so. */
static bool logged(const char *words)
{
	return strstr(log_text, words) != NULL;
}

/* What the server tells of TLS has that line. */
static bool told(struct place *p, const char *line)
{
	struct buf out;
	bool found;

	buf_init(&out, 256 << 10);
	server_tls(p->server, &out);
	buf_put_byte(&out, '\0');
	found = strstr((const char *)out.p, line) != NULL;
	if (!found)
		print_message("%s", (const char *)out.p);
	buf_clear(&out);
	return found;
}

/* --- the wrong mode ------------------------------------------------------------ */

#define HELLO "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"
#define CLEAR_LINE                                                                                           \
	"TLS failed: (0, 'none') the client begins TLS at once, but this port begins in clear; set its connection "  \
	"security to STARTTLS, or give it the port for SSL/TLS\n"
#define IMPLICIT_HINT                                                                                        \
	"* BYE this port begins with TLS; set your program to SSL/TLS, or to STARTTLS at another port\r\n"
#define HTTP_LINE "TLS failed: (0, 'none') the client speaks HTTP; this is a mail port\n"

static const struct {
	const char *why;
	size_t port;
	const char *limits, *bytes;
	size_t n;
	const char *greeting, *answer, *line, *cause;
} wrong[] = {
	{ "TLS where STARTTLS is spoken", EXPLICIT, "", HELLO, sizeof(HELLO) - 1, "hello STARTTLS\r\n",
	  "* BYE this port begins in clear and speaks STARTTLS; your program is set to SSL/TLS\r\n", CLEAR_LINE,
	  "tls-on-clear-port" },
	{ "TLS where none is spoken", PLAIN, "", HELLO, sizeof(HELLO) - 1, "hello\r\n",
	  "* BYE this port begins in clear and has no TLS; your program is set to SSL/TLS\r\n", CLEAR_LINE,
	  "tls-on-clear-port" },
	{ "TLS where it is switched off", EXPLICIT, "EnableTLS no\n", HELLO, sizeof(HELLO) - 1, "hello\r\n",
	  "* BYE this port begins in clear and has no TLS; your program is set to SSL/TLS\r\n", CLEAR_LINE,
	  "tls-on-clear-port" },
	{ "HTTP in clear", EXPLICIT, "", "POST / HTTP/1.1\r\nQUIT\r\n", 23, "hello STARTTLS\r\n", "", HTTP_LINE,
	  "http-on-mail-port" },
	{ "HTTP without TLS", PLAIN, "", "GET / HTTP/1.1\r\n\r\n", 18, "hello\r\n", "", HTTP_LINE,
	  "http-on-mail-port" },
	{ "a command where TLS begins", IMPLICIT, "", "a1 CAPABILITY\r\n", 15, "", IMPLICIT_HINT,
	  "TLS failed: (0, 'none') the client sent plain text (\"a1 CAPAB\") where TLS begins; set its connection security "
	  "to SSL/TLS, or to STARTTLS at the port for it\n",
	  "plain-text-on-tls-port" },
	{ "a short one", IMPLICIT, "", "QUIT\r\n", 6, "", IMPLICIT_HINT,
	  "TLS failed: (0, 'none') the client sent plain text (\"QUIT\\r\\n\") where TLS begins; set its connection "
	  "security to SSL/TLS, or to STARTTLS at the port for it\n",
	  "plain-text-on-tls-port" },
	{ "HTTP where TLS begins", IMPLICIT, "", "OPTIONS * HTTP/1.1\r\n", 20, "", "", HTTP_LINE,
	  "http-on-mail-port" },
};

static void check_wrong(size_t i, size_t cut)
{
	char heard[300], line[100];
	struct client c;
	struct place p;

	unit_case(wrong[i].why, cut);
	place_open(&p, "", wrong[i].limits);
	client_open(&c, &p, wrong[i].port);
	if (cut > 0)
		say_bytes(&c, wrong[i].bytes, cut);
	turn(&p, 5);
	say_bytes(&c, wrong[i].bytes + cut, wrong[i].n - cut);
	snprintf(heard, sizeof(heard), "%s%s", wrong[i].greeting, wrong[i].answer);
	client_hears(&c, heard);
	client_hears_end(&c);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged(wrong[i].line));
	snprintf(line, sizeof(line), "failures 127.0.0.1:%zu %s 1\n", wrong[i].port + 1, wrong[i].cause);
	assert_true(told(&p, line));
	assert_int_equal(p.server->tls_failed, 1);
	place_close(&p);
}

/* However the bytes are cut. */
static void test_wrong_mode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (size_t cut = 0; cut < wrong[i].n && cut < 10; cut++)
			check_wrong(i, cut);
}

/* What looks like one for a while, and is none; a good client whose bytes come one by one. */
static void test_right_mode(void **state)
{
	static const char *const lines[] = { "GETS\r\n", "HELO a\r\n", "PUT\r\n", "x\r\n", "POSTAL\r\n", "\x80\r\n" };
	char heard[64];
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unit_case(lines[i], i);
		client_open(&c, &p, EXPLICIT);
		for (size_t n = 0; n < strlen(lines[i]); n++) {
			say_bytes(&c, lines[i] + n, 1);
			turn(&p, 3);
		}
		snprintf(heard, sizeof(heard), "hello STARTTLS\r\necho %s", lines[i]);
		client_hears(&c, heard);
		/* Later on it is the protocol's business. */
		client_say(&c, "GET / HTTP/1.1\r\n");
		client_hears(&c, "echo GET / HTTP/1.1\r\n");
		client_close(&c);
	}
	assert_int_equal(p.server->tls_failed, 0);
	place_close(&p);
}

/* STARTTLS and what is injected behind it may come in pieces that the first bytes are held from. */
static void test_injection_in_pieces(void **state)
{
	static const char text[] = "STARTTLS\r\ninjected\r\n";
	struct client c;
	struct place p;

	(void)state;
	for (size_t cut = 1; cut < strlen(text); cut++) {
		unit_case("cut", cut);
		place_open(&p, "", "");
		client_open(&c, &p, EXPLICIT);
		say_bytes(&c, text, cut);
		if (cut < 9)
			turn(&p, 3);
		say_bytes(&c, text + cut, strlen(text) - cut);
		client_hears(&c, "hello STARTTLS\r\ngo\r\n");
		client_tls(&c);
		client_hears(&c, "secure TLSv1.3\r\n");
		client_say(&c, "one\r\n");
		client_hears(&c, "echo one\r\n");
		client_close(&c);
		place_close(&p);
	}
}

/* One that waits for a greeting at a TLS port. */
static void test_silence(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	p.server->ports->silence_ms = 40;
	client_open(&c, &p, IMPLICIT);
	client_hears(&c, IMPLICIT_HINT);
	client_hears_end(&c);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client sent nothing in SilenceTime where TLS begins; "));
	assert_true(told(&p, "failures 127.0.0.1:3 silent-on-tls-port 1\n"));
	place_close(&p);
}

/* With a byte it has HandshakeTime; after STARTTLS too, where a greeting was said long ago. */
static void test_not_silent(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	p.server->ports->silence_ms = 20;
	p.server->ports->handshake_ms = 150;
	client_open(&c, &p, IMPLICIT);
	say_bytes(&c, "\x16", 1);
	turn(&p, 5);
	assert_true(turn_until_over(&p) >= 100);
	assert_true(logged("TLS failed: (0, 'none') the client sent no whole ClientHello in HandshakeTime; "));
	assert_true(logged("closed by=HandshakeTime"));
	client_close(&c);
	client_open(&c, &p, IMPLICIT);
	say_bytes(&c, "ab", 2);
	turn(&p, 5);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client sent plain text (\"ab\") where TLS begins; "));
	client_close(&c);
	client_open(&c, &p, EXPLICIT);
	client_say(&c, "STARTTLS\r\n");
	client_hears(&c, "hello STARTTLS\r\ngo\r\n");
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client sent nothing in HandshakeTime; "));
	client_close(&c);
	place_close(&p);
}

static void test_eof(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, IMPLICIT);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client closed the connection without a byte; "));
	client_open(&c, &p, IMPLICIT);
	say_bytes(&c, "QUI", 3);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client closed the connection within its ClientHello\n"));
	assert_true(told(&p, "failures 127.0.0.1:3 probe-or-scan 1\n"));
	assert_true(told(&p, "failures 127.0.0.1:3 closed-in-hello 1\n"));
	place_close(&p);
}

/* A client that leaves with our answer unread resets the connection. */
static void test_reset(void **state)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, IMPLICIT);
	say_bytes(&c, "\x16\x03\x01", 3);
	turn(&p, 5);
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client closed the connection within its ClientHello\n"));
	place_close(&p);
}

/* The alert before the reset is heard. */
static void test_alert_and_reset(void **state)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, IMPLICIT);
	c.ssl = SSL_new(client_context);
	SSL_set_verify(c.ssl, SSL_VERIFY_PEER, NULL);
	SSL_set_fd(c.ssl, c.fd);
	assert_int_equal(SSL_connect(c.ssl), -1);
	turn(&p, 5);
	assert_int_equal(SSL_connect(c.ssl), -1);
	assert_int_equal(SSL_get_error(c.ssl, -1), SSL_ERROR_SSL);
	assert_int_equal(setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	client_close(&c);
	turn_until_over(&p);
	assert_true(logged("the client does not know the authority that signed our certificate"));
	assert_true(told(&p, "failures 127.0.0.1:3 client-distrusts-us 1\n"));
	place_close(&p);
}

/* --- refusals -------------------------------------------------------------------- */

static void old_client(struct client *c)
{
	SSL_CTX_set_min_proto_version(client_context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(client_context, TLS1_1_VERSION);
	SSL_CTX_set_security_level(client_context, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(client_context, "ALL:@SECLEVEL=0"), 1);
	client_tls(c);
	SSL_CTX_set_min_proto_version(client_context, 0);
	SSL_CTX_set_max_proto_version(client_context, 0);
}

/* ExplainRefusal: the reason and nothing else, whatever the client says. */
static void test_refusal(void **state)
{
	static const size_t ports[] = { IMPLICIT, EXPLICIT };
	struct client c;
	struct place p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct echo *session;
		unsigned fed;

		unit_case("port", ports[i]);
		place_open(&p, "", "ExplainRefusal yes\n");
		client_open(&c, &p, ports[i]);
		if (ports[i] == EXPLICIT) {
			client_say(&c, "STARTTLS\r\n");
			client_hears(&c, "hello STARTTLS\r\ngo\r\n");
		} else {
			turn(&p, 3);
		}
		session = newest;
		assert_non_null(session);
		fed = session->fed;
		old_client(&c);
		if (SSL_write(c.ssl, "LOGIN u@example.org\r\n", 21) > 0 && newest == session)
			assert_int_equal(session->fed, fed);
		client_hears(&c, "* BYE this server takes TLS 1.2 and up, your program offers TLS 1.1 at most; update it\r\n");
		client_hears_end(&c);
		assert_int_equal(SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
		assert_int_equal(tally_keys(p.server->by_account), 0);
		client_close(&c);
		turn_until_over(&p);
		assert_true(logged("unsupported protocol') the client offers TLS 1.1 at most, this port takes TLS 1.2 and up; "
				   "update the client or see SecureLayOption in imapd.conf (told to the client)\n"));
		assert_false(logged("TLS success"));
		assert_true(told(&p, ports[i] == EXPLICIT ? "failures 127.0.0.1:2 version-too-old 1\n" :
							    "failures 127.0.0.1:3 version-too-old 1\n"));
		assert_int_equal(p.server->tls_handshakes, 0);
		place_close(&p);
	}
}

/* A good client on the same port has all that it ever had. */
static void test_refusal_spares_others(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "ExplainRefusal yes\n");
	client_open(&c, &p, IMPLICIT);
	client_tls(&c);
	client_hears(&c, "hello\r\nsecure TLSv1.3\r\n");
	client_say(&c, "one\r\n");
	client_hears(&c, "echo one\r\n");
	client_close(&c);
	place_close(&p);
}

/* Off: an alert, and the end. */
static void test_no_explanation(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, IMPLICIT);
	c.ssl = SSL_new(client_context);
	SSL_set_min_proto_version(c.ssl, TLS1_VERSION);
	SSL_set_max_proto_version(c.ssl, TLS1_1_VERSION);
	SSL_set_security_level(c.ssl, 0);
	SSL_set_cipher_list(c.ssl, "ALL:@SECLEVEL=0");
	SSL_set_fd(c.ssl, c.fd);
	for (int i = 0; i < 1000 && SSL_connect(c.ssl) != 1 && !logged("TLS failed"); i++)
		turn(&p, 2);
	assert_true(logged("update the client or see SecureLayOption in imapd.conf\n"));
	client_close(&c);
	turn_until_over(&p);
	place_close(&p);
}

/* TLS 1.2: who asks for a second handshake is ended. */
static void test_renegotiation(void **state)
{
	struct client c;
	struct place p;

	(void)state;
	place_open(&p, "", "");
	client_open(&c, &p, IMPLICIT);
	SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	client_tls(&c);
	SSL_CTX_set_max_proto_version(client_context, 0);
	client_hears(&c, "hello\r\nsecure TLSv1.2\r\n");
	SSL_renegotiate(c.ssl);
	SSL_do_handshake(c.ssl);
	turn_until_over(&p);
	assert_true(logged("TLS failed: (0, 'none') the client tried to renegotiate, which no port allows; "));
	assert_true(told(&p, "failures 127.0.0.1:3 renegotiation 1\n"));
	client_close(&c);
	place_close(&p);
}

/* --- what is counted --------------------------------------------------------------- */

static void reload(struct place *p, const char *limits)
{
	struct settings *old = p->settings;
	struct error err;

	p->settings = make_settings("", limits);
	if (server_settings(p->server, &err) < 0)
		fail_msg("%s", err.words);
	settings_drop(old);
}

static void test_census(void **state)
{
	SSL_SESSION *ticket;
	struct client c;
	struct place p;
	char line[100];

	(void)state;
	place_open(&p, "", "");
	assert_true(told(&p, "openssl OpenSSL "));
	snprintf(line, sizeof(line), "\nsince %lld\n", (long long)p.server->began_s);
	assert_true(told(&p, line));
	assert_in_range(p.server->began_s, clock_real_ms() / 1000 - 60, clock_real_ms() / 1000);
	assert_true(told(&p, "served 127.0.0.1:2 "));
	assert_true(told(&p, "served 127.0.0.1:3 "));
	assert_true(told(&p, "rules 127.0.0.1:3 48 no "));
	client_open(&c, &p, IMPLICIT);
	client_tls(&c);
	client_hears(&c, "hello\r\nsecure TLSv1.3\r\n");
	client_say(&c, "LOGIN u@example.org\r\n");
	client_hears(&c, "in\r\n");
	ticket = SSL_get1_session(c.ssl);
	SSL_shutdown(c.ssl);
	client_close(&c);
	turn_until_over(&p);
	assert_true(told(&p, "handshakes 127.0.0.1:3 TLSv1.3 1 0\n"));
	client_open(&c, &p, IMPLICIT);
	c.ssl = SSL_new(client_context);
	SSL_set_session(c.ssl, ticket);
	client_shake(&c);
	client_hears(&c, "hello\r\nsecure TLSv1.3\r\n");
	client_close(&c);
	turn_until_over(&p);
	SSL_SESSION_free(ticket);
	reload(&p, "");
	assert_true(told(&p, "handshakes 127.0.0.1:3 TLSv1.3 2 1\n"));
	assert_true(told(&p, "client 127.0.0.1:3 TLSv1.3 "));
	assert_true(told(&p, " u@example.org\n"));
	assert_true(told(&p, " ::1\n"));
	assert_int_equal(p.server->tls_handshakes, 2);
	assert_int_equal(p.server->tls_resumed, 1);
	place_close(&p);
}

/* Many Listens and clients: the clients are left out first, by whole Listens. */
static void test_room(void **state)
{
	enum { LISTENS = 40, FRAME = 65536 - 64 };
	static const char *const versions[] = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" };
	char limits[LISTENS * 40] = "", who[CENSUS_CLIENT_NAME];
	int64_t now_s = clock_real_ms() / 1000;
	size_t used = 0, clients = 0;
	struct place p;
	struct buf out;

	(void)state;
	for (int i = 0; i < LISTENS; i++)
		used += (size_t)snprintf(limits + used, sizeof(limits) - used, "Listen 127.0.0.1:%d explicit\n", 1000 + i);
	place_open(&p, "", limits);
	for (size_t i = 0; i < p.server->ports->count; i++)
		for (size_t v = 0; v < 4 * CENSUS_CLIENTS; v++) {
			memset(who, 'a' + (int)v % CENSUS_CLIENTS, sizeof(who));
			who[sizeof(who) - 1] = '\0';
			census_client(p.server->ports->port[i].census, versions[v % 4], who, now_s);
			census_success(p.server->ports->port[i].census, versions[v % 4], false, now_s);
			census_failure(p.server->ports->port[i].census, (unsigned)v, now_s);
		}
	buf_init(&out, 256 << 10);
	server_tls(p.server, &out);
	assert_in_range(out.n, FRAME / 2, FRAME);
	for (struct span rest = buf_span(&out), line; rest.n > 0;) {
		struct census_line l;

		line = span_take_until(&rest, '\n');
		clients += census_read(&l, line) && l.kind == CENSUS_CLIENT;
		if (l.kind == CENSUS_CLIENT && l.who.n > 0)
			assert_int_equal(l.who.n, CENSUS_CLIENT_NAME - 1);
	}
	assert_in_range(clients, 1, LISTENS * 4 * CENSUS_CLIENTS - 1);
	assert_true(told(&p, "handshakes 127.0.0.1:1039 TLSv1.3 8 0\n"));
	buf_clear(&out);
	place_close(&p);
}

/* --- certificates of clients --------------------------------------------------------- */

static void carry(SSL *ssl, struct peer_pair own)
{
	BIO *certificate = BIO_new_mem_buf(own.certificate.p, (int)own.certificate.n);
	BIO *key = BIO_new_mem_buf(own.key.p, (int)own.key.n);
	X509 *cert = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
	EVP_PKEY *pair = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	assert_int_equal(SSL_use_certificate(ssl, cert), 1);
	assert_int_equal(SSL_use_PrivateKey(ssl, pair), 1);
	X509_free(cert);
	EVP_PKEY_free(pair);
	BIO_free(certificate);
	BIO_free(key);
}

static void test_no_longer_good(void **state)
{
	struct peer_pair ca = peer_ca(), alice = peer_client("Alice"), bob = peer_client("Bob");
	const struct peer_pair *own[] = { &alice, &bob, NULL };
	static const char limits[] = "VerifyClient optional\nClientCA ca.pem\n";
	static const char with_crl[] = "VerifyClient optional\nClientCA ca.pem\nClientCRL crl.pem\n";
	struct client c[3];
	struct place p;

	(void)state;
	place_file("ca.pem", ca.certificate);
	place_file("crl.pem", peer_crl(ca, &alice, 1));
	place_open(&p, "", limits);
	for (size_t i = 0; i < 3; i++) {
		client_open(&c[i], &p, IMPLICIT);
		c[i].ssl = SSL_new(client_context);
		if (own[i] != NULL)
			carry(c[i].ssl, *own[i]);
		client_shake(&c[i]);
		client_hears(&c[i], "hello\r\nsecure TLSv1.3\r\n");
	}
	reload(&p, limits);
	client_say(&c[0], "one\r\n");
	client_hears(&c[0], "echo one\r\n");
	reload(&p, with_crl);
	client_hears(&c[0], "revoked\r\n");
	client_hears_end(&c[0]);
	assert_true(logged("ICID 1 client certificate no longer good reason=\"certificate revoked\"\n"));
	for (size_t i = 1; i < 3; i++) {
		client_say(&c[i], "two\r\n");
		client_hears(&c[i], "echo two\r\n");
	}
	assert_false(logged("ICID 2 client certificate"));
	for (size_t i = 0; i < 3; i++)
		client_close(&c[i]);
	turn_until_over(&p);
	place_close(&p);
	place_no_files();
}

/* A reload in the middle of a handshake: what counts is the list that is in force at its end. */
static void test_revoked_meanwhile(void **state)
{
	struct peer_pair ca = peer_ca(), alice = peer_client("Alice");
	struct client c;
	struct place p;

	(void)state;
	place_file("ca.pem", ca.certificate);
	place_file("crl.pem", peer_crl(ca, &alice, 1));
	place_open(&p, "", "VerifyClient optional\nClientCA ca.pem\n");
	client_open(&c, &p, IMPLICIT);
	c.ssl = SSL_new(client_context);
	carry(c.ssl, alice);
	SSL_set_fd(c.ssl, c.fd);
	assert_int_equal(SSL_connect(c.ssl), -1);
	turn(&p, 5);
	reload(&p, "VerifyClient optional\nClientCA ca.pem\nClientCRL crl.pem\n");
	client_shake(&c);
	client_hears(&c, "hello\r\nsecure TLSv1.3\r\nrevoked\r\n");
	client_hears_end(&c);
	client_close(&c);
	turn_until_over(&p);
	place_close(&p);
	place_no_files();
}

/* A port with TLS and nothing to show is a mistake, whatever its mode. */
static void test_no_certificate(void **state)
{
	static const char *const listens[] = { "Listen 127.0.0.1:9 explicit\n", "Listen 127.0.0.1:9 implicit\n" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct settings *s;
		struct ports *ports;
		struct error err;
		struct buf b;
		int fd;

		unit_case(listens[i], i);
		buf_init(&b, 65536);
		bundle_put(&b, "yubin.conf", span_of(""));
		bundle_put(&b, "imapd.conf", span_of(listens[i]));
		assert_int_equal(bundle_to_fd(buf_span(&b), &fd, NULL), 0);
		assert_int_equal(settings_read(&s, fd, CONFIG_IMAPD, &err), 0);
		assert_int_equal(ports_new(&ports, s, CONFIG_IMAPD, "imap", (struct span){ NULL, 0 }, &err), -EINVAL);
		assert_non_null(strstr(err.words, "TLS is on, and there is no Certificate and PrivateKey"));
		settings_drop(s);
		buf_clear(&b);
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_mode),
		cmocka_unit_test(test_right_mode),
		cmocka_unit_test(test_injection_in_pieces),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_not_silent),
		cmocka_unit_test(test_eof),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_alert_and_reset),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_refusal_spares_others),
		cmocka_unit_test(test_no_explanation),
		cmocka_unit_test(test_renegotiation),
		cmocka_unit_test(test_census),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_longer_good),
		cmocka_unit_test(test_revoked_meanwhile),
		cmocka_unit_test(test_no_certificate),
	};

	return cmocka_run_group_tests_name("conn tls", tests, place_setup, place_teardown);
}
