/* store_settle.c - the contract is in store_settle.h. */
#include "admin/store_settle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/store.h"

enum { WAIT_MS = 1000, PAUSE_MS = 2, PAUSE_MOST_MS = 64 };

/* 1: it is under way; 0: done; or a negative errno with words. */
static int ask(const struct site *s, const char *verb, const char *account, struct error *err)
{
	char order[32 + STORE_ACCOUNT_MAX], *answer = NULL;
	int rc;

	snprintf(order, sizeof(order), "settle %s %s", verb, account);
	rc = site_order(s, order, &answer, err);
	if (rc > 0)
		rc = -EAGAIN;
	if (rc == 0 && answer != NULL && strcmp(answer, "busy\n") == 0)
		rc = 1;
	else if (rc == 0 && (answer == NULL || strcmp(answer, "done\n") != 0))
		rc = error_set(err, -EPROTO, "the server's answer makes no sense; is it of another version?");
	free(answer);
	return rc;
}

void store_settle(const struct site *s, const char *account, enum store_settle_state *state)
{
	struct error err;
	long pause_ms = PAUSE_MS;
	int rc;

	if (*state != STORE_SETTLE_CAN)
		return;
	rc = ask(s, "begin", account, &err);
	for (long waited_ms = 0; rc == 1 && waited_ms < WAIT_MS; waited_ms += pause_ms) {
		const struct timespec pause = { .tv_nsec = pause_ms * 1000000 };

		nanosleep(&pause, NULL);
		rc = ask(s, "again", account, &err);
		pause_ms = pause_ms < PAUSE_MOST_MS ? 2 * pause_ms : pause_ms;
	}
	if (rc >= 0)
		return;
	*state = rc == -ESRCH ? STORE_SETTLE_NO_SERVER : STORE_SETTLE_CANNOT;
	if (rc != -ESRCH)
		fprintf(stderr, "yubin: warning: %s: flags, annotations and subscriptions may be a few minutes old in this backup: %s\n",
			account, err.words);
}
