//! How to send a client through pulltap, step by step, for each system and container tool, as a page or as text.
//!
//! The steps and their sentences stand in `guide/*.toml`; this room reads them, fills their placeholders and draws them.

use crate::language::Language;

mod asked;
mod html;
mod recipe;
mod text;

pub use asked::{Form, Platform, Preference, preference};
pub use html::html;
pub use recipe::{Recipe, Shell, Step, Translated, recipe, recipes};
pub use text::{recipe_text, text};

/// The registry in the commands as long as nobody has named another.
pub const EXAMPLE_REGISTRY: &str = "myregistry.azurecr.io";

/// What the placeholders are filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address at which clients reach the proxy, as in `10.0.75.1:8888`.
    pub address: String,
    /// The registry that the commands are for.
    pub registry: String,
    /// The CA certificate.
    pub certificate: CertificateFacts,
}

/// What people compare of the CA certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The certificate's name.
    pub name: String,
    /// SHA-256 of the certificate, pairs of hexadecimal digits with colons.
    pub sha256: String,
    /// SHA-1 of the certificate as Windows shows it: hexadecimal digits and nothing else.
    pub thumbprint: String,
    /// The last day of its validity.
    pub valid_until: String,
}

impl Place {
    /// The URL that clients get as their proxy; also where the page and the certificate are.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What this program can do by itself where the reader sits at its machine.
    fn shortcut(&self, asked: &Preference) -> Option<String> {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let can_help = is_here && asked.platform == Platform::Linux;
        can_help.then(|| self.fill(&word("machine", asked.language)))
    }

    fn port(&self) -> &str {
        self.address.rsplit_once(':').map_or("8888", |(_, port)| port)
    }

    /// The text with its placeholders filled; other braces stay as they are.
    fn fill(&self, text: &str) -> String {
        // Windows does not allow a colon in a folder's name, and docker leaves it out there.
        let folder = self.registry.replace(':', "");
        [
            ("{proxy}", self.proxy().as_str()),
            ("{page}", self.proxy().as_str()),
            ("{port}", self.port()),
            ("{registry}", self.registry.as_str()),
            ("{registry_folder}", folder.as_str()),
            ("{thumbprint}", self.certificate.thumbprint.as_str()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// The sentence of this key in a language, for a terminal.
pub fn sentence(key: &str, language: Language) -> String {
    word(key, language).replace('`', "")
}

/// The sentence of this key in a language; what stands between backquotes is code.
fn word(key: &str, language: Language) -> String {
    recipe::words().get(key).map(|translated| translated.in_language(language).to_owned()).unwrap_or_default()
}

/// The recipes, those for the asking platform first.
fn in_order(platform: Platform) -> (Vec<Recipe>, Vec<Recipe>) {
    recipes().into_iter().partition(|recipe| recipe.platform == platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn place() -> Place {
        Place {
            address: "10.0.75.1:8888".to_owned(),
            registry: "team.azurecr.io:5000".to_owned(),
            certificate: CertificateFacts {
                name: "pulltap CA 0a1b2c".to_owned(),
                sha256: "AA:BB".to_owned(),
                thumbprint: "CCDD".to_owned(),
                valid_until: "2036-11-20".to_owned(),
            },
        }
    }

    #[test]
    fn every_recipe_can_be_followed_and_taken_back_in_every_language() {
        let place = place();
        for recipe in recipes() {
            let id = &recipe.id;
            assert!(!recipe.step.is_empty() && !recipe.undo.is_empty(), "{id}");
            for step in recipe.step.iter().chain(&recipe.undo) {
                assert_eq!(step.shell.is_some(), !step.commands.is_empty(), "{id}: a command needs a shell");
                for command in &step.commands {
                    let command = place.fill(command);
                    let open = command.matches('{').count();
                    assert_eq!(open, 0, "{id}: nobody fills {command}");
                    let is_root = command.contains("sudo ");
                    assert!(!is_root || step.admin, "{id}: sudo without saying so: {command}");
                }
                for language in Language::ALL {
                    let said = place.fill(step.says.in_language(language));
                    assert!(!said.is_empty() && !said.contains('{'), "{id}: {said}");
                }
            }
        }
    }

    #[test]
    fn every_word_is_there_in_every_language() {
        for key in [
            "admin",
            "certificate",
            "der",
            "machine",
            "others",
            "pem",
            "proxy",
            "registry",
            "registry_hint",
            "safe",
            "send",
            "sha256",
            "show",
            "steps",
            "thumbprint",
            "undo",
            "valid_until",
            "what",
            "why",
        ] {
            for language in Language::ALL {
                assert!(!word(key, language).is_empty(), "{key} in {}", language.tag());
            }
        }
        assert_eq!(recipe::words().len(), 21, "a word that nobody uses");
    }

    #[test]
    fn fills_what_the_reader_would_have_to_replace() {
        let place = place();
        assert_eq!(
            place.fill("{proxy} {port} {registry} {registry_folder}"),
            "http://10.0.75.1:8888 8888 team.azurecr.io:5000 team.azurecr.io5000"
        );
    }
}
