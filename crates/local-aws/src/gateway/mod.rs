//! The front door: one address for all of AWS. It tells services apart, lets ordered faults strike,
//! answers for the own services, passes the rest on, and notes every call.
//!
//! It checks no signature: whoever can reach the loopback interface is let in.

mod control;
mod identify;
mod proxy;
mod rest_names;

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
use tokio::time::Instant;

use crate::calls::{Calls, Ended};
use crate::codedeploy::CodeDeploy;
use crate::error::AwsError;
use crate::faults::{Faults, Strike, StrikeEnd};
use crate::wire::answer::{error_answer, json_answer, query_answer};
use crate::wire::{Protocol, QueryParams};
use crate::{World, WorldOptions};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The largest body read whole: a call to an own service, or a form whose action is looked up.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How long tasks may take to end when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(4);

/// A running local AWS.
pub struct Server {
    address: SocketAddr,
    gateway: Gateway,
    accepting: tokio::task::JoinHandle<()>,
}

/// What answers requests. Clones share all state.
#[derive(Clone)]
struct Gateway {
    world: World,
    codedeploy: CodeDeploy,
    calls: Calls,
    faults: Faults,
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
        let gateway = Gateway {
            world,
            codedeploy,
            calls: Calls::default(),
            faults: Faults::default(),
        };
        let accepting = tokio::spawn(accept(gateway.clone(), socket));
        Ok(Self {
            address,
            gateway,
            accepting,
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
        if control::is_for(request.uri().path()) {
            return Ok(control::answer(self, request).await);
        }
        let (parts, body) = request.into_parts();
        let service = identify::service(&parts);
        let protocol = identify::protocol(&parts, &service);
        let own = is_own(&service);
        let mut call = Noting::start(self, &parts, service);
        // The action of a form is in its body; S3's bodies are never read.
        if own || (protocol == Protocol::Query && call.ended.service != "s3") {
            let body = match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return Ok(call.refuse(&protocol, &too_large(&*error))),
            };
            call.ended.operation = identify::operation(&parts, &call.ended.service, &body);
            if let Some(struck) = self.strike(&mut call, &protocol).await? {
                return Ok(struck);
            }
            if own {
                return Ok(self.serve_own(call, &protocol, &parts, &body).await);
            }
            return Ok(self
                .pass_on(call, &protocol, Request::from_parts(parts, Full::new(body)))
                .await);
        }
        call.ended.operation = identify::operation(&parts, &call.ended.service, b"");
        if let Some(struck) = self.strike(&mut call, &protocol).await? {
            drain(body).await;
            return Ok(struck);
        }
        Ok(self
            .pass_on(call, &protocol, Request::from_parts(parts, body))
            .await)
    }

    /// Lets an ordered fault strike; gives the answer when that ends the call.
    async fn strike(
        &self,
        call: &mut Noting,
        protocol: &Protocol,
    ) -> Result<Option<Answer>, CutOff> {
        let (service, operation) = (&call.ended.service, &call.ended.operation);
        let Some(Strike { delay, end }) = self.faults.strike(service, operation) else {
            return Ok(None);
        };
        self.tell_fault(service, operation, &end, delay);
        tokio::time::sleep(delay).await;
        match end {
            StrikeEnd::Normally => Ok(None),
            StrikeEnd::Error(error) => Ok(Some(call.refuse(protocol, &error))),
            StrikeEnd::Disconnect => {
                call.ended.error = Some("ConnectionClosed".to_owned());
                Err(CutOff)
            }
        }
    }

    fn tell_fault(&self, service: &str, operation: &str, end: &StrikeEnd, delay: Duration) {
        let what = match end {
            StrikeEnd::Normally => format!("is {} ms late", delay.as_millis()),
            StrikeEnd::Error(error) => format!("is answered {} {}", error.status, error.code),
            StrikeEnd::Disconnect => "is cut off".to_owned(),
        };
        self.world.timeline.tell(crate::timeline::TimelineEvent {
            kind: "fault".to_owned(),
            deployment_id: None,
            message: format!("As ordered, a call of {service} {operation} {what}."),
            detail: serde_json::json!({ "service": service, "operation": operation }),
        });
    }

    async fn serve_own(
        &self,
        mut call: Noting,
        protocol: &Protocol,
        parts: &Parts,
        body: &Bytes,
    ) -> Answer {
        let operation = call.ended.operation.clone();
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

    async fn pass_on<B>(&self, mut call: Noting, protocol: &Protocol, request: Request<B>) -> Answer
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
    matches!(service, "codedeploy" | "ecs" | "elasticloadbalancing")
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

/// A call on its way; it is noted however it ends, also when the client goes away.
struct Noting {
    calls: Calls,
    started: Instant,
    ended: Ended,
}

impl Noting {
    fn start(gateway: &Gateway, parts: &Parts, service: String) -> Self {
        let user_agent = identify::header_text(&parts.headers, "user-agent").map(str::to_owned);
        let at = gateway.world.clock.now();
        let ended = Ended {
            at,
            service,
            user_agent,
            ..Ended::default()
        };
        Self {
            calls: gateway.calls.clone(),
            started: Instant::now(),
            ended,
        }
    }

    fn end(&mut self, status: u16) {
        self.ended.status = status;
    }

    fn refuse(&mut self, protocol: &Protocol, error: &AwsError) -> Answer {
        self.ended.status = error.status;
        self.ended.error = Some(error.code.clone());
        whole(error_answer(protocol, error))
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        let mut ended = std::mem::take(&mut self.ended);
        ended.took = self.started.elapsed();
        if ended.status == 0 {
            ended
                .error
                .get_or_insert_with(|| "ClientWentAway".to_owned());
        }
        self.calls.note(ended);
    }
}
