//! Random messages.
