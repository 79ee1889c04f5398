//! The answer of a node to an observation.

use super::Observe;
use std::collections::{BTreeMap, BTreeSet};

/// The bytes that a node may answer to one observation: ten times what twelve thousand paths take.
pub const ANSWER_LIMIT: usize = 32 << 20;

/// The bytes that one section of it may hold.
pub const SECTION_LIMIT: usize = 16 << 20;

/// The sections of a whole answer, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    sentinel: String,
    sections: BTreeMap<String, Section>,
}

/// One section: the output of its command and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Standard output, byte for byte.
    pub output: Vec<u8>,
    /// Exit status; 124 when a slow section was given up, 127 when the tool is missing.
    pub status: i32,
}

/// A file's path and its content.
pub type Framed<'a> = (String, &'a [u8]);

impl Section {
    /// The output as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.output)
    }
}

/// The reason why an answer cannot be used. Such an answer is never taken for absence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The end is missing.
    #[error("the answer was cut off after section `{0}`")]
    Truncated(String),
    /// Text that is no frame where a frame belongs, before the first section.
    #[error("unexpected output before the answer (a login profile that prints?): {0:?}")]
    Noise(String),
    /// The answer is empty.
    #[error("the node's shell gave no answer at all")]
    Empty,
    /// It says what it was not asked, or says something twice: no node does that by itself.
    #[error("section {0:?} was not asked, or answered twice")]
    Unasked(String),
    /// It leaves out what it was asked.
    #[error("section `{0}` is missing")]
    Missing(String),
    /// A section is larger than any answer can be.
    #[error("section `{0}` is larger than {limit} MiB", limit = SECTION_LIMIT >> 20)]
    TooLarge(String),
}

impl Answer {
    /// Parses the answer to a script with the sections of `asked`, made with this sentinel.
    ///
    /// A node knows the sentinel, so a frame does not prove its writer: exactly the sections that were asked are taken,
    /// each once.
    pub fn parse(bytes: &[u8], sentinel: &str, asked: &Observe) -> Result<Self, AnswerError> {
        let names: BTreeSet<&str> = asked.names().collect();
        if bytes.is_empty() {
            return Err(AnswerError::Empty);
        }
        let first = format!("{sentinel} ");
        if !bytes.starts_with(first.as_bytes()) {
            let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            let line = &line[..line.len().min(200)];
            return Err(AnswerError::Noise(
                String::from_utf8_lossy(line).into_owned(),
            ));
        }
        let mut answer = Self {
            sentinel: sentinel.to_owned(),
            ..Self::default()
        };
        let mut rest = bytes;
        let mut last = "none".to_owned();
        loop {
            let (line, after) =
                split_line(rest).ok_or_else(|| AnswerError::Truncated(last.clone()))?;
            let line = String::from_utf8_lossy(line);
            let frame = line
                .strip_prefix(&first)
                .ok_or_else(|| AnswerError::Truncated(last.clone()))?;
            if frame == "done" {
                let missing = names.into_iter().find(|n| answer.get(n).is_none());
                return match missing {
                    Some(name) => Err(AnswerError::Missing(name.to_owned())),
                    None => Ok(answer),
                };
            }
            let name = frame
                .strip_prefix("begin ")
                .ok_or_else(|| AnswerError::Truncated(last.clone()))?
                .to_owned();
            if !names.contains(name.as_str()) || answer.get(&name).is_some() {
                return Err(AnswerError::Unasked(name.chars().take(80).collect()));
            }
            let end = format!("\n{sentinel} end {name} ");
            let at =
                find(after, end.as_bytes()).ok_or_else(|| AnswerError::Truncated(last.clone()))?;
            if at > SECTION_LIMIT {
                return Err(AnswerError::TooLarge(name));
            }
            let output = after[..at].to_vec();
            let (status, next) = split_line(&after[at + end.len()..])
                .ok_or_else(|| AnswerError::Truncated(last.clone()))?;
            let status = String::from_utf8_lossy(status)
                .trim()
                .parse()
                .map_err(|_| AnswerError::Truncated(last.clone()))?;
            answer
                .sections
                .insert(name.clone(), Section { output, status });
            last = name;
            rest = next;
        }
    }

    /// A section by its name, if it was observed.
    pub fn get(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }

    /// The output of a section as text, or nothing when it was not observed.
    pub fn text(&self, name: &str) -> std::borrow::Cow<'_, str> {
        self.get(name).map(Section::text).unwrap_or_default()
    }

    /// A section in two parts: the text before the contents of files in it, and each such content with its path.
    ///
    /// A content begins with a newline and the line `SENTINEL content PATH`.
    pub fn framed(&self, name: &str) -> Option<(&[u8], Vec<Framed<'_>>)> {
        let output = self.get(name)?.output.as_slice();
        let frame = format!("\n{} content ", self.sentinel).into_bytes();
        let (mut head, mut contents) = (output, Vec::new());
        if let Some(at) = find(output, &frame) {
            head = &output[..at];
            let mut rest = &output[at + frame.len()..];
            loop {
                let next = find(rest, &frame);
                let part = &rest[..next.unwrap_or(rest.len())];
                if let Some((path, content)) = split_line(part) {
                    contents.push((String::from_utf8_lossy(path).into_owned(), content));
                }
                let Some(at) = next else { break };
                rest = &rest[at + frame.len()..];
            }
        }
        Some((head, contents))
    }

    /// Takes a section of another member's answer over; see [`of`](Self::of).
    pub fn share(&mut self, member: &str, name: &str, section: Option<&Section>) {
        let name = format!("{name}@{member}");
        match section {
            Some(section) => self.sections.insert(name, section.clone()),
            None => self.sections.remove(&name),
        };
    }

    /// A shared section of another member; `None` where that was not observed or did not answer.
    pub fn of(&self, member: &str, name: &str) -> Option<&Section> {
        self.get(&format!("{name}@{member}"))
    }

    /// All sections, by name: those that were asked, so a name is never the node's own word.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.sections.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Makes an answer by hand, for tests and specimens.
    pub fn from_sections<'a>(sections: impl IntoIterator<Item = (&'a str, &'a str, i32)>) -> Self {
        let sections = sections
            .into_iter()
            .map(|(n, o, status)| {
                (
                    n.to_owned(),
                    Section {
                        output: o.as_bytes().to_vec(),
                        status,
                    },
                )
            })
            .collect();
        Self {
            sentinel: "zz".to_owned(),
            sections,
        }
    }
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == b'\n')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"zz begin a\none\ntwo\n\nzz end a 0\nzz begin b\n\nzz end b 3\nzz done\n";

    /// The observation that `WHOLE` answers.
    fn asked() -> Observe {
        let mut observe = Observe::default();
        for name in ["a", "b"] {
            observe.section(name, crate::sh::Call::new("true"));
        }
        observe
    }

    #[test]
    fn a_node_adds_nothing_leaves_nothing_out_and_says_nothing_twice() {
        let text = std::str::from_utf8(WHOLE).unwrap();
        let parse = |text: &str| Answer::parse(text.as_bytes(), "zz", &asked()).unwrap_err();
        for name in [
            "/home/op/.bashrc",
            "../../.ssh/authorized_keys",
            "a@node1",
            "c",
            "",
            "a",
        ] {
            let more = format!("zz begin {name}\nx\n\nzz end {name} 0\nzz done\n");
            let error = parse(&text.replace("zz done\n", &more));
            assert_eq!(error, AnswerError::Unasked(name.to_owned()));
        }
        let less = text.replace("zz begin b\n\nzz end b 3\n", "");
        assert_eq!(parse(&less), AnswerError::Missing("b".to_owned()));
    }

    #[test]
    fn a_section_is_not_larger_than_its_limit() {
        let long = "x".repeat(SECTION_LIMIT);
        let whole = |more| {
            format!("zz begin a\n{long}{more}\nzz end a 0\nzz begin b\n\nzz end b 0\nzz done\n")
        };
        assert!(Answer::parse(whole("").as_bytes(), "zz", &asked()).is_ok());
        let error = Answer::parse(whole("x").as_bytes(), "zz", &asked()).unwrap_err();
        assert_eq!(error, AnswerError::TooLarge("a".to_owned()));
    }

    /// A node that knows the sentinel puts frames wherever it likes, from a seed.
    #[test]
    fn whatever_a_hostile_node_frames_only_what_was_asked_is_taken() {
        const PIECES: [&str; 16] = [
            "zz ",
            "begin ",
            "end ",
            "done\n",
            "\n",
            "a",
            "b",
            " 0\n",
            " -1\n",
            "zz begin a\n",
            "\nzz end a 0\n",
            "zz begin /etc/passwd\n",
            "\nzz end /etc/passwd 0\n",
            "\nzz content /etc/x\n",
            "zz begin ../x\n\nzz end ../x 0\n",
            "zz begin a\n\nzz end a 0\n",
        ];
        let mut seed: u64 = 20_261_128;
        let mut below = |end: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % end
        };
        let names: Vec<String> = asked().names().map(str::to_owned).collect();
        let mut whole = 0;
        for _ in 0..40_000 {
            let mut bytes = WHOLE.to_vec();
            for _ in 0..=below(4) {
                let from = below(bytes.len() + 1);
                let to = (from + below(20)).min(bytes.len());
                let to = if below(2) == 0 { from } else { to };
                bytes.splice(from..to, PIECES[below(PIECES.len())].bytes());
            }
            let Ok(answer) = Answer::parse(&bytes, "zz", &asked()) else {
                continue;
            };
            whole += 1;
            let taken: Vec<&str> = answer.iter().map(|(name, _)| name).collect();
            assert_eq!(taken, names, "{}", String::from_utf8_lossy(&bytes));
            let size: usize = answer.iter().map(|(_, s)| s.output.len()).sum();
            assert!(size <= bytes.len());
            for name in &names {
                let _ = answer.framed(name);
            }
        }
        assert!(whole > 1000, "only {whole} answers were read at all");
    }

    #[test]
    fn sections_come_back_byte_for_byte() {
        let answer = Answer::parse(WHOLE, "zz", &asked()).unwrap();
        assert_eq!(answer.get("a").unwrap().output, b"one\ntwo\n");
        assert_eq!(
            answer.get("b").unwrap(),
            &Section {
                output: vec![],
                status: 3
            }
        );
    }

    #[test]
    fn contents_of_files_come_back_byte_for_byte() {
        let output =
            "aa  /etc/a\nbb  /etc/b\n\nzz content /etc/b\nno newline\n\nzz content /etc/c\n";
        let answer = Answer::from_sections([("x", output, 0), ("y", "\nzz content /a b\n\n", 0)]);
        let (head, contents) = answer.framed("x").unwrap();
        assert_eq!(head, b"aa  /etc/a\nbb  /etc/b\n");
        let shown: Vec<_> = contents.iter().map(|(p, c)| (p.as_str(), *c)).collect();
        assert_eq!(shown, [("/etc/b", &b"no newline\n"[..]), ("/etc/c", b"")]);
        assert_eq!(
            answer.framed("y"),
            Some((&b""[..], vec![("/a b".to_owned(), &b"\n"[..])]))
        );
        assert_eq!(answer.framed("z"), None);
    }

    #[test]
    fn every_truncation_is_an_error() {
        for n in 0..WHOLE.len() {
            assert!(
                Answer::parse(&WHOLE[..n], "zz", &asked()).is_err(),
                "cut at {n} was taken for whole"
            );
        }
    }

    #[test]
    fn a_noisy_profile_is_named() {
        let error = Answer::parse(b"Welcome!\nzz done\n", "zz", &asked()).unwrap_err();
        assert_eq!(error, AnswerError::Noise("Welcome!".into()));
    }
}
