//! Threads that inspect, apart from the threads that move bytes.
//!
//! Matching takes the processor for as long as a body is large; on a thread of the runtime it would hold up every other
//! connection. The queue is bounded, and a full queue is an answer, not a wait: the caller treats it as an overload.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use dlp_core::matching::Scratch;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use tokio::sync::oneshot;

/// One piece of work. It gets the memory of the thread that it runs on.
type Job = Box<dyn FnOnce(&mut Scratch) + Send>;

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overload;

/// A fixed number of threads behind a bounded queue.
#[derive(Debug)]
pub(crate) struct ScanPool {
    queue: Sender<Job>,
}

impl ScanPool {
    /// Starts the threads; 0 means one less than there are cores, at least one.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(threads: usize, queue_len: usize) -> std::io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = if threads == 0 { cores.saturating_sub(1).max(1) } else { threads };
        let (queue, jobs) = bounded(queue_len);
        for index in 0..threads {
            let jobs = jobs.clone();
            thread::Builder::new().name(format!("scan-{index}")).spawn(move || work(&jobs))?;
        }
        Ok(Self { queue })
    }

    /// Jobs that wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Queues a job. The result arrives on the receiver; a receiver that closes without one means a panic.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Scratch) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Overload> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |scratch| {
            // Nobody waits any more when the client has gone.
            let _ = sender.send(job(scratch));
        });
        match self.queue.try_send(job) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Overload),
        }
    }
}

/// Works until the pool is dropped. A job that panics costs its result and the scratch memory, not the thread.
fn work(jobs: &Receiver<Job>) {
    let mut scratch = Scratch::new();
    for job in jobs {
        let result = catch_unwind(AssertUnwindSafe(|| job(&mut scratch)));
        if result.is_err() {
            tracing::error!("an inspection panicked; its item counts as not scanned");
            scratch = Scratch::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_panic_costs_one_result() {
        let pool = ScanPool::start(1, 8).unwrap();
        let failed = pool.submit(|_| -> u8 { panic!("a job that fails") }).unwrap();
        assert!(failed.await.is_err());
        assert_eq!(pool.submit(|_| 7).unwrap().await, Ok(7));
    }

    #[test]
    fn a_full_queue_is_an_overload() {
        let pool = ScanPool::start(1, 1).unwrap();
        let (release, hold) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel();
        let first = pool.submit(move |_| {
            started.send(()).unwrap();
            let _ = hold.recv();
        });
        running.recv().unwrap();
        let second = pool.submit(|_| ());
        assert_eq!((first.is_ok(), second.is_ok(), pool.waiting()), (true, true, 1));
        assert_eq!(pool.submit(|_| ()).err(), Some(Overload));
        drop(release);
    }
}
