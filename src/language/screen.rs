//! What the terminal UI says besides findings and notes: `screen.toml`, the three languages side by side.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Language;

const TEXTS: &str = include_str!("screen.toml");

/// The texts of the screen in one language, named as in `screen.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub listening: String,
    pub exchanges: String,
    pub findings: String,
    pub severity_error: String,
    pub severity_warning: String,
    pub severity_notice: String,
    pub severity_normal: String,
    pub following: String,
    pub filtering: String,
    pub filter_is: String,
    pub nothing_passes: String,
    pub no_findings: String,
    pub no_findings_in_file: String,
    pub failed: String,
    pub waiting: String,
    pub banner_read: String,
    pub not_recorded: String,
    pub recorded_again: String,
    pub tab_explain: String,
    pub tab_request: String,
    pub tab_response: String,
    pub tab_timing: String,
    pub tab_tls: String,
    pub sureness_likely: String,
    pub sureness_possible: String,
    pub how_to_tell: String,
    pub what_to_do: String,
    pub evidence: String,
    pub rule: String,
    pub read_more: String,
    pub unreadable: String,
    pub place_request_body: String,
    pub place_response_body: String,
    pub place_status: String,
    pub failure: String,
    pub failure_is: String,
    pub answered_by_us: String,
    pub no_request: String,
    pub no_response: String,
    pub no_response_yet: String,
    pub no_content: String,
    pub content_cut: String,
    pub content_prefix: String,
    pub content_binary: String,
    pub content_behind: String,
    pub content_not_in_file: String,
    pub content_no_text: String,
    pub content_more: String,
    pub started: String,
    pub in_all: String,
    pub before_request: String,
    pub client: String,
    pub server: String,
    pub parent_proxy: String,
    pub phase_resolve: String,
    pub phase_connect: String,
    pub phase_upstream_tls: String,
    pub phase_client_tls: String,
    pub phase_send: String,
    pub phase_wait: String,
    pub phase_receive: String,
    pub no_tls: String,
    pub client_tls: String,
    pub upstream_tls: String,
    pub tls_agreed: String,
    pub tls_name: String,
    pub tls_took: String,
    pub tls_versions_offered: String,
    pub tls_alpn_offered: String,
    pub tls_alert: String,
    pub tls_verdict: String,
    pub us: String,
    pub peer: String,
    pub certificate: String,
    pub certificate_unreadable: String,
    pub certificate_issuer: String,
    pub certificate_names: String,
    pub certificate_valid: String,
    pub prompt_filter: String,
    pub prompt_save: String,
    pub saving: String,
    pub saved: String,
    pub saved_unmasked: String,
    pub not_saved: String,
    pub filter_status: String,
    pub filter_role: String,
    pub filter_state: String,
    pub filter_value: String,
    pub filter_quote: String,
    pub key_open: String,
    pub key_back: String,
    pub key_up: String,
    pub key_down: String,
    pub key_page_up: String,
    pub key_page_down: String,
    pub key_first: String,
    pub key_last: String,
    pub key_next_tab: String,
    pub key_previous_tab: String,
    pub key_other_list: String,
    pub key_next_trouble: String,
    pub key_previous_trouble: String,
    pub key_follow: String,
    pub key_filter: String,
    pub key_save: String,
    pub key_help: String,
    pub key_quit: String,
    pub help_keys: String,
    pub help_filter: String,
    pub help_words: String,
    pub help_parts: String,
    pub help_not: String,
    pub help_symbols: String,
    pub help_running: String,
    pub welcome: String,
    pub welcome_proxy: String,
    pub welcome_trust: String,
    pub welcome_try: String,
    pub welcome_docker: String,
    pub welcome_page: String,
    pub file_empty: String,
    pub role_ping: String,
    pub role_token: String,
    pub role_manifest: String,
    pub role_blob: String,
    pub role_redirect: String,
    pub role_storage: String,
    pub role_upload: String,
    pub role_mount: String,
    pub role_tags: String,
    pub role_catalog: String,
    pub role_referrers: String,
    pub role_delete: String,
    pub role_connect: String,
    pub role_other: String,
    pub ended: String,
    pub session_is: String,
    pub nothing_kept: String,
    pub har_to_send: String,
    pub har_unmasked: String,
    pub har_to_make: String,
    pub open_again: String,
}

impl Words {
    /// The texts in a language.
    pub fn of(language: Language) -> Self {
        // A file with holes fails a test of ours.
        Self::parsed(language).unwrap_or_default()
    }

    /// The texts in a language, or where the file has a hole.
    ///
    /// # Errors
    /// A text is missing, or there is one that nobody asks for.
    pub fn parsed(language: Language) -> Result<Self, toml::de::Error> {
        let texts: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(TEXTS)?;
        let of_language = texts.into_iter().filter_map(|(key, mut texts)| {
            let text = texts.remove(language.tag())?;
            Some((key, toml::Value::String(text)))
        });
        toml::Value::Table(of_language.collect()).try_into()
    }

    /// The word for a severity of this name.
    pub fn severity(&self, name: &str) -> &str {
        match name {
            "error" => &self.severity_error,
            "warning" => &self.severity_warning,
            "notice" => &self.severity_notice,
            _ => &self.severity_normal,
        }
    }

    /// What an exchange in the role of this name does.
    pub fn role(&self, name: &str) -> &str {
        match name {
            "ping" => &self.role_ping,
            "token" => &self.role_token,
            "manifest" => &self.role_manifest,
            "blob" => &self.role_blob,
            "redirect" => &self.role_redirect,
            "storage" => &self.role_storage,
            "upload" => &self.role_upload,
            "mount" => &self.role_mount,
            "tags" => &self.role_tags,
            "catalog" => &self.role_catalog,
            "referrers" => &self.role_referrers,
            "delete" => &self.role_delete,
            "connect" => &self.role_connect,
            _ => &self.role_other,
        }
    }
}

/// The text with its `{placeholders}` filled; values are not looked at for more of them.
pub fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        let found = after.split_once('}').and_then(|(name, behind)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, behind))
        });
        if let Some((value, behind)) = found {
            result.push_str(value);
            rest = behind;
        } else {
            result.push('{');
            rest = after;
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The placeholders of a text, in any order.
    fn placeholders(text: &str) -> Vec<&str> {
        let mut names: Vec<_> =
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_text_is_there_in_every_language() {
        for language in Language::ALL {
            Words::parsed(language).unwrap_or_else(|error| panic!("{}: {error}", language.tag()));
        }
        let texts: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(TEXTS).unwrap();
        for (key, texts) in &texts {
            assert_eq!(texts.len(), Language::ALL.len(), "{key}");
            for text in texts.values() {
                assert!(!text.trim().is_empty(), "{key}");
                assert_eq!(placeholders(text), placeholders(&texts["en"]), "{key}");
            }
        }
    }

    #[test]
    fn fills_each_placeholder_once() {
        assert_eq!(filled("{a} and {b}, {c}", &[("a", "{b}"), ("b", "2")]), "{b} and 2, {c}");
    }
}
