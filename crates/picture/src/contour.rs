//! Curves of equal value of a quantity that is known at scattered points.

use std::collections::{BTreeMap, BTreeSet};

use delaunator::{EMPTY, Point, Triangulation, next_halfedge, prev_halfedge, triangulate};

use crate::axis::extremes;

/// A quantity known at points, and linear on the triangles between them (Delaunay 1934): on a grid, regular or not, as at
/// scattered points.
#[derive(Clone, Debug)]
pub struct Surface {
    points: Vec<[f64; 2]>,
    values: Vec<f64>,
    triangles: Vec<[usize; 3]>,
    /// Pairs of triangles that share an edge: its two ends, then the corner of each triangle opposite.
    pairs: Vec<[usize; 4]>,
    /// Sum over the given points of the squared difference from the mean at the same place, and their number.
    within: (f64, usize),
}

impl Surface {
    /// Spreads triangles between points. Points and values that are no finite numbers are left out; where several points
    /// are at one place, the value there is their mean.
    ///
    /// None where fewer than three places are left, or all are on one line.
    ///
    /// # Shapes
    ///
    /// - points: x and y
    /// - values: one per point
    ///
    /// # Panics
    ///
    /// When the numbers of points and values differ.
    ///
    /// ```
    /// use ran_picture::Surface;
    ///
    /// let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
    /// let surface = Surface::new(&corners, &[0.0, 1.0, 0.0, 1.0]).unwrap();
    /// let curves = surface.curves(0.25);
    /// assert_eq!(curves.len(), 1);
    /// assert!(curves[0].iter().all(|[x, _]| *x == 0.25));
    /// ```
    #[must_use]
    pub fn new(points: &[[f64; 2]], values: &[f64]) -> Option<Self> {
        assert_eq!(
            points.len(),
            values.len(),
            "each point needs one value: {} points, {} values",
            points.len(),
            values.len()
        );
        let mut places: BTreeMap<[u64; 2], ([f64; 2], Vec<f64>)> = BTreeMap::new();
        for (&point, &value) in points.iter().zip(values) {
            if value.is_finite() && point.iter().all(|side| side.is_finite()) {
                // Adding zero makes a negative zero the same place as zero.
                let place = point.map(|side| (side + 0.0).to_bits());
                places
                    .entry(place)
                    .or_insert((point, Vec::new()))
                    .1
                    .push(value);
            }
        }
        let mut within = (0.0, 0);
        let (mut points, mut values) = (Vec::new(), Vec::new());
        for (point, all) in places.into_values() {
            let mean = all.iter().sum::<f64>() / all.len() as f64;
            within.0 += all.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            within.1 += all.len();
            points.push(point);
            values.push(mean);
        }
        let (triangles, pairs) = triangles(&points)?;
        Some(Self {
            points,
            values,
            triangles,
            pairs,
            within,
        })
    }

    /// The share of the values' variance that neither the place nor the neighbours explain: near 0 where the quantity is a
    /// smooth function of the two axes, near 1 where it has nothing to do with them.
    #[must_use]
    pub fn roughness(&self) -> f64 {
        let mean = self.values.iter().sum::<f64>() / self.values.len() as f64;
        let squares = self.values.iter().map(|value| (value - mean).powi(2));
        let (within, count) = self.within;
        let between = squares.sum::<f64>() / self.values.len() as f64;
        let within = within / count as f64;
        // Each corner is compared with the plane through the three around it. With independent noise on all four values,
        // the difference has its variance times one plus the squares of the weights.
        let residuals = self.pairs.iter().filter_map(|&[a, b, c, d]| {
            let weights = weights([a, b, c].map(|corner| self.points[corner]), self.points[d])?;
            let plane: f64 = [a, b, c]
                .iter()
                .zip(weights)
                .map(|(&corner, weight)| weight * self.values[corner])
                .sum();
            let noise = 1.0 + weights.iter().map(|weight| weight * weight).sum::<f64>();
            Some((self.values[d] - plane).powi(2) / noise)
        });
        let residuals: Vec<f64> = residuals.collect();
        let neighbours = residuals.iter().sum::<f64>() / residuals.len().max(1) as f64;
        let all = between + within;
        if all > 0.0 {
            ((within + neighbours) / all).min(1.0)
        } else {
            0.0
        }
    }

    /// The curves on which the quantity has a value, each as the points it runs through. A closed curve ends at its
    /// beginning.
    ///
    /// # Shapes
    ///
    /// - output: curves, of points x and y
    #[must_use]
    pub fn curves(&self, level: f64) -> Vec<Vec<[f64; 2]>> {
        let above = |corner: usize| self.values[corner] >= level;
        // Which edges a triangle is crossed at: none or two.
        let mut neighbours: BTreeMap<[usize; 2], Vec<[usize; 2]>> = BTreeMap::new();
        for &[a, b, c] in &self.triangles {
            let edges = [[a, b], [b, c], [c, a]].map(|[from, to]| [from.min(to), from.max(to)]);
            let crossed = edges
                .into_iter()
                .filter(|&[from, to]| above(from) != above(to));
            let crossed: Vec<[usize; 2]> = crossed.collect();
            if let [one, other] = crossed[..] {
                neighbours.entry(one).or_default().push(other);
                neighbours.entry(other).or_default().push(one);
            }
        }
        // A curve that meets the border begins there; what is left is closed.
        let ends = neighbours.iter().filter(|(_, others)| others.len() == 1);
        let ends: Vec<[usize; 2]> = ends.map(|(&edge, _)| edge).collect();
        let begins: Vec<[usize; 2]> = ends.into_iter().chain(neighbours.keys().copied()).collect();
        let mut seen = BTreeSet::new();
        let mut curves = Vec::new();
        for begin in begins {
            if !seen.insert(begin) {
                continue;
            }
            let mut curve = vec![begin];
            let mut at = begin;
            while let Some(&next) = neighbours[&at].iter().find(|next| !seen.contains(*next)) {
                seen.insert(next);
                curve.push(next);
                at = next;
            }
            if curve.len() > 2 && neighbours[&at].len() == 2 {
                curve.push(begin);
            }
            let points = curve.into_iter().map(|edge| self.crossing(edge, level));
            curves.push(points.collect());
        }
        curves
    }

    /// Where an edge has a value.
    fn crossing(&self, [from, to]: [usize; 2], level: f64) -> [f64; 2] {
        let (low, high) = (self.values[from], self.values[to]);
        let part = (level - low) / (high - low);
        let ([x, y], [other_x, other_y]) = (self.points[from], self.points[to]);
        [x + part * (other_x - x), y + part * (other_y - y)]
    }
}

/// The cosine of 135 degrees: a flatter triangle at the border is a sliver. Those of a grid have 90.
const FLATTEST: f64 = -std::f64::consts::FRAC_1_SQRT_2;

type Triangles = (Vec<[usize; 3]>, Vec<[usize; 4]>);

/// Triangles between points, and pairs of those that share an edge. None where no triangle has an area.
fn triangles(points: &[[f64; 2]]) -> Option<Triangles> {
    // Both axes get the same length: a triangle should be near in what is seen, not in the axes' units.
    let side = |side: usize| extremes(points.iter().map(|point| point[side]));
    let ([left, right], [bottom, top]) = (side(0)?, side(1)?);
    let (width, height) = (right - left, top - bottom);
    if points.len() < 3 || !(width > 0.0 && height > 0.0) {
        return None;
    }
    let placed = points.iter().map(|&[x, y]| Point {
        x: (x - left) / width,
        y: (y - bottom) / height,
    });
    let placed: Vec<Point> = placed.collect();
    let found = triangulate(&placed);
    let kept = without_slivers(&placed, &found);
    let corners = &found.triangles;
    let all = corners.as_chunks().0.iter().zip(&kept);
    let all: Vec<[usize; 3]> = all
        .filter(|(_, kept)| **kept)
        .map(|(all, _)| *all)
        .collect();
    let pairs = found.halfedges.iter().enumerate();
    // An edge of the border has no twin, and of twins one is enough.
    let pairs = pairs
        .filter(|&(edge, &twin)| twin != EMPTY && edge < twin && kept[edge / 3] && kept[twin / 3]);
    let opposite = |edge: usize| corners[prev_halfedge(edge)];
    let pairs = pairs.map(|(edge, &twin)| {
        let (from, to) = (corners[edge], corners[next_halfedge(edge)]);
        [from, to, opposite(edge), opposite(twin)]
    });
    let pairs = pairs.collect();
    (!all.is_empty()).then_some((all, pairs))
}

/// Which triangles are no slivers at the border. Around scattered points there are long flat ones, whose corners are far
/// apart: curves would turn along the border in them.
fn without_slivers(points: &[Point], found: &Triangulation) -> Vec<bool> {
    let mut kept = vec![true; found.len()];
    // The cosine of the angle at the corner opposite an edge.
    let cosine = |edge: usize| {
        let [from, to, corner] = [edge, next_halfedge(edge), prev_halfedge(edge)]
            .map(|edge| &points[found.triangles[edge]]);
        let (one, other) = (
            [from.x - corner.x, from.y - corner.y],
            [to.x - corner.x, to.y - corner.y],
        );
        let product = one[0] * other[0] + one[1] * other[1];
        product / (one[0].hypot(one[1]) * other[0].hypot(other[1]))
    };
    loop {
        let border = (0..found.halfedges.len()).filter(|&edge| {
            let twin = found.halfedges[edge];
            kept[edge / 3] && (twin == EMPTY || !kept[twin / 3])
        });
        let flat: Vec<usize> = border.filter(|&edge| cosine(edge) < FLATTEST).collect();
        if flat.is_empty() {
            return kept;
        }
        for edge in flat {
            kept[edge / 3] = false;
        }
    }
}

/// The weights of three corners that give a point; none where the three are on one line.
fn weights([a, b, c]: [[f64; 2]; 3], [x, y]: [f64; 2]) -> Option<[f64; 3]> {
    let area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]);
    let second = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area;
    let third = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area;
    let weights = [1.0 - second - third, second, third];
    weights
        .iter()
        .all(|weight| weight.is_finite())
        .then_some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grid of uneven steps, and the value at each of its points.
    fn grid(value: impl Fn(f64, f64) -> f64) -> Surface {
        let steps = [0.0, 1.0, 2.0, 4.0, 7.0, 8.0, 10.0];
        let points = steps.iter().flat_map(|&x| steps.map(|y| [x, y]));
        let points: Vec<[f64; 2]> = points.collect();
        let values: Vec<f64> = points.iter().map(|&[x, y]| value(x, y)).collect();
        Surface::new(&points, &values).unwrap()
    }

    #[test]
    fn a_plane_has_straight_curves_from_border_to_border() {
        let curves = grid(|x, y| x + 2.0 * y).curves(9.0);
        assert_eq!(curves.len(), 1);
        let curve = &curves[0];
        for &[x, y] in curve {
            assert!((x + 2.0 * y - 9.0).abs() < 1e-12, "({x}, {y})");
        }
        let ends = [curve[0], curve[curve.len() - 1]];
        assert!(
            ends.iter()
                .any(|[x, y]| *x == 0.0 && (y - 4.5).abs() < 1e-12)
        );
        assert!(
            ends.iter()
                .any(|[x, y]| (x - 9.0).abs() < 1e-12 && *y == 0.0)
        );
    }

    #[test]
    fn a_hill_has_a_closed_curve_and_two_hills_have_two() {
        let hill = |x: f64, y: f64, top: [f64; 2]| -(x - top[0]).powi(2) - (y - top[1]).powi(2);
        let one = grid(|x, y| hill(x, y, [4.0, 4.0])).curves(-6.0);
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].first(), one[0].last());
        let two = grid(|x, y| hill(x, y, [2.0, 2.0]).max(hill(x, y, [8.0, 8.0]))).curves(-1.5);
        assert_eq!(two.len(), 2);
    }

    #[test]
    fn a_level_that_no_value_reaches_has_no_curve() {
        let surface = grid(|x, y| x * y);
        assert!(surface.curves(-1.0).is_empty() && surface.curves(101.0).is_empty());
    }

    #[test]
    fn points_without_an_area_have_no_surface() {
        assert!(Surface::new(&[], &[]).is_none());
        assert!(Surface::new(&[[0.0, 0.0], [1.0, 1.0]], &[1.0, 2.0]).is_none());
        let line = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0]];
        assert!(Surface::new(&line, &[1.0; 4]).is_none());
        assert!(Surface::new(&[[5.0, 0.0], [5.0, 1.0], [5.0, 3.0]], &[1.0; 3]).is_none());
        let holes = [[0.0, f64::NAN], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        assert!(Surface::new(&holes, &[1.0, 2.0, f64::INFINITY, 3.0]).is_none());
    }

    #[test]
    fn a_dent_in_the_border_is_not_bridged() {
        let points = [
            [0.0, 0.0],
            [10.0, 0.0],
            [5.0, 1.0],
            [0.0, 10.0],
            [10.0, 10.0],
        ];
        // Without the flat triangle at the bottom the curve ends at the two edges of the dent.
        let curves = Surface::new(&points, &[0.0, 0.0, 1.0, 2.0, 2.0])
            .unwrap()
            .curves(0.5);
        assert_eq!(curves.len(), 2, "{curves:?}");
    }

    #[test]
    fn roughness_tells_a_function_of_the_place_from_noise() {
        assert!(grid(|x, y| x - 3.0 * y).roughness() < 1e-20);
        assert!(grid(|x, y| ((x + 1.0) * (y + 1.0)).ln()).roughness() < 0.02);
        // Far digits of a sine are as good as noise.
        let noise = grid(|x, y| (x * 12.9898 + y * 78.233).sin() * 43_758.545 % 1.0);
        assert!(noise.roughness() > 0.5, "{}", noise.roughness());
        // Values that differ at one place are noise there.
        let points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]].repeat(2);
        let values = [0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0];
        assert_eq!(Surface::new(&points, &values).unwrap().roughness(), 1.0);
    }
}
