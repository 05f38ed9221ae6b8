//! Markings that people write on documents, each with its level: on top and bottom of a page, in the header of a document, in
//! a mail. And the labels that programs write, in every kind of file that carries them.

use crate::compound::compound;
use crate::support::*;
use dlp_core::base::{Cancel, Category, ConfidenceLevel, Limits, SensitivityLabel};
use dlp_core::content::Input;
use dlp_core::inspect::{Collected, Inspector, Job};
use dlp_core::matching::{DetectorSet, Scratch};

/// Level of a row: the highest of all findings. States name levels that are those of companies in another language, so some
/// rows are open.
type Level = Option<SensitivityLabel>;

const PUBLIC: Level = Some(SensitivityLabel::Public);
const INTERNAL: Level = Some(SensitivityLabel::Internal);
const CONFIDENTIAL: Level = Some(SensitivityLabel::Confidential);
const REGULATED: Level = Some(SensitivityLabel::Regulated);
const ANY: Level = None;

/// The name of a file, and what makes it with a marking.
type Form = (&'static str, fn(&str) -> Vec<u8>);

/// Whose markings they are, their level, and how they are written.
type Row = (&'static str, Level, &'static [&'static str]);

#[rustfmt::skip]
const MARKINGS: &[Row] = &[
    ("Traffic Light Protocol", REGULATED, &[
        "TLP:RED",
    ]),
    ("Traffic Light Protocol", CONFIDENTIAL, &[
        "TLP:AMBER", "TLP:AMBER+STRICT",
    ]),
    ("Traffic Light Protocol", INTERNAL, &[
        "TLP:GREEN",
    ]),
    ("Traffic Light Protocol", PUBLIC, &[
        "TLP:CLEAR", "TLP:WHITE",
    ]),
    ("United States", REGULATED, &[
        "TOP SECRET//SI//NOFORN", "SECRET//NOFORN", "CONFIDENTIAL//REL TO USA, AUS",
        "TOP SECRET//HCS-P/SI-G/TK//ORCON", "SECRET//RD-CNWDI", "SECRET//FGI GBR", "TOP SECRET//SAR-BUTTER",
        "SECRET//FVEY", "UNCLASSIFIED//FOUO", "SECRET", "TOP SECRET", "CUI", "CONTROLLED",
        "CUI//BASIC-CATEGORY", "CUI//SP-CTI", "CUI//SP-PRVCY//FED ONLY", "FOR OFFICIAL USE ONLY",
        "LAW ENFORCEMENT SENSITIVE", "SENSITIVE BUT UNCLASSIFIED", "SENSITIVE SECURITY INFORMATION",
        "DISTRIBUTION STATEMENT B. Distribution authorized", "DISTRIBUTION STATEMENT F.", "PHI",
        "HIPAA PROTECTED", "FERPA", "FTI", "PII",
    ]),
    ("United States", PUBLIC, &[
        "DISTRIBUTION STATEMENT A. Approved for public release",
    ]),
    ("NATO, European Union, international", REGULATED, &[
        "COSMIC TOP SECRET", "NATO SECRET", "NATO CONFIDENTIAL", "NATO RESTRICTED", "COSMIC TRÈS SECRET",
        "SECRET OTAN", "OTAN SECRET", "CONFIDENTIEL OTAN", "DIFFUSION RESTREINTE OTAN", "NATO SECRET ATOMAL",
        "TRÈS SECRET UE/EU TOP SECRET", "SECRET UE/EU SECRET", "CONFIDENTIEL UE/EU CONFIDENTIAL",
        "RESTREINT UE/EU RESTRICTED", "OCCAR-CONFIDENTIAL", "OCCAR-RESTRICTED", "INTERPOL CONFIDENTIAL",
        "INTERPOL RESTRICTED", "INTERPOL FOR OFFICIAL USE ONLY",
    ]),
    ("NATO, European Union, international", INTERNAL, &[
        "NATO UNCLASSIFIED", "OTAN SANS CLASSIFICATION",
    ]),
    ("NATO, European Union, international", CONFIDENTIAL, &[
        "ESA CONFIDENTIAL", "LIMITE", "SENSITIVE", "EU SENSITIVE", "SENSITIVE NON-CLASSIFIED",
        "OCCAR SENSITIVE", "STRICTLY CONFIDENTIAL",
    ]),
    ("NATO, European Union, international", PUBLIC, &[
        "RELEASABLE TO THE PUBLIC",
    ]),
    ("Commonwealth", REGULATED, &[
        "UK EYES ONLY", "FIVE EYES ONLY", "UK SECRET", "UK TOP SECRET", "PROTECTED", "PROTECTED B",
        "PROTECTED C", "PROTÉGÉ B", "CANADIAN EYES ONLY", "NZEO", "AUSTEO", "TOP SECRET AUSTEO",
        "SECRET//AUSTEO",
    ]),
    ("Commonwealth", CONFIDENTIAL, &[
        "OFFICIAL-SENSITIVE", "OFFICIAL – SENSITIVE", "OFFICIAL SENSITIVE COMMERCIAL", "OFFICIAL: Sensitive",
        "PROTECTED A", "IN-CONFIDENCE", "IN CONFIDENCE", "RESTRICTED", "CONFIDENTIAL",
    ]),
    ("Commonwealth", INTERNAL, &[
        "OFFICIAL",
    ]),
    ("Commonwealth", PUBLIC, &[
        "NOT PROTECTIVELY MARKED", "UNOFFICIAL",
    ]),
    ("Austria", ANY, &[
        "STRENG GEHEIM", "GEHEIM", "VERTRAULICH", "EINGESCHRÄNKT",
    ]),
    ("Belgium", ANY, &[
        "TRÈS SECRET", "ZEER GEHEIM", "CONFIDENTIEL", "VERTROUWELIJK", "DIFFUSION RESTREINTE",
        "BEPERKTE VERSPREIDING", "TRÈS SECRET / ZEER GEHEIM",
    ]),
    ("Bulgaria", ANY, &[
        "СТРОГО СЕКРЕТНО", "СЕКРЕТНО", "ПОВЕРИТЕЛНО", "ЗА СЛУЖЕБНО ПОЛЗВАНЕ",
    ]),
    ("Greece and Cyprus", ANY, &[
        "ΑΚΡΩΣ ΑΠΟΡΡΗΤΟ", "ΑΠΟΡΡΗΤΟ", "ΕΜΠΙΣΤΕΥΤΙΚΟ", "ΠΕΡΙΟΡΙΣΜΕΝΗΣ ΧΡΗΣΗΣ",
    ]),
    ("Czech Republic", ANY, &[
        "PŘÍSNĚ TAJNÉ", "TAJNÉ", "DŮVĚRNÉ", "VYHRAZENÉ",
    ]),
    ("Germany", ANY, &[
        "STRENG GEHEIM", "GEHEIM", "VS-VERTRAULICH", "VS-NUR FÜR DEN DIENSTGEBRAUCH", "VS-NfD",
        "amtlich geheimgehalten",
    ]),
    ("Denmark", ANY, &[
        "YDERST HEMMELIGT", "HEMMELIGT", "FORTROLIGT", "TIL TJENESTEBRUG",
    ]),
    ("Estonia", ANY, &[
        "TÄIESTI SALAJANE", "SALAJANE", "KONFIDENTSIAALNE", "PIIRATUD", "ASUTUSESISESEKS KASUTAMISEKS",
    ]),
    ("Spain", ANY, &[
        "SECRETO", "RESERVADO", "CONFIDENCIAL", "DIFUSIÓN LIMITADA",
    ]),
    ("Finland", ANY, &[
        "ERITTÄIN SALAINEN", "SALAINEN", "LUOTTAMUKSELLINEN", "KÄYTTÖ RAJOITETTU",
    ]),
    ("France", ANY, &[
        "TRÈS SECRET", "SECRET", "TRÈS SECRET DÉFENSE", "SECRET DÉFENSE", "CONFIDENTIEL DÉFENSE",
        "DIFFUSION RESTREINTE", "SPÉCIAL FRANCE",
    ]),
    ("Croatia", ANY, &[
        "VRLO TAJNO", "TAJNO", "POVJERLJIVO", "OGRANIČENO",
    ]),
    ("Hungary", ANY, &[
        "SZIGORÚAN TITKOS!", "TITKOS!", "BIZALMAS!", "KORLÁTOZOTT TERJESZTÉSŰ!",
    ]),
    ("Ireland", ANY, &[
        "TOP SECRET", "SECRET", "CONFIDENTIAL", "RESTRICTED",
    ]),
    ("Italy", ANY, &[
        "SEGRETISSIMO", "SEGRETO", "RISERVATISSIMO", "RISERVATO",
    ]),
    ("Lithuania", ANY, &[
        "VISIŠKAI SLAPTAI", "SLAPTAI", "KONFIDENCIALIAI", "RIBOTO NAUDOJIMO",
    ]),
    ("Luxembourg", ANY, &[
        "TRÈS SECRET LUX", "SECRET LUX", "CONFIDENTIEL LUX", "RESTREINT LUX",
    ]),
    ("Latvia", ANY, &[
        "SEVIŠĶI SLEPENI", "SLEPENI", "KONFIDENCIĀLI", "DIENESTA VAJADZĪBĀM",
    ]),
    ("Netherlands", ANY, &[
        "Stg. ZEER GEHEIM", "Stg. GEHEIM", "Stg. CONFIDENTIEEL", "Dep. VERTROUWELIJK",
    ]),
    ("Norway", ANY, &[
        "STRENGT HEMMELIG", "HEMMELIG", "KONFIDENSIELT", "BEGRENSET",
    ]),
    ("Portugal", ANY, &[
        "MUITO SECRETO", "SECRETO", "CONFIDENCIAL", "RESERVADO",
    ]),
    ("Romania", ANY, &[
        "STRICT SECRET DE IMPORTANȚĂ DEOSEBITĂ", "STRICT SECRET", "SECRET", "SECRET DE SERVICIU",
    ]),
    ("Sweden", ANY, &[
        "KVALIFICERAT HEMLIG", "HEMLIG", "KONFIDENTIELL", "BEGRÄNSAT HEMLIG",
    ]),
    ("Slovenia", ANY, &[
        "STROGO TAJNO", "TAJNO", "ZAUPNO", "INTERNO",
    ]),
    ("Slovakia", ANY, &[
        "PRÍSNE TAJNÉ", "TAJNÉ", "DÔVERNÉ", "VYHRADENÉ",
    ]),
    ("Turkey", ANY, &[
        "ÇOK GİZLİ", "GİZLİ", "ÖZEL", "HİZMETE ÖZEL", "TASNİF DIŞI",
    ]),
    ("Ukraine", ANY, &[
        "ОСОБЛИВОЇ ВАЖЛИВОСТІ", "ЦІЛКОМ ТАЄМНО", "ТАЄМНО", "ДЛЯ СЛУЖБОВОГО КОРИСТУВАННЯ",
    ]),
    ("Russia", ANY, &[
        "ОСОБОЙ ВАЖНОСТИ", "СОВЕРШЕННО СЕКРЕТНО", "СЕКРЕТНО", "ДЛЯ СЛУЖЕБНОГО ПОЛЬЗОВАНИЯ",
        "КОММЕРЧЕСКАЯ ТАЙНА",
    ]),
    ("Israel, China, Japan, Korea", ANY, &[
        "סודי ביותר", "סודי", "שמור", "绝密", "机密", "秘密", "内部资料", "極秘", "秘", "社外秘", "関係者外秘", "1급 비밀", "2급 비밀",
        "3급 비밀", "대외비",
    ]),
    ("Poland", REGULATED, &[
        "ŚCIŚLE TAJNE", "TAJNE", "ZASTRZEŻONE", "TAJEMNICA PAŃSTWOWA", "TAJEMNICA SŁUŻBOWA",
        "TAJEMNICA BANKOWA", "TAJEMNICA LEKARSKA", "TAJEMNICA ADWOKACKA", "TAJEMNICA RADCOWSKA",
        "TAJEMNICA NOTARIALNA", "TAJEMNICA OBROŃCZA", "TAJEMNICA SKARBOWA", "TAJEMNICA UBEZPIECZENIOWA",
        "TAJEMNICA TELEKOMUNIKACYJNA", "TAJEMNICA STATYSTYCZNA", "TAJEMNICA MAKLERSKA", "TAJEMNICA ŚLEDZTWA",
        "TAJEMNICA DZIENNIKARSKA", "DOKUMENTACJA MEDYCZNA", "DANE OSOBOWE SZCZEGÓLNYCH KATEGORII",
        "INFORMACJE PRAWNIE CHRONIONE", "RODO – DANE WRAŻLIWE",
    ]),
    ("Poland", PUBLIC, &[
        "PUBLICZNE", "INFORMACJA PUBLICZNA", "JAWNE", "DO PUBLIKACJI", "DOKUMENT JAWNY",
    ]),
    ("Poland", INTERNAL, &[
        "DO UŻYTKU WEWNĘTRZNEGO", "UŻYTEK WEWNĘTRZNY", "WEWNĘTRZNE", "DOKUMENT WEWNĘTRZNY",
        "INFORMACJA WEWNĘTRZNA", "DO UŻYTKU SŁUŻBOWEGO", "TYLKO DO UŻYTKU SŁUŻBOWEGO",
        "NA POTRZEBY WEWNĘTRZNE",
    ]),
    ("Poland", CONFIDENTIAL, &[
        "POUFNE", "ŚCIŚLE POUFNE", "FIRMA – POUFNE", "INFORMACJA POUFNA", "TAJEMNICA PRZEDSIĘBIORSTWA",
        "TAJEMNICA HANDLOWA", "TAJEMNICA FIRMY", "TYLKO DO WIADOMOŚCI ADRESATA", "DO RĄK WŁASNYCH",
        "NIE ROZPOWSZECHNIAĆ", "NIE KOPIOWAĆ", "KOPIOWANIE ZABRONIONE", "DOKUMENT POUFNY",
    ]),
    ("English", PUBLIC, &[
        "PUBLIC", "UNRESTRICTED", "FOR PUBLIC RELEASE", "FOR GENERAL RELEASE", "APPROVED FOR PUBLIC RELEASE",
        "EXTERNAL – PUBLIC", "NON-CONFIDENTIAL",
    ]),
    ("English", INTERNAL, &[
        "INTERNAL", "INTERNAL USE ONLY", "FOR INTERNAL USE ONLY", "COMPANY INTERNAL", "INTERNAL ONLY",
        "NOT FOR EXTERNAL DISTRIBUTION", "NOT FOR DISTRIBUTION", "EMPLOYEES ONLY", "ACME PROPRIETARY",
        "BUSINESS USE ONLY", "GENERAL",
    ]),
    ("English", CONFIDENTIAL, &[
        "CONFIDENTIAL", "STRICTLY CONFIDENTIAL", "HIGHLY CONFIDENTIAL", "COMPANY CONFIDENTIAL",
        "ACME CONFIDENTIAL", "COMMERCIAL IN CONFIDENCE", "COMMERCIALLY SENSITIVE", "BUSINESS CONFIDENTIAL",
        "PRIVATE AND CONFIDENTIAL", "PROPRIETARY AND CONFIDENTIAL", "CONFIDENTIAL – DO NOT COPY",
        "TRADE SECRET", "RESTRICTED", "HIGHLY RESTRICTED", "DO NOT DISTRIBUTE", "DO NOT FORWARD",
        "EYES ONLY", "NEED TO KNOW", "SENSITIVE", "EMBARGOED UNTIL 5 MAY 2026", "SUBJECT TO NDA",
        "UNDER NDA", "BOARD CONFIDENTIAL", "DRAFT – CONFIDENTIAL", "NOT FOR PUBLICATION",
    ]),
    ("English", REGULATED, &[
        "ATTORNEY-CLIENT PRIVILEGED", "PRIVILEGED AND CONFIDENTIAL", "ATTORNEY WORK PRODUCT",
        "LEGALLY PRIVILEGED", "WITHOUT PREJUDICE", "INSIDE INFORMATION", "MNPI",
        "MATERIAL NON-PUBLIC INFORMATION", "HIPAA", "PHI", "PATIENT CONFIDENTIAL", "MEDICAL IN CONFIDENCE",
        "STAFF IN CONFIDENCE", "CARDHOLDER DATA", "PCI", "EXPORT CONTROLLED", "ITAR", "SAFEGUARDING",
        "SEALED", "FILED UNDER SEAL", "GDPR SPECIAL CATEGORY",
    ]),
    ("German", PUBLIC, &[
        "ÖFFENTLICH", "ZUR VERÖFFENTLICHUNG", "FREIGEGEBEN", "UNEINGESCHRÄNKT",
    ]),
    ("German", INTERNAL, &[
        "INTERN", "NUR INTERN", "NUR FÜR DEN INTERNEN GEBRAUCH", "NUR ZUM INTERNEN GEBRAUCH", "FIRMENINTERN",
        "BETRIEBSINTERN", "NICHT ZUR WEITERGABE",
    ]),
    ("German", CONFIDENTIAL, &[
        "VERTRAULICH", "STRENG VERTRAULICH", "BETRIEBSGEHEIMNIS", "GESCHÄFTSGEHEIMNIS",
        "NUR FÜR DEN EMPFÄNGER", "NUR FÜR DEN DIENSTGEBRAUCH", "NICHT WEITERGEBEN", "VERSCHLUSSSACHE",
        "PERSÖNLICH/VERTRAULICH", "UNTER NDA", "SPERRFRIST",
    ]),
    ("German", REGULATED, &[
        "ANWALTLICHE KORRESPONDENZ", "ANWALTSGEHEIMNIS", "BANKGEHEIMNIS", "ARZTGEHEIMNIS",
        "ÄRZTLICHE SCHWEIGEPFLICHT", "INSIDERINFORMATION", "SOZIALDATEN", "STEUERGEHEIMNIS",
        "PERSONENBEZOGENE DATEN", "PATIENTENDATEN",
    ]),
    ("French", PUBLIC, &[
        "PUBLIC", "DIFFUSION LIBRE", "NON PROTÉGÉ", "DOCUMENT PUBLIC",
    ]),
    ("French", INTERNAL, &[
        "INTERNE", "USAGE INTERNE", "À USAGE INTERNE", "DIFFUSION INTERNE", "RÉSERVÉ À L’USAGE INTERNE",
        "NE PAS DIFFUSER À L’EXTÉRIEUR",
    ]),
    ("French", CONFIDENTIAL, &[
        "CONFIDENTIEL", "STRICTEMENT CONFIDENTIEL", "TRÈS CONFIDENTIEL", "SECRET DES AFFAIRES",
        "DIFFUSION RESTREINTE", "DIFFUSION LIMITÉE", "RESTREINT", "RÉSERVÉ", "NE PAS DIFFUSER",
        "NE PAS DIVULGUER", "PERSONNEL ET CONFIDENTIEL", "SOUS EMBARGO",
    ]),
    ("French", REGULATED, &[
        "SECRET PROFESSIONNEL", "CORRESPONDANCE D’AVOCAT", "SECRET MÉDICAL", "SECRET BANCAIRE",
        "INFORMATION PRIVILÉGIÉE", "DONNÉES DE SANTÉ", "SECRET DÉFENSE",
    ]),
    ("Spanish", PUBLIC, &[
        "PÚBLICO", "USO PÚBLICO", "DIFUSIÓN LIBRE", "INFORMACIÓN PÚBLICA",
    ]),
    ("Spanish", INTERNAL, &[
        "INTERNO", "USO INTERNO", "SOLO USO INTERNO", "USO EXCLUSIVO INTERNO", "NO DIFUNDIR",
    ]),
    ("Spanish", CONFIDENTIAL, &[
        "CONFIDENCIAL", "ESTRICTAMENTE CONFIDENCIAL", "MUY CONFIDENCIAL", "SECRETO EMPRESARIAL",
        "SECRETO COMERCIAL", "RESERVADO", "RESTRINGIDO", "DIFUSIÓN LIMITADA", "DIFUSIÓN RESTRINGIDA",
        "NO DIVULGAR", "NO DISTRIBUIR", "PERSONAL Y CONFIDENCIAL",
    ]),
    ("Spanish", REGULATED, &[
        "SECRETO PROFESIONAL", "PRIVILEGIO ABOGADO-CLIENTE", "SECRETO BANCARIO", "SECRETO MÉDICO",
        "INFORMACIÓN PRIVILEGIADA", "DATOS DE SALUD",
    ]),
    ("other languages", PUBLIC, &[
        "PUBBLICO", "OPENBAAR", "PÚBLICO", "VEŘEJNÉ", "ÖPPEN",
    ]),
    ("other languages", INTERNAL, &[
        "USO INTERNO", "INTERN", "ALLEEN VOOR INTERN GEBRUIK", "INTERNÍ", "PRO VNITŘNÍ POTŘEBU",
        "ДЛЯ ВНУТРІШНЬОГО КОРИСТУВАННЯ", "ДЛЯ ВНУТРЕННЕГО ПОЛЬЗОВАНИЯ",
    ]),
    ("other languages", CONFIDENTIAL, &[
        "RISERVATO", "STRETTAMENTE RISERVATO", "CONFIDENZIALE", "SEGRETO INDUSTRIALE", "VERTROUWELIJK",
        "STRIKT VERTROUWELIJK", "BEDRIJFSGEHEIM", "CONFIDENCIAL", "RESERVADO", "DŮVĚRNÉ",
        "OBCHODNÍ TAJEMSTVÍ", "КОНФІДЕНЦІЙНО", "КОМЕРЦІЙНА ТАЄМНИЦЯ", "КОНФИДЕНЦИАЛЬНО",
        "КОММЕРЧЕСКАЯ ТАЙНА", "KONFIDENTIELL", "SEKRETESS",
    ]),
    ("other languages", REGULATED, &[
        "SEGRETO PROFESSIONALE", "MEDISCH GEHEIM", "SEGREDO PROFISSIONAL",
    ]),
];

fn inspector() -> Inspector {
    Inspector::new(DetectorSet::builtin().expect("built-in detectors"), Limits::inline())
}

/// The labels of what is found by default, with the detectors.
fn labels(inspector: &Inspector, name: &str, bytes: &[u8]) -> Vec<(SensitivityLabel, String)> {
    let mut collected = Collected::default();
    let job = Job { name, input: Input::Bytes(bytes), cancel: &Cancel::default() };
    inspector.inspect(&mut Scratch::new(), job, &mut collected);
    let sure = collected.findings.iter().filter(|finding| finding.confidence.level() >= ConfidenceLevel::Medium);
    let detectors = sure.map(|finding| inspector.detectors().detector(finding.detector));
    let labels = detectors.filter(|detector| detector.category == Category::Label);
    labels.map(|detector| (detector.label, detector.id.clone())).collect()
}

const WORDS: &str = "The numbers of the quarter grew as planned.\nSome more words stand here.";

fn page(marking: &str) -> Vec<u8> {
    format!("{marking}\n\n{WORDS}\n\n{marking}\n").into_bytes()
}

fn mail(marking: &str) -> Vec<u8> {
    let head = "From: a@site.example\r\nTo: b@site.example\r\nSubject: numbers\r\nMIME-Version: 1.0\r\n\
                Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    format!("{head}\r\n{marking}\r\n\r\n{WORDS}\r\n\r\n{marking}\r\n").into_bytes()
}

fn document(marking: &str) -> Vec<u8> {
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", text.replace('&', "&amp;"));
    let body = format!("<w:document><w:body>{}</w:body></w:document>", paragraph(WORDS));
    let header = format!("<w:hdr>{}</w:hdr>", paragraph(marking));
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", body.as_bytes()),
        ("word/header1.xml", header.as_bytes()),
    ])
}

#[test]
fn every_marking_is_found_with_its_level() {
    let inspector = inspector();
    let forms: [Form; 3] = [("a.txt", page), ("a.eml", mail), ("a.docx", document)];
    let mut missed = Vec::new();
    for (of, level, markings) in MARKINGS {
        for marking in *markings {
            for (name, form) in forms {
                let found = labels(&inspector, name, &form(marking));
                let highest = found.iter().map(|(label, _)| *label).max();
                if highest.is_none() || level.is_some() && highest != *level {
                    missed.push(format!("{of}: {marking} in {name}: {found:?}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn a_single_word_is_a_marking_on_both_edges_of_a_page_only() {
    let inspector = inspector();
    for word in ["SECRET", "INTERN", "PUBLIC", "SENSITIVE", "GENERAL", "PHI", "RESERVADO", "PROTECTED"] {
        let top = format!("{word}\n\n{WORDS}\n");
        let bottom = format!("{WORDS}\n\n{word}\n");
        let small = String::from_utf8(page(word)).expect("text").replace(word, &word.to_lowercase());
        for text in [top, bottom, small] {
            assert_eq!(labels(&inspector, "a.txt", text.as_bytes()), [], "{text}");
        }
        assert_ne!(labels(&inspector, "a.txt", &page(word)), [], "{word}");
    }
}

#[test]
fn the_template_of_an_encrypted_document_is_read_from_its_licence() {
    let licence = "<XrML><BODY><WORK><OBJECT><ID type='MS-GUID'>{11111111-2222-3333-4444-555555555555}</ID>\
                   <NAME>LCID 1033:NAME Confidential - Finance:DESCRIPTION For the finance team;</NAME></OBJECT></WORK>\
                   </BODY></XrML>";
    let wide: Vec<u8> = licence.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let inspector = inspector();
    for licence in [licence.as_bytes(), &wide] {
        let file = compound(&[
            (
                "\u{6}DataSpaces/TransformInfo/DRMEncryptedTransform/\u{6}Primary",
                &[&[0x58, 0, 0, 0, 1, 0, 0, 0], licence].concat(),
            ),
            ("EncryptedPackage", &[0x9D; 600]),
        ]);
        let found = labels(&inspector, "a.docx", &file);
        assert!(found.iter().any(|(_, id)| id == "label.microsoft.rights-template"), "{found:?}");
    }
}
