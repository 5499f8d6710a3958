/*
 * store_import_names.h - where a mailbox from elsewhere goes: its own name, or that of our mailbox of the same
 * role, where its name leaves no doubt.
 */
#ifndef ADMIN_STORE_IMPORT_NAMES_H
#define ADMIN_STORE_IMPORT_NAMES_H

#include "admin/store_source.h"

/* The role of a name that mail programs give to such mailboxes, in several languages; STORE_ROLE_NONE. */
enum store_role import_role(const char *name);

/* Our name for the i-th mailbox of s; lends. "Sent Items" is our "Sent", unless the source has a "Sent", too, or
 * another such before it. */
const char *import_name(const struct source *s, size_t i);

#endif
