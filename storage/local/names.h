/*
 * names.h - what accounts, mailboxes and messages are called in the folders.
 *
 * Shape   mail/DOMAIN/USER/MAILBOX-ID/cur/UID.GUID: the id is 8 hexadecimal digits, the
 *         UID decimal, the GUID 32 hexadecimal digits. DOMAIN and USER keep letters,
 *         digits and ._+=- and have each other byte as %HH; a leading dot is such a byte
 *         too, and the first of a domain that is called "tmp".
 */
#ifndef STORAGE_LOCAL_NAMES_H
#define STORAGE_LOCAL_NAMES_H

#include "storage/store.h"

enum {
	NAMES_FOLDER_MAX = 512, /* "DOMAIN/USER" and its NUL */
	NAMES_MAILBOX_MAX = NAMES_FOLDER_MAX + 16,
	NAMES_FILE_MAX = 48,	/* "UID.GUID" and its NUL */
	NAMES_PATH_MAX = NAMES_MAILBOX_MAX + 64
};

/* No mailbox gives this UID or a higher one: a file that has it waits for another (check.h, rebuild.c). */
#define NAMES_UID_NEVER (UINT32_MAX - 1)

/* "DOMAIN/USER" of "user@domain". False for what is no account name, or too long. */
bool names_folder(char out[NAMES_FOLDER_MAX], struct span account);

/* The account of a folder's two parts, as they stand in the file system. False: not ours. */
bool names_account(char out[STORE_ACCOUNT_MAX], const char *domain, const char *user);

/* "UID.GUID" */
void names_file(char out[NAMES_FILE_MAX], uint32_t uid, const uint8_t guid[STORE_GUID]);

/* "DOMAIN/USER/0000002a", and "DOMAIN/USER/0000002a/cur/UID.GUID". */
void names_mailbox(char out[NAMES_MAILBOX_MAX], const char *folder, uint32_t mailbox);
void names_message(char out[NAMES_PATH_MAX], const char *folder, uint32_t mailbox, uint32_t uid,
		   const uint8_t guid[STORE_GUID]);

/* The way back. False: not such a name. */
bool names_mailbox_parse(const char *name, uint32_t *mailbox);
bool names_message_parse(const char *name, uint32_t *uid, uint8_t guid[STORE_GUID]);

/* Is that a mailbox name (store.h)? */
bool names_mailbox_valid(struct span name);

#endif
