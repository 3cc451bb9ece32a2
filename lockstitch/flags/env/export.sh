# shellcheck shell=sh
# Give what starts or reloads the app the value that the file has. The functions of the driver come before it. What a
# service is told to pass on are `names`; `gone` must not be in the environment of any process.
# shellcheck disable=SC2034,SC2154

ls_flag_now=$(ls_flag_read)
case $ls_flag_now in
    'value '*) export "$flag_variable=${ls_flag_now#value }"; names="${names:+$names }$flag_variable" gone='' ;;
    unset) unset "$flag_variable"; gone=$flag_variable ;;
    *) echo "$flag_path: ${ls_flag_now#unreadable }"; exit 1 ;;
esac
