//! Keys of INI files.

use super::lines::Lines;

fn indent(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'#' | b';'))
}

fn ini_section(line: &[u8]) -> Option<&[u8]> {
    let inner = line.trim_ascii().strip_prefix(b"[")?;
    let end = inner.iter().position(|b| *b == b']')?;
    Some(inner[..end].trim_ascii())
}

/// The key of a line, if it is one.
pub(super) fn ini_key(line: &[u8]) -> Option<&[u8]> {
    if is_comment(line) || ini_section(line).is_some() {
        return None;
    }
    let at = line.iter().position(|b| *b == b'=')?;
    Some(line[..at].trim_ascii())
}

/// Whether a line carries on the value above it: further in, and not of the form `key =`.
fn continues(line: &[u8], above: &[u8]) -> bool {
    let plain = |key: &[u8]| {
        key.iter()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b))
    };
    !line.trim_ascii().is_empty()
        && !is_comment(line)
        && indent(line) > indent(above)
        && ini_section(line).is_none()
        && !ini_key(line).is_some_and(plain)
}

/// Sets or removes a key. Of several lines of a key the last stays, which is the one that counts for nearly every
/// reader. Lines that continue its value are removed with it.
pub(super) fn ini(file: &mut Lines, section: &[u8], key: &[u8], line: Option<&[u8]>) {
    let mut inside = section.is_empty();
    let mut found = inside;
    let mut add_at = 0;
    let mut keys: Vec<usize> = Vec::new();
    let mut gone: Vec<usize> = Vec::new();
    let mut of_key: Option<usize> = None;
    for (at, body) in file.bodies().enumerate() {
        if let Some(name) = ini_section(body) {
            inside = name == section && !section.is_empty();
            found |= inside;
            of_key = None;
        } else if !inside {
            continue;
        } else if let Some(above) = of_key
            && continues(body, &file.lines[above].body)
        {
            gone.push(at);
        } else if ini_key(body) == Some(key) {
            keys.push(at);
            of_key = Some(at);
        } else {
            of_key = None;
        }
        if inside && !body.trim_ascii().is_empty() {
            add_at = at + 1;
        }
    }
    let keep = keys.last().copied().filter(|_| line.is_some());
    match (line, keep) {
        (Some(line), Some(at)) => {
            let old = &file.lines[at].body;
            let mut new = old[..indent(old)].to_vec();
            new.extend_from_slice(line);
            // A line after a value that is as desired is no part of it, or the value is not as desired.
            if old.trim_ascii_end() != new.trim_ascii_end() {
                file.set(at, &new);
            }
        }
        (Some(line), None) => {
            if !found {
                if file
                    .bodies()
                    .next_back()
                    .is_some_and(|l| !l.trim_ascii().is_empty())
                {
                    file.insert(file.lines.len(), b"");
                }
                let head = [b"[", section, b"]"].concat();
                file.insert(file.lines.len(), &head);
                add_at = file.lines.len();
            }
            file.insert(add_at, line);
            return;
        }
        (None, _) => {}
    }
    gone.extend_from_slice(&keys);
    file.keep_one(&gone, keep);
}
