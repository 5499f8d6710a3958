/*
 * login.h - the driver's functions about who uses an account (storage/store.h).
 */
#ifndef STORAGE_LOCAL_LOGIN_H
#define STORAGE_LOCAL_LOGIN_H

#include "storage/store.h"

uint64_t login_open(struct store *base, const struct store_token *t, store_login_done done, void *arg);
void login_close(struct store_account *a);
uint64_t login_lock(struct store_account *a, store_done done, void *arg);
void login_watch(struct store_account *a, store_changed changed, void *arg);

#endif
