//! Slow pulls and pushes, and what makes them slow: servers that think long, transfers that trickle, retries, throttling.
//!
//! The limits, and why they are where they are:
//!
//! * **Speed.** The smallest tier of Azure Container Registry gives 30 Mbit/s down and 10 Mbit/s up (its page on service
//!   tiers). A quarter of that, [`SLOW_DOWN`] and [`SLOW_UP`], is slow for any registry.
//! * **Time.** Shorter than [`LONG_MICROS`], nobody waits for it, and TCP has hardly found its speed.
//! * **First byte.** docker gives a ping or a token 15 s in all; a server that needs [`LATE_MICROS`], a third of that, is
//!   on its way to being too late. The end of an upload is checked by the registry before it answers: there only
//!   [`LATE_UPLOAD_MICROS`], containerd's limit for the head of an answer, is late.
//! * **Retries.** A cut transfer that goes on is a warning by itself; [`MANY_RETRIES`] of them make a pull slow. docker
//!   gives up a layer after five. A token that is fetched anew is no retry, and neither is a second pull of the same layer.

use std::collections::HashMap;

use crate::exchange::Moment;
use crate::registry::Role;

use super::super::case::Case;
use super::super::details::Transfer;
use super::super::episode::Member;
use super::super::evidence::{Evidence, Phase, Place};
use super::super::facts::Method;
use super::super::finding::{Parameters, Severity};
use super::super::rule::{Match, Rule};
use super::super::sureness::Alternative::{Or, OrIf};
use super::super::sureness::is_acr;

/// Bytes per second: a quarter of 30 Mbit/s.
const SLOW_DOWN: u64 = 940_000;
/// Bytes per second: a quarter of 10 Mbit/s.
const SLOW_UP: u64 = 310_000;
/// A layer this much slower than another of the same pull is slow for a reason of its own.
const SLOWER_THAN_OTHERS: u64 = 10;
/// What lasts longer is worth a word.
const LONG_MICROS: i64 = 20_000_000;
/// An answer that takes longer to begin is late.
const LATE_MICROS: i64 = 5_000_000;
/// The same, for the end of an upload.
const LATE_UPLOAD_MICROS: i64 = 30_000_000;
/// As many make a pull or push slow.
const MANY_RETRIES: usize = 3;

const DOWN: &[Role] = &[Role::Blob, Role::Storage];
const ANSWERS: &[Role] =
    &[Role::Ping, Role::Token, Role::Manifest, Role::Blob, Role::Redirect, Role::Storage, Role::Tags, Role::Catalog];

/// The rules of this family.
pub(super) const RULES: &[Rule] = &[
    slow("pull.slow-first-byte", "slow-pull")
        .on(ANSWERS)
        .likely(&[OrIf("cache-rule-fetching", is_acr), Or("proxy-reads-all")])
        .logic(slow_first_byte),
    slow("pull.slow-transfer", "slow-pull")
        .on(DOWN)
        .supersedes(&["pull.slow-layer"])
        .likely(&[Or("distant-region"), Or("proxy-reads-all"), OrIf("tier-limit", is_acr), Or("slow-client-disk")])
        .logic(slow_pull),
    slow("pull.slow-layer", "slow-pull")
        .of_severity(Severity::Notice)
        .on(DOWN)
        .likely(&[Or("slow-blob-place")])
        .logic(slow_layer),
    slow("pull.many-retries", "slow-pull").on(&[Role::Blob, Role::Redirect, Role::Storage]).logic(many_retries),
    slow("pull.slowed-by-throttling", "slow-pull").logic(|case| slowed_by_throttling(case, false)),
    slow("push.slow-answer", "slow-push").on(&[Role::Upload]).likely(&[Or("proxy-reads-all")]).logic(slow_answer),
    slow("push.slow-transfer", "slow-push")
        .on(&[Role::Upload])
        .likely(&[Or("distant-region"), Or("proxy-reads-all"), OrIf("tier-limit", is_acr)])
        .logic(slow_push),
    slow("push.slowed-by-throttling", "slow-push").logic(|case| slowed_by_throttling(case, true)),
];

const fn slow(name: &'static str, slug: &'static str) -> Rule {
    Rule::error(name, slug).of_severity(Severity::Warning)
}

fn transfer(member: &Member<'_>) -> Option<Transfer> {
    member.facts.details.as_ref()?.transfer
}

/// What a transfer of content was, in one direction.
#[derive(Debug, Clone, Copy)]
struct Flow {
    bytes: u64,
    from: Moment,
    micros: i64,
}

impl Flow {
    fn down(member: &Member<'_>) -> Option<Self> {
        let is_content = matches!(member.role, Role::Blob | Role::Storage) && member.facts.method == Method::Get;
        let transfer = transfer(member).filter(|_| is_content && matches!(member.facts.status, Some(200 | 206)))?;
        let from = member.facts.opened.plus_micros(transfer.receiving_after_micros);
        Some(Self { bytes: transfer.received, from, micros: transfer.receiving_micros })
    }

    fn up(member: &Member<'_>) -> Option<Self> {
        let transfer = transfer(member).filter(|transfer| member.role == Role::Upload && transfer.sent > 0)?;
        let from = member.facts.opened.plus_micros(transfer.sending_after_micros);
        Some(Self { bytes: transfer.sent, from, micros: transfer.sending_micros })
    }

    /// Bytes per second.
    fn speed(self) -> u64 {
        speed(self.bytes, self.micros)
    }
}

fn speed(bytes: u64, micros: i64) -> u64 {
    bytes.saturating_mul(1_000_000) / micros.unsigned_abs().max(1)
}

/// A speed as people write it: `0.9 MB/s`.
fn shown(speed: u64) -> String {
    format!("{}.{} MB/s", speed / 1_000_000, speed % 1_000_000 / 100_000)
}

/// An amount of bytes as people write it: `61.4 MB`.
fn shown_bytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

fn seconds(micros: i64) -> String {
    (micros / 1_000_000).to_string()
}

fn slow_first_byte(case: &Case<'_>) -> Option<Match> {
    let waited = transfer(case.member)?.waiting_micros;
    let is_read = matches!(case.facts.method, Method::Get | Method::Head) || case.role == Role::Token;
    if waited < LATE_MICROS || !is_read || case.facts.status.is_none_or(|status| status >= 400) {
        return None;
    }
    let evidence = case.evidence(Place::Timing(Phase::AwaitHead), &format!("{} s to the first byte", seconds(waited)));
    Some(Match::on([evidence]).with(Parameters::new().with("phase", "first-byte")))
}

/// Together, the layers of the pull came slowly. Said once, at the first of them.
fn slow_pull(case: &Case<'_>) -> Option<Match> {
    let evidence = overall(case, Flow::down, SLOW_DOWN, Phase::Receive)?;
    Some(Match::on(evidence))
}

fn slow_push(case: &Case<'_>) -> Option<Match> {
    let evidence = overall(case, Flow::up, SLOW_UP, Phase::Send)?;
    Some(Match::on(evidence))
}

/// The evidence that all transfers of the episode were slow together, at the first of them.
fn overall(case: &Case<'_>, flow: fn(&Member<'_>) -> Option<Flow>, slow: u64, phase: Phase) -> Option<Vec<Evidence>> {
    flow(case.member)?;
    if case.earlier().iter().any(|earlier| flow(earlier).is_some()) {
        return None;
    }
    let mut flows: Vec<_> = case.episode.members().iter().filter_map(|member| Some((flow(member)?, member))).collect();
    let bytes = flows.iter().map(|(flow, _)| flow.bytes).fold(0, u64::saturating_add);
    let busy = busy_micros(flows.iter().map(|(flow, _)| *flow).collect());
    if busy < LONG_MICROS || speed(bytes, busy) >= slow {
        return None;
    }
    let all = format!(
        "{} in {} s by {} requests: {}",
        shown_bytes(bytes),
        seconds(busy),
        flows.len(),
        shown(speed(bytes, busy))
    );
    flows.sort_by_key(|(flow, member)| (std::cmp::Reverse(flow.micros), member.facts.id));
    let each = flows.iter().take(3).map(|(flow, member)| Evidence {
        exchange: member.facts.id,
        place: Place::Timing(phase),
        value: format!("{} in {} s: {}", shown_bytes(flow.bytes), seconds(flow.micros), shown(flow.speed())),
    });
    let all = Evidence { exchange: case.facts.id, place: Place::Timing(Phase::Whole), value: all };
    Some([all].into_iter().chain(each).collect())
}

/// How long at least one transfer ran.
fn busy_micros(mut flows: Vec<Flow>) -> i64 {
    flows.sort_by_key(|flow| flow.from);
    let mut busy = 0_i64;
    let mut until = Moment::EPOCH;
    for flow in flows {
        let end = flow.from.plus_micros(flow.micros);
        busy = busy.saturating_add(end.micros_since(until.max(flow.from)).max(0));
        until = until.max(end);
    }
    busy
}

/// One layer trickles while others flow.
fn slow_layer(case: &Case<'_>) -> Option<Match> {
    let own = Flow::down(case.member).filter(|own| own.micros >= LONG_MICROS && own.speed() < SLOW_DOWN)?;
    let flows = case.shortly_before().chain(case.soon_after()).filter_map(Flow::down);
    let fastest = flows.filter(|other| other.bytes >= 1_000_000).map(Flow::speed).max()?;
    if fastest / SLOWER_THAN_OTHERS <= own.speed() {
        return None;
    }
    let value = format!(
        "{} in {} s: {}, another layer {}",
        shown_bytes(own.bytes),
        seconds(own.micros),
        shown(own.speed()),
        shown(fastest)
    );
    Some(Match::on([case.evidence(Place::Timing(Phase::Receive), &value)]))
}

/// Contents that were asked for again because the time before had failed. Said once, at the first that failed.
fn many_retries(case: &Case<'_>) -> Option<Match> {
    if !failed(case.member) || case.earlier().iter().any(|earlier| is_content(earlier) && failed(earlier)) {
        return None;
    }
    let mut has_failed: HashMap<&str, &Member<'_>> = HashMap::new();
    let mut retried = Vec::new();
    for member in case.episode.members().iter().filter(|member| is_content(member)) {
        let Some(digest) = member.digest else { continue };
        // A redirect is the first half of a request: the second half says how it went.
        if member.role != Role::Storage
            && let Some(before) = has_failed.remove(digest)
        {
            retried.push(before);
        }
        if failed(member) {
            has_failed.insert(digest, member);
        }
    }
    if retried.len() < MANY_RETRIES {
        return None;
    }
    let evidence = retried.iter().take(6).filter_map(|member| {
        let reason = member.facts.failure.as_deref().map(|failure| failure.kind.as_str().to_owned());
        let (place, value) = match (reason, member.facts.status) {
            (Some(reason), _) => (Place::Failure, reason),
            (None, status) => (Place::ResponseStatus, status?.to_string()),
        };
        Some(Evidence { exchange: member.facts.id, place, value })
    });
    Some(Match::on(evidence).with(Parameters::new().with("count", retried.len().to_string())))
}

fn is_content(member: &Member<'_>) -> bool {
    matches!(member.role, Role::Blob | Role::Redirect | Role::Storage) && member.facts.method == Method::Get
}

/// Whether it failed in a way after which clients try again.
fn failed(member: &Member<'_>) -> bool {
    member.facts.failure.is_some() || member.facts.status.is_some_and(|status| status >= 500 || status == 429)
}

/// Throttled, and then let through: the time in between was lost.
fn slowed_by_throttling(case: &Case<'_>, is_push: bool) -> Option<Match> {
    let is_first = |case: &Case<'_>| !case.earlier().iter().any(|earlier| earlier.facts.status == Some(429));
    if case.facts.status != Some(429) || case.episode.is_push() != is_push || !is_first(case) {
        return None;
    }
    let success = case.episode.last_success(case.facts.place).filter(|last| *last > case.facts.opened)?;
    let lost = success.micros_since(case.facts.ended);
    if lost < LATE_MICROS {
        return None;
    }
    let waited = case.evidence(Place::Timing(Phase::Whole), &format!("let through {} s later", seconds(lost)));
    let evidence = case.status_evidence().into_iter().chain(case.header_evidence("retry-after")).chain([waited]);
    Some(Match::on(evidence))
}

/// The content is sent, and the registry takes long to say that it has it.
fn slow_answer(case: &Case<'_>) -> Option<Match> {
    let waited = transfer(case.member)?.waiting_micros;
    if waited < LATE_UPLOAD_MICROS || !case.facts.succeeded() {
        return None;
    }
    let evidence = case.evidence(Place::Timing(Phase::AwaitHead), &format!("{} s to the answer", seconds(waited)));
    Some(Match::on([evidence]))
}
