# shellcheck shell=sh
# `verdict` and `reason`, which is JSON, are known only when the run has ended, and `told` is the JSON of what its steps
# told. A line that a full disk cut off does not spoil this one. `ls_at` is when this step began, where that is written
# into a journal.

[ -z "$(tail -c 1 "$journal" 2>/dev/null)" ] || echo >>"$journal"
at="\"at\":\"${ls_at:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}\""
printf '%s%s,%s%s%s}\n' "${record%?}" "${verdict:+,\"verdict\":\"$verdict\"}" "$at" "${reason:+,\"reason\":$reason}" "${told:+,$told}" >>"$journal"
