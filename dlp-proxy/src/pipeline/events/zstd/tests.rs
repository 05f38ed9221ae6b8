use super::*;
use data_encoding::BASE64;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// What the reference implementation makes of [`events`] at its level 19, with a flush behind each and its end: literals with a
/// tree and with that of the block before, sequences with tables of all kinds, and a sum.
const PIECES: [&str; 6] = [
    "KLUv/QQ43AYAAowhF5CrDVjbmrL63GiItw1bM9OJayeqkcYBABClXF1mycKFKYyVJzImX1Hasowtvw18GJnQ1fjmiWsp86PA99+tScKK\
     e2JmW9dP1YhLmBmNS+HGCMbjnkqZuD5SaC/Txl4uV/fMb3m31eRBpYsdx2eUbxWbW3G9V62X1M47XSDckJQm6AZsVAEnqKGGExjN5ONi\
     AxAQAVLqfCBEiAXdAfjBa8NoG92jQbaKSgJx2tiKDOZ0o2PXWTX/ocDHUkMGY3uIirYZQvnptshI8HJMLGUDdd1v9EbMb+Cm",
    "TAQA+DFraXRjaGV2YWxsZXVud2luZG93bWVldGluZyJ9Cgo5qMCl0gEgQmOQkz0gAiIAg9XCGqstEOjDOszuzY4wTeHY7uJ6AxzeQDGw\
     M6TZg2rFPZKbfx05KSaGuhIF49hiVVjXj2xPoqZRUNu6G6o0sDooZIdv987D/OlYk2sBlDI+wpxRHxB/SWw=",
    "TAMAODJkZSJ9Cgo26CBEQIiB8g4RjBfQYUEK7ht/TE5MyTBjn66kL2+Dk7Zj1RYz+uBpi9mit4yc375FmWXfkFRbeyWRmWhhx9ljI0tG\
     zyfjFq3nKjpv8UMnWuBXqu4lip+CnZXCfFSkezTa",
    "HAMAKDMifQoKOewwQkIUWsYDM7hdARqo6JKBJdE63PY7Zvp9feu2cd5GdeD0G8EBrtm0HCpijImh2yWoXyN/MS2HeOSYczCCfC19rnRg\
     LTjkN/qMaKwb2FEpU9H7xf0u4y7lo8gG",
    "BAMACDQ4+BBGBhokGQPYpxcNpfDseBQwSVye4dIUeA2VWn6BPMLsmJRHoFJRvKI5uvAm2tiO/FaDC9SD5qIYdXW6Q9aU6utAb5z3PMBj\
     KWmn9Jif0nURR8F87OeHM2cBEGID",
    "AQAAc4wSIw==",
];

const WORDS: &str = "meeting minutes morning afternoon committee proposal budget harbour library garden weather garage kitchen \
    evening supper window curtain teacher student village mountain river valley bridge station platform ticket luggage holiday";

fn events() -> Vec<String> {
    let words: Vec<&str> = WORDS.split(' ').collect();
    let mut state = 1_u32;
    let mut word = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        words[(state >> 16) as usize % words.len()]
    };
    let mut text = || (0..60).map(|_| word()).collect::<Vec<_>>().join(" ");
    (0..5).map(|id| format!("data: {{\"id\": {id}, \"text\": \"{}\"}}\n\n", text())).collect()
}

fn pieces() -> Vec<Vec<u8>> {
    PIECES.iter().map(|piece| BASE64.decode(piece.as_bytes()).unwrap()).collect()
}

/// What comes of an input in pieces of this size, and whether its end is missing.
fn decoded(input: &[u8], piece: usize) -> Result<(Vec<u8>, bool), Damaged> {
    let (mut zstd, mut out) = (Zstd::default(), Vec::new());
    for mut piece in input.chunks(piece) {
        while zstd.step(&mut piece, &mut out)? {}
    }
    Ok((out, zstd.is_inside()))
}

/// A frame with a window of 1 KiB and these blocks: kind, length and bytes of each.
fn frame(blocks: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let mut frame = [&MAGIC.to_le_bytes()[..], &[0, 0]].concat();
    for (index, (kind, len, bytes)) in blocks.iter().enumerate() {
        let last = u32::from(index + 1 == blocks.len());
        frame.extend(&(len << 3 | kind << 1 | last).to_le_bytes()[..3]);
        frame.extend(*bytes);
    }
    frame
}

#[test]
fn what_was_flushed_is_there_at_once() {
    let (mut zstd, mut out) = (Zstd::default(), Vec::new());
    for (piece, event) in pieces().iter().zip(events()) {
        let mut rest = &piece[..];
        while zstd.step(&mut rest, &mut out).unwrap() {}
        assert_eq!(String::from_utf8(std::mem::take(&mut out)).unwrap(), event);
        assert!(zstd.is_inside());
    }
    let whole = pieces().concat();
    for piece in [1, 7, 100_000] {
        assert_eq!(decoded(&whole, piece), Ok((events().concat().into_bytes(), false)), "{piece}");
    }
}

#[test]
fn frames_follow_each_other() {
    let skipped = [&(SKIPPED_MAGIC + 3).to_le_bytes()[..], &5_u32.to_le_bytes(), b"aside"].concat();
    let none = [&SKIPPED_MAGIC.to_le_bytes()[..], &[0; 4]].concat();
    let plain = frame(&[(0, 3, b"abc"), (1, 1000, b"d"), (0, 0, b"")]);
    let input = [&skipped[..], &plain, &none, &pieces().concat(), &plain].concat();
    let plain = format!("abc{}", "d".repeat(1000));
    let expected = [&plain, &events().concat(), &plain].map(String::as_str).concat();
    for piece in [1, 7, 100_000] {
        assert_eq!(decoded(&input, piece), Ok((expected.clone().into_bytes(), false)), "{piece}");
        assert_eq!(decoded(&input[..input.len() - 1], piece).map(|(_, is_inside)| is_inside), Ok(true));
        assert_eq!(decoded(&skipped[..skipped.len() - 1], piece), Ok((Vec::new(), true)));
    }
}

#[test]
fn what_an_encoder_makes_is_read() {
    let mut state = 7_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (state >> 16) as u8
    };
    let texts = [
        Vec::new(),
        b"a".to_vec(),
        events().concat().into_bytes().repeat(400),
        (0..300_000).map(|_| noise()).collect(),
        (0..300_000).map(|_| noise() & noise() & noise()).collect(),
        vec![0; 1_000_000],
    ];
    for text in texts {
        for level in [CompressionLevel::Uncompressed, CompressionLevel::Fastest] {
            let packed = compress_to_vec(&text[..], level);
            assert!(decoded(&packed, 4_096) == Ok((text.clone(), false)), "{}", text.len());
        }
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    let with_header = |descriptor: u8, rest: &[u8]| [&MAGIC.to_le_bytes()[..], &[descriptor], rest].concat();
    let rows = [
        b"data: a\n\n".to_vec(),
        // A window of 16 MiB, content that is as long, a dictionary, a bit that is reserved.
        with_header(0, &[14 << 3]),
        with_header(0xa0, &[0, 0, 0, 1]),
        with_header(1, &[0, 9]),
        with_header(8, &[0]),
        // A kind that there is not, more than a block may have, and what is repeated before there is anything.
        frame(&[(3, 0, b"")]),
        frame(&[(0, 1025, &[0; 1025])]),
        frame(&[(1, 1025, b"a")]),
        frame(&[(2, 1, b"\x03")]),
        frame(&[(2, 0, b"")]),
        frame(&[(2, 5, b"\x08a\x01\x00\x01")]),
    ];
    for row in rows {
        for piece in [1, 100_000] {
            assert_eq!(decoded(&row, piece), Err(Damaged), "{row:02x?}");
        }
    }
}

#[test]
fn altered_bytes_do_no_harm() {
    let whole = pieces().concat();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut altered = whole.clone();
            altered[at] ^= 1 << bit;
            // A frame of five blocks cannot become more than that, whatever stands in it.
            let out = decoded(&altered, 100_000).map_or(0, |(out, _)| out.len());
            assert!(out <= 6 * BLOCK_BYTES_MAX, "{at} {bit} {out}");
        }
    }
}
