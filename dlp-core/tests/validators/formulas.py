"""Checks that python-stdnum does not have, from the formulas that the issuers or the literature give.

They say no more than the sum and what the shapes of the rows do not fix already. Sums that python-stdnum knows by name are its
own.
"""

import datetime
import ipaddress

from stdnum import luhn, verhoeff
from stdnum.gb import nhs
from stdnum.iso7064 import mod_97_10

DIGITS = "0123456789"
BASE36 = DIGITS + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def total(value, weights):
    """The sum of the values of characters (A is 10), each times its weight."""
    return sum(BASE36.index(c) * w for c, w in zip(value, weights, strict=True))


def day(year, month, date):
    try:
        datetime.date(year, month, date)
        return True
    except ValueError:
        return False


def is_address(kind, text):
    try:
        kind(text)
        return True
    except ValueError:
        return False


def any_century(yy, month, date):
    return any(day(century + int(yy), int(month), int(date)) for century in (1800, 1900, 2000))


def cross_sums(value, weights):
    """The sum of the digits of all products."""
    return sum(sum(divmod(int(c) * w, 10)) for c, w in zip(value, weights, strict=True))


def letter_number(letter):
    return f"{BASE36.index(letter) - 9:02}"


def br_cnh(v):
    first = total(v[:9], range(9, 0, -1)) % 11
    off = 2 if first == 10 else 0
    first %= 10
    second = total(v[:9], range(1, 10)) % 11 - off
    second = second + 11 if second < 0 else second
    return v[9:] == f"{first}{second if second < 10 else 0}"


def br_voter(v):
    state = int(v[8:10])

    def check(rest):
        # São Paulo and Minas Gerais ran out of numbers with a zero.
        return 1 if rest == 0 and state in (1, 2) else rest % 10

    first = check(total(v[:8], range(2, 10)) % 11)
    second = check((total(v[8:10], (7, 8)) + 9 * first) % 11)
    return 1 <= state <= 28 and v[10:] == f"{first}{second}"


def by_personal(v):
    century = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}.get(v[0])
    is_real = century is not None and day(century + int(v[5:7]), int(v[3:5]), int(v[1:3]))
    return is_real and v[7] in "ABCHKEM" and v[11:13] in ("PB", "BA", "BI") and int(v[13]) == total(v[:13], (7, 3, 1) * 4 + (7,)) % 10


def de_pension(v):
    date = int(v[2:4])
    is_real = any_century(v[6:8], v[4:6], date - 50 if date > 50 else date)
    return is_real and int(v[11]) == cross_sums(v[:8] + letter_number(v[8]) + v[9:11], (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) % 10


def es_social_security(v):
    province, number, check = v[:2], v[2:10], int(v[10:])
    short = int(province + number[1:]) if number[0] == "0" else int(province + number)
    return check in (short % 97, int(province + number) % 97)


def kz_iin(v):
    century = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000}.get(v[6])
    if century is None or not day(century + int(v[:2]), int(v[2:4]), int(v[4:6])):
        return False
    rest = total(v[:11], range(1, 12)) % 11
    if rest == 10:
        rest = total(v[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return rest == int(v[11])


def hk_identity(v):
    if not v[: len(v) - 7].isalpha() or not v[len(v) - 7 : -1].isdigit():
        return False
    padded = 36 * 9 if len(v) == 8 else 0
    letters = (9, 8)[-(len(v) - 7):]
    rest = -(padded + total(v[:-1], letters + (7, 6, 5, 4, 3, 2))) % 11
    return v[-1] == "0123456789A"[rest]


def nz_nhi(v):
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    values = [letters.index(c) + 1 if c in letters else int(c) for c in v[:6]]
    rest = sum(value * w for value, w in zip(values, range(7, 1, -1), strict=True))
    if v[6] in letters:
        return letters.index(v[6]) + 1 == 23 - rest % 23
    return rest % 11 != 0 and int(v[6]) == (11 - rest % 11) % 10


def ru_snils(v):
    return int(v[:9]) > 1001998 and int(v[9:]) == total(v[:9], range(9, 0, -1)) % 101 % 100


def sg_nric(v):
    rest = total(v[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(v[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    return v[8] == letters[v[0]][rest % 11]


def tw_identity(v):
    numbers = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
    return total(str(numbers.index(v[0]) + 10) + v[1:], (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)) % 10 == 0


def vin(v):
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum((int(c) if c in DIGITS else values[c]) * w for c, w in zip(v, weights, strict=True)) % 11
    return v[8] == "0123456789X"[rest]


def it_account(v):
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    place = lambda c: int(c) if c in DIGITS else BASE36.index(c) - 10
    if not v[1:11].isdigit():
        return False
    rest = sum(odd[place(c)] if at % 2 == 0 else place(c) for at, c in enumerate(v[1:]))
    return v[0] == BASE36[10 + rest % 26]


def fr_account(v):
    digits = "".join(c if c in DIGITS else "12345678912345678923456789"[BASE36.index(c) - 10] for c in v[:21])
    bank, branch, account = int(digits[:5]), int(digits[5:10]), int(digits[10:])
    return 1 <= int(v[21:]) <= 97 and (89 * bank + 15 * branch + 3 * account + int(v[21:])) % 97 == 0


def us_dea(v):
    if v[0] not in "ABCDEFGHJKLMPRSTUX":
        return False
    odd, even = (sum(int(c) for c in v[2 + start : 8 : 2]) for start in (0, 1))
    return (odd + 2 * even) % 10 == int(v[8])


FORMULAS = {
    "ae_emirates_id": lambda v: v[:3] == "784" and 1850 <= int(v[3:7]) <= 2100 and luhn.is_valid(v),
    "au_healthcare": lambda v: v[:6] in ("800360", "800361", "800362") and luhn.is_valid(v),
    "au_medicare": lambda v: v[0] in "23456" and v[9] != "0" and int(v[8]) == total(v[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10,
    "br_cnh": br_cnh,
    "br_health_card": lambda v: v[0] in "12789" and total(v, range(15, 0, -1)) % 11 == 0,
    "br_rg": lambda v: (total(v[:8], range(2, 10)) + 100 * (10 if v[8] == "X" else int(v[8]))) % 11 == 0,
    "br_pis": lambda v: int(v[10]) == -total(v[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10,
    "br_vehicle": lambda v: int(v[10]) == 10 * total(v[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11 % 10,
    "br_voter": br_voter,
    "by_personal": by_personal,
    "ca_ohip": lambda v: v[0] != "0" and luhn.is_valid(v),
    "card": luhn.is_valid,
    "de_document": lambda v: int(v[9]) == total(v[:9], (7, 3, 1) * 3) % 10,
    "de_health_insurance": lambda v: int(v[9]) == cross_sums(letter_number(v[0]) + v[1:9], (1, 2) * 5) % 10,
    "de_pension": de_pension,
    "de_physician": lambda v: int(v[6]) == -total(v[:6], (4, 9) * 3) % 10,
    "es_social_security": es_social_security,
    "fr_account": fr_account,
    "fr_health_professional": luhn.is_valid,
    "hk_identity": hk_identity,
    "hu_account": lambda v: all(total(part, (9, 7, 3, 1) * (len(part) // 4)) % 10 == 0 for part in (v[:8], v[8:])),
    "hu_taj": lambda v: int(v[8]) == total(v[:8], (3, 7) * 4) % 10,
    "hu_personal_id": lambda v: v[0] in "12345678" and any_century(v[1:3], v[3:5], v[5:7])
    and any(int(v[10]) == total(v[:10], weights) % 11 for weights in (range(1, 11), range(10, 0, -1))),
    "hu_tax_id": lambda v: v[0] == "8" and int(v[9]) == total(v[:9], range(1, 10)) % 11,
    "gb_chi": lambda v: any_century(v[4:6], v[2:4], v[:2]) and nhs.is_valid(v),
    "ipv4": lambda v: is_address(ipaddress.IPv4Address, v),
    "ipv6": lambda v: is_address(ipaddress.IPv6Address, v),
    "loinc": lambda v: v[0] != "0" and luhn.is_valid(v.replace("-", "")),
    "ph_taxpayer": lambda v: int(v[8]) == total(v[:8], range(9, 1, -1)) % 11,
    "pl_pwz": lambda v: v[0] != "0" and int(v[0]) == total(v[1:], range(1, 7)) % 11,
    "snomed": lambda v: verhoeff.is_valid(v),
    "zw_national": lambda v: v[8] == "ZABCDEFGHJKLMNPQRSTVWXY"[int(v[:8]) % 23],
    "iccid": luhn.is_valid,
    "ir_national_code": lambda v: int(v[9]) == min(total(v[:9], range(10, 1, -1)) % 11, 11 - total(v[:9], range(10, 1, -1)) % 11)
    if total(v[:9], range(10, 1, -1)) % 11 < 2
    else int(v[9]) == 11 - total(v[:9], range(10, 1, -1)) % 11,
    "it_account": it_account,
    "kw_civil": lambda v: int(v[11]) == 11 - total(v[:11], (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11
    and day((1900 if v[0] == "2" else 2000) + int(v[1:3]), int(v[3:5]), int(v[5:7])),
    "kz_iin": kz_iin,
    "lk_nic": lambda v: 1850 <= int(v[:4]) <= 2100
    and (1 <= int(v[4:7]) <= 366 or 501 <= int(v[4:7]) <= 866)
    and int(v[11]) == (11 - total(v[:11], (8, 4, 3, 2, 7, 6, 5, 7, 4, 3, 2)) % 11) % 10,
    "lu_matricule": lambda v: luhn.is_valid(v[:12])
    and verhoeff.is_valid(v[:11] + v[12])
    and day(int(v[:4]), int(v[4:6]), int(v[6:8])),
    "mx_account": lambda v: int(v[17]) == -sum(int(c) * w % 10 for c, w in zip(v[:17], (3, 7, 1) * 5 + (3, 7), strict=True)) % 10,
    "nz_nhi": nz_nhi,
    "pl_account": lambda v: mod_97_10.is_valid(v[2:] + "2521" + v[:2]),
    "pl_id_card": lambda v: v[:3].isalpha() and v[3:].isdigit() and total(v, (7, 3, 1, 9, 7, 3, 1, 7, 3)) % 10 == 0,
    "pl_land_register": lambda v: int(v[-1])
    == sum("0123456789XABCDEFGHIJKLMNOPRSTUWYZ".index(c) * w for c, w in zip(v.replace("/", "")[:12], (1, 3, 7) * 4, strict=True)) % 10,
    "pl_passport": lambda v: v[:2].isalpha() and v[2:].isdigit() and total(v, (7, 3, 9, 1, 7, 3, 1, 7, 3)) % 10 == 0,
    "pt_social_security": lambda v: v[0] in "12" and int(v[10]) == 9 - total(v[:10], (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)) % 10,
    "ru_snils": ru_snils,
    "sa_id": lambda v: v[0] in "12" and luhn.is_valid(v),
    "sg_nric": sg_nric,
    "sv_dui": lambda v: int(v[8]) == -total(v[:8], range(9, 1, -1)) % 10,
    "tw_identity": tw_identity,
    "us_dea": us_dea,
    "us_npi": lambda v: v[0] in "12" and luhn.is_valid("80840" + v),
    "uy_ci": lambda v: int(v[7]) == -total(v[:7], (2, 9, 8, 7, 6, 3, 4)) % 10,
    "vin": vin,
}
