#!/bin/sh
# Make .venv with git tiny (from this tree) and everything that its tests need, or leave it as it is when it is current.
#   scripts/environment.sh          uses the first python3 that is new enough, or $PYTHON
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/ready
if [ -e "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt constraints.txt ] && [ "$stamp" -nt "$0" ]; then
	.venv/bin/python -c '' 2>/dev/null && exit 0
fi

fresh_enough() {
	"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}
python=${PYTHON:-}
if [ -n "$python" ]; then
	fresh_enough "$python" || {
		echo "error: PYTHON=$python is not Python 3.11 or newer" >&2
		exit 1
	}
else
	for candidate in python3 python3.13 python3.12 python3.11 python3.14 python; do
		if fresh_enough "$candidate"; then
			python=$candidate
			break
		fi
	done
fi
if [ -z "$python" ]; then
	echo "error: no Python 3.11 or newer was found" >&2
	echo "hint: install one, or name it: make test PYTHON=/path/to/python3.12" >&2
	exit 1
fi
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
	echo "error: $python has no venv module" >&2
	echo "hint: on Debian and Ubuntu: apt install python3-venv; or name another: make test PYTHON=/path/to/python3.12" >&2
	exit 1
fi

echo "setting up .venv with $("$python" --version)" >&2
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python - >.venv/tests.txt <<'EOF'
import tomllib
with open("pyproject.toml", "rb") as file:
    print("\n".join(tomllib.load(file)["dependency-groups"]["test"]))
EOF
PIP_CONSTRAINT="$PWD/constraints.txt" .venv/bin/python -m pip install --quiet --disable-pip-version-check \
	--editable . --requirement .venv/tests.txt >&2
touch "$stamp"
