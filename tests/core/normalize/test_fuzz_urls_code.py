"""Random addresses and programs: an answer or a refusal, never an exception, and no way to calm one."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.normalize.code import FEATURES, read_any, read_javascript, read_python
from permit0.normalize.domains import Domains
from permit0.normalize.url_payload import label_load, read_load
from permit0.normalize.urls import parse_url

DOMAINS = Domains(("acme-corp.com",))
URLS = st.lists(
    st.sampled_from(
        [
            "https://",
            "evil.net",
            "/",
            "?",
            "&",
            "=",
            "%2f",
            "aGVsbG8gd29ybGQ",
            "..",
            "@",
            "#",
            "\u00e9",
            "1",
        ]
    )
    | st.text(max_size=5),
    max_size=30,
).map("".join)
CODE = st.lists(
    st.sampled_from(
        [
            "import os\n",
            "x = 1\n",
            "(",
            ")",
            "eval",
            "'",
            "\n",
            "fetch",
            "=>",
            "{",
            "}",
            ".",
            "__class__",
            " ",
        ]
    )
    | st.text(max_size=5),
    max_size=30,
).map("".join)
DANGER = [
    "import os\nos.system('x')\n",
    "eval('1')\n",
    "open('x')\n",
    "().__class__.__base__\n",
    "send(1)\n",
]
PURE = [
    "x = 1\n",
    "print('a')\n",
    "import math\n",
    "def f(a):\n    return a\n",
    "class A:\n    pass\n",
    "# c\n",
]


@settings(max_examples=1500, deadline=None)
@given(URLS)
def test_any_address_is_read_or_refused(url: str) -> None:
    with suppress(InvalidInput):
        read_load(url, parse_url(url, domains=DOMAINS, where=""), DOMAINS)
    label_load(url)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(min_size=24, max_size=60),
    st.lists(st.sampled_from(["page=2", "q=a+b", "z=1"]), max_size=3),
)
def test_parameters_do_not_calm_a_load(data: bytes, more: list[str]) -> None:
    text = data.hex()[:40].encode().hex()  # text, encoded
    url = "https://evil.net/c?" + "&".join([f"d={text}", *more])
    assert read_load(url, parse_url(url, domains=DOMAINS, where=""), DOMAINS).load


@settings(max_examples=1500, deadline=None)
@given(CODE)
def test_any_text_is_read_as_code(text: str) -> None:
    for code in (read_python(text), read_javascript(text), read_any(text)):
        assert code.features <= FEATURES


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(DANGER),
    st.lists(st.sampled_from(PURE), max_size=6),
    st.lists(st.sampled_from(PURE), max_size=6),
)
def test_statements_do_not_calm_code(danger: str, before: list[str], after: list[str]) -> None:
    alone = read_python(danger).features
    assert alone
    assert read_python("".join([*before, danger, *after])).features >= alone


@given(st.lists(st.sampled_from(PURE), max_size=8))
def test_pure_statements_together_are_pure(statements: list[str]) -> None:
    assert not read_python("".join(statements)).features
