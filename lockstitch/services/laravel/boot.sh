# shellcheck shell=sh
# Start artisan in the new code: `--version` boots every provider. An app may have given artisan another name: then its
# list of commands is the proof. artisan.sh comes before it.

cd "$release" || exit 1
ls_said=$(ls_artisan --version 2>&1); ls_code=$?
printf '%s\n' "$ls_said"
[ $ls_code -eq 0 ] || exit $ls_code
case $ls_said in *"Laravel Framework "*) exit 0 ;; esac
ls_knows list
