//! Picks the target group for the next request: smooth weighted round robin.
//!
//! Exact rather than random: in each cycle of as many requests as the weights sum up to (after
//! dividing by their common divisor) every target group gets precisely its share, spread evenly. So
//! a demo with few requests shows the 10 % it announces.

/// Takes turns among weighted target groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoundRobin {
    credits: Vec<i64>,
}

impl RoundRobin {
    /// The index of the one whose turn it is; none when no weight is above zero.
    pub(crate) fn next(&mut self, weights: &[u32]) -> Option<usize> {
        if self.credits.len() != weights.len() {
            self.credits = vec![0; weights.len()];
        }
        let total: i64 = weights.iter().copied().map(i64::from).sum();
        if total == 0 {
            return None;
        }
        for (credit, weight) in self.credits.iter_mut().zip(weights) {
            *credit += i64::from(*weight);
        }
        // `rev` so that the first of equals wins.
        let turn = (0..weights.len())
            .rev()
            .filter(|&i| weights[i] > 0)
            .max_by_key(|&i| self.credits[i])?;
        self.credits[turn] -= total;
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(weights: &[u32], n: usize) -> Vec<usize> {
        let mut round_robin = RoundRobin::default();
        (0..n).map(|_| round_robin.next(weights).unwrap()).collect()
    }

    fn count(turns: &[usize], who: usize) -> usize {
        turns.iter().filter(|&&turn| turn == who).count()
    }

    #[test]
    fn each_cycle_gives_every_group_exactly_its_share() {
        for weights in [
            vec![90, 10],
            vec![1, 1],
            vec![70, 20, 10],
            vec![999, 1],
            vec![3, 5, 7],
        ] {
            let cycle: u32 = weights.iter().sum();
            let turns = turns(&weights, 3 * cycle as usize);
            for cycle in turns.chunks(cycle as usize) {
                for (who, &weight) in weights.iter().enumerate() {
                    assert_eq!(count(cycle, who), weight as usize, "{weights:?}");
                }
            }
        }
    }

    #[test]
    fn ninety_to_ten_is_one_in_every_ten() {
        for ten in turns(&[90, 10], 200).chunks(10) {
            assert_eq!(count(ten, 1), 1);
        }
    }

    #[test]
    fn a_weight_of_zero_gets_nothing() {
        assert_eq!(count(&turns(&[0, 100], 500), 0), 0);
        assert_eq!(RoundRobin::default().next(&[0, 0]), None);
        assert_eq!(RoundRobin::default().next(&[]), None);
    }
}
