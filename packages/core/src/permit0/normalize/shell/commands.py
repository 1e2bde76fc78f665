"""What each program is known to do, as plain tables.

Guarantees: data only; a program that is in no table is unknown and therefore never read_only.
Does not: look at arguments (the rules_* modules).
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "DANGEROUS",
    "INSTALLERS",
    "NOT_READING",
    "PROGRAM_FEATURES",
    "READERS",
    "READ_ONLY",
    "VALUED",
]

READ_ONLY: Final = frozenset(
    {
        "[", "[[", ":", "arch", "base32", "base64", "basename", "cal", "cat", "cd", "cksum",
        "cmp", "column", "comm", "cut", "date", "df", "diff", "dirname", "du", "echo", "egrep",
        "exit", "expand", "expr", "factor", "false", "fd", "fdfind", "fgrep", "file", "find",
        "fmt", "fold", "free", "getconf", "grep", "groups", "head", "help", "hexdump", "hostname",
        "id", "iostat", "jobs", "join", "jq", "less", "ls", "lsblk", "lscpu", "lsof", "man",
        "md5sum", "more", "nl", "nproc", "numfmt", "od", "paste", "pgrep", "popd", "printf", "ps",
        "pushd", "pwd", "readlink", "realpath", "return", "rev", "rg", "ripgrep", "seq", "sha1sum",
        "sha256sum", "sha512sum", "shift", "sleep", "sort", "stat", "strings", "sum", "tac",
        "tail", "test", "tr", "tree", "true", "tsort", "tty", "type", "uname", "unexpand", "uniq",
        "uptime", "vmstat", "w", "wait", "wc", "whatis", "whereis", "which", "who", "whoami",
        "xxd", "yes", "yq", "zcat", "zgrep", "bat", "eza", "exa", "ag", "ack", "cloc", "tokei",
        "scc", "command", "sed", "awk", "gawk", "git", "docker", "kubectl", "npm", "pip", "pip3",
        "gh", "go", "cargo", "systemctl", "top", "htop", "break", "continue", "local", "declare",
    }
)  # fmt: skip
"""Programs that can be read_only; the rules take it away where arguments allow more."""

READERS: Final[dict[str, int]] = {
    # program -> leading operands that are no files
    "ack": 1, "ag": 1, "awk": 1, "base64": 0, "base32": 0, "bat": 0, "cat": 0, "cksum": 0,
    "cmp": 0, "column": 0, "comm": 0, "cut": 0, "diff": 0, "egrep": 1, "fgrep": 1, "file": 0,
    "fold": 0, "gawk": 1, "grep": 1, "head": 0, "hexdump": 0, "join": 0, "jq": 1, "less": 0,
    "md5sum": 0, "more": 0, "nl": 0, "od": 0, "paste": 0, "rev": 0, "rg": 1, "ripgrep": 1,
    "sed": 1, "sha1sum": 0, "sha256sum": 0, "sha512sum": 0, "sort": 0, "strings": 0, "tac": 0,
    "tail": 0, "uniq": 0, "wc": 0, "xxd": 0, "yq": 1, "zcat": 0, "zgrep": 1, "source": 0, ".": 0,
    "nano": 0, "vim": 0, "vi": 0, "nvim": 0, "emacs": 0, "view": 0, "gzip": 0, "bzip2": 0, "xz": 0,
    "split": 0, "pr": 0, "dos2unix": 0, "iconv": 0, "python": 0, "python3": 0, "node": 0,
    "bash": 0, "sh": 0, "zsh": 0, "ruby": 0, "perl": 0, "php": 0,
}  # fmt: skip

NOT_READING: Final = frozenset(
    {
        # Their operands are names, patterns or text: what is called like a key is not read.
        "[", "[[", ":", "alias", "basename", "cd", "chgrp", "chmod", "chown", "command", "dirname",
        "echo", "exa", "export", "eza", "fd", "fdfind", "find", "git", "ls", "man", "mkdir",
        "printf", "pushd", "readlink", "realpath", "rm", "rmdir", "stat", "test", "touch", "tree",
        "type", "unlink", "unset", "whereis", "which", "pytest", "tox", "ruff", "mypy", "make",
        "npm", "yarn", "pnpm", "pip", "pip3", "cargo", "go", "declare", "local", "readonly", "set",
        "typeset", "docker", "kubectl", "expr", "seq", "pgrep", "pkill", "killall", "read", "shred",
        "truncate", "black", "isort", "eslint", "prettier", "jest", "vitest", "gh", "ping", "dig",
    }
)  # fmt: skip

VALUED: Final[dict[str, tuple[str, frozenset[str]]]] = {
    # program -> letters of short options with a value, long options with a value
    "grep": ("ABCDdefm", frozenset({"--regexp", "--file", "--include", "--exclude", "--color"})),
    "rg": ("ABCdefgjmMrtTE", frozenset({"--regexp", "--glob", "--type", "--file"})),
    "head": ("nc", frozenset({"--lines", "--bytes"})),
    "tail": ("ncs", frozenset({"--lines", "--bytes", "--pid"})),
    "cut": ("bcdf", frozenset({"--delimiter", "--fields"})),
    "sort": ("kotST", frozenset({"--key", "--output", "--field-separator"})),
    "uniq": ("fsw", frozenset()),
    "awk": ("fFv", frozenset({"--file", "--assign"})),
    "sed": ("efl", frozenset({"--expression", "--file"})),
    "diff": ("UCILFW", frozenset({"--exclude"})),
    "xxd": ("clos", frozenset()),
    "od": ("AjNStw", frozenset()),
    "fold": ("w", frozenset()),
    "nl": ("bdfhilnsvw", frozenset()),
    "jq": ("fL", frozenset({"--indent", "--from-file"})),
    "column": ("sNcoRHO", frozenset()),
    "curl": (
        "AbcCdDeEFhHKmoPQrtTuUwxXyYz",
        frozenset(
            {
                "--connect-timeout", "--cookie", "--cookie-jar", "--config", "--data",
                "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode", "--form",
                "--form-string", "--header", "--json", "--max-time", "--output", "--output-dir",
                "--oauth2-bearer", "--proxy", "--range", "--referer", "--request", "--resolve",
                "--connect-to", "--retry", "--upload-file", "--url", "--user", "--user-agent",
                "--write-out", "--cert", "--key", "--cacert", "--proxy-user", "--interface",
                "--max-redirs", "--retry-delay", "--limit-rate", "--unix-socket", "--socks5",
                "--socks5-hostname", "--preproxy", "--pass", "--quote", "--url-query",
            }
        ),
    ),
    "wget": (
        "aAeiIloOPQRtTUwDX",
        frozenset(
            {
                "--output-document", "--output-file", "--post-data", "--post-file", "--body-data",
                "--body-file", "--header", "--user", "--password", "--method", "--tries",
                "--timeout", "--user-agent", "--directory-prefix", "--input-file", "--execute",
            }
        ),
    ),
    "scp": ("cDFiJloPSX", frozenset()),
    "sftp": ("BbcDFiJloPRSsX", frozenset()),
    "rsync": ("efBMT", frozenset({"--rsh", "--exclude", "--include", "--files-from", "--filter"})),
    "ssh": ("BbcDEeFIiJLlmOopPQRSWw", frozenset()),
    "nc": ("eciIMmOPpqsTVwXx", frozenset({"--exec", "--sh-exec", "--proxy"})),
    "chmod": ("", frozenset({"--reference"})),
    "chown": ("", frozenset({"--reference", "--from"})),
    "cp": ("St", frozenset({"--target-directory", "--suffix"})),
    "mv": ("St", frozenset({"--target-directory", "--suffix"})),
    "ln": ("St", frozenset({"--target-directory"})),
    "install": ("gmoSt", frozenset({"--target-directory", "--mode", "--owner", "--group"})),
    "mkdir": ("m", frozenset({"--mode"})),
    "touch": ("dtr", frozenset({"--date", "--reference"})),
    "truncate": ("sr", frozenset({"--size", "--reference"})),
    "shred": ("ns", frozenset({"--iterations", "--size"})),
    "tar": (
        "fCTXbIgHKNVL",
        frozenset({"--file", "--directory", "--exclude", "--files-from", "--use-compress-program"}),
    ),
    "unzip": ("dx", frozenset()),
    "kill": ("sn", frozenset({"--signal"})),
    "http": ("aA", frozenset({"--auth", "--output"})),
    "date": ("dfrs", frozenset({"--date", "--file", "--set", "--reference"})),
    "file": ("fm", frozenset()),
    "tree": ("LPIoH", frozenset()),
    "mysql": ("ehuDP", frozenset({"--execute", "--host", "--user", "--database"})),
    "psql": ("cdfhopUvLPRF", frozenset({"--command", "--file", "--host", "--username"})),
}  # fmt: skip
for _alias, _name in (
    ("egrep", "grep"), ("fgrep", "grep"), ("zgrep", "grep"), ("gawk", "awk"), ("ncat", "nc"),
    ("netcat", "nc"), ("https", "http"), ("mariadb", "mysql"), ("gsed", "sed"), ("ripgrep", "rg"),
    ("mysqldump", "mysql"), ("bsdtar", "tar"), ("gtar", "tar"),
):  # fmt: skip
    VALUED[_alias] = VALUED[_name]

PROGRAM_FEATURES: Final[dict[str, frozenset[str]]] = {}
for _features, _names in (
    ("destructive", "shred wipefs mkswap blkdiscard fdisk sfdisk sgdisk parted mkfs mke2fs cfdisk dropuser"
                    " newfs lvremove vgremove pvremove srm wipe zerofree hdparm dropdb chattr"),
    ("egress", "curl wget scp sftp rsync nc ncat netcat socat telnet ftp lftp tftp ssh http https"
               " xh gsutil rclone azcopy s3cmd mail mailx mutt sendmail msmtp swaks aria2c axel"
               " whois nmap masscan ngrok cloudflared mosh rsh rlogin smbclient mc twine"
               " websocat grpcurl traceroute lynx w3m links httpie sshfs autossh sshuttle croc"),
    ("privilege", "sudo doas su pkexec setcap usermod useradd userdel adduser deluser groupadd"
                  " groupmod gpasswd passwd chpasswd visudo nsenter newgrp vipw runuser setpriv"
                  " insmod modprobe sysctl umount swapoff setenforce"),
    ("schedule", "at batch launchctl schtasks anacron"),
    ("service", "service shutdown reboot halt poweroff init telinit rc-service initctl"),
    ("write", "cp mv touch mkdir rmdir ln tee install patch unzip gunzip bunzip2 rm shred truncate"
              " mktemp mkfifo mknod dd unlink rename split csplit dos2unix gzip bzip2 xz zip 7z"
              " unxz unrar chmod chown chgrp cpio ar rsync setfacl chattr"),
    ("script", "make gmake just task rake ant mvn gradle gradlew tox nox invoke fab source . npx"
               " bunx uvx pipx ansible-playbook ninja bazel"),
    ("dynamic", "xdg-open open"),
    ("install", "npx bunx uvx"),
):  # fmt: skip
    for _name in _names.split():
        PROGRAM_FEATURES[_name] = PROGRAM_FEATURES.get(_name, frozenset()) | {_features}

INSTALLERS: Final[dict[str, frozenset[str]]] = {
    "apk": frozenset({"add"}),
    "apt": frozenset({"install", "full-upgrade", "upgrade", "dist-upgrade"}),
    "apt-get": frozenset({"install", "upgrade", "dist-upgrade", "build-dep"}),
    "aptitude": frozenset({"install"}),
    "brew": frozenset({"install", "reinstall", "upgrade", "tap"}),
    "bun": frozenset({"add", "install", "i", "x"}),
    "bundle": frozenset({"install", "add", "update"}),
    "cargo": frozenset({"install", "add"}),
    "choco": frozenset({"install"}),
    "code": frozenset({"--install-extension"}),
    "composer": frozenset({"require", "install", "update"}),
    "conda": frozenset({"install", "create", "update"}),
    "cpan": frozenset({"install", "-i"}),
    "dnf": frozenset({"install", "upgrade"}),
    "dpkg": frozenset({"-i", "--install"}),
    "easy_install": frozenset({""}),
    "flatpak": frozenset({"install"}),
    "gem": frozenset({"install", "update"}),
    "go": frozenset({"install", "get"}),
    "helm": frozenset({"install", "upgrade"}),
    "mamba": frozenset({"install", "create"}),
    "nix-env": frozenset({"-i", "-iA", "--install"}),
    "npm": frozenset({"install", "i", "ci", "add", "update", "exec", "x", "init"}),
    "opam": frozenset({"install"}),
    "pacman": frozenset({"-S", "-Sy", "-Syu", "-U"}),
    "pdm": frozenset({"add", "install"}),
    "pip": frozenset({"install"}),
    "pip3": frozenset({"install"}),
    "pipenv": frozenset({"install"}),
    "pipx": frozenset({"install", "run"}),
    "pnpm": frozenset({"install", "i", "add", "update", "dlx"}),
    "poetry": frozenset({"add", "install", "update"}),
    "port": frozenset({"install"}),
    "rpm": frozenset({"-i", "-U", "-ivh", "-Uvh"}),
    "rustup": frozenset({"install", "toolchain", "component"}),
    "snap": frozenset({"install"}),
    "uv": frozenset({"add", "sync", "tool"}),
    "winget": frozenset({"install"}),
    "yarn": frozenset({"add", "install", "dlx", "global", "upgrade"}),
    "yum": frozenset({"install", "update"}),
    "zypper": frozenset({"install", "in"}),
}

DANGEROUS: Final = frozenset(
    {
        "bash", "chmod", "chown", "crontab", "curl", "dd", "eval", "exec", "git", "kill", "mkfs",
        "mv", "nc", "ncat", "netcat", "perl", "python", "python3", "rm", "rsync", "ruby", "scp",
        "sh", "shred", "socat", "ssh", "su", "sudo", "tee", "telnet", "truncate", "wget", "wipefs",
        "zsh", "find", "xargs", "env", "node", "docker", "kubectl", "terraform", "nsenter",
    }
)  # fmt: skip
"""Programs looked for at any position of a text that has no grammar."""
