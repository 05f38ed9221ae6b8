#!/usr/bin/env bash
# The project speaks of itself alone and is finished: no marks of unfinished work, no paths of one machine.
set -euo pipefail
cd "$(dirname "$0")/.."
found=0
complain() { echo "check-words: $1" >&2; found=1; }
git grep -nE '\b(todo!|unimplemented!)\(|\bTO''DO\b|\bFIX''ME\b' -- '*.rs' && complain "unfinished marks"
git grep -nE '^\s*#\[ignore' -- '*.rs' && complain "ignored tests"
git grep -nE '(^|[^[:alnum:]_.])/(root|home/[a-z]+)/' -- ':!*.lock' ':!scripts/check-words.sh' && complain "absolute paths of a machine"
exit "$found"
