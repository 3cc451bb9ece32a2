# shellcheck shell=sh
# Functions for hashes of values that say nothing away from this host: their key lies in its state folder alone.
# shellcheck disable=SC2154

ls_hash_key() {
    ls_key=$(printf x | ls_digest)
    [ ${#ls_key} -eq 64 ] || return 1
    [ -s "$state/settings-key" ] ||
        (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$state/settings-key.$$" &&
            mv -f -- "$state/settings-key.$$" "$state/settings-key") || return 1
    ls_key=$(cat -- "$state/settings-key")
    [ ${#ls_key} -eq 64 ]
}
ls_digest() { ls_sum=$(sha256sum); printf '%s\n' "${ls_sum%% *}"; }
# NAME VALUE: the key is hashed twice with it, so that nothing can be put behind.
ls_hash() { printf '%s%s' "$ls_key" "$(printf '%s%s=%s' "$ls_key" "$1" "$2" | ls_digest)" | ls_digest; }
# FILE: the hash of each setting that it has, a line each.
ls_hashes() {
    ls_env_load "$1" || return 1
    for ls_name in $env_names; do
        eval "ls_value=\${ls_f_$ls_name-}; [ \"\$ls_s_$ls_name\" = absent ]" || echo "$ls_name $(ls_hash "$ls_name" "$ls_value")"
    done
}
