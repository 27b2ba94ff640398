//! Which tunnels to look into, decided from names alone.

use super::settings::Settings;

/// What to do with a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Look into it.
    Intercept,
    /// Pass it through as it is.
    PassThrough,
}

/// Decides for a tunnel to `host` whose ClientHello, once read, names `sni`.
///
/// A host is passed through if `--ignore` names it by either name, or if `--only` is given and names neither.
pub fn decide(settings: &Settings, host: &str, sni: Option<&str>) -> Decision {
    let names = || [Some(host), sni].into_iter().flatten();
    let ignored = names().any(|name| settings.ignore.iter().any(|pattern| pattern.matches(name)));
    let wanted =
        settings.only.is_empty() || names().any(|name| settings.only.iter().any(|pattern| pattern.matches(name)));
    if wanted && !ignored { Decision::Intercept } else { Decision::PassThrough }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_name_counts() {
        let mut settings = Settings { only: vec!["*.azurecr.io".parse().unwrap()], ..Settings::default() };
        assert_eq!(decide(&settings, "192.0.2.1", Some("my.azurecr.io")), Decision::Intercept);
        assert_eq!(decide(&settings, "192.0.2.1", None), Decision::PassThrough);
        settings.ignore = vec!["192.0.2.1".parse().unwrap()];
        assert_eq!(decide(&settings, "192.0.2.1", Some("my.azurecr.io")), Decision::PassThrough);
        assert_eq!(decide(&Settings::default(), "any.test", None), Decision::Intercept);
    }
}
