//! Versions of packages: how rpm distinguishes them.

use std::cmp::Ordering;

/// One installed version: `EPOCH:VERSION-RELEASE` as rpm has it. An epoch of none is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpmVersion<'a> {
    epoch: &'a str,
    version: &'a str,
    release: &'a str,
}

impl<'a> RpmVersion<'a> {
    /// Reads `[EPOCH:]VERSION[-RELEASE]`; old rpm prints `(none)` for no epoch.
    pub(super) fn new(text: &'a str) -> Self {
        let (epoch, rest) = text.split_once(':').unwrap_or(("", text));
        let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
        let epoch = if epoch == "(none)" { "0" } else { epoch };
        Self {
            epoch,
            version,
            release,
        }
    }

    /// For display: the epoch is shown only when it is not 0.
    pub(super) fn show(&self) -> String {
        let epoch = match self.epoch {
            "" | "0" => String::new(),
            epoch => format!("{epoch}:"),
        };
        let release = if self.release.is_empty() {
            String::new()
        } else {
            format!("-{}", self.release)
        };
        format!("{epoch}{}{release}", self.version)
    }

    /// Whether this installed version is the one asked for, which may leave epoch and release open.
    pub(super) fn is(&self, wanted: &Self) -> bool {
        (wanted.epoch.is_empty() || wanted.epoch == self.epoch)
            && wanted.version == self.version
            && (wanted.release.is_empty() || wanted.release == self.release)
    }

    /// Its order to the desired one, in the parts that the desired one has.
    pub(super) fn order(&self, wanted: &Self) -> Ordering {
        let epoch = if wanted.epoch.is_empty() {
            Ordering::Equal
        } else {
            segments(self.epoch, wanted.epoch)
        };
        let release = || {
            if wanted.release.is_empty() {
                Ordering::Equal
            } else {
                segments(self.release, wanted.release)
            }
        };
        epoch
            .then_with(|| segments(self.version, wanted.version))
            .then_with(release)
    }
}

/// rpm's order of two words (`rpmvercmp`): runs of digits by number, runs of letters by bytes, a number is newer than
/// letters, `~` is older than the end, `^` newer than the end and older than anything else.
fn segments(mut a: &str, mut b: &str) -> Ordering {
    let separator = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
    loop {
        a = a.trim_start_matches(separator);
        b = b.trim_start_matches(separator);
        match (a.starts_with('~'), b.starts_with('~')) {
            (true, true) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        match (a.starts_with('^'), b.starts_with('^')) {
            (true, true) => {
                (a, b) = (&a[1..], &b[1..]);
                continue;
            }
            (true, false) if b.is_empty() => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            (false, true) if a.is_empty() => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len());
        }
        let digits = a.starts_with(|c: char| c.is_ascii_digit());
        let run = |word: &str| {
            word.find(|c: char| !c.is_ascii_alphanumeric() || c.is_ascii_digit() != digits)
                .unwrap_or(word.len())
        };
        let (end_a, end_b) = (run(a), run(b));
        if end_b == 0 {
            return if digits {
                Ordering::Greater
            } else {
                Ordering::Less
            };
        }
        let (one, other) = (&a[..end_a], &b[..end_b]);
        let order = if digits {
            let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        } else {
            one.cmp(other)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[end_a..], &b[end_b..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_rpms() {
        // Pairs from rpm's own test suite (tests/rpmvercmp.at).
        for (a, b, order) in [
            ("1.0", "1.0", Ordering::Equal),
            ("1.0", "2.0", Ordering::Less),
            ("2.0.1a", "2.0.1", Ordering::Greater),
            ("5.5p1", "5.5p10", Ordering::Less),
            ("10xyz", "10.1xyz", Ordering::Less),
            ("xyz10", "xyz10.1", Ordering::Less),
            ("xyz.4", "8", Ordering::Less),
            ("5.5p2", "5.6p1", Ordering::Less),
            ("6.0.rc1", "6.0", Ordering::Greater),
            ("10b2", "10a1", Ordering::Greater),
            ("7.0", "7.1", Ordering::Less),
            ("2_0", "2.0", Ordering::Equal),
            ("1.0010", "1.9", Ordering::Greater),
            ("1.05", "1.5", Ordering::Equal),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.0~rc1~git123", "1.0~rc1", Ordering::Less),
            ("1.0^", "1.0", Ordering::Greater),
            ("1.0^git1", "1.01", Ordering::Less),
            ("1.0^20160101", "1.0.1", Ordering::Less),
        ] {
            assert_eq!(segments(a, b), order, "{a} {b}");
            assert_eq!(segments(b, a), order.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn what_is_left_open_matches_anything() {
        let seen = RpmVersion::new("1:8.4.11-1.el6");
        for wanted in ["8.4.11", "8.4.11-1.el6", "1:8.4.11", "1:8.4.11-1.el6"] {
            assert!(seen.is(&RpmVersion::new(wanted)), "{wanted}");
        }
        for wanted in ["8.4", "8.4.11-1", "0:8.4.11", "2:8.4.11-1.el6"] {
            assert!(!seen.is(&RpmVersion::new(wanted)), "{wanted}");
        }
        assert_eq!(seen.order(&RpmVersion::new("8.4.9")), Ordering::Greater);
        assert_eq!(seen.order(&RpmVersion::new("8.4.11-2.el6")), Ordering::Less);
        assert_eq!(RpmVersion::new("(none):1-2").show(), "1-2");
        assert_eq!(seen.show(), "1:8.4.11-1.el6");
    }
}
