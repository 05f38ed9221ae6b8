//! Workers started ahead, so that the cost of starting one is off the path of a waiting transfer.
//!
//! A thread of its own starts every worker. That is not only for speed: a worker asks the system to die with its
//! parent, and the system means the *thread* that started it. Threads of a runtime come and go; this one lives as long
//! as the pool. It keeps a bounded channel full and blocks while nobody takes from it.

use crate::process::{Worker, WorkerCommand};
use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

/// Hands out fresh workers.
#[derive(Debug)]
pub(crate) struct Pool {
    ready: Option<Mutex<Receiver<io::Result<Worker>>>>,
    starter: Option<JoinHandle<()>>,
}

impl Pool {
    /// A pool that keeps `spares` workers waiting, and one more in hand.
    pub(crate) fn start(command: WorkerCommand, spares: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(spares);
        let starter = std::thread::Builder::new().name("worker-starter".into()).spawn(move || {
            // Ends when the pool is dropped: nobody receives any more.
            while sender.send(command.spawn()).is_ok() {}
        })?;
        Ok(Self { ready: Some(Mutex::new(receiver)), starter: Some(starter) })
    }

    /// A worker that has not seen anything yet.
    pub(crate) fn take(&self) -> io::Result<Worker> {
        let gone = || io::Error::other("the thread that starts workers is gone");
        let ready = self.ready.as_ref().ok_or_else(gone)?;
        // Nothing is left half done under this lock, so a poisoned one is as good as any.
        ready.lock().unwrap_or_else(PoisonError::into_inner).recv().map_err(|_| gone())?
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.ready = None;
        if let Some(starter) = self.starter.take() {
            // It panicked, or it ends now; there is nothing to do about either.
            let _ = starter.join();
        }
    }
}
