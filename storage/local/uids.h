/*
 * uids.h - which UIDs a mailbox has (mailbox->uids), read when somebody needs to know.
 */
#ifndef STORAGE_LOCAL_UIDS_H
#define STORAGE_LOCAL_UIDS_H

#include "storage/local/account.h"

/* True: m->uids is right. Else `after` is told when it is. */
bool uids_ready(struct mailbox *m, struct after *after);
/* Puts them into the index, if they are many and known. */
void uids_keep(struct mailbox *m);

#endif
