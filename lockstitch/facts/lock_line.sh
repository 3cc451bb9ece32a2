# shellcheck shell=sh
# `lock_line WORD` prints the lock as `WORD TIME OWNER`, with the time of its file: a lock without a name is held as
# well. `read_lock` prints it where there is one; it needs `there`.

lock_line() {
    printf '%s %s %s\n' "$1" "$(date -u -r "$lock" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)" \
        "$(head -c 4096 "$lock" 2>/dev/null | tr '\000\n' '  ')"
}
read_lock() { if [ -L "$lock" ] || there "$lock"; then lock_line locked; fi; }
