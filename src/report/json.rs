//! Events for programs: one JSON object a line.

use crate::run::Event;

/// The event as one line; its key `event` says which it is.
pub(super) fn line(event: &Event) -> String {
    let mut line = serde_json::to_string(event).expect("an event is made of texts and numbers");
    line.push('\n');
    line
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
