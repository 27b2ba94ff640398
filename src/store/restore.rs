//! A row of a session file as the exchange that it was made from.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use super::columns::{BodyColumns, REQUEST, RESPONSE};
use super::hex;
use super::json::{self, Fields, Hello, Interim};
use super::names::{self, Named};
use crate::exchange::tls::{Alert, AlertSender};
use crate::exchange::{
    Body, ConnectionId, Exchange, ExchangeId, Failure, Headers, Moment, Origin, RequestHead, ResponseHead, Scheme,
    Side, Stage, State, Target, Timings, TlsFacts, Tunnel, Upstream, Version, WhyOpaque,
};

/// Why a row cannot be read.
#[derive(Debug)]
pub enum RowError {
    /// SQLite could not read it.
    Sqlite(rusqlite::Error),
    /// This column holds what no version of pulltap writes.
    Column(&'static str),
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

type Read<T> = Result<T, RowError>;

/// Handshakes and servers that exchanges share are read once and shared again; this many of each are remembered.
const REMEMBERED: usize = 1024;

/// What was read already and may be shared.
#[derive(Default)]
pub struct Known {
    places: Option<Places>,
    handshakes: HashMap<i64, Arc<TlsFacts>>,
    upstreams: HashMap<i64, Arc<Upstream>>,
}

/// The exchange in this row of the table `exchange`.
pub fn exchange(connection: &Connection, known: &mut Known, row: &Row<'_>) -> Read<Exchange> {
    let places = match known.places.take() {
        Some(places) => places,
        None => Places::of(row)?,
    };
    let read = exchange_in(connection, known, &Columns { row, places: &places });
    known.places = Some(places);
    read
}

fn exchange_in(connection: &Connection, known: &mut Known, columns: &Columns<'_>) -> Read<Exchange> {
    let opened = Moment::from_micros(columns.needed("started")?);
    Ok(Exchange {
        id: columns.id("id", ExchangeId::new)?.ok_or(RowError::Column("id"))?,
        origin: columns.word::<Origin>("origin")?.ok_or(RowError::Column("origin"))?,
        connection: columns.id("connection", ConnectionId::new)?,
        connect: columns.id("connect", ExchangeId::new)?,
        client: columns.parsed("client")?,
        target: Target {
            scheme: columns.word::<Scheme>("scheme")?.ok_or(RowError::Column("scheme"))?,
            host: columns.needed("host")?,
            port: columns.needed("port")?,
        },
        request: columns.request()?,
        request_body: columns.body(&REQUEST, connection)?,
        interim: columns.interim()?,
        response: columns.response()?,
        response_body: columns.body(&RESPONSE, connection)?,
        timings: columns.timings(opened)?,
        upstream: columns.shared("upstream", connection, &mut known.upstreams, upstream)?,
        client_tls: columns.shared("client_tls", connection, &mut known.handshakes, handshake)?,
        upstream_tls: columns.shared("upstream_tls", connection, &mut known.handshakes, handshake)?,
        tunnel: columns.tunnel()?,
        answered_by_us: columns.needed("answered_by_us")?,
        failure: columns.failure(opened)?,
        state: columns.word::<State>("state")?.ok_or(RowError::Column("state"))?,
    })
}

fn upstream(connection: &Connection, id: i64) -> Read<Upstream> {
    let mut select = connection.prepare_cached("SELECT * FROM upstream WHERE id = ?")?;
    let mut rows = select.query([id])?;
    let row = rows.next()?.ok_or(RowError::Column("upstream"))?;
    let columns = Columns { row, places: &Places::of(row)? };
    let addresses: Vec<String> = columns.json("addresses")?.ok_or(RowError::Column("addresses"))?;
    let addresses = addresses.iter().map(|text| text.parse()).collect::<Result<_, _>>();
    let moment = |name| columns.maybe(name).map(|micros| micros.map(Moment::from_micros));
    Ok(Upstream {
        addresses: addresses.map_err(|_| RowError::Column("addresses"))?,
        address: columns.parsed("address")?,
        resolve_start: moment("resolve_start")?,
        resolve_end: moment("resolve_end")?,
        connect_start: moment("connect_start")?,
        connect_end: moment("connect_end")?,
        parent_proxy: columns.maybe("parent_proxy")?,
    })
}

fn handshake(connection: &Connection, id: i64) -> Read<TlsFacts> {
    let mut select = connection.prepare_cached("SELECT * FROM tls WHERE id = ?")?;
    let mut rows = select.query([id])?;
    let row = rows.next()?.ok_or(RowError::Column("client_tls"))?;
    let columns = Columns { row, places: &Places::of(row)? };
    let start = Moment::from_micros(columns.needed("started")?);
    let words: Option<String> = columns.maybe("verdict_words")?;
    let verdict: String = columns.needed("verdict")?;
    let hello = columns.json::<Hello>("hello")?.map(|hello| (hello, columns.maybe("sni")));
    let hello = match hello {
        Some((hello, sni)) => Some(hello.into_hello(sni?).ok_or(RowError::Column("hello"))?),
        None => None,
    };
    let chain: Vec<i64> = columns.json("chain")?.ok_or(RowError::Column("chain"))?;
    Ok(TlsFacts {
        start,
        end: columns.maybe("duration")?.map(|micros: i64| after(start, micros)),
        hello,
        version: columns.maybe("version")?,
        suite: columns.maybe("suite")?,
        group: columns.maybe("key_group")?,
        alpn: columns.bytes("alpn")?,
        name: columns.needed("name")?,
        chain: chain.into_iter().map(|id| certificate(connection, id)).collect::<Read<_>>()?,
        verdict: names::read_verdict(&verdict, words.as_deref()).ok_or(RowError::Column("verdict"))?,
        alert: columns.alert()?,
    })
}

fn certificate(connection: &Connection, id: i64) -> Read<Vec<u8>> {
    let mut select = connection.prepare_cached("SELECT der FROM certificate WHERE id = ?")?;
    Ok(select.query_row([id], |row| row.get(0))?)
}

fn after(start: Moment, micros: i64) -> Moment {
    Moment::from_micros(start.micros().wrapping_add(micros))
}

/// Where a table's columns stand in a row. SQLite itself would compare the names of all columns for each that is read.
struct Places(HashMap<String, usize>);

impl Places {
    fn of(row: &Row<'_>) -> Read<Self> {
        let statement = row.as_ref();
        let names = (0..statement.column_count()).map(|at| Ok((statement.column_name(at)?.to_owned(), at)));
        Ok(Self(names.collect::<rusqlite::Result<_>>()?))
    }
}

/// The columns of one row, by name.
struct Columns<'a> {
    row: &'a Row<'a>,
    places: &'a Places,
}

impl Columns<'_> {
    fn request(&self) -> Read<Option<RequestHead>> {
        let Some(method) = self.maybe("method")? else { return Ok(None) };
        Ok(Some(RequestHead {
            method,
            target: self.needed("target")?,
            version: self.word::<Version>("request_version")?.ok_or(RowError::Column("request_version"))?,
            headers: self.headers("request_headers")?.ok_or(RowError::Column("request_headers"))?,
        }))
    }

    fn response(&self) -> Read<Option<ResponseHead>> {
        let Some(status) = self.maybe("status")? else { return Ok(None) };
        Ok(Some(ResponseHead {
            status,
            reason: self.needed("reason")?,
            version: self.word::<Version>("response_version")?.ok_or(RowError::Column("response_version"))?,
            headers: self.headers("response_headers")?.ok_or(RowError::Column("response_headers"))?,
        }))
    }

    fn interim(&self) -> Read<Vec<ResponseHead>> {
        let all: Vec<Interim> = self.json("interim")?.unwrap_or_default();
        all.into_iter().map(|one| one.into_head().ok_or(RowError::Column("interim"))).collect()
    }

    fn body(&self, columns: &BodyColumns, connection: &Connection) -> Read<Body> {
        let kept: String = self.needed(columns.kept)?;
        let sha256: Option<String> = self.maybe(columns.sha256)?;
        let sha256 = sha256.map(|text| hex::read_sha256(&text).ok_or(RowError::Column(columns.sha256)));
        Ok(Body {
            length: self.number(columns.length)?.unwrap_or(0),
            is_complete: self.needed(columns.complete)?,
            sha256: sha256.transpose()?,
            kept: names::read_kept(&kept).ok_or(RowError::Column(columns.kept))?,
            bytes: self.content(columns.content, connection)?,
            decoded_from: self.json(columns.decoded_from)?.unwrap_or_default(),
            trailers: self.headers(columns.trailers)?,
        })
    }

    fn content(&self, name: &'static str, connection: &Connection) -> Read<Vec<u8>> {
        let Some(id) = self.maybe::<i64>(name)? else { return Ok(Vec::new()) };
        let mut select = connection.prepare_cached("SELECT bytes FROM content WHERE id = ?")?;
        let bytes = select.query_row([id], |row| row.get(0)).optional()?;
        bytes.ok_or(RowError::Column(name))
    }

    fn timings(&self, opened: Moment) -> Read<Timings> {
        let moment = |name| self.maybe(name).map(|micros| micros.map(|micros| after(opened, micros)));
        Ok(Timings {
            opened,
            request_head: moment("request_head")?,
            request_end: moment("request_end")?,
            first_byte: moment("first_byte")?,
            response_head: moment("response_head")?,
            response_end: moment("response_end")?,
            closed: moment("closed")?,
        })
    }

    fn failure(&self, opened: Moment) -> Read<Option<Failure>> {
        let Some(stage) = self.word::<Stage>("failure_stage")? else { return Ok(None) };
        let kind: String = self.needed("failure_kind")?;
        let detail: Option<String> = self.maybe("failure_detail")?;
        Ok(Some(Failure {
            stage,
            side: self.word::<Side>("failure_side")?.ok_or(RowError::Column("failure_side"))?,
            kind: names::read_failure_kind(&kind, detail.as_deref()).ok_or(RowError::Column("failure_kind"))?,
            chain: self.json("failure_chain")?.ok_or(RowError::Column("failure_chain"))?,
            os_code: self.maybe("failure_os_code")?,
            at: after(opened, self.needed("failure_at")?),
        }))
    }

    fn tunnel(&self) -> Read<Option<Tunnel>> {
        let Some(why) = self.word::<WhyOpaque>("tunnel_why")? else { return Ok(None) };
        let (sent, received) = (self.number("tunnel_sent")?, self.number("tunnel_received")?);
        Ok(Some(Tunnel { why, sent: sent.unwrap_or(0), received: received.unwrap_or(0) }))
    }

    fn alert(&self) -> Read<Option<Alert>> {
        let Some(code) = self.maybe("alert")? else { return Ok(None) };
        let sender = self.word::<AlertSender>("alert_sender")?.ok_or(RowError::Column("alert_sender"))?;
        Ok(Some(Alert { code, sender }))
    }

    /// The row of another table that this column refers to.
    fn shared<T>(
        &self,
        name: &'static str,
        connection: &Connection,
        known: &mut HashMap<i64, Arc<T>>,
        read: impl FnOnce(&Connection, i64) -> Read<T>,
    ) -> Read<Option<Arc<T>>> {
        let Some(id) = self.maybe(name)? else { return Ok(None) };
        if let Some(shared) = known.get(&id) {
            return Ok(Some(Arc::clone(shared)));
        }
        let shared = Arc::new(read(connection, id)?);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(id, Arc::clone(&shared));
        Ok(Some(shared))
    }

    fn headers(&self, name: &'static str) -> Read<Option<Headers>> {
        let fields: Option<Fields> = self.json(name)?;
        fields.map(|fields| fields.into_headers().ok_or(RowError::Column(name))).transpose()
    }

    fn json<T: DeserializeOwned>(&self, name: &'static str) -> Read<Option<T>> {
        let text: Option<String> = self.maybe(name)?;
        text.map(|text| json::read(&text).ok_or(RowError::Column(name))).transpose()
    }

    fn word<T: Named>(&self, name: &'static str) -> Read<Option<T>> {
        let word: Option<String> = self.maybe(name)?;
        word.map(|word| T::from_word(&word).ok_or(RowError::Column(name))).transpose()
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Read<Option<T>> {
        let text: Option<String> = self.maybe(name)?;
        text.map(|text| text.parse().map_err(|_| RowError::Column(name))).transpose()
    }

    fn id<T>(&self, name: &'static str, new: impl FnOnce(u64) -> Option<T>) -> Read<Option<T>> {
        Ok(self.number(name)?.and_then(new))
    }

    /// SQLite's integers have a sign; numbers past the middle were written as negative ones.
    fn number(&self, name: &'static str) -> Read<Option<u64>> {
        Ok(self.maybe::<i64>(name)?.map(i64::cast_unsigned))
    }

    fn bytes(&self, name: &'static str) -> Read<Option<Vec<u8>>> {
        match self.row.get_ref(self.place(name)?)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Some(bytes.to_owned())),
            ValueRef::Null => Ok(None),
            ValueRef::Integer(_) | ValueRef::Real(_) => Err(RowError::Column(name)),
        }
    }

    fn place(&self, name: &'static str) -> Read<usize> {
        self.places.0.get(name).copied().ok_or(RowError::Column(name))
    }

    fn needed<T: FromSql>(&self, name: &'static str) -> Read<T> {
        self.maybe(name)?.ok_or(RowError::Column(name))
    }

    /// What the column holds; `None` where that is NULL.
    fn maybe<T: FromSql>(&self, name: &'static str) -> Read<Option<T>> {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        self.row.get(self.place(name)?).map_err(|error| match error {
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => {
                RowError::Column(name)
            }
            error => RowError::Sqlite(error),
        })
    }
}
