/*
 * ipc.h - messages between our own processes, with descriptors.
 *
 * Shape   One end of a SOCK_SEQPACKET socket pair on a libuv loop (uv_poll and our
 *         own sendmsg/recvmsg: libuv passes no plain files). A message is a type,
 *         a number and a body; it travels as one or more frames of 64 kB at most,
 *         in order, and is given whole.
 * Limits  IPC_FRAME_MAX bytes a frame, IPC_MESSAGE_MAX a message, IPC_FDS_MAX
 *         descriptors a message, IPC_FDS_FLIGHT sent and not yet taken.
 * Errors  A frame that breaks the rules ends the connection: `gone` is called once,
 *         with words; never the process.
 * Memory  The queue of unsent messages is bounded by queue_max bytes; the message
 *         that is being put together by IPC_MESSAGE_MAX.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/span.h"

enum { IPC_FRAME_MAX = 65536, IPC_MESSAGE_MAX = 1 << 20, IPC_FDS_MAX = 64, IPC_FDS_FLIGHT = 256 };

struct ipc; /* opaque */

struct ipc_message {
	uint16_t type;    /* the protocol's own number */
	uint64_t number;  /* of the request; its answers carry the same */
	struct span body; /* lent until the receiver returns */
	int *fds;         /* a receiver that keeps one sets it to -1; the rest is closed */
	size_t fd_count;
};

typedef void (*ipc_receive)(void *arg, struct ipc_message *m);
typedef void (*ipc_gone)(void *arg, const struct error *why);

struct ipc_handlers {
	ipc_receive receive;
	ipc_gone gone; /* the other end closed or broke the rules; ipc_free is allowed inside */
	void *arg;
};

/* Keeps fd (also on failure) and gives the connection in *out. Receiving starts
 * when the loop next runs. */
int ipc_new(struct ipc **out, uv_loop_t *loop, int fd, size_t queue_max, const struct ipc_handlers *h,
	    struct error *err);

/* Closes at once; nothing is called after it. NULL is allowed. May be called from
 * inside receive and gone. */
void ipc_free(struct ipc *i);

/* Sends, or queues what the socket does not take. Keeps the descriptors in every
 * case (closed once sent). Calls no handler. Returns 0; -ENOBUFS if the queue is full
 * (bytes, or IPC_FDS_FLIGHT descriptors in it); -EMSGSIZE; -EPIPE after gone, or when
 * the other end is no longer there: gone then follows from the loop. */
int ipc_send(struct ipc *i, uint16_t type, uint64_t number, struct span body, int *fds, size_t fd_count);

/* Bytes, and descriptors, that wait in the queue. */
size_t ipc_queued(const struct ipc *i);
size_t ipc_queued_files(const struct ipc *i);

/* Stops and resumes taking messages: the back-pressure of a busy receiver. While it
 * is paused receive is not called, and gone only once a send has failed. */
void ipc_pause(struct ipc *i);
void ipc_resume(struct ipc *i);

/* Blocking, for the time before there is a loop (start-up) and for the command
 * line: one message out; one message in, at most timeout_ms. *body is malloc'd and
 * the caller's, as are the descriptors. */
int ipc_send_now(int fd, uint16_t type, uint64_t number, struct span body, const int *fds, size_t fd_count,
		 struct error *err);
int ipc_receive_now(int fd, int timeout_ms, struct ipc_message *m, uint8_t **body, int fds[IPC_FDS_MAX],
		    struct error *err);

/* A pair of such sockets, close-on-exec, non-blocking. */
int ipc_pair(int ends[2], struct error *err);

#endif
