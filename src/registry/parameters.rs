//! Queries and forms: `name=value&…`, percent-encoded, with `+` for a space.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The pairs of a query or form, decoded, in order. A name without `=` has an empty value.
pub fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decoded(name), form_decoded(value))
    })
}

/// The first value of this name.
pub fn first(text: &str, name: &str) -> Option<String> {
    pairs(text).find(|(candidate, _)| candidate == name).map(|(_, value)| value.into_owned())
}

/// A path segment without its percent-encoding; bytes that are not UTF-8 become U+FFFD.
pub fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn form_decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        return Cow::Owned(decoded(&text.replace('+', " ")).into_owned());
    }
    decoded(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let read: Vec<_> = pairs("scope=repository%3Aa%3Apull+x&&flag").collect();
        assert_eq!(read, [("scope".into(), "repository:a:pull x".into()), ("flag".into(), "".into())]);
        assert_eq!(first("a=1&a=2", "a").as_deref(), Some("1"));
    }
}
