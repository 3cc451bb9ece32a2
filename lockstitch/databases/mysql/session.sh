# shellcheck shell=sh
# The files of a session in the client program. Nothing of the login is in its command line or its environment, which a
# command typed in the session (`\!`) would see.

command -v mariadb >/dev/null || command -v mysql >/dev/null || { echo "neither mariadb nor mysql is found on this host"; exit 1; }
{
    printf '%s\n' "$options" '[client]' 'default-character-set=utf8mb4'
    [ -z "$password" ] || printf 'password="%s"\n' "$(printf %s "$password" | sed 's/["\\]/\\&/g')"
    printf '[mysql]\nconnect-timeout=10\n'
} >options
printf %s "$database" >database
printf %s "$environment" >environment
