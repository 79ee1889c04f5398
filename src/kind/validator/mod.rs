//! Named validators: `check = "corosync /etc/corosync/authkey"`. One without a judge accepts by its exit status; the
//! answer of one with a judge is judged here before anything is changed.

mod sshd;

use crate::sh::{Call, ShellWord};
use crate::shell::Shell;
use crate::text::did_you_mean;

/// The functions that named validators call on the node.
pub const SHELL: Shell = Shell::new(include_str!("validator.sh"));

/// The faults in an answer, a sentence each; the arguments are those of the role.
type Judge = fn(arguments: &[&str], answer: &[String]) -> Vec<String>;

/// A validator with a name.
pub struct Validator {
    /// Its name, the first word of a `check` without `{staged}`.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// A description of what it accepts, for display.
    pub doc: &'static str,
    call: &'static str,
    judge: Option<Judge>,
}

/// All of them.
pub const VALIDATORS: [Validator; 3] = [
    Validator {
        name: "corosync",
        arguments: &["KEY"],
        doc: "corosync reads the file as its corosync.conf; KEY is the path of the members' key, without which it reads nothing.",
        call: "nw_validator_corosync",
        judge: None,
    },
    Validator {
        name: "lvm",
        arguments: &[],
        doc: "LVM reads the file as settings that come last, and with it still finds every volume group that it finds now.",
        call: "nw_validator_lvm",
        judge: None,
    },
    Validator {
        name: "sshd",
        arguments: &["PORT", "ACCOUNT", "ADDRESS"],
        doc: "sshd reads the file as its sshd_config, and with it ACCOUNT would get in by its key at PORT from ADDRESS.",
        call: "nw_validator_sshd",
        judge: Some(sshd::judge),
    },
];

/// The word of a check that is replaced by the path of the new content: of a file, or of a staged folder.
const STAGED: &str = "{staged}";

/// The word of a folder's check that is replaced by the path of all its files as one.
const JOINED: &str = "{joined}";

/// The validator that the check of a file names; `None` for a command, which has the word `{staged}`.
pub fn of_file(check: &[String]) -> Result<Option<&'static Validator>, String> {
    if check.iter().any(|word| word == STAGED) {
        return Ok(None);
    }
    if let Some(word) = check.iter().find(|word| word.contains(STAGED)) {
        return Err(format!(
            "`{{staged}}` must be a word of its own, not a part of `{}`",
            word.escape_debug()
        ));
    }
    named(
        check,
        "{staged}, which stands for the path of the new content",
    )
}

/// The validator that the check of a folder names, which reads its files as one; `None` for a command, which has
/// `{staged}` or `{joined}` in its words.
pub fn of_folder(check: &[String]) -> Result<Option<&'static Validator>, String> {
    if check
        .iter()
        .any(|word| word.contains(STAGED) || word.contains(JOINED))
    {
        return Ok(None);
    }
    named(
        check,
        "{staged} (the folder) or {joined} (its files as one)",
    )
}

fn named(words: &[String], command: &str) -> Result<Option<&'static Validator>, String> {
    let Some((name, arguments)) = words.split_first() else {
        return Err("`check` holds no command and names no validator".to_owned());
    };
    let Some(found) = VALIDATORS.iter().find(|v| v.name == name) else {
        let names = VALIDATORS.map(|v| v.name);
        let hint = did_you_mean(name, &names).map_or_else(
            || format!("there are {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(format!(
            "`{}` is no validator, {hint}; a command must hold {command}",
            name.escape_debug()
        ));
    };
    if arguments.len() != found.arguments.len() {
        return Err(format!("the validator is written `{}`", found.usage()));
    }
    Ok(Some(found))
}

/// The calls of a file's check, whose content is the first of its step: before anything is changed, and right before
/// the file is put in place. The latter is missing for a validator with a judge, which has run before.
pub fn calls_of_file(check: &[String]) -> (Call, Option<Call>) {
    if let Ok(Some(validator)) = of_file(check) {
        let call = Call::new(validator.call).blob(0);
        let call = call.args(check.iter().skip(1).cloned());
        let late = validator.judge.is_none().then(|| call.clone());
        return (call, late);
    }
    let call = check.iter().fold(Call::from_words([]), |call, word| {
        if word == STAGED {
            call.blob(0)
        } else {
            call.arg(word)
        }
    });
    (Call::new("nw_preflight").then(&call), Some(call))
}

/// The words of a folder's check: before anything is changed, and right before the folder is put in place. There are
/// none of the latter for a validator with a judge, which has run before.
pub fn words_of_folder(check: &[String]) -> (Vec<String>, Vec<String>) {
    let Ok(Some(validator)) = of_folder(check) else {
        return (check.to_vec(), check.to_vec());
    };
    let function = [validator.call, JOINED].map(str::to_owned);
    let early = [&function[..], &check[1..]].concat();
    let late = match validator.judge {
        Some(_) => Vec::new(),
        None => early.clone(),
    };
    (early, late)
}

impl Validator {
    /// The way in which it is written: `corosync KEY`.
    pub fn usage(&self) -> String {
        [&[self.name], self.arguments].concat().join(" ")
    }
}

/// Whether the answer of what these calls run is judged.
pub fn is_judged(calls: &[Call]) -> bool {
    calls.iter().any(|call| judge_of(call).is_some())
}

/// The faults in the answer of these calls.
pub fn judge(calls: &[Call], answer: &[String]) -> Vec<String> {
    let judged = calls.iter().filter_map(judge_of);
    judged
        .flat_map(|(judge, arguments)| judge(&arguments, answer))
        .collect()
}

/// The judge of a call of a validator, also as the last words of another call, and its arguments.
fn judge_of(call: &Call) -> Option<(Judge, Vec<&str>)> {
    let words = call.words().iter().filter_map(|word| match word {
        ShellWord::Text(text) => Some(text.as_str()),
        ShellWord::Blob(_) => None,
    });
    let words: Vec<&str> = words.filter(|word| *word != JOINED).collect();
    VALIDATORS.iter().find_map(|validator| {
        let at = words.iter().rposition(|word| *word == validator.call)?;
        Some((validator.judge?, words[at + 1..].to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_check_names_a_validator_or_is_a_command() {
        assert!(of_file(&words("visudo -cf {staged}")).unwrap().is_none());
        assert!(of_file(&words("sshd -t -f {staged}")).unwrap().is_none());
        let found = of_file(&words("corosync /k")).unwrap().unwrap();
        assert_eq!(found.usage(), "corosync KEY");
        let (early, late) = calls_of_file(&words("corosync /k"));
        assert_eq!(early.to_shell(), "nw_validator_corosync \"$NW_BLOB/0\" /k");
        assert_eq!(late, Some(early));
        let why = |text: &str| of_file(&words(text)).err().unwrap();
        assert!(
            why("corosnyc /k").contains("did you mean `corosync`?"),
            "{}",
            why("corosnyc /k")
        );
        assert!(why("true").contains("{staged}"));
        assert_eq!(
            why("visudo -cf={staged}"),
            "`{staged}` must be a word of its own, not a part of `-cf={staged}`"
        );
        assert_eq!(
            why("sshd 22"),
            "the validator is written `sshd PORT ACCOUNT ADDRESS`"
        );
    }

    #[test]
    fn an_answer_is_judged_by_its_call() {
        let (call, late) = calls_of_file(&words("sshd 22 root a"));
        assert_eq!(late, None);
        assert!(is_judged(std::slice::from_ref(&call)));
        assert!(!is_judged(&[Call::new("visudo")]));
        let fine = words("port 22").join(" ");
        assert_eq!(
            judge(std::slice::from_ref(&call), std::slice::from_ref(&fine)),
            Vec::<String>::new()
        );
        assert_eq!(judge(&[call], &[]).len(), 1);
    }

    #[test]
    fn the_check_of_a_folder_names_a_validator_or_is_a_command() {
        let command = words("drbdadm -c={joined} dump");
        assert!(of_folder(&command).unwrap().is_none());
        assert_eq!(
            words_of_folder(&command),
            (command.clone(), command.clone())
        );
        let early = words("nw_validator_corosync {joined} /k");
        assert_eq!(
            words_of_folder(&words("corosync /k")),
            (early.clone(), early)
        );
        assert_eq!(
            of_folder(&words("corosnyc /k")).err().unwrap(),
            "`corosnyc` is no validator, did you mean `corosync`?; a command must hold {staged} (the folder) or {joined} \
             (its files as one)"
        );
    }

    #[test]
    fn the_answer_for_a_folder_is_judged_too() {
        let (early, late) = words_of_folder(&words("sshd 22 root a"));
        assert_eq!(late, [""; 0]);
        let call = Call::new("nw_tree_check").arg("1").arg("a.conf").blob(0);
        let call = call.args(early);
        assert!(is_judged(std::slice::from_ref(&call)));
        let other_port = ["port 2222".to_owned()];
        assert_eq!(
            judge(std::slice::from_ref(&call), &other_port),
            ["it would not listen on port 22"]
        );
        assert_eq!(
            judge(&[call], &["port 22".to_owned()]),
            Vec::<String>::new()
        );
    }
}
