//! All detector, destination and policy data of the product, embedded at build time.
//!
//! This crate holds no logic: the build script checks and packs the detector files, and the functions here hand out the
//! bytes. Who reads what: dlp-core reads [`detectors`] and [`examples`]; dlp-proxy parses [`destinations`]; dlp-core's
//! decision layer parses [`policies`], its knowledge layer [`profiles`].

#![forbid(unsafe_code)]

mod texts {
    include!(concat!(env!("OUT_DIR"), "/texts.rs"));
}

/// The built-in detectors, for `dlp_detector_format::Packed`.
#[must_use]
pub fn detectors() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/detectors.bin"))
}

/// The examples of the built-in detectors, for `dlp_detector_format::unpack_examples`.
#[must_use]
pub fn examples() -> &'static [u8] {
    include_bytes!(concat!(env!("OUT_DIR"), "/examples.bin"))
}

/// Destination files as `(app id, TOML text)`.
#[must_use]
pub fn destinations() -> &'static [(&'static str, &'static str)] {
    texts::DESTINATION
}

/// Policy packs as `(pack id, TOML text)`.
#[must_use]
pub fn policies() -> &'static [(&'static str, &'static str)] {
    texts::POLICY
}

/// Profiles as `(name, TOML text)`.
#[must_use]
pub fn profiles() -> &'static [(&'static str, &'static str)] {
    texts::PROFILE
}
