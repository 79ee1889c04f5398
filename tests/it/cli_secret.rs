//! The site's encrypted file, from the command line.

use crate::support::{Desk, SMALL, small};
use insta::assert_snapshot;

/// A desk whose operator anna has an SSH key, made here.
fn with_key() -> Desk {
    let desk = small();
    let key = desk.home().join(".ssh/id_ed25519");
    std::fs::create_dir(key.parent().unwrap()).unwrap();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "anna@desk", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    let anna = format!("anna = {{ key = \"{}\", secrets = true }}\n", public.trim());
    desk.file("inventory.toml", &(SMALL.to_owned() + &anna))
}

#[test]
fn a_secret_is_kept_encrypted_and_comes_back() {
    let mut desk = with_key();
    desk.input("it's $(a) \"value\" \\ \n");
    assert_snapshot!(desk.run(&["secret", "set", "own"]), @r"
    exit 0
    --- stderr
    secrets.age is encrypted to anna.
    ");
    assert!(
        desk.read("secrets.age")
            .starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n")
    );
    let (code, out, err) = desk.output(&["secret", "get", "own"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "it's $(a) \"value\" \\ \n");
    assert_eq!(
        desk.output(&["secret", "set", "random", "--generate", "40"])
            .0,
        0
    );
    let (_, random, _) = desk.output(&["secret", "get", "random"]);
    assert_eq!(random.trim().len(), 40);
    assert_snapshot!(desk.run(&["secret", "list"]), @r"
    exit 0
    --- stdout
    own
    random
    ");
    assert_snapshot!(desk.run(&["secret", "get", "owm"]), @r"
    exit 64
    --- stderr
    error: no secret is called `owm`; there is own, random
    ");
    assert_eq!(desk.output(&["secret", "remove", "random"]).0, 0);
    assert_eq!(desk.output(&["secret", "rekey"]).0, 0);
    assert_eq!(desk.output(&["secret", "list"]).1, "own\n");
}

#[test]
fn a_process_that_holds_secrets_leaves_no_core_dump() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut desk = with_key();
    desk.input("value\n");
    assert_eq!(desk.output(&["secret", "set", "own"]).0, 0);
    let seen = desk.home().join("limits");
    let editor = desk.home().join("editor");
    let script = format!(
        "#!/bin/sh\ngrep 'core file' /proc/$PPID/limits >{}\n",
        seen.display()
    );
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    desk.env("EDITOR", editor.to_str().unwrap());
    assert_eq!(desk.output(&["secret", "edit"]).0, 0);
    let limits = std::fs::read_to_string(seen).unwrap();
    let words: Vec<&str> = limits.split_whitespace().collect();
    assert_eq!(words[..6], ["Max", "core", "file", "size", "0", "0"]);
}

/// What the caller has open is none of the processes that a command starts: neither of an editor, nor of what stays.
#[test]
fn no_process_has_what_the_caller_has_open() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut desk = with_key();
    desk.input("value\n");
    assert_eq!(desk.output(&["secret", "set", "own"]).0, 0);
    let (held, seen) = (desk.home().join("held"), desk.home().join("seen"));
    std::fs::write(&held, "").unwrap();
    let editor = desk.home().join("editor");
    let script = format!("#!/bin/sh\nls -l /proc/$$/fd >{}\n", seen.display());
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    desk.env("EDITOR", editor.to_str().unwrap());
    let command = desk.command(&["secret", "edit"]);
    let done = std::process::Command::new("sh")
        .args(["-c", "exec 7<\"$0\" 9>>\"$0\"; exec \"$@\""])
        .arg(&held)
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.site())
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .status()
        .unwrap();
    assert!(done.success());
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains(" 0 -> ") && !seen.contains("/held"), "{seen}");
}

/// Who cannot open the secrets still works with what needs none of them.
#[test]
fn what_needs_no_secret_works_without_a_key() {
    let desk = with_key();
    assert_eq!(
        desk.output(&["secret", "set", "own", "--generate", "8"]).0,
        0
    );
    std::fs::remove_file(desk.home().join(".ssh/id_ed25519")).unwrap();
    // Nobody listens at that port: the node is asked, and cannot be reached.
    let at = ["node1", "--at", "node1=127.0.0.1:1", "--color", "never"];
    for command in ["facts", "log", "unlock", "attach", "capture"] {
        let (code, _, err) = desk.output(&[&[command], &at[..]].concat());
        assert_eq!(code, 4, "{command}: {err}");
        let hidden = ["attach", "capture"].contains(&command);
        assert_eq!(
            err.contains("secrets are not opened"),
            hidden,
            "{command}: {err}"
        );
    }
    let (code, _, err) = desk.output(&[&["plan"], &at[..]].concat());
    assert!(
        code == 64 && err.contains("no private key to open secrets.age"),
        "{err}"
    );
}

#[test]
fn a_passphrase_that_nobody_can_be_asked_for_is_named() {
    let desk = with_key();
    assert_eq!(
        desk.output(&["secret", "set", "own", "--generate", "8"]).0,
        0
    );
    let key = desk.home().join(".ssh/id_ed25519");
    let locked = std::process::Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "open sesame", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(locked.success());
    let command = desk.command(&["secret", "get", "own"]);
    let output = std::process::Command::new("setsid")
        .arg("--wait")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(desk.site())
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("id_ed25519 has a passphrase, and there is no terminal to ask for it"),
        "{err}"
    );
}

#[test]
fn who_writes_what_he_cannot_open_is_warned() {
    let mut desk = with_key();
    let other = desk.home().join("other");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other)
        .status()
        .unwrap();
    assert!(made.success());
    // The file is new: it is written by whoever has no key of it.
    desk.input("x");
    let words = [
        "secret",
        "set",
        "own",
        "--identity",
        other.to_str().unwrap(),
    ];
    let (code, _, err) = desk.output(&words);
    assert_eq!(code, 0, "{err}");
    assert!(
        err.contains("None of your keys opens secrets.age again: only anna can."),
        "{err}"
    );
}

#[test]
fn an_editor_that_changes_secrets_is_heard() {
    let mut desk = with_key();
    assert_eq!(
        desk.output(&["secret", "set", "own", "--generate", "8"]).0,
        0
    );
    desk.env("EDITOR", "sed -i s/own/new/");
    assert_eq!(desk.output(&["secret", "edit"]).0, 0);
    assert_eq!(desk.output(&["secret", "list"]).1, "new\n");
    desk.env("EDITOR", "true");
    assert_snapshot!(desk.run(&["secret", "edit"]), @r"
    exit 0
    --- stderr
    Nothing was changed.
    ");
    desk.env("EDITOR", "sed -i s/^/=/");
    assert_snapshot!(desk.run(&["secret", "edit"]), @r#"
    exit 64
    --- stderr
    error: secrets.age is open, but line 1 in it is not `name = "value"`; nothing was changed
    "#);
    assert_eq!(desk.output(&["secret", "list"]).1, "new\n");
}

#[test]
fn without_its_key_the_file_stays_closed() {
    let desk = with_key();
    assert_eq!(
        desk.output(&["secret", "set", "own", "--generate", "8"]).0,
        0
    );
    std::fs::remove_file(desk.home().join(".ssh/id_ed25519")).unwrap();
    assert_snapshot!(desk.run(&["secret", "get", "own"]), @r"
    exit 64
    --- stderr
    error: no private key to open secrets.age with: none of ~/.ssh/id_ed25519, ~/.ssh/id_rsa, ~/.config/age/keys.txt is there; name one with --identity
    ");
}

#[test]
fn a_secret_nobody_may_open_is_not_written() {
    let mut desk = small();
    desk.input("x");
    assert_snapshot!(desk.run(&["secret", "set", "own"]), @r"
    exit 64
    --- stderr
    error: no operator could open secrets.age: give operators `secrets = true`
    ");
    assert!(!desk.site().join("secrets.age").exists());
}

/// A desk with a site that one knocks at.
fn with_knock(ports: &str) -> Desk {
    let desk = with_key();
    let knock = format!(
        "[firewall]\noperators = [\"192.0.2.77\"]\nknock = {{ sequence = {{ secret = \"door\" }}{ports} }}\n"
    );
    let text = desk.read("inventory.toml");
    let (head, tail) = text.split_once("[operator]").unwrap();
    desk.file("inventory.toml", &format!("{head}{knock}[operator]{tail}"))
}

#[test]
fn a_value_is_no_argument_and_is_not_repeated() {
    let desk = with_knock("");
    assert_snapshot!(desk.run(&["secret", "set", "door", "7301,7117,7542"]), @r"
    exit 64
    --- stderr
    error: the value of a secret is no argument: others see it, and shells record it
      `nodewright secret set NAME` asks for it, or takes it from standard input
    ");
    assert!(!desk.site().join("secrets.age").exists());
}

#[test]
fn a_knock_that_everybody_or_nobody_gets_in_by_is_refused() {
    let mut desk = with_knock("");
    for (value, says) in [
        ("7301,7401,7501", "its ports only rise"),
        ("7501,7401,7301", "its ports only fall"),
        ("7301,7117,7301", "ports 1 and 3 of it are the same"),
        ("7301;7117;7542", "word 1 of it is no port"),
        ("7301,7117", "it has 2 port(s), and `ports` is 3"),
        ("7301,7117,+7542", "word 3 of it is no port"),
    ] {
        desk.input(&format!("{value}\n"));
        let (code, out, err) = desk.output(&["secret", "set", "door"]);
        assert_eq!((code, out.as_str()), (64, ""), "{value}");
        assert_eq!(err.matches("error: the knock: ").count(), 1, "{err}");
        assert!(
            err.contains(says) && err.contains("with 3 ports from 1024 to 65535"),
            "{err}"
        );
        assert!(!err.contains("7301"), "{err}");
    }
    assert_eq!(desk.output(&["secret", "list"]).1, "");
    desk.input("7301,7117,7542\n");
    assert_eq!(desk.output(&["secret", "set", "door"]).0, 0);
    // What was good once need not be so later.
    let mut desk = with_knock(", ports = 4");
    desk.input("7301,7117,7542,7200\n");
    assert_eq!(desk.output(&["secret", "set", "door"]).0, 0);
    let text = desk
        .read("inventory.toml")
        .replace("ports = 4", "ports = 3");
    let desk = desk.file("inventory.toml", &text);
    let (code, out, _) = desk.output(&["check"]);
    assert_eq!(code, 64, "{out}");
    assert!(
        out.contains("KNOCK-SEQUENCE") && out.contains("4 port(s)"),
        "{out}"
    );
    assert!(!out.contains("7301"), "{out}");
}

#[test]
fn a_secret_without_a_value_is_reported_by_check() {
    let desk = with_key().file(
        "roles/own.toml",
        "description = \"d\"\n[[step]]\nfile = \"/etc/x\"\ncontent = \"{{ secret('token') }}\"\n",
    );
    assert_eq!(
        desk.output(&["secret", "set", "other", "--generate", "8"])
            .0,
        0
    );
    let said = desk.output(&["check"]).1;
    assert!(
        said.contains("[SECRET-ABSENT]: the secret `token` has no value"),
        "{said}"
    );
    assert!(
        said.contains("help: `nodewright secret set token`"),
        "{said}"
    );
    // A rehearsal makes values up.
    assert!(!desk.output(&["--lab", "check"]).1.contains("SECRET-ABSENT"));
    assert_eq!(
        desk.output(&["secret", "set", "token", "--generate", "8"])
            .0,
        0
    );
    assert!(!desk.output(&["check"]).1.contains("SECRET-ABSENT"));
}
