//! by hand
use dlp_core::base::Limits;
use dlp_core::content::*;
use dlp_sandbox::*;
use std::time::Instant;
fn main() {
    if let Some(_c) = run_worker_if_asked() {
        return;
    }
    let parser = SandboxedParser::current_exe().unwrap();
    let dump = std::env::var("DUMP").is_ok();
    for file in std::env::args().skip(1) {
        let doc = std::fs::read(&file).unwrap();
        let t = Instant::now();
        let mut text = String::new();
        let mut problems = vec![];
        let outcome = parser.parse(Kind::Pdf, &doc, &Limits::inline(), &mut |f| {
            match f {
                RiskyFrame::Text(s) => {
                    if dump {
                        println!("--- {:?} {:?} {:?}", s.part, s.place, String::from_utf8_lossy(s.text));
                    }
                    text.push_str(&String::from_utf8_lossy(s.text));
                    text.push('\n');
                }
                RiskyFrame::Child { name, bytes } => {
                    text.push_str(name);
                    text.push('\n');
                    text.push_str(&String::from_utf8_lossy(bytes));
                }
                RiskyFrame::Problem(p) => problems.push(p.reason),
            }
            Flow::Continue
        });
        let out = std::path::Path::new("/tmp/sbx").join(std::path::Path::new(&file).file_name().unwrap());
        std::fs::write(out, &text).unwrap();
        problems.dedup();
        println!(
            "{}\t{:?}\t{}\t{} ms\t{} chars\t{:?}",
            file.rsplit('/').next().unwrap(),
            outcome.completeness,
            outcome.reason,
            t.elapsed().as_millis(),
            text.len(),
            problems
        );
    }
    println!("level {:?}", parser.level());
    if !dump {
        println!("{:?}", parser.self_test());
    }
}
