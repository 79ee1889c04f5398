//! First contact with a node nobody knows yet.

use crate::sshd::{Setup, Sshd};
use nodewright::kind::Observe;
use nodewright::node::first_contact::{Pinned, host_keys, install_key, lift_requiretty, pin};
use nodewright::node::{Failure, Privilege, Session};

#[tokio::test]
async fn fingerprints_are_those_of_the_node_and_what_is_pinned_is_trusted() {
    let sshd = Sshd::start();
    std::fs::write(sshd.known_hosts(), "").unwrap();
    let mut through = sshd.way("root");
    through.proxy_command = Some(format!(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3 & exec cat >&3'",
        sshd.port
    ));
    let dir = sshd.dir().display();
    let own = std::process::Command::new("ssh-keygen")
        .args(["-lf", &format!("{dir}/host.pub")])
        .output()
        .unwrap();
    let own = String::from_utf8(own.stdout).unwrap();
    let sum = own.split(' ').nth(1).unwrap();
    for way in [sshd.way("root"), through] {
        let options = sshd.options(vec![way]);
        let keys = host_keys(&options).await.unwrap();
        let shown: Vec<_> = keys.iter().map(|k| k.fingerprint.as_str()).collect();
        assert_eq!(shown, [format!("256 {sum} (ED25519)")]);
    }
    let options = sshd.options(vec![sshd.way("root")]);
    let keys = host_keys(&options).await.unwrap();
    assert_eq!(
        pin(&sshd.known_hosts(), "node1", &keys).unwrap(),
        Pinned::New
    );
    assert!(Session::connect(&options, Privilege::Root).await.is_ok());

    let mut closed = sshd.way("root");
    closed.port = Some(1);
    let error = host_keys(&sshd.options(vec![closed])).await.unwrap_err();
    assert_eq!(error.failure, Failure::Refused);
}

#[tokio::test]
async fn a_key_is_installed_once_and_requiretty_is_lifted_for_this_login_only() {
    let sshd = Sshd::with(&Setup {
        before: "for u in term other; do useradd -m -p '*' -s /bin/bash $u; done\nmkdir -p /var/lib/sudo\n\
                 printf '%s\\n' 'Defaults requiretty' 'root ALL=(ALL) ALL' 'term ALL=(ALL) NOPASSWD: ALL' \
                 '@includedir /etc/sudoers.d' >/etc/sudoers\nmkdir -p /etc/sudoers.d; rm -f /etc/sudoers.d/*\n",
        ..Setup::default()
    });
    let options = sshd.options(vec![sshd.way("term")]);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGOtherKey anna@desk";
    assert!(install_key(&options, key).await.unwrap());
    assert!(!install_key(&options, key).await.unwrap());
    let file = "/home/term/.ssh/authorized_keys";
    assert_eq!(
        sshd.inside(&format!("cat {file}; stat -c %a {file}")),
        format!("{key}\n600\n")
    );

    let session = Session::connect(&options, Privilege::SudoNoPassword)
        .await
        .unwrap();
    let error = session.observe(&Observe::default()).await.unwrap_err();
    assert_eq!(error.failure, Failure::SudoNeedsTty);
    assert_eq!(
        error.advice(),
        "nodewright enroll node1: lifts requiretty for this login only"
    );
    lift_requiretty(&options).await.unwrap();
    session.observe(&Observe::default()).await.unwrap();
    assert_eq!(
        sshd.inside("cd /etc/sudoers.d; ls -A; stat -c %a *; cat *"),
        "60-nodewright-term\n440\nDefaults:term !requiretty\n"
    );
}
