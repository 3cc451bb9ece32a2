# shellcheck shell=sh
# Load the new code without serving it. A configuration's own chdir names `current`, which is still the old release: the
# option beats it. On a first deploy there is no `current` yet, and gunicorn would refuse that before it sees the option.

set -- -m gunicorn
[ -e "$current" ] || set -- -c '
import os
from gunicorn import config
from gunicorn.app.wsgiapp import run
usual = config.Chdir.validator
config.Chdir.validator = staticmethod(lambda path: usual(path) if os.path.exists(path) else path)
run()
'
cd "$release" || exit 1
PWD=$(pwd -P); export PWD
# shellcheck disable=SC2086  # no word where it is empty
"$python" "$@" --check-config --chdir "$PWD" $app || {
    code=$?; echo "gunicorn --check-config refused the new code (exit code $code)"; exit $code; }
