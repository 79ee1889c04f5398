//! Lists the shipped roles and templates, so that the binary holds them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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
    std::fs::write(out.join("shipped.rs"), list)
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
