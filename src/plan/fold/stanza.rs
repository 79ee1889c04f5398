//! Stanzas of ifupdown's `interfaces` files (interfaces(5)): taking out those of one interface.

use super::lines::Lines;

/// Words that begin a stanza.
const STARTS: [&str; 9] = [
    "iface",
    "auto",
    "mapping",
    "source",
    "source-directory",
    "rename",
    "template",
    "no-auto-down",
    "no-scripts",
];

/// Words that are followed by names of interfaces alone.
fn lists(word: &str) -> bool {
    word == "auto" || word.starts_with("allow-") || matches!(word, "no-auto-down" | "no-scripts")
}

/// The words of a line; none for a comment.
fn words(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let words = text.split_whitespace().map(str::to_owned);
    let words: Vec<String> = words.collect();
    match words.first() {
        Some(first) if first.starts_with('#') => Vec::new(),
        _ => words,
    }
}

fn starts(words: &[String]) -> bool {
    words
        .first()
        .is_some_and(|w| STARTS.contains(&w.as_str()) || w.starts_with("allow-"))
}

/// Whether a line describes this interface or has it brought up.
pub(super) fn names(line: &[u8], interface: &str) -> bool {
    let words = words(line);
    match words.as_slice() {
        [first, name, ..] if first == "iface" => name == interface,
        [first, names @ ..] if lists(first) => names.iter().any(|n| n == interface),
        _ => false,
    }
}

/// Removes every stanza of an interface, and its name from the lines that bring interfaces up. Blank lines and comments
/// before the next stanza belong to that one.
pub(super) fn without(file: &mut Lines, interface: &str) {
    let bodies: Vec<Vec<u8>> = file.bodies().map(<[u8]>::to_vec).collect();
    let mut gone = Vec::new();
    let mut at = 0;
    while at < bodies.len() {
        let here = words(&bodies[at]);
        if !names(&bodies[at], interface) {
            at += 1;
            continue;
        }
        if lists(&here[0]) {
            let rest: Vec<&str> = here.iter().map(String::as_str).collect();
            let rest: Vec<&str> = rest.into_iter().filter(|w| *w != interface).collect();
            if rest.len() == 1 {
                gone.push(at);
            } else {
                file.set(at, rest.join(" ").as_bytes());
            }
            at += 1;
            continue;
        }
        let mut end = at + 1;
        while end < bodies.len() && !starts(&words(&bodies[end])) {
            end += 1;
        }
        if end < bodies.len() {
            while end > at + 1 && words(&bodies[end - 1]).is_empty() {
                end -= 1;
            }
        }
        gone.extend(at..end);
        at = end;
    }
    file.keep_one(&gone, None);
}
