/* inject.h - what inject.c has instead of a library's calls; the rooms' objects are given these names. */
#ifndef YUBIN_TESTS_FAULT_INJECT_H
#define YUBIN_TESTS_FAULT_INJECT_H

#include <dirent.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

void *fault_malloc(size_t n);
void *fault_calloc(size_t n, size_t size);
void *fault_realloc(void *p, size_t n);
void *fault_reallocarray(void *p, size_t n, size_t size);
char *fault_strdup(const char *s);
char *fault_strndup(const char *s, size_t n);
ssize_t fault_read(int fd, void *to, size_t n);
ssize_t fault_pread(int fd, void *to, size_t n, off_t where);
ssize_t fault_write(int fd, const void *from, size_t n);
ssize_t fault_pwrite(int fd, const void *from, size_t n, off_t where);
ssize_t fault_writev(int fd, const struct iovec *v, int n);
int fault_open(const char *path, int flags, ...);
int fault_openat(int dir, const char *path, int flags, ...);
int fault_socket(int domain, int type, int protocol);
int fault_socketpair(int domain, int type, int protocol, int ends[2]);
int fault_accept4(int fd, struct sockaddr *from, socklen_t *size, int flags);
int fault_fcntl(int fd, int command, ...);
DIR *fault_opendir(const char *path);
DIR *fault_fdopendir(int fd);
int fault_dup(int fd);
int fault_pipe2(int ends[2], int flags);
int fault_memfd_create(const char *name, unsigned flags);
ssize_t fault_recv(int fd, void *to, size_t n, int flags);
ssize_t fault_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t fault_send(int fd, const void *from, size_t n, int flags);
ssize_t fault_sendmsg(int fd, const struct msghdr *m, int flags);

#endif
