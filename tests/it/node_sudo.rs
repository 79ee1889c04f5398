//! Becoming root by sudo: with and without a password, with its recording on, and every way in which it refuses.

use crate::sshd::{Setup, Sshd};
use nodewright::kind::{Answer, Observe};
use nodewright::node::{Failure, NodeError, Privilege, Secret, Session, SpoolEvent};
use nodewright::sh::Call;

/// Users by what sudo lets them do; `anna` has a password and everything is recorded.
const USERS: &str = "\
for u in anna free term none; do useradd -m -p '*' -s /bin/bash $u; done
echo 'anna:corr3ct h0rse $(x)' | chpasswd
mkdir -p /var/log/sudo-io /var/lib/sudo
cat >/etc/sudoers <<'END'
Defaults log_output, log_input, iolog_dir=/var/log/sudo-io/%{user}, logfile=/var/log/sudo.log
Defaults:term requiretty
root ALL=(ALL:ALL) ALL
anna ALL=(ALL:ALL) ALL
free ALL=(ALL:ALL) NOPASSWD: ALL
term ALL=(ALL:ALL) NOPASSWD: ALL
END
chmod 440 /etc/sudoers
";

fn sshd() -> Sshd {
    Sshd::with(&Setup {
        before: USERS,
        ..Setup::default()
    })
}

async fn session(sshd: &Sshd, user: &str, privilege: Privilege) -> Session {
    let options = sshd.options(vec![sshd.way(user)]);
    Session::connect(&options, privilege).await.unwrap()
}

async fn ask(sshd: &Sshd, user: &str, privilege: Privilege) -> Result<Answer, NodeError> {
    let mut observe = Observe::default();
    observe.section("who", Call::new("id").arg("-u"));
    observe.section(
        "word",
        Call::new("printf").arg("%s").arg("the-answer-itself"),
    );
    observe.section("stdin", Call::new("cat"));
    session(sshd, user, privilege).await.observe(&observe).await
}

fn password(text: &str) -> Privilege {
    Privilege::SudoPassword(Secret::new(text))
}

/// The files of the node that hold a text, compressed or not, names of files included.
fn left(sshd: &Sshd, hidden: &str) -> String {
    sshd.inside(&format!(
        "find /var/log /var/lib /tmp /home /root -type f >/etc/nw-names; grep -F '{hidden}' /etc/nw-names; \
         while read -r f; do zcat -f \"$f\" | grep -aqF '{hidden}' && echo \"$f\"; done </etc/nw-names; :"
    ))
}

const RIGHT: &str = "corr3ct h0rse $(x)";

#[tokio::test]
async fn sudo_brings_the_answer_and_its_recording_holds_none_of_it() {
    let sshd = sshd();
    for (user, privilege) in [
        ("free", Privilege::SudoNoPassword),
        ("free", password(RIGHT)),
        ("anna", password(RIGHT)),
    ] {
        let before = sshd.channels();
        let answer = ask(&sshd, user, privilege).await.unwrap();
        assert_eq!(answer.text("who"), "0\n");
        assert_eq!(answer.text("word"), "the-answer-itself");
        assert_eq!(answer.text("stdin"), "");
        assert_eq!(sshd.channels(), before + 1);
    }
    // The recording is on: it has a session for each, and neither password nor script nor answer.
    let sessions = sshd.inside("find /var/log/sudo-io -name log | wc -l");
    assert_eq!(sessions.trim(), "3");
    for hidden in ["corr3ct", "the-answer-itself", "nw_section"] {
        assert_eq!(left(&sshd, hidden), "", "{hidden} was recorded");
    }
    assert_eq!(sshd.inside("ls -A /tmp"), "");
}

#[tokio::test]
async fn every_refusal_of_sudo_has_its_sentence() {
    let sshd = sshd();
    let fails = async |user, privilege| ask(&sshd, user, privilege).await.unwrap_err().failure;
    assert_eq!(
        fails("anna", Privilege::SudoNoPassword).await,
        Failure::SudoNeedsPassword
    );
    assert_eq!(
        fails("anna", password("wrong")).await,
        Failure::SudoWrongPassword
    );
    assert_eq!(
        fails("term", Privilege::SudoNoPassword).await,
        Failure::SudoNeedsTty
    );
    let failure = fails("none", password("whatever")).await;
    assert!(
        matches!(
            &failure,
            Failure::SudoWrongPassword | Failure::SudoRefused(_)
        ),
        "{failure:?}"
    );
    // A password that was not asked for was not sent: sudo's log of failed attempts has only the wrong one.
    let log = sshd.inside("cat /var/log/sudo.log");
    assert_eq!(
        log.matches("incorrect password attempt").count(),
        1,
        "{log}"
    );
    assert_eq!(sshd.inside("ls -A /tmp"), "");
}

#[tokio::test]
async fn a_batch_runs_by_sudo_with_a_password_and_leaves_no_secret() {
    let sshd = sshd();
    let session = session(&sshd, "anna", password(RIGHT)).await;
    let mut batch = crate::node_batch::batch(vec![(
        "write",
        vec![
            Call::new("nw_replace")
                .args(["/etc/made", "absent"])
                .blob(0)
                .args(["root", "root", "0600", "yes"]),
        ],
    )]);
    batch
        .blobs
        .push(nodewright::node::Blob::Bytes(b"c0ntent-secret".to_vec()));
    // Looks at all processes all the time; its own arguments do not hold what it looks for.
    let watch = sshd.begin_inside(
        "while [ ! -e /etc/nw-enough ]; do grep -alE 'corr3c[t]|c0ntent-secre[t]' /proc/[0-9]*/cmdline \
         /proc/[0-9]*/environ; echo x >>/etc/nw-looks; done >>/etc/nw-seen 2>/dev/null",
    );
    let (events, seen) = crate::node_batch::run(&session, &batch).await.unwrap();
    sshd.inside("touch /etc/nw-enough");
    watch.wait_with_output().unwrap();
    let looks = sshd.inside("wc -l </etc/nw-looks; cat /etc/nw-seen");
    let looks: usize = looks.trim().parse().expect("no process showed a secret");
    assert!(looks > 5, "only {looks} looks");
    assert_eq!(events, nodewright::node::Outcome::Finished);
    assert!(seen.contains(&SpoolEvent::End(0, 0)));
    assert_eq!(
        sshd.inside("cat /etc/made; stat -c %U:%a /etc/made"),
        "c0ntent-secretroot:600\n"
    );
    for hidden in ["corr3ct", "c0ntent-secret"] {
        assert_eq!(left(&sshd, hidden), "", "{hidden} was left behind");
    }
}
