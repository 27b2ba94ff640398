//! The guide as one HTML page: no scripts, nothing from elsewhere, readable on a phone and in a terminal browser.

use std::fmt::Write;

use super::{Place, Platform, Preference, Recipe, Step, in_order, word};
use crate::language::Language;

const STYLE: &str = include_str!("page.css");

/// The whole help page.
pub fn html(place: &Place, asked: &Preference) -> String {
    let page = Page { place, asked };
    let (first, others) = in_order(asked.platform);
    let mut recipes = String::new();
    for recipe in &first {
        // Writing to a String cannot fail.
        let _ = writeln!(recipes, "<section>\n<h3>{}</h3>\n{}</section>", page.title(recipe), page.recipe(recipe));
    }
    for recipe in &others {
        let summary = page.title(recipe);
        let _ = writeln!(recipes, "<details><summary>{summary}</summary>\n{}</details>", page.recipe(recipe));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>pulltap {address}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>{languages}</header>\n<main>\n\
         <h1>pulltap</h1>\n<p>{what}</p>\n<p>{send}</p>\n{certificate}<h2>{steps}</h2>\n{platforms}{registry}{shortcut}{recipes}</main>\n\
         <footer>{safe}</footer>\n</body>\n</html>\n",
        tag = asked.language.tag(),
        address = escaped(&place.address),
        languages = page.languages(),
        what = page.says("what"),
        send = page.says("send"),
        certificate = page.certificate(),
        steps = page.says("steps"),
        platforms = page.platforms(),
        registry = page.registry(),
        shortcut = place.shortcut(asked).map(|text| format!("<p>{}</p>\n", sentence(&text))).unwrap_or_default(),
        safe = page.says("safe"),
    )
}

struct Page<'a> {
    place: &'a Place,
    asked: &'a Preference,
}

impl Page<'_> {
    fn says(&self, key: &str) -> String {
        sentence(&word(key, self.asked.language))
    }

    fn title(&self, recipe: &Recipe) -> String {
        sentence(recipe.title.in_language(self.asked.language))
    }

    fn languages(&self) -> String {
        let link = |language: Language| {
            let (tag, name) = (language.tag(), language.name());
            if language == self.asked.language {
                return format!("<b>{name}</b>");
            }
            let link = self.link(language, self.asked.platform);
            format!("<a href=\"{link}\" lang=\"{tag}\" hreflang=\"{tag}\">{name}</a>")
        };
        Language::ALL.map(link).join(" · ")
    }

    fn platforms(&self) -> String {
        let link = |platform: Platform| {
            let name = platform.name();
            if platform == self.asked.platform {
                return format!("<b>{name}</b>");
            }
            format!("<a href=\"{}\">{name}</a>", self.link(self.asked.language, platform))
        };
        format!("<p class=\"platforms\">{}</p>\n", Platform::ALL.map(link).join(" · "))
    }

    fn link(&self, language: Language, platform: Platform) -> String {
        let registry = &self.asked.registry;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("lang", language.tag()), ("for", platform.tag()), ("registry", registry)])
            .finish();
        escaped(&format!("/?{query}"))
    }

    fn certificate(&self) -> String {
        let facts = &self.place.certificate;
        let (name, sha256) = (escaped(&facts.name), escaped(&facts.sha256));
        format!(
            "<h2>{title}</h2>\n<p>{why}</p>\n<p class=\"get\"><a class=\"button\" href=\"/ca.crt\">ca.crt</a> {pem}\
             <br><a class=\"button\" href=\"/ca.der\">ca.der</a> {der}</p>\n<dl>\n<dt>{proxy}</dt><dd><code>{address}</code></dd>\n\
             <dt>{title}</dt><dd>{name}</dd>\n<dt>{sha256_name}</dt><dd><code>{sha256}</code></dd>\n\
             <dt>{thumbprint_name}</dt><dd><code>{thumbprint}</code></dd>\n<dt>{until}</dt><dd>{valid_until}</dd>\n</dl>\n",
            title = self.says("certificate"),
            why = self.says("why"),
            pem = self.says("pem"),
            der = self.says("der"),
            proxy = self.says("proxy"),
            address = escaped(&self.place.proxy()),
            sha256_name = self.says("sha256"),
            thumbprint_name = self.says("thumbprint"),
            thumbprint = escaped(&facts.thumbprint),
            until = self.says("valid_until"),
            valid_until = escaped(&facts.valid_until),
        )
    }

    /// A field for the registry's name: the page comes back with it in every command.
    fn registry(&self) -> String {
        format!(
            "<form><input type=\"hidden\" name=\"lang\" value=\"{language}\"><input type=\"hidden\" name=\"for\" value=\"{platform}\">\
             <label>{registry}: <input name=\"registry\" value=\"{value}\" autocapitalize=\"none\" spellcheck=\"false\"></label> \
             <button>{show}</button><br><small>{hint}</small></form>\n",
            language = self.asked.language.tag(),
            platform = self.asked.platform.tag(),
            registry = self.says("registry"),
            value = escaped(&self.asked.registry),
            show = self.says("show"),
            hint = self.says("registry_hint"),
        )
    }

    fn recipe(&self, recipe: &Recipe) -> String {
        let (steps, undo) = (self.steps(&recipe.step), self.steps(&recipe.undo));
        format!("{steps}<h4>{}</h4>\n{undo}", self.says("undo"))
    }

    fn steps(&self, steps: &[Step]) -> String {
        let items: String = steps.iter().map(|step| self.step(step)).collect();
        format!("<ol>\n{items}</ol>\n")
    }

    fn step(&self, step: &Step) -> String {
        let mut item = format!("<li>{}", sentence(&self.place.fill(step.says.in_language(self.asked.language))));
        if let Some(shell) = step.shell {
            let right = if step.admin { format!(" · <b>{}</b>", self.says("admin")) } else { String::new() };
            // Writing to a String cannot fail.
            let _ = write!(item, "<div class=\"shell\">{}{right}</div>{}", shell.name(), self.commands(&step.commands));
        }
        item.push_str("</li>\n");
        item
    }

    fn commands(&self, commands: &[String]) -> String {
        let block = |block: Vec<&str>| format!("<pre>{}</pre>", escaped(&self.place.fill(&block.join("\n"))));
        blocks(commands).into_iter().map(block).collect()
    }
}

/// Starts a new block at each comment: only one of them is to be copied.
fn blocks(commands: &[String]) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for command in commands {
        match blocks.last_mut() {
            Some(block) if !command.starts_with('#') => block.push(command),
            _ => blocks.push(vec![command]),
        }
    }
    blocks
}

/// A sentence of the guide: what stands between backquotes is code.
fn sentence(text: &str) -> String {
    let mut out = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escaped(part);
        if number % 2 == 0 {
            out.push_str(&part);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "<code>{part}</code>");
        }
    }
    out
}

/// The text with the characters escaped that mean something in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::preference;

    #[test]
    fn is_one_page_of_its_own_in_every_language() {
        for (language, title) in [
            ("en", "Docker Engine on Linux"),
            ("ja", "Linux の Docker Engine"),
            ("zh-Hant", "Linux 上的 Docker Engine"),
        ] {
            let page =
                html(&crate::guide::tests::place(), &preference(&format!("lang={language}"), "Mozilla/5.0 (X11)", ""));
            assert!(page.contains(&format!("<html lang=\"{language}\">")) && page.contains(title), "{page}");
            for foreign in ["<script", "src=", "@import", "url(", "https://"] {
                assert!(!page.contains(foreign), "{foreign} in {page}");
            }
            let count = |text: &str| page.matches(text).count();
            for tag in ["section", "details", "ol", "li", "pre", "code", "dl", "a", "p", "b"] {
                assert_eq!(
                    count(&format!("<{tag}>")) + count(&format!("<{tag} ")),
                    count(&format!("</{tag}>")),
                    "{tag}"
                );
            }
        }
    }

    #[test]
    fn the_asking_system_comes_first_and_open() {
        let page = html(&crate::guide::tests::place(), &preference("", "Mozilla/5.0 (Windows NT 10.0)", ""));
        let open = page.find("<section>\n<h3>Docker Desktop on Windows</h3>").unwrap();
        let closed = page.find("<details><summary>Docker Engine on Linux</summary>").unwrap();
        assert!(open < closed);
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        assert_eq!(sentence("a `<b>` & 'c'"), "a <code>&lt;b&gt;</code> &amp; &#39;c&#39;");
        let mut place = crate::guide::tests::place();
        place.address = "<script>\"".to_owned();
        assert!(!html(&place, &preference("", "Mozilla", "")).contains("<script"));
    }
}
