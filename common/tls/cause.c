/* cause.c - the catalogue. The contract is in cause.h.
 *
 * A cause is one row: OpenSSL's reason, what else must hold, who must act, the words. The
 * first row that fits is taken, so the special ones stand before the general. {names} in
 * the words are filled in by explain.c. An alert that the client sent has a reason of its
 * own (SSL_R_..._ALERT_...); where we sent one, the reason is why. */
#include <openssl/sslerr.h>

#include "common/tls/cause_row.h"

#define CLIENT "client"
#define SERVER "server"
#define EITHER "either"
#define NOBODY "nobody"

#define OTHER_VERSION "the client does not take the version we chose, this port takes {takes}"
#define OTHER_VERSION_ADVICE "update the client or see SecureLayOption in {conf}"
#define NO_GROUP "the client offers {groups}, none of them in Groups"
#define NO_GROUP_ADVICE "update it or see Groups in {conf}"
#define DISTRUST "the client refuses our certificate"
#define DISTRUST_ADVICE                                                                                      \
	"does it know the authority, and is the name it connects to ({sni}) in the certificate?"
#define ENDED "our certificate ended on {ended}, and the client refuses it"
#define ENDED_ADVICE "renew it: see Certificate in {conf}"
#define PLAIN "the client sent plain text (\"{first}\") where TLS begins"
#define PLAIN_ADVICE "set its connection security to SSL/TLS, or to STARTTLS at the port for it"

static const struct cause_row rows[] = {
	/* versions */
	{ { "level-bars-version", EITHER,
	    "the client offers {offer}; that works at SecureLevel 0 only, and this port has {level}",
	    "update the client or see SecureLevel in {conf}" },
	  SSL_R_UNSUPPORTED_PROTOCOL, WHEN_LEVEL_BARS },
	{ { "version-too-new", SERVER, "the client offers {offer}, this port takes {takes}",
	    "allow a newer version: see SecureLayOption in {conf}" },
	  SSL_R_UNSUPPORTED_PROTOCOL, WHEN_TOO_NEW },
	{ { "no-common-version", EITHER, "the client offers {offer}, this port takes {takes}: none in common",
	    "leave no hole between versions: see SecureLayOption in {conf}" },
	  SSL_R_UNSUPPORTED_PROTOCOL, WHEN_HOLE },
	{ { "version-too-old", CLIENT, "the client offers {offer}, this port takes {takes}",
	    "update the client or see SecureLayOption in {conf}" },
	  SSL_R_UNSUPPORTED_PROTOCOL, WHEN_ALWAYS },
	{ { "fallback", NOBODY,
	    "the client falls back to {offer} after a better try failed, though this port takes {takes}",
	    "something between us breaks its first try" },
	  SSL_R_INAPPROPRIATE_FALLBACK, WHEN_ALWAYS },
	{ { "version-refused-by-client", EITHER, OTHER_VERSION, OTHER_VERSION_ADVICE }, SSL_R_WRONG_VERSION_NUMBER,
	  WHEN_AFTER_HELLO },	/* its alert has the version that it wants */
	{ { "version-refused-by-client", EITHER, OTHER_VERSION, OTHER_VERSION_ADVICE },
	  SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, WHEN_ALWAYS },

	/* ciphers, groups, signatures */
	{ { "no-common-cipher", CLIENT, "the client offers ciphers without ECDHE only",
	    "update it or see TlsProfile and CipherList in {conf} (epost takes static RSA)" },
	  SSL_R_NO_SHARED_CIPHER, WHEN_STATIC_ONLY },
	{ { "no-common-group", EITHER, NO_GROUP, NO_GROUP_ADVICE }, SSL_R_NO_SHARED_CIPHER, WHEN_NO_GROUP },
	{ { "no-rsa-certificate", SERVER, "the client takes RSA certificates only and this port has none",
	    "add one with Certificate and PrivateKey in {conf}" },
	  SSL_R_NO_SHARED_CIPHER, WHEN_WANTS_RSA },
	{ { "no-ecdsa-certificate", SERVER, "the client takes ECDSA certificates only and this port has none",
	    "add one with Certificate and PrivateKey in {conf}" },
	  SSL_R_NO_SHARED_CIPHER, WHEN_WANTS_ECDSA },
	{ { "no-common-cipher", CLIENT, "the client offers CBC ciphers only",
	    "update it or see TlsProfile and CipherList in {conf} (exchange2015 takes CBC)" },
	  SSL_R_NO_SHARED_CIPHER, WHEN_CBC_ONLY },
	{ { "no-common-cipher", EITHER, "client and port have no cipher in common",
	    "update the client or see TlsProfile and CipherList in {conf}" },
	  SSL_R_NO_SHARED_CIPHER, WHEN_ALWAYS },
	{ { "no-common-group", EITHER, NO_GROUP, NO_GROUP_ADVICE }, SSL_R_NO_SUITABLE_KEY_SHARE, WHEN_ALWAYS },
	{ { "no-common-group", EITHER, NO_GROUP, NO_GROUP_ADVICE }, SSL_R_NO_SUITABLE_GROUPS, WHEN_ALWAYS },
	{ { "no-common-group", EITHER, NO_GROUP, NO_GROUP_ADVICE }, SSL_R_NO_SHARED_GROUPS, WHEN_ALWAYS },
	{ { "no-common-signature", SERVER,
	    "the client can't check a signature of our certificate's kind at SecureLevel {level}",
	    "add a certificate of the other kind (RSA, P-256) in {conf}" },
	  SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, WHEN_ALWAYS },
	{ { "no-common-signature", EITHER,
	    "client and port have no signature algorithm in common at SecureLevel {level}",
	    "update the client or see SecureLevel in {conf}" },
	  SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, WHEN_ALWAYS },
	{ { "client-signature-weak", EITHER, "the client signs with something that SecureLevel {level} does not allow",
	    "see SecureLevel in {conf}" },
	  SSL_R_WRONG_SIGNATURE_TYPE, WHEN_ALWAYS },

	/* the client does not like us: alerts that it sent */
	{ { "client-distrusts-us", EITHER, "the client does not know the authority that signed our certificate",
	    "import the site's ca.pem there, or use a certificate of a public authority" },
	  SSL_R_TLSV1_ALERT_UNKNOWN_CA, WHEN_ALWAYS },
	{ { "our-certificate-expired", SERVER, ENDED, ENDED_ADVICE }, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
	  WHEN_OURS_EXPIRED },
	{ { "client-distrusts-us", EITHER, DISTRUST, DISTRUST_ADVICE }, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
	  WHEN_ALWAYS },
	{ { "our-certificate-expired", SERVER, ENDED, ENDED_ADVICE }, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
	  WHEN_OURS_EXPIRED },
	{ { "client-distrusts-us", EITHER, DISTRUST, DISTRUST_ADVICE }, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
	  WHEN_ALWAYS },
	{ { "our-certificate-expired", SERVER, ENDED, ENDED_ADVICE }, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
	  WHEN_OURS_EXPIRED },
	{ { "client-clock-wrong", CLIENT, "the client says that our certificate is expired, but it is good until {ended}",
	    "set the client's clock right, or renew the certificates behind ours" },
	  SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, WHEN_ALWAYS },
	{ { "our-certificate-revoked", SERVER, "the client says that our certificate is revoked", "get a new one" },
	  SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, WHEN_ALWAYS },
	{ { "our-certificate-unsupported", SERVER, "the client can't use a certificate of this kind or purpose",
	    "try one with an RSA key" },
	  SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, WHEN_ALWAYS },
	{ { "name-refused-by-client", CLIENT, "the client takes no server for the name {sni}", "" },
	  SSL_R_TLSV1_UNRECOGNIZED_NAME, WHEN_ALWAYS },
	{ { "too-weak-for-client", SERVER, "the client asks for stronger ciphers or keys than this port has",
	    "see TlsProfile in {conf}" },
	  SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, WHEN_ALWAYS },
	{ { "our-signature-bad", SERVER, "the client could not verify our signature",
	    "certificate and key may be damaged, or bytes were changed on the way" },
	  SSL_R_TLSV1_ALERT_DECRYPT_ERROR, WHEN_ALWAYS },
	{ { "denied-by-client", CLIENT, "the client refuses us by its own rules", "" },
	  SSL_R_TLSV1_ALERT_ACCESS_DENIED, WHEN_ALWAYS },
	{ { "cancelled-by-client", NOBODY, "the client's user cancelled", "" },
	  SSL_R_TLSV1_ALERT_USER_CANCELLED, WHEN_ALWAYS },
	{ { "choice-refused-by-client", CLIENT, "the client can't go on with what we chose",
	    "update it or see TlsProfile in {conf}" },
	  SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, WHEN_ALWAYS },

	/* we do not like the client's certificate */
	{ { "client-cert-missing", CLIENT, "the client sent no certificate and this port asks for one",
	    "install one in the client or see VerifyClient in {conf}" },
	  SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, WHEN_ALWAYS },
	{ { "client-cert-unknown-ca", EITHER, "the client's certificate is not from an authority in ClientCA ({verify})",
	    "see ClientCA in {conf}" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_STRANGER },
	{ { "client-cert-expired", CLIENT, "the client's certificate is expired", "give the client a new one" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_EXPIRED },
	{ { "client-cert-revoked", CLIENT, "the client's certificate is revoked (ClientCRL)",
	    "give the client a new one" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_REVOKED },
	{ { "client-crl-stale", SERVER, "the client's certificate can't be checked for revocation ({verify})",
	    "see ClientCRL in {conf}" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_LIST_STALE },
	{ { "client-cert-bad", EITHER, "the client's certificate does not verify ({verify})",
	    "see ClientCA and SecureLevel in {conf}" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_ALWAYS },

	/* no TLS at all, or for somebody else */
	{ { "http-on-mail-port", CLIENT, "the client takes us for a web proxy", "this is a mail port" },
	  SSL_R_HTTPS_PROXY_REQUEST, WHEN_ALWAYS },
	{ { "http-on-mail-port", CLIENT, "the client speaks HTTP", "this is a mail port" }, SSL_R_HTTP_REQUEST,
	  WHEN_ALWAYS },
	{ { "plain-text-on-tls-port", CLIENT, PLAIN, PLAIN_ADVICE }, SSL_R_WRONG_VERSION_NUMBER, WHEN_PLAIN_TEXT },
	{ { "tls-on-clear-port", CLIENT, "the client begins TLS at once, but this port begins in clear",
	    "set its connection security to STARTTLS, or give it the port for SSL/TLS" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "silent-on-tls-port", CLIENT, "the client sent nothing in SilenceTime where TLS begins",
	    "one that waits for a greeting needs SSL/TLS set as its connection security, or the port for STARTTLS" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "not-tls", CLIENT, "the client sent bytes that are not TLS (\"{first}\")", "" },
	  SSL_R_WRONG_VERSION_NUMBER, WHEN_ALWAYS },
	{ { "foreign-alpn", CLIENT, "the client asks for other protocols than {alpn} (ALPN)",
	    "it wants another service" },
	  SSL_R_NO_APPLICATION_PROTOCOL, WHEN_ALWAYS },

	/* damage */
	{ { "damaged", NOBODY, "bytes were changed on the way, or one end has a fault", "" },
	  SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, WHEN_ALWAYS },
	{ { "damaged", NOBODY, "the client says that bytes were changed on the way, or one end has a fault", "" },
	  SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, WHEN_ALWAYS },

	/* what only the course of things tells */
	{ { "renegotiation", CLIENT, "the client tried to renegotiate, which no port allows",
	    "nothing is lost but that connection: a client that needs it is out of date" },
	  CAUSE_ANY, WHEN_RENEGOTIATION },
	{ { "broken", NOBODY, "{trouble}", "" }, CAUSE_ANY, WHEN_TROUBLE },
	{ { "alert-from-client", CLIENT, "the client broke off with the alert {alert}", "its own log may tell why" },
	  CAUSE_ANY, WHEN_ALERT },
	{ { "alert-from-us", CLIENT, "the client does not keep to TLS; we told it {alert}",
	    "the text before tells where" },
	  CAUSE_ANY, WHEN_SENT_ALERT },
	{ { "probe-or-scan", NOBODY, "the client closed the connection without a byte",
	    "a port scan or a health check" },
	  CAUSE_NONE, WHEN_EOF_SILENT },
	{ { "closed-in-hello", NOBODY, "the client closed the connection within its ClientHello", "" }, CAUSE_NONE,
	  WHEN_EOF_EARLY },
	{ { "closed-after-retry", CLIENT,
	    "the client closed the connection when it was asked for another group than it had begun with",
	    "update it or see Groups in {conf}" },
	  CAUSE_NONE, WHEN_EOF_RETRY },
	{ { "our-certificate-expired", SERVER,
	    "our certificate ended on {ended}, and the client closed the connection when it saw it", ENDED_ADVICE },
	  CAUSE_NONE, WHEN_EOF_EXPIRED },
	{ { "closed-after-server-hello", EITHER,
	    "the client closed the connection after our ServerHello, without a word",
	    "most often it does not know the authority of our certificate, or the name it connects to ({sni}) is "
	    "not in it" },
	  CAUSE_NONE, WHEN_EOF_LATE },
	{ { "handshake-timeout", CLIENT, "the client sent nothing in HandshakeTime",
	    "one that waits for a greeting needs SSL/TLS set as its connection security, or the port for STARTTLS" },
	  CAUSE_NONE, WHEN_TIME_SILENT },
	{ { "plain-text-on-tls-port", CLIENT, PLAIN, PLAIN_ADVICE }, CAUSE_NONE, WHEN_TIME_PLAIN },
	{ { "handshake-timeout", NOBODY, "the client sent no whole ClientHello in HandshakeTime",
	    "the way between us may lose large packets" },
	  CAUSE_NONE, WHEN_TIME_EARLY },
	{ { "handshake-timeout", CLIENT, "the client did not finish the handshake in HandshakeTime",
	    "it may be asking its user about our certificate" },
	  CAUSE_NONE, WHEN_TIME_LATE },
	{ { "closed-by-client", NOBODY, "the client broke the handshake off (close_notify)", "" }, CAUSE_NONE,
	  WHEN_CLOSED },
	/* The last one: what no other row explains. */
	{ { "broken", NOBODY, "the connection broke within TLS", "the text before tells where" }, CAUSE_ANY,
	  WHEN_ALWAYS },
};

/* Here we are the client: SERVER is who has the other one. */
#define NO_VERSION_ADVICE "see SecureLayOption in {conf}; an old server can't do better before it is updated"
#define NO_CLEAR_ADVICE "tls= of a Route says what is enough for a host"
#define OUR_CERTIFICATE "see cert= of its Route"
#define DROPPED_ADVICE "it is tried once more with a lower version alone"
#define TOO_WEAK_ADVICE "its administrator must get better ones; SecureLevel in {conf} says what is enough"

static const struct cause_row outbound[] = {
	/* its certificate */
	{ { "peer-cert-not-in-dane", SERVER, "no TLSA record of {sni} matches: expected {tlsa}; shown {shown}",
	    "its administrator must publish a record before a new certificate is used; or somebody stands between us" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_NO_RECORD },
	{ { "peer-cert-other-name", SERVER, "the server's certificate is for {names}, we asked for {sni}: {peer}",
	    "its administrator must get one for that name; " NO_CLEAR_ADVICE },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_NAME },
	{ { "peer-cert-expired", SERVER, "the server's certificate ended on {ended}: {peer}",
	    "its administrator must renew it; is our own clock right?" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_EXPIRED },
	{ { "peer-cert-too-early", EITHER, "the server's certificate is not good yet: {peer}", "is our own clock right?" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_EARLY },
	{ { "peer-cert-self-signed", SERVER, "the server's certificate is signed by itself: {peer}",
	    "its administrator must get one of a public authority, or publish TLSA records; " NO_CLEAR_ADVICE },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_OWN },
	{ { "peer-cert-unknown-ca", EITHER, "the server's certificate is of an authority that we don't know: {peer}",
	    "it may leave out a part of its chain; are the authorities of this system up to date?" },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_STRANGER },
	{ { "peer-cert-weak", SERVER, "the server's certificates are too weak for SecureLevel {level}: {peer}", TOO_WEAK_ADVICE },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_PEER_WEAK },
	{ { "peer-cert-bad", SERVER, "the server's certificate is not good enough: {peer}", NO_CLEAR_ADVICE },
	  SSL_R_CERTIFICATE_VERIFY_FAILED, WHEN_ALWAYS },

	/* versions, ciphers, groups */
	{ { "peer-no-common-version", EITHER, "the server chose a version that we do not take, we offer {offer}",
	    NO_VERSION_ADVICE },
	  SSL_R_UNSUPPORTED_PROTOCOL, WHEN_ALWAYS },
	{ { "peer-no-common-version", EITHER, "the server chose a version that we did not offer ({offer})", NO_VERSION_ADVICE },
	  SSL_R_WRONG_SSL_VERSION, WHEN_ALWAYS },
	{ { "peer-no-common-version", EITHER, "the server takes no version that we offer ({offer})", NO_VERSION_ADVICE },
	  SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, WHEN_ALWAYS },
	{ { "peer-no-common-cipher", EITHER,
	    "server and we have no cipher, group or signature in common, or it asks for a certificate",
	    "see TlsProfile, CipherList, Groups and SecureLevel in {conf}" },
	  SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, WHEN_ALWAYS },
	{ { "peer-no-common-cipher", EITHER, "the server asks for stronger ciphers or keys than we have",
	    "see TlsProfile and Groups in {conf}" },
	  SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, WHEN_ALWAYS },
	{ { "peer-no-common-group", EITHER, "the server chose a group that we did not offer", "see Groups in {conf}" },
	  SSL_R_WRONG_CURVE, WHEN_ALWAYS },
	{ { "peer-too-weak", SERVER, "the server's DH key is too small for SecureLevel {level}", TOO_WEAK_ADVICE },
	  SSL_R_DH_KEY_TOO_SMALL, WHEN_ALWAYS },
	{ { "peer-too-weak", SERVER, "the server's key is too small for SecureLevel {level}", TOO_WEAK_ADVICE },
	  SSL_R_EE_KEY_TOO_SMALL, WHEN_ALWAYS },
	{ { "peer-too-weak", SERVER, "the server signs with something that SecureLevel {level} does not allow",
	    TOO_WEAK_ADVICE },
	  SSL_R_WRONG_SIGNATURE_TYPE, WHEN_ALWAYS },
	{ { "peer-old-renegotiation", SERVER, "the server does not know secure renegotiation and is open to an old attack",
	    "its administrator must update it" },
	  SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, WHEN_ALWAYS },

	/* it does not like us */
	{ { "peer-wants-certificate", CLIENT, "the server asks for a certificate and we have none", OUR_CERTIFICATE },
	  SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, WHEN_ALWAYS },
	{ { "peer-refuses-our-certificate", EITHER, "the server does not know the authority that signed our certificate",
	    OUR_CERTIFICATE },
	  SSL_R_TLSV1_ALERT_UNKNOWN_CA, WHEN_ALWAYS },
	{ { "peer-refuses-our-certificate", EITHER, "the server says that our certificate is expired", OUR_CERTIFICATE },
	  SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, WHEN_ALWAYS },
	{ { "peer-refuses-our-certificate", EITHER, "the server says that our certificate is revoked", OUR_CERTIFICATE },
	  SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, WHEN_ALWAYS },
	{ { "peer-refuses-our-certificate", EITHER, "the server can't tell whether our certificate is good",
	    OUR_CERTIFICATE },
	  SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, WHEN_ALWAYS },
	{ { "peer-refuses-our-certificate", EITHER, "the server refuses our certificate", OUR_CERTIFICATE },
	  SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, WHEN_ALWAYS },
	{ { "peer-no-such-name", SERVER, "the server knows no host called {sni}",
	    "its administrator must let it answer to the name in its MX record" },
	  SSL_R_TLSV1_UNRECOGNIZED_NAME, WHEN_ALWAYS },

	/* no TLS, or none that ends well */
	{ { "peer-not-tls", SERVER, "the server answered with bytes that are not TLS (\"{first}\")",
	    "its administrator must see why STARTTLS does not begin TLS" },
	  SSL_R_WRONG_VERSION_NUMBER, WHEN_ALWAYS },
	{ { "peer-damaged", NOBODY, "bytes were changed on the way, or one end has a fault", "" },
	  SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, WHEN_ALWAYS },
	{ { "peer-damaged", NOBODY, "the server says that bytes were changed on the way, or one end has a fault", "" },
	  SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, WHEN_ALWAYS },
	{ { "peer-broken", NOBODY, "{trouble}", "" }, CAUSE_ANY, WHEN_PEER_TROUBLE },
	{ { "peer-drops-hello", SERVER, "the server closed the connection after our ClientHello, without a word",
	    DROPPED_ADVICE },
	  CAUSE_NONE, WHEN_PEER_DROPPED },
	{ { "peer-drops-hello", SERVER, "the server did not answer our ClientHello in time", DROPPED_ADVICE },
	  CAUSE_NONE, WHEN_PEER_SILENT },
	{ { "peer-timeout", NOBODY, "the server did not finish the handshake in time",
	    "the way between us may lose large packets" },
	  CAUSE_NONE, WHEN_PEER_SLOW },
	{ { "peer-closed", SERVER, "the server closed the connection within the handshake, without a word",
	    "its own log may tell why" },
	  CAUSE_NONE, WHEN_PEER_GONE },
	{ { "peer-closed", NOBODY, "the server broke the handshake off (close_notify)", "" }, CAUSE_NONE, WHEN_ALWAYS },

	/* no handshake was begun */
	{ { "peer-no-starttls", SERVER, "the server offers no STARTTLS{said}", NO_CLEAR_ADVICE }, CAUSE_MODE, WHEN_ALWAYS },
	{ { "peer-refuses-starttls", SERVER, "the server offers STARTTLS and refuses it{said}",
	    "its administrator must see to its certificate or key; " NO_CLEAR_ADVICE },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "peer-no-requiretls", SERVER, "the message must go over TLS all the way and the server offers no REQUIRETLS{said}",
	    "send it again without REQUIRETLS if that is too much" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "requiretls-without-tls", CLIENT, "the message must go over TLS all the way (REQUIRETLS) and its route says off",
	    "see DeliverTLS and Route in {conf}" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "name-not-proved", SERVER,
	    "the message must go over TLS all the way (REQUIRETLS), and neither DNSSEC nor MTA-STS proves the host's name",
	    "send it again without REQUIRETLS if that is too much" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "dane-no-records", EITHER, "the route asks for DANE and the host has no TLSA records that can be used{said}",
	    "see tls= in {conf}; does our resolver check DNSSEC?" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "dane-unusable", SERVER, "the host has TLSA records and none that can be used{said}: TLS is a must, with any certificate",
	    "its administrator should publish 3 1 1 records" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "dane-lookup-failed", SERVER, "it can't be found out whether the host has TLSA records{said}",
	    "`yubin dns check DOMAIN` says what is wrong with the domain's DNSSEC" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "sts-host-not-listed", SERVER, "the domain's MTA-STS policy does not list the host{said}",
	    "its administrator must bring MX records and policy together, and give the policy a new id" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "sts-fetch-failed", SERVER, "the domain has an MTA-STS record and its policy can't be fetched{said}", "" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "sts-https-cert-bad", SERVER, "the certificate of the host that has the domain's MTA-STS policy is not good{said}",
	    "see HttpsCA in {conf} if it is of an authority of your own" },
	  CAUSE_MODE, WHEN_ALWAYS },
	{ { "sts-policy-bad", SERVER, "the domain's MTA-STS policy is none{said}", "its administrator must mend it" },
	  CAUSE_MODE, WHEN_ALWAYS },
	/* The last one: what no other row explains. */
	{ { "peer-broken", NOBODY, "the connection broke within TLS", "the text before tells where" }, CAUSE_ANY,
	  WHEN_ALWAYS },
};

enum { INBOUND = sizeof(rows) / sizeof(rows[0]), OUTBOUND = sizeof(outbound) / sizeof(outbound[0]) };

size_t tls_cause_count(void)
{
	return INBOUND + OUTBOUND;
}

size_t tls_cause_outbound(void)
{
	return INBOUND;
}

const struct cause_row *tls_cause_row(size_t number)
{
	return number < INBOUND ? &rows[number] : &outbound[number - INBOUND];
}

const struct tls_cause *tls_cause_at(size_t number)
{
	return &tls_cause_row(number)->cause;
}

size_t tls_cause_find(struct span name)
{
	size_t i = tls_cause_count();

	while (i > 0 && !span_is(name, tls_cause_at(i - 1)->name))
		i--;
	return i > 0 ? i - 1 : tls_cause_count();
}
