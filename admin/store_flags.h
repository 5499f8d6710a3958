/* store_flags.h - a message's flags as the store, a Maildir and an mbox have them. */
#ifndef ADMIN_STORE_FLAGS_H
#define ADMIN_STORE_FLAGS_H

#include <stdint.h>

/* enum store_flag to bits of enum maildir_flag or enum mbox_flag, and back; what the other side does not know is
 * left out. */
unsigned store_flags_to_maildir(uint32_t flags);
uint32_t store_flags_of_maildir(unsigned flags);
unsigned store_flags_to_mbox(uint32_t flags);
uint32_t store_flags_of_mbox(unsigned flags);

#endif
