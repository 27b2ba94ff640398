//! The files under `src`, parsed, for the tests that read the source.

use std::fs;
use std::path::Path;

use proc_macro2::Span;
use syn::{Attribute, Item, Visibility};

/// One file of production code.
pub struct Source {
    /// The path below `src` with forward slashes, such as `wire/http1.rs`.
    pub path: String,
    pub text: String,
    pub syntax: syn::File,
}

impl Source {
    /// A source from text, as the tests of the checkers make it.
    pub fn new(path: &str, text: &str) -> Self {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| {
            let at = error.span().start();
            panic!("src/{path}:{}: {error}", at.line);
        });
        Self { path: path.to_owned(), text: text.to_owned(), syntax }
    }

    /// The module's path below the crate's root: `wire/http1.rs` is `["wire", "http1"]`.
    pub fn module(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let mut module: Vec<String> = stem.split('/').map(str::to_owned).collect();
        match module.last().map(String::as_str) {
            Some("mod") => {
                module.pop();
            }
            Some("lib") if module.len() == 1 => {
                module.pop();
            }
            _ => {}
        }
        module
    }

    /// The room: the top-level module, `lib` or `main`.
    pub fn room(&self) -> String {
        let top = self.path.split('/').next().unwrap_or_default();
        top.strip_suffix(".rs").unwrap_or(top).to_owned()
    }
}

/// Every production file below `src`, in the order of their paths. A `tests.rs` is a test.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, "", &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn collect(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("src can be listed").path();
        let name = path.file_name().unwrap().to_str().expect("UTF-8 name");
        if path.is_dir() {
            collect(&path, &format!("{below}{name}/"), sources);
        } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
            let text = fs::read_to_string(&path).expect("a source is UTF-8");
            sources.push(Source::new(&format!("{below}{name}"), &text));
        }
    }
}

/// Is this item compiled for tests only?
pub fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test")))
    })
}

/// Can another module see it? `pub(crate)` counts, `pub(self)` does not.
pub fn is_shared(visibility: &Visibility) -> bool {
    match visibility {
        Visibility::Public(_) => true,
        Visibility::Restricted(restricted) => !restricted.path.is_ident("self"),
        Visibility::Inherited => false,
    }
}

/// The attributes of those items that can carry a `cfg`.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// First and last line of a span.
pub fn lines(span: Span) -> (usize, usize) {
    (span.start().line, span.end().line)
}
