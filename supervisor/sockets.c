/* sockets.c - the contract is in sockets.h. */
#include "supervisor/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "supervisor/holder.h"
#include "supervisor/local_socket.h"

struct socket {
	struct socket *next;
	enum daemon daemon;
	char host[46];
	uint16_t port;
	char path[80]; /* "": a port */
	int fd;
	bool fresh; /* opened since the last commit */
};

struct sockets {
	struct socket *first;
};

int sockets_new(struct sockets **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? 0 : error_set(err, -ENOMEM, "no memory");
}

/* Closes those that drop says yes to. */
static void sockets_drop(struct sockets *s, bool (*drop)(const struct socket *, const void *),
			 const void *arg)
{
	struct socket **at = &s->first, *gone;

	while (*at != NULL) {
		if (!drop(*at, arg)) {
			at = &(*at)->next;
			continue;
		}
		gone = *at;
		*at = gone->next;
		close(gone->fd);
		if (*gone->path != '\0')
			local_socket_remove(gone->path);
		free(gone);
	}
}

static bool drop_all(const struct socket *k, const void *arg)
{
	(void)k;
	(void)arg;
	return true;
}

void sockets_free(struct sockets *s)
{
	if (s == NULL)
		return;
	sockets_drop(s, drop_all, NULL);
	free(s);
}

/* --- opening --------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(union address *a, const char *host, uint16_t port)
{
	*a = (union address){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1)
		return sizeof(a->v6);
	*a = (union address){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
	inet_pton(AF_INET, host, &a->v4.sin_addr);
	return sizeof(a->v4);
}

/* A listening socket, or a negative errno. */
static int listen_at(const char *host, uint16_t port, int v6_only)
{
	union address a;
	socklen_t n = address_of(&a, host, port);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, code;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if ((a.any.sa_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) == 0) &&
	    bind(fd, &a.any, n) == 0 && listen(fd, SOCKETS_BACKLOG) == 0)
		return fd;
	code = -errno;
	close(fd);
	return code;
}

static bool no_ipv6(int code)
{
	return code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL;
}

static int try_open(const struct config_listen *l)
{
	int fd;

	if (*l->host != '\0')
		return listen_at(l->host, l->port, 1);
	fd = listen_at("::", l->port, 0);
	return no_ipv6(fd) ? listen_at("0.0.0.0", l->port, 0) : fd;
}

/* The same, again until the deadline while the port is taken. */
static int try_until(const struct config_listen *l, uint64_t deadline_ms)
{
	static const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int fd;

	while ((fd = try_open(l)) == -EADDRINUSE && clock_mono_ms() < deadline_ms)
		nanosleep(&pause, NULL);
	return fd;
}

static void say_failure(const struct config_listen *l, const char *file, int code, struct report *r)
{
	char who[200];

	if (code == -EADDRINUSE)
		report_error(r, "%s:%u: port %u at %s is taken%s", file, l->line, l->port, l->text,
			     holder_of_port(l->port, who, sizeof(who)));
	else if (code == -EACCES)
		report_error(r,
			     "%s:%u: port %u at %s: only root may open ports below 1024; start as root, or "
			     "make the site "
			     "with --port-base 10000",
			     file, l->line, l->port, l->text);
	else
		report_error(r, "%s:%u: Listen %s: %s", file, l->line, l->text, strerror(-code));
}

static bool is_at(const struct socket *k, const struct config_listen *l)
{
	return k->port == l->port && strcmp(k->host, l->host) == 0 && strcmp(k->path, config_listen_path(l)) == 0;
}

static struct socket *find(const struct sockets *s, enum daemon d, const struct config_listen *l)
{
	for (struct socket *k = s->first; k != NULL; k = k->next)
		if (k->daemon == d && is_at(k, l))
			return k;
	return NULL;
}

static int add(struct sockets *s, enum daemon d, const struct config_listen *l, int fd, struct report *r)
{
	struct socket *k = calloc(1, sizeof(*k));

	if (k == NULL) {
		close(fd);
		report_error(r, "no memory");
		return -ENOMEM;
	}
	*k = (struct socket){ .next = s->first, .daemon = d, .port = l->port, .fd = fd, .fresh = true };
	memcpy(k->host, l->host, sizeof(k->host));
	snprintf(k->path, sizeof(k->path), "%s", config_listen_path(l));
	s->first = k;
	return 0;
}

/* At a path; one that is open already gets the rights that hold now. */
static int open_local(struct sockets *s, const struct setup *setup, enum daemon d, size_t i, struct report *r)
{
	const struct config *c = setup_of(setup, d)->config;
	const struct config_listen *l = config_listen(c, i);
	struct error err;
	int rc;

	if (find(s, d, l) != NULL)
		rc = local_socket_allow(config_listen_path(l), config_listen_scope(c, i), &err);
	else
		rc = local_socket_open(config_listen_path(l), config_listen_scope(c, i), &err);
	if (rc < 0)
		report_error(r, "%s:%u: %s", setup_name(setup, d), l->line, err.words);
	return rc > 0 ? add(s, d, l, rc, r) : rc;
}

static int open_one(struct sockets *s, const struct setup *setup, enum daemon d,
		    const struct config_listen *l, uint64_t deadline_ms, struct report *r)
{
	int fd;

	if (find(s, d, l) != NULL)
		return 0;
	fd = try_until(l, deadline_ms);
	if (fd >= 0)
		return add(s, d, l, fd, r);
	if (no_ipv6(fd) && strcmp(l->host, "::1") == 0) {
		report_warn(r, "%s:%u: Listen %s is left out: this machine has no IPv6", setup_name(setup, d),
			    l->line, l->text);
		return 0;
	}
	say_failure(l, setup_name(setup, d), fd, r);
	return fd;
}

int sockets_open(struct sockets *s, const struct setup *setup, const struct sockets_of *of,
		 unsigned patience_ms, struct report *r)
{
	uint64_t deadline_ms = clock_mono_ms() + patience_ms;
	int rc = 0;

	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		const struct config *c = setup_of(setup, d)->config;

		for (size_t i = 0; of->daemon[d] && i < config_listen_count(c); i++)
			if (setup_opens(setup, d, i)) {
				const struct config_listen *l = config_listen(c, i);
				int code = *config_listen_path(l) != '\0' ?
						   open_local(s, setup, d, i, r) :
						   open_one(s, setup, d, l, deadline_ms, r);

				rc = rc == 0 ? code : rc;
			}
	}
	if (rc != 0)
		sockets_revert(s);
	return rc;
}

static bool is_fresh(const struct socket *k, const void *arg)
{
	(void)arg;
	return k->fresh;
}

void sockets_revert(struct sockets *s)
{
	sockets_drop(s, is_fresh, NULL);
}

struct wanted {
	const struct setup *setup;
	const struct sockets_of *of;
};

static bool unwanted(const struct socket *k, const void *arg)
{
	const struct wanted *w = arg;
	const struct config *c = setup_of(w->setup, k->daemon)->config;

	if (!w->of->daemon[k->daemon])
		return false;
	for (size_t i = 0; i < config_listen_count(c); i++) {
		const struct config_listen *l = config_listen(c, i);

		if (is_at(k, l) && setup_opens(w->setup, k->daemon, i))
			return false;
	}
	return true;
}

void sockets_commit(struct sockets *s, const struct setup *setup, const struct sockets_of *of)
{
	const struct wanted wanted = { .setup = setup, .of = of };

	sockets_drop(s, unwanted, &wanted);
	for (struct socket *k = s->first; k != NULL; k = k->next)
		k->fresh = false;
}

int sockets_find(const struct sockets *s, const struct setup *setup, enum daemon d, size_t i)
{
	const struct socket *k;

	if (!setup_opens(setup, d, i))
		return -1;
	k = find(s, d, config_listen(setup_of(setup, d)->config, i));
	return k != NULL ? k->fd : -1;
}
