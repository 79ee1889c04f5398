//! The file of answers from which a node's installer works, made from the site.

use super::library::Library;
use super::subject::Subject;
use crate::platform::Installer;
use crate::site::resolved::installation::Installation;
use crate::site::tables::inventory::Sudo;
use crate::site::words::types::Url;
use crate::site::{Finding, Site};
use crate::text::Text;
use minijinja::value::{Serde, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Types of host keys, each in a file of its own.
const HOST_KEYS: [&str; 3] = ["rsa", "ecdsa", "ed25519"];

/// The names of the secrets that hold the private halves of a node's host keys, by type.
pub fn host_key_secret(node: &str) -> [(&'static str, String); 3] {
    HOST_KEYS.map(|kind| (kind, format!("host-{kind}-{node}")))
}

/// A private key on one line, `~` in the place of its newlines, so that it fits between quotes in a script. `None`
/// where the text is no such key.
pub fn on_one_line(key: &str) -> Option<String> {
    let key = key.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+/=:,- \n".contains(&b);
    let begins = key.starts_with("-----BEGIN ") && key.ends_with("PRIVATE KEY-----");
    (begins && key.bytes().all(plain)).then(|| key.replace('\n', "~") + "~")
}

/// The parts of a mirror's address, which some installers ask for one by one.
fn source(url: &Url) -> Json {
    let url = url.as_str();
    let (protocol, rest) = url.split_once("://").unwrap_or(("http", url));
    let (host, directory) = rest.split_once('/').unwrap_or((rest, ""));
    let directory = format!("/{}", directory.trim_end_matches('/'));
    json!({ "url": url, "protocol": protocol, "host": host, "directory": directory })
}

/// The input of a file of answers besides the site.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    /// The plan for the disk, and the links.
    pub installation: &'a Installation,
    /// The installer of the node's release.
    pub installer: Installer,
    /// The public key that opens the account.
    pub key: &'a str,
    /// Types of host keys whose private halves the site has.
    pub host_keys: &'a [&'static str],
    /// The place that packages are fetched from; the medium otherwise.
    pub source: Option<&'a Url>,
}

/// Renders the file. Private host keys in it are marks.
///
/// # Errors
/// The error in the template, where it is one of the site's own.
pub fn answers(
    site: &Site,
    library: &Library,
    node: &str,
    given: &Given<'_>,
) -> Result<Text, Box<Finding>> {
    let subject = Subject::of(site, node);
    let login = site.login(node);
    let secrets = host_key_secret(node);
    let secrets = secrets
        .iter()
        .filter(|(kind, _)| given.host_keys.contains(kind))
        .map(|(kind, secret)| json!({ "kind": kind, "secret": secret }));
    let mut install = json!(given.installation);
    install["account"] = json!(login.user.as_deref().unwrap_or("root"));
    install["port"] = json!(login.port.unwrap_or(22));
    install["key"] = json!(given.key);
    install["host_keys"] = secrets.collect();
    install["sudo"] = json!(login.sudo == Sudo::Nopasswd);
    install["source"] = json!(given.source.map(source));
    install["first"] = json!(given.installer.first);
    install["packages"] = json!(given.installer.packages);
    install["selinux"] = json!(site.platform_of(node).has_selinux());
    let mut around: BTreeMap<String, Value> = subject.context.into_iter().collect();
    around.insert("install".to_owned(), Value::from(Serde(install)));
    let around = Value::from(around);
    let engine = library.engine();
    engine
        .render(given.installer.template, &around)
        .map_err(|error| {
            let found = library.finding(&error);
            Box::new(found.unwrap_or_else(|| Finding::error("TEMPLATE", error.message)))
        })
}
