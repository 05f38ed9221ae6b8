//! What the programs share: certificates, and the TLS of both ends.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// What may go wrong here. The script shows it as it is.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The name of the origin.
pub const HOST: &str = "localhost";

/// A CA, whose certificate is written to a file for whoever has to trust it.
pub fn new_ca(path: &Path) -> Result<Issuer<'static, KeyPair>, Failure> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "CA of a benchmark");
    fs::write(path, params.self_signed(&key)?.pem())?;
    Ok(Issuer::new(params, key))
}

/// The server side of [`HOST`], in both versions of HTTP.
pub fn server_config(ca: &Issuer<'static, KeyPair>) -> Result<Arc<ServerConfig>, Failure> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![HOST.to_owned()])?.signed_by(&key, ca)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client side that trusts one CA and offers these versions.
pub fn client_config(ca: &Path, alpn: &[&str]) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca)?)?;
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(config)
}
