//! The chapters about nodes and disks that are new, and about runs that hang.

use super::Chapter;
use crate::site::Site;

/// The node that the examples are about.
fn example(site: &Site) -> &str {
    site.node_names().last().unwrap_or_default()
}

/// A node that had to be reinstalled.
pub(super) fn reinstall(site: &Site, drains: bool) -> Chapter {
    let node = example(site);
    let clustered = site.members().len() > 1;
    let mut chapter = Chapter::new("reinstall", "A node that had to be reinstalled");
    chapter.text(format!(
        "Written for {node}; the same goes for every other node."
    ));
    if clustered {
        chapter.warn(
            "The other members have the only copy of all data meanwhile. Nothing here is done on them: no meta-data, no volume \
             group and no filesystem is ever made there.",
        );
        chapter.desk(
            "it is known to be off, so that nothing waits for it (only where it is `unclean` in `nodewright status`)",
            [format!("nodewright confirm-fenced {node}")],
        );
    }
    if site.platform_of(node).installer().is_some() {
        chapter.desk(
            "the file that its installer works from; it keeps the partitions of mirrors and data, and may hold host keys: a secret",
            [format!("nodewright kickstart {node} -o {node}.install")],
        );
    } else {
        chapter.text("Install the same release by hand, with the partitions of the site; leave those of mirrors as they are.");
    }
    chapter.text("New cards or a new controller have other MAC addresses: change them in the inventory first.");
    chapter.desk("the inventory is sound", ["nodewright check"]);
    chapter.desk(
        "first contact: compare the fingerprints with those on its console",
        [format!("nodewright enroll {node}")],
    );
    chapter.desk(
        "release, cards and disks are those of the site",
        [format!("nodewright facts {node}")],
    );
    chapter.desk(
        "read the plan: what is made on blank devices, and what is refused",
        [format!("nodewright plan {node} --diff")],
    );
    chapter.desk("carry it out", [format!("nodewright apply {node}")]);
    if clustered {
        chapter.desk(
            "mirrors sync from the other end; this may take hours",
            ["nodewright status --watch"],
        );
    }
    if drains {
        chapter.desk("it carries again", [format!("nodewright resume {node}")]);
    }
    chapter.desk("all checks hold", ["nodewright verify"]);
    chapter
}

/// A disk that is replaced.
pub(super) fn disk(site: &Site, drains: bool) -> Chapter {
    let node = example(site);
    let clustered = site.members().len() > 1;
    let mut chapter = Chapter::new("disk", "A disk that is replaced");
    chapter.text(format!(
        "Written for {node}. A disk of a RAID that stays whole is exchanged as its controller says, and nothing else is \
         needed. This is about a disk that the node itself sees."
    ));
    chapter.desk(
        "which disk it is, by its id",
        [format!("nodewright facts {node}")],
    );
    if clustered {
        chapter.desk("the other members are whole", ["nodewright status"]);
        if drains {
            chapter.desk(
                "they carry everything",
                [format!("nodewright drain {node} --storage")],
            );
        } else {
            chapter.text("Free it as the chapter about work on a member says, then stop its layers as the one about stopping the cluster does.");
        }
    }
    chapter.text(format!(
        "Shut {node} down, exchange the disk, and write its new id in the inventory (`disk.id` of {node}): a disk of another \
         id is never written to."
    ));
    chapter.desk("the inventory is sound", ["nodewright check"]);
    if site.platform_of(node).installer().is_some() {
        chapter.desk(
            "where the system was on it: install anew on a blank disk, then go on as for a node that was reinstalled",
            [format!("nodewright kickstart {node} -o {node}.install --new-disk DISK-ID")],
        );
    }
    chapter.desk(
        "read the plan: partitions and meta-data are made in free space alone; what carries anything is refused and named",
        [format!("nodewright plan {node} --diff")],
    );
    chapter.desk("carry it out", [format!("nodewright apply {node}")]);
    if clustered {
        chapter.desk("until the mirrors are whole", ["nodewright status --watch"]);
    }
    if drains {
        chapter.desk("it carries again", [format!("nodewright resume {node}")]);
    }
    chapter
}

/// Runs that hang, and codes.
pub(super) fn runs(site: &Site) -> Chapter {
    let node = example(site);
    let mut chapter = Chapter::new("runs", "A run that hangs, a lock, a code that nobody knows");
    chapter.desk(
        "the connection broke: the run goes on at the node by itself; follow it",
        [format!("nodewright attach {node}")],
    );
    chapter.desk(
        "exit code 7: another run holds the node, and the message says whose. Only where that one is gone",
        [format!("nodewright unlock {node}")],
    );
    chapter.text(
        "Exit code 6: the node itself has put a change back, since no new connection came in time. The message says which way \
         in failed; nothing is left of the change.",
    );
    chapter.desk(
        "what a code of a finding, a rule or a check means, without a network",
        ["nodewright explain CODE"],
    );
    chapter.desk(
        "a command on nodes, one after the other, with a line in their journals",
        [format!("nodewright run {node} -- uptime")],
    );
    chapter
}
