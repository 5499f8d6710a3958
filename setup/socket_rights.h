/*
 * socket_rights.h - who may connect to a Unix socket of ours, as SocketMode and SocketGroup say.
 */
#ifndef SETUP_SOCKET_RIGHTS_H
#define SETUP_SOCKET_RIGHTS_H

#include "common/base/error.h"
#include "common/config/config.h"

/* gid UINT32_MAX: no SocketGroup. -EINVAL, -ENOENT with words. */
int setup_socket_rights(const struct config_scope *scope, unsigned *mode, unsigned *gid, struct error *err);

#endif
