//! The steps of one service, call by call. Before each call the run makes sure that the service is still
//! its own: a run that was frozen for minutes must not go on as if nothing had happened.

use common::state::Item;
use jiff::{SignedDuration, Timestamp};

use super::calls::{self, CallError, Refusal};
use super::{End, LEASE, Outcome, Site, outcome};
use crate::condition::Condition;
use crate::decide::{Step, exaggerates, standing};
use crate::facts::{Kind, Level, Scaling, Service};
use crate::memory::{Conflict, Holder, Memory, Phase, Refused, Saved};
use crate::mirror::{Mirror, TAG};
use crate::plan::Row;
use crate::records::{RecordError, Written};

/// No call is begun with less of the lease left: each is over by then, its time limits see to that.
const MARGIN: SignedDuration = SignedDuration::from_secs(20);
/// What was seen longer ago is not acted upon.
const FRESH: SignedDuration = SignedDuration::from_secs(30);
/// Tries of telling that a call may have come late: another run may be writing just then.
const TELLING: usize = 5;

/// A service as it is this second, and its record.
pub(super) struct Seen {
    pub(super) row: Row,
    pub(super) item: Option<Item<Memory>>,
    /// When reading it began.
    pub(super) at: Timestamp,
}

/// Does the step that was decided just now.
pub(super) async fn act(site: &Site<'_>, seen: Seen) -> (Outcome, Vec<String>) {
    let Seen { row, item, at } = seen;
    let before = standing(
        &row.service,
        item.as_ref().map(|item| &item.value),
        (site.clock)(),
    );
    let mut work = Work {
        site,
        row: &row,
        before,
        item,
        seen_at: at,
        bounded: false,
        warnings: Vec::new(),
    };
    let done = match row.step.clone() {
        Step::Sleep { was } | Step::FinishSleep { was } => work.sleep(was).await,
        Step::Wake { was } | Step::FinishWake { was } | Step::GiveBack { was } => {
            work.wake(was).await
        }
        Step::Conflict { found, give_back } => work.conflict(found, give_back).await,
        Step::Leave { found } => work.leave(found).await,
        Step::Busy { .. } => Err(End::Busy),
        Step::Nothing | Step::Skip | Step::Defer { .. } => Err(End::Nothing),
    };
    let end = match done {
        Ok(()) => End::Done,
        Err(end) => end,
    };
    if end == End::Continue {
        work.let_go().await;
    }
    (outcome(&row, end), work.warnings)
}

struct Work<'a> {
    site: &'a Site<'a>,
    row: &'a Row,
    /// The record that counts: what was read, or what the tag says.
    before: Option<Memory>,
    /// The record as it lies in the table.
    item: Option<Item<Memory>>,
    seen_at: Timestamp,
    /// Whether this step has set the bounds of a sleep.
    bounded: bool,
    warnings: Vec<String>,
}

impl<'a> Work<'a> {
    async fn sleep(&mut self, was: Level) -> Result<(), End> {
        let (site, service, now) = (self.site, self.service(), self.now());
        // What was saved stays exactly as it was saved.
        let kept = self.before.as_ref().filter(|before| before.set.is_some());
        let saved = match kept.and_then(|before| before.was.clone()) {
            Some(saved) if saved.level == was => saved,
            _ => Saved::of(service, was, now),
        };
        let set = service.asleep(was);
        let mirror = Mirror {
            level: was,
            at: saved.at,
        };
        let mut memory = self.memory(Phase::GoingDown);
        memory.was = Some(saved);
        memory.set = Some(set);
        self.claim(memory).await?;

        let value = mirror.value();
        if service.tags.get(TAG) != Some(&value) {
            let tagged = self.change(calls::set_tag(site, service, &value)).await?;
            self.warn(tagged);
        }
        match self.stop(set).await? {
            Ok(()) => self.finish(Phase::Down, |_| {}).await,
            Err(error) if error.refusal.is_about_the_thing() => self.refused(was, error).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Bounds, then count.
    async fn stop(&mut self, set: Level) -> Result<Result<(), CallError>, End> {
        let (site, service) = (self.site, self.service());
        if let Some(scaling) = set.scaling.filter(|_| service.scaling != set.scaling) {
            let bounded = self
                .change(calls::set_scaling(site, service, scaling))
                .await?;
            if bounded.is_err() {
                return Ok(bounded);
            }
            self.bounded = true;
        }
        if service.desired != set.desired {
            return self
                .change(calls::set_count(site, service, set.desired))
                .await;
        }
        Ok(Ok(()))
    }

    /// Takes everything back: what AWS does not stop neither sleeps nor says so. Where that fails, too, the
    /// next run goes on from the record.
    async fn refused(&mut self, was: Level, error: CallError) -> Result<(), End> {
        let (site, service) = (self.site, self.service());
        let moved = self.bounded || service.scaling != was.scaling;
        if let Some(scaling) = was.scaling.filter(|_| moved) {
            self.change(calls::set_scaling(site, service, scaling))
                .await??;
        }
        self.change(calls::remove_tag(site, service)).await??;
        let earlier = self
            .before
            .as_ref()
            .and_then(|before| before.refused.clone());
        let tries = match earlier {
            Some(earlier) if earlier.refusal == error.refusal => earlier.tries.saturating_add(1),
            _ => 1,
        };
        let refused = Refused {
            what: error.what.clone(),
            detail: error.detail.clone(),
            refusal: error.refusal,
            tries,
        };
        let again = !refused.is_final();
        self.finish(Phase::Left, |memory| {
            memory.set = None;
            memory.refused = Some(refused);
        })
        .await?;
        Err(End::Refused {
            what: error.what,
            detail: error.detail,
            again,
        })
    }

    async fn wake(&mut self, was: Level) -> Result<(), End> {
        let (site, service) = (self.site, self.service());
        let before = self.before.clone();
        let lies = self.item.as_ref().map(|item| &item.value);
        let exaggerated = exaggerates(service, lies, self.now());
        let mut memory = self.memory(Phase::GoingUp);
        memory.was = before.as_ref().and_then(|before| before.was.clone());
        memory.set = before.as_ref().and_then(|before| before.set);
        memory.slept_since = before.as_ref().and_then(|before| match before.phase {
            Phase::Down => Some(before.since),
            Phase::GoingUp => before.slept_since,
            _ => None,
        });
        memory.ran_on = if self.row.condition.as_ref().is_some_and(Condition::costs) {
            Some(memory.since)
        } else {
            before.as_ref().and_then(|before| before.ran_on)
        };
        memory.conflict = before.and_then(|before| before.conflict);
        // Bounds that somebody else has changed stay, and are told.
        memory.giving = self.row.gives;
        let changed = memory.was.as_ref().is_some_and(|saved| saved.level != was)
            && memory.giving != Some(was);
        let conflict = changed.then(|| Conflict {
            expected: memory.set,
            found: service.level(),
            at: memory.since,
        });
        self.claim(memory).await?;

        // The count comes first, while the bounds of the sleep leave it alone: Application Auto Scaling pulls
        // what lies outside of new bounds into them when it gets to it, and so it must not find a zero.
        let mut desired = service.desired;
        let (mut scaling, has_room) =
            (service.scaling, |bounds: Scaling| was.desired <= bounds.max);
        if service.kind == Kind::AutoScalingGroup
            && let Some(bounds) = was.scaling
            && !scaling.is_none_or(has_room)
        {
            // The maximum was lowered for the warm pool, and a count above it is refused.
            self.change(calls::set_all(site, service, (bounds, was.desired)))
                .await??;
            (scaling, desired) = (was.scaling, was.desired);
        }
        if desired != was.desired {
            self.change(calls::set_count(site, service, was.desired))
                .await??;
            desired = was.desired;
        }
        if let Some(scaling) = was.scaling.filter(|_| scaling != was.scaling) {
            self.change(calls::set_scaling(site, service, scaling))
                .await??;
            desired = scaling.clamp(desired);
        }
        // It had a count that its own bounds do not allow, and they have moved it.
        if desired != was.desired {
            self.change(calls::set_count(site, service, was.desired))
                .await??;
        }
        self.untag().await?;
        let notes = self.row.notes.iter();
        let notes = notes.map(|note| format!("{}: {note}", service.place()));
        self.warnings.extend(notes);
        if let Some((tag, believed)) = exaggerated {
            self.warnings.push(format!(
                "{}: its tag {TAG} says {tag}, and nothing vouches for so many: it has {believed} now",
                service.place()
            ));
        }
        if let Some(Conflict {
            expected: Some(set),
            found,
            ..
        }) = &conflict
        {
            self.warnings.push(format!(
                "{}: somebody changed its bounds while it slept (set to {set}, found at {found}); it has {was} now",
                service.place()
            ));
        }
        // What it had stays on record: a call of an overtaken run may still come through, and is put right by it.
        self.finish(Phase::Up, |memory| {
            memory.set = None;
            memory.conflict = conflict;
        })
        .await
    }

    async fn conflict(&mut self, found: Level, give_back: Option<Scaling>) -> Result<(), End> {
        let (site, service) = (self.site, self.service());
        let before = self.before.clone();
        let mut memory = self.memory(Phase::Conflict);
        memory.was = before.as_ref().and_then(|before| before.was.clone());
        memory.set = before.as_ref().and_then(|before| before.set);
        memory.conflict = Some(Conflict {
            expected: memory.set,
            found,
            at: self.now(),
        });
        // A conflict that was recorded stays as it was found first.
        if let Some(old) = before.and_then(|before| before.conflict) {
            memory.conflict = Some(old);
        }
        self.claim(memory).await?;
        let mut level = found;
        if let Some(scaling) = give_back {
            self.change(calls::set_scaling(site, service, scaling))
                .await??;
            level.scaling = Some(scaling);
        }
        let claimed = self.item.as_ref().map(|item| item.value.clone());
        let nothing_ours = claimed.is_some_and(|memory| memory.original(level) == level);
        if nothing_ours {
            self.untag().await?;
        }
        self.finish(Phase::Conflict, |memory| {
            if nothing_ours {
                memory.set = None;
            }
        })
        .await
    }

    async fn leave(&mut self, found: Level) -> Result<(), End> {
        let mut memory = self.memory(Phase::Left);
        memory.holder = None;
        if let Some(before) = self.before.clone().filter(|before| before.set.is_some()) {
            if before.set != Some(found) {
                memory.conflict = Some(Conflict {
                    expected: before.set,
                    found,
                    at: memory.since,
                });
            }
            memory.was = before.was;
            memory.set = before.set;
        }
        self.write(memory).await
    }

    /// A new record of this phase, held by this run.
    fn memory(&self, phase: Phase) -> Memory {
        let now = self.now();
        Memory {
            phase,
            why: self.row.why.clone(),
            rule: self.rule(),
            holder: Some(self.holder(now)),
            ..Memory::new(&self.row.service, now)
        }
    }

    fn rule(&self) -> String {
        let rule = self.row.want_rule.as_deref();
        rule.unwrap_or_default().to_owned()
    }

    fn holder(&self, now: Timestamp) -> Holder {
        Holder {
            run: self.site.run.to_owned(),
            until: now.checked_add(LEASE).unwrap_or(now),
        }
    }

    /// Writes down what is about to be done, unless that was decided too long ago.
    async fn claim(&mut self, memory: Memory) -> Result<(), End> {
        if self.now().duration_since(self.seen_at) > FRESH {
            return Err(End::Busy);
        }
        self.write(memory).await?;
        // Writing may have taken its time, too. Then nothing is done but this record, and the next run
        // goes on from it with its own eyes.
        if self.left() <= MARGIN {
            return Err(End::Busy);
        }
        Ok(())
    }

    /// How long the service is still this run's.
    fn left(&self) -> SignedDuration {
        let memory = &self.item.as_ref().expect("it was claimed").value;
        let until = memory.holder.as_ref().map(|holder| holder.until);
        until.map_or(SignedDuration::ZERO, |until| {
            until.duration_since(self.now())
        })
    }

    /// The end of the step: nobody holds the service any more.
    async fn finish(&mut self, phase: Phase, change: impl FnOnce(&mut Memory)) -> Result<(), End> {
        let mut memory = self.item.as_ref().expect("it was claimed").value.clone();
        memory.phase = phase;
        memory.since = self.now();
        memory.holder = None;
        change(&mut memory);
        self.write(memory).await
    }

    async fn write(&mut self, memory: Memory) -> Result<(), End> {
        let service: &Service = &self.row.service;
        let written = self.site.records.write(service, self.item.as_ref(), memory);
        match written.await {
            Ok(Written::Yes(item)) => {
                self.item = Some(item);
                Ok(())
            }
            Ok(Written::Lost) => Err(End::Busy),
            Err(RecordError::State(error)) => Err(calls::state(&error)),
            Err(error @ RecordError::Guarded { .. }) => Err(End::Failed {
                what: "the state table".to_owned(),
                detail: error.to_string(),
                remedy: "nothing was done with this service".to_owned(),
            }),
        }
    }

    /// Makes a call while the service is this run's. If it isn't any more when the call is over, whoever
    /// has it now may have been overwritten, and must be told.
    async fn change(
        &mut self,
        call: impl Future<Output = Result<(), CallError>>,
    ) -> Result<Result<(), CallError>, End> {
        self.holds().await?;
        let done = call.await;
        if self.left() <= SignedDuration::ZERO {
            self.tell_that_it_came_late().await?;
            return Err(End::Busy);
        }
        Ok(done)
    }

    /// Makes sure that the service is this run's for long enough.
    async fn holds(&mut self) -> Result<(), End> {
        let left = self.left();
        if left > MARGIN {
            return Ok(());
        }
        if left <= SignedDuration::ZERO {
            // What was seen is too old to go on from, even if nobody else has come.
            return Err(End::Busy);
        }
        let mut memory = self.item.as_ref().expect("it was claimed").value.clone();
        memory.holder = Some(self.holder(self.now()));
        self.write(memory).await
    }

    /// Holds the service no longer, so that whoever continues need not wait for the lease to end. No call is
    /// under way: the time was over before AWS would take it.
    async fn let_go(&mut self) {
        let Some(mut memory) = self.item.as_ref().map(|item| item.value.clone()) else {
            return;
        };
        let ours = |holder: &Holder| holder.run == self.site.run;
        if memory.holder.as_ref().is_some_and(ours) {
            memory.holder = None;
            // Where that fails, the lease ends by itself.
            let _ = self.write(memory).await;
        }
    }

    /// Puts the record back on its way, so that the next run makes all of its calls again.
    async fn tell_that_it_came_late(&mut self) -> Result<(), End> {
        for _ in 0..TELLING {
            let read = self.site.records.memory(&self.row.service.arn).await;
            let Some(item) = read.map_err(|error| calls::state(&error))? else {
                return Ok(());
            };
            let mut memory = item.value.clone();
            let Some(was) = memory.was.clone() else {
                return Ok(());
            };
            let asleep = self.row.service.asleep(was.level);
            (memory.phase, memory.set) = match memory.phase {
                Phase::Up | Phase::GoingUp => (Phase::GoingUp, Some(asleep)),
                Phase::Down | Phase::GoingDown => (Phase::GoingDown, Some(asleep)),
                other => (other, memory.set),
            };
            memory.holder = None;
            "a call of an earlier run came late".clone_into(&mut memory.why);
            self.item = Some(item);
            match self.write(memory).await {
                Err(End::Busy) => {}
                written => return written,
            }
        }
        Err(End::Busy)
    }

    async fn untag(&mut self) -> Result<(), End> {
        let (site, service) = (self.site, self.service());
        if service.tags.contains_key(TAG) {
            let removed = self.change(calls::remove_tag(site, service)).await?;
            // Nobody would take it away later: a run that goes on does.
            if removed
                .as_ref()
                .is_err_and(|error| error.refusal == Refusal::Late)
            {
                return Err(End::Continue);
            }
            self.warn(removed);
        }
        Ok(())
    }

    /// The tag is for people; its failure is told, and stops nothing.
    fn warn(&mut self, done: Result<(), CallError>) {
        if let Err(error) = done {
            let CallError {
                what,
                detail,
                remedy,
                ..
            } = error;
            self.warnings.push(format!(
                "{what} failed, and everything else went on: {detail}; {remedy}"
            ));
        }
    }

    fn service(&self) -> &'a Service {
        &self.row.service
    }

    fn now(&self) -> Timestamp {
        (self.site.clock)()
    }
}
