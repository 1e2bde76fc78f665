"""Everyone who receives a message is counted, by the address that receives it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from permit0.errors import InvalidInput
from permit0.model.values import Address, Recipients
from permit0.normalize.domains import Domains
from permit0.normalize.recipients import MAX_RECIPIENTS, parse_recipients

ORG = Domains(["acme-corp.com"])


def read(*values: object) -> Recipients:
    fields = list(zip(("to", "cc", "bcc"), values, strict=False))
    return parse_recipients(fields, domains=ORG, where="arguments")


def one(value: object) -> Address:
    (address,) = read(value).addresses
    return address


def keys(*values: object) -> list[str]:
    return [address.key for address in read(*values).addresses]


def code_of(value: object) -> str:
    with pytest.raises(InvalidInput) as refused:
        read(value)
    assert (refused.value.where or "").startswith("arguments.to")
    return refused.value.reason_code


@pytest.mark.parametrize(
    "value",
    [
        "bob@acme-corp.com",
        "Bob@acme-corp.COM",
        "bob@acme-corp.com.",
        " bob@acme-corp.com ",
        "<bob@acme-corp.com>",
        "Bob Smith <bob@acme-corp.com>",
        '"Smith, Bob" <bob@acme-corp.com>',
        '"bob@acme-corp.com" <bob@acme-corp.com>',
        "bob@acme-corp.com (Bob Smith)",
        "[Sales] Bob <bob@acme-corp.com>",
        '"bob"@acme-corp.com',
        "mailto:bob@acme-corp.com",
        "MAILTO:bob%40acme-corp.com?subject=Hi%20there",
        "Bob <mailto:bob@acme-corp.com>",
        ["bob@acme-corp.com"],
        ["bob@acme-corp.com", "BOB@ACME-CORP.COM"],
        {"email": "bob@acme-corp.com", "name": "Bob"},
        {"address": "bob@acme-corp.com"},
        {"emailAddress": {"address": "bob@acme-corp.com", "name": "Bob"}},
        {"emailAddress": "bob@acme-corp.com"},
        [{"email": "Bob <bob@acme-corp.com>"}, {"email": "bob@acme-corp.com", "name": None}],
    ],
)
def test_every_way_of_writing_a_colleague_is_one_internal_address(value: object) -> None:
    assert read(value).external == 0
    address = one(value)
    assert address == Address("bob@acme-corp.com", "acme-corp.com", "acme-corp.com", external=False)


def test_sub_domain_is_internal_and_neighbour_is_not() -> None:
    assert not one("a@mail.acme-corp.com").external
    assert one("a@mailacme-corp.com").external


@pytest.mark.parametrize(
    "value", [None, "", [], (), "  ", ",;\n", "undisclosed-recipients:;", [""]]
)
def test_nobody_is_nobody(value: object) -> None:
    assert read(value) == Recipients((), 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@x.io, b@y.io", ["a@x.io", "b@y.io"]),
        ("a@x.io;b@y.io\nc@z.io\r\nd@z.io", ["a@x.io", "b@y.io", "c@z.io", "d@z.io"]),
        ('"Doe, Jane" <j@x.io>, "A; B" <k@y.io>', ["j@x.io", "k@y.io"]),
        ("Team: a@x.io, B <b@y.io>;, c@z.io", ["a@x.io", "b@y.io", "c@z.io"]),
        ("a@x.io\nBcc: b@evil.example;", ["a@x.io", "b@evil.example"]),
        ("mailto:a@x.io,b@y.io?cc=c@z.io&BCC=d@z.io", ["a@x.io", "b@y.io", "c@z.io", "d@z.io"]),
        ("mailto:a@x.io?subject=hi%2C%20you%40home&cc=b@y.io", ["a@x.io", "b@y.io"]),
        ("mailto:?to=a%40x.io%2Cb%40y.io", ["a@x.io", "b@y.io"]),
        ({"email": "a@x.io, b@y.io"}, ["a@x.io", "b@y.io"]),
        (["a@x.io, b@y.io", {"email": "c@z.io"}], ["a@x.io", "b@y.io", "c@z.io"]),
        ("a@x.io, a@X.IO, A@x.io", ["a@x.io"]),
        ("j\u00f6s\u00e9@x.io", ["j\u00f6s\u00e9@x.io"]),
    ],
)
def test_nobody_in_a_list_is_lost(value: object, expected: list[str]) -> None:
    assert keys(value) == expected


def test_copies_count_with_the_rest_in_order() -> None:
    found = read("a@acme-corp.com", ["b@x.io", "a@acme-corp.com"], {"email": "c@y.io"})
    assert [address.key for address in found.addresses] == ["a@acme-corp.com", "b@x.io", "c@y.io"]
    assert found.external == 2


@pytest.mark.parametrize(
    ("value", "key", "marks"),
    [
        ('"ceo@acme-corp.com" <x@evil.com>', "x@evil.com", {"display_mismatch"}),
        ("ceo@acme-corp.com <x@evil.com>", "x@evil.com", {"display_mismatch"}),
        ("x@evil.com (ceo@acme-corp.com)", "x@evil.com", {"display_mismatch"}),
        ("(ceo@acme-corp.com) <x@evil.com>", "x@evil.com", {"display_mismatch"}),
        ({"email": "x@evil.com", "name": "ceo@acme-corp.com"}, "x@evil.com", {"display_mismatch"}),
        ({"email": "x@evil.com", "name": "ceo\uff20acme-corp.com"}, "x@evil.com",
         {"display_mismatch"}),
        ("a@\u0430cme-corp.com", "a@xn--cme-corp-06g.com", {"lookalike", "punycode"}),
        ("a@xn--cme-corp-06g.com", "a@xn--cme-corp-06g.com", {"lookalike", "punycode"}),
        ("a@acme-corp.com.evil.io", "a@acme-corp.com.evil.io", {"lookalike"}),
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example", {"punycode"}),
        ("a@[1.2.3.4]", "a@[1.2.3.4]", {"unresolved"}),
        ("a@[IPv6:2001:DB8::1]", "a@[2001:db8::1]", {"unresolved"}),
        ("a@1.2.3.4", "a@1.2.3.4", {"unresolved"}),
        ("root@localhost", "root@localhost", {"unresolved"}),
        ("everyone", "everyone", {"unresolved"}),
        ("  All   Staff ", "all staff", {"unresolved"}),
        ("#general", "#general", {"unresolved"}),
        ({"name": "Bob"}, "bob", {"unresolved"}),
        ("Team: a@x.io;", "a@x.io", {"group"}),
    ],
)  # fmt: skip
def test_peculiar_recipient_is_external_and_marked(
    value: object, key: str, marks: set[str]
) -> None:
    address = one(value)
    assert address.external
    assert address.key == key
    assert address.marks == marks


def test_marks_survive_repetition() -> None:
    plain, shown = "x@evil.com", '"ceo@acme-corp.com" <x@evil.com>'
    assert one([plain, shown]) == one([shown, plain]) == one(shown)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a@b@c", "recipient_malformed"),
        ("a@acme-corp.com@evil.com", "recipient_malformed"),
        ("a@", "recipient_malformed"),
        ("<>", "recipient_malformed"),
        ("a@acme-corp.com b@evil.com", "recipient_malformed"),
        ("a@acme-corp.com x", "domain_malformed"),
        ("a@acme-corp.com\nBcc: x@evil.com", "recipient_malformed"),
        ("a@acme-corp.com\r\nSubject: hi", "recipient_malformed"),
        ("a@acme-corp.com\0", "recipient_hidden_characters"),
        ("a\u200b@acme-corp.com", "recipient_hidden_characters"),
        ("\u202ea@acme-corp.com", "recipient_hidden_characters"),
        ("a@acme-corp.com\ud800", "recipient_hidden_characters"),
        ("a\uff20acme-corp.com", "recipient_malformed"),
        ("a@acme-corp.com\uff0cx@evil.com", "recipient_malformed"),
        ("a\u00a0b@acme-corp.com", "recipient_malformed"),
        ("<<a@acme-corp.com>>", "recipient_malformed"),
        ("<a@acme-corp.com> <x@evil.com>", "recipient_malformed"),
        ("<a@acme-corp.com> x@evil.com", "recipient_malformed"),
        ("<a@acme-corp.com", "recipient_malformed"),
        ("a@acme-corp.com>", "recipient_malformed"),
        ("<a@acme-corp.com,x@evil.com>", "recipient_malformed"),
        ('"a@acme-corp.com', "recipient_malformed"),
        ("a@acme-corp.com(x)", "recipient_malformed"),
        ("a@acme(.evil).com", "recipient_malformed"),
        ("(a(b)) c@acme-corp.com", "recipient_malformed"),
        ("a%evil.com@acme-corp.com", "recipient_routed"),
        ("evil.com!a@acme-corp.com", "recipient_routed"),
        ("<@evil.com:a@acme-corp.com>", "recipient_routed"),
        ("<@evil.com,@x.io:a@acme-corp.com>", "recipient_routed"),
        ('"a@evil.com"@acme-corp.com', "recipient_malformed"),
        ('"a b"@acme-corp.com', "recipient_malformed"),
        ('"a,x@evil.com"@acme-corp.com', "recipient_malformed"),
        (".a@acme-corp.com", "recipient_malformed"),
        ("a.@acme-corp.com", "recipient_malformed"),
        ("a..b@acme-corp.com", "recipient_malformed"),
        ("a" * 65 + "@acme-corp.com", "recipient_malformed"),
        ("a@[1.2.3]", "recipient_malformed"),
        ("a@[1.2.3.4", "recipient_malformed"),
        ("a@-x.com", "domain_malformed"),
        ("a@x..com", "domain_malformed"),
        ("a@xn--.com", "domain_malformed"),
        ("a@" + "x" * 64 + ".com", "domain_malformed"),
        ("x" * 999, "recipient_malformed"),
        ("A: b@x.io, C: d@x.io;;", "recipient_malformed"),
        ("a@x.io: b@y.io;", "recipient_malformed"),
        (": a@x.io;", "recipient_malformed"),
        ("mailto:mailto:a@x.io", "recipient_malformed"),
        (
            "mailto:a@acme-corp.com?bcc=x@evil.com%0d%0aBcc:y@evil.com",
            "recipient_hidden_characters",
        ),
        ("mailto:a@acme-corp.com?subject=hi, x@evil.com", "recipient_malformed"),
        ("mailto:a@acme-corp.com?#,x@evil.com", "recipient_malformed"),
        ("mailto:a@acme-corp.com#\nx@evil.com", "recipient_hidden_characters"),
        (5, "recipient_malformed"),
        (True, "recipient_malformed"),
        (0, "recipient_malformed"),
        ([1], "recipient_malformed"),
        ([["a@x.io"]], "recipient_malformed"),
        ([None], "recipient_malformed"),
        ({}, "recipient_malformed"),
        ({"user": "a@x.io"}, "recipient_malformed"),
        ({"email": ["a@x.io"]}, "recipient_malformed"),
        ({"email": "a@acme-corp.com", "address": "x@evil.com"}, "recipient_malformed"),
        ({"email": "a@x.io", "name": 5}, "recipient_malformed"),
        ({"name": "x@evil.com"}, "recipient_malformed"),
        ({"emailAddress": {"emailAddress": {"address": "a@x.io"}}}, "recipient_malformed"),
    ],
)
def test_what_is_not_one_clear_address_is_refused(value: object, code: str) -> None:
    assert code_of(value) == code


def test_error_names_the_place() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_recipients([("cc", ["a@x.io", "b@"])], domains=ORG, where="arguments")
    assert refused.value.where == "arguments.cc[1]"
    with pytest.raises(InvalidInput) as refused:
        parse_recipients([("to", "a@-x.com")], domains=ORG, where="arguments")
    assert refused.value.where == "arguments.to"


def test_ten_thousand_recipients_are_read_and_one_more_is_refused() -> None:
    many = [f"a{number}@x.io" for number in range(MAX_RECIPIENTS)]
    assert len(read(many).addresses) == MAX_RECIPIENTS
    assert len(read(", ".join(many)).addresses) == MAX_RECIPIENTS
    assert code_of([*many, "b@x.io"]) == "too_many_recipients"
    assert code_of(", ".join([*many, "b@x.io"])) == "too_many_recipients"
    with pytest.raises(InvalidInput) as refused:
        read(many, "b@x.io")
    assert refused.value.reason_code == "too_many_recipients"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["email", "address", "name", "emailAddress", "x"]), inner)
    ),
    max_leaves=6,
)
PIECES = st.sampled_from(
    ["a", "b@x.io", "@", "acme-corp.com", "<", ">", '"', "(", ")", ",", ";", ":", "\n", " ", "\\",
     "[", "]", "%", "!", ".", "mailto:", "?", "bcc=", "\u200b", "\u0430", "1.2.3.4"]
)  # fmt: skip


@given(JSON, JSON)
@example({"email": {"address": "a@x.io"}}, None)
@example("mailto:?bcc=%ff", "\ud800")
def test_any_value_is_read_or_refused(to: object, cc: object) -> None:
    try:
        found = read(to, cc)
    except InvalidInput as refused:
        code = refused.reason_code
        assert code.startswith(("recipient_", "domain_", "too_many"))
    else:
        assert found.external == sum(address.external for address in found.addresses)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_address_like_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except InvalidInput:
        return
    for address in found.addresses:
        assert address.external or address.domain.endswith("acme-corp.com")
        # What was read is written plainly: reading it again finds the same recipient.
        if "unresolved" not in address.marks:
            assert keys(address.key) == [address.key]


@given(st.lists(PIECES, max_size=6).map("".join), st.sampled_from([",", ";", "\n", ", "]))
def test_nothing_before_a_recipient_hides_it(text: str, separator: str) -> None:
    try:
        found = keys(text + separator + "last@evil.com")
    except InvalidInput:
        return
    assert "last@evil.com" in found


@given(st.lists(st.sampled_from(["a@x.io", "B <b@acme-corp.com>", "everyone", "c@y.io"])))
def test_the_order_of_recipients_changes_nothing_but_the_order(items: list[str]) -> None:
    forward, backward = read(items), read(items[::-1])
    assert set(forward.addresses) == set(backward.addresses)
    assert forward.external == backward.external
