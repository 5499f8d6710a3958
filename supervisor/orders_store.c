/* orders_store.c - "store-account ACCOUNT": a way to storaged for one account, for import and export.
 *
 * Whoever may give orders may read mail/ as well: root, and the user whose server this is. */
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/proc/control.h"
#include "storage/token.h"
#include "supervisor/orders_inside.h"

enum { GRANT_S = 7 * 24 * 3600, BODY_MAX = 4096 };

/* One end for storaged, with the right to log in and no other. */
static int hand_over(struct child *storaged, int end)
{
	struct control_peer peer = { .role = CONTROL_ROLE_CLIENT, .rights = CONTROL_RIGHT_READ, .name = "yubin" };
	struct buf body;
	int rc;

	buf_init(&body, BODY_MAX);
	control_peer_write(&body, &peer);
	rc = talk_send(storaged, CONTROL_PEER, 0, buf_span(&body), &end, 1);
	buf_clear(&body);
	return rc;
}

/* The token in hexadecimal, and the other end. */
static void answer(struct order *o, const struct store_token *t, int end)
{
	char text[2 * STORE_TOKEN_MAX + 1];
	struct buf body;

	sodium_bin2hex(text, sizeof(text), t->bytes, t->n);
	buf_init(&body, BODY_MAX);
	wire_put_u8(&body, 0);
	wire_put_text(&body, text);
	o->wait = WAIT_NOTHING;
	ipc_send(o->ipc, ORDER_DONE, 0, buf_span(&body), &end, 1);
	buf_wipe(&body);
	sodium_memzero(text, sizeof(text));
}

void order_store_account(struct order *o, char *rest)
{
	struct child *storaged = child_of(o->s, DAEMON_STORAGED);
	int64_t now_ms = clock_real_ms();
	struct store_grant grant = { .rights = STORE_RIGHT_READ | STORE_RIGHT_NUMBERS,
				     .made_ms = now_ms,
				     .ends_s = now_ms / 1000 + GRANT_S };
	struct store_token token;
	char shown[ORDER_WORDS_MAX];
	struct error err;
	int ends[2];

	if (storaged == NULL || storaged->state != CHILD_READY) {
		order_done(o, 1, "storaged is being started; try again");
		return;
	}
	if (*rest == '\0' || (size_t)snprintf(grant.account, sizeof(grant.account), "%s", rest) >= sizeof(grant.account)) {
		order_done(o, 2, "store-account needs an account");
		return;
	}
	if (ipc_pair(ends, &err) != 0) {
		order_done(o, 1, err.words);
		return;
	}
	if (hand_over(storaged, ends[1]) != 0) {
		close(ends[0]);
		order_done(o, 1, "storaged is being restarted; try again");
		return;
	}
	randombytes_buf(&grant.session, sizeof(grant.session));
	store_token_make(&token, o->s->key, &grant);
	log_info("store opened by order account=%s", escape_text(shown, sizeof(shown), span_of(grant.account)));
	answer(o, &token, ends[0]);
	sodium_memzero(&token, sizeof(token));
}
