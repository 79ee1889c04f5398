//! Templates: minijinja with everything that could write nonsense into a configuration turned off.

use super::filters;
use super::head::Head;
use crate::site::{any_of, did_you_mean, shown};
use crate::text::{MarkError, Text, mark, mark_in_xml};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};
use serde_json::Value as Json;
use std::ops::Range;
use std::path::Path;

/// The number of instructions that one rendering may take; far more than any template needs.
const FUEL: u64 = 500_000;

/// The name under which a value of a role file is rendered.
const VALUE: &str = "<value>";

/// Names at the top of an expression, besides loop variables.
pub const NAMES: [&str; 7] = [
    "site", "node", "members", "peers", "firewall", "platform", "vars",
];

/// The reason why there are no facts in templates.
pub(super) const NO_FACTS: &str =
    "a file is made from the site alone: what decides its form is declared in the site";

/// The reason why something was not rendered, and where in which template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The template's name; `None` for a value of a role file.
    pub template: Option<String>,
    /// The bytes of the template that are at fault.
    pub range: Range<usize>,
    /// The fault, in a sentence.
    pub message: String,
    /// The name that is not defined, where that is what is wrong.
    pub undefined: Option<String>,
    /// The remedy.
    pub help: Option<String>,
}

/// All templates and what they can call.
pub struct Templates {
    env: Environment<'static>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.env.templates().map(|(name, _)| name).collect();
        f.debug_tuple("Engine").field(&names).finish()
    }
}

impl Templates {
    /// Takes templates by name; those that cannot be read are errors, the others can be used.
    pub fn new(
        templates: impl IntoIterator<Item = (String, String)>,
    ) -> (Self, Vec<TemplateError>) {
        let mut env = Environment::new();
        let syntax = SyntaxConfig::builder()
            .keep_trailing_newline(true)
            .build()
            .expect("minijinja's own delimiters are sound");
        env.set_syntax(syntax);
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        // Places and names of what is undefined are wanted; a dump of variables is not: it would show values.
        env.set_debug(false);
        env.set_auto_escape_callback(|name| {
            if Path::new(name).extension().is_some_and(|e| e == "xml") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        env.set_formatter(|out, state, value| {
            printable(value)?;
            if matches!(state.auto_escape(), AutoEscape::Html) {
                let text = value.to_string();
                // minijinja's own escape of HTML would write a slash as a number.
                let text = if value.is_safe() {
                    text.into()
                } else {
                    quick_xml::escape::escape(text.as_str())
                };
                return out.write_str(&text).map_err(Error::from);
            }
            minijinja::escape_formatter(out, state, value)
        });
        filters::add(&mut env);
        env.add_function(
            "secret",
            |state: &State, name: &str| -> Result<Value, Error> {
                let mark = match state.auto_escape() {
                    AutoEscape::Html => mark_in_xml(name),
                    _ => mark(name),
                };
                if name.is_empty() || Text::new(mark.as_str()).is_err() {
                    return Err(Error::new(
                        ErrorKind::InvalidOperation,
                        "the name of a secret is made of letters, digits and `-_.`",
                    ));
                }
                Ok(Value::from_safe_string(mark))
            },
        );
        let mut errors = Vec::new();
        let mut named: Vec<_> = templates.into_iter().collect();
        named.sort();
        for (name, source) in named {
            if let Err(error) = env.add_template_owned(name.clone(), source.clone()) {
                errors.push(explain(&error, Some(&name), &source));
            }
        }
        (Self { env }, errors)
    }

    /// Whether there is a template of this name that could be read.
    pub fn has(&self, name: &str) -> bool {
        self.env.get_template(name).is_ok()
    }

    /// The names of all templates.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.env.templates().map(|(n, _)| n.to_owned()).collect();
        names.sort();
        names
    }

    /// Renders a template; secrets in the result are marks.
    pub fn render(&self, name: &str, context: &Value) -> Result<Text, TemplateError> {
        let fail = |message: String| TemplateError {
            template: Some(name.to_owned()),
            range: 0..0,
            message,
            undefined: None,
            help: None,
        };
        let template = self
            .env
            .get_template(name)
            .map_err(|_| fail(format!("there is no template `{name}`")))?;
        let text = template
            .render(context.clone())
            .map_err(|e| hint(self.explain(&e, Some(name), template.source()), context))?;
        Text::new(text).map_err(|e: MarkError| fail(e.to_string()))
    }

    /// Renders a value of a role file. One that is one whole `{{ … }}` keeps its type; any other becomes text. `None`
    /// is a value that is none: its key is left out.
    pub fn value(&self, source: &str, context: &Value) -> Result<Option<Json>, TemplateError> {
        if !source.contains("{{") && !source.contains("{%") && !source.contains("{#") {
            return Ok(Some(Json::from(source)));
        }
        if let Some((start, inner)) = whole(source)
            && let Ok(expression) = self.env.compile_expression(inner)
        {
            let shift = |mut error: TemplateError| {
                error.range = error.range.start + start..error.range.end + start;
                error
            };
            let value = expression
                .eval(context.clone())
                .map_err(|e| shift(hint(self.explain(&e, None, inner), context)))?;
            return to_json(&value, inner).map_err(|e| shift(hint(e, context)));
        }
        let text = self
            .env
            .render_named_str(VALUE, source, context.clone())
            .map_err(|e| hint(self.explain(&e, None, source), context))?;
        Text::new(text.as_str()).map_err(|e| at(source, e.to_string()))?;
        Ok(Some(Json::from(text)))
    }

    /// Evaluates an expression.
    pub fn expression(&self, source: &str, context: &Value) -> Result<Value, TemplateError> {
        let value = self.evaluate(source, context)?;
        if value.is_undefined() {
            return Err(hint(not_defined(source, source), context));
        }
        Ok(value)
    }

    /// Whether an expression holds: true, or not empty.
    pub fn holds(&self, source: &str, context: &Value) -> Result<bool, TemplateError> {
        Ok(self.expression(source, context)?.is_true())
    }

    fn evaluate(&self, source: &str, context: &Value) -> Result<Value, TemplateError> {
        self.env
            .compile_expression(source)
            .and_then(|e| e.eval(context.clone()))
            .map_err(|e| hint(self.explain(&e, None, source), context))
    }

    /// Whether an expression can be read.
    pub fn check_expression(&self, source: &str) -> Result<(), TemplateError> {
        self.env
            .compile_expression(source)
            .map(|_| ())
            .map_err(|e| self.explain(&e, None, source))
    }

    /// Whether a value of a role file can be read.
    pub fn check_value(&self, source: &str) -> Result<(), TemplateError> {
        self.env
            .template_from_named_str(VALUE, source)
            .map(|_| ())
            .map_err(|e| self.explain(&e, None, source))
    }

    /// Whether every expression sees a name, in any context.
    pub(super) fn is_global(&self, name: &str) -> bool {
        self.env.globals().any(|(global, _)| global == name)
    }

    /// The reason why there is no such filter; `None` where there is.
    pub(super) fn unknown_filter(&self, name: &str) -> Option<String> {
        self.unknown(&format!("1|{name}"), ErrorKind::UnknownFilter)
    }

    /// The reason why there is no such test; `None` where there is.
    pub(super) fn unknown_test(&self, name: &str) -> Option<String> {
        self.unknown(&format!("1 is {name}"), ErrorKind::UnknownTest)
    }

    /// The reason why there is no such function; `None` where there is.
    pub(super) fn unknown_function(&self, name: &str) -> Option<String> {
        self.unknown(&format!("{name}()"), ErrorKind::UnknownFunction)
    }

    fn unknown(&self, expression: &str, kind: ErrorKind) -> Option<String> {
        let compiled = self.env.compile_expression(expression);
        let error = compiled.and_then(|e| e.eval(())).err()?;
        (error.kind() == kind).then(|| explain(&error, None, expression).message)
    }

    /// Goes through a loop: for each item, its variables and their values.
    pub fn each(
        &self,
        head: &Head,
        context: &Value,
    ) -> Result<Vec<Vec<(String, Value)>>, TemplateError> {
        let expression = head.expression.as_str();
        let shift = |mut error: TemplateError| {
            error.range = error.range.start + head.offset..error.range.end + head.offset;
            error
        };
        let over = self.evaluate(expression, context).map_err(shift)?;
        let fail = |message: String| shift(at(expression, message));
        if over.is_undefined() {
            return Err(shift(hint(not_defined(expression, expression), context)));
        }
        if !matches!(
            over.kind(),
            ValueKind::Map | ValueKind::Seq | ValueKind::Iterable
        ) {
            return Err(fail(format!(
                "`{expression}` is a {}; a loop goes through a list or a table",
                over.kind()
            )));
        }
        let mut rounds = Vec::new();
        for item in over.try_iter().map_err(|e| fail(e.to_string()))? {
            let values = match (head.names.len(), over.kind()) {
                (1, _) => vec![item],
                (_, ValueKind::Map) => {
                    let value = over.get_item(&item).map_err(|e| fail(e.to_string()))?;
                    vec![item, value]
                }
                (count, _) => {
                    let parts: Vec<Value> = item
                        .try_iter()
                        .map(Iterator::collect)
                        .map_err(|_| fail(format!("an item of `{expression}` is no pair")))?;
                    if parts.len() != count {
                        return Err(fail(format!(
                            "an item of `{expression}` has {} parts, the loop names {count}",
                            parts.len()
                        )));
                    }
                    parts
                }
            };
            rounds.push(head.names.iter().cloned().zip(values).collect());
        }
        Ok(rounds)
    }

    fn explain(&self, error: &Error, name: Option<&str>, source: &str) -> TemplateError {
        // An error inside an included template carries that one's name.
        let inner = innermost(error);
        match inner.name().filter(|n| Some(*n) != name && *n != VALUE) {
            Some(other) if self.env.get_template(other).is_ok() => {
                let template = self.env.get_template(other).expect("it was just there");
                explain(inner, Some(other), template.source())
            }
            _ => explain(inner, name, source),
        }
    }
}

/// A value as JSON; `None` is none, and is left out of lists and tables.
fn to_json(value: &Value, source: &str) -> Result<Option<Json>, TemplateError> {
    Ok(Some(match value.kind() {
        ValueKind::None => return Ok(None),
        ValueKind::Undefined => return Err(not_defined(source, source.trim())),
        ValueKind::Bool => Json::from(value.is_true()),
        ValueKind::Number => i64::try_from(value.clone())
            .map(Json::from)
            .or_else(|_| f64::try_from(value.clone()).map(Json::from))
            .map_err(|e| at(source, e.to_string()))?,
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            Text::new(text).map_err(|e| at(source, e.to_string()))?;
            Json::from(text)
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let mut list = Vec::new();
            for item in value.try_iter().map_err(|e| at(source, e.to_string()))? {
                list.extend(to_json(&item, source)?);
            }
            Json::Array(list)
        }
        ValueKind::Map => {
            let mut map = serde_json::Map::new();
            for key in value.try_iter().map_err(|e| at(source, e.to_string()))? {
                let item = value
                    .get_item(&key)
                    .map_err(|e| at(source, e.to_string()))?;
                if let Some(item) = to_json(&item, source)? {
                    map.insert(key.to_string(), item);
                }
            }
            Json::Object(map)
        }
        kind => {
            let message = format!("a value of kind {kind} cannot be written here");
            return Err(at(source, message));
        }
    }))
}

/// The inside of a text that may be one whole `{{ … }}`, and where it begins. A line's end around it is text.
fn whole(source: &str) -> Option<(usize, &str)> {
    let trimmed = source.trim_matches(' ');
    let inner = trimmed.strip_prefix("{{")?.strip_suffix("}}")?;
    let start = source.len() - source.trim_start_matches(' ').len() + 2;
    let inner = inner
        .strip_prefix('-')
        .map_or((start, inner), |i| (start + 1, i));
    Some((inner.0, inner.1.strip_suffix('-').unwrap_or(inner.1)))
}

/// Refuses a value that would be written as `True`, `None` or as a dump of a list.
fn printable(value: &Value) -> Result<(), Error> {
    let message = match value.kind() {
        ValueKind::Bool => {
            "a boolean cannot be written: use an `if` with a text for true and for false"
        }
        ValueKind::None => "none cannot be written: use an `if` for what may be missing",
        ValueKind::Seq | ValueKind::Iterable => "a list cannot be written: use `join` or a `for`",
        ValueKind::Map => "a table cannot be written: name one of its keys, or use a `for`",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// A name that is not defined.
fn not_defined(source: &str, expression: &str) -> TemplateError {
    let expression = expression.trim();
    TemplateError {
        undefined: Some(expression.to_owned()),
        ..at(source, format!("`{expression}` is not defined"))
    }
}

/// Adds a suggestion for a name that is not defined.
fn hint(mut error: TemplateError, context: &Value) -> TemplateError {
    let Some(expression) = error.undefined.as_deref() else {
        return error;
    };
    let mut words = expression.split('.');
    let mut here = context.clone();
    let mut path = String::new();
    while let Some(word) = words.next() {
        let known: Vec<String> = here
            .try_iter()
            .map(|keys| keys.map(|k| k.to_string()).collect())
            .unwrap_or_default();
        if !known.iter().any(|k| k == word) {
            error.help = if word == "facts" && path.is_empty() {
                Some(NO_FACTS.to_owned())
            } else if let Some(near) = did_you_mean(word, &known) {
                Some(format!("did you mean {}?", shown(&format!("{path}{near}"))))
            } else if known.is_empty() || words.next().is_some() {
                None
            } else {
                Some(format!("there are {}", any_of(&known)))
            };
            return error;
        }
        here = here.get_attr(word).unwrap_or_default();
        path = format!("{path}{word}.");
    }
    error
}

fn at(source: &str, message: String) -> TemplateError {
    TemplateError {
        template: None,
        range: source.len() - source.trim_start().len()..source.trim_end().len(),
        message,
        undefined: None,
        help: None,
    }
}

fn innermost(error: &Error) -> &Error {
    let mut inner = error;
    while let Some(source) =
        std::error::Error::source(inner).and_then(|s| s.downcast_ref::<Error>())
    {
        inner = source;
    }
    inner
}

/// An error of minijinja in the words of this program.
fn explain(error: &Error, name: Option<&str>, source: &str) -> TemplateError {
    let mut range = error
        .range()
        .filter(|r| source.is_char_boundary(r.start) && r.end <= source.len())
        .unwrap_or_else(|| line_range(source, error.line()));
    if source[range.start..].starts_with('.') {
        // Only the end of a path is pointed at.
        let before = source[..range.start]
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "_.".contains(c));
        range.start = before.len();
    }
    let piece = source.get(range.clone()).unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::UndefinedError => {
            let expression = detail
                .split('`')
                .nth(1)
                .filter(|e| !e.is_empty())
                .unwrap_or(piece);
            return TemplateError {
                template: name.map(str::to_owned),
                range,
                ..not_defined("", expression)
            };
        }
        ErrorKind::UnknownFilter => format!("there is no such filter: {detail}"),
        ErrorKind::UnknownTest => format!("there is no such test: {detail}"),
        ErrorKind::UnknownFunction => format!("there is no such function: {detail}"),
        ErrorKind::OutOfFuel => "it went on for too long: a loop without an end?".to_owned(),
        ErrorKind::SyntaxError => format!("the template cannot be read: {detail}"),
        _ if detail.is_empty() => error.kind().to_string(),
        _ => detail.to_owned(),
    };
    TemplateError {
        template: name.map(str::to_owned),
        range,
        message,
        undefined: None,
        help: None,
    }
}

/// The bytes of a line, counted from one.
fn line_range(source: &str, line: Option<usize>) -> Range<usize> {
    let Some(line) = line else {
        return 0..0;
    };
    let mut start = 0;
    for (number, text) in source.split_inclusive('\n').enumerate() {
        if number + 1 == line {
            return start..start + text.trim_end().len();
        }
        start += text.len();
    }
    source.len()..source.len()
}

#[cfg(test)]
mod tests;
