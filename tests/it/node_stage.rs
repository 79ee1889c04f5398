//! Large files over a real sshd: streamed, each once, sent again after a cut; and a channel that opens too late.

use crate::node::kill;
use crate::node_batch::{batch, run};
use crate::sshd::{Setup, Sshd};
use nodewright::node::{Blob, LocalFile, Outcome, Privilege, Secret, Session};
use nodewright::sh::Call;
use std::path::Path;
use std::process::Command;

const WORD: &str = "corr3ct h0rse";

/// A user who becomes root with a password; sudo records everything.
const USER: &str = "useradd -m -p '*' -s /bin/bash anna; echo 'anna:corr3ct h0rse' | chpasswd
mkdir -p /var/log/sudo-io /var/lib/sudo
echo 'Defaults log_output, log_input, iolog_dir=/var/log/sudo-io' >/etc/sudoers
echo 'anna ALL=(ALL:ALL) ALL' >>/etc/sudoers; chmod 440 /etc/sudoers
";

/// A file whose content nobody else has: some text, then this many bytes of nothing.
fn file(dir: &Path, name: &str, bytes: u64) -> LocalFile {
    let path = dir.join(name);
    std::fs::write(&path, format!("p4ckage {name}")).unwrap();
    let made = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    made.set_len(bytes).unwrap();
    let said = Command::new("sha256sum").arg(&path).output().unwrap();
    LocalFile {
        path,
        bytes,
        sha256: String::from_utf8(said.stdout).unwrap()[..64].to_owned(),
    }
}

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

async fn connected(sshd: &Sshd, user: &str, privilege: Privilege) -> Session {
    let options = sshd.options(vec![sshd.way(user)]);
    Session::connect(&options, privilege).await.unwrap()
}

#[tokio::test]
async fn files_are_streamed_once_and_used_by_the_batch() {
    let desk = tempfile::tempdir().unwrap();
    let files = [
        file(desk.path(), "large.rpm", 100 << 20),
        file(desk.path(), "odd.rpm", 65_537),
        file(desk.path(), "again.rpm", 65_537),
        file(desk.path(), "empty.rpm", 0),
    ];
    for (user, privilege) in [
        ("root", Privilege::Root),
        ("anna", Privilege::SudoPassword(Secret::new(WORD))),
    ] {
        let sshd = Sshd::with(&Setup {
            before: USER,
            ..Setup::default()
        });
        let session = connected(&sshd, user, privilege).await;
        assert_eq!(session.missing(&files).await.unwrap(), files, "{user}");
        let before = peak();
        session.stage(&files).await.unwrap();
        let grown = peak() - before;
        assert!(grown < 16 << 10, "{user}: {grown} KiB for 100 MiB");
        assert_eq!(session.missing(&files).await.unwrap(), [], "{user}");
        // One to ask, one with the large file, one with the others, one to ask again.
        assert_eq!(sshd.channels(), 4, "{user}");
        for file in &files {
            let sum = format!("sha256sum /var/lib/nodewright/incoming/{}", file.sha256);
            let line = format!("{0}  /var/lib/nodewright/incoming/{0}\n", file.sha256);
            assert_eq!(sshd.inside(&sum), line, "{user}");
        }

        let mut use_it = batch(vec![(
            "use",
            vec![Call::new("cp").blob(0).arg("/root/used")],
        )]);
        use_it.blobs.push(Blob::File(files[1].clone()));
        let (outcome, _) = run(&session, &use_it).await.unwrap();
        assert_eq!(outcome, Outcome::Finished);
        let sum = sshd.inside("sha256sum </root/used");
        assert_eq!(sum[..64], files[1].sha256);
        assert_eq!(
            session.missing(&files).await.unwrap(),
            [files[1].clone()],
            "{user}: what was used is gone, the rest stays"
        );
        // Nothing of it went through sudo's recording, and nothing is left in /tmp once the login's last shell is gone.
        let left = "find /tmp -name '.nw-*'";
        let found = sshd.inside(&format!(
            "for i in $(seq 100); do [ -n \"$({left})\" ] || break; sleep 0.1; done; \
             grep -rlaF p4ckage /var/log /tmp || :; {left}"
        ));
        assert_eq!(found, "", "{user}");
    }
}

#[tokio::test]
async fn a_file_that_is_another_by_now_is_not_taken() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let desk = tempfile::tempdir().unwrap();
    let good = file(desk.path(), "good.rpm", 10);
    let changed = file(desk.path(), "changed.rpm", 10);
    std::fs::write(&changed.path, "something else").unwrap();
    let files = [good, changed];
    let error = session.stage(&files).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.contains("changed.rpm has changed since the site was read"),
        "{said}"
    );
    assert_eq!(session.missing(&files).await.unwrap(), files[1..]);

    let mut use_it = batch(vec![("use", vec![Call::new("touch").arg("/root/used")])]);
    use_it.blobs.push(Blob::File(files[1].clone()));
    let error = run(&session, &use_it).await.unwrap_err().to_string();
    assert!(error.contains("a content did not arrive whole"), "{error}");
    assert_eq!(sshd.inside("ls /root"), "");
}

#[tokio::test]
async fn what_a_cut_connection_did_not_bring_is_sent_again() {
    // A `dd` that waits for a word before it takes anything in.
    let sshd = Sshd::with(&Setup {
        before: "mount -t tmpfs none /usr/local/sbin
cat >/usr/local/sbin/dd <<'END'
#!/bin/sh
echo x >>/root/taking
while [ ! -e /root/go-on ]; do sleep 0.05; done
exec /usr/bin/dd \"$@\"
END
chmod 755 /usr/local/sbin/dd\n",
        ..Setup::default()
    });
    let sshd = std::sync::Arc::new(sshd);
    let session = sshd.root().await;
    let desk = tempfile::tempdir().unwrap();
    let files = [file(desk.path(), "one.rpm", 70_000)];
    let (sent, cut) = tokio::join!(session.stage(&files), async {
        // The harness waits in its own threads, so that the connection is looked after meanwhile.
        let sshd = std::sync::Arc::clone(&sshd);
        tokio::task::spawn_blocking(move || {
            sshd.inside("while [ ! -e /root/taking ]; do sleep 0.05; done");
            kill("KILL", &sshd.master());
            sshd.inside("rm /root/taking; touch /root/go-on");
        })
        .await
    });
    cut.unwrap();
    sent.unwrap();
    assert_eq!(sshd.logins(), 2);
    assert_eq!(session.missing(&files).await.unwrap(), []);
    let parts = sshd.inside("ls -A /var/lib/nodewright/incoming");
    assert_eq!(parts, format!("{}\n", files[0].sha256), "no part is left");
}

/// The connection hangs when a run is to be stopped. It is said over a new one and taken back, and the old one comes
/// to life again: what was to be said over it must not be said now.
#[tokio::test]
async fn the_request_of_a_late_channel_is_not_sent_twice() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let done = batch(vec![("one", vec![Call::new("true")])]);
    run(&session, &done).await.unwrap();
    let stop = format!(
        "ls /var/lib/nodewright/runs/{}/0/stop 2>/dev/null || :",
        done.run
    );
    let hung = sshd.inside("pgrep -f 'sshd: roo[t]'");
    let hung: Vec<&str> = hung.split_whitespace().collect();
    sshd.inside(&format!("kill -STOP {}", hung.join(" ")));
    assert!(session.stop(&done.run).await.unwrap());
    assert_eq!(sshd.logins(), 2, "over a new connection");
    assert_ne!(sshd.inside(&stop), "");
    session.go_on(&done.run).await.unwrap();
    sshd.inside(&format!("kill -CONT {}", hung.join(" ")));
    // Whatever it still does is over when it is.
    sshd.inside(&format!(
        "while pgrep -f 'sto[p] {}' >/dev/null; do sleep 0.05; done",
        done.run
    ));
    session
        .stop(&nodewright::node::RunId::now().unwrap())
        .await
        .unwrap();
    assert_eq!(sshd.inside(&stop), "");
}
