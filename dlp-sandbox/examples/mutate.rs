//! by hand
use dlp_core::base::Limits;
use dlp_core::content::*;
use dlp_sandbox::*;
use std::collections::BTreeMap;
use std::time::Instant;
fn main() {
    if run_worker_if_asked().is_some() {
        return;
    }
    let parser = SandboxedParser::current_exe().unwrap();
    let mut seed = 88172645463325252u64;
    let mut rnd = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut ends: BTreeMap<(String, &'static str), u32> = BTreeMap::new();
    let mut slow = vec![];
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let files: Vec<_> = std::env::args().skip(2).collect();
    let t0 = Instant::now();
    for i in 0..n {
        let f = &files[i % files.len()];
        let mut d = std::fs::read(f).unwrap();
        if d.is_empty() {
            continue;
        }
        for _ in 0..(1 + rnd() % 8) {
            let at = (rnd() as usize) % d.len();
            match rnd() % 5 {
                0 => d[at] = rnd() as u8,
                1 => d.truncate(at.max(1)),
                2 => {
                    let to = (at + (rnd() as usize % 200)).min(d.len());
                    let c = d[at..to].to_vec();
                    let p = rnd() as usize % d.len();
                    d.splice(p..p, c);
                }
                3 => {
                    let to = (at + (rnd() as usize % 50)).min(d.len());
                    d.drain(at..to);
                    if d.is_empty() {
                        d.push(1)
                    }
                }
                _ => {
                    if let Some(p) = d[at..].iter().position(|b| b.is_ascii_digit()) {
                        d[at + p] = b'0' + (rnd() % 10) as u8;
                    }
                }
            }
        }
        let t = Instant::now();
        let mut problems = vec![];
        let o = parser.parse(Kind::Pdf, &d, &Limits::inline(), &mut |f| {
            if let RiskyFrame::Problem(p) = f {
                problems.push(p.reason)
            }
            Flow::Continue
        });
        *ends.entry((format!("{:?}", o.completeness), o.reason)).or_default() += 1;
        if problems.iter().any(|p| {
            matches!(
                *p,
                "engine_crash"
                    | "sandbox_violation"
                    | "worker_protocol"
                    | "no_worker"
                    | "worker_memory_max"
                    | "worker_cpu_max"
                    | "worker_wall_max"
            )
        }) || t.elapsed().as_millis() > 1500
        {
            std::fs::write(format!("/tmp/sbx/mut-{i}.pdf"), &d).unwrap();
            slow.push((i, f.clone(), t.elapsed().as_millis(), problems));
        }
    }
    println!("{n} in {:?}", t0.elapsed());
    for e in ends {
        println!("{e:?}");
    }
    for s in slow {
        println!("{s:?}");
    }
}
