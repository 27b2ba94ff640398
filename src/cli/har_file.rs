//! HAR files: one that is written as a whole, and one that grows while a capture runs, so that its end is quick.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use super::named_file::{Force, cannot_write, refuse_existing};
use super::saved::Saved;
use crate::diagnose::{Catalogue, Engine, Finding, Operation};
use crate::exchange::{Exchange, Moment};
use crate::har::{Conclusions, Writer};
use crate::language::Language;
use crate::platform;
use crate::redact::{Options, Redacted, Redactor};
use crate::registry;
use crate::report::json;
use crate::store::{Recorder, Session};

/// How often the growing file follows the session.
const FOLLOW: Duration = Duration::from_secs(2);
/// What is not in the session so long after a later exchange began will never be: whatever runs for a second is there.
const GAP_MICROS: i64 = 10_000_000;

/// A HAR that is being written: under another name until it is whole.
pub struct HarFile {
    path: PathBuf,
    partial: PathBuf,
    writer: Writer<BufWriter<File>>,
}

impl HarFile {
    /// Begins a HAR.
    ///
    /// # Errors
    /// When the file exists (unless it may be replaced) or cannot be made.
    pub fn create(path: &Path, options: Options, force: Force) -> anyhow::Result<Self> {
        refuse_existing(path, force)?;
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot_write(&partial, &error)),
            Ok(()) | Err(_) => {}
        }
        // The user has asked for `path`: that is the name to be told.
        let file = platform::create_private_file(&partial).map_err(|error| cannot_write(path, &error))?;
        let writer =
            Writer::new(BufWriter::new(file), redaction(options)).map_err(|error| cannot_write(path, &error))?;
        Ok(Self { path: path.to_owned(), partial, writer })
    }

    /// Writes the next exchange.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn entry(&mut self, exchange: &Redacted<Exchange>, role: &str) -> anyhow::Result<()> {
        self.writer.entry(exchange, Some(role)).map_err(|error| cannot_write(&self.partial, &error))
    }

    /// Writes the end and gives the file its name.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn finish(self, conclusions: &Conclusions) -> anyhow::Result<PathBuf> {
        let Self { path, partial, writer } = self;
        let file = writer.finish(conclusions).map_err(|error| cannot_write(&partial, &error))?;
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all()).map_err(|error| cannot_write(&partial, &error))?;
        fs::rename(&partial, &path).map_err(|error| cannot_write(&path, &error))?;
        Ok(path)
    }
}

/// Writes a HAR of everything in a file, which it may replace; says how many exchanges lists will show of it.
///
/// # Errors
/// When the file cannot be read, or the HAR not be written.
pub fn write(saved: &Saved, redactor: &Redactor, path: &Path) -> anyhow::Result<u64> {
    let mut engine = Engine::new();
    saved.each(redactor, |exchange| {
        engine.update(&exchange);
        Ok(())
    })?;
    engine.finish();
    let mut har = HarFile::create(path, redactor.options(), Force::Given)?;
    let mut count = 0;
    saved.each(redactor, |exchange| {
        count += u64::from(exchange.is_listed());
        har.entry(&exchange, engine.role(&exchange).as_str())
    })?;
    har.finish(&conclusions(&engine.findings(), &engine.operations()))?;
    Ok(count)
}

/// What was masked, for the reader of a HAR.
fn redaction(options: Options) -> &'static str {
    match options {
        Options { keep_secrets: true, .. } => "NOTHING IS MASKED: passwords and tokens stand in this file",
        Options { mask_names: true, .. } => "passwords, tokens and signatures are masked, and names of hosts and users",
        Options { .. } => "passwords, tokens and signatures are masked",
    }
}

/// What was concluded, as a HAR carries it: explanations of what is normal are left to whoever reads it.
pub fn conclusions(findings: &[Finding], operations: &[Operation]) -> Conclusions {
    let catalogue = Catalogue::built_in();
    let object = |finding: &Finding| json::finding(finding, &finding.explained(&catalogue, Language::En)).into();
    let trouble = findings.iter().filter(|finding| finding.is_trouble());
    let operations = operations.iter().map(|operation| json::operation(operation).into()).collect();
    Conclusions { operations, findings: trouble.map(object).collect() }
}

/// A HAR that follows a session while it is recorded.
pub struct GrowingHar {
    end: SyncSender<Conclusions>,
    thread: JoinHandle<anyhow::Result<PathBuf>>,
}

impl GrowingHar {
    /// Begins a HAR of what this recorder writes from now on; `stop` says when the capture comes to its end.
    ///
    /// # Errors
    /// When the file exists or cannot be made.
    pub fn begin(
        path: &Path,
        recorder: &Recorder,
        redactor: Redactor,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let har = HarFile::create(path, redactor.options(), Force::Unknown)?;
        let (session, last) = (recorder.path().to_owned(), recorder.last_ids().exchange);
        let mut following = Following { har, session, last, redactor, context: registry::Context::default(), stop };
        let (end, conclusions) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("har".to_owned()).spawn(move || {
            loop {
                match conclusions.recv_timeout(FOLLOW) {
                    Ok(conclusions) => {
                        following.follow(Until::End)?;
                        return following.har.finish(&conclusions);
                    }
                    // A session that cannot be read now may be readable later; the last time says so.
                    Err(RecvTimeoutError::Timeout) if !following.stop.is_cancelled() => {
                        let _ = following.follow(Until::Open);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => bail!("the capture ended without its conclusions"),
                }
            }
        })?;
        Ok(Self { end, thread })
    }

    /// Writes what is left, now that the session is finished.
    ///
    /// # Errors
    /// When the session cannot be read, or the disk does not take it.
    pub fn finish(self, findings: &[Finding], operations: &[Operation]) -> anyhow::Result<PathBuf> {
        // Where the thread has gone, joining it says why.
        let _ = self.end.send(conclusions(findings, operations));
        match self.thread.join() {
            Ok(result) => result,
            Err(_) => bail!("writing the HAR failed; `pulltap convert` makes one of the session"),
        }
    }
}

struct Following {
    har: HarFile,
    session: PathBuf,
    last: u64,
    redactor: Redactor,
    context: registry::Context,
    stop: CancellationToken,
}

/// How far to follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// To the first exchange that still runs.
    Open,
    /// To the end.
    End,
}

impl Following {
    /// Writes what the session has and the HAR has not.
    fn follow(&mut self, until: Until) -> anyhow::Result<()> {
        let session = Session::open(&self.session)?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = Moment::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        for exchange in session.exchanges_after(self.last) {
            let exchange = exchange?;
            if until == Until::Open {
                let is_next = exchange.id.number() == self.last + 1;
                let is_late = now.micros_since(exchange.timings.opened) > GAP_MICROS;
                if self.stop.is_cancelled() || !exchange.is_over() || !(is_next || is_late) {
                    break;
                }
            }
            let id = exchange.id;
            self.write(exchange)?;
            self.last = id.number();
        }
        Ok(())
    }

    fn write(&mut self, exchange: Exchange) -> anyhow::Result<()> {
        let exchange = self.redactor.redact(exchange);
        self.context.learn(&exchange);
        self.har.entry(&exchange, self.context.role(&exchange).as_str())
    }
}
