//! The plan on a screen, as a good diff tool would show it.

use super::diff::{diffs, is_new};
use super::style::{count, looked_at, not_looked_at};
use super::{OutputStyle, Tone};
use crate::kind::Address;
use crate::plan::{Change, Held, Later, NodePlan, Orphan, Plan, Remark};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The whole plan: what changes by node and role, what is decided later, orphans, refusals, findings, and one line that
/// sums it up. A plan with nothing in it is that line alone.
///
/// With `look.quiet` it is the last line alone, with refusals and findings before it. Without `style.diffs` a plan that is
/// longer than a screen names what happens, without the differences.
pub fn plan(plan: &Plan, style: &OutputStyle) -> String {
    let whole = OutputStyle {
        diffs: true,
        ..*style
    };
    let text = written(plan, &whole);
    if style.diffs || style.quiet {
        return text + &summary(plan, style);
    }
    let tally = tallied(plan);
    if text.lines().count() <= LONG {
        let line = tally.map(|t| style.wrap(0, Tone::Dim, &format!("Steps: {t}.")));
        return text + &line.unwrap_or_default() + &summary(plan, style);
    }
    let line = tally.map_or_else(String::new, |t| format!("Steps: {t}; "));
    let line = format!("{line}`--diff` shows each difference.");
    written(plan, style) + &style.wrap(0, Tone::Dim, &line) + &summary(plan, style)
}

/// The number of lines of a plan that are shown with all differences.
const LONG: usize = 60;

/// The number of changes of each kind in a plan; none without changes.
fn tallied(plan: &Plan) -> Option<String> {
    let all = || plan.nodes.iter().flat_map(changes);
    let signs = |sign_of: char| all().filter(|c| sign(c).0 == sign_of).count();
    let with = |what: &str| {
        let has = |c: &&Change| c.deltas.iter().any(|d| d.what == what);
        all().filter(has).count()
    };
    let interrupting = |c: &&Change| {
        let mut deltas = c.deltas.iter();
        c.interrupts || deltas.any(|d| d.what.split(' ').next_back() == Some("interrupts"))
    };
    let removed: usize = plan.nodes.iter().map(|n| n.to_remove().len()).sum();
    let parts = [
        (signs('+'), "created"),
        (signs('~'), "changed"),
        (signs('-') + removed, "removed"),
        (with("restart"), "restarted"),
        (with("reload"), "reloaded"),
        (all().filter(interrupting).count(), "interrupting"),
        (all().filter(|c| c.guarded).count(), "guarded"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn written(plan: &Plan, style: &OutputStyle) -> String {
    let mut text = String::new();
    let mut shown: Vec<(&str, &Change)> = Vec::new();
    for node in &plan.nodes {
        let body = body(node, &shown, style);
        shown.extend(node.changes.iter().map(|c| (node.node.as_str(), c)));
        if !body.is_empty() {
            let _ = writeln!(text, "{}\n{body}", style.paint(Tone::Strong, &node.node));
        }
    }
    for older in &plan.older {
        text.push_str(&style.wrap(0, Tone::Bad, older));
    }
    text
}

fn body(node: &NodePlan, shown: &[(&str, &Change)], style: &OutputStyle) -> String {
    let mut text = String::new();
    let mut group = |heading: &str, entries: String| {
        if !entries.is_empty() {
            let _ = writeln!(text, "  {}\n{entries}", style.paint(Tone::Dim, heading));
            text.pop();
        }
    };
    let refusals = node.refusals.iter();
    group(
        "refused",
        refusals.map(|r| remark('!', Tone::Bad, r, style)).collect(),
    );
    if !style.quiet {
        for role in roles(node) {
            let changes = changes(node).filter(|c| first_role(&c.addresses) == role);
            let laters = node.later.iter();
            let laters = laters.filter(|l| first_role(&l.addresses) == role);
            let entries = changes
                .map(|c| change(c, shown, style))
                .chain(laters.map(|l| later(l, style)));
            group(role, entries.collect());
        }
        let waiting = node.waiting.iter();
        group(
            "in progress",
            waiting
                .map(|w| {
                    let progress = w.progress.to_string();
                    entry('…', Tone::Change, &w.address.to_string(), &progress, style)
                })
                .collect(),
        );
        let orphans = node.orphans.iter();
        group("orphans", orphans.map(|o| orphan(o, style)).collect());
    }
    let findings = node.findings.iter();
    group(
        "findings, which a run does not mend",
        findings.map(|r| finding(r, style)).collect(),
    );
    text
}

/// Changes, without removed orphans (shown separately).
pub(super) fn changes(node: &NodePlan) -> impl Iterator<Item = &Change> {
    let removed = node.to_remove();
    let stays = move |c: &&Change| !c.addresses.iter().any(|a| removed.contains(a));
    node.changes.iter().filter(stays)
}

/// The roles with something to show, in the order in which they come up.
pub(super) fn roles(node: &NodePlan) -> Vec<&str> {
    let mut roles = Vec::new();
    let changes = changes(node).map(|c| &c.addresses);
    let all = changes.chain(node.later.iter().map(|l| &l.addresses));
    for role in all.map(|a| first_role(a)) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

pub(super) fn first_role(addresses: &[Address]) -> &str {
    addresses.first().map_or("", |a| a.role.as_str())
}

fn entry(sign: char, tone: Tone, address: &str, title: &str, style: &OutputStyle) -> String {
    let gap = if title.is_empty() { "" } else { "  " };
    format!(
        "    {} {}{gap}{}\n",
        style.paint(tone, sign.to_string()),
        style.paint(Tone::Strong, address),
        style.paint(Tone::Plain, title)
    )
}

/// An entry for all who ask for it.
fn asking(
    sign: char,
    tone: Tone,
    addresses: &[Address],
    title: &str,
    style: &OutputStyle,
) -> String {
    let first = addresses.first();
    let address = first.map(Address::to_string).unwrap_or_default();
    let mut text = entry(sign, tone, &address, title, style);
    // Neighbours of one kind are listed by their names: `base/package:chrony, lsof, vim`.
    let others: Vec<String> = addresses
        .iter()
        .skip(1)
        .map(|a| match first {
            Some(f) if (&f.role, &f.kind) == (&a.role, &a.kind) => a.name.clone(),
            _ => a.to_string(),
        })
        .collect();
    if !others.is_empty() {
        let line = format!("also for {}", others.join(", "));
        text.push_str(&style.wrap(8, Tone::Dim, &line));
    }
    text
}

fn change(change: &Change, shown: &[(&str, &Change)], style: &OutputStyle) -> String {
    let (sign, tone) = sign(change);
    let guarded = if change.guarded { ", guarded" } else { "" };
    let title = format!("{}{guarded}", change.title);
    let mut text = asking(sign, tone, &change.addresses, &title, style);
    text.push_str(&held(change.held.as_ref(), style));
    if !style.diffs {
        return text;
    }
    if let Some((node, _)) = shown.iter().find(|(_, c)| alike(c, change)) {
        let line = format!("the same as on {node}");
        let _ = writeln!(text, "        {}", style.paint(Tone::Dim, line));
        return text;
    }
    for delta in &change.deltas {
        let line = match (delta.from.as_str(), delta.to.as_str()) {
            ("", to) => format!("{}: {to}", delta.what),
            (from, "") => format!("{}: {from} → nothing", delta.what),
            (from, to) => format!("{}: {from} → {to}", delta.what),
        };
        let _ = writeln!(text, "        {}", style.paint(Tone::Plain, line));
    }
    text.push_str(&diffs(&change.diffs, &change.title, style));
    text
}

/// Whether two changes show the same and it is worth folding: only those with something below their first line.
pub(super) fn alike(a: &Change, b: &Change) -> bool {
    let says_more = !b.deltas.is_empty() || !b.diffs.is_empty();
    says_more
        && (&a.addresses, &a.title, &a.deltas, &a.diffs)
            == (&b.addresses, &b.title, &b.deltas, &b.diffs)
}

/// `+` when something comes to be, `-` when something goes, `~` otherwise.
pub(super) fn sign(change: &Change) -> (char, Tone) {
    let verb = change.title.split(' ').next().unwrap_or_default();
    let created = match change.diffs.as_slice() {
        [one] if is_new(&one.diff) => true,
        _ => !change.deltas.is_empty() && change.deltas.iter().all(|d| d.from.is_empty()),
    };
    match verb {
        "remove" | "delete" | "uninstall" => ('-', Tone::Bad),
        "create" | "install" | "add" | "make" | "clone" => ('+', Tone::Good),
        _ if created => ('+', Tone::Good),
        _ => ('~', Tone::Change),
    }
}

fn later(later: &Later, style: &OutputStyle) -> String {
    let title = format!("decided after {}", later.after);
    let mut text = asking('?', Tone::Later, &later.addresses, &title, style);
    text.push_str(&held(later.held.as_ref(), style));
    if !style.diffs {
        return text;
    }
    for row in later.table.split(['\n', ';']).map(str::trim) {
        text.push_str(&style.wrap(8, Tone::Plain, row));
    }
    if !later.diffs.is_empty() {
        text.push_str(&style.wrap(8, Tone::Dim, "as things are now:"));
        text.push_str(&diffs(&later.diffs, &title, style));
    }
    text
}

/// The members that it waits for.
fn held(held: Option<&Held>, style: &OutputStyle) -> String {
    held.map_or_else(String::new, |h| style.wrap(8, Tone::Later, &h.to_string()))
}

/// The orphans that `forget` is about to stop tracking; they stay on the node.
pub fn forget(nodes: &BTreeMap<String, Vec<Orphan>>, style: &OutputStyle) -> String {
    let mut text = String::new();
    for (node, orphans) in nodes {
        let _ = writeln!(text, "{}", style.paint(Tone::Strong, node));
        for orphan in orphans {
            text.push_str(&noted(' ', Tone::Plain, orphan, "", style));
        }
    }
    let all = nodes.values().map(Vec::len).sum();
    let all = count(all, "resource", "resources");
    let line = format!("{all} to forget: only the node's manifest is changed.");
    text + "\n" + &style.paint(Tone::Strong, line) + "\n"
}

fn orphan(orphan: &Orphan, style: &OutputStyle) -> String {
    if !orphan.removed {
        return noted(' ', Tone::Plain, orphan, "left: ", style);
    }
    let mut text = noted('-', Tone::Bad, orphan, "removed: ", style);
    let paths = orphan.paths.iter().filter(|p| **p != orphan.address.name);
    for path in paths {
        let _ = writeln!(text, "        {}", style.paint(Tone::Plain, path));
    }
    text
}

/// An orphan with why it is one: on its line, or below where that is too long.
fn noted(sign: char, tone: Tone, orphan: &Orphan, what: &str, style: &OutputStyle) -> String {
    let address = orphan.address.to_string();
    let title = format!("{what}{}", orphan.why);
    if 8 + address.chars().count() + title.chars().count() <= style.width {
        return entry(sign, tone, &address, &title, style);
    }
    entry(sign, tone, &address, "", style) + &style.wrap(8, Tone::Plain, &title)
}

/// A finding of a plan: a run does not mend it.
pub(super) fn finding(found: &Remark, style: &OutputStyle) -> String {
    remark('*', Tone::Change, found, style)
}

fn remark(sign: char, tone: Tone, remark: &Remark, style: &OutputStyle) -> String {
    let mut text = entry(sign, tone, &remark.address.to_string(), "", style);
    text.push_str(&style.wrap(8, Tone::Plain, &remark.what));
    text.push_str(&style.wrap(8, Tone::Dim, &remark.remedy));
    text
}

pub(super) fn summary(plan: &Plan, style: &OutputStyle) -> String {
    let sum = |f: fn(&NodePlan) -> usize| plan.nodes.iter().map(f).sum::<usize>();
    if plan.nodes.is_empty() && !plan.unseen.is_empty() {
        let line = format!("No node was observed: {}.", plan.unseen.join(", "));
        return style.paint(Tone::Bad, line) + "\n";
    }
    let nodes = looked_at(plan.nodes.len(), &plan.unseen);
    let unseen = not_looked_at(&plan.unseen);
    let same = sum(|n| n.same);
    let left = sum(|n| n.left_behind().len());
    let refusals = sum(|n| n.refusals.len());
    let mut parts = Vec::new();
    let mut part = |number: usize, words: &str| {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    };
    part(refusals, "refused");
    part(sum(|n| n.to_change().len()), "to change");
    part(sum(|n| n.decided_later().len()), "decided later");
    part(sum(|n| n.to_remove().len()), "to remove");
    part(sum(|n| n.waiting.len()), "in progress");
    let work = parts.len();
    let findings = sum(|n| n.findings.len());
    if findings > 0 {
        parts.push(count(findings, "finding", "findings"));
    }
    if left > 0 {
        parts.push(format!("{left} left behind"));
    }
    if work == 0 {
        let rest = parts.iter().fold(String::new(), |s, p| s + ", " + p);
        let resources = count(same, "resource", "resources");
        let line = format!("Nothing to do: {nodes}, {resources} as wanted{rest}{unseen}.");
        let tone = if plan.unseen.is_empty() {
            Tone::Good
        } else {
            Tone::Bad
        };
        return style.paint(tone, line) + "\n";
    }
    parts.push(format!("{same} as wanted"));
    let line = format!("{nodes}: {}{unseen}.", parts.join(", "));
    let tone = if refusals > 0 || !plan.unseen.is_empty() {
        Tone::Bad
    } else {
        Tone::Strong
    };
    style.paint(tone, line) + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_long_plan_on_a_terminal_names_what_happens_without_the_differences() {
        let terminal = OutputStyle {
            diffs: false,
            ..OutputStyle::default()
        };
        // A plan that fits on a screen is shown whole.
        let mut short = samples::plan();
        short.nodes.truncate(1);
        short.nodes[0].changes.truncate(2);
        short.nodes[0].changes[1].interrupts = true;
        let whole = plan(&short, &OutputStyle::default());
        let (before, last) = whole.trim_end().rsplit_once('\n').unwrap();
        let tally = "Steps: 1 created, 1 changed, 1 removed, 1 interrupting, 1 guarded.";
        assert_eq!(
            plan(&short, &terminal),
            format!("{before}\n{tally}\n{last}\n")
        );
        let nothing = Plan::default();
        assert_eq!(
            plan(&nothing, &terminal),
            plan(&nothing, &OutputStyle::default())
        );
        let long = samples::plan();
        let text = plan(&long, &terminal);
        for there in [
            "+ base/package:chrony  install chrony\n",
            "replace /etc/hosts, guarded\n",
        ] {
            assert!(text.contains(there), "{text}");
        }
        assert!(
            !text.contains("10.0.2.9") && !text.contains("installed:"),
            "{text}"
        );
        assert!(
            text.contains(
                "\nSteps: 3 created, 5 changed, 2 removed, 2 guarded; `--diff` shows each\n"
            ),
            "{text}"
        );
        // The sum is the last line.
        let whole = plan(&long, &OutputStyle::default());
        assert!(whole.contains("10.0.2.9"));
        assert_eq!(text.lines().next_back(), whole.lines().next_back());
    }

    #[test]
    fn a_plan_comes_back_from_its_json() {
        let plan = samples::plan();
        let json = serde_json::to_value(&plan).unwrap();
        assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
    }

    #[test]
    fn every_case_has_its_sign() {
        insta::assert_snapshot!(plan(&samples::plan(), &OutputStyle::default()), @r"
        node1
          refused
            ! drbd/drbd_meta:r1
                /dev/sda7 carries an ext4 file system labelled `guests`.
                If that data is not needed: --destroy node1:/dev/sda7
          base
            + base/package:chrony  install chrony
                installed: no → yes
            ~ base/hosts:node2  replace /etc/hosts, guarded
                also for base/line:/etc/hosts
                @@ -1,2 +1,3 @@
                 127.0.0.1 localhost
                -10.0.2.9 node2
                +10.0.2.2 node2
                +10.0.2.1 node1
            ~ base/file:/etc/logo.png  replace /etc/logo.png
                not text
                -120 bytes, sha256 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                +4096 bytes, sha256 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
            ~ base/tree:/etc/drbd.d  replace tree /etc/drbd.d
                r0.res: other content → as rendered
                old.res: there → absent
                /etc/drbd.d/r0.res
                @@ -1 +1 @@
                -a
                +b
                /etc/drbd.d/old.res
                too long to be shown by lines
                -2000000 bytes, sha256 cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
            - base/package:telnet  remove telnet
                installed: 0.17-64 → nothing
          sshd
            + sshd/file:/etc/motd  write /etc/motd
                mode: 0644
                @@ -0,0 +1 @@
                +--- hello
            ~ sshd/file:/etc/ssh/key  replace /etc/ssh/key
                mode: 0644 → 0600
                secret: not shown
          drbd
            ? drbd/drbd_meta:r0  decided after drbd/package:drbd-utils
                waits for node2
                blank: create
                ours: keep
                anything else: refuse
            ? drbd/line:one  decided after drbd/package:drbd-utils
                also for two
                /etc/drbd.conf there: edited
                not there: made with these lines alone
                as things are now:
                /etc/drbd.conf
                @@ -0,0 +1,2 @@
                +one
                +two
          orphans
            - base/file:/etc/cron.d/old  removed: still as it was written
              base/file:/etc/profile.d/x.sh  left: changed by hand
          findings, which a run does not mend
            * base/reboot:node1
                The running kernel is 3.10.0-1160, the installed one 3.10.0-1160.119.1:
                a reboot is pending since the packages were updated.
                Move its guests away, then reboot it.

        node2
          base
            + base/package:chrony  install chrony
                the same as on node1
            ~ base/hosts:node2  replace /etc/hosts, guarded
                also for base/line:/etc/hosts
                the same as on node1

        2 nodes: 1 refused, 11 to change, 3 decided later, 1 to remove, 1 finding, 1 left behind, 96 as wanted.
        ");
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        assert_eq!(
            plan(&samples::nothing(), &OutputStyle::default()),
            "Nothing to do: 2 nodes, 230 resources as wanted.\n"
        );
    }

    #[test]
    fn a_node_that_was_not_observed_is_reported_and_is_not_as_wanted() {
        let mut some = samples::nothing();
        some.nodes.pop();
        some.unseen = vec!["node2".into()];
        let style = OutputStyle {
            colour: true,
            ..OutputStyle::default()
        };
        let green = style.paint(Tone::Good, "x");
        let green = green.split('x').next().unwrap();
        let text = plan(&some, &style);
        assert!(!text.starts_with(green), "{text}");
        assert_eq!(
            plan(&some, &OutputStyle::default()),
            "Nothing to do: 1 of 2 nodes, 115 resources as wanted; not observed: node2.\n"
        );
        let none = Plan {
            unseen: vec!["node1".into(), "node2".into()],
            ..Plan::default()
        };
        assert_eq!(
            plan(&none, &OutputStyle::default()),
            "No node was observed: node1, node2.\n"
        );
        let mut work = samples::plan();
        work.unseen = vec!["node3".into()];
        let text = plan(&work, &OutputStyle::default());
        let last = text.lines().last().unwrap();
        assert!(
            last.starts_with("2 of 3 nodes: 1 refused") && last.ends_with("; not observed: node3."),
            "{last}"
        );
    }

    #[test]
    fn a_run_that_this_checkout_does_not_contain_is_reported_before_the_last_line() {
        let mut some = samples::nothing();
        some.older = vec!["anna applied b".into()];
        assert_eq!(
            plan(&some, &OutputStyle::default()),
            "anna applied b\nNothing to do: 2 nodes, 230 resources as wanted.\n"
        );
    }

    #[test]
    fn findings_and_what_is_left_are_reported_where_nothing_is_to_do() {
        let mut found = samples::nothing();
        let mut full = samples::plan().nodes.remove(0);
        full.orphans.retain(|o| !o.removed);
        found.nodes[1].findings = full.findings;
        found.nodes[1].orphans = full.orphans;
        insta::assert_snapshot!(plan(&found, &OutputStyle::default()), @r"
        node2
          orphans
              base/file:/etc/profile.d/x.sh  left: changed by hand
          findings, which a run does not mend
            * base/reboot:node1
                The running kernel is 3.10.0-1160, the installed one 3.10.0-1160.119.1:
                a reboot is pending since the packages were updated.
                Move its guests away, then reboot it.

        Nothing to do: 2 nodes, 230 resources as wanted, 1 finding, 1 left behind.
        ");
    }

    #[test]
    fn quiet_leaves_out_what_a_run_would_do() {
        let style = OutputStyle {
            quiet: true,
            ..OutputStyle::default()
        };
        insta::assert_snapshot!(plan(&samples::plan(), &style), @r"
        node1
          refused
            ! drbd/drbd_meta:r1
                /dev/sda7 carries an ext4 file system labelled `guests`.
                If that data is not needed: --destroy node1:/dev/sda7
          findings, which a run does not mend
            * base/reboot:node1
                The running kernel is 3.10.0-1160, the installed one 3.10.0-1160.119.1:
                a reboot is pending since the packages were updated.
                Move its guests away, then reboot it.

        2 nodes: 1 refused, 11 to change, 3 decided later, 1 to remove, 1 finding, 1 left behind, 96 as wanted.
        ");
    }
}
