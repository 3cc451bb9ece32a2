# shellcheck shell=sh
# The certificates in a file.

[ -e "$file" ] || { echo "there is no $file"; exit 0; }
[ -r "$file" ] || { echo "unknown $(id -un) may not read $file"; exit 0; }
awk '/-----BEGIN CERTIFICATE-----/, /-----END CERTIFICATE-----/' "$file"
