//! The part an exchange plays in talking to a registry.

use super::{AcrCall, Endpoint};

/// The part an exchange plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `/v2/`: is this a registry, and may I?
    Ping,
    /// Getting a token.
    Token,
    /// Reading or writing a manifest.
    Manifest,
    /// Reading a blob (a layer or a configuration) from the registry itself.
    Blob,
    /// A blob request that the registry redirects to the host that keeps its blobs.
    Redirect,
    /// Reading a blob from the host that a redirect named.
    Storage,
    /// Uploading a blob.
    Upload,
    /// Mounting a blob of another repository.
    Mount,
    /// Listing tags.
    Tags,
    /// Listing repositories.
    Catalog,
    /// Listing what refers to a manifest.
    Referrers,
    /// Deleting something.
    Delete,
    /// Content trust: what is signed (Notary).
    Trust,
    /// Microsoft Entra ID, or the metadata service of a virtual machine: who is it that asks?
    Identity,
    /// Azure Resource Manager: the registry as a resource.
    Management,
    /// Azure Container Registry's own API about repositories, tags and manifests: their attributes and locks.
    Attributes,
    /// Opening a tunnel.
    Connect,
    /// Something else.
    Other,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 18] = [
        Self::Ping,
        Self::Token,
        Self::Manifest,
        Self::Blob,
        Self::Redirect,
        Self::Storage,
        Self::Upload,
        Self::Mount,
        Self::Tags,
        Self::Catalog,
        Self::Referrers,
        Self::Delete,
        Self::Trust,
        Self::Identity,
        Self::Management,
        Self::Attributes,
        Self::Connect,
        Self::Other,
    ];

    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Token => "token",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::Redirect => "redirect",
            Self::Storage => "storage",
            Self::Upload => "upload",
            Self::Mount => "mount",
            Self::Tags => "tags",
            Self::Catalog => "catalog",
            Self::Referrers => "referrers",
            Self::Delete => "delete",
            Self::Trust => "trust",
            Self::Identity => "identity",
            Self::Management => "management",
            Self::Attributes => "attributes",
            Self::Connect => "connect",
            Self::Other => "other",
        }
    }

    /// The role of a request with this method, endpoint and answer, as far as these alone tell.
    pub fn of(method: &str, endpoint: &Endpoint, status: Option<u16>) -> Self {
        let is_redirected = status.is_some_and(|status| (300..400).contains(&status) && status != 304);
        match (endpoint, method) {
            (_, "CONNECT") => Self::Connect,
            (Endpoint::Token | Endpoint::TokenExchange, _) => Self::Token,
            (Endpoint::Ping, _) => Self::Ping,
            (
                Endpoint::Manifest { .. } | Endpoint::Blob { .. } | Endpoint::Tags { .. } | Endpoint::AcrApi { .. },
                "DELETE",
            ) => Self::Delete,
            (Endpoint::Catalog | Endpoint::AcrApi { call: AcrCall::Catalog, .. }, _) => Self::Catalog,
            (Endpoint::Manifest { .. }, _) => Self::Manifest,
            (Endpoint::Blob { .. }, _) if is_redirected => Self::Redirect,
            (Endpoint::Blob { .. }, _) => Self::Blob,
            (Endpoint::Uploads { mount: Some(_), .. }, _) => Self::Mount,
            (Endpoint::Uploads { .. } | Endpoint::Upload { .. }, _) => Self::Upload,
            (Endpoint::Tags { .. } | Endpoint::AcrApi { call: AcrCall::Tags, .. }, _) => Self::Tags,
            (Endpoint::Referrers { .. }, _) => Self::Referrers,
            (Endpoint::ContentTrust { .. }, _) => Self::Trust,
            (Endpoint::AcrApi { .. }, _) => Self::Attributes,
            _ => Self::Other,
        }
    }

    /// Whether the registry itself answers it (not its token server, not its blob host).
    pub fn is_registry(self) -> bool {
        !matches!(
            self,
            Self::Token | Self::Storage | Self::Trust | Self::Identity | Self::Management | Self::Connect | Self::Other
        )
    }

    /// Whether it writes blobs.
    pub fn is_upload(self) -> bool {
        matches!(self, Self::Upload | Self::Mount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_role_from_method_endpoint_and_answer() {
        let of = |method: &str, path: &str, status| Role::of(method, &Endpoint::of(path, None), status);
        assert_eq!(of("GET", "/v2/", Some(401)), Role::Ping);
        assert_eq!(of("GET", "/v2/app/blobs/sha256:ab", Some(307)), Role::Redirect);
        assert_eq!(of("GET", "/v2/app/blobs/sha256:ab", Some(200)), Role::Blob);
        assert_eq!(of("DELETE", "/v2/app/manifests/v1", Some(202)), Role::Delete);
        assert_eq!(of("PATCH", "/v2/app/blobs/uploads/1", None), Role::Upload);
        assert_eq!(of("CONNECT", "", None), Role::Connect);
    }
}
