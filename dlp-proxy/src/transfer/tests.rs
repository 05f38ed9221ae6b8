use super::edges::{EDGE_BYTES, PIECE_BYTES};
use super::*;
use crate::destination::Position;
use crate::spool::SpoolPlace;
use std::io::{Cursor, Read};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn key() -> SessionKey {
    SessionKey { scope: "a.example".into(), session: "s".into() }
}

fn edges(text: &[u8]) -> Edges {
    Edges::read(&mut Cursor::new(text)).unwrap()
}

fn transfers() -> Transfers {
    Transfers::new(u64::MAX, Gauge::default())
}

fn arrival(position: Option<Position>, edges: Edges) -> Arrival {
    let (total_bytes, stated_len, order) = (None, None, Order::Unknown);
    let (name, content, findings) = (None, Err("not kept"), Vec::new());
    Arrival { position, name, edges, content, findings, total_bytes, stated_len, order }
}

/// Lets pieces arrive; the last one gives these texts.
fn check(pieces: &[(Option<Position>, &[u8])], expected: &[&[u8]]) {
    let transfers = transfers();
    let now = Instant::now();
    let mut joints = Vec::new();
    for (position, text) in pieces {
        joints = transfers.arrive(&key(), (CLIENT, arrival(*position, edges(text))), now).unwrap().joints;
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
    let transfers = transfers();
    let now = Instant::now();
    let piece = |at, text: &[u8]| (CLIENT, arrival(Some(Position::Number(at)), edges(text)));
    transfers.arrive(&key(), piece(1, &first), now).unwrap();
    let joints = transfers.arrive(&key(), piece(2, &second), now).unwrap().joints;
    assert_eq!(joints.len(), 1);
    assert_eq!(joints[0].len(), 2 * EDGE_BYTES);
    assert!(joints[0].windows(12).any(|window| window == b"secret-value"));
    assert_eq!(transfers.state().bytes, 4 * EDGE_BYTES + 2 * PIECE_BYTES);
}

#[test]
fn the_beginning_may_come_before_the_session_has_a_name() {
    let transfers = transfers();
    let now = Instant::now();
    transfers.open("a.example", CLIENT, edges(b"abc"), now);
    transfers.open("a.example", CLIENT, edges(b"other"), now);
    let at = |offset| (CLIENT, arrival(Some(Position::Offset(offset)), edges(b"def")));
    assert_eq!(transfers.arrive(&key(), at(3), now).unwrap().joints, [b"abcdef"]);
    let foreign = SessionKey { scope: "b.example".into(), session: "s".into() };
    assert!(transfers.arrive(&foreign, at(3), now).unwrap().joints.is_empty());
}

#[test]
fn what_is_remembered_is_bounded() {
    let transfers = transfers();
    let now = Instant::now();
    let large = vec![b'x'; 20_000];
    let mut stored = 0u64;
    let piece = |position| (CLIENT, arrival(position, edges(&large)));
    while transfers.arrive(&key(), piece(Some(Position::Number(2 * stored))), now).is_ok() {
        stored += 1;
    }
    assert_eq!(usize::try_from(stored).unwrap(), EDGES_BYTES_MAX / (2 * EDGE_BYTES + PIECE_BYTES));
    let later = now + IDLE_MAX;
    let other = SessionKey { scope: "b.example".into(), session: "t".into() };
    assert!(transfers.arrive(&other, piece(None), later).is_ok(), "old sessions are forgotten");
    assert_eq!(transfers.state().sessions.len(), 1);
}

/// Where a piece says that it belongs.
#[derive(Clone, Copy)]
enum At {
    Offset(u64),
    Number(u64),
    Name(&'static str),
    Nowhere,
}

/// Lets pieces arrive, and looks at the upload as it ends.
fn check_whole(pieces: &[(At, &[u8])], ending: &Ending, expected: Option<(&[u8], Option<&str>)>) {
    check_ordered(Order::Unknown, (pieces, ending), expected);
}

/// The same at a service that takes pieces one after the other.
fn check_in_turn(pieces: &[(At, &[u8])], total: u64, expected: Option<(&[u8], Option<&str>)>) {
    check_ordered(Order::InTurn, (pieces, &Ending::AsSoonAs(total)), expected);
}

fn check_ordered(order: Order, (pieces, ending): (&[(At, &[u8])], &Ending), expected: Option<(&[u8], Option<&str>)>) {
    let dir = tempfile::tempdir().unwrap();
    let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
    let (transfers, now) = (transfers(), Instant::now());
    for (at, text) in pieces {
        let (position, name) = match *at {
            At::Offset(offset) => (Some(Position::Offset(offset)), None),
            At::Number(number) => (Some(Position::Number(number)), None),
            At::Name(name) => (None, Some(name.to_owned())),
            At::Nowhere => (None, None),
        };
        let store = transfers.store(&key(), (CLIENT, now), || Store::create(&place, 100)).unwrap();
        let content = store.append(&mut &text[..]).map_err(|error| error.as_str());
        let arrival = Arrival { name, content, order, ..arrival(position, edges(text)) };
        transfers.arrive(&key(), (CLIENT, arrival), now).unwrap();
    }
    let whole = transfers.whole(&key(), ending, now).map(|mut whole| {
        let mut text = Vec::new();
        whole.content.read_to_end(&mut text).unwrap();
        (text, whole.missing)
    });
    let expected = expected.map(|(text, missing)| (text.to_vec(), missing));
    assert_eq!(whole, expected, "{ending:?}");
}

#[test]
fn uploads_are_put_together_at_their_end() {
    use At::{Name, Nowhere, Number, Offset};
    let list = |names: &[&str]| Ending::Listed(names.iter().map(|name| (*name).to_owned()).collect());
    let whole = |text: &'static [u8]| Some((text, None));
    let again = |text: &'static [u8]| Some((text, Some("sent_again")));
    let gap = |text: &'static [u8]| Some((text, Some("unseen_parts")));

    // Offsets: in any order, sent again, with gaps, and with other content the second time.
    let three: [(At, &[u8]); 3] = [(Offset(6), b"ghi"), (Offset(0), b"abc"), (Offset(3), b"def")];
    check_whole(&three, &Ending::AsSoonAs(9), whole(b"abcdefghi"));
    check_whole(&three, &Ending::AsSoonAs(10), None);
    check_whole(&three, &Ending::Call(9), whole(b"abcdefghi"));
    check_whole(&three, &Ending::Call(10), gap(b"abcdefghi"));
    check_whole(&three, &Ending::Call(8), gap(b"abcdefghi"));
    check_whole(&three[..2], &Ending::AsSoonAs(9), None);
    check_whole(&three[..2], &Ending::Call(9), gap(b"abc"));
    check_whole(&three[..2], &Ending::All, gap(b"abc"));
    check_whole(&[(Offset(0), b"abcdef"), (Offset(3), b"xyz")], &Ending::Call(6), whole(b"abcxyz"));
    check_whole(&[(Offset(0), b"abc"), (Offset(3), b"def"), (Offset(0), b"xyz")], &Ending::Call(6), whole(b"xyzdef"));
    check_whole(
        &[(Offset(0), b"abc"), (Offset(3), b"def"), (Offset(0), b"uvwxyz")],
        &Ending::Call(6),
        whole(b"uvwxyz"),
    );
    check_whole(&[(Offset(u64::MAX), b"abc")], &Ending::AsSoonAs(u64::MAX), None);
    check_whole(&[], &Ending::Call(0), whole(b""));

    // Where pieces come in turn, what is not here when the end is, never was.
    check_in_turn(&three[..1], 9, gap(b""));
    check_in_turn(&[(Offset(0), b"abc"), (Offset(3), b"def")], 9, None);
    check_in_turn(&[(Offset(0), b"abc"), (Offset(6), b"ghi")], 9, gap(b"abc"));
    check_in_turn(&[(Offset(0), b"abc"), (Offset(3), b"def")], 6, whole(b"abcdef"));
    check_in_turn(&[(Offset(0), b"abc"), (Offset(3), b"def"), (Offset(3), b"def")], 6, whole(b"abcdef"));
    check_in_turn(&[(Offset(0), b"abc"), (Offset(3), b"def"), (Offset(0), b"xyz")], 6, again(b"abcdef"));
    check_in_turn(&[(Offset(0), b"abc"), (Offset(2), b"cdef")], 6, None);
    check_in_turn(&[(Offset(0), b"abc"), (Offset(2), b"cde"), (Offset(3), b"def")], 6, again(b"abcdef"));
    check_in_turn(&[(Offset(0), b"abc"), (Number(1), b"def")], 6, None);

    // Numbers and names: what the call lists, and nothing else.
    let numbered: [(At, &[u8]); 3] = [(Number(3), b"three"), (Number(1), b"one"), (Number(2), b"two")];
    check_whole(&numbered, &Ending::All, whole(b"onetwothree"));
    check_whole(&numbered, &list(&["1", "3"]), whole(b"onethree"));
    check_whole(&numbered, &list(&["1", "4"]), gap(b"one"));
    check_whole(&numbered, &list(&["1", "1"]), gap(b"one"));
    check_whole(&numbered, &list(&["x"]), gap(b""));
    check_whole(&numbered, &list(&[]), gap(b""));
    check_whole(&numbered, &Ending::Unreadable, Some((b"onetwothree", Some("part_list"))));
    let named: [(At, &[u8]); 4] = [(Name("B"), b"x"), (Name("A"), b"one"), (Name("C"), b"three"), (Name("B"), b"two")];
    check_whole(&named, &list(&["A", "B", "C"]), whole(b"onetwothree"));
    check_whole(&named, &list(&["A", "1"]), gap(b"one"));
    check_whole(&numbered[..2], &Ending::All, gap(b"onethree"));
    check_whole(&[(Number(2), b"two")], &Ending::All, gap(b"two"));
    check_whole(&[(Number(0), b"a"), (Number(u64::MAX), b"b")], &Ending::All, gap(b"ab"));
    check_whole(&[(Number(u64::MAX), b"a"), (Nowhere, b"b")], &Ending::All, gap(b"b"));
    check_whole(&[(Nowhere, b"a"), (Nowhere, b"b")], &Ending::All, whole(b"ab"));
    check_whole(&[], &Ending::All, gap(b""));

    // More than is kept of one upload.
    check_whole(
        &[(Number(1), &[b'a'; 60]), (Number(2), &[b'b'; 60])],
        &Ending::All,
        Some((&[b'a'; 60], Some("transfer_max"))),
    );
}

#[test]
fn a_piece_that_comes_while_the_whole_is_judged_keeps_it_open() {
    let (transfers, now) = (transfers(), Instant::now());
    let arrive = |offset: u64| {
        transfers.arrive(&key(), (CLIENT, arrival(Some(Position::Offset(offset)), edges(b"abc"))), now).unwrap();
    };
    arrive(0);
    let came = || transfers.whole(&key(), &Ending::Call(3), now).unwrap().came;
    let before = came();
    arrive(3);
    assert!(transfers.end(&key(), before).is_none());
    assert!(transfers.end(&key(), came()).is_some());
}

/// A piece that a listed service takes in any order.
fn listed(position: Position, edges: Edges) -> (IpAddr, Arrival) {
    (CLIENT, Arrival { order: Order::Any, ..arrival(Some(position), edges) })
}

#[test]
fn a_piece_waits_while_its_upload_is_being_completed() {
    let (transfers, now) = (transfers(), Instant::now());
    let piece = |number, text: &[u8]| listed(Position::Number(number), edges(text));
    transfers.arrive(&key(), piece(1, b"abc"), now).unwrap();
    let came = transfers.whole(&key(), &Ending::All, now).unwrap().came;
    let ending = [transfers.end(&key(), came).unwrap(), transfers.end(&key(), came).unwrap()];
    let requests = |taken| match taken {
        Err(NotTaken::Ending(_, requests)) => *requests.borrow(),
        taken => panic!("{taken:?}"),
    };
    let [first, second] = ending;
    assert_eq!(requests(transfers.arrive(&key(), piece(2, b"def"), now)), 2);
    drop(first);
    assert_eq!(requests(transfers.arrive(&key(), piece(2, b"def"), now)), 1);
    drop(second);
    assert!(transfers.arrive(&key(), piece(2, b"def"), now).is_ok());
}

#[test]
fn an_upload_at_the_address_of_one_that_is_complete_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
    let (transfers, now) = (transfers(), Instant::now());
    let send = |offset, text: &[u8]| {
        let store = transfers.store(&key(), (CLIENT, now), || Store::create(&place, 100)).unwrap();
        let content = store.append(&mut &text[..]).map_err(|error| error.as_str());
        let (client, piece) = listed(Position::Offset(offset), edges(text));
        transfers.arrive(&key(), (client, Arrival { content, ..piece }), now).unwrap().doubt
    };
    let end = |total, is_taken: bool| {
        let mut whole = transfers.whole(&key(), &Ending::Call(total), now).unwrap();
        let mut text = Vec::new();
        whole.content.read_to_end(&mut text).unwrap();
        let committing = transfers.end(&key(), whole.came).unwrap();
        if is_taken {
            transfers.done(&committing);
        }
        (text, whole.missing)
    };
    assert_eq!((send(0, b"abc"), send(3, b"def")), (None, None));
    assert_eq!(end(6, true), (b"abcdef".to_vec(), None));
    // The last piece again is the same upload; other bytes are not.
    assert_eq!(send(3, b"def"), None);
    assert_eq!(end(6, true), (b"abcdef".to_vec(), None));
    assert_eq!(send(0, b"uvw"), None);
    assert_eq!(end(3, false), (b"uvw".to_vec(), None));
    // What the service did not take stays the same upload.
    assert_eq!(send(0, b"xyz"), Some("sent_again"));
    assert_eq!(transfers.state().bytes, PIECE_BYTES + 3);
}

/// An upload at a service that takes pieces in any order, with the file that keeps them.
struct Scene {
    transfers: Transfers,
    place: Arc<SpoolPlace>,
    now: Instant,
    _dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
        Self { transfers: transfers(), place, now: Instant::now(), _dir: dir }
    }

    /// A piece whose content lies where pieces lie now.
    fn piece(&self, at: At, text: &[u8]) -> Arrival {
        let create = || Store::create(&self.place, 1_000_000);
        let store = self.transfers.store(&key(), (CLIENT, self.now), create).unwrap();
        let content = store.append(&mut &text[..]).map_err(|error| error.as_str());
        let (position, name) = match at {
            At::Offset(offset) => (Some(Position::Offset(offset)), None),
            At::Number(number) => (Some(Position::Number(number)), None),
            At::Name(name) => (None, Some(name.to_owned())),
            At::Nowhere => (None, None),
        };
        Arrival { content, name, order: Order::Any, ..arrival(position, edges(text)) }
    }

    fn arrive(&self, piece: Arrival) -> Arrived {
        self.transfers.arrive(&key(), (CLIENT, piece), self.now).unwrap()
    }

    fn send(&self, at: At, text: &[u8]) -> (Vec<Vec<u8>>, Option<&'static str>) {
        let arrived = self.arrive(self.piece(at, text));
        (arrived.joints, arrived.doubt)
    }

    /// Ends the upload, and lets the service take it.
    fn end(&self, ending: &Ending) -> (Vec<u8>, Option<&'static str>) {
        let mut whole = self.transfers.whole(&key(), ending, self.now).unwrap();
        let mut text = Vec::new();
        whole.content.read_to_end(&mut text).unwrap();
        self.transfers.done(&self.transfers.end(&key(), whole.came).unwrap());
        (text, whole.missing)
    }
}

#[test]
fn an_upload_goes_on_after_it_was_taken() {
    use At::{Name, Number, Offset};
    let list = |names: &[&str]| Ending::Listed(names.iter().map(|name| (*name).to_owned()).collect());
    let rows = [
        (Offset(0), Offset(3), Ending::Call(3), Ending::Call(6)),
        (Number(1), Number(2), list(&["1"]), list(&["1", "2"])),
        (Name("A"), Name("B"), list(&["A"]), list(&["A", "B"])),
    ];
    for (first, second, early, late) in rows {
        let scene = Scene::new();
        assert_eq!(scene.send(first, b"abc"), (vec![], None));
        assert_eq!(scene.end(&early), (b"abc".to_vec(), None));
        // The border is judged, and the whole is here.
        assert_eq!(scene.send(second, b"def"), (vec![b"abcdef".to_vec()], None), "{late:?}");
        assert_eq!(scene.end(&late), (b"abcdef".to_vec(), None));
    }
    // What takes the place of a piece is another upload, and the border to the old one is judged all the same.
    let scene = Scene::new();
    scene.send(Offset(0), b"abc");
    scene.send(Offset(3), b"def");
    scene.end(&Ending::Call(6));
    assert_eq!(scene.send(Offset(0), b"uvw"), (vec![b"uvwdef".to_vec()], None));
    assert_eq!(scene.end(&Ending::Call(3)), (b"uvw".to_vec(), None));
}

#[test]
fn a_file_may_be_saved_again_with_some_pieces_as_they_were() {
    use At::Name;
    let list = Ending::Listed(vec!["A".to_owned(), "B".to_owned()]);
    let scene = Scene::new();
    for (first, second) in [(b"abc", b"def"), (b"abc", b"xyz"), (b"uvw", b"xyz"), (b"uvw", b"xyz")] {
        assert_eq!(scene.send(Name("A"), first).1, None);
        assert_eq!(scene.send(Name("B"), second).1, None);
        assert_eq!(scene.end(&list), ([&first[..], second].concat(), None));
    }
}

#[test]
fn what_a_piece_takes_on_the_disk_counts_as_long_as_it_is_kept() {
    let scene = Scene::new();
    scene.send(At::Offset(0), &[b'a'; 5_000]);
    let whole = scene.transfers.whole(&key(), &Ending::Call(5_000), scene.now).unwrap();
    let committing = scene.transfers.end(&key(), whole.came).unwrap();
    // It was put beside the others, and had to wait for the answer.
    let late = scene.piece(At::Offset(0), b"late");
    scene.transfers.done(&committing);
    drop((committing, whole));
    assert_eq!(scene.arrive(late).doubt, None);
    assert_eq!(scene.transfers.state().bytes_kept(), 5_004);
}

#[tokio::test]
async fn an_end_that_nobody_waits_for_is_under_way_until_it_is_too_late_for_an_answer() {
    for is_answered in [false, true] {
        let scene = Scene::new();
        scene.send(At::Number(1), b"abc");
        let came = scene.transfers.whole(&key(), &Ending::All, scene.now).unwrap().came;
        let mut committing = scene.transfers.end(&key(), came).unwrap();
        committing.sent(tokio::time::Instant::now() + Duration::from_millis(200));
        if is_answered {
            committing.answered();
        }
        drop(committing);
        let late = scene.piece(At::Number(2), b"def");
        match scene.transfers.arrive(&key(), (CLIENT, late), scene.now) {
            Err(NotTaken::Ending(_, mut requests)) if !is_answered => {
                requests.wait_for(|requests| *requests == 0).await.unwrap();
            }
            taken => assert!(is_answered && taken.is_ok(), "{taken:?}"),
        }
        assert_eq!(scene.send(At::Number(2), b"def").1, None);
    }
}

#[test]
fn borders_that_were_judged_take_no_room() {
    let large = vec![b'x'; 20_000];
    // Pieces, how large they are, and where the first one lies.
    for (count, len, first) in [(10_000u64, 20_000usize, 1u64), (9_000, 2_000, 1), (3, 0, 1)] {
        let (transfers, now) = (transfers(), Instant::now());
        // Two and two in the wrong order.
        let order = (0..count).map(|number| if number ^ 1 < count { number ^ 1 } else { number });
        let mut joints = 0;
        for number in order {
            let piece = listed(Position::Number(first + number), edges(&large[..len]));
            let arrived = transfers.arrive(&key(), piece, now).unwrap();
            joints += arrived.joints.len();
            assert_eq!(arrived.doubt, None);
            transfers.settle(&key(), arrived.at);
        }
        let left = transfers.state().bytes - usize::try_from(count).unwrap() * PIECE_BYTES;
        assert!(left <= 4 * EDGE_BYTES, "{count} pieces of {len}: {left} bytes");
        assert!(len == 0 || joints as u64 >= count / 2 - 1, "{joints} joints");
    }
}

#[test]
fn a_border_that_was_not_judged_is_kept() {
    let (transfers, now) = (transfers(), Instant::now());
    let text = |byte: u8| edges(&[byte; 20_000]);
    let piece = |number, byte| listed(Position::Number(number), text(byte));
    for (number, byte) in [(1, b'a'), (2, b'b'), (3, b'c')] {
        let arrived = transfers.arrive(&key(), piece(number, byte), now).unwrap();
        // Whoever sent the second piece went away before its borders were judged.
        if number != 2 {
            transfers.settle(&key(), arrived.at);
        }
    }
    assert_eq!(transfers.state().bytes, 3 * (2 * EDGE_BYTES + PIECE_BYTES));
    let again = transfers.arrive(&key(), piece(2, b'b'), now).unwrap();
    assert_eq!(again.joints.len(), 2, "they are judged when it is sent again");
    transfers.settle(&key(), again.at);
    assert_eq!(transfers.state().bytes, 2 * EDGE_BYTES + 3 * PIECE_BYTES);
    // An offset inside a piece whose edges are gone shows nothing.
    let mut forgotten = text(b'a');
    forgotten.forget(true, true);
    assert!(forgotten.end_before(9_000).is_empty() && forgotten.end().is_empty());
}

#[test]
fn the_upload_used_longest_ago_of_the_client_with_most_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
    let (transfers, start) = (transfers(), Instant::now());
    let named = |name: usize| SessionKey { scope: "a.example".into(), session: name.to_string() };
    let greedy = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
    let later = |step: usize| start + Duration::from_millis(step as u64);
    let create = || Store::create(&place, u64::MAX);
    transfers.store(&key(), (CLIENT, start), create).unwrap();
    for name in 0..STORES_MAX + 5 {
        transfers.store(&named(name), (greedy, later(name + 100)), create).unwrap();
    }
    let missing = |key| transfers.whole(&key, &Ending::All, later(2_000)).unwrap().missing;
    assert_eq!(missing(named(0)), Some("transfers_max"));
    assert!(transfers.state().sessions[&key()].store.is_some(), "others lose nothing");
    assert!(transfers.state().sessions[&named(STORES_MAX)].store.is_some());
}

#[test]
fn one_client_leaves_room_for_sessions_of_others() {
    let (transfers, now) = (transfers(), Instant::now());
    let named = |name: usize| SessionKey { scope: "a.example".into(), session: name.to_string() };
    let piece = |client| (client, arrival(Some(Position::Offset(0)), edges(b"a")));
    let count =
        (0..SESSIONS_MAX).take_while(|name| transfers.arrive(&named(*name), piece(CLIENT), now).is_ok()).count();
    assert_eq!(count, SESSIONS_OF_CLIENT_MAX);
    let other = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 2));
    assert!(transfers.arrive(&key(), piece(other), now).is_ok());
}

#[test]
fn uploads_make_room_for_others_never_for_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let place = SpoolPlace::new(dir.path(), 0, u64::MAX, Gauge::default());
    let (transfers, now) = (Transfers::new(10, Gauge::default()), Instant::now());
    let other = SessionKey { scope: "a.example".into(), session: "t".into() };
    let create = || Store::create(&place, u64::MAX);
    let store = transfers.store(&key(), (CLIENT, now), create).unwrap();
    store.append(&mut &b"0123456789"[..]).unwrap();
    assert!(matches!(transfers.store(&key(), (CLIENT, now), create), Err(NotKept::Spool)));
    assert!(transfers.store(&other, (CLIENT, now), create).is_ok());
    assert_eq!(transfers.whole(&key(), &Ending::All, now).unwrap().missing, Some("transfers_max"));
}
