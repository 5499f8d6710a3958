/* idn.c - the contract is in idn.h. */
#include "common/base/idn.h"

#include <idn2.h>
#include <string.h>

enum { TEXT_MAX = 4 * IDN_MAX };	/* bytes in UTF-8 */

bool idn_ascii(struct span in, char out[IDN_MAX])
{
	char text[TEXT_MAX];
	uint8_t *ascii = NULL;
	bool good;

	out[0] = '\0';
	if (in.n == 0 || in.n >= sizeof(text) || span_find(in, 0) >= 0)
		return false;
	memcpy(text, in.p, in.n);
	text[in.n] = '\0';
	good = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK;
	good = good && strnlen((const char *)ascii, IDN_MAX) < IDN_MAX;
	if (good)
		memcpy(out, ascii, strlen((const char *)ascii) + 1);
	idn2_free(ascii);
	return good;
}
