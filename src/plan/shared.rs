//! Sections of an observation that the members of a cluster share: each is decided with the answers of all.

use crate::kind::Answer;
use crate::kinds::kinds;
use std::collections::{BTreeMap, BTreeSet};

/// Gives each member the shared sections of the others.
///
/// `now` are the answers of this observation. For a member that was not observed now, its answer `before` counts. A
/// member in neither has no answer, and a former one of it is removed.
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

    /// A member's answer: in the shared section, and in one of its own.
    fn answer_of(text: &str) -> Answer {
        Answer::from_sections([(shared(), text, 0), ("own", text, 0)])
    }

    /// Another member's shared section.
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
        // The newer answer counts.
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
