/* secret.c - the contract is in secret.h. */
#include "admin/secret.h"

#include <sodium.h>

void secret_make(char out[SECRET_MAX])
{
	static const char signs[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

	for (int i = 0; i < SECRET_MAX - 1; i++)
		out[i] = signs[randombytes_uniform(sizeof(signs) - 1)];
	out[SECRET_MAX - 1] = '\0';
}
