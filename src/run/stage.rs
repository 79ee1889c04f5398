//! Sends the files that batches need to their nodes before any batch is prepared.

use super::Event;
use super::engine::{Engine, each};
use super::setup::{NodeFailure, StopRequest, from_error};
use crate::node::{Batch, LocalFile};
use std::collections::BTreeMap;
use std::rc::Rc;

impl Engine {
    /// Sends files to all nodes at once, before any batch is prepared, because a batch that is ready does not wait for
    /// long. A node that does not get its files fails, and with it the other members of its cluster, all of them
    /// unchanged. Ends when the operator stops the run.
    pub(super) async fn stage(&mut self, batches: &BTreeMap<String, Batch>) {
        let all = batches.iter().map(|(node, b)| (node.clone(), b.files()));
        let files: BTreeMap<String, Vec<LocalFile>> =
            all.filter(|(_, files)| !files.is_empty()).collect();
        if files.is_empty() {
            return;
        }
        let nodes = files.keys().cloned().collect();
        let (sessions, events) = (self.nodes.sessions.clone(), self.events.clone());
        let files = Rc::new(files);
        let work = each(self.setup.forks, nodes, move |node| {
            let (session, events) = (Rc::clone(&sessions[&node]), events.clone());
            let files = Rc::clone(&files);
            async move {
                let sent = async {
                    let missing = session.missing(&files[&node]).await?;
                    if !missing.is_empty() {
                        let text = sending(&missing);
                        let node = Some(node.clone());
                        let _ = events.send(Event::Note { node, text });
                    }
                    session.stage(&missing).await
                };
                sent.await.map_err(|e| from_error(&e))
            }
        });
        let mut stop_request = self.stop_request.clone();
        let stopped = async {
            if stop_request
                .wait_for(|w| *w != StopRequest::No)
                .await
                .is_err()
            {
                std::future::pending::<()>().await;
            }
        };
        let all = tokio::select! {
            all = work => all,
            () = stopped => return,
        };
        self.keep_or_fail(all);
        let mut members: Vec<&String> = batches.keys().collect();
        members.retain(|n| self.setup.cluster.contains(*n));
        let failed = |n: &&&String| self.nodes.failures.contains_key(**n);
        if let Some(without) = members.iter().find(failed).copied() {
            for node in members {
                if !self.nodes.failures.contains_key(node) {
                    self.fail(node, NodeFailure::without(without));
                }
            }
        }
    }
}

/// The files to send, in words.
fn sending(files: &[LocalFile]) -> String {
    let bytes: u64 = files.iter().map(|f| f.bytes).sum();
    let what = if let [one] = files {
        let name = one.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    } else {
        format!("{} files", files.len())
    };
    format!("sending {what}, {}", crate::text::size(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_printed_by_name_or_number() {
        let file = |name: &str, bytes| LocalFile {
            path: format!("/site/packages/{name}").into(),
            bytes,
            sha256: String::new(),
        };
        let one = [file("hello-1.rpm", 2048)];
        assert_eq!(sending(&one), "sending hello-1.rpm, 2.0 KiB");
        let two = [file("a", 3 << 20), file("b", 1)];
        assert_eq!(sending(&two), "sending 2 files, 3.0 MiB");
    }
}
