//! Encrypted blobs: which family they are of, so that ciphertext never passes as mere text or noise; and bytes that are
//! as even as only encrypted or packed ones are, though nothing tells how.

/// Places and bytes that such files begin with.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"-----BEGIN PGP MESSAGE-----", "pgp"),
    (0, b"age-encryption.org/v1", "age"),
    (0, b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
    (0, b"Salted__", "openssl_salted"),
    (0, b"$ANSIBLE_VAULT;", "ansible_vault"),
    (0, b"LUKS\xba\xbe", "luks"),
    (3, b"-FVE-FS-", "bitlocker"),
    (0, b"\x03\xd9\xa2\x9a", "keepass"),
    (0, b"AES\x01\0", "aes_crypt"),
    (0, b"AES\x02\0", "aes_crypt"),
    (0, b"AES\x03\0", "aes_crypt"),
    (0, b"encrcdsa", "dmg_encrypted"),
    (0, b"\0GITCRYPT\0", "git_crypt"),
    (0, b"PARE", "parquet_encrypted"),
];

/// The family of an encrypted blob, by the bytes it starts with.
pub(super) fn family(head: &[u8]) -> Option<&'static str> {
    let signature =
        |(at, bytes, _): &&(usize, &[u8], &str)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes));
    match SIGNATURES.iter().find(signature) {
        Some((_, _, family)) => Some(family),
        None => is_openpgp(head).then_some("pgp"),
    }
}

/// A message of OpenPGP (RFC 9580): packets that hold its key for somebody, or for a password, and behind them more of
/// these or the data.
fn is_openpgp(head: &[u8]) -> bool {
    const KEY_FOR_SOMEBODY: u8 = 1;
    const KEY_FOR_A_PASSWORD: u8 = 3;
    const DATA: [u8; 3] = [9, 18, 20];
    let Some((tag, start, len)) = packet(head) else { return false };
    let Some(body) = head.get(start..start + len) else { return false };
    let is_key = match tag {
        KEY_FOR_SOMEBODY => matches!(body, [3 | 6, ..]) && len > 12,
        KEY_FOR_A_PASSWORD => matches!(body, [4 | 5, 1..=13, ..]) || matches!(body, [6, (10..), ..]),
        _ => false,
    };
    let next = head.get(start + len..).and_then(packet);
    is_key && next.is_some_and(|(tag, ..)| matches!(tag, KEY_FOR_SOMEBODY | KEY_FOR_A_PASSWORD) || DATA.contains(&tag))
}

/// The tag of a packet, where its body begins, and how long that is. The first part counts where more follow.
fn packet(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let number = |len: usize| {
        let digits = rest.get(..len)?;
        Some(digits.iter().fold(0, |number: usize, byte| number << 8 | usize::from(*byte)))
    };
    if first & 0x80 == 0 {
        return None;
    }
    if first & 0x40 == 0 {
        let length_bytes = 1 << (first & 3);
        let len = if length_bytes == 8 { 0 } else { number(length_bytes)? };
        return Some((first >> 2 & 0xF, 1 + length_bytes, len));
    }
    let (length_bytes, len) = match rest.first()? {
        byte @ 0..192 => (1, usize::from(*byte)),
        192..224 => (2, number(2)? - (192 << 8) + 192),
        224..255 => (1, 1 << (rest[0] & 0x1F)),
        255 => (5, number(5)? & 0xFFFF_FFFF),
    };
    Some((first & 0x3F, 1 + length_bytes, len))
}

/// Bytes of a piece whose evenness is judged.
const WINDOW_BYTES: usize = 16 * 1024;
/// Pieces that must be even, all there are, before anything is said.
const WINDOWS_MIN: u32 = 4;
/// Bits of information in a byte from which a piece is even. Random ones of this length have 7.988.
const EVEN_BITS_MIN: f64 = 7.95;
/// Pictures, sound, films and fonts are even as well, and what they are shows at their beginning.
const MEDIA: &[(usize, &[u8])] = &[
    (4, b"ftyp"),
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"RIFF"),
    (0, b"\x1aE\xdf\xa3"),
    (0, b"\0\0\0\x0cjP  "),
    (0, b"\0\0\0\x0cJXL "),
    (0, b"\xff\x0a"),
    (0, b"wOFF"),
    (0, b"wOF2"),
    (0, b"%!PS"),
    (0, b"\x80\x01"),
];

/// Watches bytes that pass, whether all of them are even.
pub(super) struct Evenness {
    counts: Box<[u32; 256]>,
    filled: usize,
    windows: u32,
    is_even: bool,
    is_begun: bool,
}

impl Evenness {
    pub(super) fn new() -> Self {
        Self { counts: Box::new([0; 256]), filled: 0, windows: 0, is_even: true, is_begun: false }
    }

    /// Takes the next bytes. After the first piece that is not even this costs nothing.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.is_even = !is_media(bytes);
        }
        let mut rest = bytes;
        while self.is_even && !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(WINDOW_BYTES - self.filled));
            for byte in piece {
                self.counts[usize::from(*byte)] += 1;
            }
            self.filled += piece.len();
            rest = behind;
            if self.filled == WINDOW_BYTES {
                self.is_even = bits(&self.counts) >= EVEN_BITS_MIN;
                self.windows = self.windows.saturating_add(1);
                self.filled = 0;
                self.counts.fill(0);
            }
        }
    }

    /// Whether everything was even, and there was enough of it.
    pub(super) fn is_all(&self) -> bool {
        self.is_even && self.windows >= WINDOWS_MIN
    }
}

/// Whether a file begins as pictures, sound, films and fonts do.
fn is_media(head: &[u8]) -> bool {
    let has = |(at, mark): &(usize, &[u8])| head.get(*at..).is_some_and(|rest| rest.starts_with(mark));
    MEDIA.iter().any(has) || is_sound_frame(head) || is_transport_stream(head)
}

/// A frame of MPEG audio (ISO 11172-3, 13818-3) or of AAC (13818-7), which have no more than eleven set bits in front. What
/// the standards leave unused is none.
fn is_sound_frame(head: &[u8]) -> bool {
    const SAMPLE_RATES_OF_AAC: u8 = 13;
    match head {
        [0xFF, kind, rates, ..] if kind & 0xF6 == 0xF0 => (rates >> 2 & 0xF) < SAMPLE_RATES_OF_AAC,
        [0xFF, kind, rates, ..] => {
            let (is_synced, is_version, is_layer) = (kind & 0xE0 == 0xE0, kind & 0x18 != 0x08, kind & 0x06 != 0);
            is_synced && is_version && is_layer && rates >> 4 != 0xF && rates >> 2 & 3 != 3
        }
        _ => false,
    }
}

/// Packets of an MPEG transport stream, each of which begins with the same byte.
fn is_transport_stream(head: &[u8]) -> bool {
    const PACKET_BYTES: usize = 188;
    let mut begins = head.iter().step_by(PACKET_BYTES).take(4);
    head.len() > 3 * PACKET_BYTES && begins.all(|byte| *byte == b'G')
}

/// Bits of information in a byte of a full piece.
fn bits(counts: &[u32; 256]) -> f64 {
    let share = |count: u32| f64::from(count) / WINDOW_BYTES as f64;
    counts.iter().filter(|count| **count > 0).map(|count| -share(*count) * share(*count).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_their_beginning() {
        let key = [&[0x85, 0x01, 0x0C, 3][..], &[7; 0x10B], &[0xD2, 0xC0, 0x55, 1]].concat();
        let rows: [(&[u8], Option<&str>); 12] = [
            (b"Salted__12345678", Some("openssl_salted")),
            (b"\xeb\x58\x90-FVE-FS-\0", Some("bitlocker")),
            (b"AES\x02\0\0", Some("aes_crypt")),
            (b"AES is a cipher", None),
            (&key, Some("pgp")),
            // For a password, in either form of lengths, and with more keys behind it.
            (b"\x8c\x0d\x04\x09\x03\x0212345678\xff\xd2\x55\x01", Some("pgp")),
            (b"\xc3\x0d\x04\x09\x03\x0212345678\xff\xc3\x0d\x04", Some("pgp")),
            (b"\xc3\x0d\x04\x09\x03\x0212345678\xffplain", None),
            // Signed and packed messages are not encrypted.
            (b"\x90\x0d\x03\0\x02\x01", None),
            (b"\xa3\x02\x78\x9c", None),
            (b"\xc3", None),
            (b"", None),
        ];
        for (head, expected) in rows {
            assert_eq!(family(head), expected, "{head:x?}");
        }
    }

    #[test]
    fn only_long_even_bytes_are_opaque() {
        // Sixteen bits of a sum that runs through all of them.
        let even = |len: usize| {
            let mut state = 1_u64;
            let next = |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            };
            (0..len).map(next).collect::<Vec<u8>>()
        };
        let check = |bytes: &[u8], expected: bool| {
            let mut evenness = Evenness::new();
            bytes.chunks(10_000).for_each(|piece| evenness.push(piece));
            assert_eq!(evenness.is_all(), expected, "{} bytes", bytes.len());
        };
        check(&even(100_000), true);
        check(&even(60_000), false);
        check(&[even(50_000), vec![b'a'; 20_000], even(50_000)].concat(), false);
        check(&[&b"\0\0\0\x20ftypheic"[..], &even(100_000)].concat(), false);
        check(&b"text of a document ".repeat(10_000), false);
        let media: [&[u8]; 8] = [
            b"%!PS-AdobeFont-1.0",
            b"\x80\x01\x51\x06\0\0%!PS-AdobeFont",
            b"wOFF\0\x01\0\0",
            b"\xff\x0a\xfa",
            b"\0\0\0\x0cJXL \r\n\x87\n",
            // MPEG 2 layer III, MPEG 1 layer III with a sum, AAC.
            b"\xff\xf3\x84\xc4",
            b"\xff\xfa\x92\x40",
            b"\xff\xf1\x50\x80",
        ];
        media.into_iter().for_each(|head| check(&[head, &even(100_000)].concat(), false));
        // Neither version nor rates that there are.
        for head in [b"\xff\xeb\x92", b"\xff\xfb\xf2", b"\xff\xfb\x9c", b"\xff\xf1\x7c"] {
            check(&[&head[..], &even(100_000)].concat(), true);
        }
        let stream: Vec<u8> = even(100_000).chunks(187).flat_map(|packet| [b"G", packet].concat()).collect();
        check(&stream, false);
    }
}
