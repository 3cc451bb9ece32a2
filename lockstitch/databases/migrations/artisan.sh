# shellcheck shell=sh
# artisan says on stdout why it fails, and fails before the first migration has made the table. It ends with 0 whatever
# has happened, where it may not write its log. Older versions print a table, later ones a list with a title. `ls_tool`
# is the tool as the app calls it.

said=$(eval "$ls_tool migrate:status"); code=$?
case $code$said in
    *'igration table not found'*) echo 'all: none was made yet' ;;
    0*'Ran?'* | 0*'igration name'* | 0*'o migrations found'*)
        printf '%s\n' "$said" | awk '/[ .]Pending *$/ || /^\| *No /' ;;
    *) printf '%s\n' "$said" "migrate:status ended with $code and printed no list"; exit 1 ;;
esac
