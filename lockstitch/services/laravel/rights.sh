# shellcheck shell=sh
# A function that prints a line `unwritable USER OWNER:GROUP MODE PATH` for what who deploys or php-fpm's user may not write
# to: storage and what is in it, its log, and bootstrap/cache; then `looked`, where it is known who they are.
#
# php-fpm's user is that of its workers, or where there are none now (`pm = ondemand`) that of its pools; where several
# pools have several, one that may is enough. bootstrap/cache is written by who deploys; by php-fpm's user where the
# deploy shares it with a group, since the app writes there what no cache holds. Where an ACL says more
# than the mode nothing is told, nor of the log of an app that logs elsewhere. An artisan that may not write its log ends
# with 0 when it has failed, and a page that cannot write there is a 500.

ls_tell() { echo "unwritable $1 $(stat -L -c '%U:%G %a' "$2") $(readlink -f "$2")"; }
ls_lets() {
    # shellcheck disable=SC2046  # three words
    set -- "$1" $(stat -L -c '%U %G 0%a' "$2") "$2"
    [ "$1" = root ] || [ $(($4 & 2)) != 0 ] || { [ "$2" = "$1" ] && [ $(($4 & 128)) != 0 ]; } ||
        { [ $(($4 & 16)) != 0 ] && case " $(id -Gn "$1" 2>/dev/null) " in *" $3 "*) ;; *) false ;; esac; } ||
        case $(ls -ldL "$5") in ??????????+*) ;; *) false ;; esac
}
ls_pools() {
    ls_conf=$(systemctl show --property=ExecStart --value "$unit" 2>/dev/null | sed -n 's/.*--fpm-config \([^ ;]*\).*/\1/p')
    ls_pool=$(sed -n 's/^ *include *= *//p' "${ls_conf:-/dev/null}" 2>/dev/null)
    # shellcheck disable=SC2086  # patterns, and a word each
    sed -n 's/^ *user *= *\([^ ;]*\).*/\1/p' /dev/null $ls_pool 2>/dev/null | sort -u
}
ls_rights() (
    cd "$current" 2>/dev/null || exit 0
    ls_logs="storage/logs storage/logs/laravel.log storage/logs/laravel-$(date +%F).log"
    case ${LOG_CHANNEL:-$(sed -n 's/^LOG_CHANNEL=//p' .env 2>/dev/null)} in
        *stderr* | *syslog* | *errorlog* | *null*) ls_logs= ;;
    esac
    ls_main=$(systemctl show --property=MainPID --value "$unit" 2>/dev/null)
    ls_users=$([ "${ls_main:-0}" = 0 ] || ps -o user:64= --ppid "$ls_main" 2>/dev/null | sort -u)
    [ -n "$ls_users" ] || ls_users=$(ls_pools)
    for ls_path in storage storage/app storage/framework $ls_logs storage/framework/views storage/framework/cache \
        storage/framework/sessions bootstrap/cache; do
        [ -e "$ls_path" ] || continue
        [ -w "$ls_path" ] || ls_tell "$(id -un)" "$ls_path"
        ls_no=
        [ "$ls_path" != bootstrap/cache ] || [ -n "$group" ] || continue
        for ls_user in $ls_users; do
            if ls_lets "$ls_user" "$ls_path"; then ls_no=; break; else ls_no=$ls_user; fi
        done
        [ -z "$ls_no" ] || ls_tell "$ls_no" "$ls_path"
    done
    [ -z "$ls_users" ] || echo looked
)
