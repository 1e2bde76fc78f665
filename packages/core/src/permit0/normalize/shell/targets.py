"""Judge path words: roots, devices, system directories, credential files, places that persist.

Guarantees: pure functions of one word; lexical only, after collapsing `//`, `/./` and `..`.
Does not: touch a file system, follow links or expand globs.
"""

from __future__ import annotations

import posixpath
import re

__all__ = [
    "is_catastrophic",
    "is_credential",
    "is_device",
    "is_home",
    "is_log",
    "is_persistent",
    "is_sensitive",
]

_HOME = r"(?:~[\w-]*|\$HOME|\$\{HOME\}|/root|/home/[^/]+|/Users/[^/]+)"
_SYSTEM = (
    r"(?:bin|boot|dev|etc|home|lib|lib32|lib64|opt|proc|root|run|sbin|srv|sys|usr|var|mnt|media"
    r"|Users|System|Library|Applications|nix|private)"
)
_CATASTROPHIC = re.compile(
    rf"/|/\*+|/\.\*|/\{{.*|\.|\.\.|\*|\*\.\*|\./\*|\.\./\*?|\.\*|\.\./\.\..*"
    rf"|{_HOME}(?:/\*?|/\.\*)?"
    rf"|/{_SYSTEM}(?:/\*?)?"
    r"|/usr/(?:bin|lib|lib64|local|sbin|share)(?:/\*?)?|/var/(?:lib|log|mail|spool)(?:/\*?)?"
    r"|/etc/[^/]*\*?|/boot/.*|/(?:\?|\[).*|\$PWD/?\*?|\$OLDPWD|\$\{?\w+\}?/\*|\.git/?|\*/"
    r"|[A-Za-z]:[\\/]\*?"
)
_WHOLE_HOME = re.compile(rf"/|(?:{_HOME}|/home|/Users)(?:/\*?|/\.\*?)?")
_DEVICE = re.compile(
    r"/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme|mmcblk|disk|rdisk|mapper/|dm-|md\d|loop\d"
    r"|mem\b|kmem\b|port\b|block/|vg).*"
)
_RC = (
    r"\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|cshrc"
    r"|tcshrc|kshrc|inputrc|xinitrc|xprofile|xsession|pam_environment|vimrc|gitconfig"
    r"|config/(?:fish/|autostart/|systemd/)\S*)"
)
_SENSITIVE = re.compile(
    rf"/(?:etc|usr|boot|lib|lib64|bin|sbin|sys|proc|dev(?!/(?:null|std|tty|fd|shm|zero|full)))"
    rf"(?:/.*)?|.*/?\.ssh(?:/.*)?|(?:.*/)?{_RC}|/var/spool/cron.*|/Library/Launch.*|/root(?:/.*)?"
    r"|/var/lib/.*|/System/.*"
)
_PERSISTENT = re.compile(
    rf"(?:.*/)?{_RC}|/etc/(?:cron|profile|bash\.bashrc|rc\.local|init|systemd|ld\.so\.preload"
    r"|zsh|environment|xdg/autostart|update-motd\.d|udev|apt/apt\.conf|pam|inittab).*"
    r"|/var/spool/cron.*|(?:.*/)?\.ssh/(?:authorized_keys2?|rc|config)|.*\.git/hooks/.*"
    r"|(?:/usr)?/lib/systemd/.*|.*/Launch(?:Agents|Daemons)/.*|.*/autostart/.*|(?:.*/)?\.husky/.*"
    r"|.*/(?:sitecustomize|usercustomize)\.py|.*\.pth"
)
_CREDENTIAL = re.compile(
    r"(?:.*/)?\.env(?:rc|\.(?!example$|sample$|template$|dist$|test$)[\w.-]+|\*)?"
    r"|(?:.*/)?id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+)?"
    r"|.*[^/.]\.(?:pem|key|p12|pfx|jks|keystore|ppk|kdbx|asc)|.*\*\.(?:pem|key)"
    r"|(?:.*/)?\.?credentials?(?:\.(?:json|ya?ml|ini|toml|db|csv|txt|xml))?"
    r"|(?:.*/)?secrets?\.(?:json|ya?ml|ini|toml|env|txt|xml|properties)"
    r"|(?:.*/)?\.aws(?:/.*)?|(?:.*/)?\.ssh(?:/(?!known_hosts$|config$|[^/]*\.pub$).*)?"
    r"|(?:.*/)?\.gnupg(?:/.*)?|(?:.*/)?\.(?:netrc|pgpass|npmrc|pypirc|git-credentials|my\.cnf"
    r"|dockercfg|boto|s3cfg|vault-token|htpasswd)|(?:.*/)?\.kube(?:/config)?"
    r"|(?:.*/)?\.docker/config\.json|(?:.*/)?\.azure(?:/.*)?|(?:.*/)?\.config/(?:gcloud|gh|op)/.*"
    r"|/etc/g?shadow-?|/etc/sudoers.*|/etc/security/opasswd|/proc/[^/]+/environ"
    r"|(?:.*/)?(?:kubeconfig|service[-_]account[\w-]*\.json|master\.key|wallet\.dat|Login Data"
    r"|key4\.db|logins\.json|Cookies)|/var/run/secrets/.*|/run/secrets/.*"
    r"|(?:.*/)?\.(?:bash|zsh|python|mysql|psql)_history|.*/Keychains/.*"
)
_LOG = re.compile(
    r"/var/log(?:/.*)?|(?:.*/)?\.(?:bash|zsh|python|mysql|psql|sh)_history|(?:.*/)?\.zhistory"
    r"|\$\{?HISTFILE\}?|/var/run/[uw]tmp"
)


def _normal(word: str) -> str:
    text = str(word)
    if "/" not in text:
        return text
    trailing = text.endswith("/") and len(text.strip("/")) > 0
    flat = posixpath.normpath(re.sub("/+", "/", text))
    return flat + "/" if trailing and flat not in ("/", ".", "..") else flat


def is_catastrophic(word: str) -> bool:
    """Whether removing or re-owning this path recursively cannot be undone."""
    return _CATASTROPHIC.fullmatch(_normal(word)) is not None


def is_device(word: str) -> bool:
    """Whether this is a block device or the machine's memory."""
    return _DEVICE.fullmatch(_normal(word)) is not None


def is_home(word: str) -> bool:
    """Whether this is a whole home, all homes or the root."""
    return _WHOLE_HOME.fullmatch(_normal(word)) is not None


def is_sensitive(word: str) -> bool:
    """Whether writing here changes the system, or what a shell or ssh trusts."""
    return _SENSITIVE.fullmatch(_normal(word)) is not None


def is_persistent(word: str) -> bool:
    """Whether something written here is started by itself later."""
    return _PERSISTENT.fullmatch(_normal(word)) is not None


def is_credential(word: str) -> bool:
    """Whether this is the name of a file that exists to hold credentials."""
    text = _normal(word).rstrip("/")
    return _CREDENTIAL.fullmatch(text) is not None


def is_log(word: str) -> bool:
    """Whether this is a log or a shell history."""
    return _LOG.fullmatch(_normal(word)) is not None
