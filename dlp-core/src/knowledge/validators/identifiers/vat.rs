//! VAT numbers of the European Union, Northern Ireland, the United Kingdom, Norway and Switzerland, by their prefix.

use super::compact::Compact;
use super::{eastern_europe as east, northern_europe as north, southern_europe as south, western_europe as west};

/// A rule of one country.
type Rule = fn(&[u8]) -> Option<bool>;

/// A VAT number with its country prefix, checked by the rule of the country.
pub(super) fn eu_vat(value: &[u8]) -> Option<bool> {
    let c = Compact::alnum(value)?;
    let (prefix, rest) = c.split_at_checked(2)?;
    match prefix {
        b"AT" => west::at_vat(&c),
        b"BE" => west::be_vat(rest),
        b"BG" => either(rest, east::bg_company, east::bg_egn),
        b"CY" => south::cy_tax(rest),
        b"CZ" => either(rest, east::cz_vat, east::cz_birth_number),
        b"DE" => west::de_vat(rest),
        b"DK" => north::dk_cvr(rest),
        b"EE" => north::ee_vat(rest),
        b"EL" | b"GR" => south::gr_afm(rest),
        b"ES" => either(rest, south::es_nif, south::es_cif),
        b"FI" => north::fi_business_id(rest),
        b"FR" => west::fr_vat(rest),
        b"GB" | b"XI" => west::gb_vat(rest),
        b"HR" => east::hr_oib(rest),
        b"HU" => east::hu_vat(rest),
        b"IE" => west::ie_pps(rest),
        b"IT" => south::it_vat(rest),
        b"LT" => north::lt_vat(rest),
        b"LU" => west::lu_vat(rest),
        b"LV" => north::lv_vat(rest),
        b"MT" => south::mt_vat(rest),
        b"NL" => west::nl_vat(&c),
        b"PL" => super::poland::nip(rest),
        b"PT" => south::pt_nif(rest),
        b"RO" => east::ro_company(rest),
        b"SE" => north::se_vat(rest),
        b"SI" => east::si_tax(rest),
        b"SK" => east::sk_vat(rest),
        _ => None,
    }
}

/// The first rule, or the second.
fn either(value: &[u8], first: Rule, second: Rule) -> Option<bool> {
    Some(first(value) == Some(true) || second(value) == Some(true))
}
