//! Lets container tools and the system trust the CA of this installation, says where it is trusted, and takes it back.
//!
//! This room plans; `changes` makes and undoes what was planned.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::changes::{Change, ChangeError, Machine, Plan, Refresh};

/// The certificate's file in a folder that holds those of others, too: every `.crt` there counts.
pub const FILE: &str = "pulltap.crt";

/// Where trust is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// containerd, one registry at a time.
    Containerd,
    /// Docker Engine, one registry at a time.
    Docker,
    /// podman, skopeo and buildah, one registry at a time.
    Podman,
    /// The whole machine.
    System,
}

impl Store {
    /// Every store.
    pub const ALL: [Self; 4] = [Self::System, Self::Docker, Self::Podman, Self::Containerd];

    /// The name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::System => "system",
        }
    }

    /// The name of the plan that lets this store trust the CA, for one registry where it has folders for them.
    pub fn plan_name(self, host: Option<&str>) -> String {
        match host {
            // The name of a file: Windows allows no colon there.
            Some(host) => format!("trust-{}-{}", self.name(), host.replace(':', "_")),
            None => format!("trust-{}", self.name()),
        }
    }

    /// Whether a plan of this name lets this store trust something.
    pub fn owns(self, plan_name: &str) -> bool {
        let own = self.plan_name(None);
        plan_name == own || plan_name.strip_prefix(&own).is_some_and(|rest| rest.starts_with('-'))
    }
}

/// What the machine is, as far as it decides where certificates lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The folder for the user's own settings; `None` for root, whose settings are the machine's.
    pub user_config: Option<PathBuf>,
    /// Where Windows keeps the settings of services; `None` elsewhere.
    pub program_data: Option<PathBuf>,
}

/// Why trust cannot be installed by this program.
#[derive(Debug, Error)]
pub enum TrustError {
    /// A registry must be named.
    #[error("say for which registry, as in --host myregistry.azurecr.io")]
    NoHost,
    /// That is no name of a registry.
    #[error("`{0}` is not a registry: write its host, with a port if it has one, as in myregistry.azurecr.io")]
    NotAHost(String),
    /// Docker does not read the folder for Docker Hub.
    #[error(
        "Docker Engine does not look for certificates of Docker Hub ({0}) in a folder: it trusts what the system trusts. \
         Use `pulltap trust install --for system`, and restart Docker afterwards"
    )]
    DockerHub(String),
    /// containerd has its own settings for the registry, and reads nothing else.
    #[error(
        "containerd reads {path} and nothing else in that folder: put the line `ca = \"{ca}\"` under the host there yourself"
    )]
    HostsToml {
        /// The file.
        path: PathBuf,
        /// The CA certificate.
        ca: PathBuf,
    },
    /// The system's store is of a kind that we do not know.
    #[error(
        "this system's store of certificates is none of those that pulltap knows (Debian, Red Hat, SUSE, Arch): add {ca} to \
         it in the system's own way"
    )]
    UnknownSystem {
        /// The CA certificate.
        ca: PathBuf,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// The certificate that is to be trusted.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    /// Its content, PEM.
    pub pem: &'a str,
    /// Its file in the data directory.
    pub path: &'a Path,
}

/// Plans to let a store trust the certificate: one plan for each registry, where it has folders for them.
///
/// # Errors
/// When no registry is named where one must be, or the store cannot be changed safely.
pub fn plans(
    store: Store,
    hosts: &[String],
    certificate: Certificate<'_>,
    (machine, surroundings): (&Machine, &Surroundings),
) -> Result<Vec<Plan>, TrustError> {
    if store == Store::System {
        return Ok(vec![system(certificate, machine)?]);
    }
    if hosts.is_empty() {
        return Err(TrustError::NoHost);
    }
    hosts.iter().map(|host| for_registry(store, host, certificate, (machine, surroundings))).collect()
}

fn for_registry(
    store: Store,
    host: &str,
    certificate: Certificate<'_>,
    (machine, surroundings): (&Machine, &Surroundings),
) -> Result<Plan, TrustError> {
    if !is_host(host) {
        return Err(TrustError::NotAHost(host.to_owned()));
    }
    if store == Store::Docker && is_docker_hub(host) {
        return Err(TrustError::DockerHub(host.to_owned()));
    }
    let folder = folder(store, surroundings).join(folder_name(host, surroundings));
    let hosts_toml = folder.join("hosts.toml");
    if store == Store::Containerd && machine.read(&hosts_toml)?.is_some() {
        return Err(TrustError::HostsToml { path: hosts_toml, ca: certificate.path.to_owned() });
    }
    let change = Change { path: folder.join(FILE), content: certificate.pem.into() };
    Ok(Plan { name: store.plan_name(Some(host)), changes: vec![change], refresh: None })
}

/// The folder with a folder for each registry.
fn folder(store: Store, surroundings: &Surroundings) -> PathBuf {
    match (store, &surroundings.program_data, &surroundings.user_config) {
        (Store::Docker, Some(program_data), _) => program_data.join("docker").join("certs.d"),
        (Store::Docker | Store::System, ..) => PathBuf::from("/etc/docker/certs.d"),
        (Store::Podman, _, Some(user_config)) => user_config.join("containers").join("certs.d"),
        (Store::Podman, ..) => PathBuf::from("/etc/containers/certs.d"),
        (Store::Containerd, ..) => PathBuf::from("/etc/containerd/certs.d"),
    }
}

/// The folder of a registry is named literally; on Windows docker leaves the colon out.
fn folder_name(host: &str, surroundings: &Surroundings) -> String {
    if surroundings.program_data.is_some() { host.replace(':', "") } else { host.to_owned() }
}

/// Where systems keep the roots that their administrators add, and the command that takes them over.
const SYSTEMS: [(&str, &str, Refresh); 4] = [
    ("/usr/local/share/ca-certificates", "/usr/sbin/update-ca-certificates", Refresh::UpdateCaCertificates),
    ("/etc/pki/ca-trust/source/anchors", "/usr/bin/update-ca-trust", Refresh::UpdateCaTrust),
    ("/etc/pki/trust/anchors", "/usr/sbin/update-ca-certificates", Refresh::UpdateCaCertificates),
    ("/etc/ca-certificates/trust-source/anchors", "/usr/bin/update-ca-trust", Refresh::UpdateCaTrust),
];

fn system(certificate: Certificate<'_>, machine: &Machine) -> Result<Plan, TrustError> {
    let known = SYSTEMS.iter().find(|(folder, command, _)| machine.has(folder) && machine.has(command));
    let (folder, _, refresh) = known.ok_or_else(|| TrustError::UnknownSystem { ca: certificate.path.to_owned() })?;
    let change = Change { path: Path::new(folder).join(FILE), content: certificate.pem.into() };
    Ok(Plan { name: Store::System.plan_name(None), changes: vec![change], refresh: Some(*refresh) })
}

/// A place where a certificate of pulltap's lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// Where.
    pub path: PathBuf,
    /// Whose.
    pub which: Which,
}

/// Which certificate is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That of this installation.
    Ours,
    /// That of another installation of pulltap, or an older one.
    Other,
}

/// Where a store trusts a certificate of pulltap's.
pub fn status(
    store: Store,
    certificate: Certificate<'_>,
    (machine, surroundings): (&Machine, &Surroundings),
) -> Vec<Trusted> {
    let files: Vec<PathBuf> = match store {
        Store::System => SYSTEMS.iter().map(|(folder, ..)| Path::new(folder).join(FILE)).collect(),
        _ => registries(&folder(store, surroundings), machine),
    };
    files.into_iter().filter_map(|path| trusted(path, certificate, machine)).collect()
}

/// The certificate's file in each registry's folder.
fn registries(folder: &Path, machine: &Machine) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(machine.place(folder)) else { return Vec::new() };
    let mut files: Vec<_> = entries.flatten().map(|entry| folder.join(entry.file_name()).join(FILE)).collect();
    files.sort();
    files
}

fn trusted(path: PathBuf, certificate: Certificate<'_>, machine: &Machine) -> Option<Trusted> {
    let content = machine.read(&path).ok()??;
    let which = if content == certificate.pem.as_bytes() { Which::Ours } else { Which::Other };
    Some(Trusted { path, which })
}

fn is_docker_hub(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host == "docker.io" || host.ends_with(".docker.io")
}

/// What a host name and a port consist of, and nothing that leads out of a folder.
fn is_host(host: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-._:[]".contains(character);
    !host.is_empty() && !host.starts_with(['.', '-']) && !host.contains("..") && host.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\n";

    fn certificate() -> Certificate<'static> {
        Certificate { pem: PEM, path: Path::new("/data/ca.crt") }
    }

    fn machine(folder: &tempfile::TempDir) -> Machine {
        Machine::new(&folder.path().join("data"), Some(folder.path().join("root")))
    }

    fn paths(store: Store, host: &str, surroundings: &Surroundings) -> Result<Vec<PathBuf>, String> {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let plans = plans(store, &[host.to_owned()], certificate(), (&machine, surroundings));
        let plans = plans.map_err(|error| error.to_string())?;
        Ok(plans.into_iter().flat_map(|plan| plan.changes).map(|change| change.path).collect())
    }

    #[test]
    fn each_tool_has_a_folder_for_each_registry() {
        let user = Surroundings { user_config: Some("/home/u/.config".into()), program_data: None };
        let windows = Surroundings { user_config: None, program_data: Some("/pd".into()) };
        for (store, surroundings, path) in [
            (Store::Docker, &user, "/etc/docker/certs.d/a.test:5000/pulltap.crt"),
            (Store::Docker, &windows, "/pd/docker/certs.d/a.test5000/pulltap.crt"),
            (Store::Podman, &user, "/home/u/.config/containers/certs.d/a.test:5000/pulltap.crt"),
            (Store::Podman, &Surroundings::default(), "/etc/containers/certs.d/a.test:5000/pulltap.crt"),
            (Store::Containerd, &user, "/etc/containerd/certs.d/a.test:5000/pulltap.crt"),
        ] {
            assert_eq!(paths(store, "a.test:5000", surroundings).unwrap(), [PathBuf::from(path)]);
        }
    }

    #[test]
    fn says_why_it_cannot_be_done_and_what_can() {
        let user = Surroundings::default();
        for hub in ["docker.io", "registry-1.docker.io"] {
            assert!(paths(Store::Docker, hub, &user).unwrap_err().contains("--for system"), "{hub}");
        }
        assert!(paths(Store::Podman, "docker.io", &user).is_ok());
        for bad in ["../../etc", "", "https://a.test", "a.test/team"] {
            assert!(paths(Store::Docker, bad, &user).unwrap_err().contains("not a registry"), "{bad}");
        }
        assert!(paths(Store::System, "a.test", &user).unwrap_err().contains("/data/ca.crt"));
        let folder = tempfile::tempdir().unwrap();
        let hosts = folder.path().join("root/etc/containerd/certs.d/a.test");
        fs::create_dir_all(&hosts).unwrap();
        fs::write(hosts.join("hosts.toml"), "").unwrap();
        let error =
            plans(Store::Containerd, &["a.test".to_owned()], certificate(), (&machine(&folder), &user)).unwrap_err();
        assert!(error.to_string().contains("ca = \"/data/ca.crt\""), "{error}");
    }

    #[test]
    fn knows_the_stores_of_distributions() {
        for (anchors, command, refresh) in SYSTEMS {
            let folder = tempfile::tempdir().unwrap();
            let machine = machine(&folder);
            fs::create_dir_all(machine.place(Path::new(anchors))).unwrap();
            let command = machine.place(Path::new(command));
            fs::create_dir_all(command.parent().unwrap()).unwrap();
            fs::write(command, "").unwrap();
            let plan = system(certificate(), &machine).unwrap();
            assert_eq!(
                (plan.changes[0].path.as_path(), plan.refresh),
                (Path::new(anchors).join(FILE).as_path(), Some(refresh))
            );
        }
    }

    #[test]
    fn finds_what_is_trusted_and_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let user = Surroundings::default();
        let here = (&machine, &user);
        assert_eq!(status(Store::Docker, certificate(), here), []);
        let plans = plans(Store::Docker, &["a.test".to_owned()], certificate(), here).unwrap();
        machine.apply(&plans[0]).unwrap();
        let other = machine.place(Path::new("/etc/docker/certs.d/b.test"));
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join(FILE), "another").unwrap();
        fs::write(other.join("ca.crt"), "the company's").unwrap();
        let found: Vec<_> =
            status(Store::Docker, certificate(), here).into_iter().map(|trusted| trusted.which).collect();
        assert_eq!(found, [Which::Ours, Which::Other]);
        assert!(Store::Docker.owns(&plans[0].name) && !Store::System.owns(&plans[0].name));
    }
}
