//! Connected regions of a mask (8-neighbourhood), and SAM's removal of small ones.

use super::BitMask;

/// The pixels `x0..x1` of row `y`.
#[derive(Clone, Copy, Debug)]
struct Run {
    y: u32,
    x0: u32,
    x1: u32,
}

/// Fills holes of fewer than `min_area` pixels and then removes islands of fewer than `min_area`
/// pixels, as SAM does. If all islands are small, the largest stays. A small piece of background
/// that touches the photo's edge counts as a hole too. An empty mask stays empty.
pub(crate) fn remove_small_regions(mask: &mut BitMask, min_area: u32) {
    fill_small_holes(mask, min_area);
    remove_small_islands(mask, min_area);
}

/// Fills the regions of the background that have fewer than `min_area` pixels.
pub(crate) fn fill_small_holes(mask: &mut BitMask, min_area: u32) {
    if min_area <= 1 || mask.is_empty() {
        return;
    }
    let background = Regions::label(mask, false);
    for (run, area) in background.runs_with_area() {
        if area < min_area {
            mask.fill_row(run.y, run.x0, run.x1);
        }
    }
}

/// Removes the regions of the mask that have fewer than `min_area` pixels, but never the largest
/// one.
pub(crate) fn remove_small_islands(mask: &mut BitMask, min_area: u32) {
    if min_area <= 1 {
        return;
    }
    let islands = Regions::label(mask, true);
    let Some(largest) = islands.largest() else {
        return;
    };
    let keep_only_largest = islands.areas[largest] < min_area;
    for (i, &run) in islands.runs.iter().enumerate() {
        let root = islands.roots[i];
        let keep =
            if keep_only_largest { root == largest } else { islands.areas[root] >= min_area };
        if !keep {
            mask.clear_row(run.y, run.x0, run.x1);
        }
    }
}

/// The connected regions of a mask, the largest first.
pub(crate) fn connected_regions(mask: &BitMask) -> Vec<BitMask> {
    let regions = Regions::label(mask, true);
    let mut order: Vec<usize> =
        (0..regions.runs.len()).filter(|&i| regions.roots[i] == i).collect();
    order.sort_by_key(|&root| std::cmp::Reverse(regions.areas[root]));
    let mut slot = vec![0; regions.runs.len()];
    for (i, &root) in order.iter().enumerate() {
        slot[root] = i;
    }
    let mut masks = vec![BitMask::new(mask.width(), mask.height()); order.len()];
    for (run, &root) in regions.runs.iter().zip(&regions.roots) {
        masks[slot[root]].fill_row(run.y, run.x0, run.x1);
    }
    masks
}

/// Runs of equal pixels, and the region that each belongs to. A region is named by the index of its
/// first run, its root.
struct Regions {
    runs: Vec<Run>,
    /// The root of each run.
    roots: Vec<usize>,
    /// The number of pixels of each region, indexed by its root.
    areas: Vec<u32>,
}

impl Regions {
    fn label(mask: &BitMask, value: bool) -> Self {
        let mut runs = Vec::new();
        let mut parents: Vec<usize> = Vec::new();
        let mut above = 0..0;
        for y in 0..mask.height() {
            let start = runs.len();
            push_runs(mask, y, value, &mut runs);
            parents.extend(start..runs.len());
            let mut candidate = above.start;
            for i in start..runs.len() {
                let run: Run = runs[i];
                // Runs that touch only at a corner are connected too. This is why the comparison is
                // strict.
                while candidate < above.end && runs[candidate].x1 < run.x0 {
                    candidate += 1;
                }
                let touching = (candidate..above.end).take_while(|&j| runs[j].x0 <= run.x1);
                for j in touching {
                    join(&mut parents, i, j);
                }
            }
            above = start..runs.len();
        }
        let roots: Vec<usize> = (0..runs.len()).map(|i| find(&mut parents, i)).collect();
        let mut areas = vec![0; runs.len()];
        for (run, &root) in runs.iter().zip(&roots) {
            areas[root] += run.x1 - run.x0;
        }
        Self { runs, roots, areas }
    }

    fn runs_with_area(&self) -> impl Iterator<Item = (Run, u32)> {
        self.runs.iter().zip(&self.roots).map(|(&run, &root)| (run, self.areas[root]))
    }

    /// The root of the largest region. If several are equally large, it is the first one.
    fn largest(&self) -> Option<usize> {
        (0..self.areas.len()).rev().max_by_key(|&i| self.areas[i])
    }
}

fn find(parents: &mut [usize], mut i: usize) -> usize {
    while parents[i] != i {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    i
}

/// Joins the regions of two runs. The smaller root stays the root, so that a region keeps the name
/// of its first run.
fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(parents, a), find(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// Appends the runs of pixels of row `y` that have this value.
fn push_runs(mask: &BitMask, y: u32, value: bool, runs: &mut Vec<Run>) {
    let width = mask.width();
    // The row begins as if there were zeros to its left. So a run of zeros is open from the start,
    // and a run of ones opens at the first change.
    let mut open = (!value).then_some(0);
    let mut carry = 0;
    let mut change = |x: u32| match open.take() {
        Some(x0) if x0 < x => runs.push(Run { y, x0, x1: x }),
        Some(_) => {}
        None => open = Some(x),
    };
    for (i, &word) in mask.row(y).iter().enumerate() {
        let mut changed = word ^ (word << 1 | carry);
        carry = word >> 63;
        while changed != 0 {
            change(i as u32 * 64 + changed.trailing_zeros());
            changed &= changed - 1;
        }
    }
    // The last word is filled up with zeros. So a run of ones is still open here only if the row
    // ends where its last word ends.
    if let Some(x0) = open.filter(|&x0| x0 < width) {
        runs.push(Run { y, x0, x1: width });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::testing::arb_mask;
    use proptest::prelude::*;

    /// The regions of pixels of one value, found by flood fill, in the order of their first pixels.
    fn flood_fill(mask: &BitMask, value: bool) -> Vec<Vec<(u32, u32)>> {
        let (w, h) = mask.size();
        let mut seen = BitMask::new(w, h);
        let mut regions = Vec::new();
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            if mask.get(x, y) != value || seen.get(x, y) {
                continue;
            }
            let (mut region, mut next) = (Vec::new(), vec![(x, y)]);
            seen.set(x, y, true);
            while let Some((x, y)) = next.pop() {
                region.push((x, y));
                for (nx, ny) in (y.saturating_sub(1)..(y + 2).min(h))
                    .flat_map(|ny| (x.saturating_sub(1)..(x + 2).min(w)).map(move |nx| (nx, ny)))
                {
                    if mask.get(nx, ny) == value && !seen.get(nx, ny) {
                        seen.set(nx, ny, true);
                        next.push((nx, ny));
                    }
                }
            }
            regions.push(region);
        }
        regions
    }

    fn brute_force(mask: &BitMask, min_area: u32) -> BitMask {
        let mut result = mask.clone();
        if mask.is_empty() {
            return result;
        }
        let small = |region: &&Vec<(u32, u32)>| (region.len() as u32) < min_area;
        for &(x, y) in flood_fill(mask, false).iter().filter(small).flatten() {
            result.set(x, y, true);
        }
        let islands = flood_fill(&result, true);
        let largest = islands.iter().map(Vec::len).max().unwrap_or(0);
        let all_small = (largest as u32) < min_area;
        let first_largest = islands.iter().position(|r| r.len() == largest);
        for (i, region) in islands.iter().enumerate() {
            let keep = if all_small { Some(i) == first_largest } else { !small(&region) };
            for &(x, y) in region {
                result.set(x, y, keep);
            }
        }
        result
    }

    proptest! {
        #[test]
        fn equals_flood_fill(mask in arb_mask(90, 24), min_area in 0u32..40) {
            let mut cleaned = mask.clone();
            remove_small_regions(&mut cleaned, min_area);
            prop_assert_eq!(&cleaned, &brute_force(&mask, min_area));
            let regions = connected_regions(&mask);
            let mut areas: Vec<u32> = flood_fill(&mask, true).iter().map(|r| r.len() as u32).collect();
            areas.sort_by(|a, b| b.cmp(a));
            prop_assert_eq!(regions.iter().map(BitMask::area).collect::<Vec<_>>(), areas);
        }
    }

    #[test]
    fn holes_fill_islands_go_and_the_largest_stays() {
        let ring = BitMask::from_fn(70, 9, |x, y| {
            let ring = (60..=66).contains(&x) && (1..=7).contains(&y);
            (ring && (x, y) != (64, 4)) || (x, y) == (2, 2)
        });
        let mut cleaned = ring.clone();
        remove_small_regions(&mut cleaned, 5);
        let square = BitMask::from_fn(70, 9, |x, y| (60..=66).contains(&x) && (1..=7).contains(&y));
        assert_eq!(cleaned, square);
        remove_small_islands(&mut cleaned, 1000);
        assert_eq!(cleaned, square);
    }
}
