//! What differs between operating systems, one small function per difference, twins for Unix and Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod child;

/// Creates a file that only its owner may read; an error if it exists.
///
/// On Unix the mode is 0600. On Windows the file inherits the access list of its folder, which in a user's profile
/// admits the user, administrators and the system only.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owner_only(&mut options);
    options.open(path)
}

/// Creates a folder (and its parents) that only its owner may enter; fine if it exists.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    owner_only_folder(&mut builder);
    builder.create(path)
}

#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(windows)]
fn owner_only(_options: &mut OpenOptions) {}

#[cfg(unix)]
fn owner_only_folder(builder: &mut std::fs::DirBuilder) {
    use std::os::unix::fs::DirBuilderExt;
    builder.mode(0o700);
}

#[cfg(windows)]
fn owner_only_folder(_builder: &mut std::fs::DirBuilder) {}

/// Whether a name could not be looked up because no resolver answered, or because it failed itself; else it says that there
/// is no such name.
///
/// `getaddrinfo` tells both apart by a number (`EAI_AGAIN` and `EAI_FAIL`, or an error of the system, against
/// `EAI_NONAME`), of which the standard library keeps the system's words.
#[cfg(unix)]
pub fn resolver_gave_no_answer(error: &io::Error) -> bool {
    /// In the words of glibc and macOS, of FreeBSD, and of musl.
    const NO_ANSWER: [&str; 6] = [
        "Temporary failure in name resolution",
        "Non-recoverable failure in name resolution",
        "Name could not be resolved at this time",
        "Unrecoverable failure in name resolution",
        "Try again",
        "Non-recoverable error",
    ];
    let text = error.to_string();
    error.raw_os_error().is_some() || NO_ANSWER.iter().any(|words| text.ends_with(words))
}

/// Whether a name could not be looked up because no resolver answered, or because it failed itself (`WSATRY_AGAIN`,
/// `WSANO_RECOVERY`, and whatever is not about the name); else it says that there is no such name.
#[cfg(windows)]
pub fn resolver_gave_no_answer(error: &io::Error) -> bool {
    const HOST_NOT_FOUND: i32 = 11_001;
    const NO_DATA: i32 = 11_004;
    !matches!(error.raw_os_error(), Some(HOST_NOT_FOUND | NO_DATA) | None)
}

/// Who may use a file: on Unix its mode and owners. On Windows files inherit that from their folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    mode: u32,
    owners: Option<(u32, u32)>,
}

impl Access {
    /// Its owner only.
    pub const OWNER_ONLY: Self = Self { mode: 0o600, owners: None };
    /// Everybody may read it.
    #[cfg(unix)]
    const READABLE: Self = Self { mode: 0o644, owners: None };
}

/// Who may use the file that this was found out about.
#[cfg(unix)]
pub fn access_of(metadata: &std::fs::Metadata) -> Option<Access> {
    use std::os::unix::fs::MetadataExt;
    Some(Access { mode: metadata.mode() & 0o7777, owners: Some((metadata.uid(), metadata.gid())) })
}

/// Who may use the file that this was found out about; Windows keeps that with the folder.
#[cfg(windows)]
pub fn access_of(_metadata: &std::fs::Metadata) -> Option<Access> {
    None
}

/// Says who may use a file; everybody may read it where nothing is said.
#[cfg(unix)]
pub fn set_access(path: &Path, access: Option<Access>) -> io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    let Access { mode, owners } = access.unwrap_or(Access::READABLE);
    if let Some((user, group)) = owners {
        chown(path, Some(user), Some(group))?;
    }
    // After the owners: changing them takes special bits away.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// Says who may use a file; Windows keeps that with the folder.
#[cfg(windows)]
pub fn set_access(_path: &Path, _access: Option<Access>) -> io::Result<()> {
    Ok(())
}

/// Whether the program runs as the machine's administrator.
#[cfg(target_os = "linux")]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether the program runs as the machine's administrator: asked on Linux only.
#[cfg(not(target_os = "linux"))]
pub fn is_root() -> bool {
    false
}

/// What tells a file from another one that took its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

/// The identity of the file at this path; `None` where there is none.
#[cfg(unix)]
pub fn file_identity(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| FileIdentity(file.dev(), file.ino()))
}

/// The identity of the file at this path; `None` where there is none. Windows does not let a file be replaced while
/// it is open, so that all are the same.
#[cfg(windows)]
pub fn file_identity(path: &Path) -> Option<FileIdentity> {
    path.exists().then_some(FileIdentity(0, 0))
}

/// An address of this machine, and how many bits of it name its subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub ip: IpAddr,
    /// The length of the subnet's prefix, in bits.
    pub prefix: u8,
}

/// A network interface of this machine with one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The name that the system shows: `docker0`, `vEthernet (DockerNAT)`.
    pub name: String,
    /// The address.
    pub address: LocalAddress,
}

/// This machine's interfaces, once for each address; none if the system does not tell.
pub fn interfaces() -> Vec<Interface> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces
        .into_iter()
        .map(|interface| {
            let address = match interface.addr {
                if_addrs::IfAddr::V4(v4) => LocalAddress { ip: v4.ip.into(), prefix: v4.prefixlen },
                if_addrs::IfAddr::V6(v6) => LocalAddress { ip: v6.ip.into(), prefix: v6.prefixlen },
            };
            Interface { name: interface.name, address }
        })
        .collect()
}

/// The addresses of this machine's interfaces.
pub fn local_addresses() -> Vec<LocalAddress> {
    interfaces().into_iter().map(|interface| interface.address).collect()
}

/// Listens from now on for the user or the system to ask the program to end (Ctrl-C, SIGTERM, SIGHUP), which the
/// future waits for.
///
/// # Errors
/// When the system does not let us listen for the signals.
#[cfg(unix)]
pub fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

/// Listens from now on for the user or the system to ask the program to end (Ctrl-C, Ctrl-Break, closing the console,
/// logging off, shutting down), which the future waits for.
///
/// # Errors
/// When the system does not let us listen for the signals.
#[cfg(windows)]
pub fn asked_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::windows;
    let mut interrupt = windows::ctrl_c()?;
    let mut stop = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut logoff = windows::ctrl_logoff()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = stop.recv() => {}
            _ = close.recv() => {}
            _ = logoff.recv() => {}
            _ = shutdown.recv() => {}
        }
    })
}

/// What a terminal has for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Nothing has been typed, or perhaps something has.
    Perhaps,
    /// Nothing ever again: the terminal is gone.
    Gone,
}

/// Waits for something to be typed, no longer than this. crossterm 0.29 reads a terminal that is gone for ever and ever,
/// without coming back, so that it must not be asked then.
///
/// # Errors
/// When the system cannot say.
#[cfg(unix)]
pub fn wait_for_input(wait: Duration) -> io::Result<Input> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = io::stdin();
    let mut input = [PollFd::new(&stdin, PollFlags::IN)];
    let wait = Timespec::try_from(wait).unwrap_or_default();
    match poll(&mut input, Some(&wait)) {
        // A signal: whoever sent it is heard elsewhere.
        Err(rustix::io::Errno::INTR) => return Ok(Input::Perhaps),
        result => drop(result?),
    }
    let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
    let is_gone = input.iter().any(|input| input.revents().intersects(gone));
    Ok(if is_gone { Input::Gone } else { Input::Perhaps })
}

/// Does not wait: a console that is gone takes its programs along, and whoever reads it can wait for it.
///
/// # Errors
/// Never.
#[cfg(windows)]
pub fn wait_for_input(_wait: Duration) -> io::Result<Input> {
    Ok(Input::Perhaps)
}

/// Whether an error says that an address is in use by somebody else.
pub fn is_address_in_use(error: &io::Error) -> bool {
    // Windows answers WSAEACCES (10013) where another program holds the port exclusively.
    error.kind() == io::ErrorKind::AddrInUse || (cfg!(windows) && error.raw_os_error() == Some(10013))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_created_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er");
        create_private_folder(&path).unwrap();
        create_private_folder(&path).unwrap();
        let file = path.join("key");
        drop(create_private_file(&file).unwrap());
        assert_eq!(create_private_file(&file).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn tells_a_resolver_that_fails_from_a_name_that_does_not_exist() {
        let said = |words: &str| io::Error::other(format!("failed to lookup address information: {words}"));
        assert!(resolver_gave_no_answer(&said("Temporary failure in name resolution")));
        assert!(resolver_gave_no_answer(&said("Try again")));
        assert!(resolver_gave_no_answer(&io::Error::from_raw_os_error(110)));
        for words in [
            "Name or service not known",
            "No address associated with hostname",
            "nodename nor servname provided, or not known",
            "Name does not resolve",
        ] {
            assert!(!resolver_gave_no_answer(&said(words)), "{words}");
        }
    }

    #[test]
    fn knows_the_loopback_address() {
        assert!(local_addresses().iter().any(|address| address.ip.is_loopback()));
    }
}
