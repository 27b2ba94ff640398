//! `pulltap demo`: a pull through the proxy from a registry inside the program, or a fault that people meet.

mod narrator;
mod story;

use anyhow::Context;
use tokio::sync::oneshot;

use crate::ca::CertificateAuthority;
use crate::cli::announced::announced;
use crate::cli::args::Demo as Args;
use crate::cli::capturing::{block_on, capture, start_logging};
use crate::cli::exit_status::ExitStatus;
use crate::cli::front_end::FrontEnd;
use crate::cli::headless::Printer;
use crate::cli::settings::{CaptureSettings, of_private_capture};
use crate::demo::{Demo, DemoError, Outcome};
use crate::platform;
use crate::proxy::UpstreamProxy;
use narrator::Narrator;
use story::Story;

/// Plays the demo.
///
/// # Errors
/// When the settings cannot be used, or the proxy or the registry cannot start.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    start_logging();
    let settings = of_private_capture(&args.options)?;
    let language = settings.language;
    let printer = Printer::new(&args.show, language);
    let story = Story::of(args.scenario, language)?;
    block_on(async {
        let demo = Demo::start(args.scenario).await?;
        let (told, outcome) = oneshot::channel();
        if args.show.json {
            play(demo, settings, printer, told).await
        } else {
            let command = demo.command();
            play(demo, settings, Narrator { printer, story, command, outcome, language }, told).await
        }
    })?;
    Ok(ExitStatus::Fine)
}

/// Captures what the demo's client does, with any front end. Its outcome is told when it is done.
async fn play(
    demo: Demo,
    mut settings: CaptureSettings,
    front: impl FrontEnd,
    told: oneshot::Sender<Outcome>,
) -> anyhow::Result<()> {
    let asked_to_end = platform::asked_to_end().context("cannot listen for signals")?;
    for (host, address) in demo.hosts() {
        settings.proxy.resolve.insert(0, format!("{host}:443:{address}").parse()?);
    }
    settings.upstream_roots.push(demo.root().clone());
    // The registry is here, whatever lies between this machine and others.
    settings.proxy.upstream_proxy = UpstreamProxy::None;
    let ca = CertificateAuthority::open_or_create(&settings.data_dir)?.der().clone();
    let (mut front, address) = announced(front);
    let mut played: Result<(), DemoError> = Ok(());
    let until = async {
        let Ok(address) = address.await else { return };
        tokio::select! {
            outcome = Box::pin(demo.play(address, &ca)) => {
                // Not everybody wants to know.
                played = outcome.map(|outcome| drop(told.send(outcome)));
            }
            () = asked_to_end => {}
        }
    };
    capture(settings, &mut front, until).await?;
    demo.end().await;
    Ok(played?)
}
