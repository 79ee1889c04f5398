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
    /// What it accepts, for people.
    pub doc: &'static str,
    call: &'static str,
    judge: Option<Judge>,
}

/// All of them.
pub const VALIDATORS: [Validator; 2] = [
    Validator {
        name: "corosync",
        arguments: &["KEY"],
        doc: "corosync reads the file as its corosync.conf; KEY is the path of the members' key, without which it reads nothing.",
        call: "nw_validator_corosync",
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

/// The validator that these words name, with its arguments; nothing for a command, which has `{staged}`.
pub fn named(words: &[String]) -> Result<Option<&'static Validator>, String> {
    let Some((name, arguments)) = words.split_first() else {
        return Err("`check` holds no command and names no validator".to_owned());
    };
    if words.iter().any(|word| word.contains("{staged}")) {
        return Ok(None);
    }
    let Some(found) = VALIDATORS.iter().find(|v| v.name == name) else {
        let names = VALIDATORS.map(|v| v.name);
        let hint = did_you_mean(name, &names).map_or_else(
            || format!("there are {}", names.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(format!(
            "`{}` is no validator, {hint}; a command must hold {{staged}}, which stands for the path of the new content",
            name.escape_debug()
        ));
    };
    if arguments.len() != found.arguments.len() {
        return Err(format!(
            "the validator takes {} words: `{}`",
            found.arguments.len(),
            found.usage()
        ));
    }
    Ok(Some(found))
}

impl Validator {
    /// How it is written: `corosync KEY`.
    pub fn usage(&self) -> String {
        [&[self.name], self.arguments].concat().join(" ")
    }

    /// The call on the node for the uploaded content, and the one right before the file is put in place; the latter is
    /// missing for a validator with a judge, which has run before.
    pub fn calls(&self, arguments: &[String]) -> (Call, Option<Call>) {
        let call = Call::new(self.call).blob(0).args(arguments.iter().cloned());
        if self.judge.is_some() {
            return (call, None);
        }
        (call.clone(), Some(call))
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

fn judge_of(call: &Call) -> Option<(Judge, Vec<&str>)> {
    let mut words = call.words().iter().filter_map(|word| match word {
        ShellWord::Text(text) => Some(text.as_str()),
        ShellWord::Blob(_) => None,
    });
    let name = words.next()?;
    let judge = VALIDATORS.iter().find(|v| v.call == name)?.judge?;
    Some((judge, words.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_check_names_a_validator_or_is_a_command() {
        assert!(named(&words("visudo -cf {staged}")).unwrap().is_none());
        assert!(named(&words("sshd -t -f {staged}")).unwrap().is_none());
        let found = named(&words("corosync /k")).unwrap().unwrap();
        assert_eq!(found.usage(), "corosync KEY");
        let (early, late) = found.calls(&words("/k"));
        assert_eq!(early.to_shell(), "nw_validator_corosync \"$NW_BLOB/0\" /k");
        assert_eq!(late, Some(early));
        let why = |text: &str| named(&words(text)).err().unwrap();
        assert!(
            why("corosnyc /k").contains("did you mean `corosync`?"),
            "{}",
            why("corosnyc /k")
        );
        assert!(why("true").contains("{staged}"));
        assert_eq!(
            why("sshd 22"),
            "the validator takes 3 words: `sshd PORT ACCOUNT ADDRESS`"
        );
    }

    #[test]
    fn an_answer_is_judged_by_its_call() {
        let (call, late) = named(&words("sshd 22 root a"))
            .unwrap()
            .unwrap()
            .calls(&words("22 root a"));
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
}
