//! Builds the corpora that benches scan, and says what they are.
#![expect(clippy::print_stdout, reason = "a program that reports to a person")]

use dlp_benches::corpora::Corpus;
use dlp_benches::make;

fn main() -> std::io::Result<()> {
    for corpus in Corpus::ALL {
        let made = make::corpus(corpus)?;
        let state = if made.was_there { "was there" } else { "made" };
        let mb = made.bytes as f64 / 1e6;
        println!("{:<7} {:>6} files {mb:>7.1} MB  blake3 {}  {state}", corpus.name(), made.files, made.hash);
    }
    Ok(())
}
