//! Events for programs: one JSON object a line.

use crate::run::Event;
use std::fmt::Write as _;

/// The event as one line; its key `event` says which it is.
pub(super) fn line(event: &Event) -> String {
    json_line(event)
}

/// A value as one line of JSON in which no character controls a terminal.
pub fn json_line(value: &impl serde::Serialize) -> String {
    let line =
        serde_json::to_string(value).expect("it is made of texts, numbers, lists and tables");
    let mut out = String::with_capacity(line.len() + 1);
    // Only texts hold any of these, and in a text they may be written so.
    for c in line.chars() {
        if super::style::harmless(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event = Event::Note {
            node: None,
            text: "two\nlines".into(),
        };
        assert_eq!(
            line(&event),
            "{\"event\":\"note\",\"node\":null,\"text\":\"two\\nlines\"}\n"
        );
    }

    #[test]
    fn what_controls_a_terminal_is_written_as_json_writes_it() {
        let text = "\u{1b}[2J \u{9b}2J \u{202e} ü";
        let line = json_line(&text);
        assert_eq!(line, "\"\\u001b[2J \\u009b2J \\u202e ü\"\n");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn a_plan_names_its_addresses_as_people_do() {
        let event = Event::Planned {
            plan: super::super::samples::plan(),
        };
        let value: serde_json::Value = serde_json::from_str(&line(&event)).unwrap();
        assert_eq!(value["event"], "planned");
        assert_eq!(
            value["plan"]["nodes"][0]["changes"][1]["addresses"][1],
            "base/line:/etc/hosts"
        );
    }
}
