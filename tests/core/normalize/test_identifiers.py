"""Numbers of persons are found by form, check digit and label, and chance is not taken for one of them.

Every number here was made for this file (random digits until the check held) or is the published example of its
algorithm; none was given to anybody that we know.
"""

from __future__ import annotations

import random  # noqa: TID251  # seeded by the test: the same numbers on every run
from collections.abc import Callable

import pytest

from permit0.normalize.identifiers.forms import FORMS, LABEL_STEMS, LABEL_WORDS
from permit0.normalize.sensitive import BULK, find_personal, find_sensitive

# Kind, a good number, the label that it needs, or "" if it is telling by itself.
NUMBERS = [
    ("us_ssn", "536904399", "SSN"),
    ("us_ssn", "536-90-4399", ""),
    ("us_itin", "912-73-4821", ""),
    ("us_itin", "912734821", "ITIN"),
    ("us_ein", "12-3456789", "EIN"),
    ("uk_nino", "PC736028B", ""),
    ("uk_nino", "PC 73 60 28 B", ""),
    ("uk_nhs", "609 139 0996", "NHS number"),
    ("de_steuer_id", "86 241 209 577", "Steuer-ID"),
    ("fr_nir", "192110290115303", ""),
    ("fr_nir", "1 92 11 02 901 153 03", ""),
    ("fr_nir", "275042A80556069", ""),
    ("es_dni", "95891871H", "DNI"),
    ("es_dni", "95.891.871-H", ""),
    ("es_dni", "X-1471473-W", ""),
    ("it_codice_fiscale", "QXZKWJ71C07F205A", ""),
    ("nl_bsn", "715483365", "BSN"),
    ("nl_bsn", "7154.83.365", "burgerservicenummer"),
    ("be_national_number", "71050147353", "rijksregisternummer"),
    ("be_national_number", "71.05.01-473.53", ""),
    ("se_personnummer", "840411-7668", ""),
    ("se_personnummer", "198404117668", ""),
    ("no_fodselsnummer", "14049585862", ""),
    ("no_fodselsnummer", "140495 85862", ""),
    ("dk_cpr", "140583-4917", "CPR-nr"),
    ("fi_hetu", "090667-509B", ""),
    ("pl_pesel", "83011903887", "PESEL"),
    ("pt_nif", "677629672", "NIF"),
    ("ch_ahv", "756.3355.1141.72", ""),
    ("at_svnr", "7706 031062", ""),
    ("tr_tckn", "55064330242", "T.C. Kimlik No"),
    ("br_cpf", "893.448.282-61", ""),
    ("br_cpf", "89344828261", "CPF"),
    ("br_cnpj", "35.167.591/0678-36", ""),
    ("ca_sin", "562 287 243", "SIN"),
    ("au_tfn", "700 862 637", "tax file number"),
    ("au_medicare", "6850 05815 0", "Medicare"),
    ("in_aadhaar", "4891 0799 0816", ""),
    ("in_pan", "ABCPE1234F", ""),
    ("cn_resident_id", "110101198704123468", ""),
    ("cn_resident_id", "11010519491231002X", ""),
    ("jp_my_number", "9108 3484 6795", "My Number"),
    ("kr_rrn", "660615-2916115", ""),
    ("sg_nric", "S6537480C", ""),
    ("sg_nric", "M1234567K", ""),
    ("za_id", "7804214902080", "ID number"),
    ("mx_curp", "QEXZ870619HDFRRN62", ""),
    ("il_id", "214764953", "teudat zehut"),
    ("medical_record", "48213377", "MRN"),
    ("passport", "C01X00T47"[:1] + "01234567", "passport number"),
    ("driving_licence", "D1234567", "driver's license number"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "number", "label"), NUMBERS)
def test_number_is_found(kind: str, number: str, label: str) -> None:
    assert kind in find_personal(f"{label}: {number}")
    assert kind in find_personal(f"Dear all,\n{label} is {number}, as agreed.")
    assert kind in find_personal(number, label=label or "text")


@pytest.mark.parametrize(("kind", "number", "label"), [n for n in NUMBERS if n[2]])
def test_number_of_few_signs_needs_its_label(kind: str, number: str, label: str) -> None:
    assert kind not in find_personal(f"order {number}")
    assert kind not in find_personal(f"{label} of the form.{' ' * 60}order {number}")


CHECKED = [
    n for n in NUMBERS
    if n[0] not in {"us_ssn", "us_itin", "us_ein", "medical_record", "passport", "driving_licence",
                    "in_pan", "uk_nino", "kr_rrn", "dk_cpr"}
]  # fmt: skip


@pytest.mark.parametrize(("kind", "number", "label"), CHECKED)
def test_a_changed_digit_is_no_number(kind: str, number: str, label: str) -> None:
    places = [place for place, sign in enumerate(number) if sign.isdigit()]
    place = places[len(places) // 2 + 1]
    digit = str((int(number[place]) + 1) % 10)
    changed = number[:place] + digit + number[place + 1 :]
    assert kind not in find_personal(f"{label}: {changed}")


@pytest.mark.parametrize(
    "text",
    [
        "ssn 000-12-3456", "ssn 666-12-3456", "ssn 536-00-4399", "itin 912-69-4821",
        "QQ123456C", "GB123456A", "PC736028E", "pc736028b", "ABCXE1234F",
        "our tax rules changed in 2024, see order 20240517",
    ],
)  # fmt: skip
def test_what_is_never_given_is_no_number(text: str) -> None:
    assert find_personal(text) == frozenset()


def test_every_label_is_found_by_its_words() -> None:
    """The quick look for a label sees every one that the forms ask for."""
    for kind, number, label in NUMBERS:
        if label:
            form = next(form for form in FORMS if form.kind == kind)
            assert form.labels.search(label) is not None, (kind, number)
            words = {word.lower() for word in label.replace("-", " ").replace(".", " ").split()}
            assert words & LABEL_WORDS or any(stem in label.lower() for stem in LABEL_STEMS)


# What a random number of each sort is taken for, of 20,000; measured with 1,000,000: see the bounds.
SORTS: dict[str, tuple[Callable[[random.Random], str], float]] = {
    "8 to 10 digits": (lambda r: str(r.randrange(10**7, 10**10)), 0.0),
    "11 digits": (lambda r: str(r.randrange(10**10, 10**11)), 0.002),
    "12 digits": (lambda r: str(r.randrange(10**11, 10**12)), 0.001),
    "unix seconds": (lambda r: str(r.randrange(1_500_000_000, 1_900_000_000)), 0.0),
    "unix milliseconds": (lambda r: str(r.randrange(15 * 10**11, 19 * 10**11)), 0.0),
    "days and times": (
        lambda r: f"20{r.randrange(10, 30)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}"
        f"T{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}",
        0.0,
    ),
    "telephone numbers": (
        lambda r: f"+49 {r.randrange(100, 999)} {r.randrange(10**6, 10**8)}",
        0.0,
    ),
    "american telephone numbers": (
        lambda r: f"({r.randrange(200, 999)}) {r.randrange(200, 999)}-{r.randrange(10**4):04}",
        0.0,
    ),
    "order numbers": (lambda r: f"ORD-{r.randrange(10**6, 10**9)}", 0.0),
    "long order numbers": (
        lambda r: f"{r.randrange(100, 999)}-{r.randrange(10**7):07}-{r.randrange(10**7):07}",
        0.001,
    ),
    "hashes": (lambda r: f"{r.getrandbits(160):040x}", 0.0005),
    "short hashes": (lambda r: f"{r.getrandbits(36):09x}", 0.0),
    "uuids": (lambda r: "-".join(f"{r.getrandbits(n * 4):0{n}x}" for n in (8, 4, 4, 4, 12)), 0.0005),
    "versions": (lambda r: ".".join(str(r.randrange(100)) for _ in range(4)), 0.0),
    "amounts": (lambda r: f"{r.randrange(10**9):,}.{r.randrange(100):02}", 0.0),
}  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
def test_chance_is_not_taken_for_a_number(sort: str) -> None:
    make, most = SORTS[sort]
    rnd = random.Random(sort)  # noqa: S311  # as above
    # Cards have a test of their own: Luhn's check alone holds for a tenth of what begins like one.
    texts = [make(rnd) for _ in range(20_000)]
    taken = [text for text in texts if find_personal(f"no. {text}") - {"payment_card"}]
    assert len(taken) <= most * 20_000, taken[:5]


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda i: f"person{i}@example.com", "email_list"),
        (lambda i: f"+49 170 12345{i:02}", "phone_list"),
        (lambda i: f"born: 19{50 + i}-02-03", "birth_list"),
    ],
)
def test_many_addresses_are_personal_data(make: Callable[[int], str], kind: str) -> None:
    many = "\n".join(make(i) for i in range(BULK))
    assert find_personal(many) == {kind}
    assert find_personal("\n".join([make(1)] * 3 * BULK)) == frozenset()
    assert find_personal("\n".join(make(i) for i in range(BULK - 1))) == frozenset()
    assert find_sensitive(many, bulk=BULK + 1)[1] == frozenset()
