//! The step of one resource, call by call. Before each call the run makes sure that it still holds the resource: a run that
//! was frozen for minutes must not continue as if nothing had happened.

use common::state::Item;
use jiff::{SignedDuration, Timestamp};

use super::{ApplyContext, End, Outcome, Warning, outcome};
use crate::backup_tag::{ASLEEP_TAG, BackupTag};
use crate::condition::Condition;
use crate::decide::{Step, effective_record, overstated_tag};
use crate::kinds::Change;
use crate::plan::PlanRow;
use crate::record_store::{RecordError, Written};
use crate::resource::{Capacity, Resource, Scaling};
use crate::sleep_record::{Conflict, Holder, LEASE, Phase, RefusedStop, SavedState, SleepRecord};
use crate::write::{CallError, Refusal};

/// No call is begun with less of the lease left: the time limit of each call ends before that.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(20);
/// What was read longer ago is not acted upon.
const MAX_READ_AGE: SignedDuration = SignedDuration::from_secs(30);
/// Tries of recording that a call may have come late: another run may be writing just then.
const LATE_CALL_WRITES: usize = 5;

/// A service as it is this second, and its record.
pub(super) struct CurrentRow {
    pub(super) row: PlanRow,
    pub(super) item: Option<Item<SleepRecord>>,
    /// When reading it began.
    pub(super) at: Timestamp,
}

/// Does the step that was decided just now.
pub(super) async fn act(context: &ApplyContext<'_>, seen: CurrentRow) -> (Outcome, Vec<Warning>) {
    let CurrentRow { row, item, at } = seen;
    let before = effective_record(
        &row.resource,
        item.as_ref().map(|item| &item.value),
        (context.clock)(),
    );
    let mut work = StepRun {
        context,
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
        work.release().await;
    }
    (outcome(&row, end), work.warnings)
}

struct StepRun<'a> {
    context: &'a ApplyContext<'a>,
    row: &'a PlanRow,
    /// The record that counts: what was read, or what the tag says.
    before: Option<SleepRecord>,
    /// The record as it lies in the table.
    item: Option<Item<SleepRecord>>,
    seen_at: Timestamp,
    /// Whether this step has set the bounds of a sleep.
    bounded: bool,
    warnings: Vec<Warning>,
}

impl<'a> StepRun<'a> {
    async fn sleep(&mut self, was: Capacity) -> Result<(), End> {
        let (context, resource, now) = (self.context, self.resource(), self.now());
        // What was saved stays exactly as it was saved.
        let kept = self.before.as_ref().filter(|before| before.set.is_some());
        let saved = match kept.and_then(|before| before.was.clone()) {
            Some(saved) if saved.level == was => saved,
            _ => SavedState::of(resource, was, now),
        };
        let set = resource.asleep(was);
        let backup = BackupTag {
            level: was,
            at: saved.at,
        };
        let mut record = self.record(Phase::GoingDown);
        record.was = Some(saved);
        record.set = Some(set);
        self.claim(record).await?;

        let value = backup.value();
        if resource.tags.get(ASLEEP_TAG) != Some(&value) {
            let tagged = self.call(context.tag(resource, Some(&value))).await?;
            self.warn(tagged);
        }
        match self.stop(set).await? {
            Ok(()) => self.finish(Phase::Down, |_| {}).await,
            Err(error) if error.refusal.is_about_the_resource() => self.refused(was, error).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the changes that put it to sleep, until AWS refuses one.
    async fn stop(&mut self, set: Capacity) -> Result<Result<(), CallError>, End> {
        let resource = self.resource();
        for change in resource.kind.implementation().sleep(resource.level(), set) {
            if let Err(error) = self.change(change).await? {
                return Ok(Err(error));
            }
            self.bounded |= matches!(change, Change::Bounds(_));
        }
        Ok(Ok(()))
    }

    /// Undoes everything: what AWS does not stop must not look asleep. If that fails, too, the next run continues from the
    /// record.
    async fn refused(&mut self, was: Capacity, error: CallError) -> Result<(), End> {
        let (context, resource) = (self.context, self.resource());
        let moved = self.bounded || resource.scaling != was.scaling;
        if let Some(scaling) = was.scaling.filter(|_| moved) {
            self.change(Change::Bounds(scaling)).await??;
        }
        self.call(context.tag(resource, None)).await??;
        let earlier = self
            .before
            .as_ref()
            .and_then(|before| before.refused.clone());
        // What was refused for good is only asked again after an edge, and that is a new evening.
        let tries = match earlier {
            Some(earlier) if earlier.refusal == error.refusal && !earlier.is_final() => {
                earlier.tries.saturating_add(1)
            }
            _ => 1,
        };
        let refused = RefusedStop {
            what: error.what.clone(),
            detail: error.detail.clone(),
            refusal: error.refusal,
            tries,
        };
        let again = !refused.is_final();
        self.finish(Phase::Left, |record| {
            record.set = None;
            record.refused = Some(refused);
        })
        .await?;
        Err(End::Refused {
            what: error.what,
            detail: error.detail,
            again,
        })
    }

    async fn wake(&mut self, was: Capacity) -> Result<(), End> {
        let resource = self.resource();
        let before = self.before.clone();
        let lies = self.item.as_ref().map(|item| &item.value);
        let exaggerated = overstated_tag(resource, lies, self.now());
        let mut record = self.record(Phase::GoingUp);
        record.was = before.as_ref().and_then(|before| before.was.clone());
        record.set = before.as_ref().and_then(|before| before.set);
        record.slept_since = before.as_ref().and_then(|before| match before.phase {
            Phase::Down => Some(before.since),
            Phase::GoingUp => before.slept_since,
            // Somebody started it and stopped it again: when it was stopped is not known, and that saves nothing.
            Phase::Left if before.stands_as_set(resource.level()) => Some(record.since),
            _ => None,
        });
        record.ran_on = if self.row.condition.as_ref().is_some_and(Condition::costs) {
            Some(record.since)
        } else {
            before.as_ref().and_then(|before| before.ran_on)
        };
        record.conflict = before.and_then(|before| before.conflict);
        // Bounds that somebody else has changed stay, and are reported.
        record.giving = self.row.gives;
        let changed = record.was.as_ref().is_some_and(|saved| saved.level != was)
            && record.giving != Some(was);
        let conflict = changed.then(|| Conflict {
            expected: record.set,
            found: resource.level(),
            at: record.since,
        });
        self.claim(record).await?;

        for change in resource.kind.implementation().wake(resource.level(), was) {
            self.change(change).await??;
        }
        self.untag().await?;
        let place = resource.place();
        for note in self.row.notes.iter().cloned() {
            let place = place.clone();
            self.warnings.push(Warning::Woken { place, note });
        }
        if let Some((tag, believed)) = exaggerated {
            self.warnings.push(Warning::OverstatedTag {
                place: place.clone(),
                tag,
                believed,
            });
        }
        if let Some(Conflict {
            expected: Some(set),
            found,
            ..
        }) = &conflict
        {
            self.warnings.push(Warning::BoundsChanged {
                place,
                set: *set,
                found: *found,
                now: was,
            });
        }
        // What it had stays on record: a call of an overtaken run may still come through, and is put right by it.
        self.finish(Phase::Up, |record| {
            record.set = None;
            record.conflict = conflict;
        })
        .await
    }

    async fn conflict(&mut self, found: Capacity, give_back: Option<Scaling>) -> Result<(), End> {
        let before = self.before.clone();
        let mut record = self.record(Phase::Conflict);
        record.was = before.as_ref().and_then(|before| before.was.clone());
        record.set = before.as_ref().and_then(|before| before.set);
        // What it is given may be what it would have by now, and not what it had.
        record.giving = self.row.gives;
        if give_back.is_some() && record.original(found).scaling != give_back {
            record.giving = None;
        }
        record.conflict = Some(Conflict {
            expected: record.set,
            found,
            at: self.now(),
        });
        // A conflict that was recorded stays as it was found first.
        if let Some(old) = before.and_then(|before| before.conflict) {
            record.conflict = Some(old);
        }
        self.claim(record).await?;
        let mut level = found;
        if let Some(scaling) = give_back {
            self.change(Change::Bounds(scaling)).await??;
            level.scaling = Some(scaling);
        }
        let claimed = self.item.as_ref().map(|item| item.value.clone());
        let nothing_ours = claimed.is_some_and(|record| record.original(level) == level);
        if nothing_ours {
            self.untag().await?;
        }
        self.finish(Phase::Conflict, |record| {
            if nothing_ours {
                record.set = None;
            }
        })
        .await
    }

    async fn leave(&mut self, found: Capacity) -> Result<(), End> {
        let mut record = self.record(Phase::Left);
        record.holder = None;
        if let Some(before) = self.before.clone().filter(|before| before.set.is_some()) {
            if before.set != Some(found) {
                record.conflict = Some(Conflict {
                    expected: before.set,
                    found,
                    at: record.since,
                });
            }
            record.was = before.was;
            record.set = before.set;
        }
        self.write(record).await
    }

    /// A new record of this phase, held by this run.
    fn record(&self, phase: Phase) -> SleepRecord {
        let now = self.now();
        SleepRecord {
            phase,
            why: self.row.why.clone(),
            rule: self.rule(),
            holder: Some(self.holder(now)),
            ..SleepRecord::new(&self.row.resource, now)
        }
    }

    fn rule(&self) -> String {
        let rule = self.row.want_rule.as_deref();
        rule.unwrap_or_default().to_owned()
    }

    fn holder(&self, now: Timestamp) -> Holder {
        Holder {
            run: self.context.run.to_owned(),
            until: now.checked_add(LEASE).unwrap_or(now),
        }
    }

    /// Writes down what is about to be done, unless that was decided too long ago.
    async fn claim(&mut self, record: SleepRecord) -> Result<(), End> {
        if self.now().duration_since(self.seen_at) > MAX_READ_AGE {
            return Err(End::Busy);
        }
        self.write(record).await?;
        // Writing may have taken its time, too. Then nothing is done but this record, and the next run
        // goes on from it with its own eyes.
        if self.left() <= LEASE_MARGIN {
            return Err(End::Busy);
        }
        Ok(())
    }

    /// How long the service is still this run's.
    fn left(&self) -> SignedDuration {
        let record = &self.item.as_ref().expect("it was claimed").value;
        let until = record.holder.as_ref().map(|holder| holder.until);
        until.map_or(SignedDuration::ZERO, |until| {
            until.duration_since(self.now())
        })
    }

    /// The end of the step: nobody holds the service any more.
    async fn finish(
        &mut self,
        phase: Phase,
        change: impl FnOnce(&mut SleepRecord),
    ) -> Result<(), End> {
        let mut record = self.item.as_ref().expect("it was claimed").value.clone();
        record.phase = phase;
        record.since = self.now();
        record.holder = None;
        change(&mut record);
        self.write(record).await
    }

    async fn write(&mut self, record: SleepRecord) -> Result<(), End> {
        let resource: &Resource = &self.row.resource;
        let written = self
            .context
            .store
            .write(resource, self.item.as_ref(), record);
        match written.await {
            Ok(Written::Yes(item)) => {
                self.item = Some(item);
                Ok(())
            }
            Ok(Written::Lost) => Err(End::Busy),
            Err(RecordError::State(error)) => Err(End::from(&error)),
            Err(error @ RecordError::Guarded { .. }) => Err(End::Failed {
                call: "sleep record".to_owned(),
                what: "the state table".to_owned(),
                detail: error.to_string(),
                remedy: "nothing was done with this service".to_owned(),
            }),
        }
    }

    async fn change(&mut self, change: Change) -> Result<Result<(), CallError>, End> {
        let writer = self.context.writer(self.resource());
        let kind = writer.resource.kind.implementation();
        self.call(kind.change(writer, change)).await
    }

    /// Makes a call while the service is this run's. If it isn't any more when the call is over, whoever
    /// has it now may have been overwritten, and must be reported.
    async fn call(
        &mut self,
        call: impl Future<Output = Result<(), CallError>>,
    ) -> Result<Result<(), CallError>, End> {
        self.holds().await?;
        let done = call.await;
        if self.left() <= SignedDuration::ZERO {
            self.record_late_call().await?;
            return Err(End::Busy);
        }
        Ok(done)
    }

    /// Makes sure that the service is this run's for long enough.
    async fn holds(&mut self) -> Result<(), End> {
        let left = self.left();
        if left > LEASE_MARGIN {
            return Ok(());
        }
        if left <= SignedDuration::ZERO {
            // What was seen is too old to go on from, even if nobody else has come.
            return Err(End::Busy);
        }
        let mut record = self.item.as_ref().expect("it was claimed").value.clone();
        record.holder = Some(self.holder(self.now()));
        self.write(record).await
    }

    /// Holds the service no longer, so that whoever continues need not wait for the lease to end. No call is
    /// under way: the time was over before AWS would take it.
    async fn release(&mut self) {
        let Some(mut record) = self.item.as_ref().map(|item| item.value.clone()) else {
            return;
        };
        let ours = |holder: &Holder| holder.run == self.context.run;
        if record.holder.as_ref().is_some_and(ours) {
            record.holder = None;
            // Where that fails, the lease ends by itself.
            let _ = self.write(record).await;
        }
    }

    /// Puts the record back on its way, so that the next run makes all of its calls again.
    async fn record_late_call(&mut self) -> Result<(), End> {
        for _ in 0..LATE_CALL_WRITES {
            let read = self.context.store.record(&self.row.resource.arn).await;
            let Some(item) = read.map_err(|error| End::from(&error))? else {
                return Ok(());
            };
            let mut record = item.value.clone();
            let Some(was) = record.was.clone() else {
                return Ok(());
            };
            let asleep = self.row.resource.asleep(was.level);
            (record.phase, record.set) = match record.phase {
                Phase::Up | Phase::GoingUp => (Phase::GoingUp, Some(asleep)),
                Phase::Down | Phase::GoingDown => (Phase::GoingDown, Some(asleep)),
                other => (other, record.set),
            };
            record.holder = None;
            "a call of an earlier run came late".clone_into(&mut record.why);
            self.item = Some(item);
            match self.write(record).await {
                Err(End::Busy) => {}
                written => return written,
            }
        }
        Err(End::Busy)
    }

    async fn untag(&mut self) -> Result<(), End> {
        let (context, resource) = (self.context, self.resource());
        if resource.tags.contains_key(ASLEEP_TAG) {
            let removed = self.call(context.tag(resource, None)).await?;
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

    /// The tag is for people; its failure is reported, and stops nothing.
    fn warn(&mut self, done: Result<(), CallError>) {
        if let Err(error) = done {
            let CallError {
                what,
                detail,
                remedy,
                ..
            } = error;
            self.warnings.push(Warning::Tag {
                what,
                detail,
                remedy,
            });
        }
    }

    fn resource(&self) -> &'a Resource {
        &self.row.resource
    }

    fn now(&self) -> Timestamp {
        (self.context.clock)()
    }
}
