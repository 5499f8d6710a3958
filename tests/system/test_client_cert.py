"""Client certificates at every port: asked for or not, whose authority, revoked or not; on resumed sessions, and while sessions are up."""
import contextlib
import shutil
import ssl
import time

import pytest
from papers import Authority
from peer import DAEMON, IMPLICIT, PROTOCOL, secure
from yubin import DOMAIN, PASSWORD, Site

SECONDS = 60


class Papers:
    """Authorities and what they signed: certificate, key of each client."""

    def __init__(self, folder):
        self.known, self.second, self.stranger = (Authority(folder / n, f"{n} CA") for n in ("known", "second", "stranger"))
        self.client = {
            "good": self.known.client("good", "/CN=a good one"),
            "rsa": self.known.client("rsa", "/CN=one with RSA", kind="RSA-2048"),
            "second": self.second.client("second", "/CN=of the second"),
            "expired": self.known.client("expired", "/CN=an old one", begins=-20, ends=-1),
            "revoked": self.known.client("revoked", "/CN=a lost one"),
            "stranger": self.stranger.client("stranger", "/CN=a stranger"),
            "server": self.known.server("server", names="DNS:localhost"),	# not for clients
            None: None,
        }
        self.known.revoke(self.client["revoked"][0])
        self.lists = {"known": self.known.crl(), "second": self.second.crl(), "old": self.known.crl("old", begins=-9, ends=-1)}


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return Papers(tmp_path_factory.mktemp("papers"))


def context(site, pair, version=None):
    c = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    if version:
        c.minimum_version = c.maximum_version = version
    if pair:
        c.load_cert_chain(*pair)
    return c


def through(site, port, pair, version=None):
    """Did it get through, and the log's line about it. In TLS 1.3 a client learns of its fate when it reads."""
    since = len(site.log())
    try:
        with secure(site, port, context(site, pair, version)) as c:
            if port in IMPLICIT:
                c.greeting()
            assert c.say("NOOP")[-1] != ""
        passed = True
    except (OSError, AssertionError):
        passed = False
    # a reload in the middle of a handshake lets it come to its end, and then ends the session
    return passed, site.wait_log("TLS success" if passed else ("TLS failed", "client certificate no longer good"), since)


def folder(path, *files):
    path.mkdir(exist_ok=True)
    for i, f in enumerate(files):
        shutil.copy(f, path / f"{i}.pem")
    return path


NAMES = ["good", "rsa", "second", "expired", "revoked", "stranger", "server", None]
# VerifyClient: who gets through a handshake, and what the log says of the others
RULES = {
    "no": ({*NAMES}, {}),
    "optional": ({*NAMES}, {}),
    "require": ({"good", "rsa", "second"},
                {"expired": "is expired", "revoked": "is revoked", "stranger": "not from an authority in ClientCA", "server": "does not verify", None: "sent no certificate"}),
}


@pytest.fixture(scope="module", params=["files", "folders"])
def ports(request, papers, tmp_path_factory):
    """A site whose VerifyClient is turned by a call; authorities and lists are files, or folders of files."""
    d = tmp_path_factory.mktemp("site")
    if request.param == "files":
        (d / "ca.pem").write_text(papers.known.pem.read_text() + papers.second.pem.read_text())
        (d / "crl.pem").write_text(papers.lists["known"].read_text() + papers.lists["second"].read_text())
        ca, crl = d / "ca.pem", d / "crl.pem"
    else:
        ca, crl = folder(d / "ca", papers.known.pem, papers.second.pem), folder(d / "crl", papers.lists["known"], papers.lists["second"])
    site = Site(d / "site", accounts=(), settings={daemon: [f"ClientCA {ca}", f"ClientCRL {crl}"] for daemon in DAEMON.values()})
    confs = {daemon: site.path / "etc" / f"{daemon}.conf" for daemon in DAEMON.values()}
    text = {daemon: conf.read_text() for daemon, conf in confs.items()}

    def turn(verify):
        for daemon, conf in confs.items():
            conf.write_text(f"VerifyClient {verify}\n{text[daemon]}")
        site.run("reload")
        return site

    site.start()
    yield turn
    site.stop()


@pytest.mark.parametrize("verify", RULES)
def test_who_gets_through(ports, papers, verify):
    site = ports(verify)
    passes, words = RULES[verify]
    for i, name in enumerate(NAMES):
        for port in list(PROTOCOL)[i % 2::2]:
            version = ssl.TLSVersion.TLSv1_2 if port in ("imap", "pop3s") else None
            passed, line = through(site, port, papers.client[name], version)
            assert passed == (name in passes), (verify, name, port, line)
            if not passed:
                assert words[name] in line, (name, line)
                assert "alert" in line or "certificate verify failed" in line or "peer did not return" in line, line
            elif verify == "no" or name is None:
                assert "client-cert=none" in line
            else:
                assert ('client-verify="ok"' in line) == (name in RULES["require"][0]), line


def test_a_list_that_is_over(papers, make_site):
    """Nobody can be checked any more: require lets nobody in, optional everybody, as a stranger. config check says so."""
    lines = [f"ClientCA {papers.known.pem}", f"ClientCRL {papers.lists['old']}"]
    site = make_site(accounts=(), settings={"imapd": ["VerifyClient require", *lines], "pop3d": ["VerifyClient optional", *lines]})
    passed, line = through(site, "imaps", papers.client["good"])
    assert not passed and "can't be checked for revocation" in line and "ClientCRL" in line
    passed, line = through(site, "pop3s", papers.client["good"])
    assert passed and 'client-verify="ok"' not in line
    r = site.run("config", "check", ok=False)
    assert "ClientCRL" in r.stdout + r.stderr


PORTS = ("imaps", "imap", "pop3s", "pop3", "submissions", "submission", "mx")


def log_in(c):
    """Something that a session can lose."""
    if c.protocol == "imap":
        c.say(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')
        return c.say("SELECT INBOX")[-1].startswith("t OK")
    if c.protocol == "pop3":
        c.say(f"USER alice@{DOMAIN}")
        return c.say(f"PASS {PASSWORD}")[0].startswith("+OK")
    return c.hello()[-1].startswith("250")


@pytest.fixture
def revocable(papers, make_site, tmp_path):
    """A site that requires certificates of an authority of its own, whose list may grow."""
    def make(*lines):
        authority = Authority(tmp_path / "authority")
        clients = {name: authority.client(name, f"/CN={name}") for name in ("stays", "goes")}
        crl = authority.crl()
        settings = [f"ClientCA {authority.pem}", f"ClientCRL {crl}", "VerifyClient require"]
        site = make_site(accounts=("alice",), settings={"yubin": list(lines), **{d: settings for d in DAEMON.values()}})

        def revoke():
            authority.revoke(clients["goes"][0])
            authority.crl()
        return site, clients, revoke
    return make


def sessions(site, pair):
    out = {}
    for port in PORTS:
        c = out[port] = secure(site, port, context(site, pair))
        if port in IMPLICIT:
            c.greeting()
        assert port == "pop3" or log_in(c), port	# one POP3 session at a time has the mailbox
    return out


def ended(c):
    """Within some seconds, with a word or without; a timeout is an error."""
    c.sock.settimeout(SECONDS)
    said = b""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError), c:
        while data := c.sock.recv(4096):
            said += data
    return said.count(b"\n") < 2


@pytest.mark.parametrize("how", ["reload", "watch"])
def test_a_revoked_one_is_sent_away(revocable, how):
    """Its sessions end, in all daemons, without a restart; those of others go on; and it does not come in again."""
    site, clients, revoke = revocable("WatchTime 1s" if how == "watch" else "WatchTime 0s")
    others = sessions(site, clients["stays"])
    for c in others.values():
        if c.protocol == "pop3":
            c.say("QUIT")
    gone = sessions(site, clients["goes"])
    pids = {d: site.pids(d) for d in DAEMON.values()}
    revoke()
    if how == "reload":
        site.run("reload")
    for port, c in gone.items():
        assert ended(c), port
    for port, c in others.items():
        if c.protocol != "pop3":
            assert c.say("NOOP")[-1].startswith(("250", "t OK")), port
        c.close()
    for port in PORTS:
        since = len(site.log())
        with pytest.raises((OSError, AssertionError)), secure(site, port, context(site, clients["goes"])) as c:
            assert c.say("NOOP")[-1] != ""
        assert "is revoked" in site.wait_log("TLS failed", since)
    assert pids == {d: site.pids(d) for d in DAEMON.values()}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_is_no_way_around_the_list(revocable, version):
    """The certificate is looked at again when its session is resumed."""
    site, clients, revoke = revocable("WatchTime 0s")
    kept = []
    for name in clients:
        for port in ("imaps", "submission", "pop3s"):
            client, session = context(site, clients[name], version), None
            for resumed in (False, True):
                with secure(site, port, client, session=session) as c:
                    (c.greeting if port in IMPLICIT else c.hello)()
                    session = c.sock.session
                    assert c.sock.session_reused == resumed
            kept.append((name, port, client, session))
    revoke()
    site.run("reload")
    for name, port, client, session in kept:
        since = len(site.log())
        if name == "stays":
            with secure(site, port, client, session=session) as c:
                assert c.say("NOOP")[-1] != ""
            assert "resumed=yes" in site.wait_log("TLS success", since)
            continue
        with contextlib.suppress(OSError), secure(site, port, client, session=session) as c:
            c.sock.settimeout(5)
            assert not c.sock.recv(1000), "it came in"
        assert "is revoked" in site.wait_log("TLS failed", since)


def test_an_authority_is_added_and_taken_away(papers, make_site, tmp_path):
    """Files of a folder are watched too."""
    ca = folder(tmp_path / "ca", papers.known.pem)
    site = make_site(accounts=(), settings={"yubin": ["WatchTime 1s"], "imapd": ["VerifyClient require", f"ClientCA {ca}"]})

    def wait(passes):
        end = time.monotonic() + SECONDS
        while through(site, "imaps", papers.client["second"])[0] != passes:
            assert time.monotonic() < end
            time.sleep(0.2)

    assert through(site, "imaps", papers.client["good"])[0]
    wait(False)
    shutil.copy(papers.second.pem, ca / "second.pem")
    wait(True)
    (ca / "second.pem").unlink()
    wait(False)
    assert through(site, "imaps", papers.client["good"])[0]
