//! Handing reports back from the workers, without waking the reporting thread for each of them.
//!
//! Waking a thread costs as much as reading a small file. So reports wait in the channel until enough of them wait, or
//! a worker has nothing left to do, or the reporting thread looks by itself, which it does often enough for people.

use super::examine::FileReport;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::time::Duration;

/// Reports that wait before the reporting thread is woken.
const WAITING_MAX: usize = 128;

/// The end that each worker holds.
#[derive(Clone)]
pub(super) struct Giver {
    reports: Sender<(u64, FileReport)>,
    bell: Sender<()>,
}

/// The end of the reporting thread.
pub(super) struct Taker {
    reports: Receiver<(u64, FileReport)>,
    bell: Receiver<()>,
}

/// Both ends, for this many reports at most.
pub(super) fn handback(len_max: usize) -> (Giver, Taker) {
    let (reports_in, reports) = bounded(len_max);
    let (bell_in, bell) = bounded(1);
    (Giver { reports: reports_in, bell: bell_in }, Taker { reports, bell })
}

impl Giver {
    /// Hands back the report of the file with this number. `None` when nobody takes it any more. A worker that is idle
    /// may be so because the walk waits for reports.
    pub(super) fn give(&self, number: u64, report: FileReport, is_idle: bool) -> Option<()> {
        self.reports.send((number, report)).ok()?;
        if is_idle || self.reports.len() >= WAITING_MAX {
            // A bell that rings already is heard.
            let _ = self.bell.try_send(());
        }
        Some(())
    }
}

impl Taker {
    /// Waits for the bell, at most this long, and then takes every report that waits. False when no more will come.
    pub(super) fn take(&self, wait: Duration, each: &mut dyn FnMut(u64, FileReport)) -> bool {
        let rung = self.bell.recv_timeout(wait);
        // The workers ended before the bell fell silent, so all they gave is here.
        self.reports.try_iter().for_each(|(number, report)| each(number, report));
        rung != Err(RecvTimeoutError::Disconnected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bell_rings_when_enough_wait_and_at_the_end() {
        let quiet = || FileReport { is_file: true, ..FileReport::default() };
        let (giver, taker) = handback(2 * WAITING_MAX);
        for number in 0..WAITING_MAX as u64 {
            assert!(taker.bell.is_empty(), "{number}");
            giver.give(number, quiet(), false).expect("it is taken");
        }
        assert!(!taker.bell.is_empty());
        let mut taken = Vec::new();
        assert!(taker.take(Duration::ZERO, &mut |number, _| taken.push(number)));
        assert_eq!(taken, (0..WAITING_MAX as u64).collect::<Vec<_>>());

        giver.give(0, quiet(), true).expect("it is taken");
        assert!(taker.take(Duration::from_secs(3_600), &mut |_, _| {}), "an idle worker");

        giver.give(0, quiet(), false).expect("it is taken");
        drop(giver);
        let mut rest = 0;
        assert!(!taker.take(Duration::from_secs(3_600), &mut |_, _| rest += 1));
        assert_eq!(rest, 1, "what the workers gave last");
    }

    #[test]
    fn a_taker_that_is_gone_is_noticed() {
        let (giver, taker) = handback(1);
        drop(taker);
        assert_eq!(giver.give(0, FileReport::default(), false), None);
    }
}
