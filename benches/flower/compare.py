"""Bauta beside Flower's SecAgg and SecAgg+, on one core of one machine in one run. See `run`."""

import argparse
import json
import statistics
import subprocess

import flower

SHARE_OF_SEATS = 58 / 96


def median(runs, *path):
    def dig(run):
        for name in path:
            run = run[name]
        return run

    return statistics.median(dig(run) for run in runs)


def total(runs, side, stages):
    return statistics.median(sum(run[side][stage] for stage in stages) for run in runs)


def seconds(value):
    return f"{value * 1e3:.2g} ms" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bauta", required=True, help="the program that measures Bauta")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--dropped", type=int, default=10)
    parser.add_argument("--elements", type=int, default=10_000)
    parser.add_argument("--group", type=int, default=16, help="size of Bauta's groups, and of SecAgg+'s neighbourhoods but for one")
    parser.add_argument("--repeat", type=int, default=5, help="runs of Bauta and SecAgg+")
    parser.add_argument("--repeat-secagg", type=int, default=1, help="runs of SecAgg, which take minutes")
    args = parser.parse_args()

    numbers = [args.clients, args.dropped, args.elements, args.group, args.repeat]
    command = [args.bauta, "--bench", *map(str, numbers)]
    bauta = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def play(threshold, shares):
        return flower.play(args.clients, args.dropped, args.elements, threshold, shares)

    # A neighbourhood is odd: each client, and as many on either side.
    shares = args.group + 1 - args.group % 2
    plus = [play(round(shares * SHARE_OF_SEATS), shares) for _ in range(args.repeat)]
    full = [play(round(args.clients * SHARE_OF_SEATS), None) for _ in range(args.repeat_secagg)]

    keys, vector, answer = ["setup", "share_keys"], ["collect_masked_vectors"], ["unmask"]
    rows = [
        ("server: from all answers to the sum", bauta["open"] + bauta["sums"], "server", answer),
        ("server: masked vectors, before the answers", bauta["admit"], "server", vector),
        ("server: keys and shares", bauta["deals"], "server", keys),
        ("one client: keys and shares", bauta["deal"] + bauta["shares"], "client", keys),
        ("one client: masked vector", bauta["update"], "client", vector),
        ("one client: answer", bauta["answer"], "client", answer),
    ]
    print(
        f"{args.clients} clients, {args.dropped} drop out, d = {args.elements:,}, one core; medians of {args.repeat} runs, "
        f"{args.repeat_secagg} of SecAgg\n"
    )
    print("| what | Bauta | SecAgg+ | SecAgg |\n|---|---|---|---|")
    for what, ours, side, stages in rows:
        print(f"| {what} | {seconds(ours)} | {seconds(total(plus, side, stages))} | {seconds(total(full, side, stages))} |")
    print(
        f"\nBauta: groups of {bauta['smallest_group']} to {bauta['largest_group']}, {bauta['seats']} seats of which {bauta['threshold']} "
        f"answer for {bauta['points']} points each ({bauta['answered_bytes'] / 1e6:.2f} MB); every proof and signature is verified, and keys "
        "and shares last for an epoch of many rounds.\n"
        f"Flower: SecAgg+ with {shares} shares, SecAgg with {args.clients}, of which {SHARE_OF_SEATS * 100:.0f} % restore a secret; keys and shares "
        "are made anew in every round. No proof is checked: there is none, a client or a server that deviates is not noticed. Its messages "
        "are passed as objects, Bauta's are parsed from bytes. Shares are computed in Python, key agreements and numbers by libraries in C.\n"
        f"Seeds of Flower's pairwise masks vary in {flower.seed_bits()} bits."
    )


if __name__ == "__main__":
    main()
