# shellcheck shell=sh
# Print what the `files` (lines of DIALECT PATH) have of the variables `env_names`. env_file.sh comes before it. Values
# stay on the host: variables.awk says how long each is, and whether it keeps its rules, which are `required`.
# shellcheck disable=SC2154,SC2034

printf '%s\n' "$files" | while IFS= read -r ls_line; do
    env_format=${ls_line%% *} env_path=${ls_line#* }
    [ -n "$env_path" ] || continue
    if [ ! -e "$env_path" ]; then
        if ls_env_hidden "$env_path"; then echo "unread $env_path may not be read by $(id -un)"
        elif [ -L "$env_path" ]; then echo "unread $env_path is a link to what is not there, or may not be read"
        else echo "nofile $env_path"
        fi
        continue
    fi
    ls_env_find || { echo "unread $ls_problem"; continue; }
    ls_do=judge ls_dialect=$env_format ls_names=$env_names ls_required=$required ls_file=$env_path \
        LC_ALL=C awk "$env_awk" <"$ls_env_file" || echo "unread $env_path: awk of this host cannot read it"
done
exit 0
