//! `nodewright::node` against a real sshd: connecting, asking, and every way in which that fails.

use crate::sshd::{Setup, Sshd};
use nodewright::kind::Observe;
use nodewright::node::{Failure, Privilege, Session};
use nodewright::sh::Call;

fn question() -> Observe {
    let mut observe = Observe::default();
    observe.section("who", Call::new("id").arg("-u"));
    observe.section("word", Call::new("printf").arg("%s").arg("a 'b' $(c) \n"));
    observe
}

#[tokio::test]
async fn a_cold_ask_is_one_login_and_one_channel_and_a_warm_one_no_login() {
    let sshd = Sshd::start();
    let options = sshd.options(vec![sshd.way("root")]);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert!(!session.is_warm());
    let answer = session.observe(&question()).await.unwrap();
    assert_eq!(answer.text("who"), "0\n");
    assert_eq!(answer.text("word"), "a 'b' $(c) \n");
    assert_eq!((sshd.logins(), sshd.channels()), (1, 1));
    drop(session);

    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert!(session.is_warm());
    session.observe(&question()).await.unwrap();
    assert_eq!((sshd.logins(), sshd.channels()), (1, 2));

    session.close().await.unwrap();
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert!(!session.is_warm());
    assert_eq!(sshd.logins(), 2);
}

#[tokio::test]
async fn every_failure_to_connect_has_its_sentence() {
    let sshd = Sshd::start();
    let fails = async |change: &dyn Fn(&mut nodewright::node::Way)| {
        let mut way = sshd.way("root");
        change(&mut way);
        let options = sshd.options(vec![way]);
        let error = Session::connect(&options, Privilege::Root)
            .await
            .err()
            .expect("it must not connect");
        assert!(!error.advice().is_empty());
        (
            error.failure.clone(),
            error.to_string(),
            error.is_unreachable(),
        )
    };
    let (failure, text, unreachable) = fails(&|way| way.host = "nowhere.invalid".into()).await;
    assert_eq!(failure, Failure::Name("nowhere.invalid".into()));
    assert_eq!(
        text,
        "node1: the name nowhere.invalid could not be resolved"
    );
    assert!(unreachable);
    let (failure, _, unreachable) = fails(&|way| way.port = Some(1)).await;
    assert_eq!((failure, unreachable), (Failure::Refused, true));
    // Accepted by the kernel, and nobody there: what a hung machine does.
    let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hung.local_addr().unwrap().port();
    let (failure, _, unreachable) = fails(&|way| way.port = Some(port)).await;
    assert_eq!((failure, unreachable), (Failure::Mute, true));
    // What stands between says why only on its own standard error.
    let (failure, _, unreachable) = fails(&|way| {
        way.proxy_command = Some("echo no route >&2; exit 1".into());
    })
    .await;
    assert_eq!((failure, unreachable), (Failure::Through, true));
    let (failure, ..) = fails(&|way| way.proxy_command = Some("sleep 30".into())).await;
    assert_eq!(failure, Failure::Timeout);
    let (failure, ..) = fails(&|way| way.user = Some("nobody-of-that-name".into())).await;
    assert_eq!(
        failure,
        Failure::NoKeyAccepted("nobody-of-that-name@127.0.0.1".into())
    );

    std::fs::write(sshd.known_hosts(), "").unwrap();
    let (failure, _, unreachable) = fails(&|_| {}).await;
    assert_eq!((failure, unreachable), (Failure::HostKeyUnknown, false));
    sshd.pin("id.pub");
    let (failure, ..) = fails(&|_| {}).await;
    assert_eq!(failure, Failure::HostKeyChanged);
}

#[tokio::test]
async fn the_next_way_is_taken_when_one_does_not_answer() {
    let sshd = Sshd::start();
    let mut closed = sshd.way("root");
    closed.port = Some(1);
    let mut jump = sshd.way("root");
    jump.alias = "node1.peer".into();
    let options = sshd.options(vec![closed.clone(), jump]);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert_eq!(session.way(), "node1.peer");

    let mut nowhere = closed.clone();
    nowhere.alias = "node1.name".into();
    nowhere.host = "nowhere.invalid".into();
    let options = sshd.options(vec![closed, nowhere]);
    let error = Session::connect(&options, Privilege::Root)
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "node1: no way in works: node1: the connection was refused: no sshd listens there; \
         node1.name: the name nowhere.invalid could not be resolved"
    );
    assert!(error.is_unreachable());
}

#[tokio::test]
async fn a_jump_host_of_the_same_configuration_is_gone_through() {
    let sshd = Sshd::start();
    let mut through = sshd.way("root");
    through.alias = "node1.through".into();
    through.jump = Some("node1".into());
    let options = sshd.options(vec![through, sshd.way("root")]);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert_eq!(session.way(), "node1.through");
    assert_eq!(
        session.observe(&question()).await.unwrap().text("who"),
        "0\n"
    );
    assert_eq!(sshd.logins(), 2);
    session.close().await.unwrap();

    // The jump host answers, and nothing behind it.
    let mut nothing = sshd.way("root");
    nothing.alias = "node1.nothing".into();
    nothing.port = Some(1);
    nothing.jump = Some("node1".into());
    let mut jump = sshd.way("root");
    jump.port = Some(1);
    jump.alias = "node1.off".into();
    let mut off = sshd.way("root");
    off.alias = "node1.behind".into();
    off.jump = Some("node1.off".into());
    for (way, jump) in [(nothing, sshd.way("root")), (off, jump)] {
        let mut options = sshd.options(vec![way, jump]);
        options.access.ways.truncate(1);
        let error = Session::connect(&options, Privilege::Root)
            .await
            .err()
            .unwrap();
        assert_eq!(error.failure, Failure::Through, "{}", error.output);
    }
}

#[tokio::test]
async fn logins_without_a_usable_shell_are_named() {
    let sshd = Sshd::with(&Setup {
        before: "useradd -m -p '*' -s /usr/sbin/nologin closed\nuseradd -m -p '*' -s /bin/bash noisy\n\
                 echo 'echo Welcome to noisy!' >/home/noisy/.bashrc\nuseradd -m -p '*' -s /bin/csh_missing gone\n",
        ..Setup::default()
    });
    let asks = async |user: &str| {
        let options = sshd.options(vec![sshd.way(user)]);
        let session = Session::connect(&options, Privilege::Root).await?;
        session.observe(&question()).await
    };
    assert_eq!(
        asks("closed").await.unwrap_err().to_string(),
        "node1: the login gives no shell: This account is currently not available."
    );
    assert_eq!(
        asks("noisy").await.unwrap_err().failure,
        Failure::NoisyProfile("Welcome to noisy!".into())
    );
    // sshd does not let in who has no shell, and says no more than of a wrong key.
    assert_eq!(
        asks("gone").await.unwrap_err().failure,
        Failure::NoKeyAccepted("gone@127.0.0.1".into())
    );
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_an_error() {
    let sshd = Sshd::start();
    let mut observe = question();
    observe.functions(nodewright::shell::Shell::new(
        "nw_die() { kill -9 \"$$\"; }\n",
    ));
    observe.section("die", Call::new("nw_die"));
    let error = sshd.root().await.observe(&observe).await.unwrap_err();
    assert_eq!(
        error.failure,
        Failure::Truncated("after section word".into())
    );
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let sshd = Sshd::start();
    let mut options = sshd.options(vec![sshd.way("root")]);
    options.timeout = std::time::Duration::from_secs(2);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    let mut observe = Observe::default();
    observe.section("wait", Call::new("sleep").arg("60"));
    let error = session.observe(&observe).await.unwrap_err();
    assert_eq!(error.failure, Failure::Late(2));
}

#[tokio::test]
async fn a_busy_node_is_waited_for_while_it_goes_on_answering() {
    let sshd = Sshd::start();
    let mut options = sshd.options(vec![sshd.way("root")]);
    options.timeout = std::time::Duration::from_secs(2);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    let mut observe = Observe::default();
    for name in ["one", "two", "three"] {
        observe.section(name, Call::new("sleep").arg("1"));
    }
    let answer = session.observe(&observe).await.unwrap();
    assert_eq!(answer.get("three").map(|s| s.status), Some(0));
}

#[tokio::test]
async fn a_connection_that_was_left_and_is_dead_is_made_anew() {
    let sshd = Sshd::start();
    let options = sshd.options(vec![sshd.way("root")]);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    let old = sshd.master();
    kill("KILL", &old);
    // The session itself goes on over a new connection,
    assert_eq!(
        session.observe(&question()).await.unwrap().text("who"),
        "0\n"
    );
    // and a master that hangs is not waited for.
    let hung = sshd.master();
    kill("STOP", &hung);
    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert!(!session.is_warm());
    assert_eq!(
        session.observe(&question()).await.unwrap().text("who"),
        "0\n"
    );
    kill("KILL", &hung);
    assert_eq!(sshd.logins(), 3);
}

pub fn kill(signal: &str, pid: &str) {
    let done = std::process::Command::new("kill")
        .args([&format!("-{signal}"), pid])
        .status()
        .unwrap();
    assert!(done.success());
}
