//! The token ledger as a list: each token with who got it, what for, for how long, and who carried it.

use std::collections::HashMap;

use crate::exchange::{ExchangeId, Moment};
use crate::registry::{Role, Scope, TokenKey};

use super::episode::Member;

/// A token that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The exchange that granted it.
    pub exchange: ExchangeId,
    /// The host that granted it.
    pub issued_by: String,
    /// What stands for it in masks.
    pub fingerprint: Option<String>,
    /// The registry that it is for, as the client wrote its name.
    pub registry: String,
    /// For whom, where a name was told.
    pub user: Option<String>,
    /// Whether nobody said who asks.
    pub is_anonymous: bool,
    /// Whether it is only good for getting other tokens.
    pub is_refresh_token: bool,
    /// The scopes asked for.
    pub asked: Vec<Scope>,
    /// The scopes granted, where the token itself tells.
    pub granted: Option<Vec<Scope>>,
    /// When it was granted.
    pub issued: Moment,
    /// How long it holds, in seconds, as the answer or the token itself says.
    pub lifetime_seconds: Option<i64>,
    /// By how many seconds the clock of who granted it is ahead of ours, where it is off by more than a minute.
    pub clock_ahead_seconds: Option<i64>,
    /// The exchange that granted the token before it to the same user for the same scopes.
    pub renews: Option<ExchangeId>,
    /// The exchange that granted the refresh token which it was got with.
    pub got_with: Option<ExchangeId>,
    /// The exchanges that carried it, in order.
    pub uses: Vec<ExchangeId>,
    /// How many of them were refused with 401.
    pub refused: usize,
}

impl IssuedToken {
    /// When it ends, by our clock and whoever granted it.
    pub fn expires(&self) -> Option<Moment> {
        let micros = self.lifetime_seconds?.checked_mul(1_000_000)?;
        Some(self.issued.plus_micros(micros))
    }
}

/// The tokens that these exchanges grant, in order of their grant.
pub(super) fn of<'a>(members: impl Iterator<Item = Member<'a>>) -> Vec<IssuedToken> {
    let mut members: Vec<_> = members.collect();
    members.sort_by_key(|member| (member.facts.opened, member.facts.id));
    let mut tokens: Vec<IssuedToken> = Vec::new();
    let mut by_key: HashMap<TokenKey, usize> = HashMap::new();
    let mut newest: HashMap<_, ExchangeId> = HashMap::new();
    for member in &members {
        let facts = member.facts;
        let presented = facts.token.as_deref().and_then(|token| token.request.presented);
        let carried = facts.bearer.or(presented).and_then(|key| by_key.get(&key).copied());
        if let Some(token) = carried.and_then(|at| tokens.get_mut(at)) {
            token.uses.push(facts.id);
            token.refused = token.refused.saturating_add(usize::from(facts.status == Some(401)));
        }
        let got_with = carried.and_then(|at| tokens.get(at)).map(|token| token.exchange);
        if let Some(mut token) = issued(member, got_with) {
            let request = facts.token.as_deref().map(|token| &token.request);
            let asks = request.map(|request| (member.registry, request.user.as_deref(), &request.scopes));
            token.renews = newest.insert((asks, token.is_refresh_token), token.exchange);
            let answer = facts.token.as_deref().and_then(|token| token.answer.as_ref());
            let keys = answer.into_iter().flat_map(|answer| [answer.key, answer.refresh_key]).flatten();
            by_key.extend(keys.map(|key| (key, tokens.len())));
            tokens.push(token);
        }
    }
    tokens
}

fn issued(member: &Member<'_>, got_with: Option<ExchangeId>) -> Option<IssuedToken> {
    let facts = member.facts;
    let token = facts.token.as_deref().filter(|_| member.role == Role::Token)?;
    let answer = token.answer.as_ref()?;
    Some(IssuedToken {
        exchange: facts.id,
        issued_by: facts.host.to_string(),
        fingerprint: answer.key.or(answer.refresh_key).map(TokenKey::fingerprint),
        registry: member.registry.to_owned(),
        user: token.request.user.clone(),
        is_anonymous: token.request.is_anonymous(),
        is_refresh_token: answer.is_refresh_token,
        asked: token.request.scopes.clone(),
        granted: answer.granted().map(<[Scope]>::to_vec),
        issued: facts.ended,
        lifetime_seconds: answer.lifetime(),
        clock_ahead_seconds: facts.clock_ahead().map(|(_, seconds)| seconds),
        renews: None,
        got_with,
        uses: Vec::new(),
        refused: 0,
    })
}
