//! Batches over a real sshd: made ready, let begin, followed, cut off, stopped, found again.

use crate::node::kill;
use crate::sshd::{Setup, Sshd};
use nodewright::kind::Observe;
use nodewright::node::{
    Batch, BatchStep, Failure, Header, NodeError, NodeState, Outcome, Prepared, RunId, Session,
    SpoolEvent, observe_journal, observe_state, read_journal,
};
use nodewright::sh::Call;
use nodewright::shell::Shell;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Waits on the node until a file is there: a step that lasts as long as a test wants.
const WAIT: &str = "nw_wait_for() { while [ ! -e \"$1\" ]; do sleep 0.05; done; }\n";

pub fn batch(steps: Vec<(&str, Vec<Call>)>) -> Batch {
    Batch {
        run: RunId::now().unwrap(),
        stage: 0,
        functions: vec![Shell::new(WAIT)],
        header: Header {
            site: "crosslink".into(),
            commit: "abc".into(),
            who: "anna@desk".into(),
            tool: "0".into(),
            intent: "apply".into(),
        },
        blobs: Vec::new(),
        secrets: Vec::new(),
        preflight: Vec::new(),
        steps: steps
            .into_iter()
            .map(|(title, calls)| BatchStep {
                title: title.into(),
                calls,
                long: true,
            })
            .collect(),
        undo_first: Vec::new(),
        undo: Vec::new(),
    }
}

fn touch(path: &str) -> Vec<Call> {
    vec![Call::new("touch").arg(path)]
}

fn wait(path: &str) -> Vec<Call> {
    vec![Call::new("nw_wait_for").arg(path)]
}

/// Runs a batch to its end; gives its outcome and all events.
pub async fn run(
    session: &Session,
    batch: &Batch,
) -> Result<(Outcome, Vec<SpoolEvent>), NodeError> {
    let (sender, mut receiver) = unbounded_channel();
    let mut prepared = session.prepare(batch, &sender).await?;
    session.release(&prepared).await?;
    let outcome = session.follow(&mut prepared, &sender).await?;
    drop(sender);
    let mut events = Vec::new();
    while let Some(event) = receiver.recv().await {
        events.push(event);
    }
    Ok((outcome, events))
}

/// Waits for this event.
async fn until(receiver: &mut UnboundedReceiver<SpoolEvent>, wanted: &SpoolEvent) {
    while let Some(event) = receiver.recv().await {
        if event == *wanted {
            return;
        }
    }
    panic!("{wanted:?} did not come");
}

async fn state(session: &Session) -> NodeState {
    let mut observe = Observe::default();
    observe_state(&mut observe);
    NodeState::read(&session.observe(&observe).await.unwrap())
}

#[tokio::test]
async fn a_batch_is_two_channels_and_is_in_the_journal() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let batch = batch(vec![
        ("one", touch("/root/one")),
        ("two", vec![Call::new("false")]),
        ("three", touch("/root/three")),
    ]);
    let (outcome, events) = run(&session, &batch).await.unwrap();
    assert_eq!(outcome, Outcome::Failed { step: 1, status: 1 });
    assert_eq!(
        events,
        [
            SpoolEvent::Ready,
            SpoolEvent::Go,
            SpoolEvent::Begin(0, "one".into()),
            SpoolEvent::End(0, 0),
            SpoolEvent::Begin(1, "two".into()),
            SpoolEvent::End(1, 1),
            SpoolEvent::Done(outcome.clone()),
        ]
    );
    assert_eq!((sshd.logins(), sshd.channels()), (1, 2));
    assert_eq!(
        sshd.inside("ls /root; stat -c %a /var/lib/nodewright"),
        "one\n700\n"
    );
    let mut observe = Observe::default();
    observe_journal(&mut observe, 10);
    let journal = read_journal(&session.observe(&observe).await.unwrap());
    let lines: Vec<_> = journal
        .iter()
        .map(|l| (l.event.as_str(), l.text.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (
                "begin",
                "anna@desk site crosslink commit abc tool 0 for apply"
            ),
            ("did", "one"),
            ("failed", "two (status 1)"),
            ("end", "failed 1 1"),
        ]
    );
    let last = state(&session).await.last.unwrap();
    assert_eq!((last.run, last.outcome), (batch.run, Some(outcome)));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_made_again_and_no_event_is_lost_or_doubled() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let batch = batch(vec![
        ("one", wait("/root/go-on")),
        ("two", wait("/root/go-on-2")),
        ("three", touch("/root/three")),
    ]);
    let (sender, mut receiver) = unbounded_channel();
    let mut prepared = session.prepare(&batch, &sender).await.unwrap();
    session.release(&prepared).await.unwrap();
    let mut all = Vec::new();
    let follow = async {
        let outcome = session.follow(&mut prepared, &sender).await.unwrap();
        drop(sender);
        outcome
    };
    let cut = async {
        for (begin, file) in [(0, "go-on"), (1, "go-on-2")] {
            loop {
                let event = receiver.recv().await.unwrap();
                let here = matches!(&event, SpoolEvent::Begin(n, _) if *n == begin);
                all.push(event);
                if here {
                    break;
                }
            }
            kill("KILL", &sshd.master());
            loop {
                let event = receiver.recv().await.unwrap();
                let here = event == SpoolEvent::Following;
                all.push(event);
                if here {
                    break;
                }
            }
            sshd.inside(&format!("touch /root/{file}"));
        }
        while let Some(event) = receiver.recv().await {
            all.push(event);
        }
    };
    let (outcome, ()) = tokio::join!(follow, cut);
    assert_eq!(outcome, Outcome::Finished);
    let lost = SpoolEvent::Lost("the connection was lost".into());
    assert_eq!(
        all,
        [
            SpoolEvent::Ready,
            SpoolEvent::Go,
            SpoolEvent::Begin(0, "one".into()),
            lost.clone(),
            SpoolEvent::Following,
            SpoolEvent::End(0, 0),
            SpoolEvent::Begin(1, "two".into()),
            lost,
            SpoolEvent::Following,
            SpoolEvent::End(1, 0),
            SpoolEvent::Begin(2, "three".into()),
            SpoolEvent::End(2, 0),
            SpoolEvent::Done(Outcome::Finished),
        ]
    );
    assert_eq!(sshd.logins(), 3);
}

#[tokio::test]
async fn one_batch_at_a_time_and_the_other_is_named() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let (sender, _receiver) = unbounded_channel();
    let first = batch(vec![("one", touch("/root/one"))]);
    let prepared = session.prepare(&first, &sender).await.unwrap();
    let holder = state(&session).await.holder.unwrap();
    assert_eq!(
        (holder.run.as_str(), holder.who.as_str()),
        (first.run.as_str(), "anna@desk")
    );
    let second = batch(vec![("two", touch("/root/two"))]);
    let error = session.prepare(&second, &sender).await.err().unwrap();
    assert_eq!(error.failure, Failure::Locked(Box::new(holder)));
    session.abandon(&prepared).await.unwrap();
    let mut prepared = prepared;
    assert_eq!(
        session.follow(&mut prepared, &sender).await.unwrap(),
        Outcome::Abandoned
    );
    assert_eq!(
        session.release(&prepared).await.unwrap_err().failure,
        Failure::GaveUp
    );
    // The same run and stage cannot be brought twice; another run has the node to itself now.
    let third = batch(vec![("three", touch("/root/three"))]);
    assert_eq!(run(&session, &third).await.unwrap().0, Outcome::Finished);
    let error = run(&session, &third).await.unwrap_err();
    assert!(
        matches!(&error.failure, Failure::NotReady(why) if why.starts_with("exists ")),
        "{error}"
    );
    assert_eq!(sshd.inside("ls /root"), "three\n");
}

#[tokio::test]
async fn a_run_goes_on_without_us_and_is_found_stopped_and_followed() {
    let sshd = Sshd::start();
    let (sender, mut receiver) = unbounded_channel();
    let running = batch(vec![
        ("one", wait("/root/go-on")),
        ("two", touch("/root/two")),
    ]);
    {
        let session = sshd.root().await;
        let prepared = session.prepare(&running, &sender).await.unwrap();
        session.release(&prepared).await.unwrap();
        session.close().await.unwrap();
    }
    let session = sshd.root().await;
    let last = state(&session).await.last.unwrap();
    assert_eq!((&last.run, last.outcome), (&running.run, None));
    let mut found = session.attach(None).await.unwrap();
    assert_eq!((found.run(), found.stage()), (&running.run, 0));
    let follow = session.follow(&mut found, &sender);
    let stop = async {
        until(&mut receiver, &SpoolEvent::Begin(0, "one".into())).await;
        assert!(session.stop(&running.run).await.unwrap());
        sshd.inside("touch /root/go-on");
    };
    let (outcome, ()) = tokio::join!(follow, stop);
    let outcome = outcome.unwrap();
    assert_eq!(outcome, Outcome::Stopped { before: 1 });
    until(&mut receiver, &SpoolEvent::Done(outcome.clone())).await;
    // Found again when it is long over, by name.
    let mut found: Prepared = session.attach(Some(&running.run)).await.unwrap();
    assert_eq!(session.follow(&mut found, &sender).await.unwrap(), outcome);
    let other = RunId::parse("20200101T000000-0000").unwrap();
    assert_eq!(
        session.attach(Some(&other)).await.err().unwrap().failure,
        Failure::NoSuchRun(other.to_string())
    );
    assert!(!session.stop(&other).await.unwrap());
}

#[tokio::test]
async fn a_batch_that_was_killed_has_died_and_the_next_takes_over() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let (sender, mut receiver) = unbounded_channel();
    let victim = batch(vec![
        ("one", touch("/root/one")),
        ("two", wait("/root/never")),
    ]);
    let mut prepared = session.prepare(&victim, &sender).await.unwrap();
    session.release(&prepared).await.unwrap();
    let follow = session.follow(&mut prepared, &sender);
    let murder = async {
        until(&mut receiver, &SpoolEvent::Begin(1, "two".into())).await;
        let path = format!("/var/lib/nodewright/runs/{}/0/pid", victim.run);
        sshd.inside(&format!("read -r pid rest <{path}; kill -9 $pid"));
    };
    let (outcome, ()) = tokio::join!(follow, murder);
    assert_eq!(outcome.unwrap(), Outcome::Died);
    let seen = state(&session).await;
    let last = seen.last.unwrap();
    assert_eq!(last.finished(), [(0, "one")]);
    assert_eq!(last.interrupted(), Some((1, "two")));
    assert_eq!(
        (seen.holder, seen.left_behind.unwrap().run),
        (None, victim.run.to_string())
    );
    let (outcome, events) = run(&session, &batch(vec![("three", touch("/root/three"))]))
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Finished);
    assert!(matches!(&events[0], SpoolEvent::Note(text) if text.contains(victim.run.as_str())));
}

#[tokio::test]
async fn a_lock_is_taken_away_only_from_who_was_shown() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let (sender, _receiver) = unbounded_channel();
    let first = batch(vec![("one", touch("/root/one"))]);
    let prepared = session.prepare(&first, &sender).await.unwrap();
    let holder = state(&session).await.holder.unwrap();
    let mut other = holder.clone();
    other.text = holder.text.replace("anna", "bob");
    assert_eq!(
        session.unlock(&other).await.unwrap_err().failure,
        Failure::Locked(Box::new(holder.clone()))
    );
    session.unlock(&holder).await.unwrap();
    assert_eq!(state(&session).await.holder, None);
    session.abandon(&prepared).await.unwrap();
}

#[tokio::test]
async fn a_full_or_read_only_disk_is_named_and_nothing_is_begun() {
    for (mount, full) in [("-o size=4k", true), ("-o ro", false)] {
        let before = format!(
            "mkdir -p /var/lib/nodewright; mount -t tmpfs {mount} none /var/lib/nodewright"
        );
        let sshd = Sshd::with(&Setup {
            before: &before,
            ..Setup::default()
        });
        let session = sshd.root().await;
        let error = run(&session, &batch(vec![("one", touch("/root/one"))]))
            .await
            .unwrap_err();
        match &error.failure {
            Failure::DiskFull(_) => assert!(full),
            Failure::ReadOnly(_) => assert!(!full),
            other => panic!("{other:?}: {}", error.output),
        }
        assert_eq!(sshd.inside("ls /root"), "");
    }
}

#[tokio::test]
async fn twenty_cuts_at_random_places_lose_and_double_nothing() {
    let sshd = Sshd::start();
    let session = sshd.root().await;
    let steps: Vec<String> = (0..60).map(|n| format!("step {n}")).collect();
    let calls = || vec![Call::new("sleep").arg("0.1")];
    let batch = batch(
        steps
            .iter()
            .map(|title| (title.as_str(), calls()))
            .collect(),
    );
    // A small linear congruential generator, seeded, so that a failure can be repeated.
    let mut seed: u64 = 20_261_121;
    let mut cuts: Vec<u64> = Vec::new();
    while cuts.len() < 20 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at = (seed >> 33) % 110;
        if !cuts.contains(&at) {
            cuts.push(at);
        }
    }
    let (sender, mut receiver) = unbounded_channel();
    let mut prepared = session.prepare(&batch, &sender).await.unwrap();
    session.release(&prepared).await.unwrap();
    let follow = async {
        let outcome = session.follow(&mut prepared, &sender).await.unwrap();
        drop(sender);
        outcome
    };
    let cut = async {
        let (mut events, mut lost) = (Vec::new(), 0);
        while let Some(event) = receiver.recv().await {
            match event {
                SpoolEvent::Lost(_) => lost += 1,
                SpoolEvent::Following => {}
                event => {
                    if cuts.contains(&(events.len() as u64))
                        && let Some(pid) = sshd.find_master()
                    {
                        kill("KILL", &pid);
                    }
                    events.push(event);
                }
            }
        }
        (events, lost)
    };
    let (outcome, (events, lost)) = tokio::join!(follow, cut);
    assert_eq!(outcome, Outcome::Finished);
    let mut wanted = vec![SpoolEvent::Ready, SpoolEvent::Go];
    for (n, title) in steps.iter().enumerate() {
        wanted.push(SpoolEvent::Begin(n, title.clone()));
        wanted.push(SpoolEvent::End(n, 0));
    }
    wanted.push(SpoolEvent::Done(Outcome::Finished));
    assert_eq!(events, wanted);
    assert!(lost >= 5, "the connection was cut {lost} times only");
}

#[tokio::test]
async fn an_sshd_that_allows_one_session_only_is_named() {
    let sshd = Sshd::with(&Setup {
        config: "MaxSessions 1",
        ..Setup::default()
    });
    let session = sshd.root().await;
    let (sender, _receiver) = unbounded_channel();
    let prepared = session
        .prepare(&batch(vec![("one", touch("/root/one"))]), &sender)
        .await
        .unwrap();
    let error = session.release(&prepared).await.unwrap_err();
    assert_eq!(error.failure, Failure::NoChannel);
}

/// Connected to a node of a lab as root.
async fn lab_session(nodes: &crate::nodes::Nodes, run: &std::path::Path) -> Session {
    let options = nodewright::node::ConnectOptions {
        config: nodes.ssh_config().to_owned(),
        access: nodewright::node::NodeAccess {
            name: "node1".into(),
            ways: vec![nodewright::node::Way {
                alias: "node1".into(),
                word: "direct".into(),
                host: "node1".into(),
                port: None,
                user: None,
                door: None,
                jump: None,
                proxy_command: None,
            }],
            old_algorithms: false,
            known_hosts: "known_hosts".into(),
            identity: None,
        },
        runtime_dir: run.join("run"),
        persist: std::time::Duration::from_secs(30),
        timeout: std::time::Duration::from_mins(1),
    };
    Session::connect(&options, nodewright::node::Privilege::Root)
        .await
        .unwrap()
}

/// A batch that writes a file, and one that is stopped; the journal tells both.
async fn work_on(session: &Session) {
    let mut write = batch(vec![
        (
            "write",
            vec![
                Call::new("nw_replace")
                    .args(["/etc/made", "absent"])
                    .blob(0)
                    .args(["root", "root", "0600", "yes"]),
                Call::new("nw_own").args(["base/file:/etc/made", "/etc/made", "11", "plain"]),
            ],
        ),
        ("where", vec![Call::new("nw_where")]),
        ("fail", vec![Call::new("ls").arg("/nowhere")]),
    ]);
    write.functions.push(Shell::new(
        "nw_where() { cat /proc/self/cgroup >/root/where; }\n",
    ));
    write
        .blobs
        .push(nodewright::node::Blob::Bytes(b"made\n".to_vec()));
    let (outcome, events) = run(session, &write).await.unwrap();
    assert_eq!(outcome, Outcome::Failed { step: 2, status: 2 });
    let says =
        |e: &SpoolEvent| matches!(e, SpoolEvent::Output(2, text) if text.contains("/nowhere"));
    assert!(events.iter().any(says), "{events:?}");
    let seen = state(session).await;
    assert_eq!(
        seen.manifest,
        format!("base/file:/etc/made\t/etc/made\t11\t{}\tplain\n", write.run)
    );
    assert_eq!((seen.holder, seen.left_behind), (None, None));
    assert_eq!(seen.last.unwrap().outcome, Some(outcome));
}

#[tokio::test]
async fn a_batch_is_a_unit_of_its_own_where_systemd_is() {
    let nodes = crate::nodes::debian(1);
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let session = lab_session(&nodes, dir.path()).await;
    work_on(&session).await;
    assert_eq!(nodes.ok("node1", "cat /etc/made"), "made\n");
    let place = nodes.ok("node1", "cat /root/where");
    assert!(place.contains("/system.slice/nodewright-"), "{place}");
}

#[tokio::test]
async fn a_batch_runs_with_the_tools_of_el6() {
    let nodes = crate::nodes::el6(1);
    let dir = tempfile::tempdir_in("/var/tmp").unwrap();
    let session = lab_session(&nodes, dir.path()).await;
    work_on(&session).await;
    assert_eq!(nodes.ok("node1", "cat /etc/made"), "made\n");
}
