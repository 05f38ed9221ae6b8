//! Office Open XML packages.

use super::walk::{Step, Walk};
use super::zip::{self, Directory};
use super::{Kind, ReadSeek, Relation};

/// Walks a package whose directory was read.
pub(super) fn walk(walk: &mut Walk<'_>, kind: Kind, reader: &mut dyn ReadSeek, directory: &Directory) -> Step {
    let _ = kind;
    zip::walk(walk, reader, directory, Relation::Root)
}
