//! The words that stand in a session file for the variants of `exchange`'s enums, and back.

use crate::exchange::body::WhyNotKept;
use crate::exchange::tls::AlertSender;
use crate::exchange::{FailureKind, Kept, Origin, Scheme, Side, Stage, State, Verdict, Version, WhyOpaque};

/// An enum whose variants have a word each.
pub trait Named: Copy + PartialEq + 'static {
    /// Every variant with its word.
    const WORDS: &'static [(Self, &'static str)];

    /// The word for this variant.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(variant, _)| *variant == self).map_or("", |(_, word)| word)
    }

    /// The variant with this word.
    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(variant, _)| *variant)
    }
}

impl Named for State {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Open, "open"), (Self::Complete, "complete"), (Self::Failed, "failed")];
}

impl Named for Origin {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Live, "live"), (Self::File, "file")];
}

impl Named for Scheme {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Http, "http"), (Self::Https, "https")];
}

impl Named for Version {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Http10, "HTTP/1.0"), (Self::Http11, "HTTP/1.1"), (Self::Http2, "HTTP/2")];
}

impl Named for AlertSender {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Peer, "peer"), (Self::Us, "us")];
}

impl Named for WhyNotKept {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Binary, "binary"), (Self::RecorderBehind, "recorder-behind"), (Self::NotInFile, "not-in-file")];
}

impl Named for WhyOpaque {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Ignored, "ignored"),
        (Self::ServerFirst, "server-first"),
        (Self::NotHttp, "not-http"),
        (Self::Upgraded, "upgraded"),
        (Self::Unparsable, "unparsable"),
    ];
}

impl Named for Stage {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Accept, "accept"),
        (Self::ClientTls, "client-tls"),
        (Self::Resolve, "resolve"),
        (Self::Connect, "connect"),
        (Self::ParentProxy, "parent-proxy"),
        (Self::UpstreamTls, "upstream-tls"),
        (Self::Send, "send"),
        (Self::AwaitHead, "await-head"),
        (Self::ReadBody, "read-body"),
        (Self::WriteClient, "write-client"),
    ];
}

impl Named for Side {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Client, "client"), (Self::Us, "us"), (Self::ParentProxy, "parent-proxy"), (Self::Origin, "origin")];
}

/// How much of a content was kept, in a word.
pub fn kept(kept: Kept) -> String {
    match kept {
        Kept::All => "all".to_owned(),
        Kept::Prefix(limit) | Kept::IfText(limit) => format!("prefix:{limit}"),
        Kept::None(why) => why.word().to_owned(),
    }
}

/// What [`kept`] said.
pub fn read_kept(text: &str) -> Option<Kept> {
    if text == "all" {
        return Some(Kept::All);
    }
    match text.strip_prefix("prefix:") {
        Some(limit) => limit.parse().ok().map(Kept::Prefix),
        None => WhyNotKept::from_word(text).map(Kept::None),
    }
}

/// What belongs to a verdict besides its name.
pub fn verdict_words(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Refused(words) => Some(words),
        _ => None,
    }
}

/// The verdict of this name.
pub fn read_verdict(name: &str, words: Option<&str>) -> Option<Verdict> {
    let plain = [
        Verdict::NotChecked,
        Verdict::Trusted,
        Verdict::Expired,
        Verdict::NotYetValid,
        Verdict::WrongName,
        Verdict::UnknownIssuer,
        Verdict::Revoked,
    ];
    let refused = || Some(Verdict::Refused(words?.to_owned())).filter(|verdict| verdict.as_str() == name);
    plain.into_iter().find(|verdict| verdict.as_str() == name).or_else(refused)
}

/// What belongs to a kind of failure besides its name.
pub fn failure_detail(kind: &FailureKind) -> Option<String> {
    match kind {
        FailureKind::Certificate(verdict) => verdict_words(verdict).map(str::to_owned),
        FailureKind::ParentProxyRefused(status) => Some(status.to_string()),
        FailureKind::TlsAlert(alert) => Some(alert.to_string()),
        _ => None,
    }
}

/// The kind of failure of this name.
pub fn read_failure_kind(name: &str, detail: Option<&str>) -> Option<FailureKind> {
    let plain = [
        FailureKind::ClientCertificateWanted,
        FailureKind::ClientNotAllowed,
        FailureKind::GaveUp,
        FailureKind::HeadTooLarge,
        FailureKind::Loop,
        FailureKind::Malformed,
        FailureKind::NameNotFound,
        FailureKind::NotTls,
        FailureKind::Refused,
        FailureKind::Reset,
        FailureKind::ResolverFailed,
        FailureKind::Stopped,
        FailureKind::TlsFailed,
        FailureKind::TlsNothingInCommon,
        FailureKind::TimedOut,
        FailureKind::Truncated,
        FailureKind::Unreachable,
        FailureKind::Unsupported,
    ];
    match name {
        "parent-proxy-refused" => detail?.parse().ok().map(FailureKind::ParentProxyRefused),
        "tls-alert" => detail?.parse().ok().map(FailureKind::TlsAlert),
        _ => plain
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .or_else(|| read_verdict(name, detail).map(FailureKind::Certificate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_the_files_of_earlier_versions_do_not_have_is_read_back() {
        let kind = FailureKind::ResolverFailed;
        assert_eq!(read_failure_kind(kind.as_str(), failure_detail(&kind).as_deref()), Some(kind));
    }

    #[test]
    fn stages_and_sides_have_the_words_of_every_other_output() {
        assert!(Stage::WORDS.iter().all(|(stage, word)| stage.as_str() == *word));
        assert!(Side::WORDS.iter().all(|(side, word)| side.as_str() == *word));
    }
}
