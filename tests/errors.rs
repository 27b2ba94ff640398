//! An error either says its cause in its own text or hands it on as its source, not both: whoever prints the text and
//! then its sources, as the program's last word does, would print the cause twice.

use crate::sources;
use proc_macro2::{Literal, TokenStream, TokenTree};
use syn::{Attribute, Field, Fields, Item};

#[test]
fn no_error_says_its_cause_twice() {
    let mut variants = 0;
    let mut faults = Vec::new();
    for source in sources::all() {
        for (name, found) in errors_of(&source.syntax.items) {
            variants += 1;
            faults.extend(found.then(|| format!("src/{}: {name}", source.path)));
        }
    }
    assert!(variants > 20, "only {variants} texts of errors were found");
    assert!(faults.is_empty(), "the cause stands in the text and is the source as well:\n  {}", faults.join("\n  "));
}

/// Every text of an error, by the name of its type or variant, and whether its cause would be said twice.
fn errors_of(items: &[Item]) -> Vec<(String, bool)> {
    let mut errors = Vec::new();
    for item in items {
        match item {
            Item::Enum(item) => errors.extend(item.variants.iter().filter_map(|variant| {
                let is_twice = says_its_source(&variant.attrs, &variant.fields)?;
                Some((format!("{}::{}", item.ident, variant.ident), is_twice))
            })),
            Item::Struct(item) => {
                errors.extend(
                    says_its_source(&item.attrs, &item.fields).map(|is_twice| (item.ident.to_string(), is_twice)),
                );
            }
            Item::Mod(item) => {
                let inside = item.content.as_ref().map_or(&[][..], |(_, items)| items);
                errors.extend(errors_of(inside));
            }
            _ => {}
        }
    }
    errors
}

/// Whether the text names the field that is the source; `None` where there is no text.
fn says_its_source(attributes: &[Attribute], fields: &Fields) -> Option<bool> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("error"))?;
    let text = attribute.meta.require_list().ok()?.tokens.clone();
    let mut fields = fields.iter().enumerate();
    let source = fields.find(|(_, field)| is_source(field)).map(|(number, field)| name_of(number, field));
    Some(source.is_some_and(|name| names_it(text, &name)))
}

/// What thiserror takes for the source.
fn is_source(field: &Field) -> bool {
    let is_called = |name: &str| field.attrs.iter().any(|attribute| attribute.path().is_ident(name));
    is_called("source") || is_called("from") || field.ident.as_ref().is_some_and(|name| name == "source")
}

fn name_of(number: usize, field: &Field) -> String {
    field.ident.as_ref().map_or_else(|| number.to_string(), ToString::to_string)
}

/// Whether a format string and its arguments name a field: `{name}`, `{name:?}`, `name.len()`, `.0`.
fn names_it(text: TokenStream, name: &str) -> bool {
    text.into_iter().any(|token| match token {
        TokenTree::Literal(literal) => in_braces(&literal, name) || literal.to_string() == name,
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => names_it(group.stream(), name),
        TokenTree::Punct(_) => false,
    })
}

fn in_braces(literal: &Literal, name: &str) -> bool {
    let text = literal.to_string();
    [format!("{{{name}}}"), format!("{{{name}:")].iter().any(|braced| text.contains(braced))
}

/// The checker itself.
mod checker {
    use super::errors_of;

    fn is_twice(variant: &str) -> bool {
        let file = syn::parse_file(&format!("#[derive(Debug, Error)] enum E {{ {variant} }}")).unwrap();
        let [(_, is_twice)] = errors_of(&file.items)[..] else { panic!("{variant}") };
        is_twice
    }

    #[test]
    fn reports_a_cause_in_every_way_of_writing() {
        for variant in [
            r#"#[error("no: {0}")] A(#[from] io::Error)"#,
            r#"#[error("no: {0:?}")] A(#[source] io::Error)"#,
            r#"#[error("{path}: {source}")] A { path: String, source: io::Error }"#,
            r#"#[error("{}", source.kind())] A { source: io::Error }"#,
            r#"#[error("{}", .0.kind())] A(#[from] io::Error)"#,
            r#"#[error("{why}")] A { #[source] why: io::Error }"#,
        ] {
            assert!(is_twice(variant), "{variant}");
        }
    }

    #[test]
    fn allows_a_cause_in_one_place() {
        for variant in [
            r#"#[error("no")] A(#[from] io::Error)"#,
            r"#[error(transparent)] A(#[from] io::Error)",
            r#"#[error("no: {0}")] A(String)"#,
            r#"#[error("{path}: {refusal}")] A { path: String, refusal: io::Error }"#,
            r#"#[error("cannot write {path}")] A { path: String, source: io::Error }"#,
        ] {
            assert!(!is_twice(variant), "{variant}");
        }
    }
}
