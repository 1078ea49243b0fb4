# Shared by the scripts beside it: one virtual environment per purpose, installed once per lock file.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# find_python: the one that SENT_PYTHON names, else the first on the PATH that is 3.11 or newer.
find_python() {
  local name names=(python3.11 python3.12 python3.13 python3 python)
  if [ -n "${SENT_PYTHON:-}" ]; then
    names=("$SENT_PYTHON")
  fi
  for name in "${names[@]}"; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$name"
      return
    fi
  done
  if [ -n "${SENT_PYTHON:-}" ]; then
    say "SENT_PYTHON names $SENT_PYTHON, which is no Python 3.11 or newer. Name another, or unset it."
  else
    say "Python 3.11 or newer is needed, and none was found on the PATH. Install it, or name it in SENT_PYTHON."
  fi
  exit 69
}

# ensure_venv DIR LOCK: makes DIR hold exactly what LOCK pins, and this project; quick when it already does.
ensure_venv() {
  local dir=$1 lock=$2 python stamp
  python=$(find_python) || exit $?
  stamp=$( { "$python" --version; pwd; cat "$lock" pyproject.toml; } | cksum)
  if [ -f "$dir/.stamp" ] && [ "$(cat "$dir/.stamp")" = "$stamp" ]; then
    return
  fi
  trap 'say "Interrupted. The next start goes on from here."; exit 130' INT
  # One that was interrupted while it was made has a python and no pip.
  if ! "$dir/bin/python" -m pip --version >/dev/null 2>&1; then
    say "Making a virtual environment in $dir with $python ..."
    "$python" -m venv --clear "$dir"
  fi
  say "Installing the pinned dependencies of $lock (a minute or two the first time) ..."
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  trap - INT
  printf '%s' "$stamp" >"$dir/.stamp"
  say "Installed."
}
