//! Writes a HAR, entry by entry: whatever was written so far needs only the end to be a whole file.

use std::collections::HashSet;
use std::io::{self, Write};

use serde_json::json;

use super::Conclusions;
use super::entry::Entry;
use super::phases::Connection;
use super::tls_record::Certificates;
use crate::exchange::{ConnectionId, Exchange, Moment};
use crate::redact::Redacted;

/// Writes exchanges as a HAR.
///
/// Entries come in the order in which they are given, which has to be that of their beginnings (of their ids). Nothing
/// is held in memory but which connections were seen, the certificates, each once, and what no list shows.
pub struct Writer<W> {
    out: W,
    redaction: String,
    entries: u64,
    connections: HashSet<ConnectionKey>,
    certificates: Certificates,
    line: Vec<u8>,
    unlisted: Vec<u8>,
}

/// What tells one connection to a server from another: the client's connection, and when it was begun.
type ConnectionKey = (Option<ConnectionId>, Option<Moment>, Option<Moment>);

impl<W: Write> Writer<W> {
    /// Begins a HAR; `redaction` says in a sentence what was masked.
    pub fn new(mut out: W, redaction: &str) -> io::Result<Self> {
        let creator = json!({"name": "pulltap", "version": env!("CARGO_PKG_VERSION")});
        let comment = json!(redaction);
        let head = format!(r#""version":"1.2","creator":{creator},"comment":{comment},"pages":[]"#);
        writeln!(out, "{{\"log\":{{{head},\"entries\":[")?;
        Ok(Self {
            out,
            redaction: redaction.to_owned(),
            entries: 0,
            connections: HashSet::new(),
            certificates: Certificates::default(),
            line: Vec::new(),
            unlisted: Vec::new(),
        })
    }

    /// Writes the next exchange, and what it is to a registry client.
    ///
    /// What no list shows is none of the file's entries. It stands at the end, among what only pulltap reads.
    pub fn entry(&mut self, exchange: &Redacted<Exchange>, role: Option<&str>) -> io::Result<()> {
        let connection = self.connection(exchange);
        let entry = Entry::of(exchange, role, connection, &mut self.certificates);
        if !exchange.is_listed() {
            if !self.unlisted.is_empty() {
                self.unlisted.extend_from_slice(b",\n");
            }
            return Ok(serde_json::to_writer(&mut self.unlisted, &entry)?);
        }
        self.line.clear();
        if self.entries > 0 {
            self.line.extend_from_slice(b",\n");
        }
        serde_json::to_writer(&mut self.line, &entry)?;
        self.out.write_all(&self.line)?;
        self.entries += 1;
        Ok(())
    }

    fn connection(&mut self, exchange: &Exchange) -> Connection {
        let Some(upstream) = &exchange.upstream else {
            return Connection::Reused;
        };
        let key = (exchange.connection, upstream.resolve_start, upstream.connect_start);
        if self.connections.insert(key) { Connection::New } else { Connection::Reused }
    }

    /// Writes the end, with what was concluded from the exchanges, and gives the output back.
    pub fn finish(mut self, conclusions: &Conclusions) -> io::Result<W> {
        let pulltap = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "redaction": self.redaction,
            "operations": conclusions.operations,
            "findings": conclusions.findings,
            "certificates": self.certificates.list(),
        });
        let pulltap = pulltap.to_string();
        let facts = pulltap.strip_suffix('}').unwrap_or(&pulltap);
        write!(self.out, "\n],\"_pulltap\":{facts},\"unlisted\":[")?;
        self.out.write_all(&self.unlisted)?;
        writeln!(self.out, "]}}}}}}")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
