//! What dockerd says about itself.

/// A version of Docker Engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// As the engine writes it: `20.10.24+dfsg1`.
    pub text: String,
    major: u32,
}

impl EngineVersion {
    /// Reads what `dockerd --version` prints.
    pub fn read(output: &str) -> Option<Self> {
        let text = output.split_once("version ")?.1.split([',', '\n', ' ']).next()?;
        let major = text.split('.').next()?.parse().ok()?;
        Some(Self { text: text.to_owned(), major })
    }

    /// Whether `daemon.json` may say the proxy: since 23.0. An older engine does not start when it does.
    pub fn reads_proxies_from_daemon_json(&self) -> bool {
        self.major >= 23
    }
}

/// The proxy in an environment as `systemctl show --property=Environment` prints it.
pub fn proxy_of_environment(environment: &str) -> Option<String> {
    let words = || environment.trim_start_matches("Environment=").split_whitespace().map(|word| word.trim_matches('"'));
    let value = |name: &str| words().filter_map(|word| word.strip_prefix(name)?.strip_prefix('=')).next_back();
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"]
        .into_iter()
        .find_map(value)
        .filter(|proxy| !proxy.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_of_all_ages() {
        for (output, text, has_proxies) in [
            ("Docker version 20.10.24+dfsg1, build 5d6db84\n", "20.10.24+dfsg1", false),
            ("Docker version 23.0.0, build d7573ab", "23.0.0", true),
            ("Docker version 28.2.2, build e6534b4", "28.2.2", true),
            ("Docker version 1.13.1, build 7d71120/1.13.1", "1.13.1", false),
        ] {
            let version = EngineVersion::read(output).unwrap();
            assert_eq!((version.text.as_str(), version.reads_proxies_from_daemon_json()), (text, has_proxies));
        }
        assert_eq!(EngineVersion::read("dockerd: not found"), None);
    }

    #[test]
    fn finds_the_proxy_that_a_service_has() {
        let found = |text: &str| proxy_of_environment(text);
        assert_eq!(
            found("Environment=A=b HTTPS_PROXY=http://a:1 HTTPS_PROXY=http://b:2").as_deref(),
            Some("http://b:2")
        );
        assert_eq!(found("\"https_proxy=http://a:1\"").as_deref(), Some("http://a:1"));
        assert_eq!(found("Environment=HTTPS_PROXY="), None);
    }
}
