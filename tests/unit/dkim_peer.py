"""Debian's python3-dkim as the other side of test_dkim_peer.c.

dkim_peer.py verify DNS MESSAGE...   every signature of every message holds: exit 0
dkim_peer.py sign DNS FOLDER         signs messages with KEYS of its own: FOLDER/N.eml, records to DNS
DNS: lines of NAME, a TAB, the record. Exit 77: python3-dkim (1.1) is not there."""
import base64
import itertools
import pathlib
import subprocess
import sys

try:
    import dkim
    import nacl.signing
except ImportError:
    sys.exit(77)

MESSAGES = [
    b"From: a@example.org\r\nTo: b@example.net\r\nSubject: hello\r\n\r\nHi.\r\n",
    b"From:  a@example.org\r\nSubject: a\r\n\t folded  one \r\n\r\nHi  there \t\r\n\r\n\r\n",
    b"From: a@example.org\r\nX-Empty:\r\nSubject: \r\n\r\n",
    b"From: a@example.org\r\nSubject: x\r\nSubject: y\r\n\r\n\r\n \r\nend  \r\n" + b"z" * 5000 + b"\r\n",
]


def records(path):
    lines = pathlib.Path(path).read_text().splitlines()
    return dict(line.split("\t", 1) for line in lines)


def verify(dns, paths):
    known = records(dns)

    def look(name, timeout=5):
        return known[name.decode().rstrip(".")].encode()

    for path in paths:
        message = pathlib.Path(path).read_bytes()
        count = message.split(b"\r\n\r\n")[0].count(b"DKIM-Signature:")
        for i in range(count):
            if not dkim.DKIM(message).verify(idx=i, dnsfunc=look):
                print(f"{path}: signature {i} of {count} does not hold")
                return 1
        if count == 0:
            print(f"{path}: no signature")
            return 1
    return 0


def make_keys():
    rsa = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=rsa, check=True, capture_output=True).stdout
    seed = nacl.signing.SigningKey.generate()
    return {
        b"pr": (b"rsa-sha256", rsa, "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()),
        b"pe": (b"ed25519-sha256", base64.b64encode(bytes(seed)),
                "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(seed.verify_key)).decode()),
    }


def sign(dns, folder):
    keys = make_keys()
    forms = [b"relaxed", b"simple"]
    number = 0
    for message, (selector, (algorithm, key, _)), head, body, length in itertools.product(
            MESSAGES, keys.items(), forms, forms, [False, True]):
        signature = dkim.sign(message, selector, b"example.org", key, signature_algorithm=algorithm,
                              canonicalize=(head, body), length=length)
        pathlib.Path(folder, f"{number}.eml").write_bytes(signature + message)
        number += 1
    with open(dns, "w", encoding="ascii") as out:
        for selector, (_, _, record) in keys.items():
            out.write(f"{selector.decode()}._domainkey.example.org\t{record}\n")
    return 0


if __name__ == "__main__":
    sys.exit(verify(sys.argv[2], sys.argv[3:]) if sys.argv[1] == "verify" else sign(*sys.argv[2:4]))
