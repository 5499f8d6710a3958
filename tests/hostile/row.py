"""What a row of the table is: something hostile to send, what must come back, and what must hold afterwards."""
import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Row:
    """One case. It is sent in one piece behind the lines that bring a session to its state, and the protocol's farewell
    (QUIT, LOGOUT) behind it: a session that is still in step answers that, and nothing else.

    proto    smtp, submission, lmtp, pop3, imap
    state    where the session stands before: a name in talk.STATES
    name     unique in its protocol
    why      the rule that it tries, or the attack
    send     bytes, or a function that makes them; %ID% becomes the conversation's own mark
    codes    of the answers, as one text ("250 550", "OK BAD", "+ -"): a pattern that fits all of it
    text     a pattern that is in the answers, or None
    never    a pattern that is not in them, or None
    after    "step": the farewell is answered; "closed": the server ended it before; "waits": neither, the server rightly
             waits for more of what was announced; "may-wait": that, or anything else; "any"
    arrives  messages of this conversation's sender that must be in the mailbox at the end; None: not looked at
    """
    proto: str
    state: str
    name: str
    why: str
    send: object
    codes: str
    text: str = None
    never: str = None
    after: str = "step"
    arrives: int = None

    def bytes(self, mark):
        data = self.send() if callable(self.send) else self.send
        return (data.encode() if isinstance(data, str) else data).replace(b"%ID%", mark.encode())


def smtp_codes(lines):
    return [x[:3].decode() for x in lines if re.match(rb"[2-5]\d\d( |$)", x)]


def pop3_codes(lines):
    """Of a multi-line answer the first line alone; its rest never begins with + or - in these tables."""
    return ["+" if x.startswith(b"+") else "-" for x in lines if x.startswith((b"+OK", b"-ERR", b"+ "))]


def imap_codes(lines):
    """Tagged results, and BAD or BYE without a tag. Every command of the table has the tag t."""
    out = []
    for line in lines:
        m = re.match(rb"(?:t\d*|\*) (OK|NO|BAD|BYE)\b", line)
        if m and (line[:1] != b"*" or m[1] in (b"BAD", b"BYE")):
            out.append(m[1].decode())
    return out


def fetch_fault(answer):
    """Why the FETCH answers are not well-formed, or None: parentheses pair, strings and literals end."""
    at, depth, inside = 0, 0, False
    while at < len(answer):
        if not inside:
            end = answer.find(b"\r\n", at)
            if not re.match(rb"\* \d+ FETCH \(", answer[at:at + 40]):
                at = len(answer) if end < 0 else end + 2
                continue
            inside = True
        m = re.compile(rb'"(?:[^"\\\r\n]|\\["\\])*"|~?\{(\d+)\}\r\n|[()]|\r\n|[^"{()\r]+|.', re.S).match(answer, at)
        at = m.end() + (int(m[1]) if m[1] else 0)
        if m[0] in (b"(", b")"):
            depth += 1 if m[0] == b"(" else -1
        elif m[0] == b"\r\n":
            if depth != 0:
                return f"parentheses do not pair in a FETCH answer that ends at {at}"
            inside = False
        elif m[0] in (b'"', b"{", b"\r"):
            return f"a string does not end in a FETCH answer at {at}: {answer[max(0, at - 60):at + 20]!r}"
    return None


def judge(row, answer, farewell, ended):
    """What is wrong with the bytes that came back, in words; None: nothing. farewell: the pattern of the last answer."""
    lines = answer.split(b"\r\n")
    codes = {"pop3": pop3_codes, "imap": imap_codes}.get(row.proto, smtp_codes)
    parted = re.search(farewell, answer)
    before = answer[:parted.start()] if parted else answer
    got = " ".join(codes(before.split(b"\r\n")))
    if not ended and row.after not in ("waits", "may-wait"):
        return "the server neither answered nor ended the session"
    if row.after == "step" and not parted:
        return f"the session is not in step any more: no answer to the farewell; codes {got!r}"
    if row.after == "waits" and (ended or parted):
        return f"the server was to wait for the rest; codes {got!r}"
    if row.after == "closed" and parted:
        return f"the session was to be ended; codes {got!r}"
    if not re.fullmatch(row.codes, got):
        return f"the codes are {got!r}, not {row.codes!r}"
    if row.text and not re.search(row.text.encode(), before, re.S):
        return f"{row.text!r} is not in the answer"
    if row.never and re.search(row.never.encode(), before, re.S):
        return f"{row.never!r} is in the answer"
    if row.proto == "imap" and ended and fetch_fault(answer):
        return fetch_fault(answer)
    if any(b"\n" in x or b"\r" in x for x in lines) and row.proto != "imap":
        return "a line of the answer holds a lone CR or LF"
    return None
