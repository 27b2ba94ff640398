//! Both TLS connections of an exchange: what was offered, what was agreed, whose certificates.

use super::Look;
use super::text::Text;
use crate::diagnose::Severity;
use crate::exchange::tls::AlertSender;
use crate::exchange::tls_names::{alert_name, group_name, is_grease, suite_name, version_name};
use crate::exchange::{Exchange, TlsFacts, Verdict};
use crate::report::{json, quantity};
use crate::x509::CertificateFacts;

/// Writes the page.
pub fn write(text: &mut Text, exchange: &Exchange, look: &Look) {
    let Look { words, theme, .. } = look;
    if exchange.client_tls.is_none() && exchange.upstream_tls.is_none() {
        text.paragraph(&words.no_tls, theme.quiet());
    }
    if let Some(facts) = exchange.client_tls.as_deref() {
        text.paragraph(&words.client_tls, theme.heading());
        write_facts(text, facts, look);
    }
    if let Some(facts) = exchange.upstream_tls.as_deref() {
        text.gap();
        text.paragraph(&words.upstream_tls, theme.heading());
        write_facts(text, facts, look);
    }
}

fn write_facts(text: &mut Text, facts: &TlsFacts, look: &Look) {
    let Look { words, theme, .. } = look;
    let mut pair = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.pair((&format!("{name}: "), theme.name()), (&value, theme.text()));
        }
    };
    let agreed: Vec<_> = [facts.version.map(version_name), facts.suite.map(suite_name), facts.group.map(group_name)]
        .into_iter()
        .flatten()
        .collect();
    let protocol = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    pair(&words.tls_agreed, (!agreed.is_empty()).then(|| agreed.join(", ")));
    pair("ALPN", facts.alpn.as_deref().map(protocol));
    pair("SNI", facts.hello.as_ref().and_then(|hello| hello.sni.clone()));
    pair(&words.tls_name, Some(facts.name.clone()).filter(|name| !name.is_empty()));
    pair(&words.tls_took, facts.end.map(|end| quantity::duration(end.micros_since(facts.start))));
    if let Some(hello) = &facts.hello {
        let versions = hello.versions.iter().copied().filter(|version| !is_grease(*version)).map(version_name);
        pair(
            &words.tls_versions_offered,
            Some(versions.collect::<Vec<_>>().join(", ")).filter(|list| !list.is_empty()),
        );
        let protocols: Vec<_> = hello.alpn.iter().map(|bytes| protocol(bytes)).collect();
        pair(&words.tls_alpn_offered, Some(protocols.join(", ")).filter(|list| !list.is_empty()));
    }
    if let Some(alert) = facts.alert {
        let sender = if alert.sender == AlertSender::Us { &words.us } else { &words.peer };
        let value = format!("{} ({}), {sender}", alert_name(alert.code), alert.code);
        text.pair((&format!("{}: ", words.tls_alert), theme.name()), (&value, theme.severity(Severity::Error)));
    }
    write_verdict(text, &facts.verdict, look);
    for (number, der) in facts.chain.iter().enumerate() {
        write_certificate(text, number, der, look);
    }
}

fn write_verdict(text: &mut Text, verdict: &Verdict, look: &Look) {
    let style = match verdict {
        Verdict::NotChecked => return,
        Verdict::Trusted => look.theme.severity(Severity::Normal),
        _ => look.theme.severity(Severity::Error),
    };
    text.pair((&format!("{}: ", look.words.tls_verdict), look.theme.name()), (verdict.as_str(), style));
    if let Verdict::Refused(words) = verdict {
        text.item("  ", words, look.theme.text());
    }
}

fn write_certificate(text: &mut Text, number: usize, der: &[u8], look: &Look) {
    let Look { words, theme, .. } = look;
    let beginning = format!("{} {}: ", words.certificate, number + 1);
    let Some(facts) = CertificateFacts::read(der) else {
        text.pair((&beginning, theme.name()), (&words.certificate_unreadable, theme.quiet()));
        return;
    };
    text.pair((&beginning, theme.name()), (&facts.subject, theme.text()));
    let mut line = |name: &str, value: &str| {
        text.pair((&format!("  {name}: "), theme.name()), (value, theme.text()));
    };
    line(&words.certificate_issuer, &facts.issuer);
    if !facts.names.is_empty() {
        line(&words.certificate_names, &facts.names.join(", "));
    }
    line(&words.certificate_valid, &format!("{} – {}", json::time(facts.not_before), json::time(facts.not_after)));
}
