//! Prints the connections that the roles' `[[open]]` permit.

use super::{Align, OutputStyle, TextTable};
use crate::firewall::OpenPorts;
use indexmap::IndexMap;
use serde_json::json;

/// One line of the table: zone, from, protocol, ports, role.
type PortRow = [String; 5];

/// The ports that are open on the nodes, as a table. A line that does not hold for all nodes names those for which it
/// does.
pub fn ports(nodes: &[(&str, &[OpenPorts])], style: &OutputStyle) -> String {
    let mut table = TextTable::new(&[
        ("zone", Align::Left),
        ("from", Align::Left),
        ("protocol", Align::Left),
        ("port", Align::Left),
        ("role", Align::Left),
        ("", Align::Left),
    ]);
    let rows = rows(nodes);
    for (row, on) in &rows {
        let some = on.len() < nodes.len();
        let only = if some {
            format!("only {}", on.join(", "))
        } else {
            String::new()
        };
        table.row(row.iter().cloned().chain([only]));
    }
    if rows.is_empty() {
        return "No role opens a port.\n".to_owned();
    }
    table.text(style)
}

/// The same for programs: one object a line of the table.
pub fn ports_json(nodes: &[(&str, &[OpenPorts])]) -> String {
    let line = |(row, on): (PortRow, Vec<&str>)| {
        let [zone, from, protocol, port, role] = row;
        let line = json!({
            "event": "open", "zone": zone, "from": from, "protocol": protocol, "port": port, "role": role, "nodes": on,
        });
        format!("{line}\n")
    };
    rows(nodes).into_iter().map(line).collect()
}

fn rows<'a>(nodes: &[(&'a str, &[OpenPorts])]) -> IndexMap<PortRow, Vec<&'a str>> {
    let mut rows: IndexMap<PortRow, Vec<&str>> = IndexMap::new();
    for (node, opens) in nodes {
        for open in *opens {
            let list = |ports: &[u16]| {
                let words: Vec<_> = ports.iter().map(ToString::to_string).collect();
                words.join(", ")
            };
            let mut kinds = Vec::new();
            if !open.tcp.is_empty() {
                kinds.push(("tcp".to_owned(), list(&open.tcp)));
            }
            if !open.udp.is_empty() {
                kinds.push(("udp".to_owned(), list(&open.udp)));
            }
            kinds.extend(open.proto.iter().map(|p| (p.clone(), String::new())));
            for (protocol, port) in kinds {
                let row = [
                    open.zone.clone(),
                    open.from.join(", "),
                    protocol,
                    port,
                    open.role.clone(),
                ];
                let on = rows.entry(row).or_default();
                if !on.contains(node) {
                    on.push(node);
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(role: &str, tcp: &[u16], proto: &[&str]) -> OpenPorts {
        OpenPorts {
            zone: "storage".into(),
            from: vec!["peers".into()],
            tcp: tcp.to_vec(),
            udp: vec![],
            proto: proto.iter().map(ToString::to_string).collect(),
            role: role.into(),
        }
    }

    #[test]
    fn what_holds_for_some_nodes_only_names_them() {
        let drbd = open("drbd", &[7788, 7789], &[]);
        let (one, two) = ([drbd.clone(), open("tunnel", &[], &["gre"])], [drbd]);
        let text = ports(&[("node1", &one), ("node2", &two)], &OutputStyle::default());
        insta::assert_snapshot!(text, @r"
        zone     from   protocol  port        role
        storage  peers  tcp       7788, 7789  drbd
        storage  peers  gre                   tunnel  only node1
        ");
    }

    #[test]
    fn no_ports_are_a_sentence() {
        let text = ports(&[("node1", &[])], &OutputStyle::default());
        assert_eq!(text, "No role opens a port.\n");
    }
}
