//! The facts of an exchange that HAR has no field for, as JSON in both directions.
//!
//! Each `…Record` mirrors a type of `exchange`; serde's `remote` makes the compiler complain when the two differ.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::exchange::{
    Failure, FailureKind, Kept, Moment, Scheme, Side, Stage, State, Target, Timings, Tunnel, Upstream, Verdict,
    WhyNotKept, WhyOpaque,
};

/// Moments as microseconds since 1970-01-01T00:00:00Z.
pub(super) mod moment {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::exchange::Moment;

    /// Writes the microseconds.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in crate::har) fn serialize<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
        moment.micros().serialize(serializer)
    }

    /// Reads the microseconds.
    pub(in crate::har) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        i64::deserialize(deserializer).map(Moment::from_micros)
    }
}

/// Moments that may be unknown; such a field is left out.
pub(super) mod maybe_moment {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::exchange::Moment;

    /// Writes the microseconds.
    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in crate::har) fn serialize<S: Serializer>(moment: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
        moment.map(Moment::micros).serialize(serializer)
    }

    /// Reads the microseconds.
    pub(in crate::har) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Moment>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(Moment::from_micros))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Scheme", rename_all = "kebab-case")]
enum SchemeRecord {
    Http,
    Https,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "State", rename_all = "kebab-case")]
enum StateRecord {
    Open,
    Complete,
    Failed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Target")]
struct TargetRecord {
    #[serde(with = "SchemeRecord")]
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Timings", rename_all = "camelCase")]
struct TimingsRecord {
    #[serde(with = "moment")]
    opened: Moment,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    request_head: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    request_end: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    first_byte: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    response_head: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    response_end: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    closed: Option<Moment>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Upstream", rename_all = "camelCase")]
struct UpstreamRecord {
    addresses: Vec<SocketAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    resolve_start: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    resolve_end: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    connect_start: Option<Moment>,
    #[serde(default, with = "maybe_moment", skip_serializing_if = "Option::is_none")]
    connect_end: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent_proxy: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Tunnel")]
struct TunnelRecord {
    #[serde(with = "WhyOpaqueRecord")]
    why: WhyOpaque,
    sent: u64,
    received: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "WhyOpaque", rename_all = "kebab-case")]
enum WhyOpaqueRecord {
    Ignored,
    ServerFirst,
    NotHttp,
    Upgraded,
    Unparsable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Failure", rename_all = "camelCase")]
struct FailureRecord {
    #[serde(with = "StageRecord")]
    stage: Stage,
    #[serde(with = "SideRecord")]
    side: Side,
    #[serde(with = "FailureKindRecord")]
    kind: FailureKind,
    chain: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    os_code: Option<i32>,
    #[serde(with = "moment")]
    at: Moment,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Stage", rename_all = "kebab-case")]
enum StageRecord {
    Accept,
    ClientTls,
    Resolve,
    Connect,
    ParentProxy,
    UpstreamTls,
    Send,
    AwaitHead,
    ReadBody,
    WriteClient,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Side", rename_all = "kebab-case")]
enum SideRecord {
    Client,
    Us,
    ParentProxy,
    Origin,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FailureKind", rename_all = "kebab-case")]
enum FailureKindRecord {
    Certificate(#[serde(with = "VerdictRecord")] Verdict),
    ClientCertificateWanted,
    ClientNotAllowed,
    GaveUp,
    HeadTooLarge,
    Loop,
    Malformed,
    NameNotFound,
    NotTls,
    ParentProxyRefused(u16),
    Refused,
    Reset,
    ResolverFailed,
    Stopped,
    TlsAlert(u8),
    TlsFailed,
    TlsNothingInCommon,
    TimedOut,
    Truncated,
    Unreachable,
    Unsupported,
}

/// What verification said, under the names that other outputs use too.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Verdict", tag = "verdict", content = "words")]
pub(super) enum VerdictRecord {
    #[serde(rename = "not-checked")]
    NotChecked,
    #[serde(rename = "trusted")]
    Trusted,
    #[serde(rename = "certificate-expired")]
    Expired,
    #[serde(rename = "certificate-not-yet-valid")]
    NotYetValid,
    #[serde(rename = "certificate-wrong-name")]
    WrongName,
    #[serde(rename = "certificate-unknown-issuer")]
    UnknownIssuer,
    #[serde(rename = "certificate-revoked")]
    Revoked,
    #[serde(rename = "certificate-refused")]
    Refused(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Kept", rename_all = "kebab-case")]
enum KeptRecord {
    All,
    Prefix(u64),
    IfText(u64),
    None(#[serde(with = "WhyNotKeptRecord")] WhyNotKept),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "WhyNotKept", rename_all = "kebab-case")]
enum WhyNotKeptRecord {
    Binary,
    RecorderBehind,
    NotInFile,
}

/// Makes a type that serde can put into an `Option` out of a record.
macro_rules! stand_alone {
    ($($(#[$doc:meta])* $name:ident: $record:literal of $of:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(#[serde(with = $record)] pub(super) $of);
    )+};
}

stand_alone! {
    /// `_target`: what the request was meant for.
    TargetFacts: "TargetRecord" of Target;
    /// `_state`: how far the exchange had come.
    StateFacts: "StateRecord" of State;
    /// `_timings`: the exact moments.
    TimingsFacts: "TimingsRecord" of Timings;
    /// `_upstream`: how the server was reached.
    UpstreamFacts: "UpstreamRecord" of Upstream;
    /// `_tunnel`: what passed uninterpreted.
    TunnelFacts: "TunnelRecord" of Tunnel;
    /// `_failure`: what ended the exchange before its time.
    FailureFacts: "FailureRecord" of Failure;
    /// How much of a content was kept.
    KeptFacts: "KeptRecord" of Kept;
}
