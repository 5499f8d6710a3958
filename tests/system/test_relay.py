"""Nobody sends mail to other servers through us who has not logged in to send it: each disguise of an
address elsewhere, in each state that a session can be brought into."""
import base64
import pathlib

import pytest
from yubin import DOMAIN, PASSWORD, Raw, Site

# What stands behind RCPT TO: ; bytes, as they go out.
DISGUISES = [s if isinstance(s, bytes) else s.encode() for s in (
    "<x@there.test>", "<x%there.test@here.test>", "<x%there.test>", "<x%there.test@[127.0.0.1]>",
    "<x%there.test@mail.here.test>", '<"x%there.test"@here.test>', '<"x@there.test"@here.test>', '<"x@there.test">',
    "<x@there.test@here.test>", "<alice@here.test@there.test>", '<"alice@here.test"@there.test>',
    "<@here.test:x@there.test>", "<@here.test,@mail.here.test:x@there.test>", "<@here.test:@there.test:alice@here.test>",
    "<@there.test,@here.test:x@there.test>", "<there.test!x@here.test>", "<there.test!x>", "<here.test!there.test!x>",
    '<"there.test!x"@here.test>', "<x@there.test.>", "<x@THERE.TEST>", "<x@here.test.there.test>",
    "<x@there.test..here.test>", "<x@.here.test>", "<alice@here.test%there.test>", "<alice%here.test@there.test>",
    "<x@[127.0.0.1]>", "<alice@[127.0.0.1]>", "<x@[192.0.2.1]>", "<x@[IPv6:::1]>", "<x@localhost>", "<x@mail.here.test>",
    "<postmaster@there.test>", "<postmaster%there.test>", "<postmaster@>", '<"postmaster"@there.test>',
    "<x:there.test@here.test>", "<x@here.test:25>", "<x/there.test@here.test>", "<x=there.test@here.test>",
    "<SRS0=AAAA=AA=there.test=x@here.test>", "<srs0+AAAA=AA=there.test=x@here.test>",
    "<SRS1=AAAA=there.test==AAAA=AA=far.test=x@here.test>", "< x@there.test>", "x@there.test", "<x@there.test",
    "<x@there.test>>", "<<x@there.test>>", "<x@there.test> ORCPT=rfc822;alice@here.test",
    "<nobody@here.test> ORCPT=rfc822;x@there.test", "<x@there.test> NOTIFY=NEVER", "<alice@here.test,x@there.test>",
    "<alice@here.test>,<x@there.test>", "<alice@here.test> <x@there.test>", "<alice@here.test><x@there.test>",
    "<x@there.test(alice@here.test)>", "<x@there.test\\@here.test>", "<x@there.test;alice@here.test>",
    '<""@there.test>', '<"alice@here.test\\"@there.test>', "<alice@here.test\t@there.test>",
    b"<alice@here.test\0@there.test>", b"<x@there.test\0@here.test>", b"<alice@here.test\r@there.test>",
    "<x@\uff54here.test>", "<alice\uff20here.test@there.test>", "<x@there\u3002test>", b"<x@there.test\xff>",
    "<alice@h\u0435re.test>", "<x@xn--here-test>",
)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Wrong passwords are answered at once."""
    s = Site(tmp_path_factory.mktemp("site") / "site", settings={"authd": ["FailureDelay 0s"]})
    s.start()
    yield s
    s.stop()


def plain(password):
    return base64.b64encode(f"\0alice@{DOMAIN}\0{password}".encode()).decode()


class Talk:
    """One session: commands as bytes, replies as text."""

    def __init__(self, site, port):
        self.site, self.c = site, site.raw(port)
        assert self.c.line().startswith("220")
        self.hello()

    def hello(self):
        assert self.c.ask("EHLO client.test").startswith("250")

    def start_tls(self):
        assert self.c.ask("STARTTLS").startswith("220")
        self.c = Raw(self.site.tls.wrap_socket(self.c.sock, server_hostname="localhost"))
        self.hello()

    def ask(self, line):
        self.c.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.c.reply()


def clean(t):
    pass


def behind_starttls(t):
    t.start_tls()


def behind_failed_auth(t):
    t.start_tls()
    assert t.ask("AUTH PLAIN " + plain("wrong"))[:3] in ("502", "535")


def behind_failed_auth_in_clear(t):
    assert t.ask("AUTH PLAIN " + plain(PASSWORD))[:3] in ("502", "530")


def behind_rset(t):
    t.ask(f"MAIL FROM:<alice@{DOMAIN}>")
    t.ask(f"RCPT TO:<alice@{DOMAIN}>")
    assert t.ask("RSET").startswith("250")


def behind_a_cancelled_auth(t):
    t.start_tls()
    if t.ask("AUTH PLAIN").startswith("334"):
        assert t.ask("*").startswith("501")


STATES = [clean, behind_starttls, behind_failed_auth, behind_failed_auth_in_clear, behind_rset, behind_a_cancelled_auth]
SENDERS = ["someone@far.test", f"alice@{DOMAIN}", ""]


def waiting(site):
    return [p for p in pathlib.Path(site.path / "queue").rglob("*") if p.is_file()]


@pytest.mark.parametrize("state", STATES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("port", ["mx", "submission"])
def test_disguises(site, port, state):
    for i, disguise in enumerate(DISGUISES):
        t = Talk(site, port)
        state(t)
        sender = SENDERS[i % len(SENDERS)]
        said = t.ask(f"MAIL FROM:<{sender}> SMTPUTF8")
        assert said.startswith("250" if port == "mx" else "530"), said
        said = t.ask(b"RCPT TO:" + disguise)
        assert said[:1] in "45", f"{disguise} got {said}"
        assert t.ask("DATA")[:1] == "5", disguise
        t.c.close()
    assert waiting(site) == []


def test_without_smtputf8_too(site):
    t = Talk(site, "mx")
    for disguise in DISGUISES:
        t.ask("RSET")
        assert t.ask("MAIL FROM:<>").startswith("250")
        said = t.ask(b"RCPT TO:" + disguise)
        assert said[:1] in "45", f"{disguise} got {said}"
        if said.startswith("421") or t.ask("NOOP").startswith("421"):
            t.c.close()
            t = Talk(site, "mx")
    t.c.close()


def test_a_good_recipient_opens_nothing(site):
    """Beside one of ours the other one is still refused, and only ours gets the message."""
    t = Talk(site, "mx")
    t.ask(f"MAIL FROM:<alice@{DOMAIN}>")
    assert t.ask(f"RCPT TO:<alice@{DOMAIN}>").startswith("250")
    for disguise in DISGUISES[:8]:
        assert t.ask(b"RCPT TO:" + disguise)[:1] == "5"
    assert t.ask("DATA").startswith("354")
    assert t.ask("To: x@there.test\r\nBcc: y@there.test\r\n\r\nhi\r\n.").startswith("250")
    t.c.close()
    assert "recipients=1 accounts=1 remotes=0" in site.wait_log("message accepted")
    assert waiting(site) == []


def test_who_has_logged_in_may(site):
    with site.submit() as smtp:
        assert smtp.mail(f"alice@{DOMAIN}")[0] == 250
        for to in ("x@there.test", "x@[192.0.2.1]", "x@xn--bcher-kva.test", "x%y@there.test", "SRS0=AAAA=AA=far.test=x@there.test"):
            assert smtp.rcpt(to)[0] == 250, to
        for to in ("x@there", "x@[x:there.test]", "x@-there.test", "nobody@here.test", "x%there.test@here.test"):
            assert smtp.rcpt(to)[0] == 550, to
        for to in ("x@there..test", "x@[there.test]", "x@[192.0.2.256]"):
            assert smtp.docmd(f"RCPT TO:<{to}>")[0] == 501, to
