//! Which program asks, by its `User-Agent`.
//!
//! Forms: moby dockerversion/useragent.go, containers/image internal/useragent, go-containerregistry
//! transport/useragent.go, containerd version, and captures of docker 20.10, skopeo 1.9, podman 4.3, containerd 1.6.

use std::fmt;

/// A program that talks to registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKind {
    /// The Docker daemon.
    Docker,
    /// The Docker command line itself (content trust, `docker manifest`).
    DockerCli,
    /// containerd, and so kubelet, ctr and nerdctl.
    Containerd,
    /// `BuildKit`.
    BuildKit,
    /// Podman, Buildah, CRI-O and whatever else stands on containers/image.
    Podman,
    /// skopeo.
    Skopeo,
    /// crane, ko, cosign and whatever else stands on go-containerregistry.
    Crane,
    /// oras.
    Oras,
    /// Helm.
    Helm,
    /// The Azure CLI.
    AzureCli,
    /// An Azure SDK.
    AzureSdk,
    /// Kubernetes' credential provider for Azure Container Registry.
    KubeletCredentials,
    /// Jib.
    Jib,
    /// curl.
    Curl,
    /// A web browser.
    Browser,
    /// Something else.
    Other,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    /// Which program.
    pub kind: ClientKind,
    /// Its own name for itself.
    pub name: String,
    /// Its version, where it tells.
    pub version: Option<String>,
    /// The system and the processor that it pulls for, where it tells (docker: `os/linux arch/amd64`).
    pub platform: Option<(String, String)>,
}

/// How a `User-Agent` starts (lower case), and which program that is. Longer beginnings come first.
const BEGINNINGS: [(&str, ClientKind); 27] = [
    ("docker-client/", ClientKind::DockerCli),
    ("docker/", ClientKind::Docker),
    ("containerd/", ClientKind::Containerd),
    ("nerdctl/", ClientKind::Containerd),
    ("buildkit/", ClientKind::BuildKit),
    ("containers/", ClientKind::Podman),
    ("libpod/", ClientKind::Podman),
    ("podman/", ClientKind::Podman),
    ("buildah/", ClientKind::Podman),
    ("cri-o/", ClientKind::Podman),
    ("skopeo/", ClientKind::Skopeo),
    ("crane/", ClientKind::Crane),
    ("go-containerregistry", ClientKind::Crane),
    ("ko/", ClientKind::Crane),
    ("cosign/", ClientKind::Crane),
    ("oras-go", ClientKind::Oras),
    ("oras/", ClientKind::Oras),
    ("helm/", ClientKind::Helm),
    ("azurecli/", ClientKind::AzureCli),
    ("azsdk-", ClientKind::AzureSdk),
    ("kubernetes-credentialprovider-acr", ClientKind::KubeletCredentials),
    ("jib", ClientKind::Jib),
    ("curl/", ClientKind::Curl),
    ("mozilla/", ClientKind::Browser),
    ("go-http-client/", ClientKind::Other),
    ("python-requests/", ClientKind::Other),
    ("powershell/", ClientKind::Other),
];

impl Client {
    /// The program that this `User-Agent` names.
    pub fn of(user_agent: &str) -> Self {
        let beginning: String = user_agent.chars().take(60).collect::<String>().to_ascii_lowercase();
        let known = BEGINNINGS.iter().find(|(start, _)| beginning.starts_with(start)).map(|(_, kind)| *kind);
        let kind = known.unwrap_or_else(|| Self::by_what_it_contains(user_agent));
        let product = user_agent.split([' ', '\t']).next().unwrap_or("");
        let (name, version) = product.split_once('/').unwrap_or((product, ""));
        let short = |text: &str| text.chars().take(60).collect::<String>();
        let version = (!version.is_empty()).then(|| short(version));
        Self { kind, name: short(name), version, platform: platform(user_agent) }
    }

    /// Whether it is a program that pulls images, and so follows a redirect to a blob. Others may only have looked.
    pub fn pulls(&self) -> bool {
        matches!(
            self.kind,
            ClientKind::Docker
                | ClientKind::Containerd
                | ClientKind::BuildKit
                | ClientKind::Podman
                | ClientKind::Skopeo
                | ClientKind::Crane
                | ClientKind::Oras
                | ClientKind::Helm
        )
    }

    fn by_what_it_contains(user_agent: &str) -> ClientKind {
        let contains = |part: &str| super::error_body::contains_ignoring_case(user_agent, part);
        if contains("go-containerregistry") {
            ClientKind::Crane
        } else if contains("AZURECLI") {
            ClientKind::AzureCli
        } else if contains("github.com/containers/image") {
            ClientKind::Podman
        } else {
            ClientKind::Other
        }
    }
}

fn platform(user_agent: &str) -> Option<(String, String)> {
    let word = |start: &str| user_agent.split(' ').take(40).find_map(|word| word.strip_prefix(start));
    let known = |text: &str| text.chars().take(20).collect::<String>();
    Some((known(word("os/")?), known(word("arch/")?)))
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}/{version}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_clients_by_their_user_agent() {
        for (user_agent, kind, shown) in [
            (
                r"docker/20.10.24+dfsg1 go/go1.19.8 UpstreamClient(Docker-Client/20.10.24 \(linux\))",
                ClientKind::Docker,
                "docker/20.10.24+dfsg1",
            ),
            ("Docker-Client/20.10.24+dfsg1 (linux)", ClientKind::DockerCli, "Docker-Client/20.10.24+dfsg1"),
            ("containerd/1.6.20~ds1", ClientKind::Containerd, "containerd/1.6.20~ds1"),
            ("containers/5.23.1 (github.com/containers/image)", ClientKind::Podman, "containers/5.23.1"),
            ("skopeo/1.9.3", ClientKind::Skopeo, "skopeo/1.9.3"),
            ("weird/1 go-containerregistry/v0.19", ClientKind::Crane, "weird/1"),
            ("python/3.10 AZURECLI/2.50.0", ClientKind::AzureCli, "python/3.10"),
            ("", ClientKind::Other, ""),
        ] {
            let client = Client::of(user_agent);
            assert_eq!(client.kind, kind, "{user_agent}");
            assert_eq!(client.to_string(), shown);
        }
    }

    #[test]
    fn reads_what_docker_pulls_for() {
        let client = Client::of("docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.8 os/linux arch/arm64");
        assert_eq!(client.platform, Some(("linux".to_owned(), "arm64".to_owned())));
        assert_eq!(Client::of("containerd/1.7.22").platform, None);
        assert_eq!(Client::of("docker/27 os/linux").platform, None);
    }
}
