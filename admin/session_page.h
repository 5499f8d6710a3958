/*
 * session_page.h - who is connected: what one answer to the order "sessions BEFORE" says (common/config/order.h).
 *
 * An answer has of each process the sessions of the highest ids, as many as fit. Whole is what it says down to the
 * highest id at which some process was cut: that is where to ask on.
 */
#ifndef ADMIN_SESSION_PAGE_H
#define ADMIN_SESSION_PAGE_H

#include "auth/accounts_text.h"
#include "common/base/error.h"
#include "common/base/span.h"

#define SESSION_PAGE_FIRST UINT64_MAX /* BEFORE of the first page */

/* Lent from the answer. */
struct session {
	struct span daemon, worker;
	struct span id, protocol, peer, tls, account, mailbox; /* mailbox: escaped, or "-" */
	char since[ACCOUNTS_TIME];
};

struct session_page {
	struct span text;
	uint64_t before, next; /* next: BEFORE of the page behind it; 0: it was the last */
	struct span daemon, worker;
};

/* text is lent as long as the page is used. -ENODATA with words where a process has not answered, or says more than that it
 * can be asked on: what the page has is good, but it is not all. */
int session_page_read(struct session_page *p, struct span text, uint64_t before, struct error *err);

/* The next session of the page; false at its end. */
bool session_page_next(struct session_page *p, struct session *out);

#endif
