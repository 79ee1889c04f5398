//! Knocking: one SYN at each port of a secret sequence, sent by this program itself, right before a connection.

use super::Failure;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

/// The time for which one knock waits. Below a second, after which a kernel would send its SYN again, and an old knock
/// with it (docs/facts/firewall.md#port-knocking). Above what packets need that are to come in this order.
const WAIT: Duration = Duration::from_millis(300);

/// Gives the ports when they are needed: opening the site's secrets may ask the operator for a passphrase.
type PortSource = dyn Fn() -> Result<Vec<u16>, String> + Send + Sync;

/// A knock before a connection. Its debug form hides the ports.
#[derive(Clone)]
pub struct Door {
    address: IpAddr,
    ports: Arc<PortSource>,
}

impl Door {
    /// A door at an address; `ports` is called for each knock.
    pub fn new(
        address: IpAddr,
        ports: impl Fn() -> Result<Vec<u16>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            address,
            ports: Arc::new(ports),
        }
    }

    /// Its address.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Knocks, and gives the number of ports. A knock has no answer: only the opened port shows whether it was
    /// received.
    ///
    /// # Errors
    ///
    /// [`Failure::NoKnock`] when the ports are not known, or this machine cannot send there.
    pub async fn knock(&self) -> Result<usize, Failure> {
        let ports = (self.ports)().map_err(Failure::NoKnock)?;
        for port in &ports {
            let end = Instant::now() + WAIT;
            match timeout(
                WAIT,
                TcpStream::connect(SocketAddr::new(self.address, *port)),
            )
            .await
            {
                // A port that is silent, refuses or accepts has got its packet; the next one follows in its time.
                Err(_) | Ok(Ok(_)) => {}
                Ok(Err(error)) if is_answer(&error) => {}
                Ok(Err(error)) => {
                    let why = format!("cannot knock at {}: {}", self.address, error.kind());
                    return Err(Failure::NoKnock(why));
                }
            }
            sleep_until(end).await;
        }
        Ok(ports.len())
    }
}

/// Whether the other end, or a router on the way, refused.
fn is_answer(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::TimedOut
    )
}

impl PartialEq for Door {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl Eq for Door {}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a door at {}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn every_port_hears_one_knock_in_its_turn() {
        let listeners: Vec<TcpListener> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        let ports: Vec<u16> = listeners
            .iter()
            .map(|l| l.local_addr().unwrap().port())
            .collect();
        let begun = Instant::now();
        let door = Door::new("127.0.0.1".parse().unwrap(), move || Ok(ports.clone()));
        assert_eq!(door.knock().await, Ok(3));
        assert!(begun.elapsed() >= WAIT * 3);
        for listener in listeners {
            listener.set_nonblocking(true).unwrap();
            assert!(listener.accept().is_ok());
            assert!(listener.accept().is_err(), "knocked twice");
        }
    }

    #[tokio::test]
    async fn a_door_without_ports_says_why_and_shows_none() {
        let door = Door::new("127.0.0.1".parse().unwrap(), || Err("no key".to_owned()));
        assert_eq!(
            door.knock().await,
            Err(Failure::NoKnock("no key".to_owned()))
        );
        let door = Door::new("127.0.0.1".parse().unwrap(), || Ok(vec![7301]));
        assert_eq!(format!("{door:?}"), "a door at 127.0.0.1");
    }
}
