//! Differences of a pack (gitformat-pack): two lengths, and then orders to copy from the base or to insert.

/// One order.
enum Order<'d> {
    Copy { start: usize, len: usize },
    Insert(&'d [u8]),
}

/// Bytes that a copy of length 0 takes.
const COPY_LEN_DEFAULT: usize = 0x1_0000;

/// What a difference makes of its base. None when it does not fit the base, or the result is longer than `len_max`.
pub(super) fn applied(base: &[u8], delta: &[u8], len_max: usize) -> Option<Vec<u8>> {
    let mut rest = delta;
    let (base_len, len) = (length(&mut rest)?, length(&mut rest)?);
    if base_len != base.len() || len > len_max {
        return None;
    }
    let mut result = Vec::new();
    while let Some(order) = order(&mut rest)? {
        let piece = match order {
            Order::Copy { start, len } => base.get(start..start.checked_add(len)?)?,
            Order::Insert(piece) => piece,
        };
        if piece.len() > len - result.len() {
            return None;
        }
        result.extend_from_slice(piece);
    }
    (result.len() == len).then_some(result)
}

/// What a difference adds, with a line end wherever it copies. None when it is no difference.
pub(super) fn added_by(delta: &[u8]) -> Option<Vec<u8>> {
    let mut rest = delta;
    let (_base_len, _len) = (length(&mut rest)?, length(&mut rest)?);
    let mut added = Vec::new();
    while let Some(order) = order(&mut rest)? {
        match order {
            Order::Copy { .. } => added.push(b'\n'),
            Order::Insert(piece) => added.extend_from_slice(piece),
        }
    }
    Some(added)
}

/// A number of seven bits a byte, the lowest first.
fn length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *rest.split_off_first()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

/// The next order; the inner none is the end.
fn order<'d>(rest: &mut &'d [u8]) -> Option<Option<Order<'d>>> {
    let Some(first) = rest.split_off_first() else { return Some(None) };
    Some(Some(match *first {
        0 => return None,
        len if len & 0x80 == 0 => Order::Insert(rest.split_off(..usize::from(len))?),
        flags => {
            let mut number = |bits: std::ops::Range<u8>| {
                let mut number = 0;
                for (place, bit) in bits.enumerate() {
                    if flags & 1 << bit != 0 {
                        number |= usize::from(*rest.split_off_first()?) << (8 * place);
                    }
                }
                Some(number)
            };
            let (start, len) = (number(0..4)?, number(4..7)?);
            Order::Copy { start, len: if len == 0 { COPY_LEN_DEFAULT } else { len } }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_gives_what_it_adds() {
        let long = [&[0x90, 0x01, 0x80, 0x01][..], &[127], &[b'a'; 127], &[1, b'b']].concat();
        let rows: [(&[u8], Option<Vec<u8>>); 6] = [
            (b"\x05\x05\x05hello", Some(b"hello".to_vec())),
            // Copies of one and of three bytes of place and length.
            (b"\x05\x07\x02ab\x91\x00\x04\x01c\xb3\x00\x00\x01\x00\x01d", Some(b"ab\nc\nd".to_vec())),
            (&long, Some([&[b'a'; 127][..], b"b"].concat())),
            (b"\x05\x05\x05hell", None),
            (b"\x05\x05\x00", None),
            (b"\x85", None),
        ];
        for (delta, expected) in rows {
            assert_eq!(added_by(delta), expected, "{delta:?}");
        }
    }

    #[test]
    fn a_difference_is_applied_to_the_base_that_it_fits() {
        type Row<'a> = (&'a [u8], &'a [u8], Option<&'a [u8]>);
        let rows: [Row<'_>; 9] = [
            (b"hello", b"\x05\x05\x05HELLO", Some(b"HELLO")),
            (b"hello", b"\x05\x06\x90\x05\x01!", Some(b"hello!")),
            (b"hello", b"\x05\x04\x91\x03\x02\x02ab", Some(b"loab")),
            // Behind the end of the base, a base and a result of another length, an order that is cut, a result too long.
            (b"hello", b"\x05\x02\x91\x04\x02", None),
            (b"hell", b"\x05\x05\x05HELLO", None),
            (b"hello", b"\x05\x06\x05HELLO", None),
            (b"hello", b"\x05\x04\x05HELLO", None),
            (b"hello", b"\x05\x05\x91", None),
            (b"hello", b"\x05\x14\x90\x05\x90\x05\x90\x05\x90\x05", None),
        ];
        for (base, delta, expected) in rows {
            assert_eq!(applied(base, delta, 10).as_deref(), expected, "{delta:?}");
        }
        let large = vec![b'a'; COPY_LEN_DEFAULT];
        assert_eq!(applied(&large, b"\x80\x80\x04\x80\x80\x04\x80", COPY_LEN_DEFAULT), Some(large.clone()));
    }
}
