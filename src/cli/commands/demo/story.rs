//! What a demo tells around what the proxy sees, in the user's language.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use crate::demo::{Outcome, Scenario};
use crate::language::Language;
use crate::printable::printable;

/// A text in every language.
type Texts = BTreeMap<String, String>;

/// The stories as they are written down.
#[derive(Deserialize)]
struct Book {
    words: BTreeMap<String, Words>,
    #[serde(flatten)]
    stories: BTreeMap<String, Texts>,
}

/// The words that every story has.
#[derive(Debug, Clone, Deserialize)]
pub struct Words {
    /// That it is all inside the program.
    pub inside: String,
    /// Before what the user types.
    pub typed: String,
    /// Before the story.
    pub happens: String,
    /// Before the lines of the capture.
    pub lines: String,
    /// Before what the client prints.
    pub printed: String,
    /// Before the findings.
    pub said: String,
    /// In the place of findings.
    pub nothing_wrong: String,
    /// Before the session.
    pub recorded: String,
    /// Before the names of the other demos.
    pub others: String,
    /// How to go on.
    pub own: String,
}

/// One story in one language.
#[derive(Debug, Clone)]
pub struct Story {
    /// Its words.
    pub words: Words,
    text: String,
    scenario: Scenario,
}

impl Story {
    /// The story of a demo.
    ///
    /// # Errors
    /// When it is not written.
    pub fn of(scenario: Scenario, language: Language) -> anyhow::Result<Self> {
        let Book { mut words, mut stories } = toml::from_str(include_str!("stories.toml"))?;
        let words = words.remove(language.tag()).context("the demos have no words in this language")?;
        let mut texts = stories.remove(scenario.as_str()).context("this demo has no story")?;
        let text = texts.remove(language.tag()).context("this demo's story is not told in this language")?;
        Ok(Self { words, text, scenario })
    }

    /// What is told before the capture.
    pub fn beginning(&self, command: &str) -> String {
        let Self { words: Words { inside, typed, happens, .. }, text, .. } = self;
        format!("{inside}\n\n{typed}\n  $ {command}\n\n{happens}\n  {text}")
    }

    /// What the client printed.
    pub fn printed(&self, outcome: &Outcome) -> String {
        let (Ok(said) | Err(said)) = &outcome.said;
        let lines: Vec<_> = said.lines().map(|line| format!("\n  {}", printable(line))).collect();
        format!("{}{}", self.words.printed, lines.concat())
    }

    /// How to go on.
    pub fn going_on(&self) -> String {
        let others = Scenario::ALL.into_iter().filter(|other| *other != self.scenario);
        let others: Vec<_> = others.map(Scenario::as_str).collect();
        format!("{} pulltap demo {}\n{}", self.words.others, others.join(" | "), self.words.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demo_is_told_in_every_language() {
        for language in Language::ALL {
            let texts = Scenario::ALL.map(|scenario| Story::of(scenario, language).unwrap().text);
            let distinct: std::collections::BTreeSet<_> = texts.iter().collect();
            assert_eq!(distinct.len(), Scenario::ALL.len());
        }
    }
}
