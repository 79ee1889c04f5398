//! The end of a command: errors into sentences and exit codes.

use super::Context;
use crate::exit::Exit;
use crate::report::Tone;
use crate::survey::SurveyError;
use std::fmt::Write as _;

/// Wrong usage, site or role: exit code 64. Names what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The reader of standard output has gone (`… | head`): no failure.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct OutputClosed;

/// Prints an error with its causes on standard error; gives its exit code.
pub fn report_error(error: &anyhow::Error, context: &Context) -> Exit {
    if error.is::<OutputClosed>() {
        return Exit::Done;
    }
    let style = &context.err_style;
    let mut text = format!("{} {error}\n", style.paint(Tone::Bad, "error:"));
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // A cause that the sentence above already holds adds nothing.
        if !last.contains(&cause) {
            let _ = writeln!(text, "  because: {}", style.paint(Tone::Plain, &cause));
        }
        last = cause;
    }
    context.warn(&text);
    exit_of(error)
}

/// The exit code of an error.
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<Usage>() || error.is::<SurveyError>() {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

/// A panic is a fault of this program: one sentence (and the trace when `RUST_BACKTRACE` asks for it).
pub fn hook_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("for no stated reason");
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_else(|| "an unknown place".into());
        let mut text = format!(
            "error: nodewright {} has a fault at {place}: {what}\n",
            env!("CARGO_PKG_VERSION")
        );
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
            let _ = writeln!(text, "{}", std::backtrace::Backtrace::force_capture());
        }
        let text = crate::report::leaving(&text, false);
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }));
}
