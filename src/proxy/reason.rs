//! What pulltap says when it has to answer in the server's place: one line that reaches the user's own terminal.
//!
//! docker prints the reason phrase of a 5xx response and of a refused CONNECT, and the message of a registry error for
//! a 4xx: so both carry the reason.

use std::net::IpAddr;

use crate::exchange::{Failure, FailureKind, Side, Stage, Target, Verdict};
use crate::printable::reason_phrase;

/// The status code that an answer about this failure has.
pub fn status(failure: &Failure) -> u16 {
    match &failure.kind {
        FailureKind::ClientNotAllowed | FailureKind::Loop => 403,
        FailureKind::HeadTooLarge => 431,
        FailureKind::Malformed if failure.side != Side::ParentProxy => 400,
        FailureKind::Stopped => 503,
        FailureKind::TimedOut if failure.side == Side::Client => 408,
        FailureKind::TimedOut => 504,
        FailureKind::Unsupported => 501,
        _ => 502,
    }
}

/// The reason in one line of ASCII, without the program's name: `cannot resolve myregistry.azurecr.io`.
pub fn reason(failure: &Failure, target: &Target) -> String {
    let host = &target.host;
    let text = match (&failure.kind, failure.stage) {
        (kind, stage) if failure.side == Side::ParentProxy => match failure.chain.first() {
            Some(what) => what.clone(),
            None => format!("{} while {}", kind.as_str(), stage.as_str()),
        },
        (FailureKind::NameNotFound, _) => format!("cannot resolve {host}"),
        (FailureKind::ResolverFailed, _) => format!("cannot resolve {host}: the resolver failed, or cannot be reached"),
        (FailureKind::TimedOut, Stage::Resolve) => format!("resolving {host} took too long"),
        (FailureKind::TimedOut, Stage::Connect) => format!("{target} did not answer: connecting took too long"),
        (FailureKind::TimedOut, Stage::UpstreamTls) => format!("the TLS handshake with {target} took too long"),
        (FailureKind::TimedOut, Stage::Accept) => "the request did not arrive in time".to_owned(),
        (FailureKind::Refused, _) => format!("{target} refused the connection"),
        (FailureKind::Unreachable, _) => format!("{target} is unreachable"),
        (FailureKind::Reset, Stage::UpstreamTls) => format!("{target} reset the connection in the TLS handshake"),
        (FailureKind::Reset, _) => format!("{target} reset the connection"),
        (FailureKind::Truncated, Stage::UpstreamTls) => format!("{target} closed the connection in the TLS handshake"),
        (FailureKind::Certificate(verdict), _) => certificate(verdict, host),
        (FailureKind::ClientCertificateWanted, _) => {
            format!("{host} wants a client certificate, which pulltap does not have: use --ignore {host}")
        }
        (FailureKind::TlsAlert(code), _) => format!("{target} ended the TLS handshake with alert {code}"),
        (FailureKind::NotTls, _) => format!("{target} does not speak TLS"),
        (FailureKind::TlsNothingInCommon, _) => {
            format!("{host} speaks no TLS version or cipher that pulltap does: use --ignore {host}")
        }
        (FailureKind::TlsFailed, _) => format!("the TLS handshake with {target} failed"),
        (FailureKind::Loop, _) => format!("{target} is pulltap itself"),
        (FailureKind::ClientNotAllowed, _) => not_allowed(failure),
        (FailureKind::HeadTooLarge, _) => "the request's head is too large".to_owned(),
        (FailureKind::Malformed, _) => match failure.chain.first() {
            Some(what) => format!("malformed request: {what}"),
            None => "malformed request".to_owned(),
        },
        (FailureKind::Unsupported, _) => match failure.chain.first() {
            Some(what) => what.clone(),
            None => "not supported".to_owned(),
        },
        (kind, stage) => format!("{} while {}", kind.as_str(), stage.as_str()),
    };
    reason_phrase(&text)
}

/// Says whom, why, and with which option it would be let in; the person at the client can tell the one at the proxy.
fn not_allowed(failure: &Failure) -> String {
    let client = failure.chain.first().map_or("this address", String::as_str);
    let option = if client.parse::<IpAddr>().is_ok() { client } else { "CIDR" };
    format!(
        "{client} is neither on the proxy's machine nor in its listener's subnet: to let it in, start pulltap with --allow {option}"
    )
}

fn certificate(verdict: &Verdict, host: &str) -> String {
    match verdict {
        Verdict::Expired => format!("the certificate of {host} has expired"),
        Verdict::NotYetValid => format!("the certificate of {host} is not valid yet"),
        Verdict::WrongName => format!("the certificate of {host} is for other names"),
        Verdict::UnknownIssuer => format!("the certificate of {host} is signed by an unknown authority"),
        Verdict::Revoked => format!("the certificate of {host} is revoked"),
        Verdict::Refused(why) => format!("the certificate of {host} is refused: {why}"),
        Verdict::NotChecked | Verdict::Trusted => format!("the certificate of {host} is refused"),
    }
}

/// The content of the answer: an error of the registry's own form.
pub fn content(failure: &Failure, reason: &str) -> String {
    serde_json::json!({
        "errors": [{
            "code": "PULLTAP",
            "message": format!("pulltap: {reason}"),
            "detail": {
                "stage": failure.stage.as_str(),
                "side": failure.side.as_str(),
                "kind": failure.kind.as_str(),
                "chain": failure.chain,
            },
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Moment;

    #[test]
    fn says_what_failed_in_one_harmless_line() {
        let failure = |kind, stage| Failure {
            stage,
            side: Side::Origin,
            kind,
            chain: vec!["x".to_owned()],
            os_code: None,
            at: Moment::EPOCH,
        };
        let target = Target::https("evil\r\nX: y", 443);
        let resolve = failure(FailureKind::NameNotFound, Stage::Resolve);
        assert_eq!(reason(&resolve, &target), "cannot resolve evil\\r\\nX: y");
        assert_eq!(status(&resolve), 502);
        assert_eq!(status(&failure(FailureKind::TimedOut, Stage::Connect)), 504);
        let content = content(&resolve, "cannot resolve a");
        let content: serde_json::Value = serde_json::from_str(&content).unwrap();
        assert_eq!(content["errors"][0]["message"], "pulltap: cannot resolve a");
        assert_eq!(content["errors"][0]["detail"]["kind"], "name-not-found");
    }
}
