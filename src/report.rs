//! What pulltap says about exchanges and findings, laid out: as lines of text and as JSON. Nothing is decided here.

pub mod json;
pub mod line;
pub mod quantity;
