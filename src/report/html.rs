//! The one writer of HTML: markup comes from this program alone, every text is escaped.

use super::graph::{self, Picture};
use super::style::leaving;
use quick_xml::escape::escape;
use std::fmt::Write as _;

/// Text as it may stand in HTML or SVG: no markup, and no character that controls how what is around it is read.
pub(super) fn escaped(text: &str) -> String {
    escape(leaving(text, false)).into_owned()
}

/// A document that is being written. Tags and classes are this program's own words, which a `&'static str` says; whatever
/// else gets into it is text.
#[derive(Debug, Default)]
pub(super) struct Html {
    body: String,
    open: Vec<&'static str>,
}

impl Html {
    /// Begins an element.
    pub(super) fn begin(&mut self, tag: &'static str, class: &'static str) -> &mut Self {
        if class.is_empty() {
            let _ = write!(self.body, "<{tag}>");
        } else {
            let _ = write!(self.body, "<{tag} class=\"{class}\">");
        }
        self.open.push(tag);
        self
    }

    /// Ends the element that began last.
    pub(super) fn end(&mut self) -> &mut Self {
        if let Some(tag) = self.open.pop() {
            let _ = write!(self.body, "</{tag}>");
            let inline = ["span", "strong", "code", "a", "td", "th", "summary"];
            if !inline.contains(&tag) {
                self.body.push('\n');
            }
        }
        self
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.body.push_str(&escaped(text));
        self
    }

    /// Prose, in which words between backticks are commands or names.
    pub(super) fn prose(&mut self, text: &str) -> &mut Self {
        for (at, part) in text.split('`').enumerate() {
            if at % 2 == 0 {
                self.text(part);
            } else {
                self.put("code", "", part);
            }
        }
        self
    }

    /// An element with nothing but text in it.
    pub(super) fn put(&mut self, tag: &'static str, class: &'static str, text: &str) -> &mut Self {
        self.begin(tag, class).text(text).end()
    }

    /// A paragraph of prose.
    pub(super) fn paragraph(&mut self, class: &'static str, text: &str) -> &mut Self {
        self.begin("p", class).prose(text).end()
    }

    /// A part that is folded, or shown, until somebody asks otherwise.
    pub(super) fn begin_details(&mut self, open: bool) -> &mut Self {
        self.body
            .push_str(if open { "<details open>" } else { "<details>" });
        self.open.push("details");
        self
    }

    /// A section with its heading, which the list of contents leads to.
    pub(super) fn begin_section(&mut self, id: &'static str, heading: &str) -> &mut Self {
        let _ = write!(self.body, "<section id=\"{id}\">");
        self.open.push("section");
        self.put("h2", "", heading)
    }

    /// A section that begins on a page of its own where it is printed.
    pub(super) fn begin_chapter(&mut self, id: &'static str, heading: &str) -> &mut Self {
        let _ = write!(self.body, "<section class=\"chapter\" id=\"{id}\">");
        self.open.push("section");
        self.put("h2", "", heading)
    }

    /// A link to a section.
    pub(super) fn link(&mut self, id: &'static str, text: &str) -> &mut Self {
        let _ = write!(self.body, "<a href=\"#{id}\">");
        self.open.push("a");
        self.text(text).end()
    }

    /// The heading of a table's columns.
    pub(super) fn columns(&mut self, names: &[&str]) -> &mut Self {
        self.begin("thead", "").begin("tr", "");
        for name in names {
            self.put("th", "", name);
        }
        self.end().end()
    }

    /// A drawing.
    pub(super) fn picture(&mut self, picture: &Picture) -> &mut Self {
        let drawing = graph::svg(picture);
        self.begin("div", "picture");
        self.body.push_str(&drawing);
        self.end()
    }

    /// The whole document.
    pub(super) fn document(mut self, title: &str) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        let mut dark = String::new();
        for (light, night) in graph::DARK {
            let _ = write!(
                dark,
                "svg [fill=\"{light}\"]{{fill:{night}}}svg [stroke=\"{light}\"]{{stroke:{night}}}"
            );
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>\n{STYLE}@media screen and (prefers-color-scheme: dark) {{\
             svg text:not([fill]){{fill:#f2f4f5}}{dark}}}\n</style>\n</head>\n<body>\n{}</body>\n</html>\n",
            escaped(title),
            self.body
        )
    }
}

const STYLE: &str = include_str!("html.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        let mut html = Html::default();
        let evil = "</style><script>alert('1')</script> \u{1b}[2J \u{202e}\" & `<b>x</b>`";
        html.begin("p", "").text(evil).end();
        html.paragraph("", evil).put("td", "", evil);
        let page = html.document(evil);
        assert_eq!(page.matches("<script").count(), 0, "{page}");
        assert_eq!(page.matches("</style>").count(), 1, "{page}");
        assert!(!page.contains("<b>") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
        assert!(page.contains("<code>&lt;b&gt;x&lt;/b&gt;</code>"), "{page}");
    }

    #[test]
    fn every_colour_of_a_drawing_has_one_for_the_dark() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/graph");
        let mut met = 0;
        for file in ["mod.rs", "svg.rs"] {
            let text = std::fs::read_to_string(format!("{here}/{file}")).expect("a file");
            let drawing = text.split("pub const DARK").next().expect("a part");
            for (at, _) in drawing.match_indices("\"#") {
                let Some(colour) = drawing.get(at + 1..at + 8) else {
                    continue;
                };
                if colour[1..].bytes().all(|b| b.is_ascii_hexdigit()) {
                    met += 1;
                    assert!(
                        graph::DARK.iter().any(|(light, _)| *light == colour),
                        "{colour}"
                    );
                }
            }
        }
        assert!(met > 20, "{met}");
    }
}
