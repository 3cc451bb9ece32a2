"""Shell texts for Laravel: artisan, its maintenance mode, its caches, and php-fpm below it.

What a version has is asked of its own `artisan`, on the host and at the time. `artisan list --format=json` and
`artisan help COMMAND --format=json` are Symfony Console's descriptors; `down` writes `storage/framework/down`
(Illuminate\\Foundation\\Console\\DownCommand).
"""

from __future__ import annotations

from lockstitch.services.laravel.rights import RIGHTS

# `$php` is the binary; every call is made in the folder of the code that it is about. What artisan makes is for the
# web server's group as well.
#
# Where artisan may not write its log, it ends with 0 whatever has happened (until Laravel 10). So `ls_sure` takes what
# it prints when it has worked for the proof: an extended regular expression, which may end in `|silence`. The list of
# commands and the options of one are proven by what must be in them; `ls_knows` ends with 2 where nobody can tell.
ARTISAN = r"""
ls_artisan() { (
    [ -z "${group:-}" ] || umask g=rwx
    ${ls_limit:-} "$php" artisan --no-interaction --no-ansi "$@"
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
    ls_artisan help "$1" --format=json 2>/dev/null | "$php" -r '
        $text = stream_get_contents(STDIN);
        $told = json_decode(substr($text, (int) strpos($text, "{")), true);
        if (! isset($told["definition"])) exit(1);
        echo " ", implode(" ", array_keys($told["definition"]["options"] ?? [])), " ";' ||
        { echo "artisan does not tell the options of $1" >&2; return 1; }
}
ls_knows() {
    ls_said=$(ls_artisan list --raw 2>&1) && printf '%s\n' "$ls_said" | grep -q '^list ' ||
        { printf '%s\n' "$ls_said" "artisan does not list its commands"; return 2; }
    printf '%s\n' "$ls_said" | cut -d " " -f 1 | grep -qxF -e "$1"
}
"""

MAINTENANCE = (
    ARTISAN
    + r"""
ls_page=$current/storage/framework/down
ls_on() { [ -e "$ls_page" ]; }
# Where the configuration is cached, nothing else counts; else what config/app.php has, and the variable that it asks for.
ls_driver() {
    for ls_config in "$current/bootstrap/cache/config.php" "$current/config/app.php"; do
        ls_found=$(sed -n "/['\"]maintenance['\"] *=>/,/[])]/s/.*['\"]driver['\"] *=> *//p" "$ls_config" 2>/dev/null | head -n 1)
        case $ls_found in
            "") continue ;;
            env*) ls_default=$(printf '%s' "$ls_found" | sed -n 's/^env([^,]*, *//p'); break ;;
            *) ls_word "$ls_found"; return ;;
        esac
    done
    ls_found=${APP_MAINTENANCE_DRIVER:-$(
        sed -n 's/^ *\(export *\)\{0,1\}APP_MAINTENANCE_DRIVER *= *//p' "$current/.env" 2>/dev/null | tail -n 1)}
    ls_word "${ls_found:-${ls_default:-file}}"
}
ls_word() { printf '%s' "$1" | sed "s/^['\"]//; s/['\" ,#)].*//"; }
ls_elsewhere() {
    ls_name=$(ls_driver)
    [ "$ls_name" != file ] || return 1
    echo "$1its maintenance driver is \`$ls_name\` (APP_MAINTENANCE_DRIVER); only \`file\` is known here"
}
ls_up() { (cd "$current" && ls_artisan up); }
ls_down() { (
    ! ls_elsewhere "" || exit 1
    cd "$current" || exit 1
    ls_has=$(ls_options down) || exit 1
    secret=${secret:-${LOCKSTITCH_MAINTENANCE_SECRET:-}}
    set --
    for ls_name in message retry refresh render redirect status except secret; do
        eval "ls_value=\$$ls_name"
        [ -n "$ls_value" ] || continue
        case $ls_has in
            *" $ls_name "*) set -- "$@" "--$ls_name=$ls_value" ;;
            *) echo "artisan down has no --$ls_name in this version: left out" ;;
        esac
    done
    ls_said=$(ls_artisan down "$@" 2>&1); ls_code=$?
    printf '%s\n' "$ls_said"
    # Kept somewhere else, it would not be seen again.
    case $ls_code$ls_said in *already*) ;; 0*) [ -e storage/framework/down ] || ls_artisan up ;; esac
    exit $ls_code
); }
ls_look() {
    ls_on || { ls_elsewhere "unknown "; return 0; }
    echo "on $(stat -L -c %Y "$ls_page" 2>/dev/null || echo 0)"
    ls_said=$(sed -n 's/^ *"\(retry\|refresh\|status\)": *\([0-9][0-9]*\).*/\1 \2/p' "$ls_page" 2>/dev/null | tr '\n' ' ')
    grep -q '"secret": *"' "$ls_page" 2>/dev/null && ls_said="$ls_said(with a secret)"
    [ -z "$ls_said" ] || echo "with ${ls_said% }"
}
"""
)

# What this version of the app's artisan has, a line for each command: `command NAME OPTION…`; then `waiting MIGRATION` for
# what the code that serves has and its database has not; and how long php-fpm waits for requests at a reload. What cannot
# be told is `unread WHAT: WHY`.
ABOUT = (
    ARTISAN
    + RIGHTS
    + r"""
# A database that does not answer lets artisan hang, and is no reason why nothing else is told of the host.
ls_limit="timeout 15"
ls_unread() { echo "unread $1: $(printf '%s\n' "${2:-nothing was printed within 15 s}" | grep -v '^ *$' | tail -n 5 | tr -s ' \n' ' ' | cut -c1-300)"; }
if cd "$current" 2>/dev/null; then
    ls_artisan list --format=json 2>/dev/null | "$php" -r '
        $text = stream_get_contents(STDIN);
        $told = json_decode(substr($text, (int) strpos($text, "{")), true);
        if (! isset($told["commands"])) exit(1);
        echo "version ", $told["application"]["version"] ?? "", "\n";
        foreach ($told["commands"] as $one)
            echo "command ", $one["name"], " ", implode(" ", array_keys($one["definition"]["options"] ?? [])), "\n";' ||
        ls_unread "artisan list" "$(ls_artisan --version 2>&1)"
    [ -z "$migrates" ] || ls_said=$(ls_artisan migrate:status 2>&1)
    case ${migrates:+.}${ls_said:-} in
        *'Ran?'* | *'igration name'*)
            printf '%s\n' "$ls_said" | awk '/[ .]Pending *$/ { print "waiting", $1 } /^\| *No / { print "waiting", $4 }' ;;
        "" | *'igration table not found'* | *'o migrations found'*) ;;
        *) ls_unread "artisan migrate:status" "${ls_said:-}" ;;
    esac
    ls_rights
fi
ls_conf=$(systemctl show --property=ExecStart --value "$unit" 2>/dev/null | sed -n 's/.*--fpm-config \([^ ;]*\).*/\1/p')
if [ -r "$ls_conf" ]; then
    ls_wait=$(sed -n 's/^ *process_control_timeout *= *\([0-9a-z]*\).*/\1/p' "$ls_conf" | tail -n 1)
    echo "control ${ls_wait:-0} $ls_conf"
fi
exit 0
"""
)

COMPOSER = r"""
set -eu
cd "$release"
[ -f composer.json ] || { echo "it has no composer.json: nothing is installed"; exit 0; }
[ -f composer.lock ] || { echo "it has a composer.json and no composer.lock: commit the lock file"; exit 1; }
command -v "$composer" >/dev/null 2>&1 || { echo "$composer is not found on this host"; exit 1; }
"$composer" install --no-dev --optimize-autoloader --no-interaction --no-progress --no-ansi
"""

# Group and mode rather than owner: whoever deploys writes there too. Only what differs is touched.
WRITABLE = r"""
set -eu
cd "$release"
ls_needed="storage/app/public storage/framework/cache/data storage/framework/sessions storage/framework/views
    storage/logs bootstrap/cache/views"
mkdir -p $ls_needed
[ -n "$group" ] || exit 0
getent group "$group" >/dev/null || { echo "there is no group $group on this host"; exit 1; }
ls_find() { find storage/ bootstrap/cache/ ! -type l "$@" \( ! -group "$group" -o ! -perm -g+rw -o -type d ! -perm -2010 \); }
ls_right() { chgrp -h "$group" "$@" && chmod g+rwX "$@" && for ls_one; do [ ! -d "$ls_one" ] || chmod g+s "$ls_one"; done; }
if [ "$(id -u)" = 0 ]; then set --; else set -- -user "$(id -un)"; fi
ls_find "$@" | { bad=0; while IFS= read -r ls_path; do ls_right "$ls_path" || bad=1; done; exit $bad; } || {
    echo "$(id -un) must be in the group $group to share storage and bootstrap/cache with the web server"; exit 1; }
# What the web server made in them, with the modes of its own umask, is its own affair.
for ls_path in storage storage/framework bootstrap/cache $ls_needed; do
    [ -w "$ls_path" ] || { echo "$(id -un) may not write in $(pwd -P)/$ls_path"
        echo "once, as root: chgrp -R $group and chmod -R g+rwX,g+s on storage and bootstrap/cache"; exit 1; }
done
"""

LINK = (
    ARTISAN
    + r"""
cd "$release" || exit 1
if [ ! -d public ] || [ -e public/storage ] || [ -L public/storage ]; then exit 0; fi
ls_sure 'has been (connected|linked)|links have been created|already exists|silence' storage:link
"""
)

# `--version` boots every provider. An app may have given artisan another name: then its list of commands is the proof.
BOOT = (
    ARTISAN
    + r"""
cd "$release" || exit 1
ls_said=$(ls_artisan --version 2>&1); ls_code=$?
printf '%s\n' "$ls_said"
[ $ls_code -eq 0 ] || exit $ls_code
case $ls_said in *"Laravel Framework "*) exit 0 ;; esac
ls_knows list
"""
)

# `view:cache` begins by removing what is compiled, and the release that serves has compiled into the same shared folder.
# So releases have one each, which `config:cache` writes into the configuration it keeps (config/view.php of Laravel).
CACHE = (
    ARTISAN
    + r"""
cd "$release" || exit 1
if [ -n "$apart" ] && ! grep -q '^VIEW_COMPILED_PATH=' .env 2>/dev/null; then
    VIEW_COMPILED_PATH=${VIEW_COMPILED_PATH:-$(pwd -P)/bootstrap/cache/views}; export VIEW_COMPILED_PATH
fi
if [ -n "$ask" ]; then
    ls_knows "$what:cache"
    case $? in 0) ;; 1) echo "this version has no $what:cache: left out"; exit 0 ;; *) exit 1 ;; esac
fi
ls_sure "cached successfully|have any routes" "$what:cache"
"""
)

CLEAR = ARTISAN + 'cd "$current" || exit 1\nls_sure "cache cleared" cache:clear\n'

# With 75 where another host is at it, which would be 0 and look like done. Only a line that is nothing but that command
# can be given an option at its end.
MIGRATE = (
    ARTISAN
    + r"""
case $line in
    *--isolated* | *[!A-Za-z0-9_./=\ -]*) ;;
    *artisan\ migrate | *artisan\ migrate\ -*)
        ls_has=$(ls_options migrate) || exit 1
        case $ls_has in *" isolated "*) line="$line --isolated=75" ;; esac ;;
esac
[ -z "$group" ] || umask g=rwx
eval "$line"
"""
)

# Requests under way are waited for by php-fpm itself (process_control_timeout); new workers start after the old ones.
FPM_RELOAD = r"""
ls_master() { ls_main=$(ls_show MainPID); [ "${ls_main:-0}" != 0 ]; }
ls_master || ls_main=
ls_old=$([ -z "$ls_main" ] || ls_children "$ls_main")
ls_take reload || exit 1
ls_end=$(($(date +%s) + settle))
for ls_one in $ls_old; do
    while ls_alive "$ls_one"; do
        [ "$(date +%s)" -lt "$ls_end" ] || { echo "worker $ls_one of $unit still runs the old code after $settle s"; exit 1; }
        sleep 0.2
    done
done
"""
FPM_STATE = r"""
ls_place
ls_unit
ls_main=$(ls_show MainPID)
if [ "${ls_main:-0}" != 0 ]; then for ls_one in $(ls_children "$ls_main"); do ls_process worker "$ls_one"; done; fi
[ ! -d "$current" ] || echo "also serving $(cd "$current" && pwd -P)"
exit 0
"""
