//! The plan of an operation on the cluster: services, steps, and notes.

use super::{OutputStyle, Tone};
use crate::run::{Fate, Operation};
use std::fmt::Write as _;

/// The plan of an operation.
pub fn operation(operation: &Operation, style: &OutputStyle) -> String {
    let mut text = style.paint(Tone::Strong, &operation.command) + "\n";
    let effects = operation.effects.iter();
    let width = effects.clone().map(|e| e.name.len()).max().unwrap_or(0);
    for effect in effects {
        let tone = match effect.how {
            Fate::Live | Fate::Stays => Tone::Plain,
            Fate::Outage => Tone::Bad,
        };
        let what = style.paint(tone, &effect.what);
        let _ = writeln!(text, "  {:<width$}  {what}", effect.name);
    }
    for step in &operation.steps {
        let node = style.paint(Tone::Strong, &step.node);
        let _ = writeln!(text, "  {node}: {}", step.title);
    }
    for note in &operation.notes {
        text.push_str(&style.wrap(2, Tone::Dim, note));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Effect, OperationStep};

    #[test]
    fn services_come_first_then_steps_then_what_is_to_be_known() {
        let effect = |name: &str, how, what: &str| Effect {
            name: name.to_owned(),
            how,
            what: what.to_owned(),
        };
        let plan = Operation {
            command: "drain node1".to_owned(),
            effects: vec![
                effect("guest_web", Fate::Live, "moves live"),
                effect("db", Fate::Outage, "is interrupted"),
            ],
            steps: vec![OperationStep {
                node: "node2".to_owned(),
                title: "keep them off".to_owned(),
            }],
            notes: vec!["Nothing takes over.".to_owned()],
            interrupts: true,
        };
        let text = operation(&plan, &OutputStyle::default());
        assert_eq!(
            text,
            "drain node1\n  guest_web  moves live\n  db         is interrupted\n  node2: keep them off\n  Nothing takes over.\n"
        );
    }
}
