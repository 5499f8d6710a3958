"""POP3: numbers, lines, floods (RFC 1939, 2449, 6856)."""
from row import Row

NUMBERS = ["", "0", "-1", "+1", "00", "4294967295", "4294967296", "4294967297", "18446744073709551616", "9" * 400, "1e1", "0x1", "a", "1 1", "*", "1:2", "\0", "\xff", " 1", "1 "]


def rows():
    for i, n in enumerate(NUMBERS):
        for command in ("RETR", "DELE", "LIST", "UIDL", "TOP"):
            data = f"{command} {n}".encode("latin-1")
            yield Row("pop3", "auth", f"{command} {i} {n[:12]!a}", "RFC 1939 5: there is no such message", data + b"\r\n", r"[+]" if command in ("LIST", "UIDL") and not n.strip() else "-|[+]" if n in ("1 ", " 1") else "-")
        yield Row("pop3", "auth", f"TOP 1 {i} {n[:12]!a}", "RFC 1939 7", b"TOP 1 " + n.encode("latin-1") + b"\r\n", "-")
    for n in (255, 256, 512, 2000, 2048, 65536, 1 << 20):
        yield Row("pop3", "greeted", f"a line of {n}", "LineLimit 2k", b"CAPA " + b"x" * n + b"\r\n", "-")
    yield Row("pop3", "greeted", "a line without an end", "bounded memory", lambda: b"x" * (8 << 20), "-?", after="waits")
    yield Row("pop3", "greeted", "unknown commands", "ErrorLimit", b"XYZZY\r\n" * 100, "(- ?)+", after="closed")
    yield Row("pop3", "auth", "NOOP x 20,000 in one piece", "pipelining", b"NOOP\r\n" * 20000, "([+] ?){20000}")
    yield Row("pop3", "auth", "CAPA x 2,000", "answers larger than what asks for them", b"CAPA\r\n" * 2000, "([+] ?){2000}")
    yield Row("pop3", "auth", "STAT, LIST, UIDL x 2,000", "pipelining", b"STAT\r\nLIST\r\nUIDL\r\n" * 2000, "([+] ?){6000}")
    yield Row("pop3", "auth", "RSET x 20,000", "pipelining", b"RSET\r\n" * 20000, "([+] ?){20000}")
    for end in (b"\n", b"\r", b"\n\r", b"\r\r\n", b"\0\r\n"):
        yield Row("pop3", "greeted", f"a command ended by {end!r}", "RFC 1939 3", b"CAPA" + end + b"CAPA" + end + b"\r\n", "(- ?)+")
    for b in range(0, 256, 3):
        if b not in (10, 13):
            yield Row("pop3", "greeted", f"byte {b} before a command", "no byte is special", bytes([b]) + b"STAT\r\n", "-?", after="any")
    forged = "1999-01-01T00:00:00.000+00:00 info pop3d[1] forged"
    for what, line in (("USER", f"USER {forged}"), ("ESC", "USER \x1b[2J"), ("LF", f"USER a\n{forged}"), ("percent", "USER %n%s"), ("UTF8", "USER \u202ea"), ("LANG", "LANG \x1b[2J"), ("LANG traversal", "LANG ../../etc/passwd"), ("APOP", f"APOP {forged} x")):
        yield Row("pop3", "greeted", f"log: {what}", "log injection", line.encode() + b"\r\nPASS x\r\n", "[+-] -")
    for text in ("", " ", "USER", "PASS", "USER a\r\nUSER b\r\nPASS x", "QUIT x", "CAPA x", "STLS x", "AUTH", "AUTH X", "LANG", "LANG *", "LANG x", "UTF8", "UTF8 USER", "UTF8 X", "TOP", "TOP 1", "NOOP", "GET / HTTP/1.0", "EHLO h", "a LOGIN b c", "\x16\x03\x01", "XTND XMIT", "RPOP x"):
        yield Row("pop3", "greeted", f"line {text[:20]!a}", "RFC 1939 3", text.encode() + b"\r\n", "(([+-]) ?)*", after="any")
