//! A lane: the steps of one program with one registry, told apart into drafts by what their answers name.

use std::collections::HashMap;

use super::super::{Method, PlaceKey, ReferenceKey, Role};
use super::Step;
use super::draft::{Draft, REST_MICROS, Way};

/// The drafts of a lane.
pub(super) struct Lane<'a> {
    pub(super) drafts: Vec<Draft<'a>>,
    /// In which draft a step is.
    pub(super) homes: HashMap<crate::exchange::ExchangeId, usize>,
    shelves: HashMap<Option<&'a str>, Shelf>,
    uploads: HashMap<PlaceKey, ReferenceKey>,
}

/// The drafts about one repository.
#[derive(Default)]
struct Shelf {
    /// Those that may still go on.
    live: Vec<usize>,
    /// Pushes whose manifest was written, the last first.
    puts: Vec<usize>,
}

impl<'a> Lane<'a> {
    /// Sorts the steps, which are in order, into drafts.
    pub(super) fn of(steps: &[&'a Step<'a>]) -> Self {
        let mut lane =
            Self { drafts: Vec::new(), homes: HashMap::new(), shelves: HashMap::new(), uploads: HashMap::new() };
        for step in steps.iter().filter(|step| step.role == Role::Upload) {
            if let Some(blob) = step.blob() {
                lane.uploads.insert(step.place, blob);
            }
        }
        for step in steps.iter().rev() {
            lane.add_to_push(step);
        }
        for step in steps {
            if !lane.homes.contains_key(&step.exchange) && !matches!(step.role, Role::Token | Role::Ping) {
                lane.add(step);
            }
        }
        lane.join_checks();
        lane.add_tokens(steps);
        lane.add_pings(steps);
        lane.share(steps);
        lane.drafts.retain(|draft| !draft.steps.is_empty());
        lane
    }

    /// The blob that a step reads or writes.
    fn blob(&self, step: &Step<'_>) -> Option<ReferenceKey> {
        let goes_on = || step.links.and_then(|links| self.uploads.get(&links.upload?));
        step.blob().or_else(|| self.uploads.get(&step.place).or_else(goes_on).copied())
    }

    /// Backwards in time: a manifest that was written says which blobs were uploaded for it.
    fn add_to_push(&mut self, step: &'a Step<'a>) {
        let writes = matches!(step.role, Role::Upload | Role::Mount);
        if !step.writes_manifest() && !writes && !step.asks_for_blob() {
            return;
        }
        let key = if step.writes_manifest() { step.reference() } else { self.blob(step) };
        let puts = self.shelves.get(&step.repository).map_or(&[][..], |shelf| shelf.puts.as_slice());
        let found = puts.iter().rev().copied().find(|at| {
            let Some(draft) = self.drafts.get(*at) else { return false };
            let is_near = draft.began.micros_since(step.ended) <= REST_MICROS;
            let is_wanted = key.is_none_or(|key| draft.parts.contains(&key));
            let is_repeated = || key.is_some_and(|key| draft.names.contains(&key)) && !step.is_well();
            is_near && (is_wanted || is_repeated() || (draft.parts.is_empty() && !step.writes_manifest()))
        });
        match found {
            Some(at) => self.put(at, step),
            None if step.writes_manifest() => {
                let at = self.begin(Way::Push, step);
                if let Some(draft) = self.drafts.get_mut(at) {
                    draft.is_put = true;
                }
                self.shelves.entry(step.repository).or_default().puts.push(at);
            }
            None => {}
        }
    }

    fn add(&mut self, step: &'a Step<'a>) {
        let found = match step.role {
            _ if step.looks_beside() => self.latest(step, |draft| matches!(draft.way, Way::Pull | Way::Push)),
            Role::Manifest => self.reader_of_manifest(step),
            Role::Blob | Role::Redirect | Role::Storage => self.reader_of_blob(step),
            Role::Upload | Role::Mount => self.latest(step, |draft| matches!(draft.way, Way::Push | Way::Either)),
            Role::Delete => self.deleting(step),
            role => self.latest(step, |draft| {
                let is_same = draft.way == Way::Api(role) || (role == Role::Tags && draft.way == Way::Pull);
                is_same && draft.goes_on(step.opened)
            }),
        };
        if let Some(at) = found {
            self.put(at, step);
            return;
        }
        let way = match step.role {
            Role::Upload | Role::Mount => Way::Push,
            _ if step.asks_for_blob() => Way::Either,
            Role::Manifest | Role::Blob | Role::Redirect | Role::Storage => Way::Pull,
            role => Way::Api(role),
        };
        self.begin(way, step);
    }

    /// A new draft.
    pub(super) fn begin(&mut self, way: Way, step: &'a Step<'a>) -> usize {
        let at = self.drafts.len();
        self.drafts.push(Draft::new(way, step));
        self.homes.insert(step.exchange, at);
        self.shelves.entry(step.repository).or_default().live.push(at);
        at
    }

    /// Adds a step to a draft.
    pub(super) fn put(&mut self, at: usize, step: &'a Step<'a>) {
        let Some(draft) = self.drafts.get_mut(at) else { return };
        if matches!(step.role, Role::Upload | Role::Mount) && draft.way == Way::Either {
            draft.way = Way::Push;
        }
        draft.add(step);
        self.homes.insert(step.exchange, at);
    }

    /// The drafts about the step's repository that may go on, in order of start.
    fn live(&mut self, step: &Step<'a>) -> Vec<(usize, &Draft<'a>)> {
        let Some(shelf) = self.shelves.get_mut(&step.repository) else { return Vec::new() };
        let drafts = &self.drafts;
        shelf.live.retain(|at| drafts.get(*at).is_some_and(|draft| draft.is_live(step.opened)));
        // A push is known from its end on: it may begin later than now.
        let has_begun = |(_, draft): &(usize, &Draft<'_>)| draft.began <= step.opened;
        shelf.live.iter().filter_map(|at| Some((*at, drafts.get(*at)?))).filter(has_begun).collect()
    }

    fn latest(&mut self, step: &Step<'a>, is_such: impl Fn(&Draft<'_>) -> bool) -> Option<usize> {
        let live = self.live(step);
        live.iter().rev().find(|(_, draft)| !draft.is_put && is_such(draft)).map(|(at, _)| *at)
    }

    /// The draft that a manifest is read for: one that wants it and has not got it yet. What was got already is asked for
    /// again by another.
    fn reader_of_manifest(&mut self, step: &Step<'a>) -> Option<usize> {
        let key = step.reference()?;
        let live = self.live(step);
        let wanting = || live.iter().filter(|(_, draft)| draft.way == Way::Pull && draft.wants(key));
        let fresh = wanting().find(|(_, draft)| !draft.has_read(key, step) && !draft.was_refused(key));
        // Without digest and content nothing tells what a tag stands for.
        let unread = |draft: &Draft<'_>| draft.names.len() == 1 && draft.parts.is_empty() && draft.way == Way::Pull;
        let is_digest = step.endpoint.reference().is_some_and(|reference| reference.contains(':'));
        let unclear =
            || live.iter().rev().find(|(_, draft)| is_digest && unread(draft) && !draft.has_names_of_digests());
        let part = || wanting().rev().find(|(_, draft)| draft.names.first() != Some(&key));
        fresh.or_else(part).or_else(unclear).map(|(at, _)| *at)
    }

    fn reader_of_blob(&mut self, step: &Step<'a>) -> Option<usize> {
        let is_head = step.method == Method::Head;
        let key = step.blob();
        let live = self.live(step);
        let wanting = || {
            let wants = move |draft: &Draft<'_>| key.is_some_and(|key| draft.parts.contains(&key));
            live.iter().filter(move |(_, draft)| draft.way == Way::Pull && wants(draft))
        };
        let fresh = wanting().find(|(_, draft)| key.is_some_and(|key| !draft.has_read(key, step)));
        let other = if is_head { Way::Push } else { Way::Pull };
        let fitting =
            || live.iter().rev().find(|(_, draft)| !draft.is_put && (draft.way == other || draft.way == Way::Either));
        fresh.or_else(|| wanting().next_back()).or_else(fitting).map(|(at, _)| *at)
    }

    /// skopeo reads a manifest by its tag before it deletes it by its digest.
    fn deleting(&mut self, step: &Step<'a>) -> Option<usize> {
        let key = step.reference()?;
        let live = self.live(step);
        let reading = live.iter().rev().find(|(_, draft)| draft.way == Way::Pull && draft.names.contains(&key));
        let going_on = || {
            let deletes = |draft: &Draft<'_>| draft.way == Way::Api(Role::Delete) && draft.goes_on(step.opened);
            live.iter().rev().find(|(_, draft)| deletes(draft))
        };
        reading.or_else(going_on).map(|(at, _)| *at)
    }

    /// containerd and `BuildKit` look at a tag before they write it.
    fn join_checks(&mut self) {
        let mut pushes: Vec<_> = self.shelves.values().flat_map(|shelf| shelf.puts.iter().copied()).collect();
        pushes.sort_unstable();
        for push in pushes {
            let Some(draft) = self.drafts.get(push) else { continue };
            let (began, names) = (draft.began, draft.names.clone());
            let is_check = |other: &Draft<'_>| {
                let is_near = other.last <= began && began.micros_since(other.last) <= REST_MICROS;
                let only_looks = |step: &&Step<'_>| step.method == Method::Head || step.status == Some(404);
                is_near
                    && !other.steps.is_empty()
                    && other.way == Way::Pull
                    && other.repository == draft.repository
                    && other.names.first().is_some_and(|name| names.contains(name))
                    && other.steps.iter().all(only_looks)
            };
            let checks: Vec<_> =
                self.drafts.iter().enumerate().filter(|(_, other)| is_check(other)).map(|(at, _)| at).collect();
            for at in checks {
                self.join(at, push);
            }
        }
    }

    fn join(&mut self, from: usize, into: usize) {
        let taken = self.drafts.get_mut(from).map(|draft| std::mem::take(&mut draft.steps));
        for step in taken.into_iter().flatten() {
            self.put(into, step);
        }
    }

    /// What two operations want at the same time is fetched, or uploaded, once and belongs to both.
    fn share(&mut self, steps: &[&'a Step<'a>]) {
        let mut by_blob: HashMap<ReferenceKey, Vec<&'a Step<'a>>> = HashMap::new();
        for step in steps {
            let is_check = step.method == Method::Head;
            if let Some(blob) = self.blob(step).filter(|_| !is_check) {
                by_blob.entry(blob).or_default().push(step);
            }
        }
        let mut shared = Vec::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            let until = draft.last.plus_micros(super::draft::AT_ONCE_MICROS);
            for part in &draft.parts {
                let Some(steps) = by_blob.get(part) else { continue };
                if steps.iter().any(|step| self.homes.get(&step.exchange) == Some(&at)) {
                    continue;
                }
                let meets = |step: &&&'a Step<'a>| step.opened <= until && step.ended >= draft.began;
                let is_alike = |step: &&&'a Step<'a>| {
                    let home = self.homes.get(&step.exchange).and_then(|home| self.drafts.get(*home));
                    home.is_some_and(|home| home.way == draft.way)
                };
                shared.extend(steps.iter().filter(meets).filter(is_alike).map(|step| (at, *step)));
            }
        }
        for (at, step) in shared {
            if let Some(draft) = self.drafts.get_mut(at) {
                draft.add(step);
            }
        }
    }
}
