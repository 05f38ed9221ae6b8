//! The window table: which four symbols in a row may be the beginning of something worth a closer look.
//!
//! A bucket is a set of windows, kept as four sets of symbols, one for each byte of the window. It admits every
//! combination of them, so a bucket with several windows also admits mixtures of these; what stands there is decided
//! by the stages behind. Eight buckets make a bank, because eight bits make the byte that a vector look-up yields.
//!
//! Literals that count beside a key run alone have buckets of their own, and a mask of their own.
//!
//! The same content is held twice: by bank, offset and symbol for the vector kernels, and as rows of bits for each
//! symbol for the portable one.

/// The symbols by which literals are chosen are those by which they are found.
pub(in crate::matching) use dlp_detector_format::symbol;

pub(in crate::matching) use dlp_detector_format::WINDOW_BYTES;
use dlp_detector_format::{BUCKETS, OPEN_BUCKETS};

/// Buckets of a bank: the bits of a byte.
pub(in crate::matching) const BUCKETS_PER_BANK: usize = 8;
/// Banks of the buckets that fill the mask `literal`.
pub(super) const OPEN_BANKS: usize = OPEN_BUCKETS / BUCKETS_PER_BANK;
/// Banks of the buckets that fill the mask `keyed`.
pub(super) const KEYED_BANKS: usize = (BUCKETS - OPEN_BUCKETS) / BUCKETS_PER_BANK;
/// All banks. Six of four vectors each leave AVX-512 the registers that it needs for the text.
pub(super) const BANKS: usize = OPEN_BANKS + KEYED_BANKS;
/// Number of different symbols.
const SYMBOLS: usize = 64;

/// Eight buckets: for each offset and symbol the byte whose bit `k` says that bucket `k` admits the symbol there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Bank(pub(super) [[u8; SYMBOLS]; WINDOW_BYTES]);

/// For each bucket and each of the four offsets, the symbols that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::matching) struct WindowTable {
    banks: Box<[Bank; BANKS]>,
    /// For each symbol and offset, the admitting buckets, one bit each.
    rows: Box<[[u64; WINDOW_BYTES]; SYMBOLS]>,
}

impl WindowTable {
    /// A table that admits nothing.
    pub(in crate::matching) fn new() -> Self {
        Self {
            banks: Box::new([const { Bank([[0; SYMBOLS]; WINDOW_BYTES]) }; BANKS]),
            rows: Box::new([[0; WINDOW_BYTES]; SYMBOLS]),
        }
    }

    /// Lets `bucket` admit `symbol` at `offset` of the window.
    ///
    /// # Panics
    ///
    /// When there is no such bucket, the window no such offset, or `symbol` more than six bits.
    pub(in crate::matching) fn admit(&mut self, bucket: usize, offset: usize, symbol: u8) {
        let bank = &mut self.banks[bucket / BUCKETS_PER_BANK];
        bank.0[offset][usize::from(symbol)] |= 1 << (bucket % BUCKETS_PER_BANK);
        self.rows[usize::from(symbol)][offset] |= 1 << bucket;
    }

    /// Whether some open bucket admits these four bytes, and whether some other one does. This is the specification of
    /// the kernels' masks.
    #[cfg(test)]
    pub(in crate::matching) fn admits(&self, window: [u8; WINDOW_BYTES]) -> [bool; 2] {
        let admits = |bank: &Bank| {
            let looked_up = bank.0.iter().zip(window).map(|(of_offset, byte)| of_offset[usize::from(symbol(byte))]);
            looked_up.fold(u8::MAX, |buckets, admitting| buckets & admitting) != 0
        };
        let (open, keyed) = self.banks.split_at(OPEN_BANKS);
        [open.iter().any(admits), keyed.iter().any(admits)]
    }

    /// The banks, the open ones first.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn banks(&self) -> &[Bank; BANKS] {
        &self.banks
    }

    /// The admitting buckets of a byte by offset, one bit each.
    pub(super) fn row(&self, byte: u8) -> &[u64; WINDOW_BYTES] {
        &self.rows[usize::from(symbol(byte))]
    }
}
