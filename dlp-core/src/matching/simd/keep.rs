//! Which places are kept, asked of as many at once as a vector holds. What is asked is specified by
//! [`WordFilter`] and [`TokenFilter`].
//!
//! Only what is inlined is compiled for the processor, so that nothing here maps over an array: the library's own
//! functions for that are not.

#![allow(unsafe_code, reason = "gathers of text whose ends were compared with those of the text")]

use super::lanes::{LANES_MAX, Lanes};
use super::places::{
    BESIDE_HASH_BITS, BESIDE_MULTIPLIER, Beside, CASE_BITS, HASH_BITS, MULTIPLIER, SHORT_MASK, WordFilter, keep_from,
};
use super::tokens::{
    Ahead, Behind, END_FIRSTS, END_LEN_MAX, END_UNTOLD, FAR, FIRST_LEN_MAX, FOLLOWER_BITS, LONG, NEAR, OF_KIND,
    SECOND_BITS, SECOND_LEN_MAX, SECOND_UNTOLD, SEEN, SEEN_BITS, TokenFilter,
};

/// What is asked of as many places as a vector holds.
trait Question<L: Lanes> {
    /// Which of them pass.
    fn passing(&self, chosen: L::Vector) -> L::Mask;
}

/// A short question. Closures of long ones are not inlined.
struct Short<F>(F);

impl<L: Lanes, F: Fn(L::Vector) -> L::Mask> Question<L> for Short<F> {
    #[inline(always)]
    fn passing(&self, chosen: L::Vector) -> L::Mask {
        (self.0)(chosen)
    }
}

/// Keeps the places that `pass`. Vectors are asked of places from `first` on and below `behind` alone, others one by
/// one whether they `hold`.
#[inline(always)]
fn keep<L: Lanes>(
    lanes: L,
    places: &mut [u32],
    (first, behind): (usize, usize),
    pass: impl Question<L>,
    hold: impl Fn(usize) -> bool,
) -> usize {
    let len = places.len() - LANES_MAX;
    let hold = |place: u32| hold(place as usize);
    // Places ascend, so that the first of a vector is the first to lie too near to the beginning, and the last one to
    // the end.
    let mut seen = places[..len].iter().take_while(|place| (**place as usize) < first).count();
    let mut kept = keep_from(&mut places[..seen], 0, 0, hold);
    while seen < len {
        let asked = L::COUNT.min(len - seen);
        let last = places[seen + asked - 1];
        if last as usize >= behind {
            break;
        }
        if asked < L::COUNT {
            // There is room for a vector behind the places.
            places[len..].fill(last);
        }
        let chosen = lanes.load(&places[seen..]);
        let are_asked = lanes.at_most(lanes.load(&NUMBERS), lanes.splat(asked as u32 - 1));
        // What is overwritten has been loaded: as many places at least were seen as are kept.
        kept += lanes.store_passing(&mut places[kept..], chosen, lanes.both(pass.passing(chosen), are_asked));
        seen += asked;
    }
    keep_from(&mut places[..len], seen, kept, hold)
}

/// The numbers of the places of a vector.
const NUMBERS: [u32; LANES_MAX] = {
    let mut numbers = [0; LANES_MAX];
    let mut number = 0;
    while number < numbers.len() {
        numbers[number] = number as u32;
        number += 1;
    }
    numbers
};

#[inline(always)]
pub(super) fn words<L: Lanes>(lanes: L, places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let known = &filter.words.words[..];
    let pass = |chosen| {
        // SAFETY: four bytes from each place lie within the text.
        let word = unsafe { words_at(lanes, filter.text.as_ptr(), chosen) };
        let short = lanes.and(word, lanes.splat(SHORT_MASK));
        let [word, short] = [hash(lanes, word, HASH_BITS), hash(lanes, short, HASH_BITS)];
        lanes.any(lanes.has_bit(known, word), lanes.has_bit(known, short))
    };
    keep(lanes, places, (0, filter.text.len().saturating_sub(3)), Short(pass), |place| filter.holds(place))
}

#[inline(always)]
pub(super) fn beside<L: Lanes>(lanes: L, places: &mut [u32], filter: &WordFilter<'_>) -> usize {
    let known = &filter.words.beside[..];
    let text = filter.text.as_ptr();
    let pass = |chosen| {
        // SAFETY: two bytes before each place, and eight from it on, lie within the text.
        let (before, word, behind) = unsafe {
            let at = |offset| text.wrapping_offset(offset);
            (words_at(lanes, at(-2), chosen), words_at(lanes, at(0), chosen), words_at(lanes, at(4), chosen))
        };
        let beside = lanes.or(lanes.and(before, lanes.splat(0xffff)), lanes.shl_by(behind, 16));
        let short = lanes.and(word, lanes.splat(SHORT_MASK));
        let mut passes = lanes.has_bit(known, hash(lanes, short, BESIDE_HASH_BITS));
        for told in Beside::ALL {
            let beside = lanes.and(beside, lanes.splat(told.0));
            let mixed = lanes.xor(word, lanes.mul(beside, lanes.splat(BESIDE_MULTIPLIER)));
            passes = lanes.any(passes, lanes.has_bit(known, hash(lanes, mixed, BESIDE_HASH_BITS)));
        }
        passes
    };
    keep(lanes, places, (2, filter.text.len().saturating_sub(7)), Short(pass), |place| filter.holds_beside(place))
}

/// The four bytes that stand so far behind a place of memory as each number says, with letters in one case.
///
/// # Safety
/// The bytes must be readable.
#[inline(always)]
unsafe fn words_at<L: Lanes>(lanes: L, text: *const u8, places: L::Vector) -> L::Vector {
    // SAFETY: as the caller promises.
    lanes.or(unsafe { lanes.gather(text, places) }, lanes.splat(CASE_BITS))
}

#[inline(always)]
fn hash<L: Lanes>(lanes: L, mixed: L::Vector, bits: u32) -> L::Vector {
    lanes.shr_by(lanes.mul(mixed, lanes.splat(MULTIPLIER)), u32::BITS - bits)
}

#[inline(always)]
pub(super) fn pairs<L: Lanes>(lanes: L, places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    // SAFETY: the places lie where all that is looked at is readable.
    let pass = |chosen| unsafe { Tokens::new(lanes, chosen, filter) }.have_pair();
    keep(lanes, places, readable(filter), Short(pass), |place| filter.has_pair(place))
}

#[inline(always)]
pub(super) fn shapes<L: Lanes>(lanes: L, places: &mut [u32], filter: &TokenFilter<'_>) -> usize {
    keep(lanes, places, readable(filter), HaveShape(lanes, filter), |place| filter.has_shape(place))
}

/// Which tokens [have one of the shapes](TokenFilter::has_shape), of places that are [`readable`].
struct HaveShape<'t, L: Lanes>(L, &'t TokenFilter<'t>);

impl<L: Lanes> Question<L> for HaveShape<'_, L> {
    #[inline(always)]
    fn passing(&self, chosen: L::Vector) -> L::Mask {
        let Self(lanes, filter) = *self;
        // SAFETY: the places lie where all that is looked at is readable.
        unsafe { Tokens::new(lanes, chosen, filter).have_shape() }
    }
}

/// The place from which on, and that up to which, all that is looked at is readable: of the text two bytes before a
/// token and four behind as many as are seen, four of the masks.
#[inline(always)]
fn readable(filter: &TokenFilter<'_>) -> (usize, usize) {
    const MORE: usize = size_of::<u32>() - 1;
    let masks = filter.masks.alnum.len().min(filter.masks.digit.len()) * size_of::<u64>();
    let text = filter.text.len() - filter.from;
    let behind = text.saturating_sub(SEEN_BITS as usize + MORE);
    (2usize.saturating_sub(filter.from), behind.min(masks.saturating_sub(MORE) * u8::BITS as usize))
}

/// As many tokens as a vector holds, and what is seen of them.
struct Tokens<'t, L: Lanes> {
    lanes: L,
    places: L::Vector,
    filter: &'t TokenFilter<'t>,
    /// The byte that the place 0 stands for.
    text: *const u8,
    alnum: L::Vector,
    digit: L::Vector,
    /// The two bytes before each, and its first two.
    bytes: L::Vector,
}

impl<'t, L: Lanes> Tokens<'t, L> {
    /// # Safety
    /// The places must be [`readable`].
    #[inline(always)]
    unsafe fn new(lanes: L, places: L::Vector, filter: &'t TokenFilter<'t>) -> Self {
        let text = filter.text.as_ptr().wrapping_add(filter.from);
        let bit = lanes.and(places, lanes.splat(7));
        let seen = |mask: &[u64]| {
            // SAFETY: as the caller promises; the bytes of a word of the mask stand there from the lowest on.
            let bits = unsafe { lanes.gather(mask.as_ptr().cast(), lanes.shr_by(places, 3)) };
            lanes.and(lanes.shr(bits, bit), lanes.splat(SEEN))
        };
        // SAFETY: as the caller promises.
        let bytes = unsafe { lanes.gather(text.wrapping_sub(2), places) };
        let (alnum, digit) = (seen(&filter.masks.alnum), seen(&filter.masks.digit));
        Self { lanes, places, filter, text, alnum, digit, bytes }
    }

    /// Which of them [have one of the pairs](TokenFilter::has_pair).
    #[inline(always)]
    fn have_pair(&self) -> L::Mask {
        let lanes = self.lanes;
        let first = lanes.and(lanes.shr_by(self.bytes, 8), lanes.splat(0xff00));
        let pair = lanes.or(first, lanes.shr_by(self.bytes, 24));
        let pair = lanes.or(pair, lanes.shl_by(self.ahead(), 16));
        lanes.any(lanes.has_bit(&self.filter.pairs.0, pair), self.are_behind_lead())
    }

    /// Which of them [have one of the shapes](TokenFilter::has_shape).
    ///
    /// # Safety
    /// The places must be [`readable`].
    #[inline(always)]
    unsafe fn have_shape(&self) -> L::Mask {
        let lanes = self.lanes;
        // SAFETY: as the caller promises.
        let Runs { first, second, end } = unsafe { self.runs() };
        let kind = lanes.mul(self.ahead(), lanes.splat(OF_KIND));
        let word = lanes.add(first, lanes.add(kind, self.behind(Ahead::COUNT * OF_KIND)));
        let seconds = lanes.look_up(&self.filter.shapes.seconds, word);
        const OF_FIRSTS: u32 = END_FIRSTS << (FOLLOWER_BITS + SECOND_BITS + FOLLOWER_BITS);
        let end = lanes.min(lanes.add(end, self.behind(OF_FIRSTS)), lanes.splat(END_UNTOLD));
        let have_runs =
            lanes.both(lanes.meets(lanes.shr(seconds, second), 1), lanes.has_bit(&self.filter.shapes.ends, end));
        lanes.any(have_runs, self.are_behind_lead())
    }

    /// What lies ahead of each.
    #[inline(always)]
    fn ahead(&self) -> L::Vector {
        let lanes = self.lanes;
        let (zero, two) = (lanes.splat(0), lanes.splat(2));
        let near = lanes.select(lanes.meets(self.digit, NEAR), zero, two);
        let far = lanes.select(lanes.meets(self.digit, FAR), zero, two);
        let is_short = lanes.meets(lanes.and_not(self.alnum, lanes.splat(LONG)), LONG);
        lanes.add(lanes.select(is_short, zero, lanes.splat(1)), lanes.add(near, far))
    }

    /// Which of them stand behind a lead.
    #[inline(always)]
    fn are_behind_lead(&self) -> L::Mask {
        let (lanes, before) = (self.lanes, self.byte_before());
        let is = |place: usize| lanes.equal(before, lanes.splat(self.filter.leads[place].into()));
        lanes.any(lanes.any(is(0), is(1)), lanes.any(is(2), is(3)))
    }

    #[inline(always)]
    fn byte_before(&self) -> L::Vector {
        self.lanes.and(self.lanes.shr_by(self.bytes, 8), self.lanes.splat(0xff))
    }

    /// Which of them go on with a name or number before them.
    #[inline(always)]
    fn go_on(&self) -> L::Mask {
        let (lanes, before) = (self.lanes, self.byte_before());
        let is = |byte: u8| lanes.equal(before, lanes.splat(byte.into()));
        let are_behind_digit = lanes.within(lanes.and(self.bytes, lanes.splat(0xff)), b'0', b'9');
        let are_behind_mark = lanes.any(lanes.within(before, b'-', b'/'), is(b':'));
        lanes.any(is(b'_'), lanes.both(are_behind_digit, are_behind_mark))
    }

    /// So much times the number of what each stands behind.
    #[inline(always)]
    fn behind(&self, times: u32) -> L::Vector {
        let lanes = self.lanes;
        let is_behind_plus = lanes.equal(self.byte_before(), lanes.splat(b'+'.into()));
        let behind = lanes.select(is_behind_plus, lanes.splat(Behind::Plus as u32 * times), lanes.splat(0));
        lanes.select(self.go_on(), lanes.splat(Behind::Rest as u32 * times), behind)
    }

    /// The first run of each with its follower, the second, and how that ends.
    ///
    /// # Safety
    /// The places must be [`readable`].
    #[inline(always)]
    unsafe fn runs(&self) -> Runs<L> {
        let (lanes, zero) = (self.lanes, self.lanes.splat(0));
        let (first, len) = run_of(lanes, (self.alnum, self.digit), lanes.shr_by(self.bytes, 16), FIRST_LEN_MAX);
        let (end_first, _) = run_of(lanes, (self.alnum, self.digit), lanes.shr_by(self.bytes, 16), END_LEN_MAX);
        let is_open = lanes.at_most(lanes.splat(FIRST_LEN_MAX), len);
        // SAFETY: as the caller promises; no run is longer than what is seen.
        let behind = unsafe { lanes.gather(self.text, lanes.add(self.places, len)) };
        let follower = lanes.select(is_open, zero, self.followers(behind, len));
        let first = lanes.add(lanes.shl_by(first, FOLLOWER_BITS), follower);

        let mark = lanes.and_not(lanes.shr(self.alnum, len), lanes.splat(1));
        let skip = lanes.add(len, mark);
        let (alnum, digit) = (lanes.shr(self.alnum, skip), lanes.shr(self.digit, skip));
        let bytes = lanes.shr(behind, lanes.shl_by(mark, 3));
        let (second, len) = run_of(lanes, (alnum, digit), bytes, SECOND_LEN_MAX);
        let has_second = lanes.meets(alnum, 1);
        let second = lanes.select(has_second, second, zero);
        let end = lanes.min(lanes.add(len, skip), lanes.splat(SEEN_BITS));
        let reaches_end = lanes.at_most(lanes.splat(SEEN_BITS), end);
        let is_short = lanes.at_most(len, lanes.splat(SECOND_LEN_MAX - 1));
        let is_untold = lanes.any(is_open, lanes.both(reaches_end, is_short));

        // SAFETY: as the caller promises; this is no farther than what is seen.
        let behind = unsafe { lanes.gather(self.text, lanes.add(self.places, end)) };
        let second_follower = lanes.select(has_second, self.followers(behind, end), zero);
        let end_first = lanes.sub(end_first, lanes.splat(1));
        let bit = lanes.or(lanes.shl_by(end_first, FOLLOWER_BITS), follower);
        let bit = lanes.or(lanes.shl_by(bit, SECOND_BITS), second);
        let bit = lanes.or(lanes.shl_by(bit, FOLLOWER_BITS), second_follower);
        let is_end_seen = lanes.at_most(end, lanes.splat(SEEN_BITS - 2));
        Runs {
            first,
            second: lanes.select(is_untold, lanes.splat(SECOND_UNTOLD), second),
            end: lanes.select(is_end_seen, bit, lanes.splat(END_UNTOLD)),
        }
    }

    /// What follows runs that end so many bytes behind each place, with these bytes behind them.
    #[inline(always)]
    fn followers(&self, behind: L::Vector, len: L::Vector) -> L::Vector {
        let lanes = self.lanes;
        let followers = lanes.look_up(&self.filter.shapes.followers[..], lanes.and(behind, lanes.splat(0xff)));
        let next = lanes.add(len, lanes.splat(1));
        let alnum = lanes.and(lanes.shr(self.alnum, next), lanes.splat(1));
        let digit = lanes.and(lanes.shr(self.digit, next), lanes.splat(1));
        // A digit is one step, a letter two.
        let steps = lanes.sub(lanes.add(alnum, alnum), digit);
        let told = lanes.shr(followers, lanes.mul(steps, lanes.splat(FOLLOWER_BITS)));
        lanes.and(told, lanes.splat((1 << FOLLOWER_BITS) - 1))
    }
}

/// What is told of the runs of tokens.
struct Runs<L: Lanes> {
    /// The first one with its follower.
    first: L::Vector,
    second: L::Vector,
    /// The bit of [`ShapeSets::ends`](super::tokens::ShapeSets) without what stands behind the token, or [`END_UNTOLD`].
    end: L::Vector,
}

/// The runs that begin with the first bits and bytes: their numbers where as many lengths are told apart, and their
/// lengths.
#[inline(always)]
fn run_of<L: Lanes>(
    lanes: L,
    (alnum, digit): (L::Vector, L::Vector),
    bytes: L::Vector,
    len_max: u32,
) -> (L::Vector, L::Vector) {
    let is_digit = lanes.meets(digit, 1);
    let len = lanes.trailing_ones(lanes.select(is_digit, digit, lanes.and_not(digit, alnum)));
    let letters = lanes.select(lanes.meets(bytes, 0x20), lanes.splat(2 * len_max), lanes.splat(len_max));
    let kind = lanes.select(is_digit, lanes.splat(0), letters);
    (lanes.add(kind, lanes.min(len, lanes.splat(len_max))), len)
}
