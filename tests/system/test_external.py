"""AUTH EXTERNAL: who shows a client certificate logs in by it, in all three protocols; and yubin account cert."""
import base64
import imaplib
import json
import poplib
import smtplib
import ssl
import subprocess

import pytest
from yubin import DOMAIN, PASSWORD, Site

UPN = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:"
WHO = {  # file: (subjectAltName, common name)
    "alice": (f"email:alice@{DOMAIN}", "Alice"),
    "upn": (f"{UPN}bob@{DOMAIN}", "B."),
    "cn": (None, f"bob@{DOMAIN}"),
    "both": (f"{UPN}bob@{DOMAIN},email:alice@{DOMAIN}", "x"),
    "alias": (f"email:team@{DOMAIN},email:alice+x@{DOMAIN},email:postmaster@{DOMAIN}", "team"),
    "phone": ("email:someone@there.test", "A phone"),
}


def openssl(*args, text=None):
    return subprocess.run(["openssl", *args], input=text, check=True, capture_output=True, text=True).stdout


def issue(site, folder, name):
    san, cn = WHO[name]
    tls = site.path / "etc/tls"
    ext = folder / f"{name}.ext"
    ext.write_text("extendedKeyUsage=clientAuth\n" + (f"subjectAltName={san}\n" if san else ""))
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / f"{name}.key"),
            "-out", str(folder / f"{name}.csr"), "-subj", f"/CN={cn}")
    openssl("x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(tls / "ca.pem"), "-CAkey", str(tls / "ca.key"), "-CAcreateserial",
            "-days", "30", "-extfile", str(ext), "-out", str(folder / f"{name}.pem"))


def sign_itself(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / f"{name}.key"),
            "-out", str(folder / f"{name}.pem"), "-subj", f"/CN=alice@{DOMAIN}", "-days", "30")


def fingerprint(path):
    return openssl("x509", "-in", str(path), "-noout", "-fingerprint", "-sha256").split("=")[1].strip()


class Clients:
    """One site, and what its users carry."""

    def __init__(self, site, folder):
        self.site, self.folder = site, folder
        for name in WHO:
            issue(site, folder, name)
        sign_itself(folder, "self")

    def context(self, who):
        c = ssl.create_default_context(cafile=str(self.site.path / "etc/tls/ca.pem"))
        if who:
            c.load_cert_chain(self.folder / f"{who}.pem", self.folder / f"{who}.key")
        return c

    def imap(self, who):
        return imaplib.IMAP4_SSL("localhost", self.site.port("imaps"), ssl_context=self.context(who), timeout=60)

    def account(self, who, name=b""):
        """Whom IMAP logs in, by the log; None: nobody."""
        since = len(self.site.log())
        imap = self.imap(who)
        try:
            imap.authenticate("EXTERNAL", lambda _: name)
        except imap.error:
            return None
        finally:
            imap.shutdown()
        line = self.site.wait_log("mechanism=EXTERNAL", since)
        return line.split("user=")[1].split("@")[0]


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    lines = ["VerifyClient optional", "ClientCA tls/ca.pem", "AllowSelfSigned yes"]
    site = Site(tmp_path_factory.mktemp("external") / "site", settings={d: lines for d in ("smtpd", "pop3d", "imapd")})
    site.run("alias", "add", f"team@{DOMAIN}", f"alice@{DOMAIN}")
    site.start()
    yield Clients(site, tmp_path_factory.mktemp("clients"))
    site.stop()


def test_it_is_offered_to_a_good_certificate_only(clients):
    for who, there in (("alice", True), ("phone", True), (None, False), ("self", False)):
        imap = clients.imap(who)
        assert ("AUTH=EXTERNAL" in imap.capabilities) == there
        assert (b"AUTH=EXTERNAL" in imap.welcome) == there
        assert "SASL-IR" in imap.capabilities
        imap.logout()
        pop = poplib.POP3_SSL("localhost", clients.site.port("pop3s"), context=clients.context(who), timeout=60)
        assert pop.capa()["SASL"] == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"] + ["EXTERNAL"] * there
        pop.quit()
        with smtplib.SMTP("localhost", clients.site.port("submission"), timeout=60) as smtp:
            smtp.ehlo()
            assert "auth" not in smtp.esmtp_features
            smtp.starttls(context=clients.context(who))
            smtp.ehlo()
            assert smtp.esmtp_features["auth"].split() == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"] + ["EXTERNAL"] * there
    with smtplib.SMTP("localhost", clients.site.port("mx"), timeout=60) as smtp:
        smtp.starttls(context=clients.context("alice"))
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features


@pytest.mark.parametrize("who,name,account", [
    ("alice", b"", "alice"), ("alice", b"Alice@HERE.test", "alice"), ("alice", b"alice", "alice"), ("upn", b"", "bob"), ("cn", b"", "bob"),
    ("both", b"", "alice"), ("both", b"bob@here.test", "bob"),
    ("alice", b"bob@here.test", None), ("alice", b"nobody@here.test", None), ("alice", b"team@here.test", None),
    ("alias", b"", None), ("phone", b"", None), ("phone", b"alice@here.test", None), (None, b"", None), ("self", b"", None)])
def test_whom_a_certificate_names(clients, who, name, account):
    assert clients.account(who, name) == account


def test_pop3(clients):
    def pop(*lines):
        p = poplib.POP3_SSL("localhost", clients.site.port("pop3s"), context=clients.context("alice"), timeout=60)
        answers = [p._shortcmd(line) for line in lines]
        p.quit()
        return answers[-1]

    assert pop("AUTH EXTERNAL =").startswith(b"+OK")
    assert pop("AUTH EXTERNAL " + base64.b64encode(b"alice").decode()).startswith(b"+OK")
    assert pop("AUTH EXTERNAL", "").startswith(b"+OK")
    with pytest.raises(poplib.error_proto, match="may not log in for somebody else"):
        pop("AUTH EXTERNAL " + base64.b64encode(b"bob").decode())


def test_smtp(clients):
    site = clients.site
    for first in (True, False):
        with smtplib.SMTP_SSL("localhost", site.port("submissions"), context=clients.context("alice"), timeout=60) as smtp:
            smtp.ehlo()
            assert smtp.auth("EXTERNAL", lambda challenge=None: "", initial_response_ok=first)[0] == 235
            smtp.sendmail(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], f"From: alice@{DOMAIN}\r\nSubject: by certificate\r\n\r\nhello\r\n")
    imap = site.imap("bob")
    assert imap.select("INBOX")[1] == [b"2"]
    imap.logout()
    for who, name, code in (("alice", "bob", 535), ("phone", "", 535), (None, "", 504), ("self", "", 504)):
        with smtplib.SMTP_SSL("localhost", site.port("submissions"), context=clients.context(who), timeout=60) as smtp:
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                smtp.ehlo()
                smtp.auth("EXTERNAL", lambda challenge=None: name)
            assert refused.value.smtp_code == code


def test_account_cert(clients):
    """A fingerprint names its account before all names; taken away, it ends the sessions."""
    site, pem = clients.site, str(clients.folder / "phone.pem")
    printed = fingerprint(pem)
    kept = printed.replace(":", "").lower()
    assert site.run("account", "cert", "add", f"alice@{DOMAIN}", pem, "her phone").stdout == ""
    assert clients.account("phone") == "alice"
    assert clients.account("phone", b"bob@here.test") is None
    want = {"address": f"alice@{DOMAIN}", "fingerprint": kept, "label": "her phone"}
    assert json.loads(site.run("account", "cert", "list", "--json").stdout) == [want]
    assert json.loads(site.run("account", "cert", "list", f"bob@{DOMAIN}", "--json").stdout) == []
    assert json.loads(site.run("account", "show", f"alice@{DOMAIN}", "--json").stdout)["certificates"] == [
        {"fingerprint": kept, "label": "her phone"}]
    assert kept in site.run("account", "show", f"alice@{DOMAIN}").stdout
    for args, words in (((f"bob@{DOMAIN}", pem), f"is alice@{DOMAIN}'s"), ((f"alice@{DOMAIN}", printed), "already"),
                        ((f"alice@{DOMAIN}", "12:34"), "no SHA-256 fingerprint"), ((f"dave@{DOMAIN}", pem), "is not there"),
                        ((f"alice@{DOMAIN}", str(clients.folder / "phone.key")), "holds no certificate"),
                        ((f"alice@{DOMAIN}", "ab" * 32, "her phone"), "another certificate called her phone"),
                        ((f"alice@{DOMAIN}", "ab" * 32, "a\nb"), "a label has")):
        r = site.run("account", "cert", "add", *args, ok=False)
        assert r.returncode == 1 and words in r.stderr, (args, r.stderr)
    assert site.run("account", "cert", "add", f"alice@{DOMAIN}", ok=False).returncode == 2
    site.run("account", "passwd", f"alice@{DOMAIN}", "--password-stdin", text=PASSWORD + "\n")
    assert clients.account("phone") == "alice"

    imap = clients.imap("phone")
    imap.authenticate("EXTERNAL", lambda _: b"")
    assert site.run("account", "cert", "remove", f"alice@{DOMAIN}", "his phone", ok=False).returncode == 1
    assert imap.noop()[0] == "OK"
    site.run("account", "cert", "remove", f"alice@{DOMAIN}", printed)
    with pytest.raises(imaplib.IMAP4.abort):
        imap.noop()
    assert clients.account("phone") is None


def test_one_that_signed_itself(clients):
    """AllowSelfSigned: good as soon as an account holds it, and then by its fingerprint alone: anybody can write a name into it."""
    site, pem = clients.site, str(clients.folder / "self.pem")
    assert clients.account("self") is None
    site.run("account", "cert", "add", f"bob@{DOMAIN}", pem)
    assert clients.account("self") == "bob"
    assert clients.account("self", b"alice@here.test") is None
    imap = clients.imap("self")
    imap.authenticate("EXTERNAL", lambda _: b"")
    site.run("account", "cert", "remove", f"bob@{DOMAIN}", fingerprint(pem))
    with pytest.raises(imaplib.IMAP4.abort):
        imap.noop()
    assert clients.account("self") is None


def test_disabled(clients):
    clients.site.run("account", "disable", f"bob@{DOMAIN}")
    imap = clients.imap("upn")
    with pytest.raises(imap.error, match="CONTACTADMIN"):
        imap.authenticate("EXTERNAL", lambda _: b"")
    clients.site.run("account", "enable", f"bob@{DOMAIN}")
    assert clients.account("upn") == "bob"


def test_client_names(make_site, tmp_path):
    lines = ["VerifyClient optional", "ClientCA tls/ca.pem", "ClientNames email"]
    site = make_site(settings={"imapd": lines, "pop3d": ["Mechanisms PLAIN", *lines[:2]]})
    c = Clients(site, tmp_path)
    site.run("account", "cert", "add", f"alice@{DOMAIN}", str(tmp_path / "phone.pem"))
    assert c.account("alice") == "alice"
    assert c.account("phone") is None
    assert "AUTH=EXTERNAL" not in c.imap("cn").capabilities
    pop = poplib.POP3_SSL("localhost", site.port("pop3s"), context=c.context("alice"), timeout=60)
    assert pop.capa()["SASL"] == ["PLAIN"]
    pop.quit()
