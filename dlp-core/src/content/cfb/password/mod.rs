//! The password that Excel tries by itself.
//!
//! A workbook whose structure is protected is encrypted with a fixed password, and Excel opens it without a question.
//! So it is no secret what such a file holds, and a file that this password opens is read like any other. Which it is,
//! the file says: it holds a verifier. Where another password was taken, nothing is tried and the file stays encrypted.
//!
//! [MS-OFFCRYPTO] 2.3, [MS-XLS] 2.2.10.

mod package;
mod workbook;

pub(super) use package::{BLOCK_BYTES, Package, open as open_package};
pub(super) use workbook::open as open_workbook;

use crate::base::{Problem, ProblemClass};

/// The password, which all versions share.
const PASSWORD: &str = "VelvetSweatshop";

/// What is said of a file that the password opened: it was read, and still it is encrypted, which others cannot look
/// through.
pub(super) fn opened() -> Problem {
    let message = "encrypted with the password that Excel tries by itself; it was opened and read";
    Problem::new(ProblemClass::Encrypted, "default_password", message)
}

/// The password as it goes into sums.
fn wide_password() -> Vec<u8> {
    PASSWORD.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
