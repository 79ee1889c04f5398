//! Becoming root on a node: as what the shell gets to see.

use super::Secret;
use super::batch::LocalFile;
use super::run_id::hex;
use crate::sh::quote;
use crate::shell::{ENV, Shell};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

/// The way in which a login becomes root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// It is root.
    Root,
    /// By sudo without a password.
    SudoNoPassword,
    /// By sudo with this password, which is sent to standard input, and only once sudo has asked for it.
    SudoPassword(Secret),
}

/// A script that a node's shell runs as root.
pub(super) enum Program<'a> {
    /// A whole script with an empty standard input. Only its last line calls anything.
    Script(&'a str),
    /// A constant text with arguments; the data is its standard input.
    Constant {
        /// The text, a constant of this program.
        text: &'a str,
        /// `$1` and on.
        args: Vec<String>,
        /// Standard input.
        data: Data<'a>,
    },
}

/// The standard input of a [`Program`].
#[derive(Clone, Copy)]
pub(super) enum Data<'a> {
    /// Bytes at hand.
    Bytes(&'a [u8]),
    /// Files, one after another, that are read as they are sent.
    Files(&'a [LocalFile]),
}

impl Data<'_> {
    fn pieces(self) -> Vec<StdinPiece> {
        match self {
            Self::Bytes(bytes) => vec![StdinPiece::Bytes(bytes.to_vec())],
            Self::Files(files) => files.iter().cloned().map(StdinPiece::File).collect(),
        }
    }
}

/// One piece of what a command gets by its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StdinPiece {
    Bytes(Vec<u8>),
    File(LocalFile),
}

/// Runs a script as root for a login that is not root: `/bin/sh -c THIS nw LENGTH SHA256 PASSWORD(yes|no)`.
///
/// Standard input: the password's line if there is one, the script (LENGTH bytes), its data. The digest covers the last two.
/// Script, data and answer go through files in a folder of this login alone, so sudo's recording holds none of them; the
/// password goes to sudo's standard input, and only after sudo has said that it wants one for this very command.
pub(super) const LOGIN: Shell = Shell::new(include_str!("login.sh")).needing(&[ENV]);

/// Begins a program as root without sudo; it waits for this word first.
const GO: &str = "IFS= read -r nw_go && [ \"$nw_go\" = go ] || exit 0\n";

/// The beginning of a script that sudo runs: it reports that it began, and takes its descriptors away from sudo's
/// recording. Its data is opened and unlinked. `$0` is the path that sudo was given.
const BEGIN: &str = "nw_d=${0%/*}\n\
                     exec <\"$nw_d/data\" >\"$nw_d/out\" 2>\"$nw_d/err\"\n\
                     rm -f \"$nw_d/data\"\n\
                     : >\"$nw_d/began\"\n";

impl Privilege {
    /// The command for ssh and its standard input.
    ///
    /// With every login the command begins only when its standard input has come. So a command whose channel was given
    /// up (it opened too late) and that is sent again over another channel runs once.
    pub(super) fn wrap(&self, program: &Program<'_>) -> io::Result<(String, Vec<StdinPiece>)> {
        match (self, program) {
            (Self::Root, Program::Script(script)) => Ok((
                "exec /bin/sh -s".to_owned(),
                vec![StdinPiece::Bytes(script.as_bytes().to_vec())],
            )),
            (
                Self::Root,
                Program::Constant {
                    text, args, data, ..
                },
            ) => {
                let mut input = vec![StdinPiece::Bytes(b"go\n".to_vec())];
                input.extend(data.pieces());
                Ok((command(&format!("{GO}{text}"), args), input))
            }
            (Self::SudoNoPassword, _) => sudo(program, None),
            (Self::SudoPassword(secret), _) => sudo(program, Some(secret)),
        }
    }
}

/// The command that runs a text with arguments in `/bin/sh`, whichever shell the login has: one word of one line, in
/// which no shell finds anything to change. (csh takes no newline in quotes, and a `!` for a line of its history.)
fn command(text: &str, args: &[String]) -> String {
    let args: Vec<_> = args.iter().map(|arg| quote(arg)).collect();
    let whole = format!("set -- {}\n{text}", args.join(" "));
    let mut word = String::with_capacity(whole.len() + whole.len() / 8);
    for c in whole.chars() {
        match c {
            '\n' => word.push_str("\\n"),
            // The octal form of `printf %b`.
            '\\' | '\'' | '!' => {
                let _ = write!(word, "\\0{:03o}", u32::from(c));
            }
            c => word.push(c),
        }
    }
    format!("exec /bin/sh -c 'eval \"$(printf %b \"$1\")\"' nw '{word}'")
}

fn sudo(program: &Program<'_>, password: Option<&Secret>) -> io::Result<(String, Vec<StdinPiece>)> {
    let mut script = BEGIN.to_owned();
    let data = match program {
        Program::Script(text) => {
            script.push_str(text);
            Data::Bytes(&[])
        }
        Program::Constant { text, args, data } => {
            let args: Vec<_> = args.iter().map(|arg| quote(arg)).collect();
            script.push_str("set -- ");
            script.push_str(&args.join(" "));
            script.push('\n');
            script.push_str(text);
            *data
        }
    };
    let length = script.len();
    let mut body = vec![StdinPiece::Bytes(script.into_bytes())];
    body.extend(data.pieces());
    let args = [
        length.to_string(),
        digest(&body)?,
        if password.is_some() { "yes" } else { "no" }.to_owned(),
    ];
    if let Some(password) = password {
        let line = format!("{}\n", password.expose());
        body.insert(0, StdinPiece::Bytes(line.into_bytes()));
    }
    Ok((command(&LOGIN.text(), &args), body))
}

/// SHA-256 of all pieces; files are read through once.
fn digest(pieces: &[StdinPiece]) -> io::Result<String> {
    let mut digest = Sha256::new();
    for piece in pieces {
        match piece {
            StdinPiece::Bytes(bytes) => digest.update(bytes),
            StdinPiece::File(file) => {
                let mut reader = File::open(&file.path)?.take(file.bytes);
                let mut buffer = vec![0; 1 << 16];
                loop {
                    match reader.read(&mut buffer)? {
                        0 => break,
                        n => digest.update(&buffer[..n]),
                    }
                }
            }
        }
    }
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(pieces: &[StdinPiece]) -> Vec<u8> {
        let all = pieces.iter().map(|piece| match piece {
            StdinPiece::Bytes(bytes) => bytes.clone(),
            StdinPiece::File(file) => std::fs::read(&file.path).unwrap(),
        });
        all.collect::<Vec<_>>().concat()
    }

    #[test]
    fn the_password_is_only_in_the_input() {
        let privilege = Privilege::SudoPassword(Secret::new("pa'ss word"));
        let script = Program::Script("main() { :; }\nmain\n");
        let (command, input) = privilege.wrap(&script).unwrap();
        assert!(!command.contains("pa'ss") && !command.contains("ss word"));
        assert!(bytes(&input).starts_with(b"pa'ss word\nnw_d="));
        assert!(bytes(&input).ends_with(b"\nmain\n"));
    }

    #[test]
    fn root_gets_the_script_and_nothing_else() {
        let (command, input) = Privilege::Root.wrap(&Program::Script("main\n")).unwrap();
        assert_eq!(
            (command.as_str(), bytes(&input).as_slice()),
            ("exec /bin/sh -s", &b"main\n"[..])
        );
    }

    #[test]
    fn files_come_after_the_text_and_count_in_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "content and more").unwrap();
        let files = [LocalFile {
            path,
            bytes: 7,
            sha256: String::new(),
        }];
        let program = Program::Constant {
            text: "cat\n",
            args: vec!["a b".into()],
            data: Data::Files(&files),
        };
        let (command, input) = Privilege::SudoNoPassword.wrap(&program).unwrap();
        let Some((StdinPiece::Bytes(script), [StdinPiece::File(file)])) = input.split_first()
        else {
            panic!("{input:?}");
        };
        assert_eq!(*file, files[0]);
        let whole = [script.as_slice(), b"content"].concat();
        let sum = hex(&Sha256::digest(&whole));
        let args = format!("set -- {} {sum} no\\n", script.len());
        assert!(command.contains(&args), "{command}");
    }

    /// csh takes no newline in quotes, and a `!` for its history; fish reads a backslash before a quote or another.
    #[test]
    fn a_command_is_one_line_of_words_that_every_shell_takes_alike() {
        let arg = "a'b\\\\c!d\n\u{e4}$x`y\"";
        let program = Program::Constant {
            text: "! false && printf '%s' \"$1\" # it's \\\n",
            args: vec![arg.to_owned()],
            data: Data::Bytes(b""),
        };
        let (command, _) = Privilege::Root.wrap(&program).unwrap();
        let (first, word) = command.split_once(" nw ").unwrap();
        assert_eq!(first, "exec /bin/sh -c 'eval \"$(printf %b \"$1\")\"'");
        let inner = word
            .strip_prefix('\'')
            .and_then(|w| w.strip_suffix('\''))
            .unwrap();
        assert!(
            !inner.contains(['\n', '\'', '!']) && !inner.contains("\\\\"),
            "{inner}"
        );
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", &command])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"go\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), arg);
    }

    /// A channel that opened too late is given up, and the program runs on another: with no input it does nothing.
    #[test]
    fn a_command_alone_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let done = dir.path().join("done");
        let program = Program::Constant {
            text: "echo x >>\"$1\"\ncat\n",
            args: vec![done.display().to_string()],
            data: Data::Bytes(b"data"),
        };
        let run = |privilege: &Privilege, input: &[u8]| {
            let (command, _) = privilege.wrap(&program).unwrap();
            let mut child = std::process::Command::new("/bin/sh")
                .args(["-c", &command])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input);
            String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
        };
        let secret = Secret::new("word");
        for privilege in [
            Privilege::Root,
            Privilege::SudoNoPassword,
            Privilege::SudoPassword(secret),
        ] {
            let (_, input) = privilege.wrap(&program).unwrap();
            let input = bytes(&input);
            for cut in [0, 1, 2] {
                assert_eq!(run(&privilege, &input[..cut]), "", "{privilege:?} {cut}");
                assert!(!done.exists(), "{privilege:?} {cut}");
            }
        }
        let (_, input) = Privilege::Root.wrap(&program).unwrap();
        assert_eq!(run(&Privilege::Root, &bytes(&input)), "data");
        assert_eq!(std::fs::read_to_string(done).unwrap(), "x\n");
    }
}
