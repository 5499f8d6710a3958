/* secret.c - the contract is in secret.h. */
#include "auth/authd/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts_file.h"
#include "auth/accounts_text.h"
#include "common/base/log.h"
#include "common/base/write.h"

enum { TEXT = 4096, HEX = 2 * SRS_KEY };

static const char srs_file[] = "srs.key", salt_file[] = "scram.key", fresh[] = ".srs.key"; /* fresh: not whole yet */

static void take_key(struct srs_keys *out, const char *name, const struct accounts_line *line)
{
	size_t n = 0;

	if (!span_is(line->key, "key") || out->count == SRS_KEYS ||
	    sodium_hex2bin(out->keys[out->count], SRS_KEY, (const char *)line->value.p, line->value.n, NULL, &n,
			   NULL) != 0 ||
	    line->value.n != HEX || n != SRS_KEY)
		log_warn("accounts/%s: a line that is no key, or a third one, is passed over", name);
	else
		out->count++;
}

static int read_keys(struct srs_keys *out, int folder, const char *name, struct error *err)
{
	struct accounts_line line;
	struct span text;
	struct buf b;
	int code;

	*out = (struct srs_keys){ .count = 0 };
	buf_init(&b, TEXT);
	code = accounts_file_read(folder, name, &b);
	text = buf_span(&b);
	while (code == 0 && accounts_text_next(&text, &line))
		take_key(out, name, &line);
	buf_wipe(&b);
	if (code < 0 && code != -ENOENT)
		return error_system(err, -code, "can't read accounts/%s", name);
	return 0;
}

static int write_fresh(int folder, const char *text, size_t n)
{
	int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), code;

	if (fd < 0)
		return -errno;
	code = write_whole(fd, (struct span){ (const uint8_t *)text, n });
	if (code == 0 && fsync(fd) < 0)
		code = -errno;
	if (close(fd) < 0 && code == 0)
		code = -errno;
	return code;
}

/* authd alone writes it, so that a name of its own is enough and no lock is needed. */
static int make_key(struct srs_keys *out, int folder, const char *name, struct error *err)
{
	char hex[HEX + 1], text[HEX + 8];
	int n, code;

	randombytes_buf(out->keys[0], SRS_KEY);
	sodium_bin2hex(hex, sizeof(hex), out->keys[0], SRS_KEY);
	n = snprintf(text, sizeof(text), "key %s\n", hex);
	unlinkat(folder, fresh, 0);
	code = write_fresh(folder, text, (size_t)n);
	if (code == 0 && renameat(folder, fresh, folder, name) < 0)
		code = -errno;
	if (code == 0 && fsync(folder) < 0)
		code = -errno;
	sodium_memzero(hex, sizeof(hex));
	sodium_memzero(text, sizeof(text));
	out->count = code == 0;
	return code < 0 ? error_system(err, -code, "can't write accounts/%s", name) : 0;
}

int secret_read(struct srs_keys *out, int folder, struct error *err)
{
	return read_keys(out, folder, srs_file, err);
}

int secret_make(struct srs_keys *out, int folder, struct error *err)
{
	return make_key(out, folder, srs_file, err);
}

int secret_salt(uint8_t key[SRS_KEY], int folder, struct error *err)
{
	struct srs_keys keys;
	int code = read_keys(&keys, folder, salt_file, err);

	if (code == 0 && keys.count == 0)
		code = make_key(&keys, folder, salt_file, err);
	if (code == 0)
		memcpy(key, keys.keys[0], SRS_KEY);
	sodium_memzero(&keys, sizeof(keys));
	return code;
}
