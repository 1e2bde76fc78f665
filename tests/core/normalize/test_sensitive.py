"""Credentials and personal numbers are found in what leaves, at a cost that is linear."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from permit0.normalize.sensitive import find_personal, find_secrets

# Put together here, so that scanners of this repository have nothing to report.
GITHUB = "ghp" + "_" + "a1B2" * 9
STRIPE = "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA " + "PRIVATE KEY-----\nMII", "private_key"),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", "private_key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private_key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "private_key"),
        ("AGE-SECRET-KEY-1" + "Q" * 58, "private_key"),
        ("id AKIA" + "IOSFODNN7EXAMPLE.", "aws_key"),
        ("ASIA" + "IOSFODNN7EXAMPLE", "aws_key"),
        ("AIza" + "SyA" + "b1" * 16, "gcp_key"),
        ("ya29." + "a0AfH6SMBx" * 3, "gcp_key"),
        ("AccountName=x;AccountKey=" + "aB3+" * 21 + "aB==", "azure_key"),
        ("abc" + "8Q~" + "x1Y2" * 8, "azure_key"),
        (GITHUB, "github_token"),
        (f"url?t={GITHUB}&x", "github_token"),
        ("github_pat_" + "1" * 22 + "_" + "a" * 59, "github_token"),
        ("glpat-" + "x" * 20, "gitlab_token"),
        ("xoxb-" + "123456789012-abc", "slack_token"),
        ("https://hooks.slack.com/services/T0000000/B0000000/" + "X" * 24, "slack_token"),
        (STRIPE, "stripe_key"),
        ("rk" + "_test_" + "4eC39HqLyjWDarjtT1zdp7dc", "stripe_key"),
        ("sk-" + "proj-" + "a1" * 20, "openai_key"),
        ("sk-" + "a1B2" * 12, "openai_key"),
        ("sk-" + "ant-api03-" + "a1" * 20, "anthropic_key"),
        ("npm_" + "a1B2" * 9, "npm_token"),
        ("pypi-Ag" + "EIcHlwaS5vcmc" * 5, "pypi_token"),
        (f"Authorization: Bearer {JWT}", "jwt"),
        ("https://user:s3cret@host.example/x", "url_credentials"),
        ("postgres://app:s3cret@db:5432/app", "connection_string"),
        ("mongodb+srv://app:s3cret@cluster.example", "connection_string"),
        ("redis://:s3cret@cache:6379", "connection_string"),
        ("Server=db;Database=x;User Id=sa;Password=abc123;", "connection_string"),
        ("password = hunter2", "password"),
        ("password=swordfish", "password"),
        ('"password": "swordfish"', "password"),
        ("DB_PASSWORD: s3cr3t!pw", "password"),
        ("passwd='Tr0ub4dor&3'", "password"),
        ("the password is hunter2.", "password"),
        ("PASSWORD=$ecret1!", "password"),
        ("API_KEY: 9f86d081884c7d659a2feaa0c55ad015", "api_key"),
        ('{"api_key": "9f86d081884c7d659a2feaa0c55ad015"}', "api_key"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "api_key"),
        ("client_secret: 'aB3$dkfj20dkfjs0dkf'", "api_key"),
        ("Authorization: Bearer eyQ8dkfj20dkfjs0dkf", "api_key"),
        ("secret_key_base => 0a1b2c3d4e5f6a7b8c9d", "api_key"),
        ("token := abcdefghijklmnopqrstuvwx", "api_key"),
    ],
)
def test_credential_is_found(text: str, kind: str) -> None:
    assert kind in find_secrets(text)
    assert kind in find_secrets("Dear all,\n\n" + text + "\n\nregards")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "password reset instructions",
        "password: required",
        "password: please choose one",
        "password is required",
        "forgot your password? use the link",
        "token: see docs",
        "tokens: 1234567 used",
        "max_tokens=4096",
        "secret meeting: tomorrow at noon",
        "the key: always be kind",
        "key=value",
        "primary_key: customer_id",
        "token=${TOKEN}",
        "password=$PASSWORD",
        "password=$(pass show x)",
        "password: ********",
        "password: <your password>",
        "api_key: your-api-key-here",
        "api_key = 'example-api-key'",
        "api_key = os.environ['API_KEY']",
        "password = get_password()",
        "connect(password=password)",
        "token = config.auth.token_value",
        "https://example.com/a:b@c",
        "https://user@example.com",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "AKIA is a prefix",
        "AKIAIOSFODNN7EXAMPLEX",
        "task-management-of-long-projects-and-people",
        "eyJhbGci is how they start",
        "ghp_short",
        "npm_config_cache",
        "passport: X1234567",
        "keyboard: qwerty12345678",
    ],
)
def test_ordinary_text_has_no_credentials(text: str) -> None:
    assert find_secrets(text) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        GITHUB.translate({ord(c): ord(c) + 0xFEE0 for c in "ghp_aB"}),
        GITHUB[:2] + "\u200b" + GITHUB[2:],
        GITHUB[:10] + "\u00ad" + GITHUB[10:],
        "\u2060".join(GITHUB),
        GITHUB + " \u00fc",
    ],
)
def test_spelling_does_not_hide_a_credential(text: str) -> None:
    assert find_secrets(text) == {"github_token"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("4111 1111 1111 1111", "payment_card"),
        ("card 4111-1111-1111-1111 12/29", "payment_card"),
        ("4111111111111111", "payment_card"),
        ("378282246310005", "payment_card"),
        ("3782 822463 10005", "payment_card"),
        ("5555555555554444.", "payment_card"),
        ("2223003122003222", "payment_card"),
        ("4111 1111 1111 1111 1234", "payment_card"),
        ("1234 4111 1111 1111 1111", "payment_card"),
        ("\uff14111111111111111", "payment_card"),
        ("\u0664111111111111111", "payment_card"),
        ("4111\u200b111111111111", "payment_card"),
        ("DE89370400440532013000", "iban"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("de89 3704 0044 0532 0130 00", "iban"),
        ("to GB82 WEST 1234 5698 7654 32 AND more", "iban"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "iban"),
        ("ssn 123-45-6789.", "us_ssn"),
    ],
)
def test_personal_number_is_found(text: str, kind: str) -> None:
    assert kind in find_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111 1111 1111 1112",
        "order 1234567890123456",
        "41111111111111111111",
        "2026-01-02 12:30:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "+1 (555) 123-4567",
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-6789",
        "123-45-0000",
        "123-45-67890",
        "1123-45-6789",
        "DE89370400440532013001",
        "XX89370400440532013000",
        "ADE89370400440532013000",
        "DE89 3704",
    ],
)
def test_other_numbers_are_not_personal(text: str) -> None:
    assert find_personal(text) == frozenset()


@given(st.text())
def test_any_text_is_searched(text: str) -> None:
    find_secrets(text)
    find_personal(text)


@given(st.text(alphabet=" \n.,;abc", max_size=30), st.text(alphabet=" \n.,;abc", max_size=30))
def test_what_stands_around_a_token_does_not_hide_it(before: str, after: str) -> None:
    text = f"{before} {GITHUB} {after}"
    assert "github_token" in find_secrets(text)


MEBIBYTE = 1 << 20
# A second would be quadratic behaviour; linear work takes a tenth of that on slow machines.
MAX_SECONDS = 5.0


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "eyJ", "eyJa.", "://", "://a:", "x://:", "password=", "password: ", "sk-",
     "-----BEGIN ", "host=", "server=a;", "host=a;b;", "AccountKey=", "AccountKey=a", "8Q~",
     "?sig=",
     "DE89 ", "DE89", "4111 ", "1-", "aa11bb22", "bearer ", "secret_secret_", "\u200b", "\u0661",
     "ghp_", "xoxb-", "token is ", "'\"", "\ufdfa"],
)  # fmt: skip
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = (piece * (MEBIBYTE // len(piece) + 1))[:MEBIBYTE]
    started = time.perf_counter()
    find_secrets(text)
    find_personal(text)
    assert time.perf_counter() - started < MAX_SECONDS
