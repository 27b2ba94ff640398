//! An entry as it is written: HAR's fields, then ours.

use serde::Serialize;

use super::message::InterimResponse;
use super::phases::{Connection, Phases, milliseconds};
use super::record::{FailureFacts, StateFacts, TargetFacts, TimingsFacts, TunnelFacts, UpstreamFacts};
use super::request::Request;
use super::response::Response;
use super::tls_record::{Certificates, TlsRecord};
use crate::exchange::{ConnectionId, Exchange, ExchangeId, Moment, Origin};

/// One exchange as HAR has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry<'a> {
    started_date_time: String,
    #[serde(serialize_with = "milliseconds")]
    time: i64,
    request: Request<'a>,
    response: Response<'a>,
    cache: NoCache,
    timings: Phases,
    /// Left out when unknown: validators refuse an empty one.
    #[serde(rename = "serverIPAddress", skip_serializing_if = "Option::is_none")]
    server_ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(flatten)]
    ours: Ours<'a>,
}

/// Firefox's importer wants the object, even if nothing is in it.
#[derive(Serialize)]
struct NoCache {}

/// The fields that only our reader understands.
#[derive(Serialize)]
struct Ours<'a> {
    #[serde(rename = "_id")]
    id: u64,
    #[serde(rename = "_state")]
    state: StateFacts,
    #[serde(rename = "_target")]
    target: TargetFacts,
    #[serde(rename = "_client", skip_serializing_if = "Option::is_none")]
    client: Option<std::net::SocketAddr>,
    #[serde(rename = "_connection", skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    /// Chrome reads it as the connection's id.
    #[serde(rename = "_connectionId", skip_serializing_if = "Option::is_none")]
    connection_id: Option<String>,
    #[serde(rename = "_connect", skip_serializing_if = "Option::is_none")]
    connect: Option<u64>,
    #[serde(rename = "_foreign", skip_serializing_if = "std::ops::Not::not")]
    is_foreign: bool,
    #[serde(rename = "_timings")]
    timings: TimingsFacts,
    #[serde(rename = "_interim", skip_serializing_if = "Vec::is_empty")]
    interim: Vec<InterimResponse<'a>>,
    #[serde(rename = "_upstream", skip_serializing_if = "Option::is_none")]
    upstream: Option<UpstreamFacts>,
    #[serde(rename = "_clientTls", skip_serializing_if = "Option::is_none")]
    client_tls: Option<TlsRecord>,
    #[serde(rename = "_upstreamTls", skip_serializing_if = "Option::is_none")]
    upstream_tls: Option<TlsRecord>,
    #[serde(rename = "_tunnel", skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelFacts>,
    #[serde(rename = "_answeredByUs", skip_serializing_if = "std::ops::Not::not")]
    answered_by_us: bool,
    #[serde(rename = "_failure", skip_serializing_if = "Option::is_none")]
    failure: Option<FailureFacts>,
    #[serde(rename = "_role", skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// The entry of an exchange.
    pub(super) fn of(
        exchange: &'a Exchange,
        role: Option<&'a str>,
        connection: Connection,
        certificates: &mut Certificates,
    ) -> Self {
        let timings = Phases::of(exchange, connection);
        let number = exchange.connection.map(|id| id.number().to_string());
        let server = exchange.upstream.as_ref().and_then(|upstream| upstream.address);
        Self {
            started_date_time: date(exchange.timings.opened),
            time: timings.total(),
            request: Request::of(exchange),
            response: Response::of(exchange),
            cache: NoCache {},
            timings,
            server_ip_address: server.map(|address| address.ip().to_string()),
            connection: number,
            ours: Ours::of(exchange, role, certificates),
        }
    }
}

impl<'a> Ours<'a> {
    fn of(exchange: &'a Exchange, role: Option<&'a str>, certificates: &mut Certificates) -> Self {
        // Every field by name: one that is added to the exchange is not forgotten here.
        let Exchange {
            id,
            origin,
            connection,
            connect,
            client,
            target,
            request: _,
            request_body: _,
            interim,
            response: _,
            response_body: _,
            timings,
            upstream,
            client_tls,
            upstream_tls,
            tunnel,
            answered_by_us,
            failure,
            state,
        } = exchange;
        Self {
            id: id.number(),
            state: StateFacts(*state),
            target: TargetFacts(target.clone()),
            client: *client,
            connection: connection.map(ConnectionId::number),
            connection_id: connection.map(|id| id.number().to_string()),
            connect: connect.map(ExchangeId::number),
            is_foreign: *origin == Origin::File,
            timings: TimingsFacts(*timings),
            interim: interim.iter().map(InterimResponse::of).collect(),
            upstream: upstream.as_deref().cloned().map(UpstreamFacts),
            client_tls: client_tls.as_deref().map(|facts| TlsRecord::of(facts, certificates)),
            upstream_tls: upstream_tls.as_deref().map(|facts| TlsRecord::of(facts, certificates)),
            tunnel: tunnel.map(TunnelFacts),
            answered_by_us: *answered_by_us,
            failure: failure.clone().map(FailureFacts),
            role,
        }
    }
}

/// A moment in ISO 8601, in UTC, to the millisecond. Readers know years of four digits only.
fn date(moment: Moment) -> String {
    let timestamp = jiff::Timestamp::from_microsecond(moment.micros()).unwrap_or_default();
    let date = format!("{timestamp:.3}");
    if date.len() == "1970-01-01T00:00:00.000Z".len() { date } else { "1970-01-01T00:00:00.000Z".to_owned() }
}
