//! Ways to lock everybody out, each put back by itself within its window: the node is reachable afterwards, and what
//! decides who gets in is what it was, byte by byte. Those of a firewall stand in
//! `firewall_lockouts`, those of a network with its machines.

use crate::guard::{is_clean, print};
use crate::yard::Yard;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A node reached by an account that becomes root by sudo, and a role of these steps.
fn yard(steps: &str) -> Yard {
    let rest =
        "[group.all]\nnodes = [\"node1\"]\nroles = [\"demo\"]\n[site.guard]\nwindow = \"10s\"\n";
    let yard = Yard::new("anna", "nopasswd", rest);
    yard.nodes.ok(
        "node1",
        "echo 'anna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/10-anna && chmod 0440 /etc/sudoers.d/10-anna",
    );
    yard.write(
        "roles/demo.toml",
        &format!("description = \"locks out\"\n{steps}"),
    );
    yard
}

/// Applies what locks out, and sees that nothing came of it.
#[track_caller]
fn is_put_back(steps: &str) {
    is_put_back_on(&yard(steps));
}

#[track_caller]
fn is_put_back_on(yard: &Yard) {
    let before = print(&yard.nodes);
    let penalties = "/usr/sbin/sshd -T | grep -q '^persourcepenalties'";
    let penalties = yard.nodes.sh("node1", penalties).status.success();
    let said = yard.run(&["apply", "--yes"]);
    assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    assert!(
        said.err.contains("guard: everything is back")
            && (said
                .err
                .contains("nobody confirmed it in time. The new connection failed: ")
                || said
                    .err
                    .contains("nobody confirmed it in time. No new connection came about"))
            && said
                .err
                .contains("Everything is as it was before this window"),
        "{}",
        said.err
    );
    // OpenSSH 9.8 and later refuse whoever failed to log in, for some seconds.
    let end = Instant::now() + Duration::from_secs(20);
    while penalties
        && yard.nodes.sh("node1", ":").status.code() == Some(255)
        && Instant::now() < end
    {
        sleep(Duration::from_secs(1));
    }
    assert_eq!(print(&yard.nodes), before);
    is_clean(&yard.nodes);
    // Anew, by the site's own way in: what was to be done is still to be done.
    let again = yard.run(&["plan"]);
    assert_eq!(again.code, 2, "{}{}", again.out, again.err);
}

fn sshd(settings: &str) -> String {
    format!(
        "[[step]]\nfile = \"/etc/ssh/sshd_config.d/10-site.conf\"\ncontent = \"{settings}\\n\"\ncheck = \"sshd -t -f {{staged}}\"\n\
         [[step]]\nservice = \"ssh\"\nconfig = [\"/etc/ssh/sshd_config.d/10-site.conf\"]\n"
    )
}

#[test]
fn sshd_on_another_port() {
    is_put_back(&sshd("Port 2222"));
}

#[test]
fn sshd_without_keys() {
    is_put_back(&sshd("PubkeyAuthentication no"));
}

#[test]
fn sshd_for_others_than_the_operator() {
    is_put_back(&sshd("AllowUsers root@198.51.100.9"));
}

#[test]
fn sshd_that_listens_elsewhere() {
    is_put_back(&sshd("ListenAddress 127.0.0.1"));
}

#[test]
fn the_operators_key_removed() {
    is_put_back(
        "[[step]]\nfile = \"/home/anna/.ssh/authorized_keys\"\ncontent = \"\"\nowner = \"anna\"\n",
    );
}

#[test]
fn keys_that_anybody_may_write() {
    is_put_back("[[step]]\ndirectory = \"/home/anna/.ssh\"\nowner = \"anna\"\nmode = \"0777\"\n");
}

#[test]
fn the_operators_shell_taken_away() {
    is_put_back("[[step]]\nuser = \"anna\"\nshell = \"/usr/sbin/nologin\"\n");
}

#[test]
fn sudo_that_wants_a_terminal() {
    is_put_back(
        "[[step]]\nfile = \"/etc/sudoers.d/20-site\"\ncontent = \"Defaults requiretty\\n\"\nmode = \"0440\"\n",
    );
}

#[test]
fn sudo_rules_that_leave_the_operator_out() {
    is_put_back(
        "[[step]]\nfile = \"/etc/sudoers.d/10-anna\"\ncontent = \"anna ALL=(ALL) /bin/true\\n\"\nmode = \"0440\"\n",
    );
}

#[test]
fn hosts_that_are_denied() {
    is_put_back("[[step]]\nline = \"sshd: ALL\"\nfile = \"/etc/hosts.deny\"\n");
}

#[test]
fn pam_that_refuses_every_account() {
    is_put_back(
        "[[step]]\nfile = \"/etc/pam.d/sshd\"\ncontent = \"account required pam_deny.so\\n\"\n",
    );
}

/// Connections that are open live on, so the run itself notices nothing. The unit's own file goes too: it has to be
/// stopped by what it was started with.
#[test]
fn a_rule_that_drops_new_connections_only() {
    let yard = yard(
        "[[step]]\nfile = \"/etc/systemd/system/iptables.service\"\n\
         content = '''\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/usr/sbin/iptables -I INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP\n\
         ExecStop=/usr/sbin/iptables -F INPUT\n'''\n\
         [[step]]\nservice = \"iptables\"\nrunning = true\nconfig = [\"/etc/systemd/system/iptables.service\"]\n",
    );
    yard.nodes.ok(
        "node1",
        "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install iptables",
    );
    is_put_back_on(&yard);
}
