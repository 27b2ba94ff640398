//! Scopes of access: `repository:team/app:pull,push`.
//!
//! Grammar: distribution/distribution, docs/content/spec/auth/scope.md. Azure Container Registry adds actions such as
//! `metadata_read`, which the Azure CLI spells `metadataRead`.

use std::fmt;

/// One resource and the actions on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl Scope {
    /// The scope that this text spells; `None` unless it has a kind, a name and actions.
    pub fn new(text: &str) -> Option<Self> {
        let (kind, rest) = text.trim().split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self::of(kind, name, actions.split(',').map(str::trim)))
    }

    /// The scope of these parts; actions are put in order, each once.
    pub fn of<'a>(kind: &str, name: &str, actions: impl Iterator<Item = &'a str>) -> Self {
        // `repository(plugin)` is a repository whose class is told too.
        let kind = kind.split('(').next().filter(|kind| !kind.is_empty()).unwrap_or(kind);
        let mut actions: Vec<_> = actions.filter(|action| !action.is_empty()).map(str::to_owned).collect();
        actions.sort_unstable();
        actions.dedup();
        Self { kind: kind.to_owned(), name: name.to_owned(), actions }
    }

    /// The scopes of a text that separates them by spaces; what is no scope is left out.
    pub fn list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().filter_map(Self::new).collect()
    }

    /// The kind of resource: `repository`, `registry`, …
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The actions, in order.
    pub fn actions(&self) -> &[String] {
        &self.actions
    }

    /// The repository, when the scope is about one.
    pub fn repository(&self) -> Option<&str> {
        (self.kind == "repository" || self.kind == "artifact-repository").then_some(self.name.as_str())
    }

    /// Whether it is about reading a repository, and nothing else.
    pub fn is_only_pull(&self) -> bool {
        self.kind == "repository" && !self.actions.is_empty() && self.actions.iter().all(|action| action == "pull")
    }

    /// What of this scope is not among the granted ones; `None` when all of it is.
    pub fn missing_from(&self, granted: &[Self]) -> Option<Self> {
        let of_this: Vec<_> =
            granted.iter().filter(|other| other.kind == self.kind && other.name == self.name).collect();
        let has = |action: &str| {
            of_this.iter().flat_map(|other| &other.actions).any(|other| other == "*" || same_action(other, action))
        };
        let missing: Vec<_> = self
            .actions
            .iter()
            .map(String::as_str)
            // `*` asks for whatever there is: any grant answers it.
            .filter(|action| if *action == "*" { of_this.is_empty() } else { !has(action) })
            .collect();
        (!missing.is_empty()).then(|| Self::of(&self.kind, &self.name, missing.into_iter()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.kind, self.name, self.actions.join(","))
    }
}

fn same_action(one: &str, other: &str) -> bool {
    let letters =
        |text: &str| text.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_lowercase()).collect();
    let (one, other): (Vec<u8>, Vec<u8>) = (letters(one), letters(other));
    one == other
}

/// Several scopes as one text.
pub fn listed(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_scope_whose_name_has_a_port() {
        let scope = Scope::new("repository:host:5000/app:push,pull").unwrap();
        assert_eq!(scope.name(), "host:5000/app");
        assert_eq!(scope.actions(), ["pull", "push"]);
        assert_eq!(scope.to_string(), "repository:host:5000/app:pull,push");
        assert!(Scope::new("repository").is_none());
        assert!(Scope::new("a::b").is_none());
    }

    #[test]
    fn tells_what_was_not_granted() {
        let asked = Scope::new("repository:app:pull,push").unwrap();
        let granted = Scope::list("repository:app:pull");
        assert_eq!(asked.missing_from(&granted).unwrap().to_string(), "repository:app:push");
        assert_eq!(asked.missing_from(&Scope::list("repository:app:*")), None);
        assert!(asked.missing_from(&[]).is_some());
        let metadata = Scope::new("repository:app:metadataRead").unwrap();
        assert_eq!(metadata.missing_from(&Scope::list("repository:app:metadata_read")), None);
    }
}
