"""However an address is written, the rules see the host that would be reached."""

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.model.values import UrlValue
from permit0.normalize.domains import Domains
from permit0.normalize.urls import MAX_URL_CHARS, parse_url

ORG = Domains(["acme-corp.com"])


def read(value: object) -> UrlValue:
    return parse_url(value, domains=ORG, where="url")


def code_of(value: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(value)
    assert refused.value.where == "url"
    return refused.value.reason_code


def test_ordinary_address_is_read() -> None:
    assert read("https://docs.python.org/3/library/json.html") == UrlValue(
        scheme="https",
        host="docs.python.org",
        port=443,
        registrable="python.org",
        path="/3/library/json.html",
        scope="public",
        external=True,
        query_bytes=0,
        carries_data=False,
    )


@pytest.mark.parametrize(
    ("value", "scheme", "host", "port", "path"),
    [
        ("example.com/x", "https", "example.com", 443, "/x"),
        ("example.com:8080/x", "https", "example.com", 8080, "/x"),
        ("//example.com", "https", "example.com", 443, "/"),
        ("localhost:3000", "https", "localhost", 3000, "/"),
        ("HTTP://EXAMPLE.COM./a/../b", "http", "example.com", 80, "/b"),
        ("https:example.com", "https", "example.com", 443, "/"),
        ("http:///example.com", "http", "example.com", 80, "/"),
        ("wss://example.com/s", "wss", "example.com", 443, "/s"),
        ("ftp://example.com/f", "ftp", "example.com", 21, "/f"),
        ("https://ex%61mple.com/", "https", "example.com", 443, "/"),
        ("https://\uff45xample\u3002com", "https", "example.com", 443, "/"),
        ("https://example.com/a\\b", "https", "example.com", 443, "/a/b"),
        (" https://example.com ", "https", "example.com", 443, "/"),
        ("http://evil.example#@acme-corp.com", "http", "evil.example", 80, "/"),
        ("http://evil.example?@acme-corp.com", "http", "evil.example", 80, "/"),
        ("http://evil.example/@acme-corp.com", "http", "evil.example", 80, "/@acme-corp.com"),
    ],
)
def test_host_is_the_one_that_is_reached(
    value: str, scheme: str, host: str, port: int, path: str
) -> None:
    url = read(value)
    assert (url.scheme, url.host, url.port, url.path) == (scheme, host, port, path)


@pytest.mark.parametrize(
    ("host", "address", "scope"),
    [
        ("127.0.0.1", "127.0.0.1", "loopback"),
        ("2130706433", "127.0.0.1", "loopback"),
        ("0177.0.0.1", "127.0.0.1", "loopback"),
        ("0x7f.1", "127.0.0.1", "loopback"),
        ("0x7f000001", "127.0.0.1", "loopback"),
        ("017700000001", "127.0.0.1", "loopback"),
        ("127.1", "127.0.0.1", "loopback"),
        ("127.0.0.1.", "127.0.0.1", "loopback"),
        ("127%2e0.0.1", "127.0.0.1", "loopback"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1", "loopback"),
        ("\u2460\u2461\u2466.0.0.1", "127.0.0.1", "loopback"),
        ("127\u30020\u30020\u30021", "127.0.0.1", "loopback"),
        ("0", "0.0.0.0", "loopback"),  # noqa: S104 an address to classify, not to bind
        ("[::1]", "::1", "loopback"),
        ("[::]", "::", "loopback"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1", "loopback"),
        ("[::127.0.0.1]", "::7f00:1", "loopback"),
        ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1", "loopback"),
        ("[2002:7f00:1::]", "2002:7f00:1::", "loopback"),
        ("10.1.2.3", "10.1.2.3", "private"),
        ("0300.0xa8.1", "192.168.0.1", "private"),
        ("172.16.0.1", "172.16.0.1", "private"),
        ("172.32.0.1", "172.32.0.1", "public"),
        ("[fd12::1]", "fd12::1", "private"),
        ("100.64.0.1", "100.64.0.1", "private"),
        ("169.254.1.1", "169.254.1.1", "link_local"),
        ("[fe80::1]", "fe80::1", "link_local"),
        ("169.254.169.254", "169.254.169.254", "metadata"),
        ("2852039166", "169.254.169.254", "metadata"),
        ("[::ffff:a9fe:a9fe]", "::ffff:a9fe:a9fe", "metadata"),
        ("[64:ff9b::a9fe:a9fe]", "64:ff9b::a9fe:a9fe", "metadata"),
        ("[fd00:ec2::254]", "fd00:ec2::254", "metadata"),
        ("100.100.100.200", "100.100.100.200", "metadata"),
        ("168.63.129.16", "168.63.129.16", "metadata"),
        ("224.0.0.1", "224.0.0.1", "reserved"),
        ("255.255.255.255", "255.255.255.255", "reserved"),
        ("192.0.2.1", "192.0.2.1", "reserved"),
        ("[2001:db8::1]", "2001:db8::1", "reserved"),
        ("1.1.1.1", "1.1.1.1", "public"),
        ("[2606:4700::1111]", "2606:4700::1111", "public"),
    ],
)
def test_address_has_the_scope_of_its_number(host: str, address: str, scope: str) -> None:
    for port in ("", ":8080"):
        url = read(f"http://{host}{port}/")
        assert (url.host, url.scope, url.registrable) == (address, scope, "")
        assert url.external == (scope not in {"private", "loopback"})
        assert "ip" in url.marks
        odd = host.strip("[]") != address or address.startswith(("64:", "2002:", "::ffff:"))
        assert ("odd_ip" in url.marks) == odd


@pytest.mark.parametrize(
    ("host", "scope", "external"),
    [
        ("localhost", "loopback", False),
        ("LOCALHOST.", "loopback", False),
        ("x.localhost", "loopback", False),
        ("localhost.evil.io", "public", True),
        ("db", "local_name", False),
        ("printer.local", "local_name", False),
        ("x.internal", "local_name", False),
        ("router.lan", "local_name", False),
        ("metadata.google.internal", "metadata", True),
        ("metadata.google.internal.", "metadata", True),
        ("METADATA.azure.internal", "metadata", True),
        ("metadata", "metadata", True),
        ("instance-data", "metadata", True),
        ("10.0.0.1.nip.io", "private", True),
        ("app-10-0-0-1.nip.io", "private", True),
        ("a.127.0.0.1.sslip.io", "loopback", True),
        ("0--1.sslip.io", "loopback", True),
        ("7f000001.nip.io", "loopback", True),
        ("169-254-169-254.nip.io", "metadata", True),
        ("8.8.8.8.nip.io", "public", True),
        ("www.nip.io", "public", True),
        ("localtest.me", "loopback", True),
        ("x.lvh.me", "loopback", True),
        ("x.test", "reserved", True),
        ("www.acme-corp.com", "public", False),
        ("acme-corp.com.evil.io", "public", True),
    ],
)
def test_name_has_a_scope_and_an_owner(host: str, scope: str, external: bool) -> None:
    url = read(f"http://{host}/")
    assert (url.scope, url.external) == (scope, external)


@pytest.mark.parametrize(
    ("value", "marks"),
    [
        ("https://example.com", set()),
        ("https://example.com:443/", set()),
        ("https://example.com:80/", {"odd_port"}),
        ("https://acme-corp.com@evil.example/", {"userinfo"}),
        ("https://acme-corp.com:443@evil.example/", {"userinfo"}),
        ("https://acme-corp.com%2f@evil.example/", {"userinfo"}),
        ("https://\u0430cme-corp.com/", {"punycode", "lookalike"}),
        ("https://xn--cme-corp-06g.com/", {"punycode", "lookalike"}),
        ("https://acme-c0rp.com/", {"lookalike"}),
        ("https://b\u00fccher.example/", {"punycode"}),
        ("https://example.com/{id}", {"template"}),
        ("https://example.com/$TOKEN", {"template"}),
        ("https://example.com/%E4%BD%A0", set()),
        ("http://10.0.0.1:8080", {"ip", "odd_port"}),
    ],
)
def test_peculiarities_are_marked(value: str, marks: set[str]) -> None:
    assert read(value).marks == marks


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/?q=1",
        "https://example.com/v1/customers/cus_123/orders?limit=10",
        "https://example.com?x",
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://example.com/c2VjcmV0IHZhbHVlIGZyb20gLmVudg",
        "https://example.com/3f786850e387550fdab836ed7e6dc881de23001b",
        "https://example.com/550e8400-e29b-41d4-a716-446655440000",
        "https://example.com/a1b2c3d4e5/f6a7b8c9d0/",
        "https://example.com/" + "a" * 65,
        "https://example.com/" + "ab/" * 90,
        "https://example.com/#" + "a1b2c3d4" * 4,
        "https://example.com/#" + "a-" * 40,
        "https://dgvzdcbzzwnyzxqga2v5.x1y2z3w4v5u6.evil.example/",
        "https://" + "a" * 31 + ".evil.example/",
        "https://a.b.c.d.e.f.g.evil.example.com.extra.long.name.io/",
        "https://example.com/$TOKEN",
        "https://example.com/`id`",
    ],
)
def test_address_that_can_carry_data_says_so(value: str) -> None:
    assert read(value).carries_data


@pytest.mark.parametrize(
    "value",
    [
        "https://docs.python.org/3/library/json.html#json.dumps",
        "https://example.com",
        "https://example.com/?",
        "https://example.com/v1/customers/cus_123/orders",
        "https://example.com/v1/charges/ch_NffrFeUfNV2Hib",
        "https://example.com/2026/01/15/how-to-write-a-long-title-for-an-article",
        "https://en.wikipedia.org/wiki/Internationalization_and_localization",
        "https://example.com/docs/MyCamelCaseClassName.html",
        "https://api.eu-central-1.example.com/v2/users/12345678",
    ],
)
def test_ordinary_address_carries_nothing(value: str) -> None:
    assert not read(value).carries_data


def test_query_and_fragment_are_measured() -> None:
    assert read("https://example.com/?ab#cde").query_bytes == 5
    assert read("https://example.com/?\u00fc").query_bytes == 6
    assert read("https://example.com/").query_bytes == 0


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "url_missing"),
        (5, "url_missing"),
        (["https://example.com"], "url_missing"),
        ("", "url_missing"),
        ("  ", "url_missing"),
        ("/x", "url_malformed"),
        ("?x", "url_malformed"),
        ("./x", "url_malformed"),
        ("http://", "url_malformed"),
        ("https://a b.com", "url_malformed"),
        ("not a url", "url_malformed"),
        ("https://example.com:99999", "url_malformed"),
        ("https://example.com:x", "url_malformed"),
        ("http://256.1.1.1", "url_malformed"),
        ("http://1.2.3.4.5", "url_malformed"),
        ("http://0x100000000", "url_malformed"),
        ("http://[::1", "url_malformed"),
        ("http://[1.2.3.4]", "url_malformed"),
        ("http://xn--/", "url_malformed"),
        ("http://%00.com", "url_malformed"),
        ("http://a..b/", "domain_malformed"),
        ("http://-a.com/", "domain_malformed"),
        ("http://--1.sslip.io/", "domain_malformed"),
        ("https://acme-corp.com\\@evil.example/", "url_ambiguous"),
        ("https://evil.example\\.acme-corp.com/", "url_ambiguous"),
        ("https:\\\\evil.example\\x", "url_ambiguous"),
        ("https://a@acme-corp.com@evil.example", "url_ambiguous"),
        ("http://[fe80::1%25eth0]/", "url_ambiguous"),
        ("http://[fe80::1%eth0]/", "url_ambiguous"),
        ("https://evil\n.example", "url_hidden_characters"),
        ("ht\ttps://evil.example", "url_hidden_characters"),
        ("https://evil.example/\0", "url_hidden_characters"),
        ("https://acme-corp\u200b.com", "url_hidden_characters"),
        ("https://acme-corp.com/\u202e", "url_hidden_characters"),
        ("https://\ud800.com", "url_hidden_characters"),
        ("https://{host}/x", "url_host_template"),
        ("https://$HOST/x", "url_host_template"),
        ("https://<host>/x", "url_host_template"),
        ("file:///etc/passwd", "url_scheme_unsupported"),
        ("data:text/html,x", "url_scheme_unsupported"),
        ("javascript:alert(1)", "url_scheme_unsupported"),
        ("gopher://x", "url_scheme_unsupported"),
        ("FILE:/etc/passwd", "url_scheme_unsupported"),
        ("mailto:a@b.example", "url_scheme_unsupported"),
        ("view-source:https://example.com", "url_scheme_unsupported"),
        ("https://example.com/" + "a" * MAX_URL_CHARS, "url_too_long"),
    ],
)
def test_address_without_one_reading_is_refused(value: object, code: str) -> None:
    assert code_of(value) == code


def test_unsupported_scheme_is_named() -> None:
    with pytest.raises(InvalidInput, match="'gopher'"):
        read("gopher://example.com")


@given(st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.text()))
@example("http://\u00df.example")
@example("http://xn--0000h.example")
def test_any_value_is_read_or_refused(value: object) -> None:
    try:
        url = read(value)
    except InvalidInput as refused:
        code = refused.reason_code
        assert code.startswith(("url_", "domain_"))
    else:
        assert url.host


PIECES = st.sampled_from(
    ["http", "https", ":", "/", "/", "\\", "@", "?", "#", "[", "]", ".", "%", "2e", "acme-corp.com",
     "evil.example", "127", "0x7f", "::1", "1", "\uff0e", "\u2460", "xn--", "\u0430", " ", "{", "$"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10).map("".join))
def test_internal_address_reaches_the_organisation_or_this_side(value: str) -> None:
    try:
        url = read(value)
    except InvalidInput:
        return
    if not url.external:
        assert ORG.is_internal(url.host) or url.scope in {"private", "loopback", "local_name"}
    again = read(
        f"{url.scheme}://[{url.host}]" if ":" in url.host else f"{url.scheme}://{url.host}"
    )
    assert (again.host, again.scope, again.external) == (url.host, url.scope, url.external)


@given(st.integers(0, 2**32 - 1))
def test_every_spelling_of_an_address_has_one_scope(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    a, b, c, d = address.packed
    spellings = (str(number), hex(number), f"0{number:o}", f"{a:#x}.{b}.{c * 256 + d}",
                 f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a}.{b * 65536 + c * 256 + d}",
                 f"[::ffff:{address}]",
                 f"{address}.")  # fmt: skip
    plain = read(f"http://{address}")
    for spelling in spellings:
        url = read(f"http://{spelling}")
        assert (url.scope, url.external) == (plain.scope, plain.external)
