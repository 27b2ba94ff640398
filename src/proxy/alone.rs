//! How an exchange fails alone, on a connection that carries others too.

use crate::exchange::{Failure, FailureKind, Moment, Side, Stage};
use crate::wire::{Sender, StreamEnd, Trouble};

/// The names of HTTP/2's error codes, from 0 (RFC 9113, section 7).
const ERROR_CODES: &[&str] = &[
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

/// The failure of an exchange that one side ended.
pub fn cut(stage: Stage, by: Sender, how: StreamEnd, at: Moment) -> Failure {
    let kind = match (by, how) {
        (Sender::Client, _) => FailureKind::GaveUp,
        (Sender::Server, StreamEnd::Reset(_)) => FailureKind::Reset,
        (Sender::Server, StreamEnd::GoneAway(_) | StreamEnd::Short) => FailureKind::Truncated,
    };
    let who = match by {
        Sender::Client => "the client",
        Sender::Server => "the server",
    };
    let what = match how {
        StreamEnd::Reset(code) => format!("{who} reset the stream: {}", error_code(code)),
        StreamEnd::GoneAway(code) => format!("{who} went away (GOAWAY): {}", error_code(code)),
        StreamEnd::Short => format!("{who} ended the stream without all of the response"),
    };
    Failure { stage, side: side(by), kind, chain: vec![what], os_code: None, at }
}

/// The failure of an exchange of which a head could not be read.
pub fn unreadable(stage: Stage, by: Sender, trouble: Trouble, at: Moment) -> Failure {
    let (side, kind) = match trouble {
        Trouble::HeadTooLarge => (Side::Us, FailureKind::HeadTooLarge),
        _ => (side(by), FailureKind::Malformed),
    };
    Failure { stage, side, kind, chain: vec![trouble.as_str().to_owned()], os_code: None, at }
}

fn side(by: Sender) -> Side {
    match by {
        Sender::Client => Side::Client,
        Sender::Server => Side::Origin,
    }
}

fn error_code(code: u32) -> String {
    let name = usize::try_from(code).ok().and_then(|code| ERROR_CODES.get(code));
    name.map_or_else(|| format!("error {code:#x}"), |name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_error_codes() {
        assert_eq!(error_code(0), "NO_ERROR");
        assert_eq!(error_code(8), "CANCEL");
        assert_eq!(error_code(13), "HTTP_1_1_REQUIRED");
        assert_eq!(error_code(0x1234), "error 0x1234");
    }

    #[test]
    fn a_client_gives_up_and_a_server_resets() {
        let cancelled = cut(Stage::AwaitHead, Sender::Client, StreamEnd::Reset(8), Moment::EPOCH);
        assert_eq!((cancelled.side, cancelled.kind), (Side::Client, FailureKind::GaveUp));
        assert_eq!(cancelled.chain, ["the client reset the stream: CANCEL"]);
        let refused = cut(Stage::AwaitHead, Sender::Server, StreamEnd::Reset(7), Moment::EPOCH);
        assert_eq!((refused.side, refused.kind), (Side::Origin, FailureKind::Reset));
    }
}
