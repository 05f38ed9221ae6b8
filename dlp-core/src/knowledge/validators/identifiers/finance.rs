//! Cards, accounts, routing numbers and securities.

use super::compact::{Compact, alnum, ascii_digits, digit, digits, letter_value, number, two};
use super::countries;
use super::iban_registry::{REGISTRY, Structure};
use super::sums::{complement, ends_with, luhn, mod97, weighted, weighted_digit_sums};

/// Issuer prefixes of one network, as ranges of the first six digits, with the lengths that it issues.
struct Network {
    first: std::ops::RangeInclusive<u32>,
    lengths: &'static [usize],
}

const fn network(first: std::ops::RangeInclusive<u32>, lengths: &'static [usize]) -> Network {
    Network { first, lengths }
}

/// Networks that issue 16 to 19 digits.
const LONG: &[usize] = &[16, 17, 18, 19];
/// Diners Club International.
const DINERS: &[usize] = &[14, 16, 17, 18, 19];
/// Maestro.
const MAESTRO: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

/// Issuer ranges of ISO/IEC 7812 in use. The ranges of UATP (`1`) and the wide ones of Maestro are left out: they would
/// make every tenth number of their length a card.
static NETWORKS: &[Network] = &[
    network(400_000..=499_999, &[13, 16, 19]),
    network(510_000..=559_999, &[16]),
    network(222_100..=272_099, &[16]),
    network(340_000..=349_999, &[15]),
    network(370_000..=379_999, &[15]),
    network(601_100..=601_199, LONG),
    network(644_000..=659_999, LONG),
    network(300_000..=305_999, DINERS),
    network(309_500..=309_599, DINERS),
    network(360_000..=369_999, DINERS),
    network(380_000..=399_999, DINERS),
    network(352_800..=358_999, LONG),
    network(180_000..=180_099, &[15]),
    network(213_100..=213_199, &[15]),
    network(620_000..=629_999, LONG),
    network(810_000..=817_199, LONG),
    network(501_800..=501_899, MAESTRO),
    network(502_000..=502_099, MAESTRO),
    network(503_800..=503_899, MAESTRO),
    network(589_300..=589_399, MAESTRO),
    network(630_400..=630_499, MAESTRO),
    network(675_900..=675_999, MAESTRO),
    network(676_100..=676_399, MAESTRO),
    network(676_770..=676_774, MAESTRO),
    network(220_000..=220_599, LONG),
    network(508_000..=508_999, &[16]),
    network(606_985..=608_500, &[16]),
    network(979_200..=979_299, &[16]),
    network(506_099..=506_198, &[16, 18, 19]),
    network(507_865..=507_964, &[16, 18, 19]),
    network(506_699..=506_778, &[16]),
    network(509_000..=509_999, &[16]),
    network(627_780..=627_780, &[16]),
    network(636_000..=639_999, LONG),
    network(606_282..=606_282, &[16, 19]),
    network(501_900..=501_999, &[16]),
    network(986_000..=986_099, &[16]),
    network(860_000..=860_099, &[16]),
    network(970_400..=970_499, &[16, 19]),
    network(589_562..=589_562, &[16]),
    network(604_201..=604_219, &[16]),
    // Ranges of JCB from before 3528 to 3589.
    network(308_800..=309_499, &[16]),
    network(309_600..=310_299, &[16]),
    network(311_200..=312_099, &[16]),
    network(315_800..=315_999, &[16]),
    network(333_700..=334_999, &[16]),
];

/// Payment card number: issuer range with one of its lengths, and Luhn's test (ISO/IEC 7812-1).
pub(super) fn card(value: &[u8]) -> Option<bool> {
    let d = Compact::digits(value)?;
    let first = number(d.get(..6)?) as u32;
    let issued = NETWORKS.iter().any(|n| n.first.contains(&first) && n.lengths.contains(&d.len()));
    Some(issued && luhn(&d))
}

/// Magnetic stripe, ISO/IEC 7813: the card number up to the separator of its track must be one.
pub(super) fn card_track(value: &[u8]) -> Option<bool> {
    let start = value.iter().position(u8::is_ascii_digit)?;
    let len = value[start..].iter().position(|byte| !byte.is_ascii_digit())?;
    let tail = value[start + len..].split(|byte| matches!(byte, b'=' | b'^')).next_back()?;
    let expiry = ascii_digits::<4>(tail.get(..4)?)?;
    Some(matches!(two(&expiry, 2), 1..=12) && card(&value[start..start + len]) == Some(true))
}

/// IBAN, ISO 13616: length and account structure of the country, check digits 02 to 98, mod 97-10.
pub(super) fn iban(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    let (country, account) = (c.get(..2)?, c.get(4..)?);
    let check = number(&ascii_digits::<2>(c.get(2..4)?)?);
    let (_, structure) = REGISTRY.iter().find(|(code, _)| code.as_bytes() == country)?;
    let rest = mod97(account.iter().chain(&c[..4]))?;
    Some((2..=98).contains(&check) && fits(account, structure) && rest == 1)
}

/// Whether an account has the structure: runs of digits (`n`), letters (`a`) or both (`c`).
fn fits(account: &[u8], structure: Structure) -> bool {
    let mut rest = account;
    for (count, class) in structure {
        let Some((run, after)) = rest.split_at_checked(usize::from(*count)) else { return false };
        let in_class = |byte: &u8| match class {
            'n' => byte.is_ascii_digit(),
            'a' => byte.is_ascii_uppercase(),
            _ => true,
        };
        if !run.iter().all(in_class) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// Computes the check digits of an IBAN whose country and account are given.
pub(super) fn complete_iban(value: &str) -> Option<String> {
    let c = Compact::alnum(value.as_bytes())?;
    let rest = mod97(c.get(4..)?.iter().chain(&c[..2]).chain(b"00"))?;
    Some(format!("{}{:02}{}", value.get(..2)?, 98 - rest, value.get(4..)?))
}

/// Polish account number (NRB): an IBAN without its country; the bank's sort code has a check digit of its own.
pub(super) fn pl_account(value: &[u8]) -> Option<bool> {
    let d = digits::<26>(value)?;
    let c = Compact::alnum(value)?;
    let rest = mod97(c[2..].iter().chain(b"PL").chain(&c[..2]))?;
    Some(number(&d[2..10]) != 0 && rest == 1)
}

/// US routing number of the American Bankers Association.
pub(super) fn us_routing(value: &[u8]) -> Option<bool> {
    let d = digits::<9>(value)?;
    let district = matches!(two(&d, 0), 1..=12 | 21..=32 | 61..=72 | 80);
    Some(district && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0)
}

/// Business identifier code, ISO 9362: the country must exist.
pub(super) fn bic(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    Some(matches!(c.len(), 8 | 11) && countries::is_alpha2(c.get(4..6)?))
}

/// Spanish account number (CCC): two check digits, over bank and branch, and over the account.
pub(super) fn es_account(value: &[u8]) -> Option<bool> {
    let d = digits::<20>(value)?;
    let check = |digits: &[u8], weights: &[i32]| match 11 - weighted(digits, weights) % 11 {
        11 => 0,
        10 => 1,
        check => check,
    };
    let bank = check(&d[..8], &[4, 8, 5, 10, 9, 7, 3, 6]);
    let account = check(&d[10..], &[1, 2, 4, 8, 5, 10, 9, 7, 3, 6]);
    Some(number(&d[..8]) != 0 && i32::from(d[8]) == bank && i32::from(d[9]) == account)
}

/// French account number (RIB): letters take the digit of their place in three rows of the alphabet; key modulo 97.
pub(super) fn fr_account(value: &[u8]) -> Option<bool> {
    let c = alnum::<23>(value)?;
    let as_digit = |byte: &u8| match byte {
        b'A'..=b'R' => (byte - b'A') % 9 + 1,
        b'S'..=b'Z' => byte - b'S' + 2,
        _ => byte - b'0',
    };
    let mut d = [0; 23];
    d.iter_mut().zip(&c).for_each(|(slot, byte)| *slot = as_digit(byte));
    let [bank, branch, account, key] = [&d[..5], &d[5..10], &d[10..21], &d[21..]].map(number);
    let plain = c[..10].iter().chain(&c[21..]).all(u8::is_ascii_digit);
    Some(plain && (1..=97).contains(&key) && (89 * bank + 15 * branch + 3 * account + key) % 97 == 0)
}

/// Argentine account number (CBU, CVU): a check digit for each of its two blocks.
pub(super) fn ar_account(value: &[u8]) -> Option<bool> {
    let d = digits::<22>(value)?;
    let bank = complement(weighted(&d[..7], &[7, 1, 3, 9, 7, 1, 3]), 10);
    let account = complement(weighted(&d[8..21], &[3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3]), 10);
    Some(number(&d[..8]) != 0 && i32::from(d[7]) == bank && ends_with(&d, account))
}

/// Mexican account number (CLABE): weights 3, 7, 1, each product modulo ten.
pub(super) fn mx_account(value: &[u8]) -> Option<bool> {
    let d = digits::<18>(value)?;
    let sum: i32 = d[..17].iter().zip([3, 7, 1].iter().cycle()).map(|(n, w)| i32::from(*n) * w % 10).sum();
    Some(number(&d[..3]) > 1 && ends_with(&d, complement(sum, 10)))
}

/// Legal Entity Identifier, ISO 17442: mod 97-10.
pub(super) fn lei(value: &[u8]) -> Option<bool> {
    let c = alnum::<20>(value)?;
    ascii_digits::<2>(&c[18..])?;
    Some(mod97(&c)? == 1)
}

/// International Securities Identification Number, ISO 6166: Luhn over letters written as two digits.
pub(super) fn isin(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    digit(c[11])?;
    let mut expanded = [0; 24];
    let mut len = 0;
    for byte in &c {
        let value = letter_value(*byte)?;
        if value > 9 {
            *expanded.get_mut(len)? = value / 10;
            len += 1;
        }
        *expanded.get_mut(len)? = value % 10;
        len += 1;
    }
    // Besides countries: the clearing houses, substitute agencies, and what is not yet assigned.
    const OTHERS: &[u8] = b"EUQSQTXAXBXCXDXFXS";
    let country = countries::is_alpha2(&c[..2]) || OTHERS.chunks_exact(2).any(|other| other == &c[..2]);
    Some(country && luhn(expanded.get(..len)?))
}

/// CUSIP, ANSI X9.6: values of letters and digits, every second one doubled.
pub(super) fn cusip(value: &[u8]) -> Option<bool> {
    let c = alnum::<9>(value)?;
    let check = digit(c[8])?;
    let mut values = [0; 8];
    for (slot, byte) in values.iter_mut().zip(&c) {
        *slot = letter_value(*byte)?;
    }
    let sum = weighted_digit_sums(&values, &[1, 2, 1, 2, 1, 2, 1, 2]);
    Some(number(&values) != 0 && i32::from(check) == complement(sum, 10))
}

/// Creditor reference, ISO 11649: `RF`, check digits, mod 97-10.
pub(super) fn creditor_reference(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    Some(c.starts_with(b"RF") && mod97(c.get(4..)?.iter().chain(&c[..4]))? == 1)
}

/// SEPA creditor identifier: mod 97-10 without the three characters that a creditor chooses.
pub(super) fn sepa_creditor(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    let rest = mod97(c.get(7..)?.iter().chain(&c[..4]))?;
    Some(countries::is_alpha2(&c[..2]) && rest == 1)
}

/// Swiss payment reference (QR, ESR): the recursive modulo ten of SIX.
pub(super) fn ch_reference(value: &[u8]) -> Option<bool> {
    const TABLE: [u8; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];
    let d = digits::<27>(value)?;
    let carry = d[..26].iter().fold(0u8, |carry, digit| TABLE[usize::from((carry + digit) % 10)]);
    Some(number(&d[..18]) != 0 && ends_with(&d, complement(i32::from(carry), 10)))
}

/// Norwegian account number: a check of ten is not issued.
pub(super) fn no_account(value: &[u8]) -> Option<bool> {
    let d = digits::<11>(value)?;
    Some(number(&d) != 0 && ends_with(&d, complement(weighted(&d[..10], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]), 11)))
}

/// Czech and Slovak account: prefix and number each make a multiple of eleven; the bank's code follows a slash.
pub(super) fn cz_account(value: &[u8]) -> Option<bool> {
    let slash = value.iter().position(|byte| *byte == b'/')?;
    let (account, bank) = (value.get(..slash)?, digits::<4>(value.get(slash + 1..)?)?);
    let hyphen = account.iter().position(|byte| *byte == b'-');
    let (prefix, account) = hyphen.map_or((&account[..0], account), |at| (&account[..at], &account[at + 1..]));
    let padded = |part: &[u8]| {
        let part = Compact::digits(part)?;
        let mut d = [0; 10];
        d.get_mut(10usize.checked_sub(part.len())?..)?.copy_from_slice(&part);
        Some(d)
    };
    let holds = |d: &[u8; 10]| weighted(d, &[6, 3, 7, 9, 10, 5, 8, 4, 2, 1]) % 11 == 0;
    let (prefix, account) = (padded(prefix)?, padded(account)?);
    Some(number(&account) > 9 && (100..=9_999).contains(&number(&bank)) && holds(&prefix) && holds(&account))
}

/// Hungarian account (GIRO) of sixteen or twenty-four digits: bank and branch, then the account.
pub(super) fn hu_account(value: &[u8]) -> Option<bool> {
    const WEIGHTS: [i32; 16] = [9, 7, 3, 1, 9, 7, 3, 1, 9, 7, 3, 1, 9, 7, 3, 1];
    let all = Compact::digits(value)?;
    let (bank, account) = all.split_at_checked(8)?;
    let holds = |part: &[u8]| number(part) != 0 && weighted(part, &WEIGHTS) % 10 == 0;
    Some(matches!(account.len(), 8 | 16) && holds(bank) && holds(account))
}

/// New Zealand account (Inland Revenue, bank account validation): the bank chooses the weights.
pub(super) fn nz_account(value: &[u8]) -> Option<bool> {
    let all = Compact::digits(value)?;
    let mut d = [0; 16];
    d[..13].copy_from_slice(all.get(..13)?);
    d.get_mut(16usize.checked_sub(all.len().checked_sub(13)?)?..)?.copy_from_slice(&all[13..]);
    let account = number(&d[6..13]);
    let products = |weights: [i32; 10]| d[6..].iter().zip(weights).map(|(n, w)| i32::from(*n) * w);
    let plain = |weights| products(weights).sum::<i32>();
    // The digits of a product are added until one is left.
    let reduced = |weights| products(weights).map(|p| if p == 0 { 0 } else { (p - 1) % 9 + 1 }).sum::<i32>();
    let common = plain([0, 10, 5, 8, 4, 2, 1, 0, 0, 0]);
    let holds = match two(&d, 0) {
        1..=4 | 6 | 10..=24 | 27 | 30 | 35 | 38 if account < 990_000 => {
            (common + weighted(&d[2..6], &[6, 3, 7, 9])) % 11 == 0
        }
        1..=4 | 6 | 10..=24 | 27 | 30 | 35 | 38 => common % 11 == 0,
        8 => plain([7, 6, 5, 4, 3, 2, 1, 0, 0, 0]) % 11 == 0,
        9 => reduced([0, 0, 0, 5, 4, 3, 2, 0, 0, 1]) % 11 == 0,
        25 | 33 => plain([1, 7, 3, 1, 7, 3, 1, 0, 0, 0]) % 10 == 0,
        26 | 28 | 29 => reduced([1, 3, 7, 1, 3, 7, 1, 3, 7, 1]) % 10 == 0,
        31 => true,
        _ => return None,
    };
    Some(matches!(all.len(), 15 | 16) && account != 0 && holds)
}

/// SEDOL of the London Stock Exchange: digits and consonants; one that starts with a digit has no letters.
pub(super) fn sedol(value: &[u8]) -> Option<bool> {
    let c = alnum::<7>(value)?;
    let mut values = [0; 7];
    for (slot, byte) in values.iter_mut().zip(&c) {
        *slot = letter_value(*byte)?;
    }
    let no_vowel = !c.iter().any(|byte| b"AEIOU".contains(byte)) && c[6].is_ascii_digit();
    let series = !c[0].is_ascii_digit() || c.iter().all(u8::is_ascii_digit);
    Some(no_vowel && series && number(&values) != 0 && weighted(&values, &[1, 3, 1, 7, 3, 9, 1]) % 10 == 0)
}

/// Financial Instrument Global Identifier (OMG, FIGI): two consonants, of which those of ISINs in use are never given
/// out, and a G.
pub(super) fn figi(value: &[u8]) -> Option<bool> {
    let c = alnum::<12>(value)?;
    let mut values = [0; 11];
    for (slot, byte) in values.iter_mut().zip(&c) {
        *slot = letter_value(*byte)?;
    }
    let taken = matches!(&c[..2], b"BS" | b"BM" | b"GG" | b"GB" | b"GH" | b"KY" | b"VG");
    let free = !taken && c[..2].iter().all(u8::is_ascii_uppercase) && c[2] == b'G';
    let sum = weighted_digit_sums(&values, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
    Some(
        free && !c.iter().any(|byte| b"AEIOU".contains(byte))
            && digit(c[11]).map(i32::from) == Some(complement(sum, 10)),
    )
}
