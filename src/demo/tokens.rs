//! The demo registry's tokens: JWTs with the claims of Azure Container Registry's, signed with a key of this run.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::{self, SystemRandom};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use crate::registry::{Claims, Scope};

use super::DemoError;
use super::image::REGISTRY;

/// Azure Container Registry's tokens hold for 75 minutes (Azure/acr#168).
const LIFETIME: i64 = 4500;

/// Signs what the registry gives out, and knows it again.
#[derive(Debug)]
pub struct Signer(hmac::Key);

impl Signer {
    /// A signer with a new key.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn new() -> Result<Self, DemoError> {
        hmac::Key::generate(HMAC_SHA256, &SystemRandom::new()).map(Self).map_err(|_| DemoError::NoRandomNumbers)
    }

    /// A token for this user that allows these actions on this repository.
    pub fn token(&self, user: &str, scope: &Scope, allowed: &[String]) -> String {
        let now = Timestamp::now().as_second();
        let head = json!({"alg": "HS256", "typ": "JWT"});
        let claims = json!({
            "jti": identifier(),
            "sub": user,
            "nbf": now - 60,
            "exp": now + LIFETIME,
            "iat": now,
            "iss": "Azure Container Registry",
            "aud": REGISTRY,
            "version": "1.0",
            "access": [{"type": scope.kind(), "name": scope.name(), "actions": allowed}],
            "roles": [],
            "grant_type": "access_token",
        });
        let [head, claims] = [head, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{head}.{claims}");
        let signature = self.signature(&signed);
        format!("{signed}.{signature}")
    }

    /// What stands in a token of ours; `None` if it is another's.
    pub fn claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        if self.is_ours(signed, signature) { Claims::of(token) } else { None }
    }

    /// Our signature under a text.
    pub fn signature(&self, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, text.as_bytes()))
    }

    /// Whether this is our signature under a text.
    pub fn is_ours(&self, text: &str, signature: &str) -> bool {
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        hmac::verify(&self.0, text.as_bytes(), &signature).is_ok()
    }
}

/// A random identifier in the usual form.
pub fn identifier() -> String {
    let mut bytes = [0; 16];
    // Where there are no random numbers it is all zeros, which harms nobody: it only names an answer.
    let _ = rand::fill(&mut bytes);
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_tokens() {
        let signer = Signer::new().unwrap();
        let scope = Scope::new("repository:samples/hello:pull").unwrap();
        let token = signer.token("demo", &scope, &["pull".to_owned()]);
        assert_eq!(signer.claims(&token).unwrap().access, Some(vec![scope]));
        assert_eq!(signer.claims(&format!("{token}A")), None);
        assert_eq!(Signer::new().unwrap().claims(&token), None);
        assert_eq!(identifier().len(), 36);
    }
}
