"""Quotas (RFC 9208) in everything that brings mail into an account: SMTP, LMTP, APPEND, COPY; and what clients are told."""
import os
import signal
import smtplib
import socket

import pytest
from yubin import DOMAIN, PASSWORD, Raw, Site, free_ports


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("site") / "site", accounts=("alice", "bob", "carol"))
    (s.lmtp,) = free_ports(1)
    conf = s.path / "etc/smtpd.conf"
    conf.write_text(conf.read_text() + f"\nListen 127.0.0.1:{s.lmtp} plain lmtp\n")
    s.run("alias", "add", f"team@{DOMAIN}", f"bob@{DOMAIN}", f"carol@{DOMAIN}")
    s.start()
    yield s
    s.stop()


def text(size):
    return "Subject: x\r\n\r\n" + ("x" * 78 + "\r\n") * (size // 80)


def held(site, user):
    """Bytes and their limit in units of 1,024, as GETQUOTAROOT tells them; and the number of messages."""
    imap = site.imap(user)
    _, ((root,), (quota,)) = imap.getquotaroot("INBOX")
    count = int(imap.select("INBOX")[1][0])
    imap.logout()
    assert root == b'"INBOX" ""'
    words = quota.decode().replace("(", " ").replace(")", " ").split()
    at = words.index("STORAGE") if "STORAGE" in words else None
    return (int(words[at + 1]), int(words[at + 2]), count) if at is not None else (None, None, count)


def quota(site, user, size):
    site.run("account", "quota", f"{user}@{DOMAIN}", size)


def empty(site, user):
    quota(site, user, "none")
    imap = site.imap(user)
    for box in ("INBOX", "Sent"):
        imap.select(box)
        imap.store("1:*", "+FLAGS.SILENT", r"(\Deleted)") if imap.untagged_responses["EXISTS"] != [b"0"] else None
        imap.expunge()
    imap.logout()


def send(site, to, size, announce=True):
    """The code and words of each reply from RCPT TO on."""
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("MAIL FROM:<x@there.test>" + (f" SIZE={size}" if announce else "")).startswith("250")
        said = [c.ask(f"RCPT TO:<{t}@{DOMAIN}>") for t in to]
        if any(s.startswith("250") for s in said):
            assert c.ask("DATA").startswith("354")
            said.append(c.ask(text(size) + "."))
        return [s[:9] for s in said]


TAKEN, RECIPIENT, FULL = "250 2.0.0", "250 2.1.5", "452 4.2.2"


def test_smtp(site):
    empty(site, "alice")
    assert send(site, ["alice"], 30000) == [RECIPIENT, TAKEN]
    quota(site, "alice", "50k")                          # holds at once
    assert send(site, ["alice"], 30000) == [FULL]        # at RCPT TO, by what was announced
    assert send(site, ["alice"], 30000, announce=False) == [RECIPIENT, FULL]     # or when all of it is there
    assert send(site, ["alice"], 10000) == [RECIPIENT, TAKEN]
    assert held(site, "alice")[1:] == (50, 2)
    assert "reason=over-quota" in site.wait_log("recipient refused to=<alice@")
    quota(site, "alice", "default")
    assert send(site, ["alice"], 30000) == [RECIPIENT, TAKEN]
    assert held(site, "alice")[1:] == (None, 3)


def test_smtp_several(site):
    """One answer at the end: who has no room keeps nobody else from the message."""
    for user in ("alice", "bob", "carol"):
        empty(site, user)
    for user in ("alice", "bob"):
        quota(site, user, "20k")
    assert send(site, ["alice", "carol"], 30000) == [FULL, RECIPIENT, TAKEN]
    assert send(site, ["alice", "carol"], 30000, announce=False) == [RECIPIENT, RECIPIENT, TAKEN]
    assert send(site, ["alice", "carol"], 1000, announce=False) == [FULL, RECIPIENT, TAKEN]      # it was the last time
    assert send(site, ["bob"], 30000, announce=False) == [RECIPIENT, FULL]
    assert (held(site, "alice")[2], held(site, "bob")[2], held(site, "carol")[2]) == (1, 0, 3)
    assert send(site, ["team"], 30000) == [FULL]         # all who are behind an alias, or none


def lmtp(site, to, size):
    with Raw(socket.create_connection(("127.0.0.1", site.lmtp), timeout=60)) as c:
        c.line()
        c.replies("LHLO c")
        c.ask("MAIL FROM:<x@there.test>")
        said = [c.ask(f"RCPT TO:<{t}@{DOMAIN}>") for t in to]
        assert c.ask("DATA").startswith("354")
        c.send(text(size) + ".\r\n")
        said += [c.reply() for s in said if s.startswith("250")]
        return [s[:9] for s in said]


def test_lmtp(site):
    """RFC 2033 4.2: each recipient hears for itself."""
    for user in ("alice", "bob", "carol"):
        empty(site, user)
    quota(site, "bob", "20k")
    assert lmtp(site, ["alice", "bob", "carol"], 30000) == [RECIPIENT] * 3 + [TAKEN, FULL, TAKEN]
    assert lmtp(site, ["bob"], 30000) == [RECIPIENT, FULL]
    assert lmtp(site, ["alice", "team"], 30000) == [RECIPIENT] * 2 + [TAKEN, FULL]       # carol did not get it from team
    assert lmtp(site, ["carol", "team", "bob"], 10000) == [RECIPIENT] * 3 + [TAKEN] * 3
    assert lmtp(site, ["bob", "bob"], 20000) == [RECIPIENT] * 2 + [FULL] * 2
    assert (held(site, "alice")[2], held(site, "bob")[2], held(site, "carol")[2]) == (2, 1, 2)


def test_append_and_copy(site):
    empty(site, "alice")
    quota(site, "alice", "25k")
    imap = site.imap("alice")
    assert imap.append("INBOX", None, None, text(10000).encode())[0] == "OK"
    typ, said = imap.append("INBOX", None, None, text(20000).encode())
    assert (typ, said[0].split()[0]) == ("NO", b"[OVERQUOTA]")
    imap.select("INBOX")
    assert imap.copy("1", "Sent")[0] == "OK"
    typ, said = imap.copy("1", "Sent")
    assert (typ, said[0].split()[0]) == ("NO", b"[OVERQUOTA]")
    typ, said = imap.uid("MOVE", "1", "Sent")            # adds nothing
    assert typ == "OK"
    # a session that is open follows when mail comes, or with the next login
    quota(site, "alice", "1M")
    assert send(site, ["alice"], 1000) == [RECIPIENT, TAKEN]
    assert imap.append("INBOX", None, None, text(20000).encode())[0] == "OK"
    imap.logout()
    assert held(site, "alice")[1] == 1024


def test_log_warns_once(site):
    empty(site, "alice")
    quota(site, "alice", "100k")
    assert send(site, ["alice"], 80000) == [RECIPIENT, TAKEN]
    since = len(site.log())
    for _ in range(3):
        assert send(site, ["alice"], 4000) == [RECIPIENT, TAKEN]
    site.wait_log(f"store account nearly full account=alice@{DOMAIN} bytes=", since)
    assert send(site, ["alice"], 1000) == [RECIPIENT, TAKEN]
    assert site.log()[since:].count("store account nearly full") == 1


def test_command(site):
    address = f"bob@{DOMAIN}"
    assert site.run("account", "quota", address, "2G").stdout == ""
    assert site.run("account", "quota", address).stdout == "2G\n"
    assert "\nquota    2G\n" in site.run("account", "show", address).stdout
    assert '"quota":2147483648' in site.run("account", "show", address, "--json").stdout
    assert "quota 2147483648\n" in (site.path / f"accounts/{DOMAIN}/bob.account").read_text()
    site.run("account", "passwd", address, "--password-stdin", text=PASSWORD + "\n")     # leaves it alone
    assert site.run("account", "quota", address).stdout == "2G\n"
    site.run("account", "quota", address, "none")
    assert '"quota":0' in site.run("account", "show", address, "--json").stdout
    site.run("account", "quota", address, "default")
    assert '"quota":null' in site.run("account", "show", address, "--json").stdout
    for bad in ("0", "x", "2X", "99999T"):
        assert "a quota is none, default, or a size" in site.run("account", "quota", address, bad, ok=False).stderr
    assert "is not there" in site.run("account", "quota", f"nobody@{DOMAIN}", "1G", ok=False).stderr


def test_for_all(site):
    """Quota in storaged.conf holds for who has none of his own, from the reload on."""
    for user in ("alice", "bob"):
        empty(site, user)
        quota(site, user, "default")
    site.set("storaged", ["Quota 20k", "QuotaMessages 3"])
    site.run("reload")
    assert send(site, ["alice"], 30000) == [FULL]
    for _ in range(3):
        assert send(site, ["bob"], 100) == [RECIPIENT, TAKEN]
    assert send(site, ["bob"], 100) == [FULL]            # the third was the last message that it may have
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp, pytest.raises(smtplib.SMTPRecipientsRefused):
        smtp.sendmail("x@there.test", [f"bob@{DOMAIN}"], "x")
    quota(site, "bob", "none")                           # for him there is no limit of any kind
    assert send(site, ["bob"], 30000) == [RECIPIENT, TAKEN]


def test_late_answer(make_site):
    """A recipient that is refused because storaged did not answer in time gets nothing of the message either."""
    site = make_site(settings={"smtpd": ["AnswerTime 1s"]})
    (storaged,) = site.pids("storaged")
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("MAIL FROM:<x@there.test>").startswith("250")
        os.kill(storaged, signal.SIGSTOP)
        try:
            assert c.ask(f"RCPT TO:<alice@{DOMAIN}>").startswith("451")
        finally:
            os.kill(storaged, signal.SIGCONT)
        assert c.ask(f"RCPT TO:<bob@{DOMAIN}>").startswith("250")
        assert c.ask("DATA").startswith("354")
        assert c.ask(text(100) + ".").startswith("250")
    assert (held(site, "alice")[2], held(site, "bob")[2]) == (0, 1)
