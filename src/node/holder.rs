//! The holder of a node's lock.

/// The holder of a node's lock, as the lock itself names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The run.
    pub run: String,
    /// The process of its batch on the node.
    pub pid: String,
    /// Since when, by the node's clock, in UTC.
    pub since: String,
    /// The operator who started it: `anna@desk`.
    pub who: String,
    /// The lock's text, which [`Session::unlock`](super::Session::unlock) wants to see again.
    pub text: String,
}

impl Holder {
    /// Reads a lock's text: `RUN PID TICK BOOT SINCE WHO`.
    pub fn parse(text: &str) -> Self {
        let mut words = text.splitn(6, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        let (run, pid) = (next(), next());
        let (_tick, _boot) = (next(), next());
        let (since, who) = (next(), next());
        Self {
            run,
            pid,
            since,
            who,
            text: text.to_owned(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            run,
            pid,
            since,
            who,
            ..
        } = self;
        write!(f, "run {run} of {who} since {since} (process {pid})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder() {
        let holder =
            Holder::parse("20261120T235959-9f3a 4711 99 b-o-o-t 2026-11-20T23:59:59Z Anna B@desk");
        assert_eq!(
            holder.to_string(),
            "run 20261120T235959-9f3a of Anna B@desk since 2026-11-20T23:59:59Z (process 4711)"
        );
    }
}
