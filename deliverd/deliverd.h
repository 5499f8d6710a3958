/*
 * deliverd.h - the process that takes waiting mail to other servers, as its own files see it.
 *
 *     main.c         what every daemon's process has: settings, sockets to storaged and authd
 *     conf.h         deliverd.conf, ready to use · list.h
 *     schedule.h     which jobs are leased, and when · job.h  one of them
 *     destination.h  a domain, or a route: its hosts, its connections, how it is backed off
 *     connection.h   one connection · opening.h  how it comes to be: host after host, TLS by word.h
 *     delivery.h     one transaction · content.h  its bytes · sign.h  their signature
 *     outcome.h      what became of a recipient: log, retry, report · tell.h  words for the sender
 *     engine.h       the SMTP client, pure · way.h  which hosts take mail for a domain
 *     word.h  sts.h  memory.h  tlsrpt.h     TLS: what is asked, what is known, what is told
 */
#ifndef DELIVERD_DELIVERD_H
#define DELIVERD_DELIVERD_H

#include "auth/auth.h"
#include "common/base/clock.h"
#include "common/proc/worker.h"
#include "deliverd/conf.h"
#include "deliverd/list.h"
#include "storage/queue.h"

enum { DELIVERD_PIECE = 32 * 1024, DELIVERD_ADDRESSES = 64 };

struct deliverd {
	struct worker *worker;
	uv_loop_t *loop;
	struct store *store;
	struct auth *auth;
	struct dns *dns;
	struct https *https;
	struct memory *memory;
	struct sts *sts;
	struct tlsrpt *tlsrpt;
	struct settings *first;	/* what dns and https were made from */
	struct conf *conf;	/* for what begins from now on */
	struct schedule *schedule;
	bool stopping, saved;	/* saved: what is remembered of TLS is with storaged */
	bool over;		/* the process ends: what is freed starts nothing else */
	unsigned serial;	/* of ids of our own */
	struct link tells;	/* words for senders that wait to be written */
	size_t telling;		/* those that are */
	size_t opening, up;	/* connections being made; those that can take mail, or do */
	struct link leaving;	/* connections that say QUIT */
	struct link idlers;	/* that wait for work, the longest first */
	uint64_t delivered, deferred, failed;	/* recipients */
	size_t own_count;
	struct address own[DELIVERD_ADDRESSES];	/* of this machine */
	uint8_t piece[DELIVERD_PIECE];	/* scratch for one read of a body; void when the loop turns */
};

static inline int64_t deliverd_now_s(void)
{
	return clock_real_ms() / 1000;
}

#endif
