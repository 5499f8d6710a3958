/*
 * frame.h - one frame of a message, and messages put together from frames.
 *
 * Shape   A frame is one record of the socket: 16 bytes of head, little-endian
 *         (type u16, flags u16, length u32, number u64), then length bytes. A
 *         message is frames of one type and number, one behind the other; all but
 *         the last carry IPC_FLAG_MORE and are full. Descriptors come with the first.
 *         A credit (IPC_FLAG_CREDIT, no body) says that the receiver has taken
 *         `number` descriptors: so each end knows how many are in flight.
 * Pure    No I/O but the closing of descriptors that a failed message brought.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "common/base/buf.h"
#include "common/ipc/ipc.h"

enum { IPC_FRAME_HEAD = 16, IPC_FRAME_BODY = IPC_FRAME_MAX - IPC_FRAME_HEAD };

enum ipc_flag { IPC_FLAG_MORE = 1, IPC_FLAG_CREDIT = 2 };

struct ipc_frame {
	uint16_t type, flags;
	uint64_t number;
	struct span body;
};

/* The head of f; the body's length goes into it, its bytes do not. */
void ipc_frame_write(uint8_t head[IPC_FRAME_HEAD], const struct ipc_frame *f);

/* f from one record; f->body lends from it. 0 or -EPROTO. */
int ipc_frame_read(struct ipc_frame *f, struct span record, struct error *err);

struct ipc_assembly; /* opaque; a message of several frames that is not whole yet */

enum ipc_assembled {
	IPC_PART, /* more frames must come */
	IPC_WHOLE /* *m is a message */
};

/* Takes one frame, which is not a credit, and the fd_count descriptors that came
 * with it (kept, and closed on an error). *a starts as NULL and is made as needed.
 * On IPC_WHOLE *m lends from the frame and from fds, or, if *a is not NULL, from *a:
 * the caller frees that when it is done with *m.
 * Returns enum ipc_assembled, -EPROTO, or -ENOMEM. */
int ipc_assemble(struct ipc_assembly **a, const struct ipc_frame *f, int *fds, size_t fd_count,
		 struct ipc_message *m, struct error *err);

/* Frees it and closes the descriptors that it still holds. NULL is allowed. */
void ipc_assembly_free(struct ipc_assembly *a);

/* Closes all that are not -1. */
void ipc_close_all(const int *fds, size_t n);

#endif
