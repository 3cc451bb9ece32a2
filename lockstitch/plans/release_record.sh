# shellcheck shell=sh
# `reason` is JSON, known only when the run has failed, and `told` the JSON of what its steps told. A line that a full
# disk cut off does not spoil this one.

[ -z "$(tail -c 1 "$journal" 2>/dev/null)" ] || echo >>"$journal"
at="\"at\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\""
printf '%s,%s%s%s}\n' "${record%?}" "$at" "${reason:+,\"reason\":$reason}" "${told:+,$told}" >>"$journal"
