//! The releases of Debian that nodes can run: their differences, a row each.

use std::fs;

use anyhow::{Result, bail};

use crate::platform::Platform;

/// The lab's data of a Debian release.
#[derive(Debug)]
pub struct DebianRelease {
    /// The name that its suites have in the archive.
    pub codename: &'static str,
    /// Its word where a site names it as a platform.
    pub platform: &'static str,
    /// Packages that replace others here: the requested one, and those that provide the same.
    pub instead: &'static [(&'static str, &'static [&'static str])],
}

/// All of them, the oldest first.
const RELEASES: [DebianRelease; 2] = [
    DebianRelease {
        codename: "bookworm",
        platform: "debian12",
        instead: &[],
    },
    DebianRelease {
        codename: "trixie",
        platform: "debian13",
        // One package an agent, and all of them need the libraries of every cloud there is.
        instead: &[(
            "fence-agents",
            &[
                "fence-agents-apc",
                "fence-agents-apc-snmp",
                "fence-agents-bladecenter",
                "fence-agents-intelmodular",
                "fence-agents-ipmilan",
            ],
        )],
    },
];

/// The codename of this machine's own release.
pub fn own() -> Result<String> {
    of_os_release(&fs::read_to_string("/etc/os-release").unwrap_or_default())
}

/// The codename that is given, or that of this machine's own release.
pub fn codename_or_own(codename: Option<&str>) -> Result<String> {
    codename.map_or_else(own, |codename| Ok(codename.to_owned()))
}

/// The data of a release; one without a row counts as a successor of the last row.
pub fn release(codename: &str) -> &'static DebianRelease {
    let mut rows = RELEASES.iter();
    rows.find(|row| row.codename == codename)
        .unwrap_or(&RELEASES[RELEASES.len() - 1])
}

/// The codename of a platform of a site. `None`: it is no Debian.
pub fn codename_of(platform: Platform) -> Option<&'static str> {
    let mut rows = RELEASES.iter();
    rows.find(|row| row.platform == platform.word())
        .map(|row| row.codename)
}

/// The platform that nodes of a release are. `None`: sites know none of that release.
pub fn platform_of(codename: &str) -> Option<Platform> {
    let row = RELEASES.iter().find(|row| row.codename == codename)?;
    Platform::from_word(row.platform)
}

/// The platform that bare nodes are made for one of a site's: itself where it is a Debian, else this machine's own
/// release; the first that labs knew where sites do not know that.
pub fn platform_for(declared: Option<Platform>) -> Platform {
    declared
        .filter(|declared| codename_of(*declared).is_some())
        .or_else(|| platform_of(&own().ok()?))
        .unwrap_or(Platform::Debian12)
}

/// The names that packages have in a release.
pub fn names(codename: &str, packages: &[String]) -> Vec<String> {
    let instead = release(codename).instead;
    packages
        .iter()
        .flat_map(|package| {
            let row = instead.iter().find(|(name, _)| name == package);
            row.map_or_else(
                || vec![package.clone()],
                |(_, names)| names.iter().map(ToString::to_string).collect(),
            )
        })
        .collect()
}

/// `VERSION_CODENAME` of a Debian.
fn of_os_release(os_release: &str) -> Result<String> {
    let value = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"').to_owned())
    };
    match (value("ID").as_deref(), value("VERSION_CODENAME")) {
        (Some("debian"), Some(name)) if !name.is_empty() => Ok(name),
        (id, _) => bail!(
            "the lab builds Debian nodes from this machine's own apt sources, but this machine is `{}`; give a root filesystem with --root",
            id.unwrap_or("unknown")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_the_names_of_their_release() {
        let names_wanted = ["fence-agents", "acl"].map(String::from);
        assert_eq!(names("bookworm", &names_wanted), names_wanted);
        let trixie = names("trixie", &names_wanted);
        assert!(!trixie.contains(&names_wanted[0]), "{trixie:?}");
        assert!(trixie.contains(&names_wanted[1]), "{trixie:?}");
        assert_eq!(names("forky", &names_wanted), trixie);
    }

    #[test]
    fn another_distribution_is_refused_with_what_to_do() {
        assert_eq!(
            of_os_release("ID=debian\nVERSION_CODENAME=bookworm\n").unwrap(),
            "bookworm"
        );
        let error = of_os_release("ID=fedora\nVERSION_ID=41\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`fedora`") && error.contains("--root"),
            "{error}"
        );
    }
}
