# shellcheck shell=sh
# Give what starts or reloads the app the values that its environment file has, and their `names`. env_file.sh comes before it.
# shellcheck disable=SC2154

ls_env_find || { echo "$ls_problem"; exit 1; }
if [ -n "$ls_there" ]; then
    ls_env_load "$ls_env_file" || { echo "$ls_problem"; exit 1; }
    for ls_name in $env_names; do
        if ! eval "[ \"\$ls_s_$ls_name\" = set ]"; then
            # What was taken out of the file is in the environment of no process either.
            # shellcheck disable=SC2034  # what starts the app reads it
            case " $dropped " in *" $ls_name "*) gone=$ls_name; unset "$ls_name" ;; esac
            continue
        fi
        eval "export $ls_name=\"\$ls_f_$ls_name\""
        case " $names " in *" $ls_name "*) ;; *) names="${names:+$names }$ls_name" ;; esac
    done
fi
