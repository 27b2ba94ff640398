//! The help page at the listener's address: the guide, filled with what this capture is.

use jiff::Timestamp;

use crate::ca::CertificateAuthority;
use crate::guide::{self, CertificateFacts, Form, Place, preference};
use crate::proxy::pages::{Asked, HelpPage, Page};

/// Writes the guide for whoever asks.
#[derive(Debug, Clone, Copy)]
pub struct Guide;

impl HelpPage for Guide {
    fn page(&self, asked: &Asked<'_>, authority: &CertificateAuthority) -> Page {
        let preference = preference(asked.query, asked.user_agent, asked.accept_language);
        let place = Place {
            address: asked.address.to_owned(),
            registry: preference.registry.clone(),
            certificate: certificate(authority),
        };
        match preference.form {
            Form::Html => Page { media_type: "text/html; charset=utf-8", text: guide::html(&place, &preference) },
            Form::Text => Page { media_type: "text/plain; charset=utf-8", text: guide::text(&place, &preference) },
        }
    }
}

/// What people compare of the CA certificate.
pub fn certificate(authority: &CertificateAuthority) -> CertificateFacts {
    let facts = authority.facts();
    let until = facts.as_ref().and_then(|facts| Timestamp::from_microsecond(facts.not_after.micros()).ok());
    CertificateFacts {
        name: facts.map(|facts| facts.subject).unwrap_or_default(),
        sha256: authority.sha256(),
        thumbprint: authority.thumbprint(),
        valid_until: until.map(|until| until.strftime("%Y-%m-%d").to_string()).unwrap_or_default(),
    }
}
