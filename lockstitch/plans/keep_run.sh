# shellcheck shell=sh
# Keep the record of a run beside the journal of its site: whole or not at all, and the newest `most` of them. Where
# nothing was ever done at a site, nothing is kept.

umask 002
[ -d "$state" ] || exit 0
[ -d "$kept" ] || mkdir -p "$kept" || exit 1
new=$kept/$run.part
printf '%s\n' "$record" >"$new" && mv -f -- "$new" "$kept/$run.jsonl" || { rm -f -- "$new"; exit 1; }
set -- "$kept"/*.jsonl
while [ $# -gt "$most" ]; do rm -f -- "$1"; shift; done
set -- "$kept"/*.part
while [ $# -gt 8 ]; do rm -f -- "$1"; shift; done
