"""Which programs only run another command, and how their own words are told from its words.

Guarantees: data only. An option that takes its value in the next word is listed here; whatever is
not listed takes none, so that an unknown option can at worst show its value as the program.
Does not: peel (peel).
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = [
    "CODE_ENVIRONMENT",
    "CODE_OPTIONS",
    "CODE_PATHS",
    "CODE_PRELOADS",
    "EXEC_TOOLS",
    "INTERPRETERS",
    "RUNNERS",
    "SHELLS",
    "WRAPPERS",
    "Wrapper",
]


class Wrapper(NamedTuple):
    """How one wrapper's own words are told from its command.

    short: letters of options with a value. long: such long options. operands: words of its own
    before the command. assigns: NAME=value words may precede it. feature: what it adds.
    """

    short: str = ""
    long: frozenset[str] = frozenset()
    operands: int = 0
    assigns: bool = False
    feature: str = ""


_SUDO_LONG: Final = frozenset(
    {
        "--chdir", "--chroot", "--close-from", "--command-timeout", "--group", "--host", "--prompt",
        "--other-user", "--role", "--type", "--user",
    }
)  # fmt: skip

WRAPPERS: Final[dict[str, Wrapper]] = {
    "!": Wrapper(),
    "builtin": Wrapper(),
    "busybox": Wrapper(),
    "caffeinate": Wrapper("tw"),
    "catchsegv": Wrapper(),
    "cgexec": Wrapper("g"),
    "choom": Wrapper("n", frozenset({"--adjust"})),
    "chroot": Wrapper("", frozenset(), 1, feature="privilege"),
    "chrt": Wrapper("TPD", frozenset(), 1),
    "chronic": Wrapper(),
    "command": Wrapper(),
    "coproc": Wrapper(),
    "cross-env": Wrapper(assigns=True),
    "dbus-run-session": Wrapper(),
    "direnv": Wrapper(operands=2),
    "doas": Wrapper("uCa", feature="privilege", assigns=True),
    "eatmydata": Wrapper(),
    "exec": Wrapper("a"),
    "fakeroot": Wrapper("lisb"),
    "faketime": Wrapper("", frozenset(), 1),
    "firejail": Wrapper(),
    "ionice": Wrapper("cnpPu", frozenset({"--class", "--classdata"})),
    "ltrace": Wrapper("aeloxnpsuFDAS"),
    "nice": Wrapper("n", frozenset({"--adjustment"})),
    "nohup": Wrapper(),
    "nsenter": Wrapper(
        "tSGW", frozenset({"--target", "--setuid", "--setgid"}), feature="privilege"
    ),
    "numactl": Wrapper("iImNCpP"),
    "pkexec": Wrapper("u", frozenset({"--user"}), feature="privilege"),
    "prlimit": Wrapper("p"),
    "proot": Wrapper("rbqwkv0"),
    "proxychains": Wrapper("f", feature="egress"),
    "proxychains4": Wrapper("f", feature="egress"),
    "rlwrap": Wrapper("abcCfHlmMopPqsStz"),
    "runcon": Wrapper("trul", frozenset(), 1),
    "screen": Wrapper("cehpsSTt"),
    "setarch": Wrapper("", frozenset(), 1),
    "setpriv": Wrapper("", frozenset({"--reuid", "--regid", "--groups"}), feature="privilege"),
    "setsid": Wrapper(),
    "softlimit": Wrapper("acdfmrst"),
    "stdbuf": Wrapper("ioe", frozenset({"--input", "--output", "--error"})),
    "strace": Wrapper("eopsuXaEbIOPSU"),
    "sudo": Wrapper("ugpChrtTUDR", _SUDO_LONG, assigns=True, feature="privilege"),
    "systemd-inhibit": Wrapper(),
    "systemd-run": Wrapper("putMHE", frozenset({"--unit", "--property", "--uid", "--gid"})),
    "taskset": Wrapper("p", frozenset(), 1),
    "time": Wrapper("fo", frozenset({"--format", "--output"})),
    "timeout": Wrapper("ks", frozenset({"--kill-after", "--signal"}), 1),
    "torify": Wrapper(feature="egress"),
    "torsocks": Wrapper(feature="egress"),
    "toybox": Wrapper(),
    "tsocks": Wrapper(feature="egress"),
    "unbuffer": Wrapper(),
    "unshare": Wrapper("SGRw", frozenset({"--setuid", "--setgid", "--root", "--wd"})),
    "valgrind": Wrapper(),
    "xvfb-run": Wrapper("efnpsw"),
}

SHELLS: Final = frozenset(
    {"ash", "bash", "dash", "fish", "ksh", "mksh", "rbash", "sh", "tcsh", "csh", "zsh", "pwsh"}
)

INTERPRETERS: Final[dict[str, frozenset[str]]] = {
    # program -> options whose next word is code
    "python": frozenset({"-c"}),
    "python2": frozenset({"-c"}),
    "python3": frozenset({"-c"}),
    "pypy": frozenset({"-c"}),
    "pypy3": frozenset({"-c"}),
    "perl": frozenset({"-e", "-E"}),
    "ruby": frozenset({"-e"}),
    "node": frozenset({"-e", "-p", "--eval", "--print", "-pe"}),
    "nodejs": frozenset({"-e", "-p", "--eval", "--print"}),
    "bun": frozenset({"-e", "--eval", "-p", "--print"}),
    "deno": frozenset({"eval"}),
    "php": frozenset({"-r"}),
    "lua": frozenset({"-e"}),
    "luajit": frozenset({"-e"}),
    "Rscript": frozenset({"-e"}),
    "osascript": frozenset({"-e"}),
    "tclsh": frozenset(),
    "expect": frozenset({"-c"}),
    "groovy": frozenset({"-e"}),
    "elixir": frozenset({"-e"}),
    "julia": frozenset({"-e", "-E"}),
    "scala": frozenset({"-e"}),
    "guile": frozenset({"-c"}),
    "racket": frozenset({"-e"}),
    "swipl": frozenset({"-g"}),
}

RUNNERS: Final[dict[str, tuple[str, ...]]] = {
    # program -> subcommands after which a command of the project's own environment follows
    "poetry": ("run",),
    "pipenv": ("run",),
    "pdm": ("run",),
    "hatch": ("run",),
    "rye": ("run",),
    "uv": ("run",),
    "bundle": ("exec",),
    "mise": ("exec", "x"),
    "asdf": ("exec",),
    "rbenv": ("exec",),
    "pyenv": ("exec",),
    "conda": ("run",),
    "mamba": ("run",),
    "dotenv": ("run",),
    "doppler": ("run",),
    "op": ("run",),
    "aws-vault": ("exec",),
    "npm": ("exec", "x"),
    "pnpm": ("exec", "dlx"),
    "yarn": ("exec", "dlx"),
}

EXEC_TOOLS: Final[dict[str, tuple[tuple[str, ...], frozenset[str], frozenset[str]]]] = {
    # program -> (subcommands, options with a value, subcommands that start something new)
    "docker": (
        ("exec", "run", "create"),
        frozenset(
            {
                "-a", "-c", "-e", "-h", "-l", "-m", "-p", "-u", "-v", "-w", "--add-host",
                "--cap-add", "--cap-drop", "--cpus", "--cpuset-cpus", "--device", "--dns",
                "--entrypoint", "--env", "--env-file", "--expose", "--gpus", "--group-add",
                "--hostname", "--ip", "--ipc", "--label", "--link", "--log-driver", "--log-opt",
                "--memory", "--mount", "--name", "--net", "--network", "--network-alias", "--pid",
                "--platform", "--publish", "--pull", "--restart", "--runtime", "--security-opt",
                "--shm-size", "--stop-signal", "--sysctl", "--tmpfs", "--ulimit", "--user",
                "--userns", "--uts", "--volume", "--volumes-from", "--workdir", "--detach-keys",
            }
        ),
        frozenset({"run", "create"}),
    ),
    "kubectl": (
        ("exec", "run", "debug"),
        frozenset(
            {
                "-c", "-n", "-f", "-l", "-o", "--container", "--namespace", "--context", "--image",
                "--kubeconfig", "--cluster", "--user", "--overrides", "--env", "--labels", "--port",
                "--restart", "--target", "--as", "-s", "--server", "--token",
            }
        ),
        frozenset({"run"}),
    ),
}  # fmt: skip

CODE_ENVIRONMENT: Final = frozenset(
    {
        # Assigned before a command, these make it run something else or load code.
        "BASH_ENV", "BROWSER", "DYLD_INSERT_LIBRARIES", "EDITOR", "ENV", "GIT_ASKPASS",
        "GIT_EDITOR", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_PROXY_COMMAND", "GIT_SEQUENCE_EDITOR",
        "GIT_SSH", "GIT_SSH_COMMAND", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD", "LESSCLOSE",
        "LESSOPEN", "MANPAGER", "NODE_OPTIONS", "PAGER", "PATH", "PERL5DB", "PERL5LIB", "PERL5OPT",
        "PROMPT_COMMAND", "PS4", "PYTHONPATH", "PYTHONSTARTUP", "RUBYLIB", "RUBYOPT", "SHELL",
        "SSH_ASKPASS", "SUDO_ASKPASS", "VISUAL",
    }
)  # fmt: skip

CODE_PRELOADS: Final = frozenset({"DYLD_INSERT_LIBRARIES", "LD_AUDIT", "LD_PRELOAD"})
"""Of these, those whose value is a library that is loaded into whatever runs."""

CODE_OPTIONS: Final = frozenset({"NODE_OPTIONS", "PERL5OPT", "RUBYOPT"})
"""Of these, those whose value is options of an interpreter; some of them load a file as code."""

CODE_PATHS: Final = frozenset(
    {"LD_LIBRARY_PATH", "PATH", "PERL5LIB", "PYTHONPATH", "PYTHONSTARTUP", "RUBYLIB"}
)
"""Of these, those whose value is a file or folders: where programs and code are looked for."""
