//! What every node of the benchmark is to be, as a site for nodewright and as a script that looks by hand.
//!
//! The script is written from the same lists, not from what nodewright renders: templates are filled in here by plain
//! replacement of words.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use nodewright::digest::sha256;

/// How many templated files a node has.
const FILES: u32 = 60;

/// Small packages that the lab's own repository offers.
const PACKAGES: [&str; 10] = [
    "acl", "cron", "ethtool", "hello", "less", "lsof", "psmisc", "sl", "tree", "xxd",
];

/// Settings of the kernel that each network namespace has for itself.
const SYSCTL: [(&str, &str); 10] = [
    ("net.core.somaxconn", "2048"),
    ("net.ipv4.conf.all.accept_redirects", "0"),
    ("net.ipv4.conf.all.log_martians", "1"),
    ("net.ipv4.conf.all.rp_filter", "1"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.rp_filter", "1"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.tcp_fin_timeout", "35"),
    ("net.ipv4.tcp_keepalive_time", "900"),
];

/// Variables of the role, which the templates name.
const VARS: [(&str, &str); 6] = [
    ("admin", "operators@bench.example"),
    ("cache", "256M"),
    ("level", "info"),
    ("most", "512"),
    ("place", "rack four"),
    (
        "upstream",
        "a.bench.example b.bench.example c.bench.example",
    ),
];

/// One node of the benchmark.
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address in the lab.
    pub address: String,
}

/// One templated file.
struct File {
    path: String,
    owner: String,
    group: String,
    mode: &'static str,
    template: String,
}

/// How many resources a node has, as they are listed here.
pub fn resources() -> usize {
    let (folders, links, units, lines, accounts, jobs) = (1 + 10, 5, 2 * 10, 10, 5 + 5, 5);
    files().len()
        + folders
        + links
        + PACKAGES.len()
        + units
        + lines
        + SYSCTL.len()
        + accounts
        + jobs
}

fn files() -> Vec<File> {
    (1..=FILES)
        .map(|n| File {
            path: format!("/etc/bench/d{:02}/f{n:02}.conf", n % 10 + 1),
            owner: owner(n % 3 == 0, "benchu", n),
            group: owner(n % 4 == 0, "benchg", n),
            mode: ["644", "640", "600"][(n % 3) as usize],
            template: template(n),
        })
        .collect()
}

fn owner(own: bool, word: &str, number: u32) -> String {
    if own {
        format!("{word}{}", number % 5 + 1)
    } else {
        "root".to_owned()
    }
}

/// A template of 1 to 4 KB: on every fourth line stands a word of the role.
fn template(number: u32) -> String {
    let mut seed = u64::from(number).wrapping_mul(0x1234_5678_9abc_def1);
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut text = format!(
        "# file {number}\nname = {{{{ node.name }}}}\naddress = {{{{ node.address.red }}}}\n"
    );
    let size = 1000 + 3000 * number as usize / FILES as usize;
    for (line, (word, _)) in (1..).zip(VARS.iter().cycle()) {
        if text.len() >= size {
            break;
        }
        if line % 4 == 0 {
            let _ = writeln!(text, "option{line} = {{{{ vars.{word} }}}}");
        } else {
            let _ = writeln!(text, "option{line} = {:016x}{:x}", next(), next());
        }
    }
    text
}

/// What a template is on a node.
fn filled(template: &str, node: &Node) -> String {
    let mut text = template
        .replace("{{ node.name }}", &node.name)
        .replace("{{ node.address.red }}", &node.address);
    for (word, value) in VARS {
        text = text.replace(&format!("{{{{ vars.{word} }}}}"), value);
    }
    assert!(
        !text.contains("{{"),
        "a word of a template of the benchmark has no value"
    );
    text
}

fn unit(number: u32) -> String {
    format!(
        "[Unit]\nDescription=Sleeper {number} of the benchmark\n\n[Service]\nExecStart=/usr/bin/sleep infinity\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

/// Writes the site of these nodes.
pub fn write_site(dir: &Path, nodes: &[Node]) -> Result<()> {
    let mut inventory = String::from(
        "[site]\nname = \"bench\"\ndomain = \"bench.example\"\nplatform = \"debian12\"\nssh = { user = \"root\" }\n\n\
         [zone]\nred = { nic = \"eth0\", network = \"10.77.0.0/16\" }\n\n",
    );
    for (last, Node { name, address }) in nodes.iter().enumerate() {
        let _ = write!(
            inventory,
            "[node.{name}]\naddress = {{ red = \"{address}\" }}\nmac.eth0 = \"02:00:00:00:53:{last:02x}\"\n\n"
        );
    }
    let names: Vec<&str> = nodes.iter().map(|n| n.name.as_str()).collect();
    let _ = writeln!(
        inventory,
        "[group.all]\nnodes = {names:?}\nroles = [\"bench\"]"
    );
    let templates = dir.join("templates/bench");
    fs::create_dir_all(dir.join("roles"))?;
    fs::create_dir_all(&templates)?;
    fs::write(dir.join("inventory.toml"), inventory)?;
    for (number, file) in (1..).zip(files()) {
        fs::write(templates.join(format!("f{number:02}")), file.template)?;
    }
    for number in 1..=10 {
        fs::write(templates.join(format!("sleeper{number:02}")), unit(number))?;
    }
    fs::write(dir.join("roles/bench.toml"), role())?;
    Ok(())
}

fn role() -> String {
    let mut text = String::from("description = \"The workload of the benchmark\"\n\n[vars]\n");
    for (word, value) in VARS {
        let _ = writeln!(
            text,
            "{word} = {{ type = \"string\", default = \"{value}\", doc = \"a word of the templates\" }}"
        );
    }
    let mut step = |lines: String| {
        let _ = write!(text, "\n[[step]]\n{lines}");
    };
    for n in 1..=5 {
        step(format!("group = \"benchg{n}\"\ngid = {}\n", 3100 + n));
    }
    for n in 1..=5 {
        step(format!(
            "user = \"benchu{n}\"\nuid = {}\ngroup = \"benchg{n}\"\nhome = \"/var/lib/benchu{n}\"\n\
             shell = \"/usr/sbin/nologin\"\n",
            3100 + n
        ));
    }
    step("directory = \"/etc/bench\"\nmode = \"0755\"\n".to_owned());
    for n in 1..=10 {
        let mode = folder_mode(n);
        step(format!(
            "directory = \"/etc/bench/d{n:02}\"\nmode = \"0{mode}\"\n"
        ));
    }
    for n in 1..=5 {
        step(format!(
            "symlink = \"/etc/bench/link{n}\"\nto = \"/etc/bench/d{n:02}\"\n"
        ));
    }
    for (number, file) in (1..).zip(files()) {
        step(format!(
            "file = \"{}\"\ntemplate = \"bench/f{number:02}\"\nowner = \"{}\"\ngroup = \"{}\"\nmode = \"0{}\"\n",
            file.path, file.owner, file.group, file.mode
        ));
    }
    step(format!("package = {PACKAGES:?}\n"));
    for n in 1..=10 {
        let path = format!("/etc/systemd/system/sleeper{n:02}.service");
        step(format!(
            "file = \"{path}\"\ncopy = \"bench/sleeper{n:02}\"\nmode = \"0644\"\n"
        ));
        step(format!(
            "service = \"sleeper{n:02}\"\nenabled = true\nrunning = true\nconfig = [\"{path}\"]\n"
        ));
    }
    for n in 1..=10 {
        step(format!(
            "line = \"key{n:02} = tuned-{}\"\nfile = \"/etc/foreign.conf\"\nmatches = \"^key{n:02} =\"\n",
            n * 7
        ));
    }
    for (key, value) in SYSCTL {
        step(format!("sysctl = {{ \"{key}\" = \"{value}\" }}\n"));
    }
    for n in 1..=5 {
        step(format!(
            "cron = \"bench{n}\"\nschedule = \"{n} 3 * * *\"\ncommand = \"/bin/true\"\n"
        ));
    }
    text
}

fn folder_mode(number: u32) -> &'static str {
    if number.is_multiple_of(2) {
        "750"
    } else {
        "755"
    }
}

/// What gives a bare node a file of somebody else's and package lists.
pub fn prepare() -> String {
    let mut text = String::from("set -e\n{\n");
    for n in 1..=32 {
        let _ = writeln!(text, "  echo 'key{n:02} = as-it-came'");
    }
    text.push_str("} >/etc/foreign.conf\napt-get -q update >/dev/null\necho prepared\n");
    text
}

/// The script by which a node is looked at by hand: it says `as wanted`, or ends before that.
pub fn check(node: &Node) -> String {
    let mut sums = String::new();
    let mut stats = String::new();
    let mut paths = Vec::new();
    for file in files() {
        let File {
            path,
            owner,
            group,
            mode,
            template,
        } = file;
        let digest = sha256(filled(&template, node).as_bytes());
        let _ = writeln!(sums, "{digest}  {path}");
        let _ = writeln!(stats, "{mode} {owner} {group} {path}");
        paths.push(path);
    }
    for n in 1..=10 {
        let path = format!("/etc/systemd/system/sleeper{n:02}.service");
        let _ = writeln!(sums, "{}  {path}", sha256(unit(n).as_bytes()));
        let _ = writeln!(stats, "644 root root {path}");
        paths.push(path);
        let path = format!("/etc/bench/d{n:02}");
        let _ = writeln!(stats, "{} root root {path}", folder_mode(n));
        paths.push(path);
    }
    let five = |before: &str, after: &str| -> String {
        (1..=5).map(|n| format!("{before}{n}{after}")).collect()
    };
    let units: String = (1..=10).map(|n| format!("sleeper{n:02} ")).collect();
    let keys: String = SYSCTL.iter().map(|(key, _)| format!("{key} ")).collect();
    let values: String = SYSCTL
        .iter()
        .map(|(_, value)| format!("{value}\n"))
        .collect();
    let lines: String = (1..=10)
        .map(|n| format!("-e 'key{n:02} = tuned-{}' ", n * 7))
        .collect();
    let users: String = (1..=5)
        .map(|n| {
            format!(
                "benchu{n}:x:{0}:{0}::/var/lib/benchu{n}:/usr/sbin/nologin\n",
                3100 + n
            )
        })
        .collect();
    let groups: String = (1..=5)
        .map(|n| format!("benchg{n}:x:{}:\n", 3100 + n))
        .collect();
    let same = |command: String, wanted: &str| {
        format!("{command} | diff - /dev/fd/9 9<<'END'\n{wanted}END\n")
    };
    [
        "set -e\nLC_ALL=C; export LC_ALL\n".to_owned(),
        format!("sha256sum -c --quiet <<'END'\n{sums}END\n"),
        same(format!("stat -c '%a %U %G %n' {}", paths.join(" ")), &stats),
        same(
            format!("readlink {}", five("/etc/bench/link", " ")),
            &five("/etc/bench/d0", "\n"),
        ),
        same(
            format!(
                "dpkg-query -W -f '${{Package}} ${{db:Status-Status}}\\n' {}",
                PACKAGES.join(" ")
            ),
            &PACKAGES.map(|p| format!("{p} installed\n")).concat(),
        ),
        format!(
            "test \"$(systemctl show -p ActiveState,UnitFileState {units}|\
             grep -cxE 'ActiveState=active|UnitFileState=enabled')\" = 20\n"
        ),
        format!("test \"$(grep -cxF {lines}/etc/foreign.conf)\" = 10\n"),
        same(format!("sysctl -n {keys}"), &values),
        same(format!("getent passwd {}", five("benchu", " ")), &users),
        same(format!("getent group {}", five("benchg", " ")), &groups),
        format!(
            "test \"$(grep -lF '3 * * * root /bin/true' {}| wc -l)\" = 5\n",
            five("/etc/cron.d/bench", " ")
        ),
        "echo as wanted\n".to_owned(),
    ]
    .concat()
}
