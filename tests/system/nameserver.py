"""Names for a test: zones signed by ldns-signzone, or not, or badly, served by nsd on a loopback port.

    with NameServer(tmp_path / "dns", [
            Zone("far.test", ["@ MX 10 mx", "mx A 127.0.0.2", "_25._tcp.mx TLSA 3 1 1 9f86..."]),
            Zone("plain.test", ["@ MX 10 mx.far.test."], state="unsigned"),
            Zone("forged.test", ["@ MX 10 mx", "mx A 127.0.0.3"], state="bogus")]) as names:
        site.set("deliverd", [f"Resolver {names.resolver}", f"TrustAnchor {names.anchor}"])

A zone is as a resolver with the anchors finds it: signed is proved, unsigned is not (no anchor
is above it), bogus fails DNSSEC: its anchor is there, its signatures are another text's."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

NSD = """
server:
    ip-address: {address}@{port}
    server-count: 1
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{d}"
    pidfile: "{d}/nsd.pid"
    logfile: "{d}/nsd.log"
    xfrdfile: "{d}/xfrd.state"
    zonelistfile: "{d}/zone.list"
    xfrdir: "{d}"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
    tcp-count: 100
remote-control:
    control-enable: no
"""
STATES = ("signed", "unsigned", "bogus")


def missing():
    """The programs that are not installed, for a skip's words."""
    return [p for p in ("nsd", "ldns-keygen", "ldns-signzone") if shutil.which(p, path=path()) is None]


def path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def run(*args, cwd):
    r = subprocess.run(args, cwd=cwd, capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": path()})
    if r.returncode != 0:
        raise AssertionError(f"{' '.join(args)}: {r.returncode}\n{r.stdout}{r.stderr}")
    return r.stdout


class Zone:
    """Records are master file lines without TTL and class: "@ MX 10 mx", "mx A 127.0.0.2"."""

    def __init__(self, name, records, state="signed", ttl=60):
        assert state in STATES
        self.name, self.records, self.state, self.ttl = name.rstrip("."), list(records), state, ttl
        self.serial = int(time.time())
        self.key = None

    def text(self):
        self.serial += 1
        head = [f"$ORIGIN {self.name}.", f"$TTL {self.ttl}",
                f"@ IN SOA ns hostmaster {self.serial} 3600 600 86400 {self.ttl}", "@ IN NS ns", "ns IN A 127.0.0.1"]
        return "\n".join(head + self.records) + "\n"

    def write(self, folder):
        """Writes what nsd serves; gives the anchor's lines."""
        plain = folder / f"{self.name}.zone"
        plain.write_text(self.text())
        if self.state == "unsigned":
            shutil.copy(plain, folder / f"{self.name}.served")
            return ""
        if self.key is None:
            self.key = run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", self.name, cwd=folder).strip()
        run("ldns-signzone", "-f", f"{self.name}.served", f"{self.name}.zone", self.key, cwd=folder)
        if self.state == "bogus":
            self.forge(folder / f"{self.name}.served")
        return (folder / f"{self.key}.ds").read_text()

    @staticmethod
    def forge(served):
        """Every signature but those over SOA, NS and DNSKEY is over other bytes: one character of it changes."""
        out = []
        for line in served.read_text().splitlines():
            words = line.split()
            if words[3:4] == ["RRSIG"] and words[4] not in ("DNSKEY", "SOA", "NS"):
                last = words[-1]
                words[-1] = ("B" if last[0] == "A" else "A") + last[1:]
                line = "\t".join(words)
            out.append(line)
        served.write_text("\n".join(out) + "\n")


class NameServer:
    def __init__(self, folder, zones, address="127.0.0.1", port=0):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.zones = {z.name: z for z in zones}
        self.address, self.port = address, port or free_port(address)
        self.anchor = self.folder / "anchors"
        self.process = None
        self.write()
        self.start()

    @property
    def resolver(self):
        return f"{self.address}:{self.port}"

    def write(self):
        # A file without anchors is no TrustAnchor file: one for a zone that nobody asks for keeps it one.
        none = "unused.invalid. IN DS 1 13 2 " + "00" * 32 + "\n"
        self.anchor.write_text(none + "".join(z.write(self.folder) for z in self.zones.values()))
        conf = NSD.format(address=self.address, port=self.port, d=self.folder)
        for name in self.zones:
            conf += f'zone:\n    name: "{name}"\n    zonefile: "{name}.served"\n'
            subprocess.run(["nsd-checkzone", name, str(self.folder / f"{name}.served")], check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "PATH": path()})
        (self.folder / "nsd.conf").write_text(conf)

    def start(self):
        self.process = subprocess.Popen(["nsd", "-d", "-c", str(self.folder / "nsd.conf")], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={**os.environ, "PATH": path()},
                                        start_new_session=True)
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError("nsd did not start\n" + (self.folder / "nsd.log").read_text())
            time.sleep(0.02)

    def answers(self):
        """It knows the first of its zones."""
        labels = next(iter(self.zones)).split(".")
        question = b"".join(bytes([len(x)]) + x.encode() for x in labels) + b"\0\0\x06\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect((self.address, self.port))
            with contextlib.suppress(OSError):
                s.send(b"\x12\x34\0\0\0\1\0\0\0\0\0\0" + question)
                return s.recv(4096)[3] & 15 == 0
        return False

    def set(self, name, records=None, state=None):
        """Other records, or another state, for one zone. A resolver may still remember what was before: its
        TTL is Zone.ttl seconds."""
        zone = self.zones[name]
        zone.records = list(records) if records is not None else zone.records
        zone.state = state or zone.state
        self.stop()
        self.write()
        self.start()

    def stop(self):
        """Gone: whoever asks meets a closed port."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.process = None

    def freeze(self):
        """Silent: it takes questions and answers none, until thaw()."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.thaw()
        self.stop()


def free_port(address):
    """Free for UDP and TCP, below those that the kernel gives to clients."""
    start = 21000 + os.getpid() * 13 % 10000
    for port in [*range(start, 31000), *range(21000, start)]:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, \
                socket.socket() as t:
            u.bind((address, port))
            t.bind((address, port))
            return port
    raise RuntimeError("no free port")
