"""A host is the organisation's only if it is; and one that resembles it is marked."""

import pytest
import tldextract
from hypothesis import assume, example, given
from hypothesis import strategies as st

from permit0.errors import BadConfig, InvalidInput
from permit0.normalize.domains import Domains

ORG = Domains(["acme-corp.com", "acme.co.uk"])


@pytest.mark.parametrize(
    "host",
    [
        "acme-corp.com",
        "ACME-Corp.COM",
        "acme-corp.com.",
        "mail.acme-corp.com",
        "a.b.acme.co.uk",
        "\uff41cme-corp.com",
        "acme-corp\u3002com",
    ],
)
def test_domain_and_sub_domains_are_internal(host: str) -> None:
    assert ORG.is_internal(host)
    assert not ORG.lookalike(host)


@pytest.mark.parametrize(
    "host",
    [
        "xacme-corp.com",
        "acme-corp.com.evil.io",
        "acme-corp.co",
        "com",
        "co.uk",
        "",
        ".",
        "acme-corp.com..",
        ".acme-corp.com",
        "acme-corp.com\u200b",
        "acme-corp.com\n",
        "acme-corp.com/",
        "user@acme-corp.com",
        "*.acme-corp.com",
    ],
)
def test_neighbours_and_garbage_are_not_internal(host: str) -> None:
    assert not ORG.is_internal(host)


@pytest.mark.parametrize(
    "host",
    [
        "acme-corp.com.evil.io",
        "acme-corp.evil.io",
        "acme-corp-payments.com",
        "payments-acme-corp.com",
        "acmecorp.com",
        "acme--corp.com",
        "acme-corp.co",
        "acme-corp.github.io",
        "acme-c0rp.com",
        "acrne-corp.com",
        "acme-corp1.com",
        "acme-cor.com",
        "acmee-corp.com",
        "amce-corp.com",
        "acne-corp.com",
        "\u0430cme-corp.com",
        "xn--cme-corp-06g.com",
        "acm\u00e9-corp.com",
        "acme-\u03f2orp.com",
        "login.acmecorp-secure.com",
    ],
)
def test_host_that_resembles_the_organisation_is_marked(host: str) -> None:
    assert ORG.lookalike(host)
    assert not ORG.is_internal(host)


@pytest.mark.parametrize(
    "host",
    ["google.com", "corp.com", "example.org", "pinacme.com", "academe.org", "bundes.de",
     "m\u00fcnchen.de", "xn--80ak6aa92e.com", "10.0.0.1"],
)  # fmt: skip
def test_host_that_does_not_resemble_the_organisation_is_not_marked(host: str) -> None:
    assert not ORG.lookalike(host)


@pytest.mark.parametrize(
    ("host", "registrable"),
    [
        ("a.b.co.uk", "b.co.uk"),
        ("foo.github.io", "foo.github.io"),
        ("a.foo.github.io", "foo.github.io"),
        ("github.io", ""),
        ("com", ""),
        ("www.ck", "www.ck"),
        ("a.www.ck", "www.ck"),
        ("foo.ck", ""),
        ("a.foo.ck", "a.foo.ck"),
        ("x.unknown-top", "x.unknown-top"),
        ("\u98df\u72ee.\u516c\u53f8.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("localhost", ""),
        ("1.2.3.4", ""),
        ("not a host", ""),
    ],
)
def test_registrable_domain_follows_the_public_suffix_list(host: str, registrable: str) -> None:
    assert ORG.registrable(host) == registrable


@pytest.mark.parametrize(
    "name",
    ["com", "co.uk", "github.io", "foo.ck", "localhost", "", "*.acme.com", "@acme.com", ".acme.com",
     "a b.com", "10.0.0.1", "https://acme.com", "acme..com"],
)  # fmt: skip
def test_organisation_domain_that_others_share_is_refused(name: str) -> None:
    with pytest.raises(BadConfig):
        Domains([name])


def test_organisation_domain_is_normalised() -> None:
    domains = Domains(["M\u00dcNCHEN.de.", "me.github.io", "corp.internal"])
    assert domains.org_domains == ("xn--mnchen-3ya.de", "me.github.io", "corp.internal")
    assert domains.is_internal("www.m\u00fcnchen.de")
    assert domains.is_internal("me.github.io")
    assert not domains.is_internal("you.github.io")


def test_without_organisation_domains_everything_is_external() -> None:
    nobody = Domains([])
    assert not nobody.is_internal("acme-corp.com")
    assert not nobody.lookalike("acme-corp.com")


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("", "domain_malformed"),
        ("a..b", "domain_malformed"),
        ("-a.com", "domain_malformed"),
        ("a-.com", "domain_malformed"),
        ("a b.com", "domain_malformed"),
        ("a%b.com", "domain_malformed"),
        ("xn--.com", "domain_malformed"),
        ("xn--a-0.com", "domain_malformed"),
        ("x" * 64 + ".com", "domain_malformed"),
        ("a." * 127 + "com", "domain_malformed"),
        ("\u2024com", "domain_malformed"),
        ("\ud800.com", "domain_hidden_characters"),
        ("a\u200b.com", "domain_hidden_characters"),
        ("\u202ea.com", "domain_hidden_characters"),
        ("a\u00ad.com", "domain_hidden_characters"),
    ],
)
def test_malformed_host_is_refused(host: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ORG.to_ascii(host, where="url")
    assert refused.value.reason_code == code
    assert refused.value.where == "url"


def test_well_formed_host_is_normalised() -> None:
    assert ORG.to_ascii("B\u00fccher.Example.") == "xn--bcher-kva.example"
    assert ORG.to_ascii("_dmarc.example.com") == "_dmarc.example.com"


@given(st.text())
@example("xn--" + "9" * 60)
@example("xn--0000h")
@example("\u0378.com")
def test_any_text_is_a_host_or_refused(host: str) -> None:
    internal = ORG.is_internal(host)
    try:
        ascii_host = ORG.to_ascii(host)
    except InvalidInput:
        assert not internal
        return
    assert ascii_host.isascii()
    assert ORG.to_ascii(ascii_host) == ascii_host
    assert ORG.is_internal(ascii_host) == internal


@given(st.text(min_size=1))
def test_no_text_before_the_domain_makes_a_foreign_host_internal(prefix: str) -> None:
    assert not ORG.is_internal(prefix + ".evil.io")
    assert not ORG.is_internal("acme-corp.com." + prefix + ".evil.io")


LABELS = ["com", "co", "uk", "io", "github", "ck", "www", "jp", "kawasaki", "city", "kobe", "cn",
          "xn--55qx5d", "amazonaws", "compute", "s3", "us-east-1", "example", "nope"]  # fmt: skip
EXTRACT = tldextract.TLDExtract(
    cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True
)


@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=6).map(".".join))
def test_registrable_domain_agrees_with_an_independent_implementation(host: str) -> None:
    found = EXTRACT(host)
    # It reports no suffix for an unknown top level; the list's algorithm says "*".
    assume(found.suffix)
    assert ORG.registrable(host) == found.top_domain_under_public_suffix


def test_two_organisations_do_not_share_anything() -> None:
    other = Domains(["other.example"])
    assert ORG.is_internal("acme-corp.com")
    assert not other.is_internal("acme-corp.com")
    assert other.is_internal("other.example")
