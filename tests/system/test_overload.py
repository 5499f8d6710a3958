"""More than the site takes: temporary answers, nobody hangs, nothing that was accepted is lost, and who is not
to blame is served."""
import contextlib
import os
import poplib
import signal
import socket
import time

import pytest
from yubin import DOMAIN, PASSWORD, Raw, Site, until

LIMITS = ["MaxConnections 12", "ConnectionsPerAddress 8", "AnswerTime 1s", "CommitTime 1s"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One worker of each daemon, and 127.0.0.1 the only address that is spared."""
    s = Site(tmp_path_factory.mktemp("overload") / "site", settings={
        "smtpd": ["Workers 1"] + LIMITS, "pop3d": LIMITS, "imapd": ["Workers 1"] + LIMITS[2:]})
    conf = s.path / "etc/yubin.conf"
    conf.write_text(conf.read_text().replace("LimitExempt 127.0.0.0/8", "LimitExempt 127.0.0.1/32"))
    s.start()
    yield s
    s.stop()


def connect(site, name, address):
    return Raw(socket.create_connection(("127.0.0.1", site.port(name)), timeout=60, source_address=(address, 0)))


@contextlib.contextmanager
def many(site, name, count, address):
    clients = [connect(site, name, address) for _ in range(count)]
    try:
        yield clients
    finally:
        for c in clients:
            c.close()


@pytest.fixture(autouse=True)
def nobody_left(small):
    """Of the test before this one."""
    until(lambda: all(d.get("connections", 0) == 0 for d in small.status()["daemons"]))


@contextlib.contextmanager
def frozen(site, daemon):
    pid, = site.pids(daemon)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def willing(ask, words="250"):
    """The answer, as soon as it is that one: a second is little, on a machine whose disk has much to do."""
    return until(lambda: (answer := ask()).startswith(words) and answer)


def send(c, name):
    """A message from MAIL to its last reply."""
    def once():
        willing(lambda: c.ask("MAIL FROM:<a@there.test>"))
        willing(lambda: c.ask(f"RCPT TO:<bob@{DOMAIN}>"))
        assert c.ask("DATA").startswith("354")
        return c.ask(f"Subject: {name}\r\n\r\nx\r\n.")
    return willing(once)


def logged_in(site, user):
    def once():
        with contextlib.suppress(poplib.error_proto):
            return site.pop(user)
    return until(once)


def subjects(site, user="bob"):
    imap = site.imap(user)
    imap.select("INBOX")
    found = imap.fetch("1:*", "BODY[HEADER.FIELDS (SUBJECT)]")[1]
    imap.logout()
    return [x[1].decode().split(":")[1].strip() for x in found if isinstance(x, tuple)]


def test_too_many_from_one_address(small):
    with many(small, "mx", 8, "127.0.0.2") as clients:
        for c in clients:
            assert c.line().startswith("220 ")
        with connect(small, "mx", "127.0.0.2") as c:
            assert c.line().startswith("421 4.7.0 ")
            assert c.rest() == b""
        with connect(small, "mx", "127.0.0.3") as c:
            assert c.line().startswith("220 ")
            assert c.ask("EHLO c.test").startswith("250 ")
            assert send(c, "other").startswith("250 ")
    assert "other" in subjects(small)


def is_let_in(site):
    with connect(site, "mx", "127.0.0.5") as c:
        return c.line().startswith("220 ")


def test_too_many_connections(small):
    with many(small, "mx", 8, "127.0.0.2") as first, many(small, "mx", 4, "127.0.0.3") as second:
        for c in first + second:
            assert c.line().startswith("220 ")
        with many(small, "mx", 30, "127.0.0.4") as late:
            for c in late:
                assert c.line() == "421 4.3.2 too many connections, try again later"
                assert c.rest() == b""
        small.wait_log("MaxConnections reached connections=12")
        c = first[0]		# who was there before is served
        assert c.ask("EHLO c.test").startswith("250 ")
        assert send(c, "there before").startswith("250 ")
        second.pop().close()
        until(lambda: is_let_in(small))		# and so is the next, where one has gone
    assert "there before" in subjects(small)


def test_too_many_at_pop3(small):
    with many(small, "pop3", 8, "127.0.0.2") as first, many(small, "pop3", 4, "127.0.0.3") as second:
        for c in first + second:
            assert c.line().startswith("+OK")
        with connect(small, "pop3", "127.0.0.4") as c:
            assert c.line() == "-ERR [SYS/TEMP] too many connections, try again later"


def test_authd_is_late(small):
    with connect(small, "mx", "127.0.0.1") as c, frozen(small, "authd"):	# which MAIL does not ask
        c.line()
        c.ask("EHLO c.test")
        willing(lambda: c.ask("MAIL FROM:<a@there.test>"))
        assert c.ask(f"RCPT TO:<bob@{DOMAIN}>").startswith("451 4.3.0 ")
        with small.secure("submissions") as s, small.secure("pop3s") as p:
            assert s.line().startswith("220")
            s.ask("EHLO c.test")
            assert s.ask("AUTH PLAIN AGFsaWNlQGhlcmUudGVzdAB4").startswith("454 4.7.0 ")
            assert p.line().startswith("+OK")
            p.ask("USER bob")
            assert p.ask("PASS x").startswith("-ERR [SYS/TEMP] ")
    with connect(small, "mx", "127.0.0.1") as c:
        c.line()
        c.ask("EHLO c.test")
        send(c, "authd is back")
    assert "authd is back" in subjects(small)


def test_storaged_is_late(small):
    """What was not accepted may be there in the end; what was accepted is."""
    pop = logged_in(small, "alice")
    with connect(small, "mx", "127.0.0.1") as c:
        c.line()
        c.ask("EHLO c.test")
        time.sleep(1.1)         # that the disk has room counts for a second
        with frozen(small, "storaged"):
            assert c.ask("MAIL FROM:<a@there.test>").startswith("451 4.3.0 ")
            with pytest.raises(poplib.error_proto, match="SYS/TEMP"):
                small.pop("bob")
            assert c.ask("NOOP").startswith("250")
        assert send(c, "storaged is back").startswith("250")
        willing(lambda: c.ask("MAIL FROM:<a@there.test>"))
        willing(lambda: c.ask(f"RCPT TO:<bob@{DOMAIN}>"))
        assert c.ask("DATA").startswith("354")
        with frozen(small, "storaged"):
            assert c.ask("Subject: late\r\n\r\nx\r\n.").startswith("451 4.3.0 ")
        assert send(c, "late").startswith("250")
    small.wait_log("no answer in time waited_for=commit")
    pop.quit()
    found = subjects(small)
    assert "storaged is back" in found and "late" in found
    assert small.status()["daemons"]


def test_imap_is_late(small):
    """Each command is answered, the session goes on, and what a change became is seen when storaged is back."""
    again = "t NO [UNAVAILABLE] The mail store can't do that now"
    small.deliver("alice", "Subject: known\r\n\r\nbody\r\n")
    with small.secure("imaps") as c, small.secure("imaps") as other:
        for x in (c, other):
            x.line()
        with frozen(small, "authd"):
            assert other.tagged(f"LOGIN alice \"{PASSWORD}\"")[-1].startswith("t NO [UNAVAILABLE] The login can't")
        for x in (other, c):
            willing(lambda: x.tagged(f"LOGIN alice \"{PASSWORD}\"")[-1], "t OK")	# noqa: B023
        willing(lambda: c.tagged("SELECT INBOX")[-1], "t OK")
        with frozen(small, "storaged"):
            for command in ('LIST "" *', "STATUS Sent (MESSAGES)", "FETCH 1 FLAGS", "SEARCH BODY body", "SELECT Sent"):
                assert c.tagged(command)[-1].startswith(again), command
            assert c.tagged("NOOP")[-1].startswith("t OK")
            with small.secure("imaps") as third:
                third.line()
                assert third.tagged(f"LOGIN bob \"{PASSWORD}\"")[-1].startswith("t NO [UNAVAILABLE]")
        willing(lambda: c.tagged("SELECT INBOX")[-1], "t OK")
        with frozen(small, "storaged"):
            assert c.tagged("CREATE late")[-1].startswith("t NO [UNAVAILABLE] The mail store has not answered")
            assert c.tagged("UID STORE 1 +FLAGS (\\Flagged)")[-1].startswith("t NO [UNAVAILABLE]")
        until(lambda: len(other.tagged('LIST "" late')) > 1)
        until(lambda: any("SEARCH 1" in x for x in c.tagged("SEARCH BODY body")))
        assert c.tagged("LOGOUT")[-1].startswith("t OK")
    small.wait_log("no answer in time waited_for=change user=alice@")


def test_everybody_at_once(small):
    """100 clients of 25 addresses against 12 places: each is served or told to come later, and does so in the end."""
    accepted = refused = 0
    waiting = [f"127.0.1.{i % 25 + 1}" for i in range(100)]
    end = time.monotonic() + 60
    while waiting and time.monotonic() < end:
        batch = [(a, connect(small, "mx", a)) for a in waiting[:40]]
        waiting = waiting[40:]
        for address, c in reversed(batch):	# those behind have no place while those before them wait
            with c:
                line = c.line()
                if line.startswith("421 4."):
                    refused += 1
                    waiting.append(address)
                    continue
                assert line.startswith("220 "), line
                c.ask("HELO c.test")
                assert send(c, f"all{accepted}").startswith("250 ")
                accepted += 1
                assert c.ask("QUIT").startswith("221")
    assert accepted == 100 and refused > 0
    assert {x for x in subjects(small) if x.startswith("all")} == {f"all{i}" for i in range(100)}
