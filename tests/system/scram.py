"""A server to log in at: PLAIN, LOGIN, SCRAM-SHA-256 (RFC 5802, RFC 7677), EXTERNAL; it asks for a client certificate.

    with LoginSink("SCRAM-SHA-256 PLAIN", users={"us": "pw"}, tls="good", papers=papers) as far: ...

rounds: of SCRAM (4096).  liar: a SCRAM server that says yes without knowing the password.  authority: PEM of client certificates.
Of each session: mechanism, said (what it answered, decoded), user, certificate (what ssl knows of the client's)."""
import base64
import hashlib
import hmac
import os
import ssl

from sink import Session, Sink


def digest(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class LoginSession(Session):
    def __init__(self, *args):
        self.mechanism, self.said, self.certificate = None, [], None
        super().__init__(*args)

    def hello(self, verb, line):
        if self.tls:    # while the connection is up
            self.certificate = self.sock.getpeercert()
        super().hello(verb, line)

    def ask(self, challenge):
        """Gives what it answers; an answer of "*" ends all."""
        self.say("334 " + base64.b64encode(challenge).decode())
        line = self.file.readline()
        if not line:
            raise ConnectionError("it hung up")
        return self.take(line.decode().strip())

    def take(self, word):
        self.said.append(base64.b64decode("" if word == "=" else word, validate=True))
        return self.said[-1]

    def auth(self, line):
        words = line.split()
        self.mechanism = words[1]
        first = self.take(words[2]) if len(words) > 2 else None
        how = {"PLAIN": self.plain, "LOGIN": self.login, "SCRAM-SHA-256": self.scram, "EXTERNAL": self.external}
        try:
            user = how[words[1]](self.ask(b"") if first is None and words[1] != "LOGIN" else first)
        except ValueError:
            return self.say("501 5.5.2 what is that?")
        if user is None:
            return self.say("535 5.7.8 no")
        self.user = user
        return self.answer("AUTH", line, "235 2.7.0 welcome")

    def knows(self, user, password):
        return user if self.sink.users.get(user) == password else None

    def plain(self, first):
        _, user, password = first.decode().split("\0")
        return self.knows(user, password)

    def login(self, first):
        user = first if first is not None else self.ask(b"User Name\0")
        return self.knows(user.decode(), self.ask(b"Password\0").decode())

    def external(self, first):
        names = {k: v for row in (self.certificate or {}).get("subject", ()) for k, v in row}
        return names.get("commonName") if first == b"" else None

    def scram(self, first):
        flag, _, bare = first.decode().split(",", 2)
        fields = dict(f.split("=", 1) for f in bare.split(","))
        if flag != "n" or fields["n"] not in self.sink.users:
            return None
        salt, nonce = os.urandom(16), fields["r"] + base64.b64encode(os.urandom(12)).decode()
        question = f"r={nonce},s={base64.b64encode(salt).decode()},i={self.sink.rounds}"
        final = self.ask(question.encode()).decode()
        without, proof = final.rsplit(",p=", 1)
        if without != f"c=biws,r={nonce}":
            return None
        salted = hashlib.pbkdf2_hmac("sha256", self.sink.users[fields["n"]].encode(), salt, self.sink.rounds)
        whole = f"{bare},{question},{without}".encode()
        stored = hashlib.sha256(digest(salted, b"Client Key")).digest()
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), digest(stored, whole)))
        if self.sink.liar:
            salted = os.urandom(32)
        elif hashlib.sha256(key).digest() != stored:
            return None
        self.ask(b"v=" + base64.b64encode(digest(digest(salted, b"Server Key"), whole)))
        return fields["n"]


class LoginSink(Sink):
    kind = LoginSession

    def __init__(self, mechanisms, rounds=4096, liar=False, authority=None, **kwargs):
        self.mechanisms, self.rounds, self.liar = mechanisms, rounds, liar
        super().__init__(**kwargs)
        if authority:
            self.context.verify_mode = ssl.CERT_OPTIONAL
            self.context.load_verify_locations(str(authority))

    @property
    def logins(self):
        """(mechanism, user or None) of each session that tried."""
        return [(s.mechanism, s.user) for s in self.sessions if s.mechanism]
