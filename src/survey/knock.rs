//! Checks of the knock sequence that need the site's secrets open.

use crate::role::Expansion;
use crate::site::resolved::knock;
use crate::site::{Finding, Site};
use crate::text::Vault;
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// The findings about the site's knock sequence; none where no knock is declared or the vault has no value of it. No
/// finding says a port.
pub fn knock_findings(
    site: &Site,
    nodes: &IndexMap<String, Expansion>,
    vault: &Vault,
) -> Vec<Finding> {
    let Some(declared) = &site.inventory.firewall.knock else {
        return Vec::new();
    };
    let problems = match knock::of(site, vault) {
        None => Vec::new(),
        Some(Err(error)) => vec![error],
        Some(Ok(sequence)) => {
            let sshd: BTreeSet<u16> = site.node_names().map(|n| site.sshd_port(n)).collect();
            let opens = nodes.values().flat_map(|n| &n.opens);
            let open: Vec<(u16, String)> = opens
                .flat_map(|o| o.tcp.iter().map(|port| (*port, o.role.clone())))
                .collect();
            sequence.problems(usize::from(declared.ports), &sshd, &open)
        }
    };
    let name = declared.sequence.secret.as_str();
    let at = |path: &[&str]| site.value_place(path);
    let reach = site.inventory.site.reach.iter();
    let way = reach
        .enumerate()
        .find(|(_, w)| w.as_str().starts_with("knock "));
    let way = way.and_then(|(i, _)| at(&["site", "reach", &i.to_string()]));
    let finding = |problem: knock::KnockError| {
        let count = matches!(problem, knock::KnockError::Count { .. });
        let other = if count {
            site.place_of("firewall.knock.ports").or(way)
        } else {
            way
        };
        Finding::error("KNOCK-SEQUENCE", format!("the knock: {problem}"))
            .at(at(&["firewall", "knock", "sequence"]))
            .label(format!("secret `{name}`"))
            .help(format!(
                "`nodewright secret set {name}` with {} from 1024 to 65535 and commas between them, in an order that \
                 neither rises nor falls, none of which a role opens",
                if declared.ports == 1 { "one port".to_owned() } else { format!("{} ports", declared.ports) }
            ))
            .also(other, "what leans on it")
    };
    problems.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::{Library, expand};
    use crate::site::Sources;

    fn findings(value: &str) -> (Sources, Vec<Finding>) {
        let text = include_str!("../../inventory/crosslink/inventory.toml").replacen(
            "roles = [\"base\"",
            "roles = [\"base\", \"copies\"",
            1,
        );
        let mut loaded = crate::site::load_str(&text);
        let site = loaded.site.take().unwrap();
        let role = "description = 'x'\n[[open]]\nzone = 'grey'\nfrom = 'peers'\ntcp = [7788]\n";
        let mut found = Vec::new();
        let library = Library::of(
            [("roles/copies.toml", role)],
            &mut loaded.sources,
            &mut found,
        );
        let expanded = expand(&site, &library, "node1", &loaded.sources);
        assert_eq!(expanded.findings, []);
        let nodes = IndexMap::from([("node1".to_owned(), expanded)]);
        let vault = Vault::from([("knock".to_owned(), value.to_owned())]);
        let findings = knock_findings(&site, &nodes, &vault);
        (loaded.sources, findings)
    }

    #[test]
    fn a_bad_sequence_is_an_error_with_both_places_and_no_port() {
        for (value, says) in [
            ("7301,7117,7301", "ports 1 and 3 of it are the same"),
            ("7301,7401,7501", "only rise"),
            ("7301,7117,7788", "port 3 of it is opened by role `copies`"),
            ("7301,7117,22", "word 3 of it is no port"),
            ("7301,7117,7542,7200", "it has 4 port(s), and `ports` is 3"),
        ] {
            let (sources, findings) = findings(value);
            let [finding] = findings.as_slice() else {
                panic!("{value}: {findings:?}");
            };
            let shown = finding.render(&sources, false);
            assert!(shown.contains(says), "{shown}");
            assert!(
                !shown.contains("7301") && !shown.contains("7788"),
                "{shown}"
            );
            assert!(
                sources.slice(finding.place.unwrap()).contains("sequence"),
                "{shown}"
            );
            assert_eq!(sources.slice(finding.also[0].0), "\"knock red\"");
        }
        assert_eq!(findings("7301,7117,7542").1, []);
    }
}
