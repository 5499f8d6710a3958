"""STARTTLS on three daemons: nothing said in clear lives on behind it, each port shows what it should, and what old TLS could do is off."""
import base64
import socket

import pytest
from peer import DAEMON, EXPLICIT, IMPLICIT, PROTOCOL, STARTTLS, clear, s_client, secure
from yubin import DOMAIN, PASSWORD

# What an attacker would slip in, and a command whose answer shows whether it was obeyed.
INJECTED = {"smtp": "EHLO injected.test\r\nMAIL FROM:<a@there.test>\r\n", "pop3": f"USER alice@{DOMAIN}\r\n", "imap": "i CAPABILITY\r\ni LOGOUT\r\n"}
TAG = {"smtp": "", "pop3": "", "imap": "t "}
PLAIN = base64.b64encode(f"\0alice@{DOMAIN}\0{PASSWORD}".encode()).decode()


def obeyed_nothing(c):
    """Over TLS: each command has its one answer, and nobody has said EHLO, MAIL or USER."""
    if c.protocol == "smtp":
        assert c.say("NOOP") == ["250 2.0.0 OK"]
        assert c.say("MAIL FROM:<a@there.test>")[0].startswith("503 5.5.1")
        assert c.say("RCPT TO:<alice@here.test>")[0].startswith("503 5.5.1")
    elif c.protocol == "pop3":
        assert c.say(f"PASS {PASSWORD}")[0].startswith("-ERR")
    else:
        assert c.say("NOOP") == ["t OK NOOP completed"]


@pytest.mark.parametrize("port", EXPLICIT)
def test_what_stands_behind_starttls_is_thrown_away(site, port):
    """In the same segment (CVE-2011-0411 and its relatives)."""
    with clear(site, port) as c:
        c.begin()
        c.send(TAG[c.protocol] + STARTTLS[c.protocol] + "\r\n" + INJECTED[c.protocol])
        assert len(c.answer()) == 1
        c.wrap(site.tls)
        obeyed_nothing(c)


@pytest.mark.parametrize("port", EXPLICIT)
def test_what_comes_before_the_handshake_is_no_command(site, port):
    """In a segment of its own, once the server has said that TLS begins: it breaks the handshake, and nothing is answered in clear."""
    since = len(site.log())
    with clear(site, port) as c:
        c.begin()
        c.ask_tls()
        c.send(INJECTED[c.protocol])
        rest = c.rest()
        assert rest[:1] in (b"", b"\x15"), rest
        assert not any(word in rest for word in (b"250", b"+OK", b"CAPABILITY", b"BYE"))
    line = site.wait_log("TLS failed: (", since)
    assert "plain text" in line and "helo=injected" not in site.log()[since:]


@pytest.mark.parametrize("port", EXPLICIT)
def test_what_comes_while_the_answer_is_on_its_way(site, port):
    """Sent before the answer was read, a moment behind STARTTLS: thrown away, or the handshake breaks. Never obeyed."""
    with clear(site, port) as c:
        c.begin()
        c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        c.send(TAG[c.protocol] + STARTTLS[c.protocol] + "\r\n")
        c.send(INJECTED[c.protocol])
        assert len(c.answer()) == 1
        try:
            c.wrap(site.tls)
        except OSError:
            assert b"250" not in c.rest()
        else:
            obeyed_nothing(c)


@pytest.fixture(scope="module")
def lax(tmp_path_factory):
    """A site that takes passwords in clear."""
    from yubin import Site
    lines = ["RequireTLS no", "AuthWithoutTLS PLAIN,LOGIN,USER"]
    s = Site(tmp_path_factory.mktemp("lax") / "site", accounts=("alice",), settings={d: lines for d in DAEMON.values()})
    s.start()
    yield s
    s.stop()


def test_smtp_forgets_everything(lax):
    """RFC 3207 4.2: the name and the envelope."""
    with clear(lax, "mx") as c:
        c.begin()
        assert c.say("MAIL FROM:<someone@there.test>")[0].startswith("250")
        assert c.say(f"RCPT TO:<alice@{DOMAIN}>")[0].startswith("250")
        c.ask_tls()
        c.wrap(lax.tls)
        obeyed_nothing(c)
        assert c.say("DATA")[0].startswith("503")
        c.hello()
        assert c.say(f"RCPT TO:<alice@{DOMAIN}>")[0].startswith("503")


@pytest.mark.parametrize("port,login", [("submission", f"AUTH PLAIN {PLAIN}"), ("pop3", f"AUTH PLAIN {PLAIN}"), ("imap", f"AUTHENTICATE PLAIN {PLAIN}")])
def test_a_login_in_clear_never_passes_starttls(lax, port, login):
    """Somebody in between could have logged in as himself: so there is no STARTTLS after it."""
    with clear(lax, port) as c:
        c.begin()
        assert c.say(login)[-1].startswith(("235 ", "+OK", "t OK"))
        assert c.say(STARTTLS[c.protocol])[-1].startswith(("503 5.5.1", "-ERR", "t BAD", "t NO"))


def test_pop3_forgets_the_user(lax):
    """RFC 2595 4."""
    with clear(lax, "pop3") as c:
        c.begin()
        assert c.say(f"USER alice@{DOMAIN}")[0].startswith("+OK")
        c.ask_tls()
        c.wrap(lax.tls)
        obeyed_nothing(c)
        assert c.say(f"USER alice@{DOMAIN}")[0].startswith("+OK")
        assert c.say(f"PASS {PASSWORD}")[0].startswith("+OK")


@pytest.mark.parametrize("port,command,challenge,refusal", [("submission", "AUTH LOGIN", "334 ", "535 "), ("pop3", "AUTH LOGIN", "+ ", "-ERR"),
                                                            ("imap", "AUTHENTICATE LOGIN", "+ ", "t NO")])
def test_half_a_login_is_forgotten(lax, port, command, challenge, refusal):
    """STARTTLS within a login is its answer (and even base64), and a wrong one; after TLS the other half is no answer."""
    user = base64.b64encode(f"alice@{DOMAIN}".encode()).decode()
    password = base64.b64encode(PASSWORD.encode()).decode()
    with clear(lax, port) as c:
        c.begin()
        assert c.say(command)[0].startswith(challenge)
        c.send(user + "\r\n")
        assert c.answer()[0].startswith(challenge)
        c.send(STARTTLS[c.protocol] + "\r\n")
        assert c.answer()[-1].startswith(refusal)
        c.ask_tls()
        c.wrap(lax.tls)
        c.send(password + "\r\n")
        line = c.line()
        assert line.startswith(("500 ", "-ERR")) or " BAD " in line, "taken for half of a login"


AUTH = {"smtp": {"AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"}, "pop3": {"USER", "SASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"}, "imap": {"AUTH=SCRAM-SHA-256-PLUS", "AUTH=SCRAM-SHA-256", "AUTH=PLAIN", "AUTH=LOGIN", "SASL-IR"}}
IN_CLEAR = {"smtp": {"AUTH PLAIN LOGIN"}, "pop3": {"USER", "SASL PLAIN LOGIN"}, "imap": {"AUTH=PLAIN", "AUTH=LOGIN", "SASL-IR"}}  # no SCRAM: it is not in the list
NO_AUTH = {"smtp": set(), "pop3": set(), "imap": {"LOGINDISABLED"}}
# lines of the conf: what a port that begins in clear shows before TLS: its STARTTLS or not, and what of AUTH
SETTINGS = {
    "defaults": ([], True, "none"),
    "EnableTLS no": (["EnableTLS no"], False, "none"),
    "EnableSSL no": (["EnableSSL no"], True, "none"),
    "RequireTLS no": (["RequireTLS no"], True, "none"),
    "AuthWithoutTLS": (["AuthWithoutTLS PLAIN,LOGIN,USER"], True, "none"),  # RequireTLS is stronger
    "both": (["RequireTLS no", "AuthWithoutTLS PLAIN,LOGIN,USER"], True, "all"),
    "PLAIN alone": (["RequireTLS no", "AuthWithoutTLS PLAIN"], True, "plain"),
    "no TLS at all": (["EnableTLS no", "EnableSSL no", "RequireTLS no", "AuthWithoutTLS PLAIN,LOGIN,USER"], False, "all"),
}
PLAIN_ALONE = {"smtp": {"AUTH PLAIN"}, "pop3": {"SASL PLAIN"}, "imap": {"AUTH=PLAIN", "LOGINDISABLED", "SASL-IR"}}


def before_tls(port, starttls, auth):
    p = PROTOCOL[port]
    out = {STARTTLS[p]} if starttls else set()
    if port == "mx":
        return out
    return out | {"none": NO_AUTH, "all": IN_CLEAR, "plain": PLAIN_ALONE}[auth][p]


def closed(site, port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", site.port(port))) != 0


@pytest.mark.parametrize("name", SETTINGS)
def test_what_each_port_shows(make_site, name):
    lines, starttls, auth = SETTINGS[name]
    site = make_site(settings={d: lines for d in DAEMON.values()}, accounts=())
    for port, protocol in PROTOCOL.items():
        behind_tls = set() if port == "mx" else AUTH[protocol]
        if port in IMPLICIT:
            assert closed(site, port) == ("EnableSSL no" in lines), port
            if not closed(site, port):
                with secure(site, port) as c:
                    c.greeting()
                    assert c.security() == behind_tls, port
                    assert c.say(STARTTLS[protocol])[-1].startswith(("503 ", "-ERR", "t BAD")), port
            continue
        with clear(site, port) as c:
            c.greeting()
            assert c.security() == before_tls(port, starttls, auth), port
            if not starttls:
                assert c.say(STARTTLS[protocol])[-1].startswith(("502 ", "-ERR", "t BAD", "t NO")), port
                continue
            c.ask_tls()
            c.wrap(site.tls)
            assert c.security() == behind_tls, port
            assert c.say(STARTTLS[protocol])[-1].startswith(("503 ", "-ERR", "t BAD")), port


@pytest.mark.parametrize("port", PROTOCOL)
def test_renegotiation_is_refused(site, port):
    """By the client's wish, in the middle of a TLS 1.2 session."""
    since = len(site.log())
    r = s_client(site, port, "-tls1_2", text="R\nQ\n")
    assert "RENEGOTIATING" in r.stdout + r.stderr and "no renegotiation" in r.stderr.lower(), r.stderr[-800:]
    assert "New, TLSv1.2" in r.stdout
    site.wait_log("closed by", since)


@pytest.mark.parametrize("port", PROTOCOL)
def test_no_early_data_and_no_compression(site, port, tmp_path):
    early, ticket = tmp_path / "early", tmp_path / "ticket"
    early.write_text("NOOP\r\n")
    argv = ["-tls1_3", "-comp", "-ign_eof"]
    quit_ = "a LOGOUT\r\n" if PROTOCOL[port] == "imap" else "QUIT\r\n"
    first = s_client(site, port, *argv, "-sess_out", ticket, text=quit_)
    assert "Max Early Data: 0" in first.stdout and "Compression: NONE" in first.stdout, first.stdout[-1500:]
    again = s_client(site, port, *argv, "-sess_in", ticket, "-early_data", early, text=quit_)
    assert "Reused, TLSv1.3" in again.stdout and "Early data was not sent" in again.stdout, again.stdout[-1500:]
    assert "Compression: NONE" in s_client(site, port, "-tls1_2", "-comp").stdout


@pytest.mark.parametrize("port", PROTOCOL)
def test_old_key_exchanges_are_off(site, port):
    """One client with all that is off by default: no DHE, no anonymous, no static RSA, no 3DES, RC4, MD5, SHA-1 MACs or NULL. Then the same with one that is on."""
    off = "DHE:ADH:AECDH:kRSA:PSK:3DES:RC4:MD5:eNULL:SHA1:!aPSK:@SECLEVEL=0"
    r = s_client(site, port, "-tls1_2", "-cipher", off + ":-ECDHE+AESGCM:-ECDHE+CHACHA20", text="Q\n")
    assert "Cipher is (NONE)" in r.stdout and "alert handshake failure" in r.stderr, r.stdout[-800:] + r.stderr[-800:]
    r = s_client(site, port, "-tls1_2", "-cipher", off + ":ECDHE+AESGCM", text="Q\n")
    assert "New, TLSv1.2, Cipher is ECDHE-" in r.stdout


def test_the_greeting_waits_for_nothing(site):
    """On an implicit port it comes with the end of the handshake, not after a command."""
    for port in IMPLICIT:
        with secure(site, port) as c:
            c.greeting()
