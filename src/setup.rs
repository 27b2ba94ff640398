//! Points container tools on this machine at the proxy, and back: what has to change in which file.
//!
//! This room plans; `changes` makes and undoes what was planned.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::changes::{Change, ChangeError, Machine, Plan};

mod daemon_json;
mod engine;
pub mod shell;

pub use daemon_json::Refused;
pub use engine::{EngineVersion, proxy_of_environment};
pub use shell::{ShellKind, lines, undo_lines};

/// A container tool that can be pointed at the proxy by changing files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// containerd as a service of its own.
    Containerd,
    /// Docker Engine as a service.
    Docker,
    /// podman, for one user.
    Podman,
}

impl Tool {
    /// The name in commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The name of its plan.
    pub fn plan_name(self) -> String {
        format!("setup-{}", self.name())
    }
}

/// What was found out about the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The version of dockerd, if there is one.
    pub engine: Option<EngineVersion>,
    /// What the service's environment says now, as systemd shows it.
    pub environment: String,
    /// The folder for the user's own settings; `None` for root, whose settings are the machine's.
    pub user_config: Option<PathBuf>,
    /// Where Windows keeps the settings of services; `None` elsewhere.
    pub program_data: Option<PathBuf>,
}

/// What will be done, and what people must know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The changes.
    pub plan: Plan,
    /// Commands that make the tool notice, in order; they stop or interrupt it, so people run them.
    pub restart: Vec<&'static str>,
    /// The proxy that the tool has been using: pulltap has to go through it.
    pub parent: Option<String>,
}

/// Why a tool cannot be pointed at the proxy by this program.
#[derive(Debug, Error)]
pub enum SetupError {
    /// There is no dockerd.
    #[error(
        "there is no dockerd on this machine. For Docker Desktop see `pulltap setup desktop`; for Docker on another machine \
         open the proxy's address there in a browser, or with curl: it says what to do"
    )]
    NoEngine,
    /// The service is not run by systemd, and its version has no other way.
    #[error(
        "{tool} takes its proxy from its own environment, and it is not run by systemd here: start it with \
         HTTP_PROXY={proxy} HTTPS_PROXY={proxy} in its environment"
    )]
    NoSystemd {
        /// The tool.
        tool: &'static str,
        /// The proxy.
        proxy: String,
    },
    /// The settings file cannot be edited.
    #[error("{path}: {refused}")]
    DaemonJson {
        /// The file.
        path: PathBuf,
        /// Why not.
        refused: Refused,
    },
    /// A file cannot be read.
    #[error(transparent)]
    Change(#[from] ChangeError),
}

/// What has to be done to point a tool at this proxy (a URL).
///
/// # Errors
/// When this machine does not have the tool, or its settings cannot be edited.
pub fn propose(tool: Tool, proxy: &str, machine: &Machine, facts: &Facts) -> Result<Proposal, SetupError> {
    match tool {
        Tool::Containerd => service(tool, proxy, machine, facts),
        Tool::Docker => docker(proxy, machine, facts),
        Tool::Podman => Ok(podman(proxy, facts)),
    }
}

/// The commands that make a tool notice that its settings have changed, or changed back.
pub fn restart(tool: Tool, facts: &Facts) -> Vec<&'static str> {
    match tool {
        Tool::Containerd => vec!["systemctl daemon-reload", "systemctl restart containerd"],
        Tool::Docker if facts.program_data.is_some() => vec!["powershell -Command Restart-Service docker"],
        Tool::Docker => vec!["systemctl daemon-reload", "systemctl restart docker"],
        Tool::Podman => Vec::new(),
    }
}

fn docker(proxy: &str, machine: &Machine, facts: &Facts) -> Result<Proposal, SetupError> {
    let engine = facts.engine.as_ref().ok_or(SetupError::NoEngine)?;
    if !engine.reads_proxies_from_daemon_json() {
        return service(Tool::Docker, proxy, machine, facts);
    }
    let path = match &facts.program_data {
        Some(folder) => folder.join("docker").join("config").join("daemon.json"),
        None => PathBuf::from("/etc/docker/daemon.json"),
    };
    let before = machine.read(&path)?.unwrap_or_default();
    let refuse = |refused| SetupError::DaemonJson { path: path.clone(), refused };
    let text = String::from_utf8(before).map_err(|error| refuse(Refused::NotJson(error.to_string())))?;
    let content = daemon_json::with_proxy(&text, proxy).map_err(refuse)?;
    let parent = daemon_json::proxy_in(&text).or_else(|| proxy_of_environment(&facts.environment));
    Ok(proposal(Tool::Docker, facts, Change { path, content: content.into() }, other_than(parent, proxy)))
}

/// A systemd service with an environment of its own.
fn service(tool: Tool, proxy: &str, machine: &Machine, facts: &Facts) -> Result<Proposal, SetupError> {
    let unit = tool.name();
    if facts.program_data.is_some() || !machine.has("/etc/systemd/system") || !machine.has("/run/systemd/system") {
        return Err(SetupError::NoSystemd { tool: unit, proxy: proxy.to_owned() });
    }
    // The last drop-in by name wins over others that set the same variables.
    let path = Path::new("/etc/systemd/system").join(format!("{unit}.service.d")).join("zz-pulltap.conf");
    let content = format!(
        "# Made by `pulltap setup {unit} --apply`, and taken away by `pulltap setup {unit} --undo`.\n[Service]\n\
         Environment=\"HTTP_PROXY={proxy}\" \"HTTPS_PROXY={proxy}\" \"NO_PROXY=\"\n\
         Environment=\"http_proxy={proxy}\" \"https_proxy={proxy}\" \"no_proxy=\"\n"
    );
    let parent = other_than(proxy_of_environment(&facts.environment), proxy);
    Ok(proposal(tool, facts, Change { path, content: content.into() }, parent))
}

fn podman(proxy: &str, facts: &Facts) -> Proposal {
    let folder = match &facts.user_config {
        Some(folder) => folder.join("containers"),
        None => PathBuf::from("/etc/containers"),
    };
    let content = format!(
        "# Made by `pulltap setup podman --apply`, and taken away by `pulltap setup podman --undo`.\n[engine]\n\
         env = [\"HTTP_PROXY={proxy}\", \"HTTPS_PROXY={proxy}\", \"NO_PROXY=\"]\n"
    );
    let path = folder.join("containers.conf.d").join("zz-pulltap.conf");
    proposal(Tool::Podman, facts, Change { path, content: content.into() }, None)
}

fn proposal(tool: Tool, facts: &Facts, change: Change, parent: Option<String>) -> Proposal {
    let plan = Plan { name: tool.plan_name(), changes: vec![change], refresh: None };
    Proposal { plan, restart: restart(tool, facts), parent }
}

fn other_than(parent: Option<String>, proxy: &str) -> Option<String> {
    parent.filter(|parent| parent.trim_end_matches('/') != proxy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PROXY: &str = "http://127.0.0.1:8888";

    fn machine(folder: &tempfile::TempDir) -> Machine {
        for part in ["etc/systemd/system", "run/systemd/system", "etc/docker"] {
            fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        Machine::new(&folder.path().join("data"), Some(folder.path().to_owned()))
    }

    fn facts(version: &str) -> Facts {
        Facts { engine: EngineVersion::read(version), ..Facts::default() }
    }

    #[test]
    fn an_old_engine_gets_a_drop_in_and_a_new_one_an_entry_of_daemon_json() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let old = Facts {
            environment: "PATH=/bin HTTPS_PROXY=http://corp:3128 X=1".to_owned(),
            ..facts("Docker version 20.10.24+dfsg1, build 5d6db84")
        };
        let old = propose(Tool::Docker, PROXY, &machine, &old).unwrap();
        assert_eq!(old.plan.changes[0].path, Path::new("/etc/systemd/system/docker.service.d/zz-pulltap.conf"));
        assert!(
            String::from_utf8_lossy(&old.plan.changes[0].content).contains("\"HTTPS_PROXY=http://127.0.0.1:8888\"")
        );
        assert_eq!(old.parent.as_deref(), Some("http://corp:3128"));
        assert_eq!(old.restart, ["systemctl daemon-reload", "systemctl restart docker"]);

        fs::write(folder.path().join("etc/docker/daemon.json"), "{\"debug\": true}").unwrap();
        let new = propose(Tool::Docker, PROXY, &machine, &facts("Docker version 28.2.2, build e6534b4")).unwrap();
        assert_eq!(new.plan.changes[0].path, Path::new("/etc/docker/daemon.json"));
        assert!(String::from_utf8_lossy(&new.plan.changes[0].content).contains("\"debug\": true"));
        assert_eq!(new.parent, None);
    }

    #[test]
    fn a_broken_daemon_json_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        fs::write(folder.path().join("etc/docker/daemon.json"), "{\"debug\": true,}").unwrap();
        let error =
            propose(Tool::Docker, PROXY, &machine, &facts("Docker version 23.0.1, build a")).unwrap_err().to_string();
        assert!(
            error.contains("/etc/docker/daemon.json") && error.contains("does not start with it either"),
            "{error}"
        );
    }

    #[test]
    fn says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        assert!(matches!(propose(Tool::Docker, PROXY, &machine, &Facts::default()), Err(SetupError::NoEngine)));
        fs::remove_dir(folder.path().join("run/systemd/system")).unwrap();
        let error = propose(Tool::Docker, PROXY, &machine, &facts("Docker version 20.10.1, build a")).unwrap_err();
        assert!(error.to_string().contains("HTTPS_PROXY=http://127.0.0.1:8888"), "{error}");
    }

    #[test]
    fn on_windows_the_service_has_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let machine = machine(&folder);
        let facts = Facts { program_data: Some("/pd".into()), ..facts("Docker version 27.0.1, build a") };
        let proposal = propose(Tool::Docker, PROXY, &machine, &facts).unwrap();
        assert_eq!(proposal.plan.changes[0].path, Path::new("/pd/docker/config/daemon.json"));
        assert_eq!(proposal.restart, ["powershell -Command Restart-Service docker"]);
    }
}
