//! An exchange as one row: its columns by name.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::facts::Facts;
use super::hex;
use super::json::{self, Fields, Interim};
use super::names::{self, Named};
use super::queue::Entry;
use crate::exchange::{Body, ConnectionId, Exchange, ExchangeId, Failure, Headers, Moment, Tunnel};

/// Writes the exchange, in place of an earlier snapshot of it.
pub fn write(connection: &Connection, facts: &mut Facts, entry: &Entry) -> rusqlite::Result<()> {
    let exchange: &Exchange = &entry.exchange;
    let mut columns = Columns::default();
    columns.text("role", entry.role);
    columns.identity(exchange);
    columns.message(exchange);
    columns.timings(exchange);
    columns.failure(exchange.failure.as_ref(), exchange.timings.opened);
    columns.tunnel(exchange.tunnel.as_ref());
    columns.shared(connection, facts, exchange)?;
    columns.body(&REQUEST, &exchange.request_body);
    columns.body(&RESPONSE, &exchange.response_body);
    columns.insert_into(connection)
}

/// The names of a body's columns.
pub struct BodyColumns {
    /// `request_length`
    pub length: &'static str,
    /// `request_complete`
    pub complete: &'static str,
    /// `request_sha256`
    pub sha256: &'static str,
    /// `request_kept`
    pub kept: &'static str,
    /// `request_trailers`
    pub trailers: &'static str,
    /// `request_decoded_from`
    pub decoded_from: &'static str,
    /// `request_body`
    pub bytes: &'static str,
}

/// Those of the request.
pub const REQUEST: BodyColumns = BodyColumns {
    length: "request_length",
    complete: "request_complete",
    sha256: "request_sha256",
    kept: "request_kept",
    trailers: "request_trailers",
    decoded_from: "request_decoded_from",
    bytes: "request_body",
};

/// Those of the response.
pub const RESPONSE: BodyColumns = BodyColumns {
    length: "response_length",
    complete: "response_complete",
    sha256: "response_sha256",
    kept: "response_kept",
    trailers: "response_trailers",
    decoded_from: "response_decoded_from",
    bytes: "response_body",
};

/// The columns that have a value, with their values.
#[derive(Default)]
struct Columns<'a> {
    names: Vec<&'static str>,
    values: Vec<ToSqlOutput<'a>>,
}

impl<'a> Columns<'a> {
    fn identity(&mut self, exchange: &'a Exchange) {
        self.integer("id", exchange.id.number());
        self.text("state", exchange.state.word());
        self.text("origin", exchange.origin.word());
        self.signed("started", Some(exchange.timings.opened.micros()));
        self.text("scheme", exchange.target.scheme.word());
        self.text("host", &*exchange.target.host);
        self.integer("port", exchange.target.port);
        self.integer("answered_by_us", exchange.answered_by_us);
        self.maybe_text("client", exchange.client.map(|address| address.to_string()));
        self.maybe_integer("connection", exchange.connection.map(ConnectionId::number));
        self.maybe_integer("connect", exchange.connect.map(ExchangeId::number));
    }

    fn message(&mut self, exchange: &'a Exchange) {
        let request = exchange.request.as_ref();
        self.maybe_text("method", request.map(|head| &*head.method));
        self.maybe_text("target", request.map(|head| &*head.target));
        self.maybe_text("request_version", request.map(|head| head.version.word()));
        self.headers("request_headers", request.map(|head| &head.headers));
        let response = exchange.response.as_ref();
        self.maybe_integer("status", response.map(|head| head.status));
        self.maybe_text("reason", response.map(|head| &*head.reason));
        self.maybe_text("response_version", response.map(|head| head.version.word()));
        self.headers("response_headers", response.map(|head| &head.headers));
        let interim: Vec<Interim> = exchange.interim.iter().map(Interim::of).collect();
        self.maybe_text("interim", Some(interim).filter(|all| !all.is_empty()).map(|all| json::text(&all)));
    }

    fn timings(&mut self, exchange: &Exchange) {
        let timings = &exchange.timings;
        let mut moment = |name, at: Option<Moment>| self.signed(name, at.map(|at| since(timings.opened, at)));
        moment("request_head", timings.request_head);
        moment("request_end", timings.request_end);
        moment("first_byte", timings.first_byte);
        moment("response_head", timings.response_head);
        moment("response_end", timings.response_end);
        moment("closed", timings.closed);
    }

    fn failure(&mut self, failure: Option<&Failure>, opened: Moment) {
        let Some(failure) = failure else { return };
        self.text("failure_stage", failure.stage.word());
        self.text("failure_side", failure.side.word());
        self.text("failure_kind", failure.kind.as_str().to_owned());
        self.maybe_text("failure_detail", names::failure_detail(&failure.kind));
        self.text("failure_chain", json::text(&failure.chain));
        self.signed("failure_os_code", failure.os_code.map(i64::from));
        self.signed("failure_at", Some(since(opened, failure.at)));
    }

    fn tunnel(&mut self, tunnel: Option<&Tunnel>) {
        let Some(tunnel) = tunnel else { return };
        self.text("tunnel_why", tunnel.why.word());
        self.integer("tunnel_sent", tunnel.sent);
        self.integer("tunnel_received", tunnel.received);
    }

    fn shared(&mut self, connection: &Connection, facts: &mut Facts, exchange: &Exchange) -> rusqlite::Result<()> {
        if let Some(upstream) = &exchange.upstream {
            self.signed("upstream", Some(facts.upstream(connection, upstream)?));
        }
        for (name, handshake) in [("client_tls", &exchange.client_tls), ("upstream_tls", &exchange.upstream_tls)] {
            if let Some(handshake) = handshake {
                self.signed(name, Some(facts.handshake(connection, handshake)?));
            }
        }
        Ok(())
    }

    fn body(&mut self, columns: &BodyColumns, body: &'a Body) {
        self.integer(columns.length, body.length);
        self.integer(columns.complete, body.is_complete);
        self.maybe_text(columns.sha256, body.sha256.map(|digest| hex::text(&digest)));
        self.text(columns.kept, names::kept(body.kept));
        self.headers(columns.trailers, body.trailers.as_ref());
        if !body.decoded_from.is_empty() {
            self.text(columns.decoded_from, json::text(&body.decoded_from));
        }
        if !body.bytes.is_empty() {
            self.add(columns.bytes, ToSqlOutput::Borrowed(ValueRef::Blob(&body.bytes)));
        }
    }

    fn headers(&mut self, name: &'static str, headers: Option<&Headers>) {
        self.maybe_text(name, headers.map(|headers| json::text(&Fields::of(headers))));
    }

    fn maybe_text(&mut self, name: &'static str, text: Option<impl Into<Cow<'a, str>>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn text(&mut self, name: &'static str, text: impl Into<Cow<'a, str>>) {
        self.add(
            name,
            match text.into() {
                Cow::Borrowed(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
                Cow::Owned(text) => ToSqlOutput::Owned(Value::Text(text)),
            },
        );
    }

    fn maybe_integer(&mut self, name: &'static str, number: Option<impl Into<u64>>) {
        if let Some(number) = number {
            self.integer(name, number);
        }
    }

    /// SQLite's integers have a sign: numbers past the middle are written as negative ones, and read back so.
    fn integer(&mut self, name: &'static str, number: impl Into<u64>) {
        self.signed(name, Some(number.into().cast_signed()));
    }

    fn signed(&mut self, name: &'static str, number: Option<i64>) {
        if let Some(number) = number {
            self.add(name, ToSqlOutput::Owned(Value::Integer(number)));
        }
    }

    fn add(&mut self, name: &'static str, value: ToSqlOutput<'a>) {
        self.names.push(name);
        self.values.push(value);
    }

    /// The statement differs by which columns have values; a capture has few such sets, and each is prepared once.
    fn insert_into(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut marks = "?,".repeat(self.names.len());
        marks.pop();
        let sql = format!("INSERT OR REPLACE INTO exchange ({}) VALUES ({marks})", self.names.join(","));
        connection.prepare_cached(&sql)?.execute(params_from_iter(&self.values))?;
        Ok(())
    }
}

fn since(opened: Moment, at: Moment) -> i64 {
    at.micros().wrapping_sub(opened.micros())
}
