/* prepare.c - the contract is in prepare.h. */
#include "sasl/prepare.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>

enum { TEXT = 4096, ROOM = 4 * TEXT };	/* of UTF-16; NFKC makes some characters 18 */

/* RFC 4013 2: ASCII stands for itself. */
static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

static bool prepare(UChar *from, UChar *to, struct span text, struct buf *out)
{
	UErrorCode code = U_ZERO_ERROR;
	UStringPrepProfile *profile = usprep_openByType(USPREP_RFC4013_SASLPREP, &code);
	char bytes[4 * ROOM];
	int32_t n = 0;

	u_strFromUTF8(from, TEXT, &n, (const char *)text.p, (int32_t)text.n, &code);
	n = usprep_prepare(profile, from, n, to, ROOM, USPREP_ALLOW_UNASSIGNED, NULL, &code);
	u_strToUTF8(bytes, sizeof(bytes), &n, to, n, &code);
	if (profile != NULL)
		usprep_close(profile);
	if (U_SUCCESS(code) && n > 0)
		buf_put_secret(out, (struct span){ (uint8_t *)bytes, (size_t)n });
	explicit_bzero(bytes, sizeof(bytes));
	return U_SUCCESS(code) && n > 0;
}

void sasl_prepare(struct buf *out, struct span text)
{
	struct pair {
		UChar from[TEXT], to[ROOM];
	} *room = is_ascii(text) || text.n > TEXT ? NULL : malloc(sizeof(*room));

	if (room == NULL || !prepare(room->from, room->to, text, out))
		buf_put_secret(out, text);
	if (room != NULL)
		explicit_bzero(room, sizeof(*room));
	free(room);
}
