//! The window table: which four symbols in a row may be the beginning of something worth a closer look.
//!
//! A bucket is a set of windows, kept as four sets of symbols, one for each byte of the window. It admits every
//! combination of them, so a bucket with several windows also admits mixtures of these; what stands there is decided
//! by the stages behind. Eight buckets make a bank, because eight bits make the byte that a vector look-up yields.
//!
//! The same content is held twice: by bank, offset and symbol for the vector kernels, and as one row of bits for each
//! symbol for the portable one.

/// The symbols by which literals are chosen are those by which they are found.
pub(in crate::matching) use dlp_detector_format::symbol;

/// Bytes of a window.
pub(in crate::matching) const WINDOW_BYTES: usize = 4;
/// Buckets of a bank: the bits of a byte.
pub(in crate::matching) const BUCKETS_PER_BANK: usize = 8;
/// Most banks of a table. Four banks of four vectors fill half of the registers of AVX-512, and every further bank
/// costs the kernel more time than its fewer candidates save.
pub(in crate::matching) const BANKS_MAX: usize = 4;
/// Number of different symbols.
const SYMBOLS: usize = 64;
/// Bits of a portable row for one offset: a bit for each bucket.
pub(super) const ROW_OFFSET_BITS: usize = BANKS_MAX * BUCKETS_PER_BANK;

/// Eight buckets: for each offset and symbol the byte whose bit `k` says that bucket `k` admits the symbol there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Bank(pub(super) [[u8; SYMBOLS]; WINDOW_BYTES]);

/// For each bucket and each of the four offsets, the symbols that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::matching) struct WindowTable {
    banks: Vec<Bank>,
    /// For each symbol, bit `offset * ROW_OFFSET_BITS + bucket`.
    rows: [u128; SYMBOLS],
}

impl WindowTable {
    /// A table of 1 to [`BANKS_MAX`] banks that admits nothing.
    ///
    /// # Panics
    ///
    /// When `banks` is another number.
    pub(in crate::matching) fn new(banks: usize) -> Self {
        assert!((1..=BANKS_MAX).contains(&banks), "expected 1 to {BANKS_MAX} banks, got {banks}");
        Self { banks: vec![Bank([[0; SYMBOLS]; WINDOW_BYTES]); banks], rows: [0; SYMBOLS] }
    }

    /// Lets `bucket` admit `symbol` at `offset` of the window.
    ///
    /// # Panics
    ///
    /// When the table has no such bucket, the window no such offset, or `symbol` more than six bits.
    pub(in crate::matching) fn admit(&mut self, bucket: usize, offset: usize, symbol: u8) {
        let bank = &mut self.banks[bucket / BUCKETS_PER_BANK];
        bank.0[offset][usize::from(symbol)] |= 1 << (bucket % BUCKETS_PER_BANK);
        self.rows[usize::from(symbol)] |= 1 << (offset * ROW_OFFSET_BITS + bucket);
    }

    /// Whether some bucket admits these four bytes. This is the specification of the kernels' literal mask.
    #[cfg(test)]
    pub(in crate::matching) fn admits(&self, window: [u8; WINDOW_BYTES]) -> bool {
        self.banks.iter().any(|bank| {
            let looked_up = bank.0.iter().zip(window).map(|(of_offset, byte)| of_offset[usize::from(symbol(byte))]);
            looked_up.fold(u8::MAX, |buckets, admitting| buckets & admitting) != 0
        })
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn banks(&self) -> &[Bank] {
        &self.banks
    }

    /// The first `N` banks.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn first_banks<const N: usize>(&self) -> &[Bank; N] {
        self.banks.first_chunk().expect("the caller has counted the banks")
    }

    /// Admitting buckets of a byte for all offsets, see [`ROW_OFFSET_BITS`].
    pub(super) fn row(&self, byte: u8) -> u128 {
        self.rows[usize::from(symbol(byte))]
    }
}
