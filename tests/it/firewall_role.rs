//! The role firewall on real nodes: started under the guard, enabled at boot once confirmed, reloaded without cutting
//! anything, put back whole; and knocking as the operator's machine does it.

use crate::nodes;
use crate::rig::Rig;
use nodewright::lab::LabSpec;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

/// A key for the shape of the site alone.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqlm6nufet3w+BcDawjSYii2UWTCFiyjkdEv8TzB3oO anna@desk";
pub const PORTS: [&str; 3] = ["7301", "7117", "7542"];

/// The example site with the role, anna's key and a short window.
fn site(key: &str) -> String {
    let text = include_str!("../../inventory/crosslink/inventory.toml");
    let start = text.find("anna = { key = \"").expect("the operator") + 15;
    let end = start + 1 + text[start + 1..].find('"').unwrap();
    let mut text = format!("{}\"{key}{}", &text[..start], &text[end..]);
    let at = text.find("\n[versions]").unwrap();
    text.insert_str(
        at,
        "\n[site.guard]\nwindow = \"12s\"\n[site.ssh]\nuser = \"root\"\n",
    );
    let from = text.find("roles = [").unwrap();
    let to = from + text[from..].find('\n').unwrap();
    text.replace_range(from..to, "roles = [\"base\", \"firewall\"]");
    text
}

/// Two members with Shorewall, anna's key and the ports of a knock.
pub fn rig() -> Rig {
    let loaded = nodewright::site::load_str(&site(KEY));
    let findings = loaded.findings;
    let model = loaded.site.unwrap_or_else(|| panic!("{findings:#?}"));
    let spec = LabSpec::of_site(nodes::fresh_name(), &model);
    let mut rig = Rig::with(nodes::up(spec), &site(KEY));
    let key = rig.desk.home().join(".ssh/id_ed25519");
    fs::create_dir_all(key.parent().unwrap()).unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "anna@desk", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    rig.write("inventory.toml", &site(public.trim()));
    // Of the role base nothing is needed here.
    rig.write("roles/base.toml", "description = \"nothing of it\"\n[vars]\nmachine = { type = \"bool\", default = true, doc = \"-\" }\n");
    set_knock(&mut rig, &PORTS.join(","));
    rig
}

/// Sets the ports of the knock.
pub fn set_knock(rig: &mut Rig, ports: &str) {
    rig.desk.input(&format!("{ports}\n"));
    let (code, _, err) = rig.desk.output(&["secret", "set", "knock"]);
    assert_eq!(code, 0, "{err}");
}

/// Changes the site.
pub fn change(rig: &Rig, from: &str, to: &str) {
    let path = rig.desk.site().join("inventory.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replace(from, to)).unwrap();
}

#[test]
fn a_first_firewall_that_nobody_gets_through_is_rolled_back() {
    let rig = rig();
    // Somebody else's rules come back too.
    let foreign = "apt-get -qq update && apt-get -qq -y install iptables >/dev/null && iptables -N THEIRS && iptables -A THEIRS -p tcp --dport 9 -j DROP && iptables -A INPUT -j THEIRS";
    rig.nodes.ok("node1", foreign);
    // What is open already lives on; nothing new comes in.
    rig.write(
        "templates/firewall/rules",
        "{{ firewall.form.section }} NEW\n",
    );
    let said = rig.apply();
    assert_eq!(said.code, 6, "{:?}{}", said.events, said.err);
    assert_eq!(said.guard(), ["armed", "waiting", "reverting", "reverted"]);
    let why = said.failed().concat();
    assert!(
        why.contains("Everything is as it was before this window"),
        "{why}"
    );
    let left = rig.nodes.ok(
        "node1",
        "systemctl is-enabled shorewall; systemctl is-active shorewall; iptables -S; ip6tables -S | grep -e -P; \
         ls /etc/shorewall; grep ^startup /etc/default/shorewall; ls /etc/systemd/system | grep -c null; true",
    );
    let open = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n";
    let theirs = "-N THEIRS\n-A INPUT -j THEIRS\n-A THEIRS -p tcp -m tcp --dport 9 -j DROP\n";
    assert_eq!(
        left,
        format!(
            "disabled\ninactive\n{open}{theirs}{open}conntrack\nparams\nshorewall.conf\nstartup=0\n0\n"
        )
    );
    // The other member was not touched.
    let other = rig.nodes.sh("node2", "test -e /etc/shorewall/rules");
    assert!(!other.status.success());
}

#[test]
fn a_firewall_comes_up_under_the_guard_and_changes_without_cutting_anything() {
    let rig = rig();
    let plan = rig.plan();
    assert!(
        plan.page()
            .contains("+ACCEPT\tred:$OPERATORS_RED\t$FW\ttcp\t22"),
        "{}",
        plan.page()
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    // One member after the other.
    let once = ["armed", "waiting", "confirmed"];
    assert_eq!(said.guard(), [once, once].concat());
    let last = said.done("node1");
    assert_eq!(
        last.last(),
        Some(&"let it last: service shorewall"),
        "{last:?}"
    );
    rig.nothing_to_do();
    for node in ["node1", "node2"] {
        let state = rig.nodes.ok(
            node,
            "systemctl is-enabled shorewall; systemctl is-active shorewall; iptables -S INPUT | head -1; \
             stat -c '%a %U' /etc/shorewall/action.Knock; systemctl is-enabled nftables || :",
        );
        assert_eq!(state, "enabled\nactive\n-P INPUT DROP\n600 root\nmasked\n");
    }

    // A change of the rules: its diff is seen, and what is open lives on.
    change(&rig, "\"198.51.100.11\"]", "\"198.51.100.12\"]");
    let page = rig.plan().page();
    let line = "+OPERATORS_RED=198.51.100.10,198.51.100.12,192.0.2.1";
    assert!(page.contains(line), "{page}");
    assert!(page.contains("reload"), "{page}");
    let mut open = Echo::start(&rig);
    let pings = std::thread::scope(|scope| {
        let ping = || rig.nodes.ok("node2", "ping -q -i 0.01 -c 800 10.0.2.1");
        let pings = scope.spawn(ping);
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
        pings.join().unwrap()
    });
    assert!(
        pings.contains("800 packets transmitted, 800 received"),
        "{pings}"
    );
    open.answers();
    rig.nothing_to_do();

    // Somebody opens a port by hand.
    rig.nodes.ok(
        "node1",
        "printf 'ACCEPT all $FW tcp 8080\\n' >>/etc/shorewall/rules && shorewall reload >/dev/null && iptables -S | grep -q 8080",
    );
    let page = rig.plan().page();
    assert!(page.contains("-ACCEPT all $FW tcp 8080"), "{page}");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nodes.ok("node1", "! iptables -S | grep 8080");
    rig.nodes.ok("node1", FLUSH);
    mends(&rig);
    rig.nodes.ok("node1", "iptables -I INPUT -j ACCEPT");
    mends(&rig);
    rig.nodes.ok("node1", "ip6tables -P INPUT ACCEPT");
    mends(&rig);

    nothing_shows_the_ports(&rig);
    knocks(&rig);
}

/// A shell on a node that was opened before.
struct Echo(Child, BufReader<std::process::ChildStdout>);

impl Echo {
    fn start(rig: &Rig) -> Self {
        let mut child = Command::new("ssh")
            .arg("-F")
            .arg(rig.nodes.ssh_config())
            .args(["node1", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut echo = Self(child, out);
        echo.answers();
        echo
    }

    #[track_caller]
    fn answers(&mut self) {
        self.0
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"there?\n")
            .unwrap();
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        assert_eq!(line, "there?\n");
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nothing_shows_the_ports(rig: &Rig) {
    let seen = rig.nodes.ok(
        "node1",
        "journalctl --no-pager -o cat; cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '; cat /etc/.gitignore 2>/dev/null; \
         find /var/lib/nodewright -type f -exec cat {} +",
    );
    let (_, plan, err) = rig.run(&["plan", "-vv"]);
    let (_, log, _) = rig.run(&["log"]);
    for port in PORTS {
        let word = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|w| w == port);
        for text in [&seen, &plan, &err, &log] {
            assert!(!word(text), "{port} is shown in {text}");
        }
    }
}

/// The operator's machine is the lab's controller, under an address that nobody knows.
pub struct Stranger<'a> {
    rig: &'a Rig,
    agent: Agent,
}

impl<'a> Stranger<'a> {
    /// Takes the address, from which one knocks.
    pub fn of(rig: &'a Rig) -> Self {
        let lab = rig.nodes.state();
        let ip = |words: &[&str]| {
            let space = lab.namespace.as_str();
            let status = Command::new("ip").args(["-n", space]).args(words).status();
            assert!(status.unwrap().success(), "{words:?}");
        };
        ip(&["addr", "add", "192.0.2.77/24", "dev", "br0"]);
        for node in ["192.0.2.5/32", "192.0.2.6/32"] {
            ip(&["route", "add", node, "dev", "br0", "src", "192.0.2.77"]);
        }
        change(
            rig,
            "[\"jump shell1.example.net\", \"knock red\", \"peer yellow\", \"peer serial\"]",
            "[\"knock red\"]",
        );
        fs::copy(&lab.known_hosts, rig.desk.site().join("known_hosts")).unwrap();
        Self::again(rig)
    }

    /// The same once more.
    pub fn again(rig: &'a Rig) -> Self {
        let agent = Agent::start(&rig.nodes.state().key);
        Self { rig, agent }
    }

    /// Runs a program there: its exit code and what it said.
    pub fn run(&self, program: &str, words: &[&str]) -> (Option<i32>, String) {
        let space = self.rig.nodes.state().namespace.as_str();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space, program]).args(words);
        let like = self.rig.desk.command::<&str>(&[]);
        command.current_dir(self.rig.desk.site()).env_clear();
        command.envs(like.get_envs().filter_map(|(k, v)| Some((k, v?))));
        command.env("SSH_AUTH_SOCK", &self.agent.socket);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    }

    /// How trying the door of node1 ends: 0 where it is open, 124 where nothing answers.
    pub fn door(&self) -> Option<i32> {
        let connect = "exec 3<>/dev/tcp/192.0.2.5/22";
        self.run("timeout", &["1", "bash", "-c", connect]).0
    }
}

fn knocks(rig: &Rig) {
    let stranger = Stranger::of(rig);
    let (run, door) = (
        |program: &str, words: &[&str]| stranger.run(program, words),
        || stranger.door(),
    );
    assert_eq!(door(), Some(124), "closed");
    // Every command knocks by itself.
    let (code, said) = run(nodes::PROGRAM, &["run", "node1", "--", "hostname"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("node1"), "{said}");
    assert!(PORTS.iter().all(|p| !said.contains(p)), "{said}");
    let open = rig.nodes.ok("node1", "cat /proc/net/xt_recent/NW_OPEN");
    assert!(open.starts_with("src=192.0.2.77 "), "{open}");
    rig.nodes.ok("node1", "echo / >/proc/net/xt_recent/NW_OPEN");
    assert_eq!(door(), Some(124), "closed again");
    let (code, said) = run(nodes::PROGRAM, &["knock", "node1"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        said,
        "node1: knocked 3 times at 192.0.2.5; the port is open to this machine for 30s\n"
    );
    assert_eq!(door(), Some(0), "open");
}

/// An agent with the lab's key.
struct Agent {
    child: Child,
    socket: String,
    _dir: tempfile::TempDir,
}

impl Agent {
    fn start(key: &std::path::Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("agent").display().to_string();
        let child = Command::new("ssh-agent")
            .args(["-D", "-a", &socket])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let add = || {
            Command::new("ssh-add")
                .arg(key)
                .env("SSH_AUTH_SOCK", &socket)
                .output()
        };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !add().unwrap().status.success() {
            assert!(std::time::Instant::now() < end, "no agent");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self {
            child,
            socket,
            _dir: dir,
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The node knows where a run comes from, sudo or not.
#[test]
fn a_run_from_where_nobody_gets_in_is_refused_with_the_reason() {
    let rest = "[group.all]\nnodes = [\"node1\"]\nroles = [\"demo\"]\n";
    for (user, sudo) in [("root", "none"), ("anna", "nopasswd")] {
        let yard = crate::yard::Yard::new(user, sudo, rest);
        yard.nodes.ok(
            "node1",
            "id anna >/dev/null 2>&1 && echo 'anna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/10-anna && chmod 0440 /etc/sudoers.d/10-anna || :",
        );
        let role = |admits: &str| {
            let step = format!("[[step]]\npacket_filter = \"ipv4\"\nadmits = [{admits}]\n");
            yard.write(
                "roles/demo.toml",
                &format!("description = \"demo\"\n{step}"),
            );
        };
        role("\"198.51.100.7\"");
        let said = yard.run(&["plan"]);
        assert_eq!(said.code, 3, "{user}: {}{}", said.out, said.err);
        let (_, from) = said
            .out
            .split_once("this run comes from ")
            .expect(&said.out);
        let from = from.split([',', ' ']).next().unwrap();
        role(&format!("\"{from}\""));
        let said = yard.run(&["plan"]);
        assert_eq!(said.code, 0, "{user}: {}{}", said.out, said.err);
    }
}

/// In the shape of EL6 and EL7: their forms of the files, start scripts or units, and Shorewall's own answers, without
/// its rules.
fn comes_up_on(nodes: nodes::Nodes, files: &[&str], asked: &str) {
    let rig = Rig::new(nodes);
    rig.write(
        "roles/base.toml",
        "description = \"nothing of it\"\n[vars]\nmachine = { type = \"bool\", default = true, doc = \"-\" }\n",
    );
    change(
        &rig,
        "roles = [\"demo\"]",
        "roles = [\"base\", \"firewall\"]",
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(said.guard(), ["armed", "waiting", "confirmed"]);
    rig.nothing_to_do();
    let there = rig.nodes.ok(
        "node1",
        "cd /etc/shorewall && ls && read -r line <interfaces && echo \"$line\" && cat /var/lib/shorewall/state",
    );
    let wanted = [files, &["Started now"]].concat();
    assert_eq!(there.lines().collect::<Vec<_>>(), wanted);
    // EL6's script of iptables calls itself started as soon as the kernel has a table, and would empty it.
    assert_eq!(rig.nodes.ok("node1", POLICIES), CLOSED);
    // A further port: taken up in place. Cleared or flushed by hand: started again.
    rig.write(
        "templates/firewall/policy",
        "$FW all ACCEPT\nall all DROP info\n",
    );
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    rig.nodes.ok("node1", "shorewall clear");
    mends(&rig);
    rig.nodes.ok(
        "node1",
        &format!("export PATH=/opt/lab/sbin:/opt/lab/bin:$PATH; {FLUSH}"),
    );
    mends(&rig);
    assert_eq!(rig.nodes.ok("node1", "cat /var/lib/shorewall/asked"), asked);
    rig.nothing_to_do();
    assert_eq!(
        rig.nodes.ok("node1", "cat /run/refused 2>/dev/null || :"),
        ""
    );
}

/// What the kernel does with what no rule decides.
const POLICIES: &str = "iptables -S | grep -e '^-P'; ip6tables -S | grep -e '^-P'";
const CLOSED: &str = "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT DROP\n-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT DROP\n";

/// What somebody does who cannot get in; Shorewall does not notice.
const FLUSH: &str = "for t in iptables ip6tables; do for c in INPUT FORWARD OUTPUT; do $t -P $c ACCEPT; done; $t -F; done";

/// The firewall is not up, and is after one run; a second finds nothing to do.
#[track_caller]
fn mends(rig: &Rig) {
    let (code, out, _) = rig.run(&["verify"]);
    assert!(code == 3 && out.contains("FIREWALL-UP"), "{out}");
    let said = rig.apply();
    assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
    assert_eq!(rig.nodes.ok("node1", POLICIES), CLOSED);
    rig.nothing_to_do();
}

const FILES: [&str; 6] = [
    "interfaces",
    "params",
    "policy",
    "rules",
    "shorewall.conf",
    "zones",
];

#[test]
fn the_firewall_comes_up_on_el6() {
    let mut files = FILES.to_vec();
    files.insert(3, "routestopped");
    files.push("FORMAT 2");
    comes_up_on(nodes::el6(1), &files, "start\nreload\nstart\nrestart\n");
}

#[test]
fn the_firewall_comes_up_on_el7() {
    let mut files = FILES.to_vec();
    files.insert(5, "stoppedrules");
    files.push("?FORMAT 2");
    comes_up_on(nodes::el7(1), &files, "start\nreload\nstart\nreload\n");
}
