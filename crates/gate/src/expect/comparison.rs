//! A number to compare with: `3`, `"> 0"`, `"<= 10"`. Lengths, counts and sizes are demanded like this.

/// A demand on a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) operator: Operator,
    pub(crate) number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Operator {
    /// What stands before the number, nothing for equality.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "",
            Self::Less => "< ",
            Self::AtMost => "<= ",
            Self::Greater => "> ",
            Self::AtLeast => ">= ",
        }
    }
}

impl Comparison {
    pub(crate) fn holds(self, number: u64) -> bool {
        match self.operator {
            Operator::Equal => number == self.number,
            Operator::Less => number < self.number,
            Operator::AtMost => number <= self.number,
            Operator::Greater => number > self.number,
            Operator::AtLeast => number >= self.number,
        }
    }

    /// The same for how many of something there are. None at all meets it only where it demands just that: `"< 5"`
    /// says that there are some, or a mistyped name would pass.
    pub(crate) fn holds_for_count(self, count: usize) -> bool {
        let some = count > 0 || self.demands_none();
        some && u64::try_from(count).is_ok_and(|count| self.holds(count))
    }

    /// Whether nothing but zero meets it.
    pub(crate) fn demands_none(self) -> bool {
        self.holds(0) && !self.holds(1)
    }

    /// Whether no number up to `most` meets it.
    pub(crate) fn is_impossible(self, most: u64) -> bool {
        match self.operator {
            Operator::Less => self.number == 0,
            Operator::AtMost => false,
            Operator::Equal | Operator::AtLeast => self.number > most,
            Operator::Greater => self.number >= most,
        }
    }

    /// `> 3 values`
    pub(crate) fn of(self, noun: &str) -> String {
        match self.number {
            1 => format!("{} {noun}", self.words()),
            _ => format!("{} {noun}s", self.words()),
        }
    }

    /// `> 3`
    pub(crate) fn words(self) -> String {
        format!("{}{}", self.operator.sign(), self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_meets_a_count_only_where_none_is_demanded() {
        let met = |operator, number, count| Comparison { operator, number }.holds_for_count(count);
        assert!(met(Operator::Equal, 0, 0) && met(Operator::AtMost, 0, 0));
        assert!(met(Operator::Less, 1, 0));
        assert!(!met(Operator::Less, 5, 0) && !met(Operator::AtMost, 5, 0));
        assert!(!met(Operator::AtLeast, 0, 0));
        assert!(met(Operator::Less, 5, 4) && met(Operator::AtLeast, 0, 1));
    }
}
