//! ClientHellos.
