# shellcheck shell=sh
# Which migrations are pending, as `$ls_list`. `ls_pending`, which lists them, comes before this text.

ls_ask() {
    ls_list=$(ls_pending) || {
        printf '%s\n' "$ls_list" "which migrations are pending cannot be told: it is not known whether any was run"
        exit 1
    }
}
