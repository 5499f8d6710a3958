"""Dovecot from Debian's package, in a root of its own: IMAP over the Maildirs in `.mail/USER`."""
import imaplib
import os
import shutil

from peers import NOBODY, Peer


class Dovecot(Peer):
    name = "dovecot"
    users = (("dovecot", 7010), ("dovenull", 7011))
    greetings = (b"* O",)

    def configure(self):
        self.put("etc/dovecot/dovecot.conf", f"""
protocols = imap
listen = {self.address}
base_dir = /run/dovecot
state_dir = /run/dovecot.state
log_path = /site/log/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:/site/mail/%n
mail_uid = {NOBODY}
mail_gid = {NOBODY}
first_valid_uid = 1
first_valid_gid = 1
mail_plugins = listescape
default_login_user = dovenull
default_internal_user = dovecot
default_internal_group = dovecot
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={NOBODY} gid={NOBODY} home=/site/state/%n
}}
service imap-login {{
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")

    def command(self):
        return ["sh", "-c", "mkdir -p /run/dovecot /run/dovecot.state; exec /usr/sbin/dovecot -F"]

    def imap(self, user):
        imap = imaplib.IMAP4(self.address, self.port, timeout=60)
        imap.login(user, "secret")
        return imap

    def give(self, source, user):
        """Puts a Maildir where the user's is."""
        target = self.path / "mail" / user
        shutil.copytree(source, target)
        for path in [target, *target.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        return target
