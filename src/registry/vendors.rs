//! Which registry product stands behind a host, and which hosts keep blobs, by their names.

/// A registry product that rules and advice know apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Vendor {
    /// Azure Container Registry.
    Acr,
    /// Docker Hub.
    DockerHub,
    /// Microsoft Container Registry.
    Mcr,
    /// GitHub Container Registry.
    Ghcr,
    /// Amazon Elastic Container Registry.
    Ecr,
    /// Its public gallery.
    EcrPublic,
    /// Google's Artifact Registry and Container Registry.
    Google,
    /// Quay.io.
    Quay,
    /// GitLab.com's.
    GitLab,
    /// Any other.
    Other,
}

impl Vendor {
    /// The product behind this host.
    pub fn of(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        // mcrprod.azurecr.io issues MCR's tokens (Azure/static-web-apps#1758).
        if host == "mcr.microsoft.com" || host == "mcrprod.azurecr.io" || is_below("mcr.microsoft.com") {
            Self::Mcr
        } else if acr_name(&host).is_some() || is_below("data.azurecr.io") || is_below("data.azurecr.cn") {
            Self::Acr
        } else if host == "docker.io" || is_below("docker.io") || is_below("docker.com") {
            Self::DockerHub
        } else if host == "ghcr.io" {
            Self::Ghcr
        } else if is_ecr(&host) {
            Self::Ecr
        } else if host == "public.ecr.aws" {
            Self::EcrPublic
        } else if host == "gcr.io" || is_below("gcr.io") || is_below("pkg.dev") {
            Self::Google
        } else if host == "quay.io" {
            Self::Quay
        } else if host == "registry.gitlab.com" {
            Self::GitLab
        } else {
            Self::Other
        }
    }
}

/// `<account>.dkr.ecr.<region>.amazonaws.com`, and the names for both families of addresses
/// (`<account>.dkr-ecr.<region>.on.aws`).
fn is_ecr(host: &str) -> bool {
    let is_of = |service: &str, domains: &[&str]| {
        let region = host.split_once(service).filter(|(account, _)| account.bytes().all(|byte| byte.is_ascii_digit()));
        region.is_some_and(|(account, rest)| !account.is_empty() && domains.iter().any(|domain| rest.ends_with(domain)))
    };
    is_of(".dkr.ecr.", &[".amazonaws.com", ".amazonaws.com.cn"]) || is_of(".dkr-ecr.", &[".on.aws"])
}

/// The resource name of an Azure Container Registry with this host name: what `az acr` commands take. Such a name has
/// letters and digits only; a hash behind a hyphen makes the host name its tenant's, group's or subscription's own
/// (learn.microsoft.com, "Domain name label scope").
pub fn acr_name(host: &str) -> Option<&str> {
    ["io", "cn", "us"].iter().find_map(|domain| {
        let label = host.strip_suffix(domain)?.strip_suffix(".azurecr.")?;
        let name = label.split_once('-').map_or(label, |(name, _)| name);
        (!name.is_empty() && !label.contains('.')).then_some(name)
    })
}

/// Whether a host of this name serves blobs for registries: where redirects lead.
pub fn keeps_blobs(host: &str) -> bool {
    const DOMAINS: [&str; 15] = [
        ".blob.core.windows.net",
        ".blob.core.chinacloudapi.cn",
        ".blob.core.usgovcloudapi.net",
        ".blob.storage.azure.net",
        ".data.azurecr.io",
        ".data.azurecr.cn",
        ".data.mcr.microsoft.com",
        ".cdn.mscr.io",
        ".cloudflare.docker.com",
        ".cloudfront.docker.com",
        ".cloudfront.net",
        ".r2.cloudflarestorage.com",
        "pkg-containers.githubusercontent.com",
        "cdn.registry.gitlab-static.net",
        "storage.googleapis.com",
    ];
    let host = host.to_ascii_lowercase();
    let is_s3 = host.ends_with(".amazonaws.com") && (host.contains(".s3.") || host.contains(".s3-"));
    let is_quay = host.starts_with("cdn") && host.ends_with(".quay.io");
    is_s3 || is_quay || DOMAINS.iter().any(|domain| host.ends_with(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_registries_and_blob_hosts_by_name() {
        assert_eq!(Vendor::of("MyRegistry.azurecr.io"), Vendor::Acr);
        assert_eq!(acr_name("myregistry.azurecr.cn"), Some("myregistry"));
        assert_eq!(acr_name("myregistry-a1b2c3d4.azurecr.io"), Some("myregistry"));
        assert_eq!(acr_name("-a1b2c3d4.azurecr.io"), None);
        assert_eq!(Vendor::of("registry-1.docker.io"), Vendor::DockerHub);
        assert_eq!(Vendor::of("notdocker.io"), Vendor::Other);
        for (host, vendor) in [
            ("123456789012.dkr.ecr.eu-west-2.amazonaws.com", Vendor::Ecr),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Vendor::Ecr),
            ("123456789012.dkr-ecr.eu-west-2.on.aws", Vendor::Ecr),
            ("my.dkr.ecr.eu-west-2.amazonaws.com", Vendor::Other),
            ("123456789012.dkr.ecr.eu-west-2.example.com", Vendor::Other),
            ("public.ecr.aws", Vendor::EcrPublic),
            ("us-docker.pkg.dev", Vendor::Google),
            ("eu.gcr.io", Vendor::Google),
            ("quay.io", Vendor::Quay),
            ("registry.gitlab.com", Vendor::GitLab),
        ] {
            assert_eq!(Vendor::of(host), vendor, "{host}");
        }
        assert_eq!(Vendor::of("mcrprod.azurecr.io"), Vendor::Mcr);
        assert!(keeps_blobs("weumanaged15.blob.core.windows.net"));
        assert!(keeps_blobs("myregistry.westeurope.data.azurecr.io"));
        assert!(keeps_blobs("prod-eu-west-2-starport-layer-bucket.s3.eu-west-2.amazonaws.com"));
        assert!(keeps_blobs("cdn01.quay.io"));
        assert!(!keeps_blobs("myregistry.azurecr.io"));
    }
}
