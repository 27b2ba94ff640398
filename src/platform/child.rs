//! A command that runs in our place: signals are for it, and its exit status becomes ours.

use std::io;
use std::process::ExitStatus;

/// Lets Ctrl-C and the like pass us by from now on: the terminal sends them to the command too, which decides. The
/// future waits for a wish to end that only we were told of, to be passed on with [`ask_to_end`].
///
/// # Errors
/// When the system does not let us listen for the signals.
#[cfg(unix)]
pub fn told_alone() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    // What is listened for once does not end the program any more, and that is all.
    for kind in [SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()] {
        drop(signal(kind)?);
    }
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        terminate.recv().await;
    })
}

/// Lets Ctrl-C and Ctrl-Break pass us by from now on: the console sends them to the command too, which decides. The
/// console tells it of everything else as well.
///
/// # Errors
/// When the system does not let us listen.
#[cfg(windows)]
pub fn told_alone() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows;
    let (interrupt, stop) = (windows::ctrl_c()?, windows::ctrl_break()?);
    Ok(async move {
        let _kept = (interrupt, stop);
        std::future::pending::<()>().await;
    })
}

/// Asks the process of this number to end.
#[cfg(unix)]
pub fn ask_to_end(process: u32) {
    use rustix::process::{Pid, Signal, kill_process};
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // It may have ended meanwhile.
    let _ = process.map(|process| kill_process(process, Signal::TERM));
}

/// Asks the process of this number to end; the console has done so already.
#[cfg(windows)]
pub fn ask_to_end(_process: u32) {}

/// The exit status that a shell would give to a command that has ended so: 128 and the signal where a signal ended it.
#[cfg(unix)]
pub fn status_of(ended: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let status = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(1)
}

/// The exit status of a command, where it is one that we can give too; 1 where it is beyond 255.
#[cfg(windows)]
pub fn status_of(ended: ExitStatus) -> u8 {
    ended.code().and_then(|status| u8::try_from(status).ok()).unwrap_or(1)
}
