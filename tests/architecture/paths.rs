//! The paths that a file names, read from its tokens: in imports, signatures, expressions and macros alike.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use crate::sources::Source;

/// Which part of a file is read.
#[derive(Clone, Copy, PartialEq)]
pub enum Scope {
    Everything,
    /// All but items under `#[cfg(test)]` and `#[test]`.
    Production,
}

/// A path of two segments or more as it is written, and where.
pub struct Named {
    pub segments: Vec<String>,
    pub line: usize,
    /// How many modules deep it stands, inline ones included: as many `super` lead to the root.
    depth: usize,
}

impl Named {
    /// The top-level module of ours that the path leads to.
    pub fn room(&self) -> Option<&str> {
        let above = match self.segments.first()?.as_str() {
            "crate" | "pulltap" => 1,
            "super" => {
                let up = self.segments.iter().take_while(|name| *name == "super");
                Some(up.count()).filter(|up| *up == self.depth)?
            }
            _ => return None,
        };
        self.segments.get(above).map(String::as_str)
    }
}

/// All paths of a file, groups (`a::{b, c}`) taken apart.
pub fn of(source: &Source, scope: Scope) -> Vec<Named> {
    let tokens = source.text.parse().expect("syn has parsed it before");
    let mut reader = Reader { scope, depth: source.module().len(), found: Vec::new() };
    reader.walk(tokens, &[]);
    reader.found
}

struct Reader {
    scope: Scope,
    depth: usize,
    found: Vec<Named>,
}

impl Reader {
    fn walk(&mut self, tokens: TokenStream, prefix: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let rest = &tokens[at..];
            at += match &tokens[at] {
                _ if self.scope == Scope::Production && is_test_attribute(rest) => length_of_item(rest),
                TokenTree::Ident(_) => self.path(rest, prefix),
                TokenTree::Punct(punct) if punct.as_char() == '*' && !prefix.is_empty() => self.path(rest, prefix),
                TokenTree::Group(group) => {
                    let deeper = usize::from(opens_module(&tokens[..at]));
                    self.depth += deeper;
                    self.walk(group.stream(), &[]);
                    self.depth -= deeper;
                    1
                }
                _ => 1,
            };
        }
    }

    /// Read one path from its first segment on; the answer is how many tokens it took.
    fn path(&mut self, tokens: &[TokenTree], prefix: &[String]) -> usize {
        let mut segments = prefix.to_vec();
        let mut at = 0;
        loop {
            match tokens.get(at) {
                Some(TokenTree::Ident(name)) => segments.push(name.to_string()),
                Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                    segments.push("*".to_owned());
                }
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    self.walk(group.stream(), &segments);
                    return at + 1;
                }
                _ => break,
            }
            at += 1;
            if !is_double_colon(&tokens[at..]) {
                break;
            }
            at += 2;
        }
        if segments.len() > 1 {
            self.found.push(Named { segments, line: tokens[0].span().start().line, depth: self.depth });
        }
        at
    }
}

fn is_double_colon(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [TokenTree::Punct(first), TokenTree::Punct(second), ..]
        if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':')
}

/// Does the group after these tokens hold an inline module: `mod name { … }`?
fn opens_module(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(keyword), TokenTree::Ident(_)] if keyword == "mod")
}

/// `#[cfg(test)]` or `#[test]`.
fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = tokens else {
        return false;
    };
    let attribute = group.stream().to_string().replace(' ', "");
    hash.as_char() == '#' && ["cfg(test)", "test"].contains(&attribute.as_str())
}

/// The tokens of an item with its attributes: up to its braces or its semicolon.
fn length_of_item(tokens: &[TokenTree]) -> usize {
    let end = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    });
    end.map_or(tokens.len(), |end| end + 1)
}
