//! Files that a batch needs and that are too large to go with it: sent before, each once, distinguished by digest.

use super::batch::{Blob, LocalFile};
use super::privilege::{Data, Program};
use super::runs::LOSSES;
use super::session::Session;
use super::{Batch, Failure, NodeError, classify};
use crate::shell::{ENV, Shell};
use std::collections::BTreeSet;
use std::time::Duration;

/// Receives files for a batch to come: `/bin/sh -c THIS nw SENTINEL [SHA256 BYTES]...`. Standard input: the files, one
/// after another. Each gets the name of its digest once it is whole; none of them is run or installed.
pub(super) const STAGE: Shell = Shell::new(include_str!("stage.sh")).needing(&[ENV]);

/// The number of digests in one call: the arguments of a login's shell have 128 KiB.
const ASKED: usize = 400;
/// The number of files, and that of bytes, that go over one channel. A larger file has one of its own.
const FILES: usize = 64;
const BYTES: u64 = 32 << 20;
/// The speed, in bytes a second, below which a transfer counts as stuck.
const SLOWEST: u64 = 16 << 10;

impl Batch {
    /// The files that have to be on the node before this batch is prepared; each content once.
    pub fn files(&self) -> Vec<LocalFile> {
        let mut seen = BTreeSet::new();
        let files = self.blobs.iter().filter_map(|blob| match blob {
            Blob::File(file) => Some(file),
            Blob::Bytes(_) => None,
        });
        let once = files.filter(|file| seen.insert(file.sha256.as_str()));
        once.cloned().collect()
    }
}

impl Session {
    /// The files that the node does not have yet: files that an earlier run sent and did not use are still there.
    pub async fn missing(&self, files: &[LocalFile]) -> Result<Vec<LocalFile>, NodeError> {
        let mut missing = Vec::new();
        for some in files.chunks(ASKED) {
            let digests: Vec<String> = some.iter().map(|f| f.sha256.clone()).collect();
            let answer = self.control("staged", &digests).await?;
            let there: BTreeSet<&str> = answer.split(' ').skip(1).collect();
            let not = |f: &&LocalFile| !there.contains(f.sha256.as_str());
            missing.extend(some.iter().filter(not).cloned());
        }
        Ok(missing)
    }

    /// Sends files to the node, for a batch to come; they are read as they are sent. Each is accepted only with the
    /// right digest. Files that arrived stay when the connection is lost, and the rest is sent again.
    pub async fn stage(&self, files: &[LocalFile]) -> Result<(), NodeError> {
        for group in groups(files) {
            let mut lost = 0;
            while let Err(error) = self.send_files(group).await {
                if lost == LOSSES || error.failure != Failure::Lost {
                    return Err(error);
                }
                lost += 1;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
        Ok(())
    }

    async fn send_files(&self, files: &[LocalFile]) -> Result<(), NodeError> {
        let sentinel = self.sentinel()?;
        let mut args = vec![sentinel.clone()];
        for file in files {
            args.extend([file.sha256.clone(), file.bytes.to_string()]);
        }
        let bytes: u64 = files.iter().map(|f| f.bytes).sum();
        let program = Program::Constant {
            text: &STAGE.text(),
            args,
            data: Data::Files(files),
        };
        let deadline = self.timeout() + Duration::from_secs(bytes / SLOWEST);
        let reply = self.run_within(&program, deadline, deadline).await?;
        let text = String::from_utf8_lossy(&reply.stdout);
        let reply_line = text.trim_end().strip_prefix(&sentinel).map(str::trim);
        if reply_line == Some("staged") {
            return Ok(());
        }
        let output = format!("{text}{}", String::from_utf8_lossy(&reply.stderr));
        let cut = reply_line.and_then(|s| s.strip_prefix("refused cut "));
        let named = files.iter().find(|f| cut == Some(f.sha256.as_str()));
        let refused = reply_line.and_then(|s| s.strip_prefix("refused "));
        let mut failure = match (named, classify::remote(&output, reply.status)) {
            (Some(file), _) => Failure::Here(format!(
                "{} has changed since the site was read, or did not arrive whole",
                file.path.display()
            )),
            (None, Some(failure)) => failure,
            // The receiver ended without any output.
            (None, None) if reply_line.is_none() && reply.status.is_none() => Failure::Lost,
            (None, None) => Failure::NotReady(classify::last_line(refused.unwrap_or(&output))),
        };
        failure.name_place(refused.unwrap_or_default());
        Err(NodeError {
            node: self.node().to_owned(),
            failure,
            output,
        })
    }
}

/// Cuts a list of files into what goes over one channel each.
fn groups(files: &[LocalFile]) -> Vec<&[LocalFile]> {
    let (mut groups, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, file) in files.iter().enumerate() {
        if at > start && (at - start == FILES || bytes + file.bytes > BYTES) {
            groups.push(&files[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += file.bytes;
    }
    if start < files.len() {
        groups.push(&files[start..]);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(sizes: &[u64]) -> Vec<usize> {
        let files: Vec<LocalFile> = sizes
            .iter()
            .map(|bytes| LocalFile {
                path: "x".into(),
                bytes: *bytes,
                sha256: String::new(),
            })
            .collect();
        groups(&files).iter().map(|g| g.len()).collect()
    }

    #[test]
    fn files_are_sent_in_groups_of_some_size() {
        assert_eq!(sizes(&[]), [] as [usize; 0]);
        assert_eq!(sizes(&[1; 130]), [64, 64, 2]);
        assert_eq!(sizes(&[20 << 20, 12 << 20, 1, 100 << 20, 1]), [2, 1, 1, 1]);
    }
}
