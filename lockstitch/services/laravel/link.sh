# shellcheck shell=sh
# Link public/storage. artisan.sh comes before it.

cd "$release" || exit 1
if [ ! -d public ] || [ -e public/storage ] || [ -L public/storage ]; then exit 0; fi
ls_sure 'has been (connected|linked)|links have been created|already exists|silence' storage:link
