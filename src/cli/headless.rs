//! The proxy without a user interface: one line per exchange and per finding on standard output.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::args::capture::Show;
use super::front_end::{End, FrontEnd};
use super::handover::{self, SavedHars};
use crate::capture::{Listening, Summary, Understood, Update};
use crate::diagnose::{Catalogue, Change};
use crate::exchange::Moment;
use crate::language::Language;
use crate::printable::printable;
use crate::report::{json, line, quantity};
use crate::store::{Health, Recorded};

/// Prints a capture's updates in one of two forms.
pub struct Printer {
    form: Form,
    catalogue: Catalogue,
    language: Language,
    zone: TimeZone,
    /// Lines that are not printed yet.
    lines: String,
}

/// So many bytes of lines are printed without waiting for more.
const MANY_LINES: usize = 64 << 10;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Printer {
    /// A printer in the form that was asked for.
    pub fn new(show: &Show, language: Language) -> Self {
        let form = if show.json { Form::Json } else { Form::Text };
        let zone = match form {
            Form::Text => TimeZone::system(),
            // JSON has its times in UTC; looking the zone up takes a while.
            Form::Json => TimeZone::UTC,
        };
        Self { form, catalogue: Catalogue::built_in(), language, zone, lines: String::new() }
    }

    fn exchange_line(&self, understood: &Understood<'_>, now: Moment) -> String {
        line::exchange(understood.exchange, &self.notes(understood), now, &self.zone)
    }

    fn exchange_object(&self, understood: &Understood<'_>, now: Moment) -> Map<String, Value> {
        json::exchange(understood.exchange, understood.role, &self.notes(understood), now)
    }

    fn add(&mut self, line: &str) {
        self.lines.push_str(line);
        self.lines.push('\n');
    }

    /// Prints the lines that there are; a reader that has gone ends the capture.
    fn print(&mut self) -> Listening {
        let mut out = io::stdout().lock();
        let printed = out.write_all(self.lines.as_bytes()).and_then(|()| out.flush());
        self.lines.clear();
        if printed.is_ok() { Listening::Yes } else { Listening::No }
    }

    fn notes(&self, understood: &Understood<'_>) -> Vec<String> {
        understood.notes.iter().map(|note| note.text(&self.catalogue, self.language)).collect()
    }
}

impl FrontEnd for Printer {
    fn listening(&mut self, address: SocketAddr, data_dir: &Path) -> Listening {
        self.add(&match self.form {
            Form::Json => json!({"type": "listening", "address": address.to_string()}).to_string(),
            Form::Text => format!(
                "pulltap listens on {address}: set HTTPS_PROXY=http://{address} and let the client trust {}",
                data_dir.join("ca.crt").display()
            ),
        });
        self.print()
    }

    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening {
        let text = match update {
            Update::UpToDate => return self.print(),
            Update::Running(_) => return Listening::Yes,
            Update::Over(understood) if !understood.exchange.is_listed() => return Listening::Yes,
            Update::Over(understood) => match self.form {
                Form::Json => with_type("exchange", self.exchange_object(understood, now)),
                Form::Text => self.exchange_line(understood, now),
            },
            Update::Waiting(understood, seconds) => match self.form {
                Form::Json => {
                    let mut object = self.exchange_object(understood, now);
                    object.insert("seconds".to_owned(), json!(seconds));
                    with_type("waiting", object)
                }
                Form::Text => self.exchange_line(understood, now),
            },
            Update::Finding(Change::Found(finding)) => {
                let explained = finding.explained(&self.catalogue, self.language);
                match self.form {
                    Form::Json => with_type("finding", json::finding(finding, &explained)),
                    Form::Text => line::finding(finding, &explained),
                }
            }
            Update::Recording(health) => match self.form {
                Form::Json => trouble(health).to_string(),
                Form::Text => recording(health),
            },
            Update::Finding(Change::Ended(operation)) => match self.form {
                Form::Json => with_type("operation", json::operation(operation)),
                Form::Text => line::operation(operation, self.language),
            },
            Update::Finding(Change::Retracted(id)) => match self.form {
                Form::Json => json!({"type": "retracted", "id": id.as_str()}).to_string(),
                Form::Text => format!("no longer holds: {id}"),
            },
        };
        self.add(&text);
        if self.lines.len() < MANY_LINES { Listening::Yes } else { self.print() }
    }

    fn ended(&mut self, end: &End) {
        let Summary { exchanges, failed, response_bytes, findings, operations } = &end.capture.summary;
        let recorded = end.capture.recorded.as_ref();
        let trouble: Vec<_> = findings.iter().filter(|finding| finding.is_trouble()).collect();
        if self.form == Form::Json {
            let summary = json!({
                "type": "summary",
                "exchanges": exchanges,
                "failed": failed,
                "response_bytes": response_bytes,
                "operations": operations.len(),
                "findings": trouble.len(),
                "session": recorded.map(|recorded| recorded.path.to_string_lossy()),
                "lost": recorded.map_or(0, |recorded| recorded.health.lost),
                "har": end.har.as_ref().map(|path| path.to_string_lossy()),
            });
            self.add(&summary.to_string());
            self.print();
            return;
        }
        let received = quantity::bytes(*response_bytes);
        let session = recorded.map_or_else(|| "; nothing was recorded, so no session is kept".to_owned(), session);
        self.add(&format!(
            "{exchanges} exchanges, {failed} failed, {received} received, {} findings{session}",
            trouble.len()
        ));
        for finding in trouble {
            let explained = finding.explained(&self.catalogue, self.language);
            self.add(&line::advice(finding, &explained));
        }
        for line in handover::lines(end, &SavedHars::default(), self.language) {
            self.add(&line);
        }
        self.print();
    }
}

/// The recorder's health as an object.
fn trouble(health: &Health) -> Value {
    json!({
        "type": "trouble",
        "over": health.trouble.is_none(),
        "kind": health.trouble.as_ref().map(|trouble| trouble.kind.as_str()),
        "message": health.trouble.as_ref().map(|trouble| trouble.message.as_str()),
        "lost": health.lost,
    })
}

/// The recorder's health as a line that nobody overlooks.
fn recording(health: &Health) -> String {
    let lost = match health.lost {
        0 => "nothing is lost so far".to_owned(),
        lost => format!("{lost} exchanges are lost"),
    };
    match &health.trouble {
        Some(trouble) => format!("!!! NOT RECORDED: {}; traffic goes on, {lost}", printable(&trouble.message)),
        None => format!("!!! recorded again; {lost}"),
    }
}

/// Where the capture is.
fn session(recorded: &Recorded) -> String {
    let Recorded { path, health } = recorded;
    let mut text = format!("; session: {}", path.display());
    // Writing to a String cannot fail.
    if health.lost > 0 {
        let _ = write!(text, " ({} exchanges could not be written to it)", health.lost);
    }
    if let Some(trouble) = &health.trouble {
        let _ = write!(text, " ({})", printable(&trouble.message));
    }
    text
}

fn with_type(kind: &str, object: Map<String, Value>) -> String {
    let mut typed = Map::new();
    typed.insert("type".to_owned(), kind.into());
    typed.extend(object);
    Value::Object(typed).to_string()
}
