//! The ports of a knock: one secret of the site, `7301,7117,7542`. No message of this module contains a port.

use super::super::Site;
use crate::text::Vault;
use std::collections::BTreeSet;
use std::fmt;

/// The lowest port of a knock. Below, services are found; and every port has four digits, so that it is known where it
/// would be shown.
const LOWEST: u16 = 1024;

/// The ports of a knock in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Sequence(Vec<u16>);

impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ports", self.0.len())
    }
}

/// The reason why a value is no sequence of ports. Names places in it, never a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KnockError {
    /// A word between commas is no port.
    #[error(
        "word {0} of it is no port: ports are numbers from {LOWEST} to 65535, with commas between them"
    )]
    NoPort(usize),
    /// A port is in it twice.
    #[error(
        "ports {0} and {1} of it are the same: somebody who tries one port after another would get further"
    )]
    Twice(usize, usize),
    /// It only rises or only falls.
    #[error(
        "its ports only {0}, and a scan of all ports would knock: put one of them elsewhere in the order"
    )]
    InOrder(&'static str),
    /// One of them is the port that it opens.
    #[error("port {0} of it is the port of sshd, which it is to open")]
    Sshd(usize),
    /// One of them is open to somebody.
    #[error("port {0} of it is opened by role `{1}`, so it cannot be knocked at")]
    Open(usize, String),
    /// There are more or fewer than the site declares.
    #[error("it has {found} port(s), and `ports` is {declared}")]
    Count {
        /// The number that it has.
        found: usize,
        /// The number that the site declares.
        declared: usize,
    },
}

impl Sequence {
    /// Reads the value of the secret.
    ///
    /// # Errors
    /// [`KnockError::NoPort`], with the number of the word from 1.
    pub fn parse(value: &str) -> Result<Self, KnockError> {
        let ports = value.split(',').enumerate().map(|(at, word)| {
            let word = word.trim();
            let port = word.parse().ok().filter(|port| *port >= LOWEST);
            port.filter(|port: &u16| port.to_string() == word)
                .ok_or(KnockError::NoPort(at + 1))
        });
        ports.collect::<Result<_, _>>().map(Self)
    }

    /// The ports.
    pub fn ports(&self) -> &[u16] {
        &self.0
    }

    /// Everything that is wrong with it (docs/facts/firewall.md#port-knocking). `sshd` are the ports that it opens,
    /// `open` are ports of TCP that roles open, each with its role, `declared` is how many ports the site declares.
    pub fn problems(
        &self,
        declared: usize,
        sshd: &BTreeSet<u16>,
        open: &[(u16, String)],
    ) -> Vec<KnockError> {
        let mut problems = Vec::new();
        if self.0.len() != declared {
            let found = self.0.len();
            problems.push(KnockError::Count { found, declared });
        }
        for (at, port) in self.0.iter().enumerate() {
            if let Some(first) = self.0[..at].iter().position(|p| p == port) {
                problems.push(KnockError::Twice(first + 1, at + 1));
            }
            if sshd.contains(port) {
                problems.push(KnockError::Sshd(at + 1));
            } else if let Some((_, role)) = open.iter().find(|(p, _)| p == port) {
                problems.push(KnockError::Open(at + 1, role.clone()));
            }
        }
        if self.0.len() > 1 && problems.is_empty() {
            if self.0.is_sorted() {
                problems.push(KnockError::InOrder("rise"));
            } else if self.0.iter().rev().is_sorted() {
                problems.push(KnockError::InOrder("fall"));
            }
        }
        problems
    }
}

/// The name by which files name the port of one knock, counted from 1: no name of a secret of the site.
pub fn port_secret(number: usize) -> String {
    format!(".knock.{number}")
}

/// The secret whose value is behind this name: the site's for the port of a knock, else the name itself.
pub fn behind<'a>(site: &'a Site, name: &'a str) -> &'a str {
    match (name.strip_prefix(".knock."), &site.inventory.firewall.knock) {
        (Some(_), Some(knock)) => knock.sequence.secret.as_str(),
        _ => name,
    }
}

/// The site's sequence, where knocking is described and the vault has its value.
pub fn of(site: &Site, vault: &Vault) -> Option<Result<Sequence, KnockError>> {
    let knock = site.inventory.firewall.knock.as_ref()?;
    vault
        .get(knock.sequence.secret.as_str())
        .map(|v| Sequence::parse(v))
}

/// Puts the single ports into a vault that has the whole.
pub fn unfold(site: &Site, vault: &mut Vault) {
    if let Some(Ok(sequence)) = of(site, vault) {
        for (at, port) in sequence.ports().iter().enumerate() {
            vault.insert(port_secret(at + 1), port.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::words::types::Word as _;
    use super::*;

    fn problems(text: &str, declared: usize) -> Vec<KnockError> {
        let open = [(7788, "drbd".to_owned())];
        let sequence = Sequence::parse(text).unwrap();
        sequence.problems(declared, &BTreeSet::from([22, 2222]), &open)
    }

    #[test]
    fn a_good_sequence_has_no_problem() {
        assert_eq!(problems("7301,7117,7542", 3), []);
        assert_eq!(problems(" 7301 , 7117 ", 2), [KnockError::InOrder("fall")]);
        assert_eq!(problems("7301", 1), []);
    }

    #[test]
    fn every_bad_one_is_reported_and_no_port_is_shown() {
        let cases = [
            (problems("7301,7117,7301", 3), KnockError::Twice(1, 3)),
            (problems("7301,7401,7501", 3), KnockError::InOrder("rise")),
            (problems("7501,7401,7301", 3), KnockError::InOrder("fall")),
            (problems("7301,2222,7542", 3), KnockError::Sshd(2)),
            (
                problems("7301,7117,7788", 3),
                KnockError::Open(3, "drbd".into()),
            ),
            (
                problems("7301,7117,7542", 4),
                KnockError::Count {
                    found: 3,
                    declared: 4,
                },
            ),
        ];
        for (found, wanted) in cases {
            assert_eq!(found, [wanted]);
            let shown = found[0].to_string();
            for port in ["7301", "7117", "7542", "2222", "7788"] {
                assert!(!shown.contains(port), "{shown}");
            }
        }
        for (value, at) in [
            ("7301,x", 2),
            ("22,7301", 1),
            ("7301,,7117", 2),
            ("70000", 1),
            ("+7301", 1),
        ] {
            assert_eq!(
                Sequence::parse(value),
                Err(KnockError::NoPort(at)),
                "{value}"
            );
        }
        assert_eq!(
            format!("{:?}", Sequence::parse("7301,7117").unwrap()),
            "2 ports"
        );
    }

    #[test]
    fn single_ports_come_from_the_whole() {
        let text = "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\n\
                    [firewall]\nknock = { sequence = { secret = 'door' } }\n";
        let site = crate::site::load_str(text).site.unwrap();
        let mut vault = Vault::from([("door".into(), "7301,7117,7542".into())]);
        unfold(&site, &mut vault);
        assert_eq!(vault[&port_secret(2)], "7117");
        assert_eq!(behind(&site, &port_secret(2)), "door");
        assert_eq!(behind(&site, "drbd"), "drbd");
        assert!(crate::site::words::types::SecretName::parse(&port_secret(1)).is_err());
    }
}
