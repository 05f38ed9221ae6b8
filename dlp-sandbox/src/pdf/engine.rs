//! The engine: pdf-extract, one page at a time.
//!
//! It knows fonts, kerning and positions better than the plain reading, and it panics, overflows and hangs on files
//! that it does not like. A panic is caught here; the rest is what the process around it is for.

use pdf_extract::{Document, PlainTextOutput, output_doc_page};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What the engine made of a page.
#[derive(Debug)]
pub(super) enum Engine {
    /// Its text.
    Text(String),
    /// It returned an error; what it had written before.
    Failed(String),
    /// It panicked; what it had written before.
    Panicked(String),
}

/// Reads the page with this number.
pub(super) fn read(document: &Document, page: u32) -> Engine {
    let mut text = String::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        output_doc_page(document, &mut PlainTextOutput::new(&mut text), page).is_ok()
    }));
    match result {
        Ok(true) => Engine::Text(text),
        Ok(false) => Engine::Failed(text),
        Err(_) => Engine::Panicked(text),
    }
}
