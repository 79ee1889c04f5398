//! The site's encrypted file: `secrets.age`, opened by age identities and SSH keys, encrypted to the operators.
//!
//! Everything here works on bytes that somebody else read and writes; nothing touches a disk. Inside is TOML, one
//! `name = "value"` a line, so that `age -d` shows it as well. In clear the file tells only to how many it is encrypted,
//! and the tags of their SSH keys.

use super::Site;
use super::words::types::{SecretName, SshKey, Word as _};
use crate::text::base64;
use crate::text::{Vault, mark};
use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, OnceLock};

/// Name of the file in the site's folder.
pub const FILE: &str = "secrets.age";

/// An error about the encrypted file. No message ever holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// No key at hand opens it.
    #[error("none of {tried} key(s) opens {FILE}; it is encrypted to {recipients} key(s)")]
    Closed {
        /// The number of keys that were tried.
        tried: usize,
        /// To how many it is encrypted.
        recipients: usize,
    },
    /// It is no age file, or was changed on its way.
    #[error("{FILE} is damaged: {0}")]
    Damaged(String),
    /// The decrypted content is not in this program's format.
    #[error("{FILE} is open, but line {line} in it is not `name = \"value\"`")]
    Content {
        /// The line inside.
        line: usize,
    },
    /// A private key that cannot be used.
    #[error("{name} cannot be used as a key: {why}")]
    Key {
        /// The key's file.
        name: String,
        /// The reason.
        why: String,
    },
    /// The file would have no recipient, so it could never be opened again.
    #[error("no operator could open {FILE}: give operators `secrets = true`")]
    Nobody,
    /// An operator's key to which nothing can be encrypted.
    #[error("nothing can be encrypted to the key of `{who}`: {why}")]
    Recipient {
        /// The operator.
        who: String,
        /// The reason.
        why: String,
    },
    /// A name that is none.
    #[error("{0}")]
    Name(String),
    /// A value that cannot be stored.
    #[error("a secret is not empty and has neither NUL nor private-use characters")]
    Value,
}

/// The secrets themselves: name → value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Secrets {
    /// Opens an encrypted file.
    pub fn open(file: &[u8], keys: &Keyring) -> Result<Self, SecretsError> {
        let damaged = |e: &dyn std::fmt::Display| SecretsError::Damaged(e.to_string());
        let stanzas = recipients(file)?;
        let decryptor =
            age::Decryptor::new_buffered(ArmoredReader::new(file)).map_err(|e| damaged(&e))?;
        let identities: Vec<&dyn age::Identity> = keys
            .keys
            .iter()
            .filter(|k| k.may_open(&stanzas))
            .map(|k| k.identity.as_ref() as &dyn age::Identity)
            .collect();
        let closed = || SecretsError::Closed {
            tried: keys.keys.len(),
            recipients: stanzas.len(),
        };
        let mut reader = decryptor
            .decrypt(identities.into_iter())
            .map_err(|e| match e {
                age::DecryptError::NoMatchingKeys => closed(),
                age::DecryptError::KeyDecryptionFailed => SecretsError::Key {
                    name: "the SSH key".into(),
                    why: "the passphrase is wrong".into(),
                },
                e => damaged(&e),
            })?;
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(|e| damaged(&e))?;
        Self::from_toml(&text)
    }

    /// Closes them to these recipients: the bytes of an armored age file.
    pub fn close(&self, to: &Recipients) -> Result<Vec<u8>, SecretsError> {
        let list: Vec<Box<dyn age::Recipient>> = to
            .list
            .iter()
            .map(|(who, key)| recipient(who, key))
            .collect::<Result<_, _>>()?;
        let failed = |e: &dyn std::fmt::Display| SecretsError::Damaged(e.to_string());
        let encryptor = age::Encryptor::with_recipients(list.iter().map(AsRef::as_ref))
            .map_err(|_| SecretsError::Nobody)?;
        let armor =
            ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).map_err(|e| failed(&e))?;
        let mut writer = encryptor.wrap_output(armor).map_err(|e| failed(&e))?;
        writer
            .write_all(self.to_toml().as_bytes())
            .map_err(|e| failed(&e))?;
        writer
            .finish()
            .and_then(ArmoredWriter::finish)
            .map_err(|e| failed(&e))
    }

    /// Reads `name = "value"` lines, as an operator edited them.
    pub fn from_toml(text: &str) -> Result<Self, SecretsError> {
        let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        // A parser's message would quote the line, and with it the value.
        let table = toml::de::DeTable::parse(text).map_err(|e| SecretsError::Content {
            line: line_of(e.span().map_or(0, |s| s.start)),
        })?;
        let mut secrets = Self::default();
        for (name, value) in table.get_ref() {
            let line = line_of(name.span().start);
            let value = value
                .get_ref()
                .as_str()
                .ok_or(SecretsError::Content { line })?;
            secrets.set(name.get_ref(), value)?;
        }
        Ok(secrets)
    }

    /// The same as text for an editor. Shows every value.
    pub fn to_toml(&self) -> String {
        let table: toml::Table = self
            .0
            .iter()
            .map(|(name, value)| (name.clone(), toml::Value::String(value.clone())))
            .collect();
        table.to_string()
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Sets a value. Fails when name or value cannot be stored.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SecretsError> {
        SecretName::parse(name).map_err(SecretsError::Name)?;
        let marks = mark("");
        let bad = |c: char| c == '\0' || marks.contains(c);
        if value.is_empty() || value.contains(bad) {
            return Err(SecretsError::Value);
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Takes a value out; says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The values for the marks in texts.
    pub fn vault(&self) -> Vault {
        self.0.clone()
    }
}

/// The characters of a generated value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Letters and digits.
    Alphanumeric,
    /// Digits.
    Digits,
    /// Hexadecimal digits in small letters.
    Hex,
}

impl Alphabet {
    fn characters(self) -> &'static [u8] {
        match self {
            Self::Alphanumeric => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            Self::Digits => b"0123456789",
            Self::Hex => b"0123456789abcdef",
        }
    }
}

/// A random value of this many characters, each equally likely, from the kernel's random numbers.
///
/// # Panics
/// When the kernel has no random numbers.
pub fn generate(length: usize, alphabet: Alphabet) -> String {
    let characters = alphabet.characters();
    // Bytes above the last whole multiple would make some characters likelier.
    let limit = 256 - 256 % characters.len();
    let mut value = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while value.len() < length {
        getrandom::fill(&mut bytes).expect("the kernel has random numbers");
        let good = bytes.iter().map(|b| usize::from(*b)).filter(|b| *b < limit);
        let chosen = good.map(|b| char::from(characters[b % characters.len()]));
        value.extend(chosen.take(length - value.len()));
    }
    value
}

/// To whom the file is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    list: Vec<(String, RecipientKey)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum RecipientKey {
    Ssh(SshKey),
    Age(String),
}

impl Recipients {
    /// The operators with `secrets = true`: each of their Ed25519 and RSA keys, and their age recipient.
    pub fn of(site: &Site) -> Result<Self, SecretsError> {
        let mut list = Vec::new();
        for (name, operator) in &site.inventory.operator {
            if !operator.secrets {
                continue;
            }
            let age = operator
                .age
                .iter()
                .map(|a| RecipientKey::Age(a.to_string()));
            let ssh = operator
                .all_keys()
                .filter(|k| matches!(k.kind(), "ssh-ed25519" | "ssh-rsa"))
                .map(|k| RecipientKey::Ssh(k.clone()));
            let before = list.len();
            list.extend(age.chain(ssh).map(|k| (name.to_string(), k)));
            if list.len() == before {
                return Err(SecretsError::Recipient {
                    who: name.to_string(),
                    why: "it has no Ed25519, RSA or age key".into(),
                });
            }
        }
        if list.is_empty() {
            return Err(SecretsError::Nobody);
        }
        for (who, key) in &list {
            recipient(who, key)?;
        }
        Ok(Self { list })
    }

    /// The operators, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.list.iter().map(|(who, _)| who.as_str()).collect();
        names.dedup();
        names
    }

    /// Whether the file is encrypted to others than these: `rekey` is owed. Keys of age cannot be distinguished in the
    /// file; they are counted.
    pub fn differ_from(&self, file: &[u8]) -> Result<bool, SecretsError> {
        let mut there: Vec<Option<[u8; 4]>> = recipients(file)?;
        let mut wanted: Vec<Option<[u8; 4]>> = self
            .list
            .iter()
            .map(|(_, key)| match key {
                RecipientKey::Ssh(key) => base64(key.body()).map(|b| tag(&b)),
                RecipientKey::Age(_) => None,
            })
            .collect();
        there.sort_unstable();
        wanted.sort_unstable();
        Ok(there != wanted)
    }
}

fn recipient(who: &str, key: &RecipientKey) -> Result<Box<dyn age::Recipient>, SecretsError> {
    use age::ssh::ParseRecipientKeyError as E;
    let why = |why: &str| SecretsError::Recipient {
        who: who.to_owned(),
        why: why.to_owned(),
    };
    match key {
        RecipientKey::Ssh(key) => match key.as_str().parse::<age::ssh::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(E::RsaModulusTooSmall) => Err(why("it is an RSA key of less than 2048 bits")),
            Err(E::RsaModulusTooLarge) => Err(why("it is an RSA key that is too long")),
            Err(_) => Err(why("it is not whole")),
        },
        RecipientKey::Age(key) => match key.parse::<age::x25519::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(e) => Err(why(e)),
        },
    }
}

/// The first bytes of a key's digest, by which an age file names it.
fn tag(key: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(key);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// To whom a file is closed, as far as it says: the tag of an SSH key, none for a key of age.
fn recipients(file: &[u8]) -> Result<Vec<Option<[u8; 4]>>, SecretsError> {
    let damaged = |why: &str| SecretsError::Damaged(why.to_owned());
    let mut raw = Vec::new();
    ArmoredReader::new(file)
        .read_to_end(&mut raw)
        .map_err(|e| damaged(&e.to_string()))?;
    if !raw.starts_with(b"age-encryption.org/") {
        return Err(damaged("it does not begin as an age file does"));
    }
    let mut stanzas = Vec::new();
    for line in raw.split(|b| *b == b'\n') {
        if line.starts_with(b"---") {
            return Ok(stanzas);
        }
        let Some(stanza) = line.strip_prefix(b"-> ") else {
            continue;
        };
        let words: Vec<&str> = std::str::from_utf8(stanza)
            .map_err(|_| damaged("its header is not text"))?
            .split(' ')
            .collect();
        match words.as_slice() {
            ["ssh-ed25519" | "ssh-rsa", tag, ..] => {
                let bytes = base64(&format!("{tag}==")).and_then(|b| b.try_into().ok());
                stanzas.push(Some(
                    bytes.ok_or_else(|| damaged("a tag in its header is no tag"))?,
                ));
            }
            ["X25519", ..] => stanzas.push(None),
            _ => {}
        }
    }
    Err(damaged("its header has no end"))
}

/// Asks for the passphrase of a key's file; `None` when there is no terminal to ask on.
pub type AskPassphrase = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The private keys at hand.
#[derive(Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

struct Key {
    identity: Box<dyn age::Identity + Send>,
    /// The tag of an SSH key. A passphrase is asked for only where the file names the key.
    tag: Option<[u8; 4]>,
}

impl Key {
    fn may_open(&self, stanzas: &[Option<[u8; 4]>]) -> bool {
        self.tag.is_none() || stanzas.contains(&self.tag)
    }
}

impl Keyring {
    /// Whether one of these keys may open an encrypted file. An identity of age cannot be told apart beforehand.
    pub fn may_open(&self, file: &[u8]) -> bool {
        let named = recipients(file).unwrap_or_default();
        self.keys.iter().any(|key| key.may_open(&named))
    }

    /// Adds the keys in a file: identities of age (`AGE-SECRET-KEY-…`, one a line), or one private key of OpenSSH.
    /// `name` is the file's name for display. A key with a passphrase is opened when it is needed.
    pub fn add(
        &mut self,
        name: &str,
        file: &[u8],
        ask: &AskPassphrase,
    ) -> Result<(), SecretsError> {
        let wrong = |why: &str| SecretsError::Key {
            name: name.to_owned(),
            why: why.to_owned(),
        };
        let text = std::str::from_utf8(file).map_err(|_| wrong("it is not text"))?;
        if text.contains("-----BEGIN ") {
            return self.add_ssh(name, file, ask);
        }
        let before = self.keys.len();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let identity: age::x25519::Identity = line
                .parse()
                .map_err(|_| wrong("a line of it is no identity of age"))?;
            self.keys.push(Key {
                identity: Box::new(identity),
                tag: None,
            });
        }
        if self.keys.len() == before {
            return Err(wrong("there is no key in it"));
        }
        Ok(())
    }

    fn add_ssh(
        &mut self,
        name: &str,
        file: &[u8],
        ask: &AskPassphrase,
    ) -> Result<(), SecretsError> {
        let wrong = |why: &str| SecretsError::Key {
            name: name.to_owned(),
            why: why.to_owned(),
        };
        let read = || age::ssh::Identity::from_buffer(file, Some(name.to_owned()));
        let identity = read().map_err(|_| wrong("it is no private key of OpenSSH"))?;
        if let age::ssh::Identity::Unsupported(_) = identity {
            return Err(wrong("only Ed25519 and RSA keys can open it"));
        }
        let public = age::ssh::Recipient::try_from(identity)
            .map_err(|_| wrong("only Ed25519 and RSA keys can open it"))?
            .to_string();
        let tag = public.split(' ').nth(1).and_then(base64).map(|b| tag(&b));
        let identity = read()
            .map_err(|_| wrong("it is no private key of OpenSSH"))?
            .with_callbacks(IdentityCallbacks {
                file: name.to_owned(),
                passphrase: Arc::clone(ask),
                answer: Arc::default(),
            });
        self.keys.push(Key {
            identity: Box::new(identity),
            tag,
        });
        Ok(())
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// Asks once: age would ask again for each recipient of a file.
#[derive(Clone)]
struct IdentityCallbacks {
    file: String,
    passphrase: AskPassphrase,
    answer: Arc<OnceLock<Option<String>>>,
}

impl age::Callbacks for IdentityCallbacks {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        self.answer
            .get_or_init(|| (self.passphrase)(&self.file))
            .clone()
            .map(SecretString::from)
    }
}

#[cfg(test)]
mod tests;
