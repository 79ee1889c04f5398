//! Probes TCP ports from outside, as any client would.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// The time that an answer may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The result of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortState {
    /// It was accepted.
    Open,
    /// It was refused: nobody listens, or a firewall says so.
    Refused,
    /// A router or the host itself said that there is no way.
    Unreachable,
    /// No answer came in time.
    Silent,
}

impl PortState {
    const ALL: [(&'static str, Self); 4] = [
        ("open", Self::Open),
        ("refused", Self::Refused),
        ("unreachable", Self::Unreachable),
        ("silent", Self::Silent),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, answer)| *answer == self);
        found.map_or("", |(word, _)| word)
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, answer)| *answer)
    }
}

/// Connects to a port of a host, and says what came of it.
///
/// # Errors
/// A host that has no address, or what this machine itself cannot do.
pub fn tcp(host: &str, port: u16) -> Result<PortState, String> {
    let found = (host, port).to_socket_addrs();
    let address = found.ok().and_then(|mut all| all.next());
    let address = address.ok_or_else(|| format!("{host} has no address"))?;
    tcp_at(address, LIMIT)
}

fn tcp_at(address: SocketAddr, limit: Duration) -> Result<PortState, String> {
    match TcpStream::connect_timeout(&address, limit) {
        Ok(_) => Ok(PortState::Open),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Ok(PortState::Refused),
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
                Ok(PortState::Unreachable)
            }
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Ok(PortState::Silent),
            _ => Err(format!("{address} cannot be tried: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_port_is_open_while_somebody_listens_and_refuses_afterwards() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(tcp("127.0.0.1", port), Ok(PortState::Open));
        drop(listener);
        assert_eq!(tcp("127.0.0.1", port), Ok(PortState::Refused));
        let nobody = tcp("no-such-host.invalid", port);
        assert_eq!(nobody, Err("no-such-host.invalid has no address".into()));
    }

    #[test]
    fn a_full_queue_is_silence() {
        // Linux leaves a connection unanswered once the queue of a listener is full.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(200);
        let mut held = Vec::new();
        let silent = (0..5000).any(|_| match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => {
                held.push(stream);
                false
            }
            Err(_) => true,
        });
        assert!(silent, "the queue holds {}", held.len());
        assert_eq!(tcp_at(address, limit), Ok(PortState::Silent));
    }

    #[test]
    fn each_word_is_read_as_it_is_written() {
        for (word, answer) in PortState::ALL {
            assert_eq!(
                (answer.word(), PortState::from_word(word)),
                (word, Some(answer))
            );
        }
        assert_eq!(PortState::from_word("shut"), None);
    }
}
