"""Where mail goes, and what is shown there: routes, hosts in their order, LMTP, logins, what an administrator does to mail that
waits. All of it leaves together; each test then looks at its own."""
import contextlib
import email
import os
import re
import smtplib
import time

import papers
import pytest
from nameserver import NameServer, Zone, missing
from scram import LoginSink
from sink import Sink
from yubin import DOMAIN, PASSWORD, Site, free_ports

SETTINGS = ["RetryTimes 10m", "ConnectionIdle 1s", "GreetingTime 1s", "CommandTime 3s", "HandshakeTime 3s"]
NO_LIMITS = ["MessagesPerHour 0", "MessagesPerDay 0", "RecipientsPerHour 0", "RecipientsPerDay 0"]
SECRET = "s3cret word"
USERS = {"us": SECRET}
MX = "127.0.5.1"

# sender, recipient -> sink
PRECEDENCE = {
    ("alice@here.test", "a1@other.test"): "all",
    ("alice@here.test", "a2@exact.test"): "exact",
    ("alice@here.test", "a3@EXACT.Test"): "exact",
    ("alice@here.test", "a4@a.exact.test"): "under",
    ("alice@here.test", "a5@deep.exact.test"): "under",
    ("alice@here.test", "a6@b.deep.exact.test"): "deep",
    ("alice@here.test", "a7@notexact.test"): "all",
    ("bob@here.test", "b1@other.test"): "bob",
    ("bob@here.test", "b2@exact.test"): "exact",
    ("bob@here.test", "b3@a.exact.test"): "under",
    ("carol@two.test", "c1@other.test"): "two",
    ("carol@two.test", "c2@exact.test"): "exact",
    ("dora@two.test", "d1@other.test"): "dora",
}
ROUTES = {"all": "*", "exact": "exact.test", "under": ".exact.test", "deep": ".deep.exact.test", "bob": "bob@here.test",
          "two": "@two.test", "dora": "dora@two.test"}

# what the first host does; is the second one asked?
HOSTS = {
    "first-good": ({}, False),
    "refuses": ({"GREETING": "554 5.3.2 not today"}, True),
    "busy": ({"GREETING": "421 4.3.2 busy"}, True),
    "hangs": ({"GREETING": "!hang"}, True),
    "closes": ({"GREETING": "!close"}, True),
    "leaves": ({"EHLO": "421 4.3.2 going down"}, True),
    "nobody": (None, True),
    "rcpt-refused": ({"RCPT": "550 5.1.1 nobody"}, False),
    "rcpt-later": ({"RCPT": "450 4.2.0 later"}, False),
}


class Login:
    """A server, the route to it, and what comes of it: the way it is logged in, or None: no credentials leave."""

    def __init__(self, offers, want, arrives, options="auth=us.auth", **sink):
        self.offers, self.want, self.arrives, self.options, self.sink = offers, want, arrives, options, sink


def tls(papers_name="good", **more):
    return {"tls": "good", "papers": papers_name, "users": USERS, **more}


CLEAR = {"tls": "none", "users": USERS}
LOGINS = {
    "plain": Login("PLAIN", "PLAIN", True, **tls()),
    "login": Login("LOGIN", "LOGIN", True, **tls()),
    "scram": Login("SCRAM-SHA-256", "SCRAM-SHA-256", True, **tls()),
    "best": Login("PLAIN LOGIN SCRAM-SHA-256", "SCRAM-SHA-256", True, **tls()),
    "unknown-others": Login("CRAM-MD5 XOAUTH2 PLAIN", "PLAIN", True, **tls()),
    "scram-liar": Login("SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256", False, **tls(liar=True)),
    "scram-cheap": Login("SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256", False, **tls(rounds=1000)),
    "scram-wrong": Login("SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256", False, **tls(users={"us": "other"})),
    "plain-wrong": Login("PLAIN LOGIN", "PLAIN", False, **tls(users={"us": "other"})),
    "no-way": Login("CRAM-MD5", None, False, **tls()),
    "external": Login("PLAIN EXTERNAL", "EXTERNAL", True, "auth=external.auth cert=client.pem", **tls(authority="ca")),
    "external-not": Login("PLAIN LOGIN", None, False, "auth=external.auth cert=client.pem", **tls(authority="ca")),
    "clear": Login("PLAIN", None, False, **CLEAR),
    "clear-require": Login("PLAIN", None, False, "auth=us.auth tls=require", **CLEAR),
    "clear-may": Login("PLAIN", "PLAIN", True, "auth=us.auth tls=may", **CLEAR),
    "clear-off": Login("PLAIN", "PLAIN", True, "auth=us.auth tls=off", **CLEAR),
    "unverified": Login("SCRAM-SHA-256 PLAIN", None, False, **tls("bad")),
    "unverified-verify": Login("PLAIN", None, False, "auth=us.auth tls=verify", **tls("bad")),
    "unverified-require": Login("PLAIN", "PLAIN", True, "auth=us.auth tls=require", **tls("bad")),
    "wrong-name": Login("PLAIN", None, False, **tls("elsewhere")),
    "broken-may": Login("PLAIN", None, False, "auth=us.auth tls=may", tls="alert", users=USERS),
    "refused-may": Login("PLAIN", None, False, "auth=us.auth tls=may", tls="refuse", users=USERS),
    "injected": Login("PLAIN", None, False, tls="inject", users=USERS),
    "implicit": Login("PLAIN", "PLAIN", True, "auth=us.auth implicit", **tls(implicit=True)),
    "implicit-unverified": Login("PLAIN", None, False, "auth=us.auth implicit", **tls("bad", implicit=True)),
    "implicit-clear": Login("PLAIN", None, False, "auth=us.auth implicit tls=may", **CLEAR),
    "implicit-may": Login("PLAIN", None, True, "implicit tls=may", **tls("bad", implicit=True)),
    "cert": Login("PLAIN", None, True, "cert=client.pem tls=require", **tls(authority="ca")),
    "no-cert": Login("PLAIN", None, True, "tls=require", **tls(authority="ca")),
}


def text(sender, subject):
    return f"From: {sender}\r\nTo: them\r\nSubject: {subject}\r\n\r\nhello\r\n"


def submit(site, sender, mails):
    """(recipients, subject) each."""
    with smtplib.SMTP_SSL("localhost", site.port("submissions"), context=site.tls, timeout=60) as c:
        c.login(sender, PASSWORD)
        for to, subject in mails:
            c.sendmail(sender, to, text(sender, subject))


def fate(site, who, count=1, seconds=60):
    """The lines of the log that tell what became of a recipient."""
    end = time.monotonic() + seconds
    while True:
        lines = re.findall(rf"(?:delivered|deferred|failed) id=.* to=<{re.escape(who)}> .*", site.log(), re.I)
        if len(lines) >= count:
            return lines
        assert time.monotonic() < end, site.log()[-3000:]
        time.sleep(0.05)


class World:
    """The site, its servers by name, and the papers."""

    def __init__(self, folder, stack):
        self.folder, self.stack, self.sinks = folder, stack, {}
        self.ca = papers.Authority(folder / "ca")
        other = papers.Authority(folder / "other")
        self.papers = {"good": self.ca.server("good", names="IP:127.0.0.1"), "bad": other.server("bad", names="IP:127.0.0.1"),
                       "elsewhere": self.ca.server("elsewhere", names="DNS:elsewhere.test")}
        self.port, = free_ports(1)
        self.lines = [*SETTINGS, f"HttpsCA {self.ca.pem}", *self.precedence(), *self.hosts(), *self.logins(), *self.lmtp(), *self.names()]
        self.start()

    def sink(self, name, s):
        self.sinks[name] = self.stack.enter_context(s)
        return f"127.0.0.1:{s.port}"

    def precedence(self):
        self.sink("waiting", Sink(replies={"RCPT": lambda s, line: None if "open" in self.sinks else "450 4.2.0 not yet"}))
        self.sink("instead", Sink())
        return [*(f"Route {who} {self.sink(name, Sink())}" for name, who in ROUTES.items()),
                f"Route .wait.test 127.0.0.1:{self.sinks['waiting'].port}"]

    def hosts(self):
        for name, (replies, _) in HOSTS.items():
            first = "127.0.0.1:1" if replies is None else self.sink(f"{name}.1", Sink(replies=replies))
            yield f"Route {name}.hosts.test {first},{self.sink(f'{name}.2', Sink())}"
        clear, bad, good = (self.sink(f"tls.{i}", s) for i, s in enumerate(
            (Sink(), Sink(tls="good", papers=self.papers["bad"]), Sink(tls="good", papers=self.papers["good"]))))
        yield f"Route verify.hosts.test {clear},{bad},{good} tls=verify"

    def logins(self):
        for name, login in LOGINS.items():
            how = dict(login.sink)
            if "papers" in how:
                how["papers"] = self.papers[how["papers"]]
            if "authority" in how:
                how["authority"] = self.ca.pem
            yield f"Route {name}.login.test {self.sink(f'login.{name}', LoginSink(login.offers, **how))} {login.options}"

    def lmtp(self):
        def end(session, who):
            return {"no": "550 5.2.2 full for good", "later": "451 4.3.0 not now"}.get(who.split("@")[0])

        def rcpt(session, line):
            return "550 5.1.1 nobody" if "<nobody" in line else None
        return [f"Route lmtp.test {self.sink('lmtp', Sink(lmtp=True, replies={'END': end, 'RCPT': rcpt}))} lmtp tls=off"]

    def names(self):
        """Two domains with one server, which has no TLS."""
        if missing():
            return
        zone = Zone("open.test", ["strict MX 10 mx.strict", "loose MX 10 mx.strict", f"mx.strict A {MX}"], state="unsigned")
        names = self.stack.enter_context(NameServer(self.folder / "dns", [zone]))
        self.sinks["mx"] = self.stack.enter_context(Sink(MX, self.port))
        yield from (f"Resolver {names.resolver}", f"TrustAnchor {names.anchor}", f"DeliverPort {self.port}",
                    "Route strict.open.test mx tls=require", "Route loose.open.test mx")

    def start(self):
        self.site = site = Site(self.folder / "site", settings={"deliverd": self.lines, "authd": NO_LIMITS})
        site.run("domain", "add", "two.test")
        for who in ("carol@two.test", "dora@two.test"):
            site.run("account", "add", who, "--password-stdin", text=PASSWORD + "\n")
        client = self.ca.client("client", f"/CN=us@{DOMAIN}")
        for name, words in (("us.auth", f"user us\npassword {SECRET}\n"), ("external.auth", "external\n"),
                            ("client.pem", client[0].read_text() + client[1].read_text())):
            (site.path / "etc" / name).write_text(words)
            os.chmod(site.path / "etc" / name, 0o600)
        site.start()
        self.stack.callback(site.stop)
        for sender in sorted({s for s, _ in PRECEDENCE}):
            mails = [([to], to.split("@")[0]) for s, to in PRECEDENCE if s == sender]
            if sender == f"alice@{DOMAIN}":
                mails += [([f"x@{name}.hosts.test"], name) for name in (*HOSTS, "verify")]
                mails += [([f"x@{name}.login.test"], name) for name in LOGINS]
                mails.append(([f"{who}@lmtp.test" for who in ("yes", "no", "later", "nobody")], "lmtp"))
                mails += [([f"x@{name}.open.test"], name) for name in ("strict", "loose") if not missing()]
                mails += [([f"{name}@{name}.wait.test"], name) for name in WAITING]
            submit(site, sender, mails)


WAITING = ("flush", "hold", "delete", "bounce", "route", "unroute", "rest")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("routes"), stack)


# --- which route -----------------------------------------------------------------------

def test_precedence(world):
    for (_, to), name in PRECEDENCE.items():
        fate(world.site, to)
        found = [n for n in ROUTES for m in world.sinks[n].messages for r in m.recipients if r.lower() == to.lower()]
        assert found == [name], to


@pytest.mark.parametrize("name", HOSTS)
def test_hosts(world, name):
    line = fate(world.site, f"x@{name}.hosts.test")[0]
    second = world.sinks[f"{name}.2"]
    if HOSTS[name][1]:
        assert line.startswith("delivered") and len(second.messages) == 1
        assert f":{second.port}" in line
    else:
        assert not second.sessions
        assert line.split()[0] == {"first-good": "delivered", "rcpt-refused": "failed", "rcpt-later": "deferred"}[name]


def test_hosts_by_tls(world):
    """The first that shows a good certificate; to the others nothing is said of the message."""
    assert "tls=TLSv1.3" in fate(world.site, "x@verify.hosts.test")[0]
    assert [len(world.sinks[f"tls.{i}"].messages) for i in range(3)] == [0, 0, 1]
    assert not [line for i in range(2) for s in world.sinks[f"tls.{i}"].sessions for line in s.lines if line.startswith(("MAIL", "RCPT"))]


@pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}")
def test_mx_with_a_word(world):
    """Not the host of `*`, but the domain's own; with its word for TLS, and nobody else's."""
    assert fate(world.site, "x@strict.open.test")[0].startswith("deferred")
    assert fate(world.site, "x@loose.open.test")[0].startswith("delivered")
    assert [m.recipients for m in world.sinks["mx"].messages] == [["x@loose.open.test"]]


def test_lmtp(world):
    """RFC 2033 4.2: an answer for each that was taken."""
    site, sink = world.site, world.sinks["lmtp"]
    says = {who: fate(site, f"{who}@lmtp.test")[0] for who in ("yes", "no", "later", "nobody")}
    assert {w: line.split()[0] for w, line in says.items()} == {"yes": "delivered", "no": "failed", "later": "deferred", "nobody": "failed"}
    for who, words in (("yes", "250 2.0.0 taken"), ("no", "550 5.2.2 full for good"), ("later", "451 4.3.0 not now"), ("nobody", "550 5.1.1 nobody")):
        assert words in says[who]
    assert sink.sessions[0].lines[0].startswith("LHLO ")
    sink.replies.clear()
    site.run("queue", "flush", "--to", "later@lmtp.test")
    sink.wait(2)
    assert sink.messages[1].recipients == ["later@lmtp.test"]
    imap = site.imap()
    imap.select("INBOX", readonly=True)
    _, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
    imap.logout()
    reports = [b for d in data if isinstance(d, tuple) and b"Subject: lmtp\r\n" in d[1] for b in email.message_from_bytes(d[1]).get_payload()[1].get_payload()[1:]]
    assert sorted(b["Final-Recipient"] for b in reports) == ["rfc822; no@lmtp.test", "rfc822; nobody@lmtp.test"]


# --- logins ----------------------------------------------------------------------------

@pytest.mark.parametrize("name", LOGINS)
def test_login(world, name):
    login, sink = LOGINS[name], world.sinks[f"login.{name}"]
    line = fate(world.site, f"x@{name}.login.test")[0]
    assert line.startswith("delivered" if login.arrives else "deferred"), line
    assert bool(sink.messages) == login.arrives
    for session in sink.sessions:
        assert session.mechanism == login.want
        verbs = [x.split()[0] for x in session.lines]
        assert login.want or "AUTH" not in verbs
        if sink.tls != "none" and not sink.implicit and "AUTH" in verbs:
            assert verbs.index("STARTTLS") < verbs.index("AUTH")
        assert login.arrives or "MAIL" not in verbs
    if login.arrives and login.want:
        assert sink.messages[0].session.user == (f"us@{DOMAIN}" if login.want == "EXTERNAL" else "us")


def test_a_liar_gets_no_password(world):
    for name in ("scram-liar", "scram-cheap", "scram-wrong", "best"):
        for s in world.sinks[f"login.{name}"].sessions:
            assert s.said and not any(SECRET.encode() in x for x in s.said)
    assert len(world.sinks["login.scram-cheap"].sessions[0].said) == 1      # not a proof to guess from, either


def test_client_certificate(world):
    def names(name):
        return [v for s in world.sinks[f"login.{name}"].sessions for row in (s.certificate or {}).get("subject", ()) for _, v in row]
    fate(world.site, "x@cert.login.test")
    fate(world.site, "x@no-cert.login.test")
    assert names("cert") == [f"us@{DOMAIN}"] and names("no-cert") == []
    assert world.sinks["login.cert"].messages[0].tls and not world.sinks["login.unverified-require"].sessions[0].certificate


def test_the_log_keeps_secrets(world):
    log = world.site.log()
    assert SECRET not in log and "dXMAczNjcmV0" not in log and "czNjcmV0" not in log
    for name, words in (("plain-wrong", "535"), ("clear", "no password is sent without it"), ("no-way", "none of our ways")):
        assert words in fate(world.site, f"x@{name}.login.test")[0]


# --- what waits ------------------------------------------------------------------------

def test_queue_verbs(world):
    """Each message waits at its own domain, whose server comes to its senses in the midst."""
    site, waiting, instead = world.site, world.sinks["waiting"], world.sinks["instead"]
    for name in WAITING:
        assert fate(site, f"{name}@{name}.wait.test")[0].startswith("deferred")
    site.run("queue", "hold", "--domain", "hold.wait.test")
    site.run("queue", "delete", "--domain", "delete.wait.test")
    site.run("queue", "bounce", "--domain", "bounce.wait.test")
    site.run("queue", "route", f"127.0.0.1:{instead.port}", "--domain", "route.wait.test")
    site.run("queue", "route", "127.0.0.1:1", "--domain", "unroute.wait.test")
    world.sinks["open"] = waiting
    site.run("queue", "flush", "--domain", "flush.wait.test")
    assert waiting.wait()[0].recipients == ["flush@flush.wait.test"]
    site.run("queue", "flush", "--domain", "hold.wait.test")
    site.run("queue", "flush", "--domain", "route.wait.test")
    assert instead.wait()[0].recipients == ["route@route.wait.test"]
    site.run("queue", "flush", "--domain", "unroute.wait.test")
    assert "host=127.0.0.1" in fate(site, "unroute@unroute.wait.test", 2)[1]
    site.run("queue", "route", "none", "--domain", "unroute.wait.test")
    site.run("queue", "flush", "--domain", "unroute.wait.test")
    waiting.wait(2)
    time.sleep(0.3)
    assert [m.recipients for m in waiting.messages] == [["flush@flush.wait.test"], ["unroute@unroute.wait.test"]]
    site.run("queue", "release", "--domain", "hold.wait.test")
    site.run("queue", "flush", "--domain", "hold.wait.test")
    assert waiting.wait(3)[2].recipients == ["hold@hold.wait.test"]
    site.run("queue", "flush", "--domain", "rest.wait.test")
    waiting.wait(4)
    assert len(instead.messages) == 1 and not [m for m in waiting.messages if "delete" in m.recipients[0] or "bounce" in m.recipients[0]]
    ids = {name: re.search(rf"deferred id=(\S+) .*to=<{name}@", site.log()).group(1) for name in WAITING}
    site.wait_log(f" about={ids['bounce']} ")
    told = re.findall(r"report sent id=\S+ about=(\S+) ", site.log())
    assert [name for name in WAITING if ids[name] in told] == ["bounce"]


def test_reload(world):
    """A new Route while mail leaves and while some waits: none is lost, none comes twice, what follows goes the new way."""
    site, old, new = world.site, world.sinks["all"], world.sinks["instead"]
    dead, since, before = "127.0.0.1:1", len(old.messages), len(new.messages)
    conf = site.path / "etc/deliverd.conf"
    conf.write_text(f"Route dead.test {dead}\n" + conf.read_text())
    site.run("reload")
    submit(site, f"alice@{DOMAIN}", [(["waits@dead.test"], "waits")])
    assert fate(site, "waits@dead.test")[0].startswith("deferred")
    submit(site, f"alice@{DOMAIN}", [([f"r{i}@moved.test"], "r") for i in range(30)])
    conf.write_text(f"Route moved.test 127.0.0.1:{new.port}\n" + conf.read_text().replace(f"dead.test {dead}", f"dead.test 127.0.0.1:{new.port}"))
    site.run("reload")
    submit(site, f"alice@{DOMAIN}", [([f"r{i}@moved.test"], "r") for i in range(30, 40)])
    site.run("queue", "flush", "--domain", "dead.test")
    end = time.monotonic() + 60

    def came():
        return sorted(r for m in old.messages[since:] + new.messages[before:] for r in m.recipients)
    while len(came()) < 41 and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    assert came() == sorted([*(f"r{i}@moved.test" for i in range(40)), "waits@dead.test"])
    later = {r for m in new.messages[before:] for r in m.recipients}
    assert later >= {f"r{i}@moved.test" for i in range(30, 40)} | {"waits@dead.test"}


# --- mistakes --------------------------------------------------------------------------

@pytest.fixture(scope="module")
def draft(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("draft") / "site", accounts=())
    return site, (site.path / "etc/deliverd.conf").read_text()


@pytest.mark.parametrize("route, auth, says", [
    ("* nowhere", None, "HOST:PORT"), ("* host:0", None, "port"), ("* host:70000", None, "port"), ("a..b x:25", None, "a..b"), ("*", None, "write Route"),
    ("* x:25 tls=strong", None, "tls="), ("* mx auth=us.auth", "user a\npassword b\n", "mx"), ("* x:25 whatever", None, "whatever"),
    ("* x:25 implicit tls=off", None, "implicit"), ("* x:25 auth=missing.auth", None, "missing.auth"), ("* x:25 cert=missing.pem", None, "missing.pem"),
    ("* x:25 auth=us.auth", "user only\n", "us.auth"), ("* x:25 auth=us.auth", "name a\npassword b\n", "us.auth"),
    ("* x:25 cert=us.auth", "no certificate\n", "us.auth")])
def test_mistakes(draft, route, auth, says):
    """config check names the file, the line and the reason."""
    site, text = draft
    (site.path / "etc/us.auth").unlink(missing_ok=True)
    if auth is not None:
        (site.path / "etc/us.auth").write_text(auth)
        os.chmod(site.path / "etc/us.auth", 0o600)
    (site.path / "etc/deliverd.conf").write_text(f"# one\nRoute good.test x:25\nRoute {route}\n" + text)
    r = site.run("config", "check", ok=False)
    out = r.stdout + r.stderr
    assert r.returncode == 1 and "deliverd.conf:3" in out and says in out, out


def test_no_mistake(draft):
    site, text = draft
    (site.path / "etc/us.auth").write_text("user a\npassword b\n")
    os.chmod(site.path / "etc/us.auth", 0o600)
    (site.path / "etc/deliverd.conf").write_text("Route * [::1]:25,x.test:26 auth=us.auth tls=may\nRoute .a.test mx tls=dane\n" + text)
    assert site.run("config", "check").returncode == 0
