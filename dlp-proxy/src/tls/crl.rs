//! Revocation lists: read from PEM, and asked about certificates that were shown before the list was read.
//!
//! Signatures and dates of the lists are checked where certificates are verified, for clients and for origins: a list that has
//! run out refuses the certificates of its authority. Here they only say which serial numbers of which issuer are on them.

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::Path;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

/// Stands for one certificate of one issuer.
pub(crate) type CertificateId = [u8; 32];

/// The lists in a file.
pub(crate) fn read(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let lists = CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let lists = lists.map_err(|error| error.to_string())?;
    if lists.is_empty() || lists.iter().any(|list| CertificateRevocationList::from_der(list).is_err()) {
        return Err("expected at least one revocation list in PEM".into());
    }
    Ok(lists)
}

/// What a certificate is known by here.
pub(crate) fn id_of(certificate: &X509Certificate<'_>) -> CertificateId {
    id(certificate.issuer().as_raw(), certificate.raw_serial())
}

/// The issuer is DER, which tells its own length, so that no two pairs are one text.
fn id(issuer: &[u8], serial: &[u8]) -> CertificateId {
    Sha256::new().chain_update(issuer).chain_update(serial).finalize().into()
}

/// Certificates that stand on lists.
#[derive(Clone, Debug, Default)]
pub(crate) struct Revoked(HashSet<CertificateId>);

impl Revoked {
    /// Those on these lists, which have been read before.
    pub(crate) fn by(lists: &[CertificateRevocationListDer<'_>]) -> Self {
        let parsed = lists.iter().filter_map(|list| CertificateRevocationList::from_der(list).ok());
        let ids = parsed.flat_map(|(_, list)| {
            let issuer = list.issuer().as_raw().to_vec();
            list.iter_revoked_certificates().map(move |entry| id(&issuer, entry.raw_serial())).collect::<Vec<_>>()
        });
        Self(ids.collect())
    }

    /// Whether this one does.
    pub(crate) fn has(&self, id: &CertificateId) -> bool {
        self.0.contains(id)
    }
}
