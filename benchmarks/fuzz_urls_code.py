"""Throw random and adversarial addresses and programs at the readers: python benchmarks/fuzz_urls_code.py [n].

Looks for: an exception that is no refusal, an answer slower than a second, an answer that gets calmer
when a parameter or a statement is added. Prints what it found and how long the slowest took.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from permit0.errors import InvalidInput
from permit0.normalize.code import read_javascript, read_python
from permit0.normalize.domains import Domains
from permit0.normalize.url_payload import Load, read_load
from permit0.normalize.urls import parse_url

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"
SLOW_S = 1.0
URL_PARTS = (
    *(
        "https://",
        "http:",
        "//",
        "evil.net",
        "169.254.169.254",
        "@",
        ":",
        "/",
        "..",
        "%2e",
        "%2f",
        "?",
    ),
    *(
        "&",
        "=",
        "#",
        "a",
        "aGVsbG8",
        "%00",
        "\\",
        "[::1]",
        "0x7f",
        "{secret}",
        "$(x)",
        ";",
        "xn--",
        "-",
    ),
    *("\u00e9", "\u2028"),
)
CODE_PARTS = (
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "`",
        "\\",
        ":",
        ";",
        ",",
        ".",
        "=",
        "=>",
        "os",
        "system",
    ),
    *(
        "eval",
        "x",
        "1",
        "#",
        "//",
        "/*",
        "<!--",
        "f'{",
        "${",
        "__class__",
        "getattr",
        "fetch",
        "\n",
    ),
    *(
        "    ",
        "import ",
        "from ",
        "def f():",
        "class A:",
        "lambda ",
        "await ",
        "function ",
        "const ",
    ),
    *("\u2028", "\u00e9", "\0", "if ", "for ", "in "),
)


def rows(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (VECTORS / name).read_text("utf-8").splitlines()]


def mutate(rng: random.Random, seeds: list[str], parts: tuple[str, ...]) -> str:
    """A seed cut and patched, or parts in any order."""
    if rng.random() < 0.3:
        return "".join(rng.choices(parts, k=rng.randrange(1, 60)))
    text = rng.choice(seeds)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(4):
            case 0:
                text = text[:at] + rng.choice(parts) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(1, 9) :]
            case 2:
                text = (
                    text[:at]
                    + chr(rng.choice((0, 9, 127, 160, 0x2028, 0xD800, 0x1F600, 0xFEFF)))
                    + text[at:]
                )
            case _:
                other = rng.choice(seeds)
                text = text[:at] + other[rng.randrange(len(other) + 1) :]
    return text


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = random.Random(5)  # repeatable, not secret
    domains = Domains(("acme-corp.com",))
    urls = [str(value) for row in rows("urls.jsonl") for value in dict(row["args"]).values()]  # type: ignore[call-overload]  # our own file
    codes = [str(row["code"]) for row in rows("code.jsonl")]
    failures: list[str] = []
    slowest = 0.0

    def load(url: str) -> Load | None:
        try:
            return read_load(url, parse_url(url, domains=domains, where=""), domains)
        except InvalidInput:
            return None

    def timed(run: Callable[[], object], text: str) -> object:
        nonlocal slowest
        start = time.perf_counter()
        try:
            return run()
        except Exception as error:  # noqa: BLE001  # what the search is for
            failures.append(f"{type(error).__name__}: {text!r:.200}")
            return None
        finally:
            spent = time.perf_counter() - start
            slowest = max(slowest, spent)
            if spent > SLOW_S:
                failures.append(f"{spent:.1f} s: {text!r:.200}")

    for i in range(count):
        if i % 2:
            url = mutate(rng, urls, URL_PARTS)
            first = timed(lambda url=url: load(url), url)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            if isinstance(first, Load) and first.load and "?" in url and "#" not in url:
                more = load(url + "&page=2")
                if more is not None and not more.load:
                    failures.append(f"calmer with a parameter: {url!r:.200}")
            continue
        code = mutate(rng, codes, CODE_PARTS)
        python = timed(lambda code=code: read_python(code), code)  # type: ignore[misc]  # as above
        timed(lambda code=code: read_javascript(code), code)  # type: ignore[misc]  # as above
        features = getattr(python, "features", frozenset())
        if features and "unreadable" not in features:
            more_code = read_python(code + "\npass\n")
            if not more_code.features:
                failures.append(f"calmer with a statement: {code!r:.200}")
    print(f"{count} cases, slowest {slowest * 1000:.0f} ms, {len(failures)} failures")
    for failure in failures[:20]:
        print(" ", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
