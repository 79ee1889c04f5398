//! Edit requests of steps. All requests for one path are folded into one edit (`plan::fold`).

use super::{valid, validator};
use crate::text::Text;
use regex_lite::Regex;

/// One resource's edit request for one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The absolute path on the node.
    pub path: String,
    /// The desired state of the path.
    pub change: EditChange,
    /// Owner, group and mode, where the step sets them.
    pub attributes: Attributes,
}

/// Owner, group and mode. A `None` leaves the attribute as it is; a new file gets root, root, 0644 (a directory: 0755).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Name of the owner.
    pub owner: Option<String>,
    /// Name of the group.
    pub group: Option<String>,
    /// Mode, four octal digits.
    pub mode: Option<String>,
}

/// The desired state of a path, or of a part of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditChange {
    /// The whole content. `check` is a command with `{staged}` for the path of the new content, or names a
    /// [validator].
    Whole {
        /// The content.
        content: Text,
        /// A command that must accept the content before anything is changed.
        check: Option<Vec<String>>,
        /// Written only where nothing is; an existing file is left unchanged.
        once: bool,
    },
    /// One line. Replaces the last line that `matches` (a regular expression, which must match the new line too, or
    /// every run would change another one), else the same line is looked for; is added at the end where there is
    /// none. With `absent` every matching line goes.
    Line {
        /// The line, without its newline.
        line: Text,
        /// A regular expression for the line that it replaces.
        matches: Option<String>,
        /// The line must not be there.
        absent: bool,
    },
    /// The only line that matches: takes the place of the first such line, the others go; is added at the end where
    /// there is none. `None` removes them all.
    Only {
        /// The line, without its newline; the expression must match it.
        line: Option<Text>,
        /// A regular expression for these lines.
        matches: String,
    },
    /// Lines between two marks that name the block.
    Block {
        /// The block's name, which its marks carry.
        name: String,
        /// The lines; `None` removes the block.
        content: Option<Text>,
        /// The beginning of a comment in this file.
        comment: String,
    },
    /// A key in a section of an INI file (or before the first section, when `section` is empty). Case counts, comments
    /// and order stay. Of several lines of a key the last one stays.
    Ini {
        /// The section, without brackets.
        section: String,
        /// The key.
        key: String,
        /// The value; `None` removes the key.
        value: Option<Text>,
        /// The separator of key and value: `=` or ` = `.
        separator: String,
    },
    /// A line of words of which the first is a key: `/etc/hosts` style (address first) or `known_hosts`. One line a
    /// key; `None` removes it.
    Keyed {
        /// The first word.
        key: String,
        /// The rest of the line.
        rest: Option<Text>,
    },
    /// No stanza of an interface in a file of ifupdown, and its name in no line that brings interfaces up.
    NoStanza {
        /// The interface.
        interface: String,
    },
    /// A directory.
    Directory,
    /// A symbolic link to this target.
    Symlink(String),
    /// The path does not exist. A directory is removed only when it is empty.
    Absent,
}

impl EditChange {
    /// Whether it leaves the rest of a file to others.
    pub fn is_part(&self) -> bool {
        matches!(
            self,
            Self::Line { .. }
                | Self::Only { .. }
                | Self::Block { .. }
                | Self::Ini { .. }
                | Self::Keyed { .. }
                | Self::NoStanza { .. }
        )
    }
}

impl Edit {
    /// The fault of a request that no node is needed to see: in the path, names or the mode, an expression that cannot
    /// be used or does not match the line it is to bring, a line that is more than one.
    pub fn validate(&self) -> Result<(), String> {
        valid::path("file", &self.path)?;
        valid::attributes(&self.attributes)?;
        match &self.change {
            EditChange::Line {
                line,
                matches,
                absent,
            } => {
                one_line(line)?;
                match matches {
                    Some(matches) => expression(matches, (!absent).then_some(line)),
                    None => Ok(()),
                }
            }
            EditChange::Only { line, matches } => {
                line.iter().try_for_each(one_line)?;
                expression(matches, line.as_ref())
            }
            EditChange::Block { name, comment, .. } => {
                valid::one_line("block", name)?;
                valid::one_line("comment", comment)
            }
            EditChange::Ini {
                section,
                key,
                value,
                separator,
            } => {
                valid::one_line("section", section)?;
                valid::one_line("separator", separator)?;
                if key.is_empty()
                    || key.trim() != key
                    || key.contains(['=', '\n', '\r', '['])
                    || key.starts_with(['#', ';'])
                {
                    return Err(format!(
                        "`{}` can be no key of an INI file",
                        key.escape_debug()
                    ));
                }
                if section.trim() != section || section.contains(']') {
                    return Err(format!(
                        "`{}` can be no section of an INI file",
                        section.escape_debug()
                    ));
                }
                if separator.trim() != "=" {
                    return Err(format!(
                        "`separator` must be `=` with or without blanks around it, not `{separator}`"
                    ));
                }
                value.iter().try_for_each(one_line)
            }
            EditChange::Keyed { key, rest } => {
                if key.is_empty() || key.contains(char::is_whitespace) || key.starts_with('#') {
                    return Err(format!("`{}` is not one word", key.escape_debug()));
                }
                rest.iter().try_for_each(one_line)
            }
            EditChange::Whole { check, .. } => match check {
                Some(words) => validator::of_file(words).map(|_| ()),
                None => Ok(()),
            },
            EditChange::Symlink(target) => {
                valid::one_line("to", target)?;
                if target.is_empty() {
                    return Err("a symbolic link must lead somewhere; `to` is empty".to_owned());
                }
                if target.len() > 4095 {
                    return Err("`to` is longer than 4095 bytes, which no link can hold".to_owned());
                }
                Ok(())
            }
            EditChange::NoStanza { interface } => valid::one_line("interface", interface),
            EditChange::Directory | EditChange::Absent => Ok(()),
        }
    }
}

fn one_line(text: &Text) -> Result<(), String> {
    if text.as_marked().contains(['\n', '\r', '\0']) {
        return Err(format!(
            "`{}` is not one line",
            text.masked().escape_debug()
        ));
    }
    Ok(())
}

fn expression(matches: &str, line: Option<&Text>) -> Result<(), String> {
    let regex = Regex::new(matches)
        .map_err(|e| format!("`{matches}` is no regular expression that can be used: {e}"))?;
    match line {
        Some(line) if !line.is_tainted() && !regex.is_match(line.as_marked()) => Err(format!(
            "`{matches}` does not match the line it is to bring, `{}`: every run would change another line; write an expression that matches both",
            line.masked()
        )),
        _ => Ok(()),
    }
}
