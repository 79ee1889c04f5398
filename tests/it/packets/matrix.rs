//! Who may reach what: cell by cell, against a table that is written here from what the site says.

use super::prober::Proto::{self, Tcp, Udp};
use super::prober::{Answer, Held, Server, probe};
use super::{example, started};
use std::fmt::Write as _;

/// Every port that any service has, its neighbours, and some that none has.
const PORTS: [(Proto, u16); 24] = [
    (Tcp, 22),
    (Tcp, 23),
    (Tcp, 79),
    (Tcp, 80),
    (Tcp, 111),
    (Tcp, 113),
    (Tcp, 443),
    (Tcp, 3260),
    (Tcp, 6556),
    (Tcp, 6557),
    (Tcp, 7787),
    (Tcp, 7788),
    (Tcp, 7789),
    (Tcp, 7790),
    (Tcp, 7791),
    (Tcp, 21064),
    (Tcp, 49152),
    (Udp, 53),
    (Udp, 123),
    (Udp, 443),
    (Udp, 5403),
    (Udp, 5404),
    (Udp, 5405),
    (Udp, 5406),
];

/// What the node lets in, by source: the site's operators, monitoring, mirrors, ring; and what the test's own role
/// opens to everybody in red. Whoever is not named reaches nothing.
fn open(who: &str) -> Vec<(Proto, u16)> {
    let red = [(Tcp, 80), (Tcp, 443), (Udp, 443)];
    let more: &[(Proto, u16)] = match who {
        // [firewall] operators
        "world 198.51.100.10" | "world 198.51.100.11" => &[(Tcp, 22)],
        // [services] monitoring
        "world 198.51.100.20" => &[(Tcp, 6556)],
        "world 203.0.113.9" | "world 192.0.2.6" | "guest 192.0.2.70" => &[],
        // [mirror], of the peer alone
        "grey 10.0.1.2" => return vec![(Tcp, 7788), (Tcp, 7789), (Tcp, 7790)],
        // The ring: time, corosync, and the way in over the peer
        "yellow 10.0.2.2" => return vec![(Tcp, 22), (Udp, 123), (Udp, 5404), (Udp, 5405)],
        // reach = [… "peer serial"]
        "serial 10.0.9.2" => return vec![(Tcp, 22)],
        _ => return Vec::new(),
    };
    [&red, more].concat()
}

/// Everybody, and the address of the node that they send to.
const WHO: [(&str, &str); 15] = [
    ("world 203.0.113.9", "192.0.2.5"),
    ("world 198.51.100.10", "192.0.2.5"),
    ("world 198.51.100.11", "192.0.2.5"),
    ("world 198.51.100.20", "192.0.2.5"),
    ("world 192.0.2.6", "192.0.2.5"),
    ("guest 192.0.2.70", "192.0.2.5"),
    ("grey 10.0.1.2", "10.0.1.1"),
    ("grey 10.0.1.77", "10.0.1.1"),
    ("yellow 10.0.2.2", "10.0.2.1"),
    ("yellow 10.0.2.77", "10.0.2.1"),
    ("green 10.50.0.2", "192.0.2.5"),
    ("wiki 10.51.0.2", "192.0.2.5"),
    ("mesh 10.52.0.2", "192.0.2.5"),
    ("orange 10.0.3.2", "10.0.3.1"),
    ("serial 10.0.9.2", "10.0.9.1"),
];

/// From outside nothing comes back; everybody else is told no.
fn closed(who: &str) -> Answer {
    match who.split(' ').next().unwrap() {
        "world" | "guest" => Answer::Silent,
        _ => Answer::Refused,
    }
}

fn ports(of: Proto) -> Vec<u16> {
    let mine = PORTS.iter().filter(|(proto, _)| *proto == of);
    mine.map(|(_, port)| *port).collect()
}

fn serve(namespace: &str) -> Server {
    Server::start(namespace, &ports(Tcp), &ports(Udp))
}

#[test]
fn what_passes_is_what_the_site_says_cell_by_cell() {
    let yard = started(&example());
    let _node = serve(&yard.node());
    let mut wrong = String::new();
    for (who, to) in WHO {
        let (space, from) = who.split_once(' ').unwrap();
        let answers = probe(&yard.of(space), from, to, &PORTS);
        let open = open(who);
        for (cell, answer) in PORTS.iter().zip(answers) {
            let wanted = if open.contains(cell) {
                Answer::Open
            } else {
                closed(who)
            };
            if answer != wanted {
                let _ = writeln!(
                    wrong,
                    "{who} -> {to} {cell:?}: {answer:?}, wanted {wanted:?}"
                );
            }
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn the_node_reaches_everybody_and_zones_do_not_reach_each_other() {
    let yard = started(&example());
    let some = [(Tcp, 22), (Tcp, 3260), (Udp, 5404)];
    let around = [
        ("world", "192.0.2.1"),
        ("guest", "192.0.2.70"),
        ("grey", "10.0.1.2"),
        ("yellow", "10.0.2.2"),
        ("green", "10.50.0.2"),
        ("wiki", "10.51.0.2"),
        ("wiki2", "10.51.0.3"),
        ("mesh", "10.52.0.2"),
        ("orange", "10.0.3.2"),
        ("serial", "10.0.9.2"),
    ];
    let _servers: Vec<Server> = around
        .iter()
        .map(|(name, _)| serve(&yard.of(name)))
        .collect();
    for (name, address) in around {
        let from = if name == "world" || name == "guest" {
            "192.0.2.5"
        } else {
            own(&yard, address)
        };
        let answers = probe(&yard.node(), from, address, &some);
        assert_eq!(answers, [Answer::Open; 3], "from the node to {name}");
    }
    let mut wrong = String::new();
    for (from, source) in around {
        for (to, address) in around {
            let inside = from == to
                || matches!(
                    (from, to),
                    ("wiki", "wiki2") | ("wiki2", "wiki") | ("world", "guest") | ("guest", "world")
                );
            if from == to {
                continue;
            }
            let wanted = if inside { Answer::Open } else { closed(from) };
            let answers = probe(&yard.of(from), source, address, &some);
            if answers != [wanted; 3] {
                let _ = writeln!(wrong, "{from} -> {to}: {answers:?}, wanted {wanted:?}");
            }
        }
    }
    assert_eq!(wrong, "");
}

/// The address that the node has towards another.
fn own(yard: &super::Yard, to: &str) -> &'static str {
    let way = yard.sh(&format!("ip route get {to}"));
    ["10.0.1.1", "10.0.2.1", "10.0.3.1", "10.0.9.1", "192.0.2.5"]
        .into_iter()
        .find(|a| way.contains(&format!("src {a} ")))
        .unwrap_or_else(|| panic!("{way}"))
}

#[test]
fn a_stopped_firewall_leaves_the_cluster_and_the_ways_in_open() {
    let yard = started(&example());
    let _node = serve(&yard.node());
    let (node, peer) = ("10.0.1.1", "10.0.1.2");
    let mut mirror = Held::open(&yard.of("grey"), peer, node, 7788);
    let mut operator = Held::open(&yard.of("world"), "198.51.100.10", "192.0.2.5", 22);
    yard.sh("shorewall stop");
    assert!(
        mirror.lives() && operator.lives(),
        "established connections live on"
    );
    let ask = |who: &str, to: &str, ports: &[(Proto, u16)]| {
        let (space, from) = who.split_once(' ').unwrap();
        probe(&yard.of(space), from, to, ports)
    };
    let all = [(Tcp, 7788), (Tcp, 3260), (Udp, 5404)];
    assert_eq!(ask("grey 10.0.1.2", "10.0.1.1", &all), [Answer::Open; 3]);
    assert_eq!(ask("yellow 10.0.2.2", "10.0.2.1", &all), [Answer::Open; 3]);
    // Nobody hears a knock now, so sshd is open where one knocks.
    let ssh = [(Tcp, 22), (Tcp, 80), (Tcp, 6556)];
    let answers = ask("world 203.0.113.9", "192.0.2.5", &ssh);
    assert_eq!(answers, [Answer::Open, Answer::Silent, Answer::Silent]);
    let answers = ask("serial 10.0.9.2", "10.0.9.1", &ssh);
    assert_eq!(answers, [Answer::Open, Answer::Silent, Answer::Silent]);
    let answers = ask("green 10.50.0.2", "192.0.2.5", &ssh);
    assert_eq!(answers, [Answer::Silent; 3]);
    // Guests are still connected with what their bridge leads to.
    let _world = serve(&yard.of("world"));
    assert_eq!(
        ask("guest 192.0.2.70", "192.0.2.1", &ssh),
        [Answer::Open; 3]
    );

    yard.sh("shorewall start");
    assert!(mirror.lives() && operator.lives());
    yard.sh("shorewall reload");
    assert!(mirror.lives() && operator.lives(), "a reload cuts nothing");
    let answers = ask("world 203.0.113.9", "192.0.2.5", &ssh);
    assert_eq!(answers, [Answer::Silent, Answer::Open, Answer::Silent]);
}
