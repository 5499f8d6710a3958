"""POP3: what a session sees, what QUIT does, what other programs do meanwhile."""
import base64
import contextlib
import email
import email.policy
import poplib
import smtplib
import unicodedata

import pytest
from yubin import DOMAIN, PASSWORD, until


@pytest.fixture
def three(site):
    """Three fresh messages in bob's INBOX, and nothing else."""
    imap = site.imap("bob")
    imap.select("INBOX")
    imap.store("1:*", "+FLAGS", "\\Deleted")
    imap.expunge()
    imap.logout()
    for i in range(3):
        site.deliver("bob", f"Subject: m{i}\r\n\r\n.dot {i}\r\nsecond\r\n")
    return site


def test_capabilities_before_and_after_tls(site):
    with site.raw("pop3") as c:
        assert c.line().startswith("+OK")
        c.send("CAPA\r\n")
        before = []
        while not before or before[-1] != ".":
            before.append(c.line())
        assert "STLS" in before and not any(x.startswith(("USER", "SASL")) for x in before)
        assert c.ask("USER bob").startswith("-ERR [SYS/PERM]")
    pop = poplib.POP3("localhost", site.port("pop3"), timeout=60)
    pop.stls(context=site.tls)
    after = pop.capa()
    assert "STLS" not in after and "USER" in after and after["SASL"] == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
    pop.user(f"bob@{DOMAIN}")
    pop.pass_(PASSWORD)
    pop.quit()


def test_read_and_delete(three):
    pop = three.pop("bob")
    assert pop.stat()[0] == 3
    uidl = [x.decode().split() for x in pop.uidl()[1]]
    assert [x[0] for x in uidl] == ["1", "2", "3"] and all("." in x[1] for x in uidl)
    _, lines, octets = pop.retr(2)
    assert b"Subject: m1" in lines and b".dot 1" in lines
    assert octets == int(pop.list(2).split()[2])
    assert pop.top(1, 1)[1][-1] == b".dot 0"
    pop.dele(1)
    pop.dele(3)
    with pytest.raises(poplib.error_proto):
        pop.retr(1)
    pop.quit()
    pop = three.pop("bob")
    assert [x.decode().split()[1] for x in pop.uidl()[1]] == [uidl[1][1]]
    pop.quit()


def let_in(site, user):
    """Once the session before has ended."""
    with contextlib.suppress(poplib.error_proto):
        return site.pop(user)


def test_rset_and_a_broken_session_delete_nothing(three):
    pop = three.pop("bob")
    pop.dele(1)
    pop.rset()
    pop.dele(2)
    pop.close()
    pop = until(lambda: let_in(three, "bob"))
    assert pop.stat()[0] == 3
    pop.quit()


def test_in_use(three):
    pop = three.pop("bob")
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        three.pop("bob")
    pop.quit()
    three.pop("bob").quit()


def test_expunged_by_imap_meanwhile(three):
    pop = three.pop("bob")
    imap = three.imap("bob")
    imap.select("INBOX")
    imap.store("2", "+FLAGS", "\\Deleted")
    imap.expunge()
    imap.logout()
    with pytest.raises(poplib.error_proto, match="deleted"):
        pop.retr(2)
    assert b"Subject: m2" in pop.retr(3)[1]
    pop.dele(1)
    pop.dele(2)
    pop.quit()
    pop = three.pop("bob")
    assert pop.stat()[0] == 1
    pop.quit()


def test_read_mail_is_seen_in_imap(three):
    pop = three.pop("bob")
    pop.retr(1)
    pop.quit()
    imap = three.imap("bob")
    imap.select("INBOX")
    assert imap.search(None, "SEEN")[1] == [b"1"]
    imap.logout()


def test_utf8(three):
    text = "From: Jürgen <jürgen@here.test>\r\nSubject: 郵便 now\r\n\r\nschön\r\n".encode()
    with smtplib.SMTP("127.0.0.1", three.port("mx"), timeout=60) as smtp:
        smtp.sendmail("someone@there.test", f"bob@{DOMAIN}", text, ["SMTPUTF8", "BODY=8BITMIME"])
    pop = three.pop("bob")
    lines = pop.retr(4)[1]
    pop.quit()
    message = email.message_from_bytes(b"\r\n".join(lines), policy=email.policy.default)
    assert message["Subject"] == "郵便 now"
    assert message["From"].addresses[0].addr_spec == "invalid@internationalized-address.invalid"
    assert message["From"].addresses[0].display_name == "Jürgen <jürgen@here.test>"
    assert lines[-1] == "schön".encode()
    pop = poplib.POP3_SSL("localhost", three.port("pop3s"), context=three.tls, timeout=60)
    pop.utf8()
    pop.user(f"bob@{DOMAIN}")
    pop.pass_(PASSWORD)
    assert (b"\r\n".join(pop.retr(4)[1]) + b"\r\n").endswith(text)
    pop.dele(4)
    pop.quit()


def test_a_password_in_utf8(site):
    with contextlib.suppress(AssertionError):
        site.run("account", "remove", f"jun@{DOMAIN}")
    site.account("jun", "schön 郵便")
    with site.secure("pop3s") as c:
        c.line()
        assert c.ask(f"USER jun@{DOMAIN}").startswith("+OK")
        assert c.ask("PASS schön 郵便").startswith("+OK 0 messages")
        assert c.ask("LANG *").startswith("+OK en ")
        assert c.ask("QUIT").startswith("+OK")


def test_a_password_spelt_otherwise(site):
    """However a keyboard writes its letters, and whatever protocol brings it (RFC 4013)."""
    with contextlib.suppress(AssertionError):
        site.run("account", "remove", f"zoe@{DOMAIN}")
    site.account("zoe", unicodedata.normalize("NFD", "Zoé schön"))
    for form in ("NFC", "NFD"):
        password = unicodedata.normalize(form, "Zoé schön")
        plain = base64.b64encode(f"\0zoe@{DOMAIN}\0{password}".encode()).decode()
        with site.secure("pop3s") as c:
            c.line()
            c.ask(f"USER zoe@{DOMAIN}")
            assert c.ask(f"PASS {password}").startswith("+OK 0 messages")
            c.ask("QUIT")
        with site.secure("submissions") as c:
            c.line()
            c.ask("EHLO c.test")
            assert c.ask(f"AUTH PLAIN {plain}").startswith("235")
        with site.secure("imaps") as c:
            c.line()
            assert c.tagged(f"AUTHENTICATE PLAIN {plain}")[-1].startswith("t OK")
    with site.secure("pop3s") as c:
        c.line()
        c.ask(f"USER zoe@{DOMAIN}")
        assert c.ask("PASS Zoe schön").startswith("-ERR [AUTH] ")


def test_malformed(site):
    with site.secure("pop3s") as c:
        c.line()
        for bad in ("", "FROB", "X" * 5000, "STAT", "USER", "AUTH NONE", "AUTH PLAIN ?", "\0", "NOOP now"):
            assert c.ask(bad).startswith("-ERR"), bad
        assert c.ask("QUIT").startswith("+OK")
