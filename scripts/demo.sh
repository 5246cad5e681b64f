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

stage "A task becomes a plan: a branch of commits, and nothing else"
run git tiny propose "rename one_line to on_one_line"
plan=$(git tiny plans --json | python -c 'import json, sys; print(json.load(sys.stdin)["plans"][0]["id"])')
run git status --short --branch

stage "Look at it: it is a branch, so any git tool will do"
run git tiny diff "$plan" --stat
run git log --oneline -3 "tiny/$plan"
run git tiny check "$plan"

stage "Uncommitted work, staged and not, is yours and stays as it is"
echo "a note of mine" >>CHANGELOG.md
echo "another" >>LICENSE && git add LICENSE
run git status --short

stage "Approve exactly what was shown: a merge, with the plan in its trailers"
tip=$(git rev-parse "tiny/$plan")
run git tiny apply "$plan" --yes --expect "$tip"
run git log --graph --oneline -3
run git log -1 --format=%b
run git status --short

stage "Take it back, and bring back the very same commit"
merge=$(git rev-parse HEAD)
run git tiny rollback "$plan"
run git tiny redo "$plan"
[ "$(git rev-parse HEAD)" = "$merge" ]
run git status --short

stage "A patch series and uncommitted work are plans too, by the same door"
git format-patch -1 --stdout "tiny/$plan" >"$place/series.mbox"
run git tiny rollback "$plan"
run git tiny propose --patch "$place/series.mbox"
run git tiny propose --from-worktree --step 'Note what changed:CHANGELOG.md'
run git tiny plans

stage "What does not fit is refused, with the reason and the way on"
run git tiny propose "rename check_path to check_link" || true
run git tiny apply --steps 7 --dry-run || true

stage "The ceiling on what may be done"
run env TINY_MODE=propose git tiny apply || true
run git tiny status
