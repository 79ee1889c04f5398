use super::*;
use crate::kind::Answer;
use crate::site::load_str;
use Evidence::{Note, Off, On, Silent, Waits};

fn operation(platform: &str) -> ConfirmFenced {
    let text = include_str!("../../../inventory/crosslink/inventory.toml");
    let text = text.replacen("\"el7\"", &format!("\"{platform}\""), 1);
    ConfirmFenced::new(&load_str(&text).site.expect("a site"), "node2").expect("what it asks")
}

/// The answer of node1 with these sections; the others are those of a node that received and saw nothing.
fn answer(own: &[(&str, &str, i32)]) -> Answer {
    let mut sections = vec![
        ("fence_device.fence_node2_ipmilan", "installed\n", 0),
        ("peer-node2", "", 124),
        ("peer-node2.pings", "", 0),
        ("membership", "name node1\n", 0),
        ("membership.map", "", 1),
        ("membership.links", "", 1),
        ("membership.domain", "", 1),
        ("resource_manager", "", 0),
        (
            "resource_manager.nodes",
            "<node name=\"node1\" online=\"true\"/>\n<node name=\"node2\" online=\"false\"/>\n",
            0,
        ),
        ("drbd", "", 0),
        ("drbd.state", "", 0),
        ("dlm", "", 1),
    ];
    for section in own {
        sections.retain(|(name, ..)| name != &section.0);
        sections.push(*section);
    }
    Answer::from_sections(sections)
}

/// The proofs by what node1 says.
fn proofs(platform: &str, own: &[(&str, &str, i32)]) -> (Vec<String>, Vec<String>) {
    let (operation, answer) = (operation(platform), answer(own));
    let (proofs, unknown) = operation.proofs("node1", &operation.watched["node1"].read(&answer));
    let shown = proofs
        .iter()
        .map(|p| format!("{}: {}", p.says.word(), p.what));
    (shown.collect(), unknown)
}

/// The lines that are there only because of these sections.
fn shown(platform: &str, sections: &[(&str, &str, i32)]) -> Vec<String> {
    let (before, _) = proofs(platform, &[]);
    let (mut now, unknown) = proofs(platform, sections);
    assert_eq!(unknown, [""; 0]);
    now.retain(|line| !before.contains(line));
    now
}

#[test]
fn every_address_and_device_is_asked_and_no_secret_is_reported() {
    let calls = |platform: &str| {
        let operation = operation(platform);
        let Watched { target, resources } = &operation.watched["node1"];
        let mut observe = crate::kind::Observe::default();
        let vault = crate::text::Vault::new();
        let wanted = crate::plan::Desired {
            target,
            resources: &[],
            partial: false,
            watched: resources,
            vault: &vault,
            permits: &crate::kind::Permits::default(),
        };
        wanted.observe(&mut observe);
        let script = observe.script("zz");
        let calls = script.lines().filter(|l| {
            ["nw_begin ", "nw_section "]
                .iter()
                .any(|verb| l.starts_with(verb))
        });
        calls.map(str::to_owned).collect::<Vec<_>>()
    };
    let both = [
        "nw_begin fence_device.fence_node2_ipmilan nw_fence_device_seen 20 fence_ipmilan \
         /usr/local/sbin/fence-secrets/fence_node2_ipmilan.options /usr/local/sbin/fence-secrets/fence_node2_ipmilan-passw",
        "nw_begin peer-node2 nw_peer_login ssh -n -o BatchMode=yes -o ConnectTimeout=5 -o ControlPath=none -l root node2 true",
        "nw_begin peer-node2.pings nw_peer_pings 192.0.2.6 10.0.1.2 10.0.2.2 10.0.3.5 10.0.9.2",
    ];
    let el6 = calls("el6");
    let el9 = calls("el9");
    for call in both {
        assert!(
            el6.iter().any(|c| c.starts_with(call)),
            "{call} in {el6:#?}"
        );
        assert!(
            el9.iter().any(|c| c.starts_with(call)),
            "{call} in {el9:#?}"
        );
    }
    assert!(
        el6.iter()
            .any(|c| c == "nw_begin membership.domain fence_tool ls -n")
    );
    assert!(
        el9.iter()
            .any(|c| c == "nw_begin resource_manager.nodes crm_mon --one-shot --as-xml")
    );
}

const DOMAIN: &str = "fence domain\nmember count  1\nvictim count  1\nvictim now    2\nmaster nodeid 1\nwait state    fencing\n\
    members       1 \nall nodes\nnodeid 1 member 1 victim 0 last fence master 0 how none\n\
    nodeid 2 member 0 victim 1 last fence master 0 how none\n";

// Written from documentation: the output of cman_tool and fence_tool of 3.0.12.
#[test]
fn a_victim_of_cman_that_nobody_hears_is_confirmed() {
    let (sections, unknown) = proofs(
        "el6",
        &[
            (
                "fence_device.fence_node2_ipmilan",
                "installed\nstatus 1\n",
                0,
            ),
            (
                "peer-node2",
                "ssh: connect to host node2 port 22: No route to host\n",
                255,
            ),
            (
                "membership",
                "name node1\nCluster Name: crosslink\nrunning\n   1   M   node1\n   2   X   node2\n",
                0,
            ),
            ("membership.domain", DOMAIN, 0),
        ],
    );
    assert_eq!(unknown, [""; 0]);
    assert_eq!(
        sections,
        [
            "silent: fence_node2_ipmilan gave no answer (status 1)",
            "silent: 192.0.2.6 in zone red answers no ping",
            "silent: 10.0.1.2 in zone grey answers no ping",
            "silent: 10.0.2.2 in zone yellow answers no ping",
            "silent: 10.0.3.5 in zone orange answers no ping",
            "silent: 10.0.9.2 in zone serial answers no ping",
            "silent: ssh gets no answer",
            "silent: cman has it as dead",
            "-: the fence domain waits for fencing",
            "waits: the fence domain waits for it to be fenced",
        ]
    );
    assert_eq!(operation("el6").command(), "fence_ack_manual node2");
    assert_eq!(operation("el9").command(), "stonith_admin --confirm node2");
}

#[test]
fn any_sign_of_life_says_that_it_is_on() {
    let nodes = "<node name=\"node2\" id=\"2\" online=\"true\" unclean=\"false\"/>\n";
    for (section, sections, status, on) in [
        (
            "fence_device.fence_node2_ipmilan",
            "installed\nstatus 0\n",
            0,
            "fence_node2_ipmilan reports power on",
        ),
        (
            "peer-node2.pings",
            "10.0.1.2\n",
            0,
            "10.0.1.2 in zone grey answers a ping",
        ),
        ("peer-node2", "", 0, "ssh gets in"),
        (
            "peer-node2",
            "ssh: connect to host node2 port 22: Connection refused\n",
            255,
            "ssh is answered: ssh: connect to host node2 port 22: Connection refused",
        ),
        (
            "peer-node2",
            "Host key verification failed.\n",
            255,
            "ssh is answered: Host key verification failed.",
        ),
        // captured (OpenSSH 9.2), and from the source of 5.3
        (
            "peer-node2",
            "Connection to 127.0.0.1 port 2299 timed out\n",
            255,
            "its kernel accepts ssh's connection, and no sshd greets",
        ),
        (
            "peer-node2",
            "Connection timed out during banner exchange\n",
            255,
            "its kernel accepts ssh's connection, and no sshd greets",
        ),
        (
            "membership",
            "runtime.totem.pg.mrp.srp.members.1.status (str) = joined\nruntime.totem.pg.mrp.srp.members.2.status (str) = joined\nrunning\n",
            0,
            "corosync has it as a member",
        ),
        (
            "resource_manager.nodes",
            nodes,
            0,
            "Pacemaker has it as online",
        ),
    ] {
        assert_eq!(
            shown("el7", &[(section, sections, status)]),
            [format!("on: {on}")],
            "{section}"
        );
    }
    let cman = ("membership", "running\n1 M node1\n2 M node2\n", 0);
    assert_eq!(shown("el6", &[cman]), ["on: cman has it as a member"]);
}

/// A survivor whose mirrors and locks wait: constructed by what was noted on two virtual machines.
const FROZEN: [(&str, &str, i32); 2] = [
    (
        "drbd.state",
        "version: 8.4.11 (api:1/proto:86-101)\n 0: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----\n    oos:0\n \
         1: cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----\n    oos:0\n",
        0,
    ),
    (
        "dlm",
        "dlm lockspaces\nname          shared\nid            0x9b3f62c1\nflags         0x00000004 kern_stop\n\
         members       1 2 \nnew status    wait fencing\nnew members   1 \n",
        0,
    ),
];

#[test]
fn mirrors_and_locks_that_wait_are_let_go_on_after_the_declaration() {
    assert_eq!(
        shown("el9", &FROZEN),
        [
            "waits: DLM gives no locks in shared until it is fenced",
            "waits: all writes to mirror r0 wait",
        ]
    );
    let operation = operation("el9");
    let steps = |own: &[(&str, &str, i32)]| {
        let observed = operation.watched["node1"].read(&answer(own));
        let items = operation.released("node1", &observed).into_iter();
        let calls = items.flat_map(|i| i.work.calls);
        calls.map(|c| c.to_shell()).collect::<Vec<_>>()
    };
    assert_eq!(steps(&FROZEN), ["nw_dlm_fenced 2", "drbdadm resume-io r0"]);
    // Locks and mirrors that do not wait are left alone, and so are those that wait for another reason.
    assert_eq!(steps(&[]), [""; 0]);
    let quorum = FROZEN[1].1.replace("fencing", "quorum");
    assert_eq!(steps(&[("dlm", &quorum, 0)]), [""; 0]);
    // cman's fence domain tells DLM itself.
    assert_eq!(shown("el6", &FROZEN[1..]), [""; 0]);
}

#[test]
fn silence_is_no_sign_of_life() {
    for sections in [
        "ssh: connect to host node2 port 22: Connection timed out\n",
        "ssh: connect to host node2 port 22: Network is unreachable\n",
        "ssh: Could not resolve hostname node2: Name or service not known\n",
        "",
    ] {
        assert_eq!(
            shown("el7", &[("peer-node2", sections, 255)]),
            [""; 0],
            "{sections}"
        );
    }
    let (sections, _) = proofs("el7", &[]);
    assert!(
        sections.contains(&"silent: ssh gets no answer".to_owned()),
        "{sections:?}"
    );
}

#[test]
fn what_is_seen_of_the_survivor_is_no_proof_of_the_other() {
    let domain = DOMAIN.replace("nodeid 2 member 0 victim 1", "nodeid 2 member 0 victim 0");
    let domain = domain.replace("nodeid 1 member 1 victim 0", "nodeid 1 member 1 victim 1");
    let running = ("membership", "running\n1 M node1\n", 0);
    assert_eq!(
        shown("el6", &[running, ("membership.domain", &domain, 0)]),
        [
            "silent: cman has it as no member",
            "-: the fence domain waits for fencing"
        ]
    );
    let nodes = "<node name=\"node2\" id=\"2\" online=\"false\" unclean=\"true\"/>\n\
        <node name=\"node2\" id=\"2\" cached=\"true\"/>\n";
    assert_eq!(
        shown(
            "el7",
            &[
                (
                    "fence_device.fence_node2_ipmilan",
                    "installed\nstatus 2\n",
                    0
                ),
                ("resource_manager.nodes", nodes, 0),
            ]
        ),
        [
            "off: fence_node2_ipmilan reports power off",
            "waits: Pacemaker waits for it to be fenced",
        ]
    );
}

#[test]
fn an_unreadable_answer_is_no_proof_that_nothing_waits() {
    let late = ("resource_manager.nodes", "", 124);
    let (_, unknown) = proofs("el9", &[late]);
    assert_eq!(unknown, ["the resource manager did not answer in time"]);
    let (_, unknown) = proofs("el9", &[("resource_manager.nodes", "", 0)]);
    assert_eq!(unknown, ["Pacemaker does not list node2"]);
    let (_, unknown) = proofs("el6", &[("membership", "", 124)]);
    assert_eq!(unknown.len(), 1);
}

#[test]
fn the_gravest_of_all_proofs_decides() {
    let proof = |says| Proof {
        by: String::new(),
        says,
        what: String::new(),
    };
    let decided = |says: &[Evidence], answered, shown| {
        decide(
            &says.iter().map(|s| proof(*s)).collect::<Vec<_>>(),
            answered,
            shown,
        )
    };
    assert_eq!(decided(&[Off, Waits, On], false, false), Decision::On);
    assert_eq!(decided(&[Off, Waits], false, true), Decision::Unanswered);
    assert_eq!(
        decided(&[Silent, Waits], true, false),
        Decision::Confirmable
    );
    assert_eq!(decided(&[Off, Silent, Note], true, true), Decision::Nothing);
    assert_eq!(decided(&[Off, Silent], true, false), Decision::Unknown);
    // The operator's own try counts as that of a member, and silence alone is no life.
    assert_eq!(from_here(None).says, On);
    assert_eq!(from_here(Some((false, "no key was accepted"))).says, On);
    assert_eq!(from_here(Some((true, "no answer"))).says, Silent);
}
