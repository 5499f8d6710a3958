"""Logins: lengths and bytes of AUTH, names of users, in all protocols (RFC 4954, 5034, 4616, 5802, 9051 6.2)."""
import base64

from row import Row
from talk import plain

LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 255, 256, 257, 511, 512, 1023, 1024, 4095, 4096, 8190, 9000]
BROKEN = [("*", "cancelled"), ("=", "one ="), ("==", "two ="), ("====", "four ="), ("A", "one letter"), ("AA", "two letters"), ("AAA", "three letters"),
          ("A===", "three = behind one"), ("AA=A", "= inside"), ("=AAA", "= first"), ("AAAA=", "= too many"), ("AA==AA==", "two ends"), ("A A=", "a space"),
          ("AAA-", "the URL alphabet"), ("AAA_", "the URL alphabet, 2"), ("AB==", "bits that are lost"), ("ABC=", "bits that are lost, 2"), ("\0\0\0\0", "NULs"),
          ("\xff\xff\xff\xff", "bytes of 0xff"), ("AAAA\t", "a tab"), ("**", "two *"), ("*=", "* and ="), ("!", "a sign"), ("é===", "UTF-8")]
# Answers of PLAIN before they are encoded.
PLAINS = [("empty", b""), ("one NUL", b"\0"), ("two NULs", b"\0\0"), ("three NULs", b"\0\0\0"), ("no NUL", b"abc"), ("four parts", b"\0a\0b\0c"),
          ("no password", b"\0mallory@here.test\0"), ("no user", b"\0\0correct horse"), ("NUL in the password", b"\0mallory@here.test\0correct\0horse"),
          ("another authzid", b"alice@here.test\0mallory@here.test\0correct horse"), ("authzid of 8000", b"a" * 8000 + b"\0mallory@here.test\0x"),
          ("user of 1,000", b"\0" + b"u" * 1000 + b"\0x"), ("user of 8,000", b"\0" + b"u" * 8000 + b"\0x"), ("password of 8,000", b"\0mallory@here.test\0" + b"p" * 8000),
          ("broken UTF-8", b"\0\xc3\x28@here.test\0x"), ("overlong UTF-8", b"\0\xc0\xaf@here.test\0x"), ("surrogate", b"\0\xed\xa0\x80@here.test\0x"),
          ("CR LF in the user", b"\0mallory\r\n1999-01-01 forged\0x"), ("ESC in the user", b"\0\x1b[2J\0x"), ("wrong password", b"\0mallory@here.test\0wrong")]
USERS = ["../../etc/passwd", "..", ".", "/", "/etc/shadow", "../mallory", "here.test/mallory", "mallory@../here.test", "mallory@..", "mallory@/", "mallory@here.test/../here.test",
         "mallory@here.test\\..", "~root", "~", "-", "--help", "mallory@here.test ", " mallory@here.test", "mallory@@here.test", "@", "@here.test", "mallory@", "MALLORY@HERE.TEST\u0130",
         "mallory@here.test%00", "mallory+x@here.test", "mallory+../../x@here.test", "%s%n%s", "$(id)", "`id`", "|id", ";id", "mallory@here.test.account", ".account", "postmaster",
         "m\u0430llory@here.test", "mallory@here.test\u200b", "\u202emallory@here.test", "a" * 255, "a" * 64 + "@" + "b" * 200, "NUL\u2400", "con", "aux", "mallory@[127.0.0.1]", "*", "%", "[a-z]*"]


def b64(data):
    return base64.b64encode(data).decode()


def answers():
    """(what, an AUTH answer as it goes over the wire, may it be a good one)."""
    for n in LENGTHS:
        yield f"{n} bytes", b64(b"\0" * 2 + b"x" * (n - 2) if n > 1 else b"x" * n)
        yield f"{n} letters", "A" * n
    for text, what in BROKEN:
        yield what, text
    for what, data in PLAINS:
        yield f"PLAIN {what}", b64(data)


def forms():
    for what, text in answers():
        wire = text.encode("latin-1")
        empty = text == ""
        yield Row("submission", "ehlo", f"AUTH PLAIN: {what}", "RFC 4954 4", b"AUTH PLAIN " + wire + b"\r\n" + (b"*\r\n" if empty else b""),
                  "(334 )?(501|535|500|554)|535|454", never="235 ")
        yield Row("submission", "ehlo", f"AUTH PLAIN, answer in a line of its own: {what}", "RFC 4954 4", b"AUTH PLAIN\r\n" + wire + b"\r\n", "334 (501|535|500|554)", never="235 ")
        yield Row("pop3", "greeted", f"AUTH PLAIN: {what}", "RFC 5034 4", b"AUTH PLAIN\r\n" + wire + b"\r\n", r"\+ -( -)?", never="OK (logged|welcome)")
        yield Row("imap", "greeted", f"AUTHENTICATE PLAIN: {what}", "RFC 9051 6.2.2", b"t AUTHENTICATE PLAIN\r\n" + wire + b"\r\n", "NO|BAD", never="t OK")
    for name in ("LOGIN",):
        for what, text in [*((w, t) for t, w in BROKEN), *((f"{n} letters", "A" * n) for n in LENGTHS)]:
            yield Row("submission", "ehlo", f"AUTH {name}, user: {what}", "RFC 4954 4", b"AUTH LOGIN\r\n" + text.encode("latin-1") + b"\r\n*\r\n",
                      "334 (334 )?(501|535|500|554)( 500)?", never="235 ")


def users():
    for i, user in enumerate(USERS):
        raw = f"\0{user}\0x".encode()
        name = f"user {i} {user[:16]!a}"
        yield Row("submission", "ehlo", name, "traversal and shells in a user's name", f"AUTH PLAIN {b64(raw)}\r\n", "535|501|454", never="235 ")
        yield Row("imap", "greeted", name, "traversal and shells in a user's name",
                  b"t LOGIN {%d+}\r\n%s x\r\n" % (len(user.encode()), user.encode()), "NO|BAD", never="t OK")
        yield Row("pop3", "greeted", name, "traversal and shells in a user's name", b"USER " + user.encode() + b"\r\nPASS x\r\n", r"[+-] -")


def steps():
    why = "RFC 5802 5: a message out of order or of the wrong form"
    first = b64(b"n,,n=mallory@here.test,r=abc")
    for what, lines in (("first message empty", [""]), ("junk", [b64(b"junk")]), ("y without channel", [b64(b"y,,n=a,r=b")]), ("p without binding", [b64(b"p=tls-x,,n=a,r=b")]),
                        ("no nonce", [b64(b"n,,n=mallory@here.test")]), ("empty nonce", [b64(b"n,,n=mallory@here.test,r=")]), ("m=", [b64(b"n,,m=x,n=a,r=b")]),
                        ("=3D bad", [b64(b"n,,n=a=4Db,r=b")]), ("user of 4,000", [b64(b"n,,n=" + b"u" * 4000 + b",r=b")]), ("nonce of 4,000", [b64(b"n,,n=a,r=" + b"r" * 4000)]),
                        ("comma flood", [b64(b"," * 4000)]), ("final without proof", [first, b64(b"c=biws,r=abc")]), ("final empty", [first, "="]), ("final junk", [first, b64(b"\0" * 100)]),
                        ("proof of 1,000", [first, b64(b"c=biws,r=abc,p=" + b"A" * 1000)]), ("cancelled late", [first, "*"]), ("another nonce", [first, b64(b"c=biws,r=x,p=AAAA")]),
                        ("extension", [first, b64(b"c=biws,r=abc,x=y,p=AAAA")]), ("authzid of another", [b64(b"n,a=alice@here.test,n=mallory@here.test,r=abc"), "*"])):
        wire = "".join(x + "\r\n" for x in lines)
        yield Row("submission", "ehlo", f"SCRAM: {what}", why, "AUTH SCRAM-SHA-256\r\n" + wire, "334 (334 )?(501|535|500|554)( 500)?|504", never="235 ")
        yield Row("imap", "greeted", f"SCRAM: {what}", why, "t AUTHENTICATE SCRAM-SHA-256\r\n" + wire, "(NO|BAD)( BAD)*", never="t OK")
    for name in ("", "X", "PLAIN" * 100, "plain", "CRAM-MD5", "DIGEST-MD5", "GSSAPI", "NTLM", "XOAUTH2", "ANONYMOUS", "EXTERNAL", "SCRAM-SHA-256-PLUS", "-", "\x01", "PLAIN,LOGIN", "PLAIN\0"):
        yield Row("submission", "ehlo", f"mechanism {name[:20]!r}", "RFC 4422 3.1", f"AUTH {name}\r\n*\r\n".replace("PLAIN" * 100 + "\r\n*", "PLAIN" * 100), "(50[0-4]|530)( 500)?|334 501", never="235 ")
        yield Row("imap", "greeted", f"mechanism {name[:20]!r}", "RFC 4422 3.1", f"t AUTHENTICATE {name}\r\n*\r\n".replace("PLAIN" * 100 + "\r\n*", "PLAIN" * 100), "(NO|BAD)( BAD)?", never="t OK")
    good = plain("mallory")
    yield Row("submission", "ehlo", "AUTH twice", "RFC 4954 4", f"AUTH PLAIN {good}\r\nAUTH PLAIN {good}\r\n", "235 503")
    yield Row("submission", "mail", "AUTH inside a transaction", "RFC 4954 4", f"AUTH PLAIN {good}\r\n", "503")
    yield Row("submission", "ehlo", "MAIL pipelined behind a wrong AUTH", "RFC 2920", f"AUTH PLAIN {b64(PLAINS[-1][1])}\r\nMAIL FROM:<mallory@here.test>\r\n", "535 530")
    yield Row("submission", "greeted", "AUTH before EHLO", "RFC 4954 4", f"AUTH PLAIN {good}\r\n", "503|500|502")
    yield Row("smtp", "ehlo", "AUTH on port 25", "no logins there", f"AUTH PLAIN {good}\r\n", "50[0-4]")
    yield Row("imap", "greeted", "LOGIN twice", "RFC 9051 6.2.3", 't LOGIN reader@here.test "correct horse"\r\nt LOGIN alice@here.test "correct horse"\r\n', "OK BAD")
    yield Row("imap", "greeted", "SELECT pipelined behind a wrong LOGIN", "RFC 9051 5.5", "t LOGIN reader@here.test wrong\r\nt SELECT INBOX\r\n", "NO BAD")
    yield Row("pop3", "greeted", "PASS without USER", "RFC 1939 7", "PASS x\r\n", "-")
    yield Row("pop3", "greeted", "USER x 15 and PASS", "RFC 1939 7", "USER a\r\n" * 15 + "PASS x\r\n", r"([+-] ?)+")
    yield Row("pop3", "greeted", "STAT before a login", "RFC 1939 3", "STAT\r\nLIST\r\nRETR 1\r\nDELE 1\r\n", "- - - -")
    yield Row("pop3", "greeted", "APOP", "RFC 1939 7", "APOP mallory@here.test " + "c" * 32 + "\r\n", "-")
    for n in (1, 100, 512, 2000):
        yield Row("pop3", "greeted", f"USER of {n}", "RFC 1939 7", "USER " + "u" * n + "\r\nPASS " + "p" * n + "\r\n", "[+-] -")


def rows():
    yield from forms()
    yield from users()
    yield from steps()
