//! Small aligned tables.

use super::{OutputStyle, Tone};

/// The alignment of a cell in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells under headings, two spaces between the columns.
#[derive(Clone, Debug)]
pub struct TextTable {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<(Tone, String)>>,
}

impl TextTable {
    /// A table with these headings.
    pub fn new(columns: &[(&'static str, Align)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of ordinary cells.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.toned_row(cells.into_iter().map(|c| (Tone::Plain, c.into())));
    }

    /// Adds a row of cells, each in its tone.
    pub fn toned_row(&mut self, cells: impl IntoIterator<Item = (Tone, String)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text; empty when it has no rows.
    pub fn text(&self, style: &OutputStyle) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, (heading, _))| {
                let cells = self.rows.iter().filter_map(|row| row.get(i));
                let widest = cells.map(|(_, cell)| cell.chars().count()).max();
                widest.unwrap_or(0).max(heading.chars().count())
            })
            .collect();
        let headings = self
            .columns
            .iter()
            .map(|(heading, _)| (Tone::Dim, (*heading).to_owned()))
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&headings).chain(&self.rows) {
            text.push_str(&self.line(row, &widths, style));
        }
        text
    }

    fn line(&self, row: &[(Tone, String)], widths: &[usize], style: &OutputStyle) -> String {
        let mut line = String::new();
        let mut owed = 0;
        for (((tone, cell), width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            let gap = width - cell.chars().count();
            let (before, after) = match align {
                Align::Left => (0, gap),
                Align::Right => (gap, 0),
            };
            if cell.is_empty() {
                owed += width + 2;
            } else {
                line.push_str(&" ".repeat(owed + before));
                line.push_str(&style.paint(*tone, cell));
                owed = after + 2;
            }
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_lines_end_without_spaces() {
        let mut table = TextTable::new(&[
            ("node", Align::Left),
            ("changed", Align::Right),
            ("", Align::Left),
        ]);
        table.row(["node1", "7", "done"]);
        table.row(["storage10", "12", ""]);
        assert_eq!(
            table.text(&OutputStyle::default()),
            "node       changed\nnode1            7  done\nstorage10       12\n"
        );
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(
            TextTable::new(&[("node", Align::Left)]).text(&OutputStyle::default()),
            ""
        );
    }
}
