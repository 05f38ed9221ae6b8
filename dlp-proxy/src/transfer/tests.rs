use super::*;
use std::io::Cursor;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn key() -> SessionKey {
    SessionKey { host: "a.example".into(), session: "s".into() }
}

fn edges(text: &[u8]) -> Edges {
    Edges::read(&mut Cursor::new(text)).unwrap()
}

/// Lets pieces arrive; the last one gives these texts.
fn check(pieces: &[(Option<Position>, &[u8])], expected: &[&[u8]]) {
    let transfers = Transfers::default();
    let now = Instant::now();
    let mut joints = Vec::new();
    for (position, text) in pieces {
        joints = transfers.arrive(&key(), (*position, CLIENT), edges(text), now).unwrap();
    }
    assert_eq!(joints, expected, "{pieces:?}");
}

#[test]
fn borders_are_seen_when_the_second_side_arrives() {
    let offset = |at| Some(Position::Offset(at));
    let number = |at| Some(Position::Number(at));
    check(&[(offset(0), b"abc")], &[]);
    check(&[(offset(0), b"abc"), (offset(3), b"def")], &[b"abcdef"]);
    check(&[(offset(3), b"def"), (offset(0), b"abc")], &[b"abcdef"]);
    check(&[(offset(0), b"abc"), (offset(6), b"ghi"), (offset(3), b"def")], &[b"abcdefghi"]);
    check(&[(offset(0), b"abc"), (offset(4), b"efg")], &[]);
    check(&[(offset(0), b"a"), (offset(1), b"b"), (offset(2), b"c"), (offset(3), b"d")], &[b"abcd"]);
    // Sent again from an earlier place, and the same place again with other content.
    check(&[(offset(0), b"abcdef"), (offset(3), b"xyz")], &[b"abcxyz"]);
    check(&[(offset(0), b"abc"), (offset(3), b"def"), (offset(0), b"xyz")], &[b"xyzdef"]);
    check(&[(number(2), b"two"), (number(1), b"one")], &[b"onetwo"]);
    check(&[(number(1), b"one"), (number(3), b"three"), (number(2), b"two")], &[b"onetwothree"]);
    check(&[(None, b"one"), (None, b"two")], &[b"onetwo"]);
}

#[test]
fn large_pieces_are_kept_by_their_edges() {
    let first = [vec![b'x'; 50_000], b"secret-".to_vec()].concat();
    let second = [b"value".to_vec(), vec![b'y'; 50_000]].concat();
    let transfers = Transfers::default();
    let now = Instant::now();
    let position = |at| (Some(Position::Number(at)), CLIENT);
    transfers.arrive(&key(), position(1), edges(&first), now).unwrap();
    let joints = transfers.arrive(&key(), position(2), edges(&second), now).unwrap();
    assert_eq!(joints.len(), 1);
    assert_eq!(joints[0].len(), 2 * EDGE_BYTES);
    assert!(joints[0].windows(12).any(|window| window == b"secret-value"));
    assert_eq!(transfers.state().bytes, 4 * EDGE_BYTES);
}

#[test]
fn the_beginning_may_come_before_the_session_has_a_name() {
    let transfers = Transfers::default();
    let now = Instant::now();
    transfers.open("a.example", CLIENT, edges(b"abc"), now);
    transfers.open("a.example", CLIENT, edges(b"other"), now);
    let at = |offset| (Some(Position::Offset(offset)), CLIENT);
    assert_eq!(transfers.arrive(&key(), at(3), edges(b"def"), now).unwrap(), [b"abcdef"]);
    let foreign = SessionKey { host: "b.example".into(), session: "s".into() };
    assert!(transfers.arrive(&foreign, at(3), edges(b"def"), now).unwrap().is_empty());
}

#[test]
fn what_is_remembered_is_bounded() {
    let transfers = Transfers::default();
    let now = Instant::now();
    let large = vec![b'x'; 20_000];
    let mut stored = 0u64;
    while transfers.arrive(&key(), (Some(Position::Number(2 * stored)), CLIENT), edges(&large), now).is_ok() {
        stored += 1;
    }
    assert_eq!(usize::try_from(stored).unwrap() * 2 * EDGE_BYTES, EDGES_BYTES_MAX);
    let later = now + IDLE_MAX;
    let other = SessionKey { host: "b.example".into(), session: "t".into() };
    assert!(transfers.arrive(&other, (None, CLIENT), edges(&large), later).is_ok(), "old sessions are forgotten");
    assert_eq!(transfers.state().sessions.len(), 1);
}
