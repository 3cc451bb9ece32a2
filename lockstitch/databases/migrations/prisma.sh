# shellcheck shell=sh
# `migrate status` ends with 1 both where migrations wait and where it cannot tell, so its text decides. Migrations that
# only the database has, or that were edited since, are not pending. `ls_tool` is the tool as the app calls it,
# `ls_options` the options of its `migrate deploy`.

said=$(eval "$ls_tool migrate status$ls_options 2>&1")
case $said in
    *'not yet been applied'* | *'have failed'*)
        printf '%s\n' "$said" | grep -E '^[0-9]+_' || echo 'prisma migrate status names some' ;;
    *'not managed by Prisma Migrate'*) echo 'all: the database is not managed by Prisma Migrate' ;;
    *'schema is up to date'* | *'No migration found'* | *'not found locally'* | *'are different'*) ;;
    *) printf '%s\n' "$said"; exit 1 ;;
esac
