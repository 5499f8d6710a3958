/* peers.c - pairs of sockets between a network daemon and storaged, authd. */
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/proc/control.h"
#include "supervisor/child.h"

enum {
	BODY_MAX = 256,
	WANTS_MAX = 200,        /* fresh sockets that a daemon may ask for... */
	WANTS_WINDOW_MS = 10000 /* ...in such a time */
};

/* Hands end to `to`: at its other end is who. False: `to` is no longer there. */
static bool hand_end(struct child *to, enum control_role role, unsigned rights, const struct child *who,
		     int end)
{
	struct control_peer peer = { .role = (uint8_t)role, .rights = (uint8_t)rights };
	struct buf body;
	int code;

	snprintf(peer.name, sizeof(peer.name), "%s", who->label);
	buf_init(&body, BODY_MAX);
	control_peer_write(&body, &peer);
	code = talk_send(to, CONTROL_PEER, 0, buf_span(&body), &end, 1);
	buf_clear(&body);
	return code == 0;
}

static void connect_pair(struct child *net, struct child *service)
{
	const struct daemon_row *row = &daemon_rows[net->daemon];
	bool store = service->daemon == DAEMON_STORAGED;
	unsigned rights = store ? row->store_rights : setup_auth_rights(net->setup, net->daemon);
	struct error err;
	int ends[2];

	if (ipc_pair(ends, &err) != 0) {
		log_error("can't connect daemons a=%s b=%s reason=%s", net->label, service->label, err.words);
		return;
	}
	if (!store)
		net->auth_rights = rights;
	if (hand_end(service, CONTROL_ROLE_CLIENT, rights, net, ends[1]))
		hand_end(net, store ? CONTROL_ROLE_STORE : CONTROL_ROLE_AUTH, rights, service, ends[0]);
	else
		close(ends[0]);	/* it has died: all get a socket to the next one */
}

static void join_net(struct child *c)
{
	static const enum daemon services[] = { DAEMON_STORAGED, DAEMON_AUTHD };

	for (unsigned i = 0; i < 2; i++) {
		struct child *service = child_of(c->s, services[i]);

		if (service != NULL)
			connect_pair(c, service);
	}
}

/* A draining daemon still has sessions that need the new one. */
static void join_service(struct child *c)
{
	for (struct child *net = c->s->children; net != NULL; net = net->next)
		if (daemon_rows[net->daemon].joined && net->state != CHILD_STOPPING)
			connect_pair(net, c);
}

void peers_renew(struct child *c)
{
	struct child *authd = child_of(c->s, DAEMON_AUTHD);

	if (daemon_rows[c->daemon].joined && c->auth_rights != 0 && authd != NULL &&
	    c->auth_rights != setup_auth_rights(c->setup, c->daemon))
		connect_pair(c, authd);
}

void peers_join(struct child *c)
{
	if (daemon_rows[c->daemon].joined)
		join_net(c);
	else
		join_service(c);
}

bool peers_want(struct child *c, enum control_role role)
{
	struct child *service = child_of(c->s, role == CONTROL_ROLE_STORE ? DAEMON_STORAGED : DAEMON_AUTHD);
	uint64_t now_ms = clock_mono_ms();

	if (!daemon_rows[c->daemon].joined || (role != CONTROL_ROLE_STORE && role != CONTROL_ROLE_AUTH))
		return false;
	if (now_ms - c->wanted_ms > WANTS_WINDOW_MS) {
		c->wanted_ms = now_ms;
		c->wanted = 0;
	}
	if (++c->wanted > WANTS_MAX)
		return false;
	if (service != NULL && service->state == CHILD_READY && c->state != CHILD_STOPPING)
		connect_pair(c, service);
	return true;
}
