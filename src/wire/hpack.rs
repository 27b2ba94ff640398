//! HPACK, the compression of HTTP/2's header fields (RFC 7541): the reading side of somebody else's conversation.
//!
//! A decoder follows what the sender does to its table and does nothing else: the limits that the receiver announced
//! and what it does about a breach of them are between those two, and a table that is a little more patient than the
//! receiver's is never out of step with the sender's. Only our own memory is limited here.

use std::borrow::Cow;
use std::collections::VecDeque;

use thiserror::Error;

mod huffman;
mod static_table;

use static_table::STATIC_TABLE;

/// The largest dynamic table that is kept, in the octets that RFC 7541, section 4.1, counts. Browsers ask for 64 KiB.
pub const TABLE_LIMIT: usize = 1024 * 1024;

/// The size of a dynamic table of which nothing was said (RFC 9113, section 6.5.2).
const FIRST_TABLE_SIZE: usize = 4096;

/// What a table entry counts besides its text.
const ENTRY_OVERHEAD: usize = 32;

/// Why a header block cannot be decoded; the state is lost with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HpackError {
    /// The block ends within a field.
    #[error("the header block is cut short")]
    Short,
    /// An integer has more octets than any that could matter.
    #[error("an integer is too large")]
    BadInteger,
    /// No field has this index.
    #[error("no field has this index")]
    BadIndex,
    /// A string is not in the Huffman code, or its padding is wrong.
    #[error("a string is not in the Huffman code")]
    BadHuffmanCode,
    /// The sender uses a table larger than [`TABLE_LIMIT`].
    #[error("the sender's table is too large")]
    TableTooLarge,
}

/// Decodes the header blocks that one side sends, in their order.
#[derive(Debug)]
pub struct Decoder {
    /// Newest first.
    entries: VecDeque<Entry>,
    size: usize,
    most: usize,
}

/// A name, perhaps from the table, and a value.
type Literal<'table, 'block> = (Cow<'table, [u8]>, Cow<'block, [u8]>);

/// A field of the dynamic table.
#[derive(Debug)]
struct Entry {
    name_and_value: Box<[u8]>,
    name_length: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, most: FIRST_TABLE_SIZE }
    }
}

impl Decoder {
    /// Decodes a whole block and hands out its fields, names and values, in order.
    ///
    /// # Errors
    /// When the block is malformed. The decoder is out of step then, and no block after it can be trusted.
    pub fn decode(&mut self, mut block: &[u8], field: &mut impl FnMut(&[u8], &[u8])) -> Result<(), HpackError> {
        while let Some(first) = block.first().copied() {
            match first {
                0x80.. => {
                    let (name, value) = self.entry(integer(&mut block, 7)?)?;
                    field(name, value);
                }
                0x40.. => {
                    let (name, value) = self.literal(&mut block, 6)?;
                    field(&name, &value);
                    let entry = Entry::new(&name, &value);
                    drop((name, value));
                    self.add(entry);
                }
                0x20.. => self.resize(integer(&mut block, 5)?)?,
                _ => {
                    let (name, value) = self.literal(&mut block, 4)?;
                    field(&name, &value);
                }
            }
        }
        Ok(())
    }

    /// The octets that the dynamic table counts now.
    pub fn table_size(&self) -> usize {
        self.size
    }

    /// A field with its name from the table or spelled out, and its value spelled out.
    fn literal<'a, 'b: 'a>(&'a self, block: &mut &'b [u8], prefix: u32) -> Result<Literal<'a, 'b>, HpackError> {
        let name = match integer(block, prefix)? {
            0 => string(block)?,
            index => Cow::Borrowed(self.entry(index)?.0),
        };
        Ok((name, string(block)?))
    }

    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), HpackError> {
        let at = index.checked_sub(1).ok_or(HpackError::BadIndex)?;
        if let Some((name, value)) = STATIC_TABLE.get(at) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        let entry = self.entries.get(at - STATIC_TABLE.len()).ok_or(HpackError::BadIndex)?;
        Ok(entry.name_and_value.split_at_checked(entry.name_length).unwrap_or_default())
    }

    fn add(&mut self, entry: Entry) {
        let size = entry.size();
        self.shrink_to(self.most.saturating_sub(size));
        // One that is larger than the table only empties it (RFC 7541, section 4.4).
        if size <= self.most {
            self.size += size;
            self.entries.push_front(entry);
        }
    }

    fn resize(&mut self, most: usize) -> Result<(), HpackError> {
        if most > TABLE_LIMIT {
            return Err(HpackError::TableTooLarge);
        }
        self.most = most;
        self.shrink_to(most);
        Ok(())
    }

    fn shrink_to(&mut self, most: usize) {
        while self.size > most
            && let Some(oldest) = self.entries.pop_back()
        {
            self.size -= oldest.size();
        }
    }
}

impl Entry {
    fn new(name: &[u8], value: &[u8]) -> Self {
        Self { name_and_value: [name, value].concat().into_boxed_slice(), name_length: name.len() }
    }

    fn size(&self) -> usize {
        self.name_and_value.len() + ENTRY_OVERHEAD
    }
}

/// Takes an integer whose first octet has this many bits for it (RFC 7541, section 5.1).
fn integer(block: &mut &[u8], prefix: u32) -> Result<usize, HpackError> {
    let mask = (1 << prefix) - 1;
    let mut value = usize::from(octet(block)?) & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0, 7, 14, 21] {
        let next = octet(block)?;
        value += usize::from(next & 0x7f) << shift;
        if next < 0x80 {
            return Ok(value);
        }
    }
    Err(HpackError::BadInteger)
}

fn octet(block: &mut &[u8]) -> Result<u8, HpackError> {
    let (first, rest) = block.split_first().ok_or(HpackError::Short)?;
    *block = rest;
    Ok(*first)
}

/// Takes a string, undoing the Huffman code.
fn string<'a>(block: &mut &'a [u8]) -> Result<Cow<'a, [u8]>, HpackError> {
    let is_coded = block.first().is_some_and(|first| *first >= 0x80);
    let length = integer(block, 7)?;
    let (string, rest) = block.split_at_checked(length).ok_or(HpackError::Short)?;
    *block = rest;
    if !is_coded {
        return Ok(Cow::Borrowed(string));
    }
    let mut text = Vec::new();
    huffman::decode(string, &mut text)?;
    Ok(Cow::Owned(text))
}
