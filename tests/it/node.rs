//! `nodewright::node` against a real sshd: connecting, asking, and every way in which that fails.

use crate::sshd::Sshd;
use nodewright::node::{Failure, Privilege, Session};
use nodewright::resource::Observe;
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
    let answer = session.ask(&question()).await.unwrap();
    assert_eq!(answer.text("who"), "0\n");
    assert_eq!(answer.text("word"), "a 'b' $(c) \n");
    assert_eq!((sshd.logins(), sshd.channels()), (1, 1));
    drop(session);

    let session = Session::connect(&options, Privilege::Root).await.unwrap();
    assert!(session.is_warm());
    session.ask(&question()).await.unwrap();
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
    let (failure, _, unreachable) = fails(&|way| way.port = 1).await;
    assert_eq!((failure, unreachable), (Failure::Refused, true));
    let (failure, ..) = fails(&|way| way.user = "nobody-of-that-name".into()).await;
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
