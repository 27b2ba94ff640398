//! Asks a sentence of every module, type and function that another module can see.
//!
//! `missing_docs` would ask one of each field and variant too, and breed filler. A sentence is two words
//! or more; whether it says something is for the reader of the change.

use syn::spanned::Spanned;
use syn::{Attribute, Expr, ImplItem, Item, Lit, Meta, TraitItem};

use crate::sources::{self, Source, is_for_tests, is_shared};

#[test]
fn every_module_type_and_function_has_a_sentence() {
    let faults: Vec<String> = sources::all().iter().flat_map(undocumented).collect();
    assert!(faults.is_empty(), "no doc sentence:\n  {}", faults.join("\n  "));
}

/// What lacks a sentence in one file.
fn undocumented(source: &Source) -> Vec<String> {
    let mut asked = Asked { path: &source.path, faults: Vec::new() };
    asked.about(&source.syntax.attrs, 1, "the module (`//!`)");
    asked.items(&source.syntax.items);
    asked.faults
}

struct Asked<'a> {
    path: &'a str,
    faults: Vec<String>,
}

impl Asked<'_> {
    fn about(&mut self, attributes: &[Attribute], line: usize, what: &str) {
        if !has_sentence(attributes) {
            self.faults.push(format!("src/{}:{line}: {what}", self.path));
        }
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            if !is_for_tests(sources::attributes(item)) {
                self.item(item);
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let line = item.span().start().line;
        let (visibility, name) = match item {
            Item::Enum(item) => (&item.vis, format!("enum {}", item.ident)),
            Item::Fn(item) => (&item.vis, format!("fn {}", item.sig.ident)),
            Item::Struct(item) => (&item.vis, format!("struct {}", item.ident)),
            Item::Trait(item) => (&item.vis, format!("trait {}", item.ident)),
            Item::Type(item) => (&item.vis, format!("type {}", item.ident)),
            // A module in a file of its own carries its `//!` there.
            Item::Mod(item) if item.content.is_some() => (&item.vis, format!("mod {}", item.ident)),
            Item::Impl(_) => return self.methods(item),
            _ => return,
        };
        if is_shared(visibility) {
            self.about(sources::attributes(item), line, &name);
        }
        match item {
            Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    self.items(items);
                }
            }
            Item::Trait(item) if is_shared(&item.vis) => self.declared(&item.items),
            _ => {}
        }
    }

    /// Methods of a type's own `impl`; those of a trait are explained at the trait.
    fn methods(&mut self, item: &Item) {
        let Item::Impl(block) = item else { return };
        if block.trait_.is_some() {
            return;
        }
        for item in &block.items {
            if let ImplItem::Fn(method) = item
                && is_shared(&method.vis)
                && !is_for_tests(&method.attrs)
            {
                let name = format!("fn {}", method.sig.ident);
                self.about(&method.attrs, method.span().start().line, &name);
            }
        }
    }

    fn declared(&mut self, items: &[TraitItem]) {
        for item in items {
            if let TraitItem::Fn(method) = item {
                let name = format!("fn {}", method.sig.ident);
                self.about(&method.attrs, method.span().start().line, &name);
            }
        }
    }
}

fn has_sentence(attributes: &[Attribute]) -> bool {
    let words: usize = attributes.iter().map(words_of).sum();
    words >= 2
}

fn words_of(attribute: &Attribute) -> usize {
    let Meta::NameValue(pair) = &attribute.meta else {
        return 0;
    };
    if !pair.path.is_ident("doc") {
        return 0;
    }
    match &pair.value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value().split_whitespace().count(),
            _ => 0,
        },
        // `#[doc = include_str!("…")]`: a page of its own.
        _ => 2,
    }
}

/// The checker itself.
mod checker {
    use super::undocumented;
    use crate::sources::Source;

    /// What lacks a sentence in a documented module that holds `text`.
    fn undocumented_in(text: &str) -> Vec<String> {
        let text = format!("//! A module for this test.\n{text}");
        undocumented(&Source::new("room.rs", &text))
    }

    #[test]
    fn asks_a_sentence_of_the_module() {
        let source = Source::new("room.rs", "struct Private;");
        assert_eq!(undocumented(&source), ["src/room.rs:1: the module (`//!`)"]);
    }

    #[test]
    fn asks_a_sentence_of_each_shared_item() {
        for (text, name) in [
            ("pub struct Bare;", "struct Bare"),
            ("pub(crate) enum Bare {}", "enum Bare"),
            ("pub(super) fn bare() {}", "fn bare"),
            ("pub trait Bare {}", "trait Bare"),
            ("/// Short.\npub fn bare() {}", "fn bare"),
            ("#[derive(Debug)]\npub struct Bare;", "struct Bare"),
            ("impl Bare { pub fn bare(&self) {} }", "fn bare"),
            ("mod inside { pub fn bare() {} }", "fn bare"),
            ("/// Says a thing or two.\npub trait T { fn bare(); }", "fn bare"),
        ] {
            let found = undocumented_in(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].ends_with(name), "{text}: {found:?}");
        }
    }

    #[test]
    fn asks_nothing_of_fields_variants_private_items_trait_impls_and_tests() {
        let text = "
            /// A thing with fields.
            pub struct Thing { pub field: u8 }
            /// One of two.
            pub enum Which { This, That }
            fn private() {}
            impl Drop for Thing { fn drop(&mut self) {} }
            pub mod elsewhere;
            #[cfg(test)]
            mod tests { pub fn helper() {} }
        ";
        assert_eq!(undocumented_in(text), [""; 0]);
    }
}
