#!/usr/bin/env bash
# The main job, stage by stage, on a temporary clone of this repository. git-tiny must be on PATH: make demo sees to it.
set -euo pipefail
source_tree=$(cd "$(dirname "$0")/.." && pwd)
export GIT_PAGER=cat
exec </dev/null

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git clone --quiet "$source_tree" "$place/clone"
cd "$place/clone"
git checkout --quiet -B demo
git config user.name >/dev/null || git config user.name "Demo"
git config user.email >/dev/null || git config user.email "demo@example.invalid"

strong='' faint='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	strong=$'\e[1m' faint=$'\e[2m' plain=$'\e[m'
fi
stage() { printf '\n%s== %s%s\n' "$strong" "$*" "$plain"; }
typed() {
	local word line='$'
	for word; do
		case $word in
		*[[:space:]%]*) line+=" \"$word\"" ;;
		*) line+=" $word" ;;
		esac
	done
	printf '%s%s%s\n' "$faint" "$line" "$plain"
}
run() {
	typed "$@"
	"$@"
}
refused() {
	typed "$@"
	if "$@"; then
		echo "this was to be refused" >&2
		exit 1
	fi
}
field() { git tiny show --json "${@:2}" | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

stage "What it runs on"
run git tiny version --verbose
run git tiny doctor

stage "A sentence becomes a plan: a branch of its own, and nothing of yours is touched"
run git tiny propose "rename visible_block to visible_lines"
plan=$(field id)
run git status --short --branch

stage "Review it, with git tiny or with any git tool"
run git tiny show
run git log --oneline --stat "HEAD..$(field branch)"
run git tiny check

stage "Without a terminal, approval names exactly what was shown"
refused git tiny apply --yes
run git tiny apply --yes --expect "$(field tip)"
run git log --oneline --graph -3

stage "Rollback is the way back, redo the way forth"
before=$(git rev-parse HEAD)
run git tiny rollback "$plan"
run git tiny redo "$plan"
test "$(git rev-parse HEAD)" = "$before"

stage "Your own uncommitted work as a plan; the working tree stays as it is"
echo "A line of mine." >>README.md
run git tiny propose --from-worktree
run git status --short
run git tiny reject "$(field id)"
git checkout --quiet -- README.md

stage "A series of mailed patches: one step a patch, its author kept"
git checkout --quiet -b their-work
for name in one two; do
	echo "$name" >"$name.txt"
	git add "$name.txt"
	git commit --quiet --author "Ada Example <ada@example.com>" --message "Add $name"
done
git format-patch --quiet --stdout -2 >"$place/series.mbox"
git checkout --quiet demo
run git tiny propose --patch "$place/series.mbox"
run git log --format='%h %an: %s' "HEAD..$(field branch)"

stage "A ceiling on what may be done"
refused env TINY_MODE=propose git tiny apply --yes --expect "$(field tip)"
run git tiny apply --yes --expect "$(field tip)"
run git tiny plans --all
