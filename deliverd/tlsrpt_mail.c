/* tlsrpt_mail.c - the contract is in tlsrpt_mail.h. */
#include "deliverd/tlsrpt_mail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "common/base/ascii.h"
#include "common/base/base64.h"

enum {
	GZIP_WINDOW = 15 + 16,	/* zlib: the largest window, and gzip around it */
	GZIP_MEMORY = 8,
	LINE_BYTES = 57		/* of base64 in a line: 76 signs (RFC 2045 6.8) */
};

/* --- the record (RFC 8460 3) ----------------------------------------------- */

static bool is_version(struct span field)
{
	return span_is(span_trim(field), "v=TLSRPTv1");
}

/* RFC 6068 2: percent signs undone; what stands behind a "?" is not for us. */
static bool address_take(struct span in, char out[TLSRPT_TARGET_MAX])
{
	size_t n = 0, at = 0;

	in = span_take_until(&in, '?');
	while (in.n > 0 && n + 1 < TLSRPT_TARGET_MAX) {
		uint8_t c = span_take(&in, 1).p[0];

		if (c == '%') {
			struct span hex = span_take(&in, 2);
			int high = hex.n == 2 ? ascii_hex(hex.p[0]) : -1, low = hex.n == 2 ? ascii_hex(hex.p[1]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
		}
		/* One address, of letters that need no care in a header or an envelope. */
		if (c <= ' ' || c >= 0x7f || strchr("<>()[]\\,;:\"", c) != NULL)
			return false;
		at += c == '@' ? 1 : 0;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return in.n == 0 && at == 1 && out[0] != '@' && out[n - 1] != '@';
}

static bool url_take(struct span in, char out[TLSRPT_TARGET_MAX])
{
	if (in.n >= TLSRPT_TARGET_MAX || in.n <= strlen("https://"))
		return false;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] <= ' ' || in.p[i] >= 0x7f)
			return false;
		out[i] = (char)in.p[i];
	}
	out[in.n] = '\0';
	return true;
}

static bool target_take(struct span uri, struct tlsrpt_target *out)
{
	out->https = span_starts_nocase(uri, "https://");
	if (out->https)
		return url_take(uri, out->to);
	if (!span_starts_nocase(uri, "mailto:"))
		return false;
	span_take(&uri, strlen("mailto:"));
	return address_take(uri, out->to);
}

static size_t targets_take(struct span value, struct tlsrpt_target *out)
{
	size_t count = 0;

	while (value.n > 0 && count < TLSRPT_TARGETS)
		count += target_take(span_trim(span_take_until(&value, ',')), &out[count]) ? 1 : 0;
	return count;
}

size_t tlsrpt_record(const struct span *texts, size_t count, struct tlsrpt_target *out)
{
	struct span record = { NULL, 0 };
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct span rest = texts[i];

		if (!is_version(span_take_until(&rest, ';')))
			continue;
		found++;
		record = rest;
	}
	while (found == 1 && record.n > 0) {
		struct span value = span_trim(span_take_until(&record, ';')), name = span_take_until(&value, '=');

		if (span_is(span_trim(name), "rua"))
			return targets_take(value, out);
	}
	return 0;
}

/* --- the report's clothes (RFC 8460 5) ------------------------------------- */

/* The part of the id that is a name's letters and digits. */
static void unique_put(const char *id, char *out, size_t size)
{
	size_t n = 0;

	for (; *id != '\0' && *id != '@' && n + 1 < size; id++)
		if (ascii_alnum((uint8_t)*id))
			out[n++] = *id;
	out[n] = '\0';
}

void tlsrpt_file_name(const struct tlsrpt_head *h, char *out, size_t size)
{
	char unique[64];

	unique_put(h->id, unique, sizeof(unique));
	snprintf(out, size, "%s!%s!%lld!%lld!%s.json.gz", h->hostname, h->domain, (long long)h->start_s,
		 (long long)h->end_s - 1, unique);
}

int tlsrpt_gzip(struct span in, struct buf *out, struct error *err)
{
	z_stream z = { .next_in = (Bytef *)in.p, .avail_in = (uInt)in.n };
	uint8_t *room;
	uLong most;
	int rc;

	if (in.n > UINT32_MAX / 2 ||
	    deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return error_set(err, -ENOMEM, "no memory to make a report smaller");
	most = deflateBound(&z, (uLong)in.n);
	room = buf_room(out, most);
	if (room == NULL) {
		deflateEnd(&z);
		return error_set(err, -ENOMEM, "no memory to make a report smaller");
	}
	z.next_out = room;
	z.avail_out = (uInt)most;
	rc = deflate(&z, Z_FINISH);
	out->n += rc == Z_STREAM_END ? most - z.avail_out : 0;
	deflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : error_set(err, -EIO, "zlib does not make a report smaller");
}

static void header_put(const struct tlsrpt_head *h, const char *to, const char *date, struct buf *out)
{
	buf_printf(out, "From: <postmaster@%s>\r\n", h->hostname);
	buf_printf(out, "To: <%s>\r\n", to);
	buf_printf(out, "Date: %s\r\n", date);
	buf_printf(out, "Message-ID: <%s>\r\n", h->id);
	buf_printf(out, "Subject: Report Domain: %s\r\n Submitter: %s\r\n Report-ID: <%s>\r\n", h->domain, h->hostname, h->id);
	buf_printf(out, "TLS-Report-Domain: %s\r\n", h->domain);
	buf_printf(out, "TLS-Report-Submitter: %s\r\n", h->hostname);
	/* RFC 8460 3: it goes whatever the domain's policies ask for. RFC 8689 3 says so to others. */
	buf_put_text(out, "TLS-Required: No\r\n");
	buf_put_text(out, "Auto-Submitted: auto-generated\r\n");
	buf_put_text(out, "MIME-Version: 1.0\r\n");
}

void tlsrpt_message(const struct tlsrpt_head *h, const char *to, const char *date, struct span gzip, struct buf *out)
{
	char unique[64], name[700];

	unique_put(h->id, unique, sizeof(unique));
	tlsrpt_file_name(h, name, sizeof(name));
	header_put(h, to, date, out);
	buf_printf(out, "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"=_%s\"\r\n\r\n", unique);
	buf_printf(out, "--=_%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", unique);
	buf_printf(out, "This is a report of how TLS went when %s delivered mail\r\nfor %s. The attachment is for programs.\r\n\r\n",
		   h->hostname, h->domain);
	buf_printf(out, "--=_%s\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n", unique);
	buf_printf(out, "Content-Disposition: attachment;\r\n filename=\"%s\"\r\n\r\n", name);
	while (gzip.n > 0) {
		base64_encode(out, span_take(&gzip, LINE_BYTES));
		buf_put_text(out, "\r\n");
	}
	buf_printf(out, "\r\n--=_%s--\r\n", unique);
}
