//! Request and response heads as they stood on the wire: order, case and duplicates of header fields are evidence.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The HTTP version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// A request's request line and header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The method, as sent.
    pub method: String,
    /// The request target, as sent: not normalised, not decoded.
    pub target: String,
    /// The version of the message.
    pub version: Version,
    /// The header fields, as sent.
    pub headers: Headers,
}

impl RequestHead {
    /// An HTTP/1.1 request head without header fields.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            version: Version::Http11,
            headers: Headers::default(),
        }
    }
}

/// A response's status line and header section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase, as sent; empty when there is none (as always in HTTP/2).
    pub reason: String,
    /// The version of the message.
    pub version: Version,
    /// The header fields, as sent.
    pub headers: Headers,
}

impl ResponseHead {
    /// An HTTP/1.1 response head without header fields.
    pub fn new(status: u16, reason: &str) -> Self {
        Self { status, reason: reason.to_owned(), version: Version::Http11, headers: Headers::default() }
    }
}

/// One header field: the name in its original case, the value without surrounding white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The field name, as sent.
    pub name: &'a str,
    /// The field value; bytes, because nothing promises UTF-8.
    pub value: &'a [u8],
}

impl<'a> Header<'a> {
    /// The value as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.value)
    }
}

/// Header fields in their order on the wire, with their case and their duplicates.
///
/// All names share one buffer, and all values another, so that recording a head costs three allocations, however many
/// fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    names: String,
    values: Vec<u8>,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: Range<usize>,
    value: Range<usize>,
}

impl Headers {
    /// No fields, with room for `fields` fields of `bytes` bytes in all.
    pub fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self {
            names: String::with_capacity(bytes / 3),
            values: Vec::with_capacity(bytes),
            fields: Vec::with_capacity(fields),
        }
    }

    /// Adds a field after the others.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let (name_start, value_start) = (self.names.len(), self.values.len());
        self.names.push_str(name);
        self.values.extend_from_slice(value);
        self.fields.push(Field { name: name_start..self.names.len(), value: value_start..self.values.len() });
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Header<'_>> + ExactSizeIterator {
        self.fields.iter().map(|field| self.header(field))
    }

    fn header(&self, field: &Field) -> Header<'_> {
        Header {
            name: self.names.get(field.name.clone()).unwrap_or(""),
            value: self.values.get(field.value.clone()).unwrap_or(&[]),
        }
    }

    /// The values of all fields of this name (any case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let fields = self.fields.iter().filter(|field| field.name.len() == name.len()).map(|field| self.header(field));
        fields.filter(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// The value of the first field of this name (any case).
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The value of the first field of this name (any case), as text.
    pub fn text<'a>(&'a self, name: &'a str) -> Option<Cow<'a, str>> {
        self.first(name).map(String::from_utf8_lossy)
    }

    /// Whether there is a field of this name (any case).
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

impl<'a> FromIterator<(&'a str, &'a [u8])> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a [u8])>>(fields: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in fields {
            headers.push(name, value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_case_and_duplicates() {
        let mut headers = Headers::default();
        headers.push("Accept", b"b");
        headers.push("X-One", b"\xff");
        headers.push("accept", b"a");
        let names: Vec<_> = headers.iter().map(|field| field.name).collect();
        assert_eq!(names, ["Accept", "X-One", "accept"]);
        assert_eq!(headers.all("ACCEPT").collect::<Vec<_>>(), [b"b", b"a"]);
        assert_eq!(headers.text("x-one").unwrap(), "\u{fffd}");
    }
}
