/* proxied.c - a connection from ProxyNetworks before its client is known: the header (proxy.h), then
 * it begins as if the client had come by itself. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/inside.h"
#include "common/net/proxy.h"

void conn_proxy(struct conn *c)
{
	c->state = CONN_PROXY;
	c->shell_ms = clock_mono_ms() + c->ports->handshake_ms;
	conn_settle(c);
}

void conn_proxy_failed(struct conn *c, const char *why)
{
	char proxy[ADDRESS_PORT_TEXT];

	log_warn("ICID %llu PROXY header %s proxy=%s local=%s", (unsigned long long)c->id, why,
		 address_text(&c->peer, proxy), c->local);
	conn_cut(c, "server");
}

static void take_client(struct conn *c, const struct proxy_header *h)
{
	char proxy[ADDRESS_PORT_TEXT];

	log_info("ICID %llu comes by a proxy proxy=%s local=%s", (unsigned long long)c->id,
		 address_text(&c->peer, proxy), c->local);
	c->peer = h->peer;
	address_text(&h->local, c->local);
}

void conn_proxy_take(struct conn *c, struct span in)
{
	struct proxy_header h;
	enum proxy_status st;
	struct buf held;
	struct span rest;

	buf_put(&c->left, in);
	st = c->left.failed ? PROXY_BAD : proxy_parse(buf_span(&c->left), &h);
	if (st == PROXY_MORE)
		return;
	if (st == PROXY_BAD) {
		conn_proxy_failed(c, "is wrong, or missing");
		return;
	}
	if (st == PROXY_CLIENT)
		take_client(c, &h);
	held = c->left;		/* what stands behind the header is the client's */
	c->left = (struct buf){ .max = held.max };
	rest = buf_span(&held);
	span_take(&rest, h.used);
	c->shell_ms = NEVER;
	if (conn_admit(c)) {
		conn_begin(c);
		if (c->state != CONN_GONE && rest.n > 0)
			conn_take(c, rest);
	}
	buf_wipe(&held);
}
