//! The role `privilege` on a real node: a session of sudo is recorded and played back, what is typed only where the site
//! asks for it, and a run by sudo leaves nothing of what it does in a recording.

use crate::yard::Yard;

const PASSWORD: &str = "c0rrect-horse";
const SECRET: &str = "s3cret-of-the-site";

/// A node that is worked on as `anna`, who becomes root by sudo with a password.
fn yard() -> Yard {
    let yard = Yard::new(
        "anna",
        "password",
        "[group.all]\nnodes = [\"node1\"]\nroles = [\"base\", \"privilege\", \"demo\"]\n\
         [vars.privilege]\naudit = false\ninput = false\n",
    );
    std::fs::write(yard.apart.path().join("password"), PASSWORD).unwrap();
    yard.write("roles/base.toml", "description = \"nothing\"\n");
    yard.write(
        "roles/demo.toml",
        "description = \"a secret\"\n[[step]]\nfile = \"/etc/demo\"\ncontent = \"{{ secret('one') }}\\n\"\nmode = \"0600\"\n",
    );
    yard.nodes.ok(
        "node1",
        &format!(
            "echo 'anna ALL=(ALL:ALL) ALL' >/etc/sudoers.d/anna; chmod 440 /etc/sudoers.d/anna; echo 'anna:{PASSWORD}' | chpasswd"
        ),
    );
    let said = yard.run_with(&["secret", "set", "one"], SECRET);
    assert_eq!(said.code, 0, "{}", said.err);
    yard
}

#[track_caller]
fn apply(yard: &Yard) {
    let said = yard.run(&["apply", "--yes"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// `sudo -i` of anna on a terminal: her password, a command, and a word that is not shown.
fn session(yard: &Yard) {
    yard.nodes.ok(
        "node1",
        &format!(
            "mkfifo -m 600 /run/typed; : >/run/shown
             script -qfc 'runuser -u anna -- sudo -p word: -i' /run/shown </run/typed >/dev/null 2>&1 & exec 3>/run/typed
             shows() {{ n=0; until grep -aq \"$1\" /run/shown; do n=$((n + 1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done; }}
             shows word:; echo '{PASSWORD}' >&3
             shows '# '; echo 'echo shown-$((40 + 2)); read -rs hidden' >&3
             shows shown-42; echo hidden-word >&3; echo exit >&3; exec 3>&-
             wait; rm /run/typed /run/shown"
        ),
    );
}

/// The recordings of anna in which something was shown on a terminal. sudo compresses what it records.
fn recordings(yard: &Yard) -> Vec<String> {
    let found = yard.nodes.ok(
        "node1",
        "for f in $(find /var/log/sudo-io/anna -name ttyout | sort); do [ -z \"$(zcat -f \"$f\")\" ] || echo \"${f%/ttyout}\"; done",
    );
    found.lines().map(str::to_owned).collect()
}

/// Files below the recordings and the log of sudo that hold this.
fn holding(yard: &Yard, word: &str) -> String {
    yard.nodes.ok(
        "node1",
        &format!(
            "for f in $(find /var/log/sudo-io /var/log/sudo.log -type f); do ! zcat -f \"$f\" | grep -aqF '{word}' || echo \"$f\"; done"
        ),
    )
}

#[test]
fn a_session_of_sudo_is_played_back_and_a_run_is_in_no_recording() {
    let yard = yard();
    apply(&yard);
    // Recording is on from here; a second run, and one that brings the secret anew, are by sudo as well.
    let again = yard.run(&["apply", "--yes"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    yard.nodes.ok("node1", "rm /etc/demo");
    apply(&yard);
    assert_eq!(
        yard.nodes.ok("node1", "cat /etc/demo"),
        format!("{SECRET}\n")
    );
    assert_eq!(recordings(&yard), [""; 0]);
    let shown = yard.nodes.ok(
        "node1",
        "for f in $(find /var/log/sudo-io -name 'std*' -o -name 'tty*'); do [ -z \"$(zcat -f \"$f\")\" ] || echo \"$f\"; done",
    );
    assert_eq!(shown, "", "something of a run was recorded");
    // Who called it stands in the log.
    yard.nodes.ok(
        "node1",
        "grep -q ' anna : .*COMMAND=/bin/sh /tmp/.nw-login' /var/log/sudo.log",
    );

    session(&yard);
    let there = recordings(&yard);
    assert_eq!(there.len(), 1, "{there:?}");
    let id = there[0].strip_prefix("/var/log/sudo-io/").unwrap();
    let list = yard.nodes.ok("node1", "sudoreplay -l user anna");
    assert!(
        list.contains(&format!("TSID={id} ; COMMAND=/bin/bash")),
        "{list}"
    );
    let played = yard.nodes.ok(
        "node1",
        &format!("script -qec 'sudoreplay -m 0.01 {}' /dev/null", there[0]),
    );
    assert!(played.contains("shown-42"), "{played}");
    assert_eq!(holding(&yard, "hidden-word"), "");

    // What is typed only where the site asks for it.
    let text = yard.desk.read("inventory.toml");
    yard.write(
        "inventory.toml",
        &text.replace("input = false", "input = true"),
    );
    apply(&yard);
    yard.nodes.ok("node1", "rm /etc/demo");
    apply(&yard);
    session(&yard);
    let typed = holding(&yard, "hidden-word");
    assert!(typed.ends_with("/ttyin\n"), "{typed}");
    for word in [PASSWORD, SECRET] {
        assert_eq!(holding(&yard, word), "", "{word} was recorded");
    }

    // An old recording goes, a young one stays.
    yard.nodes.ok(
        "node1",
        &format!(
            "find {} -exec touch -d '91 days ago' {{}} +; sed -n 's/^17 4 \\* \\* \\* root //p' /etc/cron.d/nodewright-recordings >/run/job
             [ -s /run/job ] && sh /run/job",
            there[0]
        ),
    );
    assert_eq!(recordings(&yard).len(), 1);
    assert_ne!(recordings(&yard), there);
}

/// A file that sudo cannot read would take sudo away from everybody: it never gets there.
#[test]
fn sudo_is_not_lost_by_a_file_that_it_cannot_read() {
    let yard = yard();
    apply(&yard);
    yard.write(
        "templates/privilege/sudoers",
        "Defaults nonsense of_no = kind\n",
    );
    let said = yard.run(&["apply", "--yes"]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("did not pass") && said.err.contains("50-record"),
        "{}",
        said.err
    );
    yard.nodes.ok("node1", "visudo -c");
    assert_eq!(yard.run(&["plan"]).code, 2);
}

/// The guard logs in anew before it lets the change be: a container's kernel has no audit, and everybody gets in.
#[test]
fn without_audit_in_the_kernel_everybody_gets_in_all_the_same() {
    let yard = yard();
    apply(&yard);
    let text = yard.desk.read("inventory.toml");
    yard.write(
        "inventory.toml",
        &text.replace("audit = false", "audit = true"),
    );
    let said = yard.run(&["apply", "--yes", "--only", "privilege/line:*"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("guard: confirmed"), "{}", said.err);
    for file in ["sshd", "login"] {
        let lines = yard.nodes.ok(
            "node1",
            &format!("grep -v '^#' /etc/pam.d/{file} | grep pam_tty_audit"),
        );
        assert_eq!(
            lines,
            "session    optional     pam_tty_audit.so disable=* enable=root\n"
        );
    }
    yard.nodes
        .ok("node1", "ls /lib/*/security/pam_tty_audit.so");
}
