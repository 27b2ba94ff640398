//! The catalogue: what findings and notes say, in every language, and the commands that help. Sentences stand in
//! `catalogue/*.toml`, the three languages side by side; this module reads them and fills their placeholders.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::language::Language;
use crate::registry::Vendor;

use super::alternatives::{Alternatives, OtherCause};
use super::finding::{Finding, Parameters};

const FILES: [(&str, &str); 12] = [
    ("authentication.toml", include_str!("catalogue/authentication.toml")),
    ("content.toml", include_str!("catalogue/content.toml")),
    ("faq.toml", include_str!("catalogue/faq.toml")),
    ("identity.toml", include_str!("catalogue/identity.toml")),
    ("image.toml", include_str!("catalogue/image.toml")),
    ("ledger.toml", include_str!("catalogue/ledger.toml")),
    ("network.toml", include_str!("catalogue/network.toml")),
    ("network_policy.toml", include_str!("catalogue/network_policy.toml")),
    ("operations.toml", include_str!("catalogue/operations.toml")),
    ("practice.toml", include_str!("catalogue/practice.toml")),
    ("tasks.toml", include_str!("catalogue/tasks.toml")),
    ("tls.toml", include_str!("catalogue/tls.toml")),
];
const NOTES: &str = include_str!("catalogue/notes.toml");

/// All entries and notes.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, Entry>,
    notes: BTreeMap<String, Sentences>,
    /// Other causes of what rules go by.
    alternatives: Alternatives,
}

/// One entry: a cause of trouble, or a question of the FAQ.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The page of the documentation that says more.
    pub doc: Option<String>,
    /// Commands that help with any registry.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Commands that help with Azure Container Registry.
    #[serde(default)]
    pub acr_commands: Vec<String>,
    /// The English text.
    en: EntryText,
    /// The Japanese text.
    ja: EntryText,
    /// The text in Traditional Chinese.
    #[serde(rename = "zh-Hant")]
    zh_hant: EntryText,
    /// What else people search for to find it: codes of errors, statuses.
    #[serde(default)]
    pub codes: Vec<String>,
    /// What certain rules say instead.
    #[serde(default)]
    rule: BTreeMap<String, RuleText>,
}

/// The text of an entry in one language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryText {
    /// What happened, or the question, in a few words.
    pub title: String,
    /// Why, or the answer.
    pub cause: String,
    /// What to do, step by step.
    #[serde(default)]
    pub fix: Vec<String>,
}

/// One sentence in every language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentences {
    en: String,
    ja: String,
    #[serde(rename = "zh-Hant")]
    zh_hant: String,
}

/// What a rule says instead of the entry: the cause always, title and steps where they differ, too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    en: String,
    ja: String,
    #[serde(rename = "zh-Hant")]
    zh_hant: String,
    title: Option<Sentences>,
    fix: Option<Steps>,
}

/// Steps in every language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    en: Vec<String>,
    ja: Vec<String>,
    #[serde(rename = "zh-Hant")]
    zh_hant: Vec<String>,
}

/// What a rule says instead of its entry, in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleWords<'a> {
    /// The title, where it differs.
    pub title: Option<&'a str>,
    /// The cause.
    pub cause: &'a str,
    /// The steps, where they differ.
    pub fix: Option<&'a [String]>,
}

/// A finding in words. Values from the network stand in it: outputs make it printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What happened, in a few words.
    pub title: String,
    /// Why.
    pub cause: String,
    /// What to do, step by step.
    pub fix: Vec<String>,
    /// What else may be the cause, the likeliest first.
    pub alternatives: Vec<OtherCause>,
    /// Commands that help.
    pub commands: Vec<String>,
    /// The page of the documentation that says more.
    pub doc: Option<String>,
    /// The slug of the entry.
    pub faq: String,
}

impl Sentences {
    fn in_language(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
            Language::ZhHant => &self.zh_hant,
        }
    }
}

impl RuleText {
    fn in_language(&self, language: Language) -> RuleWords<'_> {
        let (cause, fix): (_, fn(&Steps) -> &[String]) = match language {
            Language::En => (&self.en, |steps| &steps.en),
            Language::Ja => (&self.ja, |steps| &steps.ja),
            Language::ZhHant => (&self.zh_hant, |steps| &steps.zh_hant),
        };
        let title = self.title.as_ref().map(|title| title.in_language(language));
        RuleWords { title, cause, fix: self.fix.as_ref().map(fix) }
    }
}

impl Entry {
    /// Its text in a language.
    pub fn text(&self, language: Language) -> &EntryText {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
            Language::ZhHant => &self.zh_hant,
        }
    }

    /// The rules that have words of their own, with these in a language.
    pub fn rule_words(&self, language: Language) -> impl Iterator<Item = (&str, RuleWords<'_>)> {
        self.rule.iter().map(move |(rule, text)| (rule.as_str(), text.in_language(language)))
    }
}

impl Catalogue {
    /// The catalogue that is built in.
    pub fn built_in() -> Self {
        // A file that does not parse is a hole, and a test of ours fails on holes.
        Self::parsed().unwrap_or_default()
    }

    /// The catalogue that is built in, or why it is not well-formed.
    ///
    /// # Errors
    /// A file is not what an entry or a note looks like.
    pub fn parsed() -> Result<Self, toml::de::Error> {
        let mut entries = BTreeMap::new();
        for (_, text) in FILES {
            entries.extend(toml::from_str::<BTreeMap<String, Entry>>(text)?);
        }
        Ok(Self { entries, notes: toml::from_str(NOTES)?, alternatives: Alternatives::parsed()? })
    }

    /// The same with these entries in the place of its own, for tests whose outcome must not change with its wording.
    ///
    /// # Errors
    /// The text is not what entries look like.
    pub fn with_entries(self, text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { entries: toml::from_str(text)?, ..self })
    }

    /// The same with these alternatives in the place of its own.
    ///
    /// # Errors
    /// The text is not what alternatives look like.
    pub fn with_alternatives(self, text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { alternatives: Alternatives::read(text)?, ..self })
    }

    /// Other causes of what rules go by.
    pub fn alternatives(&self) -> &Alternatives {
        &self.alternatives
    }

    /// The entry of this slug.
    pub fn entry(&self, slug: &str) -> Option<&Entry> {
        self.entries.get(slug)
    }

    /// All entries, by slug.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(slug, entry)| (slug.as_str(), entry))
    }

    /// The keys of all notes.
    pub fn note_keys(&self) -> impl Iterator<Item = &str> {
        self.notes.keys().map(String::as_str)
    }

    /// A note in a language; its key where the catalogue has a hole.
    pub fn note(&self, key: &str, parameters: &Parameters, language: Language) -> String {
        match self.notes.get(key) {
            Some(sentences) => filled(sentences.in_language(language), parameters, Filling::Prose),
            None => key.to_owned(),
        }
    }
}

impl Entry {
    /// This entry in words, with nothing known: every command, and placeholders as `<placeholder>`.
    pub fn explained(&self, slug: &str, language: Language) -> Explained {
        let (nothing, commands) = (Parameters::new(), self.commands.iter().chain(&self.acr_commands));
        self.filled(slug, self.words_of(None, language), &nothing, commands)
    }

    /// What certain rules say instead, with nothing known.
    pub fn rules_explained(&self, language: Language) -> impl Iterator<Item = (&str, Explained)> {
        let nothing = Parameters::new();
        self.rule
            .keys()
            .map(move |rule| (rule.as_str(), self.filled("", self.words_of(Some(rule), language), &nothing, [].iter())))
    }

    /// Title, cause and steps: a rule's own, where it has any.
    fn words_of(&self, rule: Option<&str>, language: Language) -> (&str, &str, &[String]) {
        let text = self.text(language);
        let own = rule.and_then(|rule| self.rule.get(rule)).map(|text| text.in_language(language));
        (
            own.and_then(|own| own.title).unwrap_or(&text.title),
            own.map_or(text.cause.as_str(), |own| own.cause),
            own.and_then(|own| own.fix).unwrap_or(&text.fix),
        )
    }

    fn filled<'a>(
        &self,
        slug: &str,
        (title, cause, fix): (&str, &str, &[String]),
        parameters: &Parameters,
        commands: impl Iterator<Item = &'a String>,
    ) -> Explained {
        let prose = |text: &str| filled(text, parameters, Filling::Prose);
        Explained {
            title: prose(title),
            cause: prose(cause),
            fix: fix.iter().map(|step| prose(step)).collect(),
            alternatives: Vec::new(),
            commands: commands.map(|command| filled(command, parameters, Filling::Command)).collect(),
            doc: self.doc.clone(),
            faq: slug.to_owned(),
        }
    }
}

impl Finding {
    /// This finding in words.
    pub fn explained(&self, catalogue: &Catalogue, language: Language) -> Explained {
        let slug = self.slug();
        let Some(entry) = catalogue.entry(slug) else {
            let (title, cause) = (slug.to_owned(), String::new());
            let (fix, commands, alternatives) = (Vec::new(), Vec::new(), Vec::new());
            return Explained { title, cause, fix, alternatives, commands, doc: None, faq: slug.to_owned() };
        };
        let is_acr = Vendor::of(self.parameters.value("registry").unwrap_or("")) == Vendor::Acr;
        let commands = entry.commands.iter().chain(entry.acr_commands.iter().filter(|_| is_acr));
        let words = entry.words_of(Some(self.rule.id.as_str()), language);
        let names = self.alternatives.iter().copied();
        let alternatives = catalogue.alternatives.explained(names, slug, &self.parameters, language);
        Explained { alternatives, ..entry.filled(slug, words, &self.parameters, commands) }
    }
}

/// What a text is that gets filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    /// A sentence: any value may stand in it.
    Prose,
    /// A command that people copy: only values without meaning to a shell.
    Command,
}

/// The text with its `{placeholders}` filled; what is not known stands as `<placeholder>`.
pub(super) fn filled(text: &str, parameters: &Parameters, filling: Filling) -> String {
    let mut result = String::with_capacity(text.len().saturating_add(32));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        let Some((name, behind)) = after.split_once('}').filter(|(name, _)| is_placeholder(name)) else {
            result.push('{');
            rest = after;
            continue;
        };
        let value = parameters.value(name).filter(|value| filling == Filling::Prose || is_harmless(value));
        if let Some(value) = value {
            result.push_str(value);
        } else {
            result.push('<');
            result.push_str(name);
            result.push('>');
        }
        rest = behind;
    }
    result.push_str(rest);
    result
}

fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The value comes from the network and the command goes to a shell.
fn is_harmless(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('-')
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte))
}

/// The placeholders of a text.
pub fn placeholders(text: &str) -> Vec<&str> {
    let names = text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
    names.filter(|name| is_placeholder(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_placeholders_and_keeps_shells_safe() {
        let parameters = Parameters::new().with("registry", "r.test").with("user", "a; rm -rf /");
        assert_eq!(filled("login {registry} as {user}", &parameters, Filling::Prose), "login r.test as a; rm -rf /");
        assert_eq!(
            filled("docker login {registry} -u {user}", &parameters, Filling::Command),
            "docker login r.test -u <user>"
        );
        assert_eq!(filled("{ \"a\": {x} } {unknown}", &parameters, Filling::Command), "{ \"a\": <x> } <unknown>");
    }
}
