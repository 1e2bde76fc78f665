"""The footer names no key in our one form: it could be read in two ways."""

from __future__ import annotations

import pytest

from permit0.errors import BadFooter, BadSignature
from permit0.testing.tokens import TokenLab
from permit0.token import base64url
from permit0.token.keys import SigningKey, footer_of


def footers(kid: str, sid: str, public: str) -> dict[str, bytes]:
    good = footer_of(kid)
    return {
        "none": b"",
        "text": kid.encode(),
        "array": b"[" + good + b"]",
        "space": good.replace(b":", b": ", 1),
        "line": good + b"\n",
        "second member": good[:-1] + b',"alg":"none"}',
        "first member": b'{"alg":"none",' + good[1:],
        "name twice": good[:-1] + b"," + good[1:],
        "escape": good.replace(b"kid", b"\\u006bid"),
        "key instead of id": b'{"kid":"' + public.encode() + b'"}',
        "secret id": b'{"kid":"' + sid.encode() + b'"}',
        "short id": b'{"kid":"k4.pid.AAAA"}',
        "no base64url": good.replace(b"k4.pid.", b"k4.pid.!"),
        "number": b'{"kid":1}',
        "empty": b"{}",
        "not utf-8": b"\xff\xfe",
    }


@pytest.mark.parametrize("name", footers("k4.pid.", "", ""))
def test_another_footer_is_refused_though_it_is_signed(lab: TokenLab, name: str) -> None:
    footer = footers(lab.key.kid, lab.key.sid, lab.key.public.paserk)[name]
    with pytest.raises(BadFooter) as refusal:
        lab.present(lab.sign(lab.claims(), footer=footer))
    assert refusal.value.reason_code == "token_footer"


def test_the_footer_that_permit0_writes_is_accepted(lab: TokenLab) -> None:
    lab.present(lab.sign(lab.claims(), footer=footer_of(lab.key.kid)))


def test_a_footer_cannot_be_exchanged(lab: TokenLab) -> None:
    other = SigningKey.generate()
    body = lab.sign(lab.claims(), key=other).rpartition(".")[0]
    token = f"{body}.{base64url.encode(footer_of(lab.key.kid)).decode()}"
    with pytest.raises(BadSignature):
        lab.present(token)
