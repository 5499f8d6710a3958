/* conf.c - the contract is in conf.h. */
#include "admin/conf.h"

static const struct {
	enum config_file which;
	const char *what;
} files[] = {
	{ CONFIG_YUBIN, "what holds for the whole server" },
	{ CONFIG_SMTPD, "SMTP: mail from other servers (mx) and from the users' programs (submission)" },
	{ CONFIG_POP3D, "POP3: mail is fetched" },
	{ CONFIG_IMAPD, "IMAP: mail is read where it lies" },
	{ CONFIG_AUTHD, "who may log in, and whose mail is whose" },
	{ CONFIG_STORAGED, "where the mail lies" },
	{ CONFIG_DELIVERD, "mail leaves for other servers" },
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static const struct {
	enum config_file which;
	int port;
	const char *how;
} ports[] = {
	{ CONFIG_SMTPD, 25, "explicit mx" },
	{ CONFIG_SMTPD, 587, "explicit submission" },
	{ CONFIG_SMTPD, 465, "implicit submission" },
	{ CONFIG_POP3D, 110, "explicit" },
	{ CONFIG_POP3D, 995, "implicit" },
	{ CONFIG_IMAPD, 143, "explicit" },
	{ CONFIG_IMAPD, 993, "implicit" },
};
enum { PORTS = sizeof(ports) / sizeof(ports[0]) };

enum config_file conf_file(unsigned i)
{
	return i < FILES ? files[i].which : 0;
}

static void put_head(enum config_file which, struct buf *out)
{
	for (unsigned i = 0; i < FILES; i++)
		if (files[i].which == which)
			buf_printf(out, "# %s.conf - %s.\n", config_file_name(which), files[i].what);
	buf_put_text(out, "#\n# `Key value`, one a line. At the top stands what is set; behind it every key "
			  "with its default: take the\n"
			  "# \"#\" away to change it. Then: yubin config check, yubin reload.\n");
}

static void put_ports(const struct conf_plan *plan, enum config_file which, struct buf *out)
{
	buf_put_text(out, "\nCertificate tls/server.pem\nPrivateKey tls/server.key\n"
			  "Certificate tls/server-rsa.pem\nPrivateKey tls/server-rsa.key\n"
			  "\n# Keys that are indented under a Listen are that port's alone.\n");
	for (unsigned i = 0; i < PORTS; i++) {
		if (ports[i].which != which)
			continue;
		if (plan->port_base < 0)
			buf_printf(out, "Listen *:%d %s\n", ports[i].port, ports[i].how);
		else
			buf_printf(out, "Listen 127.0.0.1:%d %s\nListen [::1]:%d %s\n",
				   plan->port_base + ports[i].port, ports[i].how,
				   plan->port_base + ports[i].port, ports[i].how);
	}
}

void conf_write(const struct conf_plan *plan, enum config_file which, struct buf *out)
{
	struct buf head;

	buf_init(&head, 8192);
	put_head(which, &head);
	if (which == CONFIG_YUBIN)
		buf_printf(&head, "\nHostname %s\nLimitExempt 127.0.0.0/8 ::1\n", plan->hostname);
	else if (which == CONFIG_SMTPD || which == CONFIG_POP3D || which == CONFIG_IMAPD)
		put_ports(plan, which, &head);
	buf_put_byte(&head, '\0');
	if (head.failed)
		out->failed = true;
	else
		config_write_commented(which, (const char *)head.p, out);
	buf_clear(&head);
}
