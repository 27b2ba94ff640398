//! The lists of an exchange as compact JSON, and back.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::names::Named;
use crate::exchange::{ClientHello, Headers, ResponseHead, Version};

/// JSON text of a value of this module, which cannot fail.
pub fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The value that the text says, when it is one.
pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Bytes that are text nearly always.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes<'a> {
    Text(Cow<'a, str>),
    Binary { base64: String },
}

impl<'a> Bytes<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(_) => Self::Binary { base64: STANDARD.encode(bytes) },
        }
    }

    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_owned().into_bytes()),
            Self::Binary { base64 } => STANDARD.decode(base64).ok(),
        }
    }
}

/// Header fields, in order.
#[derive(Serialize, Deserialize)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, Bytes<'a>)>);

impl<'a> Fields<'a> {
    /// The fields of these headers.
    pub fn of(headers: &'a Headers) -> Self {
        Self(headers.iter().map(|field| (field.name.into(), Bytes::of(field.value))).collect())
    }

    /// The headers that these fields are.
    pub fn into_headers(self) -> Option<Headers> {
        let mut headers = Headers::with_capacity(self.0.len(), 0);
        for (name, value) in self.0 {
            headers.push(&name, &value.into_bytes()?);
        }
        Some(headers)
    }
}

/// A 1xx response.
#[derive(Serialize, Deserialize)]
pub struct Interim<'a> {
    status: u16,
    reason: Cow<'a, str>,
    version: Cow<'a, str>,
    headers: Fields<'a>,
}

impl<'a> Interim<'a> {
    /// The same as this head.
    pub fn of(head: &'a ResponseHead) -> Self {
        Self {
            status: head.status,
            reason: head.reason.as_str().into(),
            version: head.version.word().into(),
            headers: Fields::of(&head.headers),
        }
    }

    /// The head that this is.
    pub fn into_head(self) -> Option<ResponseHead> {
        let version = Version::from_word(&self.version)?;
        let headers = self.headers.into_headers()?;
        Some(ResponseHead { status: self.status, reason: self.reason.into_owned(), version, headers })
    }
}

/// What a client offered in its ClientHello, but the server name.
#[derive(Serialize, Deserialize)]
pub struct Hello<'a> {
    versions: Vec<u16>,
    suites: Vec<u16>,
    groups: Vec<u16>,
    alpn: Vec<Bytes<'a>>,
}

impl<'a> Hello<'a> {
    /// What this one offered.
    pub fn of(hello: &'a ClientHello) -> Self {
        Self {
            versions: hello.versions.clone(),
            suites: hello.suites.clone(),
            groups: hello.groups.clone(),
            alpn: hello.alpn.iter().map(|protocol| Bytes::of(protocol)).collect(),
        }
    }

    /// The ClientHello with this server name.
    pub fn into_hello(self, sni: Option<String>) -> Option<ClientHello> {
        let alpn = self.alpn.into_iter().map(Bytes::into_bytes).collect::<Option<_>>()?;
        Some(ClientHello { versions: self.versions, suites: self.suites, groups: self.groups, alpn, sni })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_as_people_write_them() {
        let mut headers = Headers::default();
        headers.push("Accept", b"*/*");
        headers.push("accept", b"\xff");
        let text = text(&Fields::of(&headers));
        assert_eq!(text, r#"[["Accept","*/*"],["accept",{"base64":"/w=="}]]"#);
        assert_eq!(read::<Fields>(&text).unwrap().into_headers().unwrap(), headers);
    }
}
