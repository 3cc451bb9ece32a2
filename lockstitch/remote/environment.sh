# shellcheck shell=bash
# The environment that a login leaves on a host, made the same for every script: the first thing that one does. Read by
# any POSIX sh; what only bash has is behind a case of its own.
#
# Profiles, /etc/environment, pam_env, sshd's SetEnv and the controller's own shell export variables, functions and
# shell options that change what `cd`, `git`, `ls`, `date`, `tar` or `read` mean. PATH, HOME, proxies and whatever else
# an app's own tools are found by stay; what an app needs beyond that stands in the inventory's `env:`, which is set
# after this.
#
# Names of our own variables are in small letters, which one that is exported would fill: all such are removed, but for
# proxies and npm's settings. No list of the families' names is complete, so what is exported is looked through.
#
# bash as /bin/sh takes over functions and options from the environment, also before it reads a script: names of
# special built-ins (unset, set, export, eval) cannot be overridden there. `command`: what one shell does not know does
# not end it. Nothing here starts a program; the list of what is exported costs one fork. Once POSIXLY_CORRECT is unset,
# bash is no sh any more, and goes on after `. FILE` where there is no such file: so that is put back.
#
# shellcheck disable=SC2046,SC3044

set +aCefmuvx
case ${BASH_VERSION-} in
    ?*) set -f; unset -f compgen command; unset -f $(compgen -A function)
        command export -n SHELLOPTS BASHOPTS
        command set +k
        command shopt -u nullglob failglob nocaseglob nocasematch dotglob extglob extdebug globstar lastpipe xpg_echo ;;
    *) unset SHELLOPTS BASHOPTS ;;
esac 2>/dev/null
command set +o pipefail 2>/dev/null
export LANG=C.UTF-8
unset LC_ALL LC_COLLATE LC_CTYPE
IFS='
'
set -f
for ls_line in $(export -p); do
    ls_line=${ls_line#export } ls_line=${ls_line#declare -x } ls_line=${ls_line%%=*}
    case $ls_line in
        "" | [0-9]* | *[!A-Za-z0-9_]* | _ | *_proxy | npm_config_*) ;;  # no name: the rest of a value of several lines
        GIT_* | LC_* | GREP_* | LS_* | SYSTEMD_* | REDISCLI_*) unset "$ls_line" ;;
        *[A-Z]*) ;;
        *) unset "$ls_line" ;;
    esac
done
set +f
IFS=' 	
'
unset CDPATH ENV BASH_ENV BASH_COMPAT GLOBIGNORE EXECIGNORE FUNCNEST TMOUT POSIXLY_CORRECT \
    _POSIX2_VERSION LANGUAGE TZ TIME_STYLE QUOTING_STYLE COLUMNS LINES BLOCKSIZE BLOCK_SIZE DF_BLOCK_SIZE \
    DU_BLOCK_SIZE TABSIZE GZIP BZIP BZIP2 TAPE CMD_ENV I_WANT_A_BROKEN_PS CURL_HOME SHELL_VERBOSITY \
    FORCE_COLOR CLICOLOR_FORCE PS_FORMAT PS_PERSONALITY PS_COLORS TAR_OPTIONS XZ_OPT XZ_DEFAULTS
[ -d "${TMPDIR-}" ] && [ -w "$TMPDIR" ] && case $TMPDIR in /*) ;; *) false ;; esac || unset TMPDIR
case ${BASH_VERSION-} in ?*) command set -o posix 2>/dev/null ;; esac
