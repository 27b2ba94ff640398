//! The words of alternatives: what else may be the cause of what a rule goes by, and what would tell.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::language::Language;

use super::catalogue::{Filling, filled};
use super::finding::Parameters;
use super::rules;

const TEXTS: &str = include_str!("catalogue/alternatives.toml");

/// The words of all alternatives, by their names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Alternatives(BTreeMap<String, Words>);

/// One alternative: in each language the cause, and what would tell that it is this one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    /// The entry that says more.
    faq: Option<String>,
    en: [String; 2],
    ja: [String; 2],
    #[serde(rename = "zh-Hant")]
    zh_hant: [String; 2],
}

/// Another cause in words. Values from the network stand in it: outputs make it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCause {
    /// Its name.
    pub name: String,
    /// What it is.
    pub cause: String,
    /// What would tell that it is this one.
    pub tell: String,
    /// The slug of the entry that says more.
    pub faq: Option<String>,
}

impl OtherCause {
    /// Where more is said, as it stands behind the words: nothing where no entry does.
    pub fn in_full(&self) -> String {
        self.faq.as_ref().map_or_else(String::new, |faq| format!(" [faq {faq}]"))
    }
}

impl Alternatives {
    /// The words that are built in, or why they are not well-formed.
    ///
    /// # Errors
    /// The file is not what alternatives look like.
    pub fn parsed() -> Result<Self, toml::de::Error> {
        Self::read(TEXTS)
    }

    /// The words in a text.
    ///
    /// # Errors
    /// It is not what alternatives look like.
    pub fn read(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The words of one: the cause, and what would tell.
    pub fn texts(&self, name: &str, language: Language) -> Option<&[String; 2]> {
        let words = self.0.get(name)?;
        Some(match language {
            Language::En => &words.en,
            Language::Ja => &words.ja,
            Language::ZhHant => &words.zh_hant,
        })
    }

    /// These in words, by name where the catalogue has a hole; an entry does not lead to itself.
    pub fn explained<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        slug: &str,
        parameters: &Parameters,
        language: Language,
    ) -> Vec<OtherCause> {
        let explained = |name: &str| {
            // What would tell is often a command, and a person copies it.
            let fill = |text: &str, filling| filled(text, parameters, filling);
            let [cause, tell] = match self.texts(name, language) {
                Some([cause, tell]) => [fill(cause, Filling::Prose), fill(tell, Filling::Command)],
                None => [name.to_owned(), String::new()],
            };
            let faq = self.0.get(name).and_then(|words| words.faq.clone()).filter(|faq| faq != slug);
            OtherCause { name: name.to_owned(), cause, tell, faq }
        };
        names.into_iter().map(explained).collect()
    }

    /// What else may be the cause where this entry explains what one of these rules found, with nothing known.
    pub fn of_entry(&self, slug: &str, is_meant: impl Fn(&str) -> bool, language: Language) -> Vec<OtherCause> {
        let rules = rules::all().filter(|rule| rule.slug == slug && is_meant(rule.id.as_str()));
        let mut names: Vec<&str> = Vec::new();
        for name in rules.flat_map(|rule| rule.alternatives).map(super::Alternative::name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        self.explained(names, slug, &Parameters::new(), language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_would_tell_has_no_value_with_a_meaning_to_a_shell() {
        let alternatives = Alternatives::parsed().unwrap();
        let explained = |host: &str| {
            let parameters = Parameters::new().with("host", host);
            alternatives.explained(["resolver-filters"], "dns-failure", &parameters, Language::En).remove(0).tell
        };
        assert!(explained("registry.test").contains("`nslookup registry.test 8.8.8.8`"));
        assert!(explained("registry.test; rm -rf /").contains("`nslookup <host> 8.8.8.8`"));
    }
}
