//! The proxy without a user interface: one line per exchange and per finding on standard output.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::args::Args;
use super::exit_status::ExitStatus;
use super::redactor;
use super::settings::{CaptureSettings, of_capture};
use crate::ca::CertificateAuthority;
use crate::capture::{Capture, Ended, Listening, Summary, Understood, Update, is_listed};
use crate::diagnose::{Catalogue, Change};
use crate::exchange::Moment;
use crate::language::Language;
use crate::platform;
use crate::printable::printable;
use crate::report::{json, line, quantity};
use crate::store::{Health, Recorded};

/// Captures until the user or the system ends it.
///
/// # Errors
/// When the settings cannot be used or the proxy cannot start.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    start_logging();
    let settings = of_capture(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let form = if args.json { Form::Json } else { Form::Text };
    let printer = Printer::new(form, settings.language);
    let result = runtime.block_on(capture(settings, printer));
    // What still runs has had its time.
    runtime.shutdown_background();
    result
}

fn start_logging() {
    let usual = || EnvFilter::new("warn,rustls_platform_verifier=off");
    let filter = EnvFilter::try_from_env("PULLTAP_LOG").unwrap_or_else(|_| usual());
    // It fails only where logging was started before, as in tests.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
}

async fn capture(settings: CaptureSettings, mut printer: Printer) -> anyhow::Result<ExitStatus> {
    // Before anybody is told that we listen, so that whoever stops us right after finds us ready for it.
    let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
    let authority = CertificateAuthority::open_or_create(&settings.data_dir)?;
    let redactor = redactor::of_installation(&settings.data_dir, settings.redaction)?;
    let capture = Capture::start(settings.proxy, authority, settings.upstream_roots, redactor).await?;
    let capture = capture.recorded_by(settings.session.recorder()?);
    let stop = CancellationToken::new();
    for address in capture.listening() {
        if printer.listening(*address, &settings.data_dir) == Listening::No {
            stop.cancel();
        }
    }
    let running = capture.run(stop.clone(), |update, now| printer.update(&update, now));
    let ended = tokio::select! {
        ended = running => ended,
        never = stop_after(asked_to_end, stop) => match never {},
    };
    printer.summary(&ended);
    Ok(ExitStatus::Fine)
}

/// Cancels the token when the future ends; never comes back.
async fn stop_after(asked_to_end: impl Future<Output = ()>, stop: CancellationToken) -> std::convert::Infallible {
    asked_to_end.await;
    stop.cancel();
    std::future::pending().await
}

/// Prints a capture's updates in one of two forms.
struct Printer {
    form: Form,
    catalogue: Catalogue,
    language: Language,
    zone: TimeZone,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

impl Printer {
    fn new(form: Form, language: Language) -> Self {
        let zone = match form {
            Form::Text => TimeZone::system(),
            // JSON has its times in UTC; looking the zone up takes a while.
            Form::Json => TimeZone::UTC,
        };
        Self { form, catalogue: Catalogue::built_in(), language, zone }
    }

    fn listening(&mut self, address: SocketAddr, data_dir: &Path) -> Listening {
        print(&match self.form {
            Form::Json => json!({"type": "listening", "address": address.to_string()}).to_string(),
            Form::Text => format!(
                "pulltap listens on {address}: set HTTPS_PROXY=http://{address} and let the client trust {}",
                data_dir.join("ca.crt").display()
            ),
        })
    }

    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening {
        match update {
            Update::Running(_) => Listening::Yes,
            Update::Over(understood) if !is_listed(understood.exchange) => Listening::Yes,
            Update::Over(understood) => print(&match self.form {
                Form::Json => with_type("exchange", self.exchange_object(understood, now)),
                Form::Text => self.exchange_line(understood, now),
            }),
            Update::Waiting(understood, seconds) => print(&match self.form {
                Form::Json => {
                    let mut object = self.exchange_object(understood, now);
                    object.insert("seconds".to_owned(), json!(seconds));
                    with_type("waiting", object)
                }
                Form::Text => self.exchange_line(understood, now),
            }),
            Update::Finding(Change::Found(finding)) => {
                let explained = finding.explained(&self.catalogue, self.language);
                print(&match self.form {
                    Form::Json => with_type("finding", json::finding(finding, &explained)),
                    Form::Text => line::finding(finding, &explained),
                })
            }
            Update::Recording(health) => print(&match self.form {
                Form::Json => trouble(health).to_string(),
                Form::Text => recording(health),
            }),
            Update::Finding(Change::Retracted(id)) => print(&match self.form {
                Form::Json => json!({"type": "retracted", "id": id.as_str()}).to_string(),
                Form::Text => format!("no longer holds: {id}"),
            }),
        }
    }

    fn exchange_line(&self, understood: &Understood<'_>, now: Moment) -> String {
        line::exchange(understood.exchange, &self.notes(understood), now, &self.zone)
    }

    fn exchange_object(&self, understood: &Understood<'_>, now: Moment) -> Map<String, Value> {
        json::exchange(understood.exchange, understood.role, &self.notes(understood), now)
    }

    fn notes(&self, understood: &Understood<'_>) -> Vec<String> {
        understood.notes.iter().map(|note| note.text(&self.catalogue, self.language)).collect()
    }

    fn summary(&mut self, ended: &Ended) {
        let Summary { exchanges, failed, response_bytes, findings } = &ended.summary;
        let recorded = ended.recorded.as_ref();
        let trouble: Vec<_> = findings.iter().filter(|finding| finding.is_trouble()).collect();
        if self.form == Form::Json {
            let summary = json!({
                "type": "summary",
                "exchanges": exchanges,
                "failed": failed,
                "response_bytes": response_bytes,
                "findings": trouble.len(),
                "session": recorded.map(|recorded| recorded.path.to_string_lossy()),
                "lost": recorded.map_or(0, |recorded| recorded.health.lost),
            });
            print(&summary.to_string());
            return;
        }
        let received = quantity::bytes(*response_bytes);
        let session = recorded.map_or_else(String::new, session);
        print(&format!(
            "{exchanges} exchanges, {failed} failed, {received} received, {} findings{session}",
            trouble.len()
        ));
        for finding in trouble {
            let explained = finding.explained(&self.catalogue, self.language);
            print(&line::advice(finding, &explained));
        }
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

/// Prints a line at once; a reader that has gone ends the capture.
fn print(text: &str) -> Listening {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Listening::Yes,
        Err(_) => Listening::No,
    }
}
