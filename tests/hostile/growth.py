"""Growth: what a costly row takes of the server's processors at n and at 2n. It may grow to 2.3 times, no more."""
import asyncio
import pathlib

import rows_mail
from row import Row, judge
from talk import FAREWELL, WAYS, Talk

LIMIT = 2.3
LEAST_MS = 8.0          # below that it is the noise that would be measured
ROUNDS, MORE = 3, 25	# more where the first look bad: on a busy machine


def data(text):
    """A message by SMTP, from its header, or from all of it."""
    return text + b"\r\n\r\nq\r\n.\r\n"


def mail(make):
    return lambda n: data(make(n).encode("latin-1"))


def message(make):
    """As a reader meets it: stored, all looked at, removed."""
    return lambda n: rows_mail.row("m", "", make(n)).bytes("grow")


def header(make):
    return message(lambda n: make(n) + "\r\n\r\nq\r\n")


# (what, protocol, state, bytes for n, n). The short run takes every sixth.
CASES = [
    ("commands: NOOP", "smtp", "ehlo", lambda n: b"NOOP\r\n" * n, 150000),
    ("commands: EHLO", "smtp", "ehlo", lambda n: b"EHLO h\r\n" * n, 5000),
    ("commands: MAIL and RSET", "smtp", "ehlo", lambda n: b"MAIL FROM:<a@there.test>\r\nRSET\r\n" * n, 5000),
    ("a command line without an end", "smtp", "ehlo", lambda n: b"x" * n + b"\r\n", 2 << 20),
    ("recipients", "smtp", "mail", lambda n: b"".join(b"RCPT TO:<target+%d@here.test>\r\n" % i for i in range(n)), 450),
    ("recipients, all the same", "smtp", "mail", lambda n: b"RCPT TO:<target@here.test>\r\n" * n, 500),
    ("chunks of a byte", "smtp", "rcpt", lambda n: b"BDAT 4\r\nA:\r\n" + b"BDAT 1\r\nx" * n + b"RSET\r\n", 10000),
    ("chunks of nothing", "smtp", "rcpt", lambda n: b"BDAT 0\r\n" * n + b"RSET\r\n", 10000),
    ("header lines", "smtp", "data", mail(lambda n: "X: y\r\n" * n), 100000),
    ("folds of one header field", "smtp", "data", mail(lambda n: "X: y" + "\r\n y" * n), 100000),
    ("one header line", "smtp", "data", mail(lambda n: "X: " + "y" * n), 4 << 20),
    ("Received", "smtp", "data", mail(lambda n: "Received: x\r\n" * n), 50000),
    ("Delivered-To", "smtp", "data", mail(lambda n: "Delivered-To: a@b.test\r\n" * n), 50000),
    ("addresses in To", "smtp", "data", mail(lambda n: "To: " + ",\r\n ".join(["a@b.test"] * n)), 50000),
    ("dots at line starts", "smtp", "data", mail(lambda n: "\r\n\r\n" + "..\r\n" * n), 500000),
    ("lone LFs", "smtp", "data", mail(lambda n: "\r\n\r\n" + "\n.\n" * n), 500000),
    ("parts", "smtp", "data", mail(rows_mail.wide), 20000),
    ("multipart in multipart", "smtp", "data", mail(rows_mail.nested), 20000),
    ("lines like a boundary", "smtp", "data", mail(lambda n: rows_mail.wide(0) + "--bx\r\n" * n), 200000),
    ("commands: NOOP", "pop3", "auth", lambda n: b"NOOP\r\n" * n, 150000),
    ("commands: UIDL", "pop3", "auth", lambda n: b"UIDL\r\n" * n, 5000),
    ("commands: NOOP", "imap", "auth", lambda n: b"t NOOP\r\n" * n, 40000),
    ("commands: SELECT", "imap", "auth", lambda n: b"t SELECT INBOX\r\n" * n, 500),
    ("a line without an end", "imap", "auth", lambda n: b"x" * n + b"\r\n", 2 << 20),
    ("small literals", "imap", "greeted", lambda n: b"t ID (" + b" ".join([b"{1+}\r\na"] * n) + b")\r\n", 10000),
    ("set: 1,1,1", "imap", "selected", lambda n: b"t UID FETCH " + b",".join([b"1"] * n) + b" UID\r\n", 8000),
    ("set: 1,3,5", "imap", "selected", lambda n: b"t FETCH " + b",".join(b"%d" % (2 * i + 1) for i in range(n)) + b" UID\r\n", 5000),
    ("set: falling", "imap", "selected", lambda n: b"t SEARCH UID " + b",".join(b"%d" % i for i in range(2 * n, 0, -2)) + b"\r\n", 5000),
    ("set: 1:* again", "imap", "selected", lambda n: b"t UID FETCH " + b",".join([b"1:*"] * n) + b" UID\r\n", 8000),
    ("set: overlapping", "imap", "selected", lambda n: b"t UID STORE " + b",".join(b"%d:%d" % (i, 10000 - i) for i in range(1, n)) + b" +FLAGS (x)\r\n", 2500),
    ("FETCH the same item", "imap", "selected", lambda n: b"t FETCH 1:* (" + b" ".join([b"ENVELOPE"] * n) + b")\r\n", 500),
    ("FETCH BODY[]", "imap", "selected", lambda n: b"t FETCH 1:* (" + b" ".join([b"BODY.PEEK[]<%d.9>" % i for i in range(n)]) + b")\r\n", 200),
    ("FETCH names of HEADER.FIELDS", "imap", "selected", lambda n: b"t FETCH 1:* BODY.PEEK[HEADER.FIELDS (" + b" ".join(b"X-%d" % i for i in range(n)) + b")]\r\n", 2000),
    ("FETCH a deep section", "imap", "selected", lambda n: b"t FETCH 1:* BODY.PEEK[" + b".".join([b"1"] * n) + b"]\r\n", 10000),
    ("FETCH parentheses", "imap", "selected", lambda n: b"t FETCH 1 " + b"(" * n + b"UID" + b")" * n + b"\r\n", 15000),
    ("SEARCH NOT", "imap", "selected", lambda n: b"t SEARCH " + b"NOT " * n + b"ALL\r\n", 7000),
    ("SEARCH OR", "imap", "selected", lambda n: b"t SEARCH " + b"OR ALL " * n + b"ALL\r\n", 4000),
    ("SEARCH OR to the left", "imap", "selected", lambda n: b"t SEARCH " + b"OR " * n + b"SEEN " * n + b"SEEN\r\n", 3000),
    ("SEARCH parentheses", "imap", "selected", lambda n: b"t SEARCH " + b"(" * n + b"ALL" + b")" * n + b"\r\n", 15000),
    ("SEARCH keys", "imap", "selected", lambda n: b"t SEARCH " + b"UNSEEN " * n + b"ALL\r\n", 4000),
    ("SEARCH SUBJECT keys", "imap", "selected", lambda n: b"t SEARCH " + b"NOT SUBJECT zq " * n + b"ALL\r\n", 1500),
    ("SEARCH BODY keys", "imap", "selected", lambda n: b"t SEARCH " + b"NOT BODY zq " * n + b"ALL\r\n", 1500),
    ("SEARCH HEADER keys", "imap", "selected", lambda n: b"t SEARCH " + b"NOT HEADER X zq " * n + b"ALL\r\n", 1500),
    ("SEARCH a long text", "imap", "selected", lambda n: b't SEARCH TEXT "' + b"a" * n + b'"\r\n', 25000),
    ("SORT keys", "imap", "selected", lambda n: b"t SORT (" + b" ".join([b"SUBJECT"] * n) + b") UTF-8 ALL\r\n", 3000),
    ("STORE flags", "imap", "selected", lambda n: b"t STORE 1 FLAGS (" + b" ".join([b"\\Seen"] * n) + b")\r\n", 4000),
    ("LIST *%*%*% in the pattern", "imap", "folders", lambda n: b't LIST "" "' + b"*%" * n + b'x"\r\n', 100),
    ("LIST * in the pattern", "imap", "folders", lambda n: b't LIST "" "' + b"*a" * n + b'"\r\n', 100),
    ("LIST patterns", "imap", "folders", lambda n: b't LIST "" (' + b"x* " * n + b"x)\r\n", 200),
    ("LIST again", "imap", "folders", lambda n: b't LIST "" *\r\n' * n, 10),
    ("a mailbox's depth", "imap", "auth", lambda n: b't SELECT "' + b"/".join([b"x"] * n) + b'"\r\n', 10000),
    ("read: multipart in multipart", "imap", "auth", message(rows_mail.nested), 10000),
    ("read: message in message", "imap", "auth", message(rows_mail.rfc822), 10000),
    ("read: parts", "imap", "auth", message(rows_mail.wide), 10000),
    ("read: comments", "imap", "auth", header(lambda n: "From: " + "(" * n + ")" * n), 100000),
    ("read: addresses", "imap", "auth", header(lambda n: "To: " + ",".join(["a@b.test"] * n)), 20000),
    ("read: groups", "imap", "auth", header(lambda n: "To: " + "g:" * n + ";" * n), 50000),
    ("read: quotes", "imap", "auth", header(lambda n: "From: " + '"' * n), 100000),
    ("read: parameters", "imap", "auth", header(lambda n: "Content-Type: text/plain" + "".join(f"; p{i}=v" for i in range(n))), 10000),
    ("read: parts of a parameter", "imap", "auth", header(lambda n: "Content-Type: text/plain" + "".join(f"; name*{i}=v" for i in range(n))), 10000),
    ("read: encoded words", "imap", "auth", header(lambda n: "Subject: " + " ".join(["=?utf-8?q?=C3=A9?="] * n)), 10000),
    ("read: open encoded words", "imap", "auth", header(lambda n: "Subject: " + "=?utf-8?q?" * n), 20000),
    ("read: References", "imap", "auth", header(lambda n: "References: " + " ".join(f"<{i}@b>" for i in range(n))), 20000),
    ("read: Re:", "imap", "auth", header(lambda n: "Subject: " + "Re: " * n), 50000),
    ("read: folds", "imap", "auth", header(lambda n: "Subject: q" + "\r\n q" * n), 50000),
    ("read: Subject fields", "imap", "auth", header(lambda n: "\r\n".join(["Subject: q"] * n)), 20000),
]


def cpu_ns(pids):
    """Nanoseconds that all threads of these processes have run."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass
    return total


async def once(world, proto, state, send):
    """Milliseconds of the server's processors for one conversation."""
    talk = Talk(world, proto, WAYS[proto][0], seconds=60)
    pids = [p for pids in world.census().values() for p in pids]
    row = Row(proto, state, "growth", "", send, ".*")
    await talk.open()
    await talk.reach(state, "pop0", "grow")
    await asyncio.sleep(0.02)
    before = cpu_ns(pids)
    await asyncio.gather(talk.push(row.bytes("grow") + FAREWELL[proto][0]), rest := asyncio.ensure_future(talk.rest()))
    ended = rest.result()
    await asyncio.sleep(0.02)           # what goes on behind the answer is part of it
    spent = (cpu_ns(pids) - before) / 1e6
    fault = judge(Row(proto, state, "growth", "", b"", ".*", after="any"), bytes(talk.got), FAREWELL[proto][1], ended)
    talk.close()
    if fault:
        raise AssertionError(f"{proto} {state}: {fault}\n{talk.transcript()}")
    return spent


async def measure(world, case):
    _, proto, state, make, n = case
    small, large = [], []
    for i in range(ROUNDS + MORE):
        if i >= ROUNDS and min(large) <= LIMIT * min(small):
            break
        small.append(await once(world, proto, state, make(n)))
        large.append(await once(world, proto, state, make(2 * n)))
    return min(small), min(large)


def run(world, only, long):
    faults, out = [], []
    folders(world, 10000 if long else 1000)
    for case in CASES if long or only else CASES[::6]:
        what, proto = case[0], case[1]
        if only and not only.search(f"{proto} {what}"):
            continue
        try:
            small, large = asyncio.run(measure(world, case))
        except AssertionError as e:
            faults.append(f"growth: {proto} {what}: {e}")
            continue
        ratio = large / small
        out.append((proto, what, case[4], small, large, ratio))
        if ratio > LIMIT and large > LEAST_MS:
            faults.append(f"growth: {proto} {what}: {small:.1f} ms at {case[4]}, {large:.1f} ms at {2 * case[4]}: {ratio:.2f} times")
    for proto, what, n, small, large, ratio in out if long else []:
        print(f"| {proto} | {what} | {n:,} | {small:.1f} | {large:.1f} | {ratio:.2f} |")
    print("".join(f + "\n" for f in faults), end="")
    worst = max(out, key=lambda x: x[5] if x[4] > LEAST_MS else 0, default=None)
    return f"{len(out)} cases, the worst {worst[5]:.2f} times ({worst[0]} {worst[1]})" if worst else "nothing", len(faults)


def folders(world, count):
    """An account with so many mailboxes, three deep."""
    with world.secure("imaps", timeout=120) as c:
        c.line()
        c.tagged('LOGIN folders@here.test "correct horse"')
        names = [f"aaaa{i % 10}/bbbb{i // 10 % 10}/aaaaxxxxaaaaxxxx{i}" for i in range(count)]
        for at in range(0, count, 200):
            c.send("".join(f'c CREATE "{x}"\r\n' for x in names[at:at + 200]) + "d NOOP\r\n")
            while not c.line().startswith("d "):
                pass
