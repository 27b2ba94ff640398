//! Pseudonyms: the same name is the same pseudonym, and none is left.
