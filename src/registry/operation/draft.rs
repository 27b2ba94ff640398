//! A draft: the steps of one operation while they are being collected.

use std::collections::HashSet;

use crate::exchange::Moment;

use super::super::{ReferenceKey, Role};
use super::Step;

/// What belongs together follows within this time: docker's longest pause before it tries a layer again is 25 s.
pub(super) const REST_MICROS: i64 = 30_000_000;
/// What a program does in one go follows within this time.
pub(super) const AT_ONCE_MICROS: i64 = 2_000_000;

/// Which way a draft goes, as far as its steps have told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It reads.
    Pull,
    /// It writes.
    Push,
    /// It asks whether blobs are there: both do.
    Either,
    /// It tries out credentials.
    Login,
    /// It lists, deletes or does something else.
    Api(Role),
    /// Nothing is known.
    Unknown,
}

/// The steps of one operation.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) way: Way,
    pub(super) repository: Option<&'a str>,
    pub(super) steps: Vec<&'a Step<'a>>,
    /// The tag or digest asked for, and the digest that it stands for.
    pub(super) names: Vec<ReferenceKey>,
    /// What its manifests are made of.
    pub(super) parts: HashSet<ReferenceKey>,
    /// Of what its manifests name, the images' configurations.
    pub(super) configs: HashSet<ReferenceKey>,
    pub(super) began: Moment,
    pub(super) last: Moment,
    /// Whether its manifest was written, which is a push's last step.
    pub(super) is_put: bool,
    is_open: bool,
    reads: HashSet<(ReferenceKey, Reading)>,
    refused: HashSet<ReferenceKey>,
}

/// In which way something was read well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reading {
    Head,
    Get,
    Redirect,
    Storage,
}

impl Reading {
    fn of(step: &Step<'_>) -> Self {
        match step.role {
            Role::Redirect => Self::Redirect,
            Role::Storage => Self::Storage,
            _ if step.method == super::super::Method::Head => Self::Head,
            _ => Self::Get,
        }
    }
}

impl<'a> Draft<'a> {
    /// A draft that begins with this step.
    pub(super) fn new(way: Way, first: &'a Step<'a>) -> Self {
        let mut draft = Self {
            way,
            repository: first.repository,
            steps: Vec::new(),
            names: Vec::new(),
            parts: HashSet::new(),
            configs: HashSet::new(),
            began: first.opened,
            last: first.ended,
            is_put: false,
            is_open: false,
            reads: HashSet::new(),
            refused: HashSet::new(),
        };
        if first.role == Role::Manifest {
            draft.names.extend(first.reference());
        }
        draft.add(first);
        draft
    }

    /// Adds a step.
    pub(super) fn add(&mut self, step: &'a Step<'a>) {
        self.began = self.began.min(step.opened);
        self.last = self.last.max(step.ended);
        self.is_open |= !step.is_over();
        self.repository = self.repository.or(step.repository);
        if step.role == Role::Manifest {
            self.learn_manifest(step);
        }
        let key = step.blob().or_else(|| step.reference());
        if let Some(key) = key {
            if step.is_well() {
                self.reads.insert((key, Reading::of(step)));
            } else if Reading::of(step) == Reading::Get && is_refusal(step) {
                self.refused.insert(key);
            }
        }
        self.steps.push(step);
    }

    fn learn_manifest(&mut self, step: &Step<'_>) {
        let Some(links) = step.links else { return };
        let is_own = step.reference().is_some_and(|reference| self.names.contains(&reference));
        if is_own
            && let Some(digest) = links.digest
            && !self.names.contains(&digest)
        {
            self.names.push(digest);
        }
        self.parts.extend(links.parts.iter().copied());
        self.parts.extend(links.config);
        self.configs.extend(links.config);
    }

    /// Whether something that happens now may still belong to it.
    pub(super) fn is_live(&self, now: Moment) -> bool {
        self.is_open || now.micros_since(self.last) <= REST_MICROS
    }

    /// Whether its last step was only a moment ago, or asks to be repeated.
    pub(super) fn goes_on(&self, now: Moment) -> bool {
        let last = self.steps.iter().max_by_key(|step| (step.opened, step.exchange));
        self.is_open
            || now.micros_since(self.last) <= AT_ONCE_MICROS
            || (self.is_live(now) && last.is_some_and(|step| !step.is_well()))
    }

    /// Whether it has begun and not yet ended at this moment.
    pub(super) fn runs_at(&self, now: Moment) -> bool {
        self.began <= now && (self.is_open || now <= self.last)
    }

    /// Whether it asked for this manifest, or has one that names it.
    pub(super) fn wants(&self, key: ReferenceKey) -> bool {
        self.names.contains(&key) || self.parts.contains(&key)
    }

    /// Whether it has read this, in the way in which the step does.
    pub(super) fn has_read(&self, key: ReferenceKey, step: &Step<'_>) -> bool {
        self.reads.contains(&(key, Reading::of(step)))
    }

    /// Whether it asked by digest, so that its manifest needs no other name.
    pub(super) fn has_names_of_digests(&self) -> bool {
        let reads = self.steps.iter().filter(|step| step.role == Role::Manifest);
        reads.filter_map(|step| step.endpoint.reference()).any(|reference| reference.contains(':'))
    }

    /// Whether it was told for good that it does not get this.
    pub(super) fn was_refused(&self, key: ReferenceKey) -> bool {
        self.refused.contains(&key)
    }

    /// Whether a step of this role is in it.
    pub(super) fn has_role(&self, role: Role) -> bool {
        self.steps.iter().any(|step| step.role == role)
    }

    /// Whether it was asked for a token at this moment and had none.
    pub(super) fn is_challenged_before(&self, now: Moment) -> bool {
        let before = self.steps.iter().filter(|step| step.opened <= now && step.role != Role::Token);
        before.max_by_key(|step| (step.opened, step.exchange)).is_some_and(|step| step.status == Some(401))
    }
}

/// Whether the answer will be the same next time.
fn is_refusal(step: &Step<'_>) -> bool {
    step.status.is_some_and(|status| (400..500).contains(&status) && !matches!(status, 401 | 408 | 429))
}
