//! Calls of a team's own method by `grpc`, against a server that says its types by reflection, or not.

use bytes::Bytes;
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, Response};
use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use prost_reflect::{DescriptorPool, DynamicMessage};
use tokio::net::TcpStream;

use super::server::*;
use super::*;
use crate::SuiteReader;

fn field(name: &str, number: i32, kind: Type, type_name: Option<&str>) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional as i32),
        r#type: Some(kind as i32),
        type_name: type_name.map(str::to_owned),
        ..FieldDescriptorProto::default()
    }
}

/// `order.proto`, which `orders.proto` imports.
fn files() -> [FileDescriptorProto; 2] {
    let file = |name: &str| FileDescriptorProto {
        name: Some(name.to_owned()),
        package: Some("shop".to_owned()),
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    let value = |(number, name): (i32, &str)| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..EnumValueDescriptorProto::default()
    };
    let mut lines = field("line_items", 4, Type::Bool, None);
    lines.label = Some(Label::Repeated as i32);
    let order = DescriptorProto {
        name: Some("Order".to_owned()),
        field: vec![
            field("id", 1, Type::Int64, None),
            field("state", 2, Type::Enum, Some(".shop.State")),
            field("note", 3, Type::String, None),
            lines,
            field("parent", 5, Type::Message, Some(".shop.Order")),
        ],
        ..DescriptorProto::default()
    };
    let get = DescriptorProto {
        name: Some("GetOrder".to_owned()),
        field: vec![field("id", 1, Type::Int64, None)],
        ..DescriptorProto::default()
    };
    let method = |name: &str, streaming: bool| MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".shop.GetOrder".to_owned()),
        output_type: Some(".shop.Order".to_owned()),
        server_streaming: Some(streaming),
        ..MethodDescriptorProto::default()
    };
    [
        FileDescriptorProto {
            message_type: vec![order],
            enum_type: vec![EnumDescriptorProto {
                name: Some("State".to_owned()),
                value: [(0, "UNKNOWN"), (1, "PAID")].map(value).into(),
                ..EnumDescriptorProto::default()
            }],
            ..file("order.proto")
        },
        FileDescriptorProto {
            dependency: vec!["order.proto".to_owned()],
            message_type: vec![get],
            service: vec![ServiceDescriptorProto {
                name: Some("Orders".to_owned()),
                method: vec![
                    method("Get", false),
                    method("Watch", true),
                    method("Later", false),
                ],
                ..ServiceDescriptorProto::default()
            }],
            ..file("orders.proto")
        },
    ]
}

fn descriptor_set() -> Vec<u8> {
    let file = files().into();
    FileDescriptorSet { file }.encode_to_vec()
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(descriptor_set().as_slice()).unwrap()
}

/// A protobuf field of bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![(number << 3) | 2];
    let mut length = content.len();
    while length >= 0x80 {
        field.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    field.push(u8::try_from(length).unwrap());
    field.extend(content);
    field
}

/// How a server speaks of its types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reflection {
    V1,
    V1Alpha,
    None,
    /// It sends what is no descriptor.
    Garbage,
    /// It imports what it never sends.
    Incomplete,
    /// It sends many small types, which take much room when they are read.
    Many,
    /// The same, behind what only a reader of the whole skips.
    ManyInGroup,
    /// It names by number many files that it does not import.
    ManyNumbers,
    /// A name that is part of many others.
    LongNames,
}

/// What a reflection answers to a question: one file at a time, as some servers do.
#[allow(clippy::large_stack_arrays, reason = "once, in a test")]
fn reflected(question: &[u8], how: Reflection) -> Vec<u8> {
    let [order, orders] = files();
    let asked = String::from_utf8_lossy(question);
    let file = match () {
        () if how == Reflection::Garbage => vec![0xff; 20],
        () if how == Reflection::Many => [0x22, 0].repeat(500_000),
        () if how == Reflection::LongNames => {
            let package = bytes(2, "a".repeat(100_000).as_bytes());
            let kind = |n: usize| bytes(4, &bytes(1, format!("T{n}").as_bytes()));
            [package, (0..1_000).flat_map(kind).collect()].concat()
        }
        () if how == Reflection::ManyNumbers => bytes(10, &[1; 1_000_000]),
        () if how == Reflection::ManyInGroup => {
            [vec![0x0b, 0x0c], [0x22, 0].repeat(500_000)].concat()
        }
        () if asked.contains("shop.Orders") => orders.encode_to_vec(),
        () if asked.contains("order.proto") && how != Reflection::Incomplete => {
            order.encode_to_vec()
        }
        () => {
            let error = [vec![8, 5], bytes(2, b"no such symbol")].concat();
            return bytes(7, &error);
        }
    };
    bytes(4, &bytes(1, &file))
}

/// What `Get` answers: by the id that is asked for.
fn order(request: &[u8]) -> (Vec<u8>, &'static str) {
    let pool = pool();
    let kind = pool.get_message_by_name("shop.GetOrder").unwrap();
    let request = DynamicMessage::decode(kind, request).unwrap();
    let id = request.get_field_by_name("id").unwrap().as_i64().unwrap();
    let kind = pool.get_message_by_name("shop.Order").unwrap();
    let mut answer = DynamicMessage::new(kind);
    let id_of_answer = if id < 0 {
        i64::MIN
    } else {
        9_007_199_254_740_993
    };
    answer.set_field_by_name("id", prost_reflect::Value::I64(id_of_answer));
    answer.set_field_by_name("state", prost_reflect::Value::EnumNumber(1));
    answer.set_field_by_name(
        "note",
        prost_reflect::Value::String("PLANTED-SECRET".to_owned()),
    );
    let encoded = answer.encode_to_vec();
    match id {
        404 => (Vec::new(), "5"),
        // Broken off, and a field of another type.
        500 => (vec![0x0a, 0xff], "0"),
        501 => ([0x20, 0x01].repeat(200_000), "0"),
        // Nested deeper than anybody reads.
        502 => {
            let deep = (0..200).fold(Vec::new(), |inner, _| bytes(5, &inner));
            (deep, "0")
        }
        // As many values as there is room for, whose JSON is too large.
        503 => (bytes(4, &vec![1; 250 * 1024]), "0"),
        _ => (encoded, "0"),
    }
}

async fn answer(socket: TcpStream, reflection: Reflection) {
    let Ok(mut connection) = h2::server::handshake(socket).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        tokio::spawn(async move {
            let path = request.uri().path().to_owned();
            let key = request.headers().get("x-key").cloned();
            let mut body = request.into_body();
            let mut asked = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                body.flow_control().release_capacity(data.len()).ok();
                asked.extend_from_slice(&data);
            }
            let asked = &asked[5.min(asked.len())..];
            let has_reflection = match reflection {
                Reflection::None => false,
                Reflection::V1Alpha => path.contains(".v1alpha."),
                _ => path.contains(".v1."),
            };
            let (message, code) = match path.as_str() {
                "/shop.Orders/Get" => order(asked),
                // It serves.
                "/grpc.health.v1.Health/Check" => (vec![8, 1], "0"),
                _ if path.contains("ServerReflection") && has_reflection => {
                    (reflected(asked, reflection), "0")
                }
                _ => (Vec::new(), "12"),
            };
            let head = Response::builder()
                .header("content-type", "application/grpc")
                .header("x-version", "1.2.0");
            let mut stream = respond
                .send_response(head.body(()).unwrap(), false)
                .unwrap();
            if code == "0" {
                let mut framed = vec![0];
                framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
                framed.extend(message);
                stream.send_data(Bytes::from(framed), false).ok();
            }
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", code.parse().unwrap());
            trailers.insert("grpc-message", "PLANTED-SECRET".parse().unwrap());
            trailers.extend(key.map(|key| (HeaderName::from_static("x-key-seen"), key)));
            stream.send_trailers(trailers).ok();
        });
    }
}

async fn server(reflection: Reflection) -> Url {
    serving(move |socket| answer(socket, reflection)).await
}

const SECRET: &str = "secrets: { hidden: 'ssm:/x' }";

#[tokio::test]
async fn a_response_is_judged_as_json_with_exact_numbers() {
    let set = format!("descriptor_set: {}", BASE64.encode(&descriptor_set()));
    for (reflection, types) in [
        (Reflection::V1, ""),
        (Reflection::V1Alpha, ""),
        (Reflection::None, set.as_str()),
    ] {
        let base = server(reflection).await;
        let types = if types.is_empty() {
            String::new()
        } else {
            format!(", {types}")
        };
        let check = format!(
            "grpc: {{ method: shop.Orders/Get, message: {{ id: '{{{{ id }}}}' }}{types} }}, expect: [\
             {{ json: {{ path: $.id, equals: '9007199254740993' }} }}, {{ json: {{ path: $.state, equals: PAID }} }}, \
             {{ json: {{ path: $.lineItems, length: 0 }} }}, {{ json: {{ path: $.parent, exists: false }} }}, \
             {{ that: \"json.state == 'PAID'\" }}, {{ header: {{ name: x-version, equals: 1.2.0 }} }}, \
             {{ header: {{ name: grpc-status, equals: '0' }} }}, {{ latency: '< 5s' }}]"
        );
        let outcome = checked(&base, Stage::PreTraffic, &check, "vars: { id: 7 }").await;
        assert!(outcome.verdict.passed, "{}", summary(&outcome));
        let asked = outcome.report.checks[0].rounds[0].tries[0]
            .request
            .clone()
            .unwrap();
        assert!(asked.ends_with("/shop.Orders/Get"), "{asked}");
    }
}

#[tokio::test]
async fn what_is_not_as_expected_fails_and_nothing_secret_is_shown() {
    let base = server(Reflection::V1).await;
    let of = async |grpc: &str, expect: &str| {
        let check = format!("grpc: {{ method: shop.Orders/{grpc} }}{expect}");
        let outcome = checked(&base, Stage::PreTraffic, &check, SECRET).await;
        assert!(!outcome.verdict.passed && is_masked(&outcome));
        summary(&outcome)
    };
    let wrong = ", expect: [{ json: { path: $.state, equals: UNKNOWN } }]";
    insta::assert_snapshot!(of("Get", wrong).await, @r#"
        failed
        check "it" failed: expected $.state equal to "UNKNOWN", got "PAID"
        "#);
    insta::assert_snapshot!(of("Get, message: { id: 404 }", "").await, @r#"
    failed
    check "it" failed: expected the gRPC status OK, got NOT_FOUND: ***
    "#);
    insta::assert_snapshot!(of("Get, code: [NOT_FOUND, ABORTED]", "").await, @r#"
    failed
    check "it" failed: expected the gRPC status NOT_FOUND or ABORTED, got OK
    "#);
    insta::assert_snapshot!(of("Get, message: { id: 500 }", "").await, @r#"
    failed
    check "it" failed: expected the gRPC status OK, got OK with a message that is no shop.Order: failed to decode Protobuf message: invalid wire type: LengthDelimited (expected Varint)
    "#);
    insta::assert_snapshot!(of("Get, message: { id: 501 }", "").await, @r#"
    failed
    check "it" errored: could not check the gRPC status OK: the message is larger than 256 KiB, and is not judged
    "#);
    insta::assert_snapshot!(of("Get, message: { id: 502 }", "").await, @r#"
    failed
    check "it" failed: expected the gRPC status OK, got OK with a message that is no shop.Order: failed to decode Protobuf message: recursion limit reached
    "#);
    insta::assert_snapshot!(of("Get, message: { id: 503 }", "").await, @r#"
    failed
    check "it" errored: could not check the gRPC status OK: the message can't be written as JSON: it is larger than 1 MiB
    "#);
    insta::assert_snapshot!(of("Later", "").await, @r#"
    failed
    check "it" failed: expected the gRPC status OK, got UNIMPLEMENTED: ***
    "#);
    insta::assert_snapshot!(of("Gone", "").await, @r#"
    failed
    check "it" failed: the service shop.Orders has no method Gone; there are "Get", "Watch", "Later"
    "#);
    insta::assert_snapshot!(of("Watch", "").await, @r#"
    failed
    check "it" errored: shop.Orders.Watch is a streaming method, and only methods with one message each way are called here
    "#);
    insta::assert_snapshot!(of("Get, message: { number: 1 }", "").await, @r#"
    failed
    check "it" errored: message: it is no shop.GetOrder: unrecognized field name 'number' at line 1 column 9
    "#);
    insta::assert_snapshot!(of("Get, message: { id: 1.5 }", "").await, @r#"
    failed
    check "it" errored: message: it is no shop.GetOrder: expected integer value at line 1 column 9
    "#);
    let gone = summary_of(&base, "grpc: { method: shop.Stock/Get }", "").await;
    insta::assert_snapshot!(gone, @r#"
    failed
    check "it" failed: the server does not know the service shop.Stock
    "#);
}

#[tokio::test]
async fn the_example_passes_where_orders_are_served() {
    let text = include_str!("../../../../../examples/suites/grpc.yaml");
    let suite = Suite::parse("grpc.yaml", text).unwrap_or_else(|p| panic!("{p}"));
    let base = server(Reflection::V1).await;
    let outcome = measured_by(suite, &base, Stage::PreTraffic, HttpOptions::default()).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    assert_eq!(outcome.report.checks.len(), 3);
    // Of a server without reflection nothing is known, and nothing passes.
    let suite = Suite::parse("grpc.yaml", text).unwrap_or_else(|p| panic!("{p}"));
    let base = server(Reflection::None).await;
    let outcome = measured_by(suite, &base, Stage::PreTraffic, HttpOptions::default()).await;
    assert!(!outcome.verdict.passed);
}

#[tokio::test]
async fn types_may_lie_beside_the_suite() {
    let base = server(Reflection::None).await;
    let check = "grpc: { method: shop.Orders/Get, descriptor_set_file: types/shop.binpb }, \
                 expect: [{ json: { path: $.state, equals: PAID } }]";
    let text =
        format!("version: 1\nname: shop\nchecks:\n  - {{ name: it, retries: 0, {check} }}\n");
    let read = |file: &'static [u8]| {
        SuiteReader::new("suite.yaml", &text).finish(move |path| {
            assert_eq!(path, "types/shop.binpb");
            Ok(file.to_vec())
        })
    };
    let set: &'static [u8] = descriptor_set().leak();
    let suite = read(set).unwrap_or_else(|p| panic!("{p}"));
    let outcome = measured_by(suite, &base, Stage::PreTraffic, HttpOptions::default()).await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    insta::assert_snapshot!(read(b"no types").unwrap_err(), @"suite.yaml:4:83: descriptor_set_file: it is no FileDescriptorSet: failed to decode file descriptor set; make it by `protoc --include_imports --descriptor_set_out=FILE` or `buf build -o FILE`");
    insta::assert_snapshot!(read(b"").unwrap_err(), @"suite.yaml:4:83: descriptor_set_file: it is no FileDescriptorSet: it has no service; make it by `protoc --include_imports --descriptor_set_out=FILE` or `buf build -o FILE`");
    let large: &'static [u8] = vec![0; 1024 * 1024 + 1].leak();
    insta::assert_snapshot!(read(large).unwrap_err(), @"suite.yaml:4:83: descriptor_set_file: types/shop.binpb is larger than 1 MiB; make it smaller");
}

#[tokio::test]
async fn metadata_goes_with_the_call_and_is_masked() {
    let base = server(Reflection::V1).await;
    let secrets = "secrets: { hidden: 'ssm:/x' }";
    let of = async |call: &str| {
        let check = format!(
            "grpc: {{ method: shop.Orders/Get, headers: {{ x-key: '{{{{ hidden }}}}' }}, {call}"
        );
        let outcome = checked(&base, Stage::PreTraffic, &check, secrets).await;
        assert!(is_masked(&outcome), "{}", summary(&outcome));
        summary(&outcome)
    };
    let seen =
        "message: { id: 7 } }, expect: [{ header: { name: x-key-seen, equals: '{{ hidden }}' } }]";
    insta::assert_snapshot!(of(seen).await, @r#"
    passed
    the required check passed
    "#);
    let other = "message: { id: 7 } }, expect: [{ header: { name: x-key-seen, equals: other } }]";
    insta::assert_snapshot!(of(other).await, @r#"
    failed
    check "it" failed: expected header x-key-seen equal to "other", got "***"
    "#);
    insta::assert_snapshot!(of("message: { id: 7 } }, expect: [{ json: { path: $.note, equals: '' } }, { that: \"json.note == ''\" }]").await, @r#"
    failed
    check "it" failed: expected $.note equal to "", got "***"; expected json.note == '', got json.note "***"
    "#);
    insta::assert_snapshot!(of("message: { id: '{{ hidden }}' } }").await, @r#"
    failed
    check "it" errored: message: it is no shop.GetOrder: invalid digit found in string at line 1 column 22
    "#);
    insta::assert_snapshot!(of("message: { id: 404 }, code: OK }").await, @r#"
    failed
    check "it" failed: expected the gRPC status OK, got NOT_FOUND: ***
    "#);
}

#[tokio::test]
async fn another_status_can_be_what_is_expected() {
    let base = server(Reflection::V1).await;
    let check = "grpc: { method: shop.Orders/Get, message: { id: 404 }, code: [OK, NOT_FOUND] }";
    let outcome = checked(&base, Stage::PreTraffic, check, "").await;
    assert!(outcome.verdict.passed, "{}", summary(&outcome));
    // There is no message then.
    let json = format!("{check}, expect: [{{ json: {{ path: $.id, exists: false }} }}]");
    let outcome = checked(&base, Stage::PreTraffic, &json, "").await;
    assert!(!outcome.verdict.passed, "{}", summary(&outcome));
}

#[tokio::test]
async fn types_that_can_not_be_had_are_errored() {
    for reflection in [
        Reflection::None,
        Reflection::Garbage,
        Reflection::Incomplete,
        Reflection::Many,
        Reflection::ManyInGroup,
        Reflection::ManyNumbers,
        Reflection::LongNames,
    ] {
        let base = server(reflection).await;
        let outcome = checked(
            &base,
            Stage::PreTraffic,
            "grpc: { method: shop.Orders/Get }",
            "",
        )
        .await;
        let tried = &outcome.report.checks[0].rounds[0].tries[0];
        assert_eq!(tried.measurement, crate::Measurement::Errored);
        let words = match reflection {
            Reflection::None => {
                "the server has no reflection (grpc.reflection.v1), so that its types are not known; name them by `descriptor_set_file`"
            }
            Reflection::Garbage | Reflection::ManyNumbers => {
                "the server's reflection can't be used: a descriptor can't be read"
            }
            Reflection::Many | Reflection::ManyInGroup => {
                "the server's reflection can't be used: its types have more than 20000 parts"
            }
            Reflection::LongNames => {
                "the server's reflection can't be used: the names of its types are larger than 2 MiB"
            }
            _ => "the server's reflection can't be used",
        };
        assert!(summary(&outcome).contains(words), "{}", summary(&outcome));
    }
}

#[tokio::test]
async fn servers_that_say_nothing_or_too_much_are_survived() {
    let check = "timeout: 500ms, grpc: { method: shop.Orders/Get }";
    for base in [
        silent().await,
        resetting().await,
        flooding().await,
        refusing(),
    ] {
        let outcome = checked(&base, Stage::PreTraffic, check, "").await;
        let tried = &outcome.report.checks[0].rounds[0].tries[0];
        assert_eq!(
            tried.measurement,
            crate::Measurement::Failed,
            "{}",
            summary(&outcome)
        );
    }
}

#[test]
fn what_the_types_show_to_be_wrong_is_found_when_the_suite_is_loaded() {
    let set = BASE64.encode(&descriptor_set());
    let problems = |grpc: &str| {
        let text =
            format!("version: 1\nname: shop\nchecks:\n  - name: a\n    grpc: {{ {grpc} }}\n");
        let problems = Suite::parse("suite.yaml", &text).unwrap_err().to_string();
        problems.replace(&set, "SET")
    };
    let with_types = |grpc: &str| problems(&format!("{grpc}, descriptor_set: {set}"));
    insta::assert_snapshot!(with_types("method: shop.Orders/Watch"), @"suite.yaml:5:21: method: shop.Orders.Watch is a streaming method, and only methods with one message each way are called here; call another one");
    insta::assert_snapshot!(with_types("method: shop.Orders/Gt"), @r#"suite.yaml:5:21: method: the service shop.Orders has no method Gt; there are "Get", "Watch", "Later"; correct it, or bring the descriptor set up to date"#);
    insta::assert_snapshot!(with_types("method: shop.Stock/Get"), @r#"suite.yaml:5:21: method: there is no service shop.Stock; there are "shop.Orders"; correct it, or bring the descriptor set up to date"#);
    insta::assert_snapshot!(with_types("method: shop.Orders/Get, message: { number: 7 }"), @"suite.yaml:5:47: message: it is no shop.GetOrder: unrecognized field name 'number' at line 1 column 9; write its fields as the JSON mapping of protobuf has them");
    insta::assert_snapshot!(problems("method: shop.Orders.Get, message: [], code: 5, descriptor_set: '!'"), @r#"
    suite.yaml:5:21: method: "shop.Orders.Get" is no method; write its service and its name: shop.Orders/Get
    suite.yaml:5:57: code is text, not a number; put it in quotes
    suite.yaml:5:76: descriptor_set is not base64; write what `base64 FILE` prints, with its padding
    "#);
    insta::assert_snapshot!(problems("method: shop.Orders/Get, service: shop.Orders, code: [], descriptor_set: aGVsbG8="), @r#"
    suite.yaml:5:47: service: is for the health check; `method` names its service itself; remove it
    suite.yaml:5:66: no code is expected; write a code: OK
    suite.yaml:5:86: descriptor_set: it is no FileDescriptorSet: failed to decode file descriptor set; make it by `protoc --include_imports --descriptor_set_out=FILE` or `buf build -o FILE`
    "#);
    insta::assert_snapshot!(problems("message: {}, code: OK, descriptor_set_file: a"), @r#"
    suite.yaml:5:22: message: goes with `method`; without one the health of the server is asked for; add `method:`, or remove it
    suite.yaml:5:32: code: goes with `method`; without one the health of the server is asked for; add `method:`, or remove it
    suite.yaml:5:57: descriptor_set_file: goes with `method`; without one the health of the server is asked for; add `method:`, or remove it
    "#);
}
