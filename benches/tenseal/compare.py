"""A sealed round beside TenSEAL's CKKS, on the same vectors in one run. See `run`.

Two things are asked of TenSEAL: the same round (a provider computes A Enc(w) - b on the encrypted model), and what NVIDIA FLARE's homomorphic
workflow does with it (a client encrypts its own update, the server adds ciphertexts). In that workflow every client holds the secret key, and
so could decrypt every other's update; here nobody but the model provider holds it, and masks hide a single submission from that one too.
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np
import tenseal as ts

# Units of the integers, so that CKKS has numbers around one.
MATRIX, WEIGHTS = 2.0**10, 2.0**12


def milliseconds(repeat, work):
    def run():
        begin = time.process_time()
        work()
        return (time.process_time() - begin) * 1e3

    return statistics.median(run() for _ in range(repeat))


def context(sizes):
    made = ts.context(ts.SCHEME_TYPE.CKKS, poly_modulus_degree=8192, coeff_mod_bit_sizes=sizes, n_threads=1)
    made.global_scale = 2**40
    return made


def same_round(bauta, repeat):
    made = context([60, 40, 40, 60])
    made.generate_galois_keys()
    width = bauta["width"]
    weights = np.array(bauta["weights"]) / WEIGHTS
    matrices = [np.array(p["matrix"]).reshape(width, width).T / MATRIX for p in bauta["providers"]]
    targets = [np.array(p["targets"]) / (MATRIX * WEIGHTS) for p in bauta["providers"]]
    model = ts.ckks_vector(made, weights).serialize()

    def provider(place):
        encrypted = ts.ckks_vector_from(made, model)
        return (encrypted.matmul(matrices[place].tolist()) - targets[place].tolist()).serialize()

    sent = [provider(place) for place in range(len(matrices))]

    def server():
        total = ts.ckks_vector_from(made, sent[0])
        for one in sent[1:]:
            total += ts.ckks_vector_from(made, one)
        return total

    total = server()
    expected = np.array(bauta["sum_of_all"]) / (MATRIX * WEIGHTS)
    return {
        "encrypt": milliseconds(repeat, lambda: ts.ckks_vector(made, weights).serialize()),
        "provider": milliseconds(repeat, lambda: provider(0)),
        "read_and_sum": milliseconds(repeat, server),
        "decrypt": milliseconds(repeat, total.decrypt),
        "submission_bytes": len(sent[0]),
        "model_bytes": len(model),
        "key_bytes": len(made.serialize(save_public_key=False, save_secret_key=False, save_galois_keys=True, save_relin_keys=False)),
        "error": np.abs(np.array(total.decrypt()) - expected).max(),
    }


def flares_workflow(bauta, repeat):
    # FLARE's defaults (nvflare/app_opt/he): 8192, [60, 40, 40], scale 2^40.
    made = context([60, 40, 40])
    updates = [np.array(p["targets"]) / (MATRIX * WEIGHTS) for p in bauta["providers"]]
    sent = [ts.ckks_vector(made, update).serialize() for update in updates]

    def server():
        total = ts.ckks_vector_from(made, sent[0])
        for one in sent[1:]:
            total += ts.ckks_vector_from(made, one)
        return total

    total = server()
    return {
        "provider": milliseconds(repeat, lambda: ts.ckks_vector(made, updates[0]).serialize()),
        "read_and_sum": milliseconds(repeat, server),
        "decrypt": milliseconds(repeat, total.decrypt),
        "submission_bytes": len(sent[0]),
        "error": np.abs(np.array(total.decrypt()) - sum(updates)).max(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sealed", required=True, help="the program that measures sealed tasks")
    parser.add_argument("--repeat", type=int, default=9)
    args = parser.parse_args()

    output = subprocess.run([args.sealed, "json", "--bench"], check=True, capture_output=True, text=True).stdout
    bauta = json.loads(output)
    bauta["error"] = 0
    columns = [bauta, same_round(bauta, args.repeat), flares_workflow(bauta, args.repeat)]

    def cell(column, name):
        if name not in column:
            return ""
        value = column[name]
        return f"{value:,.0f}" if name.endswith("bytes") else f"{value:.1e}" if name == "error" and value else f"{value:.3g}"

    rows = [
        ("model provider: encrypt the model, ms", "encrypt"),
        ("one provider: from the model's bytes to its own, ms", "provider"),
        ("server or chain: read and add eight, ms", "read_and_sum"),
        ("decrypt the sum, ms", "decrypt"),
        ("bytes of a submission", "submission_bytes"),
        ("bytes of the model", "model_bytes"),
        ("bytes of rotation keys", "key_bytes"),
        ("largest error of the sum", "error"),
    ]
    print(f"d = {bauta['width']}, {len(bauta['providers'])} providers, N = 8192, one core; medians\n")
    print("| what | Bauta, sealed | TenSEAL, the same round | TenSEAL as in FLARE |\n|---|---|---|---|")
    for what, name in rows:
        print(f"| {what} | " + " | ".join(cell(column, name) for column in columns) + " |")
    print(
        "\nBauta's submission is flooded and exact to the last unit, and is masked before it is sent (not counted here). CKKS rounds; TenSEAL's "
        "matrix product turns the vector once a diagonal, and adds neither an encryption of zero nor a flood. As in FLARE, clients encrypt a "
        "finished update: they know the model, and every client holds the key."
    )


if __name__ == "__main__":
    main()
