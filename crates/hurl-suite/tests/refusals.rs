//! What is refused, with its place and what to do. Nothing is skipped.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use hurl_suite::Inputs;

fn refused(file: &str) -> String {
    let problems = hurl_suite::suite("shop.hurl", file, &Inputs::default());
    problems.unwrap_err().to_string()
}

/// What is said of each line as an option, an assert or a capture.
fn each(before: &str, lines: &[&str]) -> String {
    let said = lines.iter().map(|line| {
        let text = refused(&format!("{before}{line}\n"));
        format!("{line}\n  {}\n", text.replace('\n', "\n  "))
    });
    said.collect()
}

#[test]
fn comments_that_change_cookies() {
    let file = "# a comment says nothing\n# @cookie_storage_set: localhost FALSE / FALSE 0 theme dark\nGET {{host}}/a\nHTTP 200\n\n\
        #@cookie_storage_clear\n\nGET {{host}}/b # @cookie_storage_clear says nothing here, in Hurl either\nHTTP 200\n";
    insta::assert_snapshot!(refused(file), @"
    shop.hurl:2:2: @cookie_storage_set: in a comment changes the cookies in Hurl; remove it, and send the cookie by [Cookies] where it is needed
    shop.hurl:6:2: @cookie_storage_clear in a comment changes the cookies in Hurl; begin another file there: each begins without cookies
    ");
}

#[test]
fn options() {
    let all = each(
        "GET {{host}}/a\n[Options]\n",
        &[
            "insecure: true",
            "skip: true",
            "delay: 1s",
            "location-trusted: true",
            "max-redirs: 20",
            "max-redirs: -1",
            "retry: -1",
            "retry: 101",
            "retry: {{times}}",
            "repeat: 3",
            "user: a:b",
            "http2: true",
            "connect-timeout: 1s",
            "output: out.html",
            "cacert: ca.pem",
            "aws-sigv4: aws:amz:eu-west-1:s3",
            "variable: a=null",
            "variable: a={{b}}",
            "max-time: 2h",
        ],
    );
    insta::assert_snapshot!(all, @r#"
    insecure: true
      shop.hurl:3:1: insecure: a gate checks certificates; leave it out; a suite trusts an authority of your own by ca_certificates
    skip: true
      shop.hurl:3:1: skip: a gate never skips a request; remove the option, or the entry
    delay: 1s
      shop.hurl:3:1: delay: a step begins when the one before has ended; leave it out; to wait for something, retry what it makes true
    location-trusted: true
      shop.hurl:3:1: location-trusted: credentials never follow a redirect to another place; write location: true
    max-redirs: 20
      shop.hurl:3:1: max-redirs: 20 is more than a gate follows; write up to 10, or leave it out
    max-redirs: -1
      shop.hurl:3:1: max-redirs: -1 is more than a gate follows; write up to 10, or leave it out
    retry: -1
      shop.hurl:3:1: retry: -1 would try for ever, and a gate has to answer; say how often, up to 100
    retry: 101
      shop.hurl:3:1: retries is out of range; write a whole number from 0 to 100
    retry: {{times}}
      shop.hurl:3:1: an option can't have placeholders; write the value out
    repeat: 3
      shop.hurl:3:1: repeat: a step is asked once; leave it out; the bake of a suite asks again
    user: a:b
      shop.hurl:3:1: user: credentials have a section of their own; write [BasicAuth], with the password as a placeholder
    http2: true
      shop.hurl:3:1: the option http2 is not supported; leave it out here, and write the check in a suite if it matters
    connect-timeout: 1s
      shop.hurl:3:1: the option connect-timeout is not supported; leave it out here, and write the check in a suite if it matters
    output: out.html
      shop.hurl:3:1: the option output is not supported; leave it out here, and write the check in a suite if it matters
    cacert: ca.pem
      shop.hurl:3:1: cacert: files are not read; leave it out; a suite trusts an authority of your own by ca_certificates
    aws-sigv4: aws:amz:eu-west-1:s3
      shop.hurl:3:1: the option aws-sigv4 is not supported; leave it out here, and write the check in a suite if it matters
    variable: a=null
      shop.hurl:3:11: a variable of a suite can't be null; write null where it is used
    variable: a={{b}}
      shop.hurl:3:13: the value of a variable can't have placeholders; write it out
    max-time: 2h
      shop.hurl:3:1: timeout: "2h" is out of range; write 1ms to 1h
    "#);
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn queries_and_filters() {
    let all = each(
        "GET {{host}}/a\nHTTP 200\n[Asserts]\n",
        &[
            "xpath \"//h1\" exists",
            "certificate \"Subject\" contains \"a\"",
            "regex /a(b)/ == \"b\"",
            "md5 == hex,d41d8cd98f00b204e9800998ecf8427e;",
            "rawbytes count == 1",
            "ip isIpv4",
            "version == \"1.1\"",
            "variable \"a\" == 1",
            "url == \"http://a\"",
            "redirects count == 1",
            "duration > 5",
            "duration == 5",
            "bytes == hex,00;",
            "sha256 != hex,00;",
            "cookie \"a\" not exists",
            "cookie \"a[Path]\" == \"/\"",
            "cookie \"a\" contains \"b\"",
            "cookie \"a\" == \"b; Path=/\"",
            "cookie \"a\" == \"{{b}}\"",
            "header \"A\" toInt == 5",
            "header \"A\" count == 1",
            "header \"A\" == 5",
            "header \"A\" not contains \"b\"",
            "body replace \"a\" \"b\" == \"c\"",
            "body not exists",
            "jsonpath \"$.a\" split \",\" count == 2",
            "jsonpath \"$.a[*]\" first == 1",
            "jsonpath \"$.a[*]\" count == 1",
            "jsonpath \"$..a\" count == 3",
            "jsonpath \"$.a[*]\" contains 1",
            "jsonpath \"$.a[*]\" not == 1",
            "jsonpath \"$.a\" not == 1",
            "jsonpath \"$.a\" not isEmpty",
            "jsonpath \"$.a\" isInteger",
            "jsonpath \"$.a\" isFloat",
            "jsonpath \"$.a\" isCollection",
            "jsonpath \"$.a\" isIsoDate",
            "jsonpath \"$.a\" isUuid",
            "jsonpath \"$.a\" isIpv4",
            "jsonpath \"$.a\" > \"5\"",
            "jsonpath \"$.a\" count != 5",
            "jsonpath \"$.a\" == {{b}}",
            "jsonpath \"$.a\" matches \"{{b}}\"",
            "jsonpath \"a\" == 1",
            "status == \"200\"",
            "status == 700",
            "status matches /2../",
        ],
    );
    insta::assert_snapshot!(all, @r#"
    xpath "//h1" exists
      shop.hurl:4:1: the query xpath is not supported here; a suite judges pages by `css`
    certificate "Subject" contains "a"
      shop.hurl:4:1: the query certificate is not supported here; a suite has the probe `tls` for certificates
    regex /a(b)/ == "b"
      shop.hurl:4:1: the query regex is not supported here; write `body matches /…/`
    md5 == hex,d41d8cd98f00b204e9800998ecf8427e;
      shop.hurl:4:1: the query md5 is not supported here; compare sha256
    rawbytes count == 1
      shop.hurl:4:1: the query rawbytes is not supported here; compare bytes, whose codings are undone
    ip isIpv4
      shop.hurl:4:1: the query ip is not supported here; leave it out here, and write the check in a suite if it matters
    version == "1.1"
      shop.hurl:4:1: the query version is not supported here; leave it out here, and write the check in a suite if it matters
    variable "a" == 1
      shop.hurl:4:1: the query variable is not supported here; assert where the value comes from, instead of capturing it
    url == "http://a"
      shop.hurl:4:1: url without location: true is the URL that was asked for; leave it out, or follow redirects
    redirects count == 1
      shop.hurl:4:1: redirects without location: true: none is followed; leave it out, or follow redirects
    duration > 5
      shop.hurl:4:10: `>` of duration is not supported; a release is not too fast: compare it with < or <=
    duration == 5
      shop.hurl:4:10: `==` of duration is not supported; a release is not too fast: compare it with < or <=
    bytes == hex,00;
      shop.hurl:4:7: `==` of bytes is not supported; compare `bytes count`, sha256 or body
    sha256 != hex,00;
      shop.hurl:4:8: `!=` of sha256 is not supported; write sha256 == hex,…;
    cookie "a" not exists
      shop.hurl:4:16: `not exists` of cookie is not supported; assert what the cookie is, or the header Set-Cookie
    cookie "a[Path]" == "/"
      shop.hurl:4:1: the attribute Path of a cookie is not supported; compare the header: header "Set-Cookie" contains "…"
    cookie "a" contains "b"
      shop.hurl:4:12: `contains` of cookie is not supported; a cookie can be asked whether it exists, and with ==
    cookie "a" == "b; Path=/"
      shop.hurl:4:15: no value of a cookie has a ;, so this never holds; write the value alone, or compare the header Set-Cookie
    cookie "a" == "{{b}}"
      shop.hurl:4:18: {{b}} has no value here; give --var b=VALUE or --secret b=WHERE, or capture it before
    header "A" toInt == 5
      shop.hurl:4:12: the filter toInt on header is not supported; leave it out here, and write the check in a suite if it matters
    header "A" count == 1
      shop.hurl:4:18: a count that one value may meet: what is there once is no list in Hurl; ask for two at least, or whether it exists
    header "A" == 5
      shop.hurl:4:12: no text, and what is compared is text; write it in quotes
    header "A" not contains "b"
      shop.hurl:4:1: in Hurl this holds, too, where there is no header "A"; say that it must be there: add the line `header "A" exists`
    body replace "a" "b" == "c"
      shop.hurl:4:6: the filter replace on body is not supported; leave it out here, and write the check in a suite if it matters
    body not exists
      shop.hurl:4:1: a body is always there, so this never holds; write `body isEmpty`
    jsonpath "$.a" split "," count == 2
      shop.hurl:4:16: the filter split on jsonpath is not supported here; leave it out here, and write the check in a suite if it matters
    jsonpath "$.a[*]" first == 1
      shop.hurl:4:19: first of a path that may select one value, which is no list in Hurl; name the list itself: $.items instead of $.items[*]
    jsonpath "$.a[*]" count == 1
      shop.hurl:4:25: a count that one value may meet: what is there once is no list in Hurl; ask for two at least, or whether it exists
    jsonpath "$..a" count == 3
      shop.hurl:4:23: count of what .. selects: of a single list Hurl counts the elements; name the list itself: $.items
    jsonpath "$.a[*]" contains 1
      shop.hurl:4:1: what Hurl asks here depends on how many values the path selects; name one value, or the list itself: $.items instead of $.items[*]
    jsonpath "$.a[*]" not == 1
      shop.hurl:4:1: what Hurl asks here depends on how many values the path selects; name one value, or the list itself: $.items instead of $.items[*]
    jsonpath "$.a" not == 1
      shop.hurl:4:1: in Hurl this holds, too, where there is no jsonpath "$.a"; say that it must be there: add the line `jsonpath "$.a" exists`
    jsonpath "$.a" not isEmpty
      shop.hurl:4:1: in Hurl this holds, too, where there is no jsonpath "$.a"; say that it must be there: add the line `jsonpath "$.a" exists`
    jsonpath "$.a" isInteger
      shop.hurl:4:16: `isInteger` of jsonpath is not supported; 7 and 7.0 are the same number here: write isNumber
    jsonpath "$.a" isFloat
      shop.hurl:4:16: `isFloat` of jsonpath is not supported; 7 and 7.0 are the same number here: write isNumber
    jsonpath "$.a" isCollection
      shop.hurl:4:16: `isCollection` of jsonpath is not supported; write isList or isObject
    jsonpath "$.a" isIsoDate
      shop.hurl:4:16: `isIsoDate` of jsonpath is not supported; describe the text: matches /…/
    jsonpath "$.a" isUuid
      shop.hurl:4:16: `isUuid` of jsonpath is not supported; describe the text: matches /…/
    jsonpath "$.a" isIpv4
      shop.hurl:4:16: `isIpv4` of jsonpath is not supported; leave it out here, and write the check in a suite if it matters
    jsonpath "$.a" > "5"
      shop.hurl:4:16: `>` of jsonpath is not supported; compare with a number, or a variable that is one
    jsonpath "$.a" count != 5
      shop.hurl:4:22: `!=` of jsonpath is not supported; compare the count with a whole number, but not by !=
    jsonpath "$.a" == {{b}}
      shop.hurl:4:21: {{b}} has no value here; give --var b=VALUE or --secret b=WHERE, or capture it before
    jsonpath "$.a" matches "{{b}}"
      shop.hurl:4:24: a regular expression can't have placeholders; write it out
    jsonpath "a" == 1
      shop.hurl:4:10: "a" is not a JSONPath: a path begins with $ (character 1); write $.a
    status == "200"
      shop.hurl:4:8: `==` of status is not supported; compare it with a whole number
    status == 700
      shop.hurl:4:8: no status that HTTP has makes a difference here; compare it with 100 to 599
    status matches /2../
      shop.hurl:4:8: `matches` of status is not supported; compare it with a whole number
    "#);
}

#[test]
fn captures() {
    let all = each(
        "GET {{host}}/a\nHTTP 200\n[Captures]\n",
        &[
            "a: xpath \"//h1\"",
            "a: status",
            "a: url",
            "a: duration",
            "a: regex /a/",
            "a: header \"Location\" regex /id=(.*)/",
            "a: jsonpath \"$.a\" replace \"x\" \"y\"",
            "a: jsonpath \"$.a[*]\" first",
            "a: cookie \"b[Path]\"",
        ],
    );
    insta::assert_snapshot!(all, @r#"
    a: xpath "//h1"
      shop.hurl:4:4: the query xpath is not supported here; capture by jsonpath, header, cookie, regex or body
    a: status
      shop.hurl:4:4: the query status is not supported here; capture by jsonpath, header, cookie, regex or body
    a: url
      shop.hurl:4:4: the query url is not supported here; capture by jsonpath, header, cookie, regex or body
    a: duration
      shop.hurl:4:4: the query duration is not supported here; capture by jsonpath, header, cookie, regex or body
    a: regex /a/
      shop.hurl:4:4: the regular expression has no group, so that Hurl finds nothing; put what is captured in parentheses
    a: header "Location" regex /id=(.*)/
      shop.hurl:4:22: the filter regex on header is not supported; capture the value as it comes, or by `regex` from the body
    a: jsonpath "$.a" replace "x" "y"
      shop.hurl:4:19: the filter replace on jsonpath is not supported here; leave it out here, and write the check in a suite if it matters
    a: jsonpath "$.a[*]" first
      shop.hurl:4:22: first of a path that may select one value, which is no list in Hurl; name the list itself: $.items instead of $.items[*]
    a: cookie "b[Path]"
      shop.hurl:4:4: an attribute of a cookie can't be captured; leave it out here, and write the check in a suite if it matters
    "#);
}

#[test]
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn requests() {
    let all: Vec<String> = [
        "GET http://{{host}}/a\n",
        "GET {{host}}/a/../b\n",
        "GET http://user:hunter22@127.0.0.1/a\n",
        "GET {{host}}:8080/a\n",
        "GET {{host}}/{{api_key}}\n",
        "GET {{host}}{{path}}\n",
        "GET {{host}}{{newUuid}}\n",
        "GET {{host}}/a\nHTTP 200\n[Captures]\nb: header \"B\"\n\nGET {{host}}/a\nHTTP 200\n[Asserts]\ncookie \"a\" == \"{{b}}\"\n",
        "GET /a\n",
        "LINK {{host}}/a\n",
        "GET {{host}}/a\nHost: b\n",
        "GET {{host}}/a\nA: 1\nA: 2\n",
        "GET {{host}}/a\n{{b}}: 1\n",
        "GET {{host}}/a\nHTTP/1.1 200\n",
        "GET {{host}}/a\n[BasicAuth]\nuser: hunter22\n",
        "POST {{host}}/a\nfile,a.json;\n",
        "POST {{host}}/a\nbase64,/w==;\n",
        "POST {{host}}/a\n```raw\n{{a}}\n```\n",
        "POST {{host}}/a\n[Multipart]\na: file,a.png; image/png\n",
        "GET {{host}}/a\nHTTP 200\n{\"a\": \"{{b}}\"}\n",
        "HEAD {{host}}/a\nHTTP 200\n[Asserts]\nbody contains \"a\"\n",
        "GET {{host}}/a\nHTTP 200\n[Captures]\nid: jsonpath \"$.id\"\n[Asserts]\njsonpath \"$.other\" == {{id}}\n",
        "GET {{host}}/a\nHTTP 200\n[Captures]\nid: header \"Id\"\n\nPOST {{host}}/b\n{\"id\": {{id}}}\n",
        "GET {{host}}/a\nX-Place: {{host}}\n",
        "GET {{host}}/a\n\nGET {{api}}/b\n",
        "PUT {{host}}/a\n[Options]\nlocation: true\n",
    ]
    .iter()
    .map(|file| format!("{file}  {}\n", refused(file).replace('\n', "\n  ")))
    .collect();
    insta::assert_snapshot!(all.concat(), @r#"
    GET http://{{host}}/a
      shop.hurl:1:14: {{host}} has no value here; give --var host=VALUE or --secret host=WHERE, or capture it before
    GET {{host}}/a/../b
      shop.hurl:1:5: the path has . or .., which Hurl resolves and a gate sends as they are; write the path that is meant, or path-as-is: true
    GET http://user:hunter22@127.0.0.1/a
      shop.hurl:1:5: credentials in a URL; write [BasicAuth], with the password as a placeholder
    GET {{host}}:8080/a
      shop.hurl:1:5: {{host}} stands for --url only where / or nothing follows; write {{host}}/…, or give --var host=URL, and the file asks that address only
    GET {{host}}/{{api_key}}
      shop.hurl:1:16: {{api_key}} has no value here; give --secret api_key=WHERE or --var api_key=VALUE, or capture it before
    GET {{host}}{{path}}
      shop.hurl:1:15: {{path}} has no value here; give --var path=VALUE or --secret path=WHERE, or capture it before
    GET {{host}}{{newUuid}}
      shop.hurl:1:5: {{host}} stands for --url only where / or nothing follows; write {{host}}/…, or give --var host=URL, and the file asks that address only
    GET {{host}}/a
    HTTP 200
    [Captures]
    b: header "B"

    GET {{host}}/a
    HTTP 200
    [Asserts]
    cookie "a" == "{{b}}"
      shop.hurl:9:15: what is captured or secret may have a ;, which no value of a cookie has; write the value out, or give it by --var
    GET /a
      shop.hurl:1:5: "/a" is no URL of Hurl; begin it with http://, https:// or {{host}}
    LINK {{host}}/a
      shop.hurl:1:1: unknown method "LINK"; write one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
    GET {{host}}/a
    Host: b
      shop.hurl:2:1: the header host is set by the gate; use `host:` of the suite or of the request
    GET {{host}}/a
    A: 1
    A: 2
      shop.hurl:3:1: the key "A" is there twice; it is also in line 2; remove one
    GET {{host}}/a
    {{b}}: 1
      shop.hurl:2:1: a name can't have placeholders; write it out
    GET {{host}}/a
    HTTP/1.1 200
      shop.hurl:2:1: HTTP/1.1 demands a version of HTTP, which is not judged; write HTTP
    GET {{host}}/a
    [BasicAuth]
    user: hunter22
      shop.hurl:3:7: a password stands in the file; write {{password}}, and give --secret password=env:PASSWORD
    POST {{host}}/a
    file,a.json;
      shop.hurl:2:1: a body from a file: files are not read; write it out, between ``` and ```
    POST {{host}}/a
    base64,/w==;
      shop.hurl:2:1: bytes that are no text: a body of a suite is text; compare sha256, or send them as a file of `multipart` in a suite
    POST {{host}}/a
    ```raw
    {{a}}
    ```
      shop.hurl:2:1: {{ as it is can't stand in a text of a suite; send it from a suite, by a variable that holds the braces
    POST {{host}}/a
    [Multipart]
    a: file,a.png; image/png
      shop.hurl:3:1: a file of a multipart form: files are not read; send it from a suite, where `multipart` has `file` with `base64` or `content`
    GET {{host}}/a
    HTTP 200
    {"a": "{{b}}"}
      shop.hurl:3:1: the whole body as JSON with placeholders; write it between ``` and ```, where a value stands as it is, or compare with jsonpath
    HEAD {{host}}/a
    HTTP 200
    [Asserts]
    body contains "a"
      shop.hurl:2:6: an answer to HEAD has no body, so nothing can hold for it; use GET, or expect a status or headers
    GET {{host}}/a
    HTTP 200
    [Captures]
    id: jsonpath "$.id"
    [Asserts]
    jsonpath "$.other" == {{id}}
      shop.hurl:6:25: {{id}} is captured from the answer that is judged here; compare it in a later entry, or write the value out
    GET {{host}}/a
    HTTP 200
    [Captures]
    id: header "Id"

    POST {{host}}/b
    {"id": {{id}}}
      shop.hurl:7:10: {{id}} is text here, and JSON has text in quotes; write it in quotes; for a number give it as one, or capture it by jsonpath
    GET {{host}}/a
    X-Place: {{host}}
      shop.hurl:2:12: {{host}} has no value here; at the beginning of a URL it stands for --url; to have it here, give --var host=URL
    GET {{host}}/a

    GET {{api}}/b
      shop.hurl:3:7: {{api}} has no value here; give --var api=VALUE or --secret api=WHERE, or capture it before
    PUT {{host}}/a
    [Options]
    location: true
      shop.hurl:3:1: location: true of PUT: Hurl goes on with GET, and a gate does not; expect the redirect itself: its status, and its header Location
    "#);
}

#[test]
fn all_problems_come_at_once() {
    let file = "# A visit\nGET {{host}}/a\n[Options]\ninsecure: true\nHTTP 200\n[Captures]\na: xpath \"//a\"\n[Asserts]\n\
        jsonpath \"$.a[\" == 1\nbody matches /a/\nheader \"A B\" exists\n\nGET {{host}}/{{a}}\nHTTP 99\n";
    insta::assert_snapshot!(refused(file), @r#"
    shop.hurl:4:1: insecure: a gate checks certificates; leave it out; a suite trusts an authority of your own by ca_certificates
    shop.hurl:7:4: the query xpath is not supported here; capture by jsonpath, header, cookie, regex or body
    shop.hurl:9:10: "$.a[" is not a JSONPath: a bracket is not closed (character 5); close it with ]
    shop.hurl:11:1: "A B" can't be the name of a header; use letters, digits and -
    shop.hurl:14:6: 99 is not a status; write 200, [200, 204], 2xx or 200-299
    "#);
    let many = "GET {{host}}/a\n".repeat(51);
    insta::assert_snapshot!(refused(&many), @"shop.hurl:51:5: the file has 51 entries; a file has up to 50: split it");
    let given = Inputs {
        vars: vec![
            ("a".to_owned(), "1.10".to_owned()),
            ("my var".to_owned(), "2".to_owned()),
        ],
        secrets: vec![("b".to_owned(), "vault:b".to_owned())],
    };
    let problems = hurl_suite::suite("shop.hurl", "GET {{host}}/{{a}}{{b}}\n", &given);
    insta::assert_snapshot!(problems.unwrap_err(), @r#"
    --var a: the value is 1.10, which Hurl reads as the number 1.1; write '"1.10"', with quotes, for text, or 1.1 for the number
    --var "my var": no placeholder has this name; use letters, digits, _ and -
    the secret "b" does not say where it is kept; write env:NAME, ssm:/path, secretsmanager:id or secretsmanager:id#key; the secret itself must not be in the suite
    "#);
}
