/* landlock.c - the contract is in landlock.h. */
#include "common/proc/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers that we may be built with: the kernel's numbers. */
enum {
	ACCESS_FS_TRUNCATE = 1 << 14,     /* ABI 3 */
	ACCESS_FS_IOCTL_DEV = 1 << 15,    /* ABI 5 */
	ACCESS_NET_BIND = 1 << 0,         /* ABI 4 */
	ACCESS_NET_CONNECT = 1 << 1,
	RULE_NET_PORT = 2,
	ACCESS_NET_TCP = 1 << 0 | 1 << 1, /* bind, connect */
	SCOPE_ALL = 1 << 0 | 1 << 1       /* ABI 6: abstract sockets, signals */
};

/* struct landlock_ruleset_attr as ABI 6 has it. Older kernels take a longer one as
 * long as what they don't know is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

enum {
	FS_ABI_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	/* What a store never does beneath its folders. */
	FS_NEVER = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		   LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
		   ACCESS_FS_IOCTL_DEV
};

/* struct landlock_net_port_attr. */
struct net_port {
	uint64_t access, port;
};

static struct ruleset all_rights(long abi)
{
	struct ruleset r = { .fs = FS_ABI_1 };

	if (abi >= 2)
		r.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		r.fs |= ACCESS_FS_TRUNCATE;
	if (abi >= 4)
		r.net = ACCESS_NET_TCP;
	if (abi >= 5)
		r.fs |= ACCESS_FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPE_ALL;
	return r;
}

static int allow_folders(int rules, uint64_t rights, const int *folders, unsigned folder_count,
			 struct error *err)
{
	for (unsigned i = 0; i < folder_count; i++) {
		struct landlock_path_beneath_attr beneath = { .allowed_access = rights,
							      .parent_fd = folders[i] };

		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
			return error_system(err, errno, "can't allow a folder in Landlock");
	}
	return 0;
}

/* Own address, any port: what a socket that connects may be bound to. */
static int allow_any_port(int rules, long abi, struct error *err)
{
	struct net_port any = { ACCESS_NET_BIND, 0 };

	if (abi >= 4 && syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &any, 0) < 0)
		return error_system(err, errno, "can't allow own addresses in Landlock");
	return 0;
}

int landlock_enter(const int *folders, unsigned folder_count, enum landlock_tcp tcp, struct error *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset all = all_rights(abi);
	int rules, code;

	if (abi < 1)
		return 0;
	if (tcp == LANDLOCK_TCP_CONNECT)
		all.net &= ~(uint64_t)ACCESS_NET_CONNECT;
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return error_system(err, errno, "can't make Landlock's rules");
	code = allow_folders(rules, all.fs & ~(uint64_t)FS_NEVER, folders, folder_count, err);
	if (code == 0 && tcp == LANDLOCK_TCP_CONNECT)
		code = allow_any_port(rules, abi, err);
	if (code == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		code = error_system(err, errno, "can't enter Landlock");
	close(rules);
	return code < 0 ? code : (int)abi;
}
