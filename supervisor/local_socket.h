/*
 * local_socket.h - a Listen at a path: a Unix socket that other programs of this machine connect to.
 *
 * Who may   Whoever may write to it: SocketMode and SocketGroup, given before anybody can connect.
 * Left over One that nobody listens at, after a crash, is removed; anything else at the path stays.
 */
#ifndef SUPERVISOR_LOCAL_SOCKET_H
#define SUPERVISOR_LOCAL_SOCKET_H

#include "common/base/error.h"
#include "common/config/config.h"

/* A listening socket at path, or a negative errno: -EADDRINUSE if somebody listens there. */
int local_socket_open(const char *path, const struct config_scope *scope, struct error *err);

/* Gives a socket that is open the rights that hold now. */
int local_socket_allow(const char *path, const struct config_scope *scope, struct error *err);

void local_socket_remove(const char *path);

#endif
