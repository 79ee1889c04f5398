//! Taking orphans out of the manifests of their nodes: they stay on the node, and plans name them no longer.

use crate::exit::Exit;
use crate::node::NodeState;
use crate::plan::{Item, Manifest, Orphan, Selection};
use crate::run::{Engine, Event};
use std::collections::BTreeMap;

/// An address or glob that names no orphan.
#[derive(Debug, thiserror::Error)]
#[error("{0}: no orphan of this address on the node; `nodewright plan` lists orphans")]
pub struct Unmatched(String);

/// Observes, shows the chosen orphans, and forgets them if `agreed`.
///
/// # Errors
///
/// [`Unmatched`] where no orphan has that address.
pub async fn forget(
    engine: &mut Engine,
    chosen: &Selection,
    agreed: impl Future<Output = bool>,
) -> Result<Exit, Unmatched> {
    engine.observe().await;
    let orphans = orphans(engine, chosen);
    if let Some(trouble) = engine.worst() {
        return Ok(trouble);
    }
    let all: Vec<_> = orphans
        .values()
        .flatten()
        .map(|o| o.address.clone())
        .collect();
    if let Some(glob) = chosen.unmatched(&all).into_iter().next() {
        return Err(Unmatched(glob));
    }
    for node in orphans.keys() {
        if let Some(holder) = engine
            .observed()
            .get(node)
            .and_then(|l| NodeState::read(&l.answer).holder)
        {
            super::meet(engine, node, &holder);
        }
    }
    if let Some(trouble) = engine.worst() {
        return Ok(trouble);
    }
    engine.send(Event::Forget {
        nodes: orphans.clone(),
    });
    if !agreed.await {
        engine.send(Event::Note {
            node: None,
            text: "Nothing was forgotten.".to_owned(),
        });
        return Ok(Exit::Pending);
    }
    let todo = orphans
        .iter()
        .map(|(node, orphans)| (node.clone(), items(engine, node, orphans)));
    let todo = todo.collect();
    engine.operate(&todo).await;
    Ok(engine.worst().unwrap_or(Exit::Done))
}

/// The orphans on the nodes that were seen, as far as they are chosen.
fn orphans(engine: &Engine, chosen: &Selection) -> BTreeMap<String, Vec<Orphan>> {
    let of = |node: &String| {
        let orphans = &engine.observed().get(node)?.decided.orphans;
        let chosen = orphans.iter().filter(|o| chosen.takes(&o.address));
        let chosen: Vec<Orphan> = chosen.cloned().collect();
        (!chosen.is_empty()).then(|| (node.clone(), chosen))
    };
    engine.observed().keys().filter_map(of).collect()
}

/// The items that forget these orphans of a node.
fn items(engine: &Engine, node: &str, orphans: &[Orphan]) -> Vec<Item> {
    let Some(observation) = engine.observed().get(node) else {
        return Vec::new();
    };
    let manifest = Manifest::parse(&NodeState::read(&observation.answer).manifest);
    let paths = |o: &Orphan| manifest.paths(&o.address);
    let each = |o| paths(o).into_iter().map(move |p| item(o, p));
    orphans.iter().flat_map(each).collect()
}

/// The item that forgets one path of an orphan, or the orphan itself.
fn item(orphan: &Orphan, path: String) -> Item {
    let address = &orphan.address;
    let title = if path.is_empty() || path == address.name {
        format!("forget {address}")
    } else {
        format!("forget {address} ({path})")
    };
    super::item(vec![address.clone()], title, path, Vec::new())
}
