//! Tokens: what a request offers, what a token endpoint is asked for, what it grants. JWTs are read, never verified.
//!
//! Shapes of requests and answers: moby distribution client auth/session.go, containerd authorizer.go,
//! Azure/acr docs/AAD-OAuth.md and docs/Token-BasicAuth.md.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::exchange::{Exchange, RequestHead};

use super::{Scope, parameters};

/// The longest token that is looked into.
const LONGEST_TOKEN: usize = 64 * 1024;

/// What stands in a JWT, as far as it helps a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// `iss`
    pub issuer: Option<String>,
    /// `aud`, one or several
    pub audience: Vec<String>,
    /// `sub`
    pub subject: Option<String>,
    /// `exp`, seconds since the epoch
    pub expires: Option<i64>,
    /// `nbf`
    pub not_before: Option<i64>,
    /// `iat`
    pub issued: Option<i64>,
    /// `access`: what the token allows; `None` when it has no such claim
    pub access: Option<Vec<Scope>>,
    /// `grant_type`
    pub grant_type: Option<String>,
}

impl Claims {
    /// The claims of a JWT; `None` if it is not one.
    pub fn of(token: &str) -> Option<Self> {
        if token.len() > LONGEST_TOKEN {
            return None;
        }
        let payload = token.split('.').nth(1)?;
        let payload: Value = serde_json::from_slice(&base64_decoded(payload)?).ok()?;
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(str::to_owned);
        let seconds = |name: &str| payload.get(name).and_then(seconds_of);
        payload.is_object().then(|| Self {
            issuer: text("iss"),
            audience: texts_of(payload.get("aud")),
            subject: text("sub"),
            expires: seconds("exp"),
            not_before: seconds("nbf"),
            issued: seconds("iat"),
            access: payload.get("access").and_then(Value::as_array).map(|all| access_of(all)),
            grant_type: text("grant_type"),
        })
    }

    /// How long it is valid, in seconds.
    pub fn lifetime(&self) -> Option<i64> {
        Some(self.expires?.saturating_sub(self.issued.or(self.not_before)?))
    }
}

fn seconds_of(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are wanted; `as` saturates")]
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

fn texts_of(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn access_of(all: &[Value]) -> Vec<Scope> {
    let scope = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let actions = entry.get("actions").and_then(Value::as_array)?.iter().filter_map(Value::as_str);
        Some(Scope::of(text("type")?, text("name")?, actions))
    };
    all.iter().filter_map(scope).collect()
}

/// The bytes of a base64 text in either alphabet, padded or not.
pub fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    URL_SAFE.decode(text).or_else(|_| STANDARD.decode(text)).ok()
}

/// A token, as a number: the same token is the same number wherever it is seen, masked or not, and says nothing about
/// the token. (A mask keeps equal tokens equal.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenKey(NonZeroU64);

impl TokenKey {
    /// The key of this token.
    pub fn of(token: &str) -> Option<Self> {
        if token.is_empty() {
            return None;
        }
        let (hash, mask) = (hashed(token.as_bytes()), mask_of(token));
        NonZeroU64::new(mask.map_or(hash, |mask| hash & !LOW | u64::from(mask))).map(Self)
    }

    /// What stands for it where people compare tokens: of a masked one, what its mask ends with.
    pub fn fingerprint(self) -> String {
        format!("{:08x}", self.0.get() & LOW)
    }

    /// The key of the token that a request carries.
    pub fn of_bearer(request: &RequestHead) -> Option<Self> {
        let (_, value) = authorization_field(request)?;
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::of(token.trim())).flatten()
    }
}

const LOW: u64 = 0xffff_ffff;

/// The number that the mask of a token ends with, the same for equal tokens of a capture.
fn mask_of(token: &str) -> Option<u32> {
    const MASK: &str = "pulltap-masked-";
    let (_, mask) = token.rsplit_once(MASK)?;
    let (_, number) = mask.rsplit_once('-').filter(|(_, number)| number.len() == 8)?;
    u32::from_str_radix(number, 16).ok()
}

/// A number for these bytes.
pub(super) fn hashed(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// What an `Authorization` field offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// A user name and a password.
    Basic {
        /// The user name, where it could be read.
        user: Option<String>,
    },
    /// A token.
    Bearer {
        /// What stands in it, if it is a JWT.
        claims: Option<Box<Claims>>,
    },
    /// Another scheme.
    Other,
}

impl Authorization {
    /// What the field value offers, without a look into its token.
    pub fn kind_of(value: &str) -> Self {
        let is_bearer = value.trim_start().get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        if is_bearer { Self::Bearer { claims: None } } else { Self::of(value) }
    }

    /// What the field value offers.
    pub fn of(value: &str) -> Self {
        let (scheme, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Self::Bearer { claims: Claims::of(rest).map(Box::new) };
        }
        if scheme.eq_ignore_ascii_case("basic") {
            return Self::Basic { user: basic_user(rest) };
        }
        Self::Other
    }

    /// What the request offers, and the number of the header field it stands in.
    pub fn in_request(request: &RequestHead) -> Option<(usize, Self)> {
        let (at, value) = authorization_field(request)?;
        Some((at, Self::of(&value)))
    }

    /// The same, without a look into its token.
    pub fn kind_in_request(request: &RequestHead) -> Option<(usize, Self)> {
        let (at, value) = authorization_field(request)?;
        Some((at, Self::kind_of(&value)))
    }
}

fn authorization_field(request: &RequestHead) -> Option<(usize, Cow<'_, str>)> {
    let mut fields = request.headers.iter().enumerate();
    let (at, field) = fields.find(|(_, field)| field.name.eq_ignore_ascii_case("authorization"))?;
    Some((at, field.text()))
}

fn basic_user(credentials: &str) -> Option<String> {
    let decoded = base64_decoded(credentials);
    let text = decoded.as_deref().map_or_else(|| credentials.into(), String::from_utf8_lossy);
    text.split_once(':').map(|(user, _)| user.to_owned())
}

/// With what a token request proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// With nothing: it asks anonymously.
    Nothing,
    /// With an `Authorization` field.
    Header,
    /// With a user name and a password in the form.
    Password,
    /// With a refresh token (an identity token, as `az acr login` leaves it).
    RefreshToken,
    /// With an Entra access token (`/oauth2/exchange`).
    AccessToken,
}

/// What a token endpoint is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// With what the client proves who it is.
    pub proof: Proof,
    /// The user, where one is named.
    pub user: Option<String>,
    /// The program or service principal that asks, as OAuth 2 names it (RFC 6749, section 2.2).
    pub client: Option<String>,
    /// The scopes asked for; none for a login.
    pub scopes: Vec<Scope>,
    /// The service that the token is for.
    pub service: Option<String>,
    /// The refresh token or Entra token that proves it.
    pub presented: Option<TokenKey>,
}

impl TokenRequest {
    /// What this exchange asks a token endpoint for.
    pub fn of(exchange: &Exchange) -> Self {
        let mut request = Self {
            proof: Proof::Nothing,
            user: None,
            client: None,
            scopes: Vec::new(),
            service: None,
            presented: None,
        };
        for (name, value) in parameters::pairs(exchange.query().unwrap_or("")) {
            request.add(&name, &value);
        }
        if exchange.method() == Some("POST") {
            let form = String::from_utf8_lossy(&exchange.request_body.bytes);
            for (name, value) in parameters::pairs(form.get(..LONGEST_TOKEN).unwrap_or(&form)) {
                request.add(&name, &value);
            }
        }
        match exchange.request.as_ref().and_then(Authorization::in_request) {
            Some((_, Authorization::Basic { user })) => {
                request.proof = Proof::Header;
                request.user = user.filter(|user| !user.is_empty()).or(request.user);
            }
            Some(_) => request.proof = Proof::Header,
            None => {}
        }
        request
    }

    fn add(&mut self, name: &str, value: &str) {
        match name {
            "scope" => self.scopes.extend(Scope::list(value)),
            "client_id" if !value.is_empty() => self.client = Some(value.to_owned()),
            "service" => self.service = Some(value.to_owned()),
            "account" | "username" if !value.is_empty() => self.user = Some(value.to_owned()),
            // Azure SDKs ask anonymously with an empty refresh token (recording of azure-sdk-for-js).
            "password" if !value.is_empty() => self.proof = Proof::Password,
            "refresh_token" if !value.is_empty() => self.present(Proof::RefreshToken, value),
            "access_token" if !value.is_empty() => self.present(Proof::AccessToken, value),
            _ => {}
        }
    }

    fn present(&mut self, proof: Proof, token: &str) {
        self.proof = proof;
        self.presented = TokenKey::of(token);
    }

    /// Whether it asks without saying who asks.
    pub fn is_anonymous(&self) -> bool {
        self.proof == Proof::Nothing
    }
}

/// What a token endpoint granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAnswer {
    /// What stands in the token, if it is a JWT.
    pub claims: Option<Box<Claims>>,
    /// How long it is valid, in seconds, as the answer says; Azure Container Registry does not say.
    pub expires_in: Option<i64>,
    /// Whether it is only a refresh token, to get access tokens with.
    pub is_refresh_token: bool,
    /// The token itself.
    pub key: Option<TokenKey>,
    /// The refresh token that came along.
    pub refresh_key: Option<TokenKey>,
}

impl TokenAnswer {
    /// What this content of a token endpoint's answer grants; `None` when it has no token.
    pub fn of(content: &[u8]) -> Option<Self> {
        if content.len() > 4 * LONGEST_TOKEN {
            return None;
        }
        let content: Value = serde_json::from_slice(content).ok()?;
        let text = |name: &str| content.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let access = text("access_token").or_else(|| text("token"));
        let token = access.or_else(|| text("refresh_token"))?;
        Some(Self {
            claims: Claims::of(token).map(Box::new),
            expires_in: content.get("expires_in").and_then(seconds_of),
            is_refresh_token: access.is_none(),
            key: TokenKey::of(token),
            refresh_key: text("refresh_token").and_then(TokenKey::of),
        })
    }

    /// How long it is valid, in seconds, by the answer or by the token itself.
    pub fn lifetime(&self) -> Option<i64> {
        self.expires_in.or_else(|| self.claims.as_ref()?.lifetime())
    }

    /// What it allows, if the token says so.
    pub fn granted(&self) -> Option<&[Scope]> {
        self.claims.as_ref()?.access.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.signature", encode("{}"), encode(payload))
    }

    #[test]
    fn reads_the_claims_of_a_token_without_verifying_it() {
        let token = jwt(r#"{"iss":"Azure Container Registry","aud":"r.azurecr.io","iat":10,"exp":4510,
                "access":[{"type":"repository","name":"app","actions":["pull"]}]}"#);
        let claims = Claims::of(&token).unwrap();
        assert_eq!(claims.audience, ["r.azurecr.io"]);
        assert_eq!(claims.lifetime(), Some(4500));
        assert_eq!(claims.access.unwrap()[0].to_string(), "repository:app:pull");
        for odd in ["", "a", "a.b", "a.!.c", "..", "a.eyJ.b"] {
            assert_eq!(Claims::of(odd), None, "{odd}");
        }
    }

    #[test]
    fn reads_who_asks() {
        assert_eq!(Authorization::of("Basic YWxpY2U6c2VjcmV0"), Authorization::Basic { user: Some("alice".into()) });
        assert_eq!(Authorization::of("basic YWxpY2U6"), Authorization::Basic { user: Some("alice".into()) });
        assert_eq!(Authorization::of("Bearer opaque"), Authorization::Bearer { claims: None });
        assert_eq!(Authorization::of("Negotiate abc"), Authorization::Other);
    }

    #[test]
    fn reads_what_is_granted() {
        let answer = TokenAnswer::of(br#"{"token":"opaque","expires_in":300}"#).unwrap();
        assert_eq!(answer.lifetime(), Some(300));
        assert!(!answer.is_refresh_token);
        assert!(TokenAnswer::of(br#"{"refresh_token":"x"}"#).unwrap().is_refresh_token);
        assert!(TokenAnswer::of(b"{}").is_none());
    }
}
