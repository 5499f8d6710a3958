/* store_manifest.c - the contract is in store_manifest.h. */
#include "admin/store_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/ascii.h"

enum { LINE_BYTES = 4 * MANIFEST_PATH_MAX, HEX = 2 * MANIFEST_HASH + 1 };

static const char title[] = "yubin backup 1\n";

/* --- writing -------------------------------------------------------------------- */

static void put_line(struct manifest_writer *w, const char *line)
{
	crypto_generichash_update(&w->sum, (const unsigned char *)line, strlen(line));
	w->failed |= fputs(line, w->file) < 0;
}

__attribute__((format(printf, 2, 3))) static void put_format(struct manifest_writer *w, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put_line(w, line);
}

void manifest_begin(struct manifest_writer *w, FILE *file, int64_t created_s)
{
	*w = (struct manifest_writer){ .file = file };
	crypto_generichash_init(&w->sum, NULL, 0, MANIFEST_HASH);
	put_line(w, title);
	put_format(w, "created %" PRId64 "\n", created_s);
}

static void encode_path(char *out, const char *path)
{
	for (; *path != '\0'; path++)
		if (*path > ' ' && *path != '%' && *path < 0x7f)
			*out++ = *path;
		else
			out += snprintf(out, 4, "%%%02x", (unsigned char)*path);
	*out = '\0';
}

void manifest_put(struct manifest_writer *w, const struct manifest_entry *e)
{
	char path[3 * MANIFEST_PATH_MAX], hash[HEX];

	encode_path(path, e->path);
	sodium_bin2hex(hash, sizeof(hash), e->hash, sizeof(e->hash));
	if (e->folder)
		put_format(w, "folder %04o %s\n", (unsigned)e->mode, path);
	else
		put_format(w, "file %s %" PRIu64 " %04o %" PRId64 " %s\n", hash, e->size, (unsigned)e->mode,
			   e->mtime_s, path);
}

bool manifest_end(struct manifest_writer *w)
{
	uint8_t sum[MANIFEST_HASH];
	char hex[HEX];

	crypto_generichash_final(&w->sum, sum, sizeof(sum));
	sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	w->failed |= fprintf(w->file, "sum %s\n", hex) < 0;
	return !w->failed && fflush(w->file) == 0;
}

/* --- reading -------------------------------------------------------------------- */

static bool parse_hash(struct span text, uint8_t out[MANIFEST_HASH])
{
	if (text.n != HEX - 1)
		return false;
	for (size_t i = 0; i < MANIFEST_HASH; i++) {
		int high = ascii_hex(text.p[2 * i]), low = ascii_hex(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_mode(struct span text, mode_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		*out = *out << 3 | (mode_t)(text.p[i] - '0');
	}
	return text.n == 4;
}

static bool parse_time(struct span text, int64_t *out)
{
	bool before = text.n > 0 && text.p[0] == '-';
	uint64_t n;

	if (before)
		span_take(&text, 1);
	if (!span_number(text, INT64_MAX, &n))
		return false;
	*out = before ? -(int64_t)n : (int64_t)n;
	return true;
}

/* No "", "." or ".." among its parts: it can't lead out. */
static bool path_stays(const char *path)
{
	struct span rest = span_of(path);

	if (rest.n == 0 || rest.p[rest.n - 1] == '/')
		return false;
	while (rest.n > 0) {
		struct span part = span_take_until(&rest, '/');

		if (part.n == 0 || span_is(part, ".") || span_is(part, ".."))
			return false;
	}
	return true;
}

static bool parse_path(struct span text, char out[MANIFEST_PATH_MAX])
{
	size_t n = 0;

	while (text.n > 0 && n < MANIFEST_PATH_MAX - 1) {
		uint8_t c = *span_take(&text, 1).p;

		if (c <= ' ' || c >= 0x7f)
			return false;
		if (c == '%') {
			int high = text.n > 1 ? ascii_hex(text.p[0]) : -1,
			    low = high < 0 ? -1 : ascii_hex(text.p[1]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (uint8_t)(high << 4 | low);
			span_take(&text, 2);
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return text.n == 0 && path_stays(out);
}

bool manifest_parse(struct span line, struct manifest_entry *e)
{
	struct span kind = span_take_until(&line, ' ');

	*e = (struct manifest_entry){ .folder = span_is(kind, "folder") };
	if (e->folder)
		return parse_mode(span_take_until(&line, ' '), &e->mode) && parse_path(line, e->path);
	return span_is(kind, "file") && parse_hash(span_take_until(&line, ' '), e->hash) &&
	       span_number(span_take_until(&line, ' '), INT64_MAX, &e->size) &&
	       parse_mode(span_take_until(&line, ' '), &e->mode) &&
	       parse_time(span_take_until(&line, ' '), &e->mtime_s) && parse_path(line, e->path);
}

/* The next line, its line end included. False: the end. */
static bool read_line(struct manifest_reader *r, struct span *line)
{
	ssize_t n = getline(&r->line, &r->room, r->file);

	*line = (struct span){ (const uint8_t *)r->line, n > 0 ? (size_t)n : 0 };
	return n > 0 && line->p[line->n - 1] == '\n';
}

static bool read_head(struct manifest_reader *r, crypto_generichash_state *sum)
{
	struct span line;

	for (int i = 0; i < 2; i++) {
		if (!read_line(r, &line))
			return false;
		crypto_generichash_update(sum, line.p, line.n);
		if (i == 0 && !span_is(line, title))
			return false;
	}
	line.n--;
	return span_is(span_take_until(&line, ' '), "created") && parse_time(line, &r->created_s);
}

/* Is it whole? */
static bool read_all(struct manifest_reader *r)
{
	uint8_t sum[MANIFEST_HASH], want[MANIFEST_HASH];
	crypto_generichash_state state;
	struct manifest_entry e;
	struct span line;

	crypto_generichash_init(&state, NULL, 0, MANIFEST_HASH);
	if (!read_head(r, &state))
		return false;
	while (read_line(r, &line)) {
		struct span text = { line.p, line.n - 1 };

		if (span_starts(text, "sum ")) {
			span_take(&text, 4);
			crypto_generichash_final(&state, sum, sizeof(sum));
			return parse_hash(text, want) && memcmp(sum, want, sizeof(sum)) == 0 &&
			       fgetc(r->file) == EOF;
		}
		crypto_generichash_update(&state, line.p, line.n);
		if (!manifest_parse(text, &e))
			return false;
	}
	return false;
}

int manifest_open(struct manifest_reader *r, int folder, struct error *err)
{
	int fd = openat(folder, "manifest", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	crypto_generichash_state unused;

	*r = (struct manifest_reader){ .file = fd >= 0 ? fdopen(fd, "r") : NULL };
	if (r->file == NULL) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		return error_system(err, code, "this is no backup: its manifest can't be opened");
	}
	if (!read_all(r)) {
		manifest_close(r);
		return error_set(err, -EBADMSG, "the backup's manifest is damaged, or not whole");
	}
	rewind(r->file);
	crypto_generichash_init(&unused, NULL, 0, MANIFEST_HASH);
	return read_head(r, &unused) ? 0 : error_set(err, -EBADMSG, "the backup's manifest has changed");
}

int manifest_next(struct manifest_reader *r, struct manifest_entry *e)
{
	struct span line;

	if (!read_line(r, &line))
		return -EBADMSG;
	line.n--;
	if (span_starts(line, "sum "))
		return 0;
	return manifest_parse(line, e) ? 1 : -EBADMSG;
}

void manifest_close(struct manifest_reader *r)
{
	if (r->file != NULL)
		fclose(r->file);
	free(r->line);
	*r = (struct manifest_reader){ .file = NULL };
}
