//! by hand
use dlp_core::base::Limits;
use dlp_core::content::*;
use dlp_sandbox::*;
use std::time::*;
fn main() {
    if run_worker_if_asked().is_some() {
        return;
    }
    let d = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    for (spares, pause) in [(0, 0), (1, 0), (1, 20), (2, 0)] {
        let parser = SandboxedParser::current_exe().unwrap().spares(spares);
        let mut run = || {
            let t = Instant::now();
            let _ = parser.parse(Kind::Pdf, &d, &Limits::inline(), &mut |_| Flow::Continue);
            t.elapsed()
        };
        let first = run();
        let mut v: Vec<_> = (0..200)
            .map(|_| {
                std::thread::sleep(Duration::from_millis(pause));
                run()
            })
            .collect();
        v.sort();
        println!("spares {spares} pause {pause}: first {first:?} median {:?} p95 {:?}", v[100], v[190]);
    }
}
