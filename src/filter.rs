//! The language that picks among rows: words that must all occur, and a few `key:value` forms.
//!
//! | form | meaning |
//! |---|---|
//! | `word`, `"two words"` | occurs in the row, in any case |
//! | `status:401`, `status:4xx` | the server's status |
//! | `host:`, `repo:`, `method:` | occurs there |
//! | `role:token` | what it is to a registry client |
//! | `is:error`, `is:failed`, `is:open` … | its worst finding, its outcome |
//! | `!` before any of these | does not hold |
//!
//! A word with a colon whose beginning is no key (`app:v1`, `sha256:…`) is a word.

use std::ops::RangeInclusive;

use crate::diagnose::Severity;
use crate::index::Row;
use crate::registry::Role;

/// What rows have to be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    conditions: Vec<Condition>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A status is a number or a class.
    #[error("status:{0}: write status:401 or status:4xx")]
    Status(String),
    /// No role has this name.
    #[error("role:{0}: there are {roles}", roles = role_names())]
    Role(String),
    /// Nothing that a row can be has this name.
    #[error("is:{0}: there are {states}", states = state_names())]
    State(String),
    /// A key without a value.
    #[error("{0}: a value is missing")]
    Value(String),
    /// A quotation mark without its partner.
    #[error("a quotation mark (\") is missing")]
    Quote,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    is_negated: bool,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Word(String),
    Status(RangeInclusive<u16>),
    Host(String),
    Repository(String),
    Method(String),
    Role(Role),
    Is(State),
}

/// What a row can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Error,
    Warning,
    Notice,
    Failed,
    Open,
}

/// The names of what a row can be.
const STATES: [(&str, State); 5] = [
    ("error", State::Error),
    ("warning", State::Warning),
    ("notice", State::Notice),
    ("failed", State::Failed),
    ("open", State::Open),
];

/// The names of all roles, for the message that lists them.
pub fn role_names() -> String {
    Role::ALL.map(Role::as_str).join(", ")
}

/// The names of what a row can be, for the message that lists them.
pub fn state_names() -> String {
    STATES.map(|(name, _)| name).join(", ")
}

impl Filter {
    /// The filter that a text spells; every row passes an empty one.
    ///
    /// # Errors
    /// When a known key has a value that it cannot have.
    pub fn new(text: &str) -> Result<Self, FilterError> {
        let words = split(text)?;
        let conditions = words.iter().map(Condition::of).collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }

    /// Whether every row passes.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &Row) -> bool {
        self.conditions.iter().all(|condition| condition.what.holds(row) != condition.is_negated)
    }
}

/// A word of the text, and whether it stood in quotation marks from its beginning.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    is_negated: bool,
    is_quoted: bool,
    text: String,
}

fn split(text: &str) -> Result<Vec<Word>, FilterError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (is_negated, unmarked) = match rest.strip_prefix('!') {
            Some(unmarked) => (true, unmarked),
            None => (false, rest),
        };
        let is_quoted = unmarked.starts_with('"');
        let mut word = String::new();
        let mut is_inside = false;
        let mut end = unmarked.len();
        for (at, character) in unmarked.char_indices() {
            match character {
                '"' => is_inside = !is_inside,
                _ if character.is_whitespace() && !is_inside => {
                    end = at;
                    break;
                }
                _ => word.push(character),
            }
        }
        if is_inside {
            return Err(FilterError::Quote);
        }
        if !word.is_empty() {
            words.push(Word { is_negated, is_quoted, text: word });
        }
        rest = unmarked.get(end..).unwrap_or("").trim_start();
    }
    Ok(words)
}

impl Condition {
    fn of(word: &Word) -> Result<Self, FilterError> {
        let Word { is_negated, is_quoted, text } = word;
        let what = match text.split_once(':').filter(|_| !is_quoted) {
            Some((key, value)) => What::of(key, value)?,
            None => None,
        };
        Ok(Self { is_negated: *is_negated, what: what.unwrap_or_else(|| What::Word(text.clone())) })
    }
}

impl What {
    /// What `key:value` means; nothing if there is no such key.
    fn of(key: &str, value: &str) -> Result<Option<Self>, FilterError> {
        let key = key.to_ascii_lowercase();
        let make: fn(&str) -> Result<Self, FilterError> = match key.as_str() {
            "status" => |value| status(value).map(Self::Status).ok_or_else(|| FilterError::Status(value.to_owned())),
            "host" => |value| Ok(Self::Host(value.to_owned())),
            "repo" | "repository" => |value| Ok(Self::Repository(value.to_owned())),
            "method" => |value| Ok(Self::Method(value.to_owned())),
            "role" => |value| {
                let role = Role::ALL.into_iter().find(|role| role.as_str().eq_ignore_ascii_case(value));
                role.map(Self::Role).ok_or_else(|| FilterError::Role(value.to_owned()))
            },
            "is" => |value| {
                let state = STATES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
                state.map(|(_, state)| Self::Is(state)).ok_or_else(|| FilterError::State(value.to_owned()))
            },
            _ => return Ok(None),
        };
        if value.is_empty() {
            return Err(FilterError::Value(format!("{key}:")));
        }
        make(value).map(Some)
    }

    fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Word(word) => {
                row.texts().any(|text| contains(text, word))
                    || row.status.is_some_and(|status| status.to_string() == *word)
            }
            Self::Status(range) => row.status.is_some_and(|status| range.contains(&status)),
            Self::Host(host) => contains(&row.host, host),
            Self::Repository(name) => row.repository.as_deref().is_some_and(|repository| contains(repository, name)),
            Self::Method(method) => row.method.eq_ignore_ascii_case(method),
            Self::Role(role) => row.role == *role,
            Self::Is(State::Error) => row.severity() == Severity::Error,
            Self::Is(State::Warning) => row.severity() == Severity::Warning,
            Self::Is(State::Notice) => row.severity() == Severity::Notice,
            Self::Is(State::Failed) => row.is_failed(),
            Self::Is(State::Open) => row.is_open(),
        }
    }
}

/// `401`, or a class as `4xx`.
fn status(text: &str) -> Option<RangeInclusive<u16>> {
    let class = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX"));
    match class {
        Some(digit) => digit.parse::<u16>().ok().filter(|digit| (1..=9).contains(digit)).map(|digit| {
            let first = digit * 100;
            first..=first + 99
        }),
        None => text.parse().ok().filter(|status| (100..=999).contains(status)).map(|status| status..=status),
    }
}

/// Whether `part` occurs in the text, ASCII letters in any case.
fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let Some(first) = part.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text)
        .any(|at| text.get(at..at + part.len()).is_some_and(|there| there.eq_ignore_ascii_case(part)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{ExchangeId, Moment};
    use crate::index::Progress;

    fn row() -> Row {
        Row {
            id: ExchangeId::new(1).unwrap(),
            started: Moment::EPOCH,
            method: "GET".into(),
            status: Some(403),
            host: "MyRegistry.azurecr.io".into(),
            path: "/v2/team/app/manifests/v1".into(),
            role: Role::Manifest,
            repository: Some("team/app".into()),
            reference: Some("v1".into()),
            size: 0,
            progress: Progress::Complete(1),
            notes: "ファイアウォール: client with IP is not allowed".into(),
            mark: Some(Severity::Error),
        }
    }

    #[test]
    fn picks_rows() {
        for (text, expected) in [
            ("", true),
            ("myregistry", true),
            ("AZURECR app/MANIFESTS", true),
            ("azurecr nowhere", false),
            ("manifest 403", true),
            ("40", false),
            ("ファイアウォール", true),
            ("\"not allowed\"", true),
            ("\"allowed not\"", false),
            ("status:403", true),
            ("status:4xx role:manifest method:get is:error", true),
            ("status:2xx", false),
            ("!status:2xx", true),
            ("!myregistry", false),
            ("host:registry repo:team", true),
            ("host:team", false),
            ("is:failed", false),
            ("is:open", false),
            ("is:warning", false),
            // No key: words that have a colon.
            ("/v1:", false),
            ("\"is:error\"", false),
        ] {
            assert_eq!(Filter::new(text).unwrap().passes(&row()), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_filter() {
        for (text, message) in [
            ("status:abc", "status:abc: write status:401 or status:4xx"),
            ("status:99", "status:99: write status:401 or status:4xx"),
            ("a is:bad", "is:bad: there are error, warning, notice, failed, open"),
            ("host:", "host:: a value is missing"),
            ("\"a", "a quotation mark (\") is missing"),
        ] {
            assert_eq!(Filter::new(text).unwrap_err().to_string(), message);
        }
        assert!(Filter::new("role:x").unwrap_err().to_string().contains("manifest"));
    }
}
