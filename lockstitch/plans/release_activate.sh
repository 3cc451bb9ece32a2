# shellcheck shell=sh
# A rename is the only atomic change of a symlink. Under one name, so that none is left by a run that was cut off.
# Beside it is kept what it was: a copy of the link, or an empty file where there was none.

set -eu
rm -f -- "$state"/current-before.*
if [ -L "$current" ]; then cp -P -- "$current" "$state/current-before.$run"; else : >"$state/current-before.$run"; fi
cd "$path"
ln -sfn "releases/$id" current.new
mv -fT current.new current
