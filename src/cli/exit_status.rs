//! The program's exit status, which scripts read.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Nothing wrong.
    Fine,
    /// Something is wrong with what was looked at.
    Trouble,
    /// The command line was wrong.
    Usage,
    /// The program itself failed.
    Failed,
    /// That of the command that was run.
    OfCommand(u8),
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Fine => 0,
            ExitStatus::Trouble => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Failed => 3,
            ExitStatus::OfCommand(status) => status,
        })
    }
}
