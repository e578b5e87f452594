"""A second implementation of bauta-learning, from its documentation: the integer half in exact fractions, the client's encoding in
IEEE doubles, which Python's floats are.

It writes schema/vectors/learning-*.json, which the Rust tests must reproduce bit for bit:
    python3 learning/tests/vectors.py schema/vectors
Only the standard library is used. Nothing else in the repository needs this file or Python.
"""

import hashlib
import json
import math
import random
import struct
import sys
from fractions import Fraction

ONE = 1 << 32
MAX = (1 << 63) - 1
rng = random.Random(20240601)


def half_even(value):
    return round(Fraction(value))  # Python rounds ties to even


def saturate(value):
    return max(-MAX, min(MAX, value))


def chacha20(key, stream, blocks):
    """RFC 8439's block function with a 64-bit counter and a 64-bit stream id."""
    out = b""
    rotate = lambda x, n: ((x << n) | (x >> (32 - n))) & 0xFFFFFFFF
    for counter in range(blocks):
        start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
        start += [counter & 0xFFFFFFFF, counter >> 32, stream & 0xFFFFFFFF, stream >> 32]
        x = start[:]

        def quarter(a, b, c, d):
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            x[d] = rotate(x[d] ^ x[a], 16)
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            x[b] = rotate(x[b] ^ x[c], 12)
            x[a] = (x[a] + x[b]) & 0xFFFFFFFF
            x[d] = rotate(x[d] ^ x[a], 8)
            x[c] = (x[c] + x[d]) & 0xFFFFFFFF
            x[b] = rotate(x[b] ^ x[c], 7)

        for _ in range(10):
            for a, b, c, d in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)]:
                quarter(a, b, c, d)
            for a, b, c, d in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]:
                quarter(a, b, c, d)
        out += struct.pack("<16I", *[(a + b) & 0xFFFFFFFF for a, b in zip(x, start)])
    return out


def text(values):
    return [str(value) for value in values]


# --- fixed ----------------------------------------------------------------------------------------------------------------------

def fixed():
    products, quotients, roots, decimals = [], [], [], []
    interesting = [0, 1, -1, ONE, -ONE, ONE // 2, -ONE // 2, 3 * ONE // 2, MAX, -MAX, 1 << 40, -(1 << 40) + 1]
    pairs = [(a, b) for a in interesting for b in interesting]
    pairs += [(rng.randrange(-MAX, MAX), rng.randrange(-(1 << 34), 1 << 34)) for _ in range(40)]
    for a, b in pairs:
        products.append({"a": str(a), "b": str(b), "product": str(saturate(half_even(Fraction(a * b, ONE))))})
    tries = [(n, d) for n in [-5, -3, -1, 0, 1, 3, 5, 7, 9] for d in [1, 2, 4, 6]]
    tries += [(rng.randrange(-(1 << 120), 1 << 120), rng.randrange(1, 1 << 64)) for _ in range(40)]
    for n, d in tries:
        quotients.append({"numerator": str(n), "denominator": str(d), "quotient": str(half_even(Fraction(n, d)))})
    for v in [0, 1, 2, 3, 4, (1 << 64) - 1, 1 << 64, (1 << 128) - 1] + [rng.randrange(1 << 126) for _ in range(20)]:
        roots.append({"value": str(v), "root": str(math.isqrt(v))})
    for t in ["0", "1", "0.9", "-12.25", "0.000001", "2147483647.5", "-2147483647.999", "0.000000000116415321", "0.000000000116415322", "0.1"]:
        decimals.append({"decimal": t, "units": str(half_even(Fraction(t) * ONE))})
    bad = ["", "-", ".", "1.", ".5", "1e3", "+1", " 1", "1 ", "0x10", "NaN", "2147483648", "-2147483648", "0." + "0" * 19, "1.2.3"]
    return {"products": products, "quotients": quotients, "square_roots": roots, "decimals": decimals, "refused_decimals": bad}


# --- model ----------------------------------------------------------------------------------------------------------------------

def lp(data):
    return struct.pack(">H", len(data)) + data


def model_bytes(tensors, values, tag=b"bauta/1/model"):
    out = lp(tag) + struct.pack(">I", len(tensors))
    for name, shape in tensors:
        out += lp(name.encode()) + bytes([len(shape)]) + b"".join(struct.pack(">Q", n) for n in shape)
    return out + b"".join(struct.pack(">q", v) for v in values)


def model():
    good, bad, initial = [], [], []
    cases = [
        ([("weight", [2, 3]), ("bias", [2])], [1, -1, ONE, -ONE, MAX, -MAX, 0, 7]),
        ([("temperature", [])], [ONE // 3]),
        ([("b", [1, 1, 2]), ("a", [1])], [5, 6, 7]),
    ]
    for tensors, values in cases:
        data = model_bytes(tensors, values)
        good.append({
            "tensors": [{"name": n, "shape": text(s)} for n, s in tensors], "values": text(values),
            "bytes": data.hex(), "model_hash": hashlib.sha256(data).hexdigest(),
        })
    tensors, values = cases[0]
    whole = model_bytes(tensors, values)
    header = model_bytes(tensors, [])
    for why, data in [
        ("no bytes", b""),
        ("another tag", model_bytes(tensors, values, b"bauta/2/model")),
        ("one byte too few", whole[:-1]),
        ("one byte too many", whole + b"\0"),
        ("one value too few", whole[:-8]),
        ("one value too many", whole + bytes(8)),
        ("a value of -2^63", header + struct.pack(">q", -(1 << 63)) + whole[len(header) + 8:]),
        ("no tensors", model_bytes([], [])),
        ("more tensors than bytes", lp(b"bauta/1/model") + struct.pack(">I", 1024)),
        ("too many tensors", lp(b"bauta/1/model") + struct.pack(">I", 0xFFFFFFFF)),
        ("an empty name", model_bytes([("", [1])], [0])),
        ("a name with a space", model_bytes([("a b", [1])], [0])),
        ("a name that is not ASCII", model_bytes([("\u03b2", [1])], [0])),
        ("a name of 129 bytes", model_bytes([("n" * 129, [1])], [0])),
        ("two tensors of one name", model_bytes([("a", [1]), ("a", [1])], [0, 0])),
        ("a dimension of 0", model_bytes([("a", [0])], [])),
        ("nine dimensions", model_bytes([("a", [1] * 9)], [0])),
        ("a product of dimensions beyond 64 bits", model_bytes([("a", [1 << 40, 1 << 40])], [])),
        ("more than 2^26 values", model_bytes([("a", [(1 << 26) + 1])], [])),
    ]:
        bad.append({"why": why, "bytes": data.hex()})
    seed = bytes(range(32))
    tensors, bounds = [("w", [3, 5]), ("zero", [4]), ("b", [6])], [ONE // 4, 0, MAX]
    values = []
    for stream, ((_, shape), bound) in enumerate(zip(tensors, bounds)):
        keys = chacha20(seed, stream, 4)
        for e in range(math.prod(shape)):
            r = struct.unpack_from("<Q", keys, 8 * e)[0]
            values.append(r * (2 * bound + 1) // (1 << 64) - bound)
    initial.append({
        "tensors": [{"name": n, "shape": text(s)} for n, s in tensors], "seed": seed.hex(), "bounds": text(bounds),
        "values": text(values), "model_hash": hashlib.sha256(model_bytes(tensors, values)).hexdigest(),
    })
    return {"good": good, "bad": bad, "initial": initial}


# --- encode and combine ---------------------------------------------------------------------------------------------------------

def encode():
    rings = []
    for bits, group, bound, weight in [
        (32, 16, 32768, 16), (32, 16, 32769, 16), (16, 1, 128, 1), (16, 1, 129, 1), (64, 96, 1 << 40, 1 << 8), (64, 1 << 40, 1 << 50, 1),
        (32, 15, 16385, 16), (24, 8, 16, 256), (24, 8, 17, 256), (15, 1, 1, 1), (65, 1, 1, 1), (32, 0, 1, 1), (32, 1, 0, 1), (32, 1, 1, 0),
    ]:
        ok = 16 <= bits <= 64 and group > 0 and bound > 0 and weight > 0 and 2 ** bits >= 2 ** 8 * 2 * group * bound * weight
        rings.append({"bits": bits, "max_group": str(group), "bound": str(bound), "max_weight": str(weight), "accepted": ok})
    norms = []
    for clip, scale_bits, d in [(4 * ONE, 12, 650), (ONE // 3, 20, 10_000), (1, 0, 1), (MAX, 32, 1 << 26), (7 * ONE, 3, 2_410)]:
        c = clip * 2 ** scale_bits // ONE + 1
        root = math.isqrt(d) + 1
        bound = min((c + root) ** 2, c * c + d // 4 + 1 + c + root // 2 + 1)
        norms.append({"clip": str(clip), "scale_bits": scale_bits, "elements": str(d), "clip_units": str(c - 1), "norm_bound_squared": str(bound)})
    ranges = []
    for bound, weights, sums in [(100, 3, [0, 300, -300]), (100, 3, [0, 301]), (100, 3, [-301, 5]), (1 << 55, 1, [MAX, -MAX, -MAX - 1]),
                                 (1 << 55, 1 << 10, [MAX, -MAX - 1])]:
        out = [i for i, u in enumerate(sums) if abs(u) > bound * weights]
        ranges.append({"bound": str(bound), "weight_sum": str(weights), "sums": text(sums), "first_out_of_range": out[0] if out else None})
    return {"rings": rings, "norms": norms, "ranges": ranges, **quantise()}


def single(value):
    """The nearest IEEE single, as the double of the same value."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def clip_factor(clip, update):
    norm = 0.0
    for value in update:
        norm += value * value
    norm = math.sqrt(norm)
    return clip / ONE / norm if norm > clip / ONE else 1.0


def quantised(clip, scale_bits, bound, update, seed):
    """The integers, and how often they were drawn."""
    factor = clip_factor(clip, update) * float(1 << scale_bits)
    scaled = [max(-float(bound), min(float(bound), value * factor)) for value in update]
    c = clip * 2 ** scale_bits // ONE + 1
    root = math.isqrt(len(update)) + 1
    limit = min((c + root) ** 2, c * c + len(update) // 4 + 1 + c + root // 2 + 1)
    stream = chacha20(seed, 0, 64 * len(update) // 8 + 1)
    cut = lambda value: max(-bound, min(bound, value))
    for attempt in range(64):
        out = []
        for place, value in enumerate(scaled):
            draw = struct.unpack_from("<Q", stream, 8 * (attempt * len(update) + place))[0] >> 11
            down = math.floor(value)
            out.append(cut(down + (draw / (1 << 53) < value - down)))
        if sum(u * u for u in out) <= limit:
            return out, attempt + 1
    return [cut(math.trunc(value)) for value in scaled], 64


def quantise():
    # Its own numbers, so that the other files stay as they are.
    rng = random.Random(20261130)
    near = lambda size, d: [single(rng.uniform(-size, size)) for _ in range(d)]
    clips = []
    for clip, update in [
        (ONE, [0.0]), (ONE, []), (5 * ONE, [3.0, -4.0]), (5 * ONE, [3.0, single(-4.0000005)]), (ONE, [3.0, -4.0]),
        (ONE // 3, near(1.0, 7)), (1, [single(1e-30)]), (MAX, near(3e38, 5)), (1, [single(3.4e38), -0.0]), (7 * ONE, near(2.0, 20)),
    ]:
        clips.append({"clip": str(clip), "update": text(update), "factor": repr(clip_factor(clip, update))})
    good = []

    def case(why, clip, scale_bits, bound, update, seed=None):
        seed = seed or rng.randbytes(32)
        out, tries = quantised(clip, scale_bits, bound, update, seed)
        good.append({
            "why": why, "clip": str(clip), "scale_bits": scale_bits, "bound": str(bound), "seed": seed.hex(), "update": text(update),
            "encoded": text(out), "tries": tries,
        })

    case("within the clip", 4 * ONE, 12, 1 << 14, near(0.5, 24))
    case("beyond the clip", ONE, 16, 1 << 16, near(5.0, 16))
    case("coordinates beyond the bound", 4 * ONE, 10, 300, near(2.0, 12))
    case("whole numbers, which are drawn for all the same", 4 * ONE, 3, 64, [1.0, -1.0, 0.0, 0.125, -0.25, 0.5])
    case("halves", 4 * ONE, 0, 8, [0.5, -0.5, 1.5, -1.5, 0.5, -0.5, 0.5, -0.5])
    case("less than a unit", ONE, 4, 16, [single(1e-9), single(-1e-9), -0.0, single(1.4e-45)])
    case("the finest scale and the largest bound", MAX, 32, 1 << 55, near(4000.0, 6))
    case("a bound that is no double", MAX, 32, (1 << 53) + 3, [2097153.5, -2097153.5, 1.0])
    case("the largest singles", ONE, 20, 1 << 21, [single(3.4028234e38), single(-3.4028234e38), 0.0])
    # Two draws break the norm's bound; a third obeys it. The clip is just below the norm, and every fraction is near a half.
    update, clip = [2.5] * 64, 20 * ONE - 1
    again = next(s for s in (n.to_bytes(32, "big") for n in range(10_000)) if quantised(clip, 0, 8, update, s)[1] > 2)
    case("drawn three times", clip, 0, 8, update, again)
    bad = []
    for why, error, place, clip, scale_bits, bound, weight, update in [
        ("no number", "not_finite", 1, ONE, 8, 256, 1, ["0.5", "NaN", "0.5"]),
        ("infinite", "not_finite", 0, ONE, 8, 256, 1, ["inf", "NaN"]),
        ("infinite and negative", "not_finite", 2, ONE, 8, 256, 1, ["0.5", "0.5", "-inf"]),
        ("beyond the singles", "not_finite", 0, ONE, 8, 256, 1, ["1e39"]),
        ("a clip of zero", "clip", None, 0, 8, 256, 1, ["0.5"]),
        ("a negative clip", "clip", None, -1, 8, 256, 1, ["0.5"]),
        ("finer than the model", "scale_bits", None, ONE, 33, 256, 1, ["0.5"]),
        ("no bound", "bound", None, ONE, 8, 0, 1, ["0.5"]),
        ("a bound beyond 2^55", "bound", None, ONE, 8, (1 << 55) + 1, 1, ["0.5"]),
        ("no weight", "max_weight", None, ONE, 8, 256, 0, ["0.5"]),
        ("a weight beyond 2^32", "max_weight", None, ONE, 8, 256, (1 << 32) + 1, ["0.5"]),
        ("a clip of zero and no number", "clip", None, 0, 8, 256, 1, ["NaN"]),
    ]:
        bad.append({
            "why": why, "clip": str(clip), "scale_bits": scale_bits, "bound": str(bound), "max_weight": str(weight), "update": update,
            "error": error, "place": place,
        })
    return {"clip_factors": clips, "quantised": good, "refused_updates": bad}


def combine():
    cases = []
    for scale_bits, groups, d in [(12, 1, 12), (0, 3, 6), (32, 2, 8), (20, 7, 9)]:
        parts = []
        for _ in range(groups):
            parts.append({"weight": rng.randrange(1, 240), "sum": [rng.choice([0, 1, -1, 3, rng.randrange(-(1 << 40), 1 << 40)]) for _ in range(d)]})
        total = sum(p["weight"] for p in parts)
        mean = [saturate(half_even(Fraction(sum(p["sum"][c] for p in parts) * 2 ** (32 - scale_bits), total))) for c in range(d)]
        cases.append({"scale_bits": scale_bits, "groups": [{"weight": str(p["weight"]), "sum": text(p["sum"])} for p in parts], "mean": text(mean)})
    top = [MAX, -MAX - 1, 1, 2, 3]
    cases.append({"scale_bits": 0, "groups": [{"weight": "2", "sum": text(top)}], "mean": text([saturate(half_even(Fraction(u << 32, 2))) for u in top])})
    return {"mean": cases, **robust()}


RULES = {"mean": 1, "median": 2, "trimmed_mean": 3, "multi_krum": 4, "clipped_mean": 5}


def fewest(rule):
    if rule["name"] == "trimmed_mean":
        return 2 * rule["trim"] + 1
    if rule["name"] == "multi_krum":
        return max(2 * rule["hostile"] + 3, rule["hostile"] + rule["selected"] + 2)
    return 1


def surveyed(rule, scale_bits, means, seen):
    """The survey's canonical bytes after the first `seen` coordinates, and its sums."""
    k, d = len(means), len(means[0])
    if rule["name"] == "multi_krum":
        pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
        sums = [sum((means[i][c] - means[j][c]) ** 2 for c in range(seen)) for i, j in pairs]
    elif rule["name"] == "clipped_mean":
        sums = [sum(v * v for v in mean[:seen]) for mean in means]
    else:
        sums, seen = [], 0
    head = lp(b"bauta/1/survey") + bytes([RULES[rule["name"]], scale_bits]) + struct.pack(">IQQ", k, d, seen)
    return head + b"".join(s.to_bytes(32, "big") for s in sums), sums


def robustly(rule, scale_bits, parts):
    """The combined update, and the groups selected or clipped."""
    d, k = len(parts[0][0]), len(parts)
    means = [[saturate(half_even(Fraction(u << (32 - scale_bits), w))) for u in s] for s, w in parts]
    whole = lambda c: sum(s[c] << (32 - scale_bits) for s, _ in parts)
    total = sum(w for _, w in parts)
    average = lambda values: saturate(half_even(Fraction(sum(values), len(values))))
    name = rule["name"]
    if name == "mean":
        return means, [saturate(half_even(Fraction(whole(c), total))) for c in range(d)], None
    if name in ("median", "trimmed_mean"):
        trim = (k - 1) // 2 if name == "median" else rule["trim"]
        return means, [average(sorted(m[c] for m in means)[trim:k - trim]) for c in range(d)], None
    if name == "multi_krum":
        near = k - rule["hostile"] - 2
        distance = lambda a, b: sum((x - y) ** 2 for x, y in zip(a, b))
        ranked = []
        for i in range(k):
            others = sorted(distance(means[i], means[j]) for j in range(k) if j != i)
            ranked.append((sum(others[:near]), others[near:], i))
        chosen = sorted(i for _, _, i in sorted(ranked)[:rule["selected"]])
        return means, [average([means[i][c] for i in chosen]) for c in range(d)], chosen
    norm, clipped, shares = int(rule["norm"]), [], []
    for i, ((s, w), m) in enumerate(zip(parts, means)):
        square = sum(v * v for v in m)
        if square > norm * norm:
            length = math.isqrt(square - 1) + 1
            clipped.append(i)
            shares.append([w * half_even(Fraction(v * norm, length)) for v in m])
        else:
            shares.append([u << (32 - scale_bits) for u in s])
    return means, [saturate(half_even(Fraction(sum(s[c] for s in shares), total))) for c in range(d)], clipped


def robust():
    # Its own numbers, so that the other files stay as they are.
    rng = random.Random(20261201)
    cases, refused = [], []

    def case(why, rule, scale_bits, parts):
        means, combined, places = robustly(rule, scale_bits, parts)
        cases.append({
            "why": why, "rule": rule, "scale_bits": scale_bits, "groups": [{"weight": str(w), "sum": text(s)} for s, w in parts],
            "combined": text(combined), "places": places,
            "half_survey": surveyed(rule, scale_bits, means, len(means[0]) // 2)[0].hex(),
            "survey": surveyed(rule, scale_bits, means, len(means[0]))[0].hex(),
        })

    near = lambda k, d, size: [([rng.randrange(-size, size) for _ in range(d)], rng.randrange(1, 240)) for _ in range(k)]
    top, pull = MAX, ([1 << 50, -(1 << 50), 0, 1], 7)
    krum = lambda f, m: {"name": "multi_krum", "hostile": f, "selected": m}
    clip = lambda norm: {"name": "clipped_mean", "norm": str(norm)}
    trim = lambda t: {"name": "trimmed_mean", "trim": t}
    for k, scale_bits in [(1, 20), (2, 32), (5, 24), (8, 0)]:
        case("a median of %d groups" % k, {"name": "median"}, scale_bits, near(k, 6, 1 << 20))
    case("halves are rounded to even", {"name": "median"}, 32, [([1, 3, -1, -3, 2], 1), ([2, 4, -2, -4, 2], 1)])
    case("one at each end is left out", trim(1), 20, near(6, 5, 1 << 30))
    case("two at each end, of them the hostile ones", trim(2), 24, near(5, 4, 1 << 20) + [pull, pull])
    case("Krum", krum(1, 1), 24, near(4, 4, 1 << 20) + [pull])
    case("multi-Krum leaves out who is far away", krum(2, 4), 24, [pull] + near(3, 4, 1 << 20) + [pull] + near(4, 4, 1 << 20))
    case("equal scores: the nearer remaining neighbours", krum(0, 1), 32, [([0], 1), ([10], 1), ([11], 1)])
    case("equal in everything: the first groups", krum(1, 2), 32, [([v], 1) for v in (7, 3, 3, 7, 5)])
    case("distances at the ends of the range", krum(0, 2), 0, [([top, top], 1), ([-top - 1, -top], 1), ([top, 0], 1 << 60), ([5, -5], 3)])
    case("none is too long", clip(ONE), 24, near(4, 4, 1 << 20))
    case("one is too long", clip(ONE // 8), 24, near(4, 4, 1 << 18) + [pull])
    case("exactly the norm, and one unit more", clip(5), 32, [([3, 4], 1), ([3, 5], 1), ([30, 40], 10)])
    case("all are saturated", clip(top - 1), 0, [([top, -top - 1], 1), ([top, top], 1 << 61)])
    case("the mean, as one of the rules", {"name": "mean"}, 12, near(3, 4, 1 << 30))
    for why, error, rule, k in [
        ("a trim of nothing", "trim", trim(0), 5),
        ("a trim of everything", "too_few_groups", trim(2), 4),
        ("Krum needs 2f + 3", "too_few_groups", krum(1, 1), 4),
        ("multi-Krum needs f + m + 2", "too_few_groups", krum(1, 3), 5),
        ("multi-Krum of none", "selected", krum(1, 0), 5),
        ("more hostile groups than can be compared", "hostile", krum(255, 1), 5),
        ("a norm of zero", "norm", clip(0), 3),
        ("a norm below zero", "norm", clip(-1), 3),
        ("the largest norm", "norm", clip(top), 3),
    ]:
        refused.append({"why": why, "error": error, "rule": rule, "groups": k, "fewest_groups": fewest(rule)})
    good = surveyed(clip(ONE), 20, [[3, 4], [0, 5]], 2)[0]
    start = len(lp(b"bauta/1/survey"))
    bad = [
        ("no bytes", b""),
        ("another tag", lp(b"bauta/2/survey") + good[start:]),
        ("another rule", good[:start] + b"\4" + good[start + 1:]),
        ("another encoding", good[:start + 1] + b"\x15" + good[start + 2:]),
        ("another number of groups", good[:start + 5] + b"\3" + good[start + 6:]),
        ("another number of coordinates", good[:start + 13] + b"\3" + good[start + 14:]),
        ("more coordinates seen than there are", good[:start + 21] + b"\3" + good[start + 22:]),
        ("a header cut short", good[:start + 20]),
        ("one byte too few", good[:-1]),
        ("one byte too many", good + b"\0"),
        ("one sum too many", good + bytes(32)),
        ("a sum beyond 2^160", good[:start + 22] + bytes(11) + b"\1" + good[start + 34:]),
    ]
    return {
        "rules": cases, "refused_rules": refused,
        "survey": {"rule": clip(ONE), "groups": 2, "elements": 2, "scale_bits": 20, "good": good.hex()},
        "refused_surveys": [{"why": why, "bytes": data.hex()} for why, data in bad],
    }


# --- scores and rewards ---------------------------------------------------------------------------------------------------------

def root_up(value):
    return math.isqrt(value - 1) + 1 if value else 0


def agreement_bytes(scale_bits, means, seen):
    k, d = len(means), len(means[0])
    median = [half_even(Fraction(sum(sorted(m[c] for m in means)[(k - 1) // 2:k - (k - 1) // 2]), k - 2 * ((k - 1) // 2))) for c in range(d)]
    square = lambda vector: sum(v * v for v in vector[:seen])
    sums = [square(median)] + [square(mean) for mean in means]
    for mean in means:
        products = [a * b for a, b in zip(mean[:seen], median)]
        sums += [sum(p for p in products if p > 0), -sum(p for p in products if p < 0)]
    head = lp(b"bauta/1/agreement") + bytes([2, scale_bits]) + struct.pack(">IQQ", k, d, seen)
    return head + b"".join(s.to_bytes(32, "big") for s in sums), sums


def agreements(sums, k):
    length = lambda square: root_up(square << 64)
    scores = []
    for g in range(k):
        lengths = length(sums[0]) * length(sums[1 + g])
        along = sums[1 + k + 2 * g] - sums[2 + k + 2 * g]
        scores.append(half_even(Fraction(along << 96, lengths)) if lengths else 0)
    return scores


def divided(total, groups):
    parts = [w * max(0, min(ONE, f)) for w, f in groups]
    parts = parts if any(parts) else [w for w, _ in groups]
    parts = parts if any(parts) else [1] * len(groups)
    exact = [Fraction(total * p, sum(parts)) for p in parts]
    shares = [math.floor(e) for e in exact]
    order = sorted(range(len(parts)), key=lambda g: (shares[g] - exact[g], g))
    for g in order[:total - sum(shares)]:
        shares[g] += 1
    return shares


def test_set_bytes(features, classes, values, labels, tag=b"bauta/1/test-set"):
    head = lp(tag) + struct.pack(">III", features, classes, len(labels))
    return head + b"".join(struct.pack(">q", v) for v in values) + b"".join(struct.pack(">I", n) for n in labels)


def class_of(tensors, row):
    def layer(weight, bias, inputs):
        return [sum(w * x for w, x in zip(line, inputs)) + (b << 32) for line, b in zip(weight, bias)]

    values = [layer(*tensors[-2:], row)] if len(tensors) == 2 else None
    if values is None:
        hidden = [max(0, min(1024 * ONE, half_even(Fraction(s, ONE)))) for s in layer(*tensors[:2], row)]
        values = [layer(*tensors[2:], hidden)]
    return values[0].index(max(values[0]))


def score():
    rng = random.Random(20261202)
    agreement, hits, useful, factors, rewards, refused = [], [], [], [], [], []
    near = lambda k, d, size: [([rng.randrange(-size, size) for _ in range(d)], rng.randrange(1, 240)) for _ in range(k)]
    for why, scale_bits, parts in [
        ("a single group", 20, near(1, 4, 1 << 20)),
        ("five groups", 24, near(5, 6, 1 << 20)),
        ("an even number", 12, near(4, 5, 1 << 30)),
        ("along, across and against", 32, [([3, 0], 1)] * 3 + [([30, 0], 1), ([0, 7], 1), ([-5, 0], 1), ([0, 0], 1)]),
        ("no direction", 32, [([0, 0], 1), ([0, 0], 3)]),
        ("the ends of the range", 0, [([MAX, -MAX - 1], 1), ([-MAX, MAX], 1 << 40), ([MAX, MAX], 2)]),
    ]:
        means = [[saturate(half_even(Fraction(u << (32 - scale_bits), w))) for u in s] for s, w in parts]
        half, (whole, sums) = agreement_bytes(scale_bits, means, len(means[0]) // 2)[0], agreement_bytes(scale_bits, means, len(means[0]))
        agreement.append({
            "why": why, "scale_bits": scale_bits, "groups": [{"weight": str(w), "sum": text(s)} for s, w in parts],
            "half": half.hex(), "whole": whole.hex(), "scores": text(agreements(sums, len(parts))),
        })
    number = lambda: rng.randrange(-2 * ONE, 2 * ONE)
    matrix = lambda rows, columns: [[number() for _ in range(columns)] for _ in range(rows)]
    for why, tensors, features, classes in [
        ("softmax regression", [matrix(3, 4), matrix(1, 3)[0]], 4, 3),
        ("one hidden layer", [matrix(5, 4), matrix(1, 5)[0], matrix(3, 5), matrix(1, 3)[0]], 4, 3),
        ("the largest weights and inputs", [[[MAX, MAX], [-MAX, -MAX]], [MAX, -MAX]], 2, 2),
        ("activations beyond 1024 are cut", [[[MAX, 0], [0, MAX]], [0, 0], [[ONE, 0], [0, ONE]], [0, 1]], 2, 2),
        ("of equal scores the first class", [[[ONE, ONE], [ONE, ONE]], [5, 5]], 2, 2),
    ]:
        rows = matrix(12, features) + [[1024 * ONE] * features, [-1024 * ONE] * features]
        labels = [rng.randrange(classes) for _ in rows]
        names = ["weight", "bias"] if len(tensors) == 2 else ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]
        shape = lambda t: [len(t), len(t[0])] if isinstance(t[0], list) else [len(t)]
        flat = lambda t: [v for line in t for v in line] if isinstance(t[0], list) else t
        values = [v for t in tensors for v in flat(t)]
        hits.append({
            "why": why, "model": model_bytes([(n, shape(t)) for n, t in zip(names, tensors)], values).hex(),
            "test_set": test_set_bytes(features, classes, [v for row in rows for v in row], labels).hex(),
            "hit": [class_of(tensors, row) == label for row, label in zip(rows, labels)],
        })
    for h, w, rows, sensitivity in [(90, 90, 100, 1), (95, 90, 100, 1), (90, 95, 100, 1), (90, 100, 100, 10), (1, 0, 3, 1), (0, 100, 100, 5), (5, 4, 0, 1), (MAX, 0, 1, 1 << 31)]:
        score = max(0, min(ONE, ONE // 2 + half_even(Fraction((h - w) * sensitivity * (ONE // 2), max(1, rows)))))
        useful.append({"hits": str(h), "without": str(w), "rows": str(rows), "sensitivity": sensitivity, "score": str(score)})
    for a, u in [(ONE, None), (-ONE, None), (ONE // 3, None), (ONE // 3, ONE), (-5, ONE // 2), (3, 4)]:
        one = max(0, min(ONE, a))
        factors.append({"agreement": str(a), "usefulness": None if u is None else str(u), "factor": str(one if u is None else (one + u) // 2)})
    for total, groups in [
        (1_000_000, [(1, ONE), (2, ONE), (3, ONE // 2)]), (10, [(1, 5), (1, 5), (1, 5)]), (600, [(1, 0), (2, -ONE), (3, 0)]),
        (600, [(1, -1), (2, ONE), (3, 2 * ONE)]), (5, [(0, ONE), (0, ONE)]), (0, [(1, ONE)]), (7, []),
        ((1 << 128) - 1, [((1 << 64) - 1, ONE), (1, 1), (12345, ONE // 3)]),
    ]:
        given = {"total": str(total), "groups": [{"weight": str(w), "factor": str(f)} for w, f in groups]}
        rewards.append({**given, "shares": text(divided(total, groups) if groups else [])})
    good = test_set_bytes(2, 3, [1, -1, ONE, 0], [0, 2])
    start = len(lp(b"bauta/1/test-set"))
    for why, data in [
        ("no bytes", b""),
        ("another tag", test_set_bytes(2, 3, [1, -1], [0], b"bauta/2/test-set")),
        ("a header cut short", good[:start + 11]),
        ("one byte too few", good[:-1]),
        ("one byte too many", good + b"\0"),
        ("no rows", test_set_bytes(2, 3, [], [])),
        ("no features", test_set_bytes(0, 3, [], [0, 1])),
        ("one class", test_set_bytes(2, 1, [1, -1], [0])),
        ("a label that is no class", test_set_bytes(2, 3, [1, -1], [3])),
        ("a value beyond 1024", test_set_bytes(2, 3, [1, 1024 * ONE + 1], [0])),
        ("a value beyond -1024", test_set_bytes(2, 3, [-1024 * ONE - 1, 0], [0])),
        ("the least value of all", test_set_bytes(2, 3, [-MAX - 1, 0], [0])),
        ("more rows than bytes", good[:start + 8] + b"\xff" * 4 + good[start + 12:]),
    ]:
        refused.append({"why": why, "bytes": data.hex()})
    return {
        "agreement": agreement, "hits": hits, "usefulness": useful, "factors": factors, "shares": rewards,
        "test_set": good.hex(), "refused_test_sets": refused,
    }


# --- optimisers -----------------------------------------------------------------------------------------------------------------

def optimiser():
    q = lambda t: half_even(Fraction(t) * ONE)
    mul = lambda a, b: saturate(half_even(Fraction(a * b, ONE)))
    d, rounds = 8, 6
    cases = []
    for kind, hyper in [
        ("fed_avg", {"learning_rate": "1"}),
        ("fed_avg", {"learning_rate": "0.3"}),
        ("fed_avg_m", {"learning_rate": "1", "momentum": "0.7"}),
        ("fed_adam", {"learning_rate": "0.03", "beta1": "0.9", "beta2": "0.99", "tau": "0.001"}),
        ("fed_adam", {"learning_rate": "10", "beta1": "0", "beta2": "0.5", "tau": "0.000001"}),
    ]:
        h = {name: q(value) for name, value in hyper.items()}
        x = [rng.randrange(-ONE, ONE) for _ in range(d)]
        x[0], x[1] = MAX - 5, -MAX + 5
        start = x[:]
        m, v = [0] * d, [h.get("tau", 0) ** 2] * d
        steps = []
        for r in range(rounds):
            delta = [rng.randrange(-ONE // 8, ONE // 8) for _ in range(d)]
            delta[0], delta[1], delta[2] = MAX // (r + 1), -MAX // (r + 1), rng.choice([0, 1, -1])
            for c in range(d):
                if kind == "fed_avg":
                    x[c] = saturate(x[c] + mul(h["learning_rate"], delta[c]))
                elif kind == "fed_avg_m":
                    m[c] = saturate(mul(h["momentum"], m[c]) + delta[c])
                    x[c] = saturate(x[c] + mul(h["learning_rate"], m[c]))
                else:
                    b1, b2 = h["beta1"], h["beta2"]
                    m[c] = saturate(half_even(Fraction(b1 * m[c] + (ONE - b1) * delta[c], ONE)))
                    v[c] = half_even(Fraction(b2 * v[c], ONE)) + half_even(Fraction((ONE - b2) * delta[c] ** 2, ONE))
                    step = saturate(half_even(Fraction(h["learning_rate"] * m[c], math.isqrt(v[c]) + h["tau"])))
                    x[c] = saturate(x[c] + step)
            steps.append({"update": text(delta), "parameters": text(x)})
        code = {"fed_avg": 1, "fed_avg_m": 2, "fed_adam": 3}[kind]
        state = lp(b"bauta/1/optimiser") + bytes([code]) + struct.pack(">Q", d)
        for c in range(d):
            if code >= 2:
                state += struct.pack(">q", m[c])
            if code == 3:
                state += v[c].to_bytes(16, "big")
        cases.append({"kind": kind, "hyper_parameters": hyper, "start": text(start), "steps": steps, "state": state.hex()})
    return {"runs": cases}


if __name__ == "__main__":
    folder = sys.argv[1]
    for name, make in [("fixed", fixed), ("model", model), ("encode", encode), ("combine", combine), ("optimiser", optimiser), ("score", score)]:
        with open(f"{folder}/learning-{name}.json", "w") as file:
            json.dump(make(), file, indent=1)
            file.write("\n")
