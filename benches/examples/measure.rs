//! Speed over the files of directories, in processor seconds.
use dlp_core::knowledge::Catalogue;
use dlp_core::matching::{DetectorSet, Isa, Scratch};
use std::collections::BTreeMap;
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn walk(p: &std::path::Path, out: &mut Vec<Vec<u8>>, max: usize) {
    if p.is_dir() {
        let mut v: Vec<_> = std::fs::read_dir(p).unwrap().flatten().map(|e| e.path()).collect();
        v.sort();
        for c in v {
            if !c.is_symlink() {
                walk(&c, out, max)
            }
            if out.iter().map(Vec::len).sum::<usize>() > max {
                return;
            }
        }
    } else if let Ok(b) = std::fs::read(p) {
        out.push(b)
    }
}
fn main() {
    let t = cpu();
    let set = DetectorSet::compile_for(
        match std::env::var("ISA").as_deref() {
            Ok("avx2") => Isa::Avx2,
            Ok("portable") => Isa::Portable,
            _ => Isa::detect(),
        },
        Catalogue::builtin().unwrap(),
    );
    println!("start {:.1} ms", (cpu() - t) * 1e3);
    for dir in std::env::args().skip(1) {
        let mut files = Vec::new();
        walk(dir.as_ref(), &mut files, 200_000_000);
        let bytes: usize = files.iter().map(Vec::len).sum();
        let mut scratch = Scratch::new();
        let mut best = f64::MAX;
        let mut found = BTreeMap::new();
        let mut steps = 0;
        let mut degraded = 0;
        for round in 0..2 {
            let t = cpu();
            found.clear();
            steps = 0;
            degraded = 0;
            for f in &files {
                let e = set.scan(&mut scratch, f, &mut |m| *found.entry(m.detector).or_insert(0usize) += 1);
                steps += e.steps;
                degraded += usize::from(!e.degraded.is_empty());
                for d in &e.degraded {
                    if round == 0 {
                        eprintln!("degraded {} len {} steps {}", set.detector(*d).id, f.len(), e.steps)
                    }
                }
            }
            let _ = round;
            best = best.min(cpu() - t);
        }
        let t = cpu();
        for f in &files {
            std::hint::black_box(memchr::memchr(255, f));
        }
        let m = cpu() - t;
        println!(
            "{dir}: {} files {:.1} MB  {:.3} s  {:.1} MB/s  memchr {:.3}s ratio {:.3} found {} steps/byte {:.2} degraded {degraded}",
            files.len(),
            bytes as f64 / 1e6,
            best,
            bytes as f64 / 1e6 / best,
            m,
            m / best,
            found.values().sum::<usize>(),
            steps as f64 / bytes as f64
        );
    }
}
