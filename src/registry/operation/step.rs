//! One exchange, as far as operations are concerned.

use std::net::IpAddr;

use crate::exchange::{ExchangeId, Moment, State};

use super::super::{Endpoint, Links, Method, PlaceKey, ReferenceKey, Role, Scope, TokenKey};

/// One exchange of a client with a registry, or with a token server or blob host that the registry named.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The exchange.
    pub exchange: ExchangeId,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The client's `User-Agent`.
    pub agent: &'a str,
    /// The registry, as the client wrote its name.
    pub registry: &'a str,
    /// Host and path.
    pub place: PlaceKey,
    /// Its role, by all that is known.
    pub role: Role,
    /// The method.
    pub method: Method,
    /// What the path names.
    pub endpoint: &'a Endpoint,
    /// The repository that it is about.
    pub repository: Option<&'a str>,
    /// The digest that the content must have.
    pub digest: Option<&'a str>,
    /// When it began.
    pub opened: Moment,
    /// When the last thing happened to it.
    pub ended: Moment,
    /// How far it has come.
    pub state: State,
    /// The final status.
    pub status: Option<u16>,
    /// Whether it stayed uninterpreted.
    pub is_opaque: bool,
    /// Whether the client turned to the host that the answer named.
    pub went_on: bool,
    /// Whether it carries credentials or a token.
    pub has_credentials: bool,
    /// The token that it carries.
    pub bearer: Option<TokenKey>,
    /// The token request, when it is one.
    pub token: Option<TokenStep<'a>>,
    /// What it names for others to ask for.
    pub links: Option<&'a Links>,
    /// Bytes of content that the client sent.
    pub sent: u64,
    /// Bytes of content that the server sent.
    pub received: u64,
}

/// A token request and what came of it.
#[derive(Debug, Clone, Copy)]
pub struct TokenStep<'a> {
    /// The scopes asked for.
    pub scopes: &'a [Scope],
    /// The token that proves who asks.
    pub presented: Option<TokenKey>,
    /// The token that was granted.
    pub granted: Option<TokenKey>,
    /// The refresh token that was granted.
    pub refresh: Option<TokenKey>,
}

impl Step<'_> {
    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        self.state != State::Open
    }

    /// Whether the network failed it.
    pub fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// Whether it was answered, and well.
    pub fn is_well(&self) -> bool {
        !self.has_failed() && self.status.is_some_and(|status| (200..400).contains(&status))
    }

    /// Whether it is the question for a token that a client without one is asked.
    pub fn is_challenged(&self) -> bool {
        !self.has_failed() && self.status == Some(401) && !self.has_credentials && self.role != Role::Token
    }

    /// The tag or digest that it asks for, as a key.
    pub fn reference(&self) -> Option<ReferenceKey> {
        self.endpoint.reference().map(ReferenceKey::of)
    }

    /// The blob that it reads or writes, as a key.
    pub fn blob(&self) -> Option<ReferenceKey> {
        match self.role {
            Role::Blob | Role::Redirect | Role::Storage => self.digest.map(ReferenceKey::of),
            Role::Upload | Role::Mount => self.links.and_then(|links| links.digest),
            _ => None,
        }
    }

    /// Whether it reads a manifest.
    pub fn reads_manifest(&self) -> bool {
        self.role == Role::Manifest && self.method.is_read()
    }

    /// Whether it only asks whether a blob is there, be it of the host that a redirect names.
    pub fn asks_for_blob(&self) -> bool {
        self.method == Method::Head && matches!(self.role, Role::Blob | Role::Redirect | Role::Storage)
    }

    /// Whether it writes a manifest.
    pub fn writes_manifest(&self) -> bool {
        self.role == Role::Manifest && self.method == Method::Put
    }

    /// Whether a signature or an attestation is looked for beside an image (cosign's `sha256-….sig`).
    pub fn looks_beside(&self) -> bool {
        let tag = self.endpoint.reference().and_then(|reference| reference.strip_prefix("sha256-"));
        self.role == Role::Referrers || tag.is_some_and(|rest| rest.len() >= 64)
    }
}
