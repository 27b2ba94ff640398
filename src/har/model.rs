//! A HAR's entry as it is read: every field optional, big texts borrowed from the file.

use std::borrow::Cow;

use serde::Deserialize;

use super::record::{FailureFacts, KeptFacts, StateFacts, TargetFacts, TimingsFacts, TunnelFacts, UpstreamFacts};
use super::tls_record::TlsRecord;

/// Text that is borrowed from the file where it has no escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub(super) started_date_time: Option<Text<'a>>,
    pub(super) time: Option<f64>,
    #[serde(borrow)]
    pub(super) request: Option<Request<'a>>,
    #[serde(borrow)]
    pub(super) response: Option<Response<'a>>,
    #[serde(rename = "_id")]
    pub(super) id: Option<u64>,
    #[serde(rename = "_state")]
    pub(super) state: Option<StateFacts>,
    #[serde(rename = "_target")]
    pub(super) target: Option<TargetFacts>,
    #[serde(rename = "_client")]
    pub(super) client: Option<std::net::SocketAddr>,
    #[serde(rename = "_connection")]
    pub(super) connection: Option<u64>,
    #[serde(rename = "_connect")]
    pub(super) connect: Option<u64>,
    #[serde(rename = "_foreign", default)]
    pub(super) is_foreign: bool,
    #[serde(rename = "_timings")]
    pub(super) timings: Option<TimingsFacts>,
    #[serde(rename = "_interim", default, borrow)]
    pub(super) interim: Vec<Response<'a>>,
    #[serde(rename = "_upstream")]
    pub(super) upstream: Option<UpstreamFacts>,
    #[serde(rename = "_clientTls")]
    pub(super) client_tls: Option<TlsRecord>,
    #[serde(rename = "_upstreamTls")]
    pub(super) upstream_tls: Option<TlsRecord>,
    #[serde(rename = "_tunnel")]
    pub(super) tunnel: Option<TunnelFacts>,
    #[serde(rename = "_answeredByUs", default)]
    pub(super) answered_by_us: bool,
    #[serde(rename = "_failure")]
    pub(super) failure: Option<FailureFacts>,
    #[serde(rename = "_role")]
    pub(super) role: Option<String>,
}

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) method: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) url: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) http_version: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) headers: Vec<HeaderField<'a>>,
    #[serde(borrow)]
    pub(super) post_data: Option<Content<'a>>,
    pub(super) body_size: Option<i64>,
    #[serde(rename = "_target", borrow)]
    pub(super) target: Option<Text<'a>>,
    #[serde(rename = "_body", borrow)]
    pub(super) body: Option<BodyFacts<'a>>,
}

/// A response, or a 1xx one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    pub(super) status: Option<i64>,
    #[serde(borrow)]
    pub(super) status_text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) http_version: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) headers: Vec<HeaderField<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    pub(super) body_size: Option<i64>,
    /// Why there is none, in the words of Chrome or mitmproxy.
    #[serde(rename = "_error")]
    pub(super) error: Option<serde_json::Value>,
    #[serde(rename = "_body", borrow)]
    pub(super) body: Option<BodyFacts<'a>>,
}

/// A header field.
#[derive(Debug, Deserialize)]
pub(super) struct HeaderField<'a> {
    #[serde(default, borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) value: Cow<'a, str>,
    #[serde(rename = "_bytes", borrow)]
    pub(super) bytes: Option<Text<'a>>,
}

/// A `content` or `postData`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) encoding: Option<Text<'a>>,
    #[serde(rename = "_byteOrderMark", default)]
    pub(super) mark: bool,
    #[serde(rename = "_tail", borrow)]
    pub(super) tail: Option<Text<'a>>,
    #[serde(rename = "_bytes", borrow)]
    pub(super) bytes: Option<Text<'a>>,
}

/// What pulltap noted about a content.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BodyFacts<'a> {
    pub(super) length: u64,
    #[serde(default)]
    pub(super) is_complete: bool,
    #[serde(borrow)]
    pub(super) sha256: Option<Text<'a>>,
    pub(super) kept: KeptFacts,
    #[serde(default)]
    pub(super) decoded_from: Vec<String>,
    #[serde(borrow)]
    pub(super) trailers: Option<Vec<HeaderField<'a>>>,
}
