"""What a password leaves behind: nothing in a daemon's memory, nothing in the log."""
import base64
import socket

import pytest

from yubin import DOMAIN

SECRET = "tr0ubador-and-3-staples"
DAEMONS = ("yubind", "storaged", "authd", "smtpd", "pop3d", "imapd")
PLAIN = base64.b64encode(f"\0dora@{DOMAIN}\0{SECRET}".encode())
FORMS = (SECRET.encode(), base64.b64encode(SECRET.encode()), PLAIN)


def places(pid):
    """Where in the writable memory of a process one of the forms stands."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/maps") as maps:
        for line in maps:
            fields = line.split()
            if not fields[1].startswith("rw"):
                continue
            first, last = (int(x, 16) for x in fields[0].split("-"))
            try:
                memory.seek(first)
                data = memory.read(last - first)
            except OSError:
                continue
            found += [fields[-1] for form in FORMS if form in data]
    return found


def talk(connection, *steps):
    """Sends each line and waits for what must stand in the answer."""
    for line, answer in steps:
        if line:
            connection.sendall(line + b"\r\n")
        heard = b""
        while answer not in heard or not heard.endswith(b"\r\n"):
            more = connection.recv(65536)
            assert more, heard
            heard += more


def login_everywhere(site):
    user = f"dora@{DOMAIN}".encode()
    kept = []

    def secure(name):
        s = socket.create_connection(("127.0.0.1", site.port(name)), timeout=60)
        kept.append(site.tls.wrap_socket(s, server_hostname="localhost"))
        return kept[-1]

    hello = ((b"", b"220 "), (b"EHLO c", b"250 "))
    talk(secure("submissions"), *hello, (b"AUTH PLAIN " + PLAIN, b"235 "))
    talk(secure("submissions"), *hello, (b"AUTH LOGIN", b"334 "), (base64.b64encode(user), b"334 "),
         (FORMS[1], b"235 "))
    talk(secure("imaps"), (b"", b"* OK"), (b'a LOGIN %s "%s"' % (user, FORMS[0]), b"a OK"))
    talk(secure("imaps"), (b"", b"* OK"), (b"a LOGIN %s {%d+}\r\n%s" % (user, len(SECRET), FORMS[0]), b"a OK"))
    talk(secure("imaps"), (b"", b"* OK"), (b"a AUTHENTICATE PLAIN", b"+ "), (PLAIN, b"a OK"))
    talk(secure("pop3s"), (b"", b"+OK"), (b"USER " + user + b"\r\nPASS " + FORMS[0], b"messages"))
    return kept


def test_memory(site):
    site.account("dora", SECRET)
    kept = login_everywhere(site)
    try:
        found = {(daemon, pid): places(pid) for daemon in DAEMONS for pid in site.pids(daemon)}
    except PermissionError:
        pytest.skip("only root reads a daemon's memory")
    assert len(found) >= len(DAEMONS)
    assert {who: where for who, where in found.items() if where} == {}
    for connection in kept:
        connection.close()


def test_log(site):
    """A client that goes on behind an AUTH that was refused."""
    for name, begin in (("mx", b"EHLO c\r\nAUTH LOGIN"), ("submission", b"EHLO c\r\nAUTH LOGIN"), ("pop3", b"AUTH LOGIN"),
                        ("imap", b"a AUTHENTICATE LOGIN")):
        with socket.create_connection(("127.0.0.1", site.port(name)), timeout=60) as s:
            s.sendall(begin + b"\r\n" + FORMS[1] + b"\r\n" + FORMS[0] + b"\r\nz LOGOUT\r\nQUIT\r\n")
            while s.recv(65536):
                pass
    site.wait_log("unknown command")
    assert not any(form.decode() in site.log() for form in FORMS)
