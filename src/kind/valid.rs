//! Shared by several kinds: present or absent, words of a command, and rules for names, paths and modes.

use super::Attributes;

/// Whether something has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    /// It has to be there.
    #[default]
    Present,
    /// It must not be there.
    Absent,
}

impl Presence {
    /// The value where it has to be there.
    pub(crate) fn then<T>(self, value: T) -> Option<T> {
        (self == Self::Present).then_some(value)
    }
}

/// The words of a command: a list, or one text that is split at blanks (no quotes, no shell).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandWords(pub(crate) Vec<String>);

impl<'de> serde::Deserialize<'de> for CommandWords {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = CommandWords;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a command: a list of words, or a text that is split at blanks")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<CommandWords, E> {
                Ok(CommandWords(
                    text.split_whitespace().map(str::to_owned).collect(),
                ))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> Result<CommandWords, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(CommandWords(words))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for CommandWords {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The words of a command: a list, or one text that is split at blanks.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        })
    }
}

/// Words that can be run: some, the first of them a program.
pub(crate) fn words(what: &str, words: &CommandWords) -> Result<(), String> {
    match words.0.first() {
        None => return Err(format!("`{what}` holds no command")),
        Some(first) if first.is_empty() || first.starts_with('-') || first.contains('=') => {
            return Err(format!("`{}` is no program", first.escape_debug()));
        }
        Some(first) if first.starts_with("nw_") => {
            return Err(format!(
                "`{}` is a function of nodewright, and no program; `nodewright kinds` lists validators",
                first.escape_debug()
            ));
        }
        Some(_) => {}
    }
    words.0.iter().try_for_each(|word| plain(what, word))
}

/// Text that holds neither NUL nor the mark of a secret: it is used in names and arguments.
pub(crate) fn plain(what: &str, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("`{what}` holds a NUL, which no argument can carry"));
    }
    if crate::text::Text::plain(text).is_tainted() {
        return Err(format!(
            "`{what}` holds a secret, and would show it in lists of processes; a secret belongs into the content of a file"
        ));
    }
    Ok(())
}

/// Text on one line, without a secret.
pub(crate) fn one_line(what: &str, text: &str) -> Result<(), String> {
    plain(what, text)?;
    if text.contains(['\n', '\r']) {
        return Err(format!(
            "`{what}` goes over more than one line: `{}`",
            text.escape_debug()
        ));
    }
    Ok(())
}

/// The longest part of a path that filesystems take, in bytes.
const PART: usize = 255;
/// The longest path that the kernel takes, in bytes.
const PATH: usize = 4095;

/// An absolute path without detours: no `.`, `..`, empty part, backslash (tools that print it double it) or control
/// character, and not `/` itself.
pub(crate) fn path(what: &str, path: &str) -> Result<(), String> {
    plain(what, path)?;
    let good = path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
    }) && !path.contains(|c: char| c.is_control() || c == '\\');
    if path.len() > PATH || path.split('/').any(|part| part.len() > PART) {
        return Err(format!(
            "`{what}` is too long: a path has at most {PATH} bytes, and each of its parts {PART}; this one begins with `{}`",
            path.chars().take(60).collect::<String>().escape_debug()
        ));
    }
    if good {
        return Ok(());
    }
    Err(format!(
        "`{what}` must be an absolute path without `.`, `..`, `//`, backslashes and control characters, not `{}`",
        path.escape_debug()
    ))
}

/// Four octal digits.
pub(crate) fn mode(mode: Option<&str>) -> Result<(), String> {
    match mode {
        Some(m) if m.len() != 4 || !m.bytes().all(|b| (b'0'..=b'7').contains(&b)) => Err(format!(
            "`mode` must be four octal digits in quotes, such as \"0644\", not `{}`",
            m.escape_debug()
        )),
        _ => Ok(()),
    }
}

/// The name of an account or a group, as `useradd` takes it.
pub(crate) fn account(what: &str, name: &str) -> Result<(), String> {
    let good = name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .strip_suffix('$')
            .unwrap_or(name)
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    if good {
        return Ok(());
    }
    Err(format!(
        "`{what}` must be a name of small letters, digits, `_` and `-` that begins with a letter (at most 32), not `{}`",
        name.escape_debug()
    ))
}

/// The names and the mode among attributes.
pub(crate) fn attributes(attributes: &Attributes) -> Result<(), String> {
    mode(attributes.mode.as_deref())?;
    if let Some(owner) = &attributes.owner {
        account("owner", owner)?;
    }
    if let Some(group) = &attributes.group {
        account("group", group)?;
    }
    Ok(())
}

/// The files in which the tools for accounts and groups write.
pub(crate) fn account_files() -> Vec<String> {
    ["passwd", "group", "shadow", "gshadow"]
        .map(|name| format!("/etc/{name}"))
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        for good in ["/etc/hosts", "/etc/a b", "/etc/.git/x..y"] {
            assert_eq!(path("file", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/",
            "etc/x",
            "/etc/../x",
            "/etc//x",
            "/etc/x/",
            "/etc/.",
            "/etc/a\nb",
            "/a\0b",
            "~/.x",
            "/etc/a\\b",
            &format!("/{}", "x".repeat(256)),
            &"/xxxxxxx".repeat(600),
        ] {
            assert!(path("file", bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            path("file", "etc\n").unwrap_err(),
            "`file` must be an absolute path without `.`, `..`, `//`, backslashes and control characters, not `etc\\n`"
        );
    }

    #[test]
    fn modes_are_four_octal_digits() {
        assert_eq!(mode(Some("0644")), Ok(()));
        assert_eq!(mode(Some("2775")), Ok(()));
        assert_eq!(mode(None), Ok(()));
        for bad in ["644", "0o644", "0684", "u=rw", "", "-644"] {
            assert!(mode(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn account_names_are_no_options() {
        for good in ["root", "_apt", "www-data", "a1", "machine$"] {
            assert_eq!(account("user", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-r",
            "1a",
            "Anna",
            "a b",
            "a:b",
            "$(id)",
            "a\n",
            &"a".repeat(33),
        ] {
            assert!(account("user", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_command_is_a_list_or_split_at_blanks() {
        let from = |json: &str| serde_json::from_str::<CommandWords>(json).map(|w| w.0);
        assert_eq!(
            from(r#""visudo  -cf {staged}""#).unwrap(),
            ["visudo", "-cf", "{staged}"]
        );
        assert_eq!(from(r#"["a b", "c"]"#).unwrap(), ["a b", "c"]);
        let error = from("1").unwrap_err().to_string();
        assert!(
            error.contains("expected a command: a list of words"),
            "{error}"
        );
        assert!(words("check", &CommandWords(vec![])).is_err());
        assert!(words("check", &CommandWords(vec!["A=1".into(), "x".into()])).is_err());
    }

    #[test]
    fn a_secret_is_no_argument() {
        let error = plain("command", &crate::text::mark("pw")).unwrap_err();
        assert!(error.starts_with("`command` holds a secret"), "{error}");
    }
}
