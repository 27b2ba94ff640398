//! Which protocol a client speaks.
