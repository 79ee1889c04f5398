//! Makes the batch of one node out of the items of its plan.

use super::setup::Member;
use super::setup::Setup;
use crate::kind::{EditChange, Resource, validator};
use crate::kinds::kind_named;
use crate::node::{Batch, BatchStep, Blob, LocalFile, RunId, Secret};
use crate::plan::guarded::Window;
use crate::plan::{Claim, Content, Decided, Item, Owned, claims};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::Vault;
use std::collections::BTreeSet;

/// The origin that every batch of a run records.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The run.
    pub run: RunId,
    /// The site's name.
    pub site: String,
    /// The site's commit, where it is in git; with `+` when the checkout has changes that are not committed.
    pub commit: Option<String>,
    /// The operator who runs it: `anna@desk`.
    pub who: String,
}

/// Seconds that a change under the guard may take before it is rolled back; the wait for the confirmation comes after it.
const CHANGE_LIMIT: u64 = 600;

/// The batch for these items of a node.
///
/// Of `decided` it takes the calls before a write, and the entries of the manifest that are neither desired nor there.
pub fn batch(
    setup: &Setup,
    stage: u32,
    items: &[Item],
    decided: &Decided,
    member: &Member,
) -> Batch {
    let origin = &setup.origin;
    let (resources, records_etc) = (member.resources.as_slice(), member.records_etc);
    // A batch that only forgets changes nothing but the manifest.
    let touches = items.iter().any(|i| !i.work.calls.is_empty());
    let mut blobs = Vec::new();
    let mut preflight = Vec::new();
    let mut todo = Vec::new();
    // /etc is under etckeeper: changes of others are committed before a run, and a run is one commit that names it.
    let mut functions = vec![Shell::new(include_str!("run.sh")), validator::SHELL];
    let written = written(items, member);
    let hidden = unrecorded(resources);
    let hidden = (records_etc || !hidden.is_empty()).then_some(hidden);
    let mut before = if touches {
        before(
            origin,
            resources,
            &written,
            decided,
            records_etc,
            hidden.as_ref(),
        )
    } else {
        Vec::new()
    };
    if touches && hidden.is_some() {
        // Git begins each record with what is passed over, whoever begins it (a package does). A template that is not there
        // would leave a record without its folders.
        functions.push(Shell::new(include_str!("unrecorded.sh")));
    }
    // A wave is guarded as a whole or not at all: a window is a stage.
    let guarded = items.iter().any(|i| i.change.guarded);
    let forgotten = decided.gone.iter().map(|gone| {
        let (address, path) = (gone.address.clone(), gone.path.clone());
        let owned = Owned::no_longer(path);
        own(Claim { address, owned })
    });
    // A file that is rolled back keeps its entry.
    let mut forgotten: Vec<Call> = forgotten.collect();
    if !guarded {
        before.append(&mut forgotten);
    }
    if !before.is_empty() {
        todo.push(BatchStep {
            title: "note the state before".to_owned(),
            calls: before,
            long: false,
        });
    }
    // An orphan may be of a kind that no step uses now.
    let removed = items.iter().flat_map(Item::addresses);
    let removed = removed.filter_map(|a| kind_named(&a.kind));
    for kind in resources.iter().map(|r| r.kind).chain(removed) {
        functions.push(kind.shell());
    }
    let (mut undo_first, mut undo) = (Vec::new(), Vec::new());
    if guarded {
        let window = Window::of(items, resources, &member.target);
        let mut calls = arm(&window);
        calls.append(&mut forgotten);
        (undo_first, undo) = (window.undo_first, window.undo);
        todo.push(BatchStep {
            title: "put the guard on".to_owned(),
            calls,
            long: false,
        });
    }
    for item in items {
        let Item { change, work } = item;
        let offset = blobs.len();
        blobs.extend(work.blobs.iter().map(|content| match content {
            Content::Bytes(bytes) => Blob::Bytes(bytes.clone()),
            Content::File(file) => Blob::File(LocalFile {
                path: setup.dir.join(&file.path),
                bytes: file.bytes,
                sha256: file.sha256.clone(),
            }),
        }));
        let shift = |calls: &[Call]| {
            calls
                .iter()
                .map(|c| c.clone().shift_blobs(offset))
                .collect::<Vec<_>>()
        };
        if !work.preflight.is_empty() {
            preflight.push(BatchStep {
                title: format!("check for {}", change.title),
                calls: shift(&work.preflight),
                long: false,
            });
        }
        let mut calls = shift(&work.calls);
        calls.extend(claims(item, resources).into_iter().map(own));
        todo.push(BatchStep {
            title: change.title.clone(),
            calls,
            long: work.path.is_none(),
        });
    }
    if guarded {
        todo.push(BatchStep {
            title: "wait to be confirmed over a new connection".to_owned(),
            calls: vec![Call::new("nw_guard_wait").arg(setup.guard.seconds.to_string())],
            long: false,
        });
        for Item { change, work } in items.iter().filter(|i| !i.work.confirmed.is_empty()) {
            todo.push(BatchStep {
                title: format!("let it last: {}", change.title),
                calls: work.confirmed.clone(),
                long: false,
            });
        }
    }
    if records_etc && touches {
        let subject = format!("nodewright {}: {}", origin.site, summary(items));
        todo.push(BatchStep {
            title: "commit /etc".to_owned(),
            calls: vec![Call::new("nw_etckeeper_after").args([
                origin.run.as_str(),
                &origin.who,
                &subject,
            ])],
            long: false,
        });
    }
    Batch {
        run: origin.run.clone(),
        stage,
        functions,
        header: setup.header(),
        blobs,
        secrets: own_secrets(member, &setup.vault),
        preflight,
        steps: todo,
        undo_first,
        undo,
    }
}

/// The files and folders that these items write.
fn written(items: &[Item], member: &Member) -> Vec<String> {
    let own = |item: &Item| -> Vec<String> {
        if let Some(path) = &item.work.path {
            return vec![path.clone()];
        }
        let resources = member.resources.iter();
        resources
            .filter(|r| item.addresses().contains(&r.address))
            .flat_map(|r| r.files.writes.clone())
            .collect()
    };
    items.iter().flat_map(own).collect()
}

/// The calls that arm the guard for a window.
fn arm(window: &Window) -> Vec<Call> {
    // Also where there is no path to keep: it makes the folder that the notes go to.
    let keep = |how: &str, paths: &Vec<_>| Call::new("nw_guard_keep").arg(how).args(paths.clone());
    let mut calls = vec![keep("own", &window.own)];
    if !window.whole.is_empty() {
        calls.push(keep("whole", &window.whole));
    }
    calls.extend(window.note.iter().cloned());
    calls.push(Call::new("nw_guard_arm").arg(CHANGE_LIMIT.to_string()));
    calls
}

/// The call that writes a claim down in the manifest.
fn own(claim: Claim) -> Call {
    let Claim { address, owned } = claim;
    let secret = if owned.secret { "secret" } else { "plain" };
    Call::new("nw_own").args([
        address.to_string().as_str(),
        &owned.path,
        &owned.digest,
        secret,
    ])
}

/// The secrets of this node's own steps: its output may show them, and those of no other node.
fn own_secrets(member: &Member, vault: &Vault) -> Vec<Secret> {
    let resources = member.resources.iter().chain(&member.watched);
    let names: BTreeSet<String> = resources.flat_map(Resource::secrets).collect();
    let values = names.iter().filter_map(|name| vault.get(name));
    values.map(Secret::new).collect()
}

/// The files under /etc that hold a secret, as git's list of what it passes over names them.
fn unrecorded(resources: &[Resource]) -> BTreeSet<String> {
    let tainted = resources.iter().filter(|r| !r.secrets().is_empty());
    let paths = tainted.flat_map(|r| {
        let files = r
            .files
            .edits
            .iter()
            .filter(|e| e.change != EditChange::Directory);
        let files = files.map(|e| e.path.clone());
        files
            .chain(r.files.secrets.iter().cloned())
            .collect::<Vec<_>>()
    });
    paths
        .filter_map(|path| {
            let mut pattern = String::from("/");
            for c in path.strip_prefix("/etc/")?.chars() {
                if "\\*?[ ".contains(c) {
                    pattern.push('\\');
                }
                pattern.push(c);
            }
            Some(pattern)
        })
        .collect()
}

/// The calls before the first change: each service whose files are about to change has its instance recorded with its
/// files, so that the restart stays owed; git learns which files of /etc hold secrets; /etc is committed as others left
/// it.
fn before(
    origin: &Origin,
    resources: &[Resource],
    written: &[String],
    decided: &Decided,
    records_etc: bool,
    hidden: Option<&BTreeSet<String>>,
) -> Vec<Call> {
    let concerned = resources.iter().filter(|r| r.depends.on(written));
    let calls = concerned.filter_map(|r| decided.before_write.get(&r.address));
    let mut calls: Vec<Call> = calls.flatten().cloned().collect();
    if let Some(hidden) = hidden {
        calls.push(Call::new("nw_etckeeper_hide").args(hidden.iter().cloned()));
    }
    if records_etc {
        calls.push(Call::new("nw_etckeeper_before").args([origin.run.as_str(), &origin.who]));
    }
    calls
}

/// The length that the addresses in the subject of a commit may have together.
const SUBJECT: usize = 60;

/// The addresses of a batch in a few words, for the subject of a commit: as many as fit, at least one.
fn summary(items: &[Item]) -> String {
    let all = items.iter().flat_map(Item::addresses);
    let mut names: Vec<String> = all.map(ToString::to_string).collect();
    names.dedup();
    let mut shown = 0;
    let mut text = String::new();
    for name in &names {
        if shown > 0 && text.len() + name.len() > SUBJECT {
            break;
        }
        if shown > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        shown += 1;
    }
    match names.len() - shown {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Address;
    use crate::plan::{Change, PlannedStep};

    #[test]
    fn a_commits_subject_names_what_fits() {
        let item = |address: &str| Item {
            change: Change {
                addresses: vec![Address::parse(address).unwrap()],
                title: String::new(),
                deltas: Vec::new(),
                diffs: Vec::new(),
                stage: 0,
                guarded: false,
                interrupts: false,
                held: None,
                digest: String::new(),
                either: None,
            },
            work: PlannedStep::default(),
        };
        let of = |all: &[&str]| summary(&all.iter().map(|a| item(a)).collect::<Vec<_>>());
        assert_eq!(of(&["r/file:/a"]), "r/file:/a");
        // A file and what runs by it are one.
        assert_eq!(
            of(&["r/cron:a", "r/cron:a", "r/file:/b"]),
            "r/cron:a, r/file:/b"
        );
        let long = format!("r/file:/{}", "x".repeat(70));
        assert_eq!(
            of(&[&long, "r/file:/b", "r/file:/c"]),
            format!("{long} and 2 more")
        );
        assert_eq!(
            of(&[
                "r/file:/etc/one",
                "r/file:/etc/two",
                "r/file:/etc/three",
                "r/file:/etc/four"
            ]),
            "r/file:/etc/one, r/file:/etc/two, r/file:/etc/three and 1 more"
        );
    }
}
