/*
 * record.h - one record of a SOCK_SEQPACKET socket, with descriptors: the two system calls.
 */
#ifndef IPC_RECORD_H
#define IPC_RECORD_H

#include "common/ipc/frame.h"

/* Sends f and the descriptors (lent), whole or not at all, without waiting.
 * 0, or a negative errno (-EAGAIN: later). */
int ipc_record_send(int fd, const struct ipc_frame *f, const int *fds, size_t fd_count);

/* Takes one record without waiting: 1, with *f lent from room and the descriptors
 * the caller's; 0: the other end has closed; -EAGAIN: none is there; -ECONNRESET:
 * the other end closed with something unread, call again for what it had sent;
 * another error with words, and no descriptor left open. */
int ipc_record_receive(int fd, uint8_t room[IPC_FRAME_MAX], struct ipc_frame *f, int fds[IPC_FDS_MAX],
		       size_t *fd_count, struct error *err);

#endif
