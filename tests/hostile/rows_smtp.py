"""SMTP's commands: addresses, parameters, chunks, floods, injection (RFC 5321, 3030, 3461, 6531)."""
import itertools

from row import Row

LABEL = "a" * 63
NAME = ".".join([LABEL] * 3) + "." + "b" * 61          # 253 bytes
# (what, address without its brackets, is it one; None: either, here or by the RFC, is lived with). Dots may stand anywhere: mail with
# such addresses exists.
ADDRESSES = [
    ("empty local part", "@here.test", False), ("two @", "a@b@here.test", False), ("dot first", ".a@here.test", True),
    ("dot last", "a.@here.test", True), ("two dots", "a..b@here.test", True), ("domain empty", "a@", False),
    ("domain dot first", "a@.here.test", False), ("domain dot last", "a@here.test.", None), ("domain two dots", "a@here..test", False),
    ("label of 64", f"a@{'x' * 64}.test", None), ("label of 63", f"a@{LABEL}.test", True), ("hyphen first", "a@-here.test", None),
    ("hyphen last", "a@here-.test", None), ("underscore", "a@he_re.test", None), ("name of 253", f"a@{NAME}", True),
    ("name of 256", f"a@{NAME}.cc", False), ("local of 64", "a" * 64 + "@here.test", True), ("local of 65", "a" * 65 + "@here.test", False),
    ("local of 1000", "a" * 1000 + "@here.test", False), ("quoted empty", '""@here.test', None), ("quoted space", '" "@here.test', True),
    ("quoted @", '"a@b"@here.test', True), ("quoted dots", '"..a.."@here.test', True), ("quoted >", '"a>b"@here.test', True),
    ("quoted <", '"<a>"@here.test', True), ("quoted \\\"", '"a\\"b"@here.test', True), ("quoted \\\\", '"a\\\\"@here.test', True),
    ("quoted open", '"a@here.test', False), ("quoted \\ at the end", '"a\\"@here.test', False), ("quote in an atom", 'a"b@here.test', False),
    ("quoted and atom", '"a"b@here.test', False), ("quoted dotted", '"a"."b"@here.test', False), ("quoted NUL", '"a\0b"@here.test', False),
    ("quoted tab", '"a\tb"@here.test', False), ("quoted DEL", '"a\x7fb"@here.test', False), ("quoted BEL", '"a\ab"@here.test', False),
    ("space", "a b@here.test", False), ("tab", "a\tb@here.test", False), ("comment", "a(c)@here.test", False),
    ("comma", "a,b@here.test", False), ("semicolon", "a;b@here.test", False), ("colon", "a:b@here.test", False),
    ("backslash", "a\\b@here.test", False), ("brackets", "[a]@here.test", False), ("percent", "a%there.test@here.test", True),
    ("bang", "there.test!a@here.test", True), ("pipe", "|id@here.test", True), ("slash", "/etc/passwd@here.test", True),
    ("dots and slashes", "../../etc/passwd@here.test", True), ("quoted traversal", '"../../etc/passwd"@here.test', True),
    ("backquotes", "`id`@here.test", True), ("dollar", "${IFS}@here.test", True), ("quoted shell", '";id;"@here.test', True),
    ("8-bit without SMTPUTF8", "\xc3\xa9@here.test", False), ("no domain", "mallory", False), ("literal empty", "a@[]", False),
    ("literal", "a@[127.0.0.1]", True), ("literal 256", "a@[256.0.0.1]", False), ("literal of five", "a@[1.2.3.4.5]", False),
    ("literal open", "a@[127.0.0.1", False), ("literal leading zero", "a@[127.0.0.001]", None), ("literal hex", "a@[0x7f.0.0.1]", False),
    ("literal IPv6", "a@[IPv6:::1]", True), ("literal IPv6 bad", "a@[IPv6:::g]", False), ("literal IPv6 nine", "a@[IPv6:1:2:3:4:5:6:7:8:9]", False),
    ("literal IPv6 scope", "a@[IPv6:fe80::1%lo]", False), ("literal tag", "a@[x:y]", None), ("literal long", f"a@[{'1' * 1000}]", False),
    ("numeric domain", "a@127.0.0.1", None), ("one label", "a@localhost", None), ("route", "@a.test,@b.test:c@here.test", None),
    ("route of 100", ",".join(f"@h{i}.test" for i in range(100)) + ":c@here.test", None), ("route open", "@a.test,:c@here.test", False),
    ("xn-- junk", "a@xn--.test", None), ("xn-- bad punycode", "a@xn--\x21\x21.test", False), ("NUL", "a\0@here.test", False),
    ("nested brackets", "<a@here.test>", False), ("CR", "a\r@here.test", False), ("LF", "a\n@here.test", False),
    ("form feed", "a\f@here.test", False), ("DEL", "a\x7f@here.test", False), ("overlong /", "a\xc0\xaf@here.test", False),
]
PARAMETERS = [
    ("SIZE=", "501"), ("SIZE", "501"), ("SIZE=-1", "501"), ("SIZE=+1", "501"), ("SIZE=0x10", "501"), ("SIZE=1e3", "501"),
    ("SIZE=4294967295", "552"), ("SIZE=4294967296", "552"), ("SIZE=18446744073709551615", "552"), ("SIZE=18446744073709551616", "552|501"),
    ("SIZE=" + "9" * 400, "552|501"), ("SIZE=000000000000000000001", "250|501|552"), ("SIZE=1 SIZE=1", "501"), ("SIZE=52428801", "552"),
    ("SIZE=52428800", "250"), ("BODY=", "501"), ("BODY", "501"), ("BODY=9BIT", "501"), ("BODY=7BIT BODY=8BITMIME", "501"),
    ("BODY=BINARYMIME", "250"), ("RET=", "501"), ("RET=ALL", "501"), ("RET=FULL RET=HDRS", "501"), ("ENVID=", "501"), ("ENVID=+", "501"),
    ("ENVID=+4", "501"), ("ENVID=+GG", "501"), ("ENVID=+00", "250|501"), ("ENVID=+0D+0A", "250|501"), ("ENVID=+0d", "250|501"), ("ENVID=" + "x" * 100, "250"),
    ("ENVID=" + "x" * 101, "501"), ("ENVID=\xff", "501"), ("ENVID=a=b", "501"), ("SMTPUTF8=yes", "501"), ("SMTPUTF8 SMTPUTF8", "501"),
    ("AUTH=<>", "5.."), ("X", "555"), ("X=Y", "555"), ("=", "501|555"), ("==", "501|555"), ("=Y", "501|555"), ("X=", "501|555"), ("-X", "501|555"),
    ("\0", "500"), ("\x01", "501|555"), ("SIZE=1\tBODY=7BIT", "501"), ("x" * 1500, "501|555"), (" ".join(["X"] * 700), "501|555"),
    (" ".join(f"X{i}=Y" for i in range(150)), "501|555"), ("NOTIFY=NEVER", "501|555"), ("ORCPT=rfc822;a@b", "501|555"), ("SIZE=1 ", "250|501"),
    ("REQUIRETLS=1", "5.."), ("MT-PRIORITY=9", "555"), ("BY=1;R", "555"),
]
RECIPIENT_PARAMETERS = [
    ("NOTIFY=", "501"), ("NOTIFY", "501"), ("NOTIFY=NEVER,SUCCESS", "501"), ("NOTIFY=SUCCESS,SUCCESS", "501|250"), ("NOTIFY=ALWAYS", "501"),
    ("NOTIFY=SUCCESS,", "501"), ("NOTIFY=,SUCCESS", "501"), ("NOTIFY=" + ",".join(["DELAY"] * 200), "501|250"), ("ORCPT=", "501"),
    ("ORCPT=rfc822", "501"), ("ORCPT=rfc822;", "501|250"), ("ORCPT=;a", "501"), ("ORCPT=x;a", "501|250"), ("ORCPT=rfc822;+0D+0AX:+20y", "250|501"),
    ("ORCPT=rfc822;" + "x" * 480, "250"), ("ORCPT=rfc822;" + "x" * 600, "501"), ("ORCPT=rfc822;+ZZ", "501"), ("ORCPT=utf-8;\\x{110000}", "501|250"),
    ("ORCPT=utf-8;\\x{D800}", "501|250"), ("NOTIFY=NEVER NOTIFY=NEVER", "501"), ("SIZE=1", "555|501"), ("BODY=7BIT", "555|501"), ("X=Y", "555"),
    ("\x7f", "501|555"), ("x" * 1500, "501|555"),
]


def addresses():
    for what, address, good in ADDRESSES:
        send = address.encode("latin-1")
        if good is None:
            codes = "250|5.."
        else:
            codes = "250" if good else "50[01]|553"
        yield Row("smtp", "ehlo", f"sender: {what}", "RFC 5321 4.1.2", b"MAIL FROM:<" + send + b">\r\n", codes, never="452|451")
        codes = "550" if good else "50[01]|553" if good is False else "5.."
        yield Row("smtp", "mail", f"recipient: {what}", "RFC 5321 4.1.2", b"RCPT TO:<" + send + b">\r\n", codes)
    for what, line in (("no brackets", "MAIL FROM:a@here.test"), ("one bracket", "MAIL FROM:<a@here.test"), ("the other bracket", "MAIL FROM:a@here.test>"),
                       ("space before the colon", "MAIL FROM :<a@here.test>"), ("no colon", "MAIL FROM <a@here.test>"), ("TO", "MAIL TO:<a@here.test>"),
                       ("nothing", "MAIL"), ("nothing behind FROM:", "MAIL FROM:"), ("text behind it", "MAIL FROM:<a@here.test>x"),
                       ("ten brackets", "MAIL FROM:" + "<" * 10 + "a@here.test" + ">" * 10), ("two addresses", "MAIL FROM:<a@here.test> <b@here.test>")):
        yield Row("smtp", "ehlo", f"MAIL with {what}", "RFC 5321 4.1.1.2", line + "\r\n", "50[01]|555")
        yield Row("smtp", "mail", f"RCPT with {what}", "RFC 5321 4.1.1.3",
                  line.replace("MAIL TO", "RCPT FROM").replace("MAIL FROM", "RCPT TO").replace("MAIL", "RCPT") + "\r\n", "50[01]|555")
    for n in (10, 100, 1000, 2000):
        yield Row("smtp", "ehlo", f"brackets x {n}", "a parser that nests", "MAIL FROM:" + "<" * n + "\r\n", "50[01]")
        yield Row("smtp", "ehlo", f"backslashes x {n}", "a quoted string that never ends", 'MAIL FROM:<"' + "\\" * n + "\r\n", "50[01]")
        yield Row("smtp", "ehlo", f"parentheses x {n}", "comments that nest", "MAIL FROM:<a@" + "(" * n + ">\r\n", "50[01]")
    for n in (2, 10, 100):
        yield Row("smtp", "ehlo", f"UTF-8 sender without SMTPUTF8 x {n}", "RFC 6531 3.2", "MAIL FROM:<" + "é" * n + "@here.test>\r\n", "50[01]|553")
        yield Row("smtp", "ehlo", f"broken UTF-8 x {n}", "RFC 6531 3.3", b"MAIL FROM:<" + b"\xc3" * n + b"@here.test> SMTPUTF8\r\n", "50[01]|553")
        yield Row("smtp", "ehlo", f"surrogates x {n}", "RFC 3629 3", b"MAIL FROM:<" + b"\xed\xa0\x80" * n + b"@here.test> SMTPUTF8\r\n", "50[01]|553")
        yield Row("smtp", "ehlo", f"overlong x {n}", "RFC 3629 3", b"MAIL FROM:<" + b"\xc0\x80" * n + b"@here.test> SMTPUTF8\r\n", "50[01]|553")


def parameters():
    for i, (text, codes) in enumerate(PARAMETERS):
        yield Row("smtp", "ehlo", f"MAIL parameter {i} {text[:20]!r}", "RFC 5321 4.1.1.11", b"MAIL FROM:<a@there.test> " + text.encode("latin-1") + b"\r\n", codes)
    for i, (text, codes) in enumerate(RECIPIENT_PARAMETERS):
        yield Row("smtp", "mail", f"RCPT parameter {i} {text[:20]!r}", "RFC 3461 4", b"RCPT TO:<target@here.test> " + text.encode("latin-1") + b"\r\n", codes)


def chunks():
    good = b"Subject: %ID%\r\n\r\nx\r\n"
    why = "RFC 3030 2"
    for what, size_text in (("none", b""), ("negative", b"-1"), ("plus", b"+1"), ("hex", b"0x10"), ("letters", b"abc"), ("2^64", b"18446744073709551616"),
                            ("400 digits", b"9" * 400), ("space behind", b"5 x"), ("LAST alone", b"LAST"), ("LAST first", b"LAST 5"), ("a dot", b"1.5"),
                            ("NUL", b"5\0")):
        yield Row("smtp", "rcpt", f"BDAT size: {what}", why, b"BDAT " + size_text + b"\r\n", "50[01]", after="any", arrives=0)
    for what, n in (("2^31", 1 << 31), ("2^32", 1 << 32), ("2^63", 1 << 63), ("2^64-1", (1 << 64) - 1), ("51 MB", 51 << 20)):
        yield Row("smtp", "rcpt", f"BDAT size: {what}, then junk", why, b"BDAT %d LAST\r\n" % n + good, "", after="waits", arrives=0)
    yield Row("smtp", "ehlo", "BDAT without MAIL", why, b"BDAT 5 LAST\r\nabcde", "503", arrives=0)
    yield Row("smtp", "mail", "BDAT without RCPT", why, b"BDAT 5 LAST\r\nabcde", "55[04]|503", arrives=0)
    yield Row("smtp", "ehlo", "1,000 BDATs without MAIL", "ErrorLimit, and 100 that were pipelined", b"BDAT 1\r\nx" * 1000, "(503 ?){101,} 421", after="closed", arrives=0)
    yield Row("smtp", "rcpt", "BDAT 0 x 10,000", why, b"BDAT 0\r\n" * 10000 + b"BDAT 0 LAST\r\n", "(250 ?){10001}", arrives=1)
    yield Row("smtp", "rcpt", "BDAT 1 x 10,000", why, b"Subject: x\r\n\r\n".join([b"", b""]).join([b"BDAT 14\r\n", b""]) + b"BDAT 1\r\nx" * 10000 + b"BDAT 2 LAST\r\n\r\n",
              "(250 ?){10002}", arrives=1)
    yield Row("smtp", "rcpt", "BDAT then DATA", why, b"BDAT 3\r\nabcDATA\r\n", "250 503", arrives=0)
    yield Row("smtp", "rcpt", "BDAT then MAIL", why, b"BDAT 3\r\nabcMAIL FROM:<a@there.test>\r\n", "250 503", arrives=0)
    yield Row("smtp", "rcpt", "BDAT then RCPT", why, b"BDAT 3\r\nabcRCPT TO:<target@here.test>\r\n", "250 503", arrives=0)
    yield Row("smtp", "rcpt", "BDAT then RSET then BDAT", why, b"BDAT 3\r\nabcRSET\r\nBDAT 3 LAST\r\nabc", "250 250 503", arrives=0)
    yield Row("smtp", "rcpt", "BDAT LAST twice", why, b"BDAT 3 LAST\r\nabcBDAT 3 LAST\r\nabc", "250 503", arrives=1)
    yield Row("smtp", "rcpt", "a bare LF in a chunk", why, b"BDAT 7 LAST\r\nA: b\n\n\n", "550", arrives=0)
    yield Row("smtp", "rcpt", "CR and LF in two chunks", why, b"BDAT 7\r\nA: b\r\n\r" + b"BDAT 4 LAST\r\n\nx\r\n", "250 250", arrives=1)
    yield Row("smtp", "rcpt", "CR at a chunk's end and no LF", why, b"BDAT 7\r\nA: b\r\n\r" + b"BDAT 3 LAST\r\nx\r\n", "250 550", arrives=0)
    yield Row("smtp", "rcpt", "a dot line in a chunk", why, b"BDAT 17 LAST\r\nA: b\r\n\r\nx\r\n.\r\ny\r\n", "250", arrives=1)
    hidden = b"A: b\r\n\r\nMAIL FROM:<smuggled@there.test>\r\nRCPT TO:<target@here.test>\r\nDATA\r\n.\r\n"
    yield Row("smtp", "rcpt", "commands in a chunk", why, b"BDAT %d LAST\r\n" % len(hidden) + hidden, "250", arrives=1)
    yield Row("smtp", "rcpt", "commands in a chunk that is refused", why, b"RSET\r\nBDAT %d LAST\r\n" % len(hidden) + hidden, "250 503", arrives=0)
    yield Row("lmtp", "rcpt", "BDAT", "not offered", b"BDAT 5 LAST\r\nabcde", "502", after="any", arrives=0)


def floods():
    yield Row("smtp", "greeted", "NOOP x 20,000 in one piece", "pipelining", b"NOOP\r\n" * 20000, "(250 ?){20000}")
    yield Row("smtp", "ehlo", "RSET x 20,000", "pipelining", b"RSET\r\n" * 20000, "(250 ?){20000}")
    yield Row("smtp", "greeted", "EHLO x 5,000", "answers larger than what asks for them", b"EHLO h\r\n" * 5000, "(250 ?){5000}")
    yield Row("smtp", "ehlo", "MAIL and RSET x 5,000", "transactions that lead to nothing", b"MAIL FROM:<a@there.test>\r\nRSET\r\n" * 5000, "(250 ?){10000}")
    yield Row("smtp", "ehlo", "HELP x 5,000", "answers larger than what asks for them", b"HELP\r\n" * 5000, "(214 ?){5000}")
    yield Row("smtp", "ehlo", "VRFY x 1,000", "harvesting", b"VRFY target\r\n" * 1000, "(252 ?){1000}")
    yield Row("smtp", "ehlo", "EXPN x 1,000", "harvesting", b"EXPN all\r\n" * 1000, "(50\\d ?)+( 421)?", after="any")
    yield Row("smtp", "mail", "1,500 recipients", "RecipientLimit", b"RCPT TO:<target@here.test>\r\n" * 1500, "(250 ?){1000}(452 ?){500}")
    yield Row("smtp", "mail", "300 unknown recipients", "harvesting ends at ErrorLimit or RefusedRecipientsPerHour",
              b"".join(b"RCPT TO:<u%d@here.test>\r\n" % i for i in range(300)), "(550 ?)+(421)?", after="any")
    yield Row("smtp", "mail", "300 recipients elsewhere", "relay probing", b"".join(b"RCPT TO:<u@h%d.test>\r\n" % i for i in range(300)), "(550 ?)+(421)?", after="any")
    yield Row("smtp", "mail", "1,000 spellings of one recipient", "RFC 5321 2.3.11", b"".join(
        b"RCPT TO:<" + bytes(c ^ 32 if c > 64 and i >> k & 1 else c for k, c in enumerate(b"target")) + b"@here.test>\r\n" for i in range(64)), "(250 ?){64}")
    yield Row("smtp", "greeted", "unknown commands", "ErrorLimit", b"XYZZY\r\n" * 100, "(50. ?)+421", after="closed")
    yield Row("smtp", "greeted", "empty lines", "ErrorLimit", b"\r\n" * 100, "(50. ?)+421", after="closed")
    yield Row("smtp", "ehlo", "syntax errors", "ErrorLimit", b"MAIL FROM:<>>\r\n" * 100, "(50. ?)+421", after="closed")
    for n in (510, 512, 1000, 2000, 2046):
        yield Row("smtp", "ehlo", f"a command line of {n}", "LineLimit 2k", b"NOOP " + b"x" * (n - 5) + b"\r\n", "250")
    for n in (2049, 4096, 65536, 1 << 20, 10 << 20):
        yield Row("smtp", "ehlo", f"a command line of {n}", "RFC 5321 4.5.3.1.9: skipped whole", b"NOOP " + b"x" * n + b"\r\nNOOP\r\n", "500 250")
    yield Row("smtp", "greeted", "a line without an end", "bounded memory", lambda: b"x" * (8 << 20), "(500)?", after="waits")
    yield Row("smtp", "greeted", "a TLS hello to a clear port", "answered in clear, or cut off", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500) + b"\r\n", "(5.. ?)*(421)?", after="any")
    yield Row("smtp", "greeted", "HTTP", "cross-protocol: a browser made to speak SMTP", b"POST / HTTP/1.1\r\nHost: h\r\n\r\nMAIL FROM:<smuggled@there.test>\r\n", "(421)?", after="closed")
    yield Row("smtp", "greeted", "GET", "cross-protocol", b"GET / HTTP/1.0\r\n\r\n", "(421)?", after="closed")
    for b in range(0, 256, 5):
        yield Row("smtp", "greeted", f"byte {b} before a command", "no byte is special", bytes([b]) + b"NOOP\r\n", "(500|503|250|501|502)?( ?500)?( 250)?", after="any")
    for name in ("DATA", "RCPT TO:<target@here.test>", "MAIL FROM:<a@there.test>", "AUTH PLAIN", "STARTTLS x", "RSET x", "DATA x", "QUIT x", "TURN", "ETRN x", "SEND FROM:<a@b>",
                 "SOML FROM:<a@b>", "HELO", "EHLO", "HELO " + "x" * 1000, "EHLO \x01", "EHLO [", "EHLO [1.2.3.4", "EHLO " + "a." * 500, "EHLO a b", "BDAT", "XCLIENT ADDR=1.2.3.4",
                 "XFORWARD ADDR=1.2.3.4", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2", "LHLO h", "VRFY", "VRFY " + "<" * 500, "EXPN", "HELP " + "x" * 900):
        yield Row("smtp", "greeted", f"out of order: {name[:24]!r}", "RFC 5321 4.1.4", name + "\r\n", r"[25]\d\d", after="any")


def injection():
    """What a peer says goes into the log, and into Received: never as a line of its own."""
    forged = "1999-01-01T00:00:00.000+00:00 info smtpd[1] forged"
    for what, line in (("EHLO", f"EHLO {forged}"), ("ESC in EHLO", "EHLO \x1b[2Jh"), ("MAIL", f"MAIL FROM:<{forged}>"), ("quoted", f'MAIL FROM:<"{forged}"@there.test>'),
                       ("C1", "EHLO \x9b2Jh"), ("BEL", "NOOP \a"), ("UTF-8 override", "EHLO \u202eh"), ("LS", "EHLO \u2028h"), ("NEL", "EHLO \x85h"), ("percent", "EHLO %n%n%s%s"),
                       ("key=value", "EHLO h peer=1.2.3.4 user=root"), ("ICID", "NOOP ICID 1 login user=root"), ("quotes", 'EHLO "h"'), ("backslash", "EHLO \\n\\nh")):
        yield Row("smtp", "greeted", f"log: {what}", "log injection", (line + "\r\n").encode("utf-8" if ord(max(line)) > 255 else "latin-1"), r"[25]\d\d", after="step")
    for end in ("\n", "\r", "\r\0\n", "\v"):
        yield Row("smtp", "greeted", f"log: EHLO with {end!r}", "log injection", f"EHLO h{end}{forged}\r\n", "5..", after="step")
        yield Row("smtp", "ehlo", f"header: ENVID with {end!r}", "header injection", f"MAIL FROM:<a@there.test> ENVID=x{end}X-Forged:y\r\n", "5..", after="step")
        yield Row("smtp", "ehlo", f"header: sender with {end!r}", "header injection", f'MAIL FROM:<"a{end}X-Forged: y"@there.test>\r\n', "5..", after="step")
        yield Row("smtp", "mail", f"header: recipient with {end!r}", "header injection", f'RCPT TO:<"a{end}X-Forged: y"@here.test>\r\n', "5..", after="step")
    for name in ("Return-Path: <other@there.test>", "Delivered-To: target@here.test", "Received: from x", "Authentication-Results: mail.here.test; spf=pass", "Bcc: a@b", ":", " : x",
                 "From", "\x01: y", "X\x7f: y", "X Y: z", "é: y", "X:" + "y" * 100000):
        yield Row("smtp", "data", f"header line {name[:20]!r}", "lines that only a server writes, and lines that are none", name + "\r\nSubject: x\r\n\r\nx\r\n.\r\n", "250|554",
                  arrives=None if name.startswith(("Delivered", "Return")) else 1)


def received():
    for n, codes in ((99, "250"), (100, "250|554"), (102, "554"), (5000, "554")):
        yield Row("smtp", "data", f"Received x {n}", "RFC 5321 6.3: a loop", b"Received: from a by b; x\r\n" * n + b"\r\nx\r\n.\r\n", codes, arrives=1 if codes == "250" else None)
    for n in (1000, 50000, 500000):
        yield Row("smtp", "data", f"a header of {n} lines", "header flood", lambda n=n: b"X: y\r\n" * n + b"\r\nx\r\n.\r\n", "250|552", arrives=None)
    yield Row("smtp", "data", "one header line of 4 MB", "header flood", lambda: b"X: " + b"y" * (4 << 20) + b"\r\n\r\nx\r\n.\r\n", "250|552")
    yield Row("smtp", "data", "one header folded 200,000 times", "header flood", lambda: b"X: y\r\n" + b" y\r\n" * 200000 + b"\r\nx\r\n.\r\n", "250|552")
    yield Row("smtp", "data", "100,000 addresses in To", "header flood", lambda: b"To: " + b",\r\n ".join(b"a@b.test" for _ in range(100000)) + b"\r\n\r\nx\r\n.\r\n", "250|552")
    yield Row("smtp", "data", "100,000 References", "header flood", lambda: b"References: " + b"\r\n ".join(b"<%d@b>" % i for i in range(100000)) + b"\r\n\r\nx\r\n.\r\n", "250|552")


def rows():
    yield from itertools.chain(addresses(), parameters(), chunks(), floods(), injection(), received())
