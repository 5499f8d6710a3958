/* outbound_peer.c - the contract is in outbound_peer.h. */
#include "common/tls/outbound_peer.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/chain.h"
#include "common/tls/inside.h"
#include "common/tls/outbound_dane.h"

enum {
	NOTES_MAX = 1024,	/* bytes of all that is wrong */
	NOTE_MAX = 200,		/* of one thing */
	LEVEL_MIN = 2		/* below it a key or a hash is told of whatever the policy says */
};

/* OpenSSL's security levels in bits. */
static const int level_bits[] = { 0, 80, 112, 128, 192, 256 };

static struct tls_session *session_of(X509_STORE_CTX *store)
{
	return tls_session_of(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/* --- what is wrong, each thing once ---------------------------------------- */

static void note(struct tls_session *s, const char *words)
{
	const char *before = s->peer_trouble != NULL ? s->peer_trouble : "";
	char *all;

	if (strstr(before, words) != NULL || strlen(before) > NOTES_MAX)
		return;
	if (asprintf(&all, "%s%s%s", before, before[0] != '\0' ? "; " : "", words) < 0) {
		s->trouble = "no memory for what is wrong with the server's certificates";
		return;
	}
	free(s->peer_trouble);
	s->peer_trouble = all;
}

static void weakness_note(struct tls_session *s, X509 *cert, unsigned level)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int hash = NID_undef, bits = -1;
	char text[64], words[NOTE_MAX];

	if (key != NULL && EVP_PKEY_get_security_bits(key) < level_bits[level]) {
		tls_key_text(key, text, sizeof(text));
		snprintf(words, sizeof(words), "%s in the chain is below SecureLevel %u", text, level);
		note(s, words);
	}
	if (tls_chain_own(cert))
		return;	/* nobody relies on that signature */
	X509_get_signature_info(cert, &hash, NULL, &bits, NULL);
	if (bits >= level_bits[level])
		return;
	snprintf(words, sizeof(words), "%s signs in the chain",
		 hash != NID_undef ? OBJ_nid2sn(hash) : "an unknown hash");
	note(s, words);
}

/* What the server sent, and what was built of it with our authorities. */
static void weaknesses_note(struct tls_session *s, X509_STORE_CTX *store)
{
	STACK_OF(X509) *lists[] = { X509_STORE_CTX_get0_untrusted(store), X509_STORE_CTX_get0_chain(store) };
	unsigned level = s->context->policy.level > LEVEL_MIN ? s->context->policy.level : LEVEL_MIN;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (int j = 0; j < sk_X509_num(lists[i]); j++)
			weakness_note(s, sk_X509_value(lists[i], j), level);
}

/* --- objections ------------------------------------------------------------ */

/* Told in words of our own (weakness_note), or said already in others. */
static bool told_elsewhere(const struct tls_session *s, int objection)
{
	switch (objection) {
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return true;
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return s->objection != X509_V_OK;
	default:
		return false;
	}
}

static int on_objection(int fine, X509_STORE_CTX *store)
{
	struct tls_session *s = session_of(store);
	int objection = X509_STORE_CTX_get_error(store);
	char words[NOTE_MAX];

	if (fine == 1)
		return 1;
	snprintf(words, sizeof(words), "it does not verify (%s)", X509_verify_cert_error_string(objection));
	if (!told_elsewhere(s, objection))
		note(s, words);
	if (s->objection == X509_V_OK)
		s->objection = objection;
	/* Else the next objection would be this one again. */
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static void look(struct tls_session *s, X509_STORE_CTX *store)
{
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	if (cert != NULL && s->peer == NULL && X509_up_ref(cert) == 1)
		s->peer = cert;
	X509_STORE_CTX_set_verify_cb(store, on_objection);
	/* What it can't go on from did not pass through on_objection. */
	if (X509_verify_cert(store) != 1 && s->objection == X509_V_OK)
		s->objection = X509_STORE_CTX_get_error(store) != X509_V_OK ? X509_STORE_CTX_get_error(store)
									     : X509_V_ERR_UNSPECIFIED;
	weaknesses_note(s, store);
	if (s->dane != NULL)
		tls_outbound_dane_note(s, store);
	X509_STORE_CTX_set_error(store, s->trouble != NULL ? X509_V_ERR_OUT_OF_MEM : s->objection);
	ERR_clear_error();
}

int tls_outbound_peer_note(X509_STORE_CTX *store, void *unused)
{
	struct tls_session *s = session_of(store);

	(void)unused;
	look(s, store);
	return s->trouble == NULL && (s->dane == NULL || s->objection == X509_V_OK);
}

int tls_outbound_peer_require(X509_STORE_CTX *store, void *unused)
{
	struct tls_session *s = session_of(store);

	(void)unused;
	look(s, store);
	return s->trouble == NULL && s->objection == X509_V_OK;
}
