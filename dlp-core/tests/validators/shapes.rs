//! Values by their shape: random where nothing depends on it, and every character in turn where a check stands.
//!
//! | in a shape | becomes |
//! |---|---|
//! | `9`, `A`, `X` | a random digit, capital, or one of both |
//! | `[357]`, `[2-6]` | a random one of these |
//! | `=`, `&`, `%` | each digit, each capital, each of both, in turn: one of them is right, whoever is asked |
//! | `<yymmdd>` | a random day from 1900 to 2019: `yyyy`, `yy`, `mm`, `dd` |
//! | `{..}` | these characters |
//! | other | itself |

/// Random numbers that are the same in each run (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    /// Numbers that belong to a name.
    pub(crate) fn of(name: &str) -> Self {
        Self(
            name.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % end as u64) as usize
    }

    fn one_of(&mut self, characters: &[u8]) -> u8 {
        characters[self.below(characters.len())]
    }
}

const DIGITS: &[u8] = b"0123456789";
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BOTH: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A character of a value, or all that may stand there.
enum Slot {
    Fixed(u8),
    Each(&'static [u8]),
}

/// Values of a shape, about `count` of them.
pub(crate) fn values(shape: &str, count: usize, random: &mut Random) -> Vec<String> {
    let mut values = Vec::new();
    while values.len() < count {
        let slots = slots(shape.as_bytes(), random);
        let before = values.len();
        expand(&slots, &mut Vec::new(), &mut values);
        if values.len() == before + 1 && !shape.bytes().any(|byte| b"9AX[<".contains(&byte)) {
            break;
        }
    }
    values
}

/// A value with one mistake: a character altered, or two exchanged. Its length and separators stay, because these are the
/// pattern's matter: a check may rely on them.
pub(crate) fn near_miss(value: &str, random: &mut Random) -> String {
    let mut bytes = value.as_bytes().to_vec();
    let at = random.below(bytes.len());
    let is_pair = at > 0 && bytes[at - 1].is_ascii_alphanumeric() && bytes[at].is_ascii_alphanumeric();
    match bytes[at] {
        _ if is_pair && random.below(3) == 0 => bytes.swap(at - 1, at),
        b'0'..=b'9' => bytes[at] = random.one_of(DIGITS),
        b'A'..=b'Z' => bytes[at] = random.one_of(CAPITALS),
        _ => {}
    }
    String::from_utf8(bytes).expect("ASCII stays ASCII")
}

fn expand(slots: &[Slot], head: &mut Vec<u8>, values: &mut Vec<String>) {
    let Some((slot, rest)) = slots.split_first() else {
        return values.push(String::from_utf8(head.clone()).expect("shapes are ASCII"));
    };
    let all = match slot {
        Slot::Fixed(byte) => std::slice::from_ref(byte),
        Slot::Each(all) => all,
    };
    for byte in all {
        head.push(*byte);
        expand(rest, head, values);
        head.pop();
    }
}

fn slots(mut shape: &[u8], random: &mut Random) -> Vec<Slot> {
    let mut slots = Vec::new();
    while let Some((first, rest)) = shape.split_first() {
        shape = rest;
        match first {
            b'=' => slots.push(Slot::Each(DIGITS)),
            b'&' => slots.push(Slot::Each(CAPITALS)),
            b'%' => slots.push(Slot::Each(BOTH)),
            b'9' => slots.push(Slot::Fixed(random.one_of(DIGITS))),
            b'A' => slots.push(Slot::Fixed(random.one_of(CAPITALS))),
            b'X' => slots.push(Slot::Fixed(random.one_of(BOTH))),
            b'[' => slots.push(Slot::Fixed(random.one_of(&set(until(b']', &mut shape))))),
            b'{' => slots.extend(until(b'}', &mut shape).iter().map(|byte| Slot::Fixed(*byte))),
            b'<' => slots.extend(date(until(b'>', &mut shape), random).into_bytes().into_iter().map(Slot::Fixed)),
            other => slots.push(Slot::Fixed(*other)),
        }
    }
    slots
}

fn until<'a>(end: u8, shape: &mut &'a [u8]) -> &'a [u8] {
    let at = shape.iter().position(|byte| *byte == end).expect("a shape closes what it opens");
    let (inside, rest) = shape.split_at(at);
    *shape = &rest[1..];
    inside
}

fn set(inside: &[u8]) -> Vec<u8> {
    match inside {
        [first, b'-', last] => (*first..=*last).collect(),
        listed => listed.to_vec(),
    }
}

fn date(form: &[u8], random: &mut Random) -> String {
    let (year, month, day) = (1900 + random.below(120), 1 + random.below(12), 1 + random.below(31));
    let form = std::str::from_utf8(form).expect("shapes are ASCII");
    form.replace("yyyy", &year.to_string())
        .replace("yy", &format!("{:02}", year % 100))
        .replace("mm", &format!("{month:02}"))
        .replace("dd", &format!("{day:02}"))
}
