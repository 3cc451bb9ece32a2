# shellcheck shell=sh
# Functions for the environment file at `env_path`, in the dialect `env_format`; `env_awk` reads it, `env_names` are the
# app's settings, and `env_shared` is the folder of files that releases share, if there is one. Values stay in variables:
# `ls_s_NAME` is set, absent or unclear, and `ls_f_NAME` what the file has.
# shellcheck disable=SC2154

# What stands against it is in `ls_problem`; a file that is not there is none.
ls_env_find() {
    ls_problem='' ls_there=''
    ls_env_file=$(readlink -f -- "$env_path" 2>/dev/null)
    if [ -z "$ls_env_file" ] && ls_env_first; then ls_env_file=$env_path; return 0; fi
    if [ -z "$ls_env_file" ] || [ ! -d "${ls_env_file%/*}/" ]; then
        ls_problem="the folder of $env_path is not there"; return 1
    fi
    [ -e "$ls_env_file" ] || return 0
    # shellcheck disable=SC2034  # for who calls it
    ls_there=yes
    if [ ! -f "$ls_env_file" ]; then ls_problem="$env_path is no file"
    elif [ ! -r "$ls_env_file" ]; then ls_problem="$env_path may not be read by $(id -un)"
    elif ! ls_env_whole; then ls_problem="$env_path holds NUL characters"
    fi
    [ -z "$ls_problem" ]
}
# Whether the file belongs into the folder of shared files, and no deploy or push has made its folder yet. A link that
# points nowhere may be a disk that is not mounted.
ls_env_first() {
    case ${env_shared:+$env_path} in "$env_shared"/*) ;; *) return 1 ;; esac
    ls_at=${env_path%/*}
    while [ ! -e "$ls_at" ] && [ ! -L "$ls_at" ]; do
        case $ls_at in
            /*/* | [!/]*/*) ls_at=${ls_at%/*} ;;
            /*) ls_at=/ ;;
            *) ls_at=. ;;
        esac
    done
    [ -d "$ls_at" ] && [ -x "$ls_at" ]
}
# awk ends a line at a NUL. All else becomes ends of lines, which the shell takes away.
ls_env_whole() { ls_nul=$(LC_ALL=C tr -s '\000\001-\377' 'x\n' <"$ls_env_file") && [ -z "$ls_nul" ]; }
# FILE: sets the variables above, and `ls_others`, the names beside those of the app.
ls_env_load() {
    ls_parsed=$(ls_do=read ls_dialect=$env_format ls_names=$env_names LC_ALL=C awk "$env_awk" <"$1") ||
        { ls_problem="awk of this host cannot read $env_path"; return 1; }
    eval "$ls_parsed"
    [ -z "$ls_problem" ] || ls_problem="$env_path: $ls_problem"
    [ -z "$ls_problem" ]
}
# Whether a path is there, or in a folder, that may not be read: then nothing is known of it.
ls_env_hidden() {
    ls_at=$1
    while [ ! -e "$ls_at" ] && [ "${ls_at%/*}" != "$ls_at" ]; do ls_at=${ls_at%/*}; done
    [ ! -d "${ls_at:=/}" ] || [ -x "$ls_at" ] || return 0
    [ "$ls_at" = "$1" ] && [ ! -r "$ls_at" ]
}
