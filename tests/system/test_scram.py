"""SCRAM on the server's side, in all three protocols: own arithmetic for what no client would do, and real clients."""
import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import time
import unicodedata

import pytest
from yubin import DOMAIN, PASSWORD, Site, until

PORTS = {"smtp": "submissions", "pop3": "pop3s", "imap": "imaps"}
ASK = {"smtp": "AUTH %s %s", "pop3": "AUTH %s %s", "imap": "t AUTHENTICATE %s %s"}
MORE = {"smtp": "334 ", "pop3": "+ ", "imap": "+ "}
GOOD = {"smtp": "235", "pop3": "+OK", "imap": "t OK"}
WRONG = {"smtp": "535 5.7.8 wrong user name", "pop3": "-ERR [AUTH] wrong user name", "imap": "t NO [AUTHENTICATIONFAILED] Wrong user name"}


class Talk:
    """One connection, one SCRAM conversation; each step may be bent by who calls it."""

    def __init__(self, site, protocol="imap", mechanism="SCRAM-SHA-256", tls=None):
        self.site, self.protocol, self.mechanism = site, protocol, mechanism
        self.raw = site.secure(PORTS[protocol], context=tls)
        self.raw.line()
        if protocol == "smtp":
            self.raw.replies("EHLO me.test")

    def say(self, text):
        self.raw.send(text + "\r\n")
        line = self.raw.line()
        while self.protocol == "imap" and line.startswith("* "):
            line = self.raw.line()
        return line

    def challenge(self, line):
        assert line.startswith(MORE[self.protocol]), line
        return base64.b64decode(line[len(MORE[self.protocol]):]).decode()

    def encode(self, text):
        return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode() or "="

    def first(self, user, flag="n", authzid="", nonce=None, mechanism=None):
        self.header = f"{flag},{'a=' + authzid if authzid else ''},"
        self.bare = f"n={user},r={nonce or base64.b64encode(os.urandom(18)).decode()}"
        return self.say(ASK[self.protocol] % (mechanism or self.mechanism, self.encode(self.header + self.bare)))

    def final(self, question, password, bound=b"", nonce=None, header=None, extra=""):
        fields = dict(f.split("=", 1) for f in question.split(","))
        name = "sha1" if "SHA-1" in self.mechanism and "256" not in self.mechanism else "sha256"
        self.salt, self.rounds = fields["s"], int(fields["i"])
        salted = hashlib.pbkdf2_hmac(name, password.encode(), base64.b64decode(fields["s"]), self.rounds)
        binding = base64.b64encode((header or self.header).encode() + bound).decode()
        without = f"c={binding},r={nonce or fields['r']}{extra}"
        whole = f"{self.bare},{question},{without}".encode()
        key = hmac.digest(salted, b"Client Key", name)
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.new(name, key).digest(), whole, name)))
        self.expected = hmac.digest(hmac.digest(salted, b"Server Key", name), whole, name)
        return self.say(self.encode(f"{without},p={base64.b64encode(proof).decode()}"))

    def login(self, user, password, bound=b"", **first):
        """The last line that it says; what the server says last must be its proof if that is good."""
        question = self.challenge(self.first(user, **first))
        line = self.final(question, password, bound)
        if not line.startswith(MORE[self.protocol]):
            return line
        last = self.challenge(line)
        if last.startswith("v="):
            assert base64.b64decode(last[2:]) == self.expected
        else:
            self.error = last
        return self.say("")

    def end_point(self):
        return hashlib.sha256(self.raw.sock.getpeercert(True)).digest()

    def close(self):
        self.raw.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("scram") / "site", accounts=("alice", "bob"),
             settings={"authd": ["ScramKeys SHA-256,SHA-1", "FailureDelay 0s"],
                       **{d: ["Mechanisms SCRAM-SHA-256-PLUS,SCRAM-SHA-256,SCRAM-SHA-1-PLUS,SCRAM-SHA-1,PLAIN,LOGIN"]
                          for d in ("smtpd", "pop3d", "imapd")},
                       "yubin": ["LimitExempt 127.0.0.0/8", "LimitExempt ::1/128"]})
    s.account("carol", "пароль\u00a0Ⅸ")
    s.start()
    yield s
    s.stop()


@pytest.mark.parametrize("protocol", PORTS)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"])
def test_login(place, protocol, mechanism):
    t = Talk(place, protocol, mechanism)
    plus = mechanism.endswith("-PLUS")
    line = t.login(f"alice@{DOMAIN}", PASSWORD, t.end_point() if plus else b"", flag="p=tls-server-end-point" if plus else "n")
    assert line.startswith(GOOD[protocol]), line
    place.wait_log(f"login user=alice@{DOMAIN} mechanism={mechanism}")


@pytest.mark.parametrize("protocol", PORTS)
def test_wrong(place, protocol):
    """A wrong password and a user that is not there are the same, to the last byte; another one may follow."""
    t = Talk(place, protocol)
    for user, password in ((f"alice@{DOMAIN}", "wrong"), (f"nobody@{DOMAIN}", PASSWORD), ("nobody", PASSWORD), ("x@elsewhere.test", "y")):
        line = t.login(user, password)
        assert line.startswith(WRONG[protocol]) and t.error == "e=invalid-proof", (user, line)
    assert t.login(f"alice@{DOMAIN}", PASSWORD).startswith(GOOD[protocol])


def test_salts_of_nobody(place):
    """Who is not there has a salt of his own, however he is written, and after a restart of authd."""
    def salt(user, mechanism="SCRAM-SHA-256"):
        t = Talk(place, mechanism=mechanism)
        t.final(t.challenge(t.first(user)), "x")
        t.close()
        return t.salt, t.rounds
    first = salt(f"nobody@{DOMAIN}")
    assert first == salt(f"NOBODY@{DOMAIN.upper()}") == salt("nobody")
    assert first != salt("somebody") and first != salt("nobody", "SCRAM-SHA-1")
    assert len(base64.b64decode(first[0])) == len(base64.b64decode(salt("alice")[0])) == 16 and first[1] == salt("alice")[1]
    pid = place.pids("authd")[0]
    at = len(place.log())
    os.kill(pid, 9)
    place.wait_log("authd", since=at)
    until(lambda: place.pids("authd") not in ([], [pid]))
    assert first == salt("nobody")


BENT = [  # why, how the first message is bent, how the last one is, what is answered (None: refused at the first)
    ("y while -PLUS was offered", {"flag": "y"}, {}, None),
    ("p with a mechanism that has none", {"flag": "p=tls-server-end-point"}, {}, None),
    ("a nonce that is too short", {"nonce": "abc"}, {}, None),
    ("a nonce that is too long", {"nonce": "n" * 300}, {}, None),
    ("another nonce", {}, {"nonce": "abcdefgh"}, "e=other-error"),
    ("another header", {}, {"header": "y,,"}, "e=channel-bindings-dont-match"),
    ("bound though nothing is", {}, {"bound": b"x" * 32}, "e=channel-bindings-dont-match"),
    ("an extension is passed over", {}, {"extra": ",x=1"}, "v="),
    ("somebody else's name", {"authzid": f"bob@{DOMAIN}"}, {}, "e=other-error"),
    ("its own name", {"authzid": f"alice@{DOMAIN}"}, {}, "v="),
]


@pytest.mark.parametrize("why,first,final,answer", BENT, ids=[b[0] for b in BENT])
def test_bent(place, why, first, final, answer):
    t = Talk(place, "smtp")
    line = t.first(f"alice@{DOMAIN}", **first)
    if answer is None:
        assert line[:3] in ("501", "535"), line
    else:
        said = t.challenge(t.final(t.challenge(line), PASSWORD, **final))
        assert said.startswith(answer)
        assert t.say("").startswith("235" if answer == "v=" else "535")


@pytest.mark.parametrize("protocol", PORTS)
def test_plus_is_given_up_or_fails(place, protocol):
    """`*`, another channel and an unknown type: the rest of the mechanisms is still there."""
    t = Talk(place, protocol, "SCRAM-SHA-256-PLUS")
    t.challenge(t.first(f"alice@{DOMAIN}", flag="p=tls-server-end-point"))
    assert t.say("*").startswith({"smtp": "501", "pop3": "-ERR", "imap": "t BAD"}[protocol])
    no = {"smtp": "535", "pop3": "-ERR [AUTH]", "imap": "t NO [AUTHENTICATIONFAILED]"}[protocol]
    assert t.first(f"alice@{DOMAIN}", flag="p=tls-unheard-of").startswith(no)
    assert t.login(f"alice@{DOMAIN}", PASSWORD, b"\0" * 32, flag="p=tls-server-end-point").startswith(no)
    assert t.error == "e=channel-bindings-dont-match"
    place.wait_log("a login is bound to another TLS connection")
    t.mechanism = "SCRAM-SHA-256"
    assert t.login(f"alice@{DOMAIN}", PASSWORD).startswith(GOOD[protocol])


def test_mechanisms_of_a_listen(make_site):
    """Each port has its own list; what is not in it is refused as what is not there."""
    site = make_site(start=False, accounts=("alice",))
    for daemon, port, own in (("smtpd", "submissions", "PLAIN"), ("pop3d", "pop3s", "SCRAM-SHA-256"), ("imapd", "imaps", "LOGIN")):
        conf = site.path / "etc" / f"{daemon}.conf"
        lines = [line + (f"\n\tMechanisms {own}" if line.startswith("Listen 127.0.0.1:" + str(site.port(port))) else "")
                 for line in conf.read_text().splitlines()]
        conf.write_text("\n".join(lines) + "\n")
    site.start()
    with site.secure("submissions") as raw:
        raw.line()
        assert "250-AUTH PLAIN" in raw.replies("EHLO me.test")
    with site.secure("imaps") as raw:
        raw.line()
        assert [w for w in raw.tagged("CAPABILITY")[0].split() if w.startswith("AUTH=")] == ["AUTH=LOGIN"]
    t = Talk(site, "pop3")
    assert t.login(f"alice@{DOMAIN}", PASSWORD).startswith("+OK")
    t.close()
    assert Talk(site, "pop3").first(f"alice@{DOMAIN}", mechanism="SCRAM-SHA-256-PLUS").startswith("-ERR this mechanism")
    for protocol, answer in (("smtp", "504"), ("imap", "t NO [CANNOT]")):
        assert Talk(site, protocol).first(f"alice@{DOMAIN}").startswith(answer)


@pytest.mark.parametrize("protocol", PORTS)
def test_who_does_not_believe_us(place, protocol):
    """A good login that the client gives up at the end is none, and the connection ends."""
    t = Talk(place, protocol)
    assert t.challenge(t.final(t.challenge(t.first(f"alice@{DOMAIN}")), PASSWORD)).startswith("v=")
    assert not t.say("*").startswith(GOOD[protocol])
    assert GOOD[protocol].encode() not in t.raw.rest()


def stages(place, protocol):
    """Conversations left in the middle, at each place where the client has the word."""
    for how in ("first", "wrong", "right"):
        talk = Talk(place, protocol)
        question = talk.challenge(talk.first(f"alice@{DOMAIN}"))
        if how != "first":
            talk.challenge(talk.final(question, "wrong" if how == "wrong" else PASSWORD))
        yield how, talk


@pytest.mark.parametrize("protocol", PORTS)
def test_who_goes_away(place, protocol):
    """Its connection ends at once: there is nobody to wait for."""
    for how, talk in stages(place, protocol):
        since = time.monotonic()
        socket.socket.shutdown(talk.raw.sock, socket.SHUT_WR)
        assert talk.raw.rest() == b"", how
        assert time.monotonic() - since < 5, how
        talk.close()


def test_stop_amid_a_login(make_site):
    site = make_site()
    talks = [talk for protocol in PORTS for _, talk in stages(site, protocol)]
    since = time.monotonic()
    site.stop()
    assert time.monotonic() - since < 7
    for talk in talks:
        assert "shutting down" in talk.raw.line()
        talk.close()


def test_prepared(place):
    """SASLprep: the same password in another form, and a space of another kind."""
    for form in ("NFKC", "NFD"):
        password = unicodedata.normalize("NFKC", "пароль\u00a0Ⅸ")
        assert Talk(place, "imap").login(f"carol@{DOMAIN}", password).startswith("t OK"), form


def test_offers(make_site):
    """Nothing in clear; -PLUS with TLS; SCRAM only when all have keys, and an account gets them by its next login."""
    site = make_site(settings={"authd": ["ScramKeys none"], "imapd": ["RequireTLS no", "AuthWithoutTLS PLAIN,SCRAM-SHA-256"]})
    def offered(port):
        with (site.raw if port == "imap" else site.secure)(port) as raw:
            raw.line()
            return [w[5:] for w in raw.tagged("CAPABILITY")[0].split() if w.startswith("AUTH=")]
    assert offered("imaps") == ["PLAIN", "LOGIN"]
    site.path.joinpath("etc/authd.conf").write_text("ScramIterations 5000\n")
    site.run("reload")
    site.imap("alice", PASSWORD).logout()
    site.wait_log(f"keys for SCRAM were made account=alice@{DOMAIN}")
    assert offered("imaps") == ["PLAIN", "LOGIN"]   # bob has none
    site.imap("bob", PASSWORD).logout()
    site.wait_log(f"keys for SCRAM were made account=bob@{DOMAIN}")
    assert offered("imaps") == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
    assert offered("imap") == ["SCRAM-SHA-256", "PLAIN"]
    t = Talk(site)
    assert t.login("bob", PASSWORD).startswith("t OK") and t.rounds == 5000
    text = (site.path / f"accounts/{DOMAIN}/bob.account").read_text()
    assert text.count("scram-sha-256 5000 ") == 1 and PASSWORD not in text
    site.run("account", "passwd", f"bob@{DOMAIN}", "--password-stdin", text="another one\n")
    assert Talk(site).login("bob", PASSWORD).startswith("t NO")
    assert Talk(site).login("bob", "another one").startswith("t OK")


# --- real clients -----------------------------------------------------------
def gsasl(site, protocol, mechanism, password=PASSWORD, *more):
    port = {"smtp": "submission", "imap": "imap"}[protocol]
    return subprocess.run(["gsasl", "--client", f"--{protocol}", "--connect", f"localhost:{site.port(port)}", "--mechanism", mechanism, "-a",
                           f"alice@{DOMAIN}", "-p", password, "--x509-ca-file", str(site.path / "etc/tls/ca.pem"), *more],
                          input="", capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not shutil.which("gsasl"), reason="needs gsasl")
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"])
@pytest.mark.parametrize("protocol", ["smtp", "imap"])
@pytest.mark.parametrize("tls", ["1.3", "1.2"])
def test_gsasl(place, protocol, mechanism, tls):
    """With -PLUS by tls-exporter, or by tls-unique with TLS 1.2. Without it gsasl must be told that it may."""
    more = ["--priority=NORMAL" + (":-VERS-TLS1.3" if tls == "1.2" else "")]
    if not mechanism.endswith("-PLUS"):
        more.append("--no-cb")
    r = gsasl(place, protocol, mechanism, PASSWORD, *more)
    assert r.returncode == 0, r.stdout + r.stderr
    assert gsasl(place, protocol, mechanism, "wrong", *more).returncode != 0
