"""COMPRESS=DEFLATE over TLS: with zlib at the other end, and what a hostile one can send."""
import time
import zlib

from yubin import DOMAIN, PASSWORD, until


class Squeezed:
    """A connection behind COMPRESS: text both ways."""

    def __init__(self, raw, level=9):
        self.raw, self.text = raw, b""
        self.up, self.down = zlib.compressobj(level, zlib.DEFLATED, -15), zlib.decompressobj(-15)

    def send(self, text):
        self.raw.send(self.up.compress(text.encode()) + self.up.flush(zlib.Z_SYNC_FLUSH))

    def until(self, mark):
        while mark.encode() not in self.text:
            piece = self.raw.sock.recv(65536)
            assert piece, f"ended after {self.text[-200:]}"
            self.text += self.down.decompress(piece)
        text, self.text = self.text, b""
        return text.decode()

    def ask(self, command, tag="t"):
        self.send(f"{tag} {command}\r\n")
        return self.until(f"\r\n{tag} " if not self.text.startswith(tag.encode()) else tag + " ")


def squeezed(site):
    c = site.secure("imaps")
    c.line()
    assert "COMPRESS=DEFLATE" in c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1]
    assert c.tagged("COMPRESS DEFLATE") == ["t OK DEFLATE begins now"]
    return Squeezed(c)


def test_a_session(site):
    z = squeezed(site)
    body = "Subject: long\r\n\r\n" + "the same line again and again\r\n" * 20000
    z.send(f"a CREATE Squeezed\r\nb APPEND Squeezed {{{len(body)}+}}\r\n{body}\r\nc SELECT Squeezed\r\n")
    assert "a OK" in z.until("\r\nc OK")
    before = z.raw.sock.version()
    z.send("d FETCH 1 BODY.PEEK[]\r\n")
    assert body in z.until("\r\nd OK")
    assert before == z.raw.sock.version()
    time.sleep(6)  # the server has given its memory back: what we send refers to what we have sent
    z.send("e FETCH 1 BODY.PEEK[HEADER]\r\nf COMPRESS DEFLATE\r\n")
    assert "f BAD [COMPRESSIONACTIVE]" in z.until("\r\nf BAD [COMPRESSIONACTIVE] COMPRESS DEFLATE is on already\r\n")
    z.send("g LOGOUT\r\n")
    assert "* BYE" in z.until("g OK LOGOUT completed\r\n")
    assert z.raw.rest() == b""


def test_mail_in_idle(site):
    z = squeezed(site)
    z.send("a SELECT INBOX\r\nb IDLE\r\n")
    z.until("+ idling\r\n")
    site.deliver(text="Subject: hello\r\n\r\nhello\r\n")
    assert " EXISTS\r\n" in z.until(" EXISTS\r\n")
    z.send("DONE\r\n")
    z.until("b OK")


def test_a_bomb_is_bounded(site):
    """200 MB in 200 kB: the server reads them as a line too long, serves others meanwhile, and stays small."""
    z = squeezed(site)
    pids = site.pids("imapd")
    before = sum(resident(p) for p in pids)
    piece, sent = b"x" * (1 << 20), 0
    for _ in range(200):
        data = z.up.compress(piece)
        z.raw.send(data)
        sent += len(data)
    other = site.imap()
    until(lambda: is_answered_soon(other))
    other.logout()
    z.send("\r\nt NOOP\r\n")
    assert "* BAD The command line is too long" in z.until("t OK")
    assert sum(resident(p) for p in pids) - before < 8 << 20, sent


def is_answered_soon(imap):
    start = time.monotonic()
    imap.noop()
    return time.monotonic() - start < 2


def test_junk_ends_the_session(site):
    z = squeezed(site)
    z.raw.send(b"t NOOP\r\nt NOOP\r\n")
    assert b"* BYE" in z.down.decompress(z.raw.rest())


def resident(pid):
    with open(f"/proc/{pid}/statm") as f:
        return int(f.read().split()[1]) * 4096
