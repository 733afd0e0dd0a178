//! Calls of EventBridge Scheduler: passed on, with the state of recurring schedules as the emulator is to
//! see it, and answered as the client is.

use bytes::Bytes;
use http::request::Parts;
use http::{Request, header};
use http_body_util::{BodyExt, Full};

use super::recorder::CallRecorder;
use super::{Answer, Gateway, whole};
use crate::error::AwsError;
use crate::schedules::rewrite;
use crate::wire::Protocol;

impl Gateway {
    /// A call of the scheduler.
    pub(super) async fn pass_schedule(
        &self,
        call: &mut CallRecorder,
        protocol: &Protocol,
        mut parts: Parts,
        body: Bytes,
    ) -> Answer {
        let (body, only_enabled) = rewrite::request(&mut parts, body);
        // Set again from the body that is sent.
        parts.headers.remove(header::CONTENT_LENGTH);
        let request = Request::from_parts(parts, Full::new(body));
        let answer = self.pass_on(call, protocol, request).await;
        let (mut parts, body) = answer.into_parts();
        match body.collect().await {
            Ok(body) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                let body = rewrite::response(&body.to_bytes(), only_enabled);
                whole(http::Response::from_parts(parts, body))
            }
            Err(error) => {
                let error = AwsError::internal(format!("the emulator's answer broke off: {error}"));
                call.refuse(protocol, &error)
            }
        }
    }
}
