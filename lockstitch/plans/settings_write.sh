# shellcheck shell=sh
# Write the environment file anew with the lines `ls_r_NAME` of `env_names`, without the names in `dropped`, and with what
# `copy` (TO FROM) says; or put the kept file `former` in its place. It is made beside the file, with its owner and mode
# before its content, read back, and renamed.
# What was there before is kept as `run` in the folder `kept`. env_file.sh comes before it.
# shellcheck disable=SC2154

ls_full='is the disk full?'
ls_env_made() (
    for ls_name in $env_names; do export "ls_r_$ls_name"; done
    ls_do=write ls_dialect=$env_format ls_names=$env_names ls_dropped=$dropped ls_copy=$copy LC_ALL=C awk "$env_awk" <"$ls_like"
)
# TWO FILES: the same content, owner and mode.
# shellcheck disable=SC2046  # two words
ls_alike() { cmp -s -- "$1" "$2" && set -- $(stat -c '%u:%g=%a' -- "$1" "$2") && [ $# -eq 2 ] && [ "$1" = "$2" ]; }
ls_fails() { rm -f -- "$ls_new"; echo "$env_path: $1"; exit 1; }
ls_env_find || { echo "$ls_problem"; exit 1; }
[ -d "${ls_env_file%/*}/" ] || mkdir -p -- "${ls_env_file%/*}" || exit 1
ls_new=${ls_env_file%/*}/.${ls_env_file##*/}.lockstitch.$run
# What a run left that was killed while it wrote holds secrets.
rm -f -- "${ls_new%"$run"}"*
mkdir -p -- "$kept" && chmod 700 -- "$kept" || exit 1
# A step that is repeated keeps what was there before its first try.
if [ ! -e "$kept/$run" ] && [ ! -e "$kept/$run.none" ]; then
    if [ -n "$ls_there" ]; then
        (umask 077 && cp -p -- "$ls_env_file" "$kept/.part") && mv -f -- "$kept/.part" "$kept/$run" || exit 1
    else : >"$kept/$run.none" || exit 1; fi
fi
[ -z "$former" ] || [ -e "$kept/$former" ] || [ -e "$kept/$former.none" ] || ls_fails "the kept file $kept/$former is not there any more"
if [ -n "$former" ] && [ -e "$kept/$former.none" ]; then rm -f -- "$ls_env_file"; exit; fi
(umask 077 && : >"$ls_new") && exec 3>"$ls_new" || ls_fails "its folder may not be written by $(id -un)"
ls_like=${ls_there:+$ls_env_file}
[ -z "$former" ] || ls_like=$kept/$former
# Its access list (ACL), by a cp that knows of such: without it those who are named there could not read the file.
[ -z "$ls_like" ] || cp --attributes-only --preserve=mode -- "$ls_like" "$ls_new" 2>/dev/null || :
ls_owner=$env_owner
[ -n "$ls_owner" ] || [ -z "$ls_like" ] || ls_owner=$(stat -c %u:%g -- "$ls_like")
# No owner is found between the first two blanks.
case "  $(stat -c '%u:%g %U:%G %U' -- "$ls_new") " in
    *" $ls_owner "*) ;;
    *) chown -- "$ls_owner" "$ls_new" 2>/dev/null || ls_fails "$(id -un) cannot give it to $ls_owner" ;;
esac
ls_mode=$env_mode
[ -z "$former" ] || ls_mode=$(stat -c %a -- "$kept/$former")
chmod -- "$ls_mode" "$ls_new" || ls_fails "its mode cannot be $ls_mode"
if [ -n "$former" ]; then
    cat -- "$kept/$former" >&3 && cmp -s -- "$kept/$former" "$ls_new" || ls_fails "the kept file $kept/$former cannot be copied: $ls_full"
else
    [ -n "$ls_there" ] || ls_like=/dev/null
    ls_code=0
    ls_env_made >&3 || ls_code=$?
    # Only then it has said something: else its last line is one of the file, and may be a secret.
    [ $ls_code -ne 3 ] || ls_fails "$(cat -- "$ls_new")"
    # awk of busybox is content with a disk that is full.
    [ $ls_code -eq 0 ] && ls_env_made | cmp -s - "$ls_new" || ls_fails "it could not be written whole: $ls_full"
    ls_env_load "$ls_new" || { rm -f -- "$ls_new"; echo "$ls_problem"; exit 1; }
    for ls_name in $env_names; do
        [ "$ls_name" != "${copy%% *}" ] || continue
        eval "[ \"\$ls_s_$ls_name\" = set ] && [ \"\$ls_f_$ls_name\" = \"\$ls_d_$ls_name\" ]" || ls_fails "$ls_name reads back differently"
    done
fi
exec 3>&-
if [ -n "$ls_there" ] && ls_alike "$ls_new" "$ls_env_file"; then
    # An undo of this run would put back what is there. One that repeats a step has kept something else.
    ! ls_alike "$kept/$run" "$ls_env_file" || rm -f -- "$kept/$run"
    rm -f -- "$ls_new"; echo "$env_path: it is so already"; exit 0
fi
mv -f -- "$ls_new" "$ls_env_file" || ls_fails "it cannot be renamed"
