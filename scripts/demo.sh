#!/usr/bin/env bash
# The main job, stage by stage, on a temporary clone of this repository: make demo
set -euo pipefail
source_tree=$(cd "$(dirname "$0")/.." && pwd)
"$source_tree/scripts/environment.sh"
export PATH="$source_tree/.venv/bin:$PATH" GIT_PAGER=cat

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git -c advice.detachedHead=false clone --quiet "$source_tree" "$place/clone"
cd "$place/clone"
git config user.name >/dev/null || git config user.name "Demo"
git config user.email >/dev/null || git config user.email "demo@example.invalid"

stage() { printf '\n\033[1m== %s\033[m\n' "$*"; }
run() {
	printf '\033[2m$ %s\033[m\n' "$*"
	"$@"
}

stage "What this is and what it runs on"
run git tiny version --verbose
run git tiny doctor

stage "The ceiling on what may be done"
run git tiny mode
run env TINY_MODE=propose git tiny mode
