/*
 * rest.h - memory that only the beginning of a process needed, given back.
 *
 * Free memory of the heap, and the pages of code and constants that are mapped: those are the files', in the
 * page cache anyhow, and who needs one again gets it without the disk. So a process that nobody talks to holds
 * what it wrote and little else.
 */
#ifndef PROC_REST_H
#define PROC_REST_H

/* When all is ready, and behind what happens seldom and takes much. */
void rest_memory(void);

#endif
