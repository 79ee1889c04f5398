//! A command of the operator's own on nodes (`nodewright run`).
//!
//! It takes no lock: it may only read, or be what a hanging run waits for. It names the holder of the lock. The journal
//! of each node records who ran what, and the exit code.

use crate::node::{Recorded, scrub};
use crate::run::{Engine, Event};
use crate::sh::Call;
use std::collections::BTreeSet;

/// Its result on one node.
#[derive(Debug)]
pub struct Ran {
    /// The node.
    pub node: String,
    /// The output of the command, without secrets.
    pub output: String,
    /// Its exit status.
    pub status: i32,
}

/// Runs these words on the nodes of the engine: no shell reads them. Members of the cluster have their turn one after
/// the other, and none after one on which the command failed, unless all are to run it at once (`parallel`).
pub async fn run(engine: &mut Engine, words: &[String], parallel: bool) -> Vec<Ran> {
    engine.connect().await;
    let shown = shown(words, |word| scrub(word, engine.vault()));
    let mut all: Vec<Ran> = Vec::new();
    for turn in turns(engine.nodes(), engine.cluster(), parallel) {
        if all.iter().any(|r| r.status != 0) {
            break;
        }
        for (node, recorded) in engine.recorded(turn, &shown, words).await {
            all.push(record(engine, node, &recorded));
        }
    }
    all
}

/// The command's text as the journal has it.
fn shown(words: &[String], scrubbed: impl Fn(&str) -> String) -> String {
    Call::from_words(words.iter().map(|w| scrubbed(w))).to_shell()
}

/// Which nodes run it together: first all that are no members, then each member; or all.
fn turns(nodes: Vec<String>, cluster: &BTreeSet<String>, parallel: bool) -> Vec<Vec<String>> {
    let (alone, together): (Vec<String>, Vec<String>) = nodes
        .into_iter()
        .partition(|n| !parallel && cluster.contains(n));
    let mut turns = vec![together];
    turns.extend(alone.into_iter().map(|n| vec![n]));
    turns
}

/// Reports the notes beside the output.
fn record(engine: &mut Engine, node: String, recorded: &Recorded) -> Ran {
    if let Some(holder) = &recorded.holder {
        super::meet(engine, &node, holder);
    }
    if !recorded.noted {
        engine.send(Event::Note {
            node: Some(node.clone()),
            text: "its journal could not be written: this run is missing there".to_owned(),
        });
    }
    Ran {
        output: scrub(&recorded.output, engine.vault()),
        status: recorded.status,
        node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn members_have_their_turn_one_after_the_other() {
        let cluster = names(&["a", "b"]).into_iter().collect();
        let nodes = names(&["a", "b", "x", "y"]);
        assert_eq!(
            turns(nodes.clone(), &cluster, false),
            [names(&["x", "y"]), names(&["a"]), names(&["b"])]
        );
        assert_eq!(turns(nodes.clone(), &cluster, true), [nodes]);
    }

    #[test]
    fn the_journals_text_has_no_secret_and_reads_as_typed() {
        let words = names(&["mysql", "-pit's", "a b"]);
        let scrubbed = |word: &str| word.replace("it's", "‹secret pw›");
        assert_eq!(shown(&words, scrubbed), "mysql '-p‹secret pw›' 'a b'");
    }
}
