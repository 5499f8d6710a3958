/*
 * order.h - what the yubin command says to a running yubind, over run/yubind.sock.
 *
 * Shape   Messages of ipc.h on a SOCK_SEQPACKET socket; one order a connection, in the
 *         order's own words: "status", "reload", "restart [DAEMON...]", "stop",
 *         "accounts" (the folder accounts/ was changed: answered when the change is in
 *         force everywhere), "tls" (the answer: `daemon NAME WORKER` and, behind it, the lines of
 *         that process: `openssl VERSION`, `since SECONDS`, `served LISTEN FINGERPRINT`, those of
 *         census.h and that of rules.h (tls_rules_write, one for each Listen with TLS); `cut BYTES`: so many bytes of them did not fit), "rotate-tickets",
 *         "sessions BEFORE" (as tls, with the lines of server_sessions: common/net/server.h; a process that has not answered in time has no
 *         `more` and no `cut`), "kick ID ACCOUNT" (as tls, with `kicked N`; ID 0: all),
 *         "queue ..." (put to storaged as it is, and its answer given as it is: storage/local/queue_order.h),
 *         "settle begin|again ACCOUNT" (put to storaged, too: `busy` or `done`; storage/local/local.h),
 *         "store-account ACCOUNT" (the answer: a token in hexadecimal, and as a descriptor one end of
 *         a pair whose other end storaged serves: storage/ipc/store_ipc.h).
 * Rights  Root, and the user that yubind was started by.
 */
#ifndef CONFIG_ORDER_H
#define CONFIG_ORDER_H

enum order_type {
	ORDER_ASK = 1,		/* yubin -> yubind: the words */
	ORDER_SAY,		/* yubind -> yubin: words for the person, any number of them */
	ORDER_DONE,		/* the last: u8 exit code, text (status: JSON; a failure: the reason) */
	/* yubind at start -> the yubin that started it, over a descriptor of its own */
	ORDER_STARTED		/* as ORDER_DONE: every port answers, or the reason why not */
};

enum { ORDER_WORDS_MAX = 4096 };	/* bytes of an order */

#endif
