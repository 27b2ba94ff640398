//! A capture from its settings to its end, shown by any front end.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::front_end::{End, FrontEnd};
use super::har_file::GrowingHar;
use super::redactor;
use super::settings::{self, CaptureSettings};
use crate::ca::CertificateAuthority;
use crate::capture::{Capture, Listening};
use crate::platform;
use crate::store;
use crate::tui::theme::Colours;

/// Captures until `until` is over or nobody wants to see more; gives what was captured.
///
/// # Errors
/// When the proxy cannot start, or the HAR that was asked for cannot be written.
pub async fn capture(
    settings: CaptureSettings,
    front: &mut impl FrontEnd,
    until: impl Future<Output = ()>,
) -> anyhow::Result<End> {
    let authority = CertificateAuthority::open_or_create(&settings.data_dir)?;
    let redactor = redactor::of_installation(&settings.data_dir, settings.redaction)?;
    let capture = Capture::start(settings.proxy, authority, settings.upstream_roots, redactor.clone()).await?;
    let recorder = settings.session.recorder()?;
    let stop = CancellationToken::new();
    let growing = |path: PathBuf| GrowingHar::begin(&path, &recorder, redactor.clone(), stop.clone());
    let har = settings.har.map(growing);
    let recording = recorder.recording();
    let har = match har.transpose() {
        Ok(har) => har,
        Err(error) => {
            settings.session.keep(recorder.finish());
            return Err(error);
        }
    };
    let capture = capture.recorded_by(recorder);
    for address in capture.listening() {
        if front.listening(*address, &settings.data_dir) == Listening::No {
            stop.cancel();
        }
    }
    front.recording(&recording, &redactor)?;
    let running = capture.run(stop.clone(), |update, now| front.update(&update, now));
    let mut ended = tokio::select! {
        ended = running => ended,
        never = stop_after(until, stop) => match never {},
    };
    let har = match har {
        Some(har) => Some(har.finish(&ended.summary.findings, &ended.summary.operations)),
        None => None,
    };
    let (har, failure) = match har.transpose() {
        Ok(har) => (har, None),
        Err(error) => (None, Some(error)),
    };
    // The HAR is made of the session: only now can that go.
    ended.recorded = ended.recorded.and_then(|recorded| settings.session.keep(recorded));
    let end = End { capture: ended, har, is_masked: !settings.redaction.keep_secrets };
    front.ended(&end);
    // A screen reads the session until it is closed.
    store::settle(recording.path());
    failure.map_or(Ok(end), Err)
}

/// Starts logging to standard error, as much as the user asked for.
pub fn start_logging() {
    // It fails only where logging was started before, as in tests.
    let is_coloured = io::stderr().is_terminal() && settings::colours() == Colours::On;
    let logging = tracing_subscriber::fmt().with_env_filter(log_filter()).with_ansi(is_coloured);
    let _ = logging.with_writer(io::stderr).try_init();
}

/// Starts logging into a file of this folder, since the terminal is the screen's; without a log where that cannot be
/// written.
pub fn log_into(folder: &Path) {
    let path = folder.join("pulltap.log");
    let made = platform::create_private_folder(folder).and_then(|()| match platform::create_private_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => File::options().append(true).open(&path),
    });
    if let Ok(file) = made {
        let logging = tracing_subscriber::fmt().with_env_filter(log_filter()).with_ansi(false);
        let _ = logging.with_writer(Arc::new(file)).try_init();
    }
}

fn log_filter() -> EnvFilter {
    let usual = || EnvFilter::new("warn,rustls_platform_verifier=off");
    EnvFilter::try_from_env("PULLTAP_LOG").unwrap_or_else(|_| usual())
}

/// Runs a capture, or several things around it.
///
/// # Errors
/// When the system gives no threads, or what runs fails.
pub fn block_on<Output>(what: impl Future<Output = anyhow::Result<Output>>) -> anyhow::Result<Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    let result = runtime.block_on(what);
    // What still runs has had its time.
    runtime.shutdown_background();
    result
}

/// Cancels the token when the future ends; never comes back.
async fn stop_after(until: impl Future<Output = ()>, stop: CancellationToken) -> Infallible {
    until.await;
    stop.cancel();
    std::future::pending().await
}
