//! A port at which connecting neither succeeds nor fails.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A listener that accepts nobody and whose queue is full: further connections stay unanswered.
pub struct Stalled {
    address: SocketAddr,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl Stalled {
    /// Fills the queue of a new listener.
    pub fn new() -> Self {
        Self::at(IpAddr::from([127, 0, 0, 1]))
    }

    /// The same at this address of the machine.
    pub fn at(address: IpAddr) -> Self {
        let listener = Socket::new(Domain::for_address((address, 0).into()), Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        // A system may take a few more than it was asked to.
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(150)).ok();
        let queued: Vec<TcpStream> = (0..64).map_while(connect).collect();
        assert!(queued.len() < 64, "this system's queue never fills");
        Self { address, _listener: listener, _queued: queued }
    }

    /// The address to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
