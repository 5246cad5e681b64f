# Completion of git-tiny and of "git tiny" for fish.
#
#   git tiny completion fish > ~/.config/fish/completions/git-tiny.fish      for git-tiny
#   git tiny completion fish | source                                       in config.fish, for "git tiny" too

# The words after git-tiny or "git tiny" and before the cursor, one a line, "-C DIR" of git first; fails elsewhere.
function __git_tiny_words
    set -l words (commandline -opc)
    set -l program (string replace -r '.*/' '' -- $words[1])
    set -e words[1]
    if test "$program" = git-tiny
        set -q words[1]; and printf '%s\n' $words
        return 0
    end
    set -l folder
    while set -q words[1]
        switch $words[1]
            case -C
                set -a folder -C $words[2]
                set -e words[1 2]
            case -c --git-dir --work-tree --namespace --exec-path
                set -e words[1 2]
            case '-*'
                set -e words[1]
            case tiny
                set -e words[1]
                set words $folder $words
                set -q words[1]; and printf '%s\n' $words
                return 0
            case '*'
                return 1
        end
    end
    return 1
end

function __git_tiny_candidates
    set -l current (commandline -ct)
    for line in (git-tiny __complete (__git_tiny_words) "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current"
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c git-tiny -f -a '(__git_tiny_candidates)'
complete -c git -f -n '__git_tiny_words >/dev/null' -a '(__git_tiny_candidates)'
