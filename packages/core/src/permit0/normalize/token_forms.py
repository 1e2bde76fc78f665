"""How issued credentials look: kind, a literal that must occur, the form.

Sources: the forms that issuers publish for secret scanning, and the kinds that detect-secrets 1.5 and the
common rule sets of secret scanners know; docs/adr/0007 says why these are our own patterns.
Guarantees: every form begins with a literal, or at the start of a run, and has bounded repetitions, so
that time
is linear. Does not: cover credentials without a form of their own (credentials.py finds those by their names).
"""

from __future__ import annotations

import re

__all__ = ["SIGNS", "TOKENS", "sign_of"]

# A token is not a part of a longer word: otherwise each of its letters starts a new search.
_B = r"(?<![A-Za-z0-9_-])"
_E = r"(?![A-Za-z0-9])"
_W = "[A-Za-z0-9_-]"

SIGNS = ("_", "-", "~", "=", ".", "/", ":")

Token = tuple[str, str, str]

_WITH_SIGN: tuple[Token, ...] = (
    ("private_key", "PuTTY-User-Key-File-", r"PuTTY-User-Key-File-[0-9]"),
    ("private_key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[0-9A-Z]{50}"),
    ("gcp_key", "ya29.", rf"{_B}ya29\.{_W}{{20}}"),
    ("gcp_key", "GOCSPX-", rf"{_B}GOCSPX-{_W}{{28}}"),
    ("azure_key", "AccountKey=", r"AccountKey=[A-Za-z0-9+/]{43,86}={0,2}"),
    ("azure_key", "SharedAccessKey=", r"SharedAccessKey=[A-Za-z0-9+/]{43,86}={0,2}"),
    ("azure_key", "8Q~", r"(?<![A-Za-z0-9~._-])[A-Za-z0-9~._-]{3}8Q~[A-Za-z0-9~._-]{31,34}"),
    ("azure_key", "sig=", r"[?&]sig=[A-Za-z0-9%+/]{43,90}"),
    ("github_token", "gh", rf"{_B}gh[pousr]_[A-Za-z0-9]{{36}}"),
    ("github_token", "github_pat_", rf"{_B}github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}"),
    (
        "gitlab_token",
        "gl",
        rf"{_B}gl(?:pat|ptt|dt|rt|cbt|ft|soat|imt|agent|oas|ffct|wt)-{_W}{{20}}",
    ),
    ("slack_token", "xox", rf"{_B}xox[abeoprs]-[A-Za-z0-9-]{{10}}"),
    ("slack_token", "xapp-", rf"{_B}xapp-[0-9]-[A-Za-z0-9-]{{10}}"),
    (
        "slack_token",
        "hooks.slack.com/services/",
        r"hooks\.slack\.com/services/T[A-Za-z0-9]{6,12}/B[A-Za-z0-9]{6,12}/[A-Za-z0-9]{20}",
    ),
    ("stripe_key", "_live_", rf"{_B}[rs]k_live_[A-Za-z0-9]{{16}}"),
    ("stripe_key", "_test_", rf"{_B}[rs]k_test_[A-Za-z0-9]{{16}}"),
    ("stripe_key", "whsec_", rf"{_B}whsec_[A-Za-z0-9+/]{{24}}"),
    ("anthropic_key", "sk-ant-", rf"{_B}sk-ant-{_W}{{20}}"),
    (
        "openai_key",
        "sk-",
        rf"{_B}sk-(?:(?:proj|svcacct|admin|None)-{_W}{{20}}|[A-Za-z0-9]{{32}}"
        rf"|{_W}{{0,200}}[A-Za-z0-9]{{20}}T3BlbkFJ[A-Za-z0-9]{{20}})",
    ),
    ("npm_token", "npm_", rf"{_B}npm_[A-Za-z0-9]{{36}}"),
    (
        "npm_token",
        ":_authToken=",
        r":_authToken=[ \t]{0,3}(?:npm_[A-Za-z0-9]{10}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})",
    ),
    ("pypi_token", "pypi-Ag", rf"{_B}pypi-Ag{_W}{{50}}"),
    # Header and payload are JSON, so both begin with the text of an opening brace.
    ("jwt", "eyJ", rf"{_B}eyJ{_W}{{8,}}={{0,2}}\.(?:eyJ|ew|e30|eyI){_W}*"),
    ("discord_token", ".", rf"{_B}[MNO][A-Za-z0-9_-]{{23,25}}\.{_W}{{6}}\.{_W}{{27}}"),
    ("discord_token", "/api/webhooks/", r"/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60}"),
    ("sendgrid_key", "SG.", rf"{_B}SG\.{_W}{{22}}\.{_W}{{43}}"),
    ("mailchimp_key", "-us", rf"{_B}[0-9a-z]{{32}}-us[0-9]{{1,2}}{_E}"),
    ("mailgun_key", "key-", rf"{_B}(?:pub)?key-[0-9a-f]{{32}}{_E}"),
    ("brevo_key", "xkeysib-", rf"{_B}xkeysib-[0-9a-f]{{64}}-[A-Za-z0-9]{{16}}"),
    ("square_key", "sq0", rf"{_B}sq0(?:csp|atp|idp)-{_W}{{22}}"),
    ("telegram_token", ":", r"(?<![A-Za-z0-9_:-])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("softlayer_key", "softlayer.com/soap/", r"softlayer\.com/soap/v3(?:\.1)?/[a-z0-9]{64}"),
    ("digitalocean_token", "_v1_", rf"{_B}do[opr]_v1_[0-9a-f]{{64}}"),
    ("doppler_token", "dp.", rf"{_B}dp\.(?:pt|st|ct|scim|audit)\.[A-Za-z0-9._-]{{40}}"),
    ("dynatrace_token", "dt0", rf"{_B}dt0[a-z][0-9]{{2}}\.[A-Z0-9]{{24}}\.[A-Z0-9]{{64}}"),
    ("huggingface_token", "hf_", rf"{_B}hf_[A-Za-z0-9]{{34}}"),
    ("shopify_token", "shp", rf"{_B}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}"),
    ("linear_key", "lin_api_", rf"{_B}lin_api_[A-Za-z0-9]{{40}}"),
    ("notion_token", "ntn_", rf"{_B}ntn_[A-Za-z0-9]{{40}}"),
    ("notion_token", "secret_", rf"{_B}secret_[A-Za-z0-9]{{43}}{_E}"),
    ("figma_token", "figd_", rf"{_B}figd_{_W}{{40}}"),
    ("newrelic_key", "NR", rf"{_B}(?:NRAK|NRIQ|NRII)-{_W}{{27}}|{_B}NRJS-[0-9a-f]{{19}}"),
    ("vault_token", "hv", rf"{_B}hv[sbr]\.{_W}{{24}}"),
    ("terraform_token", ".atlasv1.", rf"{_B}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_=-]{{60}}"),
    ("pulumi_token", "pul-", rf"{_B}pul-[0-9a-f]{{40}}"),
    ("planetscale_token", "pscale_", rf"{_B}pscale_(?:tkn|pw|oauth)_[A-Za-z0-9._=-]{{32}}"),
    ("postman_key", "PMAK-", rf"{_B}PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}"),
    ("rubygems_key", "rubygems_", rf"{_B}rubygems_[0-9a-f]{{48}}"),
    ("grafana_token", "glsa_", rf"{_B}glsa_[A-Za-z0-9]{{32}}_[0-9a-fA-F]{{8}}"),
    ("grafana_token", "glc_", rf"{_B}glc_[A-Za-z0-9+/]{{32}}"),
    ("sentry_token", "sntry", rf"{_B}sntry[su]_[A-Za-z0-9+/=_-]{{40}}"),
    ("groq_key", "gsk_", rf"{_B}gsk_[A-Za-z0-9]{{48}}"),
    ("perplexity_key", "pplx-", rf"{_B}pplx-[A-Za-z0-9]{{40}}"),
    ("replicate_token", "r8_", rf"{_B}r8_[A-Za-z0-9]{{37}}"),
    ("xai_key", "xai-", rf"{_B}xai-[A-Za-z0-9]{{60}}"),
    ("supabase_key", "sb", rf"{_B}sb(?:p_[0-9a-f]{{40}}|_secret_{_W}{{30}})"),
    ("netlify_token", "nfp_", rf"{_B}nfp_[A-Za-z0-9]{{36}}"),
    ("cloudflare_key", "v1.0-", rf"{_B}v1\.0-[0-9a-f]{{24}}-[0-9a-f]{{140}}"),
    ("docker_token", "dckr_pat_", rf"{_B}dckr_pat_{_W}{{24}}"),
    ("airtable_token", "pat", rf"{_B}pat[A-Za-z0-9]{{14}}\.[0-9a-f]{{60}}"),
    ("mapbox_token", "sk.eyJ", rf"{_B}sk\.eyJ{_W}{{20,200}}\.{_W}{{20}}"),
    ("flyio_token", "fo1_", rf"{_B}fo1_{_W}{{40}}"),
    ("prefect_token", "pnu_", rf"{_B}pnu_[A-Za-z0-9]{{36}}"),
    ("shippo_token", "shippo_", rf"{_B}shippo_(?:live|test)_[0-9a-fA-F]{{40}}"),
    ("typeform_token", "tfp_", rf"{_B}tfp_[A-Za-z0-9._=-]{{40}}"),
    ("clojars_token", "CLOJARS_", rf"{_B}CLOJARS_[A-Za-z0-9]{{60}}"),
    ("onepassword_token", "ops_eyJ", rf"{_B}ops_eyJ[A-Za-z0-9+/=]{{60}}"),
    ("teams_webhook", "webhook.office.com/", r"webhook\.office\.com/webhookb2/[0-9a-f-]{36}@"),
)  # fmt: skip
# Without a sign that words lack: looked for only where there is a long run of letters and digits.
_PLAIN: tuple[Token, ...] = (
    ("aws_key", "A", rf"{_B}(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[0-9A-Z]{{16}}{_E}"),
    ("gcp_key", "AIza", rf"{_B}AIza{_W}{{35}}{_E}"),
    ("twilio_key", "AC", rf"{_B}AC[0-9a-f]{{32}}{_E}"),
    ("twilio_key", "SK", rf"{_B}SK[0-9a-f]{{32}}{_E}"),
    ("databricks_token", "dapi", rf"{_B}dapi[0-9a-f]{{32}}"),
    ("easypost_key", "EZ", rf"{_B}EZ[AT]K[A-Za-z0-9]{{54}}"),
    ("alibaba_key", "LTAI", rf"{_B}LTAI[A-Za-z0-9]{{17,21}}{_E}"),
    ("atlassian_token", "ATATT3", rf"{_B}ATATT3[A-Za-z0-9_=-]{{100}}"),
    ("gitlab_token", "GR1348941", rf"{_B}GR1348941{_W}{{20}}"),
    (
        "artifactory_key",
        "AKC",
        r"(?:(?<=[\s=:\"])|^)AKC(?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{10,120}(?=[\s\"]|$)",
    ),
    (
        "artifactory_key",
        "AP",
        r"(?:(?<=[\s=:\"])|^)AP[0-9A-F](?=[A-Za-z]{0,40}[0-9])[A-Za-z0-9]{8,120}(?=[\s\"]|$)",
    ),
)


def sign_of(literal: str) -> str:
    """The rarest sign that every match of a literal's form contains."""
    if literal in {"gh", "github_pat_", "hf_", "shp", "sntry", "sb"}:
        return "_"
    if literal in {"gl", "xox", "sq0", "NR", "-us", "key-", "v1.0-"}:
        return "-"
    if literal in {"eyJ", "dp.", "dt0", "hv", "pat", "SG.", "ya29.", "."}:
        return "."
    return next(sign for sign in "_~/-=.:" if sign in literal)


def _compiled(tokens: tuple[Token, ...]) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((kind, literal, re.compile(form)) for kind, literal, form in tokens)


TOKENS = {
    **{
        sign: _compiled(tuple(token for token in _WITH_SIGN if sign_of(token[1]) == sign))
        for sign in SIGNS
    },
    "": _compiled(_PLAIN),
}
"""By the sign that a text must contain, "" for none: kind, literal, form."""
