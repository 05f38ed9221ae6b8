//! Of matches that cover each other, the surest one stays.
//!
//! Matches that overlap, directly or through others, form a cluster. A cluster is decided when nothing more can join
//! it, so the result does not depend on how the text was cut. Within it the surest match wins, then the longest, then
//! the first id; it drops what it conflicts with: other spans of the same detector that overlap it, and any match that
//! contains it or lies in it. Different detectors that merely overlap are both kept: each saw something of its own.
//!
//! A token of a form with a mark of its own that fails its check is an altered one, however sure another detector is that it
//! is something of its: a name beside it says whose it is, not that it is genuine. Claims on the bytes of such a token are
//! dropped unless they have proof, and the low finding of the one that knows the form stays.

use super::evidence::Judged;
use crate::base::Span;
use std::cmp::Reverse;

/// Longest cluster in bytes. Beyond it a new one starts, which bounds what a stream holds of a text made of overlaps.
const CLUSTER_BYTES_MAX: u64 = 64 * 1024;

/// Matches that are not decided yet, sorted by place.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Judged>);

impl Pending {
    /// Adds matches; they are brought into order and repetitions dropped, the surer one staying.
    pub(super) fn add(&mut self, matches: &mut Vec<Judged>) {
        let Some(first) = matches.iter().map(|judged| judged.start).min() else { return };
        // Those of one block come after those of another, but for a few at its edge.
        let mut last = self.0.split_off(self.0.partition_point(|judged| judged.start < first));
        last.append(matches);
        last.sort_by_key(|judged| (judged.start, judged.end, judged.detector, Reverse(judged.confidence)));
        last.dedup_by(|later, earlier| {
            (later.start, later.end, later.detector) == (earlier.start, earlier.end, earlier.detector)
        });
        self.0.append(&mut last);
    }

    /// Start of the earliest undecided match.
    pub(super) fn earliest(&self) -> Option<u64> {
        self.0.first().map(|judged| judged.start)
    }

    /// Spans of the undecided matches.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.iter().map(|judged| Span::new(judged.start, judged.end))
    }

    /// Decides the clusters that end before `known`, up to which all matches have been added, and gives their winners
    /// in order of place.
    pub(super) fn decide(&mut self, known: u64, each: &mut dyn FnMut(&Judged)) {
        let mut choice = Choice::default();
        let mut decided = 0;
        while let Some(len) = first_cluster(&self.0[decided..], known) {
            choice.of(&self.0[decided..decided + len], each);
            decided += len;
        }
        // All of them leave at once: taking them from the front one by one would move the rest each time.
        self.0.drain(..decided);
    }
}

/// Length of the first cluster of sorted matches, if nothing that starts at or behind `known` can join it.
fn first_cluster(sorted: &[Judged], known: u64) -> Option<usize> {
    let first = sorted.first()?;
    let (mut end, mut len) = (first.end, 1);
    while let Some(next) =
        sorted.get(len).filter(|next| next.start < end && next.start < first.start + CLUSTER_BYTES_MAX)
    {
        end = end.max(next.end);
        len += 1;
    }
    (end.min(first.start + CLUSTER_BYTES_MAX) <= known).then_some(len)
}

/// Which matches of a cluster stay, with memory for more clusters.
#[derive(Default)]
struct Choice {
    /// Those that may, the surest first.
    order: Vec<usize>,
    stay: Vec<usize>,
}

impl Choice {
    /// Gives the matches of a cluster that stay, in their order.
    fn of(&mut self, cluster: &[Judged], each: &mut dyn FnMut(&Judged)) {
        let Self { order, stay } = self;
        if let [single] = cluster {
            return each(single);
        }
        order.clear();
        stay.clear();
        let altered = || cluster.iter().filter(|judged| judged.is_altered());
        let is_refuted = |claim: &Judged| altered().any(|token| refutes(token, claim));
        let has_altered = altered().next().is_some();
        order.extend((0..cluster.len()).filter(|at| !has_altered || !is_refuted(&cluster[*at])));
        order.sort_by_key(|at| {
            let judged = &cluster[*at];
            (Reverse((judged.confidence, judged.end - judged.start)), judged.detector, judged.start)
        });
        for candidate in &*order {
            if !stay.iter().any(|winner| conflicts(&cluster[*winner], &cluster[*candidate])) {
                stay.push(*candidate);
            }
        }
        stay.sort_unstable();
        stay.iter().for_each(|at| each(&cluster[*at]));
    }
}

/// Whether a token that fails its check shows that a claim on its bytes is none.
fn refutes(token: &Judged, claim: &Judged) -> bool {
    let [token, bytes] = [token, claim].map(|judged| Span::new(judged.start, judged.end));
    token.contains(bytes) && !claim.is_altered() && !claim.is_proven()
}

fn conflicts(winner: &Judged, other: &Judged) -> bool {
    let (a, b) = (Span::new(winner.start, winner.end), Span::new(other.start, other.end));
    if winner.detector == other.detector { a.overlaps(b) } else { a.contains(b) || b.contains(a) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Confidence;
    use crate::knowledge::validators::{self, Check, Verdict};
    use crate::matching::DetectorIndex;
    use crate::matching::notes::Notes;

    fn judged(&(detector, start, end, points): &(u32, u64, u64, i32)) -> Judged {
        Judged {
            detector: DetectorIndex(detector),
            start,
            end,
            confidence: Confidence::from_points(points),
            notes: Notes::default(),
            checked: None,
            column: None,
        }
    }

    /// The detectors and starts of the matches that are decided before a place.
    fn decided(pending: &mut Pending, known: u64) -> Vec<(u32, u64)> {
        let mut found = Vec::new();
        pending.decide(known, &mut |judged| found.push((judged.detector.0, judged.start)));
        found
    }

    #[test]
    fn the_surest_of_covering_matches_stays() {
        type Row = (u32, u64, u64, i32);
        type Case<'a> = (&'a [Row], &'a [(u32, u64)]);
        let rows: &[Case<'_>] = &[
            (&[(0, 0, 10, 50), (1, 0, 10, 90)], &[(1, 0)]),
            (&[(0, 0, 10, 90), (1, 2, 5, 50)], &[(0, 0)]),
            (&[(0, 0, 10, 50), (1, 2, 5, 90)], &[(1, 2)]),
            (&[(0, 0, 10, 50), (1, 5, 15, 90)], &[(0, 0), (1, 5)]),
            (&[(0, 0, 10, 50), (0, 5, 15, 50)], &[(0, 0)]),
            (&[(0, 0, 10, 50), (0, 0, 10, 70)], &[(0, 0)]),
            (&[(0, 0, 10, 50), (1, 10, 20, 50)], &[(0, 0), (1, 10)]),
        ];
        for (matches, expected) in rows {
            let mut pending = Pending::default();
            pending.add(&mut matches.iter().map(judged).collect());
            assert_eq!(decided(&mut pending, u64::MAX), *expected, "{matches:?}");
        }
    }

    #[test]
    fn an_altered_token_refutes_claims_on_its_bytes_that_lack_proof() {
        let check = |name| validators::find(name).expect("a check of the product");
        let (marked, unmarked, samples) = (check("github-token"), check("base58check"), check("opaque-token"));
        let altered = (marked, Verdict::Invalid);
        type Row = ((u32, u64, u64, i32), Option<(&'static Check, Verdict)>);
        type Case<'a> = (&'a [Row], &'a [(u32, u64)]);
        let cases: &[Case<'_>] = &[
            (&[((0, 0, 40, 30), Some(altered)), ((1, 0, 40, 90), None)], &[(0, 0)]),
            (&[((0, 0, 40, 30), Some(altered)), ((1, 4, 20, 90), Some((samples, Verdict::Valid)))], &[(0, 0)]),
            (&[((0, 0, 40, 30), Some(altered)), ((1, 4, 20, 90), Some((unmarked, Verdict::Valid)))], &[(1, 4)]),
            (&[((0, 4, 40, 30), Some(altered)), ((1, 0, 60, 90), None)], &[(1, 0)]),
            (&[((0, 0, 40, 30), Some(altered)), ((1, 20, 60, 90), None)], &[(0, 0), (1, 20)]),
            (&[((0, 0, 40, 30), Some((unmarked, Verdict::Invalid))), ((1, 0, 40, 90), None)], &[(1, 0)]),
            (&[((0, 0, 40, 88), Some((marked, Verdict::NotApplicable))), ((1, 0, 40, 90), None)], &[(1, 0)]),
            (&[((0, 0, 40, 30), Some(altered)), ((1, 0, 40, 30), Some(altered))], &[(0, 0)]),
        ];
        for (rows, expected) in cases {
            let mut pending = Pending::default();
            pending.add(&mut rows.iter().map(|(row, checked)| Judged { checked: *checked, ..judged(row) }).collect());
            assert_eq!(decided(&mut pending, u64::MAX), *expected, "{rows:?}");
        }
    }

    #[test]
    fn a_cluster_waits_until_nothing_can_join_it() {
        let mut pending = Pending::default();
        pending.add(&mut vec![judged(&(0, 0, 10, 50))]);
        assert!(decided(&mut pending, 9).is_empty());
        assert_eq!(pending.earliest(), Some(0));
        assert_eq!(decided(&mut pending, 10).len(), 1);
    }
}
