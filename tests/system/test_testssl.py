"""Debian's testssl.sh at every port of a site as `yubin init` makes it: nothing of MEDIUM or worse."""
import concurrent.futures
import json
import os
import subprocess

import pytest

# port: the word for STARTTLS, None on an implicit port
PORTS = {"mx": "smtp", "submission": "smtp", "submissions": None, "pop3": "pop3", "pop3s": None, "imap": "imap", "imaps": None}

# What it is made to look at: protocols, standard ciphers, the server's defaults and preferences, forward secrecy, vulnerabilities. Left out of its
# default run: what judges nothing (the list of ciphers, simulated clients), and HTTP's headers.
CHECKS = ["--protocols", "--standard", "--server-defaults", "--server-preference", "--fs", "--vulnerable"]

# What may be found, and why.
EXCEPTIONS = {
    # A certificate of the site's own CA is revoked by taking it away from the server: the CA publishes neither list nor responder.
    "cert_revocation",
}

# It waits for a far server by default; this one is here.
NEAR = {"USLEEP_SND": "0.01", "USLEEP_REC": "0.03", "MAX_WAITSOCK": "3", "CCS_MAX_WAITSOCK": "1", "HEARTBLEED_MAX_WAITSOCK": "2"}

# What it must have looked at.
LOOKED_AT = ("TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_aNULL", "cipher_order", "cert_chain_of_trust", "cert_validityPeriod", "PFS",
             "heartbleed", "secure_renego", "secure_client_renego", "CRIME_TLS", "SWEET32", "LOGJAM", "LUCKY13", "RC4", "ROBOT")

SEVERITIES = ["OK", "INFO", "DEBUG", "WARN", "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL"]


def scan(site, port, out, *args):
    """Its findings as (id, severity, words)."""
    starttls = ["--starttls", PORTS[port]] if PORTS[port] else []
    r = subprocess.run(["testssl", "--warnings", "off", "--color", "0", "--quiet", "--nodns", "none", "--ip", "127.0.0.1", "--jsonfile", str(out),
                        *starttls, *args, f"localhost:{site.port(port)}"],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, env={**os.environ, **NEAR})
    try:
        return [(f["id"].split()[0], f["severity"], f["finding"]) for f in json.loads(out.read_text())]
    except (OSError, ValueError) as e:
        raise AssertionError(f"{port}: {e}\n{r.stdout[-2000:]}") from e


def bad(findings):
    return [f for f in findings if SEVERITIES.index(f[1]) >= SEVERITIES.index("MEDIUM") and f[0] not in EXCEPTIONS]


def faults(found):
    """What may not be found, and what was not looked at."""
    severity = {f[0]: f[1] for f in found}
    return bad(found) + [(x, severity.get(x)) for x in LOOKED_AT if severity.get(x) not in ("OK", "INFO")]


def scan_well(site, port, d, *args):
    """With a second look where the first finds something: on a busy machine an answer may come too late for testssl."""
    found = scan(site, port, d / f"{port}.json", *args)
    return scan(site, port, d / f"{port}.again.json", *args) if faults(found) else found


@pytest.fixture(scope="module")
def findings(site, tmp_path_factory):
    """All ports, three at a time: half of the time is spent waiting."""
    d = tmp_path_factory.mktemp("testssl")
    ca = str(site.path / "etc/tls/ca.pem")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        jobs = {port: pool.submit(scan_well, site, port, d, "--add-ca", ca, *CHECKS) for port in PORTS}
        return {port: job.result() for port, job in jobs.items()}


@pytest.mark.parametrize("port", PORTS)
def test_nothing_of_medium_or_worse(findings, port):
    assert faults(findings[port]) == []
    assert ("cert_revocation", "HIGH") in [f[:2] for f in findings[port]], "the one exception is found: it does tell"
