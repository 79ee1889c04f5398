//! The checks of a role's file, before they are rendered.

use super::file::Syntax;
use super::head::Head;
use super::observed;
use super::reader::{Placed, Reader};
use super::step::{Step, check_values, loop_head};
use crate::site::{Finding, Place, Table, Tree, shown};

/// A `[[check]]` before it is rendered.
#[derive(Clone, Debug)]
pub struct CheckEntry {
    /// The place where it is written.
    pub place: Place,
    /// Stable code.
    pub code: Placed<String>,
    /// Its severity.
    pub severity: CheckSeverity,
    /// Its scope.
    pub scope: Scope,
    /// Once for each of these.
    pub each: Option<Placed<Head>>,
    /// Left out where this does not hold.
    pub when: Option<Placed<String>>,
    /// An observation of its own.
    pub see: Option<Step>,
    /// of, tcp, expect, same, remedy.
    pub own: Table,
}

/// The keys of a check, with what each means.
pub const CHECK_KEYS: [(&str, &str); 11] = [
    ("code", "Stable code."),
    ("severity", "Its severity when it fails."),
    (
        "scope",
        "Where it is observed. `node` (default): each node for itself. `cluster`: every member, for one result; \
         it is skipped where a member does not answer. `outside`: the operator's machine tries `tcp` itself.",
    ),
    (
        "of",
        "The resource whose observation it reads: `KIND:NAME`.",
    ),
    ("see", "An observation of its own, which is never changed."),
    (
        "tcp",
        "The port that scope `outside` tries: `{ port = 22 }`, at `host` or where the node is reached. What is seen: \
         `open`, and `answer`: `open`, `refused`, `unreachable` or `silent`.",
    ),
    ("expect", "The expected values, by the kind's names."),
    (
        "same",
        "A list of names as `expect` has them, whose values are the same on all members: of scope `cluster`.",
    ),
    ("remedy", "The remedy, for the operator."),
    (
        "for_each",
        "Head of a loop: `m in members`, `name, m in site.mirror`.",
    ),
    (
        "when",
        "Expression; the check is left out where it does not hold.",
    ),
];

/// The severity of a failed check.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum CheckSeverity {
    /// Worth knowing.
    Info,
    /// Will become a problem.
    Warning,
    /// Something does not work.
    Error,
    /// Data or service are in danger.
    Critical,
}

/// The scope of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Each node for itself.
    Node,
    /// The cluster: one result from what all members say.
    Cluster,
    /// The operator's machine tries it over the network, through no node.
    Outside,
}

impl CheckSeverity {
    /// The words of a role file.
    pub const WORDS: [&'static str; 4] = ["info", "warning", "error", "critical"];

    const ALL: [(&'static str, Self); 4] = [
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
    ];
}

impl Scope {
    /// The words of a role file.
    pub const WORDS: [&'static str; 3] = ["node", "cluster", "outside"];

    const ALL: [(&'static str, Self); 3] = [
        ("node", Self::Node),
        ("cluster", Self::Cluster),
        ("outside", Self::Outside),
    ];
}

impl std::fmt::Display for CheckSeverity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::ALL.iter().find(|(_, s)| s == self);
        f.write_str(word.map_or("", |(w, _)| w))
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::ALL.iter().find(|(_, s)| s == self);
        f.write_str(word.map_or("", |(w, _)| w))
    }
}

impl CheckEntry {
    pub(super) fn read(place: Place, table: &Table, check: &mut Syntax<'_>) -> Option<Self> {
        let mut reader = Reader::new(table, place, "a check", check.findings);
        let code = reader.required("code");
        let severity = if table.contains_key("severity") {
            reader.word("severity", &CheckSeverity::WORDS)
        } else {
            reader.required("severity")
        };
        let scope = reader.word("scope", &Scope::WORDS);
        let each = reader.text("for_each");
        let when = reader.text("when");
        let of = reader.text("of");
        let see = reader.any("see");
        let tcp = reader.any("tcp");
        let expect = reader.any("expect");
        let same = reader.texts("same");
        reader.required("remedy");
        let cluster = scope.as_ref().is_some_and(|s| s.value == "cluster");
        if let Some(first) = same.first().filter(|_| !cluster) {
            reader.findings().push(
                Finding::error("CHECK", "one node has nothing to be the same as")
                    .at(first.place)
                    .help("say `scope = \"cluster\"`, or leave `same` out"),
            );
        }
        let outside = scope.as_ref().is_some_and(|s| s.value == "outside");
        if outside || tcp.is_some() {
            if !outside || tcp.is_none() || of.is_some() || see.is_some() {
                reader.findings().push(
                    Finding::error("CHECK", "a check from outside tries a TCP port, and nothing else does")
                        .at(place)
                        .help("say `scope = \"outside\"` with `tcp = { port = … }`, without `of` and `see`"),
                );
            }
        } else if of.is_some() == see.is_some() {
            reader.findings().push(
                Finding::error("CHECK", "a check reads either what a step observes or sees for itself")
                    .at(place)
                    .help("say `of = \"KIND:NAME\"` with what a step names, or `see = { KIND = \"NAME\" }`"),
            );
        }
        if expect.is_none_or(|e| e.as_table().is_none()) {
            reader.findings().push(
                Finding::error("CHECK", "a check needs `expect`")
                    .at(expect.map_or(place, |e| e.place))
                    .help("for example `expect = { running = true }`"),
            );
        }
        reader.finish();
        if let Some(tcp) = tcp {
            outside_keys(tcp, expect, check.findings);
        }
        if let Some(code) = &code
            && !is_code(&code.value)
        {
            check.findings.push(
                Finding::error("CHECK", format!("{} is no code", shown(&code.value)))
                    .at(code.place)
                    .help("a code is made of capital letters, digits and `-`, such as `TIME-SYNC`"),
            );
        }
        let mut own = table.clone();
        own.retain(|key, _| ["of", "tcp", "expect", "same", "remedy"].contains(&key.as_str()));
        check.expression(when.as_ref());
        check_values(&own, check);
        let each = each.and_then(|e| loop_head(&e, check));
        let see = see.and_then(|tree| Step::read(tree.place, tree.as_table()?, check));
        let kind = of.as_ref().and_then(|of| observed::kind_of(&of.value));
        if let Some(kind) = kind.or(see.as_ref().map(|step| step.kind)) {
            observed::expected(kind, expect, &same, check.findings);
        }
        let find = |word: &str| CheckSeverity::ALL.iter().find(|(w, _)| *w == word);
        let scope = scope.and_then(|s| Scope::ALL.iter().find(|(w, _)| *w == s.value));
        Some(Self {
            place,
            code: code?,
            severity: find(&severity?.value)?.1,
            scope: scope.map_or(Scope::Node, |(_, s)| *s),
            each,
            when,
            see,
            own,
        })
    }
}

/// Reports a `tcp` or an `expect` that such a check cannot have.
fn outside_keys(tcp: &Tree, expect: Option<&Tree>, findings: &mut Vec<Finding>) {
    let Some(table) = tcp.as_table() else {
        let finding = Finding::error("CHECK", "`tcp` is a table").at(tcp.place);
        findings.push(finding.help("for example `tcp = { port = 22 }`"));
        return;
    };
    let mut reader = Reader::new(table, tcp.place, "`tcp` of a check", findings);
    let port = reader.any("port");
    reader.any("host");
    if port.is_none() {
        reader
            .findings()
            .push(Finding::error("KEY-MISSING", "`tcp` of a check has no `port`").at(tcp.place));
    }
    reader.finish();
    for (key, (place, _)) in expect.and_then(Tree::as_table).into_iter().flatten() {
        if !["open", "answer"].contains(&key.as_str()) {
            findings.push(
                Finding::error("CHECK", format!("a port has no {}", shown(key)))
                    .at(*place)
                    .help("it has `open` and `answer`"),
            );
        }
    }
}

fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-')
}
