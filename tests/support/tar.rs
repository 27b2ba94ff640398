//! The little of the tar format that a layer and a docker archive need.

/// The length of a header and of the unit that contents are filled up to.
pub const BLOCK: usize = 512;

/// A tar file in memory.
#[derive(Debug, Default)]
pub struct Tar(Vec<u8>);

impl Tar {
    /// The same archive with one more regular file at its end.
    #[must_use]
    pub fn with(mut self, name: &str, content: &[u8]) -> Self {
        self.0.extend_from_slice(&header(name, content.len()));
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    /// The archive's bytes, closed by its two empty blocks.
    pub fn bytes(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }
}

/// The header of a regular file (POSIX ustar).
pub fn header(name: &str, length: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{length:011o}\0"));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
