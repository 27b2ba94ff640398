//! Writes what exchanges share (handshakes, certificates, how the server was reached, what is fetched again) once, and
//! gives its number.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::{Connection, OptionalExtension, params};

use super::hex;
use super::json::{self, Hello};
use super::names::{Named, verdict_words};
use crate::exchange::tls_names::{group_name, suite_name, version_name};
use crate::exchange::{Exchange, ExchangeId, Moment, TlsFacts, Upstream};

/// Handshakes and connections that are remembered: more than a client keeps open at once. One that was forgotten is
/// written again, which costs a row and nothing else.
const REMEMBERED: usize = 256;

/// Contents that are remembered, and up to which length: a manifest or an answer that is asked for again and again is
/// written once. One that was forgotten is written again.
const REMEMBERED_CONTENTS: usize = 16;
const LONGEST_REMEMBERED: usize = 64 << 10;

/// Certificates that are remembered; the table itself knows the others.
const REMEMBERED_CERTIFICATES: usize = 1024;

/// The numbers of what was written before.
#[derive(Default)]
pub struct Facts {
    handshakes: Recent<TlsFacts>,
    upstreams: Recent<Upstream>,
    certificates: HashMap<Vec<u8>, i64>,
    contents: VecDeque<(Vec<u8>, i64)>,
    unfinished: HashMap<(ExchangeId, &'static str), i64>,
}

impl Facts {
    /// The number of the content that this column of the exchange refers to, if there is any. That of an exchange which
    /// still runs is its own, and takes the place of what was written of it before.
    pub fn content(
        &mut self,
        connection: &Connection,
        exchange: &Exchange,
        (column, bytes): (&'static str, &[u8]),
    ) -> rusqlite::Result<Option<i64>> {
        let earlier = self.unfinished.remove(&(exchange.id, column));
        if bytes.is_empty() {
            if let Some(id) = earlier {
                connection.prepare_cached("DELETE FROM content WHERE id = ?")?.execute([id])?;
            }
            return Ok(None);
        }
        if earlier.is_none()
            && exchange.is_over()
            && let Some((_, id)) = self.contents.iter().find(|(known, _)| known == bytes)
        {
            return Ok(Some(*id));
        }
        let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO content (id, bytes) VALUES (?, ?)")?;
        insert.execute(params![earlier, bytes])?;
        let id = earlier.unwrap_or_else(|| connection.last_insert_rowid());
        if !exchange.is_over() {
            self.unfinished.insert((exchange.id, column), id);
        } else if bytes.len() <= LONGEST_REMEMBERED {
            self.contents.truncate(REMEMBERED_CONTENTS - 1);
            self.contents.push_front((bytes.to_owned(), id));
        }
        Ok(Some(id))
    }

    /// The number of this handshake.
    pub fn handshake(&mut self, connection: &Connection, facts: &Arc<TlsFacts>) -> rusqlite::Result<i64> {
        if let Some(id) = self.handshakes.find(facts) {
            return Ok(id);
        }
        let mut chain = Vec::with_capacity(facts.chain.len());
        for der in &facts.chain {
            chain.push(self.certificate(connection, der)?);
        }
        insert_handshake(connection, facts, &chain)?;
        Ok(self.handshakes.remember(facts, connection.last_insert_rowid()))
    }

    /// The number of how this server was reached.
    pub fn upstream(&mut self, connection: &Connection, upstream: &Arc<Upstream>) -> rusqlite::Result<i64> {
        if let Some(id) = self.upstreams.find(upstream) {
            return Ok(id);
        }
        let addresses: Vec<String> = upstream.addresses.iter().map(ToString::to_string).collect();
        let mut insert = connection.prepare_cached(
            "INSERT INTO upstream (address, addresses, resolve_start, resolve_end, connect_start, connect_end,
                                   parent_proxy)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        insert.execute(params![
            upstream.address.map(|address| address.to_string()),
            json::text(&addresses),
            upstream.resolve_start.map(Moment::micros),
            upstream.resolve_end.map(Moment::micros),
            upstream.connect_start.map(Moment::micros),
            upstream.connect_end.map(Moment::micros),
            upstream.parent_proxy,
        ])?;
        Ok(self.upstreams.remember(upstream, connection.last_insert_rowid()))
    }

    fn certificate(&mut self, connection: &Connection, der: &[u8]) -> rusqlite::Result<i64> {
        if let Some(id) = self.certificates.get(der) {
            return Ok(*id);
        }
        let sha256 = hex::text(digest(&SHA256, der).as_ref());
        let known = connection
            .prepare_cached("SELECT id FROM certificate WHERE sha256 = ?")?
            .query_row([&sha256], |row| row.get(0))
            .optional()?;
        let id = if let Some(id) = known {
            id
        } else {
            connection
                .prepare_cached("INSERT INTO certificate (sha256, der) VALUES (?, ?)")?
                .execute(params![sha256, der])?;
            connection.last_insert_rowid()
        };
        if self.certificates.len() >= REMEMBERED_CERTIFICATES {
            self.certificates.clear();
        }
        self.certificates.insert(der.to_owned(), id);
        Ok(id)
    }
}

fn insert_handshake(connection: &Connection, facts: &TlsFacts, chain: &[i64]) -> rusqlite::Result<usize> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO tls (started, duration, summary, name, sni, version, suite, key_group, alpn, verdict,
             verdict_words, alert, alert_sender, hello, chain)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        facts.start.micros(),
        facts.end.map(|end| end.micros().wrapping_sub(facts.start.micros())),
        summary(facts),
        facts.name,
        facts.hello.as_ref().and_then(|hello| hello.sni.as_deref()),
        facts.version,
        facts.suite,
        facts.group,
        facts.alpn.as_deref().map(text_or_blob),
        facts.verdict.as_str(),
        verdict_words(&facts.verdict),
        facts.alert.map(|alert| alert.code),
        facts.alert.map(|alert| alert.sender.word()),
        facts.hello.as_ref().map(|hello| json::text(&Hello::of(hello))),
        json::text(&chain),
    ])
}

fn text_or_blob(bytes: &[u8]) -> rusqlite::types::ToSqlOutput<'_> {
    use rusqlite::types::{ToSqlOutput, ValueRef};
    ToSqlOutput::Borrowed(match str::from_utf8(bytes) {
        Ok(text) => ValueRef::Text(text.as_bytes()),
        Err(_) => ValueRef::Blob(bytes),
    })
}

/// What was negotiated, by its names.
fn summary(facts: &TlsFacts) -> String {
    let names = [facts.version.map(version_name), facts.suite.map(suite_name), facts.group.map(group_name)];
    let names: Vec<_> = names.into_iter().flatten().collect();
    names.join(", ")
}

/// Facts that were written lately, newest first.
struct Recent<T>(VecDeque<(Arc<T>, i64)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: PartialEq> Recent<T> {
    /// By value: redaction may have made a new one of each exchange's.
    fn find(&self, facts: &Arc<T>) -> Option<i64> {
        self.0.iter().find(|(known, _)| Arc::ptr_eq(known, facts) || known == facts).map(|(_, id)| *id)
    }

    fn remember(&mut self, facts: &Arc<T>, id: i64) -> i64 {
        self.0.truncate(REMEMBERED - 1);
        self.0.push_front((Arc::clone(facts), id));
        id
    }
}
