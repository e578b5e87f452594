#!/usr/bin/env bash
# Builds the three contracts for the chain.
#
#   contracts/build.sh           writes contracts/artifacts/{registry,staking,slashing}.wasm, checksums.txt and compiler.txt
#   contracts/build.sh --check   builds beside them and compares. With the recorded compiler the bytes must be equal. With another
#                                they may differ: the script says so and runs the tests of artifacts on both builds, which
#                                BAUTA_ARTIFACTS=<folder> points at the rebuilt ones.
#
# The VM refuses what newer compilers put into every module (bulk memory, sign extension, reference types). So the standard library
# is compiled too, for the first WebAssembly instruction set. Two toolchains can do that; the first that is there is used:
#   rustup's   rustup target add wasm32-unknown-unknown && rustup component add rust-src
#   Debian's   apt-get install rustc-web cargo-web rust-web-src lld
# Either needs wasm-opt (Debian: apt-get install binaryen).
set -euo pipefail

contracts=(registry staking slashing)
root=$(cd "$(dirname "$0")/.." && pwd)
artifacts=$root/contracts/artifacts
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bauta
target=$cache/contracts
rebuilt=$cache/contracts-rebuilt

fail() {
    echo "contracts/build.sh: $*" >&2
    exit 1
}

# Runs the tests of artifacts, in the VM, on those of a folder. The workspace is selected, so that nothing is compiled twice.
tested() {
    local said
    echo "The tests of artifacts on those in $1:"
    said=$(BAUTA_ARTIFACTS=$1 cargo test --release --workspace --locked --test main -- contracts_vm::) ||
        fail "the artifacts in $1 do not pass their tests:
$said"
    grep -E '^test result: ok\. [1-9]' <<<"$said" || fail "no test of artifacts was run on those in $1"
}

case "${1:-}" in
    "") out=$artifacts ;;
    --check) out=$rebuilt ;;
    *) fail "unknown option '$1'; it takes --check or nothing" ;;
esac

# Settings of the caller must not reach the artifacts.
for name in $(compgen -e); do
    case "$name" in
        RUSTFLAGS | RUSTC | RUSTC_WRAPPER | RUSTC_WORKSPACE_WRAPPER | CARGO_ENCODED_RUSTFLAGS | CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_INCREMENTAL)
            unset "$name" ;;
    esac
done

cd "$root"
if command -v rustup >/dev/null &&
    rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown &&
    rustup component list --installed 2>/dev/null | grep -qx rust-src; then
    rustc=$(rustup which rustc)
    cargo=$(rustup which cargo)
    linker=rust-lld
elif [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && command -v wasm-ld >/dev/null &&
    [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]; then
    rustc=/usr/bin/rustc
    cargo=/usr/bin/cargo
    linker=wasm-ld
else
    fail "no compiler for WebAssembly found. Install one of
  rustup target add wasm32-unknown-unknown && rustup component add rust-src
  apt-get install rustc-web cargo-web rust-web-src lld"
fi
command -v wasm-opt >/dev/null || fail "wasm-opt not found. Install it with: apt-get install binaryen"

sysroot=$("$rustc" --print sysroot)
library=$(readlink -f "$sysroot/lib/rustlib/src/rust")
compiler="$("$rustc" --version), the standard library from its sources
$("$rustc" -vV | grep '^LLVM version')
$(wasm-opt --version)"

# RUSTC_BOOTSTRAP lets a stable compiler build its own standard library. No path of this machine may reach the bytes.
env RUSTC="$rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$target" \
    RUSTFLAGS="-C linker=$linker -C target-cpu=mvp -C link-arg=--allow-undefined \
--remap-path-prefix=$root=/bauta --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo \
--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust --remap-path-prefix=$library=/rust" \
    "$cargo" build --locked --profile contracts --lib --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort \
    $(printf -- '-p bauta-%s ' "${contracts[@]}")

rm -rf "$out"
mkdir -p "$out"
for contract in "${contracts[@]}"; do
    wasm-opt -Os "$target/wasm32-unknown-unknown/contracts/bauta_$contract.wasm" -o "$out/$contract.wasm"
done
(cd "$out" && sha256sum $(printf '%s.wasm ' "${contracts[@]}") >checksums.txt)
echo "$compiler" >"$out/compiler.txt"

if [ "$out" = "$artifacts" ]; then
    ls -l "$out"/*.wasm
elif cmp -s "$artifacts/checksums.txt" "$out/checksums.txt" &&
    (cd "$artifacts" && sha256sum --quiet -c checksums.txt); then
    echo "The committed artifacts are what the sources give, byte for byte."
elif cmp -s "$artifacts/compiler.txt" "$out/compiler.txt"; then
    fail "the committed artifacts are not what the sources give with the recorded compiler; run contracts/build.sh and commit.
The rebuilt ones are in $out."
else
    echo "The artifacts were built by another compiler than the one installed here, so their bytes cannot be compared:"
    diff "$artifacts/compiler.txt" "$out/compiler.txt" || true
    tested "$artifacts"
    tested "$out"
fi
