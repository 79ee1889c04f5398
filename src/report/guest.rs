//! A guest of the site: each of its values, and where it comes from.

use super::table::{Align, TextTable};
use super::{OutputStyle, Tone};
use crate::site::{Site, Sources};
use serde_json::{Value as Json, json};

/// A value and its origin.
struct ValueOrigin {
    key: String,
    value: String,
    /// The table that sets it, or the reason for its value where none does.
    from: String,
    /// File and line.
    place: String,
}

/// A value as a site writes it; `None` for one that is not set.
fn written(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Array(list) if list.is_empty() => None,
        Json::Object(table) if table.is_empty() => None,
        Json::Array(list) => Some(
            list.iter()
                .filter_map(written)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Json::Object(table) => {
            let pairs = table
                .iter()
                .filter_map(|(k, v)| Some(format!("{k} = {}", written(v)?)));
            Some(pairs.collect::<Vec<_>>().join(", "))
        }
        other => Some(other.to_string()),
    }
}

fn rows(site: &Site, sources: &Sources, name: &str) -> Option<Vec<ValueOrigin>> {
    let model = site.model();
    let guest = model.get("guest")?.get(name)?.as_object()?;
    let mut rows = Vec::new();
    let typed = json!(site.inventory.guest.get(name)?);
    for key in typed.as_object()?.keys().filter(|key| *key != "macs") {
        let Some(value) = guest.get(key).and_then(written) else {
            continue;
        };
        let (from, place) = match site.origin(name, key) {
            Some((table, place)) => (format!("[{table}]"), sources.locate(place).to_string()),
            None if typed[key].is_null() => ("follows from the others".to_owned(), String::new()),
            None => ("default".to_owned(), String::new()),
        };
        rows.push(ValueOrigin {
            key: key.clone(),
            value,
            from,
            place,
        });
    }
    let macs = site.origin(name, "macs");
    for card in guest
        .get("cards")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let word = |key: &str| card[key].as_str().unwrap_or_default();
        let (from, place) = match &macs {
            Some((table, place)) => (format!("[{table}]"), sources.locate(*place).to_string()),
            None => ("made of names".to_owned(), String::new()),
        };
        rows.push(ValueOrigin {
            key: format!("card {}", word("zone")),
            value: format!("{} on {}", word("mac"), word("bridge")),
            from,
            place,
        });
    }
    for volume in guest
        .get("volumes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let word = |key: &str| volume[key].as_str().unwrap_or_default();
        rows.push(ValueOrigin {
            key: format!("disk {}", word("name")),
            value: format!("{}, {}", word("path"), word("size")),
            from: "follows from the others".to_owned(),
            place: String::new(),
        });
    }
    Some(rows)
}

/// A guest as a table; `None` where the site has no such guest.
pub fn guest(site: &Site, sources: &Sources, name: &str, style: &OutputStyle) -> Option<String> {
    let mut table = TextTable::new(&[
        ("key", Align::Left),
        ("value", Align::Left),
        ("from", Align::Left),
        ("written at", Align::Left),
    ]);
    for row in rows(site, sources, name)? {
        table.toned_row([
            (Tone::Strong, row.key),
            (Tone::Plain, row.value),
            (Tone::Dim, row.from),
            (Tone::Dim, row.place),
        ]);
    }
    Some(table.text(style))
}

/// The same for programs.
pub fn guest_json(site: &Site, sources: &Sources, name: &str) -> Option<Json> {
    let rows = rows(site, sources, name)?;
    let rows = rows
        .into_iter()
        .map(|r| json!({"key": r.key, "value": r.value, "from": r.from, "at": r.place}));
    Some(json!({"event": "guest", "guest": name, "values": rows.collect::<Vec<_>>()}))
}
