//! Extraction over its public interface: formats, hostile files, and the laws that hold for all of them.

mod compound;
mod data;
mod encoded;
mod evasions;
mod formats;
mod hostile;
mod image;
mod iso;
mod mail;
mod markings;
mod odf;
mod office;
mod picture;
mod rtf;
mod serial;
mod sqlite;
mod support;
mod wrapped;
