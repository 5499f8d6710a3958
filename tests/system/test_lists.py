"""Lists of mailboxes over the real server: LIST with STATUS, XLIST, roles, quotas; one mailbox for a role, whatever a
mail program calls it in its language."""
import base64
import shutil
import subprocess

import pytest
from yubin import DOMAIN, PASSWORD

ROLES = (r"\Archive", r"\Drafts", r"\Junk", r"\Sent", r"\Trash")

# What each makes when it does not find what it looks for.
CLIENTS = {
    "Outlook, English": {r"\Sent": "Sent Items", r"\Trash": "Deleted Items", r"\Junk": "Junk Email", r"\Archive": "Archive"},
    "Outlook, German": {r"\Sent": "Gesendete Elemente", r"\Trash": "Gelöschte Elemente", r"\Junk": "Junk-E-Mail",
                        r"\Drafts": "Entwürfe", r"\Archive": "Archiv"},
    "Outlook, French": {r"\Sent": "Éléments envoyés", r"\Trash": "Éléments supprimés", r"\Junk": "Courrier indésirable",
                        r"\Drafts": "Brouillons", r"\Archive": "Archives"},
    "Outlook, Japanese": {r"\Sent": "送信済みアイテム", r"\Trash": "削除済みアイテム", r"\Junk": "迷惑メール", r"\Drafts": "下書き",
                          r"\Archive": "アーカイブ"},
    "Apple Mail": {r"\Sent": "Sent Messages", r"\Trash": "Deleted Messages", r"\Junk": "Junk", r"\Drafts": "Drafts"},
    "Thunderbird": {r"\Sent": "Sent", r"\Trash": "Trash", r"\Junk": "Junk", r"\Drafts": "Drafts", r"\Archive": "Archives"},
    "Thunderbird, below INBOX": {r"\Sent": "INBOX/Gesendet", r"\Trash": "INBOX/Papierkorb", r"\Drafts": "INBOX/Brouillons"},
}


def encoded(name):
    """RFC 3501 5.1.3"""
    out, run = "", ""
    for c in name + "\0":
        if ord(c) > 126:
            run += c
            continue
        if run:
            out += "&" + base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
            run = ""
        out += "&-" if c == "&" else c
    return out[:-1]


def session(site, user="alice"):
    c = site.secure("imaps")
    c.line()
    assert c.tagged(f'LOGIN {user}@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK")
    return c


def holders(c, command='LIST (SPECIAL-USE) "" *'):
    """Who has which role: role -> names."""
    out = {}
    for line in c.tagged(command)[:-1]:
        words, name = line.split("(", 1)[1].split(") \"/\" ")
        for role in words.split():
            out.setdefault(role, []).append(name.strip('"'))
    return {role: names for role, names in out.items() if role in ROLES}


def test_one_mailbox_for_a_role(make_site):
    """Empty mailboxes give their roles to those that a program makes; in the end each role has one mailbox."""
    users = {client: f"user{i}" for i, client in enumerate(CLIENTS)}
    site = make_site(accounts=tuple(users.values()), settings={"storaged": ["QuietTime 1s"]})
    found = {}
    for client, user in users.items():
        with session(site, user) as c:
            for name in CLIENTS[client].values():
                c.tagged(f'CREATE "{encoded(name)}"')
            found[client] = holders(c)
        assert {role: len(names) for role, names in found[client].items()} == dict.fromkeys(ROLES, 1), client
        for role, name in CLIENTS[client].items():
            assert found[client][role] == [encoded(name)], (client, role)
    site.stop()
    for file in (site.path / "db").iterdir():        # made again from the folders alone
        file.unlink()
    site.start()
    for client, user in users.items():
        with session(site, user) as c:
            assert holders(c) == found[client], client


def test_a_role_with_mail_stays(site):
    """What a second program, in another language, makes beside mailboxes in use is a mailbox without a role."""
    with session(site) as c:
        for name in ("Sent", "Trash", "Junk", "Drafts", "Archive"):
            c.send(f"t APPEND {name} {{3+}}\r\nx\r\n\r\n")
            assert c.line().startswith("t OK")
        before = holders(c)
        for names in CLIENTS.values():
            for name in names.values():
                c.tagged(f'CREATE "{encoded(name)}"')
                assert holders(c) == before, name
        c.tagged("DELETE Sent")                       # and none of them takes it by itself
        assert r"\Sent" not in holders(c)
        assert c.tagged(r'CREATE Out (USE (\Sent))')[-1].startswith("t OK")
        assert holders(c)[r"\Sent"] == ["Out"]


def test_list_status(site):
    with session(site, "bob") as c:
        for size in (1, 2):
            site.deliver("bob", "Subject: x\r\n\r\n" + "x" * size + "\r\n")
        said = c.tagged('LIST "" (INBOX Sent) RETURN (STATUS (MESSAGES UNSEEN UIDNEXT) SPECIAL-USE)')
        assert [x for x in said if x.startswith("* STATUS")] == ['* STATUS "INBOX" (MESSAGES 2 UIDNEXT 3 UNSEEN 2)',
                                                                 '* STATUS "Sent" (MESSAGES 0 UIDNEXT 1 UNSEEN 0)']
        assert sum(x.startswith("* LIST") for x in said) == 2
        spam = [x for x in c.tagged('XLIST "" *') if r"\Spam" in x]
        assert len(spam) == 1 and spam[0].endswith('"Junk"')
        inbox = [x for x in c.tagged('XLIST "" *') if r"\Inbox" in x]
        assert len(inbox) == 1 and inbox[0].endswith('"INBOX"')
        site.run("account", "quota", f"bob@{DOMAIN}", "1M")
    with session(site, "bob") as c:
        said = c.tagged("GETQUOTAROOT INBOX")
        assert said[0] == '* QUOTAROOT "INBOX" ""' and said[1].startswith('* QUOTA "" (STORAGE 1 1024 ')


def test_oldname(site):
    """RFC 9051 6.3.9.7: who knows IMAP4rev2 is told what a mailbox was called before."""
    with session(site, "carol") as c:
        c.tagged("CREATE before")
        c.tagged("ENABLE IMAP4rev2")
        assert any(x.endswith('"/" "behind" ("OLDNAME" ("before"))') for x in c.tagged("RENAME before behind"))
        assert any(x.endswith('"/" "behind"') for x in c.tagged('LIST "" behind'))


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(site):
    def curl(command):
        return subprocess.run(["curl", "-sS", "--cacert", site.path / "etc/tls/ca.pem", "--user", f"bob@{DOMAIN}:{PASSWORD}",
                               f"imaps://localhost:{site.port('imaps')}/", "-X", command],
                              capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()

    assert '* LIST (\\HasNoChildren \\Sent) "/" "Sent"' in curl('LIST "" *')
    assert '* LSUB (\\HasNoChildren) "/" "INBOX"' in curl('LSUB "" *')
