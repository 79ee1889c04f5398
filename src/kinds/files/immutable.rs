//! A folder in which nothing is ever to lie: empty, and immutable by its attribute (chattr(1)).
//!
//! Packages that own such a folder cannot be installed or updated meanwhile; a step of kind `package` names it under
//! `lifts`, and its own transaction lifts the attribute and puts it back.

use crate::kind::{
    Answer, Circumstances, Delta, Kind, Observe, Orphans, Running, Runs, Target, Verdict, valid,
};
use crate::sh::Call;

/// `immutable = "/etc/libvirt/qemu/autostart"`.
pub struct ImmutableKind;

/// The keys of a step of kind `immutable`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The folder.
    immutable: String,
}

/// The observed state.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it is there.
    exists: bool,
    /// Whether it is a folder.
    folder: bool,
    /// Whether it has the attribute.
    immutable: bool,
    /// The names of what lies in it.
    holds: Vec<String>,
}

const FOLDERS: &str = "immutable";
const ATTRIBUTES: &str = "immutable.attributes";

impl Kind for ImmutableKind {
    const NAME: &'static str = "immutable";
    const DOC: &'static str = "A folder that is empty and stays so: made, and immutable. What lies in it is reported and not removed.";
    const ORPHANS: Orphans = Orphans::reported("it stays immutable; `chattr -i` lifts that");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.immutable.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::path("immutable", &want.immutable)?;
        if want.immutable == "/" || want.immutable.contains(char::is_whitespace) {
            return Err(
                "`immutable` is a folder of its own, without blanks in its path".to_owned(),
            );
        }
        Ok(())
    }
}

impl ImmutableKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let paths = || wants.iter().map(|w| w.immutable.clone());
        let find = Call::new("find").args(paths());
        observe.section(
            FOLDERS,
            find.args(["-maxdepth", "1", "-printf", "%d %y %p\\n"]),
        );
        observe.section(
            ATTRIBUTES,
            Call::new("lsattr").args(["-d", "--"]).args(paths()),
        );
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let path = want.immutable.as_str();
        answer.get(FOLDERS).ok_or("the folder was not looked for")?;
        let (folders, attributes) = (answer.text(FOLDERS), answer.text(ATTRIBUTES));
        let lines = || folders.lines().filter_map(|line| line.split_once(' '));
        let own = lines().find_map(|(depth, rest)| {
            let (kind, at) = rest.split_once(' ')?;
            (depth == "0" && at == path).then_some(kind)
        });
        let holds = lines().filter_map(|(depth, rest)| {
            let name = rest
                .split_once(' ')?
                .1
                .strip_prefix(path)?
                .strip_prefix('/')?;
            (depth == "1").then(|| name.to_owned())
        });
        let immutable = attributes.lines().any(|line| {
            let words = line.split_once(' ');
            words.is_some_and(|(flags, at)| at.trim() == path && flags.contains('i'))
        });
        Ok(Seen {
            exists: own.is_some(),
            folder: own == Some("d"),
            immutable,
            holds: holds.collect(),
        })
    }

    fn compare(want: &Want, seen: &Seen, circumstances: &Circumstances<'_>) -> Verdict {
        let (path, node) = (&want.immutable, &circumstances.target.node);
        if seen.exists && !seen.folder {
            return Verdict::refuse(format!("{path} is no folder"), node);
        }
        if !seen.holds.is_empty() {
            let lifted = if seen.immutable {
                format!("chattr -i {path} && ")
            } else {
                String::new()
            };
            return Verdict::Finding {
                what: format!(
                    "{path} is to be empty on {node} and holds {}",
                    seen.holds.join(", ")
                ),
                remedy: format!(
                    "`nodewright run {node} -- sh -c '{lifted}rm {path}/{}'` once nothing needs it",
                    seen.holds[0]
                ),
            };
        }
        match (seen.exists, seen.immutable) {
            (true, true) => Verdict::Same,
            (true, false) => {
                Verdict::Change(vec![Delta::new("folder", "can be written", "immutable")])
            }
            (false, _) => Verdict::Change(vec![Delta::new("folder", "", "immutable")]),
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        let calls = wants.iter().flat_map(|(want, seen)| {
            let make = Call::new("mkdir")
                .args(["-m", "0755", "-p", "--"])
                .arg(&want.immutable);
            let make = Some(make).filter(|_| !seen.exists);
            let close = Call::new("chattr").args(["+i", "--"]).arg(&want.immutable);
            make.into_iter().chain([close])
        });
        calls.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing;
    use super::*;
    use serde_json::json;

    const PATH: &str = "/etc/libvirt/qemu/autostart";

    fn verdict(found: &str, attributes: &str) -> Verdict {
        let sections = [(FOLDERS, found, 0), (ATTRIBUTES, attributes, 0)];
        testing::verdict(&json!({ "immutable": PATH }), &sections)
    }

    #[test]
    fn it_is_made_closed_and_left() {
        let change = |from: &str| Verdict::Change(vec![Delta::new("folder", from, "immutable")]);
        let there = format!("0 d {PATH}\n");
        assert_eq!(verdict("", ""), change(""));
        assert_eq!(
            verdict(&there, &format!("--------------e----- {PATH}\n")),
            change("can be written")
        );
        assert_eq!(
            verdict(&there, &format!("----i---------e----- {PATH}\n")),
            Verdict::Same
        );
        // Another folder's attribute is not its own.
        assert_eq!(
            verdict(&there, &format!("----i---------e----- {PATH}s\n")),
            change("can be written")
        );
    }

    #[test]
    fn what_lies_in_it_is_reported() {
        let held = format!("0 d {PATH}\n1 l {PATH}/web.xml\n");
        let Verdict::Finding { what, remedy } = verdict(&held, &format!("----i--- {PATH}\n"))
        else {
            panic!("no finding")
        };
        assert!(what.ends_with("and holds web.xml"), "{what}");
        assert!(
            remedy.contains(&format!("chattr -i {PATH} && rm {PATH}/web.xml")),
            "{remedy}"
        );
        assert!(matches!(
            verdict(&format!("0 l {PATH}\n"), ""),
            Verdict::Refuse(_)
        ));
    }
}
