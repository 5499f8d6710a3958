"""NOTIFY (RFC 5465) over the real server: one client watches, another and a delivery change things."""
from yubin import DOMAIN, PASSWORD


def watcher(site, groups):
    c = site.secure("imaps")
    c.line()
    assert " NOTIFY " in c.tagged(f'LOGIN alice@{DOMAIN} "{PASSWORD}"')[-1]
    assert c.tagged(f"NOTIFY SET {groups}")[-1].startswith("t OK")
    return c


def test_other_mailboxes(site):
    c = watcher(site, "(personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))")
    other = site.imap()
    other.create("Watched")
    assert c.line() == '* LIST (\\HasNoChildren) "/" "Watched"'
    other.append("Watched", None, None, b"Subject: a\r\n\r\nb\r\n")
    assert c.line().startswith('* STATUS "Watched" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY ')
    other.subscribe("Watched")
    assert c.line() == '* LIST (\\HasNoChildren \\Subscribed) "/" "Watched"'
    other.select("Watched")
    other.store("1", "+FLAGS", "(\\Seen)")
    assert c.line() == '* STATUS "Watched" (UNSEEN 0)'
    other.store("1", "+FLAGS", "(\\Deleted)")
    other.expunge()
    assert c.line().startswith('* STATUS "Watched" (MESSAGES 0 UIDNEXT 2 UIDVALIDITY ')
    other.close()
    other.rename("Watched", "Seen")
    assert c.line() == '* LIST (\\HasNoChildren \\Subscribed) "/" "Seen" ("OLDNAME" ("Watched"))'
    other.delete("Seen")
    assert c.line() == '* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" "Seen"'
    c.send("i IDLE\r\n")
    assert c.line() == "+ idling"
    other.append("Sent", None, None, b"Subject: a\r\n\r\nb\r\n")
    assert c.line().startswith('* STATUS "Sent" (MESSAGES ')
    c.send("DONE\r\n")
    assert c.line() == "i OK IDLE completed"
    other.logout()


def test_a_delivery_in_the_selected_mailbox(site):
    c = watcher(site, "(selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (Subject)]) MessageExpunge))")
    c.tagged("SELECT INBOX")
    site.deliver(text="Subject: told at once\r\n\r\nhello\r\n")
    lines = [c.line()]
    while lines[-1] != ")":
        lines.append(c.line())
    assert "EXISTS" in lines[0] and "Subject: told at once" in lines
    assert c.tagged("NOTIFY NONE")[-1].startswith("t OK")
    site.deliver(text="Subject: not told\r\n\r\nhello\r\n")
    assert c.tagged("NOOP") == ["t OK NOOP completed"]


def test_annotations(make_site):
    site = make_site()
    groups = "(personal (MailboxMetadataChange ServerMetadataChange))"
    other = watcher(site, "(mailboxes Nothing (MailboxName))")
    other.tagged('SETMETADATA Sent (/private/comment "before")')
    c = watcher(site, groups)
    assert other.tagged('SETMETADATA INBOX (/shared/comment "a" /private/comment "b")')[-1].startswith("t OK")
    assert c.line() == '* METADATA "INBOX" /private/comment /shared/comment'
    other.tagged('SETMETADATA "" (/private/vendor/x "of the account")')
    assert c.line() == '* METADATA "" /private/vendor/x'
    other.tagged('SETMETADATA Sent (/private/comment NIL)')
    assert c.line() == '* METADATA "Sent" /private/comment'
    # What a session does itself is no news, and a value that stays is none.
    assert c.tagged('SETMETADATA INBOX (/shared/comment "mine")') == ["t OK SETMETADATA completed"]
    other.tagged('SETMETADATA INBOX (/shared/comment "mine" /private/new "n")')
    assert c.line() == '* METADATA "INBOX" /private/new'
    c.send("i IDLE\r\n")
    assert c.line() == "+ idling"
    other.tagged('SETMETADATA INBOX (/private/new NIL)')
    assert c.line() == '* METADATA "INBOX" /private/new'
    # Another storaged has other numbers, but the same annotations.
    site.run("restart", "storaged")
    other.tagged('SETMETADATA Sent (/shared/comment "after")')
    assert c.line() == '* METADATA "Sent" /shared/comment'
    other.tagged('SETMETADATA "" (/private/vendor/x NIL)')
    assert c.line() == '* METADATA "" /private/vendor/x'
    c.send("DONE\r\n")
    assert c.line() == "i OK IDLE completed"
    assert c.tagged("NOOP") == ["t OK NOOP completed"]
