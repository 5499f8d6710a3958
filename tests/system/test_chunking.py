"""Messages by BDAT (RFC 3030): stored byte for byte, and sent on in a form that every server takes."""
import base64
import glob

import pytest
from sink import OFFERS, Sink
from test_smtp import latest, plain
from yubin import DOMAIN

BINARY = (b"From: alice@here.test\r\nMIME-Version: 1.0\r\nContent-Type: application/x-bytes\r\n"
          b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) + b"\n\r\r\n.\r\n\0")


def chunks(c, data, size):
    while data:
        piece, data = data[:size], data[size:]
        c.send(b"BDAT %d%s\r\n" % (len(piece), b"" if data else b" LAST") + piece)
        code = c.reply()
        assert code.startswith("250"), code
    return code


def test_offered(site):
    with site.raw("mx") as c:
        c.line()
        said = c.replies("EHLO c")
        assert any("CHUNKING" in x for x in said) and any("BINARYMIME" in x for x in said)
        assert any("LIMITS RCPTMAX=" in x for x in said)


@pytest.mark.parametrize("size", [1, 7, 100000])
def test_binary_is_stored_byte_for_byte(site, size):
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("MAIL FROM:<x@there.test> BODY=BINARYMIME").startswith("250")
        assert c.ask(f"RCPT TO:<bob@{DOMAIN}>").startswith("250")
        chunks(c, BINARY, size)
    files = glob.glob(str(site.path / f"mail/{DOMAIN}/bob/*/cur/*"))
    with open(max(files, key=lambda f: int(f.rsplit("/", 1)[1].split(".")[0])), "rb") as f:
        assert f.read().endswith(BINARY)


def test_text_in_chunks(site):
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        c.send(f"MAIL FROM:<x@there.test>\r\nRCPT TO:<bob@{DOMAIN}>\r\nBDAT 17\r\nSubject: chunks\r\nBDAT 0 LAST\r\n")
        assert [c.reply()[:3] for _ in range(4)] == ["250"] * 4
    assert latest(site, "bob").endswith(b"Subject: chunks\r\n")


@pytest.mark.parametrize("offers", [OFFERS, (*OFFERS, "CHUNKING"), (*OFFERS, "CHUNKING", "BINARYMIME")])
def test_binary_of_others_goes_on(make_site, offers):
    """As it came to who takes it, for others may have signed it; encoded to all others."""
    with Sink(offers=offers) as far:
        site = make_site(settings={"deliverd": [f"Route * 127.0.0.1:{far.port}"]})
        site.run("alias", "add", f"on@{DOMAIN}", "x@far.test")
        with site.raw("mx") as c:
            c.line()
            c.replies("EHLO c")
            c.ask("MAIL FROM:<x@there.test> BODY=BINARYMIME")
            assert c.ask(f"RCPT TO:<on@{DOMAIN}>").startswith("250")
            chunks(c, BINARY, 100)
        m, = far.wait()
        raw = "BINARYMIME" in offers
        assert ("BODY=BINARYMIME" in m.mail_line) == raw
        if raw:
            assert m.data.endswith(BINARY)
        else:
            assert base64.b64decode(m.data.partition(b"\r\n\r\n")[2]) == BINARY.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("offers", [OFFERS, (*OFFERS, "CHUNKING", "BINARYMIME")])
def test_binary_of_ours_goes_on_encoded(make_site, offers):
    with Sink(offers=offers) as far:
        site = make_site(settings={"deliverd": [f"Route * 127.0.0.1:{far.port}"]})
        with site.secure("submissions") as c:
            c.line()
            c.replies("EHLO c")
            c.ask("AUTH PLAIN " + plain())
            c.ask(f"MAIL FROM:<alice@{DOMAIN}> BODY=BINARYMIME")
            assert c.ask("RCPT TO:<x@far.test>").startswith("250")
            chunks(c, BINARY, 100)
        m, = far.wait()
        head, _, body = m.data.partition(b"\r\n\r\n")
        assert b"\r\nContent-Transfer-Encoding: base64" in head and b"BINARYMIME" not in m.mail_line.encode()
        assert base64.b64decode(body) == BINARY.partition(b"\r\n\r\n")[2]
