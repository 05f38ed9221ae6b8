//! Listening sockets: those that a service manager hands over, and our own.
//!
//! A service manager that has the sockets (`LISTEN_FDS`, sd_listen_fds(3)) keeps the queue of clients while the gateway is
//! exchanged, and gives it ports below 1024 without a privilege. A socket is known by its address: whoever has the
//! address that a key of `[listen]` names takes it, and what is left over is a mistake that the start tells.

use crate::gateway::StartError;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Sockets that were there before the gateway.
#[derive(Debug, Default)]
pub struct Sockets {
    inherited: Vec<(SocketAddr, std::net::TcpListener)>,
}

impl Sockets {
    /// Those that a service manager has handed over to this process.
    ///
    /// # Errors
    /// When one of them does not listen for TCP.
    pub fn inherited() -> Result<Self, StartError> {
        let mut handed_over = listenfd::ListenFd::from_env();
        let mut inherited = Vec::new();
        for index in 0..handed_over.len() {
            let listener = handed_over
                .take_tcp_listener(index)
                .and_then(|found| found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "taken before")));
            inherited.push(listener.map_err(StartError::Inherited)?);
        }
        Self::of(inherited).map_err(StartError::Inherited)
    }

    /// Sockets by their own addresses.
    fn of(listeners: Vec<std::net::TcpListener>) -> io::Result<Self> {
        let mut inherited = Vec::with_capacity(listeners.len());
        for listener in listeners {
            // Programs that are started from here, such as workers for documents, get no listening socket.
            rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
            listener.set_nonblocking(true)?;
            inherited.push((listener.local_addr()?, listener));
        }
        Ok(Self { inherited })
    }

    /// Listens at each of the addresses that a key names.
    pub(crate) async fn listen(
        &mut self,
        addresses: &[SocketAddr],
        key: &'static str,
    ) -> Result<Vec<TcpListener>, StartError> {
        let mut listeners = Vec::with_capacity(addresses.len());
        for address in addresses.iter().copied() {
            let found = self.inherited.iter().position(|(own, _)| *own == address);
            let listener = match found.map(|at| self.inherited.swap_remove(at).1) {
                Some(inherited) => TcpListener::from_std(inherited),
                None => TcpListener::bind(address).await,
            };
            listeners.push(listener.map_err(|source| StartError::Listen { address, key, source })?);
        }
        Ok(listeners)
    }

    /// Makes sure that every inherited socket has been taken: at one that nobody serves, clients would wait without end.
    pub(crate) fn finish(self) -> Result<(), StartError> {
        self.inherited.first().map_or(Ok(()), |(address, _)| Err(StartError::Unclaimed { address: *address }))
    }
}

/// Tells the service manager (`NOTIFY_SOCKET`, sd_notify(3)) how it goes, where there is one that asks.
pub(crate) fn notify(state: &str) {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let bytes = name.as_encoded_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name),
        None => SocketAddr::from_pathname(&name),
    };
    let told = UnixDatagram::unbound().and_then(|socket| socket.send_to_addr(state.as_bytes(), &address?));
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> std::net::TcpListener {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[tokio::test]
    async fn a_socket_is_taken_by_who_names_its_address() {
        let (first, second) = (any(), any());
        let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
        // Somebody who did not get them could not listen there.
        assert!(Sockets::default().listen(&addresses, "listen.proxy").await.is_err());
        let mut sockets = Sockets::of(vec![first, second]).unwrap();
        let admin = sockets.listen(&addresses[1..], "listen.admin").await.unwrap();
        assert_eq!(admin[0].local_addr().unwrap(), addresses[1]);
        let own = sockets.listen(&["127.0.0.1:0".parse().unwrap()], "listen.icap").await.unwrap();
        assert!(!addresses.contains(&own[0].local_addr().unwrap()));
        let proxy = sockets.listen(&addresses[..1], "listen.proxy").await.unwrap();
        let client = tokio::net::TcpStream::connect(addresses[0]);
        let (accepted, connected) = tokio::join!(proxy[0].accept(), client);
        assert!(accepted.is_ok() && connected.is_ok());
        sockets.finish().unwrap();
    }

    #[test]
    fn a_socket_that_nobody_names_stops_the_start() {
        let left = any();
        let address = left.local_addr().unwrap();
        let error = Sockets::of(vec![left]).unwrap().finish().unwrap_err().to_string();
        assert!(error.contains(&address.to_string()) && error.contains("[listen]"), "{error}");
    }
}
