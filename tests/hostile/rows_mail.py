"""Messages: MIME depth and breadth, headers, encodings, charsets, dates (RFC 5322, 2045, 2046, 2047, 2231), as a reader meets them."""
import base64

from row import Row

DEEP = [1, 10, 50, 99, 100, 101, 200, 1000, 5000]


def nested(n, kind="mixed"):
    """multipart in multipart, n deep."""
    out = ["MIME-Version: 1.0\r\n"]
    for i in range(n):
        out.append(f"Content-Type: multipart/{kind}; boundary=b{i}\r\n\r\n--b{i}\r\n")
    return "".join(out) + "Content-Type: text/plain\r\n\r\nq\r\n" + "".join(f"--b{i}--\r\n" for i in reversed(range(n)))


def rfc822(n):
    return "MIME-Version: 1.0\r\n" + "Content-Type: message/rfc822\r\n\r\n" * n + "Subject: q\r\n\r\nq\r\n"


def wide(n, part="Content-Type: text/plain\r\n\r\nq\r\n"):
    return "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + f"--b\r\n{part}" * n + "--b--\r\n"


def shapes():
    for n in DEEP:
        yield f"multipart {n} deep", nested(n)
        yield f"message/rfc822 {n} deep", rfc822(n)
        yield f"alternative {n} deep", nested(n, "alternative")
    for n in (0, 1, 100, 1000, 10000, 50000):
        yield f"{n} parts", wide(n)
        yield f"{n} empty parts", wide(n, "\r\n")
        yield f"{n} parts without a header's end", wide(n, "Content-Type: text/plain\r\n")
    head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="
    for what, text in (("boundary empty", head + '""\r\n\r\n--\r\n\r\nq\r\n----\r\n'), ("boundary missing", head[:-10] + "\r\n\r\n--b\r\n\r\nq\r\n"), ("boundary of 70", head + "b" * 70 + "\r\n\r\n--" + "b" * 70 + "\r\n\r\nq\r\n"),
                       ("boundary of 1,000", head + "b" * 1000 + "\r\n\r\n--" + "b" * 1000 + "\r\n\r\nq\r\n"), ("boundary of 100,000", head + "b" * 100000 + "\r\n\r\nq\r\n"), ("boundary with a space at its end", head + '"b "\r\n\r\n--b \r\n\r\nq\r\n--b --\r\n'),
                       ("boundary of dashes", head + '"--"\r\n\r\n----\r\n\r\nq\r\n------\r\n'), ("boundary twice", head + "a; boundary=b\r\n\r\n--a\r\n\r\n1\r\n--b\r\n\r\n2\r\n"), ("boundary that another begins with", head + "b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\nq\r\n--b--\r\n"),
                       ("the same boundary inside", head + "b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nq\r\n--b--\r\n--b--\r\n"), ("never closed", head + "b\r\n\r\n--b\r\n\r\nq\r\n"), ("closed first", head + "b\r\n\r\n--b--\r\n--b\r\n\r\nq\r\n"),
                       ("100,000 lines like a boundary", head + "bx\r\n\r\n" + "--b\r\n" * 100000), ("100,000 dashes", head + "b\r\n\r\n" + "-" * 100000 + "\r\n"), ("NUL in the boundary", head + "a\0b\r\n\r\n--a\0b\r\n\r\nq\r\n"), ("no header", "\r\nq\r\n"), ("one CRLF", "\r\n"),
                       ("Content-Type twice", "Content-Type: text/plain\r\n" + head + "b\r\n\r\n--b\r\n\r\nq\r\n"), ("digest", nested(3, "digest")), ("partial", "Content-Type: message/partial; id=a; number=4294967296; total=0\r\n\r\nq\r\n"),
                       ("external-body", "Content-Type: message/external-body; access-type=local-file; name=/etc/passwd\r\n\r\nContent-Type: text/plain\r\n\r\n"), ("rfc822 in base64", "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogcQ==\r\n"), ("multipart in base64", head + "b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\nq\r\n")):
        yield what, text


def values():
    """Header fields that break a parser: (what, lines)."""
    for n in (1, 100, 5000, 100000):
        yield f"comments {n} deep", "From: " + "(" * n + "a" + ")" * n + " a@b.test"
        yield f"comments {n} open", "From: " + "(" * n
        yield f"quotes x {n}", "From: " + '"' * n + " <a@b.test>"
        yield f"backslashes x {n}", 'From: "' + "\\" * n
        yield f"angles x {n}", "From: " + "<" * n + "a@b.test" + ">" * n
        yield f"groups x {n}", "To: " + "g:" * n + "a@b.test" + ";" * n
        yield f"addresses x {n}", "To: " + ",".join(["a@b.test"] * n)
        yield f"commas x {n}", "Cc: " + "," * n
        yield f"encoded words x {n}", "Subject: " + " ".join(["=?utf-8?q?=C3=A9?="] * n)
        yield f"open encoded words x {n}", "Subject: " + "=?utf-8?q?" * n
        yield f"parameters x {n}", "Content-Type: text/plain" + "".join(f"; p{i}=v" for i in range(n))
        yield f"RFC 2231 parts x {n}", "Content-Type: text/plain" + "".join(f"; name*{i}=v" for i in range(n))
        yield f"semicolons x {n}", "Content-Type: text/plain" + ";" * n
        yield f"References x {n}", "References: " + " ".join(f"<{i}@b>" for i in range(n))
        yield f"Re: x {n}", "Subject: " + "Re: " * n + "q"
        yield f"[lists] x {n}", "Subject: " + "[l] " * n + "q"
        yield f"languages x {n}", "Content-Language: " + ",".join(["en"] * n)
        yield f"folds x {n}", "Subject: q" + "\r\n q" * n
        yield f"empty folds x {n}", "Subject: q" + "\r\n " * n
        yield f"Subject fields x {n}", "Subject: q\r\n" * (n - 1) + "Subject: q"
        yield f"dots x {n}", "From: a" + "." * n + "b@b.test"
        yield f"route x {n}", "From: <" + ",".join(["@h.test"] * n) + ":a@b.test>"
    for date in ("", "x", "Mon, 32 Jan 2024 00:00:00 +0000", "Mon, 01 Jan 0000 00:00:00 +0000", "Mon, 01 Jan 99999 00:00:00 +0000", "01 Jan 24", "Mon, 01 Jan 2024 99:99:99 +9999", "1" * 1000, "Mon, 01 Jan 2024 00:00:00 (" * 100,
                 "Mon, 01 Jan 2024 00:00:60 -0000", "Mon, -1 Jan 2024 00:00:00 GMT", "Mon,01Jan2024 00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000", "Mon, 18446744073709551616 Jan 2024 00:00:00 +0000", "01 Jan 292277026597 00:00:00 +0000", "Fri, 31 Dec 1600 23:59:59 +2400"):
        yield f"Date {date[:40]!r}", "Date: " + date
    for charset in ("utf-8", "utf-7", "utf-16", "iso-2022-jp", "gb18030", "hz-gb-2312", "x-unknown", "", "/../../x", "u" * 1000, "unicode-1-1-utf-7", "cp65001"):
        for form in ("q?=FF=FE=C3", "q?=", "q?=G0", "q?=1B=24=42", "b?//79", "b?=", "b?A", "b?!!!!", "x?a", "q?" + "=" * 500, "b?" + "A" * 5001):
            yield f"word {charset[:12]!r} {form[:12]}", f"Subject: =?{charset}?{form}?="
    for text in ("name*=utf-8''%", "name*=utf-8''%G0", "name*=''", "name*=x", "name*0*=utf-8''a; name*2=b", "name*4294967296=a", "name*-1=a", "name*00=a", "name**=a", "name*=utf-8'en'%ff%fe", "name=\"\\", "name=\"a", "name==a", "=a", ";;;", "charset=" + "x" * 10000, "name*0=a; name*0=b; name=c",
                 "name=../../etc/passwd", "name=\"a\\\r\n b\"", "name=a\0b", "name==?utf-8?q?x?="):
        yield f"parameter {text[:30]!r}", "Content-Type: text/plain; " + text
    for text in ("text", "/", "text/", "/plain", "text/plain/x", "text plain", "", "*/*", "multipart", "multipart/", "message/rfc822/x", "x" * 5000 + "/y", "text/" + "y" * 5000, "té/xt", '"text"/plain', "text/plain; charset", "text/(c)plain", "\0/\0"):
        yield f"Content-Type {text[:20]!r}", "Content-Type: " + text
    for text in ("", "x" * 5000, "base64 base64", "(c) base64", "base64;x", "binary", "x-uuencode", "quoted-printable\0"):
        yield f"encoding {text[:20]!r}", "Content-Transfer-Encoding: " + text
    for name in ("", " ", "\0", "\x7f", "é", "Subject ", "Su bject", "x" * 5000, ":", "::"):
        yield f"field name {name[:12]!a}", name + ": q"
    for name in ("Message-ID", "In-Reply-To", "References", "From", "Reply-To", "Content-ID", "Content-Disposition", "Content-MD5", "Content-Location", "Content-Description"):
        for text in ("", "<", ">", "<>", "<<a@b>>", "<a@b", "a@b>", "(", '"', "\\", "\xff\xfe", "\0", ";", ",", ":", "@", "a\x1b[2Jb", "x" * 20000):
            yield f"{name}: {text[:8]!a}", f"{name}: {text}"


def bodies():
    """(what, encoding, body)."""
    yield "base64 broken", "base64", "!!!!\r\n====\r\nAAA\r\nA=A=\r\n"
    yield "base64 in one line of 1 MB", "base64", base64.b64encode(b"q" * (768 << 10)).decode()
    yield "base64 of = x 100,000", "base64", "=" * 100000
    yield "base64 a letter a line", "base64", "A\r\n" * 50000
    yield "qp broken", "quoted-printable", "=\r\n=G0=0=\r\n==\r\n=ff=\r\n"
    yield "qp soft breaks x 100,000", "quoted-printable", "=\r\n" * 100000
    yield "qp = x 100,000", "quoted-printable", "=" * 100000
    yield "qp spaces x 100,000", "quoted-printable", "q" + " " * 100000 + "\r\n"
    yield "uuencode", "x-uuencode", "begin 644 ../../x\r\n#0V%T\r\n`\r\nend\r\n"
    yield "8-bit junk", "8bit", bytes(range(128, 256)).decode("latin-1") * 100
    yield "NULs", "binary", "\0" * 1000
    yield "tags x 20,000", "7bit", "<b>" * 20000
    yield "open tags", "7bit", "<" * 50000
    yield "entities x 20,000", "7bit", "&#4294967296;&nbsp" * 5000
    yield "comments that never end", "7bit", "<!--" * 20000
    yield "ISO-2022 escapes", "7bit", "\x1b$B\x1b(B" * 5000


def row(what, why, text):
    """Stored, looked at in each way, removed. RFC 6855 4: 8-bit header lines go in as UTF8; RFC 3516: NULs as literal8."""
    data = text.encode("latin-1", "replace")
    before, behind = (b"UTF8 (~{", b")") if not data.partition(b"\r\n\r\n")[0].isascii() else (b"~{" if b"\0" in data else b"{", b"")

    def send():
        size = b"%d" % len(data)
        return (b"t ENABLE UTF8=ACCEPT\r\nt CREATE %ID%\r\nt APPEND %ID% " + before + size + b"}\r\n" + data + behind + b"\r\n"
                b"t EXAMINE %ID%\r\nt FETCH 1 (ENVELOPE BODYSTRUCTURE RFC822.SIZE)\r\n"
                b"t FETCH 1 (BODY.PEEK[1.1] BODY.PEEK[1.MIME] BODY.PEEK[HEADER.FIELDS (Subject From)])\r\nt FETCH 1 PREVIEW\r\n"
                b"t FETCH 1 (BINARY.PEEK[1])\r\nt SEARCH OR SUBJECT zzz TEXT yyy\r\nt SORT (SUBJECT FROM DATE) UTF-8 ALL\r\n"
                b"t THREAD REFERENCES UTF-8 ALL\r\nt DELETE %ID%\r\n")
    if b"\0" in data:       # RFC 3516 4.4: mailboxes keep none
        return Row("imap", "auth", what, why, send, "OK OK NO OK (BAD ?){4}OK OK OK OK")
    return Row("imap", "auth", what, why, send, "OK OK OK OK OK (OK|NO) (OK|NO|BAD) (OK|NO) OK OK OK OK", text=r"\* 1 FETCH \(")


def rows():
    for what, text in shapes():
        yield row(f"mail: {what}", "MIME depth and breadth", text)
    for what, lines in values():
        yield row(f"mail: {what}", "a header field", f"{lines}\r\nX-Behind: it\r\n\r\nq\r\n")
    for what, encoding, body in bodies():
        for kind in ("text/plain; charset=utf-8", "text/html; charset=iso-2022-jp"):
            yield row(f"mail: {what}, {kind[:10]}", "broken encodings", f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n")
