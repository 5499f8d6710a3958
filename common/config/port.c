/* port.c - ADDRESS:PORT implicit|explicit|plain [mx|submission|lmtp], or unix:PATH plain lmtp */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "common/base/escape.h"
#include "common/config/scope.h"

static const char form[] = "write Listen ADDRESS:PORT MODE, with an IPv4 address, an IPv6 address in [] or *";

static const char unix_prefix[] = "unix:";

static struct span take_word(struct span *in)
{
	size_t n = 0;

	*in = span_trim(*in);
	while (n < in->n && in->p[n] != ' ' && in->p[n] != '\t')
		n++;
	return span_take(in, n);
}

/* host as inet_ntop writes it, so that two spellings of one address are found equal. */
static int parse_host(struct config_listen *l, struct span text, struct error *err)
{
	bool v6 = text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']';
	char host[INET6_ADDRSTRLEN], shown[80];
	struct in6_addr address;

	if (span_is(text, "*"))
		return 0;
	escape_text(shown, sizeof(shown), text);
	if (v6)
		text = (struct span){ text.p + 1, text.n - 2 };
	if (text.n < sizeof(host)) {
		memcpy(host, text.p, text.n);
		host[text.n] = '\0';
		if (inet_pton(v6 ? AF_INET6 : AF_INET, host, &address) == 1) {
			if (v6 && IN6_IS_ADDR_V4MAPPED(&address))
				return error_set(err, -EINVAL, "%s: write the IPv4 address itself", shown);
			inet_ntop(v6 ? AF_INET6 : AF_INET, &address, l->host, sizeof(l->host));
			return 0;
		}
	}
	return error_set(err, -EINVAL, "\"%s\" is no address; %s", shown, form);
}

static int parse_place(struct config_listen *l, struct span text, struct error *err)
{
	struct span host = text;
	uint64_t port;
	char shown[80];

	escape_text(shown, sizeof(shown), text);
	while (host.n > 0 && host.p[host.n - 1] != ':')
		host.n--;
	if (host.n == 0 || text.n >= sizeof(l->text))
		return error_set(err, -EINVAL, "\"%s\" has no port; %s", shown, form);
	if (!span_number((struct span){ text.p + host.n, text.n - host.n }, 65535, &port) || port == 0)
		return error_set(err, -EINVAL, "\"%s\": the port must be a number from 1 to 65535", shown);
	host.n--;
	l->port = (uint16_t)port;
	memcpy(l->text, text.p, text.n);
	l->text[text.n] = '\0';
	return parse_host(l, host, err);
}

/* The path of a Unix socket, which is for other programs of this machine. */
static int parse_path(struct config_listen *l, struct span text, struct error *err)
{
	char shown[80];

	escape_text(shown, sizeof(shown), text);
	if (text.n >= sizeof(l->text))
		return error_set(err, -EINVAL, "%s: a path has %zu bytes at most", shown,
				 sizeof(l->text) - 1 - strlen(unix_prefix));
	memcpy(l->text, text.p, text.n);
	l->text[text.n] = '\0';
	return *config_listen_path(l) == '/' ?
		       0 :
		       error_set(err, -EINVAL, "%s: write the whole path: Listen unix:/run/yubin/lmtp plain lmtp", shown);
}

static int parse_mode(struct config_listen *l, struct span word, struct error *err)
{
	static const char *const modes[] = { [CONFIG_MODE_PLAIN] = "plain",
					     [CONFIG_MODE_EXPLICIT] = "explicit",
					     [CONFIG_MODE_IMPLICIT] = "implicit" };
	char shown[40];

	for (unsigned i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (span_is_nocase(word, modes[i])) {
			l->mode = i;
			return 0;
		}
	return error_set(
	    err, -EINVAL,
	    "%s needs a mode, not \"%s\": implicit (TLS from the first byte), explicit (STARTTLS) or plain "
	    "(never TLS)",
	    l->text, escape_text(shown, sizeof(shown), word));
}

static int parse_service(struct config_listen *l, enum config_file which, struct span word, struct error *err)
{
	char shown[40];

	escape_text(shown, sizeof(shown), word);
	if (which != CONFIG_SMTPD) {
		if (word.n == 0)
			return 0;
		return error_set(err, -EINVAL,
				 "%s: \"%s\": nothing may follow the mode here (mx, submission and lmtp are for "
				 "smtpd.conf)",
				 l->text, shown);
	}
	if (span_is_nocase(word, "mx"))
		l->service = CONFIG_SERVICE_MX;
	else if (span_is_nocase(word, "submission"))
		l->service = CONFIG_SERVICE_SUBMISSION;
	else if (span_is_nocase(word, "lmtp") && l->port == 25)	/* RFC 2033 5 */
		return error_set(err, -EINVAL, "%s: port 25 is not for lmtp", l->text);
	else if (span_is_nocase(word, "lmtp"))
		l->service = CONFIG_SERVICE_LMTP;
	else
		return error_set(err, -EINVAL,
				 "%s needs mx (mail from other servers), submission (mail from our own "
				 "users) or lmtp behind the mode, not \"%s\"",
				 l->text, shown);
	return 0;
}

int config_port_parse(struct config_listen *l, enum config_file which, struct span text, struct error *err)
{
	struct span place = take_word(&text), mode = take_word(&text), service = take_word(&text);
	char shown[80];
	int rc;

	rc = span_starts_nocase(place, unix_prefix) ? parse_path(l, place, err) : parse_place(l, place, err);
	if (rc == 0)
		rc = parse_mode(l, mode, err);
	if (rc == 0)
		rc = parse_service(l, which, service, err);
	if (rc == 0 && *config_listen_path(l) != '\0' &&
	    (l->service != CONFIG_SERVICE_LMTP || l->mode != CONFIG_MODE_PLAIN))
		rc = error_set(err, -EINVAL, "%s: a path takes plain lmtp, nothing else", l->text);
	text = span_trim(text);
	if (rc == 0 && text.n > 0)
		rc = error_set(err, -EINVAL, "%s: \"%s\" is too much; one Listen is one address and port",
			       l->text, escape_text(shown, sizeof(shown), text));
	return rc;
}

static bool is_v6(const struct config_listen *l)
{
	return strchr(l->host, ':') != NULL;
}

static bool is_any(const struct config_listen *l)
{
	return strcmp(l->host, "0.0.0.0") == 0 || strcmp(l->host, "::") == 0;
}

const char *config_listen_path(const struct config_listen *l)
{
	return span_starts_nocase(span_of(l->text), unix_prefix) ? l->text + strlen(unix_prefix) : "";
}

bool config_listen_overlap(const struct config_listen *a, const struct config_listen *b)
{
	if (*config_listen_path(a) != '\0' || *config_listen_path(b) != '\0')
		return strcmp(config_listen_path(a), config_listen_path(b)) == 0;
	if (a->port != b->port)
		return false;
	if (*a->host == '\0' || *b->host == '\0')
		return true;
	if (is_v6(a) != is_v6(b))
		return false;
	return is_any(a) || is_any(b) || strcmp(a->host, b->host) == 0;
}
