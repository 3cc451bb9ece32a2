# shellcheck shell=sh
# Put back the environment file that was there before `run`, from the folder `kept`; where none was kept, nothing was
# changed. env_file.sh comes before it.
# shellcheck disable=SC2154

ls_env_find || [ -n "$ls_env_file" ] || { echo "$ls_problem"; exit 1; }
ls_new=${ls_env_file%/*}/.${ls_env_file##*/}.lockstitch.$run
rm -f -- "$ls_new" "$kept/.part"
if [ -e "$kept/$run.none" ]; then
    rm -f -- "$ls_env_file" && rm -f -- "$kept/$run.none"
elif [ -e "$kept/$run" ]; then
    # With its owner, its mode and its time: what began after that has read it.
    (umask 077 && cp -p -- "$kept/$run" "$ls_new") &&
        [ "$(stat -c '%u:%g %a' -- "$ls_new")" = "$(stat -c '%u:%g %a' -- "$kept/$run")" ] &&
        mv -f -- "$ls_new" "$ls_env_file" && rm -f -- "$kept/$run" ||
        { rm -f -- "$ls_new"; echo "$env_path: the file before could not be put back; it is $kept/$run"; exit 1; }
fi
