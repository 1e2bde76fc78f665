"""Check digits of national numbers, one function for each, over the compact form.

Guarantees: pure; a wrong form is False, never an exception, for text that the form in forms.py matched.
Sources are the rules that the issuing authorities or standards publish; each function names its own.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence

__all__ = [
    "is_aadhaar", "is_ahv", "is_belgian", "is_bsn", "is_chinese_id", "is_cnpj", "is_codice_fiscale",
    "is_cpf", "is_cpr", "is_curp", "is_dni", "is_hetu", "is_israeli_id", "is_medicare", "is_my_number",
    "is_nhs", "is_nif", "is_nino", "is_nir", "is_norwegian", "is_nric", "is_pesel", "is_rrn", "is_sin",
    "is_south_african", "is_steuer_id", "is_svnr", "is_swedish", "is_tckn", "is_tfn", "luhn",
]  # fmt: skip


def luhn(digits: str) -> bool:
    """The last digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for position, char in enumerate(reversed(digits)):
        digit = int(char)
        total += digit if position % 2 == 0 else digit // 5 + digit * 2 % 10
    return total % 10 == 0


def _sum(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _is_one_digit(digits: str) -> bool:
    return digits == digits[0] * len(digits)


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _is_short_day(year: str, month: str, day: str) -> bool:
    """Of a year of two digits: 29 February counts in each of its centuries' leap years."""
    return _is_day(2000 + int(year), int(month), int(day)) or (
        int(year) == 0 and _is_day(1900, int(month), int(day))
    )


def is_nino(text: str) -> bool:
    """United Kingdom, National Insurance number (HMRC NIM39110): which prefixes are given."""
    first, second = text[0], text[1]
    return (
        first not in "DFIQUV"
        and second not in "DFIOQUV"
        and text[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}
    )


def is_nhs(digits: str) -> bool:
    """England, NHS number (NHS Data Dictionary): weights 10 to 2, modulo 11."""
    check = -_sum(digits[:9], range(10, 1, -1)) % 11
    return check == int(digits[9]) and not _is_one_digit(digits)


def is_steuer_id(digits: str) -> bool:
    """Germany, tax identification number (BZSt, section 139b AO): ISO 7064 MOD 11,10.

    Of the first ten digits, exactly one occurs twice or three times.
    """
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if digits[0] == "0" or counts[-1] not in (2, 3) or (len(counts) > 1 and counts[-2] > 1):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def is_nir(text: str) -> bool:
    """France, NIR (INSEE): 97 less the number modulo 97; 2A and 2B of Corsica count as 19 and 18."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    if not number.isdigit() or not text[13:].isdigit():
        return False
    month = int(text[3:5])
    if not (1 <= month <= 12 or 20 <= month <= 42 or month >= 50):
        return False
    return 97 - int(number) % 97 == int(text[13:])


def is_dni(text: str) -> bool:
    """Spain, DNI and NIE (Ministerio del Interior): the letter at the number modulo 23."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


_CF_ODD = {
    **dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True)),
    **dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ), strict=True)),
}  # fmt: skip


def is_codice_fiscale(text: str) -> bool:
    """Italy, codice fiscale (DM 23 December 1976): odd places by a table, even ones by their value."""
    total = 0
    for place, char in enumerate(text[:15]):
        total += _CF_ODD[char] if place % 2 == 0 else int(char, 36) - (10 if char.isalpha() else 0)
    return chr(ord("A") + total % 26) == text[15]


def is_bsn(digits: str) -> bool:
    """Netherlands, burgerservicenummer (RvIG): the eleven test, the last digit weighs -1."""
    digits = digits.zfill(9)
    return _sum(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and not _is_one_digit(digits)


def is_belgian(digits: str) -> bool:
    """Belgium, national number (royal decree of 3 April 1984): 97 less the rest; a 2 before it from 2000."""
    month = int(digits[2:4]) % 20  # 20 or 40 are added for numbers of foreigners
    if not (month <= 12 and int(digits[4:6]) <= 31):
        return False
    check = int(digits[9:])
    return check in (97 - int(digits[:9]) % 97, 97 - int("2" + digits[:9]) % 97)


def is_swedish(digits: str) -> bool:
    """Sweden, personnummer (SKV 704): Luhn over the last ten; days from 61 are coordination numbers."""
    if len(digits) == 12:
        if digits[:2] not in ("18", "19", "20"):
            return False
        digits = digits[2:]
    day = int(digits[4:6])
    day -= 60 if day > 60 else 0
    return _is_short_day(digits[:2], digits[2:4], str(day)) and luhn(digits)


def is_norwegian(digits: str) -> bool:
    """Norway, fødselsnummer (Skatteetaten): two check digits modulo 11; D numbers add 40 to the day."""
    day = int(digits[:2])
    day -= 40 if day > 40 else 0
    if not _is_short_day(digits[4:6], digits[2:4], str(day)):
        return False
    first = -_sum(digits[:9], (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_sum(digits[:10], (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return first == int(digits[9]) and second == int(digits[10])


def is_cpr(digits: str) -> bool:
    """Denmark, CPR number: a day of birth; since 2007 numbers are given whose modulo 11 does not hold."""
    return _is_short_day(digits[4:6], digits[2:4], digits[:2])


def is_hetu(text: str) -> bool:
    """Finland, henkilötunnus (Digital and Population Data Services Agency): the sign at modulo 31."""
    number = text[:6] + text[7:10]
    return (
        _is_short_day(text[4:6], text[2:4], text[:2])
        and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number) % 31] == text[10]
    )


def is_pesel(digits: str) -> bool:
    """Poland, PESEL (act of 24 September 2010): weights 1 3 7 9; the month says the century."""
    century, month = divmod(int(digits[2:4]), 20)
    year = (1900, 2000, 2100, 2200, 1800)[century] + int(digits[:2])
    weights = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
    return _is_day(year, month, int(digits[4:6])) and _sum(digits, weights) % 10 == 0


def is_nif(digits: str) -> bool:
    """Portugal, NIF (decree-law 14/2013): weights 9 to 2, modulo 11, 0 for a rest below 2."""
    rest = _sum(digits[:8], range(9, 1, -1)) % 11
    return digits[0] in "1235689" and (0 if rest < 2 else 11 - rest) == int(digits[8])


def is_ahv(digits: str) -> bool:
    """Switzerland, AHV number (Central Compensation Office): EAN-13 with the country 756."""
    return digits.startswith("756") and _sum(digits, (1, 3) * 6 + (1,)) % 10 == 0


def is_svnr(digits: str) -> bool:
    """Austria, insurance number (Dachverband): the fourth digit is the check, then the day of birth."""
    day, month = int(digits[4:6]), int(digits[6:8])
    if not (1 <= day <= 31 and 1 <= month <= 15) or digits[0] == "0":
        return False
    return _sum(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(digits[3])


def is_tckn(digits: str) -> bool:
    """Turkey, T.C. kimlik no (NVİ): two check digits."""
    if digits[0] == "0":
        return False
    odd, even = sum(map(int, digits[0:9:2])), sum(map(int, digits[1:8:2]))
    return (odd * 7 - even) % 10 == int(digits[9]) and sum(map(int, digits[:10])) % 10 == int(
        digits[10]
    )


def _mod_11_10(digits: str, weights: Sequence[int]) -> int:
    return _sum(digits, weights) * 10 % 11 % 10


def is_cpf(digits: str) -> bool:
    """Brazil, CPF (Receita Federal): two check digits modulo 11."""
    return (
        not _is_one_digit(digits)
        and _mod_11_10(digits[:9], range(10, 1, -1)) == int(digits[9])
        and _mod_11_10(digits[:10], range(11, 1, -1)) == int(digits[10])
    )


def is_cnpj(digits: str) -> bool:
    """Brazil, CNPJ (Receita Federal): two check digits modulo 11."""
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return (
        not _is_one_digit(digits)
        and _mod_11_10(digits[:12], weights[1:]) == int(digits[12])
        and _mod_11_10(digits[:13], weights) == int(digits[13])
    )


def is_sin(digits: str) -> bool:
    """Canada, social insurance number (ESDC): Luhn; none begins with 0 or 8."""
    return digits[0] not in "08" and luhn(digits)


def is_tfn(digits: str) -> bool:
    """Australia, tax file number (ATO): weights 1 4 3 7 5 8 6 9 10, modulo 11."""
    return _sum(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0 and not _is_one_digit(digits)


def is_medicare(digits: str) -> bool:
    """Australia, Medicare card (Services Australia): weights 1 3 7 9, modulo 10, from 2 to 6."""
    weights = (1, 3, 7, 9, 1, 3, 7, 9)
    return digits[0] in "23456" and _sum(digits[:8], weights) % 10 == int(digits[8])


_VERHOEFF = tuple(
    tuple((i + j) % 5 if i < 5 and j < 5 else
          (i + j) % 5 + 5 if i < 5 else
          (i - j) % 5 + 5 if j < 5 else
          (i - j) % 5
          for j in range(10))
    for i in range(10)
)  # fmt: skip
_VERHOEFF_FIRST = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff_moves() -> tuple[tuple[int, ...], ...]:
    """The permutation of each of the eight places: the first one, applied again and again."""
    moves = [tuple(range(10))]
    for _ in range(7):
        moves.append(tuple(_VERHOEFF_FIRST[digit] for digit in moves[-1]))
    return tuple(moves)


_VERHOEFF_MOVES = _verhoeff_moves()


def is_aadhaar(digits: str) -> bool:
    """India, Aadhaar (UIDAI): Verhoeff's check over the dihedral group of ten; from 2 to 9."""
    check = 0
    for place, char in enumerate(reversed(digits)):
        check = _VERHOEFF[check][_VERHOEFF_MOVES[place % 8][int(char)]]
    return check == 0 and digits[0] in "23456789"


def is_chinese_id(text: str) -> bool:
    """China, resident identity number (GB 11643): ISO 7064 MOD 11-2, and a day of birth."""
    if not 1800 <= int(text[6:10]) <= 2100 or not _is_day(
        int(text[6:10]), int(text[10:12]), int(text[12:14])
    ):
        return False
    total = _sum(text[:17], [pow(2, 17 - place, 11) for place in range(17)])
    return "10X98765432"[total % 11] == text[17]


def is_my_number(digits: str) -> bool:
    """Japan, individual number (ministerial order 85 of 2014): weights 6 to 2, 7 to 2, modulo 11."""
    rest = _sum(digits[:11], (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(digits[11]) and not _is_one_digit(digits)


def is_rrn(digits: str) -> bool:
    """South Korea, resident registration number: day of birth, sex and century.

    Its check digit (weights 2 to 9, 2 to 5) is not given any more since October 2020.
    """
    return digits[6] in "12345678" and _is_short_day(digits[:2], digits[2:4], digits[4:6])


def is_nric(text: str) -> bool:
    """Singapore, NRIC and FIN (ICA): weights 2 7 6 5 4 3 2, an offset by series, a letter by series."""
    total = _sum(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    letters = {"S": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    series = {"T": "S", "G": "F"}.get(text[0], text[0])
    return letters[series][total % 11] == text[8]


def is_south_african(digits: str) -> bool:
    """South Africa, identity number (Department of Home Affairs): day of birth, citizenship, Luhn."""
    return (
        _is_short_day(digits[:2], digits[2:4], digits[4:6]) and digits[10] in "012" and luhn(digits)
    )


def is_curp(text: str) -> bool:
    """Mexico, CURP (RENAPO): signs by their place in a row of 37, weights 18 to 2, modulo 10."""
    row = "0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ"
    total = sum(row.index(char) * (18 - place) for place, char in enumerate(text[:17]))
    return _is_short_day(text[4:6], text[6:8], text[8:10]) and -total % 10 == int(text[17])


def is_israeli_id(digits: str) -> bool:
    """Israel, identity number (Population Authority): weights 1 2 with cross sums, as Luhn's."""
    return luhn(digits.zfill(9)) and int(digits) > 0
