//! `pulltap ca`: where the CA of this installation is, what it is, and a copy of it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::bail;

use crate::ca::CertificateAuthority;
use crate::changes::Machine;
use crate::cli::args::machine::{Ca as Args, CaAction};
use crate::cli::exit_status::ExitStatus;
use crate::cli::help_page::certificate;
use crate::cli::machine::{ca_file, data_dir_of_user, in_place, print, print_bytes};
use crate::cli::named_file::{Force, cannot_write, refuse_existing};
use crate::trust::Store;

/// Shows the CA; it is made now if there is none yet.
///
/// # Errors
/// When it cannot be read or made, or its copy not be written.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let data_dir = data_dir_of_user(&args.common)?;
    if args.action == CaAction::Rotate {
        return rotate(args, &data_dir);
    }
    let authority = CertificateAuthority::open_or_create(&data_dir)?;
    match args.action {
        CaAction::Path => print(&format!("{}\n", ca_file(&data_dir).display()))?,
        CaAction::Show | CaAction::Rotate => show(&authority, &data_dir)?,
        CaAction::Export => export(args, &authority)?,
    }
    Ok(ExitStatus::Fine)
}

fn show(authority: &CertificateAuthority, data_dir: &Path) -> anyhow::Result<()> {
    let facts = certificate(authority);
    print(&format!(
        "{}\n  file         {}\n  valid until  {}\n  SHA-256      {}\n  SHA-1        {}\n",
        facts.name,
        ca_file(data_dir).display(),
        facts.valid_until,
        facts.sha256,
        facts.thumbprint
    ))
}

fn rotate(args: &Args, data_dir: &Path) -> anyhow::Result<ExitStatus> {
    let plans = in_place(&Machine::new(data_dir, None))?;
    let trusting: Vec<_> = plans.into_iter().filter(|name| Store::ALL.iter().any(|store| store.owns(name))).collect();
    if !trusting.is_empty() && !args.force {
        bail!(
            "the present CA is still trusted ({}): take that back first with `pulltap trust uninstall`, or give --force",
            trusting.join(", ")
        );
    }
    let authority = CertificateAuthority::replace(data_dir)?;
    show(&authority, data_dir)?;
    print("Clients have to trust this one now; a pulltap that is running keeps the old one until it ends.\n")?;
    Ok(ExitStatus::Fine)
}

fn export(args: &Args, authority: &CertificateAuthority) -> anyhow::Result<()> {
    let content = if args.der { authority.der().as_ref() } else { authority.pem().as_bytes() };
    let Some(path) = &args.output else { return print_bytes(content) };
    refuse_existing(path, Force::Unknown)?;
    let written = File::create_new(path).and_then(|mut file| file.write_all(content));
    written.map_err(|error| cannot_write(path, &error))
}
