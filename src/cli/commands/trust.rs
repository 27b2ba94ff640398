//! `pulltap trust`: who on this machine trusts the CA, and lets others trust it or forget it again.

use std::fmt::Write as _;

use anyhow::bail;

use crate::ca::CertificateAuthority;
use crate::changes::{Foreign, Machine, Outcome};
use crate::cli::args::machine::{Store as Named, Trust as Args, TrustAction};
use crate::cli::exit_status::ExitStatus;
use crate::cli::help_page::certificate;
use crate::cli::machine::{
    apply, ca_file, data_dir_of_user, described, done, in_place, print, program_data, undo, user_config,
};
use crate::cli::settings::language;
use crate::guide::{EXAMPLE_REGISTRY, Place, recipe, recipe_text};
use crate::trust::{Certificate, Store, Surroundings, Which, plans, status};

/// Shows, installs or takes back.
///
/// # Errors
/// When files cannot be read or changed, or the arguments do not say enough.
pub fn run(args: &Args) -> anyhow::Result<ExitStatus> {
    let data_dir = data_dir_of_user(&args.common)?;
    let command = Command {
        args,
        machine: Machine::new(&data_dir, args.root.clone()),
        surroundings: Surroundings { user_config: user_config(), program_data: program_data() },
        authority: CertificateAuthority::open_or_create(&data_dir)?,
        ca: ca_file(&data_dir),
    };
    match args.action {
        TrustAction::Status => command.status(),
        TrustAction::Install => command.install(),
        TrustAction::Uninstall => command.uninstall(),
    }
}

struct Command<'a> {
    args: &'a Args,
    machine: Machine,
    surroundings: Surroundings,
    authority: CertificateAuthority,
    ca: std::path::PathBuf,
}

impl Command<'_> {
    fn certificate(&self) -> Certificate<'_> {
        Certificate { pem: self.authority.pem(), path: &self.ca }
    }

    /// The stores that were asked for; all of them if none was.
    fn stores(&self) -> Vec<Store> {
        match self.args.store {
            Some(named) => vec![store(named)],
            None => Store::ALL.to_vec(),
        }
    }

    fn status(&self) -> anyhow::Result<ExitStatus> {
        let mut text = format!("{}\n  SHA-256 {}\n", self.ca.display(), self.authority.sha256());
        // Those of root are not for everybody: the files themselves tell enough.
        let in_place = self.machine.in_place().unwrap_or_default();
        for store in self.stores() {
            let found = status(store, self.certificate(), (&self.machine, &self.surroundings));
            // Writing to a String cannot fail.
            if store == Store::System && is_asked_of_people() {
                let name = certificate(&self.authority).name;
                let _ = writeln!(text, "system: not looked into; see whether its list of trusted roots has {name}");
            } else if found.is_empty() {
                let _ = writeln!(text, "{}: not trusted", store.name());
            }
            for trusted in found {
                let which = match trusted.which {
                    Which::Ours => "trusted",
                    Which::Other => "trusts the CA of another installation",
                };
                let _ = writeln!(text, "{}: {which}: {}", store.name(), self.machine.place(&trusted.path).display());
            }
            for name in in_place.iter().filter(|name| store.owns(name)) {
                let _ = writeln!(text, "  installed by pulltap as {name}: `pulltap trust uninstall` takes it back");
            }
        }
        print(&text)?;
        Ok(ExitStatus::Fine)
    }

    fn install(&self) -> anyhow::Result<ExitStatus> {
        let Some(named) = self.args.store else {
            bail!("say who is to trust the CA: --for docker --host REGISTRY, or --for system (all of this machine)")
        };
        let store = store(named);
        if store == Store::System && is_asked_of_people() {
            return self.by_hand();
        }
        let here = (&self.machine, &self.surroundings);
        for plan in plans(store, &self.args.host, self.certificate(), here)? {
            let mut text = format!("{}:\n", plan.name);
            for change in &plan.changes {
                text.push_str(&described(change, &self.machine));
            }
            if let Some(refresh) = plan.refresh {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "  runs {}", refresh.command());
            }
            print(&text)?;
            if !self.args.dry_run {
                let outcome = apply(&plan, &self.machine)?;
                print(&done(&outcome, "  it is there already, and not by pulltap's doing: left as it is"))?;
            }
        }
        print(if self.args.dry_run { "Nothing was changed.\n" } else { after(store) })?;
        Ok(ExitStatus::Fine)
    }

    fn uninstall(&self) -> anyhow::Result<ExitStatus> {
        let asked = |name: &String| {
            let stores = self.stores();
            let mut hosts = self.args.host.iter();
            let is_of_host = |store: &Store| hosts.any(|host| *name == store.plan_name(Some(host)));
            stores.iter().any(|store| store.owns(name)) && (self.args.host.is_empty() || stores.iter().any(is_of_host))
        };
        let names: Vec<_> = in_place(&self.machine)?.into_iter().filter(asked).collect();
        if names.is_empty() {
            print("pulltap has installed no such trust, so there is nothing to take back.\n")?;
        }
        let foreign = if self.args.force { Foreign::Replace } else { Foreign::Keep };
        for name in names {
            print(&format!("{name}:\n"))?;
            if self.args.dry_run {
                print("  would be put back as it was\n")?;
                continue;
            }
            let outcome: Outcome = undo(&name, &self.machine, foreign)?;
            print(&done(&outcome, "  nothing to put back"))?;
            if Store::System.owns(&name) {
                print(after(Store::System))?;
            }
        }
        Ok(ExitStatus::Fine)
    }

    /// What to do in the system's own dialogs.
    fn by_hand(&self) -> anyhow::Result<ExitStatus> {
        let id = if cfg!(windows) { "desktop-windows" } else { "desktop-macos" };
        let Some(recipe) = recipe(id) else { return Ok(ExitStatus::Fine) };
        let place = Place {
            address: "127.0.0.1:8888".to_owned(),
            registry: self.args.host.first().cloned().unwrap_or_else(|| EXAMPLE_REGISTRY.to_owned()),
            certificate: certificate(&self.authority),
        };
        print("pulltap does not change this system's store itself: it asks you. Start pulltap, and then:\n\n")?;
        print(&recipe_text(&recipe, &place, language(&self.args.common)?))?;
        Ok(ExitStatus::Fine)
    }
}

fn store(named: Named) -> Store {
    match named {
        Named::System => Store::System,
        Named::Docker => Store::Docker,
        Named::Podman => Store::Podman,
        Named::Containerd => Store::Containerd,
    }
}

/// Whether the system's store is the user's own, which asks before it trusts.
fn is_asked_of_people() -> bool {
    cfg!(windows) || cfg!(target_os = "macos")
}

/// When it counts.
fn after(store: Store) -> &'static str {
    match store {
        Store::System => {
            "Services notice when they are restarted: for Docker `sudo systemctl restart docker` (running containers stop, \
             unless live-restore is on).\n"
        }
        Store::Docker | Store::Podman => "It counts from the next pull on; nothing has to be restarted.\n",
        Store::Containerd => {
            "It counts from the next pull on, if containerd's config.toml has config_path = \"/etc/containerd/certs.d\" (for \
             ctr: --hosts-dir /etc/containerd/certs.d).\n"
        }
    }
}
