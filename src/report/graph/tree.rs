//! The cluster of a site as a tree of text: members, fence devices, mirrors and guests, as the configuration tools of
//! cluster.conf show them.

use crate::site::Site;
use crate::site::resolved::fencing::Fencing;
use std::fmt::Write as _;

/// A line of the tree and what hangs below it.
struct TreeNode {
    text: String,
    below: Vec<TreeNode>,
}

impl TreeNode {
    fn leaf(text: String) -> Self {
        Self {
            text,
            below: Vec::new(),
        }
    }

    fn of(text: impl Into<String>, below: Vec<Self>) -> Self {
        Self {
            text: text.into(),
            below,
        }
    }

    /// Writes what hangs below it, each line after `indent`.
    fn write(&self, indent: &str, out: &mut String) {
        let last = self.below.len().saturating_sub(1);
        for (i, branch) in self.below.iter().enumerate() {
            let (joint, deeper) = if i == last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            let _ = writeln!(out, "{indent}{joint}{}", branch.text);
            branch.write(&format!("{indent}{deeper}"), out);
        }
    }
}

/// The tree; of a site without a cluster its nodes and guests alone.
pub fn tree(site: &Site) -> String {
    let members = site.members();
    let fencing: Vec<(&str, Fencing)> = members.iter().map(|m| (*m, site.fencing(m))).collect();
    let nodes: Vec<TreeNode> = if members.is_empty() {
        site.node_names()
            .map(|n| TreeNode::leaf(n.to_owned()))
            .collect()
    } else {
        fencing
            .iter()
            .map(|(node, how)| member(node, how))
            .collect()
    };
    let devices = fencing.iter().flat_map(|(node, how)| {
        let each = how.devices.iter();
        each.map(move |d| TreeNode::leaf(format!("{} ({}) switches {node}", d.name, d.agent)))
    });
    let mut all = vec![
        TreeNode::of("cluster nodes", nodes),
        TreeNode::of("fence devices", devices.collect()),
        TreeNode::of("mirrors", mirrors(site)),
        TreeNode::of("guests", domains(site, &members)),
    ];
    all.retain(|branch| !branch.below.is_empty());
    let name = site
        .cluster_name()
        .unwrap_or_else(|| site.name().to_owned());
    let mut out = format!("{name}\n");
    TreeNode::of("", all).write("", &mut out);
    out
}

/// A member with its fence methods, in the order in which they are tried.
fn member(node: &str, how: &Fencing) -> TreeNode {
    let methods = how.methods.iter();
    let methods = methods
        .map(|m| TreeNode::leaf(format!("{}. {}: {}", m.level, m.name, m.devices.join(", "))));
    TreeNode::of(node, methods.collect())
}

/// The mirrors, with what each carries.
fn mirrors(site: &Site) -> Vec<TreeNode> {
    let all = site.inventory.mirror.iter();
    all.map(|(name, mirror)| {
        let carries = match (&mirror.gfs2, &mirror.group) {
            (Some(path), _) => format!("GFS2 on {path}"),
            (None, Some(group)) => format!("volume group {group}"),
            (None, None) => "nothing".to_owned(),
        };
        TreeNode::leaf(format!("{name} (/dev/drbd{}): {carries}", mirror.minor))
    })
    .collect()
}

/// The guests by failover domain: the node that each lives on, and whether another one takes it over.
fn domains(site: &Site, members: &[&str]) -> Vec<TreeNode> {
    let mut all = Vec::new();
    for node in site.node_names() {
        let others: Vec<&str> = members.iter().copied().filter(|m| *m != node).collect();
        for failover in [true, false] {
            let here = site.inventory.guest.iter();
            let here = here.filter(|(_, g)| g.node.as_str() == node && g.failover == failover);
            let guests: Vec<TreeNode> = here
                .map(|(name, _)| TreeNode::leaf(name.to_string()))
                .collect();
            let domain = if failover && members.contains(&node) {
                format!("{node}, else {}", others.join(", "))
            } else {
                format!("{node} only")
            };
            if !guests.is_empty() {
                all.push(TreeNode::of(domain, guests));
            }
        }
    }
    all
}
