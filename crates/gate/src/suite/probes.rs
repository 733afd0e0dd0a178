//! The probe of a check: exactly one of the keys in [`PROBES`].

use strict_yaml::{Node, Object, Position};

use super::context::Context;
use super::{
    alarms, browser, crawl, dns, ecs_task, grpc, http, journey, lambda, load, logs, metric,
    targets, tcp, tls, websocket, wiring,
};
use crate::probe::Probe;

type Decode = fn(&Node, &Context) -> Option<Probe>;

/// Every kind of probe: its key in a check, and what reads it.
pub(super) const PROBES: &[(&str, Decode)] = &[
    ("http", |node, context| {
        http::request(node, context).map(|request| Probe::Http(Box::new(request)))
    }),
    ("journey", |node, context| {
        journey::journey(node, context).map(Probe::Journey)
    }),
    ("alarms", |node, context| {
        alarms::alarms(node, context).map(Probe::Alarms)
    }),
    ("tcp", |node, context| {
        tcp::tcp(node, context).map(Probe::Tcp)
    }),
    ("dns", |node, context| {
        dns::dns(node, context).map(Probe::Dns)
    }),
    ("tls", |node, context| {
        tls::tls(node, context).map(Probe::Tls)
    }),
    ("websocket", |node, context| {
        websocket::websocket(node, context).map(Probe::WebSocket)
    }),
    ("grpc", |node, context| {
        grpc::grpc(node, context).map(Probe::Grpc)
    }),
    ("crawl", |node, context| {
        crawl::crawl(node, context).map(Probe::Crawl)
    }),
    ("browser", |node, context| {
        let browser = browser::browser(node, context)?;
        Some(Probe::Browser(Box::new(browser)))
    }),
    ("agent", |node, context| {
        let agent = browser::agent::agent(node, context)?;
        Some(Probe::Browser(Box::new(agent)))
    }),
    ("targets", |node, context| {
        targets::targets(node, context).map(Probe::Targets)
    }),
    ("lambda", |node, context| {
        lambda::lambda(node, context).map(Probe::Lambda)
    }),
    ("metric", |node, context| {
        let metric = metric::metric(node, context)?;
        Some(Probe::Metric(Box::new(metric)))
    }),
    ("load", |node, context| {
        let load = load::load(node, context)?;
        Some(Probe::Load(Box::new(load)))
    }),
    ("ecs_task", |node, context| {
        let task = ecs_task::ecs_task(node, context)?;
        Some(Probe::EcsTask(Box::new(task)))
    }),
    ("logs", |node, context| {
        logs::logs(node, context).map(Probe::Logs)
    }),
    ("wiring", |node, context| {
        wiring::wiring(node, context).map(Probe::Wiring)
    }),
];

/// A check's probe, where it stands, and its key.
pub(super) struct DecodedProbe {
    pub(super) key: &'static str,
    pub(super) at: Position,
    /// None if it has problems.
    pub(super) probe: Option<Probe>,
}

/// The one probe of a check.
pub(super) fn probe(check: &Object<'_>, context: &Context) -> Option<DecodedProbe> {
    let written = PROBES
        .iter()
        .filter_map(|(key, decode)| Some((*key, *decode, check.get(key)?)));
    let written: Vec<(&'static str, Decode, &Node)> = written.collect();
    match written.as_slice() {
        [] => {
            if !check.has_unknown_keys() {
                let others = PROBES.iter().filter(|(key, _)| *key != "http");
                let others: Vec<String> = others.map(|(key, _)| format!("`{key}`")).collect();
                let remedy = format!(
                    "add `http: GET /path`, or another probe: {}",
                    others.join(", ")
                );
                context
                    .problems
                    .add(check.at, "the check measures nothing", remedy);
            }
            None
        }
        [(key, decode, node)] => Some(DecodedProbe {
            key,
            at: node.at,
            probe: decode(node, context),
        }),
        [(first, ..), (second, _, node), ..] => {
            let message = format!("a check has one probe, not both `{first}` and `{second}`");
            context
                .problems
                .add(node.at, message, "make a check of each");
            // For the problems of each.
            for (_, decode, node) in written {
                decode(node, context);
            }
            None
        }
    }
}
