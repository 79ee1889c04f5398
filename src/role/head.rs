//! The head of a loop: `for_each = "name, m in site.mirror"`.

use super::template::NAMES;

/// The head of a loop: `x in site.mirror`, `name, m in site.mirror`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The loop's variables.
    pub names: Vec<String>,
    /// The expression that it loops over.
    pub expression: String,
    /// The place in the head where the expression begins, in bytes.
    pub(super) offset: usize,
}

impl Head {
    /// Reads a head; the error names what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no head of a loop: `m in members` or `name, m in site.mirror`");
        let (names, expression) = text.split_once(" in ").ok_or_else(wrong)?;
        let names: Vec<String> = names.split(',').map(|n| n.trim().to_owned()).collect();
        let word = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if names.len() > 2 || !names.iter().all(word) || expression.trim().is_empty() {
            return Err(wrong());
        }
        if let Some(name) = names.iter().find(|n| NAMES.contains(&n.as_str())) {
            return Err(format!(
                "a loop variable cannot be called `{name}`, which every template sees already"
            ));
        }
        if names.len() == 2 && names[0] == names[1] {
            return Err(format!("both loop variables are called `{}`", names[0]));
        }
        let offset = text.len() - expression.trim_start().len();
        Ok(Self {
            names,
            expression: expression.trim().to_owned(),
            offset,
        })
    }
}
