//! `pulltap demo`: a pull through the proxy from a registry inside the program, or a fault that people meet.

mod narrator;
mod story;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::ca::CertificateAuthority;
use crate::cli::announced::announced;
use crate::cli::args::Demo as Args;
use crate::cli::capturing::{block_on, capture, log_into, start_logging};
use crate::cli::exit_status::ExitStatus;
use crate::cli::front_end::FrontEnd;
use crate::cli::headless::Printer;
use crate::cli::screen::{self, Screen};
use crate::cli::settings::{CaptureSettings, of_private_capture};
use crate::demo::{Demo, DemoError, Outcome};
use crate::platform;
use crate::proxy::UpstreamProxy;
use narrator::{Narrator, print};
use story::Story;

/// Plays the demo.
///
/// # Errors
/// When the settings cannot be used, or the proxy or the registry cannot start.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let settings = of_private_capture(&args.options)?;
    let language = settings.language;
    let story = Story::of(args.scenario, language)?;
    let is_on_screen = !args.show.headless && screen::is_possible();
    if is_on_screen {
        log_into(&settings.data_dir);
    } else {
        start_logging();
    }
    block_on(async {
        let demo = Demo::start(args.scenario).await?;
        let command = demo.command();
        let (told, outcome) = oneshot::channel();
        let printer = Printer::new(&args.show, language);
        if is_on_screen {
            on_screen(Play::new(demo, settings, told), &story, outcome).await
        } else if args.show.json {
            Play::new(demo, settings, told).shown_by(printer).await
        } else {
            Play::new(demo, settings, told).shown_by(Narrator { printer, story, command, outcome, language }).await
        }
    })?;
    Ok(ExitStatus::Fine)
}

/// Plays the demo under the terminal UI; what that has no room for is printed when it is closed.
async fn on_screen(play: Play, story: &Story, mut outcome: oneshot::Receiver<Outcome>) -> anyhow::Result<()> {
    let command = play.demo.command();
    let closing = CancellationToken::new();
    let screen = Screen::new(play.settings.language, closing.clone());
    Play { until_closed: Some(closing), ..play }.shown_by(screen).await?;
    let printed = outcome.try_recv().map(|outcome| format!("{}\n\n", story.printed(&outcome))).unwrap_or_default();
    // Where nobody reads it any more, nobody misses it.
    let _ = print(&format!("\n{}\n\n{printed}{}", story.beginning(&command), story.going_on()));
    Ok(())
}

/// A demo about to be played.
struct Play {
    demo: Demo,
    settings: CaptureSettings,
    /// Who wants to know what came of it.
    told: oneshot::Sender<Outcome>,
    /// What says that the screen is closed; without one the capture ends with the demo.
    until_closed: Option<CancellationToken>,
}

impl Play {
    fn new(demo: Demo, mut settings: CaptureSettings, told: oneshot::Sender<Outcome>) -> Self {
        settings.upstream_roots.push(demo.root().clone());
        // The registry is here, whatever lies between this machine and others.
        settings.proxy.upstream_proxy = UpstreamProxy::None;
        Self { demo, settings, told, until_closed: None }
    }

    /// Captures what the demo's client does, with any front end.
    async fn shown_by(self, front: impl FrontEnd) -> anyhow::Result<()> {
        let Self { demo, mut settings, told, until_closed } = self;
        let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
        for (host, address) in demo.hosts() {
            settings.proxy.resolve.insert(0, format!("{host}:443:{address}").parse()?);
        }
        let ca = CertificateAuthority::open_or_create(&settings.data_dir)?.der().clone();
        let (mut front, address) = announced(front);
        let mut played: Result<(), DemoError> = Ok(());
        let is_staying = until_closed.is_some();
        let closing = until_closed.unwrap_or_default();
        let until = async {
            let Ok(address) = address.await else { return };
            let playing = async {
                // Not everybody wants to know.
                played = Box::pin(demo.play(address, &ca)).await.map(|outcome| drop(told.send(outcome)));
                if is_staying {
                    closing.cancelled().await;
                }
            };
            tokio::select! {
                () = playing => {}
                () = asked_to_end => closing.cancel(),
                () = closing.cancelled() => {}
            }
        };
        capture(settings, &mut front, until).await?;
        demo.end().await;
        Ok(played?)
    }
}
