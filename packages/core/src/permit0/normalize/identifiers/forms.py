"""How national numbers are written: a form, a check, and what must stand near a form that is not telling.

bare: the form and its check together hold for less than one random text of that form in 1,000, so that it
counts by itself. printed: so does this way of printing it. Else one of the labels must stand near it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from permit0.normalize.identifiers import checks

__all__ = ["FORMS", "LABEL_STEMS", "LABEL_WORDS", "Form"]


class Form(msgspec.Struct, frozen=True):
    """One number. shape: of the compact form. lengths: how many digits it has where it has nothing else.
    mixed: it has letters, or may have.
    """

    kind: str
    shape: re.Pattern[str]
    lengths: frozenset[int]
    mixed: bool
    check: Callable[[str], bool]
    labels: re.Pattern[str]
    bare: bool = False
    printed: re.Pattern[str] | None = None

    def is_bare(self, length: int) -> bool:
        """Whether so many digits are enough by themselves."""
        return self.bare or (
            self.printed is not None and self.printed.fullmatch("1" * length) is not None
        )


# Every shape of digits only fits one of these, as far as it is long.
_DIGIT_ROWS = tuple(
    head + "123456789012345678"[len(head) :]
    for head in ("", "2", "756", "9005", "9205", "912501234", "100000001", "1850578006084")
)


def _is_any(_: str) -> bool:
    return True


def _form(
    kind: str,
    shape: str,
    check: Callable[[str], bool],
    labels: str,
    *,
    bare: bool = False,
    printed: str | None = None,
) -> Form:
    compiled = re.compile(shape)
    lengths = frozenset(
        n for n in range(5, 19) if any(compiled.fullmatch(row[:n]) for row in _DIGIT_ROWS)
    )
    return Form(
        kind,
        compiled,
        lengths,
        "A-Z" in shape or "[AB]" in shape or "X]" in shape or "Y]" in shape,
        check,
        re.compile(rf"(?<![a-z0-9])(?:{labels})(?![a-z])", re.IGNORECASE),
        bare,
        None if printed is None else re.compile(printed),
    )


_S = r"[ _-]?"
_TAX = rf"tax{_S}(?:payer)?{_S}(?:id|number|no|identification)"
FORMS: tuple[Form, ...] = (
    _form(
        "us_ssn", r"(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}", _is_any,
        rf"ssn|social{_S}security(?:{_S}(?:number|no))?",
        printed=r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    ),
    # IRS: 900 to 999, with 50-65, 70-88, 90-92 and 94-99 in the middle.
    _form(
        "us_itin", r"9[0-9]{2}(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[0-9]{4}", _is_any,
        rf"itin|{_TAX}", printed=r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    ),
    # IRS: the prefixes that its campuses and its web site have given.
    _form(
        "us_ein",
        r"(?:0[1-6]|1[0-6]|2[0-7]|3[0-9]|4[0-8]|5[0-9]|6[0-8]|7[1-7]|8[0-8]|9[0-58-9])[0-9]{7}",
        _is_any, rf"ein|fein|employer{_S}identification(?:{_S}(?:number|no))?",
    ),
    _form(
        "uk_nino", r"[A-Z]{2}[0-9]{6}[A-D]", checks.is_nino,
        rf"nino|national{_S}insurance", bare=True,
    ),
    _form("uk_nhs", r"[0-9]{10}", checks.is_nhs, rf"nhs(?:{_S}(?:number|no))?"),
    _form(
        "de_steuer_id", r"[0-9]{11}", checks.is_steuer_id,
        rf"steuer{_S}id(?:nr|entifikationsnummer)?|steueridentnummer|steuerliche{_S}identifikationsnummer"
        rf"|idnr|tin|{_TAX}",
    ),
    _form("fr_nir", r"[12478][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{8}", checks.is_nir, "nir|insee", bare=True),
    _form(
        "es_dni", r"(?:[0-9]{8}|[XYZ][0-9]{7})[A-Z]", checks.is_dni, "dni|nie|nif|documento",
        printed=r"[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}-?[A-Z]|(?:[0-9]{8}|[XYZ]-?[0-9]{7})-[A-Z]",
    ),
    _form(
        "it_codice_fiscale",
        r"[A-Z]{6}[0-9LMNPQRSTUV]{2}[A-EHLMPRST][0-9LMNPQRSTUV]{2}[A-Z][0-9LMNPQRSTUV]{3}[A-Z]",
        checks.is_codice_fiscale, "codice fiscale|cf", bare=True,
    ),
    _form(
        "nl_bsn", r"[0-9]{9}", checks.is_bsn,
        rf"bsn|burger{_S}service{_S}nummer|sofi(?:{_S}nummer)?",
    ),
    _form(
        "be_national_number", r"[0-9]{11}", checks.is_belgian,
        "rijksregister(?:nummer)?|registre national|numero national|insz|niss",
        printed=r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}",
    ),
    _form(
        "se_personnummer", r"(?:[0-9]{2})?[0-9]{10}", checks.is_swedish,
        "person(?:nummer|nr)|samordningsnummer", printed=r"(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}|[0-9]{12}",
    ),
    _form("no_fodselsnummer", r"[0-9]{11}", checks.is_norwegian, "f[øo]dselsnummer|fnr|d-nummer", bare=True),
    _form("dk_cpr", r"[0-9]{10}", checks.is_cpr, rf"cpr(?:{_S}(?:nummer|nr|no|number))?|personnummer"),
    _form(
        "fi_hetu", r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", checks.is_hetu,
        "hetu|henkil[öo]tunnus", bare=True,
    ),
    _form("pl_pesel", r"[0-9]{11}", checks.is_pesel, "pesel"),
    _form("pt_nif", r"[0-9]{9}", checks.is_nif, rf"nif|contribuinte|{_TAX}"),
    _form("ch_ahv", r"756[0-9]{10}", checks.is_ahv, "ahv|avs|oasi", bare=True),
    _form(
        "at_svnr", r"[1-9][0-9]{9}", checks.is_svnr,
        rf"svnr|sv{_S}(?:nr|nummer)|sozialversicherungs(?:nummer|nr)",
        printed=r"[0-9]{4} [0-9]{6}",
    ),
    _form("tr_tckn", r"[1-9][0-9]{10}", checks.is_tckn,
        rf"tckn|t\.?c\.?{_S}kimlik(?:{_S}no)?|kimlik(?:{_S}no)?"),
    _form(
        "br_cpf", r"[0-9]{11}", checks.is_cpf, "cpf",
        printed=r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}",
    ),
    _form(
        "br_cnpj", r"[0-9]{14}", checks.is_cnpj, "cnpj",
        printed=r"[0-9]{2}\.[0-9]{3}\.[0-9]{3}/[0-9]{4}-[0-9]{2}",
    ),
    _form("ca_sin", r"[0-9]{9}", checks.is_sin, rf"sin|nas|social{_S}insurance(?:{_S}(?:number|no))?"),
    _form("au_tfn", r"[0-9]{8,9}", checks.is_tfn, rf"tfn|tax{_S}file(?:{_S}(?:number|no))?"),
    _form("au_medicare", r"[2-6][0-9]{9,10}", checks.is_medicare, rf"medicare(?:{_S}(?:card|number|no))?"),
    _form(
        "in_aadhaar", r"[2-9][0-9]{11}", checks.is_aadhaar, "aadhaar|aadhar|uidai|uid",
        printed=r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}",
    ),
    # Income Tax Department: the fourth letter is the sort of holder; the check letter is not published.
    _form("in_pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]", _is_any,
        rf"pan|permanent{_S}account", bare=True),
    _form("cn_resident_id", r"[1-9][0-9]{16}[0-9X]", checks.is_chinese_id, "身份证|resident id", bare=True),
    _form("jp_my_number", r"[0-9]{12}", checks.is_my_number, rf"my{_S}number|マイナンバー|個人番号"),
    _form(
        "kr_rrn", r"[0-9]{13}", checks.is_rrn, rf"rrn|resident{_S}registration|주민등록번호|주민번호",
        printed=r"[0-9]{6}-[0-9]{7}",
    ),
    _form("sg_nric", r"[STFGM][0-9]{7}[A-Z]", checks.is_nric, "nric|fin", bare=True),
    _form(
        "za_id", r"[0-9]{13}", checks.is_south_african,
        rf"(?:south african|sa|rsa){_S}id(?:{_S}(?:number|no))?|id{_S}(?:number|no)|identity{_S}number",
    ),
    _form(
        "mx_curp", r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]", checks.is_curp,
        "curp", bare=True,
    ),
    _form("il_id", r"[0-9]{8,9}", checks.is_israeli_id,
        "teudat zehut|תעודת זהות|ת\\.ז|israeli id|mispar zehut"),
    # No check digit and no form of their own anywhere: by their labels only.
    _form(
        "medical_record", r"[A-Z]{0,4}[0-9]{5,12}", _is_any,
        rf"mrn|medical{_S}record(?:{_S}(?:number|no|id))?|patient{_S}(?:id|number|no)"
        rf"|health{_S}(?:insurance|card){_S}(?:id|number|no)|krankenversicherten(?:nummer|nr)",
    ),
    _form(
        "passport", r"[A-Z]{0,3}[0-9]{6,9}[A-Z]?", _is_any,
        rf"passport(?:{_S}(?:number|no))|reisepass(?:nummer|nr)",
    ),
    _form(
        "driving_licence", r"[A-Z]{0,5}[0-9]{6,13}[A-Z0-9]{0,5}", _is_any,
        rf"driv(?:ing|er'?s?){_S}licen[cs]e(?:{_S}(?:number|no))|f[üu]hrerschein(?:nummer|nr)",
    ),
)  # fmt: skip

LABEL_WORDS = frozenset(
    [
        "ssn",
        "itin",
        "ein",
        "fein",
        "nino",
        "nhs",
        "idnr",
        "tin",
        "nir",
        "insee",
        "dni",
        "nie",
        "nif",
        "cf",
        "bsn",
        "sofi",
        "insz",
        "niss",
        "fnr",
        "cpr",
        "ahv",
        "avs",
        "oasi",
        "svnr",
        "sv",
        "tckn",
        "cpf",
        "cnpj",
        "sin",
        "nas",
        "tfn",
        "uid",
        "pan",
        "rrn",
        "nric",
        "fin",
        "rsa",
        "sa",
        "id",
        "curp",
        "mrn",
        "t",
        "c",
        "d",
        "kimlik",
    ]
)
LABEL_STEMS = (
    "social", "tax", "employer", "insurance", "steuer", "documento", "codice", "burger", "sofin",
    "rijks", "registre", "numero", "personn", "samord", "dselsn", "hetu", "henkil", "pesel",
    "contribuinte", "svnummer", "sozial", "kimlik", "medicare", "aadh", "permanent", "身份证",
    "resident", "my number", "mynumber", "my_number", "my-number", "マイナンバー", "個人番号", "주민",
    "south", "idnum", "identity", "teudat", "תעודת", "ת.ז", "israeli", "mispar", "medical", "patient",
    "health", "krank", "passport", "reisepass", "driv", "hrerschein",
)  # fmt: skip
"""One of these is in every label, as a whole word or somewhere; looking for them is cheap."""
