//! Places on a page.

use pdf_extract::Object;

/// A transformation in the order in which PDF writes it: `x' = a x + c y + e`, `y' = b x + d y + f`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) a: f64,
    pub(super) b: f64,
    pub(super) c: f64,
    pub(super) d: f64,
    pub(super) e: f64,
    pub(super) f: f64,
}

impl Matrix {
    pub(super) const IDENTITY: Matrix = Matrix { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// A shift.
    pub(super) fn shift(x: f64, y: f64) -> Self {
        Self { e: x, f: y, ..Self::IDENTITY }
    }

    /// From six operands; missing ones are those of the identity.
    pub(super) fn of(operands: &[Object]) -> Self {
        let at = |index: usize, otherwise: f64| operands.get(index).and_then(number).unwrap_or(otherwise);
        Self { a: at(0, 1.0), b: at(1, 0.0), c: at(2, 0.0), d: at(3, 1.0), e: at(4, 0.0), f: at(5, 0.0) }
    }

    /// First this, then the other.
    pub(super) fn then(&self, other: &Matrix) -> Self {
        Self {
            a: self.a * other.a + self.b * other.c,
            b: self.a * other.b + self.b * other.d,
            c: self.c * other.a + self.d * other.c,
            d: self.c * other.b + self.d * other.d,
            e: self.e * other.a + self.f * other.c + other.e,
            f: self.e * other.b + self.f * other.d + other.f,
        }
    }

    /// How much longer a step to the right becomes.
    pub(super) fn stretch(&self) -> f64 {
        self.a.hypot(self.b)
    }
}

/// The value of a number object.
pub(super) fn number(object: &Object) -> Option<f64> {
    match object {
        Object::Integer(value) => Some(*value as f64),
        Object::Real(value) => Some(f64::from(*value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;

    #[test]
    fn order_of_transformations_counts() {
        let double = Matrix { a: 2.0, d: 2.0, ..Matrix::IDENTITY };
        let shift = Matrix::shift(3.0, 4.0);
        assert_eq!((shift.then(&double).e, shift.then(&double).f), (6.0, 8.0));
        assert_eq!((double.then(&shift).e, double.then(&shift).f), (3.0, 4.0));
        assert_eq!(double.stretch(), 2.0);
    }
}
