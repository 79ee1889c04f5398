//! What the members of a cluster say to each other: sections of their answers that each is decided with.

use crate::kind::Answer;
use crate::kinds::kinds;
use std::collections::{BTreeMap, BTreeSet};

/// Gives each member what the others said in the sections that are shared.
///
/// `now` is what this observation brought. Of a member that it did not ask, what it said `before` counts; of one that
/// is in neither nothing is known, and what was known of it is taken away.
pub fn share(
    cluster: &BTreeSet<String>,
    now: &mut BTreeMap<&str, &mut Answer>,
    before: &BTreeMap<&str, &Answer>,
) {
    for name in kinds().flat_map(|k| k.running().manner().shared) {
        let mut sections = BTreeMap::new();
        for member in cluster {
            let now = now.get(member.as_str()).map(|answer| &**answer);
            let last = now.or_else(|| before.get(member.as_str()).copied());
            sections.insert(member, last.and_then(|a| a.get(name)).cloned());
        }
        for (node, answer) in now.iter_mut().filter(|(n, _)| cluster.contains(**n)) {
            for (member, section) in sections.iter().filter(|(m, _)| m.as_str() != *node) {
                answer.share(member, name, section.as_ref());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::for_tests::names;
    use super::*;

    /// A section that members share.
    fn shared() -> &'static str {
        let mut all = kinds().flat_map(|k| k.running().manner().shared);
        all.next().expect("a kind that shares a section")
    }

    /// What a member says in it, and in one of its own.
    fn answer_of(text: &str) -> Answer {
        Answer::from_sections([(shared(), text, 0), ("own", text, 0)])
    }

    /// What another member said in it.
    fn shared_by(answer: &Answer, member: &str) -> Option<String> {
        assert_eq!(answer.of(member, "own"), None);
        let section = answer.of(member, shared())?;
        Some(section.text().into_owned())
    }

    #[test]
    fn each_member_hears_the_others_and_nobody_else_does() {
        let (mut one, mut two, mut alone) =
            (answer_of("one"), answer_of("two"), answer_of("alone"));
        share(
            &names(&["node1", "node2"]),
            &mut [
                ("node1", &mut one),
                ("node2", &mut two),
                ("alone", &mut alone),
            ]
            .into(),
            &BTreeMap::new(),
        );
        assert_eq!(shared_by(&one, "node2").as_deref(), Some("two"));
        assert_eq!(shared_by(&two, "node1").as_deref(), Some("one"));
        assert_eq!(shared_by(&one, "node1"), None);
        assert_eq!(shared_by(&one, "alone"), None);
        assert_eq!(shared_by(&alone, "node1"), None);
    }

    #[test]
    fn of_a_member_that_was_not_asked_again_its_last_word_counts() {
        let (mut one, two) = (answer_of("one"), answer_of("two"));
        let cluster = names(&["node1", "node2"]);
        share(
            &cluster,
            &mut [("node1", &mut one)].into(),
            &[("node2", &two)].into(),
        );
        assert_eq!(shared_by(&one, "node2").as_deref(), Some("two"));
        // What it says now counts more.
        let mut newer = answer_of("newer");
        share(
            &cluster,
            &mut [("node1", &mut one), ("node2", &mut newer)].into(),
            &[("node2", &two)].into(),
        );
        assert_eq!(shared_by(&one, "node2").as_deref(), Some("newer"));
    }

    #[test]
    fn of_a_member_that_does_not_answer_nothing_is_known() {
        let (mut one, two) = (answer_of("one"), answer_of("two"));
        let cluster = names(&["node1", "node2"]);
        let mut now = BTreeMap::from([("node1", &mut one)]);
        share(&cluster, &mut now, &[("node2", &two)].into());
        share(&cluster, &mut now, &BTreeMap::new());
        assert_eq!(shared_by(&one, "node2"), None);
    }
}
