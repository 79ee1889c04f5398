//! Whether the clock follows a time server: asked of chrony, on EL6 of ntpd (docs/facts/releases.md#time).

use crate::kind::{Answer, Kind, Observe, Orphans, Running, Runs, Target};
use crate::platform::TimeDaemon;
use crate::sh::Call;

/// `clock = "system"`; only seen, never changed.
pub struct ClockKind;

/// The keys of a step of kind `clock`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The clock: always `system`.
    clock: ClockName,
}

/// The one clock there is.
#[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ClockName {
    /// The system's.
    System,
}

/// The state of the clock.
#[derive(Debug, Default, PartialEq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// Whether it follows a source.
    synchronised: bool,
    /// The source's address; empty where there is none.
    source: String,
    /// Its offset in milliseconds; below zero it is slow.
    offset: Option<f64>,
}

impl Kind for ClockKind {
    const NAME: &'static str = "clock";
    const DOC: &'static str =
        "Whether the clock follows a time server; for checks, a step of it changes nothing.";
    const ORPHANS: Orphans = Orphans::reported("it was only observed");
    const RUNNING: &'static dyn Runs = &Running::new(Self::observe, Self::parse);
    type Want = Want;

    fn name(want: &Want) -> String {
        match want.clock {
            ClockName::System => "system".to_owned(),
        }
    }
}

impl ClockKind {
    fn observe(_wants: &[&Want], target: &Target, observe: &mut Observe) {
        let call = match target.platform.time_daemon() {
            TimeDaemon::Ntpd => Call::new("ntpq").arg("-pn"),
            TimeDaemon::Chrony => Call::new("chronyc").args(["-n", "tracking"]),
        };
        // Both ask a daemon, which may not answer.
        observe.slow_section(Self::NAME, call);
    }

    fn parse(_want: &Want, target: &Target, answer: &Answer) -> Result<Seen, String> {
        let section = answer.get(Self::NAME).ok_or("the clock was not observed")?;
        if section.status != 0 {
            return Ok(Seen::default());
        }
        let text = section.text();
        Ok(match target.platform.time_daemon() {
            TimeDaemon::Ntpd => ntpq(&text),
            TimeDaemon::Chrony => chronyc(&text),
        })
    }
}

/// The line of the source that is followed begins with `*`; its ninth column is the offset in milliseconds.
fn ntpq(text: &str) -> Seen {
    let Some(line) = text.lines().find_map(|l| l.strip_prefix('*')) else {
        return Seen::default();
    };
    let columns: Vec<_> = line.split_whitespace().collect();
    Seen {
        synchronised: true,
        source: columns.first().map(|c| (*c).to_owned()).unwrap_or_default(),
        offset: columns.get(8).and_then(|c| c.parse().ok()),
    }
}

/// Lines of `NAME : VALUE`.
fn chronyc(text: &str) -> Seen {
    let value = |name: &str| {
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(" : ")?;
            (key.trim() == name).then(|| value.trim())
        })
    };
    let synchronised = value("Leap status").is_some_and(|s| s != "Not synchronised");
    let source = value("Reference ID")
        .and_then(|v| v.split_once('(')?.1.strip_suffix(')'))
        .unwrap_or_default();
    let offset = value("System time").and_then(|v| {
        let (seconds, rest) = v.split_once(' ')?;
        let seconds: f64 = seconds.parse().ok()?;
        let sign = if rest.contains("slow") { -1.0 } else { 1.0 };
        Some(seconds * 1000.0 * sign)
    });
    Seen {
        synchronised,
        source: source.to_owned(),
        offset: offset.filter(|_| synchronised),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::queries;
    use super::*;
    use crate::platform::Platform;
    use serde_json::json;

    // Written from chrony 4.3's client.c (process_cmd_tracking).
    const TRACKING: &str = "Reference ID    : C0000201 (192.0.2.1)\nStratum         : 3\n\
        Ref time (UTC)  : Fri Nov 20 12:00:00 2026\nSystem time     : 0.000250000 seconds slow of NTP time\n\
        Last offset     : -0.000000001 seconds\nLeap status     : Normal\n";
    const ALONE: &str = "Reference ID    : 00000000 ()\nStratum         : 0\n\
        System time     : 0.000000000 seconds fast of NTP time\nLeap status     : Not synchronised\n";
    // Written from ntp 4.2.6's ntpq documentation.
    const PEERS: &str = "     remote           refid      st t when poll reach   delay   offset  jitter\n\
        ==============================================================================\n\
        +192.0.2.2       .GPS.            1 u   33   64  377    0.500    0.020   0.010\n\
        *192.0.2.1       .GPS.            1 u   33   64  377    0.500   -0.125   0.010\n";

    #[test]
    fn each_platform_asks_its_own_daemon() {
        let step = json!({ "clock": "system" });
        assert_eq!(queries(&step, Platform::El6), ["clock: ntpq -pn"]);
        assert_eq!(
            queries(&step, Platform::El9),
            ["clock: chronyc -n tracking"]
        );
    }

    #[test]
    fn a_source_that_is_followed_is_seen() {
        let seen = chronyc(TRACKING);
        assert_eq!(
            (seen.synchronised, seen.source.as_str()),
            (true, "192.0.2.1")
        );
        assert_eq!(seen.offset, Some(-0.25));
        let seen = ntpq(PEERS);
        assert_eq!(
            (seen.synchronised, seen.source.as_str()),
            (true, "192.0.2.1")
        );
        assert_eq!(seen.offset, Some(-0.125));
    }

    #[test]
    fn a_clock_alone_is_not_synchronised() {
        assert_eq!(chronyc(ALONE), Seen::default());
        assert_eq!(chronyc(""), Seen::default());
        assert_eq!(ntpq(&PEERS.replace('*', " ")), Seen::default());
    }
}
