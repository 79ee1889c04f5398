//! Pages of the reference: for a terminal, as Markdown and as JSON.

use super::style::Tone;
use super::{OutputStyle, json_line};
use crate::role::{Page, PageSection};
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;

/// A page for a terminal: each row with its first cells on one line, and its meaning below.
pub fn reference(page: &Page, style: &OutputStyle) -> String {
    let mut text = format!("{}\n", style.paint(Tone::Strong, &page.title));
    if !page.text.is_empty() {
        text.push_str(&style.wrap(0, Tone::Plain, &page.text));
    }
    for section in &page.sections {
        text.push('\n');
        if !section.heading.is_empty() {
            let _ = writeln!(text, "{}", style.paint(Tone::Change, &section.heading));
        }
        if !section.text.is_empty() {
            text.push_str(&style.wrap(2, Tone::Plain, &section.text));
        }
        for [name, takes, default, meaning] in &section.rows {
            let default = match default.as_str() {
                "" | "required" => default.clone(),
                value => format!("default {value}"),
            };
            let about = [takes.as_str(), default.as_str()];
            let about: Vec<_> = about.into_iter().filter(|part| !part.is_empty()).collect();
            let head = format!("{name}  {}", about.join("; "));
            let first = style.wrap(2, Tone::Plain, &head);
            // The name stands out; a long line about it is wrapped as it is.
            text.push_str(&first.replacen(name, &style.paint(Tone::Strong, name), 1));
            text.push_str(&style.wrap(6, Tone::Dim, meaning));
        }
    }
    text
}

/// A page as Markdown.
pub fn reference_markdown(page: &Page) -> String {
    let mut text = format!("# {}\n", page.title);
    if !page.text.is_empty() {
        let _ = write!(text, "\n{}\n", page.text);
    }
    for section in &page.sections {
        if !section.heading.is_empty() {
            let _ = write!(text, "\n## {}\n", section.heading);
        }
        if !section.text.is_empty() {
            let _ = write!(text, "\n{}\n", section.text);
        }
        table(section, &mut text);
    }
    text
}

/// The table of a section, without columns that have nothing.
fn table(section: &PageSection, text: &mut String) {
    if section.rows.is_empty() {
        return;
    }
    let used: Vec<usize> = (0..4)
        .filter(|at| section.rows.iter().any(|row| !row[*at].is_empty()))
        .collect();
    text.push('\n');
    let mut line = |cells: Vec<String>| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    let heads = used.iter().map(|at| section.columns[*at].to_owned());
    line(heads.collect());
    line(used.iter().map(|_| "---".to_owned()).collect());
    for row in &section.rows {
        // A line within a cell would end it.
        let cells = used.iter().map(|at| {
            let cell = row[*at].trim_end().replace('|', "\\|").replace('\n', " ");
            if *at == 0 { format!("`{cell}`") } else { cell }
        });
        line(cells.collect());
    }
}

/// A page as one line of JSON: each row a table by the headings of its columns.
pub fn reference_json(page: &Page) -> String {
    let row = |columns: &[&str; 4], row: &[String; 4]| -> Json {
        let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let table: Map<String, Json> = cells.map(|(c, v)| ((*c).to_owned(), json!(v))).collect();
        Json::Object(table)
    };
    let sections: Vec<Json> = page
        .sections
        .iter()
        .map(|s| {
            let rows: Vec<Json> = s.rows.iter().map(|r| row(&s.columns, r)).collect();
            json!({ "heading": s.heading, "text": s.text, "rows": rows })
        })
        .collect();
    json_line(&json!({
        "event": "reference", "page": page.name, "title": page.title, "text": page.text, "sections": sections,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Page {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        Page {
            name: "things",
            title: "Things".to_owned(),
            text: "All of them.".to_owned(),
            sections: vec![PageSection {
                heading: "[thing]".to_owned(),
                text: String::new(),
                columns: ["key", "takes", "default", "meaning"],
                rows: vec![
                    row(["state", "`on` or `off`", "`on`", "Whether | it\nis on."]),
                    row(["name", "text", "required", "Its name."]),
                ],
            }],
        }
    }

    #[test]
    fn a_page_reads_at_eighty_columns() {
        assert_eq!(
            reference(&example(), &OutputStyle::default()),
            "Things\nAll of them.\n\n[thing]\n  state `on` or `off`; default `on`\n      Whether | it\n      is on.\n  \
             name text; required\n      Its name.\n"
        );
    }

    #[test]
    fn a_page_is_a_table_of_markdown() {
        assert_eq!(
            reference_markdown(&example()),
            "# Things\n\nAll of them.\n\n## [thing]\n\n| key | takes | default | meaning |\n| --- | --- | --- | --- |\n\
             | `state` | `on` or `off` | `on` | Whether \\| it is on. |\n| `name` | text | required | Its name. |\n"
        );
    }
}
