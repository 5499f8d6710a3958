/*
 * accept.c - the least that a TLS server can do: accept, handshake, one line, close.
 *
 * What OpenSSL itself costs for a connection, to hold a mail server against. One process,
 * blocking, one connection after another.
 * usage: accept PORT CERTIFICATE KEY
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1024) < 0) {
		perror("accept: listen");
		exit(1);
	}
	return fd;
}

/* What every server sets that is well set up: one ticket, ECDHE, no cache. */
static SSL_CTX *context_of(const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		fprintf(stderr, "accept: certificate or key not taken\n");
		exit(1);
	}
	return ctx;
}

static void serve(SSL_CTX *ctx, int fd)
{
	static const char greeting[] = "* OK ready\r\n";
	SSL *ssl = SSL_new(ctx);
	int one = 1;
	char rest[256];

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		SSL_write(ssl, greeting, sizeof(greeting) - 1);
		while (SSL_read(ssl, rest, sizeof(rest)) > 0)
			;
		SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	close(fd);
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: accept PORT CERTIFICATE KEY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	ctx = context_of(argv[2], argv[3]);
	fd = listen_at((int)strtol(argv[1], NULL, 10));
	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (c >= 0)
			serve(ctx, c);
	}
}
