//! The codes of findings that are no rules, with their meanings: of a site's text, its roles and its files.

/// A code, and what it tells, in a sentence or two. Rules describe themselves (`rules`), and so do the checks of roles.
pub const CODES: [(&str, &str); 41] = [
    (
        "CHARACTER",
        "A character stands in a text that nobody sees or that turns the text round: control, direction and private-use characters are refused.",
    ),
    (
        "CHECK",
        "A check of a role cannot be carried out as it is written: it reads no step, expects nothing, or names what is not there.",
    ),
    (
        "CHOICE",
        "Keys stand beside each other of which only one can hold, such as `nic` and `bond` of a zone.",
    ),
    (
        "CLUSTER-NONE",
        "A step or check needs all members of a cluster, and the node is in none.",
    ),
    (
        "CONFLICT",
        "Two steps want different things of one place: of a path, a line, a block, a key or a setting of the kernel.",
    ),
    (
        "EJECT-MOVED",
        "A file of the site was copied from a shipped one that has changed since: compare the two.",
    ),
    (
        "FILE",
        "A file of the site cannot be read, or is not text in UTF-8.",
    ),
    (
        "GUARD",
        "The window or the ways of the guard cannot work as they are written.",
    ),
    (
        "INSTALL",
        "The site lacks what the installer of a node has to be told, or the node's release has none that is known.",
    ),
    ("KEY-MISSING", "A key is missing that has no default."),
    (
        "KEY-TWICE",
        "A key or a table stands twice: TOML takes it once.",
    ),
    (
        "KEY-UNKNOWN",
        "Nothing reads a key: it is misspelt, or belongs to another table.",
    ),
    (
        "KEY-URL",
        "The key of a repository is fetched from an address that nothing vouches for: put it into the site.",
    ),
    (
        "KNOCK-SEQUENCE",
        "The secret with the ports of a knock is no such list.",
    ),
    (
        "LET",
        "A name in `[let]` of a role is taken, or is no name.",
    ),
    (
        "LOOP",
        "The head of a loop is no head, or what it goes through is no list and no table.",
    ),
    (
        "NAME",
        "A name is given to two things, or to what other names are made of.",
    ),
    (
        "NAME-UNKNOWN",
        "A name leads to nothing: no node, zone, partition or other thing of the site is called so.",
    ),
    (
        "OPEN",
        "An `[[open]]` of a role opens nothing, to nobody, or in a zone that is not there.",
    ),
    (
        "PLATFORM",
        "A key of `[platform.…]` names no release and no family of releases.",
    ),
    (
        "PROVIDES",
        "A word of `provides` is nothing that a role can provide.",
    ),
    ("RANGE", "A number lies outside of what is possible."),
    (
        "ROLE-AFTER",
        "A role needs another one before it, which the node does not have.",
    ),
    (
        "ROLE-MISSING",
        "There is no role of this name, neither shipped nor in the site.",
    ),
    ("ROLE-ORDER", "A role stands before one that it needs."),
    (
        "ROLE-OWN-ONLY",
        "A shipped role uses a kind that is for a site's own roles alone.",
    ),
    (
        "SECRET-ABSENT",
        "A secret is named that has no value yet: `nodewright secret set NAME` gives one.",
    ),
    (
        "SECRET-IN-CLEAR",
        "A value that is secret by its name stands in clear: name a secret instead.",
    ),
    (
        "SITE-FILE",
        "A file or folder of the site is named that is not there, or does not hold what it should.",
    ),
    ("STEP", "A step cannot be read as a step of its kind."),
    (
        "STEP-TWICE",
        "Two steps of a node have one address: a resource is described once.",
    ),
    (
        "TEMPLATE",
        "A template or an expression cannot be read, or names what is not defined.",
    ),
    ("TEMPLATE-MISSING", "A template is named that is not there."),
    ("TOML", "The text is not TOML."),
    (
        "TOML-1.0",
        "The text is TOML 1.1, which editors and other tools do not read yet.",
    ),
    (
        "TYPE",
        "A value is of another type than what belongs there: a text, a number, a truth, a list or a table.",
    ),
    (
        "VALUE",
        "A text does not have the form that belongs there, such as that of an address or a duration.",
    ),
    (
        "VAR",
        "A variable of a role is unknown, missing, or of another type.",
    ),
    (
        "VARS-IDLE",
        "Variables are set for a role that no node has.",
    ),
    ("VERSION", "The site requires a newer nodewright than this."),
    ("WORD", "A word is none of those that are possible here."),
];
