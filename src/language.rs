//! The languages pulltap speaks, and the texts of its screens and outputs in each.

pub mod screen;

/// A language of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, the default.
    #[default]
    En,
    /// Japanese.
    Ja,
    /// Traditional Chinese.
    ZhHant,
}

impl Language {
    /// Every language, English first.
    pub const ALL: [Self; 3] = [Self::En, Self::Ja, Self::ZhHant];

    /// The name that `--lang` takes and the catalogue uses.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
            Self::ZhHant => "zh-Hant",
        }
    }

    /// The name by which its readers know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Ja => "日本語",
            Self::ZhHant => "繁體中文",
        }
    }

    /// The language of a `--lang` value (any case); `None` if pulltap does not speak it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// The language of a locale such as `ja_JP.UTF-8` or `zh-TW`; English where pulltap speaks none nearer.
    pub fn from_locale(locale: &str) -> Self {
        let locale = locale.split(['.', '@']).next().unwrap_or("").replace('_', "-").to_ascii_lowercase();
        let mut parts = locale.split('-');
        match parts.next() {
            Some("ja") => Self::Ja,
            Some("zh") if parts.any(|part| matches!(part, "tw" | "hk" | "mo" | "hant")) => Self::ZhHant,
            _ => Self::En,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_language_of_a_locale() {
        for (locale, language) in [
            ("ja_JP.UTF-8", Language::Ja),
            ("zh_TW.UTF-8", Language::ZhHant),
            ("zh-Hant-HK", Language::ZhHant),
            ("zh_CN.UTF-8", Language::En),
            ("C", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::from_locale(locale), language, "{locale}");
        }
        assert_eq!(Language::from_tag("ZH-hant"), Some(Language::ZhHant));
        assert_eq!(Language::from_tag("fr"), None);
    }
}
