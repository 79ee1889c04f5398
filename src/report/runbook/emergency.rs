//! The chapters about a cluster that stands still, or has to.

use super::words::Words;
use super::{Chapter, CommandPlace};
use crate::site::Site;
use crate::site::tables::machines::Mirror;

fn each(words: &Words) -> CommandPlace {
    CommandPlace::Each(words.members.clone())
}

/// The whole cluster is stopped.
pub(super) fn stop(words: &Words) -> Chapter {
    let mut chapter = Chapter::new("stop", "Stop the whole cluster");
    let Some(first) = words.members.first().cloned() else {
        return chapter;
    };
    chapter.text(
        "For a power cut that was announced, or a move. Layer by layer, each layer on all members before the next one: so no \
         member takes another one for lost and shoots it.",
    );
    chapter.desk("healthy before it begins", ["nodewright status"]);
    chapter.heading("By Nodewright");
    chapter.desk(
        "every layer down to the membership, each awaited; the site's name is typed (`nodewright stop --within 5m` for a UPS)",
        ["nodewright stop"],
    );
    chapter.step(each(words), "the machines", ["poweroff"]);
    chapter.heading("By hand");
    if words.is_cman() {
        let guests = words
            .guests
            .iter()
            .map(|g| format!("clusvcadm -d {}", words.service(g)));
        let guests: Vec<String> = guests.collect();
        if !guests.is_empty() {
            chapter.step(
                CommandPlace::Node(first.clone()),
                "all guests: an outage from here on",
                guests,
            );
        }
        chapter.step(
            CommandPlace::Node(first),
            "each service is `disabled`",
            ["clustat"],
        );
        chapter.step(
            each(words),
            "the manager; this may take minutes",
            ["service rgmanager stop"],
        );
        storage_down(words, &mut chapter);
        chapter.step(
            each(words),
            "the membership, on all members at the same time; it refuses while something holds a lockspace (`dlm_tool ls`)",
            ["service cman stop"],
        );
    } else {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "all resources: an outage from here on; the second command returns once nothing runs",
            [
                "crm_attribute --name stop-all-resources --update true",
                "crm_resource --wait",
            ],
        );
        chapter.step(
            CommandPlace::Node(first),
            "every resource is `Stopped`",
            ["crm_mon -1rf"],
        );
        chapter.step(
            each(words),
            "the manager, on all members",
            ["systemctl stop pacemaker"],
        );
        chapter.step(
            each(words),
            "the membership, on all members",
            ["systemctl stop corosync"],
        );
    }
    chapter.step(each(words), "the machines", ["poweroff"]);
    chapter
}

/// Storage of cman's cluster, which its start scripts keep.
fn storage_down(words: &Words, chapter: &mut Chapter) {
    if words.mirrors.is_empty() {
        return;
    }
    if !words.shared.is_empty() {
        chapter.step(each(words), "the shared filesystem", ["service gfs2 stop"]);
    }
    chapter.step(
        each(words),
        "volume groups, then mirrors",
        ["service clvmd stop", "service drbd stop"],
    );
}

/// The whole cluster is started.
pub(super) fn start(words: &Words) -> Chapter {
    let mut chapter = Chapter::new("start", "Start the whole cluster");
    let Some(first) = words.members.first().cloned() else {
        return chapter;
    };
    chapter.text(format!(
        "Power all of {} on at once (the chapter about getting in has their controllers), and wait until each answers.",
        words.members.join(" and ")
    ));
    chapter.desk("each member answers", ["nodewright status --timeout 30"]);
    chapter.heading("By Nodewright");
    chapter.desk(
        "every layer, each awaited; it switches on what a fence device reports to be off",
        ["nodewright start"],
    );
    chapter.heading("By hand");
    let about = match (words.is_cman(), words.at_boot) {
        (_, true) => "only where they did not join at boot; both at the same time",
        (true, _) => {
            "within 45 seconds of each other: a member that is alone longer shoots the other one"
        }
        (false, _) => "both at the same time; the site has them not join at boot",
    };
    chapter.step(each(words), about, words.join());
    let questions = words.questions();
    let membership = questions.iter().map(|(command, _)| *command);
    if words.is_cman() {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "all members are in, nobody waits for fencing",
            membership.take(3),
        );
        if !words.mirrors.is_empty() {
            chapter.step(
                each(words),
                "mirrors, on all members at the same time: it waits for the other end",
                ["service drbd start"],
            );
            chapter.step(
                CommandPlace::Node(first.clone()),
                "each mirror is `Connected`, `Primary/Primary`, `UpToDate/UpToDate`",
                [words.mirror_state()],
            );
            chapter.step(each(words), "volume groups", ["service clvmd start"]);
            if !words.shared.is_empty() {
                chapter.step(each(words), "the shared filesystem", ["service gfs2 start"]);
            }
        }
        chapter.step(each(words), "the manager", ["service rgmanager start"]);
        let guests = words
            .guests
            .iter()
            .map(|g| format!("clusvcadm -e {}", words.service(g)));
        let guests: Vec<String> = guests.collect();
        if !guests.is_empty() {
            chapter.step(
                CommandPlace::Node(first),
                "guests, those first that others need",
                guests,
            );
        }
    } else {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "all members are in, and quorate",
            membership.take(2),
        );
        chapter.step(
            CommandPlace::Node(first),
            "resources start in their order; this is needed where the cluster was stopped as the chapter before says",
            ["crm_attribute --name stop-all-resources --delete"],
        );
    }
    chapter.desk(
        "until it is healthy (Ctrl-C ends it)",
        ["nodewright status --watch"],
    );
    chapter.desk("nothing else is left", ["nodewright verify"]);
    chapter
}

/// One member is started without the other.
pub(super) fn alone(words: &Words) -> Chapter {
    let mut chapter = Chapter::new("alone", "Start one member alone");
    let (Some(first), Some(lost)) = (words.members.first().cloned(), words.members.last()) else {
        return chapter;
    };
    chapter.text(format!(
        "Both lost power, and only {first} comes back. Written for {first} alone; exchange the names for the other case."
    ));
    chapter.warn(format!(
        "First be sure that {lost} is off and stays off: pull its power cords, or have its controller say `off`. If it runs, \
         both write apart, and the next chapters are about a split brain."
    ));
    if !words.is_cman() {
        chapter.heading("By Nodewright");
        chapter.desk(
            format!("refused at any sign of life of {lost}; the name of {lost} is typed"),
            [format!("nodewright start --alone {first}")],
        );
        if let Some(mirror) = words.mirrors.first() {
            chapter.desk(
                format!("a mirror that stays `Consistent`: takes the data here, and loses what {lost} wrote alone"),
                [format!("nodewright start --alone {first} --force {mirror}")],
            );
        }
        chapter.heading("By hand");
    }
    chapter.step(
        CommandPlace::Node(first.clone()),
        "the cluster's services",
        words.join(),
    );
    if words.is_cman() {
        chapter.text(format!(
            "cman waits 45 seconds for {lost}, then shoots it. Where its fence device is without power too, that fails and is \
             tried on and on: declare it to be off, as the chapter about a lost member says."
        ));
    } else {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "it waits for all members, and is not quorate: look, then release it",
            [
                "corosync-quorumtool -s",
                "corosync-cmapctl -s quorum.cancel_wait_for_all u8 1",
            ],
        );
        chapter.text(format!(
            "Pacemaker now shoots {lost}. Where its fence device is without power too, that fails: declare it to be off, as \
             the chapter about a lost member says."
        ));
    }
    if !words.mirrors.is_empty() {
        chapter.step(
            CommandPlace::Node(first.clone()),
            "are its mirrors `UpToDate`? Then they are used as they are, and this chapter ends here",
            [words.mirror_state()],
        );
        let gi = words.mirrors.iter().map(|m| format!("drbdadm get-gi {m}"));
        let gi: Vec<String> = gi.collect();
        chapter.step(
            CommandPlace::Node(first.clone()),
            format!(
                "`Consistent` means: {lost} may have gone on and have newer data. Note these generations for the day when it \
                 is back"
            ),
            gi,
        );
        chapter.warn(format!(
            "Each of the following makes the data here the valid ones. What {lost} wrote after the connection broke is lost \
             when it comes back. Do it mirror by mirror, and only where you know who wrote last."
        ));
        let force = words.mirrors.iter().map(|m| words.force(m));
        let force: Vec<String> = force.collect();
        chapter.step(CommandPlace::Node(first), "mirror by mirror", force);
    }
    chapter.desk("what is left to do", ["nodewright status"]);
    chapter
}

/// A lost member that cannot be fenced.
pub(super) fn lost(site: &Site, words: &Words) -> Chapter {
    let mut chapter = Chapter::new("lost", "A lost member that cannot be fenced");
    chapter.text(
        "Everything that is shared waits until the lost member is known to be off, by design: it may still write. Where no \
         fence device answers, a person is the last fence.",
    );
    chapter.warn("Go and look at the machine, or pull its power cords. Silence is no proof: a member that is only cut off is silent, too.");
    for lost in &words.members {
        let left = words.others(lost);
        let Some(survivor) = left.first().cloned() else {
            continue;
        };
        chapter.heading(&format!("{lost} is lost"));
        chapter.desk(
            "it hangs, and its fence device answers: the cluster itself shoots it",
            [format!("nodewright fence {lost}")],
        );
        chapter.desk(
            "its fence device is dead, too: collects every proof, refuses at any sign of life, wants the name typed, does all the parts below, and looks again",
            [format!("nodewright confirm-fenced {lost}")],
        );
        chapter.text("By hand, each part; none of them hears of the others:");
        let on = || CommandPlace::Node(survivor.clone());
        let number = site.node(lost).and_then(|n| n.host_id);
        if words.is_cman() {
            chapter.step(
                on(),
                "the fence domain, and with it DLM and GFS2 (type `absolutely`)",
                [format!("fence_ack_manual {lost}")],
            );
        } else {
            chapter.step(
                on(),
                "the resource manager",
                [format!("stonith_admin --confirm {lost}")],
            );
            if let Some(number) = number.filter(|_| !words.mirrors.is_empty()) {
                chapter.step(
                    on(),
                    format!("DLM, by the number of {lost}; needed while `dlm_tool ls` says `wait fencing`"),
                    [format!("dlm_tool fence_ack {number}")],
                );
            }
        }
        let resume = words
            .mirrors
            .iter()
            .map(|m| format!("drbdadm resume-io {m}"));
        let resume: Vec<String> = resume.collect();
        if !resume.is_empty() {
            chapter.step(on(), "mirrors whose writes wait", resume);
        }
        chapter.desk("nothing is frozen any more", ["nodewright status"]);
    }
    chapter.text("Before a lost member is switched on again, read the chapter about a node that had to be reinstalled, or have it join as it is: `nodewright status` names what it needs.");
    chapter
}

/// Mirrors whose ends were written apart.
pub(super) fn split(site: &Site, words: &Words) -> Chapter {
    let mut chapter = Chapter::new("split", "Split brain of a mirror");
    chapter.text(
        "Both ends were written while they were apart: `StandAlone` on one end at least. There is no way out without loss: one \
         end is chosen, and all that the other end wrote since is thrown away. Each mirror is decided for itself.",
    );
    chapter.desk(
        "which mirrors, and who did what since",
        ["nodewright status", "nodewright log"],
    );
    let gi = words.mirrors.iter().map(|m| format!("drbdadm get-gi {m}"));
    let gi: Vec<String> = gi.collect();
    chapter.step(
        each(words),
        "the generations: one BITMAP (the second number) with two CURRENTs (the first) is a split brain; note them",
        gi,
    );
    chapter.text(
        "Copy what matters off the end that will lose, while it can still be read: guests' files, databases, mail.",
    );
    for (name, mirror) in &site.inventory.mirror {
        let name = name.as_str();
        let carries = match (&mirror.group, &mirror.gfs2) {
            (Some(group), _) => {
                let on_it = site.inventory.guest.iter();
                let on_it = on_it
                    .filter(|(_, g)| g.failover && g.pool.is_none() && g.node == mirror.source);
                let on_it: Vec<&str> = on_it.map(|(name, _)| name.as_str()).collect();
                let guests = if on_it.is_empty() {
                    "no guest that moves".to_owned()
                } else {
                    format!("the disks of {}", on_it.join(", "))
                };
                format!("volume group {group}: {guests}")
            }
            (None, Some(path)) => format!("the filesystem {path}"),
            (None, None) => "what you put on it".to_owned(),
        };
        chapter.heading(&format!("Mirror {name} ({carries})"));
        for keep in &words.members {
            for victim in words.others(keep) {
                way_out(&mut chapter, words, (name, mirror), keep, &victim);
            }
        }
    }
    chapter
}

/// One way out of a split brain: this end is kept, and the other one's writes are lost.
fn way_out(
    chapter: &mut Chapter,
    words: &Words,
    (name, mirror): (&str, &Mirror),
    keep: &str,
    victim: &str,
) {
    chapter.heading(&format!("Keep {keep} of {name}"));
    chapter.warn(format!(
        "Way out: {keep} is kept. Lost is all that {victim} wrote to {name} since they parted."
    ));
    let on = || CommandPlace::Node(victim.to_owned());
    if words.is_cman() {
        let mut stop: Vec<String> = Vec::new();
        if mirror.gfs2.is_some() {
            stop.push("service gfs2 stop".to_owned());
        }
        if let Some(group) = &mirror.group {
            stop.push(format!("vgchange -a ln {group}"));
        }
        chapter.step(
            on(),
            format!("nothing uses {name} here: its guests are off (`clusvcadm -d`), then"),
            stop,
        );
    } else {
        chapter.step(
            on(),
            format!("nothing uses {name} here: the member in standby, then the mirror up without the manager"),
            [
                format!("crm_standby --node {victim} --update on"),
                "crm_resource --wait".to_owned(),
                format!("drbdadm up {name}"),
            ],
        );
    }
    chapter.step(
        on(),
        "throws away what this end wrote",
        [
            format!("drbdadm disconnect {name}"),
            format!("drbdadm secondary {name}"),
            words.discard(name),
        ],
    );
    chapter.step(
        CommandPlace::Node(keep.to_owned()),
        "only where this end is `StandAlone`, too",
        [format!("drbdadm connect {name}")],
    );
    chapter.step(
        on(),
        "until both ends are `UpToDate`",
        [words.mirror_state()],
    );
    if words.is_cman() {
        let mut go_on = vec![format!("drbdadm primary {name}")];
        if let Some(group) = &mirror.group {
            go_on.push(format!("vgchange -a ly {group}"));
        }
        if mirror.gfs2.is_some() {
            go_on.push("service gfs2 start".to_owned());
        }
        chapter.step(on(), "it is used again", go_on);
    } else {
        chapter.step(
            on(),
            "back to the manager",
            [
                format!("drbdadm down {name}"),
                format!("crm_standby --node {victim} --delete"),
            ],
        );
    }
}
