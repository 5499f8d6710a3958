/*
 * report_advice.c - what a reply means for the person who wrote the message, and what to do.
 *
 * Rows are tried from the first on: those with words of a reply stand before those that know
 * its status alone, as many servers say 5.7.1 or 5.0.0 to everything. In words, capitals
 * count as small letters; "|" stands between alternatives.
 */
#include <string.h>

#include "common/base/ascii.h"
#include "deliverd/report.h"

static const struct row {
	const char *status;	/* "5.1.1", "5.1." for all that begin so, "" for any */
	const char *words;	/* NULL: any */
	const char *advice;
} rows[] = {
	{ "", "mail loop|too many hops|loops back|hop count|delivered-to|leads back to us",
	  "The message went round in circles: two servers, or two forwarding rules, each hand it to the other. Tell the recipient, or "
	  "your administrator if the address is one of yours." },
	{ "", "dmarc",
	  "The recipient's server could not see that the message is really from your domain (DMARC). That is for your administrator to "
	  "mend: `yubin dns check` says what is missing in SPF or DKIM." },
	{ "5.7.26", NULL,
	  "The recipient's server wants proof that the message is from your domain (SPF, DKIM). That is for your administrator to mend: "
	  "`yubin dns check` says what is missing." },
	{ "", "spf",
	  "The recipient's server says that we may not send mail for your domain (SPF). Your administrator has to name this server in the "
	  "domain's SPF record." },
	{ "5.7.25", NULL,
	  "The recipient's server wants the address of this server to have a name (PTR record). Your administrator can ask the provider "
	  "for it." },
	{ "", "reverse dns|ptr record|rdns|reverse lookup|reverse hostname|helo",
	  "The recipient's server wants the address of this server to have a name that leads back to it (PTR record). Your administrator "
	  "can ask the provider for it." },
	{ "", "spamhaus|blacklist|black list|blocklist|block list|blocked using|rbl|dnsbl|listed at|listed in|barracuda|spamcop|poor reputation|low reputation|bad reputation|sender reputation|ip reputation",
	  "The recipient's server refuses mail from this server's address, because it stands on a list of senders of spam or has no good "
	  "name yet. The reason often names the list and a page where your administrator can ask to be removed." },
	{ "4.", "greylist|grey list|graylist|gray list",
	  "The recipient's server lets senders that it does not know wait for some minutes (greylisting). The next attempt mostly succeeds." },
	{ "4.", "rate limit|too many|throttl|try again later|deferred due to|unusual rate|exceeded the rate",
	  "The recipient's server takes only so much mail at a time. It is tried again more slowly." },
	{ "5.", "spam|junk|content rejected|message content|virus|malware|phish|suspicious",
	  "The recipient's server took the message for spam or found something dangerous in it. Write it in other words, with fewer links and "
	  "without attachments, or reach the recipient in another way and ask to be let through." },
	{ "", "does not accept mail|accepts no mail|null mx",
	  "This domain says that it takes no mail at all. Check what stands behind the @." },
	{ "5.1.10", NULL, "This domain says that it takes no mail at all. Check what stands behind the @." },
	{ "", "mailbox full|mailbox is full|over quota|overquota|quota exceeded|exceeded storage|out of storage|insufficient storage|mailbox size limit",
	  "The recipient's mailbox is full. Tell them in another way, and send the message again later." },
	{ "5.2.2", NULL, "The recipient's mailbox is full. Tell them in another way, and send the message again later." },
	{ "4.2.2", NULL, "The recipient's mailbox is full. It is tried again, in case they make room." },
	{ "5.3.4", NULL,
	  "The message is larger than the recipient's server takes. Make attachments smaller, or send a link to them instead." },
	{ "5.2.3", NULL,
	  "The message is larger than the recipient may get. Make attachments smaller, or send a link to them instead." },
	{ "", "too large|too big|size limit|exceeds size|maximum message size|message size exceeds",
	  "The message is larger than the recipient's server takes. Make attachments smaller, or send a link to them instead." },
	{ "5.2.1", NULL, "The recipient's mailbox is closed at the moment. Reach them in another way." },
	{ "5.1.6", NULL, "The recipient has moved, and the old address no longer takes mail. Ask them for the new one." },
	{ "5.1.1", NULL,
	  "There is no such address on the recipient's server. Check how it is spelled, above all before the @, and send the message again." },
	{ "5.1.2", NULL,
	  "The domain behind the @ does not exist, or has no mail server. Check how it is spelled, and send the message again." },
	{ "4.1.2", NULL, "The domain behind the @ can't be found at the moment. It is tried again." },
	{ "5.1.3", NULL, "This is no valid address. Check how it is spelled, and send the message again." },
	{ "5.1.7", NULL, "The recipient's server does not take the address that the message comes from. Your administrator should look at it." },
	{ "5.1.8", NULL,
	  "The recipient's server finds no domain for the address that the message comes from. Your administrator should look at the DNS of "
	  "your domain: `yubin dns check`." },
	{ "5.", "user unknown|unknown user|no such user|no such recipient|does not exist|doesn't exist|not found|unknown recipient|invalid recipient|no mailbox|mailbox unavailable|recipient rejected|address rejected",
	  "There is no such address on the recipient's server. Check how it is spelled, above all before the @, and send the message again." },
	{ "", "bogus|dnssec",
	  "The recipient's domain has a fault in its DNSSEC signatures, so that nobody can be sure where its mail goes. Only they can mend "
	  "that: tell them in another way." },
	{ "", "relay access denied|relaying denied|unable to relay|not permitted to relay|relay not permitted",
	  "The server that the recipient's domain names does not take mail for it. Check what stands behind the @; else only they can "
	  "mend it." },
	{ "5.7.30", NULL,
	  "You asked for encryption all the way (REQUIRETLS), and the recipient's server can't do it. Send the message without that wish, or "
	  "not by mail." },
	{ "", "tlsa|dane",
	  "The recipient's domain says which certificate its server has (DANE), and the server showed another one. Somebody may be listening, "
	  "or they forgot to publish the new one: the message is not sent into the wrong hands. Tell them in another way." },
	{ "", "mta-sts|mta sts",
	  "The recipient's domain wants its mail encrypted to a server that proves its name (MTA-STS), and the server did not. The message is "
	  "not sent into the wrong hands. Tell them in another way." },
	{ "", "certificate",
	  "The recipient's server could not prove with its certificate that it is the right one, and your mail server is set to insist on that. "
	  "Tell the recipient, or your administrator." },
	{ "", "starttls|no tls|does not offer tls|handshake|encryption",
	  "The connection to the recipient's server could not be encrypted, and mail for it must not go in clear. Tell the recipient, or "
	  "your administrator." },
	{ "", "connection refused|refused the connection",
	  "The recipient's server does not answer: nothing listens there at the moment. Mostly that passes; else check the domain behind the @." },
	{ "", "timed out|timeout|time out| seconds|no answer|unreachable|no route",
	  "The recipient's server does not answer. It may be down, or the way to it is." },
	{ "", "smtputf8|utf-8 address|non-ascii",
	  "The recipient's server takes no addresses or headers with letters beyond English ones. Use an address without them." },
	{ "5.6.7", NULL, "The recipient's server takes no addresses with letters beyond English ones. Use an address without them." },
	{ "5.6.", NULL,
	  "The recipient's server can't take the message in this form. Send it as plain text, or with its attachments packed." },
	{ "5.5.3", NULL, "The message has more recipients than the server takes. Send it to fewer at a time." },
	{ "", "authentication|auth ",
	  "The server that takes our mail did not accept our name and password. That is for your administrator to mend." },
	{ "4.4.7", NULL, "The message could not be delivered in all the time that it is tried. Reach the recipient in another way, or send it again." },
	{ "5.4.7", NULL, "The message could not be delivered in all the time that it is tried. Reach the recipient in another way, or send it again." },
	{ "5.4.6", NULL,
	  "The message went round in circles: two servers, or two forwarding rules, each hand it to the other. Tell the recipient, or "
	  "your administrator if the address is one of yours." },
	{ "5.4.4", NULL, "No server could be found for the domain behind the @. Check how it is spelled." },
	{ "4.4.", NULL, "The recipient's server can't be reached at the moment. It is tried again." },
	{ "4.3.", NULL, "The recipient's server has trouble of its own at the moment. It is tried again." },
	{ "4.2.", NULL, "The recipient's mailbox can't take mail at the moment. It is tried again." },
	{ "5.7.", NULL,
	  "The recipient's server refuses the message by a rule of its own. The reason may say which; else ask the recipient in another way." },
	{ "5.3.", NULL, "The recipient's server can't take the message. Only its administrators can mend that." },
	{ "4.", NULL, "The recipient's server did not take the message yet. It is tried again." },
	{ "", NULL, "The recipient's server refuses the message; the reason is its own." },
};

static bool starts_at(struct span text, size_t at, struct span word)
{
	if (word.n > text.n - at)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if (ascii_lower(text.p[at + i]) != word.p[i])
			return false;
	return true;
}

static bool holds(struct span text, struct span word)
{
	for (size_t at = 0; at < text.n; at++)
		if (starts_at(text, at, word))
			return true;
	return false;
}

static bool holds_one(struct span text, const char *words)
{
	struct span list = span_of(words);

	while (list.n > 0)
		if (holds(text, span_take_until(&list, '|')))
			return true;
	return false;
}

/* A status that ends in a dot stands for all below it. */
static bool is_status(struct span status, const char *want)
{
	size_t n = strlen(want);

	return n == 0 || (want[n - 1] == '.' ? span_starts(status, want) : span_is(status, want));
}

const char *report_advice(struct span status, struct span words)
{
	size_t i = 0;

	while (!is_status(status, rows[i].status) || (rows[i].words != NULL && !holds_one(words, rows[i].words)))
		i++;	/* the last row fits everything */
	return rows[i].advice;
}
