//! An exchange as one row: its columns by name.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection};

use super::facts::Facts;
use super::hex;
use super::json::{self, Fields, Interim};
use super::names::{self, Named};
use super::queue::Entry;
use crate::exchange::{Body, ConnectionId, Exchange, ExchangeId, Failure, Headers, Moment, TlsFacts, Tunnel};

/// What was not seen.
const NULL: ToSqlOutput<'static> = ToSqlOutput::Owned(Value::Null);

/// The table's rows for the exchanges of one transaction, written with one statement.
pub struct Rows<'a> {
    connection: &'a Connection,
    facts: &'a mut Facts,
    insert: Option<CachedStatement<'a>>,
}

impl<'a> Rows<'a> {
    /// Rows of a transaction on this connection, which refer to these facts.
    pub fn new(connection: &'a Connection, facts: &'a mut Facts) -> Self {
        Self { connection, facts, insert: None }
    }

    /// Writes the exchange, in place of an earlier snapshot of it.
    pub fn write(&mut self, entry: &Entry) -> rusqlite::Result<()> {
        let references = References::of(self.connection, self.facts, &entry.exchange)?;
        let insert = match &mut self.insert {
            Some(insert) => insert,
            none => none.insert(self.connection.prepare_cached(insert_into(entry, &references))?),
        };
        let mut bound = Ok(());
        let mut at = 0;
        row(entry, &references, |_, value| {
            at += 1;
            // Nothing is bound to begin with.
            if value != NULL && bound.is_ok() {
                bound = insert.raw_bind_parameter(at, value);
            }
        });
        bound?;
        insert.raw_execute()?;
        insert.clear_bindings();
        Ok(())
    }
}

/// Every exchange has all columns, in the same order: one statement writes them all.
fn insert_into(entry: &Entry, references: &References) -> &'static str {
    static INSERT: OnceLock<String> = OnceLock::new();
    INSERT.get_or_init(|| {
        let mut names = Vec::new();
        row(entry, references, |name, _| names.push(name));
        let marks = vec!["?"; names.len()].join(",");
        format!("INSERT OR REPLACE INTO exchange ({}) VALUES ({marks})", names.join(","))
    })
}

/// Tells `add` each column of the exchange with its value.
fn row<'a>(entry: &'a Entry, references: &References, add: impl FnMut(&'static str, ToSqlOutput<'a>)) {
    let exchange: &Exchange = &entry.exchange;
    let mut columns = Columns(add);
    columns.text("role", entry.role);
    columns.identity(exchange);
    columns.message(exchange);
    columns.timings(exchange);
    columns.failure(exchange.failure.as_ref(), exchange.timings.opened);
    columns.tunnel(exchange.tunnel.as_ref());
    columns.references(references);
    columns.body(&REQUEST, &exchange.request_body);
    columns.body(&RESPONSE, &exchange.response_body);
}

/// The numbers of what an exchange shares with others.
struct References {
    upstream: Option<i64>,
    client_tls: Option<i64>,
    upstream_tls: Option<i64>,
    request_body: Option<i64>,
    response_body: Option<i64>,
}

impl References {
    /// Writes what is not written yet.
    fn of(connection: &Connection, facts: &mut Facts, exchange: &Exchange) -> rusqlite::Result<Self> {
        let Exchange { upstream, client_tls, upstream_tls, .. } = exchange;
        let upstream = upstream.as_ref().map(|upstream| facts.upstream(connection, upstream));
        let mut handshake = |tls: &Option<Arc<TlsFacts>>| {
            tls.as_ref().map(|handshake| facts.handshake(connection, handshake)).transpose()
        };
        let (client_tls, upstream_tls) = (handshake(client_tls)?, handshake(upstream_tls)?);
        let mut content =
            |columns: &BodyColumns, body: &Body| facts.content(connection, exchange, (columns.content, &body.bytes));
        Ok(Self {
            upstream: upstream.transpose()?,
            client_tls,
            upstream_tls,
            request_body: content(&REQUEST, &exchange.request_body)?,
            response_body: content(&RESPONSE, &exchange.response_body)?,
        })
    }
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
    pub content: &'static str,
}

/// Those of the request.
pub const REQUEST: BodyColumns = BodyColumns {
    length: "request_length",
    complete: "request_complete",
    sha256: "request_sha256",
    kept: "request_kept",
    trailers: "request_trailers",
    decoded_from: "request_decoded_from",
    content: "request_body",
};

/// Those of the response.
pub const RESPONSE: BodyColumns = BodyColumns {
    length: "response_length",
    complete: "response_complete",
    sha256: "response_sha256",
    kept: "response_kept",
    trailers: "response_trailers",
    decoded_from: "response_decoded_from",
    content: "response_body",
};

/// Tells each column by its kind.
struct Columns<F>(F);

impl<'a, F: FnMut(&'static str, ToSqlOutput<'a>)> Columns<F> {
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
        self.maybe_text("failure_stage", failure.map(|failure| failure.stage.word()));
        self.maybe_text("failure_side", failure.map(|failure| failure.side.word()));
        self.maybe_text("failure_kind", failure.map(|failure| failure.kind.as_str().to_owned()));
        self.maybe_text("failure_detail", failure.and_then(|failure| names::failure_detail(&failure.kind)));
        self.maybe_text("failure_chain", failure.map(|failure| json::text(&failure.chain)));
        self.signed("failure_os_code", failure.and_then(|failure| failure.os_code).map(i64::from));
        self.signed("failure_at", failure.map(|failure| since(opened, failure.at)));
    }

    fn tunnel(&mut self, tunnel: Option<&Tunnel>) {
        self.maybe_text("tunnel_why", tunnel.map(|tunnel| tunnel.why.word()));
        self.maybe_integer("tunnel_sent", tunnel.map(|tunnel| tunnel.sent));
        self.maybe_integer("tunnel_received", tunnel.map(|tunnel| tunnel.received));
    }

    fn references(&mut self, references: &References) {
        self.signed("upstream", references.upstream);
        self.signed("client_tls", references.client_tls);
        self.signed("upstream_tls", references.upstream_tls);
        self.signed(REQUEST.content, references.request_body);
        self.signed(RESPONSE.content, references.response_body);
    }

    fn body(&mut self, columns: &BodyColumns, body: &'a Body) {
        self.integer(columns.length, body.length);
        self.integer(columns.complete, body.is_complete);
        self.maybe_text(columns.sha256, body.sha256.map(|digest| hex::text(&digest)));
        self.text(columns.kept, names::kept(body.kept));
        self.headers(columns.trailers, body.trailers.as_ref());
        let is_decoded = !body.decoded_from.is_empty();
        self.maybe_text(columns.decoded_from, is_decoded.then(|| json::text(&body.decoded_from)));
    }

    fn headers(&mut self, name: &'static str, headers: Option<&Headers>) {
        self.maybe_text(name, headers.map(|headers| json::text(&Fields::of(headers))));
    }

    fn maybe_text(&mut self, name: &'static str, text: Option<impl Into<Cow<'a, str>>>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.add(name, NULL),
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
        match number {
            Some(number) => self.integer(name, number),
            None => self.add(name, NULL),
        }
    }

    /// SQLite's integers have a sign: numbers past the middle are written as negative ones, and read back so.
    fn integer(&mut self, name: &'static str, number: impl Into<u64>) {
        self.signed(name, Some(number.into().cast_signed()));
    }

    fn signed(&mut self, name: &'static str, number: Option<i64>) {
        self.add(name, number.map_or(NULL, |number| ToSqlOutput::Owned(Value::Integer(number))));
    }

    fn add(&mut self, name: &'static str, value: ToSqlOutput<'a>) {
        (self.0)(name, value);
    }
}

fn since(opened: Moment, at: Moment) -> i64 {
    at.micros().wrapping_sub(opened.micros())
}
