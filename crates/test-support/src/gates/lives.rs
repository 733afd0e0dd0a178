//! Invocations that die at a call of AWS, as a process does that is killed: nothing that they do afterwards reaches AWS.
//!
//! Each life signs its calls with an access key of its own, by which the server knows it again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::aws::Aws;
use gate::Stage;
use hook::GateFunction;
use serde_json::Value;
use tokio::sync::Notify;

use super::aws::FakeAws;
use super::{Seen, invoke_as, settings};

/// Where an invocation dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KillPoint {
    /// At which of its calls, from 0.
    pub call: usize,
    /// The call takes effect first.
    pub after: bool,
}

/// All lives, by their access keys.
#[derive(Default)]
pub(super) struct Lives(Mutex<BTreeMap<String, Life>>);

#[derive(Default)]
struct Life {
    calls: usize,
    death: Option<KillPoint>,
    is_dead: bool,
    dies: Arc<Notify>,
}

/// What a call meets.
pub(super) enum Fate {
    Served,
    /// Its caller dies once it has taken effect.
    ServedLast(Arc<Notify>),
    /// Its caller is dead, or dies now.
    Lost,
}

impl Lives {
    /// The fate of the next call that is signed with this key.
    pub(super) fn fate(&self, authorization: &str) -> Fate {
        let mut lives = self.0.lock().unwrap();
        let mut found = lives
            .iter_mut()
            .filter(|(key, _)| authorization.contains(&format!("Credential={key}/")));
        let Some((_, life)) = found.next() else {
            return Fate::Served;
        };
        if life.is_dead {
            return Fate::Lost;
        }
        let here = life.death.filter(|death| death.call == life.calls);
        life.calls += 1;
        match here {
            None => Fate::Served,
            Some(death) => {
                life.is_dead = true;
                if death.after {
                    return Fate::ServedLast(life.dies.clone());
                }
                life.dies.notify_one();
                Fate::Lost
            }
        }
    }

    fn begin(&self, death: KillPoint) -> (String, Arc<Notify>) {
        let mut lives = self.0.lock().unwrap();
        let key = format!("life-{}", lives.len());
        let life = Life {
            death: Some(death),
            ..Life::default()
        };
        let dies = life.dies.clone();
        lives.insert(key.clone(), life);
        (key, dies)
    }
}

/// The gate that is invoked.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    pub stage: Stage,
    pub aws: &'a FakeAws,
    /// Beside the usual settings.
    pub settings: &'a [(&'static str, &'static str)],
    /// Until the time-out of each invocation.
    pub left: Duration,
}

impl Gate<'_> {
    fn function(self, clients: Aws) -> Arc<GateFunction> {
        let name = match self.stage {
            Stage::PreTraffic => "CodeDeployHook_pre-traffic",
            Stage::PostTraffic => "CodeDeployHook_post-traffic",
        };
        let mut changes = vec![("AWS_LAMBDA_FUNCTION_NAME", name)];
        changes.extend(self.settings);
        Arc::new(GateFunction {
            stage: self.stage,
            settings: settings(&changes),
            aws: clients,
        })
    }

    /// Invokes it, to its end.
    pub async fn invoke(self, request_id: &str, payload: Value) -> Seen {
        let function = self.function(super::clients(self.aws));
        invoke_as(request_id, &function, self.left, payload).await
    }

    /// Invokes it until it ends or dies; none if it died.
    pub async fn live(self, request_id: &str, payload: Value, death: KillPoint) -> Option<Seen> {
        let (key, dies) = self.aws.lives().begin(death);
        let clients =
            crate::sdk::loopback_as(&self.aws.url(), "us-east-1", common::aws::MAX_TRIES, &key);
        let function = self.function(clients);
        tokio::select! {
            biased;
            seen = invoke_as(request_id, &function, self.left, payload) => Some(seen),
            () = dies.notified() => None,
        }
    }
}
