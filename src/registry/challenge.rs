//! Challenges: what a 401 says about how to log in (RFC 9110, section 11.6.1).
//!
//! Tolerant: several challenges in one field or in several, single quotes, no quotes, commas in unquoted scopes, a
//! quote that never ends. One pass over the text.

use crate::exchange::Headers;

use super::Scope;

/// One challenge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// The scheme, as sent: `Bearer`, `Basic`, …
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenges of one field value.
    pub fn list(value: &str) -> Vec<Self> {
        Parser { rest: value, challenges: Vec::new(), last_was_unquoted: false }.parse()
    }

    /// The challenges of a response, each with the number of the header field it stands in.
    pub fn all(headers: &Headers) -> Vec<(usize, Self)> {
        let mut all = Vec::new();
        for (at, header) in headers.iter().enumerate() {
            if header.name.eq_ignore_ascii_case("www-authenticate") {
                all.extend(Self::list(&header.text()).into_iter().map(|challenge| (at, challenge)));
            }
        }
        all
    }

    /// The value of a parameter (name in any case).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the scheme is `Bearer`.
    pub fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("bearer")
    }

    /// Whether the scheme is `Basic`.
    pub fn is_basic(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("basic")
    }

    /// The address of the token endpoint, in a Bearer challenge.
    pub fn realm(&self) -> Option<&str> {
        self.parameter("realm")
    }

    /// The service that the token is for; some registries name none.
    pub fn service(&self) -> Option<&str> {
        self.parameter("service")
    }

    /// The scopes that the token should have.
    pub fn scopes(&self) -> Vec<Scope> {
        self.parameter("scope").map(Scope::list).unwrap_or_default()
    }

    /// Why the credentials that were sent are not enough (RFC 6750, section 3.1).
    pub fn error(&self) -> Option<&str> {
        self.parameter("error")
    }
}

struct Parser<'a> {
    rest: &'a str,
    challenges: Vec<Challenge>,
    last_was_unquoted: bool,
}

impl<'a> Parser<'a> {
    fn parse(mut self) -> Vec<Challenge> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', ',', ';']);
            if self.rest.is_empty() {
                return self.challenges;
            }
            let word = self.take(|character| !matches!(character, ' ' | '\t' | ',' | '='));
            let after = self.rest.trim_start_matches([' ', '\t']);
            if let Some(value) = after.strip_prefix('=') {
                self.rest = value.trim_start_matches([' ', '\t']);
                let value = self.value();
                if let (Some(challenge), false) = (self.challenges.last_mut(), word.is_empty()) {
                    challenge.parameters.push((word.to_owned(), value));
                }
            } else if self.continues_a_value(word, after) {
                self.append_to_last_value(word);
            } else {
                self.last_was_unquoted = false;
                self.challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
            }
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !belongs(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn value(&mut self) -> String {
        let quote = self.rest.chars().next().filter(|character| matches!(character, '"' | '\''));
        self.last_was_unquoted = quote.is_none();
        let Some(quote) = quote else {
            return self.take(|character| !matches!(character, ' ' | '\t' | ',')).to_owned();
        };
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            if character == quote {
                end = at.saturating_add(1);
                break;
            }
            let escaped = if character == '\\' { characters.next().map(|(_, escaped)| escaped) } else { None };
            value.push(escaped.unwrap_or(character));
        }
        self.rest = self.rest.get(end..).unwrap_or("");
        value
    }

    /// `scope=repository:app:pull,push` without quotes: `push` is no scheme.
    fn continues_a_value(&self, word: &str, after: &str) -> bool {
        const SCHEMES: [&str; 6] = ["basic", "bearer", "negotiate", "ntlm", "digest", "mutual"];
        let is_last_word = after.is_empty() || after.starts_with(',');
        self.last_was_unquoted && is_last_word && !SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
    }

    fn append_to_last_value(&mut self, word: &str) {
        let last = self.challenges.last_mut().and_then(|challenge| challenge.parameters.last_mut());
        if let Some((_, value)) = last {
            value.push(',');
            value.push_str(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_challenge_of_azure_container_registry() {
        let value = "Bearer realm=\"https://r.azurecr.io/oauth2/token\",service=\"r.azurecr.io\",\
                     scope=\"repository:app:pull,push\",error=\"insufficient_scope\"";
        let challenges = Challenge::list(value);
        assert_eq!(challenges.len(), 1);
        let challenge = &challenges[0];
        assert!(challenge.is_bearer());
        assert_eq!(challenge.realm(), Some("https://r.azurecr.io/oauth2/token"));
        assert_eq!(challenge.service(), Some("r.azurecr.io"));
        assert_eq!(challenge.scopes()[0].to_string(), "repository:app:pull,push");
        assert_eq!(challenge.error(), Some("insufficient_scope"));
    }

    #[test]
    fn reads_several_challenges_and_odd_quoting() {
        let challenges =
            Challenge::list("Negotiate, Basic realm='harbor', Bearer realm = https://a/t , scope=x:y:pull,push");
        let schemes: Vec<_> = challenges.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["Negotiate", "Basic", "Bearer"]);
        assert_eq!(challenges[1].realm(), Some("harbor"));
        assert_eq!(challenges[2].realm(), Some("https://a/t"));
        assert_eq!(challenges[2].parameter("scope"), Some("x:y:pull,push"));
        assert_eq!(Challenge::list("Bearer realm=\"never ends")[0].realm(), Some("never ends"));
        assert_eq!(Challenge::list(r#"Basic realm="a\"b""#)[0].realm(), Some("a\"b"));
        assert!(Challenge::list(" ,, ").is_empty());
    }

    #[test]
    fn reads_the_challenges_of_other_registries() {
        for (value, realm, service) in [
            (
                "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\",scope=\"repository:u/i:pull\"",
                "https://ghcr.io/token",
                Some("ghcr.io"),
            ),
            ("Bearer realm=\"https://gcr.io/v2/token\"", "https://gcr.io/v2/token", None),
            (
                "Bearer realm=\"https://gitlab.com/jwt/auth\",service=\"container_registry\"",
                "https://gitlab.com/jwt/auth",
                Some("container_registry"),
            ),
            (
                "Basic realm=\"https://1234.dkr.ecr.eu-west-2.amazonaws.com/\",service=\"ecr.amazonaws.com\"",
                "https://1234.dkr.ecr.eu-west-2.amazonaws.com/",
                Some("ecr.amazonaws.com"),
            ),
        ] {
            let challenges = Challenge::list(value);
            assert_eq!(challenges.len(), 1, "{value}");
            assert_eq!((challenges[0].realm(), challenges[0].service()), (Some(realm), service), "{value}");
        }
    }

    #[test]
    fn reads_one_challenge_a_field_and_says_in_which() {
        let mut headers = Headers::default();
        headers.push("Server", b"openresty");
        headers.push("WWW-Authenticate", b"Negotiate");
        headers.push("www-authenticate", b"Bearer realm=\"https://a.test/token\", Basic realm=\"a\"");
        let found: Vec<_> =
            Challenge::all(&headers).into_iter().map(|(at, challenge)| (at, challenge.scheme)).collect();
        assert_eq!(found, [(1, "Negotiate".to_owned()), (2, "Bearer".to_owned()), (2, "Basic".to_owned())]);
    }
}
