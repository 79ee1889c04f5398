//! The progress of a long step.

use crate::text::size;

/// The progress of work that continues by itself on a node: the first sync of a mirror, a rebuild of an array.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct Progress {
    /// Per cent done, from 0 to 100.
    pub percent: u8,
    /// Bytes per second, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<u64>,
    /// Seconds left, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} %", self.percent)?;
        if let Some(speed) = self.speed {
            write!(f, ", {}/s", size(speed))?;
        }
        match self
            .left
            .map(|left| (left / 3600, left / 60 % 60, left % 60))
        {
            Some((0, 0, seconds)) => write!(f, ", {seconds} s left"),
            Some((0, minutes, _)) => write!(f, ", {minutes} min left"),
            Some((hours, minutes, _)) => write!(f, ", {hours} h {minutes} min left"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn progress_reads_as_people_say_it() {
        let shown = |percent, speed, left| {
            Progress {
                percent,
                speed,
                left,
            }
            .to_string()
        };
        assert_eq!(shown(0, None, None), "0 %");
        assert_eq!(shown(12, Some(31_457_280), None), "12 %, 30.0 MiB/s");
        assert_eq!(shown(99, None, Some(59)), "99 %, 59 s left");
        assert_eq!(shown(99, None, Some(60)), "99 %, 1 min left");
        assert_eq!(
            shown(1, Some(1024), Some(7_805)),
            "1 %, 1.0 KiB/s, 2 h 10 min left"
        );
    }
}
