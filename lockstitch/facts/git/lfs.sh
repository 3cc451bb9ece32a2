# shellcheck shell=sh
# `lfs GIT_DIR REVISION URL` brings the files that a revision keeps in Git LFS: the filters that SETTINGS names put them
# in place of their pointers, in a checkout and in an archive. Without the program there would be pointers, unnoticed.
# Which server has them may stand in the revision's .lfsconfig, which lies in no work tree yet.

uses_lfs() { of "$1" grep -q -e '^[^#].*filter=lfs' "$2" -- .gitattributes '*/.gitattributes'; }
lfs() {
    uses_lfs "$1" "$2" || { [ $? -eq 1 ]; return; }
    command -v git-lfs >/dev/null ||
        { echo "$3 keeps files in Git LFS, and git-lfs is not found on this host"; return 1; }
    set -- "$@" "$(of "$1" config --blob "$2:.lfsconfig" lfs.url 2>/dev/null)"
    of "$1" -c remote.origin.url="$3" ${4:+-c "lfs.url=$4"} lfs fetch origin "$2" >/dev/null
}
