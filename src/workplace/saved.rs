//! A plan in a file: it is carried out as it was reviewed, or refused where a node changed meanwhile.

use super::place::Workplace;
use super::{Context, Usage, keys};
use crate::kind::Address;
use crate::plan::{Diff, Plan};
use crate::report::write_whole;
use crate::site::Site;
use crate::site::secrets::{Recipients, Secrets};
use anyhow::Context as _;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

/// The format of the file.
const FORMAT: u64 = 1;
/// The name under which a closed plan holds the open one.
const ENTRY: &str = "plan";

/// Whether a file looks like a saved plan: by its name, or by what it begins with.
pub fn is_plan(path: &Path) -> bool {
    let mut head = [0; 64];
    let begins = std::fs::File::open(path)
        .and_then(|mut file| file.read(&mut head))
        .is_ok_and(|read| String::from_utf8_lossy(&head[..read]).contains("\"nodewright-plan\""));
    path.is_file() && (begins || path.extension().is_some_and(|e| e == "plan"))
}

/// A saved plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    json: Json,
    /// The file's bytes; none before it is one.
    bytes: Vec<u8>,
    tainted: bool,
}

impl Saved {
    /// A plan, with what it was made from.
    pub fn of(place: &Workplace, plan: &Plan) -> Self {
        let site = &place.site;
        let tainted = plan.nodes.iter().any(|node| {
            let secret: BTreeSet<&Address> = place.nodes[&node.node]
                .resources
                .iter()
                .filter(|r| !r.secrets().is_empty())
                .map(|r| &r.address)
                .collect();
            node.changes.iter().any(|c| {
                c.diffs.iter().any(|f| f.diff == Diff::Secret)
                    || c.addresses.iter().any(|a| secret.contains(a))
            })
        });
        let json = json!({
            "nodewright-plan": FORMAT,
            "site": site.name(),
            "digest": site.digest(),
            "by": Context::operator(),
            "plan": plan,
        });
        let bytes = Vec::new();
        Self {
            json,
            bytes,
            tainted,
        }
    }

    /// Writes it; encrypted to those who may open the site's secrets when a change holds one.
    pub fn save(&self, place: &Workplace, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.json)? + "\n";
        let bytes = if self.tainted {
            let mut closed = Secrets::default();
            closed.set(ENTRY, &text)?;
            closed.close(&Recipients::of(&place.site)?)?
        } else {
            text.into_bytes()
        };
        write_whole(file, &bytes, 0o600).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Reads one.
    pub fn load(context: &Context, file: &Path) -> anyhow::Result<Self> {
        let mut text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let bytes = text.clone().into_bytes();
        let tainted = text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----");
        if tainted {
            let opened = Secrets::open(
                text.as_bytes(),
                &keys::keyring(&context.global.identity, keys::PassphraseFrom::Operator)?,
            )?;
            opened.get(ENTRY).unwrap_or_default().clone_into(&mut text);
        }
        let json: Json = serde_json::from_str(&text)
            .map_err(|e| Usage(format!("{} is no saved plan: {e}", file.display())))?;
        if json["nodewright-plan"] != json!(FORMAT) {
            return Err(Usage(format!(
                "{} is no saved plan of this version of nodewright",
                file.display()
            ))
            .into());
        }
        Ok(Self {
            json,
            bytes,
            tainted,
        })
    }

    /// The bytes of the file that it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The person who made it: `anna@desk`. Empty in a file of an earlier version.
    pub fn made_by(&self) -> &str {
        self.json["by"].as_str().unwrap_or_default()
    }

    /// Whether the site is not as it was when the plan was made.
    pub fn made_from_another(&self, site: &Site) -> bool {
        self.json["digest"] != json!(site.digest())
    }

    /// The plan as it was made.
    ///
    /// # Errors
    /// When the file holds another thing.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let plan = serde_json::from_value(self.json["plan"].clone());
        plan.map_err(|e| Usage(format!("this is no saved plan of this version: {e}")).into())
    }

    /// The nodes it is about.
    pub fn nodes(&self) -> Vec<String> {
        let nodes = self.json["plan"]["nodes"].as_array().into_iter().flatten();
        nodes
            .filter_map(|n| n["node"].as_str())
            .map(ToOwned::to_owned)
            .collect()
    }

    /// The reason why a saved plan no longer applies; `None` when it can be carried out as it was reviewed.
    pub fn moved(&self, site: &Site, now: &Plan) -> Option<String> {
        if self.made_from_another(site) {
            return Some("the site changed since the plan was saved".to_owned());
        }
        let saved = self.json["plan"]["nodes"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let now = serde_json::to_value(&now.nodes).unwrap_or_default();
        let now = now.as_array().cloned().unwrap_or_default();
        for node in &saved {
            let name = node["node"].as_str().unwrap_or_default();
            let Some(current) = now.iter().find(|n| n["node"] == node["node"]) else {
                return Some(format!("{name} could not be observed"));
            };
            for list in ["changes", "later"] {
                let old = node[list].as_array().cloned().unwrap_or_default();
                let new = current[list].as_array().cloned().unwrap_or_default();
                let differs = |a: &Json, b: &Json| {
                    a["digest"] != b["digest"] || a["addresses"] != b["addresses"]
                };
                let moved = old
                    .iter()
                    .find(|o| !new.iter().any(|n| !differs(o, n)))
                    .or_else(|| new.iter().find(|n| !old.iter().any(|o| !differs(o, n))));
                if let Some(moved) = moved {
                    let address = moved["addresses"][0].as_str().unwrap_or_default();
                    return Some(format!(
                        "{name}: {address} is not as it was when the plan was saved"
                    ));
                }
            }
        }
        None
    }
}
