//! Network namespaces of a lab: their paths, running commands in them, removing them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use super::tools;

/// The folder of named namespaces.
const FOLDER: &str = "/run/netns";

/// The controller's namespace of a lab. The lab's other namespaces have this name, a `.` and a further name: no name
/// holds a `.`.
pub fn of_lab(lab: &str) -> String {
    format!("nw-{lab}")
}

/// The path of a named namespace.
pub fn path(namespace: &str) -> Box<Path> {
    Path::new(FOLDER).join(namespace).into()
}

/// The word by which `nsenter` enters a namespace.
pub fn enter(namespace: &str) -> String {
    format!("--net={}", path(namespace).display())
}

/// Makes a namespace.
pub fn add(namespace: &str) -> Result<()> {
    tools::call("ip", ["netns", "add", namespace]).map(|_| ())
}

/// One `ip` process for all lines, in a namespace.
pub fn batch(namespace: &str, lines: &[String]) -> Result<()> {
    let mut child = tools::command("ip")
        .args(["-n", namespace, "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start `ip`")?;
    if let Some(mut input) = child.stdin.take() {
        // `ip` that ends early says why below.
        let _ = input.write_all((lines.join("\n") + "\n").as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!(
        "the network of {namespace} could not be made: {}",
        stderr.trim()
    )
}

/// Removes all namespaces of a lab, and with them what is in them.
pub fn remove_all(lab: &str) -> Result<()> {
    let own = of_lab(lab);
    let below = format!("{own}.");
    for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == own || name.starts_with(&below) {
            remove(&name)?;
        }
    }
    Ok(())
}

/// Removes a namespace.
pub fn remove(namespace: &str) -> Result<()> {
    if let Err(error) = tools::call("ip", ["netns", "del", namespace]) {
        // Left by an `ip netns add` that was ended between its two steps: a plain file.
        fs::remove_file(path(namespace)).map_err(|_| error)?;
    }
    Ok(())
}
