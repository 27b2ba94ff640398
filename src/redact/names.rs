//! `--mask-names`: which names an exchange has, and the places that hold a name by themselves.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::exchange::{Exchange, TlsFacts};
use crate::secrets::{FingerprintKey, Masker, Names};

/// The names in an exchange.
pub(super) fn of(exchange: &Exchange, key: &FingerprintKey) -> Names {
    let mut names = Names::default();
    names.add_host(key, &exchange.target.host);
    if let Some(client) = exchange.client {
        names.add_address(key, client.ip());
    }
    names
}

/// Replaces the names that stand in no text.
pub(super) fn replace(masker: &Masker, exchange: &mut Exchange) {
    if let Some(client) = &mut exchange.client {
        *client = SocketAddr::new(masker.address(client.ip()), client.port());
    }
    exchange.target.host = masker.name(&exchange.target.host).into_owned();
    for facts in [&mut exchange.client_tls, &mut exchange.upstream_tls].into_iter().flatten() {
        replace_in_tls(masker, facts);
    }
}

/// A certificate is full of names, so none is left.
fn replace_in_tls(masker: &Masker, facts: &mut Arc<TlsFacts>) {
    let facts = Arc::make_mut(facts);
    facts.chain.clear();
    facts.name = masker.name(&facts.name).into_owned();
    if let Some(name) = facts.hello.as_mut().and_then(|hello| hello.sni.as_mut()) {
        *name = masker.name(name).into_owned();
    }
}
