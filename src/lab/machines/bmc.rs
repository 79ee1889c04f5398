//! Management controllers: `ipmi_sim` of `OpenIPMI`, each in a network namespace at the end of the wire that the site
//! gives it, so that the real fence agent fences a node.
//!
//! `ipmi_sim` does not know the first query of `ipmitool` (which cipher suites there are), and each command would wait
//! ten seconds for the answer. So a relay precedes it, which answers that query and passes all other packets on.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::{Machines, power};
use crate::lab::hardware::Bmc;
use crate::lab::namespace::{self, batch};
use crate::lab::state::{LabState, StateNode};
use crate::lab::{cgroup, tools};
use crate::sh::quote;

/// Name of the hidden subcommand.
pub const COMMAND: &str = "lab-bmc";

/// The place where controllers listen, as IPMI has it.
const PORT: u16 = 623;

/// The place where `ipmi_sim` listens, for the relay only.
const BEHIND: u16 = 9623;

/// Arguments of the hidden subcommand.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The lab.
    name: String,
    /// The node that is switched.
    node: String,
    /// The power command that `ipmi_sim` calls for; without it, the controller itself is run.
    words: Vec<String>,
}

/// Carries the subcommand out, and gives what it has to print.
pub fn run(args: &Args) -> Result<String> {
    if args.words.is_empty() {
        serve(&args.name, &args.node)?;
        return Ok(String::new());
    }
    power::by_bmc(&args.name, &args.node, &args.words)
}

/// The folder of a controller's own files.
fn folder(lab: &LabState, node: &StateNode) -> PathBuf {
    lab.dir.join(format!("{}.bmc", node.name))
}

/// The control groups of a controller. A node's name holds no `.`.
fn groups(node: &StateNode) -> Vec<PathBuf> {
    let name = format!("{}.bmc", node.name);
    let groups = node.groups.iter();
    groups.map(|group| group.with_file_name(&name)).collect()
}

/// Refuses a controller that `ipmi_sim` cannot represent.
pub fn check(node: &str, bmc: &Bmc) -> Result<()> {
    for (what, text, most) in [("user", &bmc.user, 15), ("password", &bmc.password, 19)] {
        let fits = (1..=most).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if !fits {
            bail!(
                "the BMC of `{node}` cannot have its {what} in a lab: it has to be 1 to {most} characters of ASCII without blanks and quotation marks"
            );
        }
    }
    Ok(())
}

/// Starts a machine's controller, on its segment.
pub fn start(lab: &LabState, own: &Machines, number: usize) -> Result<()> {
    let node = &lab.nodes[number];
    let Some(bmc) = &own.machines[number].hardware.bmc else {
        return Ok(());
    };
    let wired = own
        .segment(&bmc.segment)
        .with_context(|| format!("the lab has no segment `{}`", bmc.segment))?;
    let place = lab.namespace_of(&format!("{}.bmc", node.name));
    namespace::add(&place)?;
    batch(
        &lab.namespace,
        &[
            format!("link add b{number} type veth peer name eth0 netns {place}"),
            format!("link set b{number} addrgenmode none"),
            format!("link set b{number} master {} up", wired.bridge),
        ],
    )?;
    batch(
        &place,
        &[
            "link set lo up".to_owned(),
            format!("addr add {} dev eth0", bmc.cidr),
            "link set eth0 up".to_owned(),
        ],
    )?;
    write_files(lab, node, bmc)?;
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(folder(lab, node).join("log"))?;
    let mut command = cgroup::command(&groups(node))?;
    command
        .args(["setsid", "--fork", "nsenter"])
        .arg(namespace::enter(&place))
        .arg("--")
        .arg(&lab.program)
        .args([COMMAND, &lab.name, &node.name])
        .stdout(log.try_clone()?)
        .stderr(log);
    let status = command.status().context("cannot start `sh`")?;
    if !status.success() {
        bail!("the BMC of node `{}` cannot start", node.name);
    }
    Ok(())
}

fn write_files(lab: &LabState, node: &StateNode, bmc: &Bmc) -> Result<()> {
    let folder = folder(lab, node);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder.join("state"))
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let switch = folder.join("switch");
    fs::write(
        &switch,
        format!(
            "#!/bin/sh\nexec {} {COMMAND} {} {} \"$@\"\n",
            quote(&lab.program.display().to_string()),
            lab.name,
            node.name
        ),
    )?;
    fs::set_permissions(&switch, fs::Permissions::from_mode(0o700))?;
    let mut text = format!(
        "name \"{}\"\nset_working_mc 0x20\nstartlan 1\naddr 127.0.0.1 {BEHIND}\npriv_limit admin\n",
        node.name
    );
    for level in ["callback", "user", "operator", "admin"] {
        let _ = writeln!(text, "allowed_auths_{level} md2 md5");
    }
    let _ = writeln!(
        text,
        "guid a123456789abcdefa123456789abcdef\nendlan\nchassis_control \"{}\"\n\
         user 2 true \"{}\" \"{}\" admin 10 md2 md5",
        switch.display(),
        bmc.user,
        bmc.password
    );
    fs::write(folder.join("lan.conf"), text)?;
    fs::write(
        folder.join("commands"),
        "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n",
    )?;
    Ok(())
}

/// Fails where a machine's controller has ended by itself.
pub fn check_runs(lab: &LabState, own: &Machines, number: usize) -> Result<()> {
    let node = &lab.nodes[number];
    if own.machines[number].hardware.bmc.is_none() || !cgroup::processes(&groups(node)).is_empty() {
        return Ok(());
    }
    let log = fs::read_to_string(folder(lab, node).join("log")).unwrap_or_default();
    bail!("its BMC does not run: {}", log.trim())
}

/// Ends a machine's controller.
pub fn end(node: &StateNode) -> Result<()> {
    cgroup::end(&groups(node))
}

/// Runs `ipmi_sim` and the relay before it, in the namespace this process is in, until one of them ends.
fn serve(lab: &str, node: &str) -> Result<()> {
    let lab = LabState::load(lab)?.with_context(|| format!("there is no lab `{lab}`"))?;
    let folder = folder(&lab, lab.node(node)?);
    let mut child = tools::command("ipmi_sim")
        .arg("-n")
        .arg("-c")
        .arg(folder.join("lan.conf"))
        .arg("-f")
        .arg(folder.join("commands"))
        .arg("-s")
        .arg(folder.join("state"))
        .spawn()
        .context("cannot start `ipmi_sim`")?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT))
        .with_context(|| format!("cannot listen at port {PORT}"))?;
    thread::spawn(move || {
        if let Err(error) = relay(socket, SocketAddr::from((Ipv4Addr::LOCALHOST, BEHIND))) {
            eprintln!("the relay ends: {error}");
        }
        std::process::exit(1);
    });
    let status = child.wait()?;
    bail!("`ipmi_sim` ended: {status}")
}

/// Passes packets on and answers back, and answers itself what [`suites`] knows.
fn relay(socket: UdpSocket, behind: SocketAddr) -> Result<()> {
    let socket = Arc::new(socket);
    let mut clients: HashMap<SocketAddr, (Arc<UdpSocket>, Instant)> = HashMap::new();
    let mut buffer = [0; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        let packet = &buffer[..length];
        if let Some(answer) = suites(packet) {
            socket.send_to(&answer, from)?;
            continue;
        }
        let now = Instant::now();
        clients.retain(|_, (_, last)| now.duration_since(*last) < IDLE);
        let client = if let Some((client, last)) = clients.get_mut(&from) {
            *last = now;
            Arc::clone(client)
        } else {
            let client = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
            client.connect(behind)?;
            client.set_read_timeout(Some(IDLE))?;
            let (back, front) = (Arc::clone(&client), Arc::clone(&socket));
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                // It ends once nothing has come for as long as a session lives.
                while let Ok(length) = back.recv(&mut buffer) {
                    let _ = front.send_to(&buffer[..length], from);
                }
            });
            clients.insert(from, (Arc::clone(&client), now));
            client
        };
        // ipmi_sim may still be starting; the client asks again.
        let _ = client.send(packet);
    }
}

/// The time for which a client may be silent.
const IDLE: Duration = Duration::from_mins(2);

/// The answer to "Get Channel Cipher Suites" outside of a session: suite 3, which `ipmi_sim` has.
///
/// IPMI 2.0, 13.28 and 22.15: RMCP header, session header without a session, message with two checksums.
fn suites(packet: &[u8]) -> Option<Vec<u8>> {
    const HEAD: [u8; 4] = [0x06, 0x00, 0xff, 0x07];
    // One record: standard suite 3, HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128.
    const RECORD: [u8; 5] = [0xc0, 0x03, 0x01, 0x41, 0x81];
    let rest = packet.strip_prefix(&HEAD)?;
    // Format, then session and sequence, which are 0 outside of a session; the length of the message; the message.
    let (head, message) = match rest.first()? {
        0x00 => (&rest[..9.min(rest.len())], rest.get(10..)?),
        0x06 => (&rest[..10.min(rest.len())], rest.get(12..)?),
        _ => return None,
    };
    if head[1..].iter().any(|byte| *byte != 0) {
        return None;
    }
    let [to, function, _, from, sequence, 0x54, data @ ..] = message else {
        return None;
    };
    // Requests to applications; the third byte asks for the records from a number on.
    if *function != 0x06 << 2 || data.len() < 3 {
        return None;
    }
    let mut body = vec![*to, *sequence, 0x54, 0x00, 0x01];
    if data[2].trailing_zeros() >= 6 {
        body.extend(RECORD);
    }
    body.push(checksum(&body));
    let mut answer_message = vec![*from, 0x07 << 2];
    answer_message.push(checksum(&answer_message));
    answer_message.extend(body);
    let length = u8::try_from(answer_message.len()).ok()?;
    let mut answer = HEAD.to_vec();
    answer.extend(head);
    answer.push(length);
    if head[0] == 0x06 {
        answer.push(0);
    }
    answer.extend(answer_message);
    Some(answer)
}

/// The byte that makes the sum of bytes zero.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packet that ipmitool 1.8.19 sends, as tcpdump shows it.
    const ASKED: [u8; 26] = [
        0x06, 0x00, 0xff, 0x07, 0x06, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0x00, 0x20, 0x18, 0xc8,
        0x81, 0x04, 0x54, 0x0e, 0x00, 0x80, 0x99,
    ];

    #[test]
    fn the_question_for_suites_is_answered_and_nothing_else() {
        let answer = suites(&ASKED).unwrap();
        // The header comes back with the length of what follows.
        assert_eq!(
            answer[..16],
            [6, 0, 0xff, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0]
        );
        assert_eq!(
            answer[16..],
            [
                0x81, 0x1c, 0x63, 0x20, 0x04, 0x54, 0x00, 0x01, 0xc0, 0x03, 0x01, 0x41, 0x81, 0x01
            ]
        );
        // The next records: there are none.
        let mut more = ASKED;
        more[24] = 0x81;
        assert_eq!(suites(&more).unwrap().len(), 25);
        // Another command, and the same within a session.
        let mut other = ASKED;
        other[21] = 0x38;
        assert_eq!(suites(&other), None);
        let mut within = ASKED;
        within[6] = 1;
        assert_eq!(suites(&within), None);
        assert_eq!(suites(&ASKED[..9]), None);
    }

    #[test]
    fn what_ipmi_sim_cannot_take_is_refused() {
        check("node1", &controller("fence", "lab")).unwrap();
        for password in ["", "two words", "quo\"te", "twenty-characters-it-is", "ä"] {
            let bmc = controller("fence", password);
            let log = check("node1", &bmc).unwrap_err().to_string();
            assert!(log.contains("its password"), "{log}");
        }
    }

    fn controller(user: &str, password: &str) -> Bmc {
        Bmc {
            segment: "eth4.node1".into(),
            cidr: "10.0.3.2/30".parse().unwrap(),
            user: user.into(),
            secret: None,
            password: password.into(),
        }
    }
}
