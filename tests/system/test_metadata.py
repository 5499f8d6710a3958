"""METADATA (RFC 5464) over the real server: kept over restarts, and without the index."""
from yubin import DOMAIN, PASSWORD

ALL = "(DEPTH infinity) {} (/private /shared)"


def session(site):
    c = site.secure("imaps")
    c.line()
    assert c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK")
    return c


def told(c, mailbox):
    return [x for x in c.tagged("GETMETADATA " + ALL.format(mailbox)) if x.startswith("*")]


def test_metadata(make_site):
    site = make_site(settings={"storaged": ["QuietTime 1s"]})
    with session(site) as c, session(site) as other:
        assert any(x.startswith("* CAPABILITY") and " METADATA " in x for x in c.tagged("CAPABILITY"))
        assert c.tagged('SETMETADATA INBOX (/private/comment "mine" /shared/comment "100% ours")')[-1].startswith("t OK")
        assert c.tagged('SETMETADATA "" (/private/vendor/x "of the account")')[-1].startswith("t OK")
        c.tagged("CREATE work")
        c.tagged('SETMETADATA work (/private/comment "work")')
        c.tagged("RENAME work play")
        assert told(other, "play") == ['* METADATA "play" (/private/comment "work")']     # another session sees it
        assert other.tagged("GETMETADATA work /private/comment")[-1].startswith("t NO [NONEXISTENT]")
        c.tagged("CREATE old")
        c.tagged('SETMETADATA old (/private/comment "x")')
        c.tagged("DELETE old")
        c.tagged("CREATE old")
        assert told(c, "old") == []
        c.tagged("RENAME INBOX moved")      # RFC 5464 4.1: it keeps them, and gives them along
    want = {'moved': ['* METADATA "moved" (/private/comment "mine" /shared/comment "100% ours")'],
            'INBOX': ['* METADATA "INBOX" (/private/comment "mine" /shared/comment "100% ours")'],
            '""': ['* METADATA "" (/private/vendor/x "of the account")'],
            'play': ['* METADATA "play" (/private/comment "work")'], 'old': []}
    for lose_index in (False, True):
        site.stop()
        if lose_index:
            for file in (site.path / "db").iterdir():
                file.unlink()
        site.start()
        with session(site) as c:
            for mailbox, lines in want.items():
                assert told(c, mailbox) == lines
    site.stop()
    assert site.run("store", "check").returncode == 0
