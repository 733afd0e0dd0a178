//! The front door: one address for all of AWS. It tells services apart, lets ordered faults strike,
//! answers for the own services, passes the rest on, and notes every call.
//!
//! It checks no signature: whoever can reach the loopback interface is let in.

mod control;
mod identify;
mod noting;
mod proxy;
mod rest_names;
mod scheduling;
mod shaping;
mod striking;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use self::noting::Noting;
use crate::calls::Calls;
use crate::codedeploy::CodeDeploy;
use crate::codepipeline::CodePipeline;
use crate::error::AwsError;
use crate::faults::{Faults, Strike};
use crate::schedules::Schedules;
use crate::sinks::{self, Sinks};
use crate::throttle::Throttles;
use crate::wire::answer::{json_answer, query_answer, query_answer_of};
use crate::wire::{Protocol, QueryParams};
use crate::{World, WorldOptions};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The largest body read whole: a call to an own service, or a form whose action is looked up.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How long tasks may take to end when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(4);
/// The XML namespace of CloudFormation.
const CFN_NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A running local AWS.
pub struct Server {
    address: SocketAddr,
    gateway: Gateway,
    accepting: tokio::task::JoinHandle<()>,
    keeping: tokio::task::JoinHandle<()>,
}

/// What answers requests. Clones share all state.
#[derive(Clone)]
struct Gateway {
    world: World,
    codedeploy: CodeDeploy,
    codepipeline: CodePipeline,
    sinks: Sinks,
    schedules: Schedules,
    calls: Calls,
    faults: Faults,
    throttles: Throttles,
}

impl Server {
    /// Listens on a loopback address and serves. Refuses any other: no credentials are checked.
    pub async fn start(listen: SocketAddr, options: WorldOptions) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "local-aws checks no credentials and listens on loopback addresses only, not on {listen}; use 127.0.0.1"
                ),
            ));
        }
        let socket = TcpListener::bind(listen).await?;
        let address = socket.local_addr()?;
        let world = World::new(options);
        let codedeploy = CodeDeploy::new(world.clone());
        let sinks = Sinks::new(&world);
        let codepipeline = CodePipeline::new(world.clone(), codedeploy.clone(), sinks.clone());
        let schedules = Schedules::new(&world);
        let keeping = schedules.keep();
        let gateway = Gateway {
            world,
            codedeploy,
            codepipeline,
            sinks,
            schedules,
            calls: Calls::default(),
            faults: Faults::default(),
            throttles: Throttles::default(),
        };
        let accepting = tokio::spawn(accept(gateway.clone(), socket));
        Ok(Self {
            address,
            gateway,
            accepting,
            keeping,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The world it serves.
    pub fn world(&self) -> &World {
        &self.gateway.world
    }

    /// Stops listening and ends all task processes.
    pub async fn stop(self) {
        self.accepting.abort();
        self.keeping.abort();
        self.gateway.world.ecs.shut_down(STOP_LIMIT).await;
    }
}

async fn accept(gateway: Gateway, socket: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(gateway.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(gateway: Gateway, stream: TcpStream) {
    let service = service_fn(move |request| {
        let gateway = gateway.clone();
        async move { gateway.answer(request).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or that an ordered fault cut off.
    if let Err(error) = serving.await {
        tracing::debug!(%error, "connection ended");
    }
}

/// An ordered fault cut the connection: it is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("an ordered fault closed the connection")]
struct CutOff;

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer, CutOff> {
        let path = request.uri().path();
        if control::is_for(path) {
            return Ok(control::answer(self, request).await);
        }
        if sinks::is_for(path) {
            return self.answer_sink(request).await;
        }
        let (parts, body) = request.into_parts();
        let service = identify::service(&parts);
        let protocol = identify::protocol(&parts, &service);
        let mut call = Noting::start(self, &parts, service);
        // The action of a form is in its body; S3's bodies are never read.
        let is_form = protocol == Protocol::Query && call.ended.service != "s3";
        let is_scheduler = call.ended.service == "scheduler";
        if !is_own(&call.ended.service) && !is_form && !is_scheduler {
            return self.pass_stream(call, &protocol, parts, body).await;
        }
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(call.refuse(&protocol, &too_large(&*error))),
        };
        call.ended.operation = identify::operation(&parts, &call.ended.service, &body);
        let strike = self.struck(&call, &body);
        if let Some(strike) = strike.as_ref().filter(|strike| !strike.after)
            && let Some(answer) = Self::strike(&mut call, &protocol, strike).await?
        {
            return Ok(answer);
        }
        let answer = if is_own(&call.ended.service) {
            self.serve_own(&mut call, &protocol, &parts, &body).await
        } else if is_scheduler {
            self.pass_schedule(&mut call, &protocol, parts, body).await
        } else {
            self.pass_form(&mut call, &protocol, parts, body).await
        };
        Self::strike_after(call, &protocol, strike, answer).await
    }

    /// Lets a fault strike that was ordered for after the deed.
    async fn strike_after(
        mut call: Noting,
        protocol: &Protocol,
        strike: Option<Strike>,
        answer: Answer,
    ) -> Result<Answer, CutOff> {
        match strike.filter(|strike| strike.after) {
            None => Ok(answer),
            Some(strike) => {
                let instead = Self::strike(&mut call, protocol, &strike).await?;
                Ok(instead.unwrap_or(answer))
            }
        }
    }

    /// A message to one of the sinks.
    async fn answer_sink(&self, request: Request<Incoming>) -> Result<Answer, CutOff> {
        let (parts, body) = request.into_parts();
        let (service, operation) = sinks::named(parts.uri.path()).unwrap_or_default();
        let protocol = Protocol::RestJson;
        let mut call = Noting::start(self, &parts, service.to_owned());
        call.ended.operation = operation;
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(call.refuse(&protocol, &too_large(&*error))),
        };
        let strike = self.struck(&call, &body);
        if let Some(strike) = strike.as_ref().filter(|strike| !strike.after)
            && let Some(answer) = Self::strike(&mut call, &protocol, strike).await?
        {
            return Ok(answer);
        }
        let answer = self.sinks.take(&parts, &body);
        call.end(answer.status().as_u16());
        Self::strike_after(call, &protocol, strike, whole(answer)).await
    }

    /// A call that is passed on unread.
    async fn pass_stream(
        &self,
        mut call: Noting,
        protocol: &Protocol,
        parts: Parts,
        body: Incoming,
    ) -> Result<Answer, CutOff> {
        call.ended.operation = identify::operation(&parts, &call.ended.service, b"");
        let strike = self.struck(&call, b"");
        if let Some(strike) = strike.as_ref().filter(|strike| !strike.after)
            && let Some(answer) = Self::strike(&mut call, protocol, strike).await?
        {
            drain(body).await;
            return Ok(answer);
        }
        let request = Request::from_parts(parts, body);
        let answer = self.pass_on(&mut call, protocol, request).await;
        Self::strike_after(call, protocol, strike, answer).await
    }

    /// A form that is passed on, unless this crate knows better.
    async fn pass_form(
        &self,
        call: &mut Noting,
        protocol: &Protocol,
        parts: Parts,
        body: Bytes,
    ) -> Answer {
        let (service, operation) = (call.ended.service.clone(), call.ended.operation.clone());
        let params = QueryParams::parse(&body);
        if service == "cloudformation" && operation == "DescribeChangeSet" {
            match self.codepipeline.change_sets().describe(&params) {
                None => {}
                Some(Ok(result)) => {
                    call.end(200);
                    return whole(query_answer_of(CFN_NAMESPACE, &operation, result));
                }
                Some(Err(error)) => return call.refuse(protocol, &error),
            }
        }
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self.pass_on(call, protocol, request).await;
        if service == "sns" && operation == "Publish" && answer.status().is_success() {
            let sinks = self.sinks.clone();
            tokio::spawn(async move {
                let text = |name: &str| params.get(name).unwrap_or_default();
                let topic = text("TopicArn");
                sinks
                    .published(topic, text("Subject"), text("Message"))
                    .await;
            });
        }
        answer
    }

    async fn serve_own(
        &self,
        call: &mut Noting,
        protocol: &Protocol,
        parts: &Parts,
        body: &Bytes,
    ) -> Answer {
        let operation = call.ended.operation.clone();
        if let Err(error) = self.throttled(parts, &call.ended.service, &operation) {
            return call.refuse(protocol, &error);
        }
        let answered = match (call.ended.service.as_str(), protocol) {
            ("elasticloadbalancing", Protocol::Query) => {
                let mut form = parts.uri.query().unwrap_or("").as_bytes().to_vec();
                form.push(b'&');
                form.extend_from_slice(body);
                let params = QueryParams::parse(&form);
                let answer = self.world.elb.call(&operation, params).await;
                answer.map(|result| query_answer(&operation, &result))
            }
            (service, Protocol::Json { content_type }) => match input(body) {
                Err(error) => Err(error),
                Ok(input) => {
                    let answer = match service {
                        "ecs" => self.world.ecs.call(&operation, input).await,
                        "application-autoscaling" => {
                            self.world.autoscaling.call(&operation, input).await
                        }
                        "codepipeline" => {
                            let caller = identify::caller(parts, &self.world.account);
                            self.codepipeline.call(&operation, input, &caller).await
                        }
                        _ => self.codedeploy.call(&operation, input).await,
                    };
                    answer.map(|value| json_answer(content_type, &value))
                }
            },
            (service, _) => Err(AwsError::client(
                "UnknownOperationException",
                format!("{service} is not called like this; use an AWS SDK or the AWS CLI"),
            )),
        };
        match answered {
            Ok(answer) => {
                call.end(answer.status().as_u16());
                whole(answer)
            }
            Err(error) => call.refuse(protocol, &error),
        }
    }

    async fn pass_on<B>(
        &self,
        call: &mut Noting,
        protocol: &Protocol,
        request: Request<B>,
    ) -> Answer
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        match proxy::forward(&self.world.upstream, request).await {
            Ok(answer) => {
                call.end(answer.status().as_u16());
                answer.map(|body| body.map_err(Into::into).boxed_unsync())
            }
            Err(error) => call.refuse(protocol, &error),
        }
    }
}

/// Whether this crate serves it.
fn is_own(service: &str) -> bool {
    matches!(
        service,
        "application-autoscaling" | "codedeploy" | "codepipeline" | "ecs" | "elasticloadbalancing"
    )
}

fn input(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(body)
        .map_err(|error| AwsError::client("SerializationException", error.to_string()))
}

fn too_large(error: &dyn std::error::Error) -> AwsError {
    AwsError {
        status: 413,
        code: "RequestEntityTooLarge".to_owned(),
        message: error.to_string(),
    }
}

/// Reads a body to its end, so that a client that still sends it can read the answer.
async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn whole(answer: Response<Bytes>) -> Answer {
    answer.map(|body| {
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync()
    })
}
