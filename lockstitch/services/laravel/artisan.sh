# shellcheck shell=sh
# Functions that call the app's artisan. `$php` is the binary; every call is made in the folder of the code that it is
# about. What artisan makes is for the web server's group as well.
#
# Where artisan may not write its log, it ends with 0 whatever has happened (until Laravel 10). So `ls_sure` takes what it
# prints when it has worked for the proof: an extended regular expression, which may end in `|silence`. The list of
# commands and the options of one are proven by what must be in them; `ls_knows` ends with 2 where nobody can tell.
#
# Symfony Console starts `stty` twice, each in a shell, to learn how wide the terminal is, where the environment does not
# have it; what it takes where there is no terminal are these 80 columns and 50 lines.
#
# `artisan list --format=json` and `artisan help COMMAND --format=json` are Symfony Console's descriptors.

ls_artisan() { (
    [ -z "${group:-}" ] || umask g=rwx
    COLUMNS=${COLUMNS:-80} LINES=${LINES:-50} ${ls_limit:-} "$php" artisan --no-interaction --no-ansi "$@"
); }
ls_sure() {
    ls_proof=$1; shift
    ls_said=$(ls_artisan "$@" 2>&1); ls_code=$?
    [ -z "$ls_said" ] || printf '%s\n' "$ls_said"
    [ $ls_code -eq 0 ] || return $ls_code
    printf '%s\n' "${ls_said:-silence}" | grep -Eiq -e "$ls_proof" && return 0
    echo "artisan $1 ended with 0, and did not print what it prints when it has worked"
    return 1
}
ls_options() {
    # shellcheck disable=SC2016  # these are of PHP
    ls_artisan help "$1" --format=json 2>/dev/null | "$php" -r '
        $text = stream_get_contents(STDIN);
        $told = json_decode(substr($text, (int) strpos($text, "{")), true);
        if (! isset($told["definition"])) exit(1);
        echo " ", implode(" ", array_keys($told["definition"]["options"] ?? [])), " ";' ||
        { echo "artisan does not tell the options of $1" >&2; return 1; }
}
ls_knows() {
    ls_said=$(ls_artisan list --raw 2>&1); ls_code=$?
    ls_lines="
$ls_said
"
    case $ls_code$ls_lines in
        0*"
list "*) ;;
        *) printf '%s\n' "$ls_said" "artisan does not list its commands"; return 2 ;;
    esac
    case $ls_lines in *"
$1 "* | *"
$1
"*) ;; *) return 1 ;; esac
}
