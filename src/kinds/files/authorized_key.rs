//! A key that may log in.

use super::public_key::PublicKey;
use crate::kind::valid;
use crate::kind::valid::Presence;
use crate::kind::{Attributes, Edit, EditChange, Files, Kind, Orphans, Target};
use crate::text::Text;

/// `authorized_key = "ssh-ed25519 AAAA… anna@desk"` with `user`.
pub struct AuthorizedKeyKind;

/// The keys of a step of kind `authorized_key`.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// The public key: type, key and, where wanted, a comment.
    authorized_key: PublicKey,
    /// The account it opens.
    user: String,
    /// Options before the key: `from="10.0.2.2",no-agent-forwarding`.
    options: Option<String>,
    /// The account's home; /root, or /home and the account's name, when unset.
    home: Option<String>,
    /// `present` (the default) or `absent`.
    #[serde(default)]
    state: Presence,
}

impl Want {
    fn folder(&self) -> String {
        match (&self.home, self.user.as_str()) {
            (Some(home), _) => format!("{home}/.ssh"),
            (None, "root") => "/root/.ssh".to_owned(),
            (None, user) => format!("/home/{user}/.ssh"),
        }
    }
}

impl Kind for AuthorizedKeyKind {
    const NAME: &'static str = "authorized_key";
    const DOC: &'static str = "A key that may log in as an account; known by the key itself, so that a changed comment or option is mended.";
    const ORPHANS: Orphans =
        Orphans::reported("the key still opens the account; `state = \"absent\"` takes it out");
    type Want = Want;

    fn name(want: &Want) -> String {
        format!("{} {}", want.user, want.authorized_key.short())
    }

    fn validate(want: &Want, _target: &Target) -> Result<(), String> {
        valid::account("user", &want.user)?;
        if let Some(home) = &want.home {
            valid::path("home", home)?;
        }
        match &want.options {
            Some(options) => {
                valid::one_line("options", options)?;
                options_are_one_word(options)
            }
            None => Ok(()),
        }
    }

    fn files(want: &Want, _target: &Target) -> Files {
        let folder = want.folder();
        let key = &want.authorized_key;
        let line = match &want.options {
            Some(options) => format!("{options} {}", key.line()),
            None => key.line(),
        };
        let attributes = |mode: &str| Attributes {
            owner: Some(want.user.clone()),
            group: None,
            mode: Some(mode.to_owned()),
        };
        let file = Edit {
            path: format!("{folder}/authorized_keys"),
            change: EditChange::Only {
                line: want.state.then(Text::plain(line)),
                matches: format!(r"^\s*[^#\s].*\s{}(\s|$)", regex_lite::escape(key.blob())),
            },
            attributes: attributes("0600"),
        };
        match want.state {
            Presence::Absent => vec![Edit {
                attributes: Attributes::default(),
                ..file
            }],
            Presence::Present => vec![
                Edit {
                    path: folder,
                    change: EditChange::Directory,
                    attributes: attributes("0700"),
                },
                file,
            ],
        }
        .into()
    }

    fn absent(want: &Want) -> bool {
        want.state == Presence::Absent
    }
}

/// sshd ends the options at the first blank outside double quotes.
fn options_are_one_word(options: &str) -> Result<(), String> {
    let (mut quoted, mut escaped) = (false, false);
    for c in options.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                return Err(format!(
                    "`options` hold a blank outside double quotes, where sshd ends them: `{options}`"
                ));
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    if quoted || options.is_empty() {
        return Err(format!(
            "`options` are empty or end inside double quotes: `{options}`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{edits, error, names};
    use super::super::public_key::{ED25519, RSA};
    use super::*;
    use crate::plan::fold::{EditRequest, PathSeen, SeenKind, fold};
    use serde_json::{Value, json};

    fn step(extra: &Value) -> Value {
        let mut step =
            json!({ "authorized_key": format!("ssh-ed25519 {ED25519} anna@desk"), "user": "anna" });
        step.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        step
    }

    /// The edited content of an `authorized_keys` file.
    fn folded(step: &Value, old: &str) -> String {
        let edit = edits(step).pop().unwrap();
        let address = crate::kind::Address::parse("r/authorized_key:x").unwrap();
        let seen = PathSeen {
            kind: SeenKind::File {
                sha256: String::new(),
                content: Some(old.as_bytes().to_vec()),
                bytes: old.len() as u64,
            },
            mode: "600".into(),
            owner: "anna".into(),
            group: "anna".into(),
        };
        let out = fold(
            &edit.path,
            &[EditRequest {
                address: &address,
                edit: &edit,
            }],
            &seen,
            &crate::text::Vault::default(),
        )
        .unwrap();
        String::from_utf8(out.content.unwrap()).unwrap()
    }

    #[test]
    fn the_folder_is_closed_and_the_file_too() {
        let made = edits(&step(&json!({})));
        assert_eq!(made[0].path, "/home/anna/.ssh");
        assert_eq!(made[0].change, EditChange::Directory);
        assert_eq!(made[0].attributes.mode.as_deref(), Some("0700"));
        assert_eq!(made[1].path, "/home/anna/.ssh/authorized_keys");
        assert_eq!(made[1].attributes.mode.as_deref(), Some("0600"));
        assert_eq!(made[1].attributes.owner.as_deref(), Some("anna"));
        let root = edits(&step(&json!({ "user": "root" })));
        assert_eq!(root[1].path, "/root/.ssh/authorized_keys");
        let home = edits(&step(&json!({ "home": "/srv/anna" })));
        assert_eq!(home[0].path, "/srv/anna/.ssh");
    }

    #[test]
    fn a_key_is_known_by_itself() {
        let old =
            format!("# mine\nfrom=\"1.2.3.4\" ssh-ed25519 {ED25519} old\nssh-rsa {RSA} bob\n");
        assert_eq!(
            folded(&step(&json!({})), &old),
            format!("# mine\nssh-ed25519 {ED25519} anna@desk\nssh-rsa {RSA} bob\n")
        );
        let twice = format!("ssh-ed25519 {ED25519} a\ncommand=\"x y\" ssh-ed25519 {ED25519}\n");
        assert_eq!(
            folded(&step(&json!({ "options": "no-pty" })), &twice),
            format!("no-pty ssh-ed25519 {ED25519} anna@desk\n")
        );
        assert_eq!(folded(&step(&json!({ "state": "absent" })), &twice), "");
    }

    #[test]
    fn a_key_in_a_comment_is_not_there() {
        let old = format!("# ssh-ed25519 {ED25519} old\n");
        assert_eq!(
            folded(&step(&json!({})), &old),
            format!("# ssh-ed25519 {ED25519} old\nssh-ed25519 {ED25519} anna@desk\n")
        );
    }

    #[test]
    fn options_with_blanks_are_quoted() {
        let from = json!({ "options": "from=\"10.0.2.2\",command=\"a \\\"b c\\\"\"" });
        assert!(edits(&step(&from)).len() == 2);
        assert!(
            error(&step(&json!({ "options": "no-pty command=x" })))
                .contains("a blank outside double quotes")
        );
        assert!(
            error(&step(&json!({ "options": "command=\"x" }))).contains("end inside double quotes")
        );
        assert!(
            error(&step(&json!({ "options": "no-pty\nssh-rsa AAAA" })))
                .contains("more than one line")
        );
    }

    #[test]
    fn accounts_and_homes_are_what_they_say() {
        assert!(error(&step(&json!({ "user": "../root" }))).contains("`user` must be a name"));
        assert!(
            error(&step(&json!({ "home": "/home/../root" })))
                .contains("`home` must be an absolute path")
        );
        assert_eq!(
            names(&step(&json!({}))),
            ["r/authorized_key:anna anna@desk"]
        );
    }
}
