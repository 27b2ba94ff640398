//! What the asking program's request says about its reader: system, language, and whether it can draw a page.

use crate::language::Language;

use super::EXAMPLE_REGISTRY;

/// A system that recipes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// Linux, and what nothing is known of: most machines that a proxy is read from by curl.
    #[default]
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// Every platform, in the order of the links to them.
    pub const ALL: [Self; 3] = [Self::Windows, Self::Linux, Self::MacOs];

    /// The name in a link.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "macos",
            Self::Windows => "windows",
        }
    }

    /// The name that people know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
            Self::Windows => "Windows",
        }
    }
}

/// How the page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For a browser.
    Html,
    /// For curl and its like.
    Text,
}

/// What the reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// The reader's system.
    pub platform: Platform,
    /// The reader's language.
    pub language: Language,
    /// How the page is written.
    pub form: Form,
    /// The registry that the commands are for.
    pub registry: String,
}

/// What the reader gets, from the query (`lang`, `for`, `registry`) and the fields User-Agent and Accept-Language.
pub fn preference(query: &str, user_agent: &str, accept_language: &str) -> Preference {
    let value = |name: &str| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.trim().to_owned()).last()
    };
    let named = value("for").and_then(|tag| Platform::ALL.into_iter().find(|platform| platform.tag() == tag));
    let language = value("lang").and_then(|tag| Language::from_tag(&tag));
    Preference {
        platform: named.unwrap_or_else(|| platform_of(user_agent)),
        language: language.unwrap_or_else(|| language_of(accept_language)),
        form: form_of(user_agent),
        registry: value("registry").filter(|name| is_host(name)).unwrap_or_else(|| EXAMPLE_REGISTRY.to_owned()),
    }
}

fn platform_of(user_agent: &str) -> Platform {
    let has = |part: &str| user_agent.contains(part);
    if has("Windows") {
        Platform::Windows
    } else if has("Mac OS X") || has("Macintosh") || has("Darwin") {
        Platform::MacOs
    } else {
        Platform::Linux
    }
}

/// Programs that print what they get. PowerShell calls itself Mozilla, too.
fn form_of(user_agent: &str) -> Form {
    const PRINT: [&str; 4] = ["PowerShell", "curl/", "Wget/", "HTTPie/"];
    if user_agent.is_empty() || PRINT.iter().any(|name| user_agent.contains(name)) { Form::Text } else { Form::Html }
}

/// The first language of ours in an Accept-Language field, by its weights (RFC 9110, section 12.5.4).
fn language_of(accept_language: &str) -> Language {
    let mut wanted: Vec<(u32, Language)> = accept_language.split(',').filter_map(range).collect();
    // Stable: among equals the first counts.
    wanted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    wanted.first().map_or(Language::En, |(_, language)| *language)
}

/// A language range of ours and its weight in thousandths.
fn range(text: &str) -> Option<(u32, Language)> {
    let (tag, parameters) = text.split_once(';').unwrap_or((text, ""));
    let tag = tag.trim();
    let weight = match parameters.trim().strip_prefix("q=") {
        Some(weight) => weight.trim().parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
        None => 1.0,
    };
    let language = Language::from_locale(tag);
    // English stands for every language that we do not speak: only who asks for it gets it here.
    let is_english = tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("en"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1")]
    let thousandths = (weight * 1000.0) as u32;
    (thousandths > 0 && (language != Language::En || is_english)).then_some((thousandths, language))
}

/// Whether a name can stand in a command: what a host name and a port consist of, and nothing that a shell reads.
fn is_host(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | ':');
    (1..=255).contains(&name.len()) && name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_system_and_the_form_by_the_user_agent() {
        for (agent, platform, form) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", Platform::Windows, Form::Html),
            (
                "Mozilla/5.0 (Windows NT; Windows NT 10.0; ja-JP) WindowsPowerShell/5.1.19041",
                Platform::Windows,
                Form::Text,
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", Platform::MacOs, Form::Html),
            ("Mozilla/5.0 (Linux; Android 15)", Platform::Linux, Form::Html),
            ("w3m/0.5.3", Platform::Linux, Form::Html),
            ("curl/8.5.0", Platform::Linux, Form::Text),
            ("", Platform::Linux, Form::Text),
        ] {
            let found = preference("", agent, "");
            assert_eq!((found.platform, found.form), (platform, form), "{agent}");
        }
        assert_eq!(preference("for=windows", "curl/8.5.0", "").platform, Platform::Windows);
    }

    #[test]
    fn takes_the_language_of_greatest_weight_that_it_speaks() {
        for (field, language) in [
            ("ja,en-US;q=0.7,en;q=0.3", Language::Ja),
            ("fr-CH, fr;q=0.9, en;q=0.8, ja;q=0.9", Language::Ja),
            ("zh-TW,zh;q=0.9,en-US;q=0.8", Language::ZhHant),
            ("zh-CN,zh;q=0.9,ja;q=0.5", Language::Ja),
            ("ja;q=0, de", Language::En),
            ("en-GB,ja;q=0.9", Language::En),
            ("\u{fffd}é,;q=,,ja;q=x", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(preference("", "", field).language, language, "{field}");
        }
        assert_eq!(preference("lang=zh-hant", "", "ja").language, Language::ZhHant);
        assert_eq!(preference("lang=fr", "", "ja").language, Language::Ja);
    }

    #[test]
    fn a_link_cannot_put_anything_but_a_host_into_the_commands() {
        assert_eq!(preference("registry=team.azurecr.io%3A5000", "", "").registry, "team.azurecr.io:5000");
        for bad in ["a;rm+-rf", "$(x)", "a%0Ab", "", "../..", "-o", "%3Cb%3E", "a'b"] {
            assert_eq!(preference(&format!("registry={bad}"), "", "").registry, EXAMPLE_REGISTRY, "{bad}");
        }
    }
}
