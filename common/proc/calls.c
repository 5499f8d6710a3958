/* calls.c - the contract is in calls.h. */
#include "common/proc/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALL(name) SCMP_SYS(name)

/* Calls that belong together stand in one line. */
/* clang-format off */

/* For every daemon: memory, threads, time, and descriptors that are open already. */
static const int for_all[] = {
	CALL(read), CALL(readv), CALL(pread64), CALL(preadv), CALL(preadv2),
	CALL(write), CALL(writev), CALL(pwrite64), CALL(pwritev), CALL(pwritev2),
	CALL(lseek), CALL(_llseek), CALL(close), CALL(close_range), CALL(dup), CALL(dup2), CALL(dup3),
	CALL(fstat), CALL(fstat64), CALL(ftruncate), CALL(ftruncate64), CALL(fallocate), CALL(sendfile),
	CALL(sendfile64), CALL(fadvise64), CALL(pipe2),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2),
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(_newselect), CALL(eventfd2),
	CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_gettime),
	CALL(accept), CALL(accept4), CALL(shutdown), CALL(getsockopt), CALL(setsockopt), CALL(getsockname),
	CALL(getpeername), CALL(sendmsg), CALL(sendmmsg), CALL(recvmsg), CALL(recvmmsg), CALL(recvfrom), CALL(recv),
	CALL(send),
	CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(mlock), CALL(munlock), CALL(msync),
	CALL(futex), CALL(futex_time64), CALL(set_robust_list), CALL(get_robust_list), CALL(rseq), CALL(membarrier),
	CALL(sched_yield), CALL(sched_getaffinity), CALL(getcpu), CALL(sysinfo), CALL(uname),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(sigreturn), CALL(sigaltstack),
	CALL(rt_sigpending), CALL(rt_sigtimedwait), CALL(restart_syscall),
	CALL(clock_gettime), CALL(clock_gettime64), CALL(clock_getres), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(getrandom),
	CALL(getpid), CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid), CALL(getegid),
	CALL(getuid32), CALL(geteuid32), CALL(getgid32), CALL(getegid32), CALL(getrusage),
	CALL(exit), CALL(exit_group),
};

/* For those that own folders: paths, which Landlock then holds to the folders. */
static const int for_files[] = {
	CALL(open), CALL(openat), CALL(openat2), CALL(creat), CALL(mkdir), CALL(mkdirat), CALL(rmdir),
	CALL(unlink), CALL(unlinkat), CALL(rename), CALL(renameat), CALL(renameat2), CALL(link), CALL(linkat),
	CALL(readlink), CALL(readlinkat), CALL(stat), CALL(lstat), CALL(stat64), CALL(lstat64), CALL(fstatat64),
	CALL(newfstatat), CALL(statx), CALL(access), CALL(faccessat), CALL(faccessat2), CALL(getdents),
	CALL(getdents64), CALL(getcwd), CALL(fchdir), CALL(umask), CALL(chmod), CALL(fchmod), CALL(fchmodat), CALL(fchown),
	CALL(fsync), CALL(fdatasync), CALL(syncfs), CALL(sync_file_range), CALL(truncate), CALL(truncate64),
	CALL(utimensat), CALL(flock), CALL(statfs), CALL(fstatfs), CALL(statfs64), CALL(fstatfs64), CALL(readahead),
	CALL(copy_file_range), CALL(fcntl), CALL(fcntl64), CALL(memfd_create),
};

/* What no daemon of ours ever does, and who does it is not ours any more. */
static const int deadly[] = {
	CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev),
	CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(move_mount), CALL(open_tree), CALL(fsopen),
	CALL(fsmount), CALL(unshare), CALL(setns), CALL(bpf), CALL(perf_event_open), CALL(userfaultfd),
	CALL(io_uring_setup), CALL(init_module), CALL(finit_module), CALL(delete_module), CALL(kexec_load),
	CALL(kexec_file_load), CALL(reboot), CALL(swapon), CALL(swapoff), CALL(keyctl), CALL(add_key),
	CALL(request_key), CALL(iopl), CALL(ioperm), CALL(personality), CALL(setuid), CALL(setgid), CALL(setreuid),
	CALL(setregid), CALL(setresuid), CALL(setresgid), CALL(setgroups), CALL(capset),
};

/* clang-format on */

/* Descriptors' own flags; no owner and no signal may be set. */
static const int fcntl_commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
				      F_GETFL, F_SETFL,         F_ADD_SEALS, F_GET_SEALS };

static const unsigned long ioctl_requests[] = { FIONBIO, FIONREAD, SIOCOUTQ };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int add_list(scmp_filter_ctx c, uint32_t action, const int *calls, size_t n)
{
	int code = 0;

	for (size_t i = 0; i < n && code == 0; i++)
		code = seccomp_rule_add(c, action, calls[i], 0);
	return code;
}

/* Pages may be written or run, never both in turn. */
static int add_memory(scmp_filter_ctx c)
{
	struct scmp_arg_cmp not_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(mmap), 1, not_exec);

	if (code == 0)
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(mmap2), 1, not_exec);
	if (code == 0)
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(mprotect), 1, not_exec);
	return code;
}

/* Threads of this process, no process. The C library then does without clone3, whose
 * flags lie in memory where no filter sees them. */
static int add_threads(scmp_filter_ctx c)
{
	struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
	struct scmp_arg_cmp ours = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
	int code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(clone), 1, thread);

	if (code == 0)
		code = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
	if (code == 0) /* abort() */
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(tgkill), 1, ours);
	if (code == 0) /* limits may be read, and only one's own */
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
					SCMP_A2(SCMP_CMP_EQ, 0));
	return code;
}

/* What is allowed on a descriptor with some arguments only. */
static int add_descriptors(scmp_filter_ctx c)
{
	int code = 0;

	for (size_t i = 0; i < COUNT(ioctl_requests) && code == 0; i++)
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(ioctl), 1,
					SCMP_A1(SCMP_CMP_EQ, ioctl_requests[i]));
	if (code == 0) /* no address: to the socket's own peer */
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(sendto), 1, SCMP_A4(SCMP_CMP_EQ, 0));
	return code;
}

/* In place of what for_files allows whole. statx is missed without harm: fstat follows. */
static int add_net(scmp_filter_ctx c)
{
	int code = seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), CALL(statx), 0);

	if (code == 0) /* the C library's fstat */
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(newfstatat), 1,
					SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	for (size_t i = 0; i < COUNT(fcntl_commands) && code == 0; i++)
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(fcntl), 1,
					SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntl_commands[i]));
	return code;
}

/* TCP and UDP: no raw packets, even for root. */
static int add_sockets(scmp_filter_ctx c)
{
	static const int families[] = { AF_INET, AF_INET6 }, types[] = { SOCK_STREAM, SOCK_DGRAM };
	const scmp_datum_t flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int code = 0;

	for (unsigned i = 0; i < 4 && code == 0; i++)
		code = seccomp_rule_add(c, SCMP_ACT_ALLOW, CALL(socket), 2,
					SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i / 2]),
					SCMP_A1(SCMP_CMP_MASKED_EQ, ~flags, (scmp_datum_t)types[i % 2]));
	return code;
}

/* Sockets of its own: to other servers, and to resolvers. */
static int add_out(scmp_filter_ctx c)
{
	static const int calls[] = { CALL(connect), CALL(bind), CALL(sendto) };
	int code = add_net(c);

	if (code == 0)
		code = add_sockets(c);
	return code == 0 ? add_list(c, SCMP_ACT_ALLOW, calls, COUNT(calls)) : code;
}

static int add_kind(scmp_filter_ctx c, enum sandbox_kind kind)
{
	switch (kind) {
	case SANDBOX_NET:
		return add_net(c);
	case SANDBOX_OUT:
		return add_out(c);
	case SANDBOX_FILES:
		break;
	}
	return add_list(c, SCMP_ACT_ALLOW, for_files, COUNT(for_files));
}

static int add_all(scmp_filter_ctx c, enum sandbox_kind kind)
{
	int code = add_list(c, SCMP_ACT_ALLOW, for_all, COUNT(for_all));

	if (code == 0)
		code = add_list(c, SCMP_ACT_KILL_PROCESS, deadly, COUNT(deadly));
	if (code == 0)
		code = add_memory(c);
	if (code == 0)
		code = add_threads(c);
	if (code == 0)
		code = add_descriptors(c);
	if (code == 0)
		code = add_kind(c, kind);
	return code;
}

int calls_enter(enum sandbox_kind kind, struct error *err)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int code;

	if (c == NULL)
		return error_set(err, -ENOMEM, "no memory for a list of system calls");
	code = seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);
	if (code == 0) /* a tree: the calls of a busy loop pay for few steps */
		code = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (code == 0)
		code = add_all(c, kind);
	if (code == 0)
		code = seccomp_load(c);
	seccomp_release(c);
	return code < 0 ? error_system(err, -code, "can't put the list of system calls in force") : 0;
}
