/*
 * auth_folder.h - a folder of accounts for the tests of auth/.
 */
#ifndef TESTS_AUTH_FOLDER_H
#define TESTS_AUTH_FOLDER_H

#include "auth/accounts.h"

struct auth_folder {
	char path[64];
	int fd;
};

void auth_folder_make(struct auth_folder *f);
void auth_folder_remove(struct auth_folder *f);

void auth_folder_domain(struct auth_folder *f, const char *domain);
/* An account that is there or not yet; its password is hashed as cheaply as can be. NULL: none. */
void auth_folder_account(struct auth_folder *f, const char *address, const char *password);
void auth_folder_disable(struct auth_folder *f, const char *address);
void auth_folder_enable(struct auth_folder *f, const char *address);
/* Its one certificate, whatever it had. */
void auth_folder_certificate(struct auth_folder *f, const char *address, const char *fingerprint);
/* The account's forwards, whatever it had; targets: separated by spaces. */
void auth_folder_forward(struct auth_folder *f, const char *address, const char *targets, bool keep);
/* targets: separated by spaces. */
void auth_folder_alias(struct auth_folder *f, const char *address, const char *targets);

#endif
