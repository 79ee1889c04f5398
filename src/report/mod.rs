//! Makes text of events: for people on a terminal or in a log, for programs as JSON, for build servers as `JUnit`, for
//! monitoring as a file of Prometheus.
//!
//! Workers send [`Event`](crate::run::Event)s; one [`Reporter`] on the main thread receives them all, so lines never mix.

mod checks;
mod diff;
mod drift;
mod explain;
mod files;
mod findings;
mod graph;
mod guest;
mod html;
mod json;
mod junit;
mod operation;
mod page;
mod plan;
mod ports;
mod progress;
mod prometheus;
mod proofs;
mod recap;
mod reference;
mod reporter;
mod roles;
mod rules;
mod runbook;
mod style;
mod table;
mod tree;

pub use checks::CheckResult;
pub use explain::{
    explain_changed_files, explain_check, explain_exit, explain_finding, explain_rule,
};
pub use files::write_whole;
pub use findings::{accepted, findings, json_lines as survey_json, verdict};
pub use graph::{Picture, dot, svg, tree};
pub use guest::{guest, guest_json};
pub use json::json_line;
pub use operation::operation;
pub use page::{RunRow, SiteReport, page};
pub use plan::{forget, plan};
pub use ports::{ports, ports_json};
pub use progress::ProgressView;
pub use proofs::proofs;
pub use recap::recap;
pub use reference::{reference, reference_json, reference_markdown};
pub use reporter::{CheckFiles, PrometheusFile, Reporter, Sink, follow};
pub use roles::roles;
pub use rules::rules;
pub use runbook::{Block, Chapter, CommandPlace, Commands, Runbook, runbook};
pub use style::{OutputStyle, Tone, leaving};
pub use table::{Align, TextTable};
pub use tree::write_tree;

#[cfg(test)]
mod samples;
