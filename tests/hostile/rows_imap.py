"""IMAP: literals, sets, FETCH, SEARCH, names, patterns, flags, dates, lines (RFC 9051, 3501, 7888, 5256, 5258)."""
import itertools

from row import Row

NUMBERS = ["", "-1", "+1", "0", "00", "01", "0000000000000000000000000000001", "1.5", "1e3", "0x10", "4294967295", "4294967296", "4294967297", "8589934592",
           "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "9" * 400, " 1", "1 ", "a", "*", "1a", "\xb2", "\u0663"]
SETS = ["0", "0:*", "*:0", "1:0", "0:1", "4294967295:1", "4294967295", "4294967296", "4294967296:1", "18446744073709551617", "*:*", "*", "*,*,*", "*:4294967295", "1:4294967295",
        "1:2:3", "1:*:2", ",1", "1,", "1,,2", "", ":", ":1", "1:", "*:", ":*", "-1", "1:-1", "01", "1 :2", "1: 2", "1, 2", "a", "1a", "$", "1:$", "$,1", "**", "*1", "1*", "1;2", "(1)",
        '"1"', "{1+}\r\n1", "\0", "1:\xff", "99999999999999999999999:1"]
GOOD_SETS = ("*:*", "*", "*,*,*", "4294967295:1", "1:4294967295", "*:4294967295", "$", "4294967295")
LONG_SETS = [("1,... x 100", ",".join(["1"] * 100)), ("1,... x 10,000", ",".join(["1"] * 10000)), ("1,3,5... x 10,000", ",".join(str(2 * i + 1) for i in range(10000))),
             ("falling x 10,000", ",".join(str(i) for i in range(10000, 0, -1))), ("1:* x 10,000", ",".join(["1:*"] * 10000)), ("*:1 x 15,000", ",".join(["*:1"] * 15000)),
             ("x 100,000", ",".join(["1"] * 100000)), ("ranges x 100,000", ",".join(["1:2"] * 100000)), ("wide and narrow x 5,000", ",".join(f"{i}:{10000 - i}" for i in range(1, 5000)))]
NAMES = ["../../etc/passwd", "..", ".", "./", "../", "/", "//", "///", "/etc/passwd", "a/../b", "a/../../b", "a/..", "../INBOX", "INBOX/../../x", "~root", "~", "~/x", "#news", "#shared/x",
         "\\", "\\..\\..\\x", "a\\b", "a//b", "a/", "/a", "%", "*", "a*b", "a%b", "a b", " ", "  ", "\t", "&", "&-", "&AA-", "&AAA-", "&ABC", "&2AA-", "&2D3eAA-", "&AC8-", "&AC4ALg-/x", "&!-",
         "&AGEAYg-", "&-&-", "&&", "-", "a" * 255, "a" * 256, "a" * 1000, "a" * 5000, "/".join("a" * 200), "/".join(["b" * 50] * 100), "/".join(["x"] * 2000), "inbox", "InBoX/x", "INBOX",
         "INBOX ", "con", "nul.txt", ".hidden", ".lock", "cur", "new", "tmp", "state", "db", "cur/1", "a\x7fb", "a\x01b", "a\x1b[2Jb", "a{5}", "a(b", "a)b", 'a"b', "é", "\u202ea", "e\u0301",
         "\ufeffa", "\u2024\u2024/x", "\uff0e\uff0e/x", "%2e%2e/x", "..%2fx", "..;/x", "a:2,S", "=?utf-8?q?x?=", "$(id)", "`id`", "|id", "%s%n", "NIL", "nil", "Trash", "Sent", "\0a", "a\0b"]
PATTERNS = ["", "*", "%", "**", "%%", "*%", "%*", "*%*%*%*%", "*%" * 100, "%*" * 1000, "*" * 10000, "%" * 10000, "%/" * 100, "*/" * 1000, "a*" * 500, "*a*b*c*d*e*f*g*h*i*j*k*", "?" * 100,
            "[" * 100, "../*", "/*", "~*", "#*", "\\*", "&*", "&AA*", "*\xff", '*"', "(*)", "*\0", "*" + "a" * 5000, "a" * 5000 + "*"]
SECTIONS = ["0", "1.0", "0.1", "00001", "1.", ".1", "1..1", "4294967295", "4294967296", "18446744073709551617", "-1", "+1", "a", "1a", "TEXT.1", "HEADER.1", "MIME", "1.MIME.1", "TEXTX", "HEADER.FIELDS",
            "HEADER.FIELDS ()", "HEADER.FIELDS (", "HEADER.FIELDS (\"\")", "HEADER.FIELDS (a", "HEADER.FIELDS a", "HEADER.FIELDS (a  b)", "HEADER.FIELDS.NOT ()", "HEADER.FIELDS (:)", "HEADER.FIELDS (a:b)",
            "HEADER.FIELDS ({3+}\r\na b)", "HEADER.FIELDS ({4+}\r\na\r\nb)", ".".join(["1"] * 10), ".".join(["1"] * 100), ".".join(["1"] * 1000), ".".join(["1"] * 10000), ".".join(["4294967295"] * 50),
            "HEADER.FIELDS (" + " ".join(["Subject"] * 1000) + ")", "HEADER.FIELDS (" + " ".join(f"X-{i}" for i in range(5000)) + ")", "HEADER.FIELDS (" + "x" * 10000 + ")", "[", "]", "[]", " ", "1 2", "\0"]
PARTIALS = ["<0.0>", "<0>", "<0.>", "<.1>", "<-1.1>", "<0.-1>", "<4294967295.1>", "<4294967296.1>", "<0.4294967295>", "<0.4294967296>", "<18446744073709551615.18446744073709551615>",
            "<18446744073709551616.1>", "<9223372036854775807.9223372036854775807>", "<1.1.1>", "<0.1", "<0 1>", "<a.b>", "<0.1><0.1>", "<00.01>"]
ITEMS = ["", "()", "(", ")", "(FLAGS", "FLAGS)", "((FLAGS))", "(FLAGS (UID))", "ALL FAST", "(ALL)", "NIL", "FLAG", "X", "( FLAGS)", "(FLAGS )", "(FLAGS  UID)", "BODY", "BODY[", "BODY]", "BODY.PEEK", "BODY[]]",
         "BINARY", "BINARY[HEADER]", "BINARY[1.MIME]", "BINARY.SIZE[]<0.1>", "BINARY.PEEK[999]", "PREVIEW (LAZY", "PREVIEW (X)", "PREVIEW (LAZY LAZY)", "MODSEQ", "(FLAGS) (CHANGEDSINCE 0)",
         "(FLAGS) (CHANGEDSINCE -1)", "(FLAGS) (CHANGEDSINCE 18446744073709551616)", "(FLAGS) (CHANGEDSINCE 9223372036854775807)", "(FLAGS) (CHANGEDSINCE 1 CHANGEDSINCE 2)", "(FLAGS) (VANISHED)", "(FLAGS) ()",
         "(FLAGS) (X)", "(FLAGS) (CHANGEDSINCE", "(FLAGS) (PARTIAL 0:0)", "(FLAGS) (PARTIAL -1:1)", "(FLAGS) (PARTIAL 4294967296:1)", "EMAILID", "THREADID", "SAVEDATE", "RFC822.HEADER.X", "INTERNALDATE X",
         "(" + " ".join(["FLAGS"] * 5000) + ")", "(" + " ".join(["UID"] * 10000) + ")", "(" * 5000, "(" * 5000 + "FLAGS" + ")" * 5000]


def astring(text):
    data = text if isinstance(text, bytes) else text.encode("utf-8" if any(ord(c) > 255 for c in text) else "latin-1")
    return b"{%d+}\r\n%s" % (len(data), data)


def literals():
    why = "RFC 9051 4.3, RFC 7888"
    for i, n in enumerate(NUMBERS):
        for form in ("{%s}", "{%s+}", "~{%s}", "{%s-}"):
            text = form % n
            yield Row("imap", "greeted", f"literal {i} {text[:24]!a}", why, f"t LOGIN {text}\r\n".encode(), "(NO|BAD|BYE)?( BAD)*( BYE)?", never="t OK", after="may-wait")
    for n in (4097, 65536, 1 << 20, 1 << 22):
        yield Row("imap", "greeted", f"a literal of {n} before a login", "bounded memory", lambda n=n: b"t LOGIN {%d+}\r\n" % n + b"x" * n + b" y\r\n", "(NO|BAD|BYE)( BYE)?", never="t OK", after="any")
        yield Row("imap", "auth", f"a literal of {n} as a mailbox", "bounded memory", lambda n=n: b"t SELECT {%d+}\r\n" % n + b"x" * n + b"\r\n", "(NO|BAD|BYE)( BYE)?", never="t OK", after="any")
    for n in (10, 1000, 100000):
        small = lambda n=n: b"t ID (" + b" ".join([b"{1+}\r\na"] * n) + b")\r\n"    # noqa: E731
        yield Row("imap", "greeted", f"{n} small literals in ID", "100,000 small ones", small, "(OK|NO|BAD)( BAD)*( BYE)?", after="any")
        yield Row("imap", "auth", f"{n} empty literals in LIST", "100,000 small ones", lambda n=n: b"t LIST \"\" (" + b" ".join([b"{0+}\r\n"] * n) + b")\r\n", "(OK|NO|BAD)( BAD)*( BYE)?", after="any")
        yield Row("imap", "selected", f"{n} small literals in SEARCH", "100,000 small ones", lambda n=n: b"t SEARCH " + b" ".join([b"SUBJECT {1+}\r\nq"] * n) + b"\r\n", "(OK|NO|BAD)( BAD)*( BYE)?", after="any")
        yield Row("imap", "auth", f"{n} commands with literals", "many small commands", lambda n=n: b"t STATUS {5+}\r\nINBOX (UIDNEXT)\r\n" * min(n, 5000), "(OK ?)+")
    for what, data in (("NUL", b"a\0b"), ("CR LF", b"a\r\nb"), ("a command", b"x\r\nt LOGOUT\r\n"), ("another literal's head", b"{5+}\r\n"), ("8-bit", b"\xff\xfe"), ("empty", b"")):
        yield Row("imap", "auth", f"a literal holds {what}", why, b"t STATUS " + astring(data) + b" (UIDNEXT)\r\n", "NO|BAD")
        yield Row("imap", "greeted", f"LOGIN's literals hold {what}", why, b"t LOGIN " + astring(data) + b" " + astring(data) + b"\r\n", "NO|BAD")
    for what, line in (("no line behind", b"t LOGIN {3+}\r\nabc\r\n"), ("two heads", b"t LOGIN {3+}{3+}\r\nabc x\r\n"), ("space behind", b"t LOGIN {3+} \r\nabc x\r\n"), ("in quotes", b't LOGIN "{3+}\r\nabc" x\r\n'),
                       ("head alone", b"{3+}\r\nabc\r\n"), ("head as the tag", b"{0+}\r\n LOGIN a b\r\n"), ("plus plus", b"t LOGIN {3++}\r\n"), ("unclosed", b"t LOGIN {3\r\n"), ("unopened", b"t LOGIN 3}\r\n"), ("bare LF", b"t LOGIN {3+}\nabc x\r\n")):
        yield Row("imap", "greeted", f"literal: {what}", why, line, "(NO|BAD)?( BAD)*", never="t OK", after="any")


def sets():
    for i, s in enumerate(SETS):
        data = s.encode("latin-1")
        codes = "(OK|NO|BAD)" if s in GOOD_SETS else "BAD"
        empty = "(BAD)( BAD)?"
        for command in (b"FETCH %s FLAGS", b"UID FETCH %s FLAGS", b"STORE %s +FLAGS.SILENT (x)", b"COPY %s nowhere", b"UID EXPUNGE %s", b"UID SEARCH UID %s", b"SEARCH %s"):
            want = "(OK|NO|BAD)( BAD)?" if b"SEARCH" in command and s in ("", "(1)", "-1", "\xff", "a") or "{" in s else codes if s else empty
            if s in ("0", "0:*", "*:0", "1:0", "0:1") and command.startswith(b"UID"):
                want = "OK|NO|BAD"
            yield Row("imap", "selected", f"{command.decode()} {i} {s[:12]!a}", "RFC 9051 9 sequence-set", b"t " + command % data + b"\r\n", want)
    for what, s in LONG_SETS:
        for command in ("FETCH %s (UID)", "UID FETCH %s (FLAGS)", "SEARCH %s", "STORE %s FLAGS (x)", "UID COPY %s nowhere"):
            yield Row("imap", "selected", f"{command}: {what}", "a set of many ranges: linear", "t " + command % s + "\r\n", "OK|NO|BAD")
    for i, n in enumerate(NUMBERS):
        yield Row("imap", "selected", f"SEARCH LARGER {i} {n[:12]!a}", "RFC 9051 9 number", f"t SEARCH LARGER {n}\r\n".encode(), "OK|BAD")
        yield Row("imap", "selected", f"SEARCH MODSEQ {i} {n[:12]!a}", "RFC 7162 7", f"t SEARCH MODSEQ {n}\r\n".encode(), "OK|BAD")
        yield Row("imap", "selected", f"SEARCH OLDER {i} {n[:12]!a}", "RFC 5032 3", f"t SEARCH OLDER {n}\r\n".encode(), "OK|BAD")
        yield Row("imap", "selected", f"STORE UNCHANGEDSINCE {i} {n[:12]!a}", "RFC 7162 3.1.3", f"t STORE 1 (UNCHANGEDSINCE {n}) +FLAGS (x)\r\n".encode(), "OK|BAD|NO")
        yield Row("imap", "auth", f"SELECT QRESYNC {i} {n[:12]!a}", "RFC 7162 3.2.5", f"t ENABLE QRESYNC\r\nt SELECT INBOX (QRESYNC ({n} {n} {n}:{n} ({n} {n})))\r\n".encode(), "OK (OK|BAD|NO)")


def fetches():
    for i, s in enumerate(SECTIONS):
        yield Row("imap", "selected", f"FETCH BODY[{s[:16]!a}] {i}", "RFC 9051 6.4.5", b"t FETCH 1:* BODY.PEEK[" + s.encode("latin-1") + b"]\r\n", "(OK|NO|BAD)( BAD)*")
        yield Row("imap", "selected", f"FETCH BINARY[{s[:16]!a}] {i}", "RFC 9051 6.4.5", b"t FETCH 1:* BINARY.PEEK[" + s.encode("latin-1") + b"]\r\n", "(OK|NO|BAD)( BAD)*")
    for i, s in enumerate(PARTIALS):
        for item in ("BODY.PEEK[]", "BODY.PEEK[TEXT]", "BODY.PEEK[HEADER]", "BINARY.PEEK[1]", "BODY.PEEK[HEADER.FIELDS (Subject)]"):
            yield Row("imap", "selected", f"FETCH {item}{s}", "RFC 9051 6.4.5 partial", f"t FETCH 1 {item}{s}\r\n", "OK|NO|BAD")
    for i, s in enumerate(ITEMS):
        yield Row("imap", "selected", f"FETCH items {i} {s[:16]!a}", "RFC 9051 6.4.5", f"t FETCH 1 {s}\r\n", "(OK|NO|BAD)")
    for what, n, item in (("BODY[]", 500, "BODY.PEEK[]"), ("BODY[TEXT]", 500, "BODY.PEEK[TEXT]"), ("ENVELOPE", 2000, "ENVELOPE"), ("BODYSTRUCTURE", 2000, "BODYSTRUCTURE"), ("HEADER.FIELDS", 500, "BODY.PEEK[HEADER.FIELDS (A)]")):
        yield Row("imap", "selected", f"FETCH {what} x {n} in one command", "output far larger than input", "t FETCH 1:* (" + " ".join([item] * n) + ")\r\n", "OK|NO|BAD")
        yield Row("imap", "selected", f"FETCH {what}, 100 commands in one piece", "output far larger than input", f"t FETCH 1:* {item}\r\n" * 100, "((OK|NO|BAD) ?){100}")
    for n in range(0, 400, 20):
        yield Row("imap", "selected", f"FETCH BODY[]<{n}.1> x 200", "small pieces", "t FETCH 1 (" + " ".join(f"BODY.PEEK[]<{n + i}.1>" for i in range(200)) + ")\r\n", "OK|NO|BAD")


def searches():
    for n in (1, 10, 50, 100, 1000, 5000, 15000):
        for what, key in (("NOT", "NOT " * n + "ALL"), ("OR", "OR " * n + "ALL " * n + "ALL"), ("OR to the right", "OR ALL " * n + "ALL"), ("parentheses", "(" * n + "ALL" + ")" * n), ("open parentheses", "(" * n), ("NOT (", "NOT (" * n + "ALL" + ")" * n),
                          ("ALL", "ALL " * n + "ALL"), ("SUBJECT", "SUBJECT a " * n + "ALL"), ("closing parentheses", "ALL" + ")" * n), ("BODY", "BODY q " * n + "ALL"), ("HEADER", "HEADER a b " * n + "ALL"), ("FUZZY", "FUZZY " * n + "ALL"), ("KEYWORD", "KEYWORD x " * n + "ALL")):
            if n * len(key.split()[0]) < 500000:
                yield Row("imap", "selected", f"SEARCH {what} x {n}", "SEARCH that nests or repeats", f"t SEARCH {key}\r\n", "OK|NO|BAD")
    for date in ("0-Jan-2020", "32-Jan-2020", "30-Feb-2020", "29-Feb-2021", "1-Jan-0000", "1-Jan-9999", "1-Jan-10000", "1-Jan-99999999999", "-1-Jan-2020", "1-Foo-2020", "1-1-2020", "2020-01-01", "1-Jan-20", "", '""', '"1-Jan-2020', "1-Jan-1", "01-JAN-1970",
                 "1-jan-1969", "1-Jan-1600", "NIL", "*", "1-Jan-2020x", "1 Jan 2020", "\xff"):
        for key in ("BEFORE", "SENTON", "SAVEDSINCE"):
            yield Row("imap", "selected", f"SEARCH {key} {date!a}", "RFC 9051 9 date", f"t SEARCH {key} {date}\r\n".encode("latin-1"), "OK|BAD")
    for what, text in (("charset junk", "CHARSET X ALL"), ("charset of 5,000", "CHARSET " + "x" * 5000 + " ALL"), ("charset twice", "CHARSET UTF-8 CHARSET UTF-8 ALL"), ("no key", ""), ("HEADER alone", "HEADER"), ("HEADER one", "HEADER a"), ("KEYWORD \\", "KEYWORD \\Seen"),
                       ("RETURN junk", "RETURN (X) ALL"), ("RETURN open", "RETURN (MIN ALL"), ("RETURN x 1000", "RETURN (" + "MIN " * 1000 + ") ALL"), ("PARTIAL 0", "RETURN (PARTIAL 0:0) ALL"), ("PARTIAL huge", "RETURN (PARTIAL 4294967295:4294967296) ALL"),
                       ("SAVE and $", "RETURN (SAVE) $"), ("text of 60,000", 'TEXT "' + "a" * 60000 + '"'), ("empty text", 'TEXT ""'), ("EMAILID junk", "EMAILID \xff"), ("YOUNGER 0", "YOUNGER 0"), ("UNKEYWORD", "UNKEYWORD"), ("X", "X-GM-RAW x"), ("MODSEQ entry", 'MODSEQ "/flags/\\\\draft" all 1')):
        yield Row("imap", "selected", f"SEARCH {what}", "RFC 9051 6.4.4", f"t SEARCH {text}\r\n".encode("latin-1"), "OK|NO|BAD")
    for charset in ("UTF-8", "US-ASCII", "UTF-7", "UTF-16", "ISO-2022-JP", "EUC-JP", "SHIFT_JIS", "GB18030", "HZ-GB-2312", "KOI8-R"):
        for what, data in (("broken", b"\xff\xfe\xc3("), ("NULs", b"\0\0"), ("escape open", b"\x1b$B"), ("escape flood", b"\x1b$B\x1b(B" * 1000), ("half", b"\xe3\x81"), ("overlong", b"\xc0\xaf"), ("combining x 5,000", b"e" + b"\xcc\x81" * 5000)):
            yield Row("imap", "selected", f"SEARCH CHARSET {charset}: {what}", "broken encodings", b"t SEARCH CHARSET " + charset.encode() + b" TEXT " + astring(data) + b"\r\n", "OK|NO|BAD")
    for text in ("SORT () UTF-8 ALL", "SORT (X) UTF-8 ALL", "SORT (REVERSE) UTF-8 ALL", "SORT (REVERSE REVERSE DATE) UTF-8 ALL", "SORT (" + " ".join(["DATE"] * 1000) + ") UTF-8 ALL", "SORT (DATE) X ALL", "SORT (DATE", "SORT", "THREAD", "THREAD X UTF-8 ALL",
                 "THREAD REFERENCES X ALL", "THREAD ORDEREDSUBJECT UTF-8", "THREAD REFERENCES UTF-8 " + "NOT " * 5000 + "ALL", "SORT (SUBJECT) UTF-8 " + "(" * 5000):
        yield Row("imap", "selected", f"{text[:40]}", "RFC 5256", f"t {text}\r\n", "OK|NO|BAD")


def names():
    for i, name in enumerate(NAMES):
        data = astring(name)
        # A name that is taken is one of ours: it goes again.
        for command in (b"CREATE", b"SELECT", b"SUBSCRIBE", b"DELETE"):
            tail = b"\r\nt UNSUBSCRIBE " + data + b"\r\nt DELETE " + data if command in (b"CREATE", b"SUBSCRIBE") else b""
            if command == b"DELETE" and name.upper() in ("TRASH", "SENT"):
                continue
            yield Row("imap", "auth", f"{command.decode()} {i} {name[:14]!a}", "traversal and odd names", b"t " + command + b" " + data + tail + b"\r\n", "((OK|NO|BAD) ?)+", never="root:")
        if name.upper() not in ("TRASH", "SENT", "INBOX"):
            yield Row("imap", "auth", f"RENAME from {i} {name[:14]!a}", "traversal and odd names", b"t RENAME " + data + b" moved%d\r\n" % i, "OK|NO|BAD")
        yield Row("imap", "auth", f"APPEND to {i} {name[:14]!a}", "traversal and odd names", b"t APPEND " + data + b" {0+}\r\n\r\n", "NO|BAD|OK")
    for i, p in enumerate(PATTERNS):
        data = p.encode("latin-1")
        if len(data) < 60000:
            yield Row("imap", "auth", f"LIST {i} {p[:12]!a}", "RFC 9051 6.3.9", b't LIST "" ' + astring(data) + b"\r\n", "OK|NO|BAD")
            yield Row("imap", "auth", f"LSUB {i} {p[:12]!a}", "RFC 3501 6.3.9", b"t LSUB " + astring(data) + b" *\r\n", "OK|NO|BAD")
    for text in ("(X) \"\" *", "(SUBSCRIBED RECURSIVEMATCH", "(RECURSIVEMATCH) \"\" *", "\"\" (", "\"\" ()", "\"\" (" + "* " * 1000 + "*)", "\"\" (" + "*%*%*%" * 50 + ")", "\"\" * RETURN (X)", "\"\" * RETURN (STATUS ())", "\"\" * RETURN (STATUS (X))", "\"\" * RETURN",
                 "(" + "SUBSCRIBED " * 1000 + ") \"\" *", "\"\" \"", "\"\"", ""):
        yield Row("imap", "auth", f"LIST {text[:40]}", "RFC 5258", f"t LIST {text}\r\n", "OK|NO|BAD")


def stores():
    flags = ["\\Recent", "\\", "\\\\", "\\*", "\\Seen\\Deleted", "\\X", "x" * 255, "x" * 5000, "a]b", "a(b", "a%b", "a*b", 'a"b', "é", "\x7f", "\0", "NIL", "()", "((a))", "(a", "a)", "", "(" + " ".join(f"k{i}" for i in range(100)) + ")",
             "(" + " ".join(f"\\Seen" for i in range(5000)) + ")", "$Forwarded", "a{1+}\r\nb", "[", "a b", "../x"]
    for i, f in enumerate(flags):
        data = f.encode("latin-1")
        for mode in (b"+FLAGS.SILENT", b"-FLAGS.SILENT"):
            yield Row("imap", "selected", f"STORE {mode.decode()} {i} {f[:14]!a}", "RFC 9051 9 flag", b"t STORE 1 " + mode + b" " + data + b"\r\n", "(OK|NO|BAD)( BAD)*")
        yield Row("imap", "auth", f"APPEND flags {i} {f[:14]!a}", "RFC 9051 9 flag", b"t APPEND nowhere (" + data + b") {0+}\r\n\r\n", "(NO|BAD)( BAD)*")
    for text in ("FLAGS", "FLAG (x)", "+FLAGS", "+-FLAGS (x)", "++FLAGS (x)", "FLAGS.LOUD (x)", "(UNCHANGEDSINCE) FLAGS (x)", "(X 1) FLAGS (x)", "() FLAGS (x)", "ANNOTATION (/x (v 1))"):
        yield Row("imap", "selected", f"STORE {text}", "RFC 9051 6.4.6", f"t STORE 1 {text}\r\n", "BAD|NO")
    for date in ("", '""', '"01-Jan-2020"', '"01-Jan-2020 00:00:00"', '"01-Jan-2020 00:00:00 +0000', '"32-Jan-2020 00:00:00 +0000"', '"01-Foo-2020 00:00:00 +0000"', '"01-Jan-2020 24:00:00 +0000"', '"01-Jan-2020 00:60:00 +0000"', '"01-Jan-2020 00:00:61 +0000"',
                 '"01-Jan-2020 00:00:00 +9999"', '"01-Jan-2020 00:00:00 -2400"', '"01-Jan-2020 00:00:00 0000"', '"01-Jan-0000 00:00:00 +0000"', '"01-Jan-9999 00:00:00 +0000"', '"01-Jan-1900 00:00:00 +0000"', '"29-Feb-2021 00:00:00 +0000"', '"0' + "1" * 1000 + '-Jan-2020 00:00:00 +0000"'):
        yield Row("imap", "auth", f"APPEND date {date[:30]}", "RFC 9051 9 date-time", f"t APPEND nowhere {date} {{0+}}\r\n\r\n", "(NO|BAD)( BAD)*")


def lines():
    for n in (100, 1000, 8000, 60000):
        yield Row("imap", "greeted", f"a line of {n}", "LineLimit 64k", b"t NOOP " + b"x" * n + b"\r\n", "BAD")
        yield Row("imap", "greeted", f"a tag of {n}", "LineLimit 64k", b"t" * n + b" NOOP\r\n", "(BAD)?")
    for n in (65537, 1 << 20, 10 << 20):
        yield Row("imap", "greeted", f"a line of {n}", "skipped whole", b"t NOOP " + b"x" * n + b"\r\nt NOOP\r\n", "BAD OK")
    yield Row("imap", "greeted", "a line without an end", "bounded memory", lambda: b"x" * (8 << 20), "(BAD)?", after="waits")
    for b in itertools.chain(range(0, 32), range(32, 256, 7)):
        if b not in (10, 13):
            yield Row("imap", "greeted", f"byte {b} as the tag", "RFC 9051 9 tag", bytes([b]) + b" NOOP\r\n", "(OK|BAD)?( BYE)?", after="any")
            yield Row("imap", "greeted", f"byte {b} in a name", "RFC 9051 9 atom", b"t LOGIN a" + bytes([b]) + b" b\r\n", "(NO|BAD)( BAD)*", never="t OK", after="any")
    for text in ("", " ", "t", "t ", " t NOOP", "t  NOOP", "t NOOP ", "t NOOP x", "* NOOP", "+ NOOP", "t UID", "t UID NOOP", "t UID UID FETCH 1 FLAGS", "t X", "t " + "X" * 1000, "NOOP", "t\tNOOP", "t NOOP\0", "t LOGOUT x", "t IDLE x", "t DONE", "t STARTTLS x", "t CAPABILITY x", "t ID", "t ID (",
                 "t ID ()", 't ID ("a")', 't ID ("a" "b" "c")', 't ID ("' + "a" * 2000 + '" "b")', "t ID (" + '"a" "b" ' * 1000 + '"a" "b")', "t ENABLE", "t ENABLE X", "t ENABLE " + "X " * 1000 + "X", "t LOGIN", "t LOGIN a", "t LOGIN a b c", 't LOGIN "a b', 't LOGIN "a\\x" b', 't LOGIN "a\\', "t LOGIN (a) b", "t AUTHENTICATE",
                 "t NAMESPACE", "t SELECT INBOX", "t FETCH 1 FLAGS", "GET / HTTP/1.0", "EHLO h", "USER a", "\x16\x03\x01", "t COMPRESS DEFLATE", "t COMPRESS", "t COMPRESS X", "t NOTIFY NONE", "t GETMETADATA", "t UNAUTHENTICATE"):
        yield Row("imap", "greeted", f"line {text[:30]!a}", "RFC 9051 2.2.1", text.encode() + b"\r\n", "((OK|NO|BAD)( |$))*( ?BYE)?", after="any")
    for end in (b"\n", b"\r", b"\n\r", b"\r\r\n", b"\0\r\n"):
        yield Row("imap", "greeted", f"a command ended by {end!r}", "RFC 9051 2.2", b"t NOOP" + end + b"t NOOP" + end + b"\r\n", "(BAD ?)+", after="any")
    yield Row("imap", "greeted", "NOOP x 20,000 in one piece", "pipelining", b"t NOOP\r\n" * 20000, "(OK ?){20000}")
    yield Row("imap", "greeted", "CAPABILITY x 5,000", "answers larger than what asks for them", b"t CAPABILITY\r\n" * 5000, "(OK ?){5000}")
    yield Row("imap", "auth", "SELECT x 1,000", "pipelining", b"t SELECT INBOX\r\n" * 1000, "(OK ?){1000}")
    yield Row("imap", "auth", "LIST x 1,000", "pipelining", b't LIST "" *\r\n' * 1000, "(OK ?){1000}")
    yield Row("imap", "selected", "IDLE and no DONE", "RFC 2177: only DONE ends it", b"t IDLE\r\nNOOP\r\n", "BAD|BAD BAD|OK", after="any")
    yield Row("imap", "selected", "IDLE x 500", "RFC 2177", b"t IDLE\r\nDONE\r\n" * 500, "(OK ?){500}")
    yield Row("imap", "greeted", "unknown commands", "ErrorLimit", b"t XYZZY\r\n" * 100, "(BAD ?)+BYE( BAD)?", after="closed")
    forged = "1999-01-01T00:00:00.000+00:00 info imapd[1] forged"
    for what, line in (("tag", forged), ("LOGIN", f't LOGIN "{forged}" x'), ("ESC", "t LOGIN \x1b[2J x"), ("ID", f't ID ("name" "{forged}" "\x1b[2J" "x")'), ("name", f't SELECT "{forged}"'), ("percent", "t LOGIN %n%s x"), ("U+202E", "t LOGIN \u202ea x"), ("C1", "t LOGIN \x9b2Jx x")):
        yield Row("imap", "greeted", f"log: {what}", "log injection", line.encode() + b"\r\n", "(OK|NO|BAD)", after="step")


def rows():
    yield from itertools.chain(literals(), sets(), fetches(), searches(), names(), stores(), lines())
