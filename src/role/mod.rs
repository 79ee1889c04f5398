//! Roles: the desired state of nodes, in TOML files and templates, expanded into resources.

mod check;
pub mod expand;
pub mod file;
mod filters;
mod head;
mod installation;
mod library;
mod names;
mod names_of_templates;
mod observed;
mod packages;
mod reader;
mod reference;
mod render;
mod schema;
mod shape;
mod site_files;
mod step;
mod subject;
pub mod template;
mod vars;

pub use check::{CHECK_KEYS, CheckSeverity, Scope};
pub use expand::{
    Check, Expansion, SITE_FILE, Selector, Tcp, expand, expand_all, expand_subject, files,
};
pub use file::Role;
pub use head::Head;
pub use installation::{Given, answers, host_key_secret, on_one_line};
pub use library::{Library, eject};
pub use names::unknown_names;
pub use reader::Placed;
pub use reference::{PAGES, Page, PageSection, kind_page, page};
pub use schema::schema;
pub use site_files::SiteFiles;
pub use step::{STEP_KEYS, SiteKey, Step};
pub use subject::{Level, Subject};
pub use vars::VarType;
