"""The end of a message, in every wrong form: what is smuggled behind one must never become a message (RFC 5321 2.3.8, 4.1.1.4)."""
from row import Row

SECOND = b"MAIL FROM:<smuggled-%ID%@there.test>\r\nRCPT TO:<target@here.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
ENDS = {"CRLF": b"\r\n", "LF": b"\n", "CR": b"\r", "LFCR": b"\n\r", "CRCRLF": b"\r\r\n", "NUL-CRLF": b"\0\r\n", "CR-NUL-LF": b"\r\0\n",
        "CRLF-space": b"\r\n ", "VT": b"\v", "FF": b"\f", "NEL": b"\xc2\x85", "LS": b"\xe2\x80\xa8"}
DOTS = {"dot": b".", "two-dots": b"..", "dot-space": b". ", "dot-NUL": b".\0", "wide-dot": b"\xef\xbc\x8e"}
PREFIX = b"Subject: %ID%\r\n\r\nfirst"
CLOSE = b"\r\n.\r\n"
# Those that hold no CR or LF on its own: such a message is taken whole, and the smuggled text is text.
CLEAN = ("CRLF", "NUL-CRLF", "CRLF-space", "VT", "FF", "NEL", "LS")


def endings(proto, state):
    for a, before in ENDS.items():
        for d, dot in DOTS.items():
            for b, after in ENDS.items():
                if before.endswith(b"\r\n") and dot == b"." and after.startswith(b"\r\n"):
                    continue        # that is the end
                clean = a in CLEAN and b in CLEAN
                yield Row(proto, state, f"ending {a} {d} {b}", "SMTP smuggling: only CRLF.CRLF ends the data",
                          PREFIX + before + dot + after + SECOND.replace(b"\r\n.\r\n", b"") + CLOSE, "250" if clean else "550",
                          arrives=1 if clean else 0)


def halves():
    """The ending cut into pieces by what looks like one, and several of them in a row."""
    for n in (1, 2, 3, 10, 1000):
        yield Row("smtp", "data", f"bare LF dot x {n}", "many false ends in one message", PREFIX + b"\n.\n" * n + CLOSE, "550", arrives=0)
        yield Row("smtp", "data", f"bare CR dot x {n}", "many false ends in one message", PREFIX + b"\r.\r" * n + CLOSE, "550", arrives=0)
        yield Row("smtp", "data", f"stuffed dots x {n}", "RFC 5321 4.5.2", PREFIX + b"\r\n.." * n + CLOSE, "250", arrives=1)
        yield Row("smtp", "data", f"CR x {n} before the end", "RFC 5321 2.3.8", PREFIX + b"\r" * n + CLOSE, "550", arrives=0)
        yield Row("smtp", "data", f"LF x {n} before the end", "RFC 5321 2.3.8", PREFIX + b"\n" * n + CLOSE, "550", arrives=0)
    yield Row("smtp", "data", "an empty message", "RFC 5321 4.1.1.4", b".\r\n", "250", arrives=1)
    yield Row("smtp", "data", "a header alone", "RFC 5322 3.5", b"Subject: %ID%\r\n.\r\n", "250", arrives=1)
    yield Row("smtp", "data", "bare LF in the header", "RFC 5321 2.3.8", b"Subject: %ID%\nX: y\r\n\r\nx\r\n.\r\n", "550", arrives=0)
    yield Row("smtp", "data", "bare CR in the header", "RFC 5321 2.3.8", b"Subject: %ID%\rX: y\r\n\r\nx\r\n.\r\n", "550", arrives=0)
    yield Row("smtp", "data", "a second transaction behind a true end", "RFC 2920: that is pipelining",
              PREFIX + CLOSE + b"MAIL FROM:<%ID%@there.test>\r\nRCPT TO:<target@here.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n",
              "250 250 250 354 250", arrives=2)
    for why, line in (("a line of 998", b"x" * 998), ("a line of 1 MB", b"x" * (1 << 20)), ("a line of dots", b"." * 100000),
                      ("NULs", b"\0" * 1000), ("every byte but CR and LF", bytes(b for b in range(256) if b not in (10, 13)) * 40)):
        yield Row("smtp", "data", "body: " + why, "RFC 5321 4.5.3.1.6: more is taken than must be", PREFIX + b"\r\n" + line + CLOSE, "250",
                  arrives=1)


def commands():
    """The same in commands: a line ends in CRLF. What stands behind a false end is never obeyed."""
    for a, end in ENDS.items():
        if not a.startswith("CRLF"):
            send = b"NOOP" + end + b"MAIL FROM:<x@there.test>\r\n"
            codes = {"CRCRLF": "500 250", "NUL-CRLF": "500 250"}.get(a, "500" if end.strip(b"\r\n\0") == b"" else "250|500")
            yield Row("smtp", "ehlo", f"command ended by {a}", "RFC 5321 2.3.8", send, codes,
                      never=None if b"\r\n" in end else "250 2.1.0")


def rows():
    yield from endings("smtp", "data")
    for row in endings("lmtp", "data"):
        if row.name.split()[1] in ("CRLF", "LF", "CR") and row.name.split()[2] == "dot":
            yield row
    yield from halves()
    yield from commands()
