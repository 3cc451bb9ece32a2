# shellcheck shell=sh
# Empty the app's cache, but for which queues are paused. artisan.sh and paused.sh come before it.

ls_in ls_sure "cache cleared" cache:clear && ls_pause_again
