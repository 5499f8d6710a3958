/* holder.c - the contract is in holder.h. */
#include "supervisor/holder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATE_LISTEN = 0x0a, INODES = 16 };

struct found {
	unsigned long inode[INODES];
	unsigned count;
};

/* The sockets that listen at port, from one of the kernel's tables. */
static void find_inodes(const char *table, uint16_t port, struct found *f)
{
	FILE *in = fopen(table, "re");
	char line[512];

	while (in != NULL && fgets(line, sizeof(line), in) != NULL) {
		unsigned local, state;
		unsigned long inode;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
			   &local, &state, &inode) == 3 &&
		    local == port && state == STATE_LISTEN && inode != 0 && f->count < INODES)
			f->inode[f->count++] = inode;
	}
	if (in != NULL)
		fclose(in);
}

/* A descriptor of process pid is one of the sockets. */
static bool holds(const char *pid, const struct found *f)
{
	char path[300], target[64];
	struct dirent *e;
	bool yes = false;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d != NULL && !yes && (e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
		unsigned long inode;

		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) == 1)
			for (unsigned i = 0; i < f->count; i++)
				yes = yes || f->inode[i] == inode;
	}
	if (d != NULL)
		closedir(d);
	return yes;
}

static void name_of(const char *pid, char *name, size_t size)
{
	char path[300];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	in = fopen(path, "re");
	if (in == NULL || fgets(name, (int)size, in) == NULL)
		snprintf(name, size, "a process");
	name[strcspn(name, "\n")] = '\0';
	if (in != NULL)
		fclose(in);
}

const char *holder_of_port(uint16_t port, char *out, size_t size)
{
	struct found f = { .count = 0 };
	struct dirent *e;
	char name[32];
	DIR *proc;

	*out = '\0';
	find_inodes("/proc/net/tcp", port, &f);
	find_inodes("/proc/net/tcp6", port, &f);
	proc = f.count > 0 ? opendir("/proc") : NULL;
	while (proc != NULL && *out == '\0' && (e = readdir(proc)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && holds(e->d_name, &f)) {
			name_of(e->d_name, name, sizeof(name));
			snprintf(out, size, " by %s (pid %.10s)", name, e->d_name);
		}
	if (proc != NULL)
		closedir(proc);
	return out;
}
