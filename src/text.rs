//! Rendered text that may hold secrets: templates see only marks, never values.
//!
//! `secret('drbd')` in a template puts a mark (private-use characters around the name) in its output. So no filter,
//! diff, log or plan can meet the value; it is put in by [`Text::reveal`] at the moment a batch is made.

use quick_xml::escape::escape;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Begins a mark.
const OPEN: char = '\u{F0000}';
/// Ends a mark.
const CLOSE: char = '\u{F0001}';

/// The mark that stands for a secret in rendered text.
pub fn mark(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// The prefix of a mark's name where the value is put into XML. No secret's name begins with a dot.
const IN_XML: &str = ".xml.";

/// The mark for a place in XML: it is replaced by the escaped value.
pub fn mark_in_xml(name: &str) -> String {
    mark(&format!("{IN_XML}{name}"))
}

/// The secret behind the name in a mark, and whether its value is escaped for XML.
fn named(name: &str) -> (&str, bool) {
    match name.strip_prefix(IN_XML) {
        Some(name) => (name, true),
        None => (name, false),
    }
}

/// A value in the forms in which a file may hold it: as it is, and escaped for XML.
pub fn forms(value: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let escaped = escape(value);
    let other = escaped != value;
    std::iter::once(Cow::Borrowed(value)).chain(other.then_some(escaped))
}

/// Text as a template rendered it, with marks where secrets belong.
///
/// A copy shares its bytes: a file's content is wanted by a step, an edit and a plan, on many nodes at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Text(Arc<str>);

/// The values behind the marks: name → value.
pub type Vault = BTreeMap<String, String>;

/// Whether a content shows the value of a secret. Values of less than four bytes are found everywhere, and not counted.
pub fn shows(vault: &Vault, content: &[u8]) -> bool {
    let lines = vault.values().flat_map(|value| value.lines());
    lines
        .flat_map(|line| forms(line.trim()))
        .filter(|line| line.len() >= 4)
        .any(|line| {
            content
                .windows(line.len())
                .any(|part| part == line.as_bytes())
        })
}

/// A fault in the marks of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// A filter changed a mark, so that it no longer names its secret.
    #[error("a filter was applied to a secret; a secret can only be put in as it is")]
    Broken,
    /// The vault has no such secret.
    #[error("secret `{0}` has no value: `nodewright secret set {0}`")]
    Missing(String),
}

impl Text {
    /// Takes rendered text; fails when a mark in it is broken.
    pub fn new(rendered: impl Into<String>) -> Result<Self, MarkError> {
        let text = Self(rendered.into().into());
        text.pieces().map(|_| ()).map(|()| text)
    }

    /// Text of this program's own, without marks.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    fn pieces(&self) -> Result<Vec<Piece<'_>>, MarkError> {
        let mut pieces = Vec::new();
        let mut rest = self.as_marked();
        while let Some(start) = rest.find([OPEN, CLOSE]) {
            let (before, mark) = rest.split_at(start);
            pieces.push(Piece::Plain(before));
            let inner = mark.strip_prefix(OPEN).ok_or(MarkError::Broken)?;
            let end = inner.find([OPEN, CLOSE]).ok_or(MarkError::Broken)?;
            let name = &inner[..end];
            rest = inner[end..].strip_prefix(CLOSE).ok_or(MarkError::Broken)?;
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            {
                return Err(MarkError::Broken);
            }
            pieces.push(Piece::Secret(name));
        }
        pieces.push(Piece::Plain(rest));
        Ok(pieces)
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> BTreeSet<String> {
        let pieces = self.pieces().unwrap_or_default();
        pieces
            .iter()
            .filter_map(|p| {
                if let Piece::Secret(name) = p {
                    Some(named(name).0.to_owned())
                } else {
                    None
                }
            })
            .collect()
    }

    /// Whether it holds any secret.
    pub fn is_tainted(&self) -> bool {
        self.0.contains([OPEN, CLOSE])
    }

    /// The text for display: each secret is shown as `‹secret NAME›`.
    pub fn masked(&self) -> String {
        self.join(|name| Ok(format!("‹secret {}›", named(name).0)))
            .unwrap_or_else(|_| "‹secret›".to_owned())
    }

    /// The real text, to be written to a node.
    pub fn reveal(&self, vault: &Vault) -> Result<String, MarkError> {
        self.join(|name| {
            let (name, in_xml) = named(name);
            let value = vault.get(name);
            let value = value.ok_or_else(|| MarkError::Missing(name.to_owned()))?;
            Ok(if in_xml {
                escape(value.as_str()).into_owned()
            } else {
                value.clone()
            })
        })
    }

    /// The text with its marks, as templates made it.
    pub fn as_marked(&self) -> &str {
        &self.0
    }

    fn join(
        &self,
        mut value: impl FnMut(&str) -> Result<String, MarkError>,
    ) -> Result<String, MarkError> {
        let mut out = String::with_capacity(self.0.len());
        for piece in self.pieces()? {
            match piece {
                Piece::Plain(text) => out.push_str(text),
                Piece::Secret(name) => out.push_str(&value(name)?),
            }
        }
        Ok(out)
    }
}

impl serde::Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::plain)
    }
}

impl schemars::JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "Text as a template rendered it, with marks where secrets belong.",
        })
    }
}

/// A size in bytes for display: `34.1 MiB`.
pub fn size(bytes: u64) -> String {
    let mut unit = "bytes";
    let (mut whole, mut rest) = (bytes, 0);
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if whole < 1024 {
            break;
        }
        (whole, rest, unit) = (whole / 1024, whole % 1024, next);
    }
    if unit == "bytes" {
        return format!("{bytes} bytes");
    }
    format!("{whole}.{} {unit}", rest * 10 / 1024)
}

enum Piece<'a> {
    Plain(&'a str),
    Secret(&'a str),
}

/// The word that was most likely meant.
pub fn did_you_mean<S: AsRef<str>>(word: &str, known: &[S]) -> Option<String> {
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(word, k.as_ref()), k.as_ref()))
        .filter(|(distance, k)| {
            *distance <= 1 + k.chars().count().max(word.chars().count()) / 4
                || (word.len() >= 3 && k.starts_with(word))
                || (k.len() >= 3 && word.starts_with(k))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k.to_owned())
}

/// Decodes base64; `None` where the text is no base64, or was cut off.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for b in digits.bytes() {
        let value = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("eight bits"));
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_masked_and_revealed() {
        let text = Text::new(format!("a={};", mark("drbd"))).unwrap();
        assert_eq!(text.masked(), "a=‹secret drbd›;");
        assert_eq!(
            text.reveal(&Vault::from([("drbd".into(), "x'y".into())]))
                .unwrap(),
            "a=x'y;"
        );
        assert_eq!(
            text.reveal(&Vault::new()),
            Err(MarkError::Missing("drbd".into()))
        );
    }

    #[test]
    fn a_value_in_xml_is_escaped_and_known_in_both_forms() {
        let text = Text::new(format!("<x a=\"{}\"/>", mark_in_xml("snmp"))).unwrap();
        let vault = Vault::from([("snmp".into(), "<a&b\">".into())]);
        assert_eq!(text.masked(), "<x a=\"‹secret snmp›\"/>");
        assert_eq!(text.secrets(), BTreeSet::from(["snmp".to_owned()]));
        assert_eq!(
            text.reveal(&vault).unwrap(),
            "<x a=\"&lt;a&amp;b&quot;&gt;\"/>"
        );
        assert!(shows(&vault, b"said: &lt;a&amp;b&quot;&gt;"));
        assert!(shows(&vault, b"said: <a&b\">"));
        assert!(!shows(&vault, b"said: <a&amp;b"));
    }

    #[test]
    fn sizes_are_reported_by_a_tenth() {
        let shown = [0, 1023, 1024, 1536, (1 << 20) - 1, 3 << 20, 5 << 30].map(size);
        assert_eq!(
            shown,
            [
                "0 bytes",
                "1023 bytes",
                "1.0 KiB",
                "1.5 KiB",
                "1023.9 KiB",
                "3.0 MiB",
                "5.0 GiB"
            ]
        );
    }

    #[test]
    fn a_content_that_shows_a_secret_is_known() {
        let vault = Vault::from([
            ("a".into(), "x\n  hunter2 \n".into()),
            ("b".into(), "abc".into()),
        ]);
        assert!(shows(&vault, b"key = hunter2;\xff"));
        assert!(!shows(&vault, b"key = hunter; x abc"));
    }

    #[test]
    fn a_mark_that_a_filter_changed_is_refused() {
        assert_eq!(Text::new(mark("a b")), Err(MarkError::Broken));
        assert_eq!(
            Text::new(mark("drbd").replace('\u{F0001}', "")),
            Err(MarkError::Broken)
        );
    }

    #[test]
    fn near_words_are_found() {
        assert_eq!(
            did_you_mean("nicc", &["nic", "network"]).as_deref(),
            Some("nic")
        );
        assert_eq!(
            did_you_mean("gatway", &["gateway", "network"]).as_deref(),
            Some("gateway")
        );
        assert_eq!(did_you_mean("colour", &["nic", "network"]), None);
    }

    #[test]
    fn base64_is_as_the_tool_says() {
        // printf 'any carnal pleas' | base64
        assert_eq!(
            base64("YW55IGNhcm5hbCBwbGVhcw==").unwrap(),
            b"any carnal pleas"
        );
        assert_eq!(base64(""), Some(vec![]));
        assert_eq!(base64("YW5"), None);
        assert_eq!(base64("A==="), None);
    }
}
