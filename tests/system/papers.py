"""An authority of a test's own: certificates of any key, age and name, and lists of what was revoked. By openssl's command."""
import datetime
import os
import pathlib
import subprocess

KEYS = {"RSA-1024": ["RSA", "rsa_keygen_bits:1024"], "RSA-2048": ["RSA", "rsa_keygen_bits:2048"], "RSA-3072": ["RSA", "rsa_keygen_bits:3072"], "P-256": ["EC", "ec_paramgen_curve:P-256"],
        "P-384": ["EC", "ec_paramgen_curve:P-384"], "P-521": ["EC", "ec_paramgen_curve:P-521"], "Ed25519": ["ED25519"]}

CONF = """
[ca]
default_ca = own
[own]
database = {d}/index
serial = {d}/serial
crlnumber = {d}/crlnumber
new_certs_dir = {d}/new
certificate = {d}/ca.pem
private_key = {d}/ca.key
default_md = sha512
default_days = 30
default_crl_days = 30
policy = any
unique_subject = no
email_in_dn = no
x509_extensions = leaf
[any]
commonName = optional
emailAddress = optional
[leaf]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
extendedKeyUsage = {usage}
{names}
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = dn
prompt = no
[dn]
CN = replaced
"""


CLOCK = """
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
time_t time(time_t *out)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	now.tv_sec += atoi(getenv("SHIFT_S"));
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
"""


def openssl(*args, text=None, env=None):
    r = subprocess.run(["openssl", *map(str, args)], input=text, capture_output=True, text=True, env=env and {**os.environ, **env})
    assert r.returncode == 0, (args, r.stderr)
    return r.stdout


def make_key(path, kind):
    algorithm, *options = KEYS[kind]
    openssl("genpkey", "-algorithm", algorithm, *[x for o in options for x in ("-pkeyopt", o)], "-out", path)
    return path


def fingerprint(pem):
    """SHA-256 as sha256sum writes it."""
    return openssl("x509", "-in", pem, "-noout", "-fingerprint", "-sha256").split("=")[1].strip().replace(":", "").lower()


def moment(days):
    """As openssl ca takes it; days from now."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


class Authority:
    def __init__(self, folder, name="Test CA", kind="P-384"):
        self.d = pathlib.Path(folder)
        (self.d / "new").mkdir(parents=True)
        (self.d / "index").touch()
        (self.d / "serial").write_text("1000\n")
        (self.d / "crlnumber").write_text("01\n")
        self.pem, self.key = self.d / "ca.pem", make_key(self.d / "ca.key", kind)
        openssl("req", "-x509", "-config", self.conf(), "-extensions", "authority", "-key", self.key, "-sha512", "-days", 3000, "-subj", f"/CN={name}", "-out", self.pem)

    def conf(self, usage="serverAuth", names=""):
        path = self.d / "openssl.cnf"
        path.write_text(CONF.format(d=self.d, usage=usage, names=names and f"subjectAltName = {names}"))
        return path

    def issue(self, file, kind="P-256", subject="/CN=localhost", names="", usage="serverAuth", md="sha512", begins=-1, ends=30):
        """FILE.pem and FILE.key; begins and ends in days from now."""
        pem, key, csr = (self.d / f"{file}.{x}" for x in ("pem", "key", "csr"))
        make_key(key, kind)
        openssl("req", "-new", "-config", self.conf(), "-key", key, "-subj", subject, "-out", csr)
        openssl("ca", "-batch", "-notext", "-config", self.conf(usage, names), "-in", csr, "-out", pem, "-md", md, "-startdate", moment(begins), "-enddate", moment(ends))
        return pem, key

    def server(self, file, kind="P-256", names="DNS:localhost,DNS:mail.here.test,IP:127.0.0.1", **kwargs):
        return self.issue(file, kind, names=names, **kwargs)

    def client(self, file, subject, names="", kind="P-256", **kwargs):
        return self.issue(file, kind, subject=subject, names=names, usage="clientAuth", **kwargs)

    def revoke(self, pem):
        openssl("ca", "-config", self.conf(), "-revoke", pem)

    def crl(self, file="crl", begins=-1, ends=30):
        """The list as it is now."""
        path = self.d / f"{file}.pem"
        openssl("ca", "-gencrl", "-config", self.conf(), "-crl_lastupdate", moment(begins), "-crl_nextupdate", moment(ends), "-out", path)
        return path

    def clock(self):
        """A library that shifts a program's time (LD_PRELOAD) by SHIFT_S seconds."""
        shim = self.d / "clock.so"
        if not shim.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", shim, "-"], input=CLOCK, text=True, check=True)
        return shim

    def staple(self, pem, file="staple", ends=1.0):
        """An OCSP response in DER that is good until so many days from now, made a day before that; openssl ocsp knows no dates, so its clock is set."""
        path = self.d / f"{file}.der"
        openssl("ocsp", "-index", self.d / "index", "-CA", self.pem, "-rsigner", self.pem, "-rkey", self.key, "-issuer", self.pem, "-cert", pem,
                "-respout", path, "-noverify", "-ndays", 1, env={"LD_PRELOAD": str(self.clock()), "SHIFT_S": str(int((ends - 1) * 86400))})
        return path
