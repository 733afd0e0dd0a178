//! `init --from` as people call it, with a small file of each kind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

const SECRET: &str = "hunter22-Zq8Zq8";

const OPENAPI: &str = r#"
openapi: 3.1.0
info: { title: Book shop, version: "1" }
paths:
  /books:
    get:
      summary: All books
      responses: { "200": { content: { application/json: { schema: { type: array } } } } }
    post: { responses: { "201": { description: made } } }
  /books/{id}:
    get:
      parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
      responses: { "200": { description: one } }
"#;

const HAR: &str = r#"{"log": {"entries": [
  {"_resourceType": "document", "request": {"method": "GET", "url": "https://shop.example.com/",
    "headers": [{"name": "Cookie", "value": "sid=hunter22-Zq8Zq8-a"}, {"name": "User-Agent", "value": "x"}]},
   "response": {"status": 200, "content": {"mimeType": "text/html"}}},
  {"_resourceType": "xhr", "request": {"method": "POST", "url": "https://shop.example.com/login?api_key=hunter22-Zq8Zq8-b",
    "headers": [{"name": "Authorization", "value": "Bearer hunter22-Zq8Zq8-c"}],
    "postData": {"mimeType": "application/json", "text": "{\"user\":\"demo\",\"password\":\"hunter22-Zq8Zq8\"}"}},
   "response": {"status": 200, "content": {"mimeType": "application/json"}}},
  {"_resourceType": "fetch", "request": {"method": "POST", "url": "https://shop.example.com/graphql", "headers": [],
    "postData": {"mimeType": "application/json", "text": "{\"query\":\"mutation { login(password: \\\"hunter22-Zq8Zq8\\\") { id } }\"}"}},
   "response": {"status": 200}},
  {"_resourceType": "image", "request": {"method": "GET", "url": "https://shop.example.com/a.png"},
   "response": {"status": 200}}
]}}"#;

const CURL: &str = "\
curl https://shop.example.com/books -H 'accept: application/json'
curl -u demo:hunter22-Zq8Zq8 https://shop.example.com/admin -k | jq .
curl https://shop.example.com/cover -T cover.png
";

const POSTMAN: &str = r#"{
  "info": {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
  "variable": [{"key": "base", "value": "https://shop.example.com"}, {"key": "token", "value": "hunter22-Zq8Zq8"}],
  "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
  "item": [
    {"name": "Books", "event": [{"listen": "test", "script": {"exec": ["pm.response.to.have.status(200);"]}}],
     "request": {"method": "GET", "url": {"raw": "{{base}}/books"}}},
    {"name": "Sign in", "event": [{"listen": "test", "script": {"exec": ["pm.environment.set('x', 1);"]}}],
     "request": {"method": "POST", "url": "{{base}}/login", "auth": {"type": "noauth"},
       "body": {"mode": "urlencoded", "urlencoded": [{"key": "user", "value": "demo"}, {"key": "password", "value": "hunter22-Zq8Zq8"}]}}},
    {"name": "Upload", "request": {"method": "POST", "url": "{{base}}/covers", "body": {"mode": "file", "file": {"src": "a.png"}}}}
  ]
}"#;

const BRUNO: &str = r#"
info: { name: One book, type: http }
http:
  method: GET
  url: "http://localhost:8080/books/7"
  auth: { type: bearer, token: hunter22-Zq8Zq8 }
runtime:
  assertions:
    - { expression: res.status, operator: eq, value: "200" }
    - { expression: res.body.price, operator: gt, value: "7" }
"#;

const KINDS: [(&str, &str); 5] = [
    ("openapi.yaml", OPENAPI),
    ("visit.har", HAR),
    ("requests.sh", CURL),
    ("shop.postman_collection.json", POSTMAN),
    ("book.yml", BRUNO),
];

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("init-from-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"));
    program.current_dir(folder).args(args).output().unwrap()
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    format!("{out}{err}(ends with {})\n", output.status.code().unwrap())
}

#[test]
fn a_file_of_each_kind_is_a_suite_and_what_is_left_out_is_listed() {
    let folder = folder("kinds");
    let mut all = String::new();
    for (name, text) in KINDS {
        std::fs::write(folder.join(name), text).unwrap();
        let made = run(&folder, &["init", "suite.yaml", "--from", name, "--force"]);
        all += &told(&made);
        let suite = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
        assert!(!suite.contains(SECRET), "{name}: {suite}");
        let valid = run(&folder, &["validate", "suite.yaml"]);
        assert_eq!(
            valid.status.code(),
            Some(0),
            "{name}: {}\n{suite}",
            told(&valid)
        );
    }
    assert!(!all.contains(SECRET), "{all}");
    assert_snapshot!(all, @r#"
    suite.yaml: 1 check, from openapi.yaml, an OpenAPI description
    Not carried over:
      openapi.yaml:9: POST /books: it may change something, and nothing says what it may change
      openapi.yaml:11: GET /books/{id}: its parameter id is required, and has no example

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    suite.yaml: 2 checks, from visit.har, a recording of a browser (HAR)
    Secrets: "cookie_sid", "api_key", "authorization", "password". Set them as environment variables, or write under `secrets` where each is kept
    Not carried over:
      visit.har: entry 3: `query` of its body has a secret within a longer text
      visit.har: 1 request of the kind image
      visit.har: headers that a browser sets by itself: "user-agent"

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    suite.yaml: 2 checks, from requests.sh, curl
    Secrets: "password". Set them as environment variables, or write under `secrets` where each is kept
    Not carried over:
      requests.sh:2: GET /admin: the option --insecure: certificates are always checked; name the authority by `ca_certificates`
      requests.sh:2: GET /admin: what a shell does with the answer: | jq .
      requests.sh:3: a command of curl: its body stands in another file; write it here

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    suite.yaml: 2 checks, from shop.postman_collection.json, a Postman collection
    Secrets: "token". Set them as environment variables, or write under `secrets` where each is kept
    Not carried over:
      shop.postman_collection.json:8: Sign in: a script: pm.environment.set('x', 1);
      shop.postman_collection.json:11: Upload: its body is a file that is not in the collection

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    suite.yaml: 1 check, from book.yml, a Bruno collection
    Secrets: "token". Set them as environment variables, or write under `secrets` where each is kept
    Not carried over:
      book.yml:10: One book: the assertion res.body.price gt 7

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    "#);
}

#[test]
fn the_suite_of_a_recording_has_names_in_place_of_secrets() {
    let folder = folder("secrets");
    std::fs::write(folder.join("visit.har"), HAR).unwrap();
    let printed = run(&folder, &["init", "-", "--from", "visit.har"]);
    assert_snapshot!(told(&printed), @r#"
    version: 1
    name: visit
    secrets:
      cookie_sid: "env:COOKIE_SID"
      api_key: "env:API_KEY"
      authorization: "env:AUTHORIZATION"
      password: "env:PASSWORD"
    checks:
      - name: "GET /"
        http:
          url: /
          cookies: { sid: "{{ cookie_sid }}" }
        expect:
          - { status: 200 }
          - { header: { name: content-type, contains: text/html } }
      - name: "POST /login"
        on: [pre-traffic]
        http:
          method: POST
          url: /login
          query: { api_key: "{{ api_key }}" }
          headers: { authorization: "Bearer {{ authorization }}" }
          json: { user: demo, password: "{{ password }}" }
        expect:
          - { status: 200 }
          - { header: { name: content-type, contains: application/json } }
    Not carried over:
      visit.har: entry 3: `query` of its body has a secret within a longer text
      visit.har: 1 request of the kind image
      visit.har: headers that a browser sets by itself: "user-agent"
    (ends with 0)
    "#);
}

#[test]
fn programs_get_everything_as_json() {
    let folder = folder("json");
    std::fs::write(folder.join("requests.sh"), CURL).unwrap();
    let made = run(
        &folder,
        &["init", "suite.yaml", "--from", "requests.sh", "--json"],
    );
    assert_snapshot!(told(&made), @r#"
    {
      "kind": "curl",
      "checks": 2,
      "secrets": [
        "password"
      ],
      "left_out": [
        {
          "line": 2,
          "what": "GET /admin: the option --insecure: certificates are always checked; name the authority by `ca_certificates`"
        },
        {
          "line": 2,
          "what": "GET /admin: what a shell does with the answer: | jq ."
        },
        {
          "line": 3,
          "what": "a command of curl: its body stands in another file; write it here"
        }
      ],
      "file": "suite.yaml"
    }
    (ends with 0)
    "#);
    let printed = run(&folder, &["init", "-", "--from", "requests.sh", "--json"]);
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let suite = std::fs::read_to_string(folder.join("suite.yaml")).unwrap();
    assert_eq!(printed["suite"], suite);
}

#[test]
fn commands_are_read_from_standard_input() {
    let folder = folder("input");
    let mut child = Command::new(env!("CARGO_BIN_EXE_deploy-hooks"))
        .current_dir(&folder)
        .args(["init", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(b"curl http://localhost:8080/health\n")
        .unwrap();
    drop(input);
    assert_snapshot!(told(&child.wait_with_output().unwrap()), @r#"
    suite.yaml: 1 check, from standard input, curl

    Next: deploy-hooks check suite.yaml --url http://localhost:8080
    (ends with 0)
    "#);
    assert_snapshot!(std::fs::read_to_string(folder.join("suite.yaml")).unwrap(), @r#"
    version: 1
    name: suite
    checks:
      - { name: "GET /health", http: "GET /health" }
    "#);
}

#[test]
fn what_is_no_such_file_is_refused_and_nothing_is_written() {
    let folder = folder("refused");
    let files = [
        ("notes.txt", "buy milk\n"),
        ("empty.json", ""),
        ("cut.har", "{\"log\": {"),
        ("wrong.har", "{\"log\": {\"entries\": 7}}"),
        ("none.har", "{\"log\": {\"entries\": []}}"),
        ("old.json", "{\"swagger\": \"2.0\"}"),
        ("new.yaml", "openapi: 4.0.0\n"),
        (
            "nothing.yaml",
            "openapi: 3.0.0\npaths: { /a: { post: {} } }\n",
        ),
        ("request.bru", "meta {\n  name: x\n}\n"),
        (
            "first.json",
            r#"{"item": [], "info": {"schema": "https://schema.getpostman.com/json/collection/v1.0.0/"}}"#,
        ),
        ("api.json", r#"{"collection": {"item": []}}"#),
        ("split.yaml", "opencollection: 1.0.0\ninfo: { name: x }\n"),
        ("files.sh", "curl -d @body.json http://localhost/\n"),
        ("broken.yaml", "openapi: 3.0.0\npaths: [\n"),
    ];
    let mut all = String::new();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
        let refused = run(&folder, &["init", "--from", name]);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        all += &told(&refused);
    }
    assert!(!folder.join("suite.yaml").exists());
    assert_snapshot!(all, @r#"
    notes.txt:1:1: it is not known what this file is; give an OpenAPI description (3.0, 3.1), a HAR, curl commands, a Postman collection (v2.1), a Bruno collection in YAML, or a file whose name ends with .hurl
    (ends with 2)
    empty.json:1:1: it is not known what this file is; give an OpenAPI description (3.0, 3.1), a HAR, curl commands, a Postman collection (v2.1), a Bruno collection in YAML, or a file whose name ends with .hurl
    (ends with 2)
    cut.har:1:9: not valid JSON: EOF while parsing an object at line 1 column 9; give a whole file; it must be JSON where it begins with {
    (ends with 2)
    wrong.har:1:21: it is no recording of a browser: invalid type: integer `7`, expected a sequence at line 1 column 21; save it again from the browser's network tools, as HAR
    (ends with 2)
    none.har:1:1: nothing of it can be asked by a suite; give a file with requests that a suite can send
    (ends with 2)
    old.json:1:1: this is a description of Swagger 2.0, which is not read; convert it to OpenAPI 3 first
    (ends with 2)
    new.yaml:1:10: OpenAPI 4.0.0 is not read; give a description of OpenAPI 3.0 or 3.1
    (ends with 2)
    nothing.yaml:1:1: nothing of it can be asked by a suite: line 2: POST /a: it may change something, and nothing says what it may change; give a file with requests that a suite can send
    (ends with 2)
    request.bru:1:1: this is a request of Bruno in its own language; save the collection as YAML (OpenCollection), and give that
    (ends with 2)
    first.json:1:1: this is a collection of Postman in its first format; export it as Collection v2.1
    (ends with 2)
    api.json:1:1: the collection stands within another object; export it from Postman as Collection v2.1, and give that file
    (ends with 2)
    split.yaml:1:1: the file of this collection has no requests; each is a file of its own; give the file of a request, or the collection exported as one file
    (ends with 2)
    files.sh:1:1: nothing of it can be asked by a suite: line 1: a command of curl: its body stands in another file; write it here; give a file with requests that a suite can send
    (ends with 2)
    broken.yaml:3:1: not valid YAML: while parsing a node, did not find expected node content; check the indentation, quotes and brackets here and in the line above
    (ends with 2)
    "#);
}

#[test]
fn a_call_that_means_two_things_is_refused() {
    let folder = folder("calls");
    std::fs::write(folder.join("requests.sh"), CURL).unwrap();
    std::fs::write(folder.join("suite.yaml"), "mine").unwrap();
    std::fs::write(folder.join("latin.sh"), b"curl http://localhost/\xe4\n").unwrap();
    let mut all = String::new();
    for args in [
        &["init"][..],
        &[
            "init",
            "a.yaml",
            "--from",
            "requests.sh",
            "--url",
            "http://localhost",
        ],
        &["init", "a.yaml", "--from", "requests.sh", "--name", "shop"],
        &["init", "a.yaml", "--from", "requests.sh", "--var", "a=1"],
        &[
            "init",
            "a.yaml",
            "--from",
            "requests.sh",
            "--secret",
            "a=env:A",
        ],
        &["init", "a.yaml", "--from", "nowhere.sh"],
        &["init", "a.yaml", "--from", "latin.sh"],
        &["init", "--from", "requests.sh"],
        &["init", "requests.sh/a.yaml", "--from", "requests.sh"],
    ] {
        let refused = run(&folder, args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        all += &told(&refused);
    }
    assert!(!folder.join("a.yaml").exists());
    assert_snapshot!(all, @r#"
    error: the following required arguments were not provided:
      <--url <URL>|--from <FILE>>

    Usage: deploy-hooks init <--url <URL>|--from <FILE>> [FILE]

    For more information, try '--help'.
    (ends with 2)
    error: the argument '--from <FILE>' cannot be used with '--url <URL>'

    Usage: deploy-hooks init <--url <URL>|--from <FILE>> <FILE>

    For more information, try '--help'.
    (ends with 2)
    error: the argument '--from <FILE>' cannot be used with '--name <NAME>'

    Usage: deploy-hooks init <--url <URL>|--from <FILE>> <FILE>

    For more information, try '--help'.
    (ends with 2)
    --var and --secret give values to Hurl files here, and there is none
    (ends with 2)
    --var and --secret give values to Hurl files here, and there is none
    (ends with 2)
    nowhere.sh could not be read: No such file or directory (os error 2)
    (ends with 2)
    latin.sh could not be read: it is not UTF-8 (line 1); save it as UTF-8
    (ends with 2)
    suite.yaml is there already; name another file, or replace it with --force
    (ends with 2)
    the folder requests.sh could not be made: File exists (os error 17)
    (ends with 2)
    "#);
}
