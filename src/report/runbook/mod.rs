//! The operation of a site on paper, for the day when nothing else works: a function of the site alone.
//!
//! Each command stands with the machine that it is run on, in the words of the release. No value of a secret is in it.

mod daily;
mod emergency;
mod repair;
mod site;
mod words;

use super::Picture;
use super::html::Html;
use crate::site::Site;
use words::Words;

/// A runbook.
#[derive(Clone, Debug)]
pub struct Runbook {
    /// The site.
    pub title: String,
    /// The origin of it, in a line.
    pub origin: String,
    /// The drawing of the site.
    pub picture: Picture,
    /// The chapters, in order.
    pub chapters: Vec<Chapter>,
}

/// A chapter, which begins on a page of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// The name that links lead to.
    pub id: &'static str,
    /// The heading.
    pub heading: String,
    /// The content.
    pub blocks: Vec<Block>,
}

/// A part of a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading within the chapter.
    Heading(String),
    /// Prose.
    Text(String),
    /// Prose about what destroys.
    Warning(String),
    /// A table.
    Table(&'static [&'static str], Vec<Vec<String>>),
    /// A step.
    Act(Commands),
    /// A drawing of the site.
    Drawing,
    /// Lines to be filled in by hand.
    Lines(Vec<String>),
}

/// Commands that are run one after the other on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// The machine.
    pub place: CommandPlace,
    /// The reason, or the state that shows that it is done.
    pub about: String,
    /// The commands.
    pub commands: Vec<String>,
}

/// The machine that commands are run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandPlace {
    /// The operator's machine, in the folder of the site.
    Desk,
    /// This node, as root.
    Node(String),
    /// Each of these nodes, as root.
    Each(Vec<String>),
}

impl CommandPlace {
    fn word(&self) -> String {
        match self {
            Self::Desk => "desk".to_owned(),
            Self::Node(node) => node.clone(),
            Self::Each(nodes) => nodes.join(" and "),
        }
    }
}

impl Chapter {
    fn new(id: &'static str, heading: &str) -> Self {
        Self {
            id,
            heading: heading.to_owned(),
            blocks: Vec::new(),
        }
    }

    fn heading(&mut self, text: &str) -> &mut Self {
        self.blocks.push(Block::Heading(text.to_owned()));
        self
    }

    fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    fn warn(&mut self, text: impl Into<String>) -> &mut Self {
        self.blocks.push(Block::Warning(text.into()));
        self
    }

    fn table(&mut self, columns: &'static [&'static str], rows: Vec<Vec<String>>) -> &mut Self {
        self.blocks.push(Block::Table(columns, rows));
        self
    }

    fn step<C: Into<String>>(
        &mut self,
        place: CommandPlace,
        about: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> &mut Self {
        self.blocks.push(Block::Act(Commands {
            place,
            about: about.into(),
            commands: commands.into_iter().map(Into::into).collect(),
        }));
        self
    }

    fn desk<C: Into<String>>(
        &mut self,
        about: impl Into<String>,
        commands: impl IntoIterator<Item = C>,
    ) -> &mut Self {
        self.step(CommandPlace::Desk, about, commands)
    }
}

impl Runbook {
    /// The runbook of a site; `origin` says what it was made from.
    pub fn of(site: &Site, origin: String) -> Self {
        let mut chapters = vec![site::marks(site), site::parts(site), site::ways_in(site)];
        let words = Words::of(site);
        if let Some(words) = &words {
            chapters.extend([
                daily::state(words),
                daily::drain(site, words),
                daily::maintenance(words),
                emergency::stop(words),
                emergency::start(words),
                emergency::alone(words),
                emergency::lost(site, words),
            ]);
            if !words.mirrors.is_empty() {
                chapters.push(emergency::split(site, words));
            }
        } else {
            chapters.push(daily::state_of_nodes());
        }
        let drains = words.as_ref().is_some_and(|w| !w.is_cman());
        chapters.push(repair::reinstall(site, drains));
        chapters.push(repair::disk(site, drains));
        chapters.push(repair::runs(site));
        Self {
            title: site.name().to_owned(),
            origin,
            picture: Picture::of(site),
            chapters,
        }
    }

    /// The steps of all chapters.
    pub fn steps(&self) -> impl Iterator<Item = &Commands> {
        let blocks = self.chapters.iter().flat_map(|c| &c.blocks);
        blocks.filter_map(|block| match block {
            Block::Act(step) => Some(step),
            _ => None,
        })
    }

    /// All prose, in which commands stand between backticks.
    pub fn prose(&self) -> impl Iterator<Item = &str> {
        let blocks = self.chapters.iter().flat_map(|c| &c.blocks);
        blocks.filter_map(|block| match block {
            Block::Text(text) | Block::Warning(text) => Some(text.as_str()),
            Block::Act(step) => Some(step.about.as_str()),
            _ => None,
        })
    }
}

/// The runbook as a document.
pub fn runbook(book: &Runbook) -> String {
    let mut html = Html::default();
    html.begin("header", "").begin("h1", "");
    html.text("Runbook: ").text(&book.title).end();
    html.paragraph("dim", &book.origin);
    html.begin("ol", "contents");
    for chapter in &book.chapters {
        html.begin("li", "")
            .link(chapter.id, &chapter.heading)
            .end();
    }
    html.end().end();
    for (at, chapter) in book.chapters.iter().enumerate() {
        html.begin_chapter(chapter.id, &format!("{}. {}", at + 1, chapter.heading));
        let mut number = 0;
        for block in &chapter.blocks {
            if matches!(block, Block::Heading(_)) {
                number = 0;
            }
            written(&mut html, block, &mut number, &book.picture);
        }
        html.end();
    }
    html.begin("footer", "").prose(
        "Made by `nodewright runbook` from the site alone. Make it anew, and print it, whenever the site changes.",
    );
    html.end();
    html.document(&format!("Runbook: {}", book.title))
}

fn written(html: &mut Html, block: &Block, number: &mut usize, picture: &Picture) {
    match block {
        Block::Heading(text) => {
            html.put("h3", "", text);
        }
        Block::Text(text) => {
            html.paragraph("", text);
        }
        Block::Warning(text) => {
            html.paragraph("warning", text);
        }
        Block::Table(columns, rows) => {
            html.begin("table", "cards")
                .columns(columns)
                .begin("tbody", "");
            for row in rows {
                html.begin("tr", "");
                for cell in row {
                    html.begin("td", "").prose(cell).end();
                }
                html.end();
            }
            html.end().end();
        }
        Block::Act(step) => {
            *number += 1;
            let place = if step.place == CommandPlace::Desk {
                "place desk"
            } else {
                "place"
            };
            html.begin("div", "step").begin("p", "");
            html.put("strong", "number", &number.to_string());
            html.put("span", place, &step.place.word()).text(" ");
            html.prose(&step.about).end();
            if !step.commands.is_empty() {
                html.begin("pre", "");
                for command in &step.commands {
                    html.put("span", "", command);
                }
                html.end();
            }
            html.end();
        }
        Block::Drawing => {
            html.picture(picture);
        }
        Block::Lines(labels) => {
            for label in labels {
                html.begin("p", "blank").put("span", "", label).end();
            }
        }
    }
}

#[cfg(test)]
mod tests;
