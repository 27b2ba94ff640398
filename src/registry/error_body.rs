//! Error answers: JSON of registries (under any content type, wrapped twice too), JSON of Azure Resource Manager and
//! OAuth, XML of Azure Storage and S3, HTML, plain text.
//!
//! Registries send JSON as `text/plain` (moby shows such bodies wrapped a second time), and Azure Storage starts its XML
//! with a byte order mark: the content decides, never its type.

use std::ops::Range;

use serde_json::Value;

/// How much of a content is looked into.
const LONGEST: usize = 64 * 1024;

/// The shape of an error answer's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// HTML.
    Html,
    /// Any other text.
    Text,
    /// Nothing.
    Empty,
}

/// One error of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorEntry {
    /// The code, as sent: `MANIFEST_UNKNOWN`, `AuthenticationFailed`, …
    pub code: Option<String>,
    /// What it says for people.
    pub message: Option<String>,
    /// More of it: `AuthenticationErrorDetail` of Azure Storage, `detail` of registries (the digest of a missing blob).
    pub detail: Option<String>,
}

/// What an error answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// The shape of the content.
    pub shape: Shape,
    /// The errors, in order. HTML gives its title and plain text its first line as a message.
    pub errors: Vec<ErrorEntry>,
}

impl ErrorBody {
    /// What this content says.
    pub fn of(content: &[u8]) -> Self {
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        let text = String::from_utf8_lossy(content.get(..LONGEST).unwrap_or(content));
        let text = text.trim();
        let (shape, errors) = match text.chars().next() {
            None => (Shape::Empty, Vec::new()),
            Some('{' | '[' | '"') => match serde_json::from_str::<Value>(text) {
                Ok(value) => (Shape::Json, json_errors(&value, 0)),
                Err(_) => (Shape::Text, vec![first_line(text)]),
            },
            Some('<') if is_html(text) => (Shape::Html, vec![html_title(text)]),
            Some('<') => (Shape::Xml, vec![xml_error(text)]),
            Some(_) => (Shape::Text, vec![first_line(text)]),
        };
        Self { shape, errors }
    }

    /// Whether one of the errors has this code (any case).
    pub fn has_code(&self, code: &str) -> bool {
        self.codes().any(|candidate| candidate.eq_ignore_ascii_case(code))
    }

    /// The codes, in order.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().filter_map(|error| error.code.as_deref())
    }

    /// Whether a message or detail contains this text (any case).
    pub fn says(&self, text: &str) -> bool {
        self.texts().any(|candidate| contains_ignoring_case(candidate, text))
    }

    /// The messages and details, in order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.errors.iter().flat_map(|error| error.message.as_deref().into_iter().chain(error.detail.as_deref()))
    }

    /// The first error as one line: `CODE: message`.
    pub fn summary(&self) -> Option<String> {
        let error = self.errors.first()?;
        match (error.code.as_deref(), error.message.as_deref()) {
            (Some(code), Some(message)) => Some(format!("{code}: {message}")),
            (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
            (None, None) => None,
        }
    }
}

/// Where `text` stands in a content, for evidence; the whole content when it does not stand there literally.
pub fn range_of(content: &[u8], text: &str) -> Range<usize> {
    let content = content.get(..LONGEST).unwrap_or(content);
    let found = str::from_utf8(content).ok().and_then(|content| content.find(text)).filter(|_| !text.is_empty());
    found.map_or(0..content.len(), |start| start..start.saturating_add(text.len()))
}

/// Whether `text` contains `part`, whatever the case of ASCII letters.
pub fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len().max(1)).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

fn json_errors(value: &Value, depth: usize) -> Vec<ErrorEntry> {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(errors)) = object.get("errors") {
                return errors.iter().flat_map(|error| json_error(error, depth)).collect();
            }
            match object.get("error") {
                Some(error @ Value::Object(_)) => json_error(error, depth),
                Some(Value::String(code)) => vec![oauth_error(code, value)],
                _ => json_error(value, depth),
            }
        }
        Value::Array(errors) => errors.iter().flat_map(|error| json_error(error, depth)).collect(),
        Value::String(text) => wrapped(text, depth).unwrap_or_else(|| vec![first_line(text)]),
        _ => Vec::new(),
    }
}

fn json_error(value: &Value, depth: usize) -> Vec<ErrorEntry> {
    let text =
        |names: &[&str]| names.iter().find_map(|name| value.get(name).and_then(Value::as_str)).map(str::to_owned);
    let message = text(&["message", "Message", "details", "detail", "title"]);
    if let Some(inner) = message.as_deref().and_then(|message| wrapped(message, depth)) {
        return inner;
    }
    let detail = text(&["detail"]).filter(|detail| Some(detail) != message.as_ref());
    let entry = ErrorEntry { code: text(&["code", "Code"]), message, detail };
    if entry.code.is_none() && entry.message.is_none() { Vec::new() } else { vec![entry] }
}

/// OAuth 2 (RFC 6749, section 5.2), Entra included.
fn oauth_error(code: &str, value: &Value) -> ErrorEntry {
    let message = value.get("error_description").and_then(Value::as_str).map(str::to_owned);
    ErrorEntry { code: Some(code.to_owned()), message, detail: None }
}

/// The errors of a text that is itself such a JSON document.
fn wrapped(text: &str, depth: usize) -> Option<Vec<ErrorEntry>> {
    let text = text.trim();
    if depth >= 2 || !text.starts_with(['{', '[']) {
        return None;
    }
    let errors = json_errors(&serde_json::from_str(text).ok()?, depth.saturating_add(1));
    (!errors.is_empty()).then_some(errors)
}

fn is_html(text: &str) -> bool {
    let start: String = text.chars().take(200).collect::<String>().to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body", "<title", "<center", "<h1"].iter().any(|tag| start.contains(tag))
}

fn html_title(text: &str) -> ErrorEntry {
    let title = element(text, "title").or_else(|| element(text, "h1"));
    ErrorEntry { code: None, message: title, detail: None }
}

fn xml_error(text: &str) -> ErrorEntry {
    ErrorEntry {
        code: element(text, "Code"),
        message: element(text, "Message"),
        detail: element(text, "AuthenticationErrorDetail"),
    }
}

/// The text of the first element of this name (any case), without entities, white space made single.
fn element(text: &str, name: &str) -> Option<String> {
    let (start, end) = (format!("<{name}"), format!("</{name}"));
    let lower = text.to_ascii_lowercase();
    let (start, end) = (start.to_ascii_lowercase(), end.to_ascii_lowercase());
    let open = lower.find(&start)?;
    let from = open.saturating_add(lower.get(open..)?.find('>')?).saturating_add(1);
    let to = from.saturating_add(lower.get(from..)?.find(&end)?);
    let content = text.get(from..to)?;
    let words: Vec<_> = content.split_whitespace().collect();
    let content = words.join(" ");
    let content = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&amp;", "&")]
        .iter()
        .fold(content, |content, (entity, character)| content.replace(entity, character));
    (!content.is_empty()).then_some(content)
}

fn first_line(text: &str) -> ErrorEntry {
    let line = text.lines().next().unwrap_or("").chars().take(500).collect();
    ErrorEntry { code: None, message: Some(line), detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_errors_of_registries() {
        let body = ErrorBody::of(
            br#"{"errors":[{"code":"DENIED","message":"client with IP \u0027192.0.2.9\u0027 is not allowed access."}]}"#,
        );
        assert!(body.has_code("denied"));
        assert!(body.says("client with IP '192.0.2.9'"));
        let twice = ErrorBody::of(br#"{"errors":[{"code":"X","message":"{\"errors\":[{\"code\":\"DENIED\"}]}"}]}"#);
        assert!(twice.has_code("DENIED"));
        let missing = ErrorBody::of(
            br#"{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown","detail":"sha256:ab"}]}"#,
        );
        assert_eq!(missing.errors[0].detail.as_deref(), Some("sha256:ab"));
        let thrice = r#"{"errors":[{"code":"A","message":"{\"errors\":[{\"code\":\"B\",\"message\":\"C\"}]}"}]}"#;
        let thrice = ErrorBody::of(serde_json::to_string(thrice).unwrap().as_bytes());
        assert_eq!(thrice.summary().as_deref(), Some("B: C"), "JSON in a string in JSON in a string");
        assert!(ErrorBody::of(br#"{"details":"incorrect username or password"}"#).says("incorrect username"));
        assert!(
            ErrorBody::of(br#"{"error":{"code":"AuthorizationFailed","message":"m"}}"#).has_code("AuthorizationFailed")
        );
        assert!(
            ErrorBody::of(br#"{"error":"invalid_client","error_description":"AADSTS7000215: x"}"#)
                .says("AADSTS7000215")
        );
    }

    #[test]
    fn reads_the_xml_of_azure_storage_behind_its_byte_order_mark() {
        let body = ErrorBody::of(
            b"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code>\
              <Message>Server failed to authenticate.\nRequestId:1</Message>\
              <AuthenticationErrorDetail>Signature not valid in the specified time frame</AuthenticationErrorDetail></Error>",
        );
        assert_eq!(body.shape, Shape::Xml);
        assert!(body.has_code("AuthenticationFailed"));
        assert!(body.says("not valid in the specified time frame"));
        assert_eq!(body.summary().unwrap(), "AuthenticationFailed: Server failed to authenticate. RequestId:1");
    }

    #[test]
    fn tells_html_text_and_nothing_apart() {
        assert_eq!(
            ErrorBody::of(b"<!DOCTYPE html><title>Blocked &amp; gone</title>").summary().unwrap(),
            "Blocked & gone"
        );
        assert_eq!(ErrorBody::of(b"<html>").shape, Shape::Html);
        assert_eq!(ErrorBody::of(b"404 page not found\n").summary().unwrap(), "404 page not found");
        assert_eq!(ErrorBody::of(b" \n").shape, Shape::Empty);
        assert_eq!(ErrorBody::of(b"{broken").shape, Shape::Text);
    }
}
