//! A site in Graphviz' language.

use super::{Branch, GraphDevice, GraphPort, NodePart, Picture, colour, wire_colour};

/// The picture as a graph of Graphviz: `dot -Tsvg`, or whatever else reads it.
pub fn dot(picture: &Picture) -> String {
    let mut text = format!(
        "graph {} {{\n  graph [rankdir=LR, fontname=\"sans-serif\"];\n  \
         node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\"];\n  edge [penwidth=2];\n",
        quote(&picture.title)
    );
    // Nodes are on both sides of the wires, as in `svg`: every other node is drawn on the left.
    let nodes: Vec<(bool, &NodePart)> = picture
        .nodes
        .iter()
        .enumerate()
        .map(|(at, node)| (at % 2 == 0, node))
        .collect();
    for (left, node) in &nodes {
        text.push_str(&one_node(picture, node, *left));
    }
    for wire in &picture.wires {
        let colour = wire_colour(picture, wire);
        let what = if wire.switch { "switch" } else { "cable" };
        let zones = wire.zones.join(" ");
        let shape = if wire.switch { "box3d" } else { "plaintext" };
        text.push_str(&format!(
            "  {} [label={}, shape={shape}, color=\"{colour}\", fontcolor=\"{colour}\"];\n",
            quote(&id("wire", &wire.name)),
            label(&[what, &zones, &wire.about]),
        ));
        for (left, node) in &nodes {
            let cards = node.bases.iter().flat_map(|b| &b.cards);
            for port in cards.chain(&node.ports).filter(|p| p.is_on(&wire.name)) {
                let card = id(&node.name, &port.part.name);
                text.push_str(&edge(!left, &card, &id("wire", &wire.name), colour));
            }
        }
    }
    text.push_str("}\n");
    text
}

fn one_node(picture: &Picture, node: &NodePart, left: bool) -> String {
    let of = |name: &str| id(&node.name, name);
    let mut about: Vec<&str> = vec![&node.name];
    about.extend(node.about.iter().map(String::as_str));
    let mut text = format!(
        "  subgraph {} {{\n    label={};\n",
        quote(&format!("cluster {}", node.name)),
        label(&about)
    );
    let mut inner = String::new();
    let part = |part: &GraphDevice, more: &[String]| {
        let mut lines = vec![part.name.as_str(), &part.about];
        lines.extend(more.iter().map(String::as_str));
        let colour = colour(picture, part.zone.as_deref());
        format!(
            "    {} [label={}, color=\"{colour}\"];\n",
            quote(&of(&part.name)),
            label(&lines)
        )
    };
    for base in &node.bases {
        for GraphPort { part: card, .. } in &base.cards {
            let alone = base.bond.is_none();
            text.push_str(&part(card, words_on(&base.branches, alone)));
            if let Some(bond) = &base.bond {
                let colour = colour(picture, bond.zone.as_deref());
                inner.push_str(&edge(left, &of(&card.name), &of(&bond.name), colour));
            }
        }
        if let Some(bond) = &base.bond {
            text.push_str(&part(bond, words_on(&base.branches, true)));
        }
        let low = base.bond.as_ref().or(base.cards.first().map(|c| &c.part));
        for branch in &base.branches {
            let mut below = low.map(|p| p.name.clone());
            let parts: Vec<&GraphDevice> = branch.vlan.iter().chain(&branch.bridge).collect();
            for (at, one) in parts.iter().enumerate() {
                let last = at + 1 == parts.len();
                text.push_str(&part(one, if last { &branch.words } else { &[] }));
                if let Some(below) = below.replace(one.name.clone()) {
                    let colour = colour(picture, Some(&branch.zone));
                    inner.push_str(&edge(left, &of(&below), &of(&one.name), colour));
                }
            }
        }
    }
    for port in &node.ports {
        text.push_str(&part(&port.part, &[]));
    }
    format!("{text}  }}\n{}", inner.replace("    ", "  "))
}

/// The words of a zone that has neither VLAN nor bridge are in the card or bond.
fn words_on(branches: &[Branch], here: bool) -> &[String] {
    match branches {
        [one] if here && one.vlan.is_none() && one.bridge.is_none() => &one.words,
        _ => &[],
    }
}

/// A line between a device and what is on top of it, or what its wire ends in.
fn edge(turned: bool, from: &str, to: &str, colour: &str) -> String {
    let (from, to) = if turned { (to, from) } else { (from, to) };
    format!("  {} -- {} [color=\"{colour}\"];\n", quote(from), quote(to))
}

fn id(node: &str, part: &str) -> String {
    format!("{node}/{part}")
}

fn label(lines: &[&str]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .filter(|l| !l.is_empty())
        .map(|l| escape(l))
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Within quotes only the quote and, in labels, the backslash mean something.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
