/*
 * swar.h - eight bytes at a time: is one of them a certain byte?
 *
 * Shape   Load eight bytes as a word, OR what the questions give; zero means none of them is.
 * Units   A word is eight bytes in the machine's order; which byte it was is not told.
 */
#ifndef BASE_SWAR_H
#define BASE_SWAR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SWAR_BYTES = 8 };

static inline uint64_t swar_load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Some byte of the word is 0x80 or more. */
static inline uint64_t swar_high(uint64_t word)
{
	return word & UINT64_C(0x8080808080808080);
}

/* Some byte of the word is c. */
static inline uint64_t swar_has(uint64_t word, uint8_t c)
{
	uint64_t x = word ^ (UINT64_C(0x0101010101010101) * c);

	return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}

#endif
