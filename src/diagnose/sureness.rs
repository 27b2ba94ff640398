//! How sure a finding is of its cause, and what else puts the same bytes on the wire.
//!
//! A rule names its alternatives, the likeliest first, each with the condition under which the case at hand leaves it open.
//! Where none is left, the finding is certain. The words are the catalogue's.

use crate::exchange::Side;
use crate::registry::{Vendor, vendors};

use super::case::Case;
use super::facts::Method;

/// The user name beside a token of Microsoft Entra ID.
const NO_USER: &str = "00000000-0000-0000-0000-000000000000";

/// How sure a finding is of the cause that its explanation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sureness {
    /// Its evidence has other causes that are about as frequent; this one only stands first.
    Possible,
    /// Its evidence has other causes, and this one is by far the most frequent.
    Likely,
    /// Its evidence has no other cause that is known: the server says so itself, or the capture rules the others out.
    Certain,
}

impl Sureness {
    /// The name that JSON and text outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// Another cause of what a rule goes by, by its name in the catalogue.
#[derive(Debug, Clone, Copy)]
pub enum Alternative {
    /// It is always open.
    Or(&'static str),
    /// It is open where this holds.
    OrIf(&'static str, fn(&Case<'_>) -> bool),
}

impl Alternative {
    /// Its name in the catalogue.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Or(name) | Self::OrIf(name, _) => name,
        }
    }

    /// Whether the case leaves it open.
    pub(super) fn is_open(&self, case: &Case<'_>) -> bool {
        match self {
            Self::Or(_) => true,
            Self::OrIf(_, is_open) => is_open(case),
        }
    }
}

/// Whether the registry is one of Azure Container Registry.
pub(super) fn is_acr(case: &Case<'_>) -> bool {
    case.vendor() == Vendor::Acr
}

/// Whether the registry is any other.
pub(super) fn is_not_acr(case: &Case<'_>) -> bool {
    !is_acr(case)
}

/// Whether a repository is asked for: what is hidden from some is said to be missing, or refused.
pub(super) fn names_repository(case: &Case<'_>) -> bool {
    case.member.repository.is_some()
}

/// Whether the user has a name as service principals have: a GUID, and not the one that stands for a token.
pub(super) fn names_application(case: &Case<'_>) -> bool {
    let is_guid = |user: &str| {
        let lengths = user.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && user.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    case.user().is_some_and(|user| is_guid(user) && user != NO_USER)
}

/// Whether the user is named like the registry, as the admin user is.
pub(super) fn names_admin_user(case: &Case<'_>) -> bool {
    let registry = case.member.registry.to_ascii_lowercase();
    let name = vendors::acr_name(&registry);
    case.user().is_some_and(|user| name.is_some_and(|name| name.eq_ignore_ascii_case(user)))
}

/// Whether the name of the user tells who it is.
pub(super) fn names_user(case: &Case<'_>) -> bool {
    case.user().is_some_and(|user| user != NO_USER)
}

/// Whether it reads.
pub(super) fn is_read(case: &Case<'_>) -> bool {
    matches!(case.facts.method, Method::Get | Method::Head)
}

/// Whether something else failed about the same time, and not by the client's doing.
pub(super) fn others_failed(case: &Case<'_>) -> bool {
    case.shortly_before().chain(case.soon_after()).any(|member| {
        let has_failed = member.facts.failure.as_deref().is_some_and(|failure| failure.side != Side::Client);
        let is_challenge = member.facts.status == Some(401) && member.facts.authorization.is_none();
        has_failed || (member.facts.status.is_some_and(|status| status >= 400) && !is_challenge)
    })
}

/// Whether the registry may hide from some that a repository is there, as others than Azure Container Registry do without
/// being asked.
pub(super) fn may_hide(case: &Case<'_>) -> bool {
    is_not_acr(case) && names_repository(case)
}
