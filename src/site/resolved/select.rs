//! Which nodes a command is about.

use super::super::Site;
use super::super::text::did_you_mean;
use super::super::text::finding::shown;

/// A word that chooses nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
pub struct SelectError {
    /// The word of the selection.
    pub word: String,
    /// The fault in it.
    pub message: String,
    /// The remedy.
    pub help: String,
}

impl Site {
    /// The nodes that these names of nodes and groups choose, in the site's order; all nodes where there is no name.
    /// A word that chooses nothing is an error.
    pub fn select<S: AsRef<str>>(&self, words: &[S]) -> Result<Vec<String>, SelectError> {
        let mut chosen = Vec::new();
        for word in words.iter().map(AsRef::as_ref) {
            if self.inventory.node.contains_key(word) {
                chosen.push(word.to_owned());
            } else if let Some(group) = self.inventory.group.get(word) {
                let before = chosen.len();
                let nodes = group
                    .nodes
                    .iter()
                    .filter(|n| self.inventory.node.contains_key(*n));
                chosen.extend(nodes.map(ToString::to_string));
                if chosen.len() == before {
                    return Err(SelectError {
                        word: word.to_owned(),
                        message: format!("the group {} has no nodes", shown(word)),
                        help: "name nodes in its `nodes`".to_owned(),
                    });
                }
            } else {
                let known: Vec<&str> = self
                    .node_names()
                    .chain(
                        self.inventory
                            .group
                            .keys()
                            .map(super::super::words::types::Name::as_str),
                    )
                    .collect();
                let help = did_you_mean(word, &known).map_or_else(
                    || format!("there are {}", known.join(", ")),
                    |w| format!("did you mean {}?", shown(&w)),
                );
                return Err(SelectError {
                    word: word.to_owned(),
                    message: format!("no node or group is called {}", shown(word)),
                    help,
                });
            }
        }
        Ok(self
            .node_names()
            .filter(|n| words.is_empty() || chosen.iter().any(|c| c == n))
            .map(str::to_owned)
            .collect())
    }
}
