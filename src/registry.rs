//! What registries and their clients mean: endpoints, challenges, scopes, tokens, errors, roles. Pure knowledge of the
//! OCI distribution API and of the products that speak it; every parser is tolerant and takes linear time.

pub mod azure;
pub mod challenge;
pub mod clients;
pub mod context;
pub mod endpoint;
pub mod error_body;
pub mod links;
pub mod manifest;
pub mod method;
pub mod network_rules;
pub mod operation;
pub mod parameters;
pub mod reference;
pub mod role;
pub mod role_scope;
pub mod scope;
pub mod token;
pub mod told_settings;
pub mod vendors;

pub use azure::{Management, ManagementCall, RegistrySettings, Service};
pub use challenge::Challenge;
pub use clients::{Client, ClientKind, ImageStore};
pub use context::{Address, Asked, Context, PlaceKey, Realm, Redirect};
pub use endpoint::{AcrCall, Endpoint};
pub use error_body::{ErrorBody, ErrorEntry, Shape};
pub use links::{Links, ReferenceKey};
pub use manifest::{Layer, Manifest, ManifestKind, Platform};
pub use method::Method;
pub use operation::{Operation, OperationId};
pub use reference::{Digest, RepositoryName, Tag};
pub use role::Role;
pub use scope::Scope;
pub use token::{Authorization, Claims, Proof, TokenAnswer, TokenKey, TokenRequest};
pub use told_settings::{RoleAssigned, Told, ToldSettings};
pub use vendors::Vendor;
