//! A way into a lab's network for a program that runs outside of it: standard input and output joined with one TCP
//! connection.
//!
//! `ssh` calls it as `ProxyCommand nsenter --net=… nodewright lab-pipe HOST PORT`, so no process of the product has to
//! change its own namespace.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::thread;
use std::time::{Duration, Instant};

use crate::probe;
use anyhow::{Context as _, Result, bail};

/// Name of the hidden subcommand.
pub const COMMAND: &str = "lab-pipe";

/// Arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The node's address.
    pub host: IpAddr,
    /// The port.
    pub port: u16,
    /// Only wait this many seconds for an SSH server to greet there.
    #[arg(long, value_name = "SECONDS")]
    pub wait: Option<u64>,
    /// Only say what the port answers.
    #[arg(long, conflicts_with = "wait")]
    pub probe: bool,
}

/// Carries the subcommand out.
pub fn run(args: &Args) -> Result<()> {
    let address = SocketAddr::new(args.host, args.port);
    if args.probe {
        let answer = probe::tcp(&args.host.to_string(), args.port);
        let answer = answer.map_err(anyhow::Error::msg)?;
        return Ok(io::stdout().write_all(answer.word().as_bytes())?);
    }
    match args.wait {
        None => join(address),
        Some(seconds) => wait_for_ssh(address, Duration::from_secs(seconds)),
    }
}

/// Joins standard input and output with a connection until the other side ends it.
///
/// The end of standard input is passed on as the end of our half; the other half is read to its own end.
fn join(address: SocketAddr) -> Result<()> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(30))
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    // Unbuffered copies of our descriptors: bytes from ssh must not wait for a newline.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut upward = stream.try_clone()?;
    thread::spawn(move || {
        let _ = copy(&mut input, &mut upward);
        let _ = upward.shutdown(Shutdown::Write);
    });
    let mut downward = stream;
    match copy(&mut downward, &mut output) {
        // The reader closed its end; the connection ends with this process.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the connection broke"),
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Waits until a server greets as SSH servers do.
fn wait_for_ssh(address: SocketAddr, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        match greeting(address) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).with_context(|| format!("no SSH server answers at {address}"));
            }
            // A port that is not open yet gives no event to wait for.
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn greeting(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut start = [0; 4];
    stream.read_exact(&mut start)?;
    if &start == b"SSH-" {
        Ok(())
    } else {
        bail!("what answers is no SSH server")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn waiting_ends_with_the_greeting() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            listener.accept().unwrap().0.write_all(b"HTTP").unwrap();
            listener
                .accept()
                .unwrap()
                .0
                .write_all(b"SSH-2.0-x\r\n")
                .unwrap();
        });
        wait_for_ssh(address, Duration::from_secs(10)).unwrap();
        server.join().unwrap();
        let message = wait_for_ssh(address, Duration::ZERO)
            .unwrap_err()
            .to_string();
        assert!(message.contains("no SSH server answers"), "{message}");
    }
}
