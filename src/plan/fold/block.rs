//! Lines between two marks.

use super::lines::Lines;

/// Sets or removes the lines between two marks. The error names what is wrong with the file.
pub(super) fn block(
    file: &mut Lines,
    begin: &[u8],
    end: &[u8],
    content: Option<&[Vec<u8>]>,
) -> Result<(), String> {
    let places = |mark: &[u8]| -> Vec<usize> {
        file.bodies()
            .enumerate()
            .filter(|(_, l)| *l == mark)
            .map(|(at, _)| at)
            .collect()
    };
    let (begins, ends) = (places(begin), places(end));
    let name = String::from_utf8_lossy(begin);
    let (from, to) = match (begins.as_slice(), ends.as_slice()) {
        ([], []) => {
            let Some(content) = content else {
                return Ok(());
            };
            file.insert(file.lines.len(), begin);
            for line in content {
                file.insert(file.lines.len(), line);
            }
            file.insert(file.lines.len(), end);
            return Ok(());
        }
        ([from], [to]) if from < to => (*from, *to),
        ([from, ..], []) => {
            return Err(format!(
                "line {}: `{name}` has no end; put the mark that ends it below, or remove this one",
                from + 1
            ));
        }
        ([], [to, ..]) => {
            return Err(format!(
                "line {}: `{}` has no beginning; put the mark that begins it above, or remove this one",
                to + 1,
                String::from_utf8_lossy(end)
            ));
        }
        ([from], [to]) => {
            return Err(format!(
                "line {}: `{name}` begins below its end in line {}",
                from + 1,
                to + 1
            ));
        }
        (begins, ends) => {
            let again = begins.get(1).or(ends.get(1)).map_or(0, |at| at + 1);
            return Err(format!(
                "line {again}: a mark of `{name}` is there twice; remove one of the two"
            ));
        }
    };
    let Some(content) = content else {
        file.lines.drain(from..=to);
        return Ok(());
    };
    if !file
        .bodies()
        .take(to)
        .skip(from + 1)
        .eq(content.iter().map(Vec::as_slice))
    {
        let lines: Vec<_> = content.iter().map(|l| file.line(l)).collect();
        file.lines.splice(from + 1..to, lines);
    }
    Ok(())
}
