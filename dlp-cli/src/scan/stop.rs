//! Stopping: signals from outside, and the time that one file may take.

use crate::error::CliError;
use crossbeam_channel::{RecvTimeoutError, bounded};
use dlp_core::base::Cancel;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Listens for the signals that ask a program to end. A second one ends it at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    /// Starts to listen.
    pub(crate) fn listen() -> Result<Self, CliError> {
        let number = Arc::new(AtomicUsize::new(0));
        let failed = |source| CliError::System { what: "signals cannot be handled", source };
        for signal in [SIGINT, SIGTERM] {
            let asked_before = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked_before)).map_err(failed)?;
            signal_hook::flag::register(signal, asked_before).map_err(failed)?;
            signal_hook::flag::register_usize(signal, Arc::clone(&number), signal as usize).map_err(failed)?;
        }
        Ok(Self(number))
    }

    /// An error once a signal has come.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            number if number == SIGTERM as usize => Err(CliError::Stopped { name: "SIGTERM", number: SIGTERM as u8 }),
            _ => Err(CliError::Stopped { name: "Ctrl-C", number: SIGINT as u8 }),
        }
    }
}

/// Runs one job outside the pipeline, and stops it when its time is over.
pub(crate) fn within<T>(allowed: Duration, job: impl FnOnce(&Cancel) -> T) -> T {
    let cancel = Cancel::default();
    let (done, wait) = bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if wait.recv_timeout(allowed) == Err(RecvTimeoutError::Timeout) {
                cancel.trip();
            }
        });
        let result = job(&cancel);
        drop(done);
        result
    })
}

/// The jobs that run, each with the time at which it has to end: the core has no clock.
#[derive(Debug)]
pub(crate) struct Watch {
    slots: Vec<Mutex<Option<(Instant, Cancel)>>>,
    allowed: Duration,
    stopped: AtomicBool,
}

impl Watch {
    /// A watch over this many workers.
    pub(crate) fn new(workers: usize, allowed: Duration) -> Self {
        Self { slots: (0..workers).map(|_| Mutex::new(None)).collect(), allowed, stopped: AtomicBool::new(false) }
    }

    /// Starts the clock of a worker's next job.
    pub(crate) fn start(&self, worker: usize) -> Cancel {
        let cancel = Cancel::default();
        *self.slot(worker) = Some((Instant::now() + self.allowed, cancel.clone()));
        if self.stopped.load(Ordering::SeqCst) {
            cancel.trip();
        }
        cancel
    }

    /// The worker's job has ended.
    pub(crate) fn end(&self, worker: usize) {
        *self.slot(worker) = None;
    }

    /// Stops jobs whose time is over.
    pub(crate) fn tick(&self) {
        let now = Instant::now();
        self.each(|(deadline, cancel)| {
            if *deadline <= now {
                cancel.trip();
            }
        });
    }

    /// Stops all jobs, those that start later too.
    pub(crate) fn stop_all(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.each(|(_, cancel)| cancel.trip());
    }

    fn each(&self, mut act: impl FnMut(&(Instant, Cancel))) {
        for worker in 0..self.slots.len() {
            if let Some(job) = self.slot(worker).as_ref() {
                act(job);
            }
        }
    }

    fn slot(&self, worker: usize) -> std::sync::MutexGuard<'_, Option<(Instant, Cancel)>> {
        self.slots[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_job_is_stopped_when_its_time_is_over() {
        let is_stopped = within(Duration::ZERO, |cancel| {
            let end = Instant::now() + Duration::from_secs(30);
            while !cancel.is_tripped() && Instant::now() < end {
                std::thread::yield_now();
            }
            cancel.is_tripped()
        });
        assert!(is_stopped);
        assert!(!within(Duration::from_secs(3_600), Cancel::is_tripped));
    }

    #[test]
    fn jobs_are_stopped_when_their_time_is_over_or_the_scan_is() {
        let watch = Watch::new(2, Duration::ZERO);
        let (late, ended) = (watch.start(0), watch.start(1));
        watch.end(1);
        watch.tick();
        assert!(late.is_tripped() && !ended.is_tripped());

        let watch = Watch::new(1, Duration::from_secs(3_600));
        let running = watch.start(0);
        watch.tick();
        assert!(!running.is_tripped());
        watch.stop_all();
        assert!(running.is_tripped());
        assert!(watch.start(0).is_tripped(), "a job that starts after the stop");
    }
}
