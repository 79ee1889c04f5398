//! Names that lead nowhere, also where nothing is rendered today: in a loop without rounds, behind a condition that does
//! not hold, in a branch that is not taken.

use super::file::Role;
use super::head::Head;
use super::library::Library;
use super::reader::Placed;
use super::render::inside;
use super::shape::Shape;
use super::step::Step;
use super::template::TemplateError;
use crate::site::{Finding, Place, Site, Sources, Table, Tree, Value as Node};
use minijinja::machinery::ast::{Call, CallArg, Expr, Macro, Stmt};
use minijinja::machinery::{Span, parse, parse_expr};
use std::ops::Range;

/// The names that are not defined in a site's own roles and templates, each once. A test holds that shipped ones have
/// none.
pub fn unknown_names(site: &Site, library: &Library, sources: &Sources) -> Vec<Finding> {
    let mut findings = all_unknown(site, library, sources);
    findings.retain(|f| f.place.is_none_or(|place| !sources.is_shipped(place)));
    findings
}

fn all_unknown(site: &Site, library: &Library, sources: &Sources) -> Vec<Finding> {
    let Some(node) = site.node_names().next() else {
        return Vec::new();
    };
    let shared = Shape::names(site, node);
    let mut findings = Vec::new();
    for role in library.roles().filter(|r| r.sound) {
        let mut names = Names {
            library,
            sources,
            role,
            scope: shared.clone(),
            file: None,
            open: Vec::new(),
            findings: &mut findings,
        };
        names.role();
    }
    findings
}

/// The template that a text belongs to, where it is no value of the role's file itself.
#[derive(Clone)]
struct File {
    /// The template's name.
    name: String,
    /// The place that names it.
    from: Place,
}

struct Names<'a> {
    library: &'a Library,
    sources: &'a Sources,
    role: &'a Role,
    scope: Vec<(String, Shape)>,
    file: Option<File>,
    /// The templates that are being read: one that includes itself is read once.
    open: Vec<String>,
    findings: &'a mut Vec<Finding>,
}

/// The place where the text that is being read is written.
#[derive(Clone, Copy)]
struct Source<'s> {
    text: &'s str,
    place: Place,
}

impl Names<'_> {
    fn role(&mut self) {
        let role = self.role;
        let keys = |keys: Vec<&String>| {
            Shape::Table(keys.into_iter().map(|k| (k.clone(), Shape::Any)).collect())
        };
        self.set("vars", keys(role.vars.keys().collect()));
        self.set("platform", keys(role.platform.keys().collect()));
        self.expression(role.when.as_ref());
        for (name, expression) in &role.lets {
            let shape = self.expression(Some(expression));
            self.set(name, shape);
        }
        for open in &role.opens {
            self.inner(open.each.as_ref(), |names| {
                names.expression(open.when.as_ref());
                names.table(&open.own);
            });
        }
        for step in &role.steps {
            self.step(step);
        }
        for check in &role.checks {
            self.inner(check.each.as_ref(), |names| {
                names.expression(check.when.as_ref());
                names.table(&check.own);
                if let Some(step) = &check.see {
                    names.step(step);
                }
            });
        }
    }

    fn step(&mut self, step: &Step) {
        self.inner(step.each.as_ref(), |names| {
            names.expression(step.when.as_ref());
            if let Some(source) = &step.source {
                names.value(&source.value, source.place);
            }
            names.table(&step.own);
        });
    }

    fn set(&mut self, name: &str, shape: Shape) {
        self.scope.push((name.to_owned(), shape));
    }

    /// Reads with the variables of a loop, and forgets what was named meanwhile.
    fn inner(&mut self, each: Option<&Placed<Head>>, read: impl FnOnce(&mut Self)) {
        let depth = self.scope.len();
        if let Some(head) = each {
            let source = Source {
                text: &head.value.expression,
                place: head.place,
            };
            let over = self.expression_at(source);
            for (name, shape) in head
                .value
                .names
                .iter()
                .zip(over.round(head.value.names.len()))
            {
                self.set(name, shape);
            }
        }
        read(self);
        self.scope.truncate(depth);
    }

    fn expression(&mut self, text: Option<&Placed<String>>) -> Shape {
        text.map_or(Shape::Any, |text| {
            self.expression_at(Source {
                text: &text.value,
                place: text.place,
            })
        })
    }

    /// The shape of an expression. One that cannot be parsed was reported before.
    fn expression_at(&mut self, source: Source<'_>) -> Shape {
        parse_expr(source.text).map_or(Shape::Any, |expr| self.expr(&expr, source))
    }

    fn table(&mut self, table: &Table) {
        let text = |key: &str| {
            let (_, tree) = table.get(key)?;
            Some(Placed {
                value: tree.as_str()?.to_owned(),
                place: tree.place,
            })
        };
        let each = text("for_each").and_then(|head| {
            Some(Placed {
                value: Head::parse(&head.value).ok()?,
                place: head.place,
            })
        });
        self.inner(each.as_ref(), |names| {
            names.expression(text("when").as_ref());
            for (key, (_, tree)) in table {
                match key.as_str() {
                    "for_each" | "when" => {}
                    "template" => names.template_of(tree),
                    _ => names.tree(tree),
                }
            }
        });
    }

    fn tree(&mut self, tree: &Tree) {
        match &tree.value {
            Node::Str(text) => self.value(text, tree.place),
            Node::Array(list) => list.iter().for_each(|item| self.tree(item)),
            Node::Table(table) => self.table(table),
            _ => {}
        }
    }

    fn value(&mut self, text: &str, place: Place) {
        let source = Source { text, place };
        self.text(source);
    }

    fn text(&mut self, source: Source<'_>) {
        if let Ok(stmt) = parse(source.text, "", minijinja::syntax::SyntaxConfig::default()) {
            self.stmt(&stmt, source);
        }
    }

    fn template_of(&mut self, tree: &Tree) {
        let Some(name) = tree.as_str() else { return };
        if name.contains("{{") {
            self.value(name, tree.place);
        } else if self.library.templates().any(|t| t == name) {
            self.template(name, tree.place);
        } else {
            self.findings
                .push(self.library.no_template(name, tree.place));
        }
    }

    fn template(&mut self, name: &str, from: Place) {
        let Some(text) = self.library.text(name) else {
            return;
        };
        if self.library.is_broken(name) || self.open.iter().any(|o| o == name) {
            return;
        }
        let file = File {
            name: name.to_owned(),
            from,
        };
        let before = self.file.replace(file);
        self.open.push(name.to_owned());
        let depth = self.scope.len();
        let source = Source { text, place: from };
        self.text(source);
        self.scope.truncate(depth);
        self.open.pop();
        self.file = before;
    }

    fn stmts(&mut self, stmts: &[Stmt<'_>], source: Source<'_>) {
        let depth = self.scope.len();
        for stmt in stmts {
            self.stmt(stmt, source);
        }
        self.scope.truncate(depth);
    }

    fn stmt(&mut self, stmt: &Stmt<'_>, source: Source<'_>) {
        let depth = self.scope.len();
        match stmt {
            Stmt::Template(t) => self.stmts(&t.children, source),
            Stmt::EmitExpr(e) => _ = self.expr(&e.expr, source),
            Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::ForLoop(f) => {
                let over = self.expr(&f.iter, source);
                self.target(&f.target, over.item());
                self.set("loop", Shape::Any);
                self.optional(f.filter_expr.as_ref(), source);
                self.stmts(&f.body, source);
                self.scope.truncate(depth);
                self.stmts(&f.else_body, source);
            }
            Stmt::IfCond(i) => {
                self.expr(&i.expr, source);
                // Names that a branch sets are visible after it.
                for stmt in i.true_body.iter().chain(&i.false_body) {
                    self.stmt(stmt, source);
                }
            }
            Stmt::WithBlock(w) => {
                for (target, expr) in &w.assignments {
                    let shape = self.expr(expr, source);
                    self.target(target, shape);
                }
                self.stmts(&w.body, source);
                self.scope.truncate(depth);
            }
            Stmt::Set(s) => {
                let shape = self.expr(&s.expr, source);
                self.target(&s.target, shape);
            }
            Stmt::SetBlock(s) => {
                self.optional(s.filter.as_ref(), source);
                self.stmts(&s.body, source);
                self.target(&s.target, Shape::Any);
            }
            Stmt::AutoEscape(a) => {
                self.expr(&a.enabled, source);
                self.stmts(&a.body, source);
            }
            Stmt::FilterBlock(f) => {
                self.expr(&f.filter, source);
                self.stmts(&f.body, source);
            }
            Stmt::Block(b) => self.stmts(&b.body, source),
            Stmt::Extends(e) => self.included(&e.name, source, false),
            Stmt::Include(i) => self.included(&i.name, source, i.ignore_missing),
            Stmt::Import(i) => {
                self.included(&i.expr, source, false);
                self.target(&i.name, Shape::Any);
            }
            Stmt::FromImport(i) => {
                self.included(&i.expr, source, false);
                for (name, alias) in &i.names {
                    self.target(alias.as_ref().unwrap_or(name), Shape::Any);
                }
            }
            Stmt::Macro(m) => {
                self.set(m.name, Shape::Any);
                self.macro_body(m, source);
            }
            Stmt::CallBlock(c) => {
                self.call(&c.call, source);
                self.macro_body(&c.macro_decl, source);
            }
            Stmt::Do(d) => self.call(&d.call, source),
        }
    }

    fn macro_body(&mut self, m: &Macro<'_>, source: Source<'_>) {
        let depth = self.scope.len();
        self.set("caller", Shape::Any);
        m.args.iter().for_each(|a| self.target(a, Shape::Any));
        for default in &m.defaults {
            self.expr(default, source);
        }
        self.stmts(&m.body, source);
        self.scope.truncate(depth);
    }

    fn target(&mut self, target: &Expr<'_>, shape: Shape) {
        match target {
            Expr::Var(var) => self.set(var.id, shape),
            Expr::List(list) => self.targets(&list.items, &shape),
            Expr::Tuple(tuple) => self.targets(&tuple.items, &shape),
            _ => {}
        }
    }

    fn targets(&mut self, targets: &[Expr<'_>], shape: &Shape) {
        for (target, part) in targets.iter().zip(shape.parts(targets.len())) {
            self.target(target, part);
        }
    }

    /// A template that another one takes in by name.
    fn included(&mut self, name: &Expr<'_>, source: Source<'_>, missing: bool) {
        let Some(text) = name.as_const() else {
            self.expr(name, source);
            return;
        };
        let Some(text) = text.as_str() else { return };
        if self.library.templates().any(|t| t == text) {
            self.template(text, source.place);
        } else if !missing {
            let message = format!("there is no template `{text}`");
            self.report(range(name.span()), source, message, None);
        }
    }

    fn optional(&mut self, expr: Option<&Expr<'_>>, source: Source<'_>) {
        if let Some(expr) = expr {
            self.expr(expr, source);
        }
    }

    fn call(&mut self, call: &Call<'_>, source: Source<'_>) {
        match &call.expr {
            Expr::Var(var) => {
                let known = self.shape_of(var.id).is_some();
                if !known && let Some(why) = self.library.engine().unknown_function(var.id) {
                    self.report(range(var.span()), source, why, None);
                }
            }
            Expr::GetAttr(method) => _ = self.expr(&method.expr, source),
            other => _ = self.expr(other, source),
        }
        self.args(&call.args, source);
    }

    fn args(&mut self, args: &[CallArg<'_>], source: Source<'_>) {
        for arg in args {
            let (CallArg::Pos(expr)
            | CallArg::Kwarg(_, expr)
            | CallArg::PosSplat(expr)
            | CallArg::KwargSplat(expr)) = arg;
            self.expr(expr, source);
        }
    }

    fn shape_of(&self, name: &str) -> Option<Shape> {
        let found = self.scope.iter().rev().find(|(n, _)| n == name);
        found.map(|(_, shape)| shape.clone())
    }

    /// Checks an expression, and gives its shape as far as it is known.
    fn expr(&mut self, expr: &Expr<'_>, source: Source<'_>) -> Shape {
        match expr {
            Expr::Var(var) => {
                if let Some(shape) = self.shape_of(var.id) {
                    return shape;
                }
                // Of a template that others extend.
                let own = matches!(var.id, "self" | "super");
                if !own && !self.library.engine().is_global(var.id) {
                    self.undefined(expr, var.id, source);
                }
            }
            Expr::GetAttr(get) => {
                let of = self.expr(&get.expr, source);
                return self.key(expr, &of, get.name, source);
            }
            Expr::GetItem(get) => {
                let of = self.expr(&get.expr, source);
                self.expr(&get.subscript_expr, source);
                let key = get.subscript_expr.as_const();
                return match key.as_ref().and_then(minijinja::Value::as_str) {
                    Some(key) => self.key(expr, &of, key, source),
                    None => of.any_item(),
                };
            }
            Expr::Const(_) => {}
            Expr::Slice(slice) => {
                let of = self.expr(&slice.expr, source);
                for part in [&slice.start, &slice.stop, &slice.step] {
                    self.optional(part.as_ref(), source);
                }
                return of;
            }
            Expr::UnaryOp(op) => _ = self.expr(&op.expr, source),
            Expr::BinOp(op) => {
                self.expr(&op.left, source);
                self.expr(&op.right, source);
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr, source);
                for op in &compare.ops {
                    self.expr(&op.expr, source);
                }
            }
            Expr::IfExpr(i) => {
                self.expr(&i.test_expr, source);
                let shape = self.expr(&i.true_expr, source);
                self.optional(i.false_expr.as_ref(), source);
                return shape;
            }
            Expr::Filter(filter) => return self.filter(expr, source, filter),
            Expr::Test(test) => {
                if !matches!(test.name, "defined" | "undefined") {
                    self.expr(&test.expr, source);
                }
                self.args(&test.args, source);
                if let Some(why) = self.library.engine().unknown_test(test.name) {
                    self.report(range(expr.span()), source, why, None);
                }
            }
            Expr::Call(call) => self.call(call, source),
            Expr::List(list) => list.items.iter().for_each(|i| _ = self.expr(i, source)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|i| _ = self.expr(i, source)),
            Expr::Map(map) => {
                for part in map.keys.iter().chain(&map.values) {
                    self.expr(part, source);
                }
            }
        }
        Shape::Any
    }

    fn filter(
        &mut self,
        expr: &Expr<'_>,
        source: Source<'_>,
        filter: &minijinja::machinery::ast::Filter<'_>,
    ) -> Shape {
        let of = match &filter.expr {
            Some(_) if matches!(filter.name, "default" | "d") => Shape::Any,
            Some(inner) => self.expr(inner, source),
            None => Shape::Any,
        };
        self.args(&filter.args, source);
        if let Some(why) = self.library.engine().unknown_filter(filter.name) {
            self.report(range(expr.span()), source, why, None);
        }
        let attribute = match (filter.name, filter.args.as_slice()) {
            ("selectattr" | "rejectattr", [CallArg::Pos(key), ..]) => Some(key),
            ("map" | "sort" | "groupby" | "unique", [CallArg::Kwarg("attribute", key), ..]) => {
                Some(key)
            }
            _ => None,
        };
        if let Some(key) = attribute
            && let Some(name) = key.as_const()
            && let Some(name) = name.as_str().filter(|n| !n.contains('.'))
        {
            self.key(key, &of.item(), name, source);
        }
        match filter.name {
            "selectattr" | "rejectattr" | "list" | "sort" | "reverse" | "unique" | "select"
            | "reject" => of,
            "first" | "last" => of.item(),
            "items" | "dictsort" => of.pairs(),
            _ => Shape::Any,
        }
    }

    /// The shape under a key; a key that the table does not have is reported.
    fn key(&mut self, expr: &Expr<'_>, of: &Shape, key: &str, source: Source<'_>) -> Shape {
        match of {
            Shape::Table(keys) => keys.get(key).cloned().unwrap_or_else(|| {
                self.unknown_key(expr, &keys.keys().collect::<Vec<_>>(), key, source);
                Shape::Any
            }),
            Shape::Map(value) => (**value).clone(),
            _ => Shape::Any,
        }
    }

    fn unknown_key(&mut self, expr: &Expr<'_>, known: &[&String], key: &str, source: Source<'_>) {
        let range = from_root(expr);
        let written = source.text.get(range.clone()).unwrap_or(key).trim();
        let near = crate::site::did_you_mean(key, known);
        let help = near.map(|near| {
            let path = written.strip_suffix(key).unwrap_or_default();
            format!(
                "did you mean {}?",
                crate::site::shown(&format!("{path}{near}"))
            )
        });
        let help = help.unwrap_or_else(|| format!("there are {}", crate::site::any_of(known)));
        let message = format!("`{written}` is not defined");
        self.report(range, source, message, Some(help));
    }

    fn undefined(&mut self, expr: &Expr<'_>, name: &str, source: Source<'_>) {
        let known: Vec<&String> = self.scope.iter().map(|(n, _)| n).collect();
        let help = match crate::site::did_you_mean(name, &known) {
            _ if name == "facts" => super::template::NO_FACTS.to_owned(),
            Some(near) => format!("did you mean {}?", crate::site::shown(&near)),
            None => format!("there are {}", crate::site::any_of(&known)),
        };
        let message = format!("`{name}` is not defined");
        self.report(range(expr.span()), source, message, Some(help));
    }

    fn report(
        &mut self,
        range: Range<usize>,
        source: Source<'_>,
        message: String,
        help: Option<String>,
    ) {
        let finding = if let Some(file) = &self.file {
            let error = TemplateError {
                template: Some(file.name.clone()),
                range,
                message,
                undefined: None,
                help,
            };
            let finding = self.library.finding(&error);
            finding.map(|f| f.also(file.from, "rendered for this step"))
        } else {
            let place = inside(self.sources, source.place, source.text, &range);
            let mut finding = Finding::error("TEMPLATE", message).at(place);
            finding.help = help;
            Some(finding)
        };
        let Some(finding) = finding else { return };
        let same = |f: &Finding| f.message == finding.message && f.place == finding.place;
        if !self.findings.iter().any(same) {
            self.findings.push(finding);
        }
    }
}

fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset as usize
}

/// The whole of a path, from its first name on: the span of a key is its end alone.
fn from_root(expr: &Expr<'_>) -> Range<usize> {
    let mut root = expr;
    loop {
        root = match root {
            Expr::GetAttr(get) => &get.expr,
            Expr::GetItem(get) => &get.expr,
            _ => return range(root.span()).start..range(expr.span()).end,
        };
    }
}

#[cfg(test)]
mod tests;
