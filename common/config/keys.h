/*
 * keys.h - every configuration key, one row each.
 *
 * The parser, defaults, range checks, `yubin config show`, the manual pages and
 * the commented files in etc/ come from these rows and from nothing else.
 * Row     X(ID, "Name", files, type, "default", least, most, effect, flags, "help")
 *         default, least and most as a person would write them; least and most
 *         are "" where any value goes. For a word, most lists the words.
 *         A default of "" means: not set.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#define IN_NET   (CONFIG_SMTPD | CONFIG_POP3D | CONFIG_IMAPD)
#define IN_MAIL  (CONFIG_POP3D | CONFIG_IMAPD)
#define IN_TLS   (IN_NET | CONFIG_DELIVERD)
#define IN_ALL   (IN_NET | CONFIG_AUTHD | CONFIG_STORAGED | CONFIG_DELIVERD)

#define CONFIG_KEYS(X) \
/* yubin.conf */ \
X(HOSTNAME, "Hostname", CONFIG_YUBIN, TEXT, "localhost", "", "", RESTART, 0, \
  "The name of this server: in greetings, Received lines and Message-IDs") \
X(LOG_LEVEL, "LogLevel", CONFIG_YUBIN, WORD, "info", "", "error warn info debug", RELOAD, 0, \
  "How much the log tells; info is the story of each session") \
X(LIMIT_EXEMPT, "LimitExempt", CONFIG_YUBIN, NETWORKS, "", "", "", SESSIONS, CONFIG_REPEAT, \
  "Networks (10.0.0.0/8, fd00::/8) whose clients the limits by address leave alone") \
X(STOP_TIME, "StopTime", CONFIG_YUBIN, TIME, "10s", "1s", "10m", RELOAD, 0, \
  "How long `yubin stop` waits for commands in hand") \
X(DRAIN_TIME, "DrainTime", CONFIG_YUBIN, TIME, "30m", "1s", "1d", RELOAD, 0, \
  "How long the old processes keep idle sessions after a reload that changed ports") \
X(WATCH_TIME, "WatchTime", CONFIG_YUBIN, TIME, "2s", "0s", "1d", RELOAD, 0, \
  "How often the files of certificates, keys, authorities and revocation lists are looked at: changed ones are tested and taken without a reload; 0s: never") \
X(FLAGS, "Flags", CONFIG_YUBIN, TEXT, "", "", "", RESTART, 0, \
  "XMail's switches: -X- -B- -I- -W- turn implicit TLS off for SMTP, POP3, IMAP, CTRL") \
X(SMTP_TLS, "EnableSMTP-TLS", CONFIG_YUBIN, BOOL, "yes", "", "", RESTART, 0, \
  "XMail's name for EnableTLS in smtpd.conf") \
X(POP3_TLS, "EnablePOP3-TLS", CONFIG_YUBIN, BOOL, "yes", "", "", RESTART, 0, \
  "XMail's name for EnableTLS in pop3d.conf") \
X(IMAP_TLS, "EnableIMAP-TLS", CONFIG_YUBIN, BOOL, "yes", "", "", RESTART, 0, \
  "XMail's name for EnableTLS in imapd.conf") \
X(CTRL_TLS, "EnableCTRL-TLS", CONFIG_YUBIN, BOOL, "yes", "", "", RESTART, 0, \
  "Understood for XMail's sake; there is no ctrld yet") \
/* every daemon */ \
X(USER, "User", IN_ALL, TEXT, "", "", "", RESTART, 0, \
  "The system user to become; by default yubin-net (smtpd, pop3d, imapd, deliverd), yubin-auth, yubin-store. Without root: not used") \
/* every network daemon: ports */ \
X(LISTEN, "Listen", IN_NET, LISTEN, "", "", "", RESTART, CONFIG_REPEAT, \
  "ADDRESS:PORT implicit|explicit|plain [mx|submission|lmtp]; indented keys below it are that port's alone") \
X(WORKERS, "Workers", CONFIG_SMTPD | CONFIG_IMAPD, NUMBER, "2", "1", "64", RESTART, 0, \
  "How many processes serve the ports") \
X(ENABLE_SSL, "EnableSSL", IN_NET, BOOL, "yes", "", "", RESTART, 0, \
  "no: the implicit TLS ports (465, 993, 995) are not opened. It switches ports, never protocol versions") \
X(ENABLE_TLS, "EnableTLS", IN_NET, BOOL, "yes", "", "", SESSIONS, 0, \
  "no: STARTTLS (STLS) is not offered. It switches the command, never protocol versions") \
X(REQUIRE_TLS, "RequireTLS", IN_NET, BOOL, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "yes: no credentials and no mail before TLS. Default: yes on submission, pop3d and imapd, no on mx") \
X(AUTH_WITHOUT_TLS, "AuthWithoutTLS", IN_NET, TEXT, "none", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "none, or the mechanisms that a client may use without TLS (PLAIN,LOGIN); POP3 USER and IMAP LOGIN count as mechanisms") \
X(MECHANISMS, "Mechanisms", IN_NET, TEXT, "SCRAM-SHA-256-PLUS,SCRAM-SHA-256,PLAIN,LOGIN,EXTERNAL", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "The SASL mechanisms that are offered, in this order; EXTERNAL only to a client whose certificate is good") \
/* every network daemon and deliverd: TLS */ \
X(TLS_PROFILE, "TlsProfile", IN_TLS, WORD, "intermediate", "", "modern intermediate exchange2015 epost", SESSIONS, CONFIG_PER_LISTEN, \
  "Sets SecureLayOption/SecureLevel/ciphers together: modern 31/2, intermediate 15/2, exchange2015 3/0, epost 3/0 with OpenSSL's DEFAULT list. SecureLayOption, TlsVersions, SecureLevel, CipherList and CipherSuites beat it where they stand at the same level of the file; under a Listen it beats those that stand above the Listens") \
X(SECURE_LAY_OPTION, "SecureLayOption", IN_TLS, NUMBER, "15", "0", "63", SESSIONS, CONFIG_PER_LISTEN, \
  "Forbidden versions, added up: 1 SSL 2.0, 2 SSL 3.0, 4 TLS 1.0, 8 TLS 1.1, 16 TLS 1.2, 32 TLS 1.3") \
X(SECURE_LEVEL, "SecureLevel", IN_TLS, NUMBER, "2", "0", "5", SESSIONS, CONFIG_PER_LISTEN, \
  "OpenSSL's security level: 2 asks for 112 bits (RSA-2048); TLS 1.0 and 1.1 work at 0 only") \
X(TLS_VERSIONS, "TlsVersions", IN_TLS, TEXT, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Another way to write SecureLayOption: 1.2-1.3 or 1.2,1.3") \
X(CIPHER_LIST, "CipherList", IN_TLS, TEXT, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Ciphers for TLS 1.2 and older, in OpenSSL's notation and in order of preference") \
X(CIPHER_SUITES, "CipherSuites", IN_TLS, TEXT, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Cipher suites for TLS 1.3, separated by colons") \
X(GROUPS, "Groups", IN_TLS, TEXT, "X25519MLKEM768:X25519:P-256:P-384:P-521", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Key exchange groups in order of preference; those that OpenSSL does not know are left out") \
X(CERTIFICATE, "Certificate", IN_NET, FILE, "", "", "", SESSIONS, CONFIG_PER_LISTEN | CONFIG_REPEAT, \
  "A PEM file, the server's certificate first, then the chain; repeat with PrivateKey for other names or key types. Relative to etc/") \
X(PRIVATE_KEY, "PrivateKey", IN_NET, FILE, "", "", "", SESSIONS, CONFIG_PER_LISTEN | CONFIG_REPEAT, \
  "The key of the Certificate in the same place of the list") \
X(OCSP_STAPLE, "OcspStaple", IN_NET, FILE, "", "", "", SESSIONS, CONFIG_PER_LISTEN | CONFIG_REPEAT, \
  "A file with an OCSP response (DER or PEM) for one of the certificates: it is sent to clients that ask, as long as it is valid. Relative to etc/") \
X(SESSION_TICKETS, "SessionTickets", IN_NET, BOOL, "yes", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Clients may resume a TLS session without a full handshake") \
X(TICKET_LIFETIME, "TicketLifetime", IN_NET, TIME, "12h", "1m", "7d", SESSIONS, CONFIG_PER_LISTEN, \
  "How long a session may be resumed") \
X(VERIFY_CLIENT, "VerifyClient", IN_NET, WORD, "no", "", "no optional require", SESSIONS, CONFIG_PER_LISTEN, \
  "Ask clients for a certificate: optional looks at one that is sent, require refuses the handshake without a good one") \
X(CLIENT_CA, "ClientCA", IN_NET, FILE, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "PEM file, or a folder of PEM files, of the authorities that client certificates are checked against. Relative to etc/") \
X(CLIENT_CRL, "ClientCRL", IN_NET, FILE, "", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "PEM file, or a folder of PEM files, of their revocation lists. Relative to etc/") \
X(CLIENT_VERIFY_DEPTH, "ClientVerifyDepth", IN_NET, NUMBER, "5", "1", "20", SESSIONS, CONFIG_PER_LISTEN, \
  "The longest chain of a client certificate") \
X(CLIENT_NAMES, "ClientNames", IN_NET, TEXT, "fingerprint,email,upn,cn", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "What in a client certificate names the account for AUTH EXTERNAL: fingerprint (yubin account cert add), email and upn (subjectAltName), cn (an address as common name)") \
X(ALLOW_SELF_SIGNED, "AllowSelfSigned", IN_NET, BOOL, "no", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "yes: a client certificate that signed itself is good if an account holds its fingerprint (yubin account cert add)") \
X(EXPLAIN_REFUSAL, "ExplainRefusal", IN_NET, BOOL, "no", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "yes: a client whose TLS is too old for the policy gets a connection all the same, on which it is told why (421 4.7.66) and nothing else") \
/* every network daemon: limits */ \
X(MAX_CONNECTIONS, "MaxConnections", IN_NET, NUMBER, "4000", "1", "60000", SESSIONS, 0, \
  "Connections that one process serves at a time; a client beyond them is told to come later (421, -ERR, BYE)") \
X(CONNECTIONS_PER_ADDRESS, "ConnectionsPerAddress", IN_NET, NUMBER, "50", "1", "60000", SESSIONS, 0, \
  "Connections that one client address may hold in one process") \
X(CONNECTIONS_PER_USER, "ConnectionsPerUser", IN_NET, NUMBER, "50", "1", "60000", SESSIONS, 0, \
  "Sessions that one account may hold in one process") \
X(PROXY_NETWORKS, "ProxyNetworks", IN_NET, NETWORKS, "", "", "", SESSIONS, CONFIG_PER_LISTEN | CONFIG_REPEAT, \
  "Networks of proxies in front of this server: each connection from there begins with a PROXY header (version 1 or 2) that names the client, or is cut off. From elsewhere none is taken") \
X(LOGIN_TIME, "LoginTime", IN_NET, TIME, "2m", "1s", "30m", SESSIONS, 0, \
  "From the connection to a finished login (mx: to the first EHLO)") \
X(HANDSHAKE_TIME, "HandshakeTime", IN_TLS, TIME, "30s", "1s", "5m", SESSIONS, 0, \
  "For a TLS handshake") \
X(SILENCE_TIME, "SilenceTime", IN_NET, TIME, "10s", "1s", "5m", SESSIONS, 0, \
  "A client that says nothing for so long at an implicit TLS port is told in clear that this port begins with TLS") \
X(IDLE_TIME, "IdleTime", IN_NET, TIME, "", "10s", "1d", SESSIONS, 0, \
  "A session without a command ends after this: smtpd 5m, pop3d 10m, imapd 30m (RFC 5321 4.5.3.2, RFC 1939 3, RFC 9051 5.4)") \
X(ANSWER_TIME, "AnswerTime", CONFIG_SMTPD | CONFIG_POP3D | CONFIG_IMAPD, TIME, "30s", "1s", "10m", SESSIONS, 0, \
  "How long storaged and authd may take to answer before a client is told to try later (451, 454, -ERR [SYS/TEMP], NO [UNAVAILABLE])") \
X(COMMIT_TIME, "CommitTime", CONFIG_SMTPD | CONFIG_POP3D | CONFIG_IMAPD, TIME, "9m", "1s", "1h", SESSIONS, 0, \
  "The same for a message that is to be stored, for what QUIT deletes, and for every change by IMAP: it may be done all the same later, so a sender may send it twice (RFC 5321 4.5.3.2.6: a client waits for 10 minutes)") \
X(WRITE_TIME, "WriteTime", IN_NET, TIME, "5m", "10s", "1h", SESSIONS, 0, \
  "A client that takes none of our output for so long is cut off") \
X(ERROR_LIMIT, "ErrorLimit", IN_NET, NUMBER, "20", "1", "1000", SESSIONS, 0, \
  "Bad commands in one session before it is closed") \
X(LINE_LIMIT, "LineLimit", IN_NET, SIZE, "", "512", "1M", SESSIONS, 0, \
  "The longest command line: smtpd 2k, pop3d 2k, imapd 64k; an AUTH answer may have 12k in any case") \
X(OUTPUT_LIMIT, "OutputLimit", IN_NET, SIZE, "64k", "16k", "16M", SESSIONS, 0, \
  "Output waiting for a client before its next command is looked at") \
/* smtpd */ \
X(MESSAGE_LIMIT, "MessageLimit", CONFIG_SMTPD | CONFIG_IMAPD, SIZE, "50M", "64k", "2G", SESSIONS, CONFIG_PER_LISTEN, \
  "The largest message (SMTP SIZE, IMAP APPEND)") \
X(RECIPIENT_LIMIT, "RecipientLimit", CONFIG_SMTPD, NUMBER, "1000", "100", "100000", SESSIONS, CONFIG_PER_LISTEN, \
  "Recipients of one message") \
X(RECEIVED_LIMIT, "ReceivedLimit", CONFIG_SMTPD, NUMBER, "100", "10", "1000", SESSIONS, CONFIG_PER_LISTEN, \
  "Received lines before a message counts as looping (RFC 5321 6.3)") \
X(CONNECTIONS_PER_MINUTE, "ConnectionsPerMinute", CONFIG_SMTPD, NUMBER, "300", "0", "60000", SESSIONS, CONFIG_PER_LISTEN, \
  "New connections to mx ports in a minute from one client address (IPv6: /64) that one process takes; 0: no limit") \
X(REFUSED_RECIPIENTS_PER_HOUR, "RefusedRecipientsPerHour", CONFIG_SMTPD, NUMBER, "100", "0", "60000", SESSIONS, CONFIG_PER_LISTEN, \
  "Recipients of one client address (IPv6: /64) that one process refuses on mx ports in an hour before it hears no more from there for a while; 0: no limit") \
X(LMTP_NETWORKS, "LmtpNetworks", CONFIG_SMTPD, NETWORKS, "", "", "", SESSIONS, CONFIG_PER_LISTEN | CONFIG_REPEAT, \
  "Networks that may connect to lmtp ports: other programs of this site that hand mail over, without a login. Not set: from this machine (127.0.0.0/8, ::1) alone") \
X(SOCKET_MODE, "SocketMode", CONFIG_SMTPD, NUMBER, "660", "0", "777", RELOAD, CONFIG_PER_LISTEN, \
  "The permissions of a socket at a path (Listen unix:), in the digits that chmod takes: whoever may write to it may hand mail over") \
X(SOCKET_GROUP, "SocketGroup", CONFIG_SMTPD, TEXT, "", "", "", RELOAD, CONFIG_PER_LISTEN, \
  "The group that such a socket belongs to, by its name; not set: that of yubind. Its owner is the user of yubind") \
X(DATA_TIME, "DataTime", CONFIG_SMTPD, TIME, "10m", "10s", "1h", SESSIONS, 0, \
  "Without a byte of the message before the session ends") \
X(HIDE_CLIENT, "HideClient", CONFIG_SMTPD, BOOL, "yes", "", "", SESSIONS, CONFIG_PER_LISTEN, \
  "Received lines of authenticated senders do not tell their address") \
/* deliverd */ \
X(ROUTE, "Route", CONFIG_DELIVERD, TEXT, "", "", "", SESSIONS, CONFIG_REPEAT, \
  "DOMAIN|.DOMAIN|@SENDERDOMAIN|user@SENDERDOMAIN|* HOST:PORT[,HOST:PORT...]|mx [tls=WORD] [auth=FILE] [cert=FILE] [lmtp] [implicit]: mail that goes to these hosts, in their order, and not to those of the domain's MX records; files are relative to etc/") \
X(DELIVER_TLS, "DeliverTLS", CONFIG_DELIVERD, WORD, "may", "", "off may try require verify dane", SESSIONS, 0, \
  "Which TLS other servers must show, where no Route says otherwise: the words are in deliverd(8)") \
X(RETRY_TIMES, "RetryTimes", CONFIG_DELIVERD, TEXT, "5m 15m 30m 1h 2h 4h 8h", "", "", RELOAD, 0, \
  "How long to wait before the next attempt, one after another; the last one repeats until QueueLifetime") \
X(DELIVER_PORT, "DeliverPort", CONFIG_DELIVERD, NUMBER, "25", "1", "65535", SESSIONS, 0, \
  "The port of other servers, where no Route says otherwise") \
X(QUEUE_LIFETIME, "QueueLifetime", CONFIG_DELIVERD, TIME, "5d", "1s", "100d", RELOAD, 0, \
  "How long delivery is tried before mail goes back to its sender (RFC 5321 4.5.4.1)") \
X(DELAY_NOTICE, "DelayNotice", CONFIG_DELIVERD, TIME, "4h", "0s", "100d", RELOAD, 0, \
  "After so long a sender is told that their mail still waits; 0s: never") \
X(MAX_DELIVERIES, "MaxDeliveries", CONFIG_DELIVERD, NUMBER, "500", "1", "10000", RELOAD, 0, \
  "Connections to other servers at a time, those that are still being made apart") \
X(DESTINATION_CONNECTIONS, "DestinationConnections", CONFIG_DELIVERD, NUMBER, "20", "1", "1000", RELOAD, 0, \
  "Connections to one destination at a time; it begins with one, and each delivered message allows one more") \
X(MESSAGES_PER_CONNECTION, "MessagesPerConnection", CONFIG_DELIVERD, NUMBER, "100", "1", "100000", SESSIONS, 0, \
  "Messages that go down one connection, one after another") \
X(CONNECT_TIME, "ConnectTime", CONFIG_DELIVERD, TIME, "30s", "1s", "10m", SESSIONS, 0, \
  "For a connection to one address of another server") \
X(GREETING_TIME, "GreetingTime", CONFIG_DELIVERD, TIME, "5m", "1s", "1h", SESSIONS, 0, \
  "For its greeting (RFC 5321 4.5.3.2.1)") \
X(COMMAND_TIME, "CommandTime", CONFIG_DELIVERD, TIME, "5m", "1s", "1h", SESSIONS, 0, \
  "For its answer to a command (RFC 5321 4.5.3.2.2)") \
X(BLOCK_TIME, "BlockTime", CONFIG_DELIVERD, TIME, "3m", "1s", "1h", SESSIONS, 0, \
  "For it to take the next piece of a message (RFC 5321 4.5.3.2.5)") \
X(DATA_END_TIME, "DataEndTime", CONFIG_DELIVERD, TIME, "10m", "1s", "2h", SESSIONS, 0, \
  "For its answer to a whole message (RFC 5321 4.5.3.2.6)") \
X(CONNECTION_IDLE, "ConnectionIdle", CONFIG_DELIVERD, TIME, "5s", "0s", "5m", SESSIONS, 0, \
  "How long a connection without work is kept for the next message") \
X(BIND_ADDRESS, "BindAddress", CONFIG_DELIVERD, TEXT, "", "", "", SESSIONS, CONFIG_REPEAT, \
  "The address of this machine that connections are made from: one IPv4 and one IPv6 at most; by default the kernel chooses") \
X(POSTMASTER_COPIES, "PostmasterCopies", CONFIG_DELIVERD, WORD, "none", "", "none failures all", RELOAD, 0, \
  "Of which reports to senders postmaster gets one too: of mail that failed, or of delays and successes as well") \
X(REPORT_SIZE, "ReportSize", CONFIG_DELIVERD, SIZE, "64k", "0", "10M", RELOAD, 0, \
  "Mail that failed comes back whole in its report up to this size, larger mail by its header") \
X(TLS_REPORTS, "TlsReports", CONFIG_DELIVERD, BOOL, "yes", "", "", RESTART, 0, \
  "Domains that ask for it (_smtp._tls) are told each day how TLS with their servers went (RFC 8460)") \
X(TLS_REPORT_TIME, "TlsReportTime", CONFIG_DELIVERD, TIME, "1d", "1s", "1d", RESTART, 0, \
  "What such a report is about: a day from 0:00 UTC; less is for tests") \
X(STS_TIME, "StsTime", CONFIG_DELIVERD, TIME, "1d", "1s", "30d", RESTART, 0, \
  "An MTA-STS policy that is older is fetched again when mail goes to its domain") \
X(RESOLVER, "Resolver", CONFIG_DELIVERD, TEXT, "", "", "", RESTART, CONFIG_REPEAT, \
  "ADDRESS or ADDRESS:PORT of a DNS server to ask, or root: from the root servers down; by default those of /etc/resolv.conf, and the root servers where those keep DNSSEC back") \
X(HTTPS_CA, "HttpsCA", CONFIG_DELIVERD, FILE, "", "", "", RESTART, 0, \
  "PEM file of the authorities that policies (MTA-STS) and reports sent over HTTPS are checked against; by default the system's. Relative to etc/") \
X(TRUST_ANCHOR, "TrustAnchor", CONFIG_DELIVERD, FILE, "", "", "", RESTART, 0, \
  "A file of DS or DNSKEY lines that DNSSEC starts from; by default the root's key. Relative to etc/") \
/* storaged: mailboxes */ \
X(MAILBOX_LIMIT, "MailboxLimit", CONFIG_STORAGED, NUMBER, "5000", "10", "100000", RELOAD, 0, \
  "Mailboxes of one account") \
X(KEYWORD_LIMIT, "KeywordLimit", CONFIG_STORAGED, NUMBER, "64", "8", "64", RESTART, 0, \
  "Different keywords in one mailbox") \
X(QUOTA, "Quota", CONFIG_STORAGED, SIZE, "0", "0", "1T", RELOAD, 0, \
  "Bytes that the messages of one account may have together, unless `yubin account quota` says otherwise; 0: no limit. Mail for an account that is full is refused for now (smtpd(8)), and its user can't store or copy more") \
X(QUOTA_MESSAGES, "QuotaMessages", CONFIG_STORAGED, NUMBER, "0", "0", "100000000", RELOAD, 0, \
  "Messages that one account may have; 0: no limit") \
/* authd */ \
X(DEFAULT_DOMAIN, "DefaultDomain", CONFIG_AUTHD, TEXT, "", "", "", RELOAD, 0, \
  "The domain of a user name without one; by default the first domain that was added") \
X(HASH_MEMORY, "HashMemory", CONFIG_AUTHD, SIZE, "19M", "8M", "1G", RELOAD, 0, \
  "Memory of one Argon2id hash, for passwords set from now on") \
X(HASH_PASSES, "HashPasses", CONFIG_AUTHD, NUMBER, "2", "1", "20", RELOAD, 0, \
  "Passes of one Argon2id hash, for passwords set from now on") \
X(HASH_QUEUE, "HashQueue", CONFIG_AUTHD, NUMBER, "256", "8", "10000", RELOAD, 0, \
  "Logins waiting for a hash before further ones are told to try later") \
X(SCRAM_KEYS, "ScramKeys", CONFIG_AUTHD, TEXT, "SHA-256", "", "", RELOAD, 0, \
  "The hashes that keys for SCRAM are kept for, beside the password's own: SHA-256, SHA-1, none. An account without them gets them when it next logs in by password") \
X(SCRAM_ITERATIONS, "ScramIterations", CONFIG_AUTHD, NUMBER, "65536", "4096", "1000000", RELOAD, 0, \
  "What a guess costs who has stolen the keys, and a client each login; some programs take no more than 65536") \
X(SCRAM_OFFER, "ScramOffer", CONFIG_AUTHD, WORD, "all", "", "all any", RELOAD, 0, \
  "all: SCRAM is offered when every account that can log in by password has keys, since programs that see it try nothing else; any: when one has") \
X(CACHE_TIME, "CacheTime", CONFIG_AUTHD, TIME, "5m", "0s", "1h", RELOAD, 0, \
  "How long a verified password is remembered (as a keyed hash, in memory); 0s: not at all") \
X(FAILURE_DELAY, "FailureDelay", CONFIG_AUTHD, TIME, "2s", "0s", "30s", RELOAD, 0, \
  "A wrong password is answered so much later") \
X(LOGIN_GUESSES, "LoginGuesses", CONFIG_AUTHD, NUMBER, "50", "1", "10000", RELOAD, 0, \
  "Wrong passwords that one address (IPv6: a /64; a /48 has 16 times as many) may send at once, over all accounts, before further logins from there are told to try later. A right one is not counted; LimitExempt is left alone") \
X(LOGIN_GUESS_TIME, "LoginGuessTime", CONFIG_AUTHD, TIME, "6s", "1s", "1h", RELOAD, 0, \
  "After so long an address may send one more") \
X(ACCOUNT_GUESSES, "AccountGuesses", CONFIG_AUTHD, NUMBER, "5", "1", "1000", RELOAD, 0, \
  "Different wrong passwords that one address may send for one account before each further one has to wait; an hour without any, or the right one, begins anew. The same wrong one again is not counted") \
X(ACCOUNT_DELAY, "AccountDelay", CONFIG_AUTHD, TIME, "2s", "0s", "1h", RELOAD, 0, \
  "How long the first of those waits; each one after it twice as long. Other addresses, and other accounts, are left alone: nobody locks the owner out") \
X(ACCOUNT_DELAY_MAX, "AccountDelayMax", CONFIG_AUTHD, TIME, "15m", "0s", "1d", RELOAD, 0, \
  "The longest that one waits") \
X(KNOWN_PLACE_TIME, "KnownPlaceTime", CONFIG_AUTHD, TIME, "90d", "0s", "730d", RELOAD, 0, \
  "An address that an account was logged in from is remembered so long (the last 16 of an account, in accounts/seen.log; a new password forgets them): from there its passwords are looked at first, and whatever others guess; 0s: not at all") \
X(RECIPIENT_DELIMITER, "RecipientDelimiter", CONFIG_AUTHD, TEXT, "+", "", "", RELOAD, 0, \
  "What stands between a user's name and a detail (user+detail@); empty: no details") \
X(SRS_DOMAIN, "SrsDomain", CONFIG_AUTHD, TEXT, "", "", "", RELOAD, 0, \
  "The domain of rewritten senders (SRS0=...@DOMAIN) of mail that aliases and forwards send on; its mail must come here. By default the first domain that was added") \
X(MESSAGES_PER_HOUR, "MessagesPerHour", CONFIG_AUTHD, NUMBER, "300", "0", "1000000", RELOAD, 0, \
  "Messages that an account may send in an hour; 0: no limit. Counted in memory: a restart of authd begins anew") \
X(MESSAGES_PER_DAY, "MessagesPerDay", CONFIG_AUTHD, NUMBER, "2000", "0", "1000000", RELOAD, 0, \
  "Messages that an account may send in a day; 0: no limit") \
X(RECIPIENTS_PER_HOUR, "RecipientsPerHour", CONFIG_AUTHD, NUMBER, "1000", "0", "10000000", RELOAD, 0, \
  "Recipients that the messages of an account may have in an hour, together; 0: no limit") \
X(RECIPIENTS_PER_DAY, "RecipientsPerDay", CONFIG_AUTHD, NUMBER, "5000", "0", "10000000", RELOAD, 0, \
  "Recipients that the messages of an account may have in a day, together; 0: no limit") \
/* storaged */ \
X(INDEX_CACHE, "IndexCache", CONFIG_STORAGED, SIZE, "8M", "1M", "4G", RESTART, 0, \
  "Memory of the index's cache") \
X(MIN_FREE, "MinFree", CONFIG_STORAGED, SIZE, "64M", "0", "1T", RELOAD, 0, \
  "New mail is refused (452) when the disk has less room than this") \
X(QUEUE_LIMIT, "QueueLimit", CONFIG_STORAGED, NUMBER, "100000", "0", "10000000", RELOAD, 0, \
  "Messages that may wait for other servers; beyond them mail for elsewhere is refused for now (452 4.3.1), while local mail is taken and reports are sent. 0: no limit") \
X(QUIET_TIME, "QuietTime", CONFIG_STORAGED, TIME, "10s", "1s", "5m", RELOAD, 0, \
  "A mailbox without a change for so long has its state file written") \
X(DELETED_LOG_TIME, "DeletedLogTime", CONFIG_STORAGED, TIME, "30d", "1d", "365d", RELOAD, 0, \
  "How long it is remembered which messages were expunged")

#endif
