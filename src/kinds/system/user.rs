//! Accounts.

use crate::digest::sha256;
use crate::kind::valid;
use crate::kind::valid::Presence;
use crate::kind::{
    Answer, Circumstances, CutsOff, Delta, Files, Guarding, Kind, Observe, Orphans, Payload,
    Running, Runs, Target, Verdict,
};
use crate::sh::Call;
use crate::shell::Shell;
use crate::text::{Text, Vault};

/// `user = "anna"`.
pub struct UserKind;

/// The keys of a step of kind `user`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Its name.
    user: String,
    /// Its number; the next free one when unset.
    uid: Option<u32>,
    /// Its own group; one of the account's name when unset.
    group: Option<String>,
    /// Further groups. Added, never removed.
    #[serde(default)]
    groups: Vec<String>,
    /// Its home; the node's default when unset.
    home: Option<String>,
    /// Its shell; the node's default when unset.
    shell: Option<String>,
    /// Takes its number from those of the system, and gets no home.
    #[serde(default)]
    system: bool,
    /// Its full name.
    comment: Option<String>,
    /// The hash of its password, as `openssl passwd -6` makes it. Without one a new account has no password, and logs
    /// in by key.
    password: Option<Text>,
    /// Whether the password is locked (`usermod -L`). Keys still open an account whose password is not locked.
    locked: Option<bool>,
    /// `present` (the default) or `absent`. A home is never removed.
    #[serde(default)]
    state: Presence,
}

/// Its state by the account databases.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Seen {
    /// The account, if it is there.
    account: Option<Account>,
    /// The desired groups that it belongs to.
    groups: Vec<String>,
    /// The number of the group wanted as its own.
    group_gid: Option<u32>,
    /// Whether there is a group of its name.
    namesake: bool,
    /// Whether processes run as it.
    running: bool,
    /// Another account that has the number wanted.
    holder: Option<String>,
    /// `locked`, `none`, `empty` or `set`; unset when the account does not exist.
    password: Option<String>,
    /// Digest of the hash of its password.
    #[serde(skip)]
    digest: Option<String>,
}

/// A line of the passwd database.
#[derive(Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
struct Account {
    /// Its number.
    uid: u32,
    /// The number of its group.
    gid: u32,
    /// Its comment: a person's name.
    comment: String,
    /// Its home.
    home: String,
    /// Its login shell.
    shell: String,
}

/// The fields of the one line of `getent` that begins with this name; an error where nothing can be concluded.
pub(super) fn entry(
    answer: &Answer,
    section: &str,
    name: &str,
    fields: usize,
) -> Result<Option<Vec<String>>, String> {
    let section = answer
        .get(section)
        .ok_or_else(|| format!("the {section} database was not observed"))?;
    // 2: at least one of the names is unknown.
    if section.status != 0 && section.status != 2 {
        return Err(match section.status {
            127 => "`getent` is missing on this node".to_owned(),
            status => format!("`getent` failed with status {status}"),
        });
    }
    for line in section.text().lines() {
        let words: Vec<String> = line.split(':').map(str::to_owned).collect();
        if words[0] == name {
            if words.len() < fields {
                return Err(format!(
                    "the answer of `getent` has too few fields: `{line}`"
                ));
            }
            return Ok(Some(words));
        }
    }
    Ok(None)
}

/// The name, other than `name`, that a database already gives the number `wanted`; the first one, where there are
/// several.
pub(super) fn holder(answer: &Answer, section: &str, name: &str, wanted: u32) -> Option<String> {
    let text = answer.text(section);
    text.lines().find_map(|line| {
        let mut words = line.split(':');
        let (holder, number) = (words.next()?, words.nth(1)?);
        (holder != name && number == wanted.to_string()).then(|| holder.to_owned())
    })
}

/// A number in a line of `getent`.
pub(super) fn number(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_| format!("`getent` gave `{text}` where a number belongs"))
}

impl Want {
    fn gecos(&self) -> &str {
        self.comment.as_deref().unwrap_or_default()
    }

    fn missing<'a>(&'a self, seen: &'a Seen) -> impl Iterator<Item = &'a String> {
        self.groups.iter().filter(|g| !seen.groups.contains(g))
    }
}

impl Kind for UserKind {
    const NAME: &'static str = "user";
    const DOC: &'static str = "An account: its groups, home, shell and password.";
    const SHELL: Shell = Shell::new(include_str!("user.sh"));
    const ORPHANS: Orphans = Orphans::reported("the account stays, with its home");
    const RUNNING: &'static dyn Runs = &Running {
        compare: Self::compare,
        compare_secret: Self::compare_secret,
        contents: Self::contents,
        actions: Self::actions,
        ..Running::new(Self::observe, Self::parse)
    };
    type Want = Want;

    fn name(want: &Want) -> String {
        want.user.clone()
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::account("user", &want.user)?;
        for group in want.group.iter().chain(&want.groups) {
            valid::account("groups", group)?;
        }
        for (what, path) in [("home", &want.home), ("shell", &want.shell)] {
            if let Some(path) = path {
                valid::path(what, path)?;
                if path.contains(':') {
                    return Err(format!("`{what}` must not hold a colon: `{path}`"));
                }
            }
        }
        valid::one_line("comment", want.gecos())?;
        if want.gecos().contains(':') {
            return Err(format!(
                "`comment` must not hold a colon: `{}`",
                want.gecos()
            ));
        }
        if want.gecos().contains(char::is_control) || want.gecos().len() > 1024 {
            return Err(
                "`comment` must be printable, and of at most 1024 bytes: /etc/passwd holds no more"
                    .to_owned(),
            );
        }
        if want.user == "root" && want.state == Presence::Absent {
            return Err("the account root is not removed".to_owned());
        }
        match &want.password {
            Some(hash) if !hash.is_tainted() && !hash.as_marked().starts_with('$') => Err(
                "`password` must be a hash such as `openssl passwd -6` makes (it begins with `$6$`), or a secret that holds one; never the password itself"
                    .to_owned(),
            ),
            Some(hash) => valid_hash(hash),
            None => Ok(()),
        }
    }

    fn files(_want: &Want, _target: &Target) -> Files {
        Files {
            writes: valid::account_files(),
            secrets: vec!["/etc/shadow".to_owned(), "/etc/shadow-".to_owned()],
            ..Files::default()
        }
    }

    fn guard(want: &Want, _target: &Target) -> Guarding {
        Guarding {
            cuts_off: CutsOff::Account(want.user.clone()),
            ..Guarding::default()
        }
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

impl UserKind {
    fn observe(wants: &[&Want], _target: &Target, observe: &mut Observe) {
        let users = || wants.iter().map(|w| w.user.clone());
        let numbers = wants.iter().filter_map(|w| w.uid).map(|n| n.to_string());
        observe.section(
            "user.passwd",
            Call::new("getent")
                .arg("passwd")
                .args(users().chain(numbers)),
        );
        if wants.iter().any(|w| w.home.is_some() || Self::absent(w)) {
            observe.section("user.running", Call::new("ps").args(["-A", "-o", "uid="]));
        }
        let mut groups: Vec<&String> = wants
            .iter()
            .flat_map(|w| std::iter::once(&w.user).chain(&w.group).chain(&w.groups))
            .collect();
        groups.sort();
        groups.dedup();
        observe.section("user.group", Call::new("getent").arg("group").args(groups));
        observe.section("user.shadow", Call::new("nw_user_shadow").args(users()));
    }

    fn parse(want: &Want, _target: &Target, answer: &Answer) -> Result<Seen, String> {
        let account = match entry(answer, "user.passwd", &want.user, 7)? {
            Some(f) => Some(Account {
                uid: number(&f[2])?,
                gid: number(&f[3])?,
                comment: f[4].clone(),
                home: f[5].clone(),
                shell: f[6].clone(),
            }),
            None => None,
        };
        let mut seen = Seen {
            groups: Vec::new(),
            group_gid: None,
            namesake: entry(answer, "user.group", &want.user, 4)?.is_some(),
            running: account.as_ref().is_some_and(|a: &Account| {
                let running = answer.text("user.running");
                running.lines().any(|l| l.trim() == a.uid.to_string())
            }),
            holder: want
                .uid
                .and_then(|uid| holder(answer, "user.passwd", &want.user, uid)),
            password: None,
            digest: None,
            account,
        };
        for group in &want.groups {
            if let Some(fields) = entry(answer, "user.group", group, 4)? {
                let own = seen.account.as_ref().map(|a| a.gid) == Some(number(&fields[2])?);
                if own || fields[3].split(',').any(|member| member == want.user) {
                    seen.groups.push(group.clone());
                }
            }
        }
        if let Some(group) = &want.group
            && let Some(fields) = entry(answer, "user.group", group, 4)?
        {
            seen.group_gid = Some(number(&fields[2])?);
        }
        for line in answer.text("user.shadow").lines() {
            if let [name, kind, digest] = line.split(' ').collect::<Vec<_>>()[..]
                && name == want.user
            {
                seen.password = Some(kind.to_owned());
                seen.digest = Some(digest.to_owned());
            }
        }
        if seen.account.is_some()
            && seen.password.is_none()
            && (want.password.is_some() || want.locked.is_some())
        {
            return Err(format!(
                "`getent shadow` gave no answer about {}",
                want.user
            ));
        }
        Ok(seen)
    }

    fn compare(want: &Want, seen: &Seen, _circumstances: &Circumstances<'_>) -> Verdict {
        let Some(account) = &seen.account else {
            return match (want.state, &seen.holder) {
                (Presence::Present, Some(holder)) => Verdict::Finding {
                    what: format!(
                        "account {} cannot be made: {holder} has the number {}",
                        want.user,
                        want.uid.unwrap_or_default()
                    ),
                    remedy: "name another `uid`, or leave it out".to_owned(),
                },
                (Presence::Present, None) => {
                    Verdict::Change(vec![Delta::new("account", "absent", "present")])
                }
                (Presence::Absent, _) => Verdict::Same,
            };
        };
        let moves = want.home.as_ref().is_some_and(|h| *h != account.home);
        if seen.running && (moves || want.state == Presence::Absent) {
            let what = if moves { "move its home" } else { "remove it" };
            let tool = if moves { "usermod" } else { "userdel" };
            return Verdict::Finding {
                what: format!(
                    "account {} is in use: {tool} would not {what} while processes run as it",
                    want.user
                ),
                remedy: format!(
                    "end them (`pgrep -l -u {}` lists them), and run again",
                    want.user
                ),
            };
        }
        if want.state == Presence::Absent {
            return Verdict::Change(vec![Delta::new(
                "account",
                "present",
                "absent (its home stays)",
            )]);
        }
        if let Some(uid) = want.uid.filter(|uid| *uid != account.uid) {
            return Verdict::Finding {
                what: format!(
                    "account {} has the number {}, wanted {uid}",
                    want.user, account.uid
                ),
                remedy: format!(
                    "files belong to numbers: `usermod -u {uid} {}` and a `chown` of what belonged to {}, by hand",
                    want.user, account.uid
                ),
            };
        }
        let mut deltas = Vec::new();
        if let Some(group) = &want.group
            && seen.group_gid != Some(account.gid)
        {
            deltas.push(Delta::new("group", account.gid.to_string(), group));
        }
        for (what, wanted, found) in [
            ("comment", &want.comment, &account.comment),
            ("home", &want.home, &account.home),
            ("shell", &want.shell, &account.shell),
        ] {
            if let Some(wanted) = wanted
                && wanted != found
            {
                deltas.push(Delta::new(what, found, wanted));
            }
        }
        for group in want.missing(seen) {
            deltas.push(Delta::new("groups", "", group));
        }
        let password = seen.password.as_deref().unwrap_or_default();
        match (&want.password, want.locked) {
            (_, Some(true)) if password != "locked" => {
                deltas.push(Delta::new("password", password, "locked"));
            }
            (None, Some(false)) if password == "locked" => {
                deltas.push(Delta::new("password", "locked", "none"));
            }
            (_, Some(true)) | (None, _) => {}
            (Some(hash), _) => {
                let known = (!hash.is_tainted()).then(|| sha256(hash.as_marked().as_bytes()));
                if password != "set" {
                    deltas.push(Delta::new("password", password, "set"));
                } else if known.is_some() && known != seen.digest {
                    deltas.push(Delta::new("password", "another one", "as given"));
                }
            }
        }
        if deltas.is_empty() {
            Verdict::Same
        } else {
            Verdict::Change(deltas)
        }
    }

    fn compare_secret(want: &Want, seen: &Seen, vault: &Vault) -> Vec<Delta> {
        match &want.password {
            Some(hash)
                if hash.is_tainted()
                    && want.state == Presence::Present
                    && want.locked != Some(true)
                    && seen.password.as_deref() == Some("set") =>
            {
                let wanted = hash
                    .reveal(vault)
                    .ok()
                    .map(|h| sha256(h.trim_end().as_bytes()));
                if wanted == seen.digest {
                    Vec::new()
                } else {
                    vec![Delta::new("password", "another one", "as given")]
                }
            }
            _ => Vec::new(),
        }
    }

    fn contents(want: &Want, _seen: &Seen, _vault: &Vault) -> Vec<Payload> {
        want.password.iter().cloned().map(Payload::Text).collect()
    }

    fn actions(wants: &[(&Want, &Seen)], _circumstances: &Circumstances<'_>) -> Vec<Call> {
        wants
            .iter()
            .flat_map(|(want, seen)| one(want, seen))
            .collect()
    }
}

fn valid_hash(hash: &Text) -> Result<(), String> {
    if hash.as_marked().contains([':', '\n', '\r', '\0']) {
        return Err("`password` holds a colon or a line break, which no hash does".to_owned());
    }
    Ok(())
}

fn one(want: &Want, seen: &Seen) -> Vec<Call> {
    let name = &want.user;
    if want.state == Presence::Absent {
        return vec![Call::new("userdel").arg(name)];
    }
    let mut calls = Vec::new();
    let mut set = Vec::new();
    if let Some(account) = &seen.account {
        for (option, wanted, found) in [
            ("-c", &want.comment, &account.comment),
            ("-d", &want.home, &account.home),
            ("-s", &want.shell, &account.shell),
        ] {
            if let Some(wanted) = wanted
                && wanted != found
            {
                set.extend([option, wanted]);
            }
        }
        if let Some(group) = &want.group
            && seen.group_gid != Some(account.gid)
        {
            set.extend(["-g", group]);
        }
        let missing: Vec<_> = want.missing(seen).map(String::as_str).collect();
        let joined = missing.join(",");
        if !missing.is_empty() {
            set.extend(["-a", "-G", &joined]);
        }
        if !set.is_empty() {
            calls.push(Call::new("usermod").args(set).arg(name));
        }
    } else {
        let uid = want.uid.map(|uid| uid.to_string());
        let groups = want.groups.join(",");
        for (option, value) in [
            ("-u", uid.as_deref()),
            ("-c", want.comment.as_deref()),
            ("-d", want.home.as_deref()),
            ("-s", want.shell.as_deref()),
            ("-G", (!groups.is_empty()).then_some(groups.as_str())),
        ] {
            if let Some(value) = value {
                set.extend([option, value]);
            }
        }
        match &want.group {
            Some(group) => set.extend(["-g", group]),
            None if seen.namesake => set.extend(["-g", name]),
            None => set.push("-U"),
        }
        set.extend(if want.system {
            ["-r", "-M"].as_slice()
        } else {
            &["-m"]
        });
        // No password, but not locked either: sshd without PAM turns keys of a locked account away.
        set.extend(["-p", "*"]);
        calls.push(Call::new("useradd").args(set).arg(name));
    }
    if want.password.is_some() && want.locked != Some(true) {
        calls.push(Call::new("nw_user_password").arg(name).blob(0));
    }
    let locked = seen.password.as_deref() == Some("locked");
    match want.locked {
        Some(true) if !locked => calls.push(Call::new("usermod").arg("-L").arg(name)),
        Some(false) if locked && want.password.is_none() => {
            calls.push(Call::new("usermod").args(["-p", "*"]).arg(name));
        }
        _ => {}
    }
    calls
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
