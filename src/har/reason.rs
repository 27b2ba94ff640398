//! Why a request got no answer, in the words of a browser or of another proxy: their `_error` becomes a failure.

use crate::exchange::{Failure, FailureKind, Moment, Side, Stage, Verdict};

/// What the words stand for.
type Meaning = (Stage, FailureKind);

/// The failure that these words tell; `None` for words that are not known.
pub(super) fn failure(words: &str, at: Moment) -> Option<Failure> {
    let (stage, kind) = net_error(words).or_else(|| system_error(words))?;
    Some(Failure { stage, side: Side::Origin, kind, chain: vec![words.to_owned()], os_code: None, at })
}

/// Chromium's names (net/base/net_error_list.h). Left out is what says only that it was the browser's own doing.
fn net_error(words: &str) -> Option<Meaning> {
    let name = words.strip_prefix("net::ERR_")?;
    Some(match name {
        "NAME_NOT_RESOLVED" => (Stage::Resolve, FailureKind::NameNotFound),
        "NAME_RESOLUTION_FAILED" => (Stage::Resolve, FailureKind::ResolverFailed),
        "ADDRESS_UNREACHABLE" | "INTERNET_DISCONNECTED" => (Stage::Connect, FailureKind::Unreachable),
        "CONNECTION_REFUSED" => (Stage::Connect, FailureKind::Refused),
        "CONNECTION_TIMED_OUT" => (Stage::Connect, FailureKind::TimedOut),
        "CONNECTION_RESET" => (Stage::AwaitHead, FailureKind::Reset),
        "CONNECTION_CLOSED" | "EMPTY_RESPONSE" => (Stage::AwaitHead, FailureKind::Truncated),
        "CONTENT_LENGTH_MISMATCH" | "INCOMPLETE_CHUNKED_ENCODING" => (Stage::ReadBody, FailureKind::Truncated),
        "CERT_AUTHORITY_INVALID" => (Stage::UpstreamTls, FailureKind::Certificate(Verdict::UnknownIssuer)),
        "CERT_COMMON_NAME_INVALID" => (Stage::UpstreamTls, FailureKind::Certificate(Verdict::WrongName)),
        "CERT_DATE_INVALID" => (Stage::UpstreamTls, FailureKind::Certificate(Verdict::Expired)),
        "SSL_PROTOCOL_ERROR" => (Stage::UpstreamTls, FailureKind::TlsFailed),
        "SSL_VERSION_OR_CIPHER_MISMATCH" => (Stage::UpstreamTls, FailureKind::TlsNothingInCommon),
        _ => return None,
    })
}

/// What systems say, and mitmproxy repeats with the number that Linux, macOS or Windows gives it.
fn system_error(words: &str) -> Option<Meaning> {
    let known: [(&[&str], Meaning); 6] = [
        (&["Temporary failure in name resolution"], (Stage::Resolve, FailureKind::ResolverFailed)),
        (
            &["Name or service not known", "nodename nor servname", "getaddrinfo failed", "No address associated"],
            (Stage::Resolve, FailureKind::NameNotFound),
        ),
        (
            &["Connection refused", "[Errno 111]", "[Errno 61]", "[WinError 1225]"],
            (Stage::Connect, FailureKind::Refused),
        ),
        (&["[Errno 110]", "[Errno 60]", "[WinError 121]"], (Stage::Connect, FailureKind::TimedOut)),
        (&["No route to host", "Network is unreachable"], (Stage::Connect, FailureKind::Unreachable)),
        (&["Connection reset", "reset by peer"], (Stage::AwaitHead, FailureKind::Reset)),
    ];
    let says = |texts: &[&str]| texts.iter().any(|text| words.contains(text));
    known.into_iter().find(|(texts, _)| says(texts)).map(|(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_words_of_browsers_and_of_mitmproxy() {
        for (words, stage, kind) in [
            ("net::ERR_NAME_NOT_RESOLVED", Stage::Resolve, "name-not-found"),
            ("net::ERR_NAME_RESOLUTION_FAILED", Stage::Resolve, "resolver-failed"),
            ("[Errno -3] Temporary failure in name resolution", Stage::Resolve, "resolver-failed"),
            ("net::ERR_CERT_DATE_INVALID", Stage::UpstreamTls, "certificate-expired"),
            ("[Errno 111] Connect call failed ('192.0.2.1', 443)", Stage::Connect, "refused"),
            ("Multiple exceptions: [Errno 60] Connect call failed ('192.0.2.1', 80)", Stage::Connect, "timed-out"),
        ] {
            let failure = failure(words, Moment::EPOCH).unwrap();
            assert_eq!((failure.stage, failure.kind.as_str()), (stage, kind), "{words}");
            assert_eq!(failure.chain, [words]);
        }
        for words in ["net::ERR_BLOCKED_BY_CLIENT", "net::ERR_ABORTED", "Client disconnected.", ""] {
            assert_eq!(failure(words, Moment::EPOCH), None, "{words}");
        }
    }
}
