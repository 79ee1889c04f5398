//! The chapters about a cluster that works.

use super::words::Words;
use super::{Chapter, CommandPlace};
use crate::site::Site;

/// The state, by the tool and by hand.
pub(super) fn state(words: &Words) -> Chapter {
    let mut chapter = state_of_nodes();
    chapter.heading("Without Nodewright");
    chapter.text(format!(
        "On {}, each for itself:",
        words.members.join(" and ")
    ));
    let rows = words.questions().into_iter();
    let rows = rows.map(|(command, well)| vec![format!("`{command}`"), well.to_owned()]);
    chapter.table(&["command", "as it should be"], rows.collect());
    chapter.text(
        "One member's view of another one is no proof: a member that is silent may be off, cut off, or alive and writing.",
    );
    chapter
}

/// The state by the tool alone.
pub(super) fn state_of_nodes() -> Chapter {
    let mut chapter = Chapter::new("state", "Who is in, and what is wrong");
    chapter.desk(
        "one screen; each point names the command that leads on",
        ["nodewright status"],
    );
    chapter.desk(
        "all checks, with the remedy of each that does not hold",
        ["nodewright verify"],
    );
    chapter.desk(
        "what differs from the site, with each difference",
        ["nodewright plan --diff"],
    );
    chapter.desk("the last runs: who did what", ["nodewright log"]);
    chapter.desk(
        "the same on one page, for somebody else",
        ["nodewright report -o site.html"],
    );
    chapter
}

/// A member is freed of what it carries.
pub(super) fn drain(site: &Site, words: &Words) -> Chapter {
    let mut chapter = Chapter::new("drain", "Free a member for work on it, and take it back");
    let Some(node) = words.members.last() else {
        return chapter;
    };
    let stay: Vec<&str> = site
        .inventory
        .guest
        .iter()
        .filter(|(_, g)| !g.failover)
        .map(|(name, _)| name.as_str())
        .collect();
    chapter.text(format!(
        "Written for {node}; the same goes for every other member."
    ));
    if !stay.is_empty() {
        chapter.text(format!(
            "These guests do not move, and stop with their member: {}.",
            stay.join(", ")
        ));
    }
    chapter.desk("the other members are whole", ["nodewright status"]);
    if words.is_cman() {
        let (moves, stays): (Vec<_>, Vec<_>) =
            site.inventory.guest.iter().partition(|(_, g)| g.failover);
        let other = words.others(node);
        let to = other.first().map_or("", String::as_str);
        let moves = moves
            .iter()
            .filter(|(_, g)| g.node.as_str() == node.as_str());
        let moves: Vec<String> = moves
            .map(|(name, _)| format!("clusvcadm -M {} -m {to}", words.service(name.as_str())))
            .collect();
        if !moves.is_empty() {
            chapter.step(
                CommandPlace::Node(node.clone()),
                "guests that move, live (`-r` in place of `-M`: by stop and start)",
                moves,
            );
        }
        let stays = stays
            .iter()
            .filter(|(_, g)| g.node.as_str() == node.as_str());
        let stays: Vec<String> = stays
            .map(|(name, _)| format!("clusvcadm -d {}", words.service(name.as_str())))
            .collect();
        if !stays.is_empty() {
            chapter.step(
                CommandPlace::Node(node.clone()),
                "guests that stay with it: an outage of these",
                stays,
            );
        }
        chapter.step(
            CommandPlace::Node(node.clone()),
            "nothing of it is left on this member",
            ["clustat"],
        );
        return chapter;
    }
    chapter.desk(
        format!("move what may move, and keep it off {node}; its mirrors stay connected"),
        [format!("nodewright drain {node}")],
    );
    chapter.desk(
        format!("only for work on disks or a shutdown: {node} in standby, and the other member has the only copy"),
        [format!("nodewright drain {node} --storage")],
    );
    chapter.desk(
        format!("afterwards: {node} carries again"),
        [format!("nodewright resume {node}")],
    );
    chapter.desk(
        format!("what prefers {node} goes back to it"),
        [format!("nodewright resume {node} --return")],
    );
    chapter
}

/// The manager leaves everything alone.
pub(super) fn maintenance(words: &Words) -> Chapter {
    let mut chapter = Chapter::new(
        "maintenance",
        "Maintenance: the cluster leaves everything alone",
    );
    chapter.text(
        "While it is on, nothing is started, stopped, moved or watched, and nothing takes over from a member that dies. \
         Membership and fencing go on.",
    );
    chapter.desk("before the work", ["nodewright maintenance on"]);
    chapter.desk("after it, at once", ["nodewright maintenance off"]);
    chapter.desk("healthy", ["nodewright status"]);
    chapter.heading("Without Nodewright");
    let Some(first) = words.members.first().cloned() else {
        return chapter;
    };
    if words.is_cman() {
        let each = words
            .guests
            .iter()
            .map(|g| format!("clusvcadm -Z {}", words.service(g)));
        let each: Vec<String> = each.collect();
        chapter.step(
            CommandPlace::Each(words.members.clone()),
            "on: each service on the member that runs it (`-U` in place of `-Z` lets it go on); never stop rgmanager meanwhile",
            each,
        );
    } else {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "on",
            ["crm_attribute --name maintenance-mode --update true"],
        );
        chapter.step(
            CommandPlace::Node(first),
            "off",
            ["crm_attribute --name maintenance-mode --delete"],
        );
    }
    chapter
}
