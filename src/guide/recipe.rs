//! Recipes: what to do to send one kind of client through the proxy, and how to take it back.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Platform;
use crate::language::Language;

const FILES: [(Platform, &str); 3] = [
    (Platform::Windows, include_str!("windows.toml")),
    (Platform::Linux, include_str!("linux.toml")),
    (Platform::MacOs, include_str!("macos.toml")),
];

const WORDS: &str = include_str!("words.toml");

/// What to do for one kind of client.
#[derive(Debug, Clone, Deserialize)]
pub struct Recipe {
    /// Names the recipe, as in `desktop-windows`.
    pub id: String,
    /// Where it is followed.
    #[serde(skip)]
    pub platform: Platform,
    /// The kind of client.
    #[serde(flatten)]
    pub title: Translated,
    /// What to do, in order.
    pub step: Vec<Step>,
    /// How to take it back, in order.
    pub undo: Vec<Step>,
}

/// One thing to do: by hand, or by commands.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// What it does and what comes of it.
    #[serde(flatten)]
    pub says: Translated,
    /// Where the commands are typed; `None` for what is done by hand.
    pub shell: Option<Shell>,
    /// Whether that shell must be an administrator's, or the command asks for the right.
    #[serde(default)]
    pub admin: bool,
    /// The commands, each a line to copy.
    #[serde(default)]
    pub commands: Vec<String>,
}

/// Where commands are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// Any Unix shell.
    Bash,
    /// Windows PowerShell or PowerShell.
    PowerShell,
}

impl Shell {
    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "Terminal",
            Self::PowerShell => "PowerShell",
        }
    }
}

/// One sentence in every language.
#[derive(Debug, Clone, Deserialize)]
pub struct Translated {
    en: String,
    ja: String,
    #[serde(rename = "zh-Hant")]
    zh_hant: String,
}

impl Translated {
    /// The sentence in this language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::En => &self.en,
            Language::Ja => &self.ja,
            Language::ZhHant => &self.zh_hant,
        }
    }
}

#[derive(Deserialize)]
struct File {
    recipe: Vec<Recipe>,
}

/// All recipes: Windows, Linux, macOS.
pub fn recipes() -> Vec<Recipe> {
    FILES.iter().flat_map(|(platform, text)| of_file(*platform, text)).collect()
}

/// The recipe of this id.
pub fn recipe(id: &str) -> Option<Recipe> {
    recipes().into_iter().find(|recipe| recipe.id == id)
}

/// The words around the recipes, by key.
pub fn words() -> BTreeMap<String, Translated> {
    read(WORDS)
}

fn of_file(platform: Platform, text: &str) -> Vec<Recipe> {
    let file: File = read(text);
    file.recipe.into_iter().map(|recipe| Recipe { platform, ..recipe }).collect()
}

#[expect(clippy::expect_used, reason = "the files are built in, and a test reads them")]
fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("a built-in file")
}
