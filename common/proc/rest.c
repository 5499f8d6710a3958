/* rest.c - the contract is in rest.h. */
#include "common/proc/rest.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Segments that are never written: what is relocated lies in one that is. Pages at the edges stay. */
static int rest_object(struct dl_phdr_info *o, size_t size, void *arg)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)arg;
	if (o->dlpi_name != NULL && strncmp(o->dlpi_name, "linux-", 6) == 0)
		return 0;	/* the kernel's own, no file */
	for (size_t i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		uintptr_t begin = (o->dlpi_addr + p->p_vaddr + page - 1) & ~(page - 1);
		uintptr_t end = (o->dlpi_addr + p->p_vaddr + p->p_memsz) & ~(page - 1);

		if (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0 && begin < end)
			madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

void rest_memory(void)
{
	malloc_trim(0);
	dl_iterate_phdr(rest_object, NULL);
}
