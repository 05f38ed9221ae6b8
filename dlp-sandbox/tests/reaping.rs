//! No process is left behind. Alone in its file, because it counts all children of this process.

mod support;

use dlp_core::base::Limits;
use std::path::Path;
use support::{Pdf, document, parser, read_with};

/// Processes whose parent is this one, dead ones included.
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").expect("processes are listed").flatten();
    let status = |path: &Path| std::fs::read_to_string(path.join("stat")).ok();
    processes.filter_map(|entry| status(&entry.path())).filter(|status| parent_of(status) == Some(&own)).collect()
}

/// The fourth field; the second one is a name in parentheses that may hold anything.
fn parent_of(status: &str) -> Option<&str> {
    status.rsplit_once(')')?.1.split_whitespace().nth(1)
}

#[test]
fn every_worker_is_reaped() {
    let parser = parser().spares(3);
    let mut bad = Pdf::default();
    let page = bad.riddle("", "");
    bad.amend(page, "/Parent 2 0 R /MediaBox [0 0 600 800]", &format!("/Parent {page} 0 R"));
    for bytes in [document("fine"), bad.build(), document("fine again"), b"%PDF-".to_vec(), Vec::new()] {
        let read = read_with(&parser, &bytes, &Limits::inline());
        let dead: Vec<_> = children().into_iter().filter(|status| status.contains(") Z ")).collect();
        // A worker that the starter has in hand lives; the dead ones must be gone.
        assert!(dead.is_empty(), "{dead:?} after {read:?}");
    }
    assert!(!children().is_empty(), "workers wait for the next document");
    drop(parser);
    assert_eq!(children(), Vec::<String>::new());
}
