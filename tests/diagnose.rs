//! Tests of the diagnosis: every rule's fixtures, whole pulls, order of arrival, the catalogue.

mod alike;
mod catalogue;
mod faq;
pub mod fixture;
#[cfg(target_os = "linux")]
mod live;
mod measured;
mod operations;
mod order;
mod parsers;
mod pulls;
mod rules;
mod sureness;
mod traffic;
