//! `pulltap convert`: a session or a HAR becomes a HAR or a session.

use std::path::Path;

use anyhow::bail;

use crate::cli::args::Convert;
use crate::cli::exit_status::ExitStatus;
use crate::cli::handover;
use crate::cli::har_file;
use crate::cli::machine::print;
use crate::cli::named_file::{Force, cannot_write, refuse_existing, refuse_same};
use crate::cli::redactor;
use crate::cli::saved::Saved;
use crate::cli::session::unwritable;
use crate::cli::settings::{data_dir, language};
use crate::language::screen::{Words, filled};
use crate::redact::{Options, Redactor};
use crate::registry;
use crate::store::{EXTENSION, Entry, Session};

/// Exchanges that are written to a session at once.
const BATCH: usize = 256;

/// Converts.
///
/// # Errors
/// When the input cannot be read, the output not be written, or its name says no form.
pub fn run(args: &Convert) -> anyhow::Result<ExitStatus> {
    let form = Form::of(&args.output)?;
    refuse_existing(&args.output, Force::of(args.force))?;
    let options = Options { mask_names: args.mask_names, keep_secrets: args.keep_secrets };
    let redactor = redactor::of_installation(&data_dir(&args.common)?, options)?;
    let saved = Saved::open(&args.input)?;
    let language = language(&args.common)?;
    let told = match form {
        Form::Har => {
            har_file::write(&saved, &redactor, &args.output)?;
            // What was masked already, nobody knows.
            let is_masked = !args.keep_secrets;
            handover::of_har(&args.output, is_masked, language)
        }
        Form::Session => {
            // What is read would be taken away before it was read.
            refuse_same(&args.input, &args.output)?;
            to_session(&saved, &redactor, &args.output)?;
            filled(&Words::of(language).session_is, &[("file", &args.output.display().to_string())])
        }
    };
    print(&format!("{told}\n"))?;
    Ok(ExitStatus::Fine)
}

enum Form {
    Har,
    Session,
}

impl Form {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "har" => Ok(Self::Har),
            EXTENSION => Ok(Self::Session),
            _ => bail!("{}: the name says no form; end it in .har or .{EXTENSION}", path.display()),
        }
    }
}

fn to_session(saved: &Saved, redactor: &Redactor, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        // Only --force brings us here.
        std::fs::remove_file(path).map_err(|error| cannot_write(path, &error))?;
    }
    let mut session = Session::create(path).map_err(unwritable)?;
    let mut context = registry::Context::default();
    let mut batch = Vec::with_capacity(BATCH);
    saved.each(redactor, |exchange| {
        context.learn(&exchange);
        let role = context.role(&exchange).as_str();
        batch.push(Entry { exchange, role });
        if batch.len() == BATCH {
            session.write(batch.iter())?;
            batch.clear();
        }
        Ok(())
    })?;
    session.write(batch.iter())?;
    session.finish(0)?;
    Ok(())
}
