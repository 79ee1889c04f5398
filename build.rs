//! Lists the shipped roles and templates, so that the binary holds them, and says which commit it is built from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut names = Vec::new();
    for folder in ["roles", "templates"] {
        println!("cargo:rerun-if-changed={folder}");
        collect(&root, Path::new(folder), &mut names)?;
    }
    names.sort();
    let mut list = String::from("&[\n");
    for name in names {
        let _ = writeln!(
            list,
            "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", {name:?}))),"
        );
    }
    list.push(']');
    println!("cargo:rustc-env=NODEWRIGHT_BUILT={}", built(&root));
    std::fs::write(out.join("shipped.rs"), list)
}

/// The commit that this is built from, in words. A build for debugging does not say it: it would be built anew after each
/// commit.
fn built(root: &Path) -> String {
    println!("cargo:rerun-if-env-changed=PROFILE");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return "debug build".to_owned();
    }
    // An archive has no folder of git; one around it would be that of another project.
    if !root.join(".git").exists() {
        return "from a source archive, commit unknown".to_owned();
    }
    let git = |words: &[&str]| {
        let done = Command::new("git").arg("-C").arg(root).args(words).output();
        let said = done.ok().filter(|d| d.status.success())?.stdout;
        Some(String::from_utf8(said).ok()?.trim().to_owned())
    };
    for path in ["src", "Cargo.lock", "Cargo.toml"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let reference = git(&["symbolic-ref", "-q", "HEAD"]).unwrap_or_default();
    for name in ["HEAD", "packed-refs", reference.as_str()] {
        let path = git(&["rev-parse", "--git-path", name]).map(|p| root.join(p));
        if let Some(path) = path.filter(|p| p.is_file()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "commit unknown: git does not tell it".to_owned();
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let changed = changed.is_none_or(|files| !files.is_empty());
    format!(
        "commit {commit}{}",
        if changed { ", changed since" } else { "" }
    )
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            collect(root, &path, names)?;
        } else {
            names.push(path.to_str().expect("shipped names are ASCII").to_owned());
        }
    }
    Ok(())
}
