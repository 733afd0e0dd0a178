//! Tasks without processes: only their counts are there, thousands of services cost nothing, and how
//! they lag behind what is wanted follows the virtual clock.

use std::time::Duration;

use jiff::Timestamp;

use super::model::{State, TaskDefinition};
use crate::clock::later;
use crate::process;

/// The repository name of images that stand for no process: `…/no-process:1.0.0`.
const NO_PROCESS: &str = "no-process";

/// How long tasks without processes take, in virtual time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// From being wanted to running.
    pub start: Duration,
    /// From being too many to being gone.
    pub stop: Duration,
}

/// The tasks of one task set, as numbers.
#[derive(Debug, Default)]
pub(crate) struct SimulatedTasks {
    /// Those that ran when it was last changed and are wanted.
    running: u32,
    /// How many run from then on.
    starting: Vec<(Timestamp, u32)>,
    /// How many run until then.
    stopping: Vec<(Timestamp, u32)>,
}

/// How many tasks there are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// On their way up.
    pub(crate) pending: u32,
    /// Running, those included that are on their way out.
    pub(crate) running: u32,
    /// On their way out.
    pub(crate) leaving: u32,
}

impl SimulatedTasks {
    /// The counts at an instant not before the last change.
    pub(crate) fn counts(&self, now: Timestamp) -> Counts {
        let pending = sum(&self.starting, |at| at > now);
        let leaving = sum(&self.stopping, |at| at > now);
        Counts {
            pending,
            running: self.running + sum(&self.starting, |at| at <= now) + leaving,
            leaving,
        }
    }

    /// Those that run or are about to, and are wanted.
    pub(crate) fn alive(&self) -> u32 {
        self.running + sum(&self.starting, |_| true)
    }

    /// Lets it have so many from now on. Those that do not run yet are the first to go.
    pub(crate) fn set(&mut self, now: Timestamp, wanted: u32, lag: Lag) {
        self.running += sum(&self.starting, |at| at <= now);
        self.starting.retain(|(at, _)| *at > now);
        self.stopping.retain(|(at, _)| *at > now);
        let alive = self.alive();
        if wanted > alive {
            self.starting.push((later(now, lag.start), wanted - alive));
        }
        let mut surplus = alive.saturating_sub(wanted);
        while surplus > 0
            && let Some((at, waiting)) = self.starting.pop()
        {
            let cut = surplus.min(waiting);
            surplus -= cut;
            if waiting > cut {
                self.starting.push((at, waiting - cut));
            }
        }
        if surplus > 0 {
            self.running -= surplus;
            self.stopping.push((later(now, lag.stop), surplus));
        }
    }

    /// Shortens what tasks on their way still need to this lag.
    fn hurry(&mut self, now: Timestamp, lag: Lag) {
        for (at, _) in &mut self.starting {
            *at = (*at).min(later(now, lag.start));
        }
        for (at, _) in &mut self.stopping {
            *at = (*at).min(later(now, lag.stop));
        }
    }

    /// When the counts change next.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.starting.iter().chain(&self.stopping);
        times.map(|(at, _)| *at).filter(|at| *at > now).min()
    }
}

fn sum(batches: &[(Timestamp, u32)], when: impl Fn(Timestamp) -> bool) -> u32 {
    let due = batches.iter().filter(|(at, _)| when(*at));
    due.map(|(_, tasks)| tasks).sum()
}

impl TaskDefinition {
    /// Whether its tasks are numbers only.
    pub(super) fn is_without_processes(&self) -> bool {
        let images = self.containers.iter().map(|container| &container.image);
        let mut names = images.map(|image| process::repository(image));
        names.all(|name| name == NO_PROCESS)
    }
}

impl State {
    /// How long the tasks of a service take.
    pub(super) fn lag(&self, cluster: &str, service: &str) -> Lag {
        let own = self.lags.get(&(cluster.to_owned(), service.to_owned()));
        own.copied().unwrap_or(self.lag)
    }
}

impl super::Ecs {
    /// Sets how long tasks without processes take from now on: those of one service (names), whether
    /// it is there or not, or of all that have no lag of their own. Those on their way take no longer
    /// either.
    pub fn set_lag(&self, service: Option<(String, String)>, lag: Lag) {
        let mut state = self.state();
        let now = self.shared.clock.now();
        match service {
            Some(service) => drop(state.lags.insert(service, lag)),
            None => state.lag = lag,
        }
        let mut services = std::mem::take(&mut state.services);
        for service in services.iter_mut().filter(|service| !service.quiet) {
            let lag = state.lag(&service.cluster, &service.name);
            for simulated in service
                .task_sets
                .iter_mut()
                .flat_map(|set| &mut set.simulated)
            {
                simulated.hurry(now, lag);
            }
        }
        state.services = services;
        self.shared.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Lag = Lag {
        start: Duration::from_secs(30),
        stop: Duration::from_secs(10),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn counts(simulated: &SimulatedTasks, seconds: i64) -> (u32, u32, u32) {
        let counts = simulated.counts(at(seconds));
        (counts.pending, counts.running, counts.leaving)
    }

    #[test]
    fn without_a_lag_everything_is_at_once() {
        let mut simulated = SimulatedTasks::default();
        simulated.set(at(0), 3, Lag::default());
        assert_eq!(counts(&simulated, 0), (0, 3, 0));
        simulated.set(at(0), 0, Lag::default());
        assert_eq!(counts(&simulated, 0), (0, 0, 0));
        assert_eq!(simulated.next(at(0)), None);
    }

    #[test]
    fn counts_lag_behind_what_is_wanted_in_both_directions() {
        let mut simulated = SimulatedTasks::default();
        simulated.set(at(0), 4, LAG);
        assert_eq!(counts(&simulated, 29), (4, 0, 0));
        assert_eq!(counts(&simulated, 30), (0, 4, 0));
        assert_eq!(simulated.next(at(0)), Some(at(30)));
        simulated.set(at(100), 1, LAG);
        assert_eq!(counts(&simulated, 100), (0, 4, 3));
        assert_eq!(counts(&simulated, 109), (0, 4, 3));
        assert_eq!(counts(&simulated, 110), (0, 1, 0));
        assert_eq!(simulated.alive(), 1);
    }

    #[test]
    fn a_shorter_lag_is_for_those_on_their_way_too() {
        let mut simulated = SimulatedTasks::default();
        let long = Lag {
            start: Duration::from_hours(24),
            stop: Duration::ZERO,
        };
        simulated.set(at(0), 2, long);
        simulated.hurry(at(10), LAG);
        assert_eq!(simulated.next(at(10)), Some(at(40)));
        simulated.hurry(at(11), long);
        assert_eq!(simulated.next(at(11)), Some(at(40)), "nobody is held up");
        simulated.hurry(at(12), Lag::default());
        assert_eq!(counts(&simulated, 12), (0, 2, 0));
    }

    #[test]
    fn who_does_not_run_yet_goes_first() {
        let mut simulated = SimulatedTasks::default();
        simulated.set(at(0), 2, LAG);
        simulated.set(at(40), 5, LAG);
        assert_eq!(counts(&simulated, 50), (3, 2, 0));
        simulated.set(at(50), 1, LAG);
        assert_eq!(counts(&simulated, 50), (0, 2, 1));
        assert_eq!(counts(&simulated, 60), (0, 1, 0));
    }
}
