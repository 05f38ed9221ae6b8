//! The interception CA: made at first start, afterwards read from two PEM files.
//!
//! Whoever has the key can impersonate every site to the users who trust it, so a key file that others could have
//! read, or that is a link to somewhere else, is refused rather than used.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Life of a new CA: ten years, so that a fleet does not lose trust by surprise.
const VALIDITY: Duration = Duration::from_secs(3650 * 24 * 3600);

/// Why there is no CA.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// Group or others have access to the key.
    #[error(
        "the CA key {} can be used by others (mode {mode:04o}, expected 0600); run: chmod 600 {}, or make a new CA if the key may have been copied",
        path.display(), path.display()
    )]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key belongs to somebody else.
    #[error(
        "the CA key {} belongs to user {owner}, expected user {expected} or root; run: chown {expected} {}, or make a new CA if the key may have been copied",
        path.display(), path.display()
    )]
    KeyOwner {
        /// The key file.
        path: PathBuf,
        /// Number of its owner.
        owner: u32,
        /// Number of the user who runs the gateway.
        expected: u32,
    },
    /// The CA is over.
    #[error("the CA has expired; make a new one and let clients trust it")]
    Expired,
    /// The key is a symbolic link or no file.
    #[error("the CA key {} is not a regular file; set ca.key to the file itself", path.display())]
    KeyNotRegular {
        /// The path.
        path: PathBuf,
    },
    /// One of the two files is missing.
    #[error("the CA file {} is missing while its counterpart {} exists; restore it, or remove both to make a new CA", missing.display(), present.display())]
    Half {
        /// The file that is missing.
        missing: PathBuf,
        /// The file that exists.
        present: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot access the CA file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The content is unusable.
    #[error("the CA in {} cannot be used: {message}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Expected and got.
        message: String,
    },
    /// No random bytes, or a signing failure: nothing that a file could explain.
    #[error("cannot make a CA: {0}")]
    Crypto(String),
}

/// A CA that can sign.
#[derive(Debug)]
pub(crate) struct Ca {
    pem: String,
    chain: Vec<CertificateDer<'static>>,
    issuer: Issuer<'static, KeyPair>,
    not_after: SystemTime,
}

impl Ca {
    /// Reads the CA, or makes it when neither file exists.
    pub(crate) fn load_or_create(cert: &Path, key: &Path) -> Result<Self, CaError> {
        match (exists(cert)?, exists(key)?) {
            (true, true) => Self::load(cert, key),
            (false, false) => Self::create(cert, key),
            (true, false) => Err(CaError::Half { missing: key.into(), present: cert.into() }),
            (false, true) => Err(CaError::Half { missing: cert.into(), present: key.into() }),
        }
    }

    /// Certificates in PEM, for clients to trust.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The certificates that are sent behind a leaf.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Signs leaves.
    pub(crate) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    /// When the CA ends.
    pub(crate) fn not_after(&self) -> SystemTime {
        self.not_after
    }

    fn load(cert: &Path, key: &Path) -> Result<Self, CaError> {
        check_key_file(key)?;
        let read = |path: &Path| fs::read_to_string(path).map_err(|source| io_error(path, source));
        let unusable = |path: &Path, message: String| CaError::Unusable { path: path.into(), message };
        let (pem, key_pem) = (read(cert)?, zeroize::Zeroizing::new(read(key)?));
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(cert, format!("expected PEM certificates: {error}")))?;
        let first = chain.first().ok_or_else(|| unusable(cert, "expected a PEM certificate, found none".into()))?;
        let key_pair = KeyPair::from_pem(&key_pem)
            .map_err(|error| unusable(key, format!("expected a private key in PEM: {error}")))?;
        let not_after = check_certificate(first, &key_pair).map_err(|message| unusable(cert, message))?;
        let issuer = Issuer::from_ca_cert_der(first, key_pair).map_err(|error| unusable(cert, error.to_string()))?;
        Ok(Self { pem, chain, issuer, not_after })
    }

    fn create(cert: &Path, key: &Path) -> Result<Self, CaError> {
        let crypto = |error: rcgen::Error| CaError::Crypto(error.to_string());
        let key_pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(crypto)?;
        let now = SystemTime::now();
        let certificate = ca_params(now)?.self_signed(&key_pair).map_err(crypto)?;
        for path in [cert, key] {
            create_parent(path)?;
        }
        let key_pem = zeroize::Zeroizing::new(key_pair.serialize_pem());
        write_new(key, key_pem.as_bytes(), 0o600)?;
        write_new(cert, certificate.pem().as_bytes(), 0o644)?;
        Self::load(cert, key)
    }
}

/// What a new CA says about itself. The name is unique, so that two installations never share issuer and serial.
fn ca_params(now: SystemTime) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    let suffix = data_encoding::HEXLOWER.encode(&random::<4>()?);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("DLP gateway CA {suffix}"));
    params.serial_number = Some(random_serial()?);
    params.not_before = at(now - DAY);
    params.not_after = at(now + VALIDITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// A positive serial number of 16 random bytes.
pub(super) fn random_serial() -> Result<SerialNumber, CaError> {
    let mut bytes = random::<16>()?;
    // The top bit is the sign, and a first byte of zero would be shortened.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn random<const N: usize>() -> Result<[u8; N], CaError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| CaError::Crypto(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// A point in time as the certificate library wants it, in whole seconds.
pub(super) fn at(time: SystemTime) -> time::OffsetDateTime {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    time::OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The certificate must be a CA, belong to the key and not be over. Returns its end.
fn check_certificate(der: &CertificateDer<'_>, key: &KeyPair) -> Result<SystemTime, String> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(der).map_err(|e| format!("expected a certificate: {e}"))?;
    if !certificate.is_ca() {
        return Err("expected a CA certificate, got one without the CA flag".into());
    }
    if certificate.public_key().raw != key.subject_public_key_info() {
        return Err("the certificate and the private key do not belong together".into());
    }
    if !certificate.validity().is_valid() {
        return Err(format!("it is not valid now, only {}", show(certificate.validity())));
    }
    let seconds = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn show(validity: &x509_parser::certificate::Validity) -> String {
    format!("from {} to {}", validity.not_before, validity.not_after)
}

/// Refuses a key that others can use.
fn check_key_file(path: &Path) -> Result<(), CaError> {
    let metadata = fs::symlink_metadata(path).map_err(|source| io_error(path, source))?;
    if !metadata.is_file() {
        return Err(CaError::KeyNotRegular { path: path.into() });
    }
    check_owner(path, metadata.uid(), rustix::process::geteuid().as_raw())?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(CaError::KeyExposed { path: path.into(), mode });
    }
    Ok(())
}

/// Whoever owns a file can change its mode back at any time.
fn check_owner(path: &Path, owner: u32, expected: u32) -> Result<(), CaError> {
    if owner == expected || owner == 0 {
        return Ok(());
    }
    Err(CaError::KeyOwner { path: path.into(), owner, expected })
}

fn exists(path: &Path) -> Result<bool, CaError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error(path, source)),
    }
}

fn create_parent(path: &Path) -> Result<(), CaError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|source| io_error(parent, source))
}

/// Writes a file that must not exist yet.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), CaError> {
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|source| io_error(path, source))
}

fn io_error(path: &Path, source: io::Error) -> CaError {
    CaError::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(dir: &Path) -> (PathBuf, PathBuf) {
        (dir.join("a/ca.pem"), dir.join("a/ca.key"))
    }

    #[test]
    fn a_new_ca_is_kept_and_constrained() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = paths(dir.path());
        let made = Ca::load_or_create(&cert, &key).unwrap();
        let read = Ca::load_or_create(&cert, &key).unwrap();
        assert_eq!(made.pem(), read.pem());
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(dir.path().join("a")).unwrap().permissions().mode() & 0o777, 0o700);

        let (_, certificate) = x509_parser::parse_x509_certificate(&made.chain()[0]).unwrap();
        let constraints = certificate.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = certificate.key_usage().unwrap().unwrap().value;
        assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
        assert!(certificate.subject().to_string().starts_with("CN=DLP gateway CA "));
    }

    #[test]
    fn two_installations_differ() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let made = dirs.each_ref().map(|dir| {
            let (cert, key) = paths(dir.path());
            let ca = Ca::load_or_create(&cert, &key).unwrap();
            let (_, certificate) = x509_parser::parse_x509_certificate(&ca.chain()[0]).unwrap();
            (certificate.subject().to_string(), certificate.raw_serial().to_vec())
        });
        assert_ne!(made[0].0, made[1].0);
        assert_ne!(made[0].1, made[1].1);
    }

    #[test]
    fn the_key_belongs_to_whoever_runs_the_gateway_or_to_root() {
        let rows = [(1000, 1000, true), (0, 1000, true), (0, 0, true), (1000, 0, false), (1001, 1000, false)];
        for (owner, own, expected) in rows {
            let checked = check_owner(Path::new("ca.key"), owner, own);
            assert_eq!(checked.is_ok(), expected, "{owner} {own}");
            if let Err(error) = checked {
                assert!(error.to_string().contains(&format!("chown {own} ca.key")), "{error}");
            }
        }
    }

    #[test]
    fn unusable_files_are_explained() {
        type Break = fn(&Path, &Path);
        let rows: [(&str, Break); 7] = [
            ("chmod 600", |_, key| fs::set_permissions(key, fs::Permissions::from_mode(0o640)).unwrap()),
            ("is missing", |_, key| fs::remove_file(key).unwrap()),
            ("is missing", |cert, _| fs::remove_file(cert).unwrap()),
            ("not a regular file", |cert, key| {
                fs::remove_file(key).unwrap();
                std::os::unix::fs::symlink(cert, key).unwrap();
            }),
            ("expected a private key", |_, key| fs::write(key, "nonsense").unwrap()),
            ("found none", |cert, _| fs::write(cert, "nonsense").unwrap()),
            ("do not belong together", |_, key| {
                let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
                fs::write(key, other.serialize_pem()).unwrap();
            }),
        ];
        for (expected, damage) in rows {
            let dir = tempfile::tempdir().unwrap();
            let (cert, key) = paths(dir.path());
            Ca::load_or_create(&cert, &key).unwrap();
            damage(&cert, &key);
            let error = Ca::load_or_create(&cert, &key).unwrap_err().to_string();
            assert!(error.contains(expected), "expected {expected:?}, got {error:?}");
            assert!(!error.contains("PRIVATE KEY"), "{error:?}");
        }
    }
}
