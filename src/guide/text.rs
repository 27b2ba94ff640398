//! The guide as plain text, for curl and for our own command line.

use std::fmt::Write;

use super::{Place, Preference, Recipe, Step, in_order, word};
use crate::language::Language;

/// The whole help page as text.
pub fn text(place: &Place, asked: &Preference) -> String {
    let language = asked.language;
    let word = |key: &str| word(key, language);
    let proxy = place.proxy();
    let facts = &place.certificate;
    let said = |key: &str| super::sentence(key, language);
    let mut out = format!("{}\n\n{}\n\n{}: {proxy}\n\n", said("what"), said("send"), word("proxy"));
    let lines = [
        (word("pem"), format!("{proxy}/ca.crt")),
        (word("der"), format!("{proxy}/ca.der")),
        (word("sha256"), facts.sha256.clone()),
        (word("thumbprint"), facts.thumbprint.clone()),
        (word("valid_until"), facts.valid_until.clone()),
    ];
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{} ({})", word("certificate"), facts.name);
    for (what, value) in lines {
        let _ = writeln!(out, "  {what}:\n    {value}");
    }
    let _ = writeln!(out, "\n{}\n", word("why"));
    if let Some(shortcut) = place.shortcut(asked) {
        let _ = writeln!(out, "{}\n", shortcut.replace('`', ""));
    }
    let (first, others) = in_order(asked.platform);
    for recipe in &first {
        out.push_str(&recipe_text(recipe, place, language));
        out.push('\n');
    }
    let _ = writeln!(out, "{}:", word("others"));
    let mut platforms: Vec<_> = others.iter().map(|recipe| recipe.platform).collect();
    platforms.dedup();
    for platform in platforms {
        let _ = writeln!(out, "  {}: {proxy}/?for={}&lang={}", platform.name(), platform.tag(), language.tag());
    }
    for other in Language::ALL.into_iter().filter(|other| *other != language) {
        let _ = writeln!(out, "  {}: {proxy}/?lang={}", other.name(), other.tag());
    }
    out
}

/// One recipe as text: numbered steps, each command on a line of its own.
pub fn recipe_text(recipe: &Recipe, place: &Place, language: Language) -> String {
    let title = recipe.title.in_language(language);
    let mut out = format!("{title}\n");
    steps(&mut out, &recipe.step, place, language);
    let _ = writeln!(out, "  {}:", word("undo", language));
    steps(&mut out, &recipe.undo, place, language);
    out
}

fn steps(out: &mut String, steps: &[Step], place: &Place, language: Language) {
    for (number, step) in (1..).zip(steps) {
        let says = place.fill(step.says.in_language(language)).replace('`', "");
        let right = if step.admin { format!(" [{}]", word("admin", language)) } else { String::new() };
        let shell = step.shell.map_or_else(String::new, |shell| format!(" ({})", shell.name()));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {number}. {says}{shell}{right}");
        for command in &step.commands {
            let _ = writeln!(out, "       {}", place.fill(command));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{preference, recipe};

    #[test]
    fn says_in_text_what_the_asking_system_needs() {
        let page = text(&crate::guide::tests::place(), &preference("registry=a.test", "x WindowsPowerShell/5", "ja"));
        let first = page.find("Windows の Docker Desktop").unwrap();
        assert!(page.contains("http://10.0.75.1:8888/ca.crt") && page.contains("AA:BB"), "{page}");
        assert!(page[first..].contains("Thumbprint -eq \"CCDD\""), "{page}");
        assert!(!page.contains("/etc/docker") && page.contains("?for=linux&lang=ja"), "{page}");
    }

    #[test]
    fn numbers_the_steps_and_says_who_may_do_them() {
        let recipe = recipe("engine-linux").unwrap();
        let text = recipe_text(&recipe, &crate::guide::tests::place(), Language::En);
        assert!(text.contains("  4. Restart Docker."), "{text}");
        assert!(text.contains("(Terminal) [needs administrator rights]"), "{text}");
        assert!(text.contains("\n       sudo systemctl daemon-reload && sudo systemctl restart docker\n"), "{text}");
    }
}
