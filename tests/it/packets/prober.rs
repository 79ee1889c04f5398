//! The other end of the tests with real packets: this very test program, started again in a namespace.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How long an answer may take: namespaces of one machine answer in microseconds.
const PATIENCE: Duration = Duration::from_millis(700);
/// What tells this program what it is.
const TASK: &str = "NODEWRIGHT_TEST_PROBER";

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Somebody at the other end answered.
    Open,
    /// It was refused.
    Refused,
    /// Nothing came back.
    Silent,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    Tcp,
    Udp,
}

impl Proto {
    fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Starts this program again in a namespace, with a task.
fn start(namespace: &str, task: &str) -> Child {
    Command::new("ip")
        .args(["netns", "exec", namespace])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "packets::prober::task",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(TASK, task)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Something that answers at ports of all addresses of a namespace.
pub struct Server(Child);

impl Server {
    /// Echoes what comes at these ports.
    pub fn start(namespace: &str, tcp: &[u16], udp: &[u16]) -> Self {
        let list = |ports: &[u16]| {
            let words: Vec<String> = ports.iter().map(ToString::to_string).collect();
            words.join(",")
        };
        let mut child = start(namespace, &format!("serve {} {}", list(tcp), list(udp)));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        read_until(&mut out, "ready");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A TCP connection that is held open over there.
pub struct Held {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Held {
    /// Connects and hears the first echo.
    pub fn open(namespace: &str, from: &str, to: &str, port: u16) -> Self {
        let mut child = start(namespace, &format!("hold {from} {to} {port}"));
        let to = child.stdin.take().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap());
        let mut held = Self { child, to, from };
        assert!(held.lives(), "it was never open");
        held
    }

    /// Whether what is said now comes back.
    pub fn lives(&mut self) -> bool {
        if self.to.write_all(b"again\n").is_err() {
            return false;
        }
        loop {
            let mut line = String::new();
            if self.from.read_line(&mut line).unwrap_or(0) == 0 {
                return false;
            }
            match line.trim_end().rsplit_once("=> ").map(|(_, said)| said) {
                Some("echo") => return true,
                Some("dead") => return false,
                _ => {}
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connects from an address of a namespace to many ports at once; answers in the same order.
pub fn probe(namespace: &str, from: &str, to: &str, ports: &[(Proto, u16)]) -> Vec<Answer> {
    let words: Vec<String> = ports
        .iter()
        .map(|(p, n)| format!("{}:{n}", p.word()))
        .collect();
    lines(namespace, &format!("probe {from} {to} {}", words.join(",")))
        .iter()
        .map(|line| match line.as_str() {
            "open" => Answer::Open,
            "refused" => Answer::Refused,
            _ => Answer::Silent,
        })
        .collect()
}

/// Sends one SYN to each port, one after the other, each `gap` milliseconds after the one before.
pub fn knock(namespace: &str, from: &str, to: &str, ports: &[u16], gap: u64) {
    let words: Vec<String> = ports.iter().map(ToString::to_string).collect();
    lines(
        namespace,
        &format!("knock {from} {to} {} {gap}", words.join(",")),
    );
}

/// Runs a task to its end and gives what it answered.
fn lines(namespace: &str, task: &str) -> Vec<String> {
    let output = start(namespace, task).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{task}: {text}");
    let said = text
        .lines()
        .filter_map(|l| Some(l.rsplit_once("=> ")?.1.to_owned()));
    said.collect()
}

fn read_until(out: &mut BufReader<ChildStdout>, word: &str) {
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        if line.trim_end().ends_with(word) {
            return;
        }
        line.clear();
    }
    panic!("it ended without {word}");
}

/// The other program's side. Does nothing in an ordinary run of the tests.
#[test]
fn task() {
    let Ok(task) = std::env::var(TASK) else {
        return;
    };
    let words: Vec<&str> = task.split(' ').collect();
    match words.as_slice() {
        ["serve", tcp, udp] => serve(tcp, udp),
        ["hold", from, to, port] => hold(from, to, port.parse().unwrap()),
        ["probe", from, to, ports] => probes(from, to, ports),
        ["knock", from, to, ports, gap] => knocks(from, to, ports, gap.parse().unwrap()),
        _ => panic!("{task}"),
    }
}

fn numbers(list: &str) -> Vec<u16> {
    let words = list.split(',').filter(|w| !w.is_empty());
    words.map(|w| w.parse().unwrap()).collect()
}

fn serve(tcp: &str, udp: &str) {
    for port in numbers(tcp) {
        let listener = TcpListener::bind(("::", port)).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let (mut read, mut write) = (stream.try_clone().unwrap(), stream);
                    let _ = std::io::copy(&mut read, &mut write);
                });
            }
        });
    }
    for port in numbers(udp) {
        let socket = UdpSocket::bind(("::", port)).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((n, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..n], from);
            }
        });
    }
    println!("=> ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A connection from this address. The standard library cannot bind one before it connects, so the route says it.
fn route(from: &str, to: &str) {
    let status = Command::new("ip")
        .args(["route", "get", to])
        .output()
        .unwrap();
    let way = String::from_utf8_lossy(&status.stdout).into_owned();
    let after = |word: &str| {
        let mut words = way.split_whitespace().skip_while(|w| *w != word);
        words.nth(1).map(str::to_owned)
    };
    let device = after("dev").unwrap_or_else(|| panic!("no way to {to}: {way}"));
    let mut words = vec![
        "route".to_owned(),
        "replace".into(),
        format!("{to}/{}", if to.contains(':') { 128 } else { 32 }),
    ];
    if let Some(via) = after("via") {
        words.extend(["via".to_owned(), via]);
    }
    words.extend(["dev".to_owned(), device, "src".into(), from.to_owned()]);
    assert!(
        Command::new("ip").args(&words).status().unwrap().success(),
        "{words:?}"
    );
}

fn hold(from: &str, to: &str, port: u16) {
    route(from, to);
    let address = SocketAddr::new(to.parse().unwrap(), port);
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(3)))
        .unwrap();
    for line in std::io::stdin().lines() {
        let _ = line.unwrap();
        let mut byte = [0];
        let alive = stream.write_all(b"x").is_ok() && stream.read_exact(&mut byte).is_ok();
        println!("=> {}", if alive { "echo" } else { "dead" });
    }
}

fn probes(from: &str, to: &str, ports: &str) {
    route(from, to);
    let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let tasks: Vec<_> = ports
        .split(',')
        .map(|word| {
            let (proto, port) = word.split_once(':').unwrap();
            let (tcp, port) = (proto == "tcp", port.parse().unwrap());
            std::thread::spawn(move || {
                let to = SocketAddr::new(to, port);
                if tcp { try_tcp(to) } else { try_udp(from, to) }
            })
        })
        .collect();
    for task in tasks {
        println!("=> {}", task.join().unwrap());
    }
}

fn try_tcp(to: SocketAddr) -> &'static str {
    match TcpStream::connect_timeout(&to, PATIENCE) {
        Ok(_) => "open",
        Err(e) if e.kind() == std::io::ErrorKind::TimedOut => "silent",
        Err(_) => "refused",
    }
}

fn try_udp(from: IpAddr, to: SocketAddr) -> &'static str {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.connect(to).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    if socket.send(b"x").is_err() {
        return "refused";
    }
    match socket.recv(&mut [0; 8]) {
        Ok(_) => "open",
        Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => "refused",
        Err(_) => "silent",
    }
}

fn knocks(from: &str, to: &str, ports: &str, gap: u64) {
    route(from, to);
    let to: IpAddr = to.parse().unwrap();
    for port in numbers(ports) {
        let begun = std::time::Instant::now();
        let gap = Duration::from_millis(gap);
        // A SYN is sent again after a second.
        let wait = gap.clamp(Duration::from_millis(2), Duration::from_millis(500));
        let _ = TcpStream::connect_timeout(&SocketAddr::new(to, port), wait);
        std::thread::sleep(gap.saturating_sub(begun.elapsed()));
    }
}
