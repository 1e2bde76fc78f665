"""Ours find every kind of credential that a maintained detector finds.

The vectors follow the forms that issuers publish; all values are made up. Where detect-secrets is installed
(it is no dependency, see docs/adr/0007), its own plugins say first that they know the vector.
"""

from __future__ import annotations

import pytest

from permit0.normalize.sensitive import find_secrets

# Put together here, so that scanners of this repository have nothing to report.
RANDOM = "aB3dE5gH7jK9mN1pQ4sT6vW8yZ0cF2hL5nR7tX9bD3fG6kM8qV1wY4zA7eJ0uC2iO5lP8rS"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
VECTORS: dict[str, list[str]] = {
    "Artifactory Credentials": ["key = AKC" + "p8" + RANDOM[:40]],
    "AWS Access Key": [
        "AKIA" + "QZ7PLM2XN4RTVB6K",
        "ASIA" + "QZ7PLM2XN4RTVB6K",
        "A3TX" + "QZ7PLM2XN4RTVB6K",
        "ABIA" + "QZ7PLM2XN4RTVB6K",
        "aws_key = '" + RANDOM[:40] + "'",
        'aws_secret_access_key: "' + RANDOM[:40] + '"',
    ],
    "Azure Storage Account access key": ["AccountKey=" + (RANDOM + RANDOM)[:86] + "=="],
    "Basic Auth Credentials": ["https://bob:s3cr3tpw@example.org/x"],
    "Cloudant Credentials": [
        "cloudant_password = '" + HEX + "'",
        "cl_api_key = 'abcdefghijklmnopqrstuvwx'",
        "https://acct:" + HEX + "@acct.cloudant.com",
    ],
    "Discord Bot Token": ["M" + RANDOM[:23] + "." + RANDOM[:6] + "." + RANDOM[:27]],
    "GitHub Token": [f"gh{c}_" + RANDOM[:36] for c in "pousr"],
    "GitLab Token": [
        "glpat-" + RANDOM[:20],
        "gldt-" + RANDOM[:20],
        "glft-" + RANDOM[:20],
        "glsoat-" + RANDOM[:20],
        "glrt-" + RANDOM[:20],
        "GR1348941" + RANDOM[:20],
        "glcbt-" + RANDOM[:20],
        "glimt-" + RANDOM[:25],
        "glptt-" + RANDOM[:40],
        "glagent-" + RANDOM[:50],
        "gloas-" + RANDOM[:64],
    ],
    "IBM Cloud IAM Key": ["ibm_cloud_api_key = '" + RANDOM[:44] + "'"],
    "IBM COS HMAC Credentials": ["cos_secret_access_key = '" + HEX[:48] + "'"],
    "JSON Web Token": [
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl",
        "eyJ" + "hbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
    ],
    "Mailchimp Access Key": [HEX[:32] + "-us11"],
    "NPM tokens": ["//registry.example.org/:_authToken=npm_" + RANDOM[:36]],
    "OpenAI Token": ["sk-" + RANDOM[:20] + "T3BlbkFJ" + RANDOM[20:40]],
    "Private Key": [
        f"-----BEGIN {k}" + "PRIVATE KEY-----"
        for k in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
    ]
    + [
        "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
        "BEGIN SSH2 ENCRYPTED PRIVATE KEY",
        "PuTTY-User-Key-File-2: x",
    ],
    "PyPI Token": ["pypi-AgEIcHlwaS5vcmc" + RANDOM[:70]],
    "SendGrid API Key": ["SG." + RANDOM[:22] + "." + RANDOM[:43]],
    "Slack Token": [
        "xoxb-123456789012-" + RANDOM[:12].lower(),
        "https://hooks.slack.com/" + "services/T0AB12CD3/B0AB12CD3/" + RANDOM[:24],
    ],
    "SoftLayer Credentials": [
        "softlayer_api_key = '" + HEX + "'",
        "https://api.softlayer.com/soap/v3/" + HEX,
    ],
    "Square OAuth Secret": ["sq0csp-" + RANDOM[:43]],
    "Stripe Access Key": ["sk" + "_live_" + RANDOM[:24], "rk" + "_live_" + RANDOM[:24]],
    "Telegram Bot Token": ["110201543:" + RANDOM[:35]],
    "Twilio API Key": ["AC" + HEX[:32], "SK" + HEX[:32]],
    "Secret Keyword": [
        f"{w} = '{RANDOM[:24]}'"
        for w in (
            "api_key",
            "apikey",
            "auth_key",
            "service_key",
            "account_key",
            "db_key",
            "database_key",
            "priv_key",
            "private_key",
            "client_key",
            "db_pass",
            "database_pass",
            "password",
            "passwd",
            "pwd",
            "secret",
            "contrasena",
        )
    ],
}

# Their plugins do not know these two spellings of their own kinds.
OURS_ALONE = ("cl_api_key", "ENCRYPTED")
# High entropy alone is any commit id; an address of the internet is no secret (networks.py judges hosts).
NOT_OURS = {"Base64 High Entropy String", "Hex High Entropy String", "Public IP (ipv4)"}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in VECTORS.items() for text in texts]
)
def test_every_kind_of_a_maintained_detector_is_found(kind: str, text: str) -> None:
    assert find_secrets(text), kind
    assert find_secrets(f"Dear all,\n{text}\nregards"), kind


def test_the_vectors_are_what_the_maintained_detector_finds() -> None:
    util = pytest.importorskip("detect_secrets.core.plugins.util")
    plugins = util.get_mapping_from_secret_type_to_class()
    assert set(plugins) - set(VECTORS) == NOT_OURS
    for kind, texts in VECTORS.items():
        for text in texts:
            if not any(part in text for part in OURS_ALONE):
                found = plugins[kind]().analyze_line(filename="x.py", line=text, line_number=1)
                assert found, (kind, text)


FURTHER = [
    "dop_v1_" + HEX, "dp.pt." + RANDOM[:43], "hf_" + RANDOM[:34], "shpat_" + HEX[:32],
    "lin_api_" + RANDOM[:40], "ntn_" + RANDOM[:46], "figd_" + RANDOM[:40], "NRAK-" + RANDOM[:27].upper(),
    "hvs." + RANDOM, "pul-" + HEX[:40], "pscale_tkn_" + RANDOM[:43], "rubygems_" + HEX[:48],
    "glsa_" + RANDOM[:32] + "_" + HEX[:8], "sntrys_" + RANDOM[:64], "gsk_" + RANDOM[:52],
    "pplx-" + RANDOM[:48], "r8_" + RANDOM[:37], "dckr_pat_" + RANDOM[:27], "pnu_" + RANDOM[:36],
    "dapi" + HEX[:32], "LTAI" + RANDOM[:20], "xkeysib-" + HEX + "-" + RANDOM[:16], "key-" + HEX[:32],
    "PMAK-" + HEX[:24] + "-" + HEX[:34], "nfp_" + RANDOM[:40], "sbp_" + HEX[:40],
]  # fmt: skip


@pytest.mark.parametrize("token", FURTHER)
def test_further_issued_tokens_are_found(token: str) -> None:
    assert find_secrets(f"use {token} for it")
    assert not find_secrets(f"use {token[:10]} for it")
