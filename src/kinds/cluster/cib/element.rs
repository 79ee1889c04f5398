//! A document as a tree of elements, for comparing and putting together.

use quick_xml::XmlVersion;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The depth to which elements may lie in one another: many times what Pacemaker writes, and what every walk through
/// them bears.
const DEPTH: usize = 100;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::kinds) struct Element {
    /// Its name.
    pub(in crate::kinds) tag: String,
    /// Its attributes; their order says nothing.
    pub(in crate::kinds) attributes: BTreeMap<String, String>,
    /// Its own text, without blanks around it; a CIB has none.
    pub(in crate::kinds) text: String,
    /// Its child elements, in document order.
    pub(in crate::kinds) children: Vec<Element>,
}

impl Element {
    /// Reads a document without text.
    pub(in crate::kinds) fn read(text: &str) -> Result<Self, String> {
        let root = Self::with_text(text)?;
        match root.first_text() {
            Some(text) => Err(format!("text where none belongs: `{text}`")),
            None => Ok(root),
        }
    }

    fn first_text(&self) -> Option<&str> {
        let own = Some(self.text.as_str()).filter(|t| !t.is_empty());
        own.or_else(|| self.children.iter().find_map(Self::first_text))
    }

    /// Reads a document whose elements may have text.
    pub(in crate::kinds) fn with_text(text: &str) -> Result<Self, String> {
        let mut reader = quick_xml::Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|e| e.to_string())?;
            match event {
                Event::Start(_) if open.len() > DEPTH => {
                    return Err(format!(
                        "its elements lie more than {DEPTH} deep in one another"
                    ));
                }
                Event::Start(tag) => open.push(Self::begin(&tag)?),
                Event::Empty(tag) => {
                    let element = Self::begin(&tag)?;
                    let parent = open.last_mut().ok_or("an end without a beginning")?;
                    parent.children.push(element);
                }
                Event::End(_) => {
                    let mut element = open.pop().ok_or("an end without a beginning")?;
                    let text = element.text.trim().to_owned();
                    element.text = text;
                    let parent = open.last_mut().ok_or("an end without a beginning")?;
                    parent.children.push(element);
                }
                Event::Eof => break,
                Event::Text(text) => {
                    let into = open.last_mut().ok_or("an end without a beginning")?;
                    into.text.push_str(&text);
                }
                Event::GeneralRef(name) => {
                    let name: &str = &name;
                    let text = format!("&{name};");
                    let text = unescape(&text).map_err(|e| e.to_string())?;
                    let into = open.last_mut().ok_or("an end without a beginning")?;
                    into.text.push_str(&text);
                }
                _ => {}
            }
        }
        let mut top = open.pop().ok_or("an end without a beginning")?;
        if !top.text.trim().is_empty() {
            return Err(format!("text where none belongs: `{}`", top.text.trim()));
        }
        match (open.is_empty(), top.children.len()) {
            (true, 1) => Ok(top.children.remove(0)),
            (true, _) => Err("one element is wanted".to_owned()),
            (false, _) => Err(format!("`{}` has no end", top.tag)),
        }
    }

    fn begin(tag: &BytesStart<'_>) -> Result<Self, String> {
        let mut attributes = BTreeMap::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|e| e.to_string())?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|e| e.to_string())?;
            let key: &str = attribute.key.as_ref();
            attributes.insert(key.to_owned(), value.into_owned());
        }
        let name = tag.name();
        let tag: &str = name.as_ref();
        Ok(Self {
            tag: tag.to_owned(),
            attributes,
            ..Self::default()
        })
    }

    /// The value of an attribute; empty where there is none.
    pub(in crate::kinds) fn get(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    /// Its ID.
    pub(in crate::kinds) fn id(&self) -> &str {
        self.get("id")
    }

    /// The first child of this name.
    pub(in crate::kinds) fn child(&self, tag: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.tag == tag)
    }

    /// The same with its children in the order of their names and IDs: two that are equal mean the same.
    pub(in crate::kinds) fn canonical(&self) -> Self {
        let mut children: Vec<Self> = self.children.iter().map(Self::canonical).collect();
        children.sort_by(|a, b| (&a.tag, a.id()).cmp(&(&b.tag, b.id())));
        Self {
            children,
            ..self.clone()
        }
    }

    /// As text, two blanks for each step inwards.
    pub(in crate::kinds) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let _ = write!(out, "{:depth$}<{}", "", self.tag);
        // The ID first, as people look for it.
        let first = self.attributes.get_key_value("id").into_iter();
        let others = self.attributes.iter().filter(|(key, _)| *key != "id");
        for (key, value) in first.chain(others) {
            let _ = write!(out, " {key}=\"{}\"", escape(value.as_str()));
        }
        if self.children.is_empty() {
            if self.text.is_empty() {
                out.push_str("/>\n");
            } else {
                let _ = writeln!(out, ">{}</{}>", escape(self.text.as_str()), self.tag);
            }
            return;
        }
        out.push_str(">\n");
        for child in &self.children {
            child.write(out, depth + 2);
        }
        let _ = writeln!(out, "{:depth$}</{}>", "", self.tag);
    }
}
