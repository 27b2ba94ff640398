//! What leads up to an operation: its token by who carried it, its ping by what came next.

use std::collections::HashMap;

use crate::exchange::Moment;

use super::super::{Role, TokenKey};
use super::Step;
use super::draft::{AT_ONCE_MICROS, Draft, REST_MICROS, Way};
use super::lane::Lane;

/// Who carried a token, in order.
type Carriers<'a> = HashMap<TokenKey, Vec<&'a Step<'a>>>;

impl<'a> Lane<'a> {
    /// Gives each token request to the operation that used the token, else to the one that it stands next to.
    pub(super) fn add_tokens(&mut self, steps: &[&'a Step<'a>]) {
        let mut carriers = Carriers::new();
        for step in steps {
            for key in step.bearer.into_iter().chain(step.token.and_then(|token| token.presented)) {
                carriers.entry(key).or_default().push(step);
            }
        }
        let tokens = || steps.iter().filter(|step| step.role == Role::Token);
        // Backwards: a refresh token is used by a token request, whose operation is known then.
        for step in tokens().rev() {
            self.add_by_use(step, &carriers);
        }
        for step in tokens() {
            if !self.homes.contains_key(&step.exchange) {
                self.add_by_time(step);
            }
        }
    }

    fn add_by_use(&mut self, step: &'a Step<'a>, carriers: &Carriers<'a>) {
        let Some(token) = step.token else { return };
        for key in token.granted.into_iter().chain(token.refresh) {
            let Some(carried) = carriers.get(&key) else { continue };
            let first = carried.iter().find(|user| (user.opened, user.exchange) > (step.opened, step.exchange));
            let Some(user) = first.filter(|user| user.opened.micros_since(step.ended) <= REST_MICROS) else { continue };
            if let Some(home) = self.homes.get(&user.exchange) {
                self.put(*home, step);
                return;
            }
            if user.role == Role::Ping {
                let home = self.begin(Way::Login, step);
                self.put(home, user);
                return;
            }
        }
    }

    /// A refused token, one that nobody used, and all where the file does not say who carried which.
    fn add_by_time(&mut self, step: &'a Step<'a>) {
        let scopes = step.token.map_or(&[][..], |token| token.scopes);
        let is_about = |draft: &Draft<'_>| {
            if scopes.is_empty() {
                return draft.way == Way::Login;
            }
            draft.way != Way::Login && scopes.iter().any(|scope| scope.repository() == draft.repository)
        };
        let about: Vec<_> = self.drafts.iter().enumerate().filter(|(_, draft)| is_about(draft)).collect();
        let about = || about.iter().filter(|(_, draft)| !draft.steps.is_empty()).copied();
        let challenged =
            || about().find(|(_, draft)| draft.runs_at(step.opened) && draft.is_challenged_before(step.opened));
        let next = || {
            let follows =
                |draft: &Draft<'_>| draft.began >= step.opened && draft.began.micros_since(step.ended) <= REST_MICROS;
            let fresh = about().filter(|(_, draft)| follows(draft) && !draft.has_role(Role::Token));
            fresh.min_by_key(|(at, draft)| (draft.began, *at))
        };
        let running = || about().find(|(_, draft)| draft.runs_at(step.opened));
        let before = || {
            // A login that got its token is over.
            let is_over = |draft: &Draft<'_>| draft.way == Way::Login && draft.steps.iter().any(|step| step.is_well());
            let past = about().filter(|(_, draft)| draft.began <= step.opened && draft.is_live(step.opened));
            let past = past.filter(|(_, draft)| !is_over(draft));
            past.max_by_key(|(at, draft)| (draft.last, *at))
        };
        let found = challenged().or_else(next).or_else(running).or_else(before).map(|(at, _)| at);
        let way = if scopes.is_empty() { Way::Login } else { Way::Unknown };
        match found {
            Some(at) => self.put(at, step),
            None => drop(self.begin(way, step)),
        }
    }

    /// Gives each ping to the login that it belongs to, or to the operation that it opens.
    pub(super) fn add_pings(&mut self, steps: &[&'a Step<'a>]) {
        let granted = self.granted();
        let pings: Vec<_> = steps.iter().filter(|step| step.role == Role::Ping).copied().collect();
        for step in pings.iter().filter(|step| step.has_credentials) {
            if !self.homes.contains_key(&step.exchange) {
                self.add_to_login(step, &granted);
            }
        }
        let mut starts: Vec<_> = self.drafts.iter().enumerate().map(|(at, draft)| (draft.began, at)).collect();
        starts.sort_unstable();
        let mut is_opened = vec![false; self.drafts.len()];
        let is_answered = |step: &&&'a Step<'a>| step.is_well() || step.is_challenged();
        let plain = || pings.iter().filter(|step| !step.has_credentials);
        for step in plain().filter(is_answered) {
            self.add_opening(step, &starts, &mut is_opened);
        }
        for step in plain().filter(|step| !is_answered(step)) {
            self.add_failed_ping(step, &starts);
        }
    }

    /// The draft of each token that was granted, and when that began.
    fn granted(&self) -> HashMap<TokenKey, (Moment, usize)> {
        let mut granted = HashMap::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            for step in &draft.steps {
                let key = step.token.and_then(|token| token.granted);
                granted.extend(key.map(|key| (key, (step.opened, at))));
            }
        }
        granted
    }

    fn add_to_login(&mut self, step: &'a Step<'a>, granted: &HashMap<TokenKey, (Moment, usize)>) {
        let by_token = step.bearer.and_then(|key| granted.get(&key)).filter(|(opened, _)| *opened <= step.opened);
        let by_token = by_token.map(|(_, at)| *at);
        let is_login = |draft: &Draft<'_>| {
            draft.way == Way::Login
                && draft.began <= step.opened
                && draft.is_live(step.opened)
                && !draft.steps.is_empty()
        };
        let login = || self.drafts.iter().rposition(is_login);
        match by_token.or_else(login) {
            Some(at) => self.put(at, step),
            None => drop(self.begin(Way::Login, step)),
        }
    }

    fn add_opening(&mut self, step: &'a Step<'a>, starts: &[(Moment, usize)], is_opened: &mut [bool]) {
        let following = starts.get(starts.partition_point(|(began, _)| *began < step.opened)..).unwrap_or(&[]);
        let near = following.iter().take_while(|(began, _)| began.micros_since(step.ended) <= REST_MICROS);
        let next = near.map(|(_, at)| *at).find(|at| is_opened.get(*at) == Some(&false));
        if let Some(at) = next {
            if let Some(is_opened) = is_opened.get_mut(at) {
                *is_opened = true;
            }
            self.put(at, step);
            return;
        }
        match self.drafts.iter().position(|draft| draft.runs_at(step.opened) && !draft.steps.is_empty()) {
            Some(at) => self.put(at, step),
            None => drop(self.begin(Way::Unknown, step)),
        }
    }

    /// One that failed opens nothing, unless it was repeated at once.
    fn add_failed_ping(&mut self, step: &'a Step<'a>, starts: &[(Moment, usize)]) {
        let following = starts.get(starts.partition_point(|(began, _)| *began < step.opened)..).unwrap_or(&[]);
        let next = following.first().filter(|(began, _)| began.micros_since(step.ended) <= AT_ONCE_MICROS);
        let is_going_on =
            |draft: &Draft<'_>| draft.way == Way::Unknown && draft.goes_on(step.opened) && draft.began <= step.opened;
        let before = || self.drafts.iter().rposition(is_going_on);
        match next.map(|(_, at)| *at).or_else(before) {
            Some(at) => self.put(at, step),
            None => drop(self.begin(Way::Unknown, step)),
        }
    }
}
