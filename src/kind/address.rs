//! The name of a resource everywhere: `role/kind:name`.

use std::fmt;

/// The address of a resource on its node: plans, logs, selections and journals call it so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The role of its step.
    pub role: String,
    /// The kind's name.
    pub kind: String,
    /// Its name within the kind: a path, a package, a user.
    pub name: String,
}

impl Address {
    /// Reads `role/kind:name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (role, rest) = text.split_once('/')?;
        let (kind, name) = rest.split_once(':')?;
        (!role.is_empty() && !kind.is_empty() && !name.is_empty()).then(|| Self {
            role: role.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.role, self.kind, self.name)
    }
}
