//! Header lists as they come out of HPACK, and the heads that they are.

use super::{FIELD_LIMIT, LIST_LIMIT};
use crate::exchange::{Headers, RequestHead, ResponseHead, Version};
use crate::wire::Trouble;

/// What RFC 9113, section 6.5.2, counts for a field besides its text.
const FIELD_OVERHEAD: usize = 32;

/// A header list that is being decoded.
#[derive(Debug, Default)]
pub(super) struct Fields {
    method: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    status: Option<Vec<u8>>,
    rest: Headers,
    size: usize,
}

impl Fields {
    /// Adds the next field. Of a list that is too large the end is dropped, so that the decoder can go on.
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        self.size = self.size.saturating_add(name.len() + value.len() + FIELD_OVERHEAD);
        if self.is_too_large() {
            return;
        }
        let line = match name {
            b":method" => &mut self.method,
            b":path" => &mut self.path,
            b":status" => &mut self.status,
            _ => return self.rest.push(&String::from_utf8_lossy(name), value),
        };
        // A second one is malformed: who receives it says so.
        line.get_or_insert_with(|| value.to_vec());
    }

    fn is_too_large(&self) -> bool {
        self.size > LIST_LIMIT || self.rest.len() >= FIELD_LIMIT
    }

    /// The list as a request's head.
    pub(super) fn request(self) -> Result<RequestHead, Trouble> {
        if self.is_too_large() {
            return Err(Trouble::HeadTooLarge);
        }
        let method = self.method.filter(|method| !method.is_empty()).ok_or(Trouble::BadRequestHead)?;
        let target = match self.path {
            Some(path) => path,
            None if method == b"CONNECT" => self.rest.first(":authority").unwrap_or_default().to_vec(),
            None => Vec::new(),
        };
        if target.is_empty() {
            return Err(Trouble::BadRequestHead);
        }
        Ok(RequestHead {
            method: String::from_utf8_lossy(&method).into_owned(),
            target: String::from_utf8_lossy(&target).into_owned(),
            version: Version::Http2,
            headers: self.rest,
        })
    }

    /// The list as a response's head. There is no 101 in HTTP/2.
    pub(super) fn response(self) -> Result<ResponseHead, Trouble> {
        if self.is_too_large() {
            return Err(Trouble::HeadTooLarge);
        }
        let status = self.status.as_deref().filter(|status| status.len() == 3);
        let status = status.and_then(|status| str::from_utf8(status).ok()).and_then(|status| status.parse().ok());
        match status {
            None | Some(..=99 | 101) => Err(Trouble::BadResponseHead),
            Some(status) => {
                Ok(ResponseHead { status, reason: String::new(), version: Version::Http2, headers: self.rest })
            }
        }
    }

    /// The list as trailers, unless it is too large.
    pub(super) fn trailers(self) -> Option<Headers> {
        (!self.is_too_large()).then_some(self.rest)
    }
}

/// The length that these fields announce, when they do so without doubt.
pub(super) fn announced_length(headers: &Headers) -> Option<u64> {
    let mut values = headers.all("content-length");
    let value = values.next().filter(|value| value.iter().all(u8::is_ascii_digit))?;
    str::from_utf8(value).ok().filter(|_| values.next().is_none())?.parse().ok()
}
