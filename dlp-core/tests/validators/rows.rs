//! Which check is compared with which, on what shapes, and where they differ on purpose.

/// A pair of checks.
pub(crate) struct Row {
    /// Our check.
    pub(crate) ours: &'static str,
    /// Their module.
    pub(crate) theirs: &'static str,
    /// Shapes of values.
    pub(crate) shapes: &'static [&'static str],
    /// Values that both must have accepted, or the shapes show nothing.
    pub(crate) agreed_min: usize,
    /// Where they differ on purpose.
    pub(crate) differs: &'static [Difference],
}

/// Who accepts what the other refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// A difference on purpose.
pub(crate) struct Difference {
    /// Who accepts the values.
    pub(crate) side: Side,
    /// Values that it is about.
    pub(crate) when: fn(&str) -> bool,
    /// Why it is right.
    pub(crate) why: &'static str,
}

impl Row {
    const fn but(mut self, differs: &'static [Difference]) -> Self {
        self.differs = differs;
        self
    }
}

const fn ours(when: fn(&str) -> bool, why: &'static str) -> Difference {
    Difference { side: Side::Ours, when, why }
}

const fn theirs(when: fn(&str) -> bool, why: &'static str) -> Difference {
    Difference { side: Side::Theirs, when, why }
}

fn any(_: &str) -> bool {
    true
}

/// The number at an index of a value, whose separators count.
fn two(value: &str, at: usize) -> u32 {
    value.get(at..at + 2).and_then(|pair| pair.parse().ok()).unwrap_or(0)
}

fn at(value: &str, at: usize) -> u8 {
    value.as_bytes().get(at).copied().unwrap_or(0)
}

const NO_CLOCK: &str = "no check asks a clock, so a day to come is a day";

const fn same(ours: &'static str, theirs: &'static str, shapes: &'static [&'static str]) -> Row {
    Row { ours, theirs, shapes, agreed_min: 20, differs: &[] }
}

/// Every pair.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    same("ad-tax", "ad.nrt", &["[FALECDGOPU]-999999-A"]),
    same("ar-account", "ar.cbu", &["9999999=9999999999999="]),
    same("ar-cuit", "ar.cuit", &["[23][03474]99999999="]),
    same("at-social-insurance", "at.vnr", &["999=<ddmmyy>"]),
    same("at-vat", "at.uid", &["{ATU}9999999="]),
    same("au-abn", "au.abn", &["999999999=="]),
    same("au-acn", "au.acn", &["99999999="]),
    same("au-tfn", "au.tfn", &["99999999="]),
    same("az-taxpayer", "az.voen", &["99999999=[12]"]),
    same("baltic-personal-code", "ee.ik", &["[3-6]<yymmdd>999="]),
    same("baltic-personal-code", "lt.asmens", &["[3-6]<yymmdd>999="]),
    same("be-modulo-97", "be.eid", &["9999999999=="]),
    same("be-modulo-97", "be.ogm_vcs", &["{+++}999/9999/999=={+++}"]),
    same("be-national-number", "be.nn", &["<yymmdd>999=="]).but(&[
        ours(|v| two(v, 0) > 23, NO_CLOCK),
        theirs(any, "a day that its month does not have is no day"),
        ours(|v| two(v, 2) > 12, "numbers of residents without registration shift their month"),
    ]),
    same("be-vat", "be.vat", &["{BE0}9999999==", "{BE1}9999999=="]),
    same("bg-company", "bg.vat", &["99999999="]),
    same("bg-egn", "bg.egn", &["<yymmdd>999="]),
    same("bg-foreigner", "bg.pnf", &["999999999="]),
    same("bic", "bic", &["AAAAAAXX", "AAAADEXXXXX"]),
    same("bitcoin", "bitcoin", &["{1BQkzheHTkFYrGZNMapeJA4heu3jdcmJTJ}", "{3C6mvF8j1eZvwSFoUgVEinRdoRLTDgxNYh}", "{bc1qwghcen83yzuuagugclgw3ws7zl7t3yulmvhlyp}"]),
    same("br-cnpj", "br.cnpj", &["999999999999=="]),
    same("br-cpf", "br.cpf", &["999999999=="]),
    same("by-taxpayer", "by.unp", &["[1-7]9999999=", "[ABCEHKM]A999999="]),
    same("ca-bc-health", "ca.bc_phn", &["{9}99999999="]),
    same("ca-business", "ca.bn", &["99999999={RT0001}", "99999999={RR0001}"]).but(&[
        ours(|v| v.contains("RR") || v.contains("RZ"), "charities and information returns are programs too"),
    ]),
    same("ca-sin", "ca.sin", &["99999999="]),
    same("ch-ahv", "ch.ssn", &["{756}999999999="]),
    same("ch-reference", "ch.esr", &["99999999999999999999999999="]),
    same("ch-uid", "ch.uid", &["{CHE}99999999="]),
    same("cl-rut", "cl.rut", &["9999999%", "99999999%"]),
    same("cn-resident-identity", "cn.ric", &["{110101}<yyyymmdd>999%"]),
    same("cn-social-credit", "cn.uscc", &["[159]19999999XXXXXXXX%"]),
    same("co-nit", "co.nit", &["999999999="]),
    same("creditor-reference", "iso11649", &["{RF}==XXXXXXXX"]),
    same("cu-identity", "cu.ni", &["<yymmdd>99999"]),
    same("cusip", "cusip", &["999XXXXX="]),
    same("cy-tax", "cy.vat", &["99999999&"]),
    same("cz-account", "cz.bankaccount", &["9999=-999999999=/{0100}", "999999999=/{0800}"]).but(&[
        ours(any, "banks come and go, so their codes are not listed"),
    ]),
    same("cz-birth-number", "cz.rc", &["<yymmdd>999=", "<yymmdd>999"]).but(&[
        theirs(|v| v.len() == 9, "nine digits have no check, so year, month and serial must be possible ones"),
    ]),
    same("cz-company", "cz.dic", &["[0-8]999999="]),
    same("de-tax-id", "de.idnr", &["9999999999="]),
    same("de-vat", "de.vat", &["99999999="]),
    same("dk-cpr", "dk.cpr", &["<ddmmyy>9999"]).but(&[
        ours(|v| (24..=57).contains(&two(v, 4)), NO_CLOCK),
    ]),
    same("dk-cvr", "dk.cvr", &["9999999="]),
    same("do-cedula", "do.cedula", &["9999999999="]),
    same("do-rnc", "do.rnc", &["99999999="]),
    same("ec-cedula", "ec.ci", &["[01]99999999="]),
    same("ec-ruc", "ec.ruc", &["[01]9[0-5]999999={001}", "[01]9{9}999999={001}", "[01]9{6}99999={0001}"]).but(&[
        theirs(|v| at(v, 2) == b'9', "a company's number is not checked as that of a public body"),
    ]),
    same("ee-company", "ee.registrikood", &["[1789]999999="]),
    same("ee-vat", "ee.kmkr", &["99999999="]),
    same("energy-code", "eu.eic", &["99XXXXXXXXXXXXX%"]),
    same("es-account", "es.ccc", &["99999999==9999999999"]),
    same("es-cadastral", "es.referenciacatastral", &["9999999XX9999X9999&&"]),
    same("es-cif", "es.cif", &["A9999999%"]).but(&[
        theirs(any, "the kind of company demands a digit or a letter"),
    ]),
    same("es-nif", "es.nif", &["99999999&", "[XYZKLM]9999999&"]),
    same("es-supply-point", "es.cups", &["{ES}9999999999999999&&"]),
    same("eu-vat", "eu.vat", &["{ATU}9999999=", "{BE0}9999999==", "{BG}99999999=", "{CY}99999999&", "{CZ}9999999=", "{DE}99999999=", "{DK}9999999=", "{EE}99999999=", "{EL}99999999=", "{ES}99999999&", "{ES}A9999999%", "{FI}9999999=", "{FR}==999999999", "{FR}XX999999999", "{HR}9999999999=", "{HU}9999999=", "{IE}9999999&", "{IE}9999999&[AHW]", "{IT}9999999999=", "{LT}9999999{1}=", "{LT}9999999999{1}=", "{LU}999999==", "{LV}9999999999=", "{MT}999999==", "{NL}99999999={B}==", "{PL}999999999=", "{PT}99999999=", "{RO}9999999=", "{SE}999999999={01}", "{SI}9999999=", "{SK}999999999="]).but(&[
        theirs(|v| v.starts_with("ES"), "the kind of company demands a digit or a letter"),
        ours(|v| v.starts_with("IE") && v.ends_with(['T', 'X']), "persons have more second letters than companies"),
        ours(|v| v.starts_with("LV3"), "numbers of persons since 2017 have no check digit"),
        theirs(|v| v.starts_with("LV"), "nobody is born in a century to come"),
        theirs(|v| v.starts_with("SK"), "the birth number is a person's, and checked as such"),
    ]),
    same("eu-vat", "gb.vat", &["{GB}9999999=="]).but(&[
        theirs(any, "the tax office publishes the remainders 0 and 42 only, not 55"),
    ]),
    same("fi-business-id", "fi.ytunnus", &["9999999="]),
    same("fi-personal-identity-code", "fi.hetu", &["<ddmmyy>-999%", "<ddmmyy>{A}999%"]).but(&[
        ours(|v| at(v, 7) == b'9', "temporary numbers stand in records too"),
    ]),
    same("figi", "figi", &["XX{G}XXXXXXXX="]),
    same("fr-nir", "fr.nir", &["[12]99{0}[1-9]99999999==", "[12]99{0}[1-9]{2}[AB]999999=="]),
    same("fr-siren", "fr.siren", &["99999999="]),
    same("fr-siret", "fr.siret", &["9999999999999="]),
    same("fr-spi", "fr.nif", &["[0-3]99999999999="]),
    same("gb-nhs", "gb.nhs", &["999999999="]),
    same("gb-pupil", "gb.upn", &["&999999999999"]).but(&[
        ours(any, "authorities are reorganised, so their codes are not listed"),
    ]),
    same("gb-utr", "gb.utr", &["=999999999"]),
    same("gh-taxpayer", "gh.tin", &["[PCGQV]{00}9999999%"]),
    same("gr-afm", "gr.vat", &["99999999="]),
    same("gr-amka", "gr.amka", &["<ddmmyy>9999="]),
    same("gs1", "ean", &["999999999999=", "9999999="]),
    same("gt-nit", "gt.nit", &["9999999%"]),
    same("hr-oib", "hr.oib", &["9999999999="]),
    same("hu-company-tax", "hu.anum", &["9999999="]),
    same("iban", "iban check_country", &["{DE}==999999999999999999", "{GB}==AAAA99999999999999", "{FR}==9999999999XXXXXXXXXXX99", "{MT}==AAAA99999XXXXXXXXXXXXXXXXXX"]),
    same("id-nik", "id.nik", &["{31710}[1-4]<ddmmyy>9999"]),
    same("id-taxpayer", "id.npwp", &["99999999=999999"]),
    same("ie-pps", "ie.pps", &["9999999&", "9999999&[ABHW]"]),
    same("il-identity", "il.idnr", &["99999999="]),
    same("imei", "imei", &["99999999999999="]).but(&[
        theirs(any, "a number starts with a body that allocates them"),
    ]),
    same("in-aadhaar", "in_.aadhaar", &["99999999999="]),
    same("in-epic", "in_.epic", &["AAA999999="]),
    same("in-gstin", "in_.gstin", &["[0-3]9AAA[PCHFATBLJG]A9999A[1-9A]{Z}%"]),
    same("in-pan", "in_.pan", &["AAAAA9999A"]),
    same("in-virtual-id", "in_.vid", &["999999999999999="]),
    same("is-kennitala", "is_.kennitala", &["<ddmmyy>99=[90]"]).but(&[
        ours(|v| v.ends_with('8'), "the nineteenth century is written with an eight"),
    ]),
    same("isbn", "isbn", &["999999999%", "{978}999999999="]),
    same("isin", "isin", &["{US}XXXXXXXXX=", "AAXXXXXXXXX="]),
    same("it-codice-fiscale", "it.codicefiscale", &["BCDFGH99{A}[0-6]9{H}999&", "BCDFGH99[ABCDEHLMPRST][0-7]9A999&"]),
    same("it-vat", "it.iva", &["9999999999="]),
    same("jp-corporate", "jp.cn", &["=999999999999"]),
    same("jp-my-number", "jp.in_", &["99999999999="]),
    same("kr-business", "kr.brn", &["999999999="]).but(&[
        theirs(any, "they look at the structure only"),
    ]),
    same("kr-resident", "kr.rrn", &["<yymmdd>[1-4]99999=", "<yymmdd>[5-8]99999="]).but(&[
        ours(|v| b"3478".contains(&at(v, 6)) && two(v, 0) >= 20, "numbers since 2020 have no check digit"),
        ours(|v| b"5678".contains(&at(v, 6)), "foreigners have a check digit of their own"),
        theirs(|v| b"5678".contains(&at(v, 6)), "foreigners have a check digit of their own"),
    ]),
    same("lei", "lei", &["XXXXXXXXXXXXXXXXXX=="]),
    same("lt-vat", "lt.pvm", &["9999999{1}="]),
    same("luhn", "luhn", &["999999999="]),
    same("lv-personal-code", "lv.pvn", &["<ddmmyy>[0-2]999=", "{3}[2-9]99999999="]).but(&[
        ours(|v| (32..=39).contains(&two(v, 0)), "numbers since 2017 have no check digit"),
        theirs(|v| v >= "4", "a company's number is another one"),
    ]),
    same("ma-company", "ma.ice", &["9999999999999=="]),
    same("mac", "mac validate_manufacturer", &["XX:XX:XX:XX:XX:XX", "9X:99:9X:99:9X:99"]),
    same("md-idnp", "md.idno", &["999999999999="]),
    same("meid", "meid", &["{A}9999999999999%"]),
    same("mod-11-10", "iso7064.mod_11_10", &["9999999="]),
    same("mod-97-10", "iso7064.mod_97_10", &["9999999999=="]),
    same("mu-national", "mu.nid", &["A<ddmmyy>999999%"]),
    same("mx-curp", "mx.curp", &["AEBC<yymmdd>[HM]{DF}BCDX="]),
    same("mx-rfc", "mx.rfc", &["AEIO<yymmdd>XX%", "AEI<yymmdd>XX%"]),
    same("my-nric", "my.nric", &["<yymmdd>999999"]),
    same("mz-taxpayer", "mz.nuit", &["99999999="]),
    same("nl-bsn", "nl.bsn", &["99999999="]),
    same("nl-education", "nl.onderwijsnummer", &["{10}999999="]),
    same("nl-vat", "nl.btw", &["{NL}99999999={B}=="]),
    same("no-account", "no.kontonr", &["9999999999="]),
    same("no-birth-number", "no.fodselsnummer", &["<ddmmyy>999=="]),
    same("no-organisation", "no.orgnr", &["99999999="]),
    same("nz-account", "nz.bankaccount", &["{0}[1-9]-0[1-3]99-{0}999999-{000}", "{0}[1-9]-0[1-3]99-{0}99999=-{00}", "[0-3]9-9999-999999=-99"]).but(&[
        ours(any, "branches come and go, so their codes are not listed"),
    ]),
    same("nz-ird", "nz.ird", &["99999999=", "[1-9]999999="]),
    same("pe-dni", "pe.cui", &["99999999%"]),
    same("pe-ruc", "pe.ruc", &["[12][057]99999999="]),
    same("pk-cnic", "pk.cnic", &["9999999999999"]),
    same("pl-nip", "pl.nip", &["999999999="]),
    same("pl-pesel", "pl.pesel", &["<yymmdd>9999=", "99[02468][1-9][0-3]99999="]),
    same("pl-regon", "pl.regon", &["99999999=", "9999999999999="]),
    same("pt-citizen-card", "pt.cc", &["999999999XX="]),
    same("pt-nif", "pt.nif", &["99999999="]),
    same("py-ruc", "py.ruc", &["9999999="]).but(&[
        theirs(|v| v.starts_with('0'), "no number starts with zero"),
    ]),
    same("ro-cnp", "ro.cnp", &["[1256]<yymmdd>{0}[1-9]999=", "[1-9]<yymmdd>99999="]),
    same("ro-company", "ro.cui", &["[1-9]99999=", "[1-9]9999999="]),
    same("ro-trade-register", "ro.onrc", &["{J20}[01]999999[0-4]99="]),
    same("ru-inn", "ru.inn", &["999999999=", "9999999999=="]),
    same("ru-ogrn", "ru.ogrn", &["[15]99999[0-8]99999=", "{3}9999999999999="]).but(&[
        ours(|v| v.len() == 15, "a remainder of two digits counts by its last one"),
    ]),
    same("se-organisation", "se.orgnr", &["999999999="]).but(&[
        theirs(|v| at(v, 2) < b'2', "that would be a person's number"),
    ]),
    same("se-personal-number", "se.personnummer", &["<yymmdd>-999=", "<yyyymmdd>999="]).but(&[
        ours(|v| v.contains('-') && two(v, 4) > 60, "coordination numbers add sixty to the day"),
        theirs(|v| !v.contains('-') && !(18..=20).contains(&two(v, 0)), "nobody of another century is registered"),
    ]),
    same("sedol", "gb.sedol", &["XXXXXX="]),
    same("sepa-creditor", "eu.at_02", &["{DE}=={ZZZ}99999999999", "{FR}=={ZZZ}999999"]),
    same("sg-entity", "sg.uen", &["99999999&", "[12][09]9999999&", "[TS]99{LL}9999&"]).but(&[
        ours(|v| v.len() == 10, NO_CLOCK),
    ]),
    same("si-tax", "si.ddv", &["9999999="]),
    same("sk-vat", "sk.dph", &["999999999="]).but(&[
        theirs(any, "the birth number is a person's, and checked as such"),
    ]),
    same("sn-taxpayer", "sn.ninea", &["99999999="]),
    same("sv-nit", "sv.nit", &["{06}1[1-9]<ddmmyy>{0}99=", "{06}1[1-9]<ddmmyy>999="]).but(&[
        theirs(any, "the date of birth or foundation must be one"),
    ]),
    same("th-citizen", "th.pin", &["999999999999="]),
    same("th-company", "th.moa", &["{0}99999999999="]),
    same("tr-identity", "tr.tckimlik", &["999999999=="]),
    same("tr-tax", "tr.vkn", &["999999999="]),
    same("tw-business", "tw.ubn", &["9999999="]).but(&[
        ours(any, "numbers since 2023 are multiples of five"),
    ]),
    same("ua-company", "ua.edrpou", &["9999999="]),
    same("ua-tax", "ua.rntrc", &["999999999="]),
    same("us-ein", "us.ein", &["99-9999999"]),
    same("us-itin", "us.itin", &["{9}99-99-9999"]).but(&[
        ours(any, "the fourth and fifth digit go from 50 to 65 too"),
    ]),
    same("us-routing", "us.rtn", &["99999999="]).but(&[
        theirs(any, "the first two digits name a district"),
    ]),
    same("us-ssn", "us.ssn", &["999-99-9999"]),
    same("uy-rut", "uy.rut", &["{0}[1-9]999999{001}=", "{1}9999999{001}="]),
    same("ve-rif", "ve.rif", &["[VEJPG]99999999="]),
    same("verhoeff", "verhoeff", &["999999999="]),
    same("vn-tax", "vn.mst", &["999999999="]),
    same("yu-jmbg", "si.emso", &["<ddmm>{9}99{50}999="]),
    same("yu-tax", "rs.pib", &["99999999="]),
    same("za-id", "za.idnr", &["<yymmdd>9999[01]8="]),
    same("za-tax", "za.tin", &["[01239]99999999="]),
    same("ae-emirates-id", "formulas.ae_emirates_id", &["{7841}9{99}9999999=", "{7842}{0}999999999="]),
    same("au-healthcare-identifier", "formulas.au_healthcare", &["{80036}[012]999999999="]),
    same("au-medicare", "formulas.au_medicare", &["[2-6]9999999=[1-9]"]),
    same("br-cnh", "formulas.br_cnh", &["999999999=="]),
    same("br-health-card", "formulas.br_health_card", &["[12789]9999999999999="]),
    same("br-pis", "formulas.br_pis", &["9999999999="]),
    same("br-vehicle", "formulas.br_vehicle", &["9999999999="]),
    same("br-voter", "formulas.br_voter", &["99999999{0}[3-9]==", "99999999{1}9=="]),
    same("by-personal", "formulas.by_personal", &["[1-6]<ddmmyy>[ABCHKEM]999{PB}="]),
    same("ca-ohip", "formulas.ca_ohip", &["[1-9]99999999="]),
    same("card", "formulas.card", &["{4}99999999999999=", "{3}[47]999999999999=", "{5}[1-5]9999999999999="]),
    same("de-document", "formulas.de_document", &["[LMNPRTVWXY]9999[CFGHJKLMNPRTVWXYZ]999="]),
    same("de-health-insurance", "formulas.de_health_insurance", &["A99999999="]),
    same("de-pension", "formulas.de_pension", &["{55}<ddmmyy>A99="]),
    same("de-physician", "formulas.de_physician", &["999999=99"]),
    same("es-social-security", "formulas.es_social_security", &["{28}99999999=="]),
    same("fr-account", "formulas.fr_account", &["9999999999XXXXXXXXXXX=="]),
    same("fr-health-professional", "formulas.fr_health_professional", &["{1}999999999="]),
    same("hk-identity", "formulas.hk_identity", &["A999999=", "AA999999="]),
    same("hu-account", "formulas.hu_account", &["9999999=9999999=", "9999999=999999999999999="]),
    same("hu-taj", "formulas.hu_taj", &["99999999="]),
    same("hu-tax-id", "formulas.hu_tax_id", &["{8}[2-5]9999999="]),
    same("iccid", "formulas.iccid", &["{8948}99999999999999="]),
    same("ir-national-code", "formulas.ir_national_code", &["999999999="]),
    same("it-account", "formulas.it_account", &["&9999999999XXXXXXXXXXXX"]),
    same("kw-civil", "formulas.kw_civil", &["{2}<yymmdd>9999="]),
    same("kz-iin", "formulas.kz_iin", &["<yymmdd>[3]9999="]),
    same("lk-nic", "formulas.lk_nic", &["{19}99[0-2][1-9]99999="]),
    same("lu-matricule", "formulas.lu_matricule", &["<yyyymmdd>999=="]),
    same("mx-account", "formulas.mx_account", &["{002}99999999999999="]),
    same("nz-nhi", "formulas.nz_nhi", &["AAA999=", "AAA99A&"]),
    same("pl-account", "formulas.pl_account", &["==999999999999999999999999"]),
    same("pl-id-card", "formulas.pl_id_card", &["AAA=99999"]),
    same("pl-land-register", "formulas.pl_land_register", &["{WA4M/}99999999/="]),
    same("pl-passport", "formulas.pl_passport", &["AA=999999"]),
    same("pt-social-security", "formulas.pt_social_security", &["[12]999999999="]),
    same("ru-snils", "formulas.ru_snils", &["999999999=="]),
    same("sa-id", "formulas.sa_id", &["[12]99999999="]),
    same("sg-nric", "formulas.sg_nric", &["[STFGM]9999999&"]),
    same("sv-dui", "formulas.sv_dui", &["99999999="]),
    same("tw-identity", "formulas.tw_identity", &["A[1289]9999999="]),
    same("us-dea", "formulas.us_dea", &["[ABFGM]A999999="]),
    same("us-npi", "formulas.us_npi", &["[12]99999999="]),
    same("uy-ci", "formulas.uy_ci", &["9999999="]),
    same("br-rg", "formulas.br_rg", &["99999999%"]),
    same("gb-chi", "formulas.gb_chi", &["<ddmmyy>999="]),
    same("hu-personal-id", "formulas.hu_personal_id", &["[1-4]<yymmdd>999="]),
    same("imsi", "imsi", &["{26001}9999999999", "{310410}999999999"]).but(&[
        ours(any, "networks come and go, so their codes are not listed"),
    ]),
    same("ipv4", "formulas.ipv4", &["[1-9]9.[1-9]9.[1-9]9.[1-9]9", "[1-3]99.9.9.[1-3]99"]).but(&[
        theirs(any, "addresses of private and reserved networks are nobody's"),
    ]),
    same("ipv6", "formulas.ipv6", &["{2a02:}999[abc]:9[def]99:9:9:9:9:[abc]", "{2a02:}999::[abc]9", "{2a02::}999::[abc]9"]),
    same("loinc", "formulas.loinc", &["[1-9]9999-="]),
    same("ph-taxpayer", "formulas.ph_taxpayer", &["99999999="]),
    same("pl-pwz", "formulas.pl_pwz", &["=999999"]),
    same("snomed", "formulas.snomed", &["[1-9]999999{10}="]),
    same("zw-national", "formulas.zw_national", &["99999999&[1-9]9"]),
    same("vin", "formulas.vin", &["{1HGCM826}%{3A}999999", "{5YJSA1E2}%{FF}999999"]),
];

/// Checks that nothing is compared with, and why.
#[rustfmt::skip]
pub(crate) const ALONE: &[(&str, &str)] = &[
    ("al-identity", "a decade and a day; the rule of the letter at the end is not published"),
    ("base58check", "the sum of bitcoin's addresses, which is compared, around a key"),
    ("bech32", "the sum of bitcoin's addresses, which is compared, behind other first characters"),
    ("ca-ramq", "a name and a day; the rule of the last digit is not published"),
    ("card-track", "sentinels around a card number, whose check is compared"),
    ("dogecoin", "the sum of bitcoin's addresses, which is compared, behind another first byte"),
    ("eg-national", "a day and a governorate; what circulates of the rule of the last digit disagrees"),
    ("email", "a syntax, held by the examples of the detector"),
    ("ethereum", "a hash of its own in the case of the letters, held by published addresses"),
    ("eu-health-card", "a list of states; no sum is published"),
    ("gb-driving-licence", "a name and a day; the last characters are not published"),
    ("gb-nino", "prefixes that are not issued; there is no sum"),
    ("in-driving-licence", "states and years; there is no sum"),
    ("litecoin", "the sums of bitcoin's addresses, which are compared, behind other first characters"),
    ("machine-readable-zone", "five sums over one document, held by the specimens of ICAO 9303"),
    ("monero", "a hash of its own, held by published addresses"),
    ("mx-voter", "a name, a day and a state; the rule of the last digits is not published"),
    ("qa-identity", "a century and a country; there is no sum"),
    ("solana", "a length; there is no sum"),
    ("tron", "the sum of bitcoin's addresses, which is compared, behind another first byte"),
    ("us-mbi", "a pattern of letters and digits; there is no sum"),
    ("vn-citizen", "a province, a century and a sex; there is no sum"),
    ("xrp", "the sum of bitcoin's addresses, which is compared, in another alphabet"),
];
