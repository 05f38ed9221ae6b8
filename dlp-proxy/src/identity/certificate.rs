//! What a verified client certificate says of its holder.
//!
//! The names of one kind count: e-mail addresses and the user principal names of Windows when the certificate has any,
//! else URIs, else the common name of the subject. An authority that writes addresses checks addresses; what else it lets people choose is not known.

use super::Proof;
use crate::tls::crl;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::X509Certificate;

/// The kind of name of a user principal name.
const PRINCIPAL_NAME: &str = "1.3.6.1.4.1.311.20.2.3";

/// The proof that a certificate is; none when it cannot be read, which the verification before it rules out.
pub(crate) fn proof_of(der: &CertificateDer<'_>) -> Option<Proof> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let expires = certificate.validity().not_after.timestamp();
    Some(Proof::Certificate { names: names_of(&certificate), expires, id: crl::id_of(&certificate) })
}

fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let (mut mails, mut uris) = (Vec::new(), Vec::new());
    for extension in certificate.extensions() {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in &names.general_names {
            match name {
                GeneralName::RFC822Name(mail) => mails.push((*mail).to_owned()),
                GeneralName::OtherName(kind, value) if kind.to_id_string() == PRINCIPAL_NAME => {
                    mails.extend(text_of(value))
                }
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                _ => {}
            }
        }
    }
    let common = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let common: Vec<String> = common.map(str::to_owned).collect();
    [mails, uris, common].into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// The text in a name of a kind of its own: `[0] EXPLICIT UTF8String`, both of a length that one byte tells.
fn text_of(der: &[u8]) -> Option<String> {
    let text = match der {
        [0xa0, outer, 0x0c, inner, text @ ..] if *outer < 0x80 && inner.checked_add(2) == Some(*outer) => {
            Some((usize::from(*inner), text))
        }
        _ => None,
    };
    let text = text.filter(|(len, text)| *len > 0 && text.len() == *len)?.1;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    #[test]
    fn lengths_of_other_names_are_believed_within_their_bounds() {
        let rows: [(&[u8], Option<&str>); 6] = [
            (&[0xa0, 3, 0x0c, 1, b'a'], Some("a")),
            (&[0xa0, 4, 0x0c, 1, b'a'], None),
            (&[0xa0, 0, 0x0c, 254], None),
            (&[0xa0, 1, 0x0c, 255, b'a'], None),
            (&[0xa0, 2, 0x0c, 0], None),
            (&[], None),
        ];
        for (der, expected) in rows {
            assert_eq!(text_of(der).as_deref(), expected, "{der:?}");
        }
    }

    #[test]
    fn names_of_the_best_kind_count() {
        let mail = |text: &str| SanType::Rfc822Name(text.try_into().unwrap());
        let uri = |text: &str| SanType::URI(text.try_into().unwrap());
        let dns = |text: &str| SanType::DnsName(text.try_into().unwrap());
        let principal =
            |text: &str| SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], text.to_owned().into()));
        let other = |text: &str| SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 4], text.to_owned().into()));
        let rows: [(Vec<SanType>, &[&str]); 6] = [
            (vec![principal("anna@corp.example"), uri("spiffe://corp/anna")], &["anna@corp.example"]),
            (vec![other("bob@corp.example"), mail("anna@corp.example")], &["anna@corp.example"]),
            (
                vec![uri("spiffe://corp/anna"), mail("anna@corp.example"), mail("a@corp.example")],
                &["anna@corp.example", "a@corp.example"],
            ),
            (vec![dns("host.example"), uri("spiffe://corp/anna")], &["spiffe://corp/anna"]),
            (vec![dns("host.example")], &["Anna"]),
            (Vec::new(), &["Anna"]),
        ];
        for (names, expected) in rows {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, "Anna");
            params.subject_alt_names = names;
            let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
            let Some(Proof::Certificate { names, .. }) = proof_of(certificate.der()) else { panic!("no proof") };
            assert_eq!(names, expected);
        }
    }
}
