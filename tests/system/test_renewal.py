"""Certificates that are replaced while the server runs: taken within seconds if they are good, refused in words if not, as certbot does it too."""
import hashlib
import os
import shutil
import ssl
import time

import pytest
from papers import Authority, fingerprint
from peer import everything, s_client, secure
from yubin import Site

SECONDS = 60	# WatchTime is 1s here, and a file must look the same twice
PORTS = ("imaps", "pop3", "submission")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


def install(site, pair, name="server"):
    """Over the site's files, as an administrator would: the key first."""
    for path, ending in ((pair[1], "key"), (pair[0], "pem")):
        shutil.copy(path, site.path / f"etc/tls/{name}.{ending}")


@pytest.fixture(scope="module")
def site(authority, tmp_path_factory):
    """Looks each second. Its ECDSA certificate is the authority's."""
    s = Site(tmp_path_factory.mktemp("site") / "site", settings={"yubin": ["WatchTime 1s"]})
    install(s, authority.server("first"))
    s.start()
    yield s
    s.stop()


def served(site, port="imaps", name="localhost"):
    """The fingerprint of what a client is shown."""
    with secure(site, port, everything(), name) as c:
        return hashlib.sha256(c.sock.getpeercert(True)).hexdigest()


def wait_served(site, want, ports=PORTS, name="localhost"):
    end = time.monotonic() + SECONDS
    while [served(site, p, name) for p in ports] != [want] * len(ports):
        assert time.monotonic() < end, f"not served after {SECONDS} s:\n{site.log()[-2000:]}"
        time.sleep(0.1)


def test_a_new_pair_is_served(site, authority):
    """Without a reload, at every port, and sessions live on."""
    imap = secure(site, "imaps", everything())
    imap.greeting()
    since = len(site.log())
    pair = authority.server("second")
    install(site, pair)
    wait_served(site, fingerprint(pair[0]))
    line = site.wait_log("certificate renewed file=", since)
    assert "server.pem" in line and fingerprint(pair[0]) in line
    assert imap.say("NOOP") == ["t OK NOOP completed"]
    imap.close()


def test_the_other_key_type_stays(site, authority):
    """RSA and ECDSA side by side: one is renewed, the other is as it was."""
    def rsa():
        r = s_client(site, "imaps", "-tls1_2", "-cipher", "aRSA:@SECLEVEL=0", text="Q\n", verify=False)
        return "Peer signature type: RSA" in r.stdout
    assert rsa()
    pair = authority.server("third", "P-384")
    install(site, pair)
    wait_served(site, fingerprint(pair[0]))
    assert rsa()


BAD = {
    "key of another": (dict(), "key"),
    "expired": (dict(begins=-30, ends=-1), "expired"),
    "not yet valid": (dict(begins=1), "not valid yet"),
    "below the level": (dict(kind="RSA-1024"), "SecureLevel"),
    "other names": (dict(names="DNS:elsewhere.test"), "Hostname"),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_pair_is_refused(site, authority, why):
    """In words, once; the old one stays; a good one is taken afterwards."""
    settings, word = BAD[why]
    before = served(site)
    since = len(site.log())
    pair = authority.server(f"bad{len(why)}{why[0]}", **settings)
    if why == "key of another":
        pair = (pair[0], authority.server("another")[1])
    install(site, pair)
    line = site.wait_log("renewal refused file=", since, SECONDS)
    assert "warn" in line and word in line and "the old one stays in force" in line, line
    assert served(site) == before and served(site, "pop3") == before
    good = authority.server(f"good{len(why)}{why[0]}")
    install(site, good)
    wait_served(site, fingerprint(good[0]))
    assert sum("renewal refused" in x and "server.pem" in x for x in site.log()[since:].splitlines()) <= 3, "told once for each change of a file"


def test_links_are_swapped_as_certbot_does(authority, make_site, tmp_path):
    """live/NAME/fullchain.pem is a link into archive/NAME, and is pointed at the next number."""
    live, archive = tmp_path / "letsencrypt/live/mail", tmp_path / "letsencrypt/archive/mail"
    live.mkdir(parents=True)
    archive.mkdir(parents=True)
    archive.parent.chmod(0o700)
    live.parent.chmod(0o700)

    def renew(number):
        pem, key = authority.server(f"certbot{number}")
        shutil.copy(key, archive / f"privkey{number}.pem")
        (archive / f"fullchain{number}.pem").write_text(pem.read_text() + authority.pem.read_text())
        for what in ("privkey", "fullchain"):
            (live / f"{what}.pem").unlink(missing_ok=True)
            os.symlink(f"../../archive/mail/{what}{number}.pem", live / f"{what}.pem")
        return fingerprint(pem)

    first = renew(1)
    site = make_site(accounts=(), settings={"yubin": ["WatchTime 1s"]}, start=False)
    conf = site.path / "etc/imapd.conf"
    conf.write_text(conf.read_text().replace("Certificate tls/server.pem", f"Certificate {live}/fullchain.pem").replace("PrivateKey tls/server.key", f"PrivateKey {live}/privkey.pem"))
    site.start()
    assert served(site) == first
    second = renew(2)
    assert second != first
    wait_served(site, second, ("imaps", "imap"))
    assert served(site, "pop3s") != second, "that daemon has its own"


def test_rotated_tickets(site):
    """A key lives on for a while to open tickets that are out; three new ones later it is gone. Sessions that are up don't notice."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def reused(session):
        with secure(site, "imaps", context, session=session) as c:
            c.greeting()
            return c.sock.session_reused

    up = secure(site, "imaps", context)
    up.greeting()
    assert reused(up.sock.session)
    site.run("tls", "rotate-tickets")
    assert reused(up.sock.session)
    for _ in range(3):
        site.run("tls", "rotate-tickets")
    assert not reused(up.sock.session)
    assert up.say("NOOP") == ["t OK NOOP completed"]
    up.close()


def status_of(site, port="imaps"):
    return s_client(site, port, "-status", "-servername", "localhost", text="Q\n", verify=False).stdout


def test_ocsp_staple(authority, make_site):
    """A response that is good goes out to who asks; one that is over, or becomes so, does not; a new one is taken from the file."""
    site = make_site(accounts=(), settings={"yubin": ["WatchTime 1s"], "imapd": ["OcspStaple tls/staple.der"]}, start=False)
    pair = authority.server("stapled")
    install(site, pair)
    staple = site.path / "etc/tls/staple.der"
    shutil.copy(authority.staple(pair[0]), staple)
    site.start()
    for port in ("imaps", "imap"):
        assert "OCSP Response Status: successful" in status_of(site, port) and "Cert Status: good" in status_of(site, port)
    assert "OCSP response: no response sent" in status_of(site, "pop3s")
    shutil.copy(authority.staple(pair[0], "over", ends=-1), staple)
    end = time.monotonic() + SECONDS
    while "no response sent" not in status_of(site):
        assert time.monotonic() < end, "an expired response still goes out"
        time.sleep(0.2)
    since = len(site.log())
    for seconds in (6, 20, 60):     # in which a slow machine too sees that it is good
        shutil.copy(authority.staple(pair[0], f"brief{seconds}", ends=seconds / 86400), staple)
        end = time.monotonic() + seconds
        while not (good := "Cert Status: good" in status_of(site)) and time.monotonic() < end:
            time.sleep(0.2)
        if good:
            break
    assert good
    site.wait_log("OCSP response renewed file=", since)
    end = time.monotonic() + SECONDS
    while "no response sent" not in status_of(site):
        assert time.monotonic() < end, "a response that ended meanwhile still goes out"
        time.sleep(0.2)


def test_server_names(authority, make_site):
    """SNI: wildcards hold for one label, case and a dot at the end don't matter, a stranger gets the first certificate."""
    site = make_site(accounts=(), start=False)
    wild, other = authority.server("wild", names="DNS:*.wild.test"), authority.server("other", names="DNS:other.test")
    for name, pair in (("wild", wild), ("other", other)):
        install(site, pair, name)
    lines = [f"{key} tls/{name}.{ending}" for name in ("wild", "other") for key, ending in (("Certificate", "pem"), ("PrivateKey", "key"))]
    conf = site.path / "etc/imapd.conf"
    conf.write_text(conf.read_text().replace("PrivateKey tls/server-rsa.key", "PrivateKey tls/server-rsa.key\n" + "\n".join(lines), 1))
    site.start()
    first = fingerprint(site.path / "etc/tls/server.pem")

    def shown(name):
        out = s_client(site, "imaps", *(["-servername", name] if name else ["-noservername"]), text="Q\n", verify=False).stdout
        pem = out[out.index("-----BEGIN"):out.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    rows = [("a.wild.test", wild), ("A.Wild.TEST", wild), ("a.wild.test.", wild), ("other.test", other), ("other.test.", other)]
    for name, pair in rows:
        assert shown(name) == fingerprint(pair[0]), name
    for name in ("b.a.wild.test", "wild.test", "stranger.test", "localhost", "mail.here.test.", None):
        assert shown(name) == first, name


def test_a_port_stays_open_while_files_are_half_written(site, authority):
    """The old pair is served until both are there."""
    before = served(site)
    since = len(site.log())
    pair = authority.server("halves")
    pem = site.path / "etc/tls/server.pem"
    pem.write_text(pair[0].read_text()[:300])
    assert "server.pem" in site.wait_log("renewal refused file=", since, SECONDS)
    assert [served(site, p) for p in PORTS] == [before] * len(PORTS)
    install(site, pair)
    wait_served(site, fingerprint(pair[0]))
