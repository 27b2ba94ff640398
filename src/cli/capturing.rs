//! A capture from its settings to its end, shown by any front end.

use std::convert::Infallible;
use std::io;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::front_end::{End, FrontEnd};
use super::har_file::GrowingHar;
use super::redactor;
use super::settings::CaptureSettings;
use crate::ca::CertificateAuthority;
use crate::capture::{Capture, Listening};

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
    let har = settings.har.map(|path| GrowingHar::begin(&path, &recorder, redactor, stop.clone()));
    let har = har.transpose()?;
    let capture = capture.recorded_by(recorder);
    for address in capture.listening() {
        if front.listening(*address, &settings.data_dir) == Listening::No {
            stop.cancel();
        }
    }
    let running = capture.run(stop.clone(), |update, now| front.update(&update, now));
    let ended = tokio::select! {
        ended = running => ended,
        never = stop_after(until, stop) => match never {},
    };
    let har = match har {
        Some(har) => Some(har.finish(&ended.summary.findings)),
        None => None,
    };
    let (har, failure) = match har.transpose() {
        Ok(har) => (har, None),
        Err(error) => (None, Some(error)),
    };
    let end = End { capture: ended, har };
    front.ended(&end);
    failure.map_or(Ok(end), Err)
}

/// Starts logging to standard error, as much as the user asked for.
pub fn start_logging() {
    let usual = || EnvFilter::new("warn,rustls_platform_verifier=off");
    let filter = EnvFilter::try_from_env("PULLTAP_LOG").unwrap_or_else(|_| usual());
    // It fails only where logging was started before, as in tests.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
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
