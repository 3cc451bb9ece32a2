# shellcheck shell=sh

set -eu
export GIT_COMMITTER_NAME="$by" GIT_COMMITTER_EMAIL="$by" GIT_AUTHOR_NAME="$by" GIT_AUTHOR_EMAIL="$by"
here tag -a --cleanup=whitespace -m "$message" -- "$tag" "$revision"
echo "$release $(here rev-parse "refs/tags/$tag")" >"$state/tagged"
