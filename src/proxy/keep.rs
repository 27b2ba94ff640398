//! How much of a content to keep: what explains a failure, never a layer.

use crate::exchange::{Headers, Kept, RequestHead, ResponseHead, WhyNotKept};

/// Bytes kept of JSON, text, XML and forms. A manifest has some KiB; registries refuse manifests over 4 MiB.
const TEXT_LIMIT: u64 = 4 * 1024 * 1024;

/// Bytes kept of a content whose type says nothing, and of an error's, if they are text.
const UNTYPED_LIMIT: u64 = 64 * 1024;

/// How much to keep of a request's content, and how many bytes that is at most.
pub fn request(head: &RequestHead, body_limit: Option<u64>) -> (Kept, u64) {
    by_type(&head.headers, false, body_limit)
}

/// How much to keep of a response's content, and how many bytes that is at most.
pub fn response(head: &ResponseHead, body_limit: Option<u64>) -> (Kept, u64) {
    by_type(&head.headers, head.status >= 400, body_limit)
}

fn by_type(headers: &Headers, is_error: bool, body_limit: Option<u64>) -> (Kept, u64) {
    if let Some(limit) = body_limit {
        return up_to(limit);
    }
    let media_type = headers.text("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    if is_text(media_type)
        || media_type.bytes().any(|byte| byte.is_ascii_uppercase()) && is_text(&media_type.to_ascii_lowercase())
    {
        return up_to(TEXT_LIMIT);
    }
    if is_error || media_type.is_empty() {
        return (Kept::IfText(UNTYPED_LIMIT), UNTYPED_LIMIT);
    }
    (Kept::None(WhyNotKept::Binary), 0)
}

/// The kept part of a content whose limit is this many bytes.
pub fn up_to(limit: u64) -> (Kept, u64) {
    (Kept::Prefix(limit), limit)
}

/// Whether a media type (lower case, without parameters) is JSON, text, XML or a form.
fn is_text(media_type: &str) -> bool {
    let Some((kind, subtype)) = media_type.split_once('/') else { return false };
    kind == "text"
        || subtype.ends_with("json")
        || subtype.ends_with("+prettyjws")
        || subtype.ends_with("xml")
        || subtype == "x-www-form-urlencoded"
        || subtype == "jwt"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_explains_and_no_layers() {
        let answer = |status, media_type: &str| {
            let mut head = ResponseHead::new(status, "");
            head.headers.push("Content-Type", media_type.as_bytes());
            response(&head, None)
        };
        assert_eq!(answer(200, "application/vnd.oci.image.index.v1+json"), up_to(TEXT_LIMIT));
        assert_eq!(answer(200, "Application/JSON; charset=utf-8"), up_to(TEXT_LIMIT));
        assert_eq!(answer(403, "application/xml"), up_to(TEXT_LIMIT));
        let (nothing, if_text) = ((Kept::None(WhyNotKept::Binary), 0), (Kept::IfText(UNTYPED_LIMIT), UNTYPED_LIMIT));
        assert_eq!(answer(200, "application/octet-stream"), nothing);
        assert_eq!(answer(502, "application/octet-stream"), if_text);
        assert_eq!(answer(200, ""), if_text);
        assert_eq!(answer(200, "application/vnd.oci.image.layer.v1.tar+gzip"), nothing);
        assert_eq!(request(&RequestHead::new("PATCH", "/"), Some(9)), up_to(9));
    }
}
