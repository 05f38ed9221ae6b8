//! Threads that inspect, apart from the threads that move bytes.
//!
//! Matching takes the processor for as long as a body is large; on a thread of the runtime it would hold up every other
//! connection. The queue is bounded, and a full queue is an answer, not a wait: the caller treats it as an overload.
//!
//! A thread that has nothing to do helps whoever searches a long body, be it another one of the pool or one outside of it.
//! Nothing waits for such help, so it is never queued.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use dlp_core::matching::{HelperJob, Helpers, Scratch};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
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
    helpers: Arc<IdleThreads>,
}

/// The threads of a pool that wait for work at this moment. The channel has no room, so only who waits is given a job.
#[derive(Debug)]
struct IdleThreads(Sender<HelperJob>);

impl Helpers for IdleThreads {
    fn lend(&self, job: HelperJob) -> bool {
        self.0.try_send(job).is_ok()
    }
}

impl ScanPool {
    /// Starts the threads; 0 means one less than there are cores, and two where there are two.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(threads: usize, queue_len: usize) -> std::io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        // Two share a long body, also where they share the cores with those that move bytes.
        let threads = if threads == 0 { cores.saturating_sub(1).max(cores.min(2)) } else { threads };
        let (queue, jobs) = bounded(queue_len);
        let (lent, asked) = bounded(0);
        let helpers = Arc::new(IdleThreads(lent));
        for index in 0..threads {
            let worker = Worker { jobs: jobs.clone(), asked: asked.clone(), helpers: helpers.clone() };
            thread::Builder::new().name(format!("scan-{index}")).spawn(move || worker.work())?;
        }
        Ok(Self { queue, helpers })
    }

    /// Memory for an inspection on a thread outside of the pool, which idle ones of the pool help. What is found does not wait
    /// for them, because whoever inspects there lets go of what was read.
    pub(crate) fn scratch(&self) -> Scratch {
        Scratch::new().with_helpers(self.helpers.clone()).prompt()
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

/// One thread of the pool.
struct Worker {
    jobs: Receiver<Job>,
    asked: Receiver<HelperJob>,
    helpers: Arc<IdleThreads>,
}

impl Worker {
    /// Works until the pool is dropped. A job that panics costs its result and the scratch memory, not the thread.
    fn work(&self) {
        let scratch = || Scratch::new().with_helpers(self.helpers.clone());
        let mut memory = scratch();
        loop {
            let (job, lost) = select! {
                recv(self.jobs) -> job => (job, "an inspection panicked; its item counts as not scanned"),
                recv(self.asked) -> job => (job, "a search panicked; who asked for help goes on alone"),
            };
            let Ok(job) = job else { return };
            if catch_unwind(AssertUnwindSafe(|| job(&mut memory))).is_err() {
                tracing::error!("{lost}");
                memory = scratch();
            }
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
    fn only_threads_that_wait_help() {
        let pool = ScanPool::start(2, 1).unwrap();
        let (release, hold) = crossbeam_channel::bounded::<()>(0);
        let (started, running) = mpsc::channel();
        // Threads begin to wait some time after they were started, and after each job.
        let lend = |hold: crossbeam_channel::Receiver<()>| {
            let is_lent = (0..10_000).any(|_| {
                let (hold, started) = (hold.clone(), started.clone());
                let job = move |_: &mut Scratch| {
                    started.send(()).unwrap();
                    let _ = hold.recv();
                };
                thread::sleep(std::time::Duration::from_millis(1));
                pool.helpers.lend(Box::new(job))
            });
            assert!(is_lent);
        };
        for _ in 0..2 {
            lend(hold.clone());
            running.recv().unwrap();
        }
        assert!(!pool.helpers.lend(Box::new(|_| panic!("nobody waits"))));
        drop(release);
        lend(hold);
        running.recv().unwrap();
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
