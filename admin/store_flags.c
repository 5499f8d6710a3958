/* store_flags.c - the contract is in store_flags.h. */
#include "admin/store_flags.h"

#include "formats/maildir.h"
#include "formats/mbox.h"
#include "storage/store.h"

static const struct {
	uint32_t store;
	unsigned maildir, mbox;
} rows[] = {
	{ STORE_DRAFT, MAILDIR_DRAFT, MBOX_DRAFT },
	{ STORE_FLAGGED, MAILDIR_FLAGGED, MBOX_FLAGGED },
	{ STORE_ANSWERED, MAILDIR_REPLIED, MBOX_ANSWERED },
	{ STORE_SEEN, MAILDIR_SEEN, MBOX_SEEN },
	{ STORE_DELETED, MAILDIR_TRASHED, MBOX_DELETED },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

unsigned store_flags_to_maildir(uint32_t flags)
{
	unsigned out = 0;

	for (size_t i = 0; i < ROWS; i++)
		out |= flags & rows[i].store ? rows[i].maildir : 0;
	return out;
}

uint32_t store_flags_of_maildir(unsigned flags)
{
	uint32_t out = 0;

	for (size_t i = 0; i < ROWS; i++)
		out |= flags & rows[i].maildir ? rows[i].store : 0;
	return out;
}

unsigned store_flags_to_mbox(uint32_t flags)
{
	unsigned out = 0;

	for (size_t i = 0; i < ROWS; i++)
		out |= flags & rows[i].store ? rows[i].mbox : 0;
	return out;
}

uint32_t store_flags_of_mbox(unsigned flags)
{
	uint32_t out = 0;

	for (size_t i = 0; i < ROWS; i++)
		out |= flags & rows[i].mbox ? rows[i].store : 0;
	return out;
}
