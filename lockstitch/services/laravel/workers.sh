# shellcheck shell=sh
# The function `ls_workers`, which prints `PID PARENT SINCE CODE KIND` for each worker of this app. It belongs to the app by
# the folder of the artisan it was started with, relative to the folder it runs in; those of another user, of which that is
# not known, are `unseen`. CODE is `new` where that folder is what serves and the worker began since that came; a process
# that runs in another release is `old` whatever its artisan. KIND is `brief` for one that ends by itself, or that cron or
# the scheduler starts at its time (`ls_timed PARENT`), `lasting` for one that somebody starts again at once.
# `schedule:work` is none: queue:restart does not end it.

ls_boot=$(sed -n 's/^btime //p' /proc/stat)
ls_path=$(cd "$path" 2>/dev/null && pwd -P) || ls_path=$path
ls_here=$(cd "$current" 2>/dev/null && pwd -P) || ls_here=/nowhere
ls_git=$(sed -n 's/^gitdir: //p' "$ls_here/.git" 2>/dev/null)
case $ls_git in "") ls_git=$ls_here/.git ;; /*) ;; *) ls_git=$ls_here/$ls_git ;; esac
if [ -L "$current" ] && [ "$kind" = releases ]; then ls_came=$(stat -c %Y "$current" 2>/dev/null)
else ls_came=$(stat -c %Y "$ls_git/HEAD" 2>/dev/null); fi
ls_timed() {
    while [ "${1:-0}" -gt 1 ] && read -r ls_up <"/proc/$1/stat"; do
        ls_name=${ls_up#*"("}; ls_name=${ls_name%")"*}
        case $ls_name in
            *cron*) return ;;
            sh | bash | dash | busybox | flock | timeout | nice | ionice | env | sudo | php*) ;;
            *) return 1 ;;
        esac
        ! grep -qa 'schedule:' "/proc/$1/cmdline" || return 0
        # shellcheck disable=SC2086  # the words of the line
        set -- ${ls_up##*) }
        shift
    done 2>/dev/null
    return 1
}
ls_workers() {
    # One process looks at all: a host may have hundreds.
    # shellcheck disable=SC2013  # no space is in them
    for ls_file in $(grep -la artisan /proc/[0-9]*/cmdline 2>/dev/null); do
        ls_proc=${ls_file%/*}
        ls_kind=$(tr '\0' '\n' 2>/dev/null <"$ls_file" | awk '
            at != "" && /^(queue:(work|listen)|horizon(:(supervisor|work))?)$/ { script = at }
            /(^|\/)artisan$/ { at = $0 }
            /^--(once|stop-when-empty)/ { brief = 1 }
            END { if (script != "") print (brief ? "brief" : "lasting"), script }')
        ls_line=$(cat "$ls_proc/stat" 2>/dev/null) && [ -n "$ls_kind" ] || continue
        ls_cwd=$(readlink "$ls_proc/cwd" 2>/dev/null || sudo -n readlink "$ls_proc/cwd" 2>/dev/null)
        case $ls_kind in
            *\ /*) ls_from=${ls_kind#* }; ls_from=${ls_from%/*} ;;
            *\ */*) ls_from=${ls_kind#* }; ls_from=${ls_cwd:+$ls_cwd/${ls_from%/*}} ;;
            *) ls_from=$ls_cwd ;;
        esac
        [ -z "$ls_from" ] || ls_real=$(cd "$ls_from" 2>/dev/null && pwd -P) && ls_from=${ls_from:+$ls_real}
        case $1$ls_from/ in "$ls_path"/* | "$path"/* | unseen/) ;; *) continue ;; esac
        # shellcheck disable=SC2086  # the words of the line
        set -- "$1" ${ls_line##*) }
        case $2 in Z* | X*) continue ;; esac
        ls_since=$((ls_boot + ${21} / 100))
        # The kernel's own rounding is a second.
        case $ls_from/ in
            "$ls_here"/*) if [ -z "$ls_came" ]; then ls_age=unknown
                elif [ $((ls_since + 1)) -ge "$ls_came" ]; then ls_age=new; else ls_age=old; fi ;;
            /) ls_age=unknown ;;
            *) ls_age=old ;;
        esac
        case $ls_cwd/ in "$ls_here"/*) ;; "$ls_path"/releases/*) ls_age=old ;; esac
        ls_kind=${ls_kind%% *}
        [ "$ls_kind" = brief ] || ! ls_timed "$3" || ls_kind=brief
        echo "${ls_proc#/proc/} $3 $ls_since $ls_age $ls_kind"
    done
}
# A line `UNIT WORDS` for each systemd unit that waits to start such a worker again, and the words of its command.
ls_waiting() {
    systemctl show --property=Id,SubState,WorkingDirectory,ExecStart '*.service' 2>/dev/null |
        ls_path="$ls_path" ls_named="$path" awk -v RS= -v FS='\n' '
            function within(folder) {
                return index(folder "/", ENVIRON["ls_path"] "/") == 1 || index(folder "/", ENVIRON["ls_named"] "/") == 1 }
            {
                id = ""; words = ""; folder = ""; waits = 0
                for (i = 1; i <= NF; i++) {
                    if (sub(/^Id=/, "", $i)) { id = $i; sub(/\.service$/, "", id) }
                    else if (sub(/^SubState=auto-restart/, "", $i)) waits = 1
                    else if (sub(/^WorkingDirectory=[-!]*/, "", $i)) folder = $i
                    else if (sub(/^ExecStart=.* argv\[\]=/, "", $i)) { words = $i; sub(/ ; ignore_errors=.*/, "", words) }
                }
                if (!waits || words ~ / --(once|stop-when-empty)/) next
                if (words !~ /(^| |\/)artisan (queue:(work|listen)|horizon)( |$)/) next
                script = words; sub(/artisan .*/, "", script); sub(/.* /, "", script)
                if (within(script ~ /^\// ? script : folder)) print id, words
            }'
}
