//! A batch: everything a node is to do in one go, as one piece that it executes only when it holds all of it.

use super::journal::{Header, line};
use super::run_id::{RunId, hex};
use super::secret::Secret;
use crate::kind::validator;
use crate::sh::{Call, quote};
use crate::shell::{ENV, FOLDER, JOURNAL, MANIFEST, PROCESS, Pieces, Shell};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The runtime that every batch includes. A batch is /var/lib/nodewright/runs/RUN/STAGE/batch.sh, started with its path
/// as the only argument; the arguments of its calls are in its own text, quoted. Events go to its spool.
const RUNTIME: Shell =
    Shell::new(include_str!("runtime.sh")).needing(&[ENV, PROCESS, MANIFEST, JOURNAL]);
/// The verbs for files. Each compares first: a path that is no longer as the plan saw it is refused with status 3. They
/// work in the folder of the path, by its last part.
const VERBS: Shell = Shell::new(include_str!("verbs.sh")).needing(&[RUNTIME, FOLDER]);
/// The guard. Changes after `nw_guard_arm` in a batch are rolled back by themselves unless they are confirmed in time
/// over a new connection. One rename decides: guard/armed becomes guard/confirmed or guard/reverting, then
/// guard/reverted.
///
/// guard/undo.sh is this batch's text with another last line. It is started before the first change as a process of its
/// own that waits (`watch`), and called by a hook when the node boots (`boot`), before the network starts.
const GUARD: Shell = Shell::new(include_str!("guard.sh")).needing(&[VERBS, PROCESS]);

/// The work of one node in one stage of a run.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The run it belongs to.
    pub run: RunId,
    /// The stage of the run, from 0. A run has one batch a stage and node.
    pub stage: u32,
    /// Shell functions that the calls need, besides those of the runtime.
    pub functions: Vec<Shell>,
    /// Its header in the node's journal.
    pub header: Header,
    /// The contents that the calls name by their index ([`Word::Blob`](crate::sh::Word::Blob)).
    pub blobs: Vec<Blob>,
    /// Secrets of its steps: the node masks them in the steps' output before it is written.
    pub secrets: Vec<Secret>,
    /// Validators: all run before anything is changed, and nothing begins if one fails.
    pub preflight: Vec<BatchStep>,
    /// The steps, in order. The first that fails is the last that runs.
    pub steps: Vec<BatchStep>,
    /// Calls before the guard rolls the files back.
    pub undo_first: Vec<Call>,
    /// Calls that roll the running side back, once the guard has rolled the files back: in this order, without
    /// contents. The steps call `nw_guard_keep`, `nw_guard_arm` and `nw_guard_wait` where they belong.
    pub undo: Vec<Call>,
}

/// A content that a batch needs on the node.
#[derive(Clone, PartialEq, Eq)]
pub enum Blob {
    /// Bytes that go with the batch. They may hold a secret: they are overwritten and removed when it ends.
    Bytes(Vec<u8>),
    /// A file that [`Session::stage`](super::Session::stage) sent before. It is removed when the batch is done.
    File(LocalFile),
}

/// A file on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// The place where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Blob({} bytes)", bytes.len()),
            Self::File(file) => write!(f, "Blob({})", file.path.display()),
        }
    }
}

/// One step of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStep {
    /// Its title, for spool and journal.
    pub title: String,
    /// Its calls; the first that fails ends the step and the batch.
    pub calls: Vec<Call>,
    /// Whether it may take long: then its output is sent while it runs, and not at its end.
    pub long: bool,
}

/// The bytes that are sent.
pub(super) struct Bundle {
    /// The batch's text, its contents, the secrets' values.
    pub(super) bytes: Vec<u8>,
    /// The number of bytes that are the text.
    pub(super) script: usize,
    /// SHA-256 of all bytes.
    pub(super) sha256: String,
}

/// One content, as the batch's text describes it.
enum ContentPart<'a> {
    /// It follows the text.
    Here(&'a [u8]),
    /// The digest of a content that was sent before.
    Staged(&'a str),
}

impl Batch {
    /// The batch as one piece.
    pub(super) fn bundle(&self) -> Bundle {
        let secrets = self.secret_lines();
        let parts: Vec<ContentPart<'_>> = self
            .blobs
            .iter()
            .map(|blob| match blob {
                Blob::Bytes(bytes) => ContentPart::Here(bytes),
                Blob::File(file) => ContentPart::Staged(&file.sha256),
            })
            .chain([ContentPart::Here(secrets.as_bytes())])
            .collect();
        // The offset of the contents is in the text that comes before them, with a fixed number of digits.
        let length = self.script(&parts, 0).len();
        let mut bytes = self.script(&parts, length).into_bytes();
        debug_assert_eq!(bytes.len(), length);
        for part in parts {
            if let ContentPart::Here(part) = part {
                bytes.extend_from_slice(part);
            }
        }
        let sha256 = hex(&Sha256::digest(&bytes));
        Bundle {
            bytes,
            script: length,
            sha256,
        }
    }

    /// The secrets to mask in output: one a line, the longest first, because tools quote single lines.
    fn secret_lines(&self) -> String {
        let lines = self.secrets.iter().flat_map(|s| s.expose().lines());
        let mut lines: Vec<_> = lines.map(str::trim).filter(|l| l.len() >= 4).collect();
        lines.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        lines.dedup();
        lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// The batch's text: functions, a `main` that calls them with quoted arguments, and the bare word `main`.
    fn script(&self, parts: &[ContentPart<'_>], offset: usize) -> String {
        let h = &self.header;
        let mut out = format!(
            "NW_RUN={}\nNW_STAGE={}\nNW_BY={}\nNW_ABOUT={}\n",
            self.run,
            self.stage,
            quote(&line(&h.who)),
            quote(&h.to_text())
        );
        let mut pieces = Pieces::from([RUNTIME, VERBS, GUARD]);
        for shell in &self.functions {
            pieces.add(*shell);
        }
        out.push_str(&pieces.text());
        for (name, calls) in [("first", &self.undo_first), ("calls", &self.undo)] {
            let _ = writeln!(out, "nw_guard_{name}() {{\n:");
            for call in calls {
                let _ = writeln!(out, "nw_guard_back {}", call.to_shell());
            }
            out.push_str("}\n");
        }
        for (prefix, steps) in [("check", &self.preflight), ("step", &self.steps)] {
            for (number, step) in steps.iter().enumerate() {
                let _ = writeln!(out, "nw_{prefix}_{number}() {{\n:");
                for call in &step.calls {
                    let _ = writeln!(out, "{} || return", call.to_shell());
                }
                out.push_str("}\n");
            }
        }
        let _ = write!(out, "main() {{\nnw_start\nnw_unpack {offset:>12}");
        for part in parts {
            let _ = match part {
                ContentPart::Here(part) => {
                    write!(out, " {} {}", hex(&Sha256::digest(part)), part.len())
                }
                ContentPart::Staged(sha256) => write!(out, " {sha256} -"),
            };
        }
        out.push_str("\nnw_lock\n");
        for (prefix, steps) in [("check", &self.preflight), ("step", &self.steps)] {
            for (number, step) in steps.iter().enumerate() {
                let title = quote(&line(&step.title));
                let _ = write!(out, "nw_{prefix} {number} {title} nw_{prefix}_{number}");
                out.push_str(match (prefix, step.long) {
                    ("step", true) => " live\n",
                    ("step", false) => " short\n",
                    _ if validator::is_judged(&step.calls) => " answer\n",
                    _ => "\n",
                });
            }
            if prefix == "check" {
                out.push_str("nw_ready\n");
            }
        }
        out.push_str("nw_finish ok\n}\nmain\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_of_a_batch_calls_anything_that_acts() {
        let batch = Batch {
            run: RunId::parse("20261120T235959-9f3a").unwrap(),
            stage: 0,
            functions: vec![Shell::new("nw_mine() { :; }\n")],
            header: Header::default(),
            blobs: vec![Blob::Bytes(b"content".to_vec())],
            secrets: vec![Secret::new("abc"), Secret::new("hunter2\nlonger line")],
            preflight: Vec::new(),
            steps: vec![BatchStep {
                title: "a\nb".into(),
                calls: vec![Call::new("nw_mine").arg("$(x)").blob(0)],
                long: true,
            }],
            undo_first: Vec::new(),
            undo: Vec::new(),
        };
        let bundle = batch.bundle();
        let (script, rest) = bundle.bytes.split_at(bundle.script);
        let script = std::str::from_utf8(script).unwrap();
        assert_eq!(rest, b"contentlonger line\nhunter2\n");
        assert!(script.ends_with("\nnw_finish ok\n}\nmain\n"));
        assert!(script.contains("nw_step 0 'a b' nw_step_0 live\n"));
        assert!(script.contains("nw_mine '$(x)' \"$NW_BLOB/0\" || return\n"));
        assert!(script.contains(&format!("nw_unpack {:>12} ", script.len())));
        assert!(!format!("{batch:?}").contains("hunter2"));
    }
}
