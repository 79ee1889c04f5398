//! Secret values, and keeping them out of a node's output.

use crate::text::{Vault, forms};
use std::borrow::Cow;

/// A value that is never printed: its debug form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The shortest value, in bytes, that is scrubbed: shorter ones are in ordinary text by chance.
const SHORTEST: usize = 4;

/// Replaces every secret of the vault in a text that came back from a node by `‹secret NAME›`.
///
/// A value of several lines is looked for as a whole and line by line, because tools quote single lines, and as XML has
/// it. Longer values go first, so that one value within another leaves no rest of the longer one.
pub fn scrub(text: &str, vault: &Vault) -> String {
    let mut values: Vec<(Cow<'_, str>, &str)> = vault
        .iter()
        .flat_map(|(name, value)| {
            std::iter::once(value.as_str())
                .chain(value.lines().map(str::trim))
                .flat_map(forms)
                .map(move |part| (part, name.as_str()))
        })
        .filter(|(part, _)| part.len() >= SHORTEST)
        .collect();
    values.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
    values.dedup();
    let mut clean = text.to_owned();
    for (value, name) in values {
        if clean.contains(value.as_ref()) {
            clean = clean.replace(value.as_ref(), &format!("‹secret {name}›"));
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_short_ones_left() {
        let vault = Vault::from([
            ("drbd".into(), "hunter2hunter2".into()),
            ("part".into(), "hunter2".into()),
            ("pin".into(), "123".into()),
            ("key".into(), "-----BEGIN\nabcdef\n".into()),
        ]);
        assert_eq!(
            scrub("x hunter2hunter2 y hunter2 z 123", &vault),
            "x ‹secret drbd› y ‹secret part› z 123"
        );
        assert_eq!(scrub("line 3: abcdef?", &vault), "line 3: ‹secret key›?");
        let vault = Vault::from([("snmp".into(), "a&b<c".into())]);
        assert_eq!(scrub("p=\"a&amp;b&lt;c\"", &vault), "p=\"‹secret snmp›\"");
    }

    #[test]
    fn a_secret_has_no_debug_form() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret");
    }
}
