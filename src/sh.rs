//! Words that reach a node's shell as data: the one place that quotes.

use std::fmt::Write as _;

/// Quotes one word for a POSIX shell: the result is read back as exactly these bytes by dash, bash and busybox ash.
///
/// The word must not hold NUL, which no argument can carry; see [`has_nul`].
pub fn quote(word: &str) -> String {
    debug_assert!(!has_nul(word), "NUL cannot be an argument");
    if !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-./:,@%+=".contains(&b))
    {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether a word holds NUL, which no argument can carry.
pub fn has_nul(word: &str) -> bool {
    word.contains('\0')
}

/// A command or shell function with its arguments, all of them data.
///
/// A word may also be the path of an uploaded content (see [`ShellWord::Blob`]); the shell expands no other word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    words: Vec<ShellWord>,
}

/// One word of a [`Call`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellWord {
    /// Quoted data.
    Text(String),
    /// The path on the node of the uploaded content with this index in the batch; written as `"$NW_BLOB/INDEX"`.
    Blob(usize),
}

impl Call {
    /// A call of a command or function by its name, which is a constant of this program.
    pub fn new(program: &'static str) -> Self {
        Self {
            words: vec![ShellWord::Text(program.to_owned())],
        }
    }

    /// A call whose words a role's author wrote: a validator, a `command`. All of them are data to the shell.
    pub fn from_words(words: impl IntoIterator<Item = String>) -> Self {
        Self {
            words: words.into_iter().map(ShellWord::Text).collect(),
        }
    }

    /// The same call with the index of every uploaded content moved up by `offset`: contents are counted from 0 in
    /// each step and put one after another in a batch.
    #[must_use]
    pub fn shift_blobs(mut self, offset: usize) -> Self {
        for word in &mut self.words {
            if let ShellWord::Blob(index) = word {
                *index += offset;
            }
        }
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(ShellWord::Text(word.into()));
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.words
            .extend(words.into_iter().map(|w| ShellWord::Text(w.into())));
        self
    }

    /// Adds the path of an uploaded content.
    #[must_use]
    pub fn blob(mut self, index: usize) -> Self {
        self.words.push(ShellWord::Blob(index));
        self
    }

    /// Adds the words of another call, contents included: `nw_preflight visudo -cf CONTENT`.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.words.extend(other.words.iter().cloned());
        self
    }

    /// The words of this call.
    pub fn words(&self) -> &[ShellWord] {
        &self.words
    }

    /// The call as one line of shell.
    pub fn to_shell(&self) -> String {
        let mut line = String::new();
        for (i, word) in self.words.iter().enumerate() {
            if i > 0 {
                line.push(' ');
            }
            match word {
                ShellWord::Text(text) => line.push_str(&quote(text)),
                ShellWord::Blob(index) => {
                    let _ = write!(line, "\"$NW_BLOB/{index}\"");
                }
            }
        }
        line
    }
}
