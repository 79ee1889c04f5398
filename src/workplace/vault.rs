//! The site's secrets as a run needs them: opened, made up in a rehearsal, and the ports of a knock when one knocks.

use super::place::Workplace;
use super::{Context, Usage, keys};
use crate::kind::Resource;
use crate::node::Door;
use crate::report::findings;
use crate::site::keys::root_secret;
use crate::site::resolved::{knock, membership};
use crate::survey::{SurveyError, knock_findings};
use crate::text::Vault;
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// A command's need for the values of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// To compare and to write: without them it does not go on.
    Needed,
    /// To mask them in the output: an operator who cannot open them sees the node's output as it is.
    Hidden,
    /// None.
    Unused,
}

impl Workplace {
    /// The values of the secrets for a command with this need.
    pub(super) fn vault_for(&self, context: &Context, values: Values) -> anyhow::Result<Vault> {
        match values {
            Values::Unused => Ok(Vault::new()),
            Values::Needed => self.vault(context),
            Values::Hidden => self.vault(context).or_else(|error| {
                context.warn(&format!(
                    "The site's secrets are not opened, so they are not taken out of what nodes answer: {error:#}\n"
                ));
                Ok(Vault::new())
            }),
        }
    }

    /// The values of the secrets that the nodes' files need; the vault is opened only where one is needed.
    fn vault(&self, context: &Context) -> anyhow::Result<Vault> {
        let all = self.nodes.values();
        let resources = all.flat_map(|n| {
            n.resources
                .iter()
                .chain(n.checks.iter().filter_map(|c| c.see.as_ref()))
        });
        let needed: BTreeSet<String> = resources.flat_map(Resource::secrets).collect();
        let needed: BTreeSet<&str> = needed
            .iter()
            .map(|n| knock::behind(&self.site, n))
            .collect();
        if needed.is_empty() {
            return Ok(Vault::new());
        }
        let mut vault = match keys::open(context, &self.dir) {
            Ok(secrets) => secrets.vault(),
            // A rehearsal needs no operator's key.
            Err(_) if context.global.lab => Vault::new(),
            Err(error) => return Err(error),
        };
        if context.global.lab {
            // Root of a rehearsal's nodes has keys of its own.
            for node in self.site.node_names() {
                vault.remove(&root_secret(node));
            }
        }
        let missing: Vec<&str> = needed
            .into_iter()
            .filter(|n| !vault.contains_key(*n))
            .collect();
        if !missing.is_empty() {
            let names = missing.join(", ");
            if !context.global.lab {
                return Err(Usage(format!(
                    "these secrets have no value: {names}\n  `nodewright secret set NAME` gives one"
                ))
                .into());
            }
            for name in missing {
                vault.insert(name.to_owned(), self.made_up(name)?);
            }
            context.note(&format!("lab: made-up values for the secrets {names}\n"));
        }
        if let Some(problem) = vault
            .get(membership::KEY)
            .and_then(|v| membership::key_problem(v))
        {
            return Err(Usage(problem).into());
        }
        let wrong = knock_findings(&self.site, &self.nodes, &vault);
        if !wrong.is_empty() {
            context.warn(&(findings(&wrong, &self.sources, &context.err_style) + "\n"));
            return Err(SurveyError::NotSound.into());
        }
        knock::unfold(&self.site, &mut vault);
        Ok(vault)
    }

    /// The stand-in for a secret in a rehearsal: the same each time, and worth nothing elsewhere.
    fn made_up(&self, name: &str) -> anyhow::Result<String> {
        const PORTS: [&str; 8] = [
            "23117", "21301", "24542", "22789", "25011", "20877", "24123", "22240",
        ];
        let lab = crate::workplace::lab::current();
        // If the lab was made without the site's secrets, its controllers took what they were given instead.
        if let Some(password) = lab.as_ref().and_then(|l| l.controllers_password(name)) {
            return Ok(password.to_owned());
        }
        if let Some(node) = self.site.node_names().find(|n| root_secret(n) == name)
            && let Some(lab) = lab
        {
            let path = crate::lab::root_key(&lab, node);
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            return Ok(text.trim_end().to_owned());
        }
        Ok(match &self.site.inventory.firewall.knock {
            Some(knock) if knock.sequence.secret == *name => {
                PORTS[..usize::from(knock.ports).min(PORTS.len())].join(",")
            }
            _ if name == membership::KEY => {
                let part = |i| crate::digest::sha256(format!("rehearsal {name} {i}").as_bytes());
                (0..4).map(part).collect()
            }
            _ => crate::digest::sha256(format!("rehearsal {name}").as_bytes())[..32].to_owned(),
        })
    }

    /// Makes the function that turns an address into the door where `reach` knocks. The secrets are opened at the first
    /// knock.
    ///
    /// `vault` has them, where they were opened before.
    pub fn doors(
        &self,
        context: &Context,
        vault: Option<&Vault>,
    ) -> impl Fn(IpAddr) -> Door + 'static {
        let (dir, named) = (self.dir.clone(), context.global.identity.clone());
        let knock = self.site.inventory.firewall.knock.as_ref();
        let name = knock
            .map(|k| k.sequence.secret.to_string())
            .unwrap_or_default();
        let known: Arc<OnceLock<Result<Vec<u16>, String>>> = Arc::default();
        if let Some(Ok(sequence)) = vault.and_then(|v| knock::of(&self.site, v)) {
            let _ = known.set(Ok(sequence.ports().to_vec()));
        }
        move |address| {
            let (dir, named, name) = (dir.clone(), named.clone(), name.clone());
            let known = Arc::clone(&known);
            Door::new(address, move || {
                known
                    .get_or_init(|| {
                        let secrets = keys::open_with(&named, &dir, keys::PassphraseFrom::Operator);
                        let secrets = secrets.map_err(|e| format!("{e:#}"))?;
                        let value = secrets.get(&name);
                        let value = value.ok_or_else(|| format!("secret `{name}` has no value"))?;
                        let sequence = knock::Sequence::parse(value).map_err(|e| e.to_string())?;
                        Ok(sequence.ports().to_vec())
                    })
                    .clone()
            })
        }
    }
}
