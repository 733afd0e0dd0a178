//! The services that environments meet: the state table, ECS with Application Auto Scaling, RDS and Auto
//! Scaling groups. Time is the runtime's, and stands still unless somebody waits.

use std::convert::Infallible;

use common::aws::Aws;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::Instant;

use super::ecs::Ecs;
use super::others::Others;
use super::{REGION, START};
use crate::dynamodb::Tables;
use crate::sdk;
use crate::world::{self, Answer, Call, Services, reply};

pub type World = world::World<State>;
/// Nobody acts between two calls but other runs.
pub type CallFault = world::CallFault<Infallible>;

pub struct State {
    pub tables: Tables,
    pub ecs: Ecs,
    pub others: Others,
    began: Instant,
}

/// The state table, which notices when what was saved of a service that sleeps is overwritten.
pub fn tables() -> Tables {
    Tables::checked(|old: &Value, new: &Value| {
        let guarded = old["phase"] == "going-down" || old["phase"] == "down";
        if guarded && old["born"] == new["born"] {
            assert_eq!(old["was"], new["was"], "what was saved was overwritten");
        }
    })
}

impl World {
    pub fn new() -> Self {
        Self::of(State {
            tables: tables(),
            ecs: Ecs::default(),
            others: Others::default(),
            began: Instant::now(),
        })
    }

    pub fn now(&self) -> Timestamp {
        after(self.began)
    }

    /// Clients of this world; the SDK does not try again by itself, so that a test sees each try.
    pub fn aws(&self) -> Aws {
        sdk::in_memory(self.clone(), REGION, "id", 1)
    }

    pub fn ecs<T>(&self, act: impl FnOnce(&mut Ecs) -> T) -> T {
        self.with(|state| act(&mut state.ecs))
    }
}

/// The time in a world that began at this instant.
fn after(began: Instant) -> Timestamp {
    let passed = SignedDuration::try_from(began.elapsed()).unwrap();
    Timestamp::from_second(START).unwrap() + passed
}

impl Services for State {
    type Act = Infallible;

    fn serve(&mut self, call: &Call) -> Answer {
        let now = after(self.began);
        if let Some(form) = &call.form {
            return self.others.serve(&call.operation, form);
        }
        reply(match call.service.as_str() {
            "dynamodb" => self.tables.serve(&call.operation, &call.json),
            "ecs" => self.ecs.serve(&call.operation, &call.json, now),
            "scaling" => Ok(self.ecs.scaling(&call.operation, &call.json, now)),
            other => panic!("nobody answers {other} {}", call.operation),
        })
    }

    fn act(&mut self, act: Infallible) {
        match act {}
    }
}
