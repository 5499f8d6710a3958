"""The policy through real ports: versions, levels, client certificates, resumption, and the log's words."""
import imaplib
import smtplib
import socket
import ssl
import subprocess

import pytest
from yubin import DOMAIN, PASSWORD

VERSIONS = {"1.0": ("-tls1", "TLSv1"), "1.1": ("-tls1_1", "TLSv1.1"), "1.2": ("-tls1_2", "TLSv1.2"), "1.3": ("-tls1_3", "TLSv1.3")}
# SecureLayOption, SecureLevel: what is served
POLICIES = [("3", "0", "1.0 1.1 1.2 1.3"), ("7", "0", "1.1 1.2 1.3"), ("15", "2", "1.2 1.3"), ("0x1f", "2", "1.3"), ("31", "2", "1.3"), ("47", "2", "1.2"),
            ("3", "2", "1.2 1.3"), ("16", "0", "1.0 1.1 1.3"), ("15", "3", "1.2 1.3")]


def s_client(site, port, *args, starttls=None, text="Q\n"):
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{site.port(port)}", "-CAfile", str(site.path / "etc/tls/ca.pem"), "-cipher", "ALL@SECLEVEL=0", *args]
    if starttls:
        argv += ["-starttls", starttls]
    return subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("mask,level,served", POLICIES)
def test_versions(make_site, mask, level, served):
    lines = [f"SecureLayOption {mask}", f"SecureLevel {level}"]
    site = make_site(settings={"imapd": lines, "pop3d": lines, "smtpd": lines}, accounts=())
    for version, (flag, name) in VERSIONS.items():
        for port, starttls in (("imaps", None), ("imap", "imap"), ("pop3s", None), ("submission", "smtp")):
            r = s_client(site, port, flag, starttls=starttls)
            got = f"New, {name}," in r.stdout or f"Protocol  : {name}\n" in r.stdout and "Cipher    : 0000" not in r.stdout
            assert got == (version in served.split()), (mask, level, version, port, r.stdout[-1500:], r.stderr[-500:])


def test_a_port_of_its_own_policy(make_site):
    """Keys under a Listen are that port's alone."""
    site = make_site(accounts=(), start=False)
    conf = site.path / "etc/imapd.conf"
    text = conf.read_text()
    line = f"Listen 127.0.0.1:{site.port('imaps')} implicit"
    assert line in text
    conf.write_text(text.replace(line, line + "\n    SecureLayOption 31"))
    site.start()
    assert "TLSv1.2" not in s_client(site, "imaps", "-tls1_2").stdout.split("SSL-Session")[0].split("New,")[-1][:20]
    assert "New, TLSv1.2" in s_client(site, "imap", "-tls1_2", starttls="imap").stdout


def test_failures_are_explained(make_site):
    site = make_site(accounts=())
    s_client(site, "imaps", "-tls1_1")
    line = site.wait_log("TLS failed: (")
    assert "unsupported protocol" in line and "SecureLayOption in imapd.conf" in line and "ICID" in line
    since = len(site.log())
    with socket.create_connection(("127.0.0.1", site.port("imaps"))) as s:
        s.sendall(b"a CAPABILITY\r\n")
        s.settimeout(5)
        s.recv(100)
    site.wait_log("TLS failed: (", since)
    since = len(site.log())
    subprocess.run(["openssl", "s_client", "-connect", f"localhost:{site.port('imaps')}", "-verify_return_error"], input="", capture_output=True, text=True)
    assert "trust" in site.wait_log("TLS failed: (", since) or "certificate" in site.wait_log("TLS failed: (", since)


def test_success_line(site):
    since = len(site.log())
    site.imap().logout()
    line = site.wait_log("TLS success protocol", since)
    for word in ("protocol TLSv1.3 cipher TLS_AES_256_GCM_SHA384 group=x25519", "resumed=", "sni=localhost", "client-cert=none"):
        assert word in line


def test_resumption_across_workers(site):
    """Tickets are the site's, not a process's."""
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    session, reused = None, 0
    for _ in range(20):
        s = context.wrap_socket(socket.create_connection(("127.0.0.1", site.port("imaps"))), server_hostname="localhost", session=session)
        s.recv(100)
        reused += s.session_reused
        session = s.session
        s.sendall(b"a LOGOUT\r\n")
        while s.recv(1000):
            pass
        s.close()
    assert reused == 19


def test_a_ticket_of_one_port_opens_nothing_at_another(site):
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    s = context.wrap_socket(socket.create_connection(("127.0.0.1", site.port("imaps"))), server_hostname="localhost")
    s.recv(100)
    t = context.wrap_socket(socket.create_connection(("127.0.0.1", site.port("pop3s"))), server_hostname="localhost", session=s.session)
    assert not t.session_reused
    s.close()
    t.close()


@pytest.fixture(scope="module")
def papers(tmp_path_factory, site):
    """A client certificate of the site's own CA, and one of nobody's."""
    d = tmp_path_factory.mktemp("papers")
    tls = site.path / "etc/tls"
    run = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True)  # noqa: E731
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{d}/good.key", "-out", f"{d}/good.csr", "-subj", "/CN=alice")
    run("x509", "-req", "-in", f"{d}/good.csr", "-CA", f"{tls}/ca.pem", "-CAkey", f"{tls}/ca.key", "-CAcreateserial", "-CAserial", f"{d}/serial", "-days", "10", "-out", f"{d}/good.pem")
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{d}/bad.key", "-out", f"{d}/bad.pem", "-subj", "/CN=mallory", "-days", "10")
    return d


@pytest.mark.parametrize("verify,paper,passes", [("no", None, True), ("optional", None, True), ("optional", "good", True), ("optional", "bad", True),
                                                  ("require", None, False), ("require", "good", True), ("require", "bad", False)])
def test_client_certificates(site, papers, verify, paper, passes):
    conf = site.path / "etc/imapd.conf"
    before = conf.read_text()
    try:
        conf.write_text(f"VerifyClient {verify}\nClientCA tls/ca.pem\n" + before)
        site.run("reload")
        context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
        if paper:
            context.load_cert_chain(papers / f"{paper}.pem", papers / f"{paper}.key")
        since = len(site.log())
        try:
            imap = imaplib.IMAP4_SSL("localhost", site.port("imaps"), ssl_context=context, timeout=60)
            imap.login(f"alice@{DOMAIN}", PASSWORD)
            imap.logout()
            passed = True
        except (ssl.SSLError, imaplib.IMAP4.abort, OSError):
            passed = False
        assert passed == passes
        line = site.wait_log("TLS success" if passes else "TLS failed", since)
        if paper == "good":
            assert "alice" in line
    finally:
        conf.write_text(before)
        site.run("reload")


def test_rsa_and_ecdsa(site):
    for algorithm, kind in (("ECDSA+SHA256", "ECDSA"), ("RSA+SHA256:rsa_pss_rsae_sha256", "RSA")):
        r = s_client(site, "imaps", "-sigalgs", algorithm, "-tls1_2")
        assert f"Peer signature type: {kind}" in r.stdout or (kind == "RSA" and "RSA-PSS" in r.stdout), r.stdout[-2000:]


def test_defaults_are_free_of_old_things(site):
    for cipher in ("RC4", "3DES", "aNULL", "eNULL", "DHE+AES:!ECDHE", "kRSA", "MD5"):
        r = s_client(site, "imaps", "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        assert "Cipher is (NONE)" in r.stdout or r.returncode != 0, (cipher, r.stdout)


def test_alpn(site):
    context = ssl.create_default_context(cafile=str(site.path / "etc/tls/ca.pem"))
    context.set_alpn_protocols(["imap"])
    with context.wrap_socket(socket.create_connection(("127.0.0.1", site.port("imaps"))), server_hostname="localhost") as s:
        assert s.selected_alpn_protocol() == "imap"
    context.set_alpn_protocols(["http/1.1"])
    with pytest.raises(ssl.SSLError):
        context.wrap_socket(socket.create_connection(("127.0.0.1", site.port("imaps"))), server_hostname="localhost")


def test_renegotiation_is_refused(site):
    r = s_client(site, "imaps", "-tls1_2", "-cipher", "ECDHE", text="R\nQ\n")
    assert "Secure Renegotiation IS supported" in r.stdout
    assert "RENEGOTIATING" in r.stdout + r.stderr and ("no renegotiation" in r.stderr.lower() or "error" in r.stderr.lower())


def test_starttls_in_smtplib_verifies(site):
    smtp = smtplib.SMTP("localhost", site.port("mx"), timeout=60)
    smtp.starttls(context=site.tls)
    smtp.ehlo()
    assert smtp.sock.version() == "TLSv1.3"
    smtp.quit()


def test_a_bad_certificate_file_keeps_the_server_running(make_site):
    site = make_site()
    pem = site.path / "etc/tls/server.pem"
    good = pem.read_text()
    pem.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    r = site.run("reload", ok=False)
    assert r.returncode == 1 and "server.pem" in r.stderr + r.stdout
    site.imap().logout()
    pem.write_text((site.path / "etc/tls/server-rsa.pem").read_text())
    r = site.run("reload", ok=False)
    assert r.returncode == 1 and "key" in (r.stderr + r.stdout)
    site.imap().logout()
    pem.write_text(good)
    site.run("reload")
