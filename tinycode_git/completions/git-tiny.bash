# Completion of git-tiny and of "git tiny" for bash 3.2 and newer.
#
#   eval "$(git tiny completion bash)"      in ~/.bashrc
#
# git's own completion calls _git_tiny. Where it is not loaded (yet), __git_tiny_git stands in: it has it loaded if it
# can be, and otherwise completes "git tiny" alone.

# The words up to the cursor, those that bash broke at "=" and ":" put together again, into the array "typed".
__git_tiny_words() {
	local index word joining=
	typed=()
	for ((index = 0; index <= COMP_CWORD; index++)); do
		word=${COMP_WORDS[index]-}
		if [[ $index -gt 0 && ( -n $joining || $word == [=:] ) ]]; then
			typed[${#typed[@]} - 1]+=$word
			[[ $word == [=:] ]] && joining=1 || joining=
		else
			typed+=("$word")
		fi
	done
}

# Where the arguments of git tiny begin in "typed", and the folder that "git -C" names, into "start" and "folder".
__git_tiny_start() {
	start=1 folder=()
	[[ ${typed[0]##*/} == git-tiny ]] && return
	while ((start < ${#typed[@]})); do
		case ${typed[start]} in
		-C)
			folder+=(-C "${typed[start + 1]-}")
			((start += 2))
			;;
		-c | --git-dir | --work-tree | --namespace | --exec-path) ((start += 2)) ;;
		-*) ((start++)) ;;
		tiny)
			((start++))
			return 0
			;;
		*) return 1 ;;
		esac
	done
	return 1
}

_git_tiny() {
	local typed start folder line value current broken files=
	__git_tiny_words
	COMPREPLY=()
	__git_tiny_start || return 0
	((start < ${#typed[@]})) || return 0
	current=${typed[${#typed[@]} - 1]}
	# What bash will replace is what stands after the last "=" or ":"; the rest is there already.
	broken=
	[[ $COMP_WORDBREAKS == *=* && $current == *=* ]] && broken=${current%"${current##*=}"}
	[[ $COMP_WORDBREAKS == *:* && ${current#"$broken"} == *:* ]] && broken=${current%"${current##*:}"}
	while IFS= read -r line; do
		value=${line%%$'\t'*}
		case $value in
		:files) files=-f ;;
		:folders) files=-d ;;
		"$broken"*) COMPREPLY+=("${value#"$broken"}") ;;
		esac
	done < <(git-tiny __complete ${folder[@]+"${folder[@]}"} "${typed[@]:start}" 2>/dev/null)
	if [[ -n $files ]]; then
		while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $files -- "${current#"$broken"}")
		compopt -o filenames 2>/dev/null
	fi
	# git's completion asks for no space after a candidate, and writes its own.
	compopt +o nospace 2>/dev/null || :
}

__git_tiny_git() {
	local typed start folder
	# bash-completion loads git's own completion when it is first needed: let it, then have bash ask again.
	if declare -F _comp_load >/dev/null; then
		_comp_load -- git >/dev/null 2>&1
	elif declare -F _completion_loader >/dev/null; then
		_completion_loader git >/dev/null 2>&1
	fi
	[[ $(complete -p git 2>/dev/null) == *__git_tiny_git* ]] || return 124
	_git_tiny
}

complete -o bashdefault -o default -F _git_tiny git-tiny
complete -p git >/dev/null 2>&1 || complete -o bashdefault -o default -F __git_tiny_git git
