/* seats.c - recipients of a transaction that are refused for themselves (RFC 2033 4.2), and who goes with them. */
#include <string.h>

#include "smtpd/transaction.h"

static bool is_over(struct store_set over, size_t place)
{
	for (size_t i = 0; i < over.count; i++)
		if (over.ranges[i].first <= place && place <= over.ranges[i].last)
			return true;
	return false;
}

/* Some recipient that is not refused leads there. */
static bool is_wanted(const struct transaction *t, bool remote, size_t place, const bool *refused)
{
	for (size_t i = 0; i < t->seat_count; i++) {
		const struct transaction_seat *s = &t->seats[i];

		if (s->place == place && (s->remote != 0) == remote && !refused[s->recipient])
			return true;
	}
	return false;
}

static void keep_accounts(struct transaction *t, const bool *refused)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (!is_wanted(t, false, i, refused))
			continue;
		if (kept < i) {
			memcpy(t->accounts[kept], t->accounts[i], sizeof(*t->accounts));
			memcpy(t->addresses[kept], t->addresses[i], sizeof(*t->addresses));
			t->quotas[kept] = t->quotas[i];
		}
		kept++;
	}
	t->count = kept;
}

static void keep_remotes(struct transaction *t, const bool *refused)
{
	size_t kept = 0;

	t->here_count = 0;
	for (size_t i = 0; i < t->remote_count; i++) {
		if (!is_wanted(t, true, i, refused))
			continue;
		t->here_count += store_remote_is_here(&t->remotes[i]);
		t->remotes[kept++] = t->remotes[i];
	}
	t->remote_count = kept;
}

void transaction_refuse(struct transaction *t, struct store_set over, bool *refused, size_t recipients)
{
	for (size_t i = 0; i < t->seat_count; i++) {
		const struct transaction_seat *s = &t->seats[i];

		if (s->recipient < recipients && s->remote == 0 && is_over(over, s->place + 1))
			refused[s->recipient] = true;
	}
	keep_accounts(t, refused);
	keep_remotes(t, refused);
	t->seat_count = 0;	/* their places are others now */
}
