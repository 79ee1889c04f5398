//! Knocking with real packets: what opens, what does not, and that it closes again by itself.

use super::prober::Proto::Tcp;
use super::prober::{Answer, Server, knock, probe};
use super::yard::Yard;
use super::{example, started};
use crate::shorewall::{crosslink, rendered, vault};
use std::time::{Duration, Instant};

const NODE: &str = "192.0.2.5";
const GOOD: [u16; 3] = [7301, 7117, 7542];

/// The example with little time to knock, and little to come in.
fn quick(site: &str) -> String {
    let text = site.replace(
        "step = \"10s\", open = \"30s\"",
        "step = \"2s\", open = \"5s\"",
    );
    assert_ne!(text, site);
    text
}

/// What a stranger outside finds at the port of sshd.
fn ssh(yard: &Yard, from: &str) -> Answer {
    probe(&yard.of("world"), from, NODE, &[(Tcp, 22)])[0]
}

/// All that must hold of a knock, whatever form its rules have.
fn holds(yard: &Yard) {
    let world = yard.of("world");
    let [me, other] = ["203.0.113.9", "203.0.113.10"];
    assert_eq!(ssh(yard, me), Answer::Silent, "closed before");
    let wrong: [(&str, Vec<u16>, u64); 11] = [
        ("wrong order", vec![7117, 7301, 7542], 20),
        ("backwards", vec![7542, 7117, 7301], 20),
        ("the first twice", vec![7301, 7301, 7117, 7542], 20),
        ("the second twice", vec![7301, 7117, 7117, 7542], 20),
        (
            "the first again before the last",
            vec![7301, 7117, 7301, 7542],
            20,
        ),
        ("one left out", vec![7301, 7542], 20),
        ("a stray port in between", vec![7301, 8080, 7117, 7542], 20),
        (
            "a stray port before the last",
            vec![7301, 7117, 81, 7542],
            20,
        ),
        ("all ports in order", (7100..7600).collect(), 2),
        ("all ports backwards", (7100..7600).rev().collect(), 2),
        ("too slowly", GOOD.to_vec(), 2600),
    ];
    for (what, ports, gap) in wrong {
        knock(&world, me, NODE, &ports, gap);
        assert_eq!(ssh(yard, me), Answer::Silent, "{what}");
        // What is left of it is gone with a stray port.
        knock(&world, me, NODE, &[9999], 20);
    }
    knock(&world, me, NODE, &GOOD, 20);
    let opened = Instant::now();
    assert_eq!(ssh(yard, other), Answer::Silent, "another source address");
    assert_eq!(ssh(yard, me), Answer::Open, "knocked");
    let answers = probe(&world, me, NODE, &[(Tcp, 7301), (Tcp, 6556)]);
    assert_eq!(answers, [Answer::Silent; 2], "nothing but sshd");
    while ssh(yard, me) == Answer::Open {
        assert!(
            opened.elapsed() < Duration::from_secs(15),
            "it does not close"
        );
    }
    assert!(
        opened.elapsed() >= Duration::from_secs(4),
        "it closed too soon"
    );
    // A mistake does not keep one out.
    knock(&world, me, NODE, &[7301, 7301], 20);
    knock(&world, me, NODE, &GOOD, 20);
    assert_eq!(ssh(yard, me), Answer::Open, "knocked again");
}

#[test]
fn by_events() {
    let yard = started(&quick(&example()));
    let _node = Server::start(&yard.node(), &[22], &[]);
    holds(&yard);
    // Neither rules that were logged nor names of lists tell the ports.
    let lists = yard.sh("ls /proc/net/xt_recent; cat /proc/net/xt_recent/*");
    for port in GOOD {
        assert!(!lists.contains(&format!("{port}\n")), "{lists}");
    }
}

/// The rules of Shorewall 4.5's form, as that version would hand them to iptables: those of the file `Knock`, in a chain
/// for new connections from red.
#[test]
fn by_the_recent_match_of_version_4_5() {
    let yard = Yard::example();
    let files = rendered(&quick(&crosslink("4.5")));
    let text = files["/etc/shorewall/Knock"].reveal(&vault(3)).unwrap();
    let rules: Vec<&str> = text
        .lines()
        .filter_map(|l| {
            l.strip_prefix("add_rule( $chainref, '")?
                .strip_suffix("' );")
        })
        .collect();
    assert!(rules.len() > 8, "{text}");
    let mut script = "iptables -N Knock\n".to_owned();
    for rule in rules {
        script.push_str(&format!("iptables -A Knock {rule}\n"));
    }
    script.push_str(
        "iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
         iptables -A INPUT -i brred -p tcp -j Knock\niptables -P INPUT DROP\n",
    );
    yard.sh(&script);
    let _node = Server::start(&yard.node(), &[22], &[]);
    holds(&yard);
}

#[test]
fn by_a_single_port() {
    let site = quick(&example()).replace(
        "{ secret = \"knock\" },",
        "{ secret = \"knock\" }, ports = 1,",
    );
    let yard = started(&site);
    let _node = Server::start(&yard.node(), &[22], &[]);
    let (world, me) = (yard.of("world"), "203.0.113.9");
    assert_eq!(ssh(&yard, me), Answer::Silent);
    knock(&world, me, NODE, &(7200..7400).collect::<Vec<_>>(), 2);
    assert_eq!(
        ssh(&yard, me),
        Answer::Silent,
        "a scan goes on to the next port"
    );
    knock(&world, me, NODE, &[7301], 20);
    assert_eq!(ssh(&yard, "203.0.113.10"), Answer::Silent);
    assert_eq!(ssh(&yard, me), Answer::Open);
}
