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
    /// kubelet itself; images it leaves to containerd or CRI-O.
    Kubelet,
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
    /// Where a Docker daemon keeps its images.
    pub image_store: Option<ImageStore>,
    /// The system and the processor that it pulls for, where it tells (docker: `os/linux arch/amd64`).
    pub platform: Option<(String, String)>,
}

/// Where a Docker daemon keeps its images; it asks registries differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageStore {
    /// Its own: it pings first, and asks as it always did.
    Graphdriver,
    /// containerd's: it asks as containerd does (moby daemon/containerd/resolver.go).
    Containerd,
}

/// How a `User-Agent` starts (lower case), and which program that is. Longer beginnings come first.
const BEGINNINGS: [(&str, ClientKind); 32] = [
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
    ("kaniko/", ClientKind::Crane),
    ("oras-go", ClientKind::Oras),
    ("oras/", ClientKind::Oras),
    ("notation/", ClientKind::Oras),
    ("helm/", ClientKind::Helm),
    ("azurecli/", ClientKind::AzureCli),
    ("azsdk-", ClientKind::AzureSdk),
    ("kubernetes-credentialprovider-acr", ClientKind::KubeletCredentials),
    ("acr-credential-provider", ClientKind::KubeletCredentials),
    ("kubelet/", ClientKind::Kubelet),
    ("jib", ClientKind::Jib),
    ("curl/", ClientKind::Curl),
    ("mozilla/", ClientKind::Browser),
    ("go-http-client/", ClientKind::Other),
    ("python-requests/", ClientKind::Other),
    ("powershell/", ClientKind::Other),
    ("wget/", ClientKind::Other),
];

impl Client {
    /// The program that this `User-Agent` names.
    pub fn of(user_agent: &str) -> Self {
        let beginning: String = user_agent.chars().take(60).collect::<String>().to_ascii_lowercase();
        let known = BEGINNINGS.iter().find(|(start, _)| beginning.starts_with(start)).map(|(_, kind)| *kind);
        let kind = match known {
            // Azure CLI stands on an SDK, PowerShell calls itself a browser.
            None | Some(ClientKind::AzureSdk | ClientKind::Browser) => {
                Self::by_what_it_contains(user_agent).or(known).unwrap_or(ClientKind::Other)
            }
            Some(known) => known,
        };
        let product = user_agent.split([' ', '\t']).next().unwrap_or("");
        let (name, version) = product.split_once('/').unwrap_or((product, ""));
        let short = |text: &str| text.chars().take(60).collect::<String>();
        let version = (!version.is_empty()).then(|| short(version));
        Self {
            kind,
            name: short(name),
            version,
            image_store: image_store(user_agent, kind),
            platform: platform(user_agent),
        }
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

    fn by_what_it_contains(user_agent: &str) -> Option<ClientKind> {
        let contains = |part: &str| super::error_body::contains_ignoring_case(user_agent, part);
        let known = [
            ("go-containerregistry", ClientKind::Crane),
            ("AZURECLI", ClientKind::AzureCli),
            ("PowerShell/", ClientKind::Other),
            ("github.com/containers/image", ClientKind::Podman),
        ];
        known.into_iter().find(|(part, _)| contains(part)).map(|(_, kind)| kind)
    }
}

/// `docker/28.0 … containerd-client/2.0 storage-driver/overlayfs UpstreamClient(…)`
fn image_store(user_agent: &str, kind: ClientKind) -> Option<ImageStore> {
    let is_containerd = user_agent.split(' ').take(40).any(|word| word.starts_with("containerd-client/"));
    let store = if is_containerd { ImageStore::Containerd } else { ImageStore::Graphdriver };
    (kind == ClientKind::Docker).then_some(store)
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
            ("AZURECLI/2.61.0 (DEB) azsdk-python-core/1.30", ClientKind::AzureCli, "AZURECLI/2.61.0"),
            (
                "azsdk-python-mgmt-containerregistry/10.3.0 Python/3.11 (Linux) AZURECLI/2.61.0",
                ClientKind::AzureCli,
                "azsdk-python-mgmt-containerregistry/10.3.0",
            ),
            (
                "azsdk-js-container-registry/1.1.0-beta.3 core-rest-pipeline/1.10.2 Node/v16.19.0",
                ClientKind::AzureSdk,
                "azsdk-js-container-registry/1.1.0-beta.3",
            ),
            ("buildkit/v0.16", ClientKind::BuildKit, "buildkit/v0.16"),
            ("Buildah/1.37.2", ClientKind::Podman, "Buildah/1.37.2"),
            ("crane/v0.20.2 go-containerregistry/v0.20.2", ClientKind::Crane, "crane/v0.20.2"),
            ("cosign/v2.4.1 (linux; amd64)", ClientKind::Crane, "cosign/v2.4.1"),
            ("oras/1.2.0", ClientKind::Oras, "oras/1.2.0"),
            ("Helm/3.16.2", ClientKind::Helm, "Helm/3.16.2"),
            ("kubelet/v1.31.1 (linux/amd64) kubernetes/948afe5", ClientKind::Kubelet, "kubelet/v1.31.1"),
            ("curl/8.9.1", ClientKind::Curl, "curl/8.9.1"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
                ClientKind::Browser,
                "Mozilla/5.0",
            ),
            (
                "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.2506",
                ClientKind::Other,
                "Mozilla/5.0",
            ),
            ("", ClientKind::Other, ""),
        ] {
            let client = Client::of(user_agent);
            assert_eq!(client.kind, kind, "{user_agent}");
            assert_eq!(client.to_string(), shown);
        }
    }

    #[test]
    fn tells_the_image_stores_of_docker_apart() {
        let store = |user_agent: &str| Client::of(user_agent).image_store;
        let own =
            r"docker/28.0.1 go/go1.23.6 kernel/6.8 os/linux arch/amd64 UpstreamClient(Docker-Client/28.0.1 \(linux\))";
        let containerd =
            "docker/28.0.1 go/go1.23.6 os/linux arch/amd64 containerd-client/2.0.3 storage-driver/overlayfs";
        assert_eq!(store(own), Some(ImageStore::Graphdriver));
        assert_eq!(store(containerd), Some(ImageStore::Containerd));
        assert_eq!(store("containerd/1.7.22"), None);
    }

    #[test]
    fn reads_what_docker_pulls_for() {
        let client = Client::of("docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.8 os/linux arch/arm64");
        assert_eq!(client.platform, Some(("linux".to_owned(), "arm64".to_owned())));
        assert_eq!(Client::of("containerd/1.7.22").platform, None);
        assert_eq!(Client::of("docker/27 os/linux").platform, None);
    }
}
