//! Whole files, as teams have them.

use gate::Suite;
use proptest::prelude::*;

use super::*;

mod collections;
mod openapi;

/// The suite, what is left out, and that the loader takes it.
fn shown(text: &str) -> String {
    let converted = match convert("shop.json", text) {
        Ok(converted) => converted,
        Err(problems) => return problems.to_string(),
    };
    if let Err(problems) = Suite::parse("suite", &converted.suite) {
        panic!("the suite can't be loaded: {problems}\n{}", converted.suite);
    }
    let left = converted.left.iter().map(|left| match left.line {
        Some(line) => format!("{line}: {}\n", left.what),
        None => format!("-: {}\n", left.what),
    });
    let left: String = left.collect();
    format!("{}left out:\n{left}", converted.suite)
}

#[test]
fn curl_commands_are_checks() {
    insta::assert_snapshot!(shown(
        r#"
# the shop
curl -sS https://shop.example.com/books?page=1 -H 'Accept: application/json' --compressed
$ curl 'https://shop.example.com/login' \
    -X POST --data-raw 'user=demo&password=hunter22' -L -k | jq .
curl -X PUT https://shop.example.com/cart -H "Authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{"book": 7, "api_key": "abcdef123456", "note": "{{ x }}"}' -b 'session=s3cr3t-session' -m 2.5
curl -u demo:hunter22 https://shop.example.com/admin -F 'title=Dune' -F 'cover=@cover.png'
curl -u demo:hunter22 https://shop.example.com/admin -F 'title=Dune;type=text/plain' --http2
curl https://other.example.com/ ; curl https://shop.example.com/x --frobnicate 1
wget https://shop.example.com/
"#
    ), @r#"
    version: 1
    name: shop
    vars: { braces: "{{" }
    secrets:
      password: "env:PASSWORD"
      token: "env:TOKEN"
      cookie_session: "env:COOKIE_SESSION"
      api_key: "env:API_KEY"
    checks:
      - name: "GET /books"
        http:
          url: "/books?page=1"
          headers: { accept: application/json }
      - name: "POST /login"
        on: [pre-traffic]
        http:
          method: POST
          url: /login
          form: { user: demo, password: "{{ password }}" }
          follow_redirects: true
      - name: "PUT /cart"
        on: [pre-traffic]
        http:
          method: PUT
          url: /cart
          headers: { authorization: "Bearer {{ token }}" }
          cookies: { session: "{{ cookie_session }}" }
          json: { book: 7, api_key: "{{ api_key }}", note: "{{ braces }} x }}" }
        timeout: "2500ms"
      - name: "POST /admin"
        on: [pre-traffic]
        http:
          method: POST
          url: /admin
          basic: { user: demo, password: "{{ password }}" }
          multipart: { title: { content: Dune, content_type: text/plain } }
          http_version: 2
    left out:
    4: POST /login: the option --insecure: certificates are always checked; name the authority by `ca_certificates`
    4: POST /login: what a shell does with the answer: | jq .
    8: a command of curl: the field cover of its form stands in another file; write it here
    10: a command of curl: the option --frobnicate is not known here, and it may have a value
    10: GET /: it asks https://other.example.com, and the release is taken to be https://shop.example.com
    11: wget: it is no command of curl
    "#);
}

#[test]
fn http_2_with_prior_knowledge_is_what_a_suite_asks_without_tls() {
    let suite = shown("curl --http2-prior-knowledge http://shop.example.com/books");
    assert!(suite.contains("http_version: 2"), "{suite}");
}

#[test]
fn a_recording_is_the_documents_and_calls_of_one_origin() {
    insta::assert_snapshot!(shown(
        r#"{"log": {"version": "1.2", "entries": [
  {"_resourceType": "document", "request": {"method": "GET", "url": "https://shop.example.com/",
    "headers": [{"name": "User-Agent", "value": "Mozilla"}, {"name": "Cookie", "value": "sid=abcdef-secret; theme=dark"}]},
   "response": {"status": 200, "content": {"mimeType": "text/html; charset=utf-8", "text": "<p>"}}},
  {"_resourceType": "image", "request": {"method": "GET", "url": "https://shop.example.com/a.png", "headers": []},
   "response": {"status": 200, "content": {"mimeType": "image/png"}}},
  {"_resourceType": "xhr", "request": {"method": "POST", "url": "https://shop.example.com/api/cart?token=tok-123456",
    "headers": [{"name": "x-api-key", "value": "key-987654"}, {"name": "content-type", "value": "application/json"}],
    "postData": {"mimeType": "application/json", "text": "{\"book\":7,\"password\":\"hunter22\"}"}},
   "response": {"status": 201, "content": {"mimeType": "application/json"}}},
  {"_resourceType": "fetch", "request": {"method": "GET", "url": "https://cdn.example.net/x", "headers": []},
   "response": {"status": 200}},
  {"_resourceType": "xhr", "request": {"method": "GET", "url": "https://shop.example.com/api/me", "headers": []},
   "response": {"status": 304}},
  {"_resourceType": "xhr", "request": {"method": "GET", "url": "https://shop.example.com/api/me", "headers": []},
   "response": {"status": 304}},
  {"_resourceType": "xhr", "request": {"method": "GET", "url": "https://shop.example.com/blocked", "headers": []},
   "response": {"status": 0}}
]}}"#
    ), @r#"
    version: 1
    name: shop
    secrets:
      cookie_sid: "env:COOKIE_SID"
      cookie_theme: "env:COOKIE_THEME"
      token: "env:TOKEN"
      x_api_key: "env:X_API_KEY"
      password: "env:PASSWORD"
    checks:
      - name: "GET /"
        http:
          url: /
          cookies: { sid: "{{ cookie_sid }}", theme: "{{ cookie_theme }}" }
        expect:
          - { status: 200 }
          - { header: { name: content-type, contains: text/html } }
      - name: "POST /api/cart"
        on: [pre-traffic]
        http:
          method: POST
          url: /api/cart
          query: { token: "{{ token }}" }
          headers: { x-api-key: "{{ x_api_key }}" }
          json: { book: 7, password: "{{ password }}" }
        expect:
          - { status: 201 }
          - { header: { name: content-type, contains: application/json } }
      - { name: "GET /api/me", http: "GET /api/me" }
    left out:
    -: GET /api/me: its answer, as the browser had it already; 2xx is expected
    -: entry 6: the same request once more
    -: entry 7: GET /blocked: it got no answer
    -: 1 request of the kind image
    -: headers that a browser sets by itself: "user-agent"
    -: GET /x: it asks https://cdn.example.net, and the release is taken to be https://shop.example.com
    "#);
}

const OPENAPI: &str = r##"
openapi: 3.0.3
info: { title: Book shop, version: "1" }
servers:
  - url: https://{env}.example.com/v1/
    variables: { env: { default: api } }
  - url: http://localhost:8080
security: [ { key: [] } ]
paths:
  /books:
    get:
      summary: All books
      parameters:
        - { name: page, in: query, schema: { type: integer } }
      responses:
        "200":
          content:
            application/json:
              schema: { type: array, items: { $ref: "#/components/schemas/Book" } }
    post:
      responses: { "201": { description: made } }
  /books/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: string, example: "dune 1" } }
    get:
      security: []
      responses:
        "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } }
        "206": { description: a part }
  /search:
    get:
      parameters:
        - { name: q, in: query, required: true, schema: { type: string } }
      responses: { "200": { description: found } }
  /old:
    get: { deprecated: true, responses: { default: { description: x } } }
  /health:
    get:
      security: []
      responses: { 2XX: { content: { text/plain: { schema: { type: string } } } } }
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: X-API-Key }
  schemas:
    Book:
      type: object
      required: [id, isbn, draft]
      properties:
        id: { type: string, format: uuid }
        isbn: { type: string, nullable: true }
        draft: { type: boolean, writeOnly: true }
        price: { type: number, minimum: 0, exclusiveMinimum: true }
        next: { $ref: "#/components/schemas/Book" }
"##;

#[test]
fn a_description_is_what_can_be_read_of_it() {
    insta::assert_snapshot!(shown(OPENAPI), @r##"
    version: 1
    name: "Book shop"
    secrets: { key: "env:KEY" }
    checks:
      - name: "GET /books: All books"
        http:
          url: /v1/books
          headers: { x-api-key: "{{ key }}" }
        expect:
          - { status: 200 }
          - { header: { name: content-type, contains: application/json } }
          - json_schema:
              type: array
              items: { $ref: "#/$defs/Book" }
              $defs:
                Book:
                  type: object
                  required: [id, isbn]
                  properties:
                    id: { type: string }
                    isbn:
                      type: [string, "null"]
                    draft: { type: boolean }
                    price: { type: number, exclusiveMinimum: 0 }
                    next: { $ref: "#/$defs/Book" }
      - name: "GET /books/{id}"
        http: "GET /v1/books/dune%201"
        expect:
          - status: [200, 206]
      - name: "GET /health"
        http: "GET /v1/health"
        expect:
          - { status: "2xx" }
          - { header: { name: content-type, contains: text/plain } }
    left out:
    7: the server http://localhost:8080: paths are asked below the first one
    12: GET /books: `format` of its schema is not judged
    20: POST /books: it may change something, and nothing says what it may change
    26: GET /books/{id}: it answers with several statuses, so no body is expected
    31: GET /search: its parameter q is required, and has no example
    36: GET /old: it is deprecated
    "##);
}

#[test]
fn the_description_as_json_is_the_same() {
    let document = strict_yaml::Document {
        noun: "x",
        begin: "",
        split: "",
    };
    let json = strict_yaml::read(OPENAPI, document).unwrap().to_json();
    let (yaml, json) = (
        convert("a", OPENAPI).unwrap(),
        convert("a", &format!("{json:#}").replace("  ", "\t")).unwrap(),
    );
    assert_eq!(yaml.suite, json.suite);
    assert_eq!(yaml.kind, Kind::OpenApi);
}

#[test]
fn a_postman_collection_keeps_folders_variables_and_plain_tests() {
    insta::assert_snapshot!(shown(
        "{\n\t\"info\": {\"name\": \"Shop\", \"schema\": \"https://schema.getpostman.com/json/collection/v2.1.0/collection.json\"},
\t\"variable\": [{\"key\": \"base\", \"value\": \"https://shop.example.com/v1\"}, {\"key\": \"book\", \"value\": \"7\"},
\t\t{\"key\": \"apiToken\", \"value\": \"tok-abcdef\"}],
\t\"auth\": {\"type\": \"bearer\", \"bearer\": [{\"key\": \"token\", \"value\": \"{{apiToken}}\"}]},
\t\"item\": [
\t\t{\"name\": \"Books\", \"item\": [
\t\t\t{\"name\": \"One \\ud83d\\udcd6\", \"event\": [{\"listen\": \"test\", \"script\": {\"exec\": [
\t\t\t\t\"pm.test('ok', function () {\", \" pm.response.to.have.status(200);\", \"});\",
\t\t\t\t\"const body = pm.response.json();\",
\t\t\t\t\"pm.test('it', () => { pm.expect(body.id).to.eql(7); });\",
\t\t\t\t\"pm.environment.set('x', body.id);\"]}}],
\t\t\t \"request\": {\"method\": \"GET\", \"url\": {\"raw\": \"{{base}}/books/:id?x={{book}}\", \"variable\": [{\"key\": \"id\", \"value\": \"{{book}}\"}]}}},
\t\t\t{\"name\": \"Order\", \"protocolProfileBehavior\": {\"followRedirects\": false}, \"request\": {\"method\": \"POST\", \"auth\": {\"type\": \"noauth\"},
\t\t\t  \"header\": [{\"key\": \"Idempotency-Key\", \"value\": \"{{$guid}}\"}, {\"key\": \"X\", \"value\": \"1\", \"disabled\": true}],
\t\t\t  \"body\": {\"mode\": \"raw\", \"raw\": \"{\\\"book\\\": \\\"{{book}}\\\", \\\"who\\\": \\\"{{customer}}\\\"}\", \"options\": {\"raw\": {\"language\": \"json\"}}},
\t\t\t  \"url\": \"{{base}}/orders\"}},
\t\t\t{\"name\": \"Form\", \"request\": {\"method\": \"POST\", \"url\": \"{{base}}/form\", \"body\": {\"mode\": \"urlencoded\", \"urlencoded\": [
\t\t\t  {\"key\": \"password\", \"value\": \"hunter22\"}, {\"key\": \"a\", \"value\": \"b\"}]}}},
\t\t\t{\"name\": \"Upload\", \"request\": {\"method\": \"POST\", \"url\": \"{{base}}/up\", \"body\": {\"mode\": \"formdata\", \"formdata\": [
\t\t\t  {\"key\": \"f\", \"type\": \"file\", \"src\": \"a.png\"}]}}},
\t\t\t{\"name\": \"Random\", \"request\": {\"method\": \"GET\", \"url\": \"{{base}}/r?x={{$randomCity}}\"}}
\t\t]},
\t\t{\"name\": \"Elsewhere\", \"request\": {\"method\": \"GET\", \"url\": \"https://other.example.com/\"}}
\t]
}"
    ), @r#"
    version: 1
    name: Shop
    vars: { book: "7" }
    secrets: { apitoken: "env:APITOKEN", customer: "env:CUSTOMER", password: "env:PASSWORD" }
    checks:
      - name: "Books: One \U0001F4D6"
        http:
          url: "/v1/books/{{ book }}"
          query: { x: "{{ book }}" }
          headers: { authorization: "Bearer {{ apitoken }}" }
          follow_redirects: true
        expect:
          - { status: 200 }
          - { json: { path: $.id, equals: 7 } }
      - name: "Books: Order"
        on: [pre-traffic]
        http:
          method: POST
          url: /v1/orders
          headers: { idempotency-key: "{{ uuid() }}" }
          json: { book: "{{ book }}", who: "{{ customer }}" }
      - name: "Books: Form"
        on: [pre-traffic]
        http:
          method: POST
          url: /v1/form
          headers: { authorization: "Bearer {{ apitoken }}" }
          form: { password: "{{ password }}", a: b }
          follow_redirects: true
    left out:
    12: Books: One 📖: a script: pm.environment.set('x', body.id);
    20: Books: Upload: the file of its field f is not in the collection
    22: Books: Random: the dynamic variable $randomCity has nothing like it in suites
    24: Elsewhere: it asks https://other.example.com, and the release is taken to be https://shop.example.com
    "#);
}

#[test]
fn a_bruno_collection_keeps_what_is_declared() {
    insta::assert_snapshot!(shown(
        r#"
opencollection: 1.0.0
info: { name: Shop }
config:
  environments:
    - name: local
      variables: [ { name: base, value: "http://localhost:8080" } ]
items:
  - info: { name: Books, type: folder }
    items:
      - info: { name: One, type: http }
        http:
          method: GET
          url: "{{base}}/books/:id"
          params: [ { name: id, value: "7", type: path }, { name: q, value: x y, type: query } ]
          auth: { type: basic, username: demo, password: hunter22 }
        runtime:
          assertions:
            - { expression: res.status, operator: eq, value: "200" }
            - { expression: "res.body.items[0].id", operator: eq, value: "7" }
            - { expression: res.body.total, operator: gt, value: "7" }
          scripts:
            - { type: tests, code: "test('x', () => {})" }
  - info: { name: Stream, type: grpc }
    grpc: { url: x }
"#
    ), @r#"
    version: 1
    name: Shop
    secrets: { password: "env:PASSWORD" }
    checks:
      - name: "Books: One"
        http:
          url: /books/7
          query: { q: "x y" }
          basic: { user: demo, password: "{{ password }}" }
          follow_redirects: true
        expect:
          - { status: 200 }
          - { json: { path: "$.items[0].id", equals: 7 } }
    left out:
    21: Books: One: the assertion res.body.total gt 7
    23: Books: One: its scripts
    24: Stream: it is of the kind grpc
    "#);
}

#[test]
fn what_is_not_known_is_refused_with_what_to_give() {
    for text in [
        "",
        "hello: world\n",
        "{}",
        "{\"swagger\": \"2.0\"}",
        "swagger: '2.0'\n",
        "{\"log\": 1}",
        "{ x",
        "meta {\n}\n",
        "openapi: 4.0.0\n",
        "curl\n",
        "{\"item\": []}",
    ] {
        let problems = convert("x", text).unwrap_err();
        assert!(!problems.problems[0].remedy.is_empty(), "{text:?}");
    }
}

fn a_secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!_.]{8,20}".prop_map(|text| format!("zq{text}qz"))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        "\\PC{0,10}",
        Just("{{ x }}".to_owned()),
        Just("a: b # c".to_owned())
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_secret_of_a_recording_stands_in_its_suite(
        secret in a_secret(), name in any_text(), value in any_text(), path in "[a-z/ü%{}]{0,12}", status in 0_i64..700
    ) {
        let har = serde_json::json!({"log": {"entries": [
            {"request": {"method": "POST", "url": format!("https://a.example.com/{path}?token={secret}&q=1"),
                "headers": [{"name": "Authorization", "value": format!("Bearer {secret}")}, {"name": "x-note", "value": value},
                    {"name": "Cookie", "value": format!("sid={secret}")}],
                "postData": {"mimeType": "application/json",
                    "text": serde_json::json!({"password": secret, name.clone(): value}).to_string()}},
             "response": {"status": status, "content": {"mimeType": "text/html"}}},
            {"request": {"method": "GET", "url": "https://a.example.com/", "headers": []},
             "response": {"status": 200, "content": {"mimeType": "text/html"}}}]}});
        let converted = convert("x.har", &har.to_string()).unwrap();
        prop_assert!(Suite::parse("suite", &converted.suite).is_ok(), "{}", converted.suite);
        prop_assert!(!converted.suite.contains(&secret), "{}", converted.suite);
        prop_assert!(!format!("{:?}", converted.left).contains(&secret), "{:?}", converted.left);
    }

    #[test]
    fn any_command_of_curl_is_a_check_or_left_out(words in proptest::collection::vec(any_text(), 0..6)) {
        let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let text = format!("curl https://a.example.com/\ncurl {}\n", words.join(" "));
        let converted = convert("x", &text).unwrap();
        prop_assert!(Suite::parse("suite", &converted.suite).is_ok(), "{}", converted.suite);
        prop_assert!(converted.checks + converted.left.len() >= 2);
    }

    #[test]
    fn no_secret_of_a_collection_stands_in_its_suite(
        secret in a_secret(), name in any_text(), value in any_text(), path in "[a-z/ü%{}:]{0,12}"
    ) {
        let pairs = |value: &str| serde_json::json!([{"key": name, "value": value}, {"key": "password", "value": secret}]);
        let raw = serde_json::json!({name.clone(): value, "auth": {"pin": secret, "note": [secret]}}).to_string();
        let request = |body: serde_json::Value| serde_json::json!({"name": name, "request": {
            "method": "POST", "url": format!("{{{{base}}}}/{path}?access_token={secret}&q={{{{q}}}}"), "body": body,
            "header": [{"key": "Authorization", "value": format!("Basic {secret}")}, {"key": "x-note", "value": value},
                {"key": "cookie", "value": format!("sid={secret}; {name}=1")}],
            "auth": {"type": "apikey", "apikey": [{"key": "key", "value": name}, {"key": "value", "value": secret}]}}});
        let collection = serde_json::json!({"info": {"name": value}, "variable": [
                {"key": "base", "value": "https://a.example.com"}, {"key": "apiKey", "value": secret}],
            "item": [{"name": "sure", "request": "https://a.example.com/"},
                request(serde_json::json!({"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}})),
                request(serde_json::json!({"mode": "raw", "raw": format!("password: {secret} {{{{q}}}}")})),
                request(serde_json::json!({"mode": "urlencoded", "urlencoded": pairs(&value)})),
                request(serde_json::json!({"mode": "formdata", "formdata": pairs(&value)})),
                request(serde_json::json!({"mode": "graphql", "graphql": {
                    "query": format!("mutation {{ login(password: \"{secret}\") {{ id }} }}"), "variables": raw}}))]});
        let converted = convert("x.json", &collection.to_string()).unwrap();
        prop_assert!(Suite::parse("suite", &converted.suite).is_ok(), "{}", converted.suite);
        prop_assert!(!converted.suite.contains(&secret), "{}", converted.suite);
        prop_assert!(!format!("{:?}", converted.left).contains(&secret), "{:?}", converted.left);
    }

    #[test]
    fn any_description_is_a_suite(name in any_text(), value in any_text(), path in "[a-z/ü%-]{1,12}", kind in "[a-z]{1,8}") {
        let description = serde_json::json!({"openapi": "3.1.0", "info": {"title": name}, "paths": {
            "/sure": {"get": {"responses": {"200": {"description": "x"}}}},
            format!("/{path}/{{id}}"): {"get": {"summary": value, "parameters": [
                {"name": "id", "in": "path", "required": true, "example": value},
                {"name": name, "in": "query", "required": true, "example": value},
                {"name": name, "in": "header", "required": true, "example": value}],
                "responses": {"200": {"content": {"application/json": {"schema": {"type": kind, "pattern": name, "enum": [value]}}}}}}}}});
        let converted = convert("x.json", &description.to_string()).unwrap();
        prop_assert!(Suite::parse("suite", &converted.suite).is_ok(), "{}", converted.suite);
    }
}
