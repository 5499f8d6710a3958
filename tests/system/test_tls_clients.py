"""Other people's TLS at every port: each client gets through, resumes, and shows a certificate where one is asked for.

What happened is read in the log: every handshake leaves a line."""
import contextlib
import re
import selectors
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from papers import Authority, openssl
from peer import DAEMON, EXPLICIT, IMPLICIT, PROTOCOL, Peer, secure
from yubin import DOMAIN, PASSWORD, Site

GOODBYE = {"smtp": "QUIT\r\n", "pop3": "QUIT\r\n", "imap": "a LOGOUT\r\n"}


def run(argv, text="", good=0):
    assert shutil.which(argv[0]), f"{argv[0]} is missing: ./quickstart check installs it"
    r = subprocess.run([str(a) for a in argv], input=text, capture_output=True, text=True, errors="replace", timeout=30)
    assert r.returncode == good, f"{argv}\n{r.stdout[-2000:]}\n{r.stderr[-2000:]}"
    return r.stdout + r.stderr


# --- the clients: each connects twice or more, and offers the first session again ----------------------------------

def by_openssl(site, port, paper, d):
    argv = ["openssl", "s_client", "-connect", f"localhost:{site.port(port)}", "-servername", "localhost", "-verify_return_error", "-verify_hostname", "localhost",
            "-CAfile", site.path / "etc/tls/ca.pem", "-ign_eof"]
    argv += ["-starttls", PROTOCOL[port]] if port in EXPLICIT else []
    argv += ["-cert", paper[0], "-key", paper[1]] if paper else []
    run([*argv, "-sess_out", d / "session"], GOODBYE[PROTOCOL[port]])
    assert "Reused, TLSv1.3" in run([*argv, "-sess_in", d / "session"], GOODBYE[PROTOCOL[port]])


def by_python(site, port, paper, _):
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    if paper:
        context.load_cert_chain(*paper)
    session = None
    for _ in range(2):
        with secure(site, port, context, session=session) as c:
            if port in IMPLICIT:
                c.greeting()
            c.say("NOOP")
            session = c.sock.session


def by_curl(site, port, paper, _):
    """Two users: else it would keep the connection. Behind STARTTLS it resumes nowhere: a ticket comes when it calls the connection imaps and no longer
    imap, and it looks for it in vain."""
    argv = ["curl", "-sS", "-v"]
    for i, user in enumerate(("alice", "bob")):
        argv += ["--next", "-v"] if i else []
        argv += ["--ssl-reqd"] if port in EXPLICIT else []
        argv += ["--cacert", site.path / "etc/tls/ca.pem", "-u", f"{user}@{DOMAIN}:{PASSWORD}"]
        argv += ["--cert", paper[0], "--key", paper[1]] if paper else []
        argv += {"smtp": ["-X", "NOOP"], "pop3": ["-X", "STAT", "-I"], "imap": ["-X", "NOOP"]}[PROTOCOL[port]]
        argv.append(f"{PROTOCOL[port]}{'s' if port in IMPLICIT else ''}://localhost:{site.port(port)}/")
    assert ("SSL re-using session ID" in run(argv)) == (port in IMPLICIT)


def by_gnutls(site, port, paper, _):
    argv = ["gnutls-cli", "--resume", "--crlf", "--port", site.port(port), "--x509cafile", site.path / "etc/tls/ca.pem"]
    argv += [f"--starttls-proto={PROTOCOL[port]}"] if port in EXPLICIT else []
    argv += ["--x509certfile", paper[0], "--x509keyfile", paper[1]] if paper else []
    assert "This is a resumed session" in run([*argv, "localhost"], GOODBYE[PROTOCOL[port]])


@contextlib.contextmanager
def starttls_done(site, port):
    """A port where TLS begins at once: what is to be said before it at a port of the site's is said here. tstclnt knows no STARTTLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    threading.Thread(target=relay, args=(near,), daemon=True).start()

        def relay(near):
            with near, Peer(site.port(port), PROTOCOL[port]) as far, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
                far.begin()
                far.ask_tls()
                ready.register(near, selectors.EVENT_READ, far.sock)
                ready.register(far.sock, selectors.EVENT_READ, near)
                while True:
                    for key, _ in ready.select(10):
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        key.data.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def by_nss(site, port, paper, d):
    """What Thunderbird is made of: Debian ships tstclnt in libnss3-tools."""
    db = f"sql:{d}"
    run(["certutil", "-N", "-d", db, "--empty-password"])
    run(["certutil", "-A", "-d", db, "-n", "ca", "-t", "CT,,", "-i", site.path / "etc/tls/ca.pem"])
    if paper:
        openssl("pkcs12", "-export", "-in", paper[0], "-inkey", paper[1], "-name", "me", "-passout", "pass:x", "-out", d / "me.p12")
        run(["pk12util", "-i", d / "me.p12", "-d", db, "-W", "x", "-K", ""])
    (d / "text").write_text(GOODBYE[PROTOCOL[port]])
    with starttls_done(site, port) if port in EXPLICIT else contextlib.nullcontext(site.port(port)) as number:
        said = run(["tstclnt", "-4", "-h", "localhost", "-p", number, "-d", db, "-L", 3, "-A", d / "text", *(["-n", "me"] if paper else [])])
    assert "2 stateless resumes" in said


CLIENTS = {"openssl": by_openssl, "python": by_python, "curl": by_curl, "gnutls": by_gnutls, "nss": by_nss}
# curl logs in wherever it connects, and two of its users share no connection: port 25 has no logins.
CASES = [(c, p) for c in CLIENTS for p in PROTOCOL if (c, p) != ("curl", "mx")]


def handshakes(site, port, since):
    """The TLS lines of connections to that port, once all of them have ended, and no more of them are told."""
    end, told = time.monotonic() + 60, 0
    while time.monotonic() < end:
        log = site.log()[since:]
        ids = re.findall(rf" (ICID \d+) connected peer=\S+ local=\S+:{site.port(port)} ", log)
        if len(ids) > 1 and all(f"{i} closed by=" in log for i in ids) and len(log) == told:
            return [line for line in log.splitlines() if any(f"{i} TLS " in line for i in ids)]
        told = len(log)
        time.sleep(0.1)
    raise AssertionError(f"not twice, or not ended:\n{log[-3000:]}")


def check(site, client, port, since, holder):
    lines = handshakes(site, port, since)
    resumed = 0 if (client, port in EXPLICIT) == ("curl", True) else len(lines) - 1
    assert all("TLS success protocol TLSv1.3" in line for line in lines), lines
    # In whatever order: the lines of two workers may change places.
    assert sum("resumed=yes" in line for line in lines) == resumed and sum("resumed=no" in line for line in lines) == len(lines) - resumed, lines
    assert all(holder in line for line in lines), lines


@pytest.mark.parametrize("client,port", CASES)
def test_gets_through_and_resumes(site, tmp_path, client, port):
    since = len(site.log())
    CLIENTS[client](site, port, None, tmp_path)
    check(site, client, port, since, "client-cert=none")


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A site that asks everybody for a certificate of an authority of the test's."""
    d = tmp_path_factory.mktemp("strict")
    authority = Authority(d / "ca")
    lines = ["VerifyClient require", f"ClientCA {authority.pem}"]
    s = Site(d / "site", settings={name: lines for name in DAEMON.values()})
    s.paper = authority.client("someone", "/CN=somebody there")
    s.start()
    yield s
    s.stop()


@pytest.mark.parametrize("client,port", CASES)
def test_shows_its_certificate(strict, tmp_path, client, port):
    """Resumed sessions too are somebody's."""
    since = len(strict.log())
    CLIENTS[client](strict, port, strict.paper, tmp_path)
    check(strict, client, port, since, 'client-cert="CN=somebody there"')


@pytest.mark.parametrize("port", PROTOCOL)
def test_nobody_without_one(strict, port):
    since = len(strict.log())
    with pytest.raises(OSError), secure(strict, port, strict.tls) as c:
        c.say("NOOP")
        c.sock.recv(1)
        raise AssertionError("got through")
    assert "sent no certificate" in strict.wait_log("TLS failed: (", since)


def test_resumption_with_two_workers(site):
    """More than 99 of 100, at imapd's two processes, implicit and STARTTLS by turns; the tickets are the site's and not a process's."""
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    reused = {"imaps": 0, "imap": 0}
    since = len(site.log())
    for port in reused:
        session = None
        for _ in range(150):
            with secure(site, port, context, session=session) as c:
                if port == "imaps":
                    c.greeting()
                else:
                    c.say("NOOP")
                reused[port] += c.sock.session_reused
                session = c.sock.session
    site.wait_log("TLS success", since)
    workers = set(re.findall(r"imapd\[(\d)\] ICID \d+ TLS success", site.log()[since:]))
    assert workers == {"1", "2"}, "both had a part in it"
    assert sum(reused.values()) / (300 - len(reused)) > 0.99, reused
