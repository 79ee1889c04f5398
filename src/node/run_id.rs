//! The name of a run: when it began, and four random digits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Name of one run, such as `20261120T235959-9f3a`: UTC time and four random hexadecimal digits.
///
/// Names sort by time. They are safe as a word of shell, a file name and part of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// A new name for a run that begins now.
    ///
    /// Fails where the system gives no random bytes.
    pub fn now() -> std::io::Result<Self> {
        let random = random_hex(2)?;
        Ok(Self::from_parts(SystemTime::now(), &random))
    }

    fn from_parts(at: SystemTime, random: &str) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seconds = since.as_secs();
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        Self(format!(
            "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}-{random}"
        ))
    }

    /// Reads a name; anything else is refused.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
        let whole = bytes.len() == 20
            && digits(0..8)
            && bytes[8] == b'T'
            && digits(9..15)
            && bytes[15] == b'-'
            && bytes[16..]
                .iter()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        whole.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Random bytes of the system as lower-case hexadecimal digits.
pub(super) fn random_hex(bytes: usize) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut buffer = vec![0; bytes];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut buffer)?;
    Ok(hex(&buffer))
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let of_era = z % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_in_utc() {
        // The seconds are those of `date -u -d '2026-11-20 23:59:59' +%s` and its like (GNU date 9.1).
        for (seconds, name) in [
            (0, "19700101T000000-9f3a"),
            (951_782_400, "20000229T000000-9f3a"),
            (1_795_219_199, "20261120T235959-9f3a"),
        ] {
            let at = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(RunId::from_parts(at, "9f3a").as_str(), name);
        }
    }

    #[test]
    fn only_a_whole_name_is_read() {
        let id = RunId::now().unwrap();
        assert_eq!(RunId::parse(id.as_str()), Some(id));
        for bad in [
            "",
            "20261120T235959-9f3",
            "20261120T235959-9F3A",
            "../../../etc/passwd-",
            "20261120T235959-9f3a0",
        ] {
            assert_eq!(RunId::parse(bad), None, "{bad:?}");
        }
    }
}
