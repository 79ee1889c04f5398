//! A site as one sees the rack from behind: nodes at the left and the right, their cards towards the middle, and in the
//! middle the wires.

use super::{
    Base, Branch, GraphDevice, GraphPort, LiveState, NodePart, Picture, colour, state_colour,
    wire_colour,
};
use crate::operate::status::State;
use crate::report::html::escaped;

/// Heights in pixels: of a row, of a box in it, of a line of text in a heading.
const ROW: i32 = 44;
const BOX: i32 = 36;
const LINE: i32 = 18;
/// Between boxes of a row, between nodes, around everything.
const GAP: i32 = 22;
const BETWEEN: i32 = 40;
const MARGIN: i32 = 24;
/// Between a node and the label of a wire.
const REACH: i32 = 110;

/// The width of a letter at most, in tenths of a pixel: the fonts that are asked for give each the same room.
const LETTER: i32 = 76;
const FONT: &str = "DejaVu Sans Mono, Liberation Mono, Menlo, Consolas, monospace";

/// The picture as a document of its own, SVG 1.1.
pub fn svg(picture: &Picture) -> String {
    let columns = Columns::of(picture);
    let mut canvas = Canvas::default();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (at, node) in picture.nodes.iter().enumerate() {
        if at % 2 == 0 {
            left.push(node);
        } else {
            right.push(node);
        }
    }
    let middle = picture.wires.iter().map(wire_width).max();
    let middle = middle.unwrap_or(0) + 2 * REACH;
    let width = columns.width();
    let edges = (MARGIN + width, MARGIN + width + middle);
    let top = MARGIN + LINE + GAP;
    let mut bottom = top;
    for (nodes, mirrored) in [(left, false), (right, true)] {
        let mut y = top;
        for node in nodes {
            let side = NodeEdge {
                edge: if mirrored { edges.1 } else { edges.0 },
                mirrored,
            };
            y = canvas.node(picture, node, &columns, &side, y) + BETWEEN;
        }
        bottom = bottom.max(y - BETWEEN);
    }
    let wires = canvas.wires(picture, edges);
    let right = if picture.nodes.len() > 1 {
        edges.1 + width
    } else {
        edges.1
    };
    let (whole, high) = (right + MARGIN, bottom.max(wires) + MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {high}\" width=\"{whole}\" height=\"{high}\" \
         font-family=\"{FONT}\" font-size=\"12\">\n<title>{title}</title>\n\
         <rect width=\"{whole}\" height=\"{high}\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{}\" font-size=\"18\" font-weight=\"bold\">{title}</text>\n{}{}</svg>\n",
        MARGIN + LINE,
        canvas.under,
        canvas.over,
        title = escaped(&picture.title),
    )
}

fn wire_width(wire: &super::WirePart) -> i32 {
    let zones = zones_of(wire);
    text_width(&zones).max(text_width(&wire.about)) + 20
}

fn zones_of(wire: &super::WirePart) -> String {
    let zones = wire.zones.join(" ");
    if wire.switch {
        format!("switch {zones}")
    } else {
        zones
    }
}

fn text_width(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / LETTER) * LETTER / 10
}

/// The widths of a node's columns, from the cards inwards; the same for all nodes.
struct Columns {
    cards: i32,
    bonds: i32,
    vlans: i32,
    bridges: i32,
    words: i32,
    heading: i32,
    /// The number of lines that a heading has, so that alike things are at the same height.
    lines: i32,
}

impl Columns {
    fn of(picture: &Picture) -> Self {
        let all = || picture.nodes.iter().flat_map(|n| &n.bases);
        let branches = || all().flat_map(|b| &b.branches);
        let cards = all().flat_map(|b| &b.cards);
        let ports = picture.nodes.iter().flat_map(|n| &n.ports);
        let lines = picture.nodes.iter().map(|n| n.about.len());
        let headings = picture.nodes.iter().flat_map(|n| n.about.iter());
        let heading = headings.map(|l| text_width(l)).max().unwrap_or(0);
        Self {
            cards: widest(cards.chain(ports).map(|p| &p.part)),
            bonds: widest(all().filter_map(|b| b.bond.as_ref())),
            vlans: widest(branches().filter_map(|b| b.vlan.as_ref())),
            bridges: widest(branches().filter_map(|b| b.bridge.as_ref())),
            words: branches()
                .flat_map(|b| words(b).map(|w| text_width(&w)))
                .max()
                .unwrap_or(0),
            // Long lists of guests are shown in part.
            heading: heading.clamp(200, 480),
            lines: lines.max().and_then(|n| i32::try_from(n).ok()).unwrap_or(0),
        }
    }

    /// Of the whole node.
    fn width(&self) -> i32 {
        let columns = [self.cards, self.bonds, self.vlans, self.bridges, self.words];
        let used = columns.iter().filter(|w| **w > 0);
        let rows: i32 = used.map(|w| w + GAP).sum();
        rows.max(self.heading + 2 * GAP)
    }
}

fn widest<'a>(parts: impl Iterator<Item = &'a GraphDevice>) -> i32 {
    let width = |p: &GraphDevice| text_width(&p.name).max(text_width(&p.about)) + 16;
    parts.map(width).max().unwrap_or(0)
}

/// The label beside a zone: its name with the project, and its addresses, in two lines at most.
fn words(branch: &Branch) -> impl Iterator<Item = String> {
    let first = branch.words.first().cloned();
    let rest = branch.words.get(1..).unwrap_or_default().join(" ");
    first.into_iter().chain((!rest.is_empty()).then_some(rest))
}

/// The place where the cards of a node are: the x of its edge towards the middle.
struct NodeEdge {
    edge: i32,
    mirrored: bool,
}

impl NodeEdge {
    /// The left x of what is so wide and ends so far from the edge.
    fn x(&self, from_edge: i32, width: i32) -> i32 {
        if self.mirrored {
            self.edge + from_edge
        } else {
            self.edge - from_edge - width
        }
    }

    /// The x of a place so far from the edge.
    fn at(&self, from_edge: i32) -> i32 {
        self.x(from_edge, 0)
    }
}

/// The shapes drawn so far.
#[derive(Default)]
struct Canvas {
    /// Lines, beneath everything.
    under: String,
    over: String,
    /// The ends of wires: name, x, y.
    ends: Vec<(String, i32, i32)>,
}

impl Canvas {
    /// Draws a node from a y on; gives the y below it.
    fn node(
        &mut self,
        picture: &Picture,
        node: &NodePart,
        columns: &Columns,
        side: &NodeEdge,
        top: i32,
    ) -> i32 {
        let width = columns.width();
        let x = side.x(0, width);
        let mut y = top + 12 + LINE;
        let mut text = label(x + GAP, y, 16, "#000000", &node.name, true);
        if let Some(live) = &node.live {
            let word = pill(live, x + width - GAP, y - 2, "end");
            text.push_str(&word);
        }
        for line in &node.about {
            y += LINE;
            let line = shortened(line, width - 2 * GAP);
            text.push_str(&label(x + GAP, y, 12, "#37474f", &line, false));
        }
        y = top + 12 + LINE * (columns.lines + 1) + GAP;
        let mut rows = std::mem::take(&mut self.over);
        for base in &node.bases {
            y = self.base(picture, base, columns, side, y);
        }
        for port in &node.ports {
            self.port(picture, port, columns, side, y);
            y += ROW;
        }
        let high = y + 8 - top;
        let stroke = match &node.live {
            Some(live) if live.state != State::Healthy => (state_colour(live.state), "3"),
            _ => ("#37474f", "1.5"),
        };
        let frame = format!(
            "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{high}\" rx=\"8\" fill=\"#fafafa\" \
             stroke=\"{}\" stroke-width=\"{}\"/>\n{text}",
            stroke.0, stroke.1
        );
        // Lines within the node lie on its frame and beneath its boxes.
        let inner = std::mem::take(&mut self.under);
        rows.push_str(&frame);
        rows.push_str(&inner);
        rows.push_str(&self.over);
        self.over = rows;
        top + high
    }

    /// Draws a card, or a bond with its cards, with all that is on top of it; gives the y below.
    fn base(
        &mut self,
        picture: &Picture,
        base: &Base,
        columns: &Columns,
        side: &NodeEdge,
        top: i32,
    ) -> i32 {
        let count = base.cards.len().max(base.branches.len()).max(1);
        let high = i32::try_from(count).unwrap_or(1) * ROW;
        let middle = top + high / 2;
        let rows = |n: usize, of: usize| {
            let (n, of) = (
                i32::try_from(n).unwrap_or(0),
                i32::try_from(of).unwrap_or(1),
            );
            top + high * (2 * n + 1) / (2 * of)
        };
        let mut inner = columns.cards;
        for (at, card) in base.cards.iter().enumerate() {
            let y = rows(at, base.cards.len());
            self.port(picture, card, columns, side, y - BOX / 2);
            if let Some(bond) = &base.bond {
                let colour = colour(picture, bond.zone.as_deref());
                self.line(side, (inner, y), (inner + GAP, middle), colour);
            }
        }
        if columns.bonds > 0
            && let Some(bond) = &base.bond
        {
            let colour = colour(picture, bond.zone.as_deref());
            let x = side.x(inner + GAP, columns.bonds);
            self.part(bond, x, middle - BOX / 2, columns.bonds, colour);
            inner += GAP + columns.bonds;
        }
        for (at, branch) in base.branches.iter().enumerate() {
            let y = rows(at, base.branches.len());
            self.branch(picture, branch, columns, side, (inner, middle), y);
        }
        top + high
    }

    /// Draws a zone on a card or bond that ends at a place, in a row of its own.
    fn branch(
        &mut self,
        picture: &Picture,
        branch: &Branch,
        columns: &Columns,
        side: &NodeEdge,
        from: (i32, i32),
        y: i32,
    ) {
        let colour = colour(picture, Some(&branch.zone));
        let mut end = from;
        let mut column = columns.cards + GAP;
        if columns.bonds > 0 {
            column += columns.bonds + GAP;
        }
        for (part, width) in [
            (&branch.vlan, columns.vlans),
            (&branch.bridge, columns.bridges),
        ] {
            if width == 0 {
                continue;
            }
            if let Some(part) = part {
                self.line(side, end, (column, y), colour);
                let x = side.x(column, width);
                self.part(part, x, y - BOX / 2, width, colour);
                end = (column + width, y);
            }
            column += width + GAP;
        }
        self.line(side, end, (column - 6, y), colour);
        let words: Vec<String> = words(branch).collect();
        let anchor = if side.mirrored { "start" } else { "end" };
        let first = if words.len() > 1 { y - 3 } else { y + 4 };
        for (at, word) in words.iter().enumerate() {
            let down = if at == 0 { 0 } else { 15 };
            self.over.push_str(&format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{}>{}</text>\n",
                side.at(column),
                first + down,
                if at == 0 { " font-weight=\"bold\"" } else { "" },
                escaped(word)
            ));
        }
    }

    /// Draws a card, serial port or controller at the edge.
    fn port(
        &mut self,
        picture: &Picture,
        port: &GraphPort,
        columns: &Columns,
        side: &NodeEdge,
        y: i32,
    ) {
        let colour = colour(picture, port.part.zone.as_deref());
        let x = side.x(0, columns.cards);
        self.part(&port.part, x, y, columns.cards, colour);
        if let Some(wire) = &port.wire {
            let (x, y) = (side.at(0), y + BOX / 2);
            self.over.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"10\" fill=\"{colour}\"/>\n",
                x - 4,
                y - 5
            ));
            self.ends.push((wire.clone(), x, y));
        }
    }

    fn part(&mut self, part: &GraphDevice, x: i32, y: i32, width: i32, colour: &str) {
        self.over.push_str(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX}\" rx=\"4\" fill=\"#ffffff\" stroke=\"{colour}\" \
             stroke-width=\"1.5\"/>\n"
        ));
        let (first, second) = if part.about.is_empty() {
            (y + BOX / 2 + 4, 0)
        } else {
            (y + 15, y + 29)
        };
        self.over
            .push_str(&label(x + 8, first, 12, "#000000", &part.name, true));
        if second > 0 {
            self.over
                .push_str(&label(x + 8, second, 11, "#37474f", &part.about, false));
        }
    }

    /// A line within a node; places are measured from its edge.
    fn line(&mut self, side: &NodeEdge, from: (i32, i32), to: (i32, i32), colour: &str) {
        let ((x, y), (x2, y2)) = ((side.at(from.0), from.1), (side.at(to.0), to.1));
        self.under.push_str(&format!(
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n"
        ));
    }

    /// Draws the wires between the two edges; gives the y below them.
    fn wires(&mut self, picture: &Picture, edges: (i32, i32)) -> i32 {
        let mut places: Vec<(i32, usize)> = Vec::new();
        for (at, wire) in picture.wires.iter().enumerate() {
            let ends: Vec<i32> = self.ends_of(&wire.name).map(|(_, _, y)| *y).collect();
            let count = i32::try_from(ends.len()).unwrap_or(1).max(1);
            if !ends.is_empty() {
                places.push((ends.iter().sum::<i32>() / count, at));
            }
        }
        places.sort_unstable();
        let told = picture.wires.iter().any(|w| w.live.is_some());
        spread(&mut places, if told { ROW + PILL + 4 } else { ROW });
        let centre = i32::midpoint(edges.0, edges.1);
        let mut bottom = 0;
        for (y, at) in places {
            let wire = &picture.wires[at];
            let colour = wire_colour(picture, wire);
            let wide = wire_width(wire);
            let ends: Vec<_> = self.ends_of(&wire.name).cloned().collect();
            for (_, x, end) in ends {
                let near = if x < centre {
                    centre - wide / 2
                } else {
                    centre + wide / 2
                };
                let bend = i32::midpoint(x, near);
                let path = format!("M{x} {end}C{bend} {end} {bend} {y} {near} {y}");
                let broken = match &wire.live {
                    Some(live) if live.state != State::Healthy => " stroke-dasharray=\"7 5\"",
                    _ => "",
                };
                self.under.push_str(&format!(
                    "<path d=\"{path}\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"7\"/>\n\
                     <path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"{broken}/>\n"
                ));
            }
            let (fill, stroke) = if wire.switch {
                ("#eceff1", colour)
            } else {
                ("#ffffff", "none")
            };
            self.over.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{wide}\" height=\"{BOX}\" rx=\"3\" fill=\"{fill}\" stroke=\"{stroke}\" \
                 stroke-width=\"2\"/>\n",
                centre - wide / 2,
                y - BOX / 2
            ));
            let lines = [zones_of(wire), wire.about.clone()];
            let lines: Vec<&String> = lines.iter().filter(|l| !l.is_empty()).collect();
            for (at, line) in lines.iter().enumerate() {
                let down = match (lines.len(), at) {
                    (1, _) => 4,
                    (_, 0) => -3,
                    _ => 12,
                };
                self.over.push_str(&format!(
                    "<text x=\"{centre}\" y=\"{}\" text-anchor=\"middle\" fill=\"{colour}\"{}>{}</text>\n",
                    y + down,
                    if at == 0 { " font-weight=\"bold\"" } else { "" },
                    escaped(line)
                ));
            }
            bottom = y + BOX / 2;
            if let Some(live) = &wire.live {
                self.over
                    .push_str(&pill(live, centre, bottom + PILL - 2, "middle"));
                bottom += PILL;
            }
        }
        bottom
    }

    fn ends_of(&self, wire: &str) -> impl Iterator<Item = &(String, i32, i32)> {
        self.ends.iter().filter(move |(name, _, _)| name == wire)
    }
}

/// Moves places that are in order apart, until neighbours have so much room, each as little as that takes.
fn spread(places: &mut [(i32, usize)], room: i32) {
    // Places that are too close form a block around the middle of where they would be; blocks that meet are merged.
    let mut blocks: Vec<(i32, i32)> = Vec::new();
    let mut shift = 0;
    for (y, _) in places.iter() {
        let mut block = (y - shift, 1);
        while let Some((sum, count)) = blocks.pop() {
            if sum / count < block.0 / block.1 {
                blocks.push((sum, count));
                break;
            }
            block = (sum + block.0, count + block.1);
        }
        blocks.push(block);
        shift += room;
    }
    let starts = blocks
        .iter()
        .flat_map(|(sum, count)| (0..*count).map(move |_| sum / count));
    let mut shift = 0;
    for (place, start) in places.iter_mut().zip(starts) {
        place.0 = start + shift;
        shift += room;
    }
}

/// The height of a state.
const PILL: i32 = 20;

/// A state in a frame of its colour, whose text ends at this place, or has its middle there.
fn pill(live: &LiveState, x: i32, y: i32, anchor: &str) -> String {
    let colour = state_colour(live.state);
    let fill = match live.state {
        State::Healthy => "#e8f5e9",
        State::Degraded | State::Frozen => "#fdecea",
    };
    let width = text_width(&live.words) + 20;
    let left = if anchor == "end" {
        x - width
    } else {
        x - width / 2
    };
    let (top, middle) = (y - 14, left + width / 2);
    format!(
        "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{PILL}\" rx=\"10\" fill=\"{fill}\" \
         stroke=\"{colour}\" stroke-width=\"1.5\"/>\n\
         <text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{colour}\" font-weight=\"bold\">{}</text>\n",
        escaped(&live.words)
    )
}

fn shortened(text: &str, room: i32) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let fits = usize::try_from(room * 10 / LETTER).unwrap_or(1).max(2);
    let kept: String = text.chars().take(fits - 1).collect();
    format!("{}…", kept.trim_end())
}

fn label(x: i32, y: i32, size: i32, colour: &str, text: &str, strong: bool) -> String {
    let weight = if strong { " font-weight=\"bold\"" } else { "" };
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"{colour}\"{weight}>{}</text>\n",
        escaped(text)
    )
}
