# Shared by the scripts beside it: one virtual environment per purpose, installed once per lock file.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# find_python: the newest of python3.11+ on the PATH, or the one that SENT_PYTHON names.
find_python() {
  local name
  for name in ${SENT_PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$name"
      return
    fi
  done
  say "Python 3.11 or newer is needed, and none was found on the PATH. Install it, or name it in SENT_PYTHON."
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
  # One that was interrupted while it was made has a python and no pip.
  if ! "$dir/bin/python" -m pip --version >/dev/null 2>&1; then
    say "Making a virtual environment in $dir with $python ..."
    "$python" -m venv --clear "$dir"
  fi
  say "Installing the pinned dependencies of $lock (a minute or two the first time) ..."
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  printf '%s' "$stamp" >"$dir/.stamp"
  say "Installed."
}
