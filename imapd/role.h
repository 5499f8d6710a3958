/*
 * role.h - the roles of mailboxes: how clients write them, and how they call such mailboxes.
 */
#ifndef IMAPD_ROLE_H
#define IMAPD_ROLE_H

#include "storage/store.h"

/* "\Sent", RFC 6154 2; NULL: it has no word. */
const char *imap_role_word(enum store_role role);
/* The same as XLIST has it, where "\Inbox" is one. */
const char *imap_role_xlist(enum store_role role);

/* "Sent", without regard to case. STORE_ROLE_NONE: not one of ours. */
enum store_role imap_role_of_word(struct span word);

/* What a mail program that makes a mailbox of this name means it for: the names that
 * Outlook, Apple Mail, Thunderbird and web mail use, in their languages; at the top or
 * below INBOX. docs/decisions/0009-one-mailbox-for-a-role.md */
enum store_role imap_role_of_name(struct span name);

#endif
