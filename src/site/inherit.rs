//! Copies what guests inherit from their groups and from the defaults into each guest, before types are checked. Each
//! value keeps the place where it is written.

use super::text::finding::Finding;
use super::{Place, Tree, Value};

/// The tables that guests take keys from, the nearest first: their groups, the last that is written first, and the
/// defaults of all.
fn sources<'a>(root: &'a Tree, guest: &str) -> Vec<(Vec<String>, &'a Tree)> {
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    let groups = root
        .at(&["guest_group"])
        .and_then(|(_, groups)| groups.as_table());
    let mut all: Vec<_> = groups
        .into_iter()
        .flatten()
        .filter(|(_, (_, group))| {
            let guests = group.at(&["guests"]).map(|(_, guests)| &guests.value);
            let Some(Value::Array(guests)) = guests else {
                return false;
            };
            guests.iter().any(|g| g.as_str() == Some(guest))
        })
        .map(|(name, (_, group))| (words(&["guest_group", name]), group))
        .collect();
    all.reverse();
    let defaults = root.at(&["guest_defaults"]);
    all.extend(defaults.map(|(_, defaults)| (words(&["guest_defaults"]), defaults)));
    all
}

/// Puts into each guest what it does not say itself. Returns the places of what was put in.
pub(super) fn guests(root: &mut Tree) -> Vec<Place> {
    let mut places = Vec::new();
    let names: Vec<String> = root
        .at(&["guest"])
        .and_then(|(_, guests)| guests.as_table())
        .into_iter()
        .flat_map(|guests| guests.keys().cloned())
        .collect();
    for name in names {
        let common: Vec<(String, (Place, Tree))> = sources(root, &name)
            .into_iter()
            .filter_map(|(_, source)| source.as_table())
            .flatten()
            .filter(|(key, _)| *key != "guests")
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let guest = root.table_mut().and_then(|r| r.get_mut("guest"));
        let guest = guest.and_then(|(_, guests)| guests.table_mut()?.get_mut(&name));
        if let Some(guest) = guest.and_then(|(_, guest)| guest.table_mut()) {
            for (key, value) in common {
                places.extend([value.0, value.1.place]);
                guest.entry(key).or_insert(value);
            }
        }
    }
    places
}

/// Keeps one finding for each fault in these places, which several guests share.
pub(super) fn each_once(places: &[Place], findings: &mut Vec<Finding>) {
    let shared = |place: Place| {
        let within =
            |p: &Place| p.file == place.file && p.start <= place.start && place.end <= p.end;
        places.iter().any(within)
    };
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings.drain(..) {
        let again = |k: &Finding| k.place == finding.place && k.code == finding.code;
        if !(finding.place.is_some_and(shared) && kept.iter().any(again)) {
            kept.push(finding);
        }
    }
    *findings = kept;
}

impl super::Site {
    /// The table in which a key of a guest is written, and the key's place; `None` where it is not written.
    pub fn origin(&self, guest: &str, key: &str) -> Option<(String, Place)> {
        let place = self.place(&["guest", guest, key])?;
        let mut sources = sources(&self.tree, guest).into_iter();
        let from = sources.find(|(_, source)| source.at(&[key]).is_some_and(|(p, _)| p == place));
        let table = from.map_or_else(|| format!("guest.{guest}"), |(path, _)| path.join("."));
        Some((table, place))
    }
}

#[cfg(test)]
mod tests {
    use crate::site::load_str;

    const HEAD: &str = "[site]\nname = \"s\"\ndomain = \"example.net\"\nplatform = \"el9\"\n[node.n1]\naddress = { lan = \"192.0.2.5\" }\n[zone]\nlan = { nic = \"eth0\", network = \"192.0.2.0/24\", bridge = \"br0\" }\n[group.g]\nnodes = [\"n1\"]\n";

    /// A guest's own value has precedence, then its last group's, then the defaults'; each keeps the place where it is
    /// written.
    #[test]
    fn the_nearest_word_counts_and_keeps_its_place() {
        let text = format!(
            "{HEAD}[guest_defaults]\nnode = \"n1\"\nmemory = \"1G\"\ndisk = \"10G\"\ncpus = 1\n\
             [guest_group.small]\nguests = [\"a\", \"b\"]\nmemory = \"2G\"\ncpus = 2\n\
             [guest_group.large]\nguests = [\"b\"]\nmemory = \"3G\"\n\
             [guest]\na = {{ cpus = 4 }}\nb = {{}}\nc = {{}}\n"
        );
        let loaded = load_str(&text);
        assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
        let site = loaded.site.unwrap();
        let told = |guest: &str| {
            let g = &site.inventory.guest[guest];
            (g.memory.to_string(), g.cpus.get(), g.disk.to_string())
        };
        assert_eq!(told("a"), ("2G".into(), 4, "10G".into()));
        assert_eq!(told("b"), ("3G".into(), 2, "10G".into()));
        assert_eq!(told("c"), ("1G".into(), 1, "10G".into()));
        let origin = |guest: &str, key: &str| {
            let (table, place) = site.origin(guest, key).unwrap();
            (table, loaded.sources.locate(place).line)
        };
        assert_eq!(origin("a", "cpus"), ("guest.a".into(), 24));
        assert_eq!(origin("a", "memory"), ("guest_group.small".into(), 18));
        assert_eq!(origin("b", "memory"), ("guest_group.large".into(), 22));
        assert_eq!(origin("c", "memory"), ("guest_defaults".into(), 13));
        assert_eq!(site.origin("c", "os"), None);
    }

    /// A fault in a shared key is one finding; a missing key is one finding for each guest.
    #[test]
    fn a_fault_of_the_defaults_is_said_once() {
        let codes = |tables: &str| {
            let loaded = load_str(&format!("{HEAD}{tables}"));
            let shown = loaded.findings.iter();
            shown
                .map(|f| format!("{} {}", f.code, f.message))
                .collect::<Vec<_>>()
        };
        let guests =
            "[guest]\na = { node = \"n1\", disk = \"1G\" }\nb = { node = \"n1\", disk = \"1G\" }\n";
        let said = codes(&format!("[guest_defaults]\nmemory = \"much\"\n{guests}"));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("VALUE"), "{said:?}");
        let said = codes(&format!(
            "[guest_defaults]\nmemory = \"1G\"\nnick = 1\n{guests}"
        ));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("KEY-UNKNOWN"), "{said:?}");
        let said = codes(guests);
        assert_eq!(said.len(), 2, "{said:?}");
        let said = codes(&format!(
            "[guest_group.g]\nguests = [\"zz\"]\nmacs = []\n{guests}"
        ));
        assert!(said.iter().any(|s| s.contains("KEY-UNKNOWN")), "{said:?}");
    }
}
