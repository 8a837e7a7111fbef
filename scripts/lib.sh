# shellcheck shell=bash
# What scripts/demo and scripts/test share: saying things, and installing what is missing.

say() { printf '\n== %s\n' "$*" >&2; }

# stop SENTENCE [LINE TO RUN]: ends the script as "not done".
stop() {
  printf '\n%s\n' "$1" >&2
  if [[ $# -gt 1 ]]; then printf '\n    %s\n\n' "$2" >&2; fi
  exit 2
}

# as_root COMMAND...: runs it as root, directly or through sudo; fails where neither is possible.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    return 1
  fi
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2; }

# Package lists are fetched at most once in a run, and only when something is missing. One broken list is no
# reason to stop: whether it matters shows when a package is installed.
apt_update_once() {
  if [[ -n ${apt_updated:-} ]]; then return; fi
  apt_updated=yes
  apt_get update || true
}

# need_packages NAME...: Debian packages that must be installed.
need_packages() {
  local name missing=()
  if ! command -v apt-get >/dev/null; then
    say "This is not Debian or Ubuntu: please see to the equivalents of: $*"
    return
  fi
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || missing+=("$name")
  done
  if [[ ${#missing[@]} -eq 0 ]]; then return; fi
  say "Installing ${missing[*]}"
  apt_update_once
  apt_get install -y --no-install-recommends "${missing[@]}" ||
    stop "These system packages are missing and could not be installed from here. Please run this line, then start again:" \
      "sudo apt-get update && sudo apt-get install -y ${missing[*]}"
}

# The oldest Rust that builds this package, as Cargo.toml states it.
rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

rust_is_new_enough() {
  local found
  found=$(cargo --version 2>/dev/null | cut -d ' ' -f 2) && [[ -n $found ]] &&
    printf '%s\n%s\n' "$(rust_wanted)" "$found" | sort -V -C
}

# need_rust: cargo, new enough; from the system's rustup package where there is one.
need_rust() {
  if [[ -d $HOME/.cargo/bin ]]; then PATH=$HOME/.cargo/bin:$PATH; fi
  if rust_is_new_enough; then return; fi
  if ! command -v rustup >/dev/null && command -v apt-get >/dev/null; then
    apt_update_once
    if apt-cache show rustup >/dev/null 2>&1; then need_packages rustup; fi
  fi
  command -v rustup >/dev/null ||
    stop "Rust $(rust_wanted) or newer is needed. Please run this line (see https://rustup.rs), then start again:" \
      "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  say "Installing a current Rust"
  rustup toolchain install stable --profile minimal --component clippy --component rustfmt >&2
  export RUSTUP_TOOLCHAIN=stable
  rust_is_new_enough || stop "Rust $(rust_wanted) or newer is needed and the newest stable one is older."
}

# need_rust_tools: rustfmt and clippy beside cargo.
need_rust_tools() {
  if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
  command -v rustup >/dev/null || stop "rustfmt and clippy are missing. Please install them beside cargo."
  rustup component add rustfmt clippy >&2
}

# need_python: a Python with h5py, numpy, onnxruntime and scipy, named by MYOGRAPH_PYTHON; target/venv unless one is named.
need_python() {
  if [[ -n ${MYOGRAPH_PYTHON:-} ]]; then return; fi
  local venv=$PWD/target/venv wanted=scripts/requirements-test.txt
  if ! cmp -s "$wanted" "$venv/installed.txt" || ! "$venv/bin/python" -c 'import h5py, numpy, onnxruntime, scipy' 2>/dev/null; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3 python3-venv
    say "Installing h5py, numpy, onnxruntime and scipy into target/venv"
    python3 -m venv --clear "$venv"
    "$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install --requirement "$wanted" >&2 ||
      stop "The Python packages of $wanted could not be installed." \
        "MYOGRAPH_PYTHON=/path/to/a/python/that/has/them scripts/test"
    cp "$wanted" "$venv/installed.txt"
  fi
  export MYOGRAPH_PYTHON=$venv/bin/python
}

# need_board: the firmware, bare and as the Arduino IDE builds it, and the bench it runs on in tests, named by
# MYOGRAPH_FIRMWARE and MYOGRAPH_RIG. Without the tools (not Debian, not installed) the stories about it are skipped.
need_board() {
  need_packages make gcc-avr avr-libc arduino-core-avr libsimavr-dev libelf-dev
  if ! command -v avr-g++ >/dev/null; then
    say "Without avr-gcc and simavr, the firmware is not tested"
    return
  fi
  say "Firmware and its bench"
  make --silent --no-print-directory -C scripts/firmware BUILD="$PWD/target/firmware" bare core wraps >&2
  make --silent --no-print-directory -C tests/rig BUILD="$PWD/target/rig" >&2
  export MYOGRAPH_FIRMWARE=$PWD/target/firmware/myograph.elf MYOGRAPH_RIG=$PWD/target/rig/rig
}

cmake_is_new_enough() {
  local found
  found=$(cmake --version 2>/dev/null | sed -n 's/^cmake version //p') && printf '%s\n%s\n' 3.26 "$found" | sort -V -C
}

# need_cmake: 3.26 or newer, which HDF5 is built with; from the system where it has that, else from PyPI into target/cmake.
need_cmake() {
  PATH=$PWD/target/cmake/bin:$PATH
  if cmake_is_new_enough; then return; fi
  if apt-cache policy cmake | sed -n 's/^  Candidate: //p' | grep -Eq '^(3\.(2[6-9]|[3-9])|[4-9])'; then
    need_packages cmake
  else
    say "Installing cmake into target/cmake"
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3 python3-venv
    python3 -m venv --clear target/cmake
    target/cmake/bin/python -m pip --quiet --disable-pip-version-check --no-input install cmake==4.4.4 >&2
  fi
  cmake_is_new_enough || stop "CMake 3.26 or newer is needed to build HDF5."
}

# need_cargo_deny: the tool that looks at licences, origins and advisories of packages; in target/tools unless installed.
# Built without optimising, it is there in two to three minutes and still answers within one second.
need_cargo_deny() {
  local wanted=0.20.2 tools=$PWD/target/tools
  PATH=$tools/bin:$PATH
  if [[ $(cargo-deny --version 2>/dev/null) == "cargo-deny $wanted" ]]; then return; fi
  say "Installing cargo-deny $wanted into target/tools"
  cargo install --locked --quiet --debug --config profile.dev.debug=false --root "$tools" "cargo-deny@$wanted" >&2 ||
    stop "cargo-deny $wanted could not be built; without it nobody looks at the licences of packages."
}

# deny WHAT...: asks cargo-deny, whose rules are in .ci.
deny() { cargo-deny --locked --config .ci/deny.toml "$@"; }
