/*
 * notify.h - what systemd is told (sd_notify's protocol): "READY=1", "RELOADING=1", "STOPPING=1".
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/* Sends state to $NOTIFY_SOCKET; nothing where there is none. */
void notify_systemd(const char *state);

#endif
