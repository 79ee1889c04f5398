use super::super::samples;
use super::*;
use crate::kinds::cluster::resource_manager::ResourceState;
use crate::operate::status::{NodeStatus, Point, Traffic};
use crate::site::{Site, load_str};
use std::collections::BTreeMap;

fn example() -> Site {
    let text = include_str!("../../../inventory/crosslink/inventory.toml");
    let text = text.replacen("\"el7\"", "\"debian12\"", 1);
    load_str(&text).site.expect("a site")
}

/// A member in standby, and a mirror that syncs.
fn status(site: &Site) -> Status {
    let node = |name: &str, cluster: &str| NodeStatus {
        name: name.into(),
        answered: true,
        cluster: cluster.into(),
        quorate: Some(true),
    };
    let ends = |first: &str, second: &str| {
        let all = [("node1", first), ("node2", second)];
        all.map(|(n, w)| (n.to_owned(), w.to_owned())).into()
    };
    let whole = "Primary UpToDate Connected";
    let resource = |name: &str, node: &str| ResourceState {
        name: name.into(),
        agent: "ocf:heartbeat:VirtualDomain".into(),
        role: "Started".into(),
        nodes: vec![node.into()],
    };
    let point = |state, what: &str, next: &str| Point {
        state,
        what: what.into(),
        next: next.into(),
    };
    let (healthy, degraded) = (State::Healthy, State::Degraded);
    let mirrors = [("r0", healthy), ("r1", degraded), ("r2", healthy)];
    Status {
        site: site.name().into(),
        state: degraded,
        nodes: vec![node("node1", "online"), node("node2", "standby")],
        mirrors: BTreeMap::from([
            ("r0".into(), ends(whole, whole)),
            (
                "r1".into(),
                ends(
                    "Primary UpToDate SyncSource",
                    "Secondary Inconsistent SyncTarget",
                ),
            ),
            ("r2".into(), ends(whole, whole)),
        ]),
        mounts: [("/shared".to_owned(), vec!["node1".into(), "node2".into()])].into(),
        resources: vec![
            resource("guest_web", "node1"),
            resource("guest_files", "node1"),
        ],
        points: vec![
            point(
                degraded,
                "mirror r1 is synced: 41 %",
                "nodewright status --watch",
            ),
            point(
                degraded,
                "node2 is in standby: it carries nothing",
                "nodewright resume node2",
            ),
        ],
        traffic: Traffic {
            mirrors: mirrors.map(|(name, state)| (name.to_owned(), state)).into(),
            ring: Some(healthy),
        },
    }
}

/// The example with a mirror that syncs, drift and checks that do not hold.
fn report() -> SiteReport {
    let site = example();
    let status = status(&site);
    let guest = |name: &str, purpose: &str, home: &str, failover, on: &[(&str, &str)]| GuestPlace {
        name: name.into(),
        purpose: purpose.into(),
        home: home.into(),
        failover,
        on: on.iter().map(|(n, s)| ((*n).into(), (*s).into())).collect(),
        untold: Vec::new(),
    };
    let run = |node: &str, at: &str, intent: &str, ended: &str| RunRow {
        node: node.into(),
        at: at.into(),
        run: "20261128T090312-a1b2".into(),
        who: "anna@desk".into(),
        intent: intent.into(),
        commit: "0123abcd4567ef890123abcd4567ef890123abcd".into(),
        ended: ended.into(),
    };
    SiteReport {
        at: "2026-11-29 13:05".into(),
        picture: Picture::of(&site).with_status(&site, &status),
        status,
        failed: Vec::new(),
        plan: samples::plan(),
        checks: samples::checks(),
        guests: vec![
            guest(
                "web",
                "public web server",
                "node1",
                true,
                &[("node1", "running")],
            ),
            guest(
                "files",
                "file server",
                "node1",
                true,
                &[("node1", "running")],
            ),
            guest(
                "dns1",
                "name server",
                "node1",
                false,
                &[("node1", "shut off")],
            ),
            guest(
                "watch",
                "",
                "node2",
                true,
                &[("node1", "running"), ("node2", "running")],
            ),
        ],
        runs: vec![
            run("node2", "2026-11-28T09:05:40Z", "drain", "ok"),
            run(
                "node1",
                "2026-11-28T09:03:12Z",
                "apply",
                "rolled back by the guard",
            ),
        ],
    }
}

/// The page as it was looked at in a browser: with `NODEWRIGHT_BLESS=1` it is written anew.
#[test]
fn the_page_is_the_one_that_was_looked_at() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/report.html");
    let page = page(&report());
    if std::env::var_os("NODEWRIGHT_BLESS").is_some() {
        std::fs::write(path, &page).expect("it can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the page");
    assert!(page == kept, "tests/page/report.html is another page");
}

#[test]
fn the_page_asks_nobody_and_runs_nothing() {
    let page = page(&report());
    for never in [
        "<script", "<link", "<img", "<iframe", "url(", "@import", "onload", " src=",
    ] {
        assert!(!page.contains(never), "{never}");
    }
    // The one address is the name of SVG's language.
    let addresses: Vec<&str> = page
        .match_indices("://")
        .map(|(at, _)| &page[at..])
        .collect();
    assert!(
        addresses
            .iter()
            .all(|a| a.starts_with("://www.w3.org/2000/svg"))
    );
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    assert!(page.contains("width=device-width"));
    let open = |tag: &str| {
        page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count()
    };
    for tag in [
        "section", "table", "tbody", "tr", "td", "ul", "li", "details", "div", "p", "pre", "span",
    ] {
        assert_eq!(
            open(tag),
            page.matches(&format!("</{tag}>")).count(),
            "{tag}"
        );
    }
}

/// Each text that a node can have a say in.
#[test]
fn no_answer_of_a_node_is_markup() {
    const EVIL: &str = "<script>alert(1)</script>\"'&`<i>`\u{1b}[2J\u{202e}";
    let mut all = report();
    let evil = || EVIL.to_owned();
    let status = &mut all.status;
    for node in &mut status.nodes {
        node.cluster = evil();
    }
    status.mirrors = [(evil(), [(evil(), evil())].into())].into();
    status.traffic.mirrors = [(evil(), State::Frozen)].into();
    status.mounts = [(evil(), vec![evil()])].into();
    status.resources = vec![ResourceState {
        name: evil(),
        agent: evil(),
        role: evil(),
        nodes: vec![evil()],
    }];
    status.points = vec![Point {
        state: State::Frozen,
        what: evil(),
        next: evil(),
    }];
    all.failed = vec![(evil(), evil())];
    for check in &mut all.checks {
        (check.message, check.remedy) = (evil(), evil());
    }
    for guest in &mut all.guests {
        guest.on = vec![(evil(), evil())];
        guest.untold = vec![evil()];
    }
    for run in &mut all.runs {
        for field in [
            &mut run.at,
            &mut run.run,
            &mut run.who,
            &mut run.intent,
            &mut run.commit,
            &mut run.ended,
        ] {
            *field = evil();
        }
    }
    all.plan.older = vec![evil()];
    for node in &mut all.plan.nodes {
        for change in &mut node.changes {
            change.title = evil();
            for delta in &mut change.deltas {
                (delta.from, delta.to) = (evil(), evil());
            }
            for diff in &mut change.diffs {
                *diff = crate::plan::FileDiff {
                    path: evil(),
                    diff: crate::plan::Diff::Text(format!("@@ -1 +1 @@\n+{EVIL}\n")),
                };
            }
        }
        for remark in node.findings.iter_mut().chain(&mut node.refusals) {
            (remark.what, remark.remedy) = (evil(), evil());
        }
        for later in &mut node.later {
            later.table = evil();
        }
        for orphan in &mut node.orphans {
            orphan.why = evil();
        }
    }
    let site = example();
    all.picture = Picture::of(&site).with_status(&site, &all.status);
    let page = page(&all);
    assert!(
        page.matches("&lt;script&gt;alert(1)").count() > 40,
        "{page}"
    );
    for never in ["<script", "<i>", "\u{1b}", "\u{202e}"] {
        assert!(!page.contains(never), "{never}");
    }
}

#[test]
fn a_node_that_does_not_answer_is_said_first() {
    let mut all = report();
    all.status.nodes[1].answered = false;
    all.status.nodes[1].cluster = "unclean".into();
    all.status.points.push(Point {
        state: State::Degraded,
        what: "node2 does not answer: unreachable: no answer within 4 s".into(),
        next: "nodewright facts node2".into(),
    });
    all.failed = vec![("node2".into(), "unreachable: no answer within 4 s".into())];
    all.plan.nodes.pop();
    all.plan.unseen = vec!["node2".into()];
    all.guests[0].on.clear();
    all.guests[0].untold = vec!["node2".into()];
    let site = example();
    all.picture = Picture::of(&site).with_status(&site, &all.status);
    let page = page(&all);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("<strong>node2</strong>: it could not be observed.") < at("id=\"picture\""));
    assert!(page.contains("1 of 2</strong>"));
    assert!(page.contains("no answer, unclean"));
    assert!(page.contains("not observed: node2"));
    assert!(page.contains("unknown; not told by node2"));
    // Said once.
    assert_eq!(page.matches("no answer within 4 s").count(), 1);
    assert!(
        all.line().starts_with("degraded, 1 node did not answer, "),
        "{}",
        all.line()
    );
}
