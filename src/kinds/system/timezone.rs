//! The node's time zone.

use crate::kind::valid;
use crate::kind::{
    Answer, Attributes, Circumstances, Edit, EditChange, Files, Kind, Observe, Orphans, Running,
    Runs, Target, Verdict,
};
use crate::platform::ZoneFile;
use crate::sh::Call;
use crate::text::Text;

/// `timezone = "Europe/Zurich"`.
pub struct TimezoneKind;

/// The keys of a step of kind `timezone`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name under /usr/share/zoneinfo.
    timezone: String,
}

/// The node's state of the zone.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether the zone's file is there.
    known: bool,
}

/// The place where the files of all zones lie.
const ZONES: &str = "/usr/share/zoneinfo";

impl Kind for TimezoneKind {
    const NAME: &'static str = "timezone";
    const DOC: &'static str =
        "The node's time zone: /etc/localtime and what else names it on the release.";
    const ORPHANS: Orphans = Orphans::reported("it stays as it is");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.timezone.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        let zone = &want.timezone;
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"/_+-".contains(&b);
        if zone.starts_with('-')
            || !zone.bytes().all(ok)
            || valid::path("timezone", &format!("/{zone}")).is_err()
        {
            return Err(format!(
                "`{}` is no time zone: a name such as `Europe/Zurich` or `UTC`",
                zone.escape_debug()
            ));
        }
        Ok(())
    }

    fn files(want: &Want, target: &Target) -> Files {
        Self::edits(want, target).into()
    }
}

impl TimezoneKind {
    /// EL6 names it in /etc/sysconfig/clock too, Debian up to 12 in /etc/timezone. Each release writes the link in its own
    /// form.
    fn edits(want: &Want, target: &Target) -> Vec<Edit> {
        let zone = &want.timezone;
        let edit = |path: &str, change| Edit {
            path: path.to_owned(),
            change,
            attributes: Attributes::default(),
        };
        let link = |up: &str| {
            edit(
                "/etc/localtime",
                EditChange::Symlink(format!("{up}/usr/share/zoneinfo/{zone}")),
            )
        };
        match target.platform.zone_file() {
            ZoneFile::Sysconfig => vec![
                edit(
                    "/etc/sysconfig/clock",
                    EditChange::Ini {
                        section: String::new(),
                        key: "ZONE".to_owned(),
                        value: Some(Text::plain(format!("\"{zone}\""))),
                        separator: "=".to_owned(),
                    },
                ),
                link(".."),
            ],
            ZoneFile::Timezone => vec![
                edit(
                    "/etc/timezone",
                    EditChange::Whole {
                        content: Text::plain(format!("{zone}\n")),
                        check: None,
                        once: false,
                    },
                ),
                link(""),
            ],
            ZoneFile::FormerTimezone => vec![edit("/etc/timezone", EditChange::Absent), link("")],
            ZoneFile::LinkAlone => vec![link("..")],
        }
    }

    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let zones = wants.iter().map(|w| format!("{ZONES}/{}", w.timezone));
        let find = Call::new("find").arg("-L").args(zones);
        observe.section("timezone", find.args(["-maxdepth", "0", "-type", "f"]));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        // `find` ends with 1 where a zone is not there.
        let section = answer.get("timezone").filter(|s| s.status <= 1);
        let section = section.ok_or("the time zone was not looked for")?;
        let file = format!("{ZONES}/{}", want.timezone);
        let known = section.text().lines().any(|line| line == file);
        Ok(Seen { known })
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        if seen.known {
            return Verdict::Same;
        }
        Verdict::After {
            what: "the package tzdata".to_owned(),
            table: format!("zone {} exists: set it; missing: refused", want.timezone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits_on, error, queries, verdict};
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    fn shown(platform: Platform) -> Vec<String> {
        edits_on(&json!({ "timezone": "Europe/Zurich" }), platform)
            .into_iter()
            .map(|edit| match edit.change {
                EditChange::Symlink(to) => format!("{} -> {to}", edit.path),
                EditChange::Whole { content, .. } => {
                    format!("{}: {}", edit.path, content.as_marked())
                }
                EditChange::Ini {
                    key,
                    value,
                    separator,
                    ..
                } => {
                    format!(
                        "{}: {key}{separator}{}",
                        edit.path,
                        value.unwrap().as_marked()
                    )
                }
                EditChange::Absent => format!("{}: absent", edit.path),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn each_release_names_it_where_it_reads_it() {
        assert_eq!(
            shown(Platform::El6),
            [
                "/etc/sysconfig/clock: ZONE=\"Europe/Zurich\"",
                "/etc/localtime -> ../usr/share/zoneinfo/Europe/Zurich"
            ]
        );
        assert_eq!(
            shown(Platform::El7),
            ["/etc/localtime -> ../usr/share/zoneinfo/Europe/Zurich"]
        );
        assert_eq!(
            shown(Platform::Debian12),
            [
                "/etc/timezone: Europe/Zurich\n",
                "/etc/localtime -> /usr/share/zoneinfo/Europe/Zurich"
            ]
        );
        assert_eq!(
            shown(Platform::Debian13),
            [
                "/etc/timezone: absent",
                "/etc/localtime -> /usr/share/zoneinfo/Europe/Zurich"
            ]
        );
    }

    #[test]
    fn a_zone_that_the_node_does_not_know_waits_for_its_package() {
        let step = json!({ "timezone": "Europe/Zurich" });
        assert_eq!(
            queries(&step, Platform::El6),
            ["timezone: find -L /usr/share/zoneinfo/Europe/Zurich -maxdepth 0 -type f"]
        );
        assert_eq!(
            verdict(
                &step,
                &[("timezone", "/usr/share/zoneinfo/Europe/Zurich\n", 0)]
            ),
            Verdict::Same
        );
        assert!(matches!(
            verdict(&step, &[("timezone", "", 0)]),
            Verdict::After { .. }
        ));
    }

    #[test]
    fn a_zone_is_a_name() {
        for bad in [
            "",
            "../../etc/shadow",
            "a b",
            "Europe//Zurich",
            "-x",
            "a;b",
            "/UTC",
            "Europe/Zurich\n",
        ] {
            assert!(
                error(&json!({ "timezone": bad })).contains("is no time zone"),
                "{bad:?}"
            );
        }
    }
}
