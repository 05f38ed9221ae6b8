//! Checks of numbers that people and companies carry: identity, tax, card and account numbers.
//!
//! One function for each kind of number, grouped by region or subject. A function answers `None` when the value does
//! not even have the shape, `Some(false)` when its check fails. What many of them share, compact forms, weighted sums
//! and dates, stands in files of its own.

use super::{Check, Verdict};

mod africa;
mod asia_pacific;
mod coins;
mod compact;
mod contact;
mod countries;
mod dates;
mod devices;
mod eastern_europe;
mod finance;
mod general;
mod health;
mod iban_registry;
mod keccak;
mod latin_america;
mod north_america;
mod northern_europe;
mod poland;
mod southern_europe;
mod sums;
mod travel_documents;
mod vat;
mod western_europe;

/// A check that only tests.
macro_rules! check {
    ($name:literal, $test:path) => {
        Check { name: $name, verdict: |value| verdict($test(value)), complete: None, is_marked: false }
    };
}

/// A check that can also complete a value by its last digits.
macro_rules! completed {
    ($name:literal, $test:path) => {
        Check {
            name: $name,
            verdict: |value| verdict($test(value)),
            complete: Some(|value| complete_last_digits(value, $test)),
            is_marked: false,
        }
    };
}

/// The checks of this family, sorted by name.
pub(super) static CHECKS: &[Check] = &[
    check!("ad-tax", southern_europe::ad_tax),
    check!("ae-emirates-id", asia_pacific::ae_emirates_id),
    check!("al-identity", eastern_europe::al_identity),
    check!("ar-account", finance::ar_account),
    check!("ar-cuit", latin_america::ar_cuit),
    check!("at-social-insurance", western_europe::at_social_insurance),
    check!("at-vat", western_europe::at_vat),
    check!("au-abn", asia_pacific::au_abn),
    check!("au-acn", asia_pacific::au_acn),
    check!("au-healthcare-identifier", asia_pacific::au_healthcare_identifier),
    check!("au-medicare", asia_pacific::au_medicare),
    check!("au-tfn", asia_pacific::au_tfn),
    check!("az-taxpayer", eastern_europe::az_taxpayer),
    check!("baltic-personal-code", northern_europe::baltic_personal_code),
    check!("be-modulo-97", western_europe::be_modulo_97),
    check!("be-national-number", western_europe::be_national_number),
    check!("be-vat", western_europe::be_vat),
    check!("bg-company", eastern_europe::bg_company),
    check!("bg-egn", eastern_europe::bg_egn),
    check!("bg-foreigner", eastern_europe::bg_foreigner),
    check!("bic", finance::bic),
    check!("bitcoin", coins::bitcoin),
    check!("br-cnh", latin_america::br_cnh),
    check!("br-cnpj", latin_america::br_cnpj),
    check!("br-cpf", latin_america::br_cpf),
    check!("br-health-card", latin_america::br_health_card),
    check!("br-pis", latin_america::br_pis),
    check!("br-rg", latin_america::br_rg),
    check!("br-vehicle", latin_america::br_vehicle),
    check!("br-voter", latin_america::br_voter),
    check!("by-personal", eastern_europe::by_personal),
    check!("by-taxpayer", eastern_europe::by_taxpayer),
    check!("ca-bc-health", north_america::ca_bc_health),
    check!("ca-business", north_america::ca_business),
    check!("ca-ohip", north_america::ca_ohip),
    check!("ca-ramq", north_america::ca_ramq),
    check!("ca-sin", north_america::ca_sin),
    completed!("card", finance::card),
    check!("card-track", finance::card_track),
    completed!("ch-ahv", western_europe::ch_ahv),
    check!("ch-reference", finance::ch_reference),
    check!("ch-uid", western_europe::ch_uid),
    check!("cl-rut", latin_america::cl_rut),
    check!("cn-resident-identity", asia_pacific::cn_resident_identity),
    check!("cn-social-credit", asia_pacific::cn_social_credit),
    check!("co-nit", latin_america::co_nit),
    check!("creditor-reference", finance::creditor_reference),
    check!("cu-identity", latin_america::cu_identity),
    check!("cusip", finance::cusip),
    check!("cy-tax", southern_europe::cy_tax),
    check!("cz-account", finance::cz_account),
    check!("cz-birth-number", eastern_europe::cz_birth_number),
    check!("cz-company", eastern_europe::cz_company),
    check!("de-document", western_europe::de_document),
    check!("de-health-insurance", western_europe::de_health_insurance),
    check!("de-pension", western_europe::de_pension),
    check!("de-physician", western_europe::de_physician),
    check!("de-tax-id", western_europe::de_tax_id),
    check!("de-vat", western_europe::de_vat),
    check!("dk-cpr", northern_europe::dk_cpr),
    check!("dk-cvr", northern_europe::dk_cvr),
    check!("do-cedula", latin_america::do_cedula),
    check!("do-rnc", latin_america::do_rnc),
    check!("dogecoin", coins::dogecoin),
    check!("ec-cedula", latin_america::ec_cedula),
    check!("ec-ruc", latin_america::ec_ruc),
    check!("ee-company", northern_europe::ee_company),
    check!("ee-vat", northern_europe::ee_vat),
    check!("eg-national", africa::eg_national),
    check!("email", contact::email),
    check!("energy-code", general::energy_code),
    check!("es-account", finance::es_account),
    check!("es-cadastral", southern_europe::es_cadastral),
    check!("es-cif", southern_europe::es_cif),
    check!("es-nif", southern_europe::es_nif),
    check!("es-social-security", southern_europe::es_social_security),
    check!("es-supply-point", southern_europe::es_supply_point),
    Check {
        name: "ethereum",
        verdict: |value| verdict_if_applicable(coins::ethereum(value)),
        complete: None,
        is_marked: false,
    },
    check!("eu-health-card", western_europe::eu_health_card),
    check!("eu-vat", vat::eu_vat),
    check!("fi-business-id", northern_europe::fi_business_id),
    check!("fi-personal-identity-code", northern_europe::fi_personal_identity_code),
    check!("figi", finance::figi),
    check!("fr-account", finance::fr_account),
    check!("fr-health-professional", western_europe::fr_health_professional),
    check!("fr-nir", western_europe::fr_nir),
    check!("fr-siren", western_europe::fr_siren),
    check!("fr-siret", western_europe::fr_siret),
    check!("fr-spi", western_europe::fr_spi),
    check!("gb-chi", western_europe::gb_chi),
    check!("gb-driving-licence", western_europe::gb_driving_licence),
    check!("gb-nhs", western_europe::gb_nhs),
    check!("gb-nino", western_europe::gb_nino),
    check!("gb-pupil", western_europe::gb_pupil),
    check!("gb-utr", western_europe::gb_utr),
    check!("gh-taxpayer", africa::gh_taxpayer),
    check!("gr-afm", southern_europe::gr_afm),
    check!("gr-amka", southern_europe::gr_amka),
    completed!("gs1", general::gs1),
    check!("gt-nit", latin_america::gt_nit),
    check!("hk-identity", asia_pacific::hk_identity),
    completed!("hr-oib", eastern_europe::hr_oib),
    check!("hu-account", finance::hu_account),
    check!("hu-company-tax", eastern_europe::hu_company_tax),
    check!("hu-personal-id", eastern_europe::hu_personal_id),
    completed!("hu-taj", eastern_europe::hu_taj),
    check!("hu-tax-id", eastern_europe::hu_tax_id),
    Check {
        name: "iban",
        verdict: |value| verdict(finance::iban(value)),
        complete: Some(finance::complete_iban),
        is_marked: false,
    },
    check!("iccid", devices::iccid),
    check!("id-nik", asia_pacific::id_nik),
    check!("id-taxpayer", asia_pacific::id_taxpayer),
    check!("ie-pps", western_europe::ie_pps),
    completed!("il-identity", asia_pacific::il_identity),
    check!("imei", devices::imei),
    check!("imsi", devices::imsi),
    completed!("in-aadhaar", asia_pacific::in_aadhaar),
    check!("in-driving-licence", asia_pacific::in_driving_licence),
    check!("in-epic", asia_pacific::in_epic),
    check!("in-gstin", asia_pacific::in_gstin),
    check!("in-pan", asia_pacific::in_pan),
    check!("in-virtual-id", asia_pacific::in_virtual_id),
    check!("ipv4", devices::ipv4),
    check!("ipv6", devices::ipv6),
    check!("ir-national-code", asia_pacific::ir_national_code),
    check!("is-kennitala", northern_europe::is_kennitala),
    check!("isbn", general::isbn),
    check!("isin", finance::isin),
    check!("it-account", southern_europe::it_account),
    check!("it-codice-fiscale", southern_europe::it_codice_fiscale),
    check!("it-vat", southern_europe::it_vat),
    check!("jp-corporate", asia_pacific::jp_corporate),
    completed!("jp-my-number", asia_pacific::jp_my_number),
    check!("kr-business", asia_pacific::kr_business),
    check!("kr-resident", asia_pacific::kr_resident),
    check!("kw-civil", asia_pacific::kw_civil),
    check!("kz-iin", eastern_europe::kz_iin),
    check!("lei", finance::lei),
    check!("litecoin", coins::litecoin),
    check!("lk-nic", asia_pacific::lk_nic),
    check!("loinc", health::loinc),
    check!("lt-vat", northern_europe::lt_vat),
    check!("lu-matricule", western_europe::lu_matricule),
    completed!("luhn", general::luhn),
    check!("lv-personal-code", northern_europe::lv_personal_code),
    check!("ma-company", africa::ma_company),
    check!("mac", devices::mac),
    check!("machine-readable-zone", travel_documents::machine_readable_zone),
    check!("md-idnp", eastern_europe::md_idnp),
    check!("meid", devices::meid),
    completed!("mod-11-10", general::mod_11_10),
    completed!("mod-97-10", general::mod_97_10),
    check!("monero", coins::monero),
    check!("mu-national", africa::mu_national),
    check!("mx-account", finance::mx_account),
    check!("mx-curp", latin_america::mx_curp),
    check!("mx-rfc", latin_america::mx_rfc),
    check!("mx-voter", latin_america::mx_voter),
    check!("my-nric", asia_pacific::my_nric),
    check!("mz-taxpayer", africa::mz_taxpayer),
    check!("nl-bsn", western_europe::nl_bsn),
    check!("nl-education", western_europe::nl_education),
    check!("nl-vat", western_europe::nl_vat),
    check!("no-account", finance::no_account),
    check!("no-birth-number", northern_europe::no_birth_number),
    check!("no-organisation", northern_europe::no_organisation),
    check!("nz-account", finance::nz_account),
    check!("nz-ird", asia_pacific::nz_ird),
    check!("nz-nhi", asia_pacific::nz_nhi),
    check!("pe-dni", latin_america::pe_dni),
    check!("pe-ruc", latin_america::pe_ruc),
    check!("ph-taxpayer", asia_pacific::ph_taxpayer),
    check!("pk-cnic", asia_pacific::pk_cnic),
    check!("pl-account", finance::pl_account),
    check!("pl-id-card", poland::id_card),
    check!("pl-land-register", poland::land_register),
    check!("pl-nip", poland::nip),
    check!("pl-passport", poland::passport),
    completed!("pl-pesel", poland::pesel),
    check!("pl-pwz", poland::pwz),
    completed!("pl-regon", poland::regon),
    check!("pt-citizen-card", southern_europe::pt_citizen_card),
    check!("pt-nif", southern_europe::pt_nif),
    check!("pt-social-security", southern_europe::pt_social_security),
    check!("py-ruc", latin_america::py_ruc),
    check!("qa-identity", asia_pacific::qa_identity),
    check!("ro-cnp", eastern_europe::ro_cnp),
    check!("ro-company", eastern_europe::ro_company),
    check!("ro-trade-register", eastern_europe::ro_trade_register),
    check!("ru-inn", eastern_europe::ru_inn),
    check!("ru-ogrn", eastern_europe::ru_ogrn),
    check!("ru-snils", eastern_europe::ru_snils),
    check!("sa-id", asia_pacific::sa_id),
    check!("se-organisation", northern_europe::se_organisation),
    completed!("se-personal-number", northern_europe::se_personal_number),
    check!("sedol", finance::sedol),
    check!("sepa-creditor", finance::sepa_creditor),
    check!("sg-entity", asia_pacific::sg_entity),
    check!("sg-nric", asia_pacific::sg_nric),
    check!("si-tax", eastern_europe::si_tax),
    check!("sk-vat", eastern_europe::sk_vat),
    check!("sn-taxpayer", africa::sn_taxpayer),
    check!("snomed", health::snomed),
    check!("solana", coins::solana),
    check!("sv-dui", latin_america::sv_dui),
    check!("sv-nit", latin_america::sv_nit),
    check!("th-citizen", asia_pacific::th_citizen),
    check!("th-company", asia_pacific::th_company),
    check!("tr-identity", eastern_europe::tr_identity),
    check!("tr-tax", eastern_europe::tr_tax),
    check!("tron", coins::tron),
    check!("tw-business", asia_pacific::tw_business),
    check!("tw-identity", asia_pacific::tw_identity),
    check!("ua-company", eastern_europe::ua_company),
    check!("ua-tax", eastern_europe::ua_tax),
    check!("us-dea", north_america::us_dea),
    check!("us-ein", north_america::us_ein),
    check!("us-itin", north_america::us_itin),
    check!("us-mbi", north_america::us_mbi),
    completed!("us-npi", north_america::us_npi),
    completed!("us-routing", finance::us_routing),
    check!("us-ssn", north_america::us_ssn),
    check!("uy-ci", latin_america::uy_ci),
    check!("uy-rut", latin_america::uy_rut),
    check!("ve-rif", latin_america::ve_rif),
    completed!("verhoeff", general::verhoeff),
    check!("vin", devices::vin),
    check!("vn-citizen", asia_pacific::vn_citizen),
    check!("vn-tax", asia_pacific::vn_tax),
    check!("xrp", coins::xrp),
    check!("yu-jmbg", eastern_europe::yu_jmbg),
    check!("yu-tax", eastern_europe::yu_tax),
    check!("za-id", africa::za_id),
    check!("za-tax", africa::za_tax),
    check!("zw-national", africa::zw_national),
];

fn verdict(passed: Option<bool>) -> Verdict {
    Verdict::from(passed.unwrap_or(false))
}

fn verdict_if_applicable(passed: Option<bool>) -> Verdict {
    passed.map_or(Verdict::NotApplicable, Verdict::from)
}

/// Most digits at the end of a value that are tried: two check digits are the rule's longest.
const TRIED_DIGITS_MAX: u32 = 2;

/// Replaces the last digit, or the last two, until the test passes.
fn complete_last_digits(value: &str, test: fn(&[u8]) -> Option<bool>) -> Option<String> {
    (1..=TRIED_DIGITS_MAX).find_map(|count| {
        let head = value.get(..value.len().checked_sub(count as usize)?)?;
        (0..10u32.pow(count))
            .map(|number| format!("{head}{number:0width$}", width = count as usize))
            .find(|candidate| test(candidate.as_bytes()) == Some(true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::validators;
    use proptest::prelude::*;

    /// Name, values that pass, values that fail: synthetic ones, and specimens that the issuers publish.
    #[rustfmt::skip]
    const SPECIMENS: &[(&str, &[&str], &[&str])] = &[
        ("ad-tax", &["F-123456-Z"], &["B-123456-Z", "F-800000-Z"]),
        ("ae-emirates-id", &["784-1930-6775817-2"], &["784-1930-6775817-0"]),
        ("al-identity", &["I05101999Q"], &["I01301999Q"]),
        ("ar-account", &["07537897 86779178207725"], &["07537897 86779178207720"]),
        ("ar-cuit", &["27-76289999-5"], &["27-76289999-0"]),
        ("at-social-insurance", &["7613 080105"], &["7610 080105"]),
        ("at-vat", &["ATU09783947"], &["ATU09783940"]),
        ("au-abn", &["62 393 016 111"], &["60 393 016 111"]),
        ("au-acn", &["144 481 961"], &["144 481 960"]),
        ("au-healthcare-identifier", &["8003 6270 9021 6177"], &["8003 6270 9021 6170"]),
        ("au-medicare", &["5509 09451 4"], &["5509 09450 4"]),
        ("au-tfn", &["927 693 152"], &["927 693 150"]),
        ("az-taxpayer", &["7592789961"], &["7592789901"]),
        ("baltic-personal-code", &["41605256481", "30907250395"], &["41605256480", "30907250390"]),
        ("be-modulo-97", &["213-1497735-44", "+++782/7246/62113+++"], &["213-1497735-40", "+++782/7246/62110+++"]),
        ("be-national-number", &["08.07.31-479.69", "10.52.20-212.82"], &["08.07.31-479.60", "10.52.20-212.80"]),
        ("be-vat", &["BE 1857.384.110"], &["BE 1857.384.111"]),
        ("bg-company", &["BG658210653"], &["BG658210650"]),
        ("bg-egn", &["1901049587"], &["1901049580"]),
        ("bg-foreigner", &["5236104115"], &["5236104110"]),
        ("bic", &["DEUTDEFF500"], &["DEUTXQFF500"]),
        ("bitcoin", &["1BQkzheHTkFYrGZNMapeJA4heu3jdcmJTJ", "3C6mvF8j1eZvwSFoUgVEinRdoRLTDgxNYh", "bc1qwghcen83yzuuagugclgw3ws7zl7t3yulmvhlyp", "bc1pwghcen83yzuuagugclgw3ws7zl7t3yulzpaduayytep58ym090cqf43qqu"], &["1BQkzheHTkFYrGZNMapeJA4heu3jdcmJTK", "bc1qwghcen83yzuuagugclgw3ws7zl7t3yulmvhlyz", "bc1pwghcen83yzuuagugclgw3ws7zl7t3yulzpaduayytep58ym090cqf43qqa"]),
        ("br-cnh", &["66058945543"], &["66058945540"]),
        ("br-cnpj", &["60.004.231/7960-05"], &["60.004.231/7960-00"]),
        ("br-cpf", &["211.205.028-10"], &["211.205.028-11"]),
        ("br-health-card", &["886 9162 0061 8038"], &["886 9162 0061 8030"]),
        ("br-pis", &["791.69385.86-2"], &["791.69385.86-0"]),
        ("br-rg", &["18.754.978-3"], &["18.754.978-0"]),
        ("br-vehicle", &["46104938321"], &["46104938320"]),
        ("br-voter", &["7135 8643 0655"], &["7135 8643 0650"]),
        ("by-personal", &["3190210B083PB0"], &["3190210B083PB1"]),
        ("by-taxpayer", &["EB5074671"], &["EB5074670"]),
        ("ca-bc-health", &["9251 664 655"], &["9251 664 650"]),
        ("ca-business", &["960417624 RT1007"], &["960417620 RT1007"]),
        ("ca-ohip", &["1501-650-798"], &["1501-650-790"]),
        ("ca-ramq", &["TREM 5504 1512"], &["TREM 5563 1512"]),
        ("ca-sin", &["414-804-559"], &["414-804-550"]),
        ("card", &["4000 0100 0007 1234", "5100 0000 0007 1231", "3400 000000 71232"], &["4000 0100 0007 1235"]),
        ("card-track", &["%B4000010000071234^DOE/JANE^30121010000000000?", ";4000010000071234=30121010000000000?"], &["%B4000010000071235^DOE/JANE^30121010000000000?", ";4000010000071234=30131010000000000?"]),
        ("ch-ahv", &["756.6256.8087.99"], &["756.6256.8087.90"]),
        ("ch-reference", &["74 96761 25442 06017 93078 17511"], &["74 96761 25442 06017 93078 17510"]),
        ("ch-uid", &["CHE-097.839.495"], &["CHE-097.839.490"]),
        ("cl-rut", &["727040552"], &["727040550"]),
        ("cn-resident-identity", &["11010119040502587X"], &["110101190405025871"]),
        ("cn-social-credit", &["510416359EWDD2TDT1"], &["510416359EWDD2TDT0"]),
        ("co-nit", &["911405724-8"], &["911405724-0"]),
        ("creditor-reference", &["RF93TA2L6RD16X8U"], &["RF90TA2L6RD16X8U"]),
        ("cu-identity", &["61040412345"], &["61130412345"]),
        ("cusip", &["782LGL1I5"], &["782LGL1I0"]),
        ("cy-tax", &["CY72573044H"], &["CY72573044A"]),
        ("cz-account", &["985276-3373818394/0100"], &["985276-3373818390/0100"]),
        ("cz-birth-number", &["135120/7891"], &["135120/7890"]),
        ("cz-company", &["04405137"], &["04405130"]),
        ("de-document", &["L01X00T471", "NGMGP163Y4", "C01X00T478"], &["NGMGP163Y0", "C01X00T477"]),
        ("de-health-insurance", &["A123456780", "Y530476103"], &["Y530476100"]),
        ("de-pension", &["55 181004 N 577"], &["55 181004 N 570"]),
        ("de-physician", &["660439334"], &["660439034"]),
        ("de-tax-id", &["56 428 301 745"], &["56 428 301 740"]),
        ("de-vat", &["DE 838 411 602"], &["DE 838 411 600"]),
        ("dk-cpr", &["120305-1234"], &["310205-1234"]),
        ("dk-cvr", &["82360077"], &["82360070"]),
        ("do-cedula", &["755-2151295-6"], &["755-2151295-0"]),
        ("do-rnc", &["561227572"], &["561227570"]),
        ("dogecoin", &["DFYrXxavmA9qPGjy6ApCqvEJY2n323Ja7A"], &["DFYrXxavmA9qPGjy6ApCqvEJY2n323Ja7B"]),
        ("ec-cedula", &["1837363793"], &["1837363790"]),
        ("ec-ruc", &["0824251037001"], &["0824251030001"]),
        ("ee-company", &["82280006"], &["82280000"]),
        ("ee-vat", &["EE761464150"], &["EE761464151"]),
        ("eg-national", &["20209080173249"], &["20200080173249"]),
        ("email", &["jane.doe@acme.pl", "j+x@mail.acme.co.uk"], &["a@example.com", "a..b@acme.pl", "a@b.c", "x@2x.png", "git@github.com"]),
        ("energy-code", &["19A28K3FPR8Q1D2V"], &["19A28K3FPR8Q1D2A"]),
        ("es-account", &["3295 2188 03 2031228432"], &["3295 2188 00 2031228432"]),
        ("es-cadastral", &["9215985XN6383S5022HJ"], &["9215985XN6383S5022HA"]),
        ("es-cif", &["V-82396904"], &["V-82396900"]),
        ("es-nif", &["18477292-N", "Z-4176420-Q", "K0093327Q"], &["18477292-A", "Z-4176420-A", "K0093327A"]),
        ("es-social-security", &["28/06623121/95"], &["28/06623121/90"]),
        ("es-supply-point", &["ES 0038396 0191759 68 YJ"], &["ES 0038396 0191759 68 YA"]),
        ("ethereum", &["0x722F8CCCf120B9CEA388C7d0E8BA1e17fcB8939f"], &["0x722F8CCcf120B9CEA388C7d0E8BA1e17fcB8939f"]),
        ("eu-health-card", &["80616000101234567891"], &[]),
        ("eu-vat", &["BE 1857.384.110", "ATU09783947", "DE 838 411 602", "FR 41 185109022", "CY72573044H", "EE761464150", "IT 59355710902", "LT249474618", "LU18510978", "LV81982521863", "MT7857-3868", "NL024360960B48", "IE7857384IB", "SI56799918", "SK2696926914", "GB 785 7384 70"], &["BE 1857.384.111", "ATU09783940", "DE 838 411 600", "FR 40 185109022", "CY72573044A", "EE761464151", "IT 59355710900", "LT249474610", "LU18510970", "LV81982521860", "MT7857-3860", "NL024360960B40", "IE7857384AB", "SI56799910", "SK2696926910", "GB 785 7384 71"]),
        ("fi-business-id", &["1339590-2"], &["1339590-0"]),
        ("fi-personal-identity-code", &["020304-434R"], &["020304-434A"]),
        ("figi", &["PVGY6RRL79G1"], &["PVGY6RRL79G0"]),
        ("fr-account", &["92417 93342 1CBH7WNFH9P 93"], &["92417 93342 1CBH7WNFH9P 90"]),
        ("fr-health-professional", &["10003456786"], &["10003456787"]),
        ("fr-nir", &["2 27 01 2B 320 558 74"], &["2 27 01 2B 320 558 70"]),
        ("fr-siren", &["837 394 113"], &["837 394 110"]),
        ("fr-siret", &["646 830 596 28962"], &["646 830 596 28960"]),
        ("fr-spi", &["17 68 770 645 355"], &["17 68 770 645 350"]),
        ("gb-chi", &["0908084463"], &["0908084460"]),
        ("gb-driving-licence", &["MORGA 657054 SM9IJ"], &["MORGA 677054 SM9IJ"]),
        ("gb-nhs", &["254 730 3612"], &["254 730 3610"]),
        ("gb-nino", &["XR 69 57 14 A"], &["BG 12 34 56 A", "QQ 12 34 56 C"]),
        ("gb-pupil", &["P801310297668"], &["A801310297668"]),
        ("gb-utr", &["46662 58338"], &["06662 58338"]),
        ("gh-taxpayer", &["C0002894254"], &["C0002894250"]),
        ("gr-afm", &["267976673"], &["267976670"]),
        ("gr-amka", &["22071554590"], &["22071554591"]),
        ("gs1", &["4006381333931"], &["4006381333930"]),
        ("gt-nit", &["5114057-8"], &["5114057-0"]),
        ("hk-identity", &["Z105015(0)"], &["Z105015(1)"]),
        ("hr-oib", &["98179375422"], &["98179375420"]),
        ("hu-account", &["27805640-92822666-39318151"], &["27805640-92822666-39318150"]),
        ("hu-company-tax", &["16459616-1-42", "16459616"], &["16459610-1-42", "16459616-6-42"]),
        ("hu-personal-id", &["2-020705-2089"], &["2-020705-2080"]),
        ("hu-taj", &["164 383 319"], &["164 383 310"]),
        ("hu-tax-id", &["8365670003", "8479287764"], &["8479287760"]),
        ("iban", &["DE73 5075 0146 8807 2938 14", "GB63 EVGA 2938 2383 8367 73", "PL68 7689 7041 3143 0069 8989 8475"], &["DE73 5075 0146 8807 2938 15"]),
        ("iccid", &["8998742131515625310"], &["8998742131515625311"]),
        ("id-nik", &["3171234404610002"], &["3171234413610002"]),
        ("id-taxpayer", &["58.364.363.0-434.742"], &["58.364.363.1-434.742"]),
        ("ie-pps", &["5502462H", "IE7857384IB"], &["5502462A", "IE7857384AB"]),
        ("il-identity", &["03532911-9"], &["03532911-0"]),
        ("imei", &["35-976803-065277-9"], &["35-976803-065277-0"]),
        ("imsi", &["260011234567890"], &["999991234567890"]),
        ("in-aadhaar", &["2147 1576 8874"], &["2147 1576 8870"]),
        ("in-driving-licence", &["KA-05 2011 0012345"], &["QQ-05 2011 0012345"]),
        ("in-epic", &["OQM5802863"], &["OQM5802860"]),
        ("in-gstin", &["17GKHHK0018A9ZZ"], &["17GKHHK0018A9ZA"]),
        ("in-pan", &["MEWJB0378K"], &["ABCDE1234F"]),
        ("in-virtual-id", &["9160 3835 5781 8433"], &["9160 3835 5781 8430"]),
        ("ipv4", &["81.2.69.142", "8.8.8.9"], &["8.8.8.8", "81.2.69.0", "10.0.0.1", "192.168.1.1", "256.1.1.1", "203.0.113.7", "01.2.3.4"]),
        ("ipv6", &["2a02:898:52::1"], &["2001:db8::1", "fe80::1", "::1", "fd::", "12:34:56"]),
        ("ir-national-code", &["778-162148-4"], &["778-162148-0"]),
        ("is-kennitala", &["150508-3399"], &["150508-3309"]),
        ("isbn", &["978-1-74465-066-9", "0-306-40615-2", "0-8044-2957-X"], &["978-1-74465-066-0", "0-306-40615-3"]),
        ("isin", &["DEZTSBDRIMF7"], &["DEZTSBDRIMF0"]),
        ("it-account", &["E 75006 68901 KFYR9GYRBGFD"], &["A 75006 68901 KFYR9GYRBGFD"]),
        ("it-codice-fiscale", &["SDNTGC16M02A305Q"], &["SDNTGC16M02A305A"]),
        ("it-vat", &["IT 59355710902"], &["IT 59355710900"]),
        ("jp-corporate", &["4235008641064", "T4235008641064"], &["0235008641064"]),
        ("jp-my-number", &["3287 8878 9500"], &["3287 8878 9501"]),
        ("kr-business", &["425-75-35889"], &["425-75-35880"]),
        ("kr-resident", &["020101-1327239", "161108-5126683", "520413-5988948"], &["020101-1327230", "161108-5126680"]),
        ("kw-civil", &["218111962431"], &["218111962430"]),
        ("kz-iin", &["170121476266"], &["170121476260"]),
        ("lei", &["849300MG1GHOI1JZRP66"], &["849300MG1GHOI1JZRP60"]),
        ("litecoin", &["LVdiFux7YQVc75FXXiowaB8Ts7R1kMeEQj", "ltc1qwghcen83yzuuagugclgw3ws7zl7t3yullsdmu3"], &["LVdiFux7YQVc75FXXiowaB8Ts7R1kMeEQk"]),
        ("lk-nic", &["193422798208"], &["193422798200"]),
        ("loinc", &["2345-7", "4548-4"], &["2345-8"]),
        ("lt-vat", &["LT249474618"], &["LT249474610"]),
        ("lu-matricule", &["1913091173122"], &["1913091173120"]),
        ("luhn", &["79927398713"], &["79927398714", "0000000000"]),
        ("lv-personal-code", &["301012-07113"], &["301012-07110"]),
        ("ma-company", &["635190362825016"], &["635190362825010"]),
        ("mac", &["3c:22:fb:0a:1b:2c", "3C22.FB0A.1B2C"], &["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "00:00:5e:00:53:01"]),
        (
            "machine-readable-zone",
            &[
                "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
                "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\r\nD231458907UTO7408122F1204159<<<<<<<6",
                "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
                "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<",
                "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nL8988901C4XXX4009078F9612109<<<<<<<<",
            ],
            &[
                "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408123F1204159ZE184226B<<<<<10",
                "I<UTOD231458907<<<<<<<<<<<<<<<\n7408123F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<",
            ],
        ),
        ("md-idnp", &["4920613205123"], &["4920613205120"]),
        ("meid", &["A1 00 00 2B 3C 4D 5E E"], &["A1 00 00 2B 3C 4D 5E F"]),
        ("mod-11-10", &["12345678903"], &["12345678904"]),
        ("mod-97-10", &["3214282912345698765432161182"], &["3214282912345698765432161183"]),
        ("monero", &["44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A"], &["44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3B"]),
        ("mu-national", &["E1612187191417"], &["E1612187191410"]),
        ("mx-account", &["002 766 03794446732 8"], &["002 766 03794446732 0"]),
        ("mx-curp", &["ZIOR061127MDFFKG02"], &["ZIOR061127MDFFKG00"]),
        ("mx-rfc", &["JAJC030111T94", "AAZE920224UJ8"], &["JAJC031311T94"]),
        ("mx-voter", &["GMVLMR80070501M100"], &["GMVLMR80130501M100"]),
        ("my-nric", &["610404-14-1234"], &["611304-14-1234"]),
        ("mz-taxpayer", &["400112231"], &["400112232"]),
        ("nl-bsn", &["072221616"], &["072221610"]),
        ("nl-education", &["102272226"], &["102272220"]),
        ("nl-vat", &["NL024360960B48"], &["NL024360960B40"]),
        ("no-account", &["8249.52.54387"], &["8249.52.54380"]),
        ("no-birth-number", &["280603 67940"], &["280603 67941"]),
        ("no-organisation", &["213 634 933"], &["213 634 930"]),
        ("nz-account", &["01-0183-0829451-064"], &["01-0183-0829450-064"]),
        ("nz-ird", &["124055024"], &["124055020"]),
        ("nz-nhi", &["PPK6016"], &["PPK6010"]),
        ("pe-dni", &["18477292-8"], &["18477292-0"]),
        ("pe-ruc", &["10425103551"], &["10425103550"]),
        ("ph-taxpayer", &["277-028-942"], &["277-028-940"]),
        ("pk-cnic", &["31472-4064713-8"], &["91234-1234567-1"]),
        ("pl-account", &["69 9161 0173 2408 1303 5155 1105"], &["60 9161 0173 2408 1303 5155 1105"]),
        ("pl-id-card", &["FCH 849773"], &["FCH 049773"]),
        ("pl-land-register", &["KA1S/00012345/6", "KA1N/00066182/4"], &["KA1N/00066182/0"]),
        ("pl-nip", &["282-848-32-39"], &["282-848-32-30"]),
        ("pl-passport", &["ZS0000177", "EJ 3490177"], &["EJ 0490177"]),
        ("pl-pesel", &["06031739070"], &["06031739071"]),
        ("pl-pwz", &["5425740", "3193060"], &["0193060"]),
        ("pl-regon", &["029338529", "42970418685761"], &["029338520", "42970418685760"]),
        ("pt-citizen-card", &["06096115 1 2A 9"], &["06096115 1 2A 0"]),
        ("pt-nif", &["645 206 687"], &["645 206 680"]),
        ("pt-social-security", &["11301564018"], &["11301564010"]),
        ("py-ruc", &["1834251-5"], &["1834251-0"]),
        ("qa-identity", &["28463400123"], &["48463400123"]),
        ("ro-cnp", &["1060607400393"], &["1060607400390"]),
        ("ro-company", &["RO41133179"], &["RO41133170"]),
        ("ro-trade-register", &["J2011025149166"], &["J2011025149160"]),
        ("ru-inn", &["354505493355", "8189834080"], &["354505493350", "8189834081"]),
        ("ru-ogrn", &["5666983953390"], &["5666983953391"]),
        ("ru-snils", &["112-233-445 95", "030-920-420 03"], &["030-920-420 00"]),
        ("sa-id", &["1117659415"], &["1117659410"]),
        ("se-organisation", &["555634-9354"], &["555634-9350"]),
        ("se-personal-number", &["180423-8549"], &["180423-8540"]),
        ("sedol", &["5490822"], &["5490820"]),
        ("sepa-creditor", &["DE18ZZZ73275125150"], &["DE10ZZZ73275125150"]),
        ("sg-entity", &["106255389E"], &["106255389A"]),
        ("sg-nric", &["S7264755F"], &["S7264755A"]),
        ("si-tax", &["SI56799918"], &["SI56799910"]),
        ("sk-vat", &["SK2696926914"], &["SK2696926910"]),
        ("sn-taxpayer", &["001234567"], &["001234568"]),
        ("snomed", &["22298006", "404684003"], &["22298007"]),
        ("solana", &["4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"], &["4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gD"]),
        ("sv-dui", &["00016297-5", "11631064-2"], &["11631064-0"]),
        ("sv-nit", &["06140304051017", "06140304050110"], &["06140304051018"]),
        ("th-citizen", &["1-4030-14385-71-3"], &["1-4030-14385-71-0"]),
        ("th-company", &["0563480910438"], &["0563480910430"]),
        ("tr-identity", &["74567082212"], &["74567082210"]),
        ("tr-tax", &["7709760715"], &["7709760710"]),
        ("tron", &["TLNxzm21cUNW1SczwrUMpJkqZgo3pMazzz"], &["TLNxzm21cUNW1SczwrUMpJkqZgo3pMazz1"]),
        ("tw-business", &["74795996"], &["74795990"]),
        ("tw-identity", &["I201342520"], &["I201342521"]),
        ("ua-company", &["83134425"], &["83134420"]),
        ("ua-tax", &["0170207982"], &["0170207980"]),
        ("us-dea", &["AB1234563", "RF4573259"], &["RF4573250"]),
        ("us-ein", &["35-1248942"], &["07-1234567"]),
        ("us-itin", &["980-83-1885"], &["912-49-1234"]),
        ("us-mbi", &["1EG4-TE5-MK73", "3P00-X80-WX66"], &["1SG4-TE5-MK73"]),
        ("us-npi", &["1234567893", "1394079036"], &["1394079030"]),
        ("us-routing", &["241198030"], &["241198031"]),
        ("us-ssn", &["729-68-3112"], &["666-12-3456", "123-00-4567"]),
        ("uy-ci", &["4.935.586-4"], &["4.935.586-0"]),
        ("uy-rut", &["127040550018"], &["127040550010"]),
        ("ve-rif", &["P-05556876-1"], &["P-05556876-0"]),
        ("verhoeff", &["2363"], &["2364"]),
        ("vin", &["1HGCM82633A004352", "1HCRGRXW31S227614"], &["1HCRGRXW01S227614"]),
        ("vn-citizen", &["001203012345"], &["999203012345"]),
        ("vn-tax", &["8015670379"], &["8015670370"]),
        ("xrp", &["rBQkz6eHTkEYiGZ4M2FeJwh6eusjdcmJTJ"], &["rBQkz6eHTkEYiGZ4M2FeJwh6eusjdcmJTK"]),
        ("yu-jmbg", &["1903908752051"], &["1903908752050"]),
        ("yu-tax", &["608958593"], &["608958590"]),
        ("za-id", &["060805 1176 196"], &["060805 1176 190"]),
        ("za-tax", &["2770289425"], &["2770289420"]),
        ("zw-national", &["97-191419 W 47"], &["97-191419 A 47"]),
    ];

    #[test]
    fn every_check_accepts_its_specimens_and_rejects_their_neighbours() {
        for (name, valid, invalid) in SPECIMENS {
            let check = validators::find(name).unwrap_or_else(|| panic!("no check `{name}`"));
            for value in *valid {
                assert_eq!((check.verdict)(value.as_bytes()), Verdict::Valid, "{name}: {value}");
            }
            for value in *invalid {
                assert_eq!((check.verdict)(value.as_bytes()), Verdict::Invalid, "{name}: {value}");
            }
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_check_has_specimens() {
        assert!(CHECKS.is_sorted_by(|a, b| a.name < b.name));
        for check in CHECKS {
            assert!(SPECIMENS.iter().any(|(name, ..)| *name == check.name), "no specimen of `{}`", check.name);
        }
    }

    #[test]
    fn every_country_of_the_iban_registry_can_be_completed_and_checked() {
        for (country, structure) in iban_registry::REGISTRY {
            let account: String = structure
                .iter()
                .map(|(count, class)| if *class == 'n' { "7" } else { "K" }.repeat(usize::from(*count)))
                .collect();
            let iban = finance::complete_iban(&format!("{country}00{account}")).expect("shape of the registry");
            assert_eq!(finance::iban(iban.as_bytes()), Some(true), "{iban}");
            assert_eq!(finance::iban(iban.to_lowercase().as_bytes()), Some(true), "{iban} in lower case");
            let mut altered = iban.clone();
            let last = if altered.pop() == Some('7') { '8' } else { 'L' };
            altered.push(last);
            assert_eq!(finance::iban(altered.as_bytes()), Some(false), "{altered}");
        }
    }

    #[test]
    fn completed_values_pass_their_check() {
        let rows = [
            ("card", "4000 0000 0008 6420"),
            ("pl-pesel", "06031739070"),
            ("us-npi", "1394079000"),
            ("us-routing", "241198031"),
            ("hr-oib", "98179375400"),
            ("iban", "PL00 7689 7041 3143 0069 8989 8475"),
        ];
        for (name, value) in rows {
            let check = validators::find(name).expect(name);
            let completed = check.complete.and_then(|complete| complete(value)).expect(name);
            assert_eq!((check.verdict)(completed.as_bytes()), Verdict::Valid, "{name}: {completed}");
        }
    }

    proptest! {
        #[test]
        fn no_check_panics_on_any_bytes(value in proptest::collection::vec(any::<u8>(), 0..120)) {
            CHECKS.iter().for_each(|check| { (check.verdict)(&value); });
        }

        #[test]
        fn no_check_panics_on_near_misses(value in "[A-Za-z0-9 ./<+-]{0,100}") {
            for check in CHECKS {
                (check.verdict)(value.as_bytes());
                check.complete.map(|complete| complete(&value));
            }
        }

        #[test]
        fn no_check_panics_on_plain_runs(value in "[A-Z]{0,5}[0-9]{0,34}[A-Z]?") {
            CHECKS.iter().for_each(|check| { (check.verdict)(value.as_bytes()); });
        }
    }
}
