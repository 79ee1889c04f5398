use super::*;
use crate::platform::{Manager, Platform};
use crate::site::load_str;
use std::collections::BTreeSet;

fn example(platform: Platform) -> Site {
    let text = include_str!("../../../inventory/crosslink/inventory.toml");
    let text = text.replacen("\"el7\"", &format!("\"{}\"", platform.word()), 1);
    load_str(&text).site.expect("a site")
}

fn book(platform: Platform) -> Runbook {
    Runbook::of(&example(platform), "Made for a test.".into())
}

fn on_nodes(book: &Runbook) -> Vec<&str> {
    let on = book.steps().filter(|s| s.place != CommandPlace::Desk);
    let steps = on.flat_map(|s| s.commands.iter().map(String::as_str));
    let questions = book.chapters.iter().flat_map(|c| &c.blocks);
    let questions = questions.filter_map(|block| match block {
        Block::Table(["command", ..], rows) => Some(rows),
        _ => None,
    });
    let cells = questions.flatten().map(|row| row[0].trim_matches('`'));
    steps.chain(cells).collect()
}

/// The programs that a runbook may name on a node, by the manager of its release; both have the first ones.
const BOTH: [&str; 8] = [
    "cat", "dlm_tool", "drbdadm", "ipmitool", "poweroff", "ssh", "virsh", "vgchange",
];
const CMAN: [&str; 6] = [
    "clustat",
    "clusvcadm",
    "cman_tool",
    "fence_ack_manual",
    "fence_tool",
    "service",
];
const PACEMAKER: [&str; 8] = [
    "corosync-cmapctl",
    "corosync-quorumtool",
    "crm_attribute",
    "crm_mon",
    "crm_resource",
    "crm_standby",
    "stonith_admin",
    "systemctl",
];

#[test]
fn each_release_has_its_own_words() {
    for platform in Platform::all() {
        let book = book(platform);
        let used: BTreeSet<&str> = on_nodes(&book)
            .into_iter()
            .map(|command| command.split(' ').next().unwrap_or_default())
            .collect();
        let own: &[&str] = match platform.manager() {
            Manager::Rgmanager => &CMAN,
            Manager::Pacemaker => &PACEMAKER,
        };
        for program in &used {
            let known = BOTH.contains(program) || own.contains(program);
            assert!(known, "{}: {program}", platform.word());
        }
        for program in own {
            assert!(used.contains(program), "{}: {program}", platform.word());
        }
        // `systemctl` only where there is systemd, `service` only where there are scripts.
        assert_eq!(
            used.contains("systemctl"),
            platform.has_systemd() && own.contains(&"systemctl")
        );
    }
}

#[test]
fn names_and_addresses_are_the_sites() {
    for platform in Platform::all() {
        let text = runbook(&book(platform));
        for there in [
            "10.0.3.6",
            "10.0.3.2",
            "ssh root@10.0.2.2",
            "ssh root@10.0.9.2",
            "secret bmc-node1",
            "nodewright secret get bmc-node2",
            "nodewright knock node1",
            "vg_node1",
            "/shared",
            "nodewright confirm-fenced node2",
            "drbdadm resume-io r2",
            "anna",
        ] {
            assert!(text.contains(there), "{}: {there}", platform.word());
        }
        for never in ["<script", "url(", " src="] {
            assert!(!text.contains(never), "{never}");
        }
    }
}

/// Both ways out of a split brain, each with its loss, before any command of it.
#[test]
fn a_split_brain_has_both_ways_out() {
    for platform in Platform::all() {
        let book = book(platform);
        let chapter = book.chapters.iter().find(|c| c.id == "split").expect("it");
        let warnings: Vec<&str> = chapter
            .blocks
            .iter()
            .filter_map(|b| match b {
                Block::Warning(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(warnings.len(), 6);
        assert_eq!(
            warnings[0],
            "Way out: node1 is kept. Lost is all that node2 wrote to r0 since they parted."
        );
        assert!(warnings[1].starts_with("Way out: node2 is kept."));
        let mut victim = String::new();
        for block in &chapter.blocks {
            match block {
                Block::Warning(text) => {
                    let other = if text.contains("node1 is kept") {
                        "node2"
                    } else {
                        "node1"
                    };
                    other.clone_into(&mut victim);
                }
                Block::Act(step) if step.commands.iter().any(|c| c.contains("discard-my-data")) => {
                    assert_eq!(step.place, CommandPlace::Node(victim.clone()));
                }
                _ => {}
            }
        }
        let forms = on_nodes(&book)
            .into_iter()
            .filter(|c| c.contains("discard-my-data"));
        assert!(
            forms.clone().count() == 6
                && forms
                    .clone()
                    .all(|c| c.starts_with("drbdadm connect --discard-my-data r"))
        );
    }
    let text = include_str!("../../../inventory/crosslink/inventory.toml");
    let old = load_str(
        &text
            .replace("drbd      = \"8.4\"", "drbd      = \"8.3\"")
            .replacen("\"el7\"", "\"el6\"", 1),
    );
    let old = Runbook::of(&old.site.expect("a site"), String::new());
    assert!(on_nodes(&old).contains(&"drbdadm -- --discard-my-data connect r0"));
}

#[test]
fn the_three_parts_of_a_lost_member_stand_in_their_order() {
    let text = |platform: &str| {
        let platform = Platform::from_word(platform).expect("a release");
        let book = book(platform);
        let chapter = book
            .chapters
            .iter()
            .find(|c| c.id == "lost")
            .expect("it")
            .clone();
        let steps = chapter.blocks.into_iter().filter_map(|b| match b {
            Block::Act(step) if step.place == CommandPlace::Node("node1".into()) => {
                Some(step.commands)
            }
            _ => None,
        });
        steps.flatten().collect::<Vec<_>>()
    };
    let resume = [
        "drbdadm resume-io r0",
        "drbdadm resume-io r1",
        "drbdadm resume-io r2",
    ];
    let mut pacemaker = vec!["stonith_admin --confirm node2", "dlm_tool fence_ack 2"];
    pacemaker.extend(resume);
    assert_eq!(text("el9"), pacemaker);
    let mut cman = vec!["fence_ack_manual node2"];
    cman.extend(resume);
    assert_eq!(text("el6"), cman);
}

#[test]
fn a_site_without_a_cluster_has_no_chapter_about_one() {
    let text = include_str!("../../../inventory/logserver/inventory.toml");
    let site = load_str(text).site.expect("a site");
    let book = Runbook::of(&site, String::new());
    let ids: Vec<&str> = book.chapters.iter().map(|c| c.id).collect();
    assert_eq!(
        ids,
        [
            "marks",
            "parts",
            "ways-in",
            "state",
            "reinstall",
            "disk",
            "runs"
        ]
    );
}
