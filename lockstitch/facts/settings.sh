# shellcheck shell=sh
# Print what the environment file has of the app's settings, and what each process of its service has in its environment.
# env_file.sh and `ls_service` come before it. `known` are the names whose values are declared, each as `ls_d_NAME`; of
# those that are `compared` between hosts a hash is printed, with a `salt` of this question alone. No value is printed.
# shellcheck disable=SC2154

echo "now $(date +%s)"
for ls_path in "$journal" "$kept"; do
    ! ls_env_hidden "$ls_path" || echo "unrecorded $ls_path may not be read by $(id -un)"
done
if [ -r "$journal" ]; then grep -aF '"kind":"settings"' "$journal" | tail -n 200 | sed 's/^/record /'; fi
[ ! -d "$kept" ] || find "$kept" -type f -name '*Z-*' | sed 's/\.none$//; s/.*\//kept /'
# STATE: what is in the file is compared with what runs, whatever it is; a service that compares itself is given it.
# shellcheck disable=SC2034  # the service reads them
ls_follow() {
    case $1 in
        set | same | differs)
            eval "export ls_e_$ls_name=\"\$ls_value\" $ls_name=\"\$ls_value\""; names="${names:+$names }$ls_name" ;;
        absent | empty) case " $dropped " in *" $ls_name "*) unset "$ls_name"; gone=$ls_name ;; esac ;;
    esac
}
[ ! -e "$state/reloaded" ] || echo "reload $(stat -c %Y -- "$state/reloaded")"
if [ -z "$env_path" ]; then :
elif ls_env_find; then
    if [ -n "$ls_there" ]; then
        echo "file $(stat -c '%Y %a %U:%G' -- "$ls_env_file")"
        ls_env_load "$ls_env_file" || :
    else
        echo absent
        ls_env_load /dev/null
    fi
fi
[ -z "${ls_problem-}" ] || echo "unreadable $ls_problem"
for ls_name in ${ls_others-}; do echo "other $ls_name"; done
for ls_name in $env_names; do
    eval "ls_state=\${ls_s_$ls_name:-unread} ls_value=\${ls_f_$ls_name-}"
    [ -z "${ls_problem-}" ] || ls_state=unread
    case " $known " in
        *" $ls_name "*)
            eval "ls_declared=\$ls_d_$ls_name"
            if [ "$ls_state" = set ]; then [ "$ls_value" = "$ls_declared" ] && ls_state=same || ls_state=differs; fi
            [ "$ls_state$ls_value" != differs ] || ls_state=empty
            case " $dropped " in
                *" $ls_name "*) ls_follow "$ls_state" ;;
                *) eval "export ls_e_$ls_name=\"\$ls_declared\"" ;;
            esac ;;
        *) ls_follow "$ls_state" ;;
    esac
    case $ls_state: in
        same: | differs: | set:) case " $compared " in *" $ls_name "*)
            ls_sum=$(printf '%s%s' "$salt" "$ls_value" | sha256sum); ls_state="$ls_state ${ls_sum%% *}" ;; esac ;;
    esac
    echo "value $ls_name $ls_state"
done
ls_said=$(ls_service 2>&1)
printf '%s\n' "$ls_said" | sed -n 's/^also drift /drift /p; s/^boot /&/p'
printf '%s\n' "$ls_said" | while read -r ls_word ls_role ls_pid ls_began _; do
    [ "$ls_word" = process ] || continue
    { tr '\0\n' '\n\001' <"/proc/$ls_pid/environ" || sudo -n cat "/proc/$ls_pid/environ" | tr '\0\n' '\n\001'; } 2>/dev/null |
        ls_names=$env_names ls_who="$ls_role $ls_pid $ls_began" LC_ALL=C awk '
        { at = index($0, "="); if (at) has[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END {
            line = "process " ENVIRON["ls_who"] (NR ? " seen" : " unreadable")
            for (n = split(ENVIRON["ls_names"], name, " "); n > 0; n--) {
                value = ENVIRON["ls_e_" name[n]]; gsub(/\n/, "\001", value)
                line = line " " name[n] "=" (!(name[n] in has) ? "lacks" : !(("ls_e_" name[n]) in ENVIRON) ? "has" : has[name[n]] == value ? "same" : "differs")
            }
            print line
        }'
done
exit 0
