//! Whether a checkout of the site may be applied: not where a node was last converged to a checkout that it does not
//! contain.

/// The last run in a node's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastApplied<'a> {
    /// The operator who began it: `anna@desk`.
    pub who: &'a str,
    /// The site's commit, with `+` where the checkout had changes that were not committed; empty outside git.
    pub commit: &'a str,
    /// When, by the node's clock.
    pub at: &'a str,
    /// The run.
    pub run: &'a str,
}

/// The reason why this checkout may not be applied to a node without a word. `contains` tells whether a commit is part
/// of it; where it cannot, the answer is no: whoever does not know a commit has not merged it. Without `contains` the
/// site is in no git repository here.
pub fn older<C: Fn(&str) -> Option<bool>>(
    last: LastApplied<'_>,
    node: &str,
    contains: Option<C>,
) -> Option<String> {
    let commit = last.commit.trim_end_matches('+');
    if commit.is_empty() {
        return None;
    }
    let lacks = match contains {
        Some(contains) if contains(commit) == Some(true) => return None,
        Some(_) => "this checkout does not contain it",
        None => {
            "this copy of the site is in no git repository, so nothing tells whether it contains it"
        }
    };
    Some(format!(
        "{} applied commit {} to {node} at {} (run {}), and {lacks}. Fetch and merge it, or go on over it: --over {}",
        last.who,
        commit.get(..12).unwrap_or(commit),
        last.at,
        last.run,
        last.run
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn last(commit: &str) -> LastApplied<'_> {
        LastApplied {
            who: "anna@desk",
            commit,
            at: "2026-11-20T23:59:59Z",
            run: "20261120T235959-9f3a",
        }
    }

    #[test]
    fn a_checkout_that_does_not_contain_what_was_applied_says_who_did_what_when() {
        assert_eq!(
            older(last(COMMIT), "node1", Some(|_: &str| Some(false))).unwrap(),
            "anna@desk applied commit 0123456789ab to node1 at 2026-11-20T23:59:59Z (run 20261120T235959-9f3a), \
             and this checkout does not contain it. Fetch and merge it, or go on over it: --over 20261120T235959-9f3a"
        );
    }

    #[test]
    fn one_that_contains_it_may_be_applied() {
        let contains = |commit: &str| Some(commit == COMMIT);
        assert_eq!(older(last(COMMIT), "node1", Some(contains)), None);
        // Uncommitted changes of that run cannot be part of another checkout.
        let edited = format!("{COMMIT}+");
        assert_eq!(older(last(&edited), "node1", Some(contains)), None);
    }

    #[test]
    fn a_commit_that_is_not_known_here_is_not_contained() {
        assert!(older(last(COMMIT), "node1", Some(|_: &str| None)).is_some());
        assert!(
            older(last("short"), "node1", Some(|_: &str| None))
                .unwrap()
                .contains("commit short to")
        );
    }

    #[test]
    fn a_run_from_outside_git_holds_nobody() {
        for commit in ["", "+"] {
            assert_eq!(
                older(last(commit), "node1", Some(|_: &str| Some(false))),
                None
            );
        }
    }

    #[test]
    fn a_copy_without_git_says_so() {
        let none: Option<fn(&str) -> Option<bool>> = None;
        let text = older(last(COMMIT), "node1", none).unwrap();
        assert!(text.contains("in no git repository"), "{text}");
        assert_eq!(older(last(""), "node1", none), None);
    }
}
