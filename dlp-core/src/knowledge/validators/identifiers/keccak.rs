//! Keccak-256 of one block, for the checksum of Ethereum addresses.
//!
//! Ethereum uses the padding of the original submission, not the one of SHA-3. An address is shorter than a block, so
//! the sponge absorbs once.

/// Bytes that one block of Keccak-256 takes.
const RATE_BYTES: usize = 136;

/// Round constants of the step iota (FIPS 202, section 3.2.5).
#[rustfmt::skip]
const ROUND_CONSTANTS: [u64; 24] = [
    0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
    0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
    0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
    0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
    0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
    0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
];

/// The hash of a text shorter than one block; `None` for longer ones.
pub(super) fn keccak_256(text: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0u8; RATE_BYTES];
    block.get_mut(..text.len())?.copy_from_slice(text);
    *block.get_mut(text.len())? ^= 0x01;
    block[RATE_BYTES - 1] ^= 0x80;
    let mut state = [0u64; 25];
    for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane = u64::from_le_bytes(*bytes);
    }
    ROUND_CONSTANTS.iter().for_each(|constant| round(&mut state, *constant));
    let mut hash = [0; 32];
    for (bytes, lane) in hash.as_chunks_mut::<8>().0.iter_mut().zip(&state) {
        *bytes = lane.to_le_bytes();
    }
    Some(hash)
}

/// One round of Keccak-f[1600]; lane (x, y) is at `x + 5 * y`.
fn round(state: &mut [u64; 25], constant: u64) {
    let columns: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ state[x + 5 * y]));
    for (at, lane) in state.iter_mut().enumerate() {
        *lane ^= columns[(at + 4) % 5] ^ columns[(at + 1) % 5].rotate_left(1);
    }
    *state = rotated_and_moved(state);
    let before = *state;
    for (at, lane) in state.iter_mut().enumerate() {
        let row = at - at % 5;
        *lane ^= !before[row + (at + 1) % 5] & before[row + (at + 2) % 5];
    }
    state[0] ^= constant;
}

/// The steps rho and pi: the walk (x, y) to (y, 2x + 3y) visits all lanes but the first, each rotated one step further.
fn rotated_and_moved(state: &[u64; 25]) -> [u64; 25] {
    let mut moved = *state;
    let (mut x, mut y) = (1, 0);
    for step in 0..24u32 {
        let target = (y, (2 * x + 3 * y) % 5);
        moved[target.0 + 5 * target.1] = state[x + 5 * y].rotate_left((step + 1) * (step + 2) / 2 % 64);
        (x, y) = target;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_hash_of_the_empty_text_comes_out() {
        let hex: String = keccak_256(b"").expect("short").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assert_eq!(keccak_256(&[0; RATE_BYTES]), None);
    }
}
