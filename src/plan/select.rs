//! Which resources a command is about: `--only` and `--skip`.

use crate::kind::Address;
use wildmatch::WildMatch;

/// Globs over addresses. Without any, everything is meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    only: Vec<WildMatch>,
    skip: Vec<WildMatch>,
}

impl Selection {
    /// Reads globs: `*` matches any text (slashes included), `?` one character.
    pub fn new<S: AsRef<str>>(only: &[S], skip: &[S]) -> Self {
        let globs = |words: &[S]| words.iter().map(|w| WildMatch::new(w.as_ref())).collect();
        Self {
            only: globs(only),
            skip: globs(skip),
        }
    }

    /// Whether everything is meant.
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// Whether it names what is meant, with `--only`.
    pub fn names(&self) -> bool {
        !self.only.is_empty()
    }

    /// Whether this resource is meant: some `only` matches (or there is none), and no `skip` does.
    pub fn takes(&self, address: &Address) -> bool {
        let address = address.to_string();
        let hit = |globs: &[WildMatch]| globs.iter().any(|g| g.matches(&address));
        (self.only.is_empty() || hit(&self.only)) && !hit(&self.skip)
    }

    /// The globs that match none of these: almost always a typing error, which a command refuses.
    pub fn unmatched(&self, addresses: &[Address]) -> Vec<String> {
        let texts: Vec<_> = addresses.iter().map(Address::to_string).collect();
        let globs = self.only.iter().chain(&self.skip);
        globs
            .filter(|g| !texts.iter().any(|t| g.matches(t)))
            .map(ToString::to_string)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn without_globs_everything_is_meant() {
        let all = Selection::new::<&str>(&[], &[]);
        assert!(all.is_all() && all.takes(&address("base/file:/etc/hosts")));
    }

    #[test]
    fn skip_wins_over_only() {
        let some = Selection::new(&["base/*", "*/file:/etc/h?sts"], &["*:chrony"]);
        assert!(some.takes(&address("base/package:vim")));
        assert!(some.takes(&address("network/file:/etc/hosts")));
        assert!(!some.takes(&address("base/package:chrony")));
        assert!(!some.takes(&address("network/package:vim")));
    }

    #[test]
    fn a_glob_without_match_is_named() {
        let some = Selection::new(&["base/*", "bsae/*"], &["*/nothing:*"]);
        let there = [address("base/package:vim")];
        assert_eq!(some.unmatched(&there), ["bsae/*", "*/nothing:*"]);
    }
}
