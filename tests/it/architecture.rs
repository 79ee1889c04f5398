//! ARCHITECTURE.md's tables, held against the code: what each room imports, and where each subject is found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text() -> String {
    std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// The rows of the table that stands under this heading, cell by cell, without its head.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = text();
    let (_, section) = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("ARCHITECTURE.md has no section `{heading}`"));
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// Words between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

pub(crate) fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// The room of a file below `src`: its first folder, or its own name.
fn room(file: &Path) -> String {
    let first = file.strip_prefix(root().join("src")).unwrap();
    let first = first.iter().next().unwrap().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first).to_owned()
}

/// A file's code without comments and without its tests.
pub(crate) fn code(file: &Path) -> String {
    let of_tests = file
        .iter()
        .filter_map(|part| part.to_str())
        .any(|part| part.contains("tests"));
    if of_tests {
        return String::new();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let (text, _) = text
        .split_once("#[cfg(test)]\nmod tests {")
        .unwrap_or((&text, ""));
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// What each room imports of other rooms.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files {
        let own = room(&file);
        if own == "lib" || own == "main" {
            continue;
        }
        let code = code(&file);
        let used = imports.entry(own.clone()).or_default();
        for after in code.split("crate::").skip(1) {
            assert!(
                !after.starts_with('{'),
                "{}: `use crate::{{…}}` hides which rooms are meant; write one line a room",
                file.display()
            );
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let name = &after[..end.unwrap_or(after.len())];
            if name != own {
                used.insert(name.to_owned());
            }
        }
    }
    imports
}

#[test]
fn every_room_imports_what_its_table_says_and_nothing_above_it() {
    let imports = imports();
    let table = table("Rooms");
    let mut above: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in &table {
        let [name, _, allowed] = &row[..] else {
            panic!("a row of the rooms has three cells: {row:?}");
        };
        let name = quoted(name).remove(0);
        let allowed: BTreeSet<String> = quoted(allowed).into_iter().collect();
        let Some(used) = imports.get(&name) else {
            wrong.push(format!("there is no room `{name}` in src"));
            continue;
        };
        above.insert(name.clone());
        let up: Vec<_> = used.intersection(&above).collect();
        if !up.is_empty() {
            wrong.push(format!("`{name}` imports {up:?}, which stand above it"));
        }
        if *used != allowed {
            let list: Vec<_> = used.iter().map(|u| format!("`{u}`")).collect();
            wrong.push(format!("`{name}` imports {}", list.join(", ")));
        }
    }
    for name in imports.keys().filter(|name| !above.contains(*name)) {
        wrong.push(format!("the room `{name}` is not in the table"));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_place_of_a_subject_is_there() {
    let rows = table("Subjects");
    assert!(rows.len() >= 6, "{rows:?}");
    let mut missing = Vec::new();
    for path in rows.iter().flatten().flat_map(|cell| quoted(cell)) {
        if !root().join(&path).exists() {
            missing.push(path);
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a_kind_is_registered_in_its_wing_and_known_nowhere_else() {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let kinds = root().join("src/kinds");
    let mut registered = 0;
    let mut wrong = Vec::new();
    for wing in [
        "files", "packages", "system", "network", "cluster", "storage", "guests",
    ] {
        let wing = kinds.join(wing).join("mod.rs");
        let text = std::fs::read_to_string(&wing).unwrap();
        for line in text.lines().filter(|line| line.contains("Adapter::<")) {
            registered += 1;
            let path = line.split(['<', '>']).nth(1).unwrap();
            let (_, marker) = path.rsplit_once("::").unwrap();
            let word = format!("::{marker}>::new()");
            for file in files.iter().filter(|file| **file != wing) {
                if code(file).contains(&word) {
                    wrong.push(format!("{marker} is registered in {} too", file.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(registered, nodewright::kinds::kinds().count());
}

#[test]
fn a_command_is_its_file_and_the_list_of_commands() {
    let mut files = Vec::new();
    rust_files(&root().join("src/cli"), &mut files);
    let list = std::fs::read_to_string(root().join("src/cli/mod.rs")).unwrap();
    let commands = list.lines().filter_map(|line| {
        let (head, rest) = line.trim().split_once("(args) => ")?;
        head.strip_prefix("Self::")?;
        let (module, _) = rest.split_once("::run(")?;
        (!module.contains("::")).then(|| module.to_owned())
    });
    let commands: BTreeSet<String> = commands.collect();
    assert!(commands.len() > 20, "{commands:?}");
    for command in &commands {
        let word = format!("{command}::run(");
        let users: Vec<_> = files
            .iter()
            .filter(|file| code(file).contains(&word))
            .collect();
        assert_eq!(users.len(), 1, "{command} is called by {users:?}");
    }
}

/// What reaches a terminal goes through `report::leaving`, which spells control characters out: these files call it.
#[test]
fn nothing_writes_to_the_terminal_but_what_spells_control_characters_out() {
    const WRITERS: [&str; 3] = [
        "src/report/progress.rs",
        "src/workplace/context.rs",
        "src/workplace/outcome.rs",
    ];
    // What the program itself does as an editor's parent and as a lab's pipe: nothing of a node.
    const OWN: [&str; 2] = ["src/cli/secret.rs", "src/lab/"];
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut writing = BTreeSet::new();
    for file in files {
        let code = code(&file);
        let words = ["io::stdout()", "io::stderr()", "print!(", "println!("];
        let name = file.strip_prefix(root()).unwrap().to_str().unwrap();
        if words.iter().any(|word| code.contains(word)) && !OWN.iter().any(|o| name.starts_with(o))
        {
            assert!(code.contains("leaving("), "{name}");
            writing.insert(name.to_owned());
        }
    }
    assert_eq!(writing, WRITERS.map(str::to_owned).into());
}

/// What judges belongs into Rust, where it is tested with recorded answers: the shell stays small.
#[test]
fn the_shell_of_the_program_stays_small() {
    fn lines(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| {
                if path.is_dir() {
                    lines(&path)
                } else if path.extension().is_some_and(|end| end == "sh") {
                    std::fs::read_to_string(&path).unwrap().lines().count()
                } else {
                    0
                }
            })
            .sum()
    }
    let lines = lines(&root().join("src"));
    assert!(lines > 1000, "{lines}");
    assert!(lines < 2300, "{lines} lines of shell");
}

/// A stranger finds a type by its name. `Want`, `Seen` and `Args` are what each kind and each command has of its own.
#[test]
fn a_name_is_that_of_one_type() {
    const EACH: [&str; 3] = ["Want", "Seen", "Args"];
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    let mut types: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in files {
        // Types of the inventory's words are rows of a macro: `Name "format" …`, `Name u16, 1, 65535, …`.
        let words = file.starts_with(root().join("src/site/words"));
        let text = code(&file);
        for line in text.lines() {
            let declared = line.trim_start();
            let declared = match declared.strip_prefix("pub") {
                Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or("", |r| r.1),
                Some(rest) => rest.trim_start(),
                None => declared,
            };
            let (first, rest) = declared.split_once(' ').unwrap_or((declared, ""));
            let name = match first {
                "struct" | "enum" | "trait" | "union" => rest,
                // Deeper in, a `type` is what a trait asks for.
                "type" if !line.starts_with(' ') => rest,
                name if words && rest.starts_with(['"', 'u', 'i']) => name,
                _ => continue,
            };
            let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next();
            let name = name.unwrap_or_default();
            if name.starts_with(|c: char| c.is_ascii_uppercase()) && !EACH.contains(&name) {
                let places = types.entry(name.to_owned()).or_default();
                assert!(
                    places.insert(file.clone()),
                    "{name} stands twice in {file:?}"
                );
            }
        }
    }
    assert!(types.len() > 300, "{}", types.len());
    let word = |name: &str| types.get(name).is_some_and(|files| files.len() == 1);
    assert!(word("SourceNet") && word("DrbdMinor"));
    let twice: Vec<_> = types.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
}
