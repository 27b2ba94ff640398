//! How connections end, and what one end has seen of the other until then.

/// How a direction of a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// TLS said goodbye.
    CloseNotify,
    /// TCP ended (in TLS: without a goodbye).
    Fin,
    /// The connection was reset.
    Reset,
}

/// What one end of a conversation has seen of the other.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// All bytes received.
    pub bytes: Vec<u8>,
    /// How the other side ended; `None` when this end did not look.
    pub ending: Option<Ending>,
}
