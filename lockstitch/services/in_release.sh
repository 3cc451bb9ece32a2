# shellcheck shell=sh
# Run `line` in the folder of the code that serves. Of `folders` (divided by colons, the release's own are relative) those
# that are there come first in PATH, the first of all first; that of a virtual environment is made the one that is active.
#
# The folder is resolved, so that a deploy meanwhile does not mix two releases.

cd -P -- "$current" 2>/dev/null || { echo "nothing is deployed at $current"; exit 1; }
ls_path=
set -f; IFS=:
for ls_folder in $folders; do
    case $ls_folder in /*) ;; *) ls_folder=$PWD/$ls_folder ;; esac
    [ -d "$ls_folder" ] || continue
    ls_path=$ls_path$ls_folder:
    [ ! -e "${ls_folder%/*}/pyvenv.cfg" ] || [ -n "${ls_venv-}" ] || ls_venv=${ls_folder%/*}
done
set +f; IFS=' 	
'
PATH=$ls_path$PATH; export PATH
[ -z "${ls_venv-}" ] || { VIRTUAL_ENV=$ls_venv; export VIRTUAL_ENV; unset PYTHONHOME; }
[ -z "$mask" ] || umask "$mask"
exec sh -c "$line"
