# shellcheck shell=sh
# The migrations of `showmigrations --plan` without a cross. `ls_tool` is the tool as the app calls it.

said=$(eval "$ls_tool showmigrations --plan") || exit 1
case $said in
    *'[X]'* | *'[ ]'* | *'(no migrations)'*) printf '%s\n' "$said" | sed -n 's/^\[ \] *//p' ;;
    *) printf '%s\n' "$said" "showmigrations --plan printed no plan"; exit 1 ;;
esac
