/* store_copy.c - the contract is in store_copy.h. */
#include "admin/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/write.h"

enum { PIECE = 64 * 1024 };

static int open_plain(int at, const char *path, struct stat *st)
{
	int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), code;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	code = fstat(fd, st) < 0 ? errno : S_ISREG(st->st_mode) ? 0 : EINVAL;
	/* A lease is refused while somebody writes. */
	if (code == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN)
		code = EAGAIN;
	if (code == 0)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	if (code == 0)
		return fd;
	close(fd);
	return -code;
}

/* to: -1: only the hash. */
static int pour(int from, int to, uint8_t hash[MANIFEST_HASH])
{
	uint8_t piece[PIECE];
	crypto_generichash_state state;
	ssize_t n;
	int r = 0;

	crypto_generichash_init(&state, NULL, 0, MANIFEST_HASH);
	while (r == 0 && (n = read(from, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		crypto_generichash_update(&state, piece, (size_t)n);
		if (to >= 0)
			r = write_whole(to, (struct span){ piece, (size_t)n });
	}
	crypto_generichash_final(&state, hash, MANIFEST_HASH);
	return r;
}

int store_hash(int at, const char *path, uint8_t hash[MANIFEST_HASH], struct stat *st)
{
	int fd = open_plain(at, path, st), r;

	if (fd < 0)
		return fd;
	r = pour(fd, -1, hash);
	close(fd);
	return r;
}

int store_copy(int from_at, const char *from, int to_at, const char *to, uint8_t hash[MANIFEST_HASH],
	       struct stat *st)
{
	int in = open_plain(from_at, from, st), out, r;

	if (in < 0)
		return in;
	out = openat(to_at, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0) {
		r = -errno;
		close(in);
		return r;
	}
	r = pour(in, out, hash);
	if (r == 0 && fchmod(out, st->st_mode & 0777) < 0)
		r = -errno;
	if (r == 0 && futimens(out, (struct timespec[]){ st->st_mtim, st->st_mtim }) < 0)
		r = -errno;
	if (close(out) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlinkat(to_at, to, 0);
	close(in);
	return r;
}
