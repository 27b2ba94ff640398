//! `pulltap report`: what went wrong in saved captures, and why.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;

use crate::cli::args::{Format, Report as Args};
use crate::cli::exit_status::ExitStatus;
use crate::cli::named_file::{Force, cannot_write, meant_by, refuse_existing, refuse_same};
use crate::cli::redactor;
use crate::cli::saved::Saved;
use crate::cli::settings::{data_dir, language};
use crate::diagnose::{Catalogue, Engine};
use crate::redact::Redactor;
use crate::report::{self, FileReport, Report, json, text};

/// Reports.
///
/// # Errors
/// When a file cannot be read, or the report not be written.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    if args.schema {
        write(None, report::SCHEMA)?;
        return Ok(ExitStatus::Fine);
    }
    let language = language(&args.common)?;
    if let Some(output) = &args.output {
        refuse_existing(output, Force::of(args.force))?;
    }
    let redactor = redactor::for_reading(&data_dir(&args.common)?)?;
    let mut report = Report::default();
    for name in &args.files {
        for path in meant_by(name)? {
            if let Some(output) = &args.output {
                refuse_same(&path, output)?;
            }
            report.files.push(of_file(&path, &redactor)?);
        }
    }
    let catalogue = Catalogue::built_in();
    let text = match args.format {
        Format::Text => {
            let style = text::Style { language, zone: TimeZone::system(), has_all: args.all };
            text::report(&report, &catalogue, &style)
        }
        Format::Json => format!("{:#}\n", json::report(&report, &catalogue, language)),
    };
    write(args.output.as_deref(), &text)?;
    Ok(if report.has_errors() { ExitStatus::Trouble } else { ExitStatus::Fine })
}

/// What there is to say about a file. It is read twice: what comes later decides what came earlier means.
fn of_file(path: &Path, redactor: &Redactor) -> anyhow::Result<FileReport> {
    let saved = Saved::open(path)?;
    let mut engine = Engine::new();
    saved.each(redactor, |exchange| {
        engine.update(&exchange);
        Ok(())
    })?;
    engine.finish();
    let mut report = FileReport::of(path.display().to_string(), &engine);
    report.creator = saved.creator();
    report.repairs = saved.repairs();
    saved.each(redactor, |exchange| {
        report.add(exchange, &engine);
        Ok(())
    })?;
    Ok(report)
}

fn write(output: Option<&Path>, text: &str) -> anyhow::Result<()> {
    let Some(path) = output else {
        let mut out = io::stdout().lock();
        return match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => Ok(result?),
        };
    };
    let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| cannot_write(path, &error))
}
