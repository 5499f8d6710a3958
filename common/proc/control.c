/* control.c - the contract is in control.h. */
#include "common/proc/control.h"

#include <errno.h>
#include <string.h>

#include "common/ipc/ipc.h"

void control_hello_write(struct buf *b, const struct control_hello *h)
{
	wire_put_text(b, h->daemon);
	wire_put_u32(b, h->worker);
	wire_put_text(b, h->hostname);
	wire_put_u32(b, h->uid);
	wire_put_u32(b, h->gid);
	wire_put_u32(b, h->nofile);
	wire_put_span(b, (struct span){ h->key, sizeof(h->key) });
	wire_put_u32(b, h->folders);
}

int control_hello_read(struct span body, struct control_hello *h, struct error *err)
{
	struct wire w = { .in = body };
	struct span key;

	*h = (struct control_hello){ 0 };
	wire_text(&w, h->daemon, sizeof(h->daemon));
	h->worker = wire_u32(&w);
	wire_text(&w, h->hostname, sizeof(h->hostname));
	h->uid = wire_u32(&w);
	h->gid = wire_u32(&w);
	h->nofile = wire_u32(&w);
	key = wire_span(&w);
	if (key.n == sizeof(h->key))
		memcpy(h->key, key.p, key.n);
	h->folders = wire_u32(&w);
	if (!wire_done(&w) || key.n != sizeof(h->key))
		return error_set(err, -EPROTO, "yubind's first message has a wrong form");
	if (h->daemon[0] == '\0' || h->hostname[0] == '\0')
		return error_set(err, -EPROTO,
				 "yubind's first message lacks the daemon's name or the host's");
	if (h->folders >= IPC_FDS_MAX)
		return error_set(err, -EPROTO, "yubind announces %u folders", h->folders);
	return 0;
}

void control_peer_write(struct buf *b, const struct control_peer *p)
{
	wire_put_u8(b, p->role);
	wire_put_u8(b, p->rights);
	wire_put_text(b, p->name);
}

int control_peer_read(struct span body, struct control_peer *p, struct error *err)
{
	struct wire w = { .in = body };

	*p = (struct control_peer){ .role = wire_u8(&w) };
	p->rights = wire_u8(&w);
	wire_text(&w, p->name, sizeof(p->name));
	if (!wire_done(&w) || p->role < CONTROL_ROLE_STORE || p->role > CONTROL_ROLE_CLIENT)
		return error_set(err, -EPROTO, "a peer of an unknown form");
	return 0;
}
