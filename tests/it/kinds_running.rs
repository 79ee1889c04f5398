//! Kinds with a running side on real nodes: absent, present, as wanted, drifted by hand, mended.

use crate::nodes::{self, Nodes};
use nodewright::kind::{
    Answer, Circumstances, Compared, Observe, Permits, Resource, StepMeta, Target, Verdict, Written,
};
use nodewright::kinds::kind_named;
use nodewright::platform::Platform;
use nodewright::sh::Call;
use nodewright::text::Vault;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// One node, asked and changed by kinds without the engine.
struct Bench<'a> {
    nodes: &'a Nodes,
    target: Target,
}

impl<'a> Bench<'a> {
    fn new(nodes: &'a Nodes, platform: Platform) -> Self {
        let target = Target {
            node: "node1".into(),
            platform,
        };
        Self { nodes, target }
    }

    #[track_caller]
    fn sh(&self, script: &str) -> String {
        self.nodes.ok("node1", script)
    }

    fn read(&self, step: &Json) -> Resource {
        let step = step.as_object().unwrap().clone();
        let kind = step.keys().find_map(|key| kind_named(key)).unwrap();
        let meta = Arc::new(StepMeta::default());
        kind.read("r", step, &meta, &self.target).unwrap().remove(0)
    }

    fn ask(&self, resource: &Resource) -> Answer {
        let mut observe = Observe::default();
        observe.functions(resource.kind.shell());
        let running = resource.kind.running();
        running.observe(&[resource], &self.target, &mut observe);
        let told = self.nodes.sh("node1", &observe.script("zz"));
        Answer::parse(&told.stdout, "zz", &observe)
            .unwrap_or_else(|e| panic!("{resource:?}: {e}: {told:?}"))
    }

    #[track_caller]
    fn compare(&self, resource: &Resource, answer: &Answer) -> Verdict {
        self.compared(resource, answer).verdict
    }

    fn compared(&self, resource: &Resource, answer: &Answer) -> Compared {
        let (permits, written) = (Permits::default(), Written::nothing());
        let circumstances = self.circumstances(&permits, &written);
        let running = resource.kind.running();
        let compared = running.compare(resource, answer, &circumstances, &Vault::new());
        compared.unwrap()
    }

    fn circumstances<'c>(
        &'c self,
        permits: &'c Permits,
        written: &'c Written,
    ) -> Circumstances<'c> {
        Circumstances {
            target: &self.target,
            permits,
            written,
        }
    }

    fn calls(&self, resource: &Resource, answer: &Answer) -> Vec<Call> {
        let (permits, written) = (Permits::default(), Written::nothing());
        let circumstances = self.circumstances(&permits, &written);
        let running = resource.kind.running();
        let work = running.mend(&[resource], &circumstances, answer, &Vault::new());
        work.unwrap().calls
    }

    /// What differs: its points, `finding …`, or nothing.
    #[track_caller]
    fn differs(&self, step: &Json) -> Vec<String> {
        let resource = self.read(step);
        let answer = self.ask(&resource);
        match self.compare(&resource, &answer) {
            Verdict::Same => Vec::new(),
            Verdict::Change(deltas) => deltas.into_iter().map(|d| d.what).collect(),
            Verdict::Finding { what, .. } => vec![format!("finding {what}")],
            other => panic!("{other:?}"),
        }
    }

    /// Runs calls with the kind's functions, as a batch does.
    #[track_caller]
    fn run(&self, resource: &Resource, calls: &[Call]) {
        let mut script = format!(
            "set -u\numask 022\nNW_DIR=/run NW_STATE=/var/lib/nodewright\n{}\n",
            resource.kind.shell().text()
        );
        for call in calls {
            let _ = writeln!(script, "{} || exit", call.to_shell());
        }
        self.sh(&script);
    }

    /// Does what brings a step there; then nothing differs any more.
    #[track_caller]
    fn mend(&self, step: &Json, expected: &[&str]) {
        assert_eq!(self.differs(step), expected, "{step}");
        let resource = self.read(step);
        let answer = self.ask(&resource);
        let calls = self.calls(&resource, &answer);
        self.run(&resource, &calls);
        assert_eq!(self.differs(step), [""; 0], "{step} is not mended");
    }

    /// What runs before a file of a service is written.
    fn note(&self, step: &Json) {
        let resource = self.read(step);
        let answer = self.ask(&resource);
        self.run(&resource, &self.compared(&resource, &answer).before_write);
    }
}

/// A service that waits for its configuration: started, changed, owed, paid; instances that nobody kept owe nothing.
fn service_owes_and_pays(bench: &Bench, service: &str, config: &str, restart: &str) {
    let step = json!({"service": service, "enabled": true, "running": true, "config": [config]});
    let main = |bench: &Bench| bench.ask(&bench.read(&step));
    bench.note(&step);
    bench.sh(&format!("echo '# one' >>{config}"));
    bench.mend(&step, &["restart"]);
    // Broken off after the write; the debt stays, and the clock may say what it likes.
    bench.note(&step);
    bench.sh(&format!(
        "echo '# two' >>{config}; touch -d '-1 year' {config}"
    ));
    assert_eq!(bench.differs(&step), ["restart"]);
    // Someone restarts it by hand: nothing is owed.
    bench.sh(restart);
    assert_eq!(bench.differs(&step), [""; 0]);
    // Put back by hand to what it was started with: nothing is owed either.
    bench.note(&step);
    bench.sh(&format!(
        "cp -p {config} /root/kept; echo '# three' >>{config}"
    ));
    assert_eq!(bench.differs(&step), ["restart"]);
    bench.sh(&format!("cp -p /root/kept {config}"));
    assert_eq!(bench.differs(&step), [""; 0]);
    let before = main(bench);
    bench.mend(&json!({"service": service, "enabled": false}), &["enabled"]);
    bench.mend(&json!({"service": service, "enabled": true}), &["enabled"]);
    let same = |name| before.text(name) == main(bench).text(name);
    assert!(
        same("service") && same("service-scripts"),
        "enabling starts nothing anew"
    );
    bench.mend(&json!({"service": service, "running": false}), &["running"]);
    bench.mend(&step, &["running"]);
}

#[test]
fn debian_packages_services_settings_and_mounts() {
    let nodes = nodes::debian(1);
    let bench = Bench::new(&nodes, nodes::release());

    bench.mend(&json!({"package": "hello"}), &["installed"]);
    bench.mend(&json!({"package": "hello", "held": true}), &["held"]);
    bench.mend(&json!({"package": "hello", "held": false}), &["held"]);
    bench.mend(
        &json!({"package": "hello", "state": "absent"}),
        &["installed"],
    );
    bench.sh("dpkg --unpack /srv/packages/hello_*.deb");
    bench.mend(&json!({"package": "hello"}), &["installed"]);

    // Its hooks are silent, and it sets itself up all the same.
    bench.mend(&json!({"package": "etckeeper"}), &["installed"]);
    bench.sh("cd /etc && { [ -d .git ] || etckeeper init; } && { etckeeper commit first || :; }");
    let commits = "cd /etc && git rev-list --count HEAD";
    let before = bench.sh(commits);
    bench.sh("echo x >/etc/by-hand");
    bench.mend(&json!({"package": "chrony"}), &["installed"]);
    assert_eq!(bench.sh(commits), before, "etckeeper's hooks ran");

    service_owes_and_pays(
        &bench,
        "chrony",
        "/etc/chrony/chrony.conf",
        "systemctl restart chrony",
    );
    bench.sh("systemctl mask --now chrony");
    let masked = bench.differs(&json!({"service": "chrony", "running": true}));
    assert!(
        masked[0].starts_with("finding chrony is masked"),
        "{masked:?}"
    );

    bench.mend(
        &json!({"repository": "own", "url": "file:///srv/packages", "suite": "./", "unsigned": true}),
        &[],
    );
    bench.sh("printf 'Types: deb\\nURIs: file:///srv/packages\\nSuites: ./\\nTrusted: yes\\n' >/etc/apt/sources.list.d/own.sources; rm /etc/apt/sources.list.d/local.list");
    bench.mend(
        &json!({"repository": "own", "url": "file:///srv/packages", "suite": "./", "unsigned": true}),
        &["lists"],
    );
    bench.mend(&json!({"package": "tree"}), &["installed"]);

    let forward = json!({"sysctl": "net.ipv4.ip_forward", "value": 1});
    bench.mend(&forward, &["value"]);
    bench.sh("echo 'net.ipv4.ip_forward=0' >>/etc/sysctl.conf");
    if nodes::release() != Platform::Debian12 {
        // No boot reads it there.
        assert_eq!(bench.differs(&forward), [""; 0]);
        bench.sh("mv /etc/sysctl.conf /etc/sysctl.d/99-by-hand.conf");
    }
    let overruled = bench.differs(&forward);
    assert!(
        overruled[0].starts_with("finding /etc/sysctl.")
            && overruled[0].contains(" sets net.ipv4.ip_forward = 0 and is read after "),
        "{overruled:?}"
    );

    let mount = |state: &str| json!({"mount": "/mnt/x", "device": "tmpfs", "fstype": "tmpfs", "state": state});
    bench.sh("echo 'tmpfs /mnt/x tmpfs defaults 0 0' >>/etc/fstab");
    bench.mend(&mount("mounted"), &["mounted"]);
    bench.mend(&mount("unmounted"), &["mounted"]);
    bench.sh("touch /mnt/x/precious");
    let resource = bench.read(&mount("mounted"));
    let verdict = bench.compare(&resource, &bench.ask(&resource));
    assert!(matches!(verdict, Verdict::Refuse(why) if why.what.contains("holds something")));
    let refused = nodes.sh(
        "node1",
        &format!("{}\nnw_mount mount /mnt/x", resource.kind.shell().text()),
    );
    assert!(!refused.status.success(), "the shell hides nothing either");
}

#[test]
fn el7_packages_and_services() {
    let nodes = nodes::el7(1);
    let bench = Bench::new(&nodes, Platform::El7);
    bench.mend(
        &json!({"package": "labd", "version": "1.0"}),
        &["installed"],
    );
    bench.mend(
        &json!({"package": "labd", "version": "1.1-1.lab"}),
        &["version"],
    );
    bench.mend(&json!({"package": "labd", "version": "1.0"}), &["version"]);
    bench.mend(
        &json!({"service": "labd", "enabled": true, "running": true}),
        &["enabled", "running"],
    );
    service_owes_and_pays(&bench, "labd", "/etc/labd.conf", "systemctl restart labd");
    bench.mend(
        &json!({"package": "labd", "state": "absent"}),
        &["installed"],
    );
    let broken = bench.read(&json!({"package": "labbroken"}));
    let calls = bench.calls(&broken, &bench.ask(&broken));
    nodes.sh(
        "node1",
        &format!("{}\n{}", broken.kind.shell().text(), calls[0].to_shell()),
    );
    assert_eq!(
        bench.differs(&json!({"package": "labbroken"})),
        ["installed"]
    );
}

#[test]
fn el6_packages_and_services_with_its_tools_alone() {
    let nodes = nodes::el6(1);
    let bench = Bench::new(&nodes, Platform::El6);
    bench.mend(
        &json!({"package": "labd", "version": "1.1"}),
        &["installed"],
    );
    bench.mend(&json!({"package": "labd", "version": "1.0"}), &["version"]);
    bench.mend(
        &json!({"service": "labd", "enabled": true, "running": true}),
        &["enabled", "running"],
    );
    service_owes_and_pays(&bench, "labd", "/etc/labd.conf", "service labd restart");
    bench.mend(
        &json!({"sysctl": "net.ipv4.ip_forward", "value": 1}),
        &["value"],
    );
    bench.mend(&json!({"service": "labd", "running": false}), &["running"]);
    bench.mend(
        &json!({"package": "labd", "state": "absent"}),
        &["installed"],
    );
    assert_eq!(
        bench.sh("cat /run/refused 2>/dev/null; :"),
        "",
        "a command or option that EL6 lacks"
    );
}

/// git of EL6 is 1.7.1: what the runs record /etc with has to be its words.
#[test]
fn el6_records_etc_with_the_git_that_it_has() {
    let rig = crate::rig::Rig::new(nodes::el6(1));
    let role = |content: &str| {
        let record = "[[step]]\netckeeper = \"/etc\"\nname = \"node1\"\nemail = \"root@node1.example.net\"\nuntracked = [\"/shadow\"]";
        let ignore = "[[step]]\nfile = \"/etc/.gitignore\"\ncontent = \"/shadow\\n\"";
        let file =
            format!("{ignore}\n[[step]]\nfile = \"/etc/recorded\"\ncontent = \"{content}\\n\"");
        rig.role(&format!("provides = [\"etc-record\"]\n{file}\n{record}"));
    };
    for content in ["one", "two", "three"] {
        role(content);
        let said = rig.apply();
        assert_eq!((said.code, said.failed()), (0, Vec::new()), "{}", said.err);
        rig.nothing_to_do();
    }
    let record = rig.nodes.ok(
        "node1",
        "cd /etc && /opt/lab/bin/git status --porcelain && /opt/lab/bin/git log -4 --format='%s|%ae|%ce' && /opt/lab/bin/git ls-files shadow recorded && \
         cat /run/refused 2>/dev/null || :",
    );
    let mut lines: Vec<_> = record.lines().collect();
    assert_eq!(lines.pop(), Some("recorded"), "{record}");
    // What was found before, and one commit a run.
    assert_eq!(
        lines.iter().filter(|l| l.contains("(run ")).count(),
        3,
        "{record}"
    );
    for line in lines.into_iter().take(4) {
        let [subject, author, committer] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{record}");
        };
        assert!(
            subject.contains(" run ") || subject.contains("(run "),
            "{record}"
        );
        assert!(author == committer && author.contains('@'), "{record}");
    }
}
