//! What every way of showing a capture has in common.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::capture::{Ended, Listening, Update};
use crate::exchange::Moment;
use crate::redact::Redactor;
use crate::store::Recording;

/// Shows a capture: a printer, a screen.
pub trait FrontEnd {
    /// The proxy listens on this address; the CA that clients must trust is in this folder.
    fn listening(&mut self, address: SocketAddr, data_dir: &Path) -> Listening;

    /// From now on exchanges are recorded into this session, masked by this redactor.
    ///
    /// # Errors
    /// When they cannot be shown.
    fn recording(&mut self, _recording: &Recording, _redactor: &Redactor) -> anyhow::Result<()> {
        Ok(())
    }

    /// Something happened.
    fn update(&mut self, update: &Update<'_>, now: Moment) -> Listening;

    /// The capture is over, and everything written.
    fn ended(&mut self, end: &End);
}

/// What a capture leaves.
#[derive(Debug)]
pub struct End {
    /// What there was.
    pub capture: Ended,
    /// The HAR that was written.
    pub har: Option<PathBuf>,
    /// Whether credentials are masked in everything that was written.
    pub is_masked: bool,
}
