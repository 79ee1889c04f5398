//! An operator's desk with a site whose nodes are those of a lab, and what commands said as pages that read like one.

use crate::nodes::Nodes;
use crate::support::Desk;
use nodewright::lab::Backend;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// A desk and its nodes.
pub struct Rig {
    /// The desk, whose site has the one role `demo` on every node.
    pub desk: Desk,
    /// The nodes.
    pub nodes: Nodes,
}

/// What a command with `--json` said.
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its events.
    pub events: Vec<Json>,
    /// Standard error.
    pub err: String,
}

impl Rig {
    /// A site with these nodes, each for itself.
    pub fn new(nodes: Nodes) -> Self {
        let release = crate::nodes::release();
        let mut inventory = format!(
            "\
[site]
name = \"rig\"
domain = \"example.net\"
platform = \"{release}\"
[zone]
red = {{ nic = \"eth0\", network = \"10.77.0.0/16\" }}
"
        );
        let mut names = Vec::new();
        for node in &nodes.state().nodes {
            let (name, address) = (&node.name, node.address());
            let _ = writeln!(
                inventory,
                "[node.{name}]\naddress = {{ red = \"{address}\" }}"
            );
            names.push(format!("\"{name}\""));
        }
        let names = names.join(", ");
        let _ = writeln!(
            inventory,
            "[group.all]\nnodes = [{names}]\nroles = [\"demo\"]"
        );
        Self::with(nodes, &inventory)
    }

    /// The example site, whose two nodes are a cluster, with the role `demo` in place of its own.
    pub fn cluster(nodes: Nodes) -> Self {
        let inventory = include_str!("../../inventory/crosslink/inventory.toml");
        let mut lines = inventory.lines();
        let roles = lines
            .find(|l| l.starts_with("roles = ["))
            .expect("its roles");
        Self::with(nodes, &inventory.replace(roles, "roles = [\"demo\"]"))
    }

    /// A site of this inventory.
    pub fn with(nodes: Nodes, inventory: &str) -> Self {
        let mut desk = Desk::new().file("inventory.toml", inventory);
        // Connections that stay open are this desk's own.
        let home = desk.home().to_str().unwrap().to_owned();
        desk.env("XDG_RUNTIME_DIR", &home);
        desk.env("NODEWRIGHT_LAB_NAME", &nodes.state().name);
        let rig = Self { desk, nodes };
        rig.role("");
        rig
    }

    /// Writes the role.
    pub fn role(&self, steps: &str) {
        self.write(
            "roles/demo.toml",
            &format!("description = \"demo\"\n{steps}\n"),
        );
    }

    /// Writes a file of the site.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.desk.site().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a command on the lab, for people.
    pub fn run(&self, words: &[&str]) -> (i32, String, String) {
        self.desk.output(&[&["--lab"], words].concat())
    }

    /// Runs a command on the lab, for programs.
    pub fn say(&self, words: &[&str]) -> Said {
        let (code, out, err) = self.desk.output(&[&["--lab", "--json"], words].concat());
        let events = out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
            .collect();
        Said { code, events, err }
    }

    /// `plan`.
    pub fn plan(&self) -> Said {
        self.say(&["plan"])
    }

    /// `apply --yes`.
    pub fn apply(&self) -> Said {
        self.say(&["apply", "--yes"])
    }

    /// Plans, carries it out, and sees that what was done is what `plan` said; then that nothing is left to do.
    /// Gives the plan.
    #[track_caller]
    pub fn apply_as_planned(&self) -> String {
        let plan = self.plan();
        let page = plan.page();
        assert_eq!(plan.code, 2, "{page}{}", plan.err);
        let applied = self.apply();
        let failed = applied.failed();
        assert_eq!((applied.code, failed), (0, Vec::new()), "{}", applied.err);
        assert_eq!(applied.page(), page, "apply shows what plan showed");
        for node in plan.nodes() {
            let name = node["node"].as_str().unwrap();
            let planned = node["changes"].as_array().unwrap();
            let (foretold, later): (Vec<&str>, Vec<&str>) = applied
                .done(name)
                .into_iter()
                .partition(|title| planned.iter().any(|change| foretells(change, title)));
            let all = foretold.len() == planned.len()
                && std::iter::zip(planned, &foretold).all(|(c, title)| foretells(c, title));
            assert!(all, "{name}: {foretold:#?} was done; planned was\n{page}");
            let announced = node["later"].as_array().unwrap();
            let announced: usize = announced
                .iter()
                .map(|l| l["addresses"].as_array().unwrap().len())
                .sum();
            assert!(
                later.len() <= announced,
                "{name}: {later:?} was done, and {announced} were to be decided later"
            );
            let mut addresses: Vec<&str> = ["changes", "later"]
                .iter()
                .flat_map(|list| node[list].as_array().unwrap())
                .flat_map(|entry| entry["addresses"].as_array().unwrap())
                .map(|address| address.as_str().unwrap())
                .collect();
            addresses.sort_unstable();
            addresses.dedup();
            let orphans = node["orphans"].as_array().unwrap();
            let removed = orphans.iter().filter(|o| o["removed"] == true);
            let mut removed: Vec<&str> = removed.map(|o| word(o, "address")).collect();
            removed.dedup();
            addresses.retain(|a| !removed.contains(a));
            let recap = applied.recap(name);
            let count = |key: &str| usize::try_from(recap[key].as_u64().unwrap()).unwrap();
            assert_eq!(count("changed"), addresses.len(), "{name}: {addresses:?}");
            assert_eq!(count("removed"), removed.len(), "{name}: {removed:?}");
            assert_eq!(count("undone"), 0, "{name}: {recap}");
        }
        self.nothing_to_do();
        page
    }

    /// A further run finds nothing to do, and says so in one line.
    #[track_caller]
    pub fn nothing_to_do(&self) {
        let both: [&[&str]; 2] = [&["apply", "--yes"], &["plan"]];
        // Emulated machines take their time, and `apply` is preceded by the same plan.
        let machines = matches!(self.nodes.state().backend, Backend::Machines(_));
        for words in &both[..if machines { 1 } else { 2 }] {
            let (code, out, err) = self.run(words);
            // Orphans that stay are listed before, and checks that warn behind.
            let mut lines = out.lines();
            assert!(
                code == 0 && lines.any(|line| line.starts_with("Nothing to do")),
                "{words:?}: exit {code}\n{out}{err}"
            );
        }
    }
}

/// A command under way whose events are read as they come.
pub struct Live {
    /// The process.
    pub child: std::process::Child,
    out: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
    /// What came so far.
    pub events: Vec<Json>,
}

impl Rig {
    /// Starts a command on the lab, for programs.
    pub fn start(&self, words: &[&str]) -> Live {
        Live::of(self.desk.command(&[&["--lab", "--json"], words].concat()))
    }
}

impl Live {
    /// Starts a command that says its events, and that nobody answers.
    pub fn of(command: std::process::Command) -> Self {
        Self::answered(command, std::process::Stdio::null())
    }

    /// Starts a command that says its events, and that reads its answers from here.
    pub fn answered(mut command: std::process::Command, input: std::process::Stdio) -> Self {
        use std::io::BufRead as _;
        let mut child = command
            .stdin(input)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let out = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            out,
            events: Vec::new(),
        }
    }

    /// Reads until an event that is meant has come.
    #[track_caller]
    pub fn until(&mut self, meant: impl Fn(&Json) -> bool) {
        for line in self.out.by_ref() {
            let line = line.unwrap();
            let event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
            self.events.push(event);
            if meant(self.events.last().unwrap()) {
                return;
            }
        }
        panic!("it did not come: {:#?}", self.events);
    }

    /// Reads to the end.
    pub fn end(mut self) -> Said {
        use std::io::Read as _;
        for line in self.out.by_ref() {
            let line = line.unwrap();
            let event = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
            self.events.push(event);
        }
        let mut err = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut err).unwrap();
        let status = self.child.wait().unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            events: self.events,
            err,
        }
    }
}

impl Said {
    /// The nodes of the last plan.
    pub fn nodes(&self) -> &[Json] {
        let planned = self.of("planned");
        let plan = planned.last().expect("a plan");
        plan["plan"]["nodes"].as_array().unwrap()
    }

    /// The last plan, a line a change: what is done, by whom it is wanted, what differs; then the lines of its diff.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let one = self.nodes().len() == 1;
        for node in self.nodes() {
            if !one {
                let _ = writeln!(page, "{}:", node["node"].as_str().unwrap());
            }
            for change in node["changes"].as_array().unwrap() {
                let by: Vec<_> = change["addresses"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(short)
                    .collect();
                let _ = write!(page, "{} [{}]", word(change, "title"), by.join(", "));
                for delta in change["deltas"].as_array().unwrap() {
                    let [what, from, to] = ["what", "from", "to"].map(|key| word(delta, key));
                    let _ = write!(page, "; {}", format!("{what}: {from} -> {to}").trim_end());
                }
                page.push('\n');
                write_diffs(&mut page, change);
            }
            for later in node["later"].as_array().unwrap() {
                let by: Vec<_> = later["addresses"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(short)
                    .collect();
                let after = word(later, "after").replace("demo/", "");
                let _ = writeln!(
                    page,
                    "later: {}: {after}; {}",
                    by.join(", "),
                    word(later, "table")
                );
                write_diffs(&mut page, later);
            }
            for (list, how) in [
                ("orphans", "why"),
                ("findings", "what"),
                ("refusals", "what"),
            ] {
                for entry in node[list].as_array().unwrap() {
                    let removed = if entry["removed"] == true {
                        "removed, "
                    } else {
                        ""
                    };
                    let how = word(entry, how).replace("demo/", "");
                    let _ = writeln!(page, "{list}: {}: {removed}{how}", short(&entry["address"]));
                }
            }
        }
        page
    }

    /// The events of a kind.
    pub fn of(&self, event: &str) -> Vec<&Json> {
        let found = self.events.iter();
        found.filter(|e| e["event"] == event).collect()
    }

    /// The steps that a node did and that went well, in order; not what the engine does for itself.
    pub fn done(&self, node: &str) -> Vec<&str> {
        self.of("step-end")
            .into_iter()
            .filter(|e| e["node"] == node && e["status"] == 0)
            .map(|e| word(e, "title"))
            .filter(|title| {
                let engine = [
                    "note the state before",
                    "put the guard on",
                    "wait to be confirmed over a new connection",
                ];
                !engine.contains(title)
            })
            .collect()
    }

    /// What the guard said, in order, each word once.
    pub fn guard(&self) -> Vec<&str> {
        let events = self.of("guard");
        let mut words: Vec<&str> = events.iter().map(|e| word(&e["says"], "guard")).collect();
        words.dedup();
        words
    }

    /// What the recap says of a node.
    #[track_caller]
    pub fn recap(&self, node: &str) -> &Json {
        let recap = self.of("recap");
        let nodes = recap.last().expect("a recap")["nodes"].as_array().unwrap();
        nodes.iter().find(|n| n["node"] == node).expect("the node")
    }

    /// Why nodes failed: `NODE: WHY`.
    pub fn failed(&self) -> Vec<String> {
        let events = self.of("failed");
        let said = |e: &&Json| format!("{}: {}", word(e, "node"), word(e, "why"));
        events.iter().map(said).collect()
    }

    /// Findings that came up in the run: `NODE: WHAT`.
    pub fn found(&self) -> Vec<String> {
        let recaps = self.of("recap").into_iter();
        let nodes = recaps.flat_map(|e| e["nodes"].as_array().into_iter().flatten());
        let found = nodes.flat_map(|node| {
            let all = node["found"].as_array().into_iter().flatten();
            all.map(|f| format!("{}: {}", word(node, "node"), word(f, "what")))
        });
        found.collect()
    }

    /// The texts of notes.
    pub fn notes(&self) -> Vec<&str> {
        self.of("note")
            .into_iter()
            .map(|e| word(e, "text"))
            .collect()
    }

    /// Batches as they are made, and begins and ends of steps, in the order they came in: `NODE batch`,
    /// `NODE begin TITLE` and `NODE end TITLE`.
    pub fn course(&self) -> Vec<String> {
        let steps = self.events.iter().filter_map(|e| {
            let (node, event) = (word(e, "node"), word(e, "event"));
            match event.strip_prefix("step-") {
                Some(what) => Some(format!("{node} {what} {}", word(e, "title"))),
                None => (event == "batch").then(|| format!("{node} batch")),
            }
        });
        steps.collect()
    }
}

/// The lines of the diffs of a change that come or go; the path before each where there are several.
fn write_diffs(page: &mut String, change: &Json) {
    let diffs = change["diffs"].as_array().unwrap();
    for file in diffs {
        if !word(change, "title").ends_with(word(file, "path")) {
            let _ = writeln!(page, "  {}", word(file, "path"));
        }
        if file["diff"] == "secret" {
            page.push_str("  secret\n");
        }
        let whole = &file["diff"]["whole"];
        for (sign, side) in [('-', &whole["before"]), ('+', &whole["after"])] {
            if !side.is_null() {
                let (why, digest) = (word(whole, "why"), word(side, "sha256"));
                let _ = writeln!(page, "  {sign}{why} {} bytes {digest}", side["bytes"]);
            }
        }
        let text = file["diff"]["text"].as_str().unwrap_or_default();
        for line in text.lines().filter(|l| l.starts_with(['+', '-'])) {
            if !line.starts_with("--- ") && !line.starts_with("+++ ") {
                let _ = writeln!(page, "  {line}");
            }
        }
    }
}

fn word<'a>(value: &'a Json, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Whether a change of a plan is what was done: word for word, or one of two things that it names ("create or replace").
fn foretells(change: &Json, done: &str) -> bool {
    let title = word(change, "title");
    let either = title.strip_prefix("create or ");
    let either = either.and_then(|rest| rest.split_once(' '));
    either.map_or(title == done, |(other, path)| {
        done == format!("create {path}") || done == format!("{other} {path}")
    })
}

/// An address without the role that all share.
fn short(address: &Json) -> String {
    let text = address.as_str().unwrap_or_default();
    text.strip_prefix("demo/").unwrap_or(text).to_owned()
}
