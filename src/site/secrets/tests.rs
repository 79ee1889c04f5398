//! Keys under tests/keys were made for these tests and open nothing else.

use super::*;
use crate::site::load_str;
use age::secrecy::ExposeSecret as _;
use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../tests/keys/", $name))
    };
}

fn never() -> AskPassphrase {
    Arc::new(|name| panic!("asked for the passphrase of {name}"))
}

fn site(operators: &[(&str, &str)]) -> Site {
    let operators: Vec<String> = operators
        .iter()
        .map(|(name, key)| format!("{name} = {{ {key}, secrets = true }}"))
        .collect();
    let operators = operators.join("\n");
    let loaded = load_str(&format!(
        "[site]\nname = 's'\ndomain = 'example.net'\nplatform = 'el7'\n[operator]\n{operators}"
    ));
    loaded.site.expect("a site")
}

fn ssh(public: &str) -> String {
    format!("key = '{}'", public.trim())
}

fn ring(name: &str, file: &str, ask: &AskPassphrase) -> Keyring {
    let mut ring = Keyring::default();
    ring.add(name, file.as_bytes(), ask).unwrap();
    ring
}

fn some() -> Secrets {
    let mut secrets = Secrets::default();
    secrets
        .set("drbd", "it's \"secret\"\nin two lines")
        .unwrap();
    secrets.set("bmc-node1", "$(reboot)").unwrap();
    secrets
}

#[test]
fn what_is_closed_is_opened_by_each_recipient_and_nobody_else() {
    let own = age::x25519::Identity::generate();
    let recipients = Recipients::of(&site(&[
        ("anna", &ssh(key!("plain_ed25519.pub"))),
        ("beat", &ssh(key!("plain_rsa.pub"))),
        (
            "carl",
            &format!(
                "{}, age = '{}'",
                ssh(key!("plain_ecdsa.pub")),
                own.to_public()
            ),
        ),
    ]))
    .unwrap();
    assert_eq!(recipients.names(), ["anna", "beat", "carl"]);
    let file = some().close(&recipients).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    assert!(!text.contains("reboot"));
    for (name, key) in [
        ("ed25519", key!("plain_ed25519")),
        ("rsa", key!("plain_rsa")),
    ] {
        let opened = Secrets::open(&file, &ring(name, key, &never())).unwrap();
        assert_eq!(opened, some(), "{name}");
    }
    let identity = format!("# carl\n{}\n", own.to_string().expose_secret());
    assert_eq!(
        Secrets::open(&file, &ring("age", &identity, &never())).unwrap(),
        some()
    );
    let stranger = age::x25519::Identity::generate().to_string();
    assert_eq!(
        Secrets::open(&file, &ring("x", stranger.expose_secret(), &never())),
        Err(SecretsError::Closed {
            tried: 1,
            recipients: 3
        })
    );
    assert_eq!(
        Secrets::open(&file, &Keyring::default()),
        Err(SecretsError::Closed {
            tried: 0,
            recipients: 3
        })
    );
}

#[test]
fn a_passphrase_is_asked_for_once_and_only_for_a_key_that_opens() {
    let two = Recipients::of(&site(&[
        ("anna", &ssh(key!("locked_ed25519.pub"))),
        ("beat", &ssh(key!("plain_rsa.pub"))),
    ]))
    .unwrap();
    let file = some().close(&two).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let right: AskPassphrase = Arc::new(move |name| {
        assert_eq!(name, "id_ed25519");
        count.fetch_add(1, Ordering::SeqCst);
        Some("correct horse".into())
    });
    let opened = Secrets::open(&file, &ring("id_ed25519", key!("locked_ed25519"), &right));
    assert_eq!(opened.unwrap(), some());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let wrong: AskPassphrase = Arc::new(|_| Some("wrong".into()));
    let error = Secrets::open(&file, &ring("k", key!("locked_ed25519"), &wrong)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the SSH key cannot be used as a key: the passphrase is wrong"
    );
    let other = Recipients::of(&site(&[("beat", &ssh(key!("plain_rsa.pub")))])).unwrap();
    let file = some().close(&other).unwrap();
    assert!(Secrets::open(&file, &ring("k", key!("locked_ed25519"), &never())).is_err());
}

#[test]
fn a_change_of_people_is_noticed() {
    let anna = ("anna", ssh(key!("plain_ed25519.pub")));
    let beat = ("beat", ssh(key!("plain_rsa.pub")));
    let one = Recipients::of(&site(&[(anna.0, &anna.1)])).unwrap();
    let two = Recipients::of(&site(&[(anna.0, &anna.1), (beat.0, &beat.1)])).unwrap();
    let other = Recipients::of(&site(&[(beat.0, &beat.1)])).unwrap();
    let file = some().close(&one).unwrap();
    assert_eq!(one.differ_from(&file), Ok(false));
    assert_eq!(two.differ_from(&file), Ok(true));
    assert_eq!(other.differ_from(&file), Ok(true));
}

#[test]
fn a_damaged_file_is_no_empty_file() {
    let one = Recipients::of(&site(&[("anna", &ssh(key!("plain_ed25519.pub")))])).unwrap();
    let file = some().close(&one).unwrap();
    let keys = ring("k", key!("plain_ed25519"), &never());
    for cut in [0, 1, file.len() / 2, file.len() - 40] {
        let error = Secrets::open(&file[..cut], &keys).unwrap_err();
        assert!(matches!(error, SecretsError::Damaged(_)), "{cut}: {error}");
    }
    let mut bent = file.clone();
    let at = bent.len() - 60;
    bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
    assert!(matches!(
        Secrets::open(&bent, &keys),
        Err(SecretsError::Damaged(_))
    ));
}

#[test]
fn no_message_and_no_debug_text_holds_a_value() {
    let secrets = some();
    assert_eq!(format!("{secrets:?}"), "[\"bmc-node1\", \"drbd\"]");
    for text in [
        "a = \"hunter2\"\nb = hunter2",
        "a = \"x\"\nb = [\"hunter2\"]",
        "a b = \"hunter2\"",
    ] {
        let error = Secrets::from_toml(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert_eq!(
        Secrets::from_toml("a = \"x\"\nb = [\"hunter2\"]"),
        Err(SecretsError::Content { line: 2 })
    );
}

#[test]
fn names_and_values_are_kept_as_they_are_or_refused() {
    let secrets = some();
    assert_eq!(Secrets::from_toml(&secrets.to_toml()).unwrap(), secrets);
    assert_eq!(secrets.vault()["drbd"], "it's \"secret\"\nin two lines");
    let mut secrets = Secrets::default();
    assert!(matches!(
        secrets.set("a b", "x"),
        Err(SecretsError::Name(_))
    ));
    assert_eq!(secrets.set("a", ""), Err(SecretsError::Value));
    assert_eq!(secrets.set("a", "x\0y"), Err(SecretsError::Value));
    assert_eq!(secrets.set("a", &mark("drbd")), Err(SecretsError::Value));
    secrets.set("a", "x").unwrap();
    assert!(secrets.remove("a"));
    assert!(!secrets.remove("a"));
}

#[test]
fn keys_that_cannot_open_are_named() {
    let mut ring = Keyring::default();
    let error = ring
        .add("id_ecdsa", key!("plain_ecdsa").as_bytes(), &never())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "id_ecdsa cannot be used as a key: only Ed25519 and RSA keys can open it"
    );
    assert!(ring.add("empty", b"# nothing\n", &never()).is_err());
    assert!(ring.is_empty());
    assert_eq!(
        Recipients::of(&site(&[("carl", &ssh(key!("plain_ecdsa.pub")))])),
        Err(SecretsError::Recipient {
            who: "carl".into(),
            why: "it has no Ed25519, RSA or age key".into()
        })
    );
    assert_eq!(Recipients::of(&site(&[])), Err(SecretsError::Nobody));
}

#[test]
fn generated_values_have_their_length_and_alphabet() {
    let value = generate(200, Alphabet::Digits);
    assert_eq!(value.len(), 200);
    assert!(value.bytes().all(|b| b.is_ascii_digit()));
    assert!(
        (b'0'..=b'9').all(|d| value.bytes().any(|b| b == d)),
        "{value}"
    );
    assert!(
        generate(64, Alphabet::Hex)
            .bytes()
            .all(|b| b"0123456789abcdef".contains(&b))
    );
    assert_ne!(
        generate(32, Alphabet::Alphanumeric),
        generate(32, Alphabet::Alphanumeric)
    );
}
