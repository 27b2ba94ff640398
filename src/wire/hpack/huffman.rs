//! The Huffman code of HPACK (RFC 7541, section 5.2 and appendix B).
//!
//! The code is canonical: codes of one length are consecutive numbers in the order of their symbols, and shorter codes
//! are smaller. So the table is the symbols in that order, and for each length its first code and where it stands.

use super::HpackError;

/// The codes of one length.
struct Group {
    bits: u32,
    first_code: u64,
    /// The place of the first code's symbol.
    place: u64,
    count: u64,
}

const fn group(bits: u32, first_code: u64, place: u64, count: u64) -> Group {
    Group { bits, first_code, place, count }
}

/// The lengths in use, shortest first; the last, thirty ones, is EOS, which no string may hold, and is left out.
#[expect(clippy::unreadable_literal, reason = "codes as RFC 7541 prints them")]
const GROUPS: &[Group] = &[
    group(5, 0x0, 0, 10),
    group(6, 0x14, 10, 26),
    group(7, 0x5c, 36, 32),
    group(8, 0xf8, 68, 6),
    group(10, 0x3f8, 74, 5),
    group(11, 0x7fa, 79, 3),
    group(12, 0xffa, 82, 2),
    group(13, 0x1ff8, 84, 6),
    group(14, 0x3ffc, 90, 2),
    group(15, 0x7ffc, 92, 3),
    group(19, 0x7fff0, 95, 3),
    group(20, 0xfffe6, 98, 8),
    group(21, 0x1fffdc, 106, 13),
    group(22, 0x3fffd2, 119, 26),
    group(23, 0x7fffd8, 145, 29),
    group(24, 0xffffea, 174, 12),
    group(25, 0x1ffffec, 186, 4),
    group(26, 0x3ffffe0, 190, 15),
    group(27, 0x7ffffde, 205, 19),
    group(28, 0xfffffe2, 224, 29),
    group(30, 0x3ffffffc, 253, 3),
];

/// The symbols, by the length of their codes, then by value.
#[rustfmt::skip]
const SYMBOLS: &[u8; 256] = &[
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98,
    100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79,
    80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40,
    41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162,
    184, 194, 224, 226, 153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136,
    146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1, 135,
    137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182, 183,
    188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193,
    200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241,
    244, 245, 246, 247, 248, 250, 251, 252, 253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21,
    23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
];

/// Undoes the code and appends the text to `text`.
pub(super) fn decode(coded: &[u8], text: &mut Vec<u8>) -> Result<(), HpackError> {
    // The bits that are not used up, right-aligned: fewer than 30 between bytes.
    let (mut bits, mut count) = (0_u64, 0_u32);
    text.reserve(coded.len() * 8 / 5);
    for byte in coded {
        bits = bits << 8 | u64::from(*byte);
        count += 8;
        while let Some((symbol, used)) = next_symbol(bits, count)? {
            text.push(symbol);
            count -= used;
            bits &= (1 << count) - 1;
        }
    }
    let is_padding = count < 8 && bits == (1 << count) - 1;
    if is_padding { Ok(()) } else { Err(HpackError::BadHuffmanCode) }
}

/// The symbol at the beginning of these bits and the length of its code, when they are enough.
fn next_symbol(bits: u64, count: u32) -> Result<Option<(u8, u32)>, HpackError> {
    for group in GROUPS {
        let Some(rest) = count.checked_sub(group.bits) else { return Ok(None) };
        let nth = (bits >> rest).wrapping_sub(group.first_code);
        if nth < group.count {
            let place = usize::try_from(group.place + nth).map_err(|_| HpackError::BadHuffmanCode)?;
            return Ok(SYMBOLS.get(place).map(|symbol| (*symbol, group.bits)));
        }
    }
    Err(HpackError::BadHuffmanCode)
}
