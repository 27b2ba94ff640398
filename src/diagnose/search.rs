//! Searching the catalogue: by slug, word, status or error code, in every language at once.

use crate::language::Language;
use crate::registry::error_body::contains_ignoring_case;

use super::catalogue::{Catalogue, Entry};

/// How well a word fits an entry; the better comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is the slug.
    Slug,
    /// It is one of the codes, or the number in one.
    Code,
    /// It stands in the slug.
    InSlug,
    /// It stands in a title.
    Title,
    /// It stands in a code.
    InCode,
    /// It stands somewhere else.
    Text,
}

/// The entries that fit every word, the best first. Without words: all of them, by slug.
pub fn search<'a>(catalogue: &'a Catalogue, words: &[String]) -> Vec<(&'a str, &'a Entry)> {
    let mut found: Vec<_> = catalogue
        .entries()
        .filter_map(|(slug, entry)| {
            let fits = words.iter().map(|word| fit(word.trim(), slug, entry, catalogue)).collect::<Option<Vec<_>>>()?;
            Some((fits.into_iter().max(), slug, entry))
        })
        .collect();
    found.sort_by_key(|(fit, slug, _)| (*fit, *slug));
    found.into_iter().map(|(_, slug, entry)| (slug, entry)).collect()
}

fn fit(word: &str, slug: &str, entry: &Entry, catalogue: &Catalogue) -> Option<Fit> {
    let texts = || Language::ALL.into_iter().map(|language| entry.text(language));
    let has = |text: &str| contains_ignoring_case(text, word);
    let is_code = |code: &String| code.eq_ignore_ascii_case(word) || number(code).is_some_and(|number| number == word);
    let alternatives = || {
        let of = |language| catalogue.alternatives().of_entry(slug, |_| true, language);
        Language::ALL.into_iter().flat_map(of)
    };
    let own_words = || Language::ALL.into_iter().flat_map(|language| entry.rule_words(language));
    if slug.eq_ignore_ascii_case(word) {
        Some(Fit::Slug)
    } else if entry.codes.iter().any(is_code) {
        Some(Fit::Code)
    } else if has(slug) {
        Some(Fit::InSlug)
    } else if texts().any(|text| has(&text.title)) {
        Some(Fit::Title)
    } else if entry.codes.iter().any(|code| has(code)) {
        Some(Fit::InCode)
    } else if texts().any(|text| has(&text.cause) || text.fix.iter().any(|step| has(step)))
        || entry.commands.iter().chain(&entry.acr_commands).any(|command| has(command))
        || own_words().any(|(rule, words)| {
            let steps = words.fix.unwrap_or(&[]);
            has(rule) || has(words.cause) || words.title.is_some_and(has) || steps.iter().any(|step| has(step))
        })
        || alternatives().any(|other| has(&other.name) || has(&other.cause) || has(&other.tell))
    {
        Some(Fit::Text)
    } else {
        None
    }
}

/// `AADSTS7000215` is also looked for as 7000215.
fn number(code: &str) -> Option<&str> {
    code.strip_prefix("AADSTS").filter(|number| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slugs(words: &[&str]) -> Vec<String> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        search(&Catalogue::built_in(), &words).into_iter().map(|(slug, _)| slug.to_owned()).collect()
    }

    #[test]
    fn finds_an_entry_by_slug_word_status_or_code_in_every_language() {
        for (words, slug) in [
            (&["firewall-rule-delay"][..], "firewall-rule-delay"),
            (&["CONNECTIVITY_REFRESH_TOKEN_ERROR"], "check-health"),
            (&["AADSTS7000215"], "service-principal-expired"),
            (&["7000215"], "service-principal-expired"),
            (&["aadsts700016"], "entra-error"),
            (&["403", "firewall"], "firewall-rule-delay"),
            (&["プライベート", "エンドポイント"], "private-endpoint-dns"),
            (&["防火牆"], "firewall-rule-delay"),
            (&["acr.firewall-opened"], "firewall-rule-delay"),
            (&["quarantineState"], "disallowed-operation"),
            (&["rule-just-added"], "firewall-rule-delay"),
        ] {
            assert!(slugs(words).iter().any(|found| found == slug), "{words:?} finds {:?}", slugs(words));
        }
        assert_eq!(slugs(&["kubernetes"]).first().map(String::as_str), Some("kubernetes"));
        assert_eq!(slugs(&["AADSTS7000215"]).first().map(String::as_str), Some("service-principal-expired"));
        assert!(slugs(&["no such word anywhere"]).is_empty());
        assert_eq!(slugs(&[]).len(), Catalogue::built_in().entries().count());
    }
}
