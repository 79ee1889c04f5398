//! Helpers for the tests of folding: requests, files found, and the expected result.

mod conflicts;
mod files;
mod ini;
mod lines;
mod settle;
mod stanza;

use super::*;
use crate::kind::{Address, Edit};
use std::collections::BTreeSet;

const PATH: &str = "/etc/x";

fn address(name: &str) -> Address {
    Address::parse(&format!("base/line:{name}")).unwrap()
}

fn edit(change: EditChange) -> Edit {
    Edit {
        path: PATH.into(),
        change,
        attributes: Attributes::default(),
    }
}

fn with_mode(mut edit: Edit, mode: &str) -> Edit {
    edit.attributes.mode = Some(mode.into());
    edit
}

fn whole(content: &str) -> Edit {
    edit(EditChange::Whole {
        content: Text::plain(content),
        check: None,
        once: false,
    })
}

fn once(content: &str) -> Edit {
    edit(EditChange::Whole {
        content: Text::plain(content),
        check: None,
        once: true,
    })
}

fn line(line: &str, matches: Option<&str>) -> Edit {
    edit(EditChange::Line {
        line: Text::plain(line),
        matches: matches.map(Into::into),
        absent: false,
    })
}

fn no_line(line: &str, matches: Option<&str>) -> Edit {
    edit(EditChange::Line {
        line: Text::plain(line),
        matches: matches.map(Into::into),
        absent: true,
    })
}

fn only(line: Option<&str>, matches: &str) -> Edit {
    edit(EditChange::Only {
        line: line.map(Text::plain),
        matches: matches.into(),
    })
}

fn block(name: &str, content: Option<&str>) -> Edit {
    edit(EditChange::Block {
        name: name.into(),
        content: content.map(Text::plain),
        comment: "#".into(),
    })
}

fn ini(section: &str, key: &str, value: Option<&str>) -> Edit {
    edit(EditChange::Ini {
        section: section.into(),
        key: key.into(),
        value: value.map(Text::plain),
        separator: "=".into(),
    })
}

fn keyed(key: &str, rest: Option<&str>) -> Edit {
    edit(EditChange::Keyed {
        key: key.into(),
        rest: rest.map(Text::plain),
    })
}

fn file(content: impl AsRef<[u8]>) -> PathSeen {
    PathSeen {
        kind: SeenKind::File {
            sha256: sha256(content.as_ref()),
            content: Some(content.as_ref().to_vec()),
            bytes: content.as_ref().len() as u64,
        },
        mode: "644".into(),
        owner: "root".into(),
        group: "root".into(),
    }
}

fn other(kind: SeenKind) -> PathSeen {
    PathSeen {
        kind,
        mode: "755".into(),
        owner: "root".into(),
        group: "root".into(),
    }
}

fn fold_with(edits: &[Edit], seen: &PathSeen, vault: &Vault) -> Result<Folded, FoldError> {
    let addresses: Vec<_> = (0..edits.len())
        .map(|i| address(&format!("w{i}")))
        .collect();
    let requests: Vec<_> = edits
        .iter()
        .zip(&addresses)
        .map(|(edit, address)| EditRequest { address, edit })
        .collect();
    fold(PATH, &requests, seen, vault)
}

fn folded(edits: &[Edit], seen: &PathSeen) -> Folded {
    fold_with(edits, seen, &Vault::new()).unwrap()
}

fn refused(edits: &[Edit], seen: &PathSeen) -> String {
    fold_with(edits, seen, &Vault::new())
        .unwrap_err()
        .to_string()
}

#[track_caller]
fn becomes(old: impl AsRef<[u8]>, edits: &[Edit], new: impl AsRef<[u8]>) {
    let out = folded(edits, &file(&old));
    let content = out.content.clone().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&content),
        String::from_utf8_lossy(new.as_ref())
    );
    assert_eq!(content, new.as_ref());
    assert_eq!(out.same, old.as_ref() == new.as_ref());
    assert!(
        folded(edits, &file(&content)).same,
        "a second run changes it"
    );
}
