//! The chapters about the site itself: marks, parts, ways in.

use super::{Block, Chapter, CommandPlace};
use crate::site::Site;
use crate::site::tables::inventory::Reach;
use crate::site::tables::machines::FenceDevice;

/// The way to read it, the place of the secrets, and the people.
pub(super) fn marks(site: &Site) -> Chapter {
    let mut chapter = Chapter::new("marks", "How to read this, and where the secrets are");
    chapter.text(
        "Each step names the machine that it is run on: `desk` is an operator's machine, in the folder of the site; a node's \
         name is that node, as root. A step is done when what stands behind it is so, never because a command ended.",
    );
    chapter.text(
        "No secret is in here. They lie encrypted in the site's folder; each operator below who may open them does so by the \
         own SSH key. Keep a copy of the site's folder and of a key where a fire or a dead server does not reach both.",
    );
    let mut secrets: Vec<String> = Vec::new();
    for name in site.node_names() {
        for device in devices(site, name) {
            let all = device.password.iter().chain(device.secrets.values());
            secrets.extend(all.map(|s| s.secret.to_string()));
        }
    }
    secrets.sort();
    secrets.dedup();
    if !secrets.is_empty() {
        let show = secrets
            .iter()
            .map(|name| format!("nodewright secret get {name}"));
        chapter.desk(
            "a password of a fence device (not on a screen that others see)",
            show,
        );
    }
    let people = site.inventory.operator.iter().map(|(name, operator)| {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let full = operator
            .name
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        vec![
            name.to_string(),
            full,
            yes(operator.sudo),
            yes(operator.secrets),
        ]
    });
    chapter.table(
        &["operator", "name", "becomes root", "opens the secrets"],
        people.collect(),
    );
    chapter.blocks.push(Block::Lines(
        [
            "Telephone of the operators",
            "Place of the machines, and who lets us in",
            "Support of the hardware, with contract",
            "Provider of the uplink",
            "Place of the copy of this site and of a key",
        ]
        .map(str::to_owned)
        .into(),
    ));
    chapter
}

fn devices<'a>(site: &'a Site, node: &str) -> impl Iterator<Item = &'a FenceDevice> {
    let found = site.node(node).into_iter();
    found.flat_map(|n| n.bmc.iter().chain(&n.fence))
}

/// Nodes, addresses, mirrors, guests, and the drawing.
pub(super) fn parts(site: &Site) -> Chapter {
    let mut chapter = Chapter::new("parts", "The parts of the site");
    chapter.blocks.push(Block::Drawing);
    let nodes = site.node_names().map(|name| {
        let node = site.node(name);
        let disk = node.and_then(|n| n.disk.as_ref());
        let id = node.and_then(|n| n.host_id);
        vec![
            name.to_owned(),
            site.platform_of(name).word().to_owned(),
            id.map(|id| id.to_string()).unwrap_or_default(),
            disk.map(|d| format!("{}, {}", d.id, d.size))
                .unwrap_or_default(),
        ]
    });
    chapter.heading("Nodes");
    chapter.table(
        &["node", "release", "number in the cluster", "disk"],
        nodes.collect(),
    );
    chapter.heading("Addresses");
    let mut rows = Vec::new();
    for name in site.node_names() {
        let all = site.node(name).into_iter().flat_map(|n| n.address.iter());
        for (zone, address) in all {
            rows.push(vec![name.to_owned(), zone.to_string(), address.to_string()]);
        }
    }
    chapter.table(&["node", "zone", "address"], rows);
    let mut fencing = Vec::new();
    for name in site.node_names() {
        for device in devices(site, name) {
            let word = |text: Option<String>| text.unwrap_or_default();
            fencing.push(vec![
                name.to_owned(),
                device.agent.to_string(),
                word(device.address.as_ref().map(ToString::to_string)),
                word(device.user.as_ref().map(ToString::to_string)),
                word(
                    device
                        .password
                        .as_ref()
                        .map(|p| format!("secret {}", p.secret)),
                ),
            ]);
        }
    }
    if !fencing.is_empty() {
        chapter.heading("Controllers and fence devices");
        chapter.table(
            &["switches", "agent", "address", "user", "password"],
            fencing,
        );
    }
    carried(site, &mut chapter);
    chapter
}

/// The mirrors, and the guests.
fn carried(site: &Site, chapter: &mut Chapter) {
    let mirrors = site.inventory.mirror.iter().map(|(name, mirror)| {
        let group = mirror.group.as_ref().map(|g| format!("group {g}"));
        let shared = mirror.gfs2.as_ref().map(ToString::to_string);
        vec![
            name.to_string(),
            format!("/dev/drbd{}", mirror.minor),
            format!("partition {}", mirror.partition),
            mirror.port.to_string(),
            group.or(shared).unwrap_or_default(),
            mirror.source.to_string(),
        ]
    });
    let mirrors: Vec<_> = mirrors.collect();
    if !mirrors.is_empty() {
        chapter.heading("Mirrors");
        chapter.table(
            &[
                "mirror",
                "device",
                "on",
                "port",
                "carries",
                "first content from",
            ],
            mirrors,
        );
    }
    let guests = site.inventory.guest.iter().map(|(name, guest)| {
        let moves = if guest.failover { "yes" } else { "no" };
        vec![
            name.to_string(),
            guest.node.to_string(),
            moves.to_owned(),
            guest.memory.to_string(),
            guest
                .doc
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ]
    });
    let guests: Vec<_> = guests.collect();
    if !guests.is_empty() {
        chapter.heading("Guests");
        chapter.table(&["guest", "lives on", "moves", "memory", "purpose"], guests);
    }
}

/// The ways in, the usual ones first.
pub(super) fn ways_in(site: &Site) -> Chapter {
    let mut chapter = Chapter::new("ways-in", "Getting in");
    chapter.heading("As always");
    chapter.text("Every command tries the site's ways in by itself, in their order, and knocks where that is needed.");
    chapter.desk(
        "who answers, and by which way",
        ["nodewright status --timeout 20"],
    );
    let reach = &site.inventory.site.reach;
    let ways: Vec<String> = reach.iter().map(|w| way(&w.get())).collect();
    if !ways.is_empty() {
        chapter.text(format!("The order: {}.", ways.join("; ")));
    }
    let nodes: Vec<&str> = site.node_names().collect();
    chapter.heading("By hand");
    let knocks = reach.iter().any(|w| matches!(w.get(), Reach::Knock(_)));
    for node in &nodes {
        let login = site.login(node);
        let user = login.user.as_deref().unwrap_or("root");
        let port = login.port.map(|p| format!(" -p {p}")).unwrap_or_default();
        let ssh = format!("ssh{port} {user}@{}", login.host);
        let mut commands = Vec::new();
        if knocks {
            commands.push(format!("nodewright knock {node}"));
        }
        commands.push(ssh);
        chapter.desk(format!("{node} itself"), commands);
    }
    if let [first, ..] = nodes.as_slice() {
        let elsewhere = format!("nodewright --at {first}=ADDRESS status");
        chapter.desk(
            format!("{first} answers at another address than the site says"),
            [elsewhere],
        );
    }
    peers(site, &mut chapter);
    controllers(site, &mut chapter);
    chapter
}

fn way(reach: &Reach) -> String {
    match reach {
        Reach::Direct => "straight to the node's address".to_owned(),
        Reach::Jump(host) => format!("through {host}"),
        Reach::Knock(zone) => format!("after a knock in {zone}"),
        Reach::Peer(zone) => format!("through the other member, over {zone}"),
    }
}

/// From one member to the other one, by every address that they share.
fn peers(site: &Site, chapter: &mut Chapter) {
    let members = site.members();
    if members.len() < 2 {
        return;
    }
    chapter.heading("Over the other member");
    chapter.text("By root's own key, where the roles of the site let root of a member in; else by yours, forwarded (`ssh -A`).");
    for member in &members {
        for peer in site.peers_of(member) {
            let addresses = site.node(peer).into_iter().flat_map(|n| n.address.iter());
            let shared = addresses.filter(|(zone, _)| {
                let crossed = site
                    .inventory
                    .zone
                    .get(zone.as_str())
                    .is_some_and(|z| z.crossed);
                !crossed && site.address(member, zone.as_str()).is_some()
            });
            let commands = shared.map(|(_, address)| format!("ssh root@{}", address.ip()));
            chapter.step(
                CommandPlace::Node((*member).to_owned()),
                format!("to {peer}, by the first address that answers"),
                commands,
            );
        }
    }
    if let Some(serial) = &site.inventory.serial {
        chapter.text(format!(
            "The last of these leads over the serial line {} ({} Bd), by PPP: it works with every network card dead.",
            serial.tty,
            serial.speed.get()
        ));
    }
}

/// The agents whose devices speak IPMI.
const IPMI: [&str; 5] = [
    "fence_idrac",
    "fence_ilo3",
    "fence_ilo4",
    "fence_imm",
    "fence_ipmilan",
];

/// Power and console through the management controllers.
fn controllers(site: &Site, chapter: &mut Chapter) {
    let mut begun = false;
    for node in site.node_names() {
        let Some(bmc) = site.node(node).and_then(|n| n.bmc.as_ref()) else {
            continue;
        };
        let Some(address) = &bmc.address else {
            continue;
        };
        if !begun {
            begun = true;
            chapter.heading("By the management controllers");
            chapter.text(
                "They answer while the system is down. A member whose power is switched off so must be declared to be off \
                 to the cluster, unless the cluster did it: see the chapter about a lost member.",
            );
        }
        let peers = site.peers_of(node);
        let place = match peers.first() {
            Some(peer) => CommandPlace::Node((*peer).to_owned()),
            None => CommandPlace::Desk,
        };
        let agent = bmc.agent.to_string();
        if !IPMI.contains(&agent.as_str()) {
            let about = format!(
                "the device of {node} is at {address} (agent {agent}): use its own page or console"
            );
            chapter.step(place, about, Vec::<String>::new());
            continue;
        }
        let user = bmc
            .user
            .as_ref()
            .map(|u| format!(" -U {u}"))
            .unwrap_or_default();
        let call = |what: &str| format!("ipmitool -I lanplus -H {address}{user} -a {what}");
        chapter.step(
            place,
            format!(
                "power and console of {node}; it asks for the password (`~.` ends the console)"
            ),
            [
                call("chassis power status"),
                call("sol activate"),
                call("chassis power on"),
                call("chassis power off"),
            ],
        );
    }
}
