# shellcheck shell=sh
# What a dump has in it that another server, another login or this moment must not have.

# An event of a copy never runs.
asleep() { LC_ALL=C sed '/^\/\*!50106 CREATE\*\/ /s/ ON COMPLETION \(NOT \)\{0,1\}PRESERVE ENABLE/ ON COMPLETION \1PRESERVE DISABLE/'; }
# Backticks are MySQL's quotes.
# shellcheck disable=SC2016
undefined() { LC_ALL=C sed '/^\/\*!50[01][0-9][0-9] /s/\/\*!\(50017\|50117\|50020\) DEFINER=\(`\([^`]\|``\)*`@`[^`]*`\)\*\/ //
/^\/\*!50013 DEFINER=/s/DEFINER=`\([^`]\|``\)*`@`[^`]*` //
/^CREATE DEFINER=/s/ DEFINER=`\([^`]\|``\)*`@`[^`]*`//'; }
