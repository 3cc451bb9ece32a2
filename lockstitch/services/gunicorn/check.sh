# shellcheck shell=sh
# Load the new code without serving it. A configuration's own chdir names `current`, which is still the old release: the
# option beats it.

cd "$release" || exit 1
PWD=$(pwd -P); export PWD
# shellcheck disable=SC2086  # no word where it is empty
"$python" -m gunicorn --check-config --chdir "$PWD" $app || {
    code=$?; echo "gunicorn --check-config refused the new code (exit code $code)"; exit $code; }
