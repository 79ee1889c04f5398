//! What a node said to an observation.

use std::collections::BTreeMap;

/// The sections of a whole answer, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    sentinel: String,
    sections: BTreeMap<String, Section>,
}

/// One section: what the command wrote and how it ended.
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

/// Why an answer cannot be used. It is never taken for "nothing there".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The end is missing.
    #[error("the answer was cut off after section `{0}`")]
    Truncated(String),
    /// Something that is no frame stands where a frame belongs, before the first section.
    #[error("the node said something of its own before the answer (a noisy profile?): {0:?}")]
    Noise(String),
    /// Nothing came back.
    #[error("the node's shell gave no answer at all")]
    Empty,
}

impl Answer {
    /// Reads what came back for a script made with this sentinel.
    pub fn parse(bytes: &[u8], sentinel: &str) -> Result<Self, AnswerError> {
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
                return Ok(answer);
            }
            let name = frame
                .strip_prefix("begin ")
                .ok_or_else(|| AnswerError::Truncated(last.clone()))?
                .to_owned();
            let end = format!("\n{sentinel} end {name} ");
            let at =
                find(after, end.as_bytes()).ok_or_else(|| AnswerError::Truncated(last.clone()))?;
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

    /// A section by its name, if it was asked.
    pub fn get(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }

    /// The output of a section as text, or nothing when it was not asked.
    pub fn text(&self, name: &str) -> std::borrow::Cow<'_, str> {
        self.get(name).map(Section::text).unwrap_or_default()
    }

    /// A section in two parts: what stands before the contents of files in it, and each such content with its path.
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

    /// What another member said in a section that is shared; nothing where it was not asked or did not answer.
    pub fn of(&self, member: &str, name: &str) -> Option<&Section> {
        self.get(&format!("{name}@{member}"))
    }

    /// All sections, by name.
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

    #[test]
    fn sections_come_back_byte_for_byte() {
        let answer = Answer::parse(WHOLE, "zz").unwrap();
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
                Answer::parse(&WHOLE[..n], "zz").is_err(),
                "cut at {n} was taken for whole"
            );
        }
    }

    #[test]
    fn a_noisy_profile_is_named() {
        let error = Answer::parse(b"Welcome!\nzz done\n", "zz").unwrap_err();
        assert_eq!(error, AnswerError::Noise("Welcome!".into()));
    }
}
