# shellcheck shell=sh
# Install what composer.lock says.

set -eu
cd "$release"
[ -f composer.json ] || { echo "it has no composer.json: nothing is installed"; exit 0; }
[ -f composer.lock ] || { echo "it has a composer.json and no composer.lock: commit the lock file"; exit 1; }
command -v "$composer" >/dev/null 2>&1 || { echo "$composer is not found on this host"; exit 1; }
"$composer" install --no-dev --optimize-autoloader --no-interaction --no-progress --no-ansi
