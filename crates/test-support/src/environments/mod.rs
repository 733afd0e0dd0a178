//! Services that sleep and wake, in a small AWS.

pub mod ecs;
pub mod others;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use common::aws::Aws;
use common::state::Table;
use environments::apply::{ApplyContext, ApplyResult, apply};
use environments::config::{Config, Files};
use environments::decide::PlanContext;
use environments::gather::{GatheredFacts, gather};
use environments::plan::{Plan, plan};
use environments::rate_limiter::RateLimiters;
use environments::read::{Reader, TaskSizes};
use environments::record_store::RecordStore;
use environments::schedule_overrides::{OverrideRequest, RequestKind};
use jiff::Timestamp;
use tokio::time::Instant;

pub use ecs::Svc;
pub use world::{CallFault, World};

pub const TABLE: &str = "deploy-hooks-state";
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";
/// What is under way at the end of a run has so long.
pub const OVERTIME: Duration = Duration::from_secs(20);
/// 2026-11-23, a Monday, 20:00 in UTC.
pub const START: i64 = 1_795_464_000;

/// On from 09:00 to 22:00 on working days, in UTC.
pub const CONFIG: &str = "version: 1
accounts: ['111122223333']
zone: UTC
schedules:
  office: Mon-Fri 09:00-22:00
default_schedule: office
tiers:
  - { name: back, match: '*/db-*' }
deny: ['*/never-*']
";

pub fn config(text: &str) -> Config {
    Config::parse("environments.yaml", text, &Files::new())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// What a function instance keeps, and the world that it is in.
pub struct Fixture {
    pub world: World,
    pub aws: Arc<Aws>,
    pub config: Config,
    pub sizes: TaskSizes,
}

/// What a run found, planned and did.
pub struct Ran {
    pub gathered: GatheredFacts,
    pub plan: Plan,
    pub applied: ApplyResult,
    /// How long reading took.
    pub read_in: Duration,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(CONFIG)
    }

    pub fn with(text: &str) -> Self {
        let world = World::new();
        Self {
            aws: Arc::new(world.aws()),
            world,
            config: config(text),
            sizes: TaskSizes::default(),
        }
    }

    pub fn store(&self) -> RecordStore<'_> {
        RecordStore {
            table: Table {
                aws: &self.aws,
                name: TABLE,
            },
        }
    }

    pub async fn look(&self) -> (GatheredFacts, Plan) {
        let limiters = RateLimiters::new(&self.config.rate);
        self.look_at(&limiters, "a look").await
    }

    async fn look_at(&self, limiters: &RateLimiters, run: &str) -> (GatheredFacts, Plan) {
        let reader = Reader {
            aws: &self.aws,
            limiter: &limiters.reads,
            sizes: &self.sizes,
        };
        let gathered = gather(reader, self.store(), &self.config).await;
        let ctx = PlanContext {
            now: self.world.now(),
            run,
            defer_deadline: self.config.defer_deadline,
        };
        let plan = plan(gathered.facts(), &self.config, &ctx);
        (gathered, plan)
    }

    /// Somebody asks, for an hour.
    pub async fn ask(&self, id: &str, ask: RequestKind, services: &str) {
        let now = self.world.now();
        let request = OverrideRequest {
            id: id.to_owned(),
            ask,
            services: services.to_owned(),
            until: now + jiff::SignedDuration::from_hours(1),
            by: "lead".to_owned(),
            at: now,
            place: None,
        };
        self.store().request(&request).await.unwrap();
    }

    /// One run of the function, with ten minutes.
    pub async fn run(&self, run: &str) -> Ran {
        self.run_for(run, Duration::from_mins(10)).await
    }

    pub async fn run_for(&self, run: &str, time: Duration) -> Ran {
        let limiters = RateLimiters::new(&self.config.rate);
        let began = Instant::now();
        let (gathered, plan) = self.look_at(&limiters, run).await;
        let read_in = began.elapsed();
        let deadline = Instant::now() + time;
        let world = self.world.clone();
        let clock = move || world.now();
        let context = ApplyContext {
            aws: &self.aws,
            store: self.store(),
            config: &self.config,
            limiters: &limiters,
            sizes: &self.sizes,
            requests: &gathered.requests,
            clock: &clock,
            run,
            deadline,
            cut: deadline + OVERTIME,
        };
        let applied = apply(&context, &plan).await;
        Ran {
            gathered,
            plan,
            applied,
            read_in,
        }
    }

    /// Waits until this instant of the test's time.
    pub async fn until(&self, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        let wait = at.duration_since(self.world.now());
        tokio::time::sleep(wait.unsigned_abs()).await;
        assert_eq!(self.world.now(), at, "only forwards");
    }
}

pub fn block_on<F: Future>(work: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

/// Small and good enough to mix things up (Marsaglia's xorshift).
pub fn dice(mut seed: u64) -> impl FnMut(u64) -> u64 {
    seed |= 1;
    move |sides| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    }
}
