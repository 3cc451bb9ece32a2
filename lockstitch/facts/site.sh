# shellcheck shell=sh
# What a host offers to one app: tools that are missing, KiB that are free, folders that cannot be written; then the
# site's lock and journal.

for tool in $tools; do command -v "$tool" >/dev/null 2>&1 || echo "missing $tool"; done
near "$path"
df -Pk "$near" 2>/dev/null | { read -r _; read -r _ _ _ free _; echo "free $free"; }
for folder in "$path" "$state"; do near "$folder"; [ -w "$near" ] || echo "unwritable $near"; done
read_lock
read_journal
exit 0
