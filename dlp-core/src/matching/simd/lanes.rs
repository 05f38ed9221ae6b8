//! Vectors of numbers of 32 bits, as the filters of places need them: one notation for every instruction set.
//!
//! A value of a type that is [`Lanes`] is the proof that the processor has the instructions, so that asking for them is
//! safe. All is inlined into a function that is compiled for the processor.

#![allow(unsafe_code, reason = "gathers, and calls of functions that need processor features")]

/// How many numbers of 32 bits a vector holds at most.
pub(super) const LANES_MAX: usize = 16;

/// What can be done with vectors of numbers. A [`Self::Mask`] says yes or no for each of them.
pub(super) trait Lanes: Copy {
    type Vector: Copy;
    type Mask: Copy;

    /// Numbers of a vector, at most [`LANES_MAX`].
    const COUNT: usize;

    fn splat(self, value: u32) -> Self::Vector;

    /// The first numbers of a slice that holds as many.
    fn load(self, numbers: &[u32]) -> Self::Vector;

    /// Stores the numbers that pass, in their order, and whatever behind them, and gives how many passed.
    fn store_passing(self, to: &mut [u32], numbers: Self::Vector, passes: Self::Mask) -> usize;

    /// The four bytes that stand so far behind a place of memory as each number says; as signed ones.
    ///
    /// # Safety
    /// The bytes must be readable.
    unsafe fn gather(self, bytes: *const u8, offsets: Self::Vector) -> Self::Vector;

    /// The entries of a table; 0 where it has none.
    fn look_up(self, table: &[u32], indexes: Self::Vector) -> Self::Vector;

    fn and(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn or(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn xor(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// The bits that the first one has not and the second one has.
    fn and_not(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn add(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn sub(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// The low halves of the products.
    fn mul(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    fn min(self, left: Self::Vector, right: Self::Vector) -> Self::Vector;
    /// Shifted by numbers below 32.
    fn shl(self, left: Self::Vector, by: Self::Vector) -> Self::Vector;
    fn shr(self, left: Self::Vector, by: Self::Vector) -> Self::Vector;
    /// How many of the lowest bits are set, of numbers below 2^30.
    fn trailing_ones(self, numbers: Self::Vector) -> Self::Vector;

    /// Which numbers have some of these bits, which are below bit 31.
    fn meets(self, numbers: Self::Vector, bits: u32) -> Self::Mask;
    fn equal(self, left: Self::Vector, right: Self::Vector) -> Self::Mask;
    fn at_most(self, left: Self::Vector, right: Self::Vector) -> Self::Mask;
    fn any(self, left: Self::Mask, right: Self::Mask) -> Self::Mask;
    fn both(self, left: Self::Mask, right: Self::Mask) -> Self::Mask;
    fn select(self, mask: Self::Mask, yes: Self::Vector, no: Self::Vector) -> Self::Vector;

    #[inline(always)]
    fn shl_by(self, left: Self::Vector, bits: u32) -> Self::Vector {
        self.shl(left, self.splat(bits))
    }

    #[inline(always)]
    fn shr_by(self, left: Self::Vector, bits: u32) -> Self::Vector {
        self.shr(left, self.splat(bits))
    }

    /// Which numbers lie between two, both included.
    #[inline(always)]
    fn within(self, numbers: Self::Vector, low: u8, high: u8) -> Self::Mask {
        self.at_most(self.sub(numbers, self.splat(low.into())), self.splat((high - low).into()))
    }

    /// Which of the bits of a bitmap are set. Bits that it does not have are not.
    #[inline(always)]
    fn has_bit(self, bitmap: &[u32], bits: Self::Vector) -> Self::Mask {
        let words = self.look_up(bitmap, self.shr_by(bits, 5));
        self.meets(self.shr(words, self.and(bits, self.splat(31))), 1)
    }
}

/// The first numbers of a slice.
#[inline(always)]
pub(super) fn first<const COUNT: usize>(numbers: &[u32]) -> &[u32; COUNT] {
    numbers.first_chunk().expect("as many numbers as a vector holds")
}

/// The first numbers of a slice, to write to.
#[inline(always)]
pub(super) fn first_mut<const COUNT: usize>(numbers: &mut [u32]) -> &mut [u32; COUNT] {
    numbers.first_chunk_mut().expect("room for a vector is left behind the last place")
}

/// The instructions of [`Lanes`], each of which may be used where the proof is.
macro_rules! instructions {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $result:ty { $($instruction:tt)* })*) => {
        $(
            #[inline(always)]
            fn $name(self, $($argument: $kind),*) -> $result {
                // SAFETY: the processor has the instruction, as `self` proves.
                unsafe { $($instruction)* }
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) use instructions;
