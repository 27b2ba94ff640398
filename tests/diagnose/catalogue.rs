//! The catalogue: no holes, the same placeholders in every language, an entry for every rule, words for every finding.

use std::collections::BTreeSet;

use pulltap::diagnose::catalogue::{RuleWords, placeholders};
use pulltap::diagnose::{Catalogue, Engine, Parameters, rules};
use pulltap::language::Language;

use super::fixture;

fn catalogue() -> Catalogue {
    Catalogue::parsed().unwrap()
}

fn sorted(text: &str) -> BTreeSet<&str> {
    placeholders(text).into_iter().collect()
}

#[test]
fn has_an_entry_for_every_rule() {
    let catalogue = catalogue();
    for rule in rules::all() {
        assert!(catalogue.entry(rule.slug).is_some(), "{} has no entry {}", rule.id, rule.slug);
    }
}

#[test]
fn has_no_holes_and_the_same_placeholders_in_every_language() {
    for (slug, entry) in catalogue().entries() {
        let english = entry.text(Language::En);
        for language in Language::ALL {
            let text = entry.text(language);
            let name = format!("{slug}, {}", language.tag());
            assert!(!text.title.trim().is_empty() && !text.cause.trim().is_empty(), "{name}");
            assert!(text.fix.iter().all(|step| !step.trim().is_empty()), "{name}");
            assert_eq!(text.fix.len(), english.fix.len(), "{name}: steps");
            assert_eq!(sorted(&text.title), sorted(&english.title), "{name}: title");
            assert_eq!(sorted(&text.cause), sorted(&english.cause), "{name}: cause");
            for (step, original) in text.fix.iter().zip(&english.fix) {
                assert_eq!(sorted(step), sorted(original), "{name}: {step}");
            }
            if language != Language::En {
                assert_ne!(text.title, english.title, "{name} is not translated");
                assert_ne!(text.cause, english.cause, "{name} is not translated");
            }
        }
    }
}

#[test]
fn gives_words_of_their_own_to_rules_that_lead_to_the_entry() {
    for (slug, entry) in catalogue().entries() {
        for language in Language::ALL {
            for (name, words) in entry.rule_words(language) {
                let rule = rules::by_name(name).unwrap_or_else(|| panic!("{slug} names {name}"));
                assert_eq!(rule.slug, slug, "{name}");
                let english = entry.rule_words(Language::En).find(|(other, _)| *other == name).unwrap().1;
                let texts = |words: &RuleWords<'_>| {
                    let steps = words.fix.unwrap_or(&[]).iter().map(String::as_str);
                    [words.cause].into_iter().chain(words.title).chain(steps).map(str::to_owned).collect::<Vec<_>>()
                };
                let (own, original) = (texts(&words), texts(&english));
                assert_eq!(own.len(), original.len(), "{name}");
                for (text, original) in own.iter().zip(&original) {
                    assert!(!text.trim().is_empty(), "{name}");
                    assert_eq!(sorted(text), sorted(original), "{name}: {text}");
                    assert!(language == Language::En || text != original, "{name} is not translated: {text}");
                }
            }
        }
    }
}

#[test]
fn has_every_note_in_every_language_with_the_same_placeholders() {
    let catalogue = catalogue();
    let nothing = Parameters::new();
    for key in catalogue.note_keys() {
        let english = catalogue.note(key, &nothing, Language::En);
        let marks = |text: &str| {
            let marks: BTreeSet<_> = text
                .split('<')
                .skip(1)
                .filter_map(|part| part.split_once('>'))
                .map(|(name, _)| name.to_owned())
                .collect();
            marks
        };
        for language in Language::ALL {
            let text = catalogue.note(key, &nothing, language);
            assert!(!text.is_empty(), "{key}");
            assert_eq!(marks(&text), marks(&english), "{key} {}", language.tag());
        }
    }
}

#[test]
fn knows_every_note_that_the_code_makes() {
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/diagnose/meaning.rs")).unwrap();
    let catalogue = catalogue();
    let keys: BTreeSet<_> = catalogue.note_keys().collect();
    for key in &keys {
        assert!(source.contains(&format!("\"{key}\"")), "no code makes the note {key}");
    }
    let made = source.split('"').skip(1).step_by(2).filter(|text| {
        ["challenge-", "token-", "manifest-", "blob-", "upload-", "opaque-", "failed-", "waiting-"]
            .iter()
            .any(|area| text.starts_with(area))
    });
    for key in made {
        assert!(keys.contains(key), "the note {key} has no words");
    }
}

#[test]
fn leaves_no_placeholder_empty_in_what_the_fixtures_find() {
    let catalogue = catalogue();
    for rule in rules::all() {
        let mut engine = Engine::new();
        for exchange in fixture::read(&format!("{}/fires.toml", rule.id)).exchanges() {
            engine.update(&exchange);
        }
        engine.finish();
        for finding in engine.findings() {
            for language in Language::ALL {
                let explained = finding.explained(&catalogue, language);
                let words = [&explained.title, &explained.cause].into_iter().chain(&explained.fix);
                let words = words.chain(explained.alternatives.iter().flat_map(|other| [&other.cause, &other.tell]));
                for text in words {
                    assert!(!text.contains('<') || text.contains("'<'"), "{}: {text}", finding.rule.id);
                }
            }
        }
    }
}
