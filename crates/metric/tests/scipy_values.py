"""Writes scipy.json: results of SciPy that the tests compare ours with.

pip install scipy && python crates/metric/tests/scipy_values.py > crates/metric/tests/scipy.json
"""

import json
import random

import scipy
from scipy.stats import mannwhitneyu

r = random.Random(20261130)
cases = []


def add(name, x, y):
    p = {}
    u = None
    for alt in ("greater", "less", "two-sided"):
        res = mannwhitneyu(x, y, alternative=alt, method="auto")
        p[alt] = float(res.pvalue)
        u = float(res.statistic)
    cases.append({"name": name, "x": x, "y": y, "u": u, "p": p})


add("one against one", [1.0], [2.0])
add("one against many", [3.5], [1.0, 2.0, 3.0, 4.0, 5.0])
add("apart", [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0])
add("all equal", [5.0] * 6, [5.0] * 9)
add("one tie", [1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
add("zeros and a few", [0.0] * 9 + [1.0], [0.0] * 10 + [2.0, 3.0])
add("negative zero", [-0.0, 1.0, 2.0], [0.0, 3.0, 4.0])
for n1 in range(1, 11):
    for n2 in (1, 2, 5, 8, 9, 30):
        x = [round(r.gauss(0, 1), 6) for _ in range(n1)]
        y = [round(r.gauss(0.5, 1), 6) for _ in range(n2)]
        add(f"{n1} and {n2} without ties", x, y)
for i in range(40):
    n1, n2 = r.randint(3, 60), r.randint(3, 60)
    shift = r.choice([0, 0, 1, 3])
    add(f"ties {i}", [float(r.randint(0, 9)) for _ in range(n1)], [float(r.randint(0, 9) + shift) for _ in range(n2)])
for i in range(12):
    n1, n2 = r.randint(20, 120), r.randint(20, 120)
    add(
        f"latencies {i}",
        [round(r.lognormvariate(5, 0.4), 1) for _ in range(n1)],
        [round(r.lognormvariate(5 + 0.1 * (i % 4), 0.4), 1) for _ in range(n2)],
    )
add(
    "eight against a thousand",
    [round(r.gauss(1, 1), 6) for _ in range(8)],
    [round(r.gauss(0, 1), 6) for _ in range(1000)],
)
print(
    '{\n"scipy": "%s",\n"call": "scipy.stats.mannwhitneyu(x, y, alternative=…, method=\'auto\')",\n"cases": [\n%s\n]}'
    % (scipy.__version__, ",\n".join(json.dumps(c) for c in cases))
)
