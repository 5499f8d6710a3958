/*
 * keys.h - what the command line says: `load VERB key=value ...`.
 */
#ifndef LOAD_KEYS_H
#define LOAD_KEYS_H

/* Keeps argv, which must hold until the end. */
void keys_set(int argc, char **argv);

/* The value of a key, lent until the end; otherwise, if the line does not have it. */
const char *keys_text(const char *name, const char *otherwise);
long keys_number(const char *name, long otherwise);

#endif
