//! When the rounds of a recorded run began, as far as the record says.

use std::time::Duration;

use crate::bake::Bake;
use crate::words;

/// When the rounds of a run began.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    delay: Duration,
    window: Duration,
    every: Duration,
    /// Of each round the slot of the schedule, at the earliest and at the latest: a long round leaves some out, and when
    /// a round in the middle began is not recorded.
    slots: Vec<(u32, u32)>,
    /// Of each round, when it really began, if that is recorded.
    starts: Vec<Option<Duration>>,
}

impl Schedule {
    /// `bake` is the delay, the window and the time between rounds; none where one round decided.
    pub(super) fn of(
        bake: Option<[Duration; 3]>,
        rounds: usize,
        starts: &[(usize, Duration)],
    ) -> Self {
        let [delay, window, every] = bake.unwrap_or_default();
        let mut known = vec![None; rounds];
        for (place, started) in starts {
            if let Some(one) = known.get_mut(*place) {
                *one = Some(*started);
            }
        }
        let mut schedule = Self {
            delay,
            window,
            every,
            slots: Vec::new(),
            starts: known,
        };
        schedule.slots = schedule.find_slots(rounds);
        schedule
    }

    fn find_slots(&self, rounds: usize) -> Vec<(u32, u32)> {
        let as_slot = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let last = ratio_up(self.window, self.every);
        if as_slot(rounds) > last {
            // None was left out.
            return (0..rounds)
                .map(|place| (as_slot(place), as_slot(place)))
                .collect();
        }
        let recorded = |place: usize| {
            let started = self.starts.get(place).copied().flatten()?;
            let since = started.saturating_sub(self.delay);
            if since >= self.window {
                return Some(last);
            }
            Some(ratio_down(since, self.every).min(last))
        };
        let mut slots: Vec<(u32, u32)> = Vec::with_capacity(rounds);
        for place in 0..rounds {
            let after = slots.last().map_or(0, |(earliest, _)| earliest + 1);
            let slot = recorded(place).map_or(after, |slot| slot.max(after));
            slots.push((slot, slot));
        }
        let mut before = last.saturating_add(1);
        for place in (0..rounds).rev() {
            let latest = match recorded(place) {
                Some(slot) => slot.max(slots[place].0),
                None => before.saturating_sub(1).max(slots[place].0),
            };
            slots[place].1 = latest;
            before = latest;
        }
        slots
    }

    /// Whether both readings are the same.
    pub(super) fn is_exact(&self) -> bool {
        self.slots
            .iter()
            .all(|(earliest, latest)| earliest == latest)
    }

    pub(super) fn slot(&self, place: usize, reading: Reading) -> u32 {
        let slots = self.slots.get(place).copied().unwrap_or_default();
        match reading {
            Reading::Earliest => slots.0,
            Reading::Latest => slots.1,
        }
    }

    /// When the round was due.
    pub(super) fn nominal(&self, place: usize) -> Duration {
        let slot = self.slot(place, Reading::Earliest);
        self.delay + self.every.saturating_mul(slot).min(self.window)
    }

    /// When the round began, if it began when `bake` has it.
    pub(super) fn started(
        &self,
        place: usize,
        bake: &Bake,
        reading: Reading,
    ) -> Result<Duration, String> {
        let slot = self.slot(place, reading);
        let ours = self.every.saturating_mul(slot).min(self.window);
        let theirs = bake.every.saturating_mul(slot).min(bake.window);
        if bake.initial_delay != self.delay && !bake.window.is_zero() {
            return Err(format!(
                "the run began after {}, and the suite has an initial_delay of {}",
                words::duration(self.delay),
                words::duration(bake.initial_delay)
            ));
        }
        if slot > 0 && ours != theirs {
            return Err(format!(
                "the run measured every {} for {}, and the suite measures every {} for {}",
                words::duration(self.every),
                words::duration(self.window),
                words::duration(bake.every),
                words::duration(bake.window)
            ));
        }
        let nominal = self.delay + ours;
        let recorded = self.starts.get(place).copied().flatten();
        Ok(recorded.unwrap_or(nominal).max(nominal))
    }
}

/// Which of two readings of the schedule is played.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    Earliest,
    Latest,
}

fn ratio_up(window: Duration, every: Duration) -> u32 {
    let ratio = window.as_nanos().div_ceil(every.as_nanos().max(1));
    u32::try_from(ratio).unwrap_or(u32::MAX)
}

fn ratio_down(since: Duration, every: Duration) -> u32 {
    u32::try_from(since.as_nanos() / every.as_nanos().max(1)).unwrap_or(u32::MAX)
}
