//! Becoming root on a node: as what the shell gets to see.

use super::Secret;
use super::run_id::hex;
use crate::sh::quote;
use sha2::{Digest as _, Sha256};

/// How a login becomes root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// It is root.
    Root,
    /// By sudo, which asks nothing.
    SudoNoPassword,
    /// By sudo with this password, which is given to it by standard input, and only once it has asked.
    SudoPassword(Secret),
}

/// What a node's shell is to run as root.
pub(super) enum Program<'a> {
    /// A whole script with an empty standard input. Only its last line calls anything.
    Script(&'a str),
    /// A constant text with arguments; the data is its standard input.
    Constant {
        /// The text, a constant of this program.
        text: &'static str,
        /// `$1` and on.
        args: Vec<String>,
        /// Standard input.
        data: &'a [u8],
        /// Its output is wanted while it runs.
        stream: bool,
    },
}

/// What runs as root for another login: see there.
const LOGIN: &str = include_str!("login.sh");

/// Begins a script that sudo runs: it says that it began, and takes its descriptors away from sudo's recording. Its
/// data is opened and unlinked. `$0` is the path that sudo was given.
const BEGIN: &str = "nw_d=${0%/*}\n\
                     exec <\"$nw_d/data\" >\"$nw_d/out\" 2>\"$nw_d/err\"\n\
                     rm -f \"$nw_d/data\"\n\
                     : >\"$nw_d/began\"\n";

impl Privilege {
    /// The command for ssh and the bytes for its standard input.
    pub(super) fn wrap(&self, program: &Program<'_>) -> (String, Vec<u8>) {
        match (self, program) {
            (Self::Root, Program::Script(script)) => {
                ("exec /bin/sh -s".to_owned(), script.as_bytes().to_vec())
            }
            (
                Self::Root,
                Program::Constant {
                    text, args, data, ..
                },
            ) => (command(text, args), data.to_vec()),
            (Self::SudoNoPassword, _) => sudo(program, None),
            (Self::SudoPassword(secret), _) => sudo(program, Some(secret)),
        }
    }
}

/// `exec /bin/sh -c TEXT nw ARGS`, quoted for the login's shell.
fn command(text: &str, args: &[String]) -> String {
    let mut line = format!("exec /bin/sh -c {} nw", quote(text));
    for arg in args {
        line.push(' ');
        line.push_str(&quote(arg));
    }
    line
}

fn sudo(program: &Program<'_>, password: Option<&Secret>) -> (String, Vec<u8>) {
    let mut script = BEGIN.to_owned();
    let (data, stream): (&[u8], bool) = match program {
        Program::Script(text) => {
            script.push_str(text);
            (&[], false)
        }
        Program::Constant {
            text,
            args,
            data,
            stream,
        } => {
            let args: Vec<_> = args.iter().map(|arg| quote(arg)).collect();
            script.push_str("set -- ");
            script.push_str(&args.join(" "));
            script.push('\n');
            script.push_str(text);
            (data, *stream)
        }
    };
    let mut body = script.into_bytes();
    let length = body.len();
    body.extend_from_slice(data);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let args = [
        length.to_string(),
        hex(&Sha256::digest(&body)),
        yes_no(password.is_some()),
        yes_no(stream),
    ];
    let mut input = Vec::with_capacity(body.len() + 64);
    if let Some(password) = password {
        input.extend_from_slice(password.expose().as_bytes());
        input.push(b'\n');
    }
    input.append(&mut body);
    (command(LOGIN, &args), input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_only_in_the_input() {
        let privilege = Privilege::SudoPassword(Secret::new("pa'ss word"));
        let (command, input) = privilege.wrap(&Program::Script("main() { :; }\nmain\n"));
        assert!(!command.contains("pa'ss") && !command.contains("ss word"));
        assert!(input.starts_with(b"pa'ss word\nnw_d="));
        assert!(input.ends_with(b"\nmain\n"));
    }

    #[test]
    fn root_gets_the_script_and_nothing_else() {
        let (command, input) = Privilege::Root.wrap(&Program::Script("main\n"));
        assert_eq!(
            (command.as_str(), input.as_slice()),
            ("exec /bin/sh -s", &b"main\n"[..])
        );
    }
}
