# shellcheck shell=sh
# The newest migration, for the record of an app's release. The value is `heads`.

echo 'DO 0;' | sql "$database" || exit 1
head=$(head_of | sql "$database" --force 2>/dev/null | sed -n 's/^head //p' | head -n 1 | tr -cd 'A-Za-z0-9 ._:+(),/-')
echo "told head_after $head"
