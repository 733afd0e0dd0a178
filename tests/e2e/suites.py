"""The suites that the tests give to the gates; each is quick, and says nothing of others."""

GOOD = """\
version: 1
name: quick
defaults:
  http: { timeout: 2s, retries: 1, retry_every: 100ms }
checks:
  - name: home page
    http: GET /
    expect:
      - status: 200
      - body: { contains: Welcome }
"""

# Uses a fact that only DescribeTaskDefinition gives.
VERSION = """\
version: 1
name: version
checks:
  - name: version served is version deployed
    http: GET /version
    retries: 0
    expect:
      - json: { path: $.version, equals: "{{ target.version }}" }
"""

# Two mistakes, at 4:1 and 8:9.
INVALID = """\
version: 1
name: invalid

limts: { concurrency: 5 }
checks:
  - name: home page
    http: GET /
    expct:
      - status: 200
"""

# Nothing in it is for pre-traffic.
POST_ONLY = """\
version: 1
name: post only
checks:
  - name: home page
    on: [post-traffic]
    http: GET /
"""

# More patience than a short function has time.
PATIENT = """\
version: 1
name: patient
checks:
  - name: home page
    http: GET /
    timeout: 60s
    retries: 0
"""

# Sends a secret in a header.
DISCREET = """\
version: 1
name: secret
secrets:
  key: "ssm:/lab/key"
checks:
  - name: home page
    http: { method: GET, url: /, headers: { x-shop-key: "{{ key }}" } }
    retries: 1
    retry_every: 100ms
"""

# Lets a secret go wrong in every place where one may stand: each check fails, and tells why.
INDISCREET = """\
version: 1
name: indiscreet
secrets:
  key: "ssm:/lab/key"
  encoded: "ssm:/lab/encoded-key"
defaults:
  http: { retries: 0, headers: { x-shop-key: "{{ key }}" } }
checks:
  - name: in the address
    http: { method: GET, url: "/{{ encoded }}", query: { q: "{{ key }}" } }
  - name: in the body
    http: { method: POST, url: /api/checkout, json: { book: "{{ key }}", quantity: 1 } }
  - name: in a form
    http: { method: POST, url: /api/checkout, form: { book: "{{ key }}" } }
  - name: in what is expected
    http: GET /
    expect:
      - body: { contains: "{{ key }}" }
      - header: { name: content-type, equals: "{{ key }}" }
  - name: at a place where nobody answers
    http: { method: GET, url: "http://127.0.0.1:1/{{ encoded }}", allow_origins: ["http://127.0.0.1:1"] }
  - name: in a pattern
    http: GET /
    expect:
      - body: { matches: "{{ key }}" }
  - name: in a variable's place
    http: GET /version
    expect:
      - json: { path: $.version, equals: "{{ key }}" }
"""

# Uses every fact that a deployment to ECS has; one that is not known would make its check errored.
FACTS = """\
version: 1
name: facts
defaults:
  http: { retries: 0 }
checks:
""" + "".join(
    f'  - name: {key}\n    http: {{ method: GET, url: /, headers: {{ x-fact: "{{{{ target.{key} }}}}" }} }}\n'
    for key in (
        *("application", "deployment_group", "deployment_id", "platform", "cluster", "service", "lifecycle_event"),
        *("task_definition", "old_task_definition", "image", "version", "old_image", "old_version"),
        *("container", "port", "url", "host", "test_url", "production_url"),
    )
)
