//! Groups of accounts.

use crate::kind::valid;
use crate::kind::valid::Presence;
use crate::kind::{
    Answer, Circumstances, Delta, Files, Kind, Observe, Orphans, Running, Runs, Target, Verdict,
};
use crate::sh::Call;

/// `group = "haclient"`.
pub struct GroupKind;

/// The keys of a step of kind `group`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    group: String,
    /// Its number; the next free one when unset.
    gid: Option<u32>,
    /// Takes its number from those of the system.
    #[serde(default)]
    system: bool,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

/// Its state by the group database.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Its number, if it is there.
    gid: Option<u32>,
    /// Another group that has the number wanted.
    holder: Option<String>,
}

impl Kind for GroupKind {
    const NAME: &'static str = "group";
    const DOC: &'static str = "A group of accounts. Members are added by `user`.";
    const ORPHANS: Orphans = Orphans::reported("the group stays");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.group.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::account("group", &want.group)
    }

    fn files(_want: &Want, _target: &Target) -> Files {
        Files {
            writes: valid::account_files(),
            ..Files::default()
        }
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

impl GroupKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let names = wants.iter().map(|w| w.group.clone());
        let numbers = wants.iter().filter_map(|w| w.gid).map(|n| n.to_string());
        let names = names.chain(numbers);
        observe.section("group", Call::new("getent").arg("group").args(names));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let fields = super::user::entry(answer, "group", &want.group, 4)?;
        let gid = fields.map(|f| super::user::number(&f[2])).transpose()?;
        let holder = want.gid;
        let holder = holder.and_then(|gid| super::user::holder(answer, "group", &want.group, gid));
        Ok(Seen { gid, holder })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        match (want.state, seen.gid, want.gid) {
            (Presence::Present, None, Some(wanted)) if seen.holder.is_some() => Verdict::Finding {
                what: format!(
                    "group {} cannot be made: {} has the number {wanted}",
                    want.group,
                    seen.holder.as_deref().unwrap_or_default()
                ),
                remedy: "name another `gid`, or leave it out".to_owned(),
            },
            (Presence::Present, None, _) => {
                Verdict::Change(vec![Delta::new("group", "absent", "present")])
            }
            (Presence::Absent, Some(_), _) => {
                Verdict::Change(vec![Delta::new("group", "present", "absent")])
            }
            (Presence::Present, Some(found), Some(wanted)) if found != wanted => Verdict::Finding {
                what: format!(
                    "group {} has the number {found}, wanted {wanted}",
                    want.group
                ),
                remedy: format!(
                    "files belong to numbers: `groupmod -g {wanted} {}` and a `chgrp` of what belonged to {found}, by hand",
                    want.group
                ),
            },
            _ => Verdict::Same,
        }
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .map(|(want, _)| {
                if want.state == Presence::Absent {
                    return Call::new("groupdel").arg(&want.group);
                }
                let mut call = Call::new("groupadd");
                if want.system {
                    call = call.arg("-r");
                }
                if let Some(gid) = want.gid {
                    call = call.arg("-g").arg(gid.to_string());
                }
                call.arg(&want.group)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{actions, changes, error, queries, verdict, verdict_on};
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    /// `getent group haclient adm` on Debian 12, after `groupadd -r haclient`.
    const GETENT: &str = "haclient:x:989:hacluster\nadm:x:4:\n";

    #[test]
    fn one_getent_asks_for_all() {
        assert_eq!(
            queries(&json!({ "group": ["a", "b"] }), Platform::El6),
            ["group: getent group a b"]
        );
    }

    #[test]
    fn it_is_made_where_it_is_not() {
        let step = json!({ "group": "haclient", "gid": 189, "system": true });
        let none = [("group", "", 2)];
        assert_eq!(changes(&step, &none), ["group: absent -> present"]);
        assert_eq!(actions(&step, &none), ["groupadd -r -g 189 haclient"]);
        assert_eq!(
            verdict(&json!({ "group": "haclient" }), &[("group", GETENT, 0)]),
            Verdict::Same
        );
        assert_eq!(
            verdict(&json!({ "group": "ha" }), &[("group", "", 2)]),
            Verdict::Change(vec![Delta::new("group", "absent", "present")])
        );
    }

    #[test]
    fn another_number_is_a_finding() {
        let step = json!({ "group": "haclient", "gid": 189 });
        assert_eq!(
            verdict(&step, &[("group", GETENT, 0)]),
            Verdict::Finding {
                what: "group haclient has the number 989, wanted 189".into(),
                remedy: "files belong to numbers: `groupmod -g 189 haclient` and a `chgrp` of what belonged to 989, by hand".into(),
            }
        );
    }

    #[test]
    fn a_number_that_another_group_has_is_a_finding() {
        let step = json!({ "group": "haclient", "gid": 4 });
        assert_eq!(
            queries(&step, Platform::El6),
            ["group: getent group haclient 4"]
        );
        let Verdict::Finding { what, .. } = verdict(&step, &[("group", "adm:x:4:\n", 2)]) else {
            panic!("no finding");
        };
        assert_eq!(what, "group haclient cannot be made: adm has the number 4");
    }

    #[test]
    fn it_goes_where_the_step_demands_it() {
        let step = json!({ "group": "adm", "state": "absent" });
        let there = [("group", GETENT, 0)];
        assert_eq!(changes(&step, &there), ["group: present -> absent"]);
        assert_eq!(actions(&step, &there), ["groupdel adm"]);
        assert_eq!(verdict(&step, &[("group", "", 2)]), Verdict::Same);
    }

    #[test]
    fn odd_answers_are_errors() {
        let step = json!({ "group": "adm" });
        for sections in [
            vec![],
            vec![("group", "", 127)],
            vec![("group", "", 1)],
            vec![("group", "adm:x:no:\n", 0)],
            vec![("group", "adm\n", 0)],
        ] {
            assert!(
                verdict_on(&step, Platform::El7, &sections).is_err(),
                "{sections:?}"
            );
        }
        assert!(error(&json!({ "group": "-f" })).contains("must be a name"));
    }
}
