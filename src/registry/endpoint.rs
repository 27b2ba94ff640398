//! What a request line asks for, as far as method, path and query tell: the endpoints of the OCI distribution API,
//! the well-known token endpoints, and the few others that matter.
//!
//! Whether a URL is a token endpoint that only a challenge names, or a blob host that only a redirect names, is the
//! [`Context`](super::Context)'s knowledge, not this module's.

use super::parameters::{self, decoded};

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/v2/`: does the registry speak the API, and may I?
    Ping,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<repository>/manifests/<reference>`
    Manifest {
        /// The repository.
        repository: Box<str>,
        /// A tag or a digest.
        reference: Box<str>,
    },
    /// `/v2/<repository>/blobs/<digest>`
    Blob {
        /// The repository.
        repository: Box<str>,
        /// The digest.
        digest: Box<str>,
    },
    /// `/v2/<repository>/blobs/uploads/`: begins an upload, or mounts a blob of another repository.
    Uploads {
        /// The repository.
        repository: Box<str>,
        /// The digest to mount, when the request asks for a mount.
        mount: Option<Box<str>>,
    },
    /// `/v2/<repository>/blobs/uploads/<session>`
    Upload {
        /// The repository.
        repository: Box<str>,
    },
    /// `/v2/<repository>/tags/list`
    Tags {
        /// The repository.
        repository: Box<str>,
    },
    /// `/v2/<repository>/referrers/<digest>`
    Referrers {
        /// The repository.
        repository: Box<str>,
        /// The digest referred to.
        digest: Box<str>,
    },
    /// `/v2/<name>/_trust/tuf/<file>`: content trust (Notary).
    ContentTrust {
        /// The name, which includes the host for registries other than Docker Hub.
        repository: Box<str>,
        /// The file: `root.json`, `targets/releases.json`, …
        file: Box<str>,
    },
    /// A well-known token endpoint.
    Token,
    /// `/oauth2/exchange`: Azure Container Registry takes an Entra token and gives a refresh token
    /// (Azure/acr, docs/AAD-OAuth.md).
    TokenExchange,
    /// `/acr/v1/…`: Azure Container Registry's own API.
    AcrApi {
        /// What it asks for.
        call: AcrCall,
        /// The repository, where the path names one.
        repository: Option<Box<str>>,
    },
    /// Below `/v2/`, and nothing of the above.
    UnknownRegistryPath,
    /// Everything else.
    Other,
}

/// What Azure Container Registry's own API is asked for (Azure/azure-rest-api-specs, `containerregistry.json` of the data
/// plane).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcrCall {
    /// `_catalog`: the repositories.
    Catalog,
    /// `<repository>`: what is known about it.
    Repository,
    /// `<repository>/_tags`
    Tags,
    /// `<repository>/_tags/<tag>`
    Tag,
    /// `<repository>/_manifests`
    Manifests,
    /// `<repository>/_manifests/<digest>`
    Manifest,
    /// Anything else.
    Other,
}

impl AcrCall {
    fn of(rest: &str) -> (Self, Option<&str>) {
        let rest = rest.trim_matches('/');
        let found = [("/_tags", Self::Tags, Self::Tag), ("/_manifests", Self::Manifests, Self::Manifest)];
        for (part, all, one) in found {
            if let Some(repository) = rest.strip_suffix(part) {
                return (all, Some(repository));
            }
            if let Some((repository, _)) = rest.split_once(part).filter(|(_, after)| after.starts_with('/')) {
                return (one, Some(repository));
            }
        }
        match rest {
            "" => (Self::Other, None),
            "_catalog" => (Self::Catalog, None),
            _ => (Self::Repository, Some(rest)),
        }
    }
}

impl Endpoint {
    /// What this path and query (as on the wire) name.
    pub fn of(path: &str, query: Option<&str>) -> Self {
        if let Some(rest) = path.strip_prefix("/v2/") {
            return Self::below_v2(rest, query);
        }
        if let Some(rest) = path.strip_prefix("/acr/v1/") {
            let (call, repository) = AcrCall::of(rest);
            return Self::AcrApi { call, repository: repository.map(boxed) };
        }
        match path.trim_end_matches('/') {
            "/v2" => Self::Ping,
            "/oauth2/token" | "/service/token" | "/jwt/auth" => Self::Token,
            "/token" if asks_for_a_token(query) => Self::Token,
            "/oauth2/exchange" => Self::TokenExchange,
            "/acr/v1" => Self::AcrApi { call: AcrCall::Other, repository: None },
            _ => Self::Other,
        }
    }

    /// `/v2/token` is Google's, `/v2/auth` Quay's token endpoint.
    fn below_v2(rest: &str, query: Option<&str>) -> Self {
        let trimmed = rest.trim_end_matches('/');
        match trimmed {
            "" => return Self::Ping,
            "_catalog" => return Self::Catalog,
            "token" | "auth" => return Self::Token,
            _ => {}
        }
        if let Some((name, file)) = rest.split_once("/_trust/tuf/") {
            return Self::ContentTrust { repository: boxed(name), file: boxed(file) };
        }
        if let Some(repository) = rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads")) {
            let mount = query.and_then(|query| parameters::first(query, "mount")).map(String::into_boxed_str);
            return Self::Uploads { repository: boxed(repository), mount };
        }
        let Some((before, last)) = trimmed.rsplit_once('/') else {
            return Self::UnknownRegistryPath;
        };
        if last == "list"
            && let Some(repository) = before.strip_suffix("/tags")
        {
            return Self::Tags { repository: boxed(repository) };
        }
        if let Some(repository) = before.strip_suffix("/manifests") {
            return Self::Manifest { repository: boxed(repository), reference: boxed(last) };
        }
        if let Some(repository) = before.strip_suffix("/blobs/uploads") {
            return Self::Upload { repository: boxed(repository) };
        }
        if let Some(repository) = before.strip_suffix("/blobs") {
            return Self::Blob { repository: boxed(repository), digest: boxed(last) };
        }
        if let Some(repository) = before.strip_suffix("/referrers") {
            return Self::Referrers { repository: boxed(repository), digest: boxed(last) };
        }
        Self::UnknownRegistryPath
    }

    /// The repository that the path names, as it was written: it need not be a valid name.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository, .. }
            | Self::Upload { repository }
            | Self::Tags { repository }
            | Self::Referrers { repository, .. }
            | Self::ContentTrust { repository, .. } => Some(repository),
            Self::AcrApi { repository, .. } => repository.as_deref(),
            _ => None,
        }
    }

    /// The tag or digest that the path names, as it was written.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Manifest { reference, .. } => Some(reference),
            Self::Blob { digest, .. } | Self::Referrers { digest, .. } => Some(digest),
            _ => None,
        }
    }

    /// Whether the path belongs to the distribution API.
    pub fn is_registry(&self) -> bool {
        !matches!(self, Self::Token | Self::TokenExchange | Self::Other)
    }
}

/// `/token` is a common path: only `service` or `scope` in the query makes it a token endpoint.
fn asks_for_a_token(query: Option<&str>) -> bool {
    query.is_some_and(|query| parameters::pairs(query).any(|(name, _)| name == "service" || name == "scope"))
}

fn boxed(text: &str) -> Box<str> {
    decoded(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_paths_of_the_distribution_api() {
        let of = |path: &str| Endpoint::of(path, None);
        assert_eq!(of("/v2/"), Endpoint::Ping);
        assert_eq!(of("/v2"), Endpoint::Ping);
        assert_eq!(of("/v2/_catalog"), Endpoint::Catalog);
        assert_eq!(
            of("/v2/a/manifests/b/manifests/v1"),
            Endpoint::Manifest { repository: "a/manifests/b".into(), reference: "v1".into() }
        );
        assert_eq!(
            of("/v2/team/app/blobs/sha256%3Aab"),
            Endpoint::Blob { repository: "team/app".into(), digest: "sha256:ab".into() }
        );
        assert_eq!(of("/v2/app/blobs/uploads/"), Endpoint::Uploads { repository: "app".into(), mount: None });
        assert_eq!(of("/v2/app/blobs/uploads/123-4"), Endpoint::Upload { repository: "app".into() });
        assert_eq!(of("/v2/app/tags/list"), Endpoint::Tags { repository: "app".into() });
        assert_eq!(of("/v2/nonsense"), Endpoint::UnknownRegistryPath);
        assert_eq!(of("/index.html"), Endpoint::Other);
        assert_eq!(
            Endpoint::of("/v2/app/blobs/uploads/", Some("mount=sha256%3Aab&from=base")),
            Endpoint::Uploads { repository: "app".into(), mount: Some("sha256:ab".into()) }
        );
    }

    #[test]
    fn reads_the_paths_of_azure_container_registry() {
        for (path, call, repository) in [
            ("_catalog", AcrCall::Catalog, None),
            ("team/app", AcrCall::Repository, Some("team/app")),
            ("team/app/_tags", AcrCall::Tags, Some("team/app")),
            ("team%2Fapp/_tags/v1", AcrCall::Tag, Some("team/app")),
            ("app/_manifests/", AcrCall::Manifests, Some("app")),
            ("app/_manifests/sha256:ab", AcrCall::Manifest, Some("app")),
            ("", AcrCall::Other, None),
        ] {
            let repository = repository.map(Into::into);
            assert_eq!(Endpoint::of(&format!("/acr/v1/{path}"), None), Endpoint::AcrApi { call, repository }, "{path}");
        }
    }

    #[test]
    fn knows_the_well_known_token_endpoints() {
        for path in ["/oauth2/token", "/service/token", "/jwt/auth", "/v2/token", "/v2/auth"] {
            assert_eq!(Endpoint::of(path, None), Endpoint::Token, "{path}");
        }
        assert_eq!(Endpoint::of("/token", Some("service=a")), Endpoint::Token);
        // As Docker Hub, GitHub and Amazon's public gallery name it: auth.docker.io, ghcr.io, public.ecr.aws.
        assert_eq!(Endpoint::of("/token/", Some("scope=repository%3Aapp%3Apull&service=ghcr.io")), Endpoint::Token);
        assert_eq!(Endpoint::of("/token", None), Endpoint::Other);
        assert_eq!(Endpoint::of("/oauth2/exchange", None), Endpoint::TokenExchange);
    }
}
